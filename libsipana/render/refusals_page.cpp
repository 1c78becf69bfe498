// The page of refusals: the table of codes, what is passed on, each provocation with its ladder,
// and what is missing.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "libsipana/base/text.h"
#include "libsipana/render/html.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/page.h"
#include "libsipana/render/refusals.h"
#include "libsipana/render/render.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

constexpr std::size_t most_figures = 6;  // of one provocation

std::string phrase_of(int code) {
    const std::string_view registered = sip::reason_phrase(code);
    return registered.empty() ? "not registered" : std::string(registered);
}

class RefusalsPage {
public:
    RefusalsPage(std::span<const Tried> servers, const Misses& misses)
        : servers_(servers), misses_(misses) {
        for (const Tried& t : servers) {
            const auto codes = t.codes();
            codes_.insert(codes.begin(), codes.end());
        }
    }
    std::string whole() {
        open();
        put_codes();
        put_methods();
        put_translations();
        put_provocations();
        put_others();
        put_misses();
        out_ += "</main>\n</body>\n</html>\n";
        return std::move(out_);
    }

private:
    template <typename... Args>
    void put(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    }
    void open();
    void put_heads(std::string_view first);
    void put_codes();
    void put_cell(std::size_t server, int code);
    void put_methods();
    void put_translations();
    void put_provocations();
    void put_provocation(std::size_t server, const Provocation& p);
    void put_ladders(const Provocation& p);
    void put_others();
    void put_misses();
    std::string id_of(std::size_t server, const Provocation& p) const {
        return fmt::format("p-{}-{}", server, index_of(server, p));
    }
    std::size_t index_of(std::size_t server, const Provocation& p) const {
        const auto& all = servers_[server].provocations;
        return static_cast<std::size_t>(
            std::find_if(all.begin(), all.end(),
                         [&](const Provocation& one) { return &one == &p; }) -
            all.begin());
    }
    const std::string* reason(std::size_t server, int code) const {
        const auto at = misses_.reasons.find({code, servers_[server].folder});
        return at == misses_.reasons.end() ? nullptr : &at->second;
    }
    // Is it about this code, and does its capture show that the server sent it?
    static bool shows(const Provocation& p, int code) {
        return p.code() == code && p.count(code, true) > 0;
    }

    std::span<const Tried> servers_;
    const Misses& misses_;
    std::set<int> codes_;  // that a server sent
    std::string out_;
};

void RefusalsPage::open() {
    put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'{}'; base-uri 'none'; "
        "form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>What real servers refuse "
        "with</title>\n"
        "<style>{}</style>\n</head>\n<body class=\"refusals\">\n"
        "<a class=\"skip\" href=\"#codes\">Skip to the codes</a>\n"
        "<header class=\"masthead\"><div><h1>What real servers refuse with</h1><p>{} from 300 to "
        "699",
        csp_source(refusals_style_sha256()), refusals_style(),
        counted(codes_.size(), "final code", "final codes"));
    for (const Tried& t : servers_) put(" · {} {}", escaped(t.name), t.codes().size());
    out_ += "</p></div></header>\n<main>\n";
}

void RefusalsPage::put_heads(std::string_view first) {
    put("<div class=\"scroll\"><table><thead><tr>{}", first);
    for (const Tried& t : servers_) put("<th scope=\"col\" class=\"n\">{}", escaped(t.name));
    out_ += "</thead><tbody>\n";
}

void RefusalsPage::put_cell(std::size_t server, int code) {
    out_ += "<td class=\"n\">";
    const Tried& t = servers_[server];
    const std::uint64_t count = t.count(code, true);
    const auto shown = std::find_if(t.provocations.begin(), t.provocations.end(),
                                    [&](const Provocation& p) { return shows(p, code); });
    if (count > 0 && shown != t.provocations.end())
        put("<a class=\"badge good\" href=\"#{}\">{}</a>", id_of(server, *shown), count);
    else if (count > 0)
        put("<span class=\"badge good\">{}</span>", count);
    else if (const std::string* why = reason(server, code))
        put("<a class=\"never\" href=\"#never-{}-{}\" title=\"{}\">never</a>", server, code,
            escaped(*why));
    else if (t.count(code, false) > 0)
        out_ += "<span class=\"passed\" title=\"a phone's, through the server\">phone's</span>";
}

