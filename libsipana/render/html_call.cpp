// One call: outcome, facts, ladder, offers and answers, streams, keys, findings.
#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/html.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"
#include "libsipana/render/rows.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

using analysis::Call;

void put_fact(Page& page, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    page.put("<dt>{}<dd>{}\n", name, escaped(value));
}

std::string party_text(const analysis::Party& party) {
    std::string text(party.uri);
    return party.display.empty() ? text : fmt::format("{} ({})", party.display, text);
}

std::string side_text(Page& page, const Endpoint& endpoint, std::string_view agent) {
    std::string text = endpoint.to_string();
    const std::string name = page.name_of(endpoint.address);
    if (!name.empty()) text += fmt::format(" ({})", name);
    return agent.empty() ? text : fmt::format("{}, {}", text, agent);
}

std::string length_text(const std::optional<Duration>& length) {
    return length ? short_duration(*length) : "";
}

std::string messages_text(const Call& call) {
    std::string text = fmt::format("{}", call.message_count);
    if (call.retransmissions > 0)
        text += fmt::format(", {} of them sent again", call.retransmissions);
    return text;
}

void put_legs(Page& page, const Call& call) {
    for (const auto& leg : call.legs) {
        const auto other = std::find_if(page.calls.begin(), page.calls.end(),
                                        [&](const Call* c) { return c->call_id == leg.call_id; });
        page.out += "<dt>Also a leg<dd>";
        if (other == page.calls.end())
            page.put("{}", escaped(leg.call_id));
        else
            page.put("<a href=\"#call-{0}\">call {0}</a>", (*other)->number);
        page.put(": {}\n", escaped(leg.evidence));
    }
}

void put_facts(Page& page, const Call& call) {
    page.out += "<section class=\"facts\"><h3>Facts</h3><dl>\n";
    put_fact(page, "From", party_text(call.from));
    put_fact(page, "To", party_text(call.to));
    put_fact(page, "Request-URI", call.request_uri);
    put_fact(page, "Caller", side_text(page, call.caller, call.caller_agent));
    put_fact(page, "Called", side_text(page, call.callee, call.callee_agent));
    put_fact(page, "Transport", to_string(call.transport));
    put_fact(page, "Call-ID", call.call_id);
    const std::string start = to_rfc3339(call.start);
    put_fact(page, "Start", fmt::format("{} {} UTC", start.substr(0, 10), start.substr(11, 15)));
    put_fact(page, "Lasted", short_duration(call.end - call.start));
    put_fact(page, "Until ringing", length_text(call.post_dial_delay));
    put_fact(page, "Ringing", length_text(call.ring));
    put_fact(page, "Until answered", length_text(call.setup));
    put_fact(page, "Talk", length_text(call.duration));
    put_fact(page, "Messages", messages_text(call));
    if (call.expires_s > 0) put_fact(page, "Granted for", fmt::format("{} s", call.expires_s));
    put_fact(page, "Event", call.event);
    put_fact(page, "Binding", call.contact);
    put_fact(page, "Reason", call.reason_header);
    if (!call.reason_header.empty())
        put_fact(page, "That is", header_meaning("Reason", call.reason_header));
    if (call.dialogs.size() > 1)
        put_fact(page, "Dialogs", fmt::format("{}: the INVITE was forked", call.dialogs.size()));
    put_legs(page, call);
    page.out += "</dl></section>\n";
}

void put_digits(Page& page, const Call& call) {
    struct Pressed {
        const analysis::Digit* digit;
        std::string_view from;
    };
    std::vector<Pressed> all;
    for (const auto& stream : call.streams)
        for (const auto& digit : stream.digits)
            all.push_back({&digit, stream.from_caller ? "caller" : "called"});
    for (const auto& digit : call.digits) all.push_back({&digit, ""});
    if (all.empty()) return;
    std::stable_sort(all.begin(), all.end(), [](const Pressed& a, const Pressed& b) {
        return a.digit->start < b.digit->start;
    });
    page.out +=
        "<section><h3>Keys pressed</h3><div "
        "class=\"scroll\"><table><thead><tr><th>Key<th>At<th>Held<th>By"
        "<th>Carried as<th>Frame</thead><tbody>\n";
    const std::size_t count = std::min<std::size_t>(all.size(), 500);
    for (std::size_t i = 0; i < count; ++i) {
        const analysis::Digit& digit = *all[i].digit;
        const bool info = digit.source == analysis::DigitSource::sip_info;
        page.put(
            "<tr><td><kbd>{}</kbd><td class=\"n\">{}<td class=\"n\">{}<td>{}<td>{}<td "
            "class=\"n\">{}\n",
            escaped({&digit.digit, 1}), since(digit.start, call.start),
            digit.duration.count() > 0 ? short_duration(digit.duration) : "", all[i].from,
            info          ? "SIP INFO"
            : digit.ended ? "RTP event (RFC 4733)"
                          : "RTP event, its end was not seen",
            digit.frame);
    }
    page.out += "</tbody></table></div></section>\n";
}

