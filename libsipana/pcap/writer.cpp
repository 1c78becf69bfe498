#include "libsipana/pcap/writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "libsipana/pcap/window.h"

namespace sipana::pcap {

namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t simple_packet_block = 3;
constexpr std::uint32_t name_resolution = 4;
constexpr std::uint32_t enhanced_packet_block = 6;
constexpr std::uint32_t decryption_secrets = 10;

constexpr std::size_t longest_option = 0xffff;
constexpr std::size_t longest_block = Window::max_mapped_record;

// Fields in the order of the file: little-endian, as almost every machine that will read it.
void put(Buffer& out, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
void put16(Buffer& out, std::uint64_t value) { put(out, value, 2); }
void put32(Buffer& out, std::uint64_t value) { put(out, value, 4); }
void pad(Buffer& out) { out.resize((out.size() + 3) / 4 * 4); }
void put_padded(Buffer& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
    pad(out);
}

void option(Buffer& out, std::uint16_t code, std::string_view value) {
    if (value.empty()) return;
    put16(out, code);
    put16(out, value.size());
    put_padded(out, as_bytes(value));
}

constexpr std::uint16_t option_comment = 1;
constexpr std::uint16_t option_name = 2;
constexpr std::uint16_t option_description = 3;
constexpr std::uint16_t option_application = 4;
constexpr std::uint16_t option_resolution = 9;
constexpr std::uint16_t option_filter = 11;

void end_of_options(Buffer& out) { put32(out, 0); }

bool fits(std::string_view text) { return text.size() <= longest_option; }

Error too_long() { return Error{Errc::too_large, 0, "an option value is longer than 65535 bytes"}; }

}  // namespace

class PcapngWriter::File {
public:
    File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    Status write(Bytes block) {
        if (descriptor_ < 0) return Error{Errc::io, 0, path_ + ": already closed"};
        while (!block.empty()) {
            const ssize_t n = ::write(descriptor_, block.data(), block.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return failure();
            block = block.subspan(static_cast<std::size_t>(n));
        }
        return Done{};
    }
    // Network file systems tell of a full disk only here.
    Status close() {
        if (descriptor_ < 0) return Done{};
        return ::close(std::exchange(descriptor_, -1)) == 0 ? Status(Done{}) : failure();
    }

private:
    Error failure() const {
        return Error{Errc::io, 0,
                     fmt::format("{}: {}", path_, std::generic_category().message(errno))};
    }
    int descriptor_;
    std::string path_;
};

PcapngWriter::PcapngWriter(BlockSink sink) : sink_(std::move(sink)) {}

Result<PcapngWriter> PcapngWriter::create(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        const Errc code = errno == EACCES || errno == EPERM ? Errc::denied
                          : errno == ENOENT                 ? Errc::not_found
                                                            : Errc::io;
        return Error{code, 0, fmt::format("{}: {}", path, std::generic_category().message(errno))};
    }
    auto file = std::make_shared<File>(descriptor, path);
    PcapngWriter writer([file](Bytes block) { return file->write(block); });
    writer.file_ = std::move(file);
    return writer;
}

PcapngWriter PcapngWriter::into(Buffer& out) {
    return PcapngWriter([&out](Bytes block) -> Status {
        out.insert(out.end(), block.begin(), block.end());
        return Done{};
    });
}

Status PcapngWriter::emit(std::uint32_t type) {
    if (!started_ && type != section_header)
        return Error{Errc::malformed, 0, "a section header has to come first"};
    block_.clear();
    put32(block_, type);
    put32(block_, body_.size() + 12);
    block_.insert(block_.end(), body_.begin(), body_.end());
    put32(block_, body_.size() + 12);
    return hand_on();
}

Status PcapngWriter::hand_on() {
    if (failed_) return *failed_;
    if (block_.size() > longest_block)
        return Error{Errc::too_large, 0,
                     fmt::format("a block of {} bytes is more than is read", block_.size())};
    if (auto written = sink_(block_); !written) {
        failed_ = written.error();
        return *failed_;
    }
    return Done{};
}

Status PcapngWriter::section(std::string_view application, std::span<const std::string> comments) {
    body_.clear();
    put32(body_, 0x1a2b3c4d);
    put16(body_, 1);
    put16(body_, 0);
    put(body_, ~std::uint64_t{0}, 8);  // the section's length is not known yet
    if (!fits(application)) return too_long();
    option(body_, option_application, application);
    for (const std::string& comment : comments) {
        if (!fits(comment)) return too_long();
        option(body_, option_comment, comment);
    }
    end_of_options(body_);
    auto written = emit(section_header);
    if (written) {
        started_ = true;
        snaps_.clear();
    }
    return written;
}

Result<std::uint32_t> PcapngWriter::interface(const Interface& interface) {
    for (const std::string* text : {&interface.name, &interface.description, &interface.comment})
        if (!fits(*text)) return too_long();
    if (interface.filter.size() >= longest_option) return too_long();
    body_.clear();
    put16(body_, static_cast<std::uint16_t>(interface.link));
    put16(body_, 0);
    put32(body_, interface.snap);
    option(body_, option_comment, interface.comment);
    option(body_, option_name, interface.name);
    option(body_, option_description, interface.description);
    option(body_, option_resolution, "\x09");
    if (!interface.filter.empty()) option(body_, option_filter, '\0' + interface.filter);
    end_of_options(body_);
    if (auto written = emit(interface_description); !written) return written.error();
    snaps_.push_back(interface.snap);
    return static_cast<std::uint32_t>(snaps_.size() - 1);
}

Status PcapngWriter::packet(const Frame& frame) {
    if (frame.interface >= snaps_.size())
        return Error{Errc::malformed, 0, "a packet of an interface that was not written"};
    if (frame.wire_size < frame.bytes.size())
        return Error{Errc::malformed, 0, "a packet with more bytes than it had on the wire"};
    if (frame.has_time && frame.time.count() < 0)
        return Error{Errc::malformed, 0, "a packet from before 1970"};
    if (!fits(frame.comment)) return too_long();
    body_.clear();
    const std::uint32_t snap =
        snaps_[0] == 0 ? std::numeric_limits<std::uint32_t>::max() : snaps_[0];
    // A simple packet block says nothing of interface, time, captured length or comment.
    if (!frame.has_time && frame.interface == 0 && frame.comment.empty() &&
        frame.bytes.size() == std::min(frame.wire_size, snap)) {
        put32(body_, frame.wire_size);
        put_padded(body_, frame.bytes);
        return emit(simple_packet_block);
    }
    block_.resize(packet_block_size(frame));
    write_packet_block(frame, block_.data());
    return hand_on();
}

Status PcapngWriter::secret(const Secret& secret) {
    body_.clear();
    put32(body_, secret.type);
    put32(body_, secret.bytes.size());
    put_padded(body_, as_bytes(secret.bytes));
    return emit(decryption_secrets);
}

Status PcapngWriter::names(std::span<const std::pair<Address, std::string>> names) {
    body_.clear();
    for (const auto& [address, name] : names) {
        const auto bytes = address.bytes();
        const Bytes whole(bytes);
        const Bytes wire = address.is_v4() ? whole.subspan(12) : whole;
        if (name.empty() || name.find('\0') != name.npos ||
            wire.size() + name.size() >= longest_option)
            return Error{Errc::malformed, 0,
                         "a host name that is empty, too long or has a NUL in it"};
        put16(body_, address.is_v4() ? 1 : 2);
        put16(body_, wire.size() + name.size() + 1);
        body_.insert(body_.end(), wire.begin(), wire.end());
        put_padded(body_, as_bytes({name.c_str(), name.size() + 1}));
    }
    put32(body_, 0);
    return emit(name_resolution);
}

Status PcapngWriter::close() { return file_ ? file_->close() : Status(Done{}); }

namespace {

// Little-endian, as put().
void store32(std::uint8_t* at, std::uint64_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(at, &word, 4);
    } else {
        for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(word >> 8 * i);
    }
}
std::uint32_t fetch32(const std::uint8_t* at) { return __builtin_bswap32(load_be32(at)); }

constexpr std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }
constexpr std::size_t packet_head = 28, block_end = 4, option_head = 4;
constexpr std::uint32_t option_packet_id = 5;
constexpr std::size_t numbered_options = option_head + 8 + option_head;

}  // namespace