void RefusalsPage::put_codes() {
    out_ +=
        "<section id=\"codes\"><h2>The codes</h2><p class=\"say\">How often each server sent the "
        "code of its own accord; "
        "the number leads to what provoked it. What a phone refused with and a server passed on is "
        "not counted.</p>\n";
    std::set<int> rows = codes_;
    for (const auto& [key, why] : misses_.reasons) rows.insert(key.first);
    put_heads("<th scope=\"col\" class=\"n\">Code<th scope=\"col\">Phrase");
    for (const int code : rows) {
        put("<tr><th scope=\"row\" class=\"n\">{}<td>{}", code, escaped(phrase_of(code)));
        for (std::size_t s = 0; s < servers_.size(); ++s) put_cell(s, code);
        out_ += "\n";
    }
    out_ += "</tbody></table></div></section>\n";
}

void RefusalsPage::put_methods() {
    out_ +=
        "<section id=\"methods\"><h2>The methods</h2><p class=\"say\">Requests that went to a "
        "server, and those "
        "that it sent.</p>\n";
    put_heads("<th scope=\"col\">Method");
    for (const sip::Method m : sip::methods()) {
        put("<tr><th scope=\"row\">{}", sip::to_string(m));
        for (const Tried& t : servers_) {
            std::uint64_t to = 0, from = 0;
            for (const Provocation& p : t.provocations)
                for (const auto& [sender, sightings] : p.seen.senders())
                    (p.is_servers(sender) ? from : to) +=
                        sightings.methods[static_cast<std::size_t>(m)].count;
            out_ += "<td class=\"n\">";
            if (to > 0) put("{} to", to);
            if (from > 0) put("{}{} from", to > 0 ? ", " : "", from);
        }
        out_ += "\n";
    }
    out_ += "</tbody></table></div></section>\n";
}

void RefusalsPage::put_translations() {
    std::map<int, std::map<std::size_t, int>> heard;  // by what the phone said and the server
    for (std::size_t s = 0; s < servers_.size(); ++s)
        for (const Provocation& p : servers_[s].provocations)
            for (const auto& [said, got] : translations(p.script)) heard[said].try_emplace(s, got);
    if (heard.empty()) return;
    out_ +=
        "<section id=\"passed\"><h2>What a phone refuses with, and what the caller hears</h2><p "
        "class=\"say\">A proxy "
        "passes codes on. A PBX is the end of one call and the beginning of another: it keeps a "
        "cause (Q.850) of what "
        "the phone said, and makes a code of the cause.</p>\n";
    put_heads("<th scope=\"col\" class=\"n\">Phone<th scope=\"col\">Phrase");
    for (const auto& [said, by_server] : heard) {
        put("<tr><th scope=\"row\" class=\"n\">{}<td>{}", said, escaped(phrase_of(said)));
        for (std::size_t s = 0; s < servers_.size(); ++s) {
            const auto at = by_server.find(s);
            if (at == by_server.end())
                out_ += "<td class=\"n\">";
            else
                put("<td class=\"n{}\">{}", at->second == said ? " same" : "", at->second);
        }
        out_ += "\n";
    }
    out_ += "</tbody></table></div></section>\n";
}

