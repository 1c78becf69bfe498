// Classic: the pcap savefile format (draft-ietf-opsawg-pcap), records of either byte order.
//
//   file   magic(4) major(2) minor(2) reserved(4) reserved(4) snap length(4) link type(4)
//   record seconds(4) fraction(4) captured(4) original(4) bytes(captured)
//
// Magic numbers: a1b2c3d4 microseconds, a1b23c4d nanoseconds, a1b2cd34 "modified" (Kuznetzov: 8
// more bytes in a record header), a12b3c4d Navtel (nanoseconds), 1c0001ac and 1c0001ab Ixia
// (nanoseconds, 4 more bytes in the file header). Version 2.2 with an ifType for a link type is AIX
// (nanoseconds); other versions before 2.3 have captured and original in the other order, 2.3 in
// either.
#pragma once

#include <optional>
#include <string_view>

#include "libsipana/base/result.h"
#include "libsipana/pcap/frame.h"
#include "libsipana/pcap/window.h"

namespace sipana::pcap {

class Classic {
public:
    // True where `start` (4 bytes or more) begins with one of the magic numbers.
    static bool is_magic(Bytes start);
    // Reads the file header. Errc::truncated, unsupported (a version nobody writes).
    static Result<Classic> open(Window& window);

    // The next record as frame `number` of its file: true and `frame` but for number and file, or
    // false at the end of the file or at damage; then error() says which.
    bool next(Window& window, Frame& frame);
    const std::optional<Error>& error() const { return error_; }
    bool error_in_record() const { return error_in_record_; }

    LinkType link() const { return link_; }
    std::uint32_t snap() const { return snap_; }
    std::uint8_t resolution() const { return nanoseconds_ == 1 ? 9 : 6; }
    std::string_view format() const;  // "pcap", "pcap (nanoseconds)", "pcap (modified)"

private:
    enum class Lengths : std::uint8_t { captured_first, original_first, either };

    std::uint32_t field(const std::uint8_t* p) const {
        std::uint32_t v;
        std::memcpy(&v, p, 4);
        return swapped_ ? __builtin_bswap32(v) : v;
    }
    bool end(Window& window);
    bool damaged(Window& window, Errc code, std::string what);

    bool swapped_ = false;
    bool modified_ = false;
    Lengths lengths_ = Lengths::captured_first;
    LinkType link_{};
    std::uint32_t snap_ = 0;
    std::uint32_t header_ = 16;     // bytes of a record header
    std::uint32_t limit_ = 0;       // captured bytes that a record may have
    std::int64_t nanoseconds_ = 1;  // of one unit of the fraction
    std::optional<Error> error_;
    bool error_in_record_ = true;  // not: between two
};

}  // namespace sipana::pcap
