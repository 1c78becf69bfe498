#include "libsipana/sip/splitter.h"

#include <algorithm>

#include "libsipana/sip/start_line.h"

namespace sipana::sip {
namespace {

// A stream that was quiet for long should not sit on the memory of its largest message.
constexpr std::size_t worth_releasing = 256 << 10;

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

std::string_view without_line_end(std::string_view line) {
    while (!line.empty() && is_line_end(line.back())) line.remove_suffix(1);
    return line;
}

// Where a start line begins behind the end of a body whose last line was never ended; npos:
// nowhere.
std::size_t start_behind_body(std::string_view line) {
    for (std::size_t at = line.find("SIP/2.0 "); at != line.npos;
         at = line.find("SIP/2.0 ", at + 1))
        if (starts_message(line.substr(at))) return at;
    std::size_t best = line.npos;
    if (line.find(" SIP/2.0") == line.npos) return best;
    for (auto i = static_cast<unsigned>(Method::invite); i <= static_cast<unsigned>(Method::update);
         ++i) {
        const std::string_view name = to_string(static_cast<Method>(i));
        const std::size_t at = line.rfind(name);
        if (at != line.npos && (best == line.npos || at > best) &&
            line.substr(at + name.size()).starts_with(' ') && starts_message(line.substr(at)))
            best = at;
    }
    return best;
}

// Where a message starts in a line that may hold the end of something else; npos: nowhere. At the
// beginning of a line any method will do, unless it ends in one that is known, as in "bodyMESSAGE".
// In the middle of a line "NVITE" would look like an extension method: there only known ones count.
std::size_t start_on_line(std::string_view line, bool mid_line) {
    if (!starts_message(line)) return start_behind_body(line);
    const auto start = parse_start_line(line);
    if (start->status != 0 || method_of(start->method) != Method::other) return 0;
    const std::size_t behind = start_behind_body(line);
    return behind != line.npos || mid_line ? behind : 0;
}

}  // namespace

std::string_view Splitter::input() const {
    if (has_kept()) return {kept_.data() + kept_at_, kept_.size() - kept_at_};
    return chunk_;
}

void Splitter::consume(std::size_t n) {
    if (has_kept())
        kept_at_ += n;
    else
        chunk_.remove_prefix(n);
    line_ = searched_ = 0;
}

void Splitter::skip(std::size_t n) {
    skipped_ += n;
    skipped_since_ += n;
    consume(n);
}

void Splitter::keep_rest() {
    if (!has_kept()) {
        kept_at_ = 0;
        if (kept_.capacity() > worth_releasing && chunk_.size() < worth_releasing)
            kept_ = std::vector<char>();
        kept_.clear();
    } else if (kept_at_ > 0) {
        kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(kept_at_));
        kept_at_ = 0;
    }
    kept_.insert(kept_.end(), chunk_.begin(), chunk_.end());
    chunk_ = {};
}

void Splitter::feed(Bytes bytes, bool from_start) {
    if (!begun_ && !from_start) lose_step();
    begun_ = true;
    if (gap_ && !chunk_.empty()) {  // poll() was not called since the gap: nothing can wait for it
        skip(input().size());
        kept_at_ = kept_.size();
        gap_ = false;
        lose_step();
    }
    if (!chunk_.empty()) keep_rest();
    chunk_ = as_text(bytes);
    if (has_kept() && !gap_) keep_rest();
}

void Splitter::lost(std::uint64_t bytes) {
    if (bytes == 0) return;
    begun_ = true;
    if (!chunk_.empty() && !gap_) keep_rest();
    if (has_kept())
        gap_ = true;
    else
        lose_step();
}

void Splitter::finish() { ended_ = true; }

std::optional<Piece> Splitter::poll() {
    for (;;) {
        if (gap_ && !has_kept()) {
            gap_ = false;
            lose_step();
        }
        if (in_message_ || find_start()) {
            if (auto piece = read_message()) return piece;
            if (!in_message_) continue;  // it was given up
        }
        if (gap_ || ended_) {
            const bool last = !gap_;
            if (auto piece = leave_off()) return piece;
            if (last) return std::nullopt;
            continue;
        }
        keep_rest();
        return std::nullopt;
    }
}

// The line that begins at `begin`, with its LF; nullopt while that has not come.
std::optional<std::string_view> Splitter::next_line(std::size_t begin) {
    const std::string_view in = input();
    if (line_ != begin) {
        line_ = begin;
        searched_ = begin;
    }
    const std::size_t feed_at = in.find('\n', searched_);
    searched_ = feed_at == in.npos ? in.size() : feed_at;
    if (feed_at == in.npos) return std::nullopt;
    return in.substr(begin, feed_at + 1 - begin);
}

