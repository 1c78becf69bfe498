#include "libsipana/analysis/envelopes.h"

#include <fmt/format.h>

#include "libsipana/analysis/rtcp_json.h"

namespace sipana::analysis {
namespace {

constexpr std::string_view clause = "HEP3 specification";

// SIP, RTP and RTCP by what the agent says, or what it leaves unsaid (0); then content decides. A
// log that quotes a message is not one more message.
bool may_be_opened(std::uint8_t type) {
    return type == 0 || type == hep::type_sip || type == hep::type_rtp || type == hep::type_rtcp;
}

}  // namespace

std::optional<Finding> Envelopes::unreadable(const net::Datagram& packet, const Error& error) {
    if (++figures_.unreadable > net::findings_per_rule) {
        ++figures_.withheld;
        return std::nullopt;
    }
    return Finding{
        "hep-unreadable",
        Severity::error,
        packet.frame,
        error.offset,
        fmt::format("{} > {}: {}", packet.src.to_string(), packet.dst.to_string(), error.what),
        clause};
}

// The time when the agent saw it, if that can be.
Time Envelopes::time_of(const hep::Packet& p, const net::Datagram& outer,
                        std::optional<Finding>& finding) {
    if (p.time == no_time) return outer.time;
    const Duration ahead = p.time - outer.time;
    if (ahead <= clock_slack && ahead >= -clock_slack) return p.time;
    if (wrong_clocks_.size() < most_agents_told &&
        wrong_clocks_.emplace(outer.src.address, p.agent).second)
        finding = Finding{
            "hep-clock",
            Severity::warning,
            outer.frame,
            0,
            fmt::format(
                "the HEP agent {} at {} says {}: its packets have the time of their arrival",
                p.agent, outer.src.address.to_string(), to_rfc3339(p.time)),
            clause};
    return outer.time;
}

Envelopes::Opened Envelopes::open(const net::Datagram& outer) {
    Opened opened;
    ++figures_.packets;
    const auto packet = hep::parse(outer.payload);
    if (!packet) {
        opened.finding = unreadable(outer, packet.error());
        return opened;
    }
    if (own_ && packet->agent == own_->agent && packet->node == own_->node) {
        ++figures_.own;
        return opened;
    }
    Bytes payload = packet->payload;
    const bool wanted =
        may_be_opened(packet->type) && !packet->src.address.empty() && !packet->dst.address.empty();
    if (wanted && packet->compressed) {
        const auto plain = inflater_.inflate(payload);
        if (!plain) {
            opened.finding = unreadable(outer, plain.error());
            return opened;
        }
        payload = *plain;
    }
    bool made = packet->compressed;  // the payload is not the packet's own bytes
    if (wanted && packet->type == hep::type_rtcp && !payload.empty() && payload[0] == '{') {
        auto report = from_rtcp_json(as_text(payload));
        if (report) {
            report_ = std::move(*report);
            payload = report_;
            made = true;
        }
    }
    opened.content = wanted && !payload.empty() ? classify(payload) : Content::other;
    // HEP within HEP would be another envelope, and so on.
    if (opened.content == Content::other || opened.content == Content::hep) {
        ++figures_.other;
        return opened;
    }
    net::Datagram& d = opened.datagram.emplace();
    d.frame = outer.frame;
    d.time = time_of(*packet, outer, opened.finding);
    d.src = packet->src;
    d.dst = packet->dst;
    d.transport = hep::transport_of(packet->protocol);
    d.stable = outer.stable && !made;
    d.payload = payload;
    return opened;
}

}  // namespace sipana::analysis
