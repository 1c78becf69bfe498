// MadeHosts: network namespaces on a bridge in a namespace of its own, made by a test for itself.
//
// They have no names and are held by this process alone: whatever way it ends, they are gone. Only
// what is inside them is configured; the machine's own interfaces are not touched.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"

namespace sipana {

class MadeHosts {
public:
    // Hosts 10.99.0.1, 10.99.0.2 ... behind br0; nullptr where that cannot be had, which is said.
    static std::unique_ptr<MadeHosts> make(unsigned count) {
        std::unique_ptr<MadeHosts> made(new MadeHosts);
        const bool tools =
            std::system("command -v ip > /dev/null && command -v nsenter > /dev/null") == 0;
        if (::geteuid() != 0 || !tools || !made->set_up(count)) {
            MESSAGE("skipped: network namespaces need root, ip and nsenter");
            return nullptr;
        }
        return made;
    }
    ~MadeHosts() {
        for (const int one : namespaces_) ::close(one);
    }
    MadeHosts(const MadeHosts&) = delete;
    MadeHosts& operator=(const MadeHosts&) = delete;

    static std::string text_address(unsigned host) { return fmt::format("10.99.0.{}", host + 1); }
    static Address address(unsigned host) { return *Address::parse(text_address(host)); }
    std::string path(unsigned host) const { return path_of(namespaces_[host + 1]); }
    std::string bridge() const { return path_of(namespaces_[0]); }
    // As the programs read it.
    std::string table() const {
        std::string out = fmt::format("bridge {} br0\n", bridge());
        for (unsigned i = 0; i + 1 < namespaces_.size(); ++i)
            out += fmt::format("{} {}\n", text_address(i), path(i));
        return out;
    }
    // Does something there, such as making a socket, which stays.
    template <typename What>
    static auto at(const std::string& path, const What& what) {
        const int home = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        const int away = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(::setns(away, CLONE_NEWNET) == 0);
        auto done = what();
        REQUIRE(::setns(home, CLONE_NEWNET) == 0);
        ::close(home);
        ::close(away);
        return done;
    }
    // A datagram from a host to a port of another one.
    void send(unsigned from, unsigned to, std::uint16_t port, Bytes payload) const {
        const int socket =
            at(path(from), [] { return ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); });
        REQUIRE(socket >= 0);
        sockaddr_in there{};
        there.sin_family = AF_INET;
        there.sin_port = htons(port);
        REQUIRE(::inet_pton(AF_INET, text_address(to).c_str(), &there.sin_addr) == 1);
        CHECK(::sendto(socket, payload.data(), payload.size(), 0,
                       reinterpret_cast<const sockaddr*>(&there),
                       sizeof(there)) == static_cast<ssize_t>(payload.size()));
        ::close(socket);
    }
    bool on_bridge(std::string_view command) const { return run(namespaces_[0], command); }
    bool on(unsigned host, std::string_view command) const {
        return run(namespaces_[host + 1], command);
    }

private:
    MadeHosts() = default;

    static std::string path_of(int descriptor) {
        return fmt::format("/proc/{}/fd/{}", ::getpid(), descriptor);
    }
    static bool run(int where, std::string_view command) {
        return std::system(
                   fmt::format("nsenter --net={} sh -c '{}' 2> /dev/null", path_of(where), command)
                       .c_str()) == 0;
    }
    bool add() {
        int made = -1;
        std::thread([&] {  // which alone goes there, and ends there
            if (::unshare(CLONE_NEWNET) == 0)
                made = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        })
            .join();
        if (made >= 0) namespaces_.push_back(made);
        return made >= 0;
    }
    bool set_up(unsigned count) {
        constexpr std::string_view quiet =
            "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6;"
            "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6;"
            "ip link set lo up";
        if (!add() || !on_bridge(quiet) ||
            !on_bridge("ip link add br0 type bridge mcast_snooping 0 && ip link set br0 up"))
            return false;
        for (unsigned i = 0; i < count; ++i) {
            if (!add() || !on(i, quiet)) return false;
            if (!on_bridge(fmt::format("ip link add port{0} type veth peer name eth0 netns {1} &&"
                                       "ip link set port{0} master br0 up",
                                       i, path(i))) ||
                !on(i, fmt::format("ip address add {}/24 dev eth0 && ip link set eth0 up",
                                   text_address(i))))
                return false;
        }
        return true;
    }

    std::vector<int> namespaces_;  // the bridge's first
};

}  // namespace sipana
