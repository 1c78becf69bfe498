// DeviceDrops: packets that an interface lost before anybody could capture them: no room in the
// ring of the device, or in the queue between the driver and the kernel's network code.
//
// Read from /proc/net/dev, which is opened once: it shows the network namespace of the thread that
// opened it, and can be read when nothing can be opened any more.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsipana/base/time.h"

namespace sipana::live {

class DeviceDrops {
public:
    // "any": of all interfaces together. Where it cannot be read, nothing is ever lost.
    static DeviceDrops open(const std::string& interface);
    DeviceDrops(DeviceDrops&& other) noexcept;
    DeviceDrops& operator=(DeviceDrops&&) = delete;
    ~DeviceDrops();

    // Since open(). Looked up at most every 200 ms: a machine may have thousands of interfaces.
    std::uint64_t since_opened();
    // What the text of the file says of an interface: dropped and missed packets, and overruns.
    static std::uint64_t in(std::string_view text, std::string_view interface);

private:
    DeviceDrops(std::string interface, int file) : interface_(std::move(interface)), file_(file) {}
    std::uint64_t look();

    std::string interface_;
    int file_ = -1;
    std::uint64_t last_ = 0, sum_ = 0;
    Time looked_ = no_time;
};

}  // namespace sipana::live
