// The report page: its frame, what was read, and the order of everything in it.
#include "libsipana/render/html.h"

#include <algorithm>
#include <set>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/page.h"
#include "libsipana/render/render.h"
#include "libsipana/render/svg.h"

namespace sipana::render {

using analysis::Call;
using analysis::Report;

Page::Page(const Report& whole, Calls shown) : report(whole), calls(shown) {
    const auto add = [&](std::uint64_t call, const std::vector<analysis::SipMessage>& messages) {
        for (std::size_t i = 0; i < std::min(messages.size(), most_messages_shown); ++i)
            places_.push_back({messages[i].frame, call, i});
    };
    add(0, report.stray_messages);
    for (std::size_t i = 0; i < std::min(calls.size(), most_calls_shown); ++i)
        add(calls[i]->number, calls[i]->messages);
    std::stable_sort(places_.begin(), places_.end(),
                     [](const Place& a, const Place& b) { return a.frame < b.frame; });
}

int Page::gloss(const Topic& topic) {
    if (topic.name.empty()) return -1;
    const auto [at, fresh] =
        glossed_.try_emplace({topic.name, topic.what}, static_cast<int>(glossary_.size()));
    if (fresh) glossary_.push_back(topic);
    return at->second;
}

std::string Page::link_to_frame(std::uint64_t frame) const {
    const auto at = std::lower_bound(places_.begin(), places_.end(), frame,
                                     [](const Place& p, std::uint64_t f) { return p.frame < f; });
    if (at == places_.end() || at->frame != frame) return {};
    return fmt::format("#message-{}.{}", at->call, at->message);
}

std::string Page::name_of(const Address& address) const {
    for (const auto& [known, name] : report.names)
        if (known == address) return name;
    return {};
}

std::string csp_source(std::string_view hex) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out = "sha256-";
    const auto nibble = [&](std::size_t i) {
        return i < hex.size() ? static_cast<unsigned>(
                                    is_digit(hex[i]) ? hex[i] - '0' : to_lower(hex[i]) - 'a' + 10)
                              : 0u;
    };
    // Six nibbles are three bytes are four letters.
    for (std::size_t i = 0; i < hex.size(); i += 6) {
        unsigned bits = 0;
        for (std::size_t k = 0; k < 6; ++k) bits = bits << 4 | nibble(i + k);
        const std::size_t bytes = std::min<std::size_t>(3, (hex.size() - i) / 2);
        for (std::size_t k = 0; k < 4; ++k)
            out += k <= bytes ? letters[bits >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

namespace {

void open_page(Page& page, std::string_view title) {
    page.put(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'{}'; script-src "
        "'{}'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light "
        "dark\">\n<title>{}</title>\n<style>{}</style>\n"
        "</head>\n<body>\n",
        csp_source(page_style_sha256()), csp_source(page_script_sha256()), escaped(title),
        page_style());
}

void close_page(Page& page) {
    put_glossary(page);
    page.put(
        "<aside id=\"message\" role=\"region\" aria-label=\"Message\" "
        "hidden></aside>\n<script>{}</script>\n"
        "</body>\n</html>\n",
        page_script());
}

std::string span_text(const Report& report) {
    if (report.first == no_time) return {};
    const std::string first = to_rfc3339(report.first), last = to_rfc3339(report.last);
    return fmt::format("{} {} to {}{} UTC", first.substr(0, 10), first.substr(11, 8),
                       first.substr(0, 10) == last.substr(0, 10) ? "" : last.substr(0, 10) + " ",
                       last.substr(11, 8));
}

std::string title_of(const Report& report) {
    if (report.files.empty()) return "SIP report";
    if (report.files.size() == 1) return report.files.front().name;
    return fmt::format("{} and {}", report.files.front().name,
                       counted(report.files.size() - 1, "more file", "more files"));
}

std::size_t stream_count(const Page& page) {
    std::size_t count = page.report.streams.size();
    for (const Call* call : page.calls) count += call->streams.size();
    return count;
}

void put_masthead(Page& page) {
    const Report& r = page.report;
    page.put(
        "<a class=\"skip\" href=\"#calls\">Skip to the calls</a>\n<header "
        "class=\"masthead\"><div><h1>{}</h1>"
        "<p>{} · {} · {} · {}{}</p></div>"
        "<button type=\"button\" id=\"theme\" aria-pressed=\"false\">Dark</button></header>\n",
        escaped(title_of(r)), counted(page.calls.size(), "call", "calls"),
        counted(r.counts.sip_messages, "SIP message", "SIP messages"),
        counted(stream_count(page), "media stream", "media streams"),
        counted(r.counts.frames.frames, "frame", "frames"),
        r.first == no_time ? "" : " · " + span_text(r));
    for (const auto& file : r.files)
        if (file.damaged)
            page.put(
                "<p class=\"alarm\">{} is damaged: this report holds what could be read before and "
                "around "
                "the damage.</p>\n",
                escaped(file.name));
    page.out +=
        "<noscript><p class=\"alarm\">Calls open with a script, and this browser runs none for "
        "this page."
        "</p></noscript>\n";
}

void put_file(Page& page, const analysis::FileFacts& file) {
    page.put("<tr><th scope=\"row\">{}<td>{}{}{}<td class=\"n\">{}<td class=\"n\">{}<td>",
             escaped(file.name), escaped(file.format),
             file.compression.empty() ? "" : ", " + escaped(file.compression),
             file.damaged ? " <span class=\"badge bad\">damaged</span>" : "", file.frames,
             bytes_text(file.bytes));
    std::string notes;
    const auto add = [&](const std::string& note) { notes += (notes.empty() ? "" : "; ") + note; };
    for (const std::string& interface : file.interfaces) add(interface);
    for (const std::string& comment : file.comments) add("\"" + comment + "\"");
    if (file.secrets > 0) add(counted(file.secrets, "block of secrets", "blocks of secrets"));
    page.put("{}\n", escaped(notes));
}

void put_counts(Page& page) {
    const auto& c = page.report.counts;
    struct Count {
        std::string_view name;
        std::uint64_t value;
    };
    const Count counts[] = {
        {"SIP messages", c.sip_messages},
        {"RTP packets", c.rtp_packets},
        {"RTCP packets", c.rtcp_packets},
        {"RTCP packets that are encrypted", c.srtcp_packets},
        {"STUN", c.stun},
        {"DTLS", c.dtls},
        {"ZRTP", c.zrtp},
        {"T.38", c.t38},
        {"TURN channel data", c.turn_channel},
        {"HEP packets", c.hep},
        {"HEP without SIP or media", c.hep_other},
        {"HEP sent by this program", c.hep_own},
        {"Unreadable HEP", c.hep_unreadable},
        {"TLS, not decoded", c.tls},
        {"Other datagrams", c.other_datagrams},
        {"Malformed SIP", c.malformed_sip},
        {"Malformed RTCP", c.malformed_rtcp},
        {"IP fragments", c.frames.fragments},
        {"Fragments given up", c.frames.fragments_expired},
        {"TCP segments again", c.frames.retransmitted_segments},
        {"TCP bytes missing", c.frames.missing_bytes},
    };
    page.out += "<h3>What was found</h3><dl class=\"numbers\">";
    for (const Count& count : counts)
        if (count.value > 0) page.put("<div><dt>{}<dd>{}</div>", count.name, count.value);
    page.out += "</dl>\n<h3>What became of each frame</h3><dl class=\"numbers\">";
    page.put("<div><dt>frames<dd>{}</div>", c.frames.frames);
    for (std::size_t i = 0; i < net::fates; ++i)
        if (c.frames.by_fate[i] > 0)
            page.put("<div><dt>{}<dd>{}</div>", to_string(static_cast<net::Fate>(i)),
                     c.frames.by_fate[i]);
    page.out += "</dl>\n";
    const analysis::Losses& l = c.losses;
    if (l.any() == 0) return;
    const Count losses[] = {
        {"Packets dropped by the kernel", l.dropped_by_kernel},
        {"Packets dropped by the interface", l.dropped_by_interface},
        {"Packets dropped by our queues", l.dropped_by_queue},
        {"Unanswered calls, given up for want of room", l.evicted_attempts},
        {"Calls told before their end for want of room", l.evicted_calls},
        {"Streams told before their end for want of room", l.evicted_streams},
        {"Calls that were over and are not in this report", l.forgotten_calls},
    };
    page.out += "<h3>What was lost</h3><dl class=\"numbers\">";
    for (const Count& count : losses)
        if (count.value > 0) page.put("<div><dt>{}<dd>{}</div>", count.name, count.value);
    page.out += "</dl>\n";
}

void put_input(Page& page) {
    page.out +=
        "<details class=\"input\"><summary>What was read</summary>\n<div "
        "class=\"scroll\"><table><thead><tr>"
        "<th>File<th>Format<th>Frames<th>Size<th>Notes</thead><tbody>\n";
    for (const auto& file : page.report.files) put_file(page, file);
    page.out += "</tbody></table></div>\n";
    put_counts(page);
    page.out += "</details>\n";
}

void put_stray_streams(Page& page) {
    const auto& streams = page.report.streams;
    if (streams.empty()) return;
    page.put(
        "<section id=\"streams\"><h2>Streams without a call <span class=\"count\">{}</span></h2>\n",
        streams.size());
    const std::size_t count = std::min(streams.size(), most_streams_shown);
    for (std::size_t i = 0; i < count; ++i) put_stream(page, streams[i], nullptr, 0, i);
    if (count < streams.size())
        page.put("<p class=\"omitted\">{} more are not shown. \"sipana streams\" lists all.</p>\n",
                 streams.size() - count);
    page.out += "</section>\n";
}

void put_stray_messages(Page& page) {
    const auto& messages = page.report.stray_messages;
    if (messages.empty()) return;
    page.put(
        "<section id=\"stray\"><h2>Messages without a call <span "
        "class=\"count\">{}</span></h2>\n<div "
        "class=\"scroll\"><table><thead><tr><th>Time<th>From<th>To<th>Message<th>Frame</"
        "thead><tbody>\n",
        messages.size());
    const std::size_t count = std::min(messages.size(), most_messages_shown);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& m = messages[i];
        page.put(
            "<tr><td class=\"n\">{}<td>{}<td>{}<td><a href=\"#message-0.{}\">{}</a><td "
            "class=\"n\">{}\n",
            to_time_of_day(m.time), escaped(m.src.to_string()), escaped(m.dst.to_string()), i,
            escaped(message_title(m)), m.frame);
    }
    page.out += "</tbody></table></div>\n";
    if (count < messages.size())
        page.put("<p class=\"omitted\">{} more are not shown.</p>\n", messages.size() - count);
    page.out += "</section>\n";
    put_messages(page, 0, messages, messages.front().time, page.report.findings);
}

// Calls that share a figure share one drawing of it.
void put_call_parts(Page& page, std::size_t index, std::set<std::uint64_t>& drawn) {
    const Call& call = *page.calls[index];
    const std::uint64_t figure = figure_number(page.calls, index);
    if (drawn.insert(figure).second) {
        page.put("<script type=\"text/html\" id=\"figure-{}\">", figure);
        put_figure(page, figure_of(page.calls, std::span(&index, 1)));
        page.out += "</script>\n";
    }
    put_messages(page, call.number, call.messages, call.start, call.findings);
}

}  // namespace

std::string report_html(const Report& report) {
    return report_html(report, pointers(report.calls));
}

std::string report_html(const Report& report, Calls calls) {
    Page page(report, calls);
    open_page(page, title_of(report));
    put_masthead(page);
    page.out += "<main>\n";
    put_input(page);
    put_call_list(page);
    page.out += "<div id=\"call\"></div>\n";
    put_stray_streams(page);
    put_stray_messages(page);
    if (!report.findings.empty()) {
        page.put("<section id=\"findings\"><h2>All findings <span class=\"count\">{}</span></h2>\n",
                 report.findings.size());
        put_findings(page, report.findings);
        page.out += "</section>\n";
    }
    page.out += "</main>\n";
    std::set<std::uint64_t> drawn;
    const std::size_t shown = std::min(calls.size(), most_calls_shown);
    for (std::size_t i = 0; i < shown; ++i) {
        page.put("<script type=\"text/html\" id=\"panel-{}\">", calls[i]->number);
        put_call(page, *calls[i], Drawn::by_script);
        page.out += "</script>\n";
        put_call_parts(page, i, drawn);
    }
    close_page(page);
    return std::move(page.out);
}

std::string flow_html(const Report& report, std::span<const std::size_t> indexes) {
    return flow_html(report, pointers(report.calls), indexes);
}

std::string flow_html(const Report& report, Calls calls, std::span<const std::size_t> indexes) {
    const auto figure = figure_of(calls, indexes);
    Page page(report, calls);
    open_page(page, figure.empty() ? "SIP call"
                                   : fmt::format("{} to {}", caller_name(*figure.front()),
                                                 callee_name(*figure.front())));
    page.put(
        "<header class=\"masthead\"><div><h1>{}</h1></div><button type=\"button\" id=\"theme\" "
        "aria-pressed=\"false\">Dark</button></header>\n<main><div id=\"call\" "
        "data-fixed=\"{}\">\n",
        escaped(title_of(report)), figure.empty() ? 0 : figure.front()->number);
    for (const Call* call : figure)
        put_call(page, *call, call == figure.front() ? Drawn::here : Drawn::above, figure);
    page.out += "</div></main>\n";
    for (const Call* call : figure)
        put_messages(page, call->number, call->messages, call->start, call->findings);
    close_page(page);
    return std::move(page.out);
}

}  // namespace sipana::render
