#include "libsipana/render/coverage.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "libsipana/base/text.h"
#include "tests/render/sample.h"

using namespace sipana;

namespace {

const std::vector<std::string> files{"one.pcapng", "two,2.pcapng"};

// INVITE, and one response for each code, from a server whose name is hostile.
analysis::Coverage covered() {
    analysis::Coverage coverage;
    analysis::Call call;
    const auto see = [&](std::uint64_t frame, std::string_view first, std::string_view agent,
                         std::string_view cseq) {
        const std::string text = sample::sip({first, agent, cseq});
        coverage.on_message(sample::add(call, frame, 1, sample::ep("10.0.0.1:5060"),
                                        sample::ep("10.0.0.2:5060"), text),
                            "c1");
    };
    see(1, "INVITE sip:b@b.example SIP/2.0", "User-Agent: phone", "CSeq: 1 INVITE");
    see(2, "SIP/2.0 486 Busy Here", "Server: =\x1b[2J\"<&,x", "CSeq: 1 INVITE");
    see(3, "SIP/2.0 486 Busy Here", "Server: b", "CSeq: 2 OPTIONS");
    coverage.next_file();
    see(1, "SIP/2.0 499 What", "Server: b", "CSeq: 1 INVITE");
    see(2, "PING sip:b@b.example SIP/2.0", "User-Agent: phone", "CSeq: 3 PING");
    return coverage;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("coverage as a table: counts, first places, what is missing; within the width") {
    const auto coverage = covered();
    for (const std::size_t width : {40u, 80u, 160u}) {
        CAPTURE(width);
        const std::string text = render::coverage_table(coverage, files, {.width = width});
        std::string_view rest = text;
        while (!rest.empty()) CHECK(columns(cut(rest, '\n')) <= width);
        CHECK(!has(text, "\x1b"));
        CHECK(has(text, "486"));
        CHECK(has(text, "180 Ringing"));
        CHECK(!has(text, "486 Busy Here (RFC"));  // not missing
    }
    const std::string wide = render::coverage_table(coverage, files, {.width = 160});
    CHECK(has(wide, "5 messages: 1 of 14 methods, 1 of 66 registered codes from 300 to 699\n"));
    CHECK(has(wide, "one.pcapng:2"));
    CHECK(has(wide, "INVITE OPTIONS"));
    CHECK(has(wide, "not registered"));
    CHECK(has(wide, "  600 Busy Everywhere (RFC 3261 21.6.1)\n"));
}

TEST_CASE("coverage as JSON: what was seen, by whom, and what was not") {
    const auto json = nlohmann::json::parse(render::coverage_json(covered(), files));
    CHECK(json["schema"] == "sipana-coverage/1");
    CHECK(json["files"].size() == 2);
    CHECK(json["messages"] == 5);
    CHECK(json["methods"].size() == 2);
    CHECK(json["methods"][1]["method"] == "PING");
    CHECK(json["methods"][1]["registered"] == false);
    CHECK(json["codes"][0]["code"] == 486);
    CHECK(json["codes"][0]["count"] == 2);
    CHECK(json["codes"][0]["senders"].size() == 2);
    CHECK(json["codes"][1]["first_file"] == "two,2.pcapng");
    CHECK(json["codes"][1]["phrase"].is_null());
    CHECK(json["missing_methods"].size() == 13);
    CHECK(json["missing_codes"].size() == 74);
    CHECK(json["missing_codes"][0]["phrase"] == "Trying");
}

TEST_CASE("RFC 4180: coverage as CSV has one row an item and sender, nine cells each") {
    const std::string csv = render::coverage_csv(covered(), files);
    std::string_view rest = csv;
    std::size_t rows = 0;
    while (!rest.empty()) {
        const std::string_view line = cut(rest, '\n');
        std::size_t commas = 0;
        bool quoted = false;
        for (const char c : line) {
            if (c == '"') quoted = !quoted;
            commas += !quoted && c == ',';
        }
        CAPTURE(line);
        CHECK(commas == 8);
        ++rows;
    }
    CHECK(rows == 1 + 15 + 2 + 76 + 3);
    CHECK(has(csv, "code,486,Busy Here,true,,2,0,one.pcapng,2\n"));
    CHECK(has(csv, "code,600,Busy Everywhere,true,,0,0,,\n"));
    CHECK(has(csv, "\"'=\\x1b[2J\"\"<&,x\""));  // no formula for a spreadsheet
}
