// Judge: is a Claim true of a capture? Every ruling says what was found.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/claim.h"
#include "libsipana/lab/reading.h"
#include "libsipana/lab/verdict.h"

namespace sipana::lab {

struct Ruling {
    bool holds = false;
    std::string found;  // "alice's call ended with 404 Not Found"
};

class Judge {
public:
    // Both must outlive it.
    Judge(const Log& log, const Reading& reading);
    Ruling rule(const Claim& claim) const;

private:
    using Line = Reading::Line;

    // Who is where.
    bool is(std::string_view name, const Endpoint& endpoint) const;
    std::string name_of(const Endpoint& endpoint) const;
    bool concerns(const Subject& subject, const Endpoint& src, const Endpoint& dst) const;
    bool takes_part(const Subject& subject, const analysis::Call& call) const;

    // judge_calls.cpp: the calls that a subject means, in order. Without a number: its first.
    std::vector<const analysis::Call*> calls_of(const Subject& subject, bool all) const;
    Ruling call(const Claim& claim) const;
    Ruling final_code(const Claim& claim) const;
    Ruling final_for_method(const Claim& claim) const;
    Ruling measure(const Claim& claim, const analysis::Call& call) const;

    // judge_messages.cpp
    std::vector<const Line*> messages_of(const Subject& subject, bool first_call_only) const;
    Ruling message(const Claim& claim) const;
    Ruling count(const Claim& claim) const;
    Ruling flow(const Claim& claim) const;
    Ruling time(const Claim& claim) const;
    Ruling before(const Claim& claim) const;
    Ruling content(const Claim& claim) const;

    // judge_media.cpp
    std::vector<const analysis::Stream*> streams_of(const Subject& subject,
                                                    std::optional<bool> video) const;
    std::vector<const analysis::Stream*> heard_by(const Claim& claim) const;
    Ruling media(const Claim& claim) const;
    Ruling hears(const Claim& claim) const;
    Ruling digits(const Claim& claim) const;
    Ruling measure(const Claim& claim, const std::vector<const analysis::Stream*>& streams) const;
    Ruling rtcp(const Claim& claim) const;

    Ruling findings(const Claim& claim) const;

    const Log& log_;
    const Reading& reading_;
    std::map<Endpoint, std::string> by_endpoint_;
    std::map<Address, std::string> by_address_;  // empty: several are there
};

std::string in_words(const Subject& subject);  // "alice", "alice -> bob", "the capture"
std::string counted(std::uint64_t n, std::string_view one);  // "1 call", "3 calls"

}  // namespace sipana::lab
