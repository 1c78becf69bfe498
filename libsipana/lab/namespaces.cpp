#include "libsipana/lab/namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>

#include "libsipana/base/text.h"
#include "libsipana/lab/sockets_wire.h"

namespace sipana::lab {
namespace {

std::string in_words(int number) { return std::generic_category().message(number); }

// ip-netns(8): a name stands for the file of that name in this folder.
std::string path_of(std::string_view name) {
    if (!name.empty() && name.front() == '/') return std::string(name);
    return fmt::format("/run/netns/{}", name);
}

Result<wire::Descriptor> open_namespace(std::string_view name) {
    const auto shown = printable(name);
    wire::Descriptor opened(::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) {
        const int number = errno;
        if (number == ENOENT || number == ENOTDIR)
            return Error{Errc::not_found, 0, fmt::format("no network namespace '{}'", shown)};
        const bool refused = number == EACCES || number == EPERM;
        return Error{refused ? Errc::denied : Errc::io, 0,
                     fmt::format("network namespace '{}': {}", shown, in_words(number))};
    }
    // What is left of a namespace that is gone is an ordinary file.
    if (::ioctl(opened.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
        return Error{Errc::not_found, 0, fmt::format("'{}' is no network namespace", shown)};
    return opened;
}

}  // namespace

class Namespaces::State {
public:
    Status open(const HostTable& hosts);
    int of(const Address& local) const {
        const auto found = hosts_.find(local);
        return found == hosts_.end() ? -1 : found->second;
    }
    int of(std::string_view name) const {
        const auto found = opened_.find(name);
        return found == opened_.end() ? -1 : found->second.get();
    }
    int home() const { return home_.get(); }

private:
    Result<int> opened(const std::string& name);

    wire::Descriptor home_;
    std::map<std::string, wire::Descriptor, std::less<>> opened_;
    std::map<Address, int> hosts_;
};

Result<int> Namespaces::State::opened(const std::string& name) {
    if (const int known = of(name); known >= 0) return known;
    auto made = open_namespace(name);
    if (!made) return made.error();
    return opened_.emplace(name, std::move(*made)).first->second.get();
}

Status Namespaces::State::open(const HostTable& hosts) {
    if (hosts.empty()) return Done{};
    home_ = wire::Descriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!home_) return Error{Errc::io, 0, fmt::format("network namespaces: {}", in_words(errno))};
    // Whoever may not go back may not go.
    if (::setns(home_.get(), CLONE_NEWNET) != 0)
        return errno == EPERM
                   ? Error{Errc::denied, 0, "network namespaces need root"}
                   : Error{Errc::io, 0, fmt::format("network namespaces: {}", in_words(errno))};
    for (const auto& [address, name] : hosts.namespaces) {
        const auto host = opened(name);
        if (!host) return host.error();
        hosts_[address] = *host;
    }
    if (!hosts.has_bridge()) return Done{};
    const auto bridge = opened(hosts.bridge_namespace);
    return bridge ? Status(Done{}) : bridge.error();
}

Namespaces::Namespaces(std::unique_ptr<State> state) : state_(std::move(state)) {}
Namespaces::Namespaces(Namespaces&&) noexcept = default;
Namespaces& Namespaces::operator=(Namespaces&&) noexcept = default;
Namespaces::~Namespaces() = default;

Result<Namespaces> Namespaces::open(const HostTable& hosts) {
    auto state = std::make_unique<State>();
    if (Status s = state->open(hosts); !s) return s.error();
    return Namespaces(std::move(state));
}

Result<Namespaces::Entered> Namespaces::enter(const Address& local) const {
    const int there = state_->of(local);
    if (there < 0) return Entered();
    if (::setns(there, CLONE_NEWNET) != 0)
        return Error{
            errno == EPERM ? Errc::denied : Errc::io, 0,
            fmt::format("the network namespace of {}: {}", local.to_string(), in_words(errno))};
    return Entered(state_->home());
}

Result<Namespaces::Entered> Namespaces::enter(std::string_view name) const {
    const int there = state_->of(name);
    if (there < 0)
        return Error{Errc::not_found, 0,
                     fmt::format("the table has no network namespace '{}'", printable(name))};
    if (::setns(there, CLONE_NEWNET) != 0)
        return Error{errno == EPERM ? Errc::denied : Errc::io, 0,
                     fmt::format("network namespace '{}': {}", printable(name), in_words(errno))};
    return Entered(state_->home());
}

Namespaces::Entered::~Entered() {
    if (home_ < 0 || ::setns(home_, CLONE_NEWNET) == 0) return;
    fmt::print(stderr, "no way back from a network namespace: {}\n", in_words(errno));
    std::abort();
}

}  // namespace sipana::lab
