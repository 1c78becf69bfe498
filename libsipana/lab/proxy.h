// Proxy: a small transaction-stateful, forking proxy with a registrar (RFC 3261 16, 10), for the
// flows of RFC 3665 and for tests of forks. A stand-in for the lab.
//
// No I/O, no clock, no DNS: where a domain is served is said in `next`. Contacts of one user ring
// in parallel, whatever their q; redirections are passed on, not followed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/result.h"
#include "libsipana/lab/hosts.h"
#include "libsipana/lab/node.h"
#include "libsipana/lab/registrar.h"
#include "libsipana/sip/digest.h"
#include "libsipana/sip/identifiers.h"
#include "libsipana/sip/transaction.h"

namespace sipana::lab {

struct ProxySettings {
    std::string name = "proxy";
    Hosts::Listens listens;                 // at least one; port 0: any free one
    std::vector<std::string> domains;       // that it is responsible for, beside its own addresses
    std::map<std::string, Endpoint> next;   // where requests for other domains go
    std::map<std::string, Endpoint> hosts;  // what names mean
    std::string realm;                      // empty: the first domain, else the name
    std::vector<sip::Algorithm> algorithms{{}};
    std::map<std::string, std::string> users;  // names and passwords; empty: whoever registers
    bool authenticate = false;  // 401 to REGISTER, 407 to requests of its own users (22.2, 22.3)
    bool record_route = false;
    std::uint64_t seed = 1;
    sip::Timing timing;
};

// What a script's server line says: ("domain", "a.example"), ("next", "b.example=P2"), ("user",
// "alice:secret"), ("realm", ...), ("algorithm", "SHA-256"), ("auth", ""), ("record-route", "").
// `hosts` knows the names after "=". Error: one line that names the setting.
Result<ProxySettings> proxy_settings(
    const std::vector<std::pair<std::string, std::string>>& settings,
    const std::map<std::string, Endpoint>& hosts);

class Proxy : public Node {
public:
    static constexpr std::size_t max_targets = 32;  // of one fork

    explicit Proxy(ProxySettings settings);
    ~Proxy() override;

    Status start(Ports& ports);
    const Hosts::Listens& listens() const { return settings_.listens; }

    std::string_view name() const override { return settings_.name; }
    void on_packet(const Packet& packet, Time now) override;
    void on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                        Time now) override;
    void on_timer(Time now) override;
    std::optional<Time> deadline() const override { return transactions_.deadline(); }
    std::optional<Packet> poll() override;

private:
    using Id = sip::Transactions::Id;
    using Fields = std::vector<std::pair<std::string, std::string>>;

    struct Branch {
        Id client = 0;
        int status = 0;        // 0: no final response yet
        std::string response;  // its final response, the proxy's Via gone
    };
    // RFC 3261 16: the response context of one request.
    struct Context {
        Id server = 0;
        std::string request;
        sip::Hop from;
        std::vector<Branch> branches;
        bool invite = false;
        bool cancelled = false;
        int answered = 0;  // the final status that went upstream
    };
    // Where a request goes: the new Request-URI, and the way where it is not the URI's.
    struct Target {
        std::string uri;
        std::optional<sip::Hop> hop;
    };
    struct Arrived {
        const sip::Message& message;
        sip::Hop from;
        Id id = 0;
        Time now{};
    };
    // A request after route preprocessing (16.4).
    struct Routed {
        std::string uri;
        std::vector<std::string> routes;
    };

    void on_event(const sip::Transactions::Event& event, const sip::Message* message,
                  const sip::Hop& from, Time now);
    void on_request(const Arrived& in);
    bool refuse(const Arrived& in);
    bool refuse_strangers(const Arrived& in);
    void on_register(const Arrived& in);
    void on_ack(const sip::Message& m, const sip::Hop& from, Id server);
    void on_cancel(const Arrived& in, Id invite);
    void on_response(Id client, const sip::Message& m, Time now);
    void on_branch_over(Context& context, Branch& branch, int status, std::string response,
                        Time now);
    void answer_best(Context& context, Time now);
    void cancel_branches(Context& context, Time now);
    void sweep();

    void answer(const Arrived& in, int status, const Fields& more = {});
    Routed routed(const sip::Message& m) const;
    bool targets_of(const Arrived& in, const Routed& route, std::vector<Target>& targets);
    bool is_ours(const sip::Uri& uri) const;
    std::string loop_hash(const sip::Message& m, const Routed& route) const;
    bool has_looped(const sip::Message& m, const std::string& hash) const;
    std::optional<std::pair<std::string, sip::Hop>> forwarded(const sip::Message& m,
                                                              const sip::Hop& from,
                                                              const Target& target,
                                                              const Routed& route);
    std::string credentials_of(const sip::Message& m, sip::Header field) const;

    ProxySettings settings_;
    Hosts hosts_;
    sip::Identifiers identifiers_;
    sip::Transactions transactions_;
    sip::Challenger challenger_;
    Registrar registrar_;
    std::map<Id, Context> contexts_;  // by server transaction
    std::map<Id, Id> servers_;        // by client transaction
    sip::Transactions::Output output_;
    std::size_t next_sweep_ = 64;
};

}  // namespace sipana::lab
