#include "libsipana/live/web_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sipana::live {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

milliseconds left(Clock::time_point until) {
    return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(until - Clock::now()));
}

// What the descriptor is ready for, of `events`; 0: of nothing within that time.
short wait_for(int descriptor, short events, milliseconds at_most) {
    pollfd one{descriptor, events, 0};
    const Clock::time_point until = Clock::now() + at_most;
    while (true) {
        const int ready = ::poll(&one, 1, static_cast<int>(left(until).count()));
        if (ready >= 0) return one.revents;
        if (errno != EINTR) return POLLERR;
    }
}

}  // namespace

Connection::~Connection() { ::close(descriptor_); }

bool Connection::fill(milliseconds at_most) {
    if (wait_for(descriptor_, POLLIN, at_most) == 0) return false;
    const ssize_t got = ::recv(descriptor_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got <= 0) return false;
    at_ = 0;
    end_ = static_cast<std::size_t>(got);
    return true;
}

bool Connection::wait_for_request(milliseconds at_most) { return at_ < end_ || fill(at_most); }

void Connection::begin_request() {
    taken_ = 0;
    until_ = Clock::now() + request_time;
}

ssize_t Connection::read(char* to, std::size_t size) {
    if (at_ == end_ && !fill(left(until_))) return -1;
    const std::size_t n = std::min({size, end_ - at_, most_request_bytes - taken_});
    if (n == 0) return -1;
    std::memcpy(to, buffer_.data() + at_, n);
    at_ += n;
    taken_ += n;
    return static_cast<ssize_t>(n);
}

ssize_t Connection::write(const char* from, std::size_t size) {
    std::size_t sent = 0;
    while (sent < size) {
        const ssize_t n =
            ::send(descriptor_, from + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if ((wait_for(descriptor_, POLLOUT, stalled_time) & POLLOUT) == 0) return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return static_cast<ssize_t>(sent);
}

bool Connection::gone() const {
    return (wait_for(descriptor_, POLLRDHUP, milliseconds{0}) & (POLLRDHUP | POLLHUP | POLLERR)) !=
           0;
}

bool Connection::ready() const {
    return (wait_for(descriptor_, POLLOUT, milliseconds{0}) & POLLOUT) != 0;
}

void Connection::finish() {
    ::shutdown(descriptor_, SHUT_WR);
    // Closing with something unread resets the connection, and the answer with it.
    const Clock::time_point until = Clock::now() + milliseconds{200};
    for (int i = 0; i < 64 && Clock::now() < until; ++i)
        if (!fill(left(until))) break;
    at_ = end_ = 0;
}

void Connection::interrupt() const { ::shutdown(descriptor_, SHUT_RDWR); }

}  // namespace sipana::live
