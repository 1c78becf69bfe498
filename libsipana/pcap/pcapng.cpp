#include "libsipana/pcap/pcapng.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sipana::pcap {

namespace {

// Block types (draft-ietf-opsawg-pcapng 10.1).
constexpr std::uint32_t section_header = 0x0a0d0d0a;  // a palindrome: the same in either order
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t obsolete_packet_block = 2;
constexpr std::uint32_t simple_packet_block = 3;
constexpr std::uint32_t name_resolution = 4;
constexpr std::uint32_t enhanced_packet_block = 6;
constexpr std::uint32_t decryption_secrets = 10;

constexpr std::uint32_t byte_order = 0x1a2b3c4d;
constexpr std::uint32_t least_block = 12;
constexpr std::uint32_t least_section = 28;
constexpr std::uint16_t option_comment = 1;

// Finer than these no clock is: 64 bits of ticks would wrap within seconds.
constexpr unsigned finest_decimal = 19;
constexpr unsigned finest_binary = 63;
constexpr std::uint8_t binary = 0x80;

bool holds_packet(std::uint32_t type) {
    return type == enhanced_packet_block || type == simple_packet_block ||
           type == obsolete_packet_block;
}

std::uint64_t power_of_ten(unsigned exponent) {
    std::uint64_t p = 1;
    while (exponent-- > 0) p *= 10;
    return p;
}

std::size_t padded(std::size_t n) { return (n + 3) / 4 * 4; }

std::string text(Bytes value) {
    return std::string(as_text(value.first(std::min(value.size(), Pcapng::max_text))));
}

std::uint32_t load32(const std::uint8_t* p) {
    std::uint32_t v;
    std::memcpy(&v, p, 4);
    return v;
}

}  // namespace

bool Pcapng::is_magic(Bytes start) {
    if (start.size() < 4 || load32(start.data()) != section_header) return false;
    if (start.size() < least_block) return true;
    const std::uint32_t order = load32(start.data() + 8);
    return order == byte_order || __builtin_bswap32(order) == byte_order;
}

std::uint16_t Pcapng::u16(const std::uint8_t* p) const {
    std::uint16_t v;
    std::memcpy(&v, p, 2);
    return swapped_ ? __builtin_bswap16(v) : v;
}
std::uint32_t Pcapng::u32(const std::uint8_t* p) const {
    const std::uint32_t v = load32(p);
    return swapped_ ? __builtin_bswap32(v) : v;
}
std::uint64_t Pcapng::stamp(const std::uint8_t* p) const {
    return std::uint64_t{u32(p)} << 32 | u32(p + 4);
}

Result<Pcapng> Pcapng::open(Window& window, FileSummary& file, Annotations& annotations) {
    Pcapng self(file, annotations);
    if (self.section(window) == Step::stop) {
        Error error = *self.error_;
        if (error.code == Errc::truncated)
            error.what = "cut short in the section header: " + error.what;
        return error;
    }
    if (self.foreign_) return Error{Errc::unsupported, 0, "its version of pcapng is not read"};
    return self;
}

bool Pcapng::next(Window& window, Frame& frame) {
    Step step = Step::other;
    while (step == Step::other) step = block(window, frame);
    return step == Step::packet;
}

Pcapng::Step Pcapng::block(Window& window, Frame& frame) {
    if (!window.need(least_block)) return cut_short(window, 0, least_block);
    const std::uint8_t* p = window.cursor();
    const std::uint64_t at = window.offset();
    const std::uint32_t type = u32(p);
    if (type == section_header) return section(window);
    const std::uint32_t length = u32(p + 4);
    if (length < least_block || length % 4 != 0) {
        if (window.shrunk())
            return fail(Errc::malformed, at, type, "the file became shorter while it was read");
        return fail(Errc::malformed, at, type,
                    fmt::format("a block of {} bytes is impossible", length));
    }
    if (length > window.max_record()) return oversized(window, type, length);
    if (!window.need(length)) return cut_short(window, type, length);
    p = window.cursor();
    if (const std::uint32_t after = u32(p + length - 4); after != length)
        return fail(Errc::malformed, at, type,
                    fmt::format("its length is {} before and {} after it", length, after));
    const Bytes body{p + 8, length - least_block};
    window.pass(length);
    if (foreign_) return Step::other;
    frame.offset = at;
    frame.stable = window.stable();
    switch (type) {
        case enhanced_packet_block:
            return enhanced_packet(body, frame) ? Step::packet : Step::other;
        case simple_packet_block:
            return simple_packet(body, frame) ? Step::packet : Step::other;
        case obsolete_packet_block:
            return obsolete_packet(body, frame) ? Step::packet : Step::other;
        case interface_description:
            interface(body, at);
            break;
        case name_resolution:
            names(body, at);
            break;
        case decryption_secrets:
            secret(body, at);
            break;
        default:
            break;
    }
    return Step::other;
}

