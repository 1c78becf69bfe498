// Pcapng: the pcapng format (draft-ietf-opsawg-pcapng), blocks of either byte order.
//
//   block  type(4) total length(4) body total length(4)       length: of all four, a multiple of 4
//   option code(2) length(2) value, padded to 4                code 0 ends the list
//
// A section header block starts anew: byte order and interfaces. Packets are read from enhanced
// (6), simple (3) and obsolete (2) packet blocks; name resolution (4) and decryption secrets (10)
// are kept; statistics, custom and unknown blocks are passed over. A block whose inside is broken
// is reported and passed over; where the lengths of blocks themselves are broken, reading ends.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libsipana/base/result.h"
#include "libsipana/pcap/summary.h"
#include "libsipana/pcap/window.h"

namespace sipana::pcap {

class Pcapng {
public:
    // True where `start` begins with a section header block, or with what may become one where it
    // has fewer than 12 bytes.
    static bool is_magic(Bytes start);
    // Reads the first section header. `file` and `annotations` are filled while reading and must
    // outlive this.
    static Result<Pcapng> open(Window& window, FileSummary& file, Annotations& annotations);

    // The next packet: true and `frame` but for number and file, or false at the end of the file or
    // at damage that ends reading; then error() says which.
    bool next(Window& window, Frame& frame);
    const std::optional<Error>& error() const { return error_; }
    bool error_in_packet() const { return error_in_packet_; }
    std::uint64_t untimed() const { return untimed_; }  // packets in blocks that have no time
    // Damage that was passed over since the last call, each with its byte.
    bool has_flaws() const { return !flaws_.empty(); }
    std::vector<Error> take_flaws();

    static constexpr std::size_t max_interfaces = 16'384;       // of all sections of a file
    static constexpr std::size_t max_comment_bytes = 4u << 20;  // of all sections; later ones go
    static constexpr std::size_t max_text = 1'024;  // bytes kept of what describes an interface
    static constexpr std::size_t max_flaws = 100;   // told of a file; more are passed over silently

private:
    // How the time stamps of an interface become nanoseconds.
    struct Clock {
        std::uint64_t multiply = 1000;  // 0 where ticks are shorter than a nanosecond or binary
        std::uint8_t resolution = 6;
        bool usable = true;
        bool told = false;  // of a time stamp out of range
        std::int64_t offset_s = 0;
        std::uint32_t snap = 0;
        LinkType link{};
    };
    struct Option {
        std::uint16_t code = 0;
        Bytes value;
    };
    enum class Step : std::uint8_t { packet, other, stop };

    Pcapng(FileSummary& file, Annotations& annotations) : file_(&file), kept_(&annotations) {}

    std::uint16_t u16(const std::uint8_t* p) const;
    std::uint32_t u32(const std::uint8_t* p) const;
    std::uint64_t stamp(const std::uint8_t* p) const;  // high half first in either byte order

    Step block(Window& window, Frame& frame);
    Step section(Window& window);
    Step oversized(Window& window, std::uint32_t type, std::uint32_t length);
    // Each takes the body of one block, without type and lengths. The packet blocks return false
    // where they hold no packet that can be used.
    void interface(Bytes body, std::uint64_t at);
    bool enhanced_packet(Bytes body, Frame& frame);
    bool simple_packet(Bytes body, Frame& frame);
    bool obsolete_packet(Bytes body, Frame& frame);
    void names(Bytes body, std::uint64_t at);
    void secret(Bytes body, std::uint64_t at);

    bool packet(std::uint32_t id, std::uint64_t ticks, Bytes sizes_and_rest, Frame& frame);
    bool fill(std::uint32_t id, Bytes bytes, std::uint32_t wire, Frame& frame);
    void set_time(Clock& clock, std::uint64_t ticks, Frame& frame);
    void set_clock(Clock& clock, std::uint64_t at);
    // The next option of `rest`, which shrinks; none at the end of the list.
    std::optional<Option> option(Bytes& rest, std::uint64_t at);
    void flaw(std::uint64_t at, std::string what);
    Step fail(Errc code, std::uint64_t at, std::uint32_t type, std::string what);
    Step cut_short(Window& window, std::uint32_t type, std::uint32_t length);

    FileSummary* file_;
    Annotations* kept_;
    bool swapped_ = false;
    bool foreign_ = false;               // the section has a version that is not read
    std::vector<Clock> clocks_;          // of the section's interfaces
    std::uint32_t first_interface_ = 0;  // the section's first in file_->interfaces
    std::size_t comment_bytes_ = 0;
    std::size_t flaw_count_ = 0;
    std::uint64_t untimed_ = 0;
    std::vector<Error> flaws_;
    std::optional<Error> error_;
    bool error_in_packet_ = false;
};

}  // namespace sipana::pcap
