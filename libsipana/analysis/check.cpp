#include "libsipana/analysis/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "libsipana/base/text.h"
#include "libsipana/sdp/check.h"
#include "libsipana/sdp/session.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;
using sip::Method;

constexpr Duration timer_f = 32s;         // RFC 3261 17.1.2.2
constexpr Duration media_grace = 500ms;   // packets in flight when the BYE passes
constexpr Duration media_expected = 3s;   // a call that long is expected to have media

bool is_new(const SipMessage& m) { return !m.retransmission && !m.capture_duplicate; }

void add(std::vector<Finding>& to, std::string_view rule, Severity severity, std::uint64_t frame,
         std::string text, std::string_view clause) {
    to.push_back({rule, severity, frame, 0, std::move(text), clause});
}

// One request has one final response (8.2.6, 17.2): a second, different one is from a broken server. A
// forking proxy may pass several 2xx to an INVITE on, each with a tag of its own (13.2.2.4). A response passed
// on without a Via of its own is seen between others.
void check_finals(Call& call) {
    std::map<std::tuple<std::uint32_t, Endpoint, Endpoint>, const SipMessage*> finals;
    for (const SipMessage& m : call.messages) {
        if (m.code < 200 || !is_new(m) || m.transaction == none) continue;
        const auto [it, first] = finals.emplace(std::tuple(m.transaction, m.src, m.dst), &m);
        if (first) continue;
        const SipMessage& before = *it->second;
        const bool fork = m.method == Method::invite && m.code < 300 && before.code < 300;
        if (!fork)
            add(call.findings, "sip-two-finals", Severity::error, m.frame,
                fmt::format("a second final response {} to {} {}, which frame {} answered with {}", m.code,
                            m.cseq, m.method_name, before.frame, before.code),
                "RFC 3261 17.2.1");
    }
}

std::uint64_t frame_of(const Call& call, std::uint32_t transaction) {
    for (const SipMessage& m : call.messages)
        if (m.is_request() && m.method != Method::ack && m.transaction == transaction) return m.frame;
    return 0;
}

// `now`: how far the capture has come. A request that was sent again had no answer, and where others were
// answered, answers can be seen here; otherwise it may be that the capture saw one way only.
void check_unanswered(Call& call, Time now) {
    const bool answers_seen = std::any_of(call.messages.begin(), call.messages.end(),
                                          [](const SipMessage& m) { return !m.is_request(); });
    for (std::uint32_t i = 0; i < call.transactions.size(); ++i) {
        const Transaction& t = call.transactions[i];
        const bool answered = t.final_code != 0 || t.acked ||
                              (t.method == Method::invite && t.first_provisional_at != no_time);
        if (t.request_at == no_time || answered || now - t.request_at < timer_f) continue;
        if (t.request_retransmissions == 0 && !answers_seen) continue;
        add(call.findings, "sip-no-response", Severity::warning, frame_of(call, i),
            fmt::format("no {}response to {} {} within 32 s, sent {} times",
                        t.method == Method::invite ? "" : "final ", t.cseq, t.method_name, 1 + t.request_retransmissions),
            t.method == Method::invite ? "RFC 3261 17.1.1.2" : "RFC 3261 17.1.2.2");
    }
}

// A 2xx is sent again until its ACK comes (13.3.1.4), so that one which was sent once has had it, even where
// the ACK goes another way than past the capture. A fork's 2xx each want one.
void check_acks(Call& call) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> acks;  // dialog and CSeq
    for (const SipMessage& m : call.messages)
        if (m.is_request() && m.method == Method::ack) acks.emplace(m.dialog, m.cseq);
    std::set<std::pair<std::uint32_t, std::uint32_t>> told;
    for (const SipMessage& m : call.messages) {
        if (m.method != Method::invite || m.code < 200 || m.code >= 300 || !m.retransmission ||
            m.transaction >= call.transactions.size())
            continue;
        const Transaction& t = call.transactions[m.transaction];
        if ((t.acked && acks.count({m.dialog, m.cseq}) != 0) || !told.emplace(m.transaction, m.dialog).second)
            continue;
        add(call.findings, "sip-no-ack", Severity::warning, m.frame,
            fmt::format("the {} to {} INVITE is sent again, and never acknowledged", m.code, m.cseq),
            "RFC 3261 13.2.2.4");
    }
}

