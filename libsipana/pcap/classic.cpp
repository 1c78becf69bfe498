#include "libsipana/pcap/classic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sipana::pcap {

namespace {

constexpr std::uint32_t microseconds = 0xa1b2c3d4;
constexpr std::uint32_t nanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kuznetzov = 0xa1b2cd34;
constexpr std::uint32_t navtel = 0xa12b3c4d;
constexpr std::uint32_t ixia_hardware = 0x1c0001ac;
constexpr std::uint32_t ixia_software = 0x1c0001ab;

constexpr std::size_t file_header = 24;
constexpr std::uint32_t usual_header = 16, modified_header = 24;  // of a record
constexpr std::size_t looked_at = 64 << 10;                       // to tell longer headers
constexpr std::uint16_t dgux_version = 543;

// The least that is taken for a possible length, whatever the file's snap length says: what libpcap
// and Wireshark take, too. Beyond, the record is damaged.
constexpr std::uint32_t usual_limit = 262'144;

// Frame check sequences and class bits stand above the link type.
constexpr std::uint32_t link_type_bits = 0xffff;

bool is_known(std::uint32_t magic) {
    return magic == microseconds || magic == nanoseconds || magic == kuznetzov || magic == navtel ||
           magic == ixia_hardware || magic == ixia_software;
}

std::uint32_t load32(const std::uint8_t* p) {
    std::uint32_t v;
    std::memcpy(&v, p, 4);
    return v;
}

// AIX puts an ifType (RFC 1213) where others put a link type.
std::optional<LinkType> aix_link(std::uint32_t if_type) {
    switch (if_type) {
        case 6:
            return LinkType::ethernet;
        case 9:
            return LinkType{6};  // token ring
        case 15:
            return LinkType{10};  // FDDI
        case 24:
            return LinkType::null;
        default:
            return std::nullopt;
    }
}

}  // namespace

bool Classic::is_magic(Bytes start) {
    if (start.size() < 4) return false;
    const std::uint32_t magic = load32(start.data());
    return is_known(magic) || is_known(__builtin_bswap32(magic));
}

Result<Classic> Classic::open(Window& window) {
    if (!window.need(file_header))
        return Error{Errc::truncated, window.left(),
                     fmt::format("cut short in the file header: {} of {} bytes are there",
                                 window.left(), file_header)};
    const std::uint8_t* p = window.cursor();
    Classic file;
    file.swapped_ = !is_known(load32(p));
    const std::uint32_t magic = file.field(p);
    std::uint16_t major = 0, minor = 0;
    std::memcpy(&major, p + 4, 2);
    std::memcpy(&minor, p + 6, 2);
    if (file.swapped_) {
        major = __builtin_bswap16(major);
        minor = __builtin_bswap16(minor);
    }
    if (major != 2 && major != dgux_version)
        return Error{Errc::unsupported, 4,
                     fmt::format("pcap version {}.{} is not read", major, minor)};
    file.snap_ = file.field(p + 16);
    const std::uint32_t network = file.field(p + 20);
    file.link_ = static_cast<LinkType>(network & link_type_bits);
    file.modified_ = magic == kuznetzov;
    file.header_ = file.modified_ ? modified_header : usual_header;
    file.nanoseconds_ = magic == microseconds || magic == kuznetzov ? 1000 : 1;
    if (major == dgux_version || minor < 3) file.lengths_ = Lengths::original_first;
    if (major == 2 && minor == 3) file.lengths_ = Lengths::either;
    if (const auto link = aix_link(network); major == 2 && minor == 2 && link) {
        file.link_ = *link;
        file.lengths_ = Lengths::captured_first;
        file.nanoseconds_ = 1;
    }
    const auto most = static_cast<std::uint32_t>(window.max_record() - file.header_);
    file.limit_ = std::min(std::max(file.snap_, usual_limit), most);
    const bool ixia = magic == ixia_hardware || magic == ixia_software;
    const std::size_t header = ixia ? file_header + 4 : file_header;
    if (!window.need(header))
        return Error{Errc::truncated, window.left(), "cut short in the file header"};
    window.pass(header);
    // What is there without waiting for more.
    file.header_ = file.likely_header(window.view(std::min(window.left(), looked_at)));
    file.modified_ = file.modified_ || file.header_ != usual_header;
    return file;
}

