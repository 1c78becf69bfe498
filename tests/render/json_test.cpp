#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "libsipana/base/text.h"
#include "libsipana/render/json_writer.h"
#include "libsipana/render/render.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;
using nlohmann::json;

namespace {

template <typename Write>
std::string written(Write write) {
    std::string out;
    {
        JsonWriter w(out);
        write(w);
    }
    return out;
}

// Every byte of every string that a reader or a terminal could trip over is escaped.
void check_safe(const std::string& text) {
    CHECK(valid_utf8(text) == text);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c != '\n') CHECK((byte >= 0x20 && byte != 0x7f));
    }
    std::string one_line = text;
    for (char& c : one_line)
        if (c == '\n') c = ' ';
    CHECK(printable(one_line) == one_line);
}

struct Folder {  // for the validator's input; removed at the end
    std::filesystem::path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "sipana-json-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("RFC 8259: strings are valid UTF-8, and controls and quotes are escaped") {
    const auto text_of = [](std::string_view wire) {
        return written([&](JsonWriter& w) { w.value(wire); });
    };
    CHECK(text_of("plain text, 8 and more") == "\"plain text, 8 and more\"");
    CHECK(text_of("") == "\"\"");
    CHECK(text_of("a\"b\\c") == R"("a\"b\\c")");
    CHECK(text_of("\t\r\n") == R"("\t\r\n")");
    CHECK(text_of(std::string_view("\x00\x1f\x7f", 3)) == "\"\\u0000\\u001f\\u007f\"");
    CHECK(text_of("\xc2\x9b") == "\"\\u009b\"");                 // C1: CSI
    CHECK(text_of("\xe2\x80\xae") == "\"\\u202e\"");             // bidi override
    CHECK(text_of("\xf3\xa0\x80\x81") == "\"\\udb40\\udc01\"");  // a tag character: two units
    CHECK(text_of("M\xc3\xbcller \xe7\x8e\x8b") == "\"M\xc3\xbcller \xe7\x8e\x8b\"");
    CHECK(text_of("\xff") == "\"\xef\xbf\xbd\"");
    for (int c = 0; c < 256; ++c) {  // each byte at each place of an eight byte word
        for (std::size_t at = 0; at < 11; ++at) {
            std::string wire(11, 'x');
            wire[at] = static_cast<char>(c);
            const std::string out = text_of(wire);
            CHECK(json::accept(out));
            check_safe(out);
            if (c < 0x80) CHECK(json::parse(out).get<std::string>() == wire);
        }
    }
}

TEST_CASE("RFC 7493 2.2: integers above 2^53 are strings") {
    const auto number = [](std::uint64_t n) { return written([&](JsonWriter& w) { w.value(n); }); };
    CHECK(number(0) == "0");
    CHECK(number(9007199254740992u) == "9007199254740992");
    CHECK(number(9007199254740993u) == "\"9007199254740993\"");
    CHECK(number(UINT64_MAX) == "\"18446744073709551615\"");
}

