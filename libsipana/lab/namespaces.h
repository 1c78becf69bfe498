// Namespaces: the way into the network namespaces of a lab's hosts (Linux, network_namespaces(7)).
//
// A socket belongs to the namespace that its thread was in when it was made, and stays there. So
// whoever makes one enters, makes it, and leaves; one thread speaks for many hosts.
//
//   const auto there = namespaces.enter(local.address);
//   if (!there) return there.error();
//   // ... the thread is in that host until `there` goes
//
// Move-only; must outlive every Entered. Entering twice at a time is not done: the way back always
// leads to where the object was opened.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/lab/host_table.h"

namespace sipana::lab {

class Namespaces {
public:
    // While it lives the thread that made it is there. If there is no way back the program ends:
    // whatever it did next would be done on the wrong host.
    class [[nodiscard]] Entered {
    public:
        Entered() = default;  // stays where it is
        Entered(Entered&& other) noexcept : home_(std::exchange(other.home_, -1)) {}
        Entered& operator=(Entered&&) = delete;
        ~Entered();

    private:
        friend class Namespaces;
        explicit Entered(int home) : home_(home) {}
        int home_ = -1;
    };

    // Opens each namespace of the table once. Errc::denied: "network namespaces need root".
    // Errc::not_found: there is no namespace of that name.
    static Result<Namespaces> open(const HostTable& hosts);
    Namespaces(Namespaces&&) noexcept;
    Namespaces& operator=(Namespaces&&) noexcept;
    ~Namespaces();

    // That of the host with this address; an address that is not in the table stays here.
    Result<Entered> enter(const Address& local) const;
    // One that the table names, the bridge's too.
    Result<Entered> enter(std::string_view name) const;

private:
    class State;
    explicit Namespaces(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sipana::lab