// The size of a record header by which the first records follow each other.
std::uint32_t Classic::likely_header(Bytes records) const {
    if (nanoseconds_ == 1 || lengths_ != Lengths::captured_first) return header_;
    if (likely_records(records, header_)) return header_;
    // The first is found wherever it ends: it takes a second one.
    constexpr std::array<std::uint32_t, 2> like_usual{24, 20}, like_modified{28, 28};
    for (const std::uint32_t header : modified_ ? like_modified : like_usual)
        if (likely_records(records, header).value_or(0) > 1) return header;
    return header_;
}

// How many of the first records can be records with headers of that size; none where one cannot.
std::optional<unsigned> Classic::likely_records(Bytes records, std::uint32_t header) const {
    constexpr unsigned enough = 3;
    // The same for a file and a pipe.
    const auto most = static_cast<std::uint32_t>(Window::max_stream_record - header_);
    unsigned seen = 0;
    for (; seen < enough && records.size() >= header; ++seen) {
        const std::uint8_t* p = records.data();
        const std::uint32_t captured = field(p + 8);
        if (field(p + 4) >= 1'000'000 || captured > std::min(limit_, most) ||
            captured > field(p + 12))
            return std::nullopt;
        records = records.subspan(std::min<std::size_t>(records.size(), header + captured));
    }
    return seen;
}

bool Classic::next(Window& window, Frame& frame) {
    if (!window.need(header_)) return end(window);
    const std::uint8_t* p = window.cursor();
    std::uint32_t captured = field(p + 8);
    std::uint32_t wire = field(p + 12);
    if (lengths_ != Lengths::captured_first) [[unlikely]] {
        if (lengths_ == Lengths::original_first || captured > wire) std::swap(captured, wire);
    }
    if (captured > limit_) [[unlikely]]
        return damaged(window, Errc::malformed,
                       fmt::format("a record of {} bytes is impossible", captured));
    // Zeros are what a crash, or a file cut while it was read, leaves: no packet has no bytes, no
    // length and no time.
    if ((captured | wire | load32(p) | load32(p + 4)) == 0) [[unlikely]]
        return damaged(window, Errc::malformed,
                       window.shrunk() ? "the file became shorter while it was read"
                                       : "zeros instead of a record");
    if (!window.need(header_ + captured)) [[unlikely]]
        return end(window);
    p = window.cursor();
    frame.time = Time{std::int64_t{field(p)} * 1'000'000'000 + field(p + 4) * nanoseconds_};
    frame.bytes = {p + header_, captured};
    frame.wire_size = std::max(captured, wire);
    frame.link = link_;
    frame.interface = 0;
    frame.offset = window.offset();
    frame.has_time = true;
    frame.stable = window.stable();
    frame.comment = {};
    window.pass(header_ + captured);
    return true;
}

// need() has failed: at the file's end, or within a record.
bool Classic::end(Window& window) {
    const std::size_t there = window.left();
    if (window.error()) {
        error_ = *window.error();
        error_->offset = window.offset();
        error_in_record_ = there > 0;
        return false;
    }
    if (there == 0) return false;
    if (there < header_)
        return damaged(window, Errc::truncated,
                       fmt::format("{} of {} bytes of its header are there", there, header_));
    const std::uint8_t* p = window.cursor();
    std::uint32_t captured = field(p + 8);
    const std::uint32_t wire = field(p + 12);
    if (lengths_ == Lengths::original_first || (lengths_ == Lengths::either && captured > wire))
        captured = wire;
    return damaged(window, Errc::truncated,
                   fmt::format("{} of {} bytes are there", there - header_, captured));
}

bool Classic::damaged(Window& window, Errc code, std::string what) {
    error_ = Error{code, window.offset(), std::move(what)};
    return false;
}

std::string_view Classic::format() const {
    if (modified_) return "pcap (modified)";
    return nanoseconds_ == 1 ? "pcap (nanoseconds)" : "pcap";
}

}  // namespace sipana::pcap