//   magic(4) major(2) minor(2) section length(8) options
Pcapng::Step Pcapng::section(Window& window) {
    if (!window.need(least_block)) return cut_short(window, section_header, least_section);
    const std::uint64_t at = window.offset();
    const std::uint8_t* p = window.cursor();
    swapped_ = load32(p + 8) != byte_order;
    if (u32(p + 8) != byte_order)
        return fail(Errc::malformed, at, section_header, "the byte-order magic is wrong");
    const std::uint32_t length = u32(p + 4);
    if (length < least_section || length % 4 != 0 || length > window.max_record())
        return fail(Errc::malformed, at, section_header,
                    fmt::format("a section header of {} bytes is impossible", length));
    if (!window.need(length)) return cut_short(window, section_header, length);
    p = window.cursor();
    if (const std::uint32_t after = u32(p + length - 4); after != length)
        return fail(Errc::malformed, at, section_header,
                    fmt::format("its length is {} before and {} after it", length, after));
    clocks_.clear();
    first_interface_ = static_cast<std::uint32_t>(file_->interfaces.size());
    // A later version may read its blocks otherwise, but blocks they are.
    foreign_ = u16(p + 12) != 1;
    if (foreign_) {
        flaw(at, fmt::format("a section of pcapng version {}.{} is passed over", u16(p + 12),
                             u16(p + 14)));
        window.pass(length);
        return Step::other;
    }
    Bytes options{p + 24, length - least_section};
    window.pass(length);
    while (const auto o = option(options, at))
        if (o->code == option_comment && o->value.size() <= max_comment_bytes - comment_bytes_) {
            comment_bytes_ += o->value.size();
            file_->comments.emplace_back(as_text(o->value));
        }
    return Step::other;
}

// A block larger than the window takes. Only one that holds nothing for us can be passed over.
Pcapng::Step Pcapng::oversized(Window& window, std::uint32_t type, std::uint32_t length) {
    const std::uint64_t at = window.offset();
    if (holds_packet(type) || type == interface_description)
        return fail(Errc::too_large, at, type,
                    fmt::format("a block of {} bytes is more than is read", length));
    if (type == name_resolution || type == decryption_secrets)
        flaw(at, fmt::format("a block of {} bytes is passed over", length));
    if (window.skip(length)) return Step::other;
    return fail(Errc::truncated, at, type,
                fmt::format("{} of {} bytes are there", window.offset() - at, length));
}

//   link type(2) reserved(2) snap length(4) options
void Pcapng::interface(Bytes body, std::uint64_t at) {
    Interface interface;
    Clock clock;
    // Later packets count on its index: a broken one takes its place, too.
    const bool whole = body.size() >= 8;
    if (!whole) flaw(at, "an interface description is too short");
    if (whole) {
        interface.link = static_cast<LinkType>(u16(body.data()));
        interface.snap = u32(body.data() + 4);
        Bytes options = body.subspan(8);
        while (const auto o = option(options, at)) {
            const Bytes v = o->value;
            switch (o->code) {
                case option_comment:
                    interface.comment = text(v);
                    break;
                case 2:
                    interface.name = text(v);
                    break;
                case 3:
                    interface.description = text(v);
                    break;
                case 9:
                    if (!v.empty()) interface.resolution = v[0];
                    break;
                case 11:  // its first byte 0: an expression; otherwise BPF code
                    if (!v.empty() && v[0] == 0) interface.filter = text(v.subspan(1));
                    break;
                case 14:
                    if (v.size() == 8) {
                        std::uint64_t seconds;
                        std::memcpy(&seconds, v.data(), 8);
                        if (swapped_) seconds = __builtin_bswap64(seconds);
                        interface.offset_s = static_cast<std::int64_t>(seconds);
                    }
                    break;
                default:
                    break;
            }
        }
    }
    clock.resolution = interface.resolution;
    clock.offset_s = interface.offset_s;
    clock.snap = interface.snap;
    clock.link = interface.link;
    set_clock(clock, at);
    interface.usable_time = clock.usable;
    if (file_->interfaces.size() >= max_interfaces) {
        flaw(at, fmt::format("more than {} interfaces", max_interfaces));
        return;
    }
    clocks_.push_back(clock);
    file_->interfaces.push_back(std::move(interface));
}

