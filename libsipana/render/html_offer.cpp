// Offers and answers of a call, per media line (RFC 3264).
#include "libsipana/base/text.h"
#include "libsipana/render/html.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

using analysis::Call;
using sdp::Direction;

std::string codecs_text(const std::vector<sdp::Codec>& codecs) {
    std::string text;
    for (const sdp::Codec& codec : codecs) {
        if (!text.empty()) text += ", ";
        text +=
            codec.name.empty() ? fmt::format("payload type {}", codec.payload_type) : codec.name;
        if (codec.channels > 1) text += fmt::format(" ×{}", codec.channels);
    }
    return text;
}

std::string direction_words(Direction direction) {
    switch (direction) {
        case Direction::sendrecv:
            return "sends and receives";
        case Direction::sendonly:
            return "only sends";
        case Direction::recvonly:
            return "only receives";
        case Direction::inactive:
            return "neither sends nor receives";
    }
    return {};
}

// Encryption, RTCP and ICE, where the description speaks of them.
std::string transport_words(const sdp::MediaOffer& offer) {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
    if (!offer.fingerprint.empty())
        add("DTLS-SRTP" + (offer.setup.empty() ? std::string{} : " (" + offer.setup + ")"));
    for (const std::string& suite : offer.crypto) add("SRTP " + suite);
    if (offer.rtcp_mux) add("RTCP on the same port");
    if (!offer.candidates.empty())
        add(counted(offer.candidates.size(), "ICE candidate", "ICE candidates"));
    if (offer.ptime_ms) add(fmt::format("{} ms a packet", *offer.ptime_ms));
    return text;
}

void put_side(Page& page, const sdp::MediaOffer& side) {
    if (side.rtp.port == 0) {
        page.out += "<td><span class=\"badge open\">refused</span> port 0";
        return;
    }
    page.put("<td>{}<br>{} <small>{}</small>", escaped(codecs_text(side.codecs)),
             direction_words(side.direction), escaped(side.rtp.to_string()));
    if (side.on_hold) page.out += " <span class=\"badge open\">hold</span>";
    if (const std::string more = transport_words(side); !more.empty())
        page.put("<br><small>{}</small>", escaped(more));
}

// What holds for the line after this exchange, in words.
std::string in_force(const sdp::MediaLine& line, const sdp::Exchange& exchange,
                     const std::string& caller, const std::string& callee) {
    if (!line.answer) {
        return exchange.outcome == sdp::Outcome::refused     ? "Nothing new: the offer was refused."
               : exchange.outcome == sdp::Outcome::withdrawn ? "Nothing: the offer came to nothing."
                                                             : "Nothing yet: no answer was seen.";
    }
    if (line.refused) return "No " + line.media + ": the answer refused it with port 0.";
    std::string text;
    switch (line.direction) {
        case Direction::sendrecv:
            text = "Both send.";
            break;
        case Direction::sendonly:
            text = fmt::format("Only {} sends.", caller);
            break;
        case Direction::recvonly:
            text = fmt::format("Only {} sends.", callee);
            break;
        case Direction::inactive:
            text = "Nobody sends.";
            break;
    }
    const bool by_caller = exchange.offerer == sdp::Side::caller;
    if (line.offer.on_hold) text += fmt::format(" {} holds the call.", by_caller ? caller : callee);
    if (line.agreed.empty()) return text + " No codec in common.";
    return text + " " + codecs_text(line.agreed) + ".";
}

std::string message_link(const Call& call, std::uint32_t message) {
    if (message >= call.messages.size()) return "a message that is not kept";
    return fmt::format("<a href=\"#message-{}.{}\">{}</a>", call.number, message,
                       escaped(message_title(call.messages[message])));
}

void put_heading(Page& page, const Call& call, const sdp::Exchange& exchange, std::size_t number) {
    const bool by_caller = exchange.offerer == sdp::Side::caller;
    const std::string offerer = by_caller ? caller_name(call) : callee_name(call);
    const std::string answerer = by_caller ? callee_name(call) : caller_name(call);
    page.put("<p class=\"exchange\"><b>{}.</b> {} offers in {} at {}", number, escaped(offerer),
             message_link(call, exchange.offer_message), since(exchange.offered_at, call.start));
    if (exchange.delayed) page.out += " (the INVITE had left the offer to the other side)";
    if (exchange.answer_message && exchange.answered_at != no_time) {
        page.put(", {} answers in {} at {}.", escaped(answerer),
                 message_link(call, *exchange.answer_message),
                 since(exchange.answered_at, call.start));
    } else {
        page.out += '.';
    }
    switch (exchange.outcome) {
        case sdp::Outcome::answered:
            page.out += exchange.in_force_until == no_time
                            ? " In force to the end."
                            : fmt::format(" In force until {}.",
                                          since(exchange.in_force_until, call.start));
            break;
        case sdp::Outcome::early:
            page.out += " Early: it may still change before the call is answered.";
            break;
        case sdp::Outcome::refused:
            page.out += " Refused: what was in force before stays.";
            break;
        case sdp::Outcome::withdrawn:
            page.out += " Withdrawn: the call ended first.";
            break;
        case sdp::Outcome::pending:
            page.out += " No answer was seen.";
            break;
    }
    if (!exchange.session_version_note.empty())
        page.put(" Odd: {}.", escaped(exchange.session_version_note));
    page.out += "</p>\n";
}

void put_exchange(Page& page, const Call& call, const sdp::Exchange& exchange, std::size_t number) {
    put_heading(page, call, exchange, number);
    page.out +=
        "<div class=\"scroll\"><table "
        "class=\"ledger\"><thead><tr><th>Media<th>Offered<th>Answered<th>In force"
        "</thead><tbody>\n";
    const std::string caller = caller_name(call), callee = callee_name(call);
    for (const sdp::MediaLine& line : exchange.media) {
        page.put("<tr><th scope=\"row\">{} {}<br><small>{}", line.index + 1, escaped(line.media),
                 escaped(line.protocol));
        if (!line.mid.empty()) page.put("<br>mid {}", escaped(line.mid));
        if (!line.bundle.empty()) page.put("<br>bundled with {}", escaped(line.bundle));
        page.out += "</small>";
        put_side(page, line.offer);
        if (line.answer)
            put_side(page, *line.answer);
        else
            page.out += "<td class=\"none\">no answer";
        page.put("<td>{}\n", escaped(in_force(line, exchange, caller, callee)));
    }
    page.out += "</tbody></table></div>\n";
}

}  // namespace

void put_ledgers(Page& page, const Call& call) {
    bool any = false;
    for (const auto& ledger : call.ledgers) any = any || !ledger.exchanges.empty();
    if (!any) return;
    page.out += "<section><h3>Offers and answers</h3>\n";
    for (const auto& ledger : call.ledgers) {
        if (ledger.exchanges.empty()) continue;
        if (call.ledgers.size() > 1 && ledger.dialog < call.dialogs.size())
            page.put("<h4>With the dialog {}</h4>\n",
                     escaped(call.dialogs[ledger.dialog].callee_tag));
        std::size_t number = 0;
        for (const sdp::Exchange& exchange : ledger.exchanges)
            put_exchange(page, call, exchange, ++number);
    }
    page.out += "</section>\n";
}

}  // namespace sipana::render
