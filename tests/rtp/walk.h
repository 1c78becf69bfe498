// Walk: the UDP datagrams of a third-party pcap file, for tests that must not need pcap/ and net/.
//
// Reads what those files are: pcap in either byte order, micro- or nanoseconds, Ethernet or
// loopback, IPv4, UDP.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/time.h"

namespace sipana {

struct Walked {
    std::uint64_t frame = 0;
    Time time{};
    std::uint32_t src = 0, dst = 0;
    std::uint16_t src_port = 0, dst_port = 0;
    Buffer payload;
};

inline const std::filesystem::path shared_folder = "../shared";

inline Buffer contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return {text.begin(), text.end()};
}

// Empty where ../shared is absent: say so and skip.
inline std::vector<Walked> walk(const std::string& capture) {
    const Buffer file = contents(shared_folder / "captures" / capture);
    std::vector<Walked> found;
    if (file.size() < 24) return found;
    const bool big = file[0] == 0xa1;
    const auto u32 = [&](std::size_t at) {
        const std::uint32_t v = load_be32(file.data() + at);
        return big ? v : __builtin_bswap32(v);
    };
    const std::int64_t tick = u32(0) == 0xa1b23c4d ? 1 : 1000;
    const std::size_t ip = u32(20) == 0 ? 4 : 14;  // LINKTYPE_NULL or Ethernet
    std::uint64_t number = 0;
    for (std::size_t at = 24; at + 16 <= file.size(); at += 16 + u32(at + 8)) {
        ++number;
        const std::size_t size = u32(at + 8);
        if (at + 16 + size > file.size()) break;
        const Bytes frame = Bytes(file).subspan(at + 16, size);
        if (size < ip + 28 || frame[ip] >> 4 != 4 || frame[ip + 9] != 17) continue;
        if (ip == 14 && load_be16(frame.data() + 12) != 0x0800) continue;
        const std::size_t udp = ip + 4u * (frame[ip] & 15u);
        if (udp + 8 > size) continue;
        Walked d;
        d.frame = number;
        d.time = Time{u32(at) * std::int64_t{1'000'000'000} + u32(at + 4) * tick};
        d.src = load_be32(frame.data() + ip + 12);
        d.dst = load_be32(frame.data() + ip + 16);
        d.src_port = load_be16(frame.data() + udp);
        d.dst_port = load_be16(frame.data() + udp + 2);
        const std::size_t length = load_be16(frame.data() + udp + 4);
        const Bytes payload = frame.subspan(udp + 8);
        const Bytes whole = payload.first(std::min(payload.size(), length < 8 ? 0 : length - 8));
        d.payload.assign(whole.begin(), whole.end());
        found.push_back(std::move(d));
    }
    return found;
}

}  // namespace sipana
