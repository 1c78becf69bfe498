#include "libsipana/live/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/live/landlock.h"
#include "libsipana/live/privileges.h"
#include "libsipana/live/system_calls.h"

namespace sipana::live {
namespace {

std::string name_of(int directory) {
    char path[PATH_MAX];
    const ssize_t size =
        ::readlink(fmt::format("/proc/self/fd/{}", directory).c_str(), path, sizeof path);
    return size > 0 ? printable(std::string_view(path, static_cast<std::size_t>(size)))
                    : std::string("a directory for recordings");
}

// Empty: all can be written.
std::string not_writable(const std::vector<int>& directories) {
    for (const int directory : directories)
        if (!may_write(directory)) return name_of(directory);
    return {};
}

Status give_up_rights(const SandboxSettings& settings, Applied& applied) {
    empty_bounding_set();
    if (!settings.user.empty()) {
        if (Status s = become(settings.user); !s) return s;
        applied.user = settings.user;
    }
    const bool root = ::geteuid() == 0;
    if (Status s = drop_capabilities(root ? dac_override : -1); !s) return s;
    const std::string refused = not_writable(settings.writable_directories);
    if (refused.empty()) return drop_capabilities();
    if (!root) {
        const std::string who = settings.user.empty() ? "this user" : printable(settings.user);
        return Error{Errc::denied, 0, fmt::format("{}: {} may not write there", refused, who)};
    }
    if (applied.landlock < landlock_files)
        return Error{Errc::denied, 0,
                     fmt::format("{}: belongs to somebody else; become that user (-Z)", refused)};
    applied.overrides_modes = true;
    return drop_capabilities(dac_override, true);
}

Status confine_to(const SandboxSettings& settings, int version) {
    Allowed allowed;
    allowed.directories = settings.writable_directories;
    for (const Endpoint& collector : settings.connect_to) allowed.ports.push_back(collector.port);
    // One that is not there, or not for this user, will be missed when it is opened.
    for (const std::string& path : settings.readable)
        if (const int file = ::open(path.c_str(), O_PATH | O_CLOEXEC); file >= 0)
            allowed.readable.push_back(file);
    Status confined = confine(version, allowed);
    for (const int file : allowed.readable) ::close(file);
    return confined;
}

void say_what_is_missing(const SandboxSettings& settings, Applied& applied) {
    const auto older = [&](int version) { return applied.landlock < version; };
    if (older(landlock_files))
        applied.missing.push_back(settings.writable_directories.empty() && settings.readable.empty()
                                      ? "the kernel has no Landlock"
                                      : "the kernel has no Landlock: files are not confined");
    else if (older(landlock_truncate))
        applied.missing.push_back("the kernel's Landlock lets files be truncated by name");
    if (older(landlock_ports) && !settings.connect_to.empty())
        applied.missing.push_back(
            "the kernel's Landlock knows no ports: collectors are not the only "
            "hosts that can be connected to");
    if (!applied.seccomp) applied.missing.push_back("the kernel has no seccomp filters");
}

}  // namespace

Result<Applied> enter(const SandboxSettings& settings) {
    if (!has_one_thread())
        return Error{Errc::denied, 0, "the sandbox is entered before threads are started"};
    Applied applied;
    ::tzset();  // reads /etc/localtime, which nobody will be able to afterwards
    applied.landlock = std::min(landlock_version(), settings.landlock);
    if (Status s = give_up_rights(settings, applied); !s) return s.error();
    if (Status s = seal(); !s) return s.error();
    if (applied.landlock >= landlock_files)
        if (Status s = confine_to(settings, applied.landlock); !s) return s.error();
    Status filtered = allow_only(settings);
    applied.seccomp = filtered.has_value();
    if (!filtered && filtered.error().code != Errc::unsupported) return filtered.error();
    say_what_is_missing(settings, applied);
    return applied;
}

}  // namespace sipana::live
