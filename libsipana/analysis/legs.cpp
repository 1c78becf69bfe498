#include "libsipana/analysis/legs.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;
using sip::Header;

constexpr std::size_t remembered_facts = 16384;
constexpr std::size_t most_legs = 16;     // of one call
constexpr Duration sent_on_within = 2s;   // a B2BUA sends the second INVITE on
constexpr Duration session_within = 2h;   // a Session-ID stays with the session

std::string_view user_of(std::string_view name_addr) {
    const auto parsed = sip::parse_name_addr(name_addr);
    return parsed ? sip::user_of(parsed->uri) : std::string_view{};
}

// "X-CID", "X-Call-ID", "X-Asterisk-Call-ID", ...: private headers that carry the other leg's Call-ID.
bool carries_call_id(std::string_view name) {
    if (!istarts_with(name, "X-")) return false;
    const std::string low = lowered(name);
    return low.find("cid") != low.npos || low.find("call-id") != low.npos ||
           low.find("callid") != low.npos;
}

}  // namespace

Legs::Legs(Calls& calls) : calls_(calls), entries_(remembered_facts) {}

std::uint32_t Legs::recall(std::uint64_t fact, std::uint32_t call, Time now, Duration window) {
    const Entry& e = entry(fact);
    if (e.fact != fact || e.ambiguous || e.call == call || now - e.at > window) return none;
    if (!calls_.alive(e.call) || calls_[e.call].number != e.number) return none;
    return e.call;
}

void Legs::remember(std::uint64_t fact, std::uint32_t call, Time now, Duration window) {
    Entry& e = entry(fact);
    const bool lives = e.fact == fact && now - e.at <= window && calls_.alive(e.call) &&
                       calls_[e.call].number == e.number;
    e = {fact, calls_[call].number, now, call, lives && (e.call != call || e.ambiguous)};
}

void Legs::join(std::uint32_t a, std::uint32_t b, const std::string& evidence) {
    if (a == b || !calls_.alive(a) || !calls_.alive(b)) return;
    const auto add = [&](LiveCall& to, const LiveCall& other) {
        std::vector<Leg>& legs = to.extra().legs;
        for (const Leg& l : legs)
            if (l.call_id == other.call_id()) return;  // the first evidence is enough
        if (legs.size() < most_legs) legs.push_back({Calls::keep(to, other.call_id(), false), evidence});
    };
    add(calls_[a], calls_[b]);
    add(calls_[b], calls_[a]);
}

void Legs::on_invite(std::uint32_t call, const sip::Message& invite, const Seen& seen) {
    // A header that names the other call outright.
    for (const sip::Message::Field& f : invite.fields()) {
        if (f.id == Header::replaces) {
            std::string_view id = invite.value(f);
            id = trim(cut(id, ';'));
            if (const auto other = calls_.find(id); other != HashIndex::nil)
                join(call, other, "Replaces names its Call-ID (RFC 3891)");
        } else if (f.id == Header::other && carries_call_id(invite.name(f))) {
            if (const auto other = calls_.find(invite.value(f)); other != HashIndex::nil)
                join(call, other, fmt::format("{} carries its Call-ID", invite.name(f)));
        } else if (f.id == Header::other && iequals(invite.name(f), "Session-ID")) {
            std::string_view id = invite.value(f);
            id = trim(cut(id, ';'));
            if (id.empty() || id.find_first_not_of('0') == id.npos) continue;
            const std::uint64_t fact = mix(1, hash_of(id));
            if (const auto other = recall(fact, call, seen.time, session_within); other != none)
                join(call, other, "same Session-ID (RFC 7989)");
            remember(fact, call, seen.time, session_within);
        }
    }
    // The host that got an INVITE sends one on at once.
    const std::string_view to = user_of(invite.header(Header::to).value_or(""));
    const std::string_view target = sip::user_of(invite.request_uri());
    const std::string_view from = user_of(invite.header(Header::from).value_or(""));
    const auto fact = [](const Address& host, std::uint64_t kind, std::string_view number) {
        return mix(hash(host) + kind, hash_of(number));
    };
    std::uint32_t other = none;
    std::string_view number;
    const char* which = "called";
    for (std::string_view called : {target, to}) {
        if (called.empty() || other != none) continue;
        other = recall(fact(seen.src.address, 2, called), call, seen.time, sent_on_within);
        number = called;
    }
    if (other == none && !from.empty()) {
        other = recall(fact(seen.src.address, 3, from), call, seen.time, sent_on_within);
        number = from;
        which = "calling";
    }
    if (other != none && seen.src.address != seen.dst.address &&
        calls_[other].caller.address != seen.src.address)
        join(call, other,
             fmt::format("{} sent an INVITE on {:.0f} ms after it got one, same {} number {}",
                         seen.src.address.to_string(),
                         to_milliseconds(seen.time - calls_[other].start), which, number));
    for (std::string_view called : {target, to})
        if (!called.empty()) remember(fact(seen.dst.address, 2, called), call, seen.time, sent_on_within);
    if (!from.empty()) remember(fact(seen.dst.address, 3, from), call, seen.time, sent_on_within);
}

}  // namespace sipana::analysis