// Within a dialog each side's CSeq rises by one a request (12.2.1.1); ACK and CANCEL repeat the INVITE's.
void check_cseq(Call& call) {
    std::map<std::pair<std::uint32_t, std::string_view>, std::uint32_t> highest;  // by dialog and From tag
    sip::Message read;
    for (const SipMessage& m : call.messages) {
        if (!m.is_request() || !is_new(m) || m.dialog == none || m.method == Method::ack ||
            m.method == Method::cancel || !read.read(m.text))
            continue;
        std::uint32_t& known = highest[{m.dialog, read.from_tag()}];
        if (known != 0 && m.cseq < known)
            add(call.findings, "sip-cseq-order", Severity::error, m.frame,
                fmt::format("CSeq {} of this {} is not above {}, the last in this dialog from that side", m.cseq,
                            m.method_name, known),
                "RFC 3261 12.2.1.1");
        known = std::max(known, m.cseq);
    }
}

// What the side that receives a stream has said about its m-line until the stream's end, on any hop.
std::vector<const sdp::MediaOffer*> receivers_of(const Call& call, const Stream& s) {
    std::vector<const sdp::MediaOffer*> said;
    for (const Call::Ledger& ledger : call.ledgers)
        for (const sdp::Exchange& e : ledger.exchanges) {
            if (e.offered_at > s.end || s.media_line >= e.media.size()) continue;
            const sdp::MediaLine& l = e.media[s.media_line];
            const bool offerer_receives = (e.offerer == sdp::Side::caller) != s.from_caller;
            if (offerer_receives)
                said.push_back(&l.offer);
            else if (l.answer)
                said.push_back(&*l.answer);
        }
    return said;
}

// A stream may outlive several agreements; what none of them names was never agreed.
void check_payload_types(const std::vector<const sdp::MediaOffer*>& to, Stream& s) {
    const auto names = [](std::uint8_t pt) {
        return [pt](const sdp::MediaOffer* o) {
            return std::any_of(o->codecs.begin(), o->codecs.end(),
                               [pt](const sdp::Codec& c) { return c.payload_type == pt; });
        };
    };
    if (std::all_of(to.begin(), to.end(), [](const sdp::MediaOffer* o) { return o->codecs.empty(); })) return;
    for (const std::uint8_t pt : s.payload_types)
        if (std::none_of(to.begin(), to.end(), names(pt)))
            add(s.findings, "rtp-payload-not-agreed", Severity::error, s.first_frame,
                fmt::format("payload type {} is sent to {}, whose SDP does not name it", pt, s.dst.to_string()),
                "RFC 3264 6.1");
}

Time hung_up_at(const Call& call) {
    if (call.state != CallState::completed || !call.duration) return no_time;
    for (auto m = call.messages.rbegin(); m != call.messages.rend(); ++m)
        if (m->is_request() && m->method == Method::bye && is_new(*m)) return m->time;
    return no_time;
}

