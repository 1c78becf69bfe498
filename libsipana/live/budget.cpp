#include "libsipana/live/budget.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "libsipana/base/text.h"

extern "C" int mallctl(const char*, void*, std::size_t*, void*, std::size_t) __attribute__((weak));

namespace sipana::live {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t program = std::uint64_t{32} << 20;  // code, libraries, tables of fixed size
constexpr Duration looks_apart = 100ms, trims_apart = 1s;
constexpr double tight = 0.90, roomy = 0.75;  // of the limit
constexpr double least_factor = 0.05;

// What was freed goes back to the system. A program that is linked with jemalloc asks that.
void give_back() {
    if (mallctl != nullptr)
        (void)mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: of all arenas
    else
        malloc_trim(0);
}

std::uint64_t part(std::uint64_t bytes, double share) {
    return static_cast<std::uint64_t>(static_cast<double>(bytes) * share);
}

}  // namespace

Budget::Budget(std::uint64_t limit, std::uint64_t buffers)
    : limit_(std::max(limit, least)), pages_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {
    const std::uint64_t taken = std::min(buffers + program, limit_ / 2);
    free_ = limit_ - taken;
}

Budget::~Budget() {
    if (pages_ >= 0) close(pages_);
}

Budget::Shares Budget::shares() const {
    return {part(free_, 0.35 * factor_), part(free_, 0.20 * factor_), part(free_, 0.15 * factor_),
            part(free_, 0.15)};
}

bool Budget::measure(Time now) {
    if (pages_ < 0 || (looked_ != no_time && now - looked_ < looks_apart)) return false;
    looked_ = now;
    std::array<char, 128> text;
    const ssize_t size = pread(pages_, text.data(), text.size(), 0);
    if (size <= 0) return false;
    std::string_view words(text.data(), static_cast<std::size_t>(size));
    words.remove_prefix(std::min(words.find(' ') + 1, words.size()));
    const auto pages = to_number<std::uint64_t>(words.substr(0, words.find(' ')));
    if (!pages) return false;
    resident_ = *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const double before = factor_;
    if (resident_ > part(limit_, tight)) {
        factor_ = std::max(least_factor, factor_ * 0.8);
        if (trimmed_ == no_time || now - trimmed_ >= trims_apart) {
            trimmed_ = now;
            give_back();
        }
    } else if (resident_ < part(limit_, roomy)) {
        factor_ = std::min(1.0, factor_ * 1.02);
    }
    return factor_ != before;
}

}  // namespace sipana::live