TEST_CASE("numbers, durations and times are exact, short and without a locale") {
    const auto decimal = [](double x) { return written([&](JsonWriter& w) { w.value(x); }); };
    CHECK(decimal(0) == "0");
    CHECK(decimal(-0.0) == "0");
    CHECK(decimal(-0.0001) == "0");
    CHECK(decimal(0.42) == "0.42");
    CHECK(decimal(12.3456) == "12.346");
    CHECK(decimal(-1.5) == "-1.5");
    CHECK(decimal(1e15) == "1000000000000000");
    CHECK(decimal(NAN) == "null");
    CHECK(decimal(INFINITY) == "null");
    const auto seconds = [](std::int64_t ns) {
        return written([&](JsonWriter& w) { w.seconds(Duration{ns}); });
    };
    CHECK(seconds(0) == "0");
    CHECK(seconds(1) == "0.000000001");
    CHECK(seconds(4'817'000'000) == "4.817");
    CHECK(seconds(-500'000'000) == "-0.5");
    CHECK(seconds(INT64_MIN) == "-9223372036.854775808");
    for (const std::int64_t ns :
         {std::int64_t{0}, std::int64_t{1'700'000'000'123'456'789}, std::int64_t{-1}, INT64_MAX,
          INT64_MIN + 1, std::int64_t{951'782'400'000'000'000}})
        CHECK(written([&](JsonWriter& w) { w.time(Time{ns}); }) ==
              "\"" + to_rfc3339(Time{ns}) + "\"");
    CHECK(written([](JsonWriter& w) { w.time(no_time); }) == "null");
    for (const char* text :
         {"192.0.2.1:5060", "0.0.0.1:65535", "255.255.255.255:1", "[2001:db8::1]:5060"})
        CHECK(written([&](JsonWriter& w) { w.value(*Endpoint::parse(text)); }) ==
              "\"" + std::string(text) + "\"");
    CHECK(written([](JsonWriter& w) { w.value(Endpoint{}); }) == "null");
}

TEST_CASE("rows carry the members that others rely on") {
    const auto call = sample::answered_call();
    const json row = json::parse(call_json(call));
    CHECK(row["call_id"] == "a84b4c76e66710@192.0.2.10");
    CHECK(row["kind"] == "invite");
    CHECK(row["from"] == "sip:alice@a.example");
    CHECK(row["to"] == "sip:bob@b.example");
    CHECK(row["state"] == "completed");
    CHECK(row["final_code"] == 200);
    CHECK(row["start"] == "2023-11-14T22:13:20.000000000Z");
    CHECK(row["ring_s"] == 4.197);
    CHECK(row["setup_s"] == 4.817);
    CHECK(row["duration_s"] == 12.283);
    CHECK(row["legs"] == json::array());
    CHECK(row["messages"] == 11);
    CHECK(row["streams"] == 4);
    CHECK(row["packets"] == 610 + 367 + 1206 + 1206);
    CHECK(row["lost"] == 8);
    CHECK(row["ended_by"] == "callee");

    const json request = json::parse(message_json(call.messages[0], call.call_id));
    CHECK(request["frame"] == 1);
    CHECK(request["src"] == "192.0.2.10:5060");
    CHECK(request["cseq"] == "1 INVITE");
    CHECK(request["method"] == "INVITE");
    CHECK_FALSE(request.contains("code"));
    CHECK(request["retransmission"] == false);
    const json response = json::parse(message_json(call.messages[4], call.call_id));
    CHECK(response["code"] == 200);
    CHECK(response["reason"] == "OK");
    CHECK_FALSE(response.contains("method"));

    const json video = json::parse(stream_json(call.streams[2]));
    CHECK(video["ssrc"] == "0x22222222");
    CHECK(video["media"] == "video");
    CHECK(video["codec"] == "H264");
    CHECK(video["payload_type"] == 96);
    CHECK(video["packets"] == 1206);
    CHECK(video["expected"] == 1211);
    CHECK(video["lost"] == 5);
    CHECK(video["jitter_ms"] == 0.42);
    CHECK(video["width"] == 640);
    CHECK(video["fps"] == 25);
    CHECK_FALSE(json::parse(stream_json(call.streams[0])).contains("frames"));

    const json finding = json::parse(finding_json(call.findings[1]));
    CHECK(finding["rule"] == "rtp-loss");
    CHECK(finding["severity"] == "warning");
    CHECK(finding["frame"] == 12);
    CHECK(finding["clause"] == "RFC 3550 6.4.1");
}

TEST_CASE("RFC 3550 A.8: without a clock the jitter is null") {
    analysis::Stream s;
    s.clock_known = false;
    const json row = json::parse(stream_json(s));
    CHECK(row["clock_hz"].is_null());
    CHECK(row["jitter_ms"].is_null());
    CHECK(row["max_jitter_ms"].is_null());
    CHECK(row["max_delta_ms"].is_number());
    for (const char* name : {"mos", "r_factor", "mos_scale", "round_trip_ms"})
        CHECK_MESSAGE(row[name].is_null(), name);
    s.mos = 4.25;
    s.r_factor = 110.5;
    s.wideband = true;
    s.round_trip_ms = 12.5;
    const json judged = json::parse(stream_json(s));
    CHECK(judged["mos"] == 4.25);
    CHECK(judged["r_factor"] == 110.5);
    CHECK(judged["mos_scale"] == "wideband");
    CHECK(judged["round_trip_ms"] == 12.5);
}

TEST_CASE("what did not happen is null, not a number") {
    const json row = json::parse(call_json(analysis::Call{}));
    for (const char* name :
         {"from", "to", "final_code", "final_reason", "ring_s", "setup_s", "duration_s",
          "post_dial_delay_s", "ended_by", "reason", "caller", "callee"})
        CHECK_MESSAGE(row[name].is_null(), name);
}

TEST_CASE("rows append to what the buffer holds and are one line each") {
    std::string out = "before\n";
    const analysis::Report report = sample::report();
    for (const auto& call : report.calls) {
        append_call_json(out, call);
        out += '\n';
        CHECK(call_json(call).find('\n') == std::string::npos);
    }
    CHECK(out.starts_with("before\n{\"number\":1,"));
    CHECK(out.ends_with("}\n"));
    CHECK(call_json(report.calls[0]) == call_json(report.calls[0]));
}

TEST_CASE("traps 77 and 78: hostile text leaves as valid, printable JSON and comes back whole") {
    const auto call = sample::hostile_call();
    const std::string row = call_json(call);
    check_safe(row);
    CHECK(json::parse(row)["caller_agent"].get<std::string>() ==
          valid_utf8(call.caller_agent));  // nothing is lost but bytes that are no text
    for (const auto& m : call.messages) {
        check_safe(message_json(m, call.call_id));
        CHECK(json::accept(message_json(m, call.call_id)));
    }
    check_safe(stream_json(call.streams[0]));
    check_safe(finding_json(call.findings[0]));
    const std::string whole = report_json(sample::report());
    check_safe(whole);
    CHECK(json::accept(whole));
}

TEST_CASE("the report shows messages with their secrets masked") {
    const std::string text = report_json(sample::report());
    CHECK(text.find("username=\\\"900\\\"") != std::string::npos);
    CHECK(text.find("6629fae49393a05397450978507c4ef1") == std::string::npos);
    CHECK(text.find("0a4f113b") == std::string::npos);
    const json report = json::parse(text);
    CHECK(report["schema"] == "sipana/1");
    CHECK(report["calls"].size() == 7);
    CHECK(report["calls"][0]["messages"].size() == 11);
    CHECK(report["calls"][0]["streams"][2]["rtcp_reports"][1]["rtt_ms"] == 12.25);
    CHECK(report["calls"][0]["offers_answers"][1]["media"][0]["offer"]["on_hold"] == true);
    CHECK(report["calls"][2]["legs"][0]["call_id"] == "leg-b");
    CHECK(report["counts"]["frames_by_fate"]["cut_short"] == 2);
    CHECK(report_json(sample::report()) == text);
}

TEST_CASE("what a live run lost is told where there was any, and nowhere else") {
    analysis::Report report;
    CHECK_FALSE(json::parse(report_json(report))["counts"].contains("losses"));
    CHECK(report_html(report).find("What was lost") == std::string::npos);
    report.counts.losses.dropped_by_kernel = 7;
    report.counts.losses.forgotten_calls = 2;
    const json losses = json::parse(report_json(report))["counts"]["losses"];
    CHECK(losses["dropped_by_kernel"] == 7);
    CHECK(losses["forgotten_calls"] == 2);
    CHECK(losses["evicted_calls"] == 0);
    CHECK(report_html(report).find("<dt>Packets dropped by the kernel<dd>7</div>") != std::string::npos);
}

TEST_CASE("JSON output validates against docs/report.schema.json") {
    const Folder folder;
    const auto file = [&folder](std::string_view name, const std::string& text) {
        std::ofstream(folder.path / name, std::ios::binary) << text;
    };
    analysis::Report report = sample::report();
    report.counts.losses.dropped_by_kernel = 7;
    std::string calls = call_json(analysis::Call{}) + "\n", messages, streams, findings;
    for (const auto& call : report.calls) {
        calls += call_json(call) + "\n";
        for (const auto& m : call.messages) messages += message_json(m, call.call_id) + "\n";
        for (const auto& s : call.streams) streams += stream_json(s) + "\n";
    }
    messages += message_json(analysis::SipMessage{}, "") + "\n";
    streams += stream_json(analysis::Stream{}) + "\n" + stream_json(report.streams[0]) + "\n";
    for (const auto& f : report.findings) findings += finding_json(f) + "\n";
    analysis::Report large;  // numbers above 2^53
    large.counts.frames.frames = UINT64_MAX;
    large.counts.rtcp_by_type[200] = 3;
    file("full.json", report_json(report));
    file("empty.json", report_json(analysis::Report{}));
    file("large.json", report_json(large));
    file("rows.call_row.ndjson", calls);
    file("rows.message_row.ndjson", messages);
    file("rows.stream_row.ndjson", streams);
    file("rows.finding.ndjson", findings);
    const std::string root = SIPANA_ROOT;
    const std::string command = "cd '" + folder.path.string() + "' && python3 '" + root +
                                "/tests/render/validate.py' '" + root +
                                "/docs/report.schema.json' *json 1>&2";
    const int status = std::system(command.c_str());
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    if (code == 77 || code == 127) {
        MESSAGE("skipped: needs python3 and the package python3-jsonschema");
        return;
    }
    CHECK(code == 0);

    // The schema must be able to say no: a member too many, one too few, a value of the wrong kind.
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"\"number\":1", "\"nummer\":1"},
          {"\"final_code\":200", "\"final_code\":\"200\""},
          {"\"state\":\"completed\"", "\"state\":\"complete\""},
          {"\"lost\":8,", ""}}) {
        std::string wrong = call_json(report.calls[0]);
        const auto at = wrong.find(from);
        REQUIRE(at != std::string::npos);
        wrong.replace(at, from.size(), to);
        file("rows.call_row.ndjson", wrong + "\n");
        CHECK(std::system(("cd '" + folder.path.string() + "' && python3 '" + root +
                           "/tests/render/validate.py' '" + root +
                           "/docs/report.schema.json' rows.call_row.ndjson >/dev/null")
                              .c_str()) != 0);
    }
}
