#include "libsipana/sip/splitter.h"

#include <algorithm>

#include "libsipana/sip/start_line.h"

namespace sipana::sip {
namespace {

// A stream that was quiet for long should not sit on the memory of its largest message.
constexpr std::size_t worth_releasing = 256 << 10;

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

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
    if (!begun_) hunting_ = !from_start;
    begun_ = true;
    if (gap_ && !chunk_.empty()) {  // poll() was not called since the gap: nothing can wait for it
        skip(input().size());
        kept_at_ = kept_.size();
        gap_ = false;
        close_message();
        hunting_ = true;
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
        hunting_ = true;
}

void Splitter::finish() { ended_ = true; }

std::optional<Piece> Splitter::poll() {
    for (;;) {
        if (gap_ && !has_kept()) {
            gap_ = false;
            hunting_ = true;
            close_message();
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

// Passes over what stands before a start line. False: more bytes are needed.
bool Splitter::find_start() {
    for (;;) {
        const std::string_view in = input();
        std::size_t n = 0;
        while (n < in.size() && is_line_end(in[n])) ++n;
        if (n > 0) {
            keepalives_ += n;
            consume(n);
            continue;
        }
        const auto line = next_line(0);
        if (!line) {
            if (in.size() > max_head) {
                skip(in.size());
                hunting_ = true;
            }
            return false;
        }
        std::string_view text = *line;
        while (!text.empty() && is_line_end(text.back())) text.remove_suffix(1);
        if (hunting_ ? starts_message(text) : parse_start_line(text).has_value()) {
            in_message_ = true;
            hunting_ = false;
            return true;
        }
        skip(line->size());
        hunting_ = true;
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
            std::string_view text = *line;
            while (!text.empty() && is_line_end(text.back())) text.remove_suffix(1);
            if (starts_message(text)) return give(begin, true);
        }
        line_ = searched_ = begin + line->size();
        if (blank) {
            head_size_ = line_;
            return std::nullopt;
        }
    }
    if (input().size() > max_head) {
        skip(input().size());
        close_message();
        hunting_ = true;
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
        std::string_view text = *line;
        while (!text.empty() && is_line_end(text.back())) text.remove_suffix(1);
        if (starts_message(text)) return give(begin, false);
        line_ = searched_ = begin + line->size();
    }
    if (input().size() <= head_size_ + max_body) return std::nullopt;
    hunting_ = true;
    return give(input().size(), true);
}

// What is left when nothing more can be added to it.
std::optional<Piece> Splitter::leave_off() {
    const std::string_view in = input();
    const bool whole = in_message_ && head_size_ != 0 && length_ == Length::open && !gap_;
    if (in_message_) {
        hunting_ = true;
        return give(in.size(), !whole);
    }
    skip(in.size());
    return std::nullopt;
}

}  // namespace sipana::sip
