// The call list: one row a call, with what the script filters and sorts by.
#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/html.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/rows.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

using analysis::Call;
using analysis::Stream;

struct Worst {
    std::size_t count = 0;
    Severity severity = Severity::note;
    void add(const std::vector<Finding>& findings) {
        for (const Finding& f : findings) {
            ++count;
            severity = std::max(severity, f.severity);
        }
    }
};

Worst worst_of(const Call& call) {
    Worst worst;
    worst.add(call.findings);
    for (const Stream& stream : call.streams) worst.add(stream.findings);
    return worst;
}

// "audio, video" and the worst loss among the call's streams.
std::string media_text(const Call& call) {
    std::string kinds;
    double loss = 0;
    for (const Stream& stream : call.streams) {
        const std::string_view kind = to_string(stream.media);
        if (kinds.find(kind) == kinds.npos)
            kinds += fmt::format("{}{}", kinds.empty() ? "" : ", ", kind);
        if (stream.expected > 0)
            loss = std::max(loss, 100.0 * static_cast<double>(stream.lost) /
                                      static_cast<double>(stream.expected));
    }
    if (loss > 0) kinds += fmt::format(", {} lost", percent_text(loss));
    return kinds;
}

// What the filter box looks through beside the visible cells.
std::string search_text(const Call& call) {
    std::string text(call.call_id);
    for (const std::string_view part :
         {call.from.uri, call.from.display, call.to.uri, call.to.display, call.request_uri,
          call.caller_agent, call.callee_agent})
        text.append(" ").append(part);
    text += fmt::format(" {} {}", call.caller.to_string(), call.callee.to_string());
    std::vector<std::uint16_t> codes;
    for (const auto& m : call.messages)
        if (m.code != 0 && std::find(codes.begin(), codes.end(), m.code) == codes.end() &&
            codes.size() < 32)
            codes.push_back(m.code);
    std::sort(codes.begin(), codes.end());
    for (const auto code : codes) text += fmt::format(" {}", code);
    return lowered(text);
}

struct Chip {
    std::string value;
    std::size_t count = 0;
};
void count_chip(std::vector<Chip>& chips, std::string_view value) {
    for (Chip& chip : chips)
        if (chip.value == value) return void(++chip.count);
    chips.push_back({std::string(value), 1});
}

void put_chips(Page& page, std::string_view key, std::string_view label, std::vector<Chip> chips) {
    if (chips.size() < 2) return;
    std::sort(chips.begin(), chips.end(), [](const Chip& a, const Chip& b) {
        return a.count != b.count ? a.count > b.count : a.value < b.value;
    });
    page.put("<div class=\"chips\" role=\"group\" aria-label=\"{}\">", label);
    for (const Chip& chip : chips)
        page.put(
            "<button type=\"button\" aria-pressed=\"false\" data-key=\"{}\" data-value=\"{}\">{}{} "
            "<span>{}</span></button>",
            key, chip.value, key == "findings" && chip.value == "none" ? "no findings" : chip.value,
            key == "findings" && chip.value != "none" ? "s" : "", chip.count);
    page.out += "</div>";
}

}  // namespace

void put_call_row(Page& page, const Call& call, bool one_day) {
    const Worst worst = worst_of(call);
    const std::string from = caller_name(call), to = callee_name(call);
    page.put(
        "<tr role=\"row\" tabindex=\"-1\" aria-selected=\"false\" data-call=\"{}\" "
        "data-kind=\"{}\" "
        "data-state=\"{}\" data-findings=\"{}\" data-text=\"{}\">",
        call.number, to_string(call.kind), to_string(call.state),
        worst.count == 0 ? "none" : to_string(worst.severity), escaped(search_text(call)));
    page.put("<td class=\"n\">{}", call.number);
    page.put("<td class=\"when\" data-value=\"{}\">{}{}", call.start.count(),
             one_day ? "" : day_of(call) + " ", to_time_of_day(call.start).substr(0, 12));
    page.put("<td class=\"kind\">{}", to_string(call.kind));
    page.put("<td class=\"from\" title=\"{}\">{}", escaped(call.from.uri), escaped(from));
    page.put("<td class=\"to\" title=\"{}\">{}", escaped(call.to.uri), escaped(to));
    page.put("<td class=\"state\" data-value=\"{}{}\"><span class=\"badge {}\">{}</span>",
             to_string(call.state), call.final_code, outcome_class(call.state),
             to_string(call.state));
    if (call.final_code != 0 && call.final_code != 200) page.put(" {}", call.final_code);
    page.put("<td class=\"n length\" data-value=\"{}\">{}",
             call.duration ? call.duration->count() : -1,
             call.duration ? short_duration(*call.duration) : "");
    page.put("<td class=\"n messages\">{}", call.message_count);
    page.put("<td class=\"media\" data-value=\"{}\">{}", call.streams.size(), media_text(call));
    page.put("<td class=\"n found\" data-value=\"{}\">",
             worst.count == 0
                 ? 0
                 : worst.count + 1'000'000 * (1 + static_cast<std::size_t>(worst.severity)));
    if (worst.count > 0)
        page.put("<span class=\"badge {}\" title=\"{}, the worst is: {}\">{}</span>",
                 to_string(worst.severity), counted(worst.count, "finding", "findings"),
                 to_string(worst.severity), worst.count);
    page.out += "</tr>\n";
}

