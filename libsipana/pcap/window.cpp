#include "libsipana/pcap/window.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sipana::pcap {

namespace {

// How far the window on a mapping reaches, and how much stays behind it: what is resident of a file
// is about three steps.
constexpr std::size_t step = 4u << 20;
// Views that were kept (messages of calls alive) bring pages back: all that lies behind is let go
// again once in so many steps.
constexpr unsigned steps_between_sweeps = 4;

constexpr std::size_t first_buffer = 256u << 10;

}  // namespace

Window::Window(Mapping mapping) : mapping_(std::move(mapping)) {
    start_ = cursor_ = limit_ = mapping_.bytes().data();
    end_ = start_ + mapping_.bytes().size();
}

Window::Window(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {
    buffer_.resize(first_buffer);
    start_ = cursor_ = limit_ = end_ = buffer_.data();
}

Window::Window(Bytes whole) {
    start_ = cursor_ = whole.data();
    limit_ = end_ = start_ + whole.size();
}

bool Window::move(std::size_t n) { return stream_ ? move_stream(n) : move_mapping(n); }

bool Window::move_mapping(std::size_t n) {
    if (left() < n) return false;
    const auto at = static_cast<std::size_t>(cursor_ - start_);
    if (at > let_go_ + step) {
        const std::size_t behind = at - step;
        mapping_.let_go(steps_++ % steps_between_sweeps == 0 ? 0 : let_go_, behind);
        let_go_ = behind;
    }
    const std::size_t reach = std::min(std::max(n, step), left());
    limit_ = cursor_ + reach;
    mapping_.want(at + reach, at + reach + std::min(step, left() - reach));
    return true;
}

void Window::let_go_behind() const {
    if (!stream_ && let_go_ > 0) mapping_.let_go(0, let_go_);
}

bool Window::move_stream(std::size_t n) {
    if (error_ || n > max_stream_record) return left() >= n;
    const std::size_t have = left();
    if (have > 0) std::memmove(buffer_.data(), cursor_, have);
    passed_ += static_cast<std::uint64_t>(cursor_ - start_);
    std::size_t filled = have;
    bool ended = false;
    // The buffer grows with the bytes that come, not with the length that a record claims.
    while (filled < n && !ended) {
        if (filled == buffer_.size()) buffer_.resize(buffer_.size() * 2);
        const auto got = stream_->read(buffer_.data() + filled, buffer_.size() - filled);
        if (!got) error_ = got.error();
        ended = !got || *got == 0;
        if (!ended) filled += *got;
    }
    start_ = cursor_ = buffer_.data();
    end_ = limit_ = start_ + filled;
    return filled >= n;
}

bool Window::skip(std::uint64_t n) {
    while (n > 0) {
        if (left() == 0 && !need(1)) return false;
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(n, left()));
        cursor_ += piece;
        limit_ = std::max(limit_, cursor_);
        n -= piece;
    }
    return true;
}

}  // namespace sipana::pcap
