#include "libsipana/live/privileges.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

static_assert(dac_override == CAP_DAC_OVERRIDE);

Error failure(std::string what) {
    return {errno == EPERM ? Errc::denied : Errc::io, 0, what + ": " + std::strerror(errno)};
}

struct User {
    uid_t user = 0;
    gid_t group = 0;
};

Result<User> find_user(const std::string& name) {
    constexpr std::size_t longest_entry = 1u << 20;
    std::vector<char> room(1024);
    for (;;) {
        passwd entry{};
        passwd* found = nullptr;
        const int error = ::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
        if (error == ERANGE && room.size() < longest_entry) {
            room.resize(2 * room.size());
            continue;
        }
        if (found != nullptr) return User{entry.pw_uid, entry.pw_gid};
        return Error{Errc::not_found, 0, fmt::format("no such user '{}'", printable(name))};
    }
}

using Sets = std::array<__user_cap_data_struct, 2>;  // version 3: 64 capabilities in two words

Sets capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Sets sets{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0) sets = {};
    return sets;
}

}  // namespace

Status become(const std::string& user) {
    const auto found = find_user(user);
    if (!found) return found.error();
    if (::geteuid() != 0)
        return Error{Errc::denied, 0,
                     fmt::format("only root may become user '{}'", printable(user))};
    const auto [id, group] = *found;
    if (::initgroups(user.c_str(), group) != 0 || ::setresgid(group, group, group) != 0 ||
        ::setresuid(id, id, id) != 0)
        return failure(fmt::format("becoming user '{}'", printable(user)));
    if (id != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0 || ::getuid() != id || ::geteuid() != id))
        return Error{Errc::denied, 0,
                     fmt::format("user '{}' could become root again", printable(user))};
    return Done{};
}

void empty_bounding_set() {
    constexpr unsigned long most = 64;
    for (unsigned long c = 0; c < most && ::prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; ++c)
        ::prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

Status drop_capabilities(int but, bool effective) {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // kernels before 4.3 have none
    const std::uint32_t kept = but < 0 ? 0 : capabilities()[0].permitted & (1u << but);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Sets sets{};
    sets[0].permitted = kept;
    if (effective) sets[0].effective = kept;
    if (::syscall(SYS_capset, &header, sets.data()) != 0) return failure("dropping capabilities");
    return Done{};
}

bool may_write(int directory) { return ::faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) == 0; }

Status seal() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("no_new_privs");
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failure("PR_SET_DUMPABLE");
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return failure("RLIMIT_CORE");
    return Done{};
}

bool has_one_thread() {
    std::error_code error;
    std::filesystem::directory_iterator task("/proc/self/task", error);
    if (error) return true;  // no /proc: taken at its word
    std::size_t threads = 0;
    for (; !error && task != std::filesystem::directory_iterator{}; task.increment(error))
        ++threads;
    return threads == 1;
}

}  // namespace sipana::live