// What stands above the rows: the heading with the number of calls, and the filter.
void open_call_list(Page& page, std::size_t count) {
    page.put(
        "<section id=\"calls\" aria-labelledby=\"calls-title\"><div class=\"tools\"><h2 "
        "id=\"calls-title\">Calls "
        "<span class=\"count\" id=\"shown\" aria-live=\"polite\">{}</span></h2>"
        "<label class=\"filter\"><span class=\"sr\">Filter the calls</span><input type=\"search\" "
        "id=\"filter\" "
        "placeholder=\"Filter: name, number, Call-ID, code, address\" autocomplete=\"off\" "
        "spellcheck=\"false\"></label>",
        count);
}

void open_call_rows(Page& page) {
    page.out +=
        "</div>\n<div class=\"scroll list\"><table role=\"grid\" aria-labelledby=\"calls-title\" "
        "id=\"list\"><thead><tr role=\"row\">";
    struct Column {
        std::string_view css, name;
    };
    constexpr Column columns[] = {{"n", "#"},           {"when", "Start"},
                                  {"kind", "Kind"},     {"from", "From"},
                                  {"to", "To"},         {"state", "Outcome"},
                                  {"n length", "Talk"}, {"n messages", "Messages"},
                                  {"media", "Media"},   {"n found", "Findings"}};
    for (const Column& column : columns)
        page.put(
            "<th scope=\"col\" role=\"columnheader\" class=\"{}\"{}><button "
            "type=\"button\">{}</button></th>",
            column.css, column.name == "#" ? " aria-sort=\"ascending\"" : "", column.name);
    page.out += "</tr></thead><tbody>\n";
}

void put_call_list(Page& page) {
    const Calls calls = page.calls;
    if (calls.empty()) {
        page.out +=
            "<section id=\"calls\"><h2>Calls</h2><p class=\"none\">No SIP calls were "
            "found.</p></section>\n";
        return;
    }
    const std::size_t listed = std::min(calls.size(), most_calls_listed);
    std::vector<Chip> kinds, states, found;
    for (std::size_t i = 0; i < listed; ++i) {
        count_chip(kinds, to_string(calls[i]->kind));
        count_chip(states, to_string(calls[i]->state));
        const Worst worst = worst_of(*calls[i]);
        count_chip(found, worst.count == 0 ? "none" : to_string(worst.severity));
    }
    open_call_list(page, calls.size());
    put_chips(page, "kind", "Kind", kinds);
    put_chips(page, "state", "Outcome", states);
    put_chips(page, "findings", "Worst finding", found);
    open_call_rows(page);
    const bool one_day = of_one_day(calls);
    for (std::size_t i = 0; i < listed; ++i) put_call_row(page, *calls[i], one_day);
    page.out += "</tbody></table></div>\n";
    if (listed < calls.size())
        page.put(
            "<p class=\"omitted\">{} more calls are not listed here. \"sipana calls\" lists "
            "all.</p>\n",
            calls.size() - listed);
    if (calls.size() > most_calls_shown)
        page.put(
            "<p class=\"omitted\">Ladders, messages and streams are kept for the first {} "
            "calls.</p>\n",
            most_calls_shown);
    page.out += "</section>\n";
}

}  // namespace sipana::render