std::size_t packet_block_size(const Frame& frame) {
    const std::size_t options =
        frame.comment.empty() ? 0 : 2 * option_head + padded(frame.comment.size());
    return packet_head + padded(frame.bytes.size()) + options + block_end;
}

void write_packet_block(const Frame& frame, std::uint8_t* out) {
    const std::size_t whole = packet_block_size(frame), size = frame.bytes.size();
    const auto ticks = frame.has_time ? static_cast<std::uint64_t>(frame.time.count()) : 0;
    store32(out, enhanced_packet_block);
    store32(out + 4, whole);
    store32(out + 8, frame.interface);
    store32(out + 12, ticks >> 32);
    store32(out + 16, ticks);
    store32(out + 20, size);
    store32(out + 24, frame.wire_size);
    std::uint8_t* at = out + packet_head;
    if (size != 0) {
        store32(at + padded(size) - 4, 0);  // the padding
        std::memcpy(at, frame.bytes.data(), size);
        at += padded(size);
    }
    if (const std::string_view comment = frame.comment; !comment.empty()) {
        store32(at, option_comment | comment.size() << 16);
        at += option_head;
        store32(at + padded(comment.size()) - 4, 0);
        std::memcpy(at, comment.data(), comment.size());
        at += padded(comment.size());
        store32(at, 0);
    }
    store32(out + whole - block_end, whole);
}

