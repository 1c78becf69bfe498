#include "libsipana/render/html.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>

#include "libsipana/base/text.h"
#include "libsipana/render/page.h"
#include "libsipana/render/render.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
    return n;
}

// What a browser would hash: everything between the tags.
std::string between(std::string_view page, std::string_view open, std::string_view close) {
    const auto begin = page.find(open) + open.size();
    return std::string(page.substr(begin, page.find(close, begin) - begin));
}

// The digest that openssl computes, as the policy writes it; empty where there is no openssl.
std::string openssl_source(const std::string& text) {
    const std::string path =
        (std::filesystem::temp_directory_path() / "sipana_html_test.txt").string();
    std::ofstream(path, std::ios::binary) << text;
    std::string out;
    if (FILE* pipe = ::popen(
            ("openssl dgst -sha256 -binary " + path + " 2>/dev/null | base64").c_str(), "r")) {
        char buffer[128];
        while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
        ::pclose(pipe);
    }
    std::remove(path.c_str());
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out.empty() ? out : "sha256-" + out;
}

}  // namespace

TEST_CASE("CSP 3, 2.3.1: a digest in hexadecimal becomes the same in base64") {
    // SHA-256 of nothing (FIPS 180-4 examples).
    CHECK(csp_source("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") ==
          "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST_CASE("the policy names the very style sheet and script of the page, and allows nothing else") {
    const std::string page = report_html(sample::report());
    const std::string policy =
        between(page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    CHECK(policy == "default-src 'none'; style-src '" + csp_source(page_style_sha256()) +
                        "'; script-src '" + csp_source(page_script_sha256()) +
                        "'; base-uri 'none'; form-action 'none'");
    CHECK(between(page, "<style>", "</style>") == page_style());
    CHECK(between(page, "<script>", "</script>") == page_script());
    const std::string style = openssl_source(std::string(page_style()));
    if (style.empty()) {
        MESSAGE("skipped: no openssl to check the digests with");
        return;
    }
    CHECK(style == csp_source(page_style_sha256()));
    CHECK(openssl_source(std::string(page_script())) == csp_source(page_script_sha256()));
}

TEST_CASE("the page asks nobody for anything, and has no inline style or event attribute") {
    analysis::Report report = sample::report();
    report.calls.pop_back();  // the hostile one says all this as text
    for (const std::string& page : {report_html(report), flow_html(report, 0)}) {
        CHECK(!has(page, " src="));
        CHECK(!has(page, "url("));
        CHECK(!has(page, "@import"));
        CHECK(!has(page, "<link"));
        CHECK(!has(page, " style=\""));
        const std::regex handler(" on[a-z]+=[\"']");
        CHECK(!std::regex_search(page, handler));
        const std::regex outside("href=\"[^#]");
        CHECK(!std::regex_search(page, outside));
    }
}

TEST_CASE("the same model gives the same bytes") {
    CHECK(report_html(sample::report()) == report_html(sample::report()));
    CHECK(flow_html(sample::report(), 2) == flow_html(sample::report(), 2));
}

TEST_CASE("trap 77, trap 78: every string from the wire is escaped, in markup and in data") {
    analysis::Report report = sample::report();
    const std::string evil =
        "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'\x1b\xff\xe2\x80\xae";
    report.files[0].name = report.files[0].format = report.files[0].compression = evil;
    report.files[0].comments = report.files[0].interfaces = {evil};
    report.names.push_back({report.calls[0].caller.address, evil});
    for (auto& call : report.calls) {
        const std::string_view kept = call.texts.keep(evil);
        for (analysis::Party* party : {&call.from, &call.to})
            party->display = party->uri = party->user = kept;
        call.request_uri = call.caller_agent = call.callee_agent = kept;
        call.final_reason = call.reason_header = call.event = call.contact = kept;
        for (auto& message : call.messages) message.method_name = kept;
        for (auto& dialog : call.dialogs) dialog.callee_tag = dialog.caller_tag = kept;
        for (auto& leg : call.legs) leg.evidence = kept;
        for (auto& finding : call.findings) finding.text = evil;
        for (auto& stream : call.streams) {
            stream.codec = stream.cname = evil;
            stream.findings.push_back({"rule", Severity::error, 1, 0, evil, "clause"});
            for (auto& event : stream.rtcp_events) event.text = evil;
        }
        for (auto& ledger : call.ledgers) {
            for (auto& exchange : ledger.exchanges) {
                exchange.session_version_note = evil;
                for (auto& line : exchange.media) {
                    line.media = line.protocol = line.mid = line.bundle = evil;
                    line.offer.setup = line.offer.fingerprint = evil;
                    line.offer.crypto = {evil};
                    for (auto& codec : line.offer.codecs) codec.name = evil;
                }
            }
        }
    }
    report.findings[0].text = evil;
    report.stray_messages.push_back(report.calls.back().messages.front());
    const std::string page = report_html(report);
    CHECK(!has(page, "<script>alert"));
    CHECK(!has(page, "<img"));
    CHECK(page.find('\x1b') == std::string::npos);
    CHECK(page.find('\0') == std::string::npos);
    CHECK(!has(page, "\xe2\x80\xae"));
    CHECK(valid_utf8(page) == page);
    CHECK(count(page, "<script>") == 1);
    CHECK(count(page, "</script>") == count(page, "<script"));
}

TEST_CASE("data for the script can end no script element and is JSON to every reader") {
    std::string out;
    put_json_string(out, "a\"b\\c</script><!--&'\n\t\xe2\x80\xa8\xe2\x80\xa9é");
    CHECK(out ==
          "\"a\\\"b\\\\c\\u003c/"
          "script\\u003e\\u003c!--\\u0026\\u0027\\u000a\\u0009\\u2028\\u2029é\"");
}

TEST_CASE("the outcome is said in plain words") {
    CHECK(outcome_sentence(sample::busy_call()) ==
          "Busy: 100 answered 486 Busy Here after 310 ms. It took a login.");
    CHECK(outcome_sentence(sample::answered_call()) ==
          "bob answered after 4.8 s (4.2 s of ringing); they were connected for 12.3 s, until bob "
          "hung up.");
    CHECK(has(outcome_sentence(sample::registration()), "900 registered, for"));
    CHECK(has(outcome_sentence(sample::forked_call()), "still up when the capture ended"));
    analysis::Call call;
    for (int kind = 0; kind <= static_cast<int>(analysis::CallKind::other); ++kind) {
        for (int state = 0; state <= static_cast<int>(analysis::CallState::done); ++state) {
            call.kind = static_cast<analysis::CallKind>(kind);
            call.state = static_cast<analysis::CallState>(state);
            CHECK(outcome_sentence(call).ends_with("."));
        }
    }
}

TEST_CASE("the page tells what was read, what is in force, and what RTCP claims") {
    const std::string page = report_html(sample::report());
    for (const std::string_view part :
         {"sample.pcapng", "pcapng, zstd", "recorded by hand", "not-ip", "bob answers in",
          "alice holds the call", "Streams without a call", "beside what was measured here",
          "<kbd>#</kbd>", "telephone network cause 16", "same numbers, and it began 20 ms later",
          "PLI", "href=\"#message-1.4\""}) {
        CHECK_MESSAGE(has(page, part), part);
    }
}

TEST_CASE("the page tells what broke a picture, until when, and who asked for a key frame") {
    auto report = sample::report();
    auto& call = report.calls.front();
    call.streams = {sample::stream("192.0.2.1:4002", "192.0.2.2:4002", 7, "H264", 0, 10, 3, "x", true, 1)};
    const std::string page = report_html(report);
    CHECK(has(page, "<dt>Broken picture<dd>1.8 s (18.0%)"));
    CHECK(has(page, "<dt>Lip sync, beside the sound<dd>12.5 ms ahead"));
    CHECK(has(page, "The picture was broken once, 1.8 s together"));
    CHECK(has(page, "a key frame; asked for by PLI after 100 ms, 2 in all"));
    CHECK(has(page, "2 requests for key frames"));
    CHECK(has(page, "RTCP PLI<td>192.0.2.2:4002<td class=\"n\">1.7 s"));
    CHECK(has(page, "RTCP FIR<td>192.0.2.2:4002<td class=\"n\">none came"));
}

TEST_CASE("legs that share a figure share one drawing") {
    const std::string page = report_html(sample::report());
    CHECK(count(page, "id=\"figure-3\"") == 1);
    CHECK(count(page, "id=\"figure-4\"") == 0);
    CHECK(count(page, "data-figure=\"3\"") == 2);
}

TEST_CASE("credentials do not reach the page") {
    const std::string page = report_html(sample::report());
    CHECK(!has(page, "6629fae49393a05397450978507c4ef1"));
}

TEST_CASE("a report of nothing is a page that says so") {
    const std::string page = report_html(analysis::Report{});
    CHECK(has(page, "No SIP calls were found."));
    CHECK(page.ends_with("</html>\n"));
}

TEST_CASE("findings that say the same are one line with links to their messages") {
    analysis::Report report;
    report.calls.push_back(sample::busy_call());
    const std::uint64_t frame = report.calls[0].messages[0].frame;
    for (const std::uint64_t at : {frame, frame, frame + 1000})
        report.findings.push_back({"rule", Severity::note, at, 0, "said again", "RFC 3261 8"});
    const std::string page = report_html(report);
    CHECK(count(page, "said again") == 1);
    CHECK(has(
        page,
        fmt::format("RFC 3261 8 · 3 times · frames <a href=\"#message-{}.0\">{}</a>, {}</small>",
                    report.calls[0].number, frame, frame + 1000)));
}

TEST_CASE("more calls and findings than a page can hold are counted, not shown") {
    analysis::Report report;
    for (std::size_t i = 0; i < most_calls_listed + 5; ++i) {
        analysis::Call call;
        call.number = i + 1;
        report.calls.push_back(std::move(call));
    }
    for (std::size_t i = 0; i < most_findings_shown + 7; ++i)
        report.findings.push_back({"rule", Severity::note, 0, 0, std::to_string(i), ""});
    const std::string page = report_html(report);
    CHECK(has(page, "5 more calls are not listed here"));
    CHECK(has(page, "kept for the first 2000 calls"));
    CHECK(has(page, "7 more are not shown"));
    CHECK(count(page, "<script type=\"text/html\" id=\"panel-") == most_calls_shown);
}

TEST_CASE("SIP parameters: a method or phrase as it was sent heads the message") {
    analysis::SipMessage m;
    m.text = "SIP/2.0 100 trying -- your call is important to us\r\n";
    m.code = 100;
    CHECK(message_title(m) == "100 trying -- your call is important to us");
    m.text = "SIP/2.0 404\r\n";
    m.code = 404;
    CHECK(message_title(m) == "404");
    CHECK(message_tone(m) == "failure");
    m.code = 407;
    CHECK(message_tone(m) == "challenge");
}
