#include <doctest/doctest.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/render.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;

namespace {

// RFC 4180, one record.
std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
            cells.back() += '"';
            ++i;
        } else if (line[i] == '"') {
            quoted = !quoted;
        } else if (line[i] == ',' && !quoted) {
            cells.emplace_back();
        } else {
            cells.back() += line[i];
        }
    }
    CHECK_FALSE(quoted);
    return cells;
}

std::string cell(const std::string& header, const std::string& row, std::string_view name) {
    const auto names = cells_of(header), cells = cells_of(row);
    REQUIRE(names.size() == cells.size());
    const auto at = std::find(names.begin(), names.end(), name);
    REQUIRE(at != names.end());
    return cells[static_cast<std::size_t>(at - names.begin())];
}

std::string call_cell(const analysis::Call& call, std::string_view name) {
    return cell(calls_csv_header(), call_csv(call), name);
}

}  // namespace

TEST_CASE("RFC 4180: every row has the cells of its header") {
    const analysis::Report report = sample::report();
    for (const auto& call : report.calls) {
        CHECK(cells_of(call_csv(call)).size() == cells_of(calls_csv_header()).size());
        for (const auto& m : call.messages)
            CHECK(cells_of(message_csv(m, call.call_id)).size() ==
                  cells_of(messages_csv_header()).size());
        for (const auto& s : call.streams)
            CHECK(cells_of(stream_csv(s)).size() == cells_of(streams_csv_header()).size());
    }
    const auto& call = report.calls[0];
    CHECK(call_cell(call, "from") == "sip:alice@a.example");
    CHECK(call_cell(call, "final_code") == "200");
    CHECK(call_cell(call, "setup_s") == "4.817");
    CHECK(call_cell(call, "reason") == "Q.850;cause=16;text=\"Normal call clearing\"");
    CHECK(call_cell(call, "lost") == "8");
    CHECK(call_cell(report.calls[1], "duration_s").empty());
    CHECK(call_cell(report.calls[2], "legs") == "leg-b");
    const auto message = [&](std::size_t i, std::string_view name) {
        return cell(messages_csv_header(), message_csv(call.messages[i], call.call_id), name);
    };
    CHECK(message(0, "method") == "INVITE");
    CHECK(message(0, "code").empty());
    CHECK(message(4, "method").empty());
    CHECK(message(4, "code") == "200");
    CHECK(message(1, "retransmission") == "true");
    CHECK(cell(streams_csv_header(), stream_csv(call.streams[2]), "width") == "640");
    CHECK(cell(streams_csv_header(), stream_csv(call.streams[0]), "width").empty());
    CHECK(cell(streams_csv_header(), stream_csv(call.streams[0]), "digits") == "123#");
}

TEST_CASE(
    "trap 78: what a spreadsheet would take for a formula gets an apostrophe, numbers do not") {
    analysis::Call call;
    const auto display = [&call](std::string_view text) {
        call.from.display = text;
        return call_cell(call, "from_display");
    };
    CHECK(display("=HYPERLINK(\"http://x\")") == "'=HYPERLINK(\"http://x\")");
    CHECK(display("+1-cmd|' /C calc'!A0") == "'+1-cmd|' /C calc'!A0");
    CHECK(display("-2+3") == "'-2+3");
    CHECK(display("@SUM(A1)") == "'@SUM(A1)");
    CHECK(display("\t=1") == "'\\t=1");
    CHECK(display("\r=1") == "'\\r=1");
    CHECK(display("\xef\xbc\x9d"
                  "1+1") ==
          "'\xef\xbc\x9d"
          "1+1");
    CHECK(display("-12.5") == "-12.5");
    CHECK(display("+4930123456") == "+4930123456");
    CHECK(display("-") == "'-");
    CHECK(display("a=b") == "a=b");
    CHECK(display("") == "");
}

TEST_CASE("trap 77: controls, line ends and bytes that are no text reach no cell raw") {
    const auto call = sample::hostile_call();
    std::vector<std::string> rows{call_csv(call), stream_csv(call.streams[0])};
    for (const auto& m : call.messages) rows.push_back(message_csv(m, call.call_id));
    for (const std::string& row : rows) CHECK(printable(row) == row);
    CHECK(call_cell(call, "reason") == "'@SUM(1+1)*cmd|' /C calc'!A0\\r\\nX: y");
    CHECK(call_cell(call, "callee_agent") == "\\xff\\xc0\\xaf\\xed\\xa0\\x80");
    CHECK(call_cell(call, "final_reason") ==
          "\\x1b[5m<b>Internal; -- \"no\" %% Error</b>\\r\\n\\tfolded #;");
}

TEST_CASE("RFC 3550 A.8: without a clock the jitter is an empty cell") {
    analysis::Stream s;
    s.mean_jitter_ms = 1;
    CHECK(cell(streams_csv_header(), stream_csv(s), "jitter_ms").empty());
    CHECK(cell(streams_csv_header(), stream_csv(s), "max_jitter_ms").empty());
    s.clock_hz = 8000;
    CHECK(cell(streams_csv_header(), stream_csv(s), "jitter_ms") == "1");
    CHECK(cell(streams_csv_header(), stream_csv(s), "bitrate_kbps") == "0");
    for (const char* name : {"mos", "r_factor", "mos_scale", "round_trip_ms"})
        CHECK(cell(streams_csv_header(), stream_csv(s), name).empty());
    s.mos = 4.25;
    s.r_factor = 85.5;
    s.round_trip_ms = 12.5;
    CHECK(cell(streams_csv_header(), stream_csv(s), "mos") == "4.25");
    CHECK(cell(streams_csv_header(), stream_csv(s), "r_factor") == "85.5");
    CHECK(cell(streams_csv_header(), stream_csv(s), "mos_scale") == "narrowband");
    CHECK(cell(streams_csv_header(), stream_csv(s), "round_trip_ms") == "12.5");
}
