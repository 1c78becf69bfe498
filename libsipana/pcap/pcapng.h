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
    // True where `start` (12 bytes or more) begins with a section header block.
    static bool is_magic(Bytes start);
    // Reads the first section header. `file` and `annotations` are filled while reading and must
    // outlive this.
    static Result<Pcapng> open(Window& window, FileSummary& file, Annotations& annotations);

    // The next packet: true and `frame` but for number and file, or false at the end of the file or
    // at damage that ends reading; then error() says which.
    bool next(Window& window, Frame& frame);
    const std::optional<Error>& error() const { return error_; }
    // Damage that was passed over since the last call, each with its byte.
    std::vector<Error> take_flaws();
    bool has_flaws() const { return !flaws_.empty(); }

    static constexpr std::size_t max_interfaces = 65'536;  // of all sections of a file
    static constexpr std::size_t max_comments = 1'000;
    static constexpr std::size_t max_flaws = 100;  // of a file; more are counted, not kept

private:
    // How an interface's time stamps become nanoseconds.
    struct Clock {
        std::uint64_t multiply = 1000;  // where 0: convert() divides
        std::uint8_t resolution = 6;
        bool usable = true;
        std::int64_t offset_s = 0;
        std::uint32_t snap = 0;
        LinkType link{};
    };
    struct Option {
        std::uint16_t code = 0;
        Bytes value;
    };

    Pcapng(FileSummary& file, Annotations& annotations) : file_(&file), kept_(&annotations) {}

    std::uint16_t u16(const std::uint8_t* p) const;
    std::uint32_t u32(const std::uint8_t* p) const;
    std::uint64_t u64(const std::uint8_t* p) const;

    // Each takes the body of one block, without type and lengths. The packet blocks return false
    // where they hold no packet that can be used.
    bool section(Window& window);
    void interface(Bytes body, std::uint64_t at);
    bool enhanced_packet(Bytes body, Frame& frame);
    bool simple_packet(Bytes body, Frame& frame);
    bool obsolete_packet(Bytes body, Frame& frame);
    void names(Bytes body, std::uint64_t at);
    void secrets(Bytes body, std::uint64_t at);

    bool packet(std::uint32_t interface_id, std::uint64_t stamp, std::uint32_t captured,
                Bytes bytes_and_options, Frame& frame);
    bool stamp(const Clock& clock, std::uint64_t ticks, Frame& frame);
    // The next option of `rest`, which shrinks; none at the end of the list.
    std::optional<Option> option(Bytes& rest, std::uint64_t at);
    bool unknown_block(Window& window, std::uint32_t length);
    void flaw(std::uint64_t at, std::string what);
    bool fail(Errc code, std::uint64_t at, std::string what);
    bool cut_short(Window& window, std::uint64_t of);

    FileSummary* file_;
    Annotations* kept_;
    bool swapped_ = false;
    std::vector<Clock> clocks_;          // of the section's interfaces
    std::uint32_t first_interface_ = 0;  // the section's first in file_->interfaces
    std::size_t secret_bytes_ = 0;
    std::size_t flaw_count_ = 0;
    std::vector<Error> flaws_;
    std::optional<Error> error_;
};

}  // namespace sipana::pcap
