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
constexpr Duration referred_within = 32s; // 64 T1: until then the REFER may be sent again

// Names that callers who show none share (RFC 3323 4.1.1.3 and common use): they tell nobody apart.
bool is_anonymous(std::string_view user) {
    constexpr std::string_view names[] = {"anonymous", "unavailable", "unknown", "restricted", "private"};
    return std::any_of(std::begin(names), std::end(names), [&](std::string_view n) { return iequals(user, n); });
}

std::uint64_t fact_of(const Address& host, std::uint64_t kind, const Number& number) {
    return mix(hash(host) + kind, number.hash);
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

// A header that names the other call outright.
void Legs::on_names(std::uint32_t call, const sip::Message& invite, const Seen& seen) {
    for (const sip::Message::Field& f : invite.fields()) {
        if (f.id == Header::replaces || f.id == Header::join) {
            std::string_view id = invite.value(f);
            id = trim(cut(id, ';'));
            if (const auto other = calls_.find(id); other != HashIndex::nil)
                join(call, other,
                     f.id == Header::join ? "Join names its Call-ID (RFC 3911)"
                                          : "Replaces names its Call-ID (RFC 3891)");
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
}

void Legs::on_invite(std::uint32_t call, const sip::Message& invite, const Facts& facts, const Seen& seen) {
    if (facts.may_name_a_leg) on_names(call, invite, seen);
    // The host that got an INVITE sends one on at once.
    const Number &target = facts.target, &to = facts.called;
    const Number from = is_anonymous(facts.calling.user) ? Number{} : facts.calling;
    if (!target.user.empty())
        if (const auto other = recall(fact_of(seen.src.address, 4, target), call, seen.time, referred_within);
            other != none)
            join(call, other, fmt::format("a REFER asked {} to call {} (RFC 3515)", seen.src.address.to_string(), target.user));
    // Asked to call a number, a PBX may call the phone behind it, by another name.
    if (!from.user.empty())
        if (const auto other = recall(fact_of(seen.src.address, 5, from), call, seen.time, sent_on_within); other != none)
            join(call, other, fmt::format("{} called in the name of {} after a REFER (RFC 3515)",
                                          seen.src.address.to_string(), from.user));
    std::uint32_t other = none;
    std::string_view number;
    const char* which = "called";
    for (const Number& called : {target, to}) {
        if (called.user.empty() || other != none) continue;
        other = recall(fact_of(seen.src.address, 2, called), call, seen.time, sent_on_within);
        number = called.user;
    }
    if (other == none && !from.user.empty()) {
        other = recall(fact_of(seen.src.address, 3, from), call, seen.time, sent_on_within);
        number = from.user;
        which = "calling";
    }
    if (other != none && seen.src.address != seen.dst.address &&
        calls_[other].caller.address != seen.src.address)
        join(call, other,
             fmt::format("{} sent an INVITE on {:.0f} ms after it got one, same {} number {}",
                         seen.src.address.to_string(),
                         to_milliseconds(seen.time - calls_[other].start), which, number));
    for (const Number& called : {target, to})
        if (!called.user.empty()) remember(fact_of(seen.dst.address, 2, called), call, seen.time, sent_on_within);
    if (!from.user.empty()) remember(fact_of(seen.dst.address, 3, from), call, seen.time, sent_on_within);
}

void Legs::on_refer(std::uint32_t call, const sip::Message& refer, const Seen& seen) {
    const auto refer_to = refer.header(Header::refer_to);
    const Number target = number_of(refer_to);
    if (!target.user.empty()) remember(fact_of(seen.dst.address, 4, target), call, seen.time, referred_within);
    for (const Header of : {Header::from, Header::to}) {
        const Number party = number_of(refer.header(of));
        if (!party.user.empty() && !is_anonymous(party.user))
            remember(fact_of(seen.dst.address, 5, party), call, seen.time, sent_on_within);
    }
    // "<sip:carol@c.example?Replaces=call%40host%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    const std::string low = lowered(refer_to.value_or(""));
    if (const auto at = low.find("replaces="); at != low.npos) {
        const std::string replaces = sip::unescaped(refer_to->substr(at + 9, refer_to->find_first_of("&>", at) - at - 9));
        std::string_view id = replaces;
        id = trim(cut(id, ';'));
        if (const auto other = calls_.find(id); other != HashIndex::nil)
            join(call, other, "Refer-To names its Call-ID (RFC 3891)");
    }
}

}  // namespace sipana::analysis
