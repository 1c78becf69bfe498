// Frame: one captured packet as a capture file or an interface gives it.
#pragma once

#include <cstdint>
#include <string_view>

#include "libsipana/base/bytes.h"
#include "libsipana/base/time.h"

namespace sipana::pcap {

// LINKTYPE_ values of the pcap registry, as files carry them; those that net/ reads.
enum class LinkType : std::uint16_t {
    null = 0,
    ethernet = 1,
    raw_bsd = 12,
    raw_openbsd = 14,
    ppp = 9,
    ppp_hdlc = 50,
    raw = 101,
    loop = 108,
    linux_sll = 113,
    ipv4 = 228,
    ipv6 = 229,
    linux_sll2 = 276,
};

struct Frame {
    std::uint64_t number = 0;  // 1-based, over all files of the run
    Time time{};               // zero where has_time is false
    Bytes bytes;               // what was captured; see `stable`
    std::uint32_t wire_size =
        0;  // what was on the wire; larger than bytes where the snap length cut
    LinkType link{};
    std::uint32_t interface = 0;  // index into its file's interfaces
    std::uint32_t file = 0;       // index into Input::files()
    std::uint64_t offset = 0;     // of the record within its (decompressed) file
    bool has_time = true;         // false for pcapng simple packet blocks
    // The bytes lie in a mapped file and live as long as the Input; otherwise for one callback.
    bool stable = false;
    std::string_view comment;  // pcapng opt_comment, as stable as the bytes; empty if none
};

}  // namespace sipana::pcap