Piece Splitter::give(std::size_t size, bool incomplete) {
    const Piece piece{input().substr(0, size), skipped_since_, incomplete};
    consume(size);
    skipped_since_ = 0;
    close_message();
    return piece;
}

void Splitter::close_message() {
    in_message_ = false;
    line_ = searched_ = head_size_ = body_size_ = 0;
}

// What follows may begin anywhere in a message.
void Splitter::lose_step() {
    close_message();
    hunting_ = mid_line_ = true;
}

// Where in this line a message starts; npos: nowhere. Out of step, in the middle of a line, "NVITE
// sip:a SIP/2.0" would look like an extension method: there only methods of the registry count.
std::size_t Splitter::start_in(std::string_view line) const {
    if (!hunting_) return parse_start_line(line) ? 0 : line.npos;
    return start_on_line(line, mid_line_);
}

// Passes over what stands before a start line. False: more bytes are needed.
bool Splitter::find_start() {
    for (;;) {
        const std::string_view in = input();
        std::size_t n = 0;
        while (n < in.size() && is_line_end(in[n])) ++n;
        if (n > 0) {
            const bool ends_line = in[n - 1] == '\n';
            if (hunting_ && (mid_line_ || skipped_since_ > 0)) {
                skip(n);  // of the garbage, not between messages
            } else {
                keepalives_ += n;
                consume(n);
            }
            if (ends_line) mid_line_ = false;
            continue;
        }
        const auto line = next_line(0);
        if (!line) {
            if (in.size() > max_head) {
                skip(in.size());
                lose_step();
            }
            return false;
        }
        const std::string_view text = without_line_end(*line);
        if (const std::size_t at = start_in(text); at != text.npos) {
            if (at > 0) skip(at);
            in_message_ = true;
            hunting_ = mid_line_ = false;
            return true;
        }
        skip(line->size());
        hunting_ = true;
        mid_line_ = false;
    }
}

// The message at the front, if it is all there.
std::optional<Piece> Splitter::read_message() {
    if (head_size_ == 0) {
        if (auto piece = read_head()) return piece;
        if (head_size_ == 0) return std::nullopt;
        settle_length();
    }
    if (length_ == Length::open) return read_open_body();
    if (input().size() < head_size_ + body_size_) return std::nullopt;
    return give(head_size_ + body_size_, false);
}

// Looks for the blank line. Gives a piece only where another start line comes before it.
std::optional<Piece> Splitter::read_head() {
    while (const auto line = next_line(line_)) {
        const std::size_t begin = line_;
        const bool blank = *line == "\n" || *line == "\r\n";
        if (begin > 0 && !blank) {
            if (starts_message(without_line_end(*line))) return give(begin, true);
        }
        line_ = searched_ = begin + line->size();
        if (blank) {
            head_size_ = line_;
            return std::nullopt;
        }
    }
    if (input().size() > max_head) {
        skip(input().size());
        lose_step();
    }
    return std::nullopt;
}

void Splitter::settle_length() {
    body_size_ = 0;
    length_ = Length::given;
    if (!head_.read(input().substr(0, head_size_))) return;
    const auto length = head_.content_length();
    if (length && *length <= max_body)
        body_size_ = static_cast<std::size_t>(*length);
    else if (head_.header(Header::content_length) || head_.header(Header::content_type))
        length_ = Length::open;
}

// A body of unknown length: up to the next line that starts a message.
std::optional<Piece> Splitter::read_open_body() {
    while (const auto line = next_line(line_)) {
        const std::size_t begin = line_;
        const std::size_t start = start_on_line(without_line_end(*line), false);
        if (start != line->npos) return give(begin + start, false);
        line_ = searched_ = begin + line->size();
    }
    if (input().size() <= head_size_ + max_body) return std::nullopt;
    const Piece piece = give(input().size(), true);
    lose_step();
    return piece;
}

// What is left when nothing more can be added to it.
std::optional<Piece> Splitter::leave_off() {
    const std::string_view in = input();
    const bool whole = in_message_ && head_size_ != 0 && length_ == Length::open && !gap_;
    std::optional<Piece> piece;
    if (in_message_)
        piece = give(in.size(), !whole);
    else
        skip(in.size());
    lose_step();
    return piece;
}

}  // namespace sipana::sip
