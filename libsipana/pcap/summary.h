// What a capture file says besides its frames: its interfaces, comments, names, secrets and damage.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/finding.h"
#include "libsipana/pcap/frame.h"

namespace sipana::pcap {

// One interface of a pcapng section (draft-ietf-opsawg-pcapng 4.2), or the one of a classic file.
struct Interface {
    LinkType link{};
    std::string name, description, filter;  // empty where the file does not say
    std::string comment;
    std::uint32_t snap = 0;  // longest captured length; 0: unlimited
    std::uint8_t resolution =
        6;                      // if_tsresol: of time stamps, 10^-n s; with the top bit set 2^-n s
    std::int64_t offset_s = 0;  // if_tsoffset: added to each time stamp
    bool usable_time = true;    // false where the resolution is absurd: its frames have no time
};

// "Ethernet", "Linux cooked v2", "link type 147".
std::string to_string(LinkType link);

struct FileSummary {
    std::string path;          // as given, or folder and name; "-" is standard input
    std::string name;          // the last part of the path; "standard input"
    std::string format;        // "pcap", "pcap (nanoseconds)", "pcap (modified)", "pcapng"
    std::string compression;   // "", "gzip", "zstd", "lz4", "xz"
    std::uint64_t frames = 0;  // read so far, those that the filter dropped included
    std::uint64_t bytes = 0;   // captured bytes of those frames
    bool damaged = false;
    std::vector<std::string> comments;  // of its sections
    std::uint64_t secrets = 0;          // decryption secrets blocks
    std::vector<Interface> interfaces;  // of all sections, in file order
};

// The content of a decryption secrets block (4.7), kept as it is.
struct Secret {
    std::uint32_t type = 0;  // 0x544c534b: TLS key log
    std::string bytes;
    static constexpr std::uint32_t tls_key_log = 0x544c534b;
};

// What the readers of a run leave beside the frames, in the order of reading.
struct Annotations {
    void add_name(const Address& address, std::string name);
    void add_secret(Secret secret);

    std::vector<std::pair<Address, std::string>> names;  // name resolution blocks (4.5), each once
    std::vector<Secret> secrets;
    std::vector<Finding> findings;  // rules "capture-damaged", "capture-cut-short", ...

    static constexpr std::size_t max_names = 65'536;
    static constexpr std::size_t max_secret_bytes = 64u << 20;

private:
    std::set<std::pair<Address, std::string>> known_;
    std::size_t secret_bytes_ = 0;
};

}  // namespace sipana::pcap
