#include "libsipana/lab/claim.h"

#include <doctest/doctest.h>

#include "libsipana/base/text.h"
#include "libsipana/lab/verdict.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty())
        if (const auto word = cut(text, ' '); !word.empty()) out.emplace_back(word);
    return out;
}

Claim claim(std::string_view text) {
    auto parsed = parse_claim(words(text));
    REQUIRE_MESSAGE(parsed, text, ": ", parsed ? "" : parsed.error().what);
    return *parsed;
}

std::string complaint(std::string_view text) {
    const auto parsed = parse_claim(words(text));
    REQUIRE_MESSAGE(!parsed, text);
    return parsed.error().what;
}

}  // namespace

TEST_CASE("A check line: who is meant") {
    CHECK(claim("no findings").subject.empty());
    CHECK(claim("alice final 486").subject.name == "alice");
    CHECK(claim("alice/2 final 486").subject.call == "2");
    CHECK(claim("alice/* final 486").subject.call == "*");
    for (const std::string_view way : {"alice->bob loss < 1%", "alice -> bob loss <1%",
                                       "alice-> bob loss < 1%", "alice ->bob loss <1%"}) {
        CAPTURE(way);
        const auto parsed = parse_claim(words(way));
        if (way.find(" ->b") != way.npos) {
            CHECK(!parsed);  // an arrow that begins a word belongs to nobody
            continue;
        }
        REQUIRE(parsed);
        CHECK(parsed->subject.name == "alice");
        CHECK(parsed->subject.to == "bob");
        CHECK(parsed->span.most == 1);
        CHECK(parsed->span.below);
    }
}