// The calls in which there is a refusal, each figure once; else all.
void RefusalsPage::put_ladders(const Provocation& p) {
    const auto& calls = p.report.calls;
    const auto refused = [&](const analysis::Call& call) {
        return std::any_of(
            call.messages.begin(), call.messages.end(), [&](const analysis::SipMessage& m) {
                return p.code() != 0 ? m.code == p.code()
                                     : m.code >= 300 && m.code != 401 && m.code != 407;
            });
    };
    const bool any = std::any_of(calls.begin(), calls.end(), refused);
    std::set<const analysis::Call*> drawn;
    std::size_t figures = 0, left = 0;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if ((any && !refused(calls[i])) || drawn.count(&calls[i]) != 0) continue;
        const auto figure = figure_of(p.report, i);
        drawn.insert(figure.begin(), figure.end());
        if (++figures > most_figures) {
            ++left;
            continue;
        }
        put("<div class=\"drawing\">{}</div>\n",
            embedded_svg(build_ladder(figure, p.report.names)));
    }
    if (left > 0)
        put("<p class=\"omitted\">{} more are not drawn: \"sipana report\" shows the capture "
            "whole.</p>\n",
            counted(left, "ladder", "ladders"));
}

void RefusalsPage::put_provocation(std::size_t server, const Provocation& p) {
    put("<details class=\"provocation\"><summary><span class=\"badge\">{}</span> "
        "{}</summary>\n<div id=\"{}\"><p "
        "class=\"say\">{}</p>\n<pre class=\"raw\">{}</pre>\n<div>",
        escaped(servers_[server].name), escaped(p.script.title), id_of(server, p),
        escaped(p.name + ".lab: " + counted(p.seen.messages(), "SIP message", "SIP messages")),
        [&] {
            std::string lines;  // escaped() shows line ends as it shows other controls
            std::string_view rest = p.text;
            while (!rest.empty()) lines += escaped(cut(rest, '\n')) + "\n";
            return lines;
        }());
    put_ladders(p);
    out_ += "</div></div></details>\n";
}

void RefusalsPage::put_provocations() {
    out_ += "<section id=\"provocations\"><h2>What provoked them</h2>\n";
    for (const int code : codes_) {
        bool headed = false;
        for (std::size_t s = 0; s < servers_.size(); ++s)
            for (const Provocation& p : servers_[s].provocations) {
                if (!shows(p, code)) continue;
                if (!headed)
                    put("<h3 id=\"code-{0}\">{0} {1}</h3>\n", code, escaped(phrase_of(code)));
                headed = true;
                put_provocation(s, p);
            }
    }
    out_ += "</section>\n";
}

void RefusalsPage::put_others() {
    bool headed = false;
    for (std::size_t s = 0; s < servers_.size(); ++s)
        for (const Provocation& p : servers_[s].provocations) {
            if (p.code() != 0 && shows(p, p.code())) continue;
            if (!headed) out_ += "<section id=\"others\"><h2>What else there is to see</h2>\n";
            headed = true;
            put_provocation(s, p);
        }
    if (headed) out_ += "</section>\n";
}

void RefusalsPage::put_misses() {
    if (misses_.reasons.empty()) return;
    out_ +=
        "<section id=\"never\"><h2>What could not be provoked, and why</h2>\n<div "
        "class=\"scroll\"><table><thead><tr><th "
        "scope=\"col\" class=\"n\">Code<th scope=\"col\">Phrase<th scope=\"col\">Server<th "
        "scope=\"col\">Why</thead><tbody>\n";
    for (const auto& [key, why] : misses_.reasons)
        for (std::size_t s = 0; s < servers_.size(); ++s)
            if (servers_[s].folder == key.second)
                put("<tr id=\"never-{}-{}\"><th scope=\"row\" class=\"n\">{}<td>{}<td>{}<td>{}\n",
                    s, key.first, key.first, escaped(phrase_of(key.first)),
                    escaped(servers_[s].name), escaped(why));
    out_ += "</tbody></table></div></section>\n";
}

}  // namespace

std::string refusals_html(std::span<const Tried> servers, const Misses& misses) {
    return RefusalsPage(servers, misses).whole();
}

}  // namespace sipana::render
