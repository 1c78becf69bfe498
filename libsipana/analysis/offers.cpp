#include "libsipana/analysis/offers.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/sip/body.h"

namespace sipana::analysis {
namespace {

using sip::Header;
using sip::Method;

sdp::Side other(sdp::Side side) {
    return side == sdp::Side::caller ? sdp::Side::callee : sdp::Side::caller;
}

// Names a request of one side within its dialog; never 0.
std::uint64_t key_of(std::uint32_t cseq, sdp::Side sender) {
    return std::uint64_t{cseq} << 2 | 2u | (sender == sdp::Side::callee ? 1u : 0u);
}

// Connections come from any port; UDP from the one that it is answered on.
bool same_place(const Endpoint& a, const Endpoint& b, Transport transport) {
    return transport == Transport::udp ? a == b : a.address == b.address;
}

}  // namespace

void Offers::add_dialog() {
    for (Hop& hop : hops_) {
        hop.talks.push_back(hop.base);
        hop.talks.back().inherited = hop.base.words.findings().size();
    }
}

// The talk that a message speaks to: its dialog's, or all while there is none.
template <typename Speak>
void Offers::speak(Hop& hop, std::uint32_t dialog, Speak speak) {
    if (dialog != none && dialog < hop.talks.size()) return speak(hop.talks[dialog]);
    speak(hop.base);
    for (Talk& t : hop.talks) speak(t);
}

// A response is where its request was. A request is on the hop of its two ends; an initial INVITE
// between two others begins a hop, unless it is the caller's next try elsewhere. What goes past the
// proxies is put on the caller's hop.
Offers::Hop& Offers::hop_of(const sip::Message& m, const SipMessage& r) {
    const bool invite = r.is_request() && r.method == Method::invite && m.to_tag().empty();
    const auto made = [&]() -> Hop& {
        Hop& hop = hops_.emplace_back();
        hop.one = r.src;
        hop.other = r.dst;
        hop.vias = invite ? m.values(Header::via).size() : 0;
        hop.cseq = r.cseq;
        hop.talks.resize(call_.dialogs.size());
        return hop;
    };
    if (hops_.empty()) return made();
    Carried& c = carried_[r.transaction];
    const auto found = std::find_if(hops_.begin(), hops_.end(), [&](const Hop& h) {
        return (same_place(h.one, r.src, r.transport) && same_place(h.other, r.dst, r.transport)) ||
               (same_place(h.one, r.dst, r.transport) && same_place(h.other, r.src, r.transport));
    });
    const auto index = static_cast<std::size_t>(found - hops_.begin());
    if (!r.is_request()) return hops_[found == hops_.end() ? c.hop : index];
    if (found == hops_.end() && invite && hops_.size() < most_hops) {
        const Hop& first = hops_.front();
        const bool next_try = r.cseq != first.cseq && m.values(Header::via).size() == first.vias;
        if (!next_try) {
            c.hop = index;
            return made();
        }
    }
    c.hop = found == hops_.end() ? 0 : index;
    if (invite) hops_[c.hop].cseq = r.cseq;
    return hops_[c.hop];
}

void Offers::on_message(const sip::Message& m, const SipMessage& r, std::uint32_t index,
                        sdp::Side side) {
    if (r.transaction == none) return;
    if (r.transaction >= carried_.size()) carried_.resize(r.transaction + 1);
    Hop& hop = hop_of(m, r);
    if (r.is_request() && r.method == Method::invite)
        carried_[r.transaction].initial = m.to_tag().empty();
    const auto body = r.has_sdp && r.code < 300 ? sip::sdp_of(m) : std::nullopt;
    if (body && session_.read(*body))
        negotiate(hop, m, r, index, side);
    else
        without_sdp(hop, r, side);  // an SDP in a refusal says what could be done (RFC 3264 6)
    if (!body && m.body().empty() && !m.body_cut() && &hop == &hops_.front())
        check_answered(hop, m, r, side);
}

// The last message that could carry the answer has none: a 2xx to what offered (RFC 3261 13.2.1,
// RFC 3311 5.2, RFC 3262 5), or the ACK of a 2xx that offered.
void Offers::check_answered(Hop& hop, const sip::Message& m, const SipMessage& r, sdp::Side side) {
    const bool final = r.code >= 200 && r.code < 300 && carried_[r.transaction].offer;
    const bool ack = r.is_request() && r.method == Method::ack;
    if ((!final && !ack) || r.dialog == none) return;
    speak(hop, r.dialog, [&](Talk& t) {
        if (ack && t.delayed != key_of(r.cseq, side)) return;
        const auto& ledger = t.words.ledger();
        const auto open = std::find_if(ledger.begin(), ledger.end(), [&](const sdp::Exchange& e) {
            return e.offerer != side &&
                   (e.outcome == sdp::Outcome::pending || e.outcome == sdp::Outcome::early);
        });
        if (open == ledger.end()) return;
        call_.findings.push_back(
            {"sip-answer-missing", Severity::error, r.frame, 0,
             fmt::format("{} has no SDP, though the offer of frame {} has no {}answer yet",
                         ack ? std::string("the ACK")
                             : fmt::format("the {} to {}", r.code, m.method_name()),
                         open->offer_message < call_.messages.size()
                             ? call_.messages[open->offer_message].frame
                             : 0,
                         open->outcome == sdp::Outcome::early ? "reliable " : ""),
             "RFC 3261 13.2.1"});
    });
}

void Offers::negotiate(Hop& hop, const sip::Message& m, const SipMessage& r, std::uint32_t index,
                       sdp::Side side) {
    Carried& c = carried_[r.transaction];
    if (r.is_request()) {
        const bool new_try = c.initial && challenged_;
        bool offers = false;
        speak(hop, r.dialog, [&](Talk& t) {
            const bool answers = r.method == Method::ack
                                     ? t.delayed == key_of(r.cseq, side)
                                     : r.method == Method::prack && t.answer_in_prack;
            if (answers) {
                t.answer_in_prack = false;
                t.words.answer(side, session_, r.time, index);
            } else if (r.method != Method::ack) {
                offers = true;
                if (new_try && !t.words.repeats(side, session_)) t.words.refuse(r.time, side);
                t.words.offer(side, session_, r.time, index);
            }
        });
        c.offer = c.offer || offers;
        return;
    }
    // A 1xx counts only if it is reliable (RFC 3262 5); else it says early what the final one will
    // say.
    const bool early = r.code < 200 && !m.header(Header::rseq);
    const std::uint64_t key = key_of(r.cseq, other(side));
    speak(hop, r.dialog, [&](Talk& t) {
        if (c.offer) {
            t.words.answer(side, session_, r.time, index, early);
        } else if (r.method == Method::invite && !early && t.delayed != key) {
            t.delayed = key;
            t.answer_in_prack = r.code < 200;
            t.words.offer(side, session_, r.time, index, true);
        }
    });
}

// Refusals and ends speak without an SDP.
void Offers::without_sdp(Hop& hop, const SipMessage& r, sdp::Side side) {
    const Carried& c = carried_[r.transaction];
    if (r.is_request()) {
        if (r.method == Method::bye || r.method == Method::cancel)
            speak(hop, r.dialog, [&](Talk& t) { t.words.withdraw(r.time); });
        return;
    }
    const bool carries =
        r.method == Method::invite || r.method == Method::update || r.method == Method::prack;
    if (r.code < 300 || !carries) return;
    // A challenge refuses nothing: the same offer comes again, with credentials.
    const bool challenge = r.code == 401 || r.code == 407;
    if (c.initial) challenged_ = challenge;
    if (challenge) return;
    const sdp::Side asker = other(side);
    // The refused INVITE takes all of its early dialogs with it (RFC 3261 13.2.2.3).
    speak(hop, c.initial ? none : r.dialog, [&](Talk& t) {
        if (c.offer)
            t.words.refuse(r.time, asker);
        else if (t.delayed == key_of(r.cseq, asker))
            t.words.refuse(r.time, side);
    });
}

// `once`: leaves out what another hop was said to have broken already.
void Offers::report(const Talk& talk, std::size_t from, bool once) {
    const auto& findings = talk.words.findings();
    for (std::size_t i = from; i < findings.size(); ++i) {
        const auto same = [&](const Finding& f) {
            return f.rule == findings[i].rule && f.text == findings[i].text;
        };
        if (once && std::any_of(call_.findings.begin(), call_.findings.end(), same)) continue;
        Finding f = findings[i];
        if (f.byte < call_.messages.size()) f.frame = call_.messages[f.byte].frame;
        f.byte = 0;
        call_.findings.push_back(std::move(f));
    }
}

void Offers::finish() {
    if (hops_.empty()) return;
    const Hop& first = hops_.front();
    for (std::size_t h = 0; h < hops_.size(); ++h) {
        const Hop& hop = hops_[h];
        for (std::uint32_t d = 0; d < hop.talks.size(); ++d) {
            const Talk& talk = hop.talks[d];
            const bool new_here = h == 0 || !talk.words.same_words(first.talks[d].words);
            // A branch that never answered in this dialog has only its copy of the offer.
            const bool spoke = h == 0 || talk.words.in_force() != nullptr;
            if (talk.words.ledger().empty() || !new_here || !spoke) continue;
            call_.ledgers.push_back({d, talk.words.ledger()});
            report(talk, h == 0 && d != 0 ? talk.inherited : 0, h != 0);
        }
    }
    if (first.talks.empty() && !first.base.words.ledger().empty()) {
        call_.ledgers.push_back({none, first.base.words.ledger()});
        report(first.base, 0, false);
    }
}

}  // namespace sipana::analysis