std::vector<Finding> all_findings(const Call& call) {
    std::vector<Finding> all = call.findings;
    for (const auto& stream : call.streams)
        all.insert(all.end(), stream.findings.begin(), stream.findings.end());
    std::stable_sort(all.begin(), all.end(), [](const Finding& a, const Finding& b) {
        return a.severity != b.severity ? a.severity > b.severity : a.frame < b.frame;
    });
    return all;
}

}  // namespace

std::uint64_t figure_number(Calls calls, std::size_t index) {
    std::uint64_t number = calls[index]->number;
    for (const Call* call : figure_of(calls, std::span(&index, 1)))
        number = std::min(number, call->number);
    return number;
}

void put_figure(Page& page, std::span<const Call* const> calls) {
    page.out += page_figure(build_ladder(calls, page.report.names));
}

void put_findings(Page& page, const std::vector<Finding>& findings) {
    page.out += "<ul class=\"findings\">\n";
    const auto groups = grouped(findings, Alike::text);
    const std::size_t count = std::min(groups.size(), most_findings_shown);
    for (std::size_t i = 0; i < count; ++i) {
        const FindingGroup& group = groups[i];
        const Finding& finding = *group.first;
        page.put("<li><span class=\"badge {0}\">{0}</span> <span>{1}", to_string(finding.severity),
                 escaped(finding.text));
        page.put(" <small>{}", escaped(finding.rule));
        if (!finding.clause.empty()) page.put(" · {}", escaped(finding.clause));
        if (group.count > 1) page.put(" · {} times", group.count);
        if (!group.frames.empty()) page.out += group.frames.size() == 1 ? " · frame" : " · frames";
        for (std::size_t k = 0; k < group.frames.size(); ++k) {
            const std::uint64_t frame = group.frames[k];
            const std::string link = page.link_to_frame(frame);
            page.out += k == 0 ? " " : ", ";
            if (link.empty())
                page.put("{}", frame);
            else
                page.put("<a href=\"{}\">{}</a>", link, frame);
        }
        page.put("{}</small></span>\n", group.more_frames ? ", …" : "");
    }
    page.out += "</ul>\n";
    if (count < groups.size())
        page.put("<p class=\"omitted\">{} more are not shown.</p>\n", groups.size() - count);
}

namespace {

void put_ladder(Page& page, const Call& call, Drawn drawn, std::span<const Call* const> figure) {
    const auto index = static_cast<std::size_t>(
        std::find(page.calls.begin(), page.calls.end(), &call) - page.calls.begin());
    page.put(
        "<section class=\"ladder\"><div class=\"tools\"><h3>Ladder</h3>"
        "<div class=\"choice\" role=\"radiogroup\" aria-label=\"Times\">"
        "<button type=\"button\" role=\"radio\" aria-checked=\"true\" data-times=\"since\">Since "
        "start</button>"
        "<button type=\"button\" role=\"radio\" aria-checked=\"false\" data-times=\"delta\" "
        "tabindex=\"-1\">Since "
        "last</button><button type=\"button\" role=\"radio\" aria-checked=\"false\" "
        "data-times=\"clock\" "
        "tabindex=\"-1\">Clock</button></div></div>"
        "<div class=\"drawing since\" data-figure=\"{}\">",
        figure_number(page.calls, index));
    if (drawn == Drawn::here) put_figure(page, figure);
    page.out += "</div></section>\n";
}

}  // namespace

void put_call(Page& page, const Call& call, Drawn drawn, std::span<const Call* const> figure) {
    const auto n = call.number;
    page.put(
        "<article class=\"call\" aria-labelledby=\"call-title-{0}\"><header><h2 "
        "id=\"call-title-{0}\" "
        "tabindex=\"-1\">{1} <span aria-label=\"to\">→</span> {2}</h2> <span class=\"badge "
        "{3}\">{4}</span>"
        "<p class=\"outcome\">{5}</p></header>\n",
        n, escaped(caller_name(call)), escaped(callee_name(call)), outcome_class(call.state),
        to_string(call.state), escaped(outcome_sentence(call, page.seen)));
    page.out += "<div class=\"beside\">";
    if (drawn != Drawn::above) put_ladder(page, call, drawn, figure);
    put_facts(page, call);
    page.out += "</div>\n";
    put_ledgers(page, call);
    if (!call.streams.empty()) {
        page.out += "<section><h3>Media streams</h3>\n";
        const std::size_t count = std::min(call.streams.size(), most_streams_shown);
        for (std::size_t i = 0; i < count; ++i) put_stream(page, call.streams[i], &call, n, i);
        page.out += "</section>\n";
    }
    put_digits(page, call);
    if (const auto findings = all_findings(call); !findings.empty()) {
        page.out += "<section><h3>Findings</h3>\n";
        put_findings(page, findings);
        page.out += "</section>\n";
    }
    page.out += "</article>\n";
}

}  // namespace sipana::render
