// SIP header fields: what each is for, and where it is defined (IANA "SIP Parameters", header
// fields).
#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/render/explain.h"

namespace sipana::render {
namespace {

// By name, without case.
constexpr Topic rows[] = {
    {"Accept", "The body formats that the sender can read in an answer.", "RFC 3261 20.1"},
    {"Accept-Contact", "Asks the proxy to prefer devices with these features.", "RFC 3841 9.2"},
    {"Accept-Encoding", "The compressions of a body that the sender can undo.", "RFC 3261 20.2"},
    {"Accept-Language", "Languages the sender would like texts to be in.", "RFC 3261 20.3"},
    {"Accept-Resource-Priority", "Priority values this server understands.", "RFC 4412 3.2"},
    {"Additional-Identity", "A second identity of the caller, within a mobile operator's network.",
     "3GPP TS 24.229 7.2"},
    {"Alert-Info", "How the phone should ring: a sound to fetch, or a name such as a ring type.",
     "RFC 3261 20.4, RFC 7462"},
    {"AlertMsg-Error", "Why a common alerting message was not accepted.", "RFC 8876 5.2"},
    {"Allow", "The methods this side understands. Without it, nothing may be assumed.",
     "RFC 3261 20.5"},
    {"Allow-Events", "The event packages one can subscribe to here.", "RFC 6665 8.2.2"},
    {"Answer-Mode", "Asks that the called phone answer by itself, or that somebody press a key.",
     "RFC 5373 4"},
    {"Attestation-Info", "How sure the network is that the caller may use the number.",
     "3GPP TS 24.229 7.2"},
    {"Authentication-Info",
     "After a good login: the server proves that it knew the password too, or hands out the next "
     "nonce.",
     "RFC 3261 20.6"},
    {"Authorization",
     "The answer to a server's 401: a digest made of the user's password and the server's nonce. "
     "The password itself is not sent.",
     "RFC 3261 20.7"},
    {"Call-ID",
     "Names the call. Every message of one call, or of one phone's registrations, carries the "
     "same.",
     "RFC 3261 20.8"},
    {"Call-Info", "More about the caller or the called: a picture, a web page, a card.",
     "RFC 3261 20.9"},
    {"Cellular-Network-Info", "The mobile cell that the phone uses.", "RFC 7315 5.4"},
    {"Contact",
     "Where the sender can be reached directly. Later requests of the call go there; in REGISTER "
     "it "
     "is the address to be remembered.",
     "RFC 3261 20.10"},
    {"Content-Disposition", "What the body is for: a session description, a text to show, a tone.",
     "RFC 3261 20.11"},
    {"Content-Encoding", "How the body is compressed.", "RFC 3261 20.12"},
    {"Content-ID", "Names the body, so that header fields can refer to it.", "RFC 8262"},
    {"Content-Language", "The language of the body.", "RFC 3261 20.13"},
    {"Content-Length",
     "Bytes of body after the empty line. Over TCP it says where the message ends.",
     "RFC 3261 20.14"},
    {"Content-Type", "The format of the body; a call's offer or answer is application/sdp.",
     "RFC 3261 20.15"},
    {"CSeq",
     "A counter and the method. A new request of the call counts one up; a response repeats the "
     "CSeq "
     "of its request, so that they can be matched.",
     "RFC 3261 20.16"},
    {"Date", "When the message was first sent, in GMT.", "RFC 3261 20.17"},
    {"DC-Info", "The data channel of a mobile call.", "3GPP TS 24.229 7.2"},
    {"Diversion",
     "Who forwarded the call before it came here, and why; the newest stands first. Older than "
     "History-Info, and still common.",
     "RFC 5806 4"},
    {"Encryption", "Encryption with PGP, from the first SIP; withdrawn.", "RFC 3261 28.1"},
    {"Error-Info", "Where more about the error can be heard or read.", "RFC 3261 20.18"},
    {"Event", "What is subscribed to or reported: dialog, presence, message-summary, refer.",
     "RFC 6665 8.2.1"},
    {"Expires", "For how many seconds the registration, subscription or invitation holds.",
     "RFC 3261 20.19"},
    {"Feature-Caps", "Abilities of a proxy on the path.", "RFC 6809"},
    {"Flow-Timer", "How often the phone must show that its connection is alive, in seconds.",
     "RFC 5626 10"},
    {"From",
     "Who sends the request, by name and address; nobody has checked it. Its tag marks the "
     "caller's "
     "side of the call.",
     "RFC 3261 20.20"},
    {"Geolocation", "Where the caller is, or where that can be looked up.", "RFC 6442 4.1"},
    {"Geolocation-Error", "Why the location could not be used.", "RFC 6442 4.4"},
    {"Geolocation-Routing", "Whether proxies may route by the location.", "RFC 6442 4.2"},
    {"Hide", "Asked proxies to hide the path, in the first SIP; withdrawn.", "RFC 3261 28.1"},
    {"History-Info",
     "Every address the request was sent to before, with the reason for each change.",
     "RFC 7044 5"},
    {"Identity",
     "A signed token (PASSporT) in which the caller's operator vouches for the calling number; the "
     "base of STIR/SHAKEN.",
     "RFC 8224 4"},
    {"Identity-Info", "Where the certificate for Identity lies; in the older form only.",
     "RFC 4474 9"},
    {"In-Reply-To", "The Call-IDs of the calls that this one returns.", "RFC 3261 20.21"},
    {"Info-Package", "The kind of content an INFO request carries.", "RFC 6086 6"},
    {"Join", "Asks to be added to an existing call, named by Call-ID and tags.", "RFC 3911 7.1"},
    {"Max-Breadth", "To how many places at once this request may be forked.", "RFC 5393 5.3.1"},
    {"Max-Forwards", "Hops left. Each proxy counts one down; at 0 the request is refused with 483.",
     "RFC 3261 20.22"},
    {"MIME-Version", "The version of MIME that the body keeps to.", "RFC 3261 20.24"},
    {"Min-Expires", "The shortest time this registrar accepts, in seconds; comes with a 423.",
     "RFC 3261 20.23"},
    {"Min-SE", "The shortest session timer that is accepted on the path, in seconds.",
     "RFC 4028 5"},
    {"Organization", "The sender's organization.", "RFC 3261 20.25"},
    {"Origination-Id", "Where a call entered the operator's network.", "3GPP TS 24.229 7.2"},
    {"P-Access-Network-Info", "The access network of the phone: cell, Wi-Fi or line.",
     "RFC 7315 5.4"},
    {"P-Answer-State", "Push to talk: whether the answer is a person's or the server's.",
     "RFC 4964"},
    {"P-Asserted-Identity",
     "Who the caller is, as a trusted operator has established it. Only to be believed from a "
     "trusted "
     "neighbour.",
     "RFC 3325 9.1"},
    {"P-Asserted-Service", "The mobile service, as the operator has established it.", "RFC 6050"},
    {"P-Associated-URI", "Other addresses of the user who registered.", "RFC 7315 4.1"},
    {"P-Called-Party-ID",
     "The address that was dialled, kept when the request is sent on to the phone's contact.",
     "RFC 7315 4.2"},
    {"P-Charge-Info", "Who pays for the call.", "RFC 8496"},
    {"P-Charging-Function-Addresses", "The accounting servers of the operator.", "RFC 7315 4.5"},
    {"P-Charging-Vector", "The accounting record's identity along the path.", "RFC 7315 4.6"},
    {"P-DCS-Billing-Info", "Accounting between cable operators.", "RFC 5503"},
    {"P-DCS-LAES", "Lawful interception in a cable operator's network.", "RFC 5503"},
    {"P-DCS-OSPS", "Operator services (busy line verification) in a cable network.", "RFC 5503"},
    {"P-DCS-Redirect", "Redirection data for lawful interception in a cable network.", "RFC 5503"},
    {"P-DCS-Trace-Party-ID", "Tracing of a malicious call in a cable network.", "RFC 5503"},
    {"P-Early-Media", "Whether media before the answer may pass, and which way.", "RFC 5009"},
    {"P-Media-Authorization", "A token for reserving bandwidth.", "RFC 3313"},
    {"P-Preferred-Identity",
     "Which of the user's addresses the operator should assert as P-Asserted-Identity.",
     "RFC 3325 9.2"},
    {"P-Preferred-Service", "Which mobile service the phone asks for.", "RFC 6050"},
    {"P-Private-Network-Indication", "The call belongs to this private network.", "RFC 7316"},
    {"P-Profile-Key", "The key of a wildcard identity in the operator's data base.", "RFC 5002"},
    {"P-Refused-URI-List", "Push to talk: members who could not be reached.", "RFC 5318"},
    {"P-Served-User", "The subscriber for whom the operator's service runs.", "RFC 5502, RFC 8498"},
    {"P-User-Database", "The operator's data base that holds the subscriber.", "RFC 4457"},
    {"P-Visited-Network-ID", "The foreign network the phone roams in.", "RFC 7315 4.3"},
    {"Path",
     "In REGISTER: proxies that calls to this phone must pass, because they alone can reach it.",
     "RFC 3327 5"},
    {"Permission-Missing", "Addresses that have not agreed to get this request.", "RFC 5360 5.9"},
    {"Policy-Contact", "The server that knows the rules for sessions here.", "RFC 6794"},
    {"Policy-ID", "The rules that the request was made by.", "RFC 6794"},
    {"Priority", "How urgent the call is to the caller.", "RFC 3261 20.26"},
    {"Priority-Share", "Whether calls may share a reserved priority.", "3GPP TS 24.229 7.2"},
    {"Priority-Verstat", "Whether the signed priority was verified.", "3GPP TS 24.229 7.2"},
    {"Priv-Answer-Mode", "Like Answer-Mode, but insists, for callers who may.", "RFC 5373 4"},
    {"Privacy", "What the network should hide of the caller.", "RFC 3323 4.2"},
    {"Proxy-Authenticate", "The proxy's challenge in a 407: log in with this realm and nonce.",
     "RFC 3261 20.27"},
    {"Proxy-Authorization", "The answer to a proxy's 407: a digest of password and nonce.",
     "RFC 3261 20.28"},
    {"Proxy-Require", "Extensions that every proxy on the path must know.", "RFC 3261 20.29"},
    {"RAck", "In PRACK: which provisional response is acknowledged (its RSeq and its CSeq).",
     "RFC 3262 7.2"},
    {"Reason", "Why the request was sent, as a SIP code or as a cause of the telephone network.",
     "RFC 3326 2"},
    {"Record-Route",
     "Put in by a proxy that wants to see the rest of the call; both sides turn these into Route.",
     "RFC 3261 20.30"},
    {"Recv-Info", "The kinds of INFO that the sender accepts.", "RFC 6086 6"},
    {"Refer-Events-At", "Where one can subscribe to the progress of a transfer.", "RFC 7614"},
    {"Refer-Sub", "Whether the transfer's progress is to be reported.", "RFC 4488 4"},
    {"Refer-To", "Whom the receiver is asked to call: the target of the transfer.", "RFC 3515 2.1"},
    {"Referred-By", "Who asked for the transfer.", "RFC 3892 3"},
    {"Reject-Contact", "Devices with these features must not get the request.", "RFC 3841 9.2"},
    {"Relayed-Charge", "Charging data passed between servers.", "3GPP TS 24.229 7.2"},
    {"Remote-Party-ID",
     "The caller as the network sees it; never became a standard, replaced by P-Asserted-Identity.",
     "draft-ietf-sip-privacy"},
    {"Replaces", "Puts this call in the place of an existing one, named by Call-ID and tags.",
     "RFC 3891 6.1"},
    {"Reply-To", "Where a call back should go, if not to From.", "RFC 3261 20.31"},
    {"Request-Disposition", "How a proxy should treat the request: fork it, queue it, redirect it.",
     "RFC 3841 9.1"},
    {"Require", "Extensions the receiver must know; if not, it refuses with 420.",
     "RFC 3261 20.32"},
    {"Resource-Priority", "The call's rank when lines are scarce, in a named scheme.",
     "RFC 4412 3.1"},
    {"Resource-Share", "Whether calls may share a reserved channel.", "3GPP TS 24.229 7.2"},
    {"Response-Key", "Encryption with PGP, from the first SIP; withdrawn.", "RFC 3261 28.1"},
    {"Response-Source-Info", "Which server made the error response.", "3GPP TS 24.229 7.2"},
    {"Restoration-Info", "The state that a restarted server has lost.", "3GPP TS 24.229 7.2"},
    {"Retry-After", "When to try again, in seconds.", "RFC 3261 20.33"},
    {"Route", "The proxies that the request must still pass, the next one first.",
     "RFC 3261 20.34"},
    {"RSeq", "Numbers a provisional response that must be acknowledged with PRACK.",
     "RFC 3262 7.1"},
    {"Security-Client", "Ways to protect the first hop that the phone offers.", "RFC 3329 2.2"},
    {"Security-Server", "Ways to protect the first hop that the server offers.", "RFC 3329 2.2"},
    {"Security-Verify", "The server's list repeated, so that nobody can weaken it unseen.",
     "RFC 3329 2.2"},
    {"Server", "The program that answered.", "RFC 3261 20.35"},
    {"Service-Interact-Info", "Services already carried out for this call.", "3GPP TS 24.229 7.2"},
    {"Service-Route", "The registrar's answer: the route that this phone's calls must take.",
     "RFC 3608 5"},
    {"Session-Expires",
     "The session timer: the call is refreshed within this many seconds, or counts as dead.",
     "RFC 4028 4"},
    {"Session-ID",
     "A name of the call from end to end, which middle boxes leave as it is although they change "
     "Call-ID and tags.",
     "RFC 7989 5"},
    {"SIP-ETag", "The version of published state, given by the server.", "RFC 3903 11.3.1"},
    {"SIP-If-Match", "The version of published state that this request renews or changes.",
     "RFC 3903 11.3.2"},
    {"Subject", "What the call is about.", "RFC 3261 20.36"},
    {"Subscription-State", "Whether the subscription is active, and for how long or why not.",
     "RFC 6665 8.2.3"},
    {"Supported", "Extensions the sender knows and may use.", "RFC 3261 20.37"},
    {"Suppress-If-Match", "Send no notification while the state is still this one.", "RFC 5839"},
    {"Target-Dialog", "The sender proves that it takes part in this other call.", "RFC 4538"},
    {"Timestamp", "A time that the response sends back, for measuring the round trip.",
     "RFC 3261 20.38"},
    {"To",
     "Who was called, as first dialled. The answering side adds its tag; each phone of a fork its "
     "own.",
     "RFC 3261 20.39"},
    {"Trigger-Consent", "Asks a relay to seek the receivers' permission.", "RFC 5360 5.11.2"},
    {"Unsupported", "The extensions that were required and are not known here.", "RFC 3261 20.40"},
    {"User-Agent", "The program that sent the request.", "RFC 3261 20.41"},
    {"User-to-User", "Data carried unseen between the two users' programs.", "RFC 7433 4"},
    {"Via",
     "One for each hop, the newest on top. Responses go back along them; the branch names the "
     "transaction.",
     "RFC 3261 20.42"},
    {"Warning", "More about the status, with a three-digit code and a text.", "RFC 3261 20.43"},
    {"WWW-Authenticate", "The server's challenge in a 401: log in with this realm and nonce.",
     "RFC 3261 20.44"},
};

// Single-letter names (RFC 3261 7.3.3 and the registry).
struct Compact {
    char letter;
    std::string_view name;
};
constexpr Compact compact[] = {
    {'a', "Accept-Contact"},
    {'b', "Referred-By"},
    {'c', "Content-Type"},
    {'d', "Request-Disposition"},
    {'e', "Content-Encoding"},
    {'f', "From"},
    {'i', "Call-ID"},
    {'j', "Reject-Contact"},
    {'k', "Supported"},
    {'l', "Content-Length"},
    {'m', "Contact"},
    {'n', "Identity-Info"},
    {'o', "Event"},
    {'r', "Refer-To"},
    {'s', "Subject"},
    {'t', "To"},
    {'u', "Allow-Events"},
    {'v', "Via"},
    {'x', "Session-Expires"},
    {'y', "Identity"},
};

bool before(std::string_view a, std::string_view b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return to_lower(x) < to_lower(y); });
}

}  // namespace

std::span<const Topic> header_topics() { return rows; }

Topic header_topic(std::string_view name) {
    if (name.size() == 1) {
        for (const Compact& c : compact)
            if (c.letter == to_lower(name[0])) return header_topic(c.name);
    }
    const auto at = std::lower_bound(
        std::begin(rows), std::end(rows), name,
        [](const Topic& row, std::string_view wanted) { return before(row.name, wanted); });
    if (at == std::end(rows) || !iequals(at->name, name)) return {};
    return *at;
}

}  // namespace sipana::render
