#include "libsipana/render/refusals.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/render/sample.h"

using namespace sipana;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// A script and its capture: INVITE by a phone of ours, and `first` by `agent`.
void provoke(render::Tried& by, std::string_view name, std::string_view text,
             std::string_view first, std::string_view agent) {
    render::Provocation& p = by.provocations.emplace_back();
    p.name = name;
    p.text = text;
    auto script = lab::parse_script(text, name);
    REQUIRE_MESSAGE(script.has_value(), script.error().what);
    p.script = std::move(*script);
    analysis::Call& call = p.report.calls.emplace_back();
    const auto see = [&](std::uint64_t frame, std::initializer_list<std::string_view> lines,
                         bool back) {
        const auto a = sample::ep("10.0.0.1:5060"), b = sample::ep("10.0.0.2:5060");
        p.seen.on_message(
            sample::add(call, frame, 1, back ? b : a, back ? a : b, sample::sip(lines)), "c1");
    };
    see(1, {"INVITE sip:b@10.0.0.2 SIP/2.0", "User-Agent: sipana-lab", "CSeq: 1 INVITE"}, false);
    see(2, {first, agent, "CSeq: 1 INVITE"}, true);
}

constexpr std::string_view script =
    "# Who <is> \"404\"?\nphone alice\nserver A 10.0.0.2\nalice -> A INVITE 9\nA -> alice 404\n";
constexpr std::string_view passed =
    "# passed on\nphone alice\nphone bob\nserver A 10.0.0.2\nalice/x -> A INVITE 9\nA -> bob/x "
    "INVITE\nbob/x -> A 603\n"
    "A -> alice/x 403\nalice/y -> A INVITE 9\nA -> bob/y INVITE\nbob/y -> A 486\nA -> alice/y "
    "4xx\n";

}  // namespace

TEST_CASE(
    "refusals: what a server says counts for it, what a phone says and it passes on does not") {
    render::Tried server;
    server.folder = server.name = "one";
    provoke(server, "error-404", script, "SIP/2.0 404 Not Found", "Server: PBX");
    provoke(server, "600-relayed", script, "SIP/2.0 600 Busy", "Server: sipana-lab");
    provoke(server, "480-nameless", script, "SIP/2.0 480 No", "X-Nothing: says who it is");
    CHECK(server.codes() == std::vector{404, 480});  // 10.0.0.2 is the server's address
    CHECK(server.count(600, true) == 0);
    CHECK(server.count(600, false) == 1);
    CHECK(server.provocations[0].code() == 404);
    CHECK(server.provocations[1].code() == 600);
    server.provocations[2].name = "4800-nothing";
    CHECK(server.provocations[2].code() == 0);
}

TEST_CASE(
    "refusals: a phone's code and the caller's, of the same call, where the script names both") {
    const auto read = lab::parse_script(passed, "passed");
    REQUIRE(read.has_value());
    CHECK(render::translations(*read) == std::vector<std::pair<int, int>>{{603, 403}});
}

TEST_CASE("refusals: reasons, names and mistakes in their file") {
    const auto misses =
        render::parse_misses("# said\n\none\t*\tThe One\none\t407\tno proxy\tat all\r\n");
    REQUIRE(misses.has_value());
    CHECK(misses->names.at("one") == "The One");
    CHECK(misses->reasons.at({407, "one"}) == "no proxy\tat all");
    for (const std::string_view wrong :
         {"one\t407\n", "one 407 why\n", "one\t200\twhy\n", "\t407\twhy\n", "one\t4070\twhy"}) {
        CAPTURE(wrong);
        const auto read = render::parse_misses(wrong);
        REQUIRE(!read.has_value());
        CHECK(read.error().what.starts_with("1: "));
    }
    std::string many;
    for (std::size_t i = 0; i <= render::Misses::most; ++i) many += "one\t407\twhy\n";
    CHECK(!render::parse_misses(many).has_value());
}

TEST_CASE(
    "refusals page: each code, its provocation with script and ladder, the misses; all of it "
    "escaped") {
    std::vector<render::Tried> servers(2);
    servers[0].folder = "one";
    servers[0].name = "<b>One";
    provoke(servers[0], "404-x", script, "SIP/2.0 404 <script>alert(1)</script>",
            "Server: \"><script>");
    servers[1].folder = servers[1].name = "two";
    provoke(servers[1], "passed", passed, "SIP/2.0 603 Decline", "Server: sipana-lab");
    render::Misses misses;
    misses.reasons[{407, "two"}] = "a <i>reason</i>";
    const std::string page = render::refusals_html(servers, misses);
    CHECK(has(page, "1 final code from 300 to 699 · &lt;b&gt;One 1 · two 0"));
    CHECK(has(page, "<a class=\"badge good\" href=\"#p-0-0\">1</a>"));
    CHECK(has(page, "<div id=\"p-0-0\">"));
    CHECK(has(page, "# Who &lt;is&gt; &quot;404&quot;?\nphone alice\n"));
    CHECK(has(page, "<svg class=\"figure\""));
    CHECK(has(page, "a &lt;i&gt;reason&lt;/i&gt;"));
    CHECK(has(page, "<tr id=\"never-1-407\">"));
    CHECK(has(page, "603<td>Decline<td class=\"n\"><td class=\"n\">403"));
    for (const std::string_view raw : {"<script", "<b>", "<i>", "\"><script"}) {
        CAPTURE(raw);
        CHECK(!has(page.substr(page.find("</style>")), raw));
    }
    CHECK(has(page, "default-src 'none'; style-src 'sha256-"));
}