TEST_CASE("A check line: numbers, limits and their units") {
    const auto holds = [](std::string_view text, Unit unit, double x) {
        const auto span = parse_span(text, unit);
        REQUIRE_MESSAGE(span, text);
        return span->holds(x);
    };
    CHECK(holds("3", Unit::count, 3));
    CHECK(!holds("3", Unit::count, 4));
    CHECK(holds(">2", Unit::count, 3));
    CHECK(!holds(">2", Unit::count, 2));
    CHECK(holds(">=2", Unit::count, 2));
    CHECK(holds("<=2", Unit::count, 2));
    CHECK(!holds("<2", Unit::count, 2));
    CHECK(holds("1..3", Unit::count, 1));
    CHECK(holds("1..3", Unit::count, 3));
    CHECK(!holds("1..3", Unit::count, 3.5));
    CHECK(holds("1.5s..2s", Unit::duration, 1500));
    CHECK(holds("<20ms", Unit::duration, 19.9));
    CHECK(holds("1min", Unit::duration, 60'000));
    CHECK(holds("440Hz+-5Hz", Unit::hertz, 445));
    CHECK(!holds("440Hz+-5Hz", Unit::hertz, 446));
    CHECK(holds("0.5%", Unit::percent, 0.5));
    for (const std::string_view bad :
         {"", "x", "-1", "1%", "3..1", "1..", "..3", "1....3", "<", "<<1", "<1..2", "1e5", "1.",
          ".5", "1 2", "9999999999999999", "3+-", "0x3"})
        CHECK_MESSAGE(!parse_span(bad, Unit::count), bad);
    CHECK(!parse_span("3", Unit::duration));  // 3 what?
}

TEST_CASE("A check line: methods, codes and classes") {
    CHECK(matches(*parse_pattern("486"), "INVITE", 486));
    CHECK(!matches(*parse_pattern("486"), "INVITE", 0));
    CHECK(matches(*parse_pattern("4xx"), "INVITE", 499));
    CHECK(!matches(*parse_pattern("4xx"), "INVITE", 500));
    CHECK(matches(*parse_pattern("INVITE"), "INVITE", 0));
    CHECK(!matches(*parse_pattern("INVITE"), "INVITE", 200));
    CHECK(matches(*parse_pattern("480..489"), "INVITE", 486));
    CHECK(!matches(*parse_pattern("480..489"), "INVITE", 490));
    CHECK(!parse_pattern("489..480"));
    CHECK(matches(*parse_pattern("any"), "X", 0));
    CHECK(matches(*parse_pattern("any"), "X", 200));
    for (const std::string_view bad :
         {"", "99", "099", "700", "7xx", "0xx", "48x", "invite", "4XX"})
        CHECK_MESSAGE(!parse_pattern(bad), bad);
}

TEST_CASE("A check line: each form is read") {
    for (const std::string_view good : {"alice final 486",
                                        "alice final 486 600",
                                        "alice final 4xx",
                                        "alice final none",
                                        "alice final 200 for BYE",
                                        "alice state completed",
                                        "alice ended by bob",
                                        "alice duration 1s..3s",
                                        "alice setup < 2s",
                                        "alice ringing > 100ms",
                                        "alice delay < 1s",
                                        "calls 2",
                                        "alice calls > 0",
                                        "alice dialogs 2",
                                        "alice challenges 1",
                                        "alice expires 3600s",
                                        "messages REGISTER 4",
                                        "messages 200 for BYE 2",
                                        "alice -> A messages INVITE 1..2",
                                        "retransmissions 3",
                                        "retransmissions > 0",
                                        "retransmissions INVITE 3",
                                        "bob retransmissions 486 2",
                                        "alice flow INVITE 100? 180+ 200",
                                        "flow ... BYE 200",
                                        "alice time INVITE 180 < 3s",
                                        "header INVITE Contact present",
                                        "alice header INVITE Contact matches <sip:.*>",
                                        "bob header 200 for INVITE Require absent",
                                        "header INVITE request-uri is sip:900@a",
                                        "body MESSAGE contains hello",
                                        "bob hears 440Hz",
                                        "bob hears 440Hz +- 10Hz from alice for 2s",
                                        "bob hears 300Hz..500Hz",
                                        "bob hears 440Hz and 580Hz and 700Hz for 1s",
                                        "bob hears no 440Hz from alice",
                                        "bob hears no 440Hz and 580Hz",
                                        "bob hears sound from alice for 2s",
                                        "alice INVITE before bob INVITE",
                                        "alice 180 before A -> bob 200",
                                        "bob hears nothing",
                                        "bob hears silence from alice",
                                        "bob heard digits 123#",
                                        "alice -> bob loss 2%..5%",
                                        "bob jitter < 20ms",
                                        "bob gap < 100ms",
                                        "bob packets > 10",
                                        "bob codec pcmu",
                                        "bob video codec h264",
                                        "bob audio packets > 1",
                                        "bob frames > 10",
                                        "bob video key frames > 1",
                                        "alice -> bob rtcp SR > 0",
                                        "no findings",
                                        "no errors",
                                        "no findings except sip-cseq-method rtp-loss",
                                        "findings sip-cseq-method 1"})
        CHECK_MESSAGE(parse_claim(words(good)), good);
    CHECK(claim("bob hears 440Hz").span.least == 430);
    CHECK(claim("bob hears 440Hz+-2Hz").span.least == 438);
    CHECK(claim("alice final 486 600").patterns.size() == 2);
    CHECK(claim("bob video frames > 1").video == true);
}

TEST_CASE("A check line that is not understood says what was expected") {
    CHECK(complaint("") == "expected what is checked, found the end of the line");
    CHECK(complaint("alice") ==
          "expected what is checked, such as final, flow, messages, header, hears, loss, found the "
          "end of the line");
    CHECK(complaint("alice final BUSY") ==
          "expected a code, a class such as 4xx, or none, found 'BUSY'");
    CHECK(complaint("alice final 486 for 200") == "expected a method, found '200'");
    CHECK(complaint("bob jitter < 20") ==
          "expected a duration such as < 20ms, 3s or 1s..2s, found '<'");
    CHECK(complaint("alice state happy").find("expected one of trying, ringing") == 0);
    CHECK(complaint("alice flow INVITE 18") ==
          "expected a method, a code, a class such as 4xx, any, or ..., found '18'");
    CHECK(
        complaint("bob hears 440Hz and") ==
        "expected a tone such as 440Hz, no 440Hz, sound, nothing or silence, found the end of the "
        "line");
    CHECK(complaint("bob hears no 440Hz for 1s") == "expected the end of the line, found 'for'");
    CHECK(complaint("alice INVITE before bob") ==
          "expected a method, a code, a class such as 4xx, or any, found the end of the line");
    CHECK(complaint("alice INVITE before bob INVITE first") ==
          "expected the end of the line, found 'first'");
    CHECK(complaint("hears 440Hz") == "expected a name before hears and heard");
    CHECK(complaint("alice -> bob hears 440Hz") == "expected one name: 'bob hears ... from alice'");
    CHECK(complaint("-> bob loss < 1%") == "expected a name before ->, found '->'");
    CHECK(complaint("alice -> ") == "expected a name after ->, found the end of the line");
    CHECK(complaint("header INVITE Contact matches (").find("expected a regular expression") == 0);
    CHECK(complaint("no findings except") == "expected a rule's name, found the end of the line");
    CHECK(complaint("alice final 486 now").find("found 'now'") != std::string::npos);
    CHECK(complaint("alice ended by bob now") == "expected the end of the line, found 'now'");
}

TEST_CASE("A check line: every beginning of one is read or refused, never more") {
    const auto all = words("alice/2 -> bob header INVITE for X Contact matches y audio 440Hz");
    for (std::size_t i = 0; i <= all.size(); ++i)
        for (std::size_t j = i; j <= all.size(); ++j)
            (void)parse_claim(std::span(all).subspan(i, j - i));
    CHECK(!parse_claim(std::vector<std::string>(max_claim_words + 1, "any")));
}

TEST_CASE("A regular expression that would take for ever does not") {
    const std::string text(4000, 'a');
    const auto found = found_in(text, "(a*)*b");
    REQUIRE(found);
    CHECK(!*found);
    CHECK(*found_in("<sip:900@a.example>", "sip:9.0@"));
    CHECK(!found_in("", std::string(max_pattern_size + 1, 'a')));
}

TEST_CASE("check_syntax: place and names") {
    Script script;
    script.phones.emplace_back().name = "alice";
    script.servers.emplace_back().name = "A";
    CheckLine line;
    line.where = {7, 3};
    line.words = words("alice final 486");
    CHECK(check_syntax(line, &script));
    line.words = words("A -> alice messages 486 1");
    CHECK(check_syntax(line, &script));
    line.words = words("bob final 486");
    CHECK(check_syntax(line));
    const auto unknown = check_syntax(line, &script);
    REQUIRE(!unknown);
    CHECK(unknown.error().what == "7:3: expected a phone or server, found 'bob'");
    line.words = words("alice final");
    CHECK(check_syntax(line).error().what ==
          "7:3: expected a code, a class such as 4xx, or none, found the end of the line");
}
