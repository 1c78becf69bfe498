#include "libsipana/analysis/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

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
// forking proxy may pass several 2xx to an INVITE on, each with a tag of its own (13.2.2.4).
void check_finals(Call& call) {
    std::map<std::uint32_t, const SipMessage*> finals;
    for (const SipMessage& m : call.messages) {
        if (m.code < 200 || !is_new(m) || m.transaction == none) continue;
        const auto [it, first] = finals.emplace(m.transaction, &m);
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

void check_transactions(Call& call, Time last) {
    for (const Transaction& t : call.transactions) {
        if (t.request_at == no_time) continue;
        const auto frame = [&] {
            for (const SipMessage& m : call.messages)
                if (m.is_request() && m.time == t.request_at && m.cseq == t.cseq) return m.frame;
            return std::uint64_t{0};
        };
        if (t.method == Method::invite && t.final_code >= 200 && t.final_code < 300 && !t.acked)
            add(call.findings, "sip-no-ack", Severity::warning, frame(),
                fmt::format("the {} to {} INVITE was never acknowledged", t.final_code, t.cseq),
                "RFC 3261 13.2.2.4");
        else if (t.final_code == 0 && t.method != Method::invite && t.method != Method::ack &&
                 last - t.request_at >= timer_f)
            add(call.findings, "sip-no-response", Severity::warning, frame(),
                fmt::format("no final response to {} {} within 32 s, sent {} times", t.cseq, t.method_name,
                            1 + t.request_retransmissions),
                "RFC 3261 17.1.2.2");
    }
}

// Within a dialog each side's CSeq rises by one a request (12.2.1.1); ACK and CANCEL repeat the INVITE's.
void check_cseq(Call& call) {
    std::map<std::pair<std::uint32_t, Endpoint>, std::uint32_t> highest;
    for (const SipMessage& m : call.messages) {
        if (!m.is_request() || !is_new(m) || m.dialog == none || m.method == Method::ack ||
            m.method == Method::cancel)
            continue;
        std::uint32_t& known = highest[{m.dialog, m.src}];
        if (known != 0 && m.cseq < known)
            add(call.findings, "sip-cseq-order", Severity::error, m.frame,
                fmt::format("CSeq {} of this {} is not above {}, the last in this dialog from {}", m.cseq,
                            m.method_name, known, m.src.to_string()),
                "RFC 3261 12.2.1.1");
        known = std::max(known, m.cseq);
    }
}

// The words of one side about one m-line that were last in force or offered.
const sdp::MediaOffer* receiver_of(const Call& call, const Stream& s, const sdp::MediaLine*& line) {
    const sdp::MediaOffer* found = nullptr;
    for (const Call::Ledger& ledger : call.ledgers)
        for (const sdp::Exchange& e : ledger.exchanges) {
            if (e.offered_at > s.end || s.media_line >= e.media.size()) continue;
            const sdp::MediaLine& l = e.media[s.media_line];
            const bool offerer_receives = (e.offerer == sdp::Side::caller) != s.from_caller;
            if (offerer_receives) {
                found = &l.offer;
                line = &l;
            } else if (l.answer) {
                found = &*l.answer;
                line = &l;
            }
        }
    return found;
}

void check_stream(Call& call, Stream& s) {
    const sdp::MediaLine* line = nullptr;
    const sdp::MediaOffer* to = receiver_of(call, s, line);
    if (to != nullptr && !to->codecs.empty())
        for (const std::uint8_t pt : s.payload_types)
            if (std::none_of(to->codecs.begin(), to->codecs.end(),
                             [&](const sdp::Codec& c) { return c.payload_type == pt; }))
                add(s.findings, "rtp-payload-not-agreed", Severity::error, s.first_frame,
                    fmt::format("payload type {} is sent to {}, whose SDP does not name it", pt,
                                s.dst.to_string()),
                    "RFC 3264 6.1");
    const bool ice = to != nullptr && !to->candidates.empty();  // which chose another address
    if (to != nullptr && !ice && to->rtp.port != 0 && to->rtp != s.dst && !to->rtp.address.is_unspecified())
        add(s.findings, "rtp-other-destination", Severity::note, s.first_frame,
            fmt::format("the SDP asks for {}, but the stream goes to {}: NAT or a relay between",
                        to->rtp.to_string(), s.dst.to_string()),
            "RFC 3264 5.1");
    if (call.state == CallState::completed && call.duration && s.end > call.end + media_grace)
        add(s.findings, "rtp-after-bye", Severity::warning, s.first_frame,
            fmt::format("RTP went on for {:.1f} s after the call had ended", to_seconds(s.end - call.end)),
            "RFC 3261 15");
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

// An answered call of some length whose media flows one way only, or not at all.
void check_directions(Call& call) {
    if (!call.duration || *call.duration < media_expected || call.ledgers.empty()) return;
    const auto& exchanges = call.ledgers.front().exchanges;
    const auto answered = std::find_if(exchanges.begin(), exchanges.end(), [](const sdp::Exchange& e) {
        return e.outcome == sdp::Outcome::answered;
    });
    if (answered == exchanges.end()) return;
    for (const sdp::MediaLine& line : answered->media) {
        if (line.refused || line.direction != sdp::Direction::sendrecv || line.media != "audio") continue;
        bool out = false, in = false;
        for (const Stream& s : call.streams)
            if (s.media_line == line.index) (s.from_caller ? out : in) = true;
        if (out != in)
            add(call.findings, "one-way-media", Severity::warning, 0,
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

void check_call(Call& call) {
    check_finals(call);
    check_transactions(call, call.end);
    check_cseq(call);
    for (Stream& s : call.streams) check_stream(call, s);
    check_directions(call);
    std::stable_sort(call.findings.begin(), call.findings.end(),
                     [](const Finding& a, const Finding& b) { return a.frame < b.frame; });
}

}  // namespace sipana::analysis
