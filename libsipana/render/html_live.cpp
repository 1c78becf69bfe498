// The live page: its frame, and the pieces that are sent to it.
#include <algorithm>

#include "libsipana/render/html.h"
#include "libsipana/render/json_writer.h"
#include "libsipana/render/live_page.h"
#include "libsipana/render/page.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

const analysis::Report& no_report() {
    static const analysis::Report none;
    return none;
}

void put_head(Page& page, std::string_view title) {
    page.put(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" "
        "content=\"no-referrer\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n",
        escaped(title), live_style());
    page.put(
        "<a class=\"skip\" href=\"#calls\">Skip to the calls</a>\n<header "
        "class=\"masthead\"><div><h1>{} <span id=\"line\" class=\"badge\" "
        "role=\"status\">connecting</span></h1><p id=\"since\"></p></div><div "
        "class=\"actions\"><a href=\"/report.html\" download>Report</a><a href=\"/report.json\" "
        "download>JSON</a><button type=\"button\" id=\"theme\" "
        "aria-pressed=\"false\">Dark</button></div></header>\n",
        escaped(title));
    page.out +=
        "<noscript><p class=\"alarm\">This page is kept up to date by a script, and this browser "
        "runs none for it.</p></noscript>\n<div id=\"alarms\" role=\"alert\"></div>\n"
        "<dl id=\"strip\" class=\"numbers\" aria-label=\"Totals\"></dl>\n";
}

void put_list(Page& page) {
    open_call_list(page, 0);
    struct Group {
        std::string_view key, label;
    };
    constexpr Group groups[] = {
        {"kind", "Kind"}, {"state", "Outcome"}, {"findings", "Worst finding"}};
    for (const Group& group : groups)
        page.put("<div class=\"chips\" role=\"group\" aria-label=\"{}\" data-group=\"{}\"></div>",
                 group.label, group.key);
    open_call_rows(page);
    page.out +=
        "</tbody></table></div>\n<p class=\"none\" id=\"empty\">No calls yet.</p>\n<p "
        "class=\"omitted\" id=\"omitted\" hidden></p></section>\n";
}

}  // namespace

std::string live_html(std::string_view title) {
    Page page(no_report(), {});
    put_head(page, title);
    page.out += "<main>\n";
    put_list(page);
    page.out +=
        "<nav id=\"downloads\" aria-label=\"Downloads of this call\" hidden></nav>\n"
        "<div id=\"call\"></div>\n<p class=\"none\" id=\"hint\" hidden>Choose a call to see its "
        "ladder, its messages and its media while it goes on.</p>\n"
        "<details class=\"input\" id=\"strays\" hidden><summary>Streams without a call <span "
        "class=\"count\"></span></summary><div></div></details>\n"
        "<section id=\"findings\" hidden><h2>Findings of no call <span "
        "class=\"count\"></span></h2><div></div></section>\n</main>\n";
    page.put(
        "<aside id=\"message\" role=\"region\" aria-label=\"Message\" hidden></aside>\n"
        "<script>{}</script>\n</body>\n</html>\n",
        live_script());
    return std::move(page.out);
}

std::string live_policy() {
    return fmt::format(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        csp_source(live_script_sha256()), csp_source(live_style_sha256()));
}

std::string call_rows_html(Calls calls) {
    Page page(no_report(), calls);
    page.out += "<table><tbody>";
    for (const analysis::Call* call : calls) put_call_row(page, *call, true);
    page.out += "</table>";
    return std::move(page.out);
}

std::string findings_html(std::span<const Finding> findings) {
    Page page(no_report(), {});
    put_findings(page, {findings.begin(), findings.end()});
    return std::move(page.out);
}

std::string streams_html(std::span<const analysis::Stream* const> streams) {
    Page page(no_report(), {});
    const std::size_t count = std::min(streams.size(), most_streams_shown);
    for (std::size_t i = 0; i < count; ++i) put_stream(page, *streams[i], nullptr, 0, i);
    return std::move(page.out);
}

std::string call_panel_json(Calls figure, std::uint64_t number) {
    Page page(no_report(), figure);
    page.seen = Seen::going_on;
    const auto at = std::find_if(figure.begin(), figure.end(),
                                 [&](const analysis::Call* c) { return c->number == number; });
    if (at == figure.end()) return "null";
    put_call(page, **at, Drawn::by_script);
    const std::string panel = std::exchange(page.out, {});
    put_figure(page, figure);
    const std::string drawing = std::exchange(page.out, {});
    std::string out;
    {
        JsonWriter json(out);
        json.begin_object().field("number", number);
        json.field("figure", figure_number(figure, static_cast<std::size_t>(at - figure.begin())));
        json.key("calls").begin_array();
        for (const analysis::Call* call : figure) json.value(call->number);
        json.end_array().field("panel", std::string_view(panel));
        json.field("drawing", std::string_view(drawing)).end_object();
    }
    out.pop_back();  // the object goes on with what is JSON already
    page.out = std::move(out);
    page.out += ",\"messages\":{";
    for (const analysis::Call* call : figure) {
        page.put("{}\"{}\":", call == figure.front() ? "" : ",", call->number);
        put_messages_json(page, call->messages, call->start, call->findings);
    }
    page.out += "},\"glossary\":";
    put_glossary_json(page);
    page.out += '}';
    return std::move(page.out);
}

}  // namespace sipana::render
