#include "libsipana/render/svg.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::vector<const analysis::Call*> pointers(const analysis::Call& call) { return {&call}; }

// Elements opened and closed in order; attributes quoted; nothing but known entities.
bool well_formed(std::string_view svg) {
    std::vector<std::string> open;
    for (std::size_t i = 0; i < svg.size(); ++i) {
        if (svg[i] == '&') {
            const auto end = svg.find(';', i);
            if (end == svg.npos || end - i > 6) return false;
            continue;
        }
        if (svg[i] == '>') return false;
        if (svg[i] != '<') continue;
        if (svg.substr(i).starts_with("<style>")) {
            i = svg.find("</style>", i) + 7;
            continue;
        }
        std::size_t k = i + 1;
        bool quoted = false;
        while (k < svg.size() && (quoted || svg[k] != '>')) {
            if (svg[k] == '"') quoted = !quoted;
            if (quoted && svg[k] == '<') return false;
            ++k;
        }
        if (k >= svg.size()) return false;
        const std::string_view tag = svg.substr(i + 1, k - i - 1);
        const std::string name(tag.substr(0, tag.find_first_of(" /", 1)));
        if (tag[0] == '/') {
            if (open.empty() || "/" + open.back() != name) return false;
            open.pop_back();
        } else if (tag.back() != '/') {
            open.push_back(name);
        }
        i = k;
    }
    return open.empty();
}

}  // namespace

TEST_CASE("trap 77, trap 78: text is escaped for element and attribute, controls and bidi shown") {
    CHECK(escaped("<a href=\"x\" o='y'>&") == "&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp;");
    CHECK(escaped("\x1b[2J\x9b") == "\\x1b[2J\\x9b");
    CHECK(!has(escaped(sample::bidi), "\xe2\x80\xae"));
    CHECK(escaped(sample::not_utf8).find('\xff') == std::string::npos);
    CHECK(escaped("Zoë 日本") == "Zoë 日本");
}

TEST_CASE("a stand-alone ladder is one well-formed SVG that names itself") {
    for (const auto& call : sample::report().calls) {
        CAPTURE(call.number);
        const std::string svg = ladder_svg(pointers(call));
        CHECK(well_formed(svg));
        CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
        CHECK(has(svg, "<title id=\"title\">"));
        CHECK(has(svg, "prefers-color-scheme: dark"));
        CHECK(!has(svg, "<script"));
        CHECK(!has(svg, " style="));
        CHECK(!has(svg, "href="));
    }
}

TEST_CASE("the same calls give the same bytes") {
    const auto first = sample::report(), second = sample::report();
    for (std::size_t i = 0; i < first.calls.size(); ++i)
        CHECK(ladder_svg(figure_of(first, i)) == ladder_svg(figure_of(second, i)));
}

TEST_CASE("a ladder shows its messages, retransmissions, media, keys and pauses") {
    const auto call = sample::answered_call();
    const std::string svg = ladder_svg(pointers(call));
    for (const std::string_view part :
         {"INVITE (SDP)", "180 Ringing", "200 OK", "again (1)", "arrow request again", "audio PCMU",
          "video H264", "class=\"lane\"", "class=\"digits\"", "later</text>", ">0.501</text>",
          "class=\"mark note\""})
        CHECK_MESSAGE(has(svg, part), part);
}

TEST_CASE("trap 78: hostile names and phrases come out as text in the drawing") {
    const auto call = sample::hostile_call();
    const std::string svg = ladder_svg(pointers(call)),
                      page = page_figure(build_ladder(pointers(call)));
    for (const std::string& out : {svg, page}) {
        CHECK(!has(out, "<script"));
        CHECK(!has(out, "<img"));
        CHECK(!has(out, "<b>"));
        CHECK(out.find('\x1b') == std::string::npos);
        CHECK(out.find('\0') == std::string::npos);
        CHECK(!has(out, "\xe2\x80\xae"));
        CHECK(valid_utf8(out) == out);
    }
}

TEST_CASE("the page's figure has arrows that a script and a keyboard can reach") {
    const auto call = sample::answered_call();
    const std::string figure = page_figure(build_ladder(pointers(call)));
    CHECK(well_formed(figure));
    CHECK(has(figure,
              "role=\"button\" tabindex=\"-1\" data-message=\"1.0\" aria-label=\"INVITE (SDP)"));
    CHECK(has(figure, "data-stream=\"1.0\""));
    CHECK(!has(figure, "<style"));
    CHECK(!has(figure, " style="));
}

TEST_CASE("texts are cut to the room they have, on whole characters") {
    CHECK(shortened("alice", 13, 200) == "alice");
    const std::string cut = shortened("日本語日本語日本語", 13, 60);
    CHECK(cut.ends_with("…"));
    CHECK(valid_utf8(cut) == cut);
    CHECK(text_width(cut, 13) <= 60);
    CHECK(text_width(shortened(std::string(100000, 'x'), 13, 100), 13) <= 100);
    CHECK(text_width("WWW", 13) > text_width("iii", 13));
}

TEST_CASE("a ladder of nothing is still a drawing") {
    const analysis::Call call;
    CHECK(well_formed(ladder_svg(pointers(call))));
    CHECK(well_formed(standalone_svg(Ladder{})));
    CHECK(well_formed(page_figure(Ladder{})));
}
