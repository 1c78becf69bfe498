#include "libsipana/live/landlock.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sipana::live {
namespace {

// The numbers are the same on every architecture.
constexpr long create_ruleset = 444, add_rule = 445, restrict_self = 446;
constexpr unsigned ask_version = 1;
constexpr int path_beneath = 1, net_port = 2;

struct Ruleset {
    std::uint64_t files = 0, ports = 0, scopes = 0;
};
struct __attribute__((packed)) PathBeneath {
    std::uint64_t allowed = 0;
    std::int32_t directory = -1;
};
struct NetPort {
    std::uint64_t allowed = 0, port = 0;
};

constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t write_file = bit(1), read_file = bit(2), read_directory = bit(3),
                        remove_file = bit(5), make_regular = bit(8), refer = bit(13),
                        truncate = bit(14), ioctl_device = bit(15);
constexpr std::uint64_t of_version_1 = bit(13) - 1;
constexpr std::uint64_t bind_tcp = bit(0), connect_tcp = bit(1);
constexpr std::uint64_t abstract_socket = bit(0), signal = bit(1);

std::uint64_t files_of(int version) {
    std::uint64_t all = of_version_1;
    if (version >= 2) all |= refer;
    if (version >= landlock_truncate) all |= truncate;
    if (version >= landlock_devices) all |= ioctl_device;
    return all;
}

Error failure(const char* what) {
    return {errno == EPERM ? Errc::denied : Errc::io, 0,
            fmt::format("Landlock: {}: {}", what, std::strerror(errno))};
}

Status add_rules(int rules, int version, const Allowed& allowed) {
    const auto add = [rules](int file, std::uint64_t what) {
        const PathBeneath rule{what, file};
        return ::syscall(add_rule, rules, path_beneath, &rule, 0) == 0;
    };
    constexpr std::uint64_t in_directories =
        write_file | read_file | read_directory | remove_file | make_regular | truncate;
    for (const int directory : allowed.directories)
        if (!add(directory, files_of(version) & in_directories)) return failure("a directory");
    for (const int file : allowed.readable)
        if (!add(file, read_file)) return failure("a file");
    if (version < landlock_ports) return Done{};
    for (const std::uint16_t port : allowed.ports) {
        const NetPort rule{connect_tcp, port};
        if (::syscall(add_rule, rules, net_port, &rule, 0) != 0) return failure("a port");
    }
    return Done{};
}

}  // namespace

int landlock_version() {
    const long version = ::syscall(create_ruleset, nullptr, 0, ask_version);
    return version > 0 ? static_cast<int>(version) : 0;
}

Status confine(int version, const Allowed& allowed) {
    Ruleset wanted;
    wanted.files = files_of(version);
    if (version >= landlock_ports) wanted.ports = bind_tcp | connect_tcp;
    if (version >= landlock_scopes) wanted.scopes = abstract_socket | signal;
    // A kernel that is older than this structure takes it, if what it does not know is zero.
    const int rules = static_cast<int>(::syscall(create_ruleset, &wanted, sizeof wanted, 0));
    if (rules < 0) return failure("the rules");
    Status done = add_rules(rules, version, allowed);
    if (done && ::syscall(restrict_self, rules, 0) != 0) done = failure("the restriction");
    ::close(rules);
    return done;
}

}  // namespace sipana::live