void Pcapng::set_clock(Clock& clock, std::uint64_t at) {
    const unsigned exponent = clock.resolution & ~binary & 0xffu;
    const bool is_binary = clock.resolution & binary;
    clock.usable = exponent <= (is_binary ? finest_binary : finest_decimal);
    clock.multiply = is_binary || exponent > 9 ? 0 : power_of_ten(9 - exponent);
    if (!clock.usable)
        flaw(at, fmt::format("interface {}: a time stamp resolution of {}^-{} s is absurd, its "
                             "packets are read without a time",
                             clocks_.size(), is_binary ? 2 : 10, exponent));
}

void Pcapng::set_time(Clock& clock, std::uint64_t ticks, Frame& frame) {
    frame.has_time = false;
    frame.time = Time{};
    if (!clock.usable) return;
    __extension__ using Wide = __int128;
    Wide ns = 0;
    if (clock.multiply != 0)
        ns = static_cast<Wide>(ticks) * clock.multiply;
    else if (clock.resolution & binary)
        ns = static_cast<Wide>(ticks) * 1'000'000'000 >> (clock.resolution & 0x3f);
    else
        ns = ticks / power_of_ten(clock.resolution - 9u);
    ns += static_cast<Wide>(clock.offset_s) * 1'000'000'000;
    if (ns >= INT64_MIN && ns <= INT64_MAX) {
        frame.has_time = true;
        frame.time = Time{static_cast<std::int64_t>(ns)};
    } else if (!clock.told) {
        clock.told = true;
        flaw(frame.offset, "a time stamp lies outside the years 1677 to 2262");
    }
}

//   interface(4) time stamp(8) captured(4) original(4) bytes, padded; options
bool Pcapng::enhanced_packet(Bytes body, Frame& frame) {
    if (body.size() < 20) {
        flaw(frame.offset, "a packet block is too short for its header");
        return false;
    }
    return packet(u32(body.data()), stamp(body.data() + 4), body.subspan(12), frame);
}

//   interface(2) drops(2) time stamp(8) captured(4) original(4) bytes, padded; options
bool Pcapng::obsolete_packet(Bytes body, Frame& frame) {
    if (body.size() < 20) {
        flaw(frame.offset, "a packet block is too short for its header");
        return false;
    }
    return packet(u16(body.data()), stamp(body.data() + 4), body.subspan(12), frame);
}

//   original(4) bytes, padded: as many as the snap length of the first interface lets through
bool Pcapng::simple_packet(Bytes body, Frame& frame) {
    if (body.size() < 4 || clocks_.empty()) {
        flaw(frame.offset, body.size() < 4 ? "a packet block is too short for its header"
                                           : "a packet of no interface");
        return false;
    }
    const std::uint32_t wire = u32(body.data());
    const std::uint32_t snap = clocks_[0].snap;
    const std::size_t captured = snap == 0 ? wire : std::min(wire, snap);
    if (captured > body.size() - 4) {
        flaw(frame.offset, fmt::format("a packet of {} bytes in a block that holds {}", captured,
                                       body.size() - 4));
        return false;
    }
    frame.has_time = false;
    frame.time = Time{};
    frame.comment = {};
    return fill(0, body.subspan(4, captured), wire, frame);
}

