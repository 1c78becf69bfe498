#include "libsipana/render/runs.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "libsipana/base/text.h"

using namespace sipana;
using lab::Outcome;
using lab::RunResult;

namespace {

constexpr Time start{1'700'000'000'000'000'000};
Time after(int ms) { return start + std::chrono::milliseconds{ms}; }

// Every text hostile: markup, controls, half a character, no characters, a bidi override.
constexpr std::string_view hostile = "]]><a b=\"&\x01\x1b[2J\xc3 \xef\xbf\xbe \xe2\x80\xae\r\n\tx";

RunResult failed_run() {
    RunResult run;
    run.script = "busy";
    run.title = "busy through the trunk";
    run.outcome = Outcome::failed;
    run.started = start;
    run.ended = after(1500);
    run.seed = 7;
    run.capture = "busy.pcapng";
    run.sip_sent = 9;
    run.sip_seen = 9;
    run.steps = {{9, "alice", "alice -> A INVITE 900", Outcome::done, after(10), "sent"},
                 {10, "alice", "A -> alice 486", Outcome::failed, after(500),
                  "expected 486 within 2s, got 404 Not Found"},
                 {11, "bob", "B -> bob INVITE", Outcome::not_reached, no_time, ""}};
    run.checks = {{13, "check alice final 486", Outcome::failed, "alice's call ended with 404"},
                  {0, "every message sent is in the capture", Outcome::done, "9 messages"}};
    run.notes = {"the exchange: no extension 999"};
    return run;
}

RunResult hostile_run() {
    RunResult run;
    run.script = run.title = run.error = run.capture = hostile;
    run.outcome = Outcome::failed;
    run.steps = {{1, std::string(hostile), std::string(hostile), Outcome::failed, no_time,
                  std::string(hostile)}};
    run.checks = {{2, std::string(hostile), Outcome::skipped, std::string(hostile)}};
    run.notes = {std::string(hostile)};
    return run;
}

RunResult good_run() {
    RunResult run = failed_run();
    run.script = "good";
    run.outcome = Outcome::done;
    for (auto& s : run.steps) s.outcome = Outcome::done;
    for (auto& c : run.checks) c.outcome = Outcome::done;
    return run;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("A run as a table: no line is wider than the terminal, nothing hostile gets through") {
    for (const RunResult& run : {failed_run(), hostile_run(), good_run()})
        for (const std::size_t width : {40u, 80u, 200u}) {
            CAPTURE(width);
            const std::string text = render::run_table(run, {.width = width});
            std::string_view rest = text;
            while (!rest.empty()) {
                const std::string_view line = cut(rest, '\n');
                CHECK(columns(line) <= width);
                CHECK(printable(line) == line);
            }
        }
    const std::string wide = render::run_table(failed_run(), {.width = 160});
    CHECK(has(wide, "failed     busy  busy through the trunk  1.500 s\n"));
    CHECK(has(wide, "expected 486 within 2s, got 404 Not Found"));
    CHECK(has(wide, "0.500"));
    CHECK(has(wide, "not reached"));
    CHECK(has(wide, "every message sent is in the capture"));
    CHECK(has(wide, "the exchange: no extension 999"));
    CHECK(!has(wide, "\x1b"));
    CHECK(has(render::run_table(failed_run(), {.width = 160, .color = true}), "\x1b[31mfailed"));
}

TEST_CASE("A run as a line: a failure says the first thing that went wrong") {
    const std::string text = render::run_line(failed_run(), {.width = 120});
    CHECK(has(text, "line 10: A -> alice 486: expected 486 within 2s"));
    CHECK(!has(render::run_line(good_run(), {.width = 120}), "line"));
    RunResult run = good_run();
    run.outcome = Outcome::failed;
    run.error = "busy.lab:3:7: expected a phone's name";
    CHECK(has(render::run_line(run, {.width = 120}), "busy.lab:3:7: expected a phone's name"));
}

TEST_CASE("Runs: the worst outcome speaks for all") {
    std::vector<RunResult> runs{good_run()};
    CHECK(render::outcome_of({}) == Outcome::done);
    CHECK(render::outcome_of(runs) == Outcome::done);
    runs.push_back(good_run());
    runs.back().outcome = Outcome::skipped;
    CHECK(render::outcome_of(runs) == Outcome::skipped);
    runs.push_back(failed_run());
    CHECK(render::outcome_of(runs) == Outcome::failed);
    CHECK(has(render::runs_summary(runs, {}), "3 scripts: 1 done, 1 failed, 1 skipped; 27 SIP"));
}

TEST_CASE("Runs as JSON: what the schema's name promises") {
    const std::vector<RunResult> runs{failed_run(), hostile_run()};
    const auto json = nlohmann::json::parse(render::runs_json(runs));
    CHECK(json["schema"] == "sipana-lab/1");
    CHECK(json["outcome"] == "failed");
    REQUIRE(json["runs"].size() == 2);
    const auto& run = json["runs"][0];
    CHECK(run["started"] == "2023-11-14T22:13:20.000000000Z");
    CHECK(run["duration_s"] == 1.5);
    CHECK(run["error"].is_null());
    CHECK(run["steps"][1]["at_s"] == 0.5);
    CHECK(run["steps"][2]["at_s"].is_null());
    CHECK(run["steps"][2]["outcome"] == "not reached");
    CHECK(run["checks"][1]["line"].is_null());
    CHECK(run["sip_seen"] == 9);
    CHECK(run["notes"].size() == 1);
}

TEST_CASE("Runs as JUnit: well-formed whatever the texts, and the counts add up") {
    RunResult unplayed = hostile_run();
    unplayed.steps.clear();
    unplayed.checks.clear();
    const std::vector<RunResult> runs{failed_run(), hostile_run(), good_run(), unplayed};
    const std::string text = render::runs_junit(runs);
    CHECK(valid_utf8(text) == text);
    for (const char c : text) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
    pugi::xml_document document;
    REQUIRE(document.load_buffer(text.data(), text.size(), pugi::parse_full, pugi::encoding_utf8));
    const auto all = document.child("testsuites");
    std::size_t suites = 0, cases = 0, failures = 0, errors = 0, skipped = 0;
    for (const auto suite : all.children("testsuite")) {
        ++suites;
        std::size_t here = 0;
        for (const auto test : suite.children("testcase")) {
            ++here;
            failures += !test.child("failure").empty();
            errors += !test.child("error").empty();
            skipped += !test.child("skipped").empty();
        }
        CHECK(suite.attribute("tests").as_uint() == here);
        cases += here;
    }
    CHECK(suites == 4);
    CHECK(all.attribute("tests").as_uint() == cases);
    CHECK(all.attribute("failures").as_uint() == failures);
    CHECK(all.attribute("errors").as_uint() == errors);
    CHECK(all.attribute("skipped").as_uint() == skipped);
    CHECK(cases == 5 + 2 + 5 + 1);
    CHECK(failures == 3);
    CHECK(errors == 1);
    CHECK(skipped == 2);
    const auto first = all.child("testsuite");
    CHECK(first.find_child_by_attribute("testcase", "name", "line 10: alice: A -> alice 486")
              .child("failure")
              .attribute("message")
              .value() == std::string_view("expected 486 within 2s, got 404 Not Found"));
    CHECK(first.attribute("timestamp").value() == std::string_view("2023-11-14T22:13:20"));
}
