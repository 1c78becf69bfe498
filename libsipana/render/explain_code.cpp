// Methods and status codes: what each says (IANA "SIP Parameters"), and causes of the telephone
// network.
#include <algorithm>
#include <array>
#include <cassert>

#include "libsipana/base/text.h"
#include "libsipana/render/explain.h"
#include "libsipana/sip/code.h"

namespace sipana::render {
namespace {

constexpr Topic methods[] = {
    {"INVITE", "Starts a call, or changes one that is up (then called re-INVITE).", "RFC 3261 13"},
    {"ACK", "The caller has seen the final response to its INVITE. Nobody answers an ACK.",
     "RFC 3261 13.2.2.4, 17.1.1.3"},
    {"BYE", "Ends a call that is up.", "RFC 3261 15.1"},
    {"CANCEL", "Takes back an INVITE that has no final response yet.", "RFC 3261 9"},
    {"REGISTER", "Tells the registrar at which address a user can be reached now.", "RFC 3261 10"},
    {"OPTIONS", "Asks what the other side can do; also used to see whether it is alive.",
     "RFC 3261 11"},
    {"PRACK", "Acknowledges a provisional response that must not be lost.", "RFC 3262 6"},
    {"SUBSCRIBE", "Asks to be told about changes of something.", "RFC 6665 4.1"},
    {"NOTIFY", "Tells a subscriber what has changed.", "RFC 6665 4.2"},
    {"PUBLISH", "Hands state, such as presence, to the server that tells others.", "RFC 3903 4"},
    {"INFO", "Carries data of the application within a call, such as a key press.", "RFC 6086 4"},
    {"REFER", "Asks the other side to call somebody: a transfer.", "RFC 3515 2.4"},
    {"MESSAGE", "A short text message.", "RFC 3428 4"},
    {"UPDATE", "Changes a call's session without a new INVITE, even before the answer.",
     "RFC 3311 5"},
};

struct CodeMeaning {
    int code;
    std::string_view what;
};
// In the order of sip::codes(), which has phrase and clause.
constexpr CodeMeaning meanings[] = {
    {100, "A server has the request and works on it; the sender can stop repeating it."},
    {180, "The called phone rings."},
    {181, "The call is being sent on to another place."},
    {182, "The called side is busy for now and keeps the call waiting."},
    {183,
     "Something is known of the call's progress; often brings early media, such as a tone or an "
     "announcement."},
    {199, "One of the forked branches has ended; others may go on."},
    {200, "It worked. For an INVITE: the call was answered."},
    {202, "Accepted, and not yet carried out. Now 200 is used."},
    {204, "The subscription stands; there is nothing new to tell."},
    {300, "The called side has several addresses: choose one."},
    {301, "Gone from here for good: use the address in Contact."},
    {302, "For now, try the address in Contact."},
    {305, "Go through the proxy in Contact."},
    {380, "The call is not possible, something else is; see the body."},
    {400, "The request could not be understood: it breaks the grammar."},
    {401, "Log in first: try again with a password's digest."},
    {402, "Kept for later use."},
    {403, "Understood and refused; logging in will not help."},
    {404, "There is no such user here."},
    {405, "This address does not take that method; Allow lists what it takes."},
    {406, "No answer is possible in the formats the sender accepts."},
    {407, "Log in at the proxy first."},
    {408, "No answer came in time."},
    {410, "The user was here and left no address."},
    {412, "The published state named is no longer there."},
    {413, "The body is larger than this server takes."},
    {414, "The address is longer than this server takes."},
    {415, "The body's format is not known here."},
    {416, "This kind of address (its scheme) is not known here."},
    {417, "No priority value in the request is known here."},
    {420, "An extension that was required is not known; Unsupported names it."},
    {421, "The server insists on an extension that the sender did not offer."},
    {422, "The session timer is too short; Min-SE says what is enough."},
    {423, "The expiry is too short; Min-Expires says what is enough."},
    {424, "The caller's location could not be used."},
    {425, "The alert in the body could not be used."},
    {428, "The caller's identity must be signed."},
    {429, "Who asked for the transfer must be proven."},
    {430, "The phone's connection to its edge proxy has gone."},
    {433, "The called side takes no anonymous calls."},
    {436, "The certificate for the signature could not be fetched."},
    {437, "The certificate for the signature is not trusted."},
    {438, "The signature over the caller's identity is wrong."},
    {439, "The first proxy cannot keep the phone's connection."},
    {440, "The request would fork to more places than allowed."},
    {469, "This kind of INFO is not taken here."},
    {470, "Some receivers have not agreed to be sent this."},
    {480, "The user is known and cannot be reached now: not logged in, or does not answer."},
    {481, "No call or transaction matches: it has already ended."},
    {482, "The request has been here before."},
    {483, "Max-Forwards came to 0."},
    {484, "Digits are missing from the number."},
    {485, "The address fits several users."},
    {486, "The called phone is busy."},
    {487, "The INVITE was ended by CANCEL or BYE before an answer."},
    {488, "Nothing in the offer suits this phone: no common codec, or media it does not do."},
    {489, "This event package is not known here."},
    {491, "Both sides changed the call at once (glare): wait and try again."},
    {493, "The encrypted body could not be read."},
    {494, "The first hop's protection must be agreed first."},
    {500, "Something broke within the server."},
    {501, "The server does not know this method for anybody."},
    {502, "A server further on answered nonsense."},
    {503, "Overloaded or under repair; Retry-After may say when to try."},
    {504, "A server further on did not answer in time."},
    {505, "This version of SIP is not spoken here."},
    {513, "The request is too long."},
    {555, "The proxy cannot wake the phone through this push service."},
    {580, "Bandwidth or another condition could not be met."},
    {600, "The user is busy on every phone."},
    {603, "The user does not want the call."},
    {604, "The user exists nowhere."},
    {606, "The user would talk, but not in this way; see Warning."},
    {607, "The user marks the call as unwanted."},
    {608, "A machine between the two has judged the call unwanted."},
};

constexpr Topic classes[] = {
    {"Provisional", "Received, and being worked on; the final response is still to come.",
     "RFC 3261 7.2"},
    {"Success", "It worked.", "RFC 3261 7.2"},
    {"Redirection", "To be tried elsewhere.", "RFC 3261 7.2"},
    {"Request failure", "This server refuses the request; another might not.", "RFC 3261 7.2"},
    {"Server failure", "The server could not do what was asked rightly.", "RFC 3261 7.2"},
    {"Global failure", "No server anywhere can do it.", "RFC 3261 7.2"},
};

// ITU-T Q.850 cause values, as met in Reason and in gateways' answers (RFC 3326, RFC 3398).
struct Cause {
    int value;
    std::string_view text;
};
constexpr Cause causes[] = {
    {1, "unallocated number"},
    {2, "no route to that network"},
    {3, "no route to the destination"},
    {6, "channel not acceptable"},
    {16, "normal call clearing"},
    {17, "user busy"},
    {18, "no user responding"},
    {19, "user alerted, no answer"},
    {20, "subscriber absent"},
    {21, "call rejected"},
    {22, "number changed"},
    {23, "redirected to a new destination"},
    {26, "cleared on the branch that was not selected"},
    {27, "destination out of order"},
    {28, "number incomplete or badly formed"},
    {29, "facility rejected"},
    {31, "normal, unspecified"},
    {34, "no circuit or channel available"},
    {38, "network out of order"},
    {41, "temporary failure"},
    {42, "switching equipment congested"},
    {43, "access information discarded"},
    {44, "requested circuit not available"},
    {47, "resource unavailable"},
    {50, "requested facility not subscribed"},
    {55, "incoming calls barred in the closed user group"},
    {57, "bearer capability not authorized"},
    {58, "bearer capability not available now"},
    {63, "service or option not available"},
    {65, "bearer capability not implemented"},
    {69, "requested facility not implemented"},
    {79, "service or option not implemented"},
    {81, "invalid call reference"},
    {87, "user not member of the closed user group"},
    {88, "incompatible destination"},
    {95, "invalid message"},
    {96, "mandatory information element missing"},
    {97, "message type unknown"},
    {99, "information element unknown"},
    {100, "information element's contents invalid"},
    {101, "message not compatible with the call's state"},
    {102, "recovery on timer expiry"},
    {111, "protocol error"},
    {127, "interworking, unspecified"},
};

}  // namespace

Topic method_topic(std::string_view name) {
    for (const Topic& row : methods)
        if (row.name == name) return row;
    return {};
}

std::span<const CodeTopic> code_topics() {
    static const auto topics = [] {
        std::array<CodeTopic, std::size(meanings)> made{};
        const auto codes = sip::codes();
        assert(codes.size() == made.size());
        for (std::size_t i = 0; i < made.size(); ++i) {
            assert(codes[i].number == meanings[i].code);
            made[i] = {codes[i].number, {codes[i].phrase, meanings[i].what, codes[i].clause}};
        }
        return made;
    }();
    return topics;
}

Topic code_topic(int code) {
    const auto codes = code_topics();
    const auto at =
        std::lower_bound(codes.begin(), codes.end(), code,
                         [](const CodeTopic& row, int wanted) { return row.code < wanted; });
    if (at != codes.end() && at->code == code) return at->topic;
    if (code < 100 || code > 699) return {};
    return classes[code / 100 - 1];
}

std::string q850_meaning(int cause) {
    for (const Cause& row : causes)
        if (row.value == cause) return std::string(row.text);
    return {};
}

}  // namespace sipana::render