// `sizes_and_rest`: captured(4) original(4) bytes, padded; options.
bool Pcapng::packet(std::uint32_t id, std::uint64_t ticks, Bytes sizes_and_rest, Frame& frame) {
    const std::uint32_t captured = u32(sizes_and_rest.data());
    const std::uint32_t wire = u32(sizes_and_rest.data() + 4);
    const Bytes rest = sizes_and_rest.subspan(8);
    if (id >= clocks_.size()) {
        flaw(frame.offset,
             fmt::format("a packet of interface {}, which its section does not have", id));
        return false;
    }
    if (captured > rest.size()) {
        flaw(frame.offset,
             fmt::format("a packet of {} bytes in a block that holds {}", captured, rest.size()));
        return false;
    }
    set_time(clocks_[id], ticks, frame);
    frame.comment = {};
    Bytes options = rest.subspan(std::min(padded(captured), rest.size()));
    while (const auto o = option(options, frame.offset))
        if (o->code == option_comment && frame.comment.empty()) frame.comment = as_text(o->value);
    return fill(id, rest.first(captured), wire, frame);
}

bool Pcapng::fill(std::uint32_t id, Bytes bytes, std::uint32_t wire, Frame& frame) {
    frame.bytes = bytes;
    frame.wire_size = std::max(wire, static_cast<std::uint32_t>(bytes.size()));
    frame.link = clocks_[id].link;
    frame.interface = first_interface_ + id;
    return true;
}

//   record: type(2) length(2) address, names that end in NUL; padded. Type 0 ends the list
void Pcapng::names(Bytes body, std::uint64_t at) {
    while (const auto record = option(body, at)) {
        const std::size_t size = record->code == 1 ? 4 : record->code == 2 ? 16 : 0;
        if (size == 0) continue;  // EUI-48 and later additions
        if (record->value.size() < size) {
            flaw(at, "a name resolution record is too short for its address");
            continue;
        }
        const std::uint8_t* p = record->value.data();
        const Address address = size == 4 ? Address::v4(p) : Address::v6(p);
        std::string_view rest = as_text(record->value.subspan(size));
        while (!rest.empty()) {
            const auto end = rest.find('\0');
            const std::string_view name = rest.substr(0, end);
            rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
            if (!name.empty()) kept_->add_name(address, std::string(name.substr(0, max_text)));
        }
    }
}

//   secrets type(4) length(4) secrets, padded; options
void Pcapng::secret(Bytes body, std::uint64_t at) {
    if (body.size() < 8 || u32(body.data() + 4) > body.size() - 8) {
        flaw(at, "a decryption secrets block is shorter than its secrets");
        return;
    }
    ++file_->secrets;
    const std::size_t size = u32(body.data() + 4);
    kept_->add_secret(Secret{u32(body.data()), std::string(as_text(body.subspan(8, size)))});
}

std::optional<Pcapng::Option> Pcapng::option(Bytes& rest, std::uint64_t at) {
    if (rest.size() < 4) return std::nullopt;
    const std::uint16_t code = u16(rest.data());
    const std::size_t size = u16(rest.data() + 2);
    if (code == 0) return std::nullopt;
    if (size > rest.size() - 4) {
        flaw(at, fmt::format("option {} runs past the end of its block", code));
        rest = {};
        return std::nullopt;
    }
    const Bytes value = rest.subspan(4, size);
    rest = rest.subspan(std::min(4 + padded(size), rest.size()));
    return Option{code, value};
}

void Pcapng::flaw(std::uint64_t at, std::string what) {
    if (flaw_count_++ < max_flaws) flaws_.push_back(Error{Errc::malformed, at, std::move(what)});
}

std::vector<Error> Pcapng::take_flaws() { return std::exchange(flaws_, {}); }

Pcapng::Step Pcapng::fail(Errc code, std::uint64_t at, std::uint32_t type, std::string what) {
    error_ = Error{code, at, std::move(what)};
    error_in_packet_ = holds_packet(type);
    return Step::stop;
}

// need() has failed: at the file's end, or within a block.
Pcapng::Step Pcapng::cut_short(Window& window, std::uint32_t type, std::uint32_t length) {
    const std::size_t there = window.left();
    const std::uint64_t at = window.offset();
    if (there >= 8) {
        type = u32(window.cursor());
        if (type != section_header) length = u32(window.cursor() + 4);
    }
    if (window.error()) return fail(window.error()->code, at, type, window.error()->what);
    if (there == 0) return Step::stop;
    return fail(Errc::truncated, at, type,
                fmt::format("{} of {} bytes of a block are there", there, length));
}

}  // namespace sipana::pcap