void check_stream(Call& call, Stream& s) {
    const std::vector<const sdp::MediaOffer*> to = receivers_of(call, s);
    check_payload_types(to, s);
    const bool asked_for = std::any_of(to.begin(), to.end(), [&](const sdp::MediaOffer* o) {
        // With ICE, candidates may have been chosen instead.
        return o->rtp == s.dst || o->rtp.port == 0 || o->rtp.address.is_unspecified() || !o->candidates.empty();
    });
    if (!to.empty() && !asked_for)
        add(s.findings, "rtp-other-destination", Severity::note, s.first_frame,
            fmt::format("the SDP asks for {}, but the stream goes to {}: NAT or a relay between",
                        to.back()->rtp.to_string(), s.dst.to_string()),
            "RFC 3264 5.1");
    if (const Time bye = hung_up_at(call); bye != no_time && s.end > bye + media_grace)
        add(s.findings, "rtp-after-bye", Severity::warning, s.first_frame,
            fmt::format("RTP went on for {:.1f} s after the BYE", to_seconds(s.end - bye)), "RFC 3261 15");
    if (s.duplicated * 10 > s.packets * 3)
        add(s.findings, "capture-duplicates", Severity::note, s.first_frame,
            fmt::format("{} of {} packets came twice: the capture sees this traffic in two places",
                        s.duplicated, s.packets),
            "");
    if (s.lost > 0 && s.expected > 0 && s.lost * 100 >= s.expected)
        add(s.findings, "rtp-loss", Severity::warning, s.first_frame,
            fmt::format("{} of {} packets lost ({:.1f} %) from {} to {}", s.lost, s.expected,
                        100.0 * static_cast<double>(s.lost) / static_cast<double>(s.expected),
                        s.src.to_string(), s.dst.to_string()),
            "RFC 3550 A.3");
}

// Direct media: one side has asked for it at several hosts in turn. What then flows between others
// is a stream of one of the calls that they are in, which need not be this one.
bool was_moved(const Call& call, std::uint32_t line) {
    std::array<std::optional<Address>, 2> asked;  // by side
    for (const Call::Ledger& ledger : call.ledgers)
        for (const sdp::Exchange& e : ledger.exchanges) {
            if (line >= e.media.size()) continue;
            const sdp::MediaLine& m = e.media[line];
            const auto names = [&](sdp::Side side, const sdp::MediaOffer& words) {
                if (words.rtp.port == 0 || words.rtp.address.is_unspecified()) return false;
                auto& known = asked[side == sdp::Side::caller ? 0 : 1];
                if (known && *known != words.rtp.address) return true;
                known = words.rtp.address;
                return false;
            };
            const bool by_caller = e.offerer == sdp::Side::caller;
            if (names(e.offerer, m.offer)) return true;
            if (m.answer && names(by_caller ? sdp::Side::callee : sdp::Side::caller, *m.answer)) return true;
        }
    return false;
}

// An answered call of some length whose media flows one way only, or not at all.
void check_directions(Call& call) {
    if (!call.duration || *call.duration < media_expected || call.ledgers.empty()) return;
    const sdp::Exchange* answered = nullptr;
    for (const Call::Ledger& ledger : call.ledgers)
        for (const sdp::Exchange& e : ledger.exchanges)
            if (answered == nullptr && e.outcome == sdp::Outcome::answered) answered = &e;
    if (answered == nullptr) return;
    const std::uint32_t message = answered->answer_message.value_or(answered->offer_message);
    const std::uint64_t frame = message < call.messages.size() ? call.messages[message].frame : 0;
    for (const sdp::MediaLine& line : answered->media) {
        if (line.refused || line.direction != sdp::Direction::sendrecv || line.media != "audio") continue;
        bool out = false, in = false;
        for (const Stream& s : call.streams)
            if (s.media_line == line.index) (s.from_caller ? out : in) = true;
        if (out != in && !was_moved(call, line.index))
            add(call.findings, "one-way-media", Severity::warning, frame,
                fmt::format("audio was agreed both ways, but only the {} sent any", out ? "caller" : "callee"),
                "RFC 3264 6.1");
    }
}

}  // namespace

void check_sdp(std::string_view body, std::uint32_t offset, std::vector<Finding>& findings) {
    static thread_local sdp::Session session;
    const std::size_t before = findings.size();
    if (const Status read = session.read(body); !read)
        findings.push_back({"sdp-unreadable", Severity::error, 0, read.error().offset, read.error().what,
                            "RFC 8866 5"});
    else
        sdp::check(session, findings);
    for (std::size_t i = before; i < findings.size(); ++i) findings[i].byte += offset;
}

void check_call(Call& call, Time now) {
    check_finals(call);
    check_unanswered(call, now);
    check_acks(call);
    check_cseq(call);
    for (Stream& s : call.streams) check_stream(call, s);
    check_directions(call);
    std::stable_sort(call.findings.begin(), call.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.frame < b.frame; });
}

}  // namespace sipana::analysis
