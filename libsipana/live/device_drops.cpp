#include "libsipana/live/device_drops.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

constexpr std::size_t longest = 4u << 20;  // some 30,000 interfaces
constexpr Duration interval = std::chrono::milliseconds{200};

Time clock_now() {
    return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

DeviceDrops DeviceDrops::open(const std::string& interface) {
    DeviceDrops drops(interface, ::open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC));
    drops.last_ = drops.look();
    return drops;
}

DeviceDrops::DeviceDrops(DeviceDrops&& other) noexcept
    : interface_(std::move(other.interface_)),
      file_(std::exchange(other.file_, -1)),
      last_(other.last_),
      sum_(other.sum_),
      looked_(other.looked_) {}

DeviceDrops::~DeviceDrops() {
    if (file_ >= 0) ::close(file_);
}

std::uint64_t DeviceDrops::since_opened() {
    const Time now = clock_now();
    if (looked_ != no_time && now - looked_ < interval) return sum_;
    looked_ = now;
    // A counter may begin anew: the driver was reset, or an interface is gone.
    const std::uint64_t seen = look();
    if (seen > last_) sum_ += seen - last_;
    last_ = seen;
    return sum_;
}

std::uint64_t DeviceDrops::look() {
    std::string text;
    char piece[16'384];
    while (file_ >= 0 && text.size() < longest) {
        const ssize_t got = ::pread(file_, piece, sizeof piece, static_cast<off_t>(text.size()));
        if (got <= 0) break;
        text.append(piece, static_cast<std::size_t>(got));
    }
    return in(text, interface_);
}

//   face |bytes packets errs drop fifo frame compressed multicast|bytes ...
//   eth0:  8800     120    0    3    1     0          0         0 9900 ...
std::uint64_t DeviceDrops::in(std::string_view text, std::string_view interface) {
    constexpr unsigned dropped = 3, overruns = 4;
    std::uint64_t sum = 0;
    while (!text.empty()) {
        std::string_view line = trim(cut(text, '\n'));
        const auto colon = line.rfind(':');  // a name may have one
        if (colon == line.npos) continue;
        if (interface != "any" && line.substr(0, colon) != interface) continue;
        line.remove_prefix(colon + 1);
        for (unsigned field = 0; field <= overruns; ++field) {
            line = trim(line);
            const auto number = to_number<std::uint64_t>(cut(line, ' '));
            if (field >= dropped) sum += number.value_or(0);
        }
    }
    return sum;
}

}  // namespace sipana::live
