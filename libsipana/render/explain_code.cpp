// Methods and status codes: what each says (IANA "SIP Parameters"), and causes of the telephone
// network.
#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/explain.h"

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

constexpr CodeTopic codes[] = {
    {100,
     {"Trying", "A server has the request and works on it; the sender can stop repeating it.",
      "RFC 3261 21.1.1"}},
    {180, {"Ringing", "The called phone rings.", "RFC 3261 21.1.2"}},
    {181,
     {"Call Is Being Forwarded", "The call is being sent on to another place.", "RFC 3261 21.1.3"}},
    {182,
     {"Queued", "The called side is busy for now and keeps the call waiting.", "RFC 3261 21.1.4"}},
    {183,
     {"Session Progress",
      "Something is known of the call's progress; often brings early media, such as a tone or an "
      "announcement.",
      "RFC 3261 21.1.5"}},
    {199,
     {"Early Dialog Terminated", "One of the forked branches has ended; others may go on.",
      "RFC 6228"}},
    {200, {"OK", "It worked. For an INVITE: the call was answered.", "RFC 3261 21.2.1"}},
    {202, {"Accepted", "Accepted, and not yet carried out. Now 200 is used.", "RFC 6665 8.3.1"}},
    {204,
     {"No Notification", "The subscription stands; there is nothing new to tell.", "RFC 5839"}},
    {300,
     {"Multiple Choices", "The called side has several addresses: choose one.", "RFC 3261 21.3.1"}},
    {301,
     {"Moved Permanently", "Gone from here for good: use the address in Contact.",
      "RFC 3261 21.3.2"}},
    {302, {"Moved Temporarily", "For now, try the address in Contact.", "RFC 3261 21.3.3"}},
    {305, {"Use Proxy", "Go through the proxy in Contact.", "RFC 3261 21.3.4"}},
    {380,
     {"Alternative Service", "The call is not possible, something else is; see the body.",
      "RFC 3261 21.3.5"}},
    {400,
     {"Bad Request", "The request could not be understood: it breaks the grammar.",
      "RFC 3261 21.4.1"}},
    {401, {"Unauthorized", "Log in first: try again with a password's digest.", "RFC 3261 21.4.2"}},
    {402, {"Payment Required", "Kept for later use.", "RFC 3261 21.4.3"}},
    {403, {"Forbidden", "Understood and refused; logging in will not help.", "RFC 3261 21.4.4"}},
    {404, {"Not Found", "There is no such user here.", "RFC 3261 21.4.5"}},
    {405,
     {"Method Not Allowed", "This address does not take that method; Allow lists what it takes.",
      "RFC 3261 21.4.6"}},
    {406,
     {"Not Acceptable", "No answer is possible in the formats the sender accepts.",
      "RFC 3261 21.4.7"}},
    {407, {"Proxy Authentication Required", "Log in at the proxy first.", "RFC 3261 21.4.8"}},
    {408, {"Request Timeout", "No answer came in time.", "RFC 3261 21.4.9"}},
    {410, {"Gone", "The user was here and left no address.", "RFC 3261 21.4.10"}},
    {412,
     {"Conditional Request Failed", "The published state named is no longer there.",
      "RFC 3903 11.2.1"}},
    {413,
     {"Request Entity Too Large", "The body is larger than this server takes.",
      "RFC 3261 21.4.11"}},
    {414,
     {"Request-URI Too Long", "The address is longer than this server takes.", "RFC 3261 21.4.12"}},
    {415, {"Unsupported Media Type", "The body's format is not known here.", "RFC 3261 21.4.13"}},
    {416,
     {"Unsupported URI Scheme", "This kind of address (its scheme) is not known here.",
      "RFC 3261 21.4.14"}},
    {417,
     {"Unknown Resource-Priority", "No priority value in the request is known here.",
      "RFC 4412 4.6.2"}},
    {420,
     {"Bad Extension", "An extension that was required is not known; Unsupported names it.",
      "RFC 3261 21.4.15"}},
    {421,
     {"Extension Required", "The server insists on an extension that the sender did not offer.",
      "RFC 3261 21.4.16"}},
    {422,
     {"Session Interval Too Small", "The session timer is too short; Min-SE says what is enough.",
      "RFC 4028 6"}},
    {423,
     {"Interval Too Brief", "The expiry is too short; Min-Expires says what is enough.",
      "RFC 3261 21.4.17"}},
    {424, {"Bad Location Information", "The caller's location could not be used.", "RFC 6442 4.3"}},
    {425, {"Bad Alert Message", "The alert in the body could not be used.", "RFC 8876 5.1"}},
    {428, {"Use Identity Header", "The caller's identity must be signed.", "RFC 8224 6.2.2"}},
    {429,
     {"Provide Referrer Identity", "Who asked for the transfer must be proven.", "RFC 3892 5"}},
    {430, {"Flow Failed", "The phone's connection to its edge proxy has gone.", "RFC 5626 11.5"}},
    {433, {"Anonymity Disallowed", "The called side takes no anonymous calls.", "RFC 5079"}},
    {436,
     {"Bad Identity Info", "The certificate for the signature could not be fetched.",
      "RFC 8224 6.2.2"}},
    {437,
     {"Unsupported Credential", "The certificate for the signature is not trusted.",
      "RFC 8224 6.2.2"}},
    {438,
     {"Invalid Identity Header", "The signature over the caller's identity is wrong.",
      "RFC 8224 6.2.2"}},
    {439,
     {"First Hop Lacks Outbound Support", "The first proxy cannot keep the phone's connection.",
      "RFC 5626 11.6"}},
    {440,
     {"Max-Breadth Exceeded", "The request would fork to more places than allowed.",
      "RFC 5393 5.3.3"}},
    {469, {"Bad Info Package", "This kind of INFO is not taken here.", "RFC 6086 4.2.2"}},
    {470, {"Consent Needed", "Some receivers have not agreed to be sent this.", "RFC 5360 5.9"}},
    {480,
     {"Temporarily Unavailable",
      "The user is known and cannot be reached now: not logged in, or does not answer.",
      "RFC 3261 21.4.18"}},
    {481,
     {"Call/Transaction Does Not Exist", "No call or transaction matches: it has already ended.",
      "RFC 3261 21.4.19"}},
    {482, {"Loop Detected", "The request has been here before.", "RFC 3261 21.4.20"}},
    {483, {"Too Many Hops", "Max-Forwards came to 0.", "RFC 3261 21.4.21"}},
    {484, {"Address Incomplete", "Digits are missing from the number.", "RFC 3261 21.4.22"}},
    {485, {"Ambiguous", "The address fits several users.", "RFC 3261 21.4.23"}},
    {486, {"Busy Here", "The called phone is busy.", "RFC 3261 21.4.24"}},
    {487,
     {"Request Terminated", "The INVITE was ended by CANCEL or BYE before an answer.",
      "RFC 3261 21.4.25"}},
    {488,
     {"Not Acceptable Here",
      "Nothing in the offer suits this phone: no common codec, or media "
      "it does not do.",
      "RFC 3261 21.4.26"}},
    {489, {"Bad Event", "This event package is not known here.", "RFC 6665 8.3.2"}},
    {491,
     {"Request Pending", "Both sides changed the call at once (glare): wait and try again.",
      "RFC 3261 21.4.27"}},
    {493, {"Undecipherable", "The encrypted body could not be read.", "RFC 3261 21.4.28"}},
    {494,
     {"Security Agreement Required", "The first hop's protection must be agreed first.",
      "RFC 3329"}},
    {500, {"Server Internal Error", "Something broke within the server.", "RFC 3261 21.5.1"}},
    {501,
     {"Not Implemented", "The server does not know this method for anybody.", "RFC 3261 21.5.2"}},
    {502, {"Bad Gateway", "A server further on answered nonsense.", "RFC 3261 21.5.3"}},
    {503,
     {"Service Unavailable", "Overloaded or under repair; Retry-After may say when to try.",
      "RFC 3261 21.5.4"}},
    {504, {"Server Time-out", "A server further on did not answer in time.", "RFC 3261 21.5.5"}},
    {505, {"Version Not Supported", "This version of SIP is not spoken here.", "RFC 3261 21.5.6"}},
    {513, {"Message Too Large", "The request is too long.", "RFC 3261 21.5.7"}},
    {555,
     {"Push Notification Service Not Supported",
      "The proxy cannot wake the phone through this push service.", "RFC 8599"}},
    {580,
     {"Precondition Failure", "Bandwidth or another condition could not be met.", "RFC 3312 8"}},
    {600, {"Busy Everywhere", "The user is busy on every phone.", "RFC 3261 21.6.1"}},
    {603, {"Decline", "The user does not want the call.", "RFC 3261 21.6.2"}},
    {604, {"Does Not Exist Anywhere", "The user exists nowhere.", "RFC 3261 21.6.3"}},
    {606,
     {"Not Acceptable", "The user would talk, but not in this way; see Warning.",
      "RFC 3261 21.6.4"}},
    {607, {"Unwanted", "The user marks the call as unwanted.", "RFC 8197"}},
    {608, {"Rejected", "A machine between the two has judged the call unwanted.", "RFC 8688"}},
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

std::span<const CodeTopic> code_topics() { return codes; }

Topic code_topic(int code) {
    const auto at =
        std::lower_bound(std::begin(codes), std::end(codes), code,
                         [](const CodeTopic& row, int wanted) { return row.code < wanted; });
    if (at != std::end(codes) && at->code == code) return at->topic;
    if (code < 100 || code > 699) return {};
    return classes[code / 100 - 1];
}

std::string_view reason_phrase(int code) {
    for (const CodeTopic& row : codes)
        if (row.code == code) return row.topic.name;
    return {};
}

std::string q850_meaning(int cause) {
    for (const Cause& row : causes)
        if (row.value == cause) return std::string(row.text);
    return {};
}

}  // namespace sipana::render
