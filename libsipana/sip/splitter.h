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
#include "libsipana/sip/message.h"

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
    // Nothing follows: poll() gives out what is left as it is.
    void finish();
    std::optional<Piece> poll();

    std::size_t held() const { return kept_.capacity(); }     // bytes of memory for what is unfinished
    std::uint64_t skipped() const { return skipped_; }        // in all
    std::uint64_t keepalives() const { return keepalives_; }  // CR and LF bytes between messages

private:
    enum class Length : std::uint8_t { given, open };  // of the body of the message at the front

    bool has_kept() const { return kept_at_ < kept_.size(); }
    std::string_view input() const;
    void consume(std::size_t n);
    void skip(std::size_t n);
    void keep_rest();
    std::optional<std::string_view> next_line(std::size_t begin);
    Piece give(std::size_t size, bool incomplete);
    void close_message();
    void lose_step();
    std::size_t start_in(std::string_view line) const;
    bool find_start();
    std::optional<Piece> read_message();
    std::optional<Piece> read_head();
    std::optional<Piece> read_open_body();
    void settle_length();
    std::optional<Piece> leave_off();

    std::vector<char> kept_;  // what is unfinished, once the chunk that held it is gone
    std::size_t kept_at_ = 0;
    std::string_view chunk_;     // not yet consumed; comes after kept_
    Message head_;               // of the message at the front, to learn its length
    bool in_message_ = false;    // the input begins with a start line
    std::size_t line_ = 0;       // where the line begins that is looked at
    std::size_t searched_ = 0;   // no LF stands between line_ and here
    std::size_t head_size_ = 0;  // with the blank line; 0: it is not found yet
    std::size_t body_size_ = 0;
    Length length_ = Length::given;
    std::uint64_t skipped_ = 0, skipped_since_ = 0, keepalives_ = 0;
    bool begun_ = false;     // something was fed or lost
    bool hunting_ = false;   // out of step: believe only what starts_message()
    bool mid_line_ = false;  // the input may begin in the middle of a line
    bool gap_ = false;       // lost bytes stand between kept_ and chunk_
    bool ended_ = false;
};

}  // namespace sipana::sip
