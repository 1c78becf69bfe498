#include "libsipana/lab/judge.h"

#include <fmt/format.h>

#include <algorithm>

namespace sipana::lab {

std::string in_words(const Subject& subject) {
    if (subject.empty()) return "the capture";
    std::string out = subject.name;
    if (!subject.call.empty()) out += "/" + subject.call;
    if (subject.is_way()) out += " -> " + subject.to;
    return out;
}

std::string counted(std::uint64_t n, std::string_view one) {
    return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

Judge::Judge(const Log& log, const Reading& reading) : log_(log), reading_(reading) {
    for (const Place& place : log.places)
        for (const Endpoint& e : place.endpoints) {
            by_endpoint_.emplace(e, place.name);
            const auto [at, is_new] = by_address_.emplace(e.address, place.name);
            if (!is_new && at->second != place.name) at->second.clear();
        }
}

std::string Judge::name_of(const Endpoint& endpoint) const {
    if (const auto at = by_endpoint_.find(endpoint); at != by_endpoint_.end()) return at->second;
    const auto at = by_address_.find(endpoint.address);
    return at == by_address_.end() ? std::string{} : at->second;
}

bool Judge::is(std::string_view name, const Endpoint& endpoint) const {
    return name_of(endpoint) == name;
}

bool Judge::concerns(const Subject& subject, const Endpoint& src, const Endpoint& dst) const {
    if (subject.empty()) return true;
    if (subject.is_way()) return is(subject.name, src) && is(subject.to, dst);
    return is(subject.name, src) || is(subject.name, dst);
}

Ruling Judge::findings(const Claim& claim) const {
    std::uint64_t count = 0;
    std::string first;
    for (const Finding& f : reading_.findings()) {
        if (claim.what == Claim::What::findings) {
            if (f.rule != claim.text) continue;
        } else {
            const Severity least =
                claim.what == Claim::What::no_errors ? Severity::error : Severity::warning;
            if (f.severity < least || std::find(claim.excepts.begin(), claim.excepts.end(),
                                                f.rule) != claim.excepts.end())
                continue;
        }
        if (++count == 1) first = fmt::format("frame {}: {}: {}", f.frame, f.rule, f.text);
    }
    const bool holds = claim.what == Claim::What::findings
                           ? claim.span.holds(static_cast<double>(count))
                           : count == 0;
    if (count == 0) return {holds, "no findings"};
    return {holds, fmt::format("{}, the first in {}", counted(count, "finding"), first)};
}

Ruling Judge::rule(const Claim& claim) const {
    using What = Claim::What;
    if (claim.what <= What::expires) return call(claim);
    if (claim.what <= What::body) return message(claim);
    if (claim.what <= What::rtcp) return media(claim);
    return findings(claim);
}

}  // namespace sipana::lab
