// `sipana live --list`: what there is to listen at, a line each.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "libsipana/base/text.h"
#include "libsipana/pcap/live.h"

namespace sipana::tools {

inline std::string interface_list(const std::vector<pcap::Listenable>& all) {
    std::string out;
    std::size_t width = 4;
    for (const pcap::Listenable& one : all) width = std::max(width, columns(printable(one.name)));
    for (const pcap::Listenable& one : all) {
        std::string line = printable(one.name);
        line.append(width - std::min(width, columns(line)), ' ');
        line += one.any ? "  all      " : !one.up ? "  down     " : one.running ? "  up       " : "  no link  ";
        for (const Address& address : one.addresses) line += address.to_string() + ' ';
        if (!one.description.empty()) line += fmt::format("({})", printable(one.description));
        out += std::string(line, 0, line.find_last_not_of(' ') + 1) + '\n';
    }
    return out;
}

}  // namespace sipana::tools
