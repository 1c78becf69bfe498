// Columns: which participants a ladder has, and in which column an endpoint stands.
//
// Internal to render/ladder. Column rules: docs/report-format.md, "Ladders".
#pragma once

#include <map>
#include <set>

#include "libsipana/render/ladder.h"

namespace sipana::render {

class Columns {
public:
    Columns(std::span<const analysis::Call* const> calls,
            std::span<const std::pair<Address, std::string>> names);

    // The column of an endpoint that sent or received SIP.
    std::uint32_t of(const Endpoint& endpoint) const;
    // The columns of a stream's two ends.
    std::uint32_t source_of(const analysis::Call& call, const analysis::Stream& stream) const;
    std::uint32_t target_of(const analysis::Call& call, const analysis::Stream& stream) const;
    std::uint32_t caller_of(const analysis::Call& call) const { return of(call.caller); }
    std::uint32_t callee_of(const analysis::Call& call) const;

    const std::vector<Participant>& participants() const { return participants_; }

private:
    // What became of a column in the calls, for its role.
    struct Part {
        std::set<std::uint32_t> began, received;  // calls, by index: initial requests sent and got
        std::uint32_t first_call = 0;
        bool sip = false;
        std::set<std::uint16_t> ports;
        std::string agent;
    };

    Endpoint key_of(const Endpoint& endpoint) const;
    std::optional<std::uint32_t> find(const Endpoint& endpoint) const;
    std::optional<Endpoint> announcer(const analysis::Call& call, const Endpoint& media) const;
    std::uint32_t media_column(const analysis::Call& call, const Endpoint& end,
                               bool of_caller) const;
    void learn_split_hosts(std::span<const analysis::Call* const> calls);
    void learn_sip_columns(std::span<const analysis::Call* const> calls);
    void learn_media_columns(std::span<const analysis::Call* const> calls);
    void learn_parts(std::span<const analysis::Call* const> calls);
    static std::string_view only_user(const Part& part,
                                      std::span<const analysis::Call* const> calls);
    void name_participants(std::span<const analysis::Call* const> calls,
                           std::span<const std::pair<Address, std::string>> names);
    void add(const Endpoint& endpoint);
    void number();

    std::set<Address> split_;  // hosts whose ports are columns of their own
    std::map<Endpoint, Endpoint>
        aliases_;                 // a connection's own port -> the port that its Via names
    std::vector<Endpoint> keys_;  // the columns; port 0 where the host is one column
    std::map<Endpoint, std::uint32_t> index_;
    std::set<Endpoint> beyond_;  // keys past max_ladder_columns: all in the last column
    std::vector<Part> parts_;
    std::vector<Participant> participants_;
    std::map<const analysis::Call*, std::uint32_t> callee_;  // who was called last of all
};

}  // namespace sipana::render
