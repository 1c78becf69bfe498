// Offers: which descriptions of a call offer and which answer (RFC 3261 13.2.1, RFC 3262 5, RFC
// 3311, RFC 6337), in each dialog and on each hop that the capture saw. A relay at a proxy writes
// its own addresses into the SDP, so hops that differ have ledgers of their own; that of the
// caller's comes first.
#pragma once

#include <optional>

#include "libsipana/analysis/model.h"
#include "libsipana/sdp/session.h"

namespace sipana::analysis {

class Offers {
public:
    explicit Offers(Call& call) : call_(call) {}

    // call.dialogs has grown by one: its talk begins with what was offered before there was a
    // dialog.
    void add_dialog();
    // A message that is no repetition; its dialog and transaction are known. `index`: in
    // call.messages.
    void on_message(const sip::Message& message, const SipMessage& record, std::uint32_t index,
                    sdp::Side side);
    // Fills call.ledgers; what was broken is added to call.findings.
    void finish();

private:
    static constexpr std::size_t most_hops = 8;

    struct Talk {
        sdp::Negotiation words;
        std::size_t inherited = 0;  // findings taken over with the words of before the dialog
        std::uint64_t delayed =
            0;  // the INVITE whose response made the offer, as key_of() names it
        bool answer_in_prack = false;  // that offer came in a reliable 1xx
    };
    struct Hop {
        Endpoint one, other;
        std::size_t vias = 0;  // of its first initial INVITE
        std::uint32_t cseq = 0;
        Talk base;                // before there is a dialog
        std::vector<Talk> talks;  // by dialog
    };
    struct Carried {  // by transaction
        std::size_t hop = 0;
        bool offer = false;    // the request had one
        bool initial = false;  // an INVITE that makes a dialog
    };

    Hop& hop_of(const sip::Message& message, const SipMessage& record);
    void negotiate(Hop& hop, const sip::Message& message, const SipMessage& record,
                   std::uint32_t index, sdp::Side side);
    void without_sdp(Hop& hop, const SipMessage& record, sdp::Side side);
    void check_answered(Hop& hop, const sip::Message& message, const SipMessage& record,
                        sdp::Side side);
    void report(const Talk& talk, std::size_t from, bool once);
    template <typename Speak>
    static void speak(Hop& hop, std::uint32_t dialog, Speak speak);

    Call& call_;
    sdp::Session session_;
    std::vector<Hop> hops_;
    std::vector<Carried> carried_;
    bool challenged_ = false;  // the last try of the initial INVITE
};

}  // namespace sipana::analysis