std::size_t numbered_block_size(const Frame& frame) {
    return packet_head + padded(frame.bytes.size()) + numbered_options + block_end;
}

void write_numbered_block(const Frame& frame, std::uint8_t* out) {
    Frame plain = frame;
    plain.comment = {};
    write_packet_block(plain, out);
    const std::size_t whole = numbered_block_size(frame);
    std::uint8_t* const options = out + whole - block_end - numbered_options;
    store32(out + 4, whole);
    store32(options, option_packet_id | 8u << 16);
    store32(options + 4, frame.number);
    store32(options + 8, frame.number >> 32);
    store32(options + 12, 0);
    store32(out + whole - block_end, whole);
}

std::optional<Frame> read_numbered_block(Bytes bytes, std::size_t& size) {
    if (bytes.size() < packet_head + numbered_options + block_end ||
        fetch32(bytes.data()) != enhanced_packet_block)
        return std::nullopt;
    const std::uint8_t* const at = bytes.data();
    size = fetch32(at + 4);
    Frame frame;
    const std::size_t captured = fetch32(at + 20);
    if (size > bytes.size() || captured > size ||
        size != packet_head + padded(captured) + numbered_options + block_end)
        return std::nullopt;
    const std::uint8_t* const options = at + size - block_end - numbered_options;
    if (fetch32(options) != (option_packet_id | 8u << 16)) return std::nullopt;
    frame.interface = fetch32(at + 8);
    frame.time =
        Time{static_cast<std::int64_t>(std::uint64_t{fetch32(at + 12)} << 32 | fetch32(at + 16))};
    frame.bytes = bytes.subspan(packet_head, captured);
    frame.wire_size = fetch32(at + 24);
    frame.number = std::uint64_t{fetch32(options + 8)} << 32 | fetch32(options + 4);
    return frame;
}

std::size_t block_size(Bytes first_eight) {
    const std::size_t size = fetch32(first_eight.data() + 4);
    return size < 12 || size > longest_block ? 0 : size;
}

WholeBlocks whole_blocks(Bytes blocks, std::size_t bytes) {
    WholeBlocks whole;
    const std::size_t end = std::min(bytes, blocks.size());
    while (end - whole.bytes >= 12) {
        const std::uint8_t* const block = blocks.data() + whole.bytes;
        const std::size_t size = fetch32(block + 4);
        if (size < 12 || size > end - whole.bytes) break;
        const std::uint32_t type = fetch32(block);
        whole.packets += type == enhanced_packet_block || type == simple_packet_block;
        whole.bytes += size;
    }
    return whole;
}

namespace {

void put_field(const ClassicShape& shape, Buffer& out, std::uint32_t value) {
    put32(out, shape.big_endian ? __builtin_bswap32(value) : value);
}

}  // namespace

void write_classic_header(const ClassicShape& shape, Buffer& out) {
    put_field(shape, out, shape.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    // Version 2.4, two fields of 16 bits.
    put16(out, shape.big_endian ? 0x0200 : 2);
    put16(out, shape.big_endian ? 0x0400 : 4);
    put_field(shape, out, 0);
    put_field(shape, out, 0);
    put_field(shape, out, shape.snap);
    put_field(shape, out, static_cast<std::uint32_t>(shape.link));
}

void write_classic_record(const ClassicShape& shape, const Frame& frame, Buffer& out) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t time = frame.time.count();
    put_field(shape, out, static_cast<std::uint32_t>(time / second));
    put_field(shape, out,
              static_cast<std::uint32_t>(time % second / (shape.nanoseconds ? 1 : 1000)));
    put_field(shape, out, static_cast<std::uint32_t>(frame.bytes.size()));
    put_field(shape, out, frame.wire_size);
    out.insert(out.end(), frame.bytes.begin(), frame.bytes.end());
}

}  // namespace sipana::pcap
