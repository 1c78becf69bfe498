// The table of a lab's hosts: what is read holds what its header promises, mistakes have a place.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libsipana/base/bytes.h"
#include "libsipana/base/text.h"
#include "libsipana/lab/host_table.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

void must_be_name(std::string_view name) {
    must(!name.empty() && name.find('\0') == name.npos);
    must(name.front() == '/' || name.find('/') == name.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text({data, size});
    const auto table = parse_host_table(text);
    if (!table) {
        must(table.error().offset <= size && is_digit(table.error().what.front()));
        must(table.error().what.find('\n') == std::string::npos);
        return 0;
    }
    must(table->namespaces.size() <= HostTable::most_hosts);
    must(table->has_bridge() == !table->bridge_interface.empty());
    std::string again;
    for (const auto& [address, name] : table->namespaces) {
        must_be_name(name);
        again += address.to_string() + " " + name + "\n";
    }
    if (table->has_bridge()) {
        must_be_name(table->bridge_namespace);
        again += "bridge " + table->bridge_namespace + " " + table->bridge_interface + "\n";
    }
    const auto reread = parse_host_table(again);
    must(reread && *reread == *table);
    return 0;
}
