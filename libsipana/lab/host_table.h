// HostTable: which network namespace each host of a real lab lives in, and where its bridge is.
//
//   # hosts of a lab, one a line
//   192.168.1.153  lab1-a
//   192.168.1.100  /run/netns/lab1-amine
//   bridge lab1-bridge br0
//
// A namespace is a name that `ip netns list` shows, or the path of a file that stands for one.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"

namespace sipana::lab {

struct HostTable {
    static constexpr std::size_t most_hosts = 4096;

    std::map<Address, std::string> namespaces;       // of hosts, by their addresses
    std::string bridge_namespace, bridge_interface;  // where the capture is taken
    bool empty() const { return namespaces.empty() && bridge_namespace.empty(); }
    bool has_bridge() const { return !bridge_namespace.empty(); }
    bool operator==(const HostTable&) const = default;
};

// Error.offset is the byte; `what` begins with "line:column: ".
Result<HostTable> parse_host_table(std::string_view text);

}  // namespace sipana::lab
