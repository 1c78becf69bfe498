// Splitter: cuts SIP messages out of a stream (RFC 3261 18.3, RFC 5626 3.5.1).
//
// A message ends where its Content-Length says. Where that is missing the body is taken as empty,
// unless a Content-Type announces one; then, and where the length cannot be read (negative, too
// large, contradictory), the body runs to the next line that starts a message, or to the end of the
// stream. CRLFs between messages are keep-alives. Bytes that start no message, and what follows a
// gap, are passed over to the next line that starts one, and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "libsipana/base/bytes.h"

namespace sipana::sip {

struct Piece {
    std::string_view text;  // one message; lives until the next feed, poll, lost or finish
    std::uint64_t skipped_before = 0;  // bytes passed over since the message before
    bool incomplete = false;           // the stream ended, lost bytes or restarted inside it
};

class Splitter {
public:
    static constexpr std::size_t max_head = 1 << 20;   // start line and header fields
    static constexpr std::size_t max_body = 16 << 20;  // longer Content-Lengths are not believed

    // The next bytes. `from_start`: nothing came before the very first of them; otherwise the
    // stream was joined in the middle. Ignored after the first call. Call poll() until it is empty
    // while `bytes` are alive: whole messages are viewed where they lie, only the rest is copied.
    void feed(Bytes bytes, bool from_start);
    // That many bytes were never seen.
    void lost(std::uint64_t bytes);
    // Nothing follows: what is left is given out as it is.
    void finish();
    std::optional<Piece> poll();

    std::uint64_t skipped() const { return skipped_; }        // in all
    std::uint64_t keepalives() const { return keepalives_; }  // CR and LF bytes between messages

private:
    enum class Length : std::uint8_t { unknown, given, open };  // of the message at the front
    enum class Step : std::uint8_t { again, more };

    std::string_view input() const;
    void consume(std::size_t n);
    void skip(std::size_t n);
    void keep_rest();
    std::optional<Piece> give(std::size_t size, bool incomplete);
    bool pass_line_ends();
    Step find_start();
    Step read_head();
    void settle_length(std::string_view head);
    std::optional<std::size_t> open_end();
    std::optional<Piece> leave_off();
    void restart();

    std::vector<char> kept_;  // an unfinished message, when the chunk that held it is gone
    std::size_t kept_at_ = 0;
    std::string_view chunk_;     // not yet consumed, while kept_ is empty
    std::size_t scanned_ = 0;    // of the message at the front: looked at so far
    std::size_t head_size_ = 0;  // 0: the blank line is not found yet
    std::size_t body_size_ = 0;
    Length length_ = Length::unknown;
    std::uint64_t skipped_ = 0, skipped_since_ = 0, keepalives_ = 0;
    bool begun_ = false;    // feed() was called
    bool hunting_ = false;  // between messages, at a place that may not be a line's beginning
    bool ended_ = false;    // finish() was called, or a gap stands behind the bytes kept
    bool gap_ = false;
};

}  // namespace sipana::sip
