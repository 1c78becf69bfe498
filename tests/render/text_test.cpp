#include "libsipana/base/text.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "libsipana/render/render.h"
#include "libsipana/render/table.h"
#include "libsipana/render/text_line.h"
#include "tests/exact.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;
using net::Fate;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::vector<const analysis::Stream*> streams_of(const analysis::Report& report) {
    std::vector<const analysis::Stream*> out;
    for (const auto& call : report.calls)
        for (const auto& s : call.streams) out.push_back(&s);
    for (const auto& s : report.streams) out.push_back(&s);
    return out;
}

Style wide() {
    Style style;
    style.width = 400;
    return style;
}

std::string masked_line(std::string_view line) { return masked(std::string(line) + "\r\n\r\n"); }

}  // namespace

// ---------------------------------------------------------------- tables

TEST_CASE("tables fit every width, and no line wraps or ends in blanks") {
    const analysis::Report report = sample::report();
    for (const std::size_t width : {1u, 40u, 55u, 80u, 81u, 100u, 120u, 160u, 250u, 400u, 9999u})
        for (const bool unicode : {true, false}) {
            Style style;
            style.width = width;
            style.unicode = unicode;
            std::string all = calls_table(report.calls, style) +
                              streams_table(streams_of(report), style) +
                              findings_text(report.findings, style) + summary_text(report, style);
            for (const auto& call : report.calls) all += messages_table(call.messages, style);
            for (const std::string& line : lines_of(all)) {
                CHECK_MESSAGE(
                    columns(line) <= std::min<std::size_t>(std::max<std::size_t>(width, 40), 400),
                    width << ": " << line);
                CHECK(printable(line) == line);
                CHECK((line.empty() || line.back() != ' '));
                if (!unicode)
                    for (const char c : line) CHECK(static_cast<unsigned char>(c) < 0x80);
            }
        }
}

TEST_CASE("at 80 columns the tables say who, what came of it and what was lost") {
    const analysis::Report report = sample::report();
    const auto calls = lines_of(calls_table(report.calls, {}));
    CHECK(calls[0] ==
          "#  time      from              to               state       code  duration  lost");
    CHECK(calls[1] ==
          "1  22:13:20  alice@a.example   bob@b.example    completed    200    12.3 s     8");
    const auto streams = lines_of(streams_table(streams_of(report), {}));
    CHECK(holds(streams[0], "packets"));
    CHECK(holds(streams[0], "lost"));
    CHECK(holds(streams[0], "jitter ms"));
    CHECK(holds(streams[3], "5 (0.4%)"));
    const auto messages = lines_of(messages_table(report.calls[0].messages, {}));
    CHECK(holds(messages[1], "INVITE (SDP)"));
    CHECK(holds(messages[2], "again"));
    CHECK(calls_table({}, {}) == "no calls\n");
    CHECK(streams_table({}, {}) == "no RTP streams\n");
    CHECK(messages_table({}, {}) == "no SIP messages\n");
}

TEST_CASE("a stream's row says its pictures, what is encrypted, and what its receiver reported") {
    const analysis::Report report = sample::report();
    const auto all = streams_of(report);
    analysis::Stream s;
    s.src = all[0]->src;
    s.dst = all[0]->dst;
    s.ssrc = 7;
    s.codec = "VP8";
    s.clock_hz = 90'000;
    s.mean_jitter_ms = 1.25;
    s.video.emplace();
    s.video->width = 640;
    s.video->height = 360;
    s.video->fps = 29.97;
    s.video->key_frames = 3;
    s.video->incomplete_frames = 2;
    s.video->broken_count = 1;
    s.video->broken_for = std::chrono::milliseconds{1500};
    analysis::RtcpReport r;
    r.has_block = true;
    r.reported_ssrc = 7;
    r.cumulative_lost = -3;
    r.rtt_ms = 31.4;
    s.reports = {r};
    const analysis::Stream* one[] = {&s};
    const std::string table = streams_table(one, wide());
    CHECK(holds(table, "640x360 30 fps 3 key 2 incomplete broken 1.5 s"));
    CHECK(holds(table, "-3 lost, rtt 31 ms"));
    CHECK(holds(table, "1.25"));
    CHECK_FALSE(holds(table, "mos"));
    s.mos = 3.456;
    CHECK(holds(streams_table(one, wide()), "3.46"));
    s.wideband = true;  // a scale of its own
    CHECK(holds(streams_table(one, wide()), "3.46 wb"));
    s.encrypted = true;
    CHECK(holds(streams_table(one, wide()), "VP8 (SRTP)"));
    // Without a clock there is no jitter, and no column for it.
    s.clock_hz = 0;
    s.clock_known = false;
    CHECK_FALSE(holds(streams_table(one, wide()), "jitter"));
    Style usual;
    usual.width = 100;
    CHECK(holds(streams_table(one, usual), "640x360 30 fps"));
}

TEST_CASE("numbers end in one column, and wide characters count as two") {
    Table table({{"n", 10, 1, 0, true}, {"name", 10, 4}, {"last", 10, 4}});
    table.row();
    table.cell("7").cell("\xe7\x8e\x8b\xe7\x8e\x8b").cell("x");
    table.row();
    table.cell("12345").cell("abcd").cell("y");
    Style style;
    CHECK(table.text(style) ==
          "    n  name  last\n    7  \xe7\x8e\x8b\xe7\x8e\x8b  x\n12345  abcd  y\n");
}

TEST_CASE(
    "where there is little room the least important columns go, and essential text shortens") {
    Table table({{"keep", 10, 10}, {"drop", 1, 10}, {"number", 9, 1, 0, true}});
    table.row();
    table.cell(std::string(30, 'k')).cell(std::string(30, 'd')).cell("123456");
    Style style;
    style.width = 70;
    CHECK(holds(table.text(style), "drop"));
    style.width = 40;
    const std::string narrow = table.text(style);
    CHECK_FALSE(holds(narrow, "drop"));
    CHECK(holds(narrow, std::string(30, 'k')));
    CHECK(holds(narrow, "123456"));
}

TEST_CASE("trap 77: terminal escapes, bidi controls and NUL reach no table or message raw") {
    const auto call = sample::hostile_call();
    std::string all = messages_table(call.messages, wide()) + findings_text(call.findings, wide());
    for (const auto& m : call.messages) all += message_text(m, wide());
    const analysis::Report report = sample::report();
    all += calls_table(report.calls, wide()) + streams_table(streams_of(report), wide());
    for (const std::string& line : lines_of(all)) CHECK(printable(line) == line);
    CHECK(holds(all, "\\x1b]0;owned\\x07"));
}

TEST_CASE("text is wrapped after blanks and punctuation, and cut at the last line") {
    const Style style;
    CHECK(wrapped("Asterisk PBX 18.19.0", 13, 2, style) ==
          std::vector<std::string>{"Asterisk PBX", "18.19.0"});
    CHECK(wrapped("192.0.2.10:5060", 12, 4, style) ==
          std::vector<std::string>{"192.0.2.10:", "5060"});
    CHECK(wrapped("abcdefghij", 4, 2, style) ==
          std::vector<std::string>{"abcd", "efg\xe2\x80\xa6"});
    CHECK(wrapped("", 4, 2, style).empty());
    CHECK(wrapped("\xe7\x8e\x8b\xe7\x8e\x8b", 1, 2, style).size() ==
          2);  // wider than the room: no hang
}

TEST_CASE("a line can be drawn over, wide characters too") {
    Line line(6);
    line.put(0, "\xe7\x8e\x8b\xe7\x8e\x8b");
    line.put(1, "x");
    line.put(5, "\xe7\x8e\x8b");  // half of it would not fit
    std::string out;
    line.append_to(out, {});
    CHECK(out == " x\xe7\x8e\x8b\n");
}

// ---------------------------------------------------------------- masking

TEST_CASE("RFC 7616 3.4: the digest response is masked, the rest of the credentials stays") {
    CHECK(masked_line(
              "Authorization: Digest username=\"900\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", "
              "response=\"6629fae4\", cnonce=\"0a4f\", nc=00000001, qop=auth") ==
          "Authorization: Digest username=\"900\", realm=\"r\", nonce=\"n\", uri=\"sip:x\", "
          "response=\"***\", cnonce=\"***\", nc=00000001, qop=auth\r\n\r\n");
    CHECK(masked_line("proxy-authorization : digest response=abc,username=x") ==
          "proxy-authorization : digest response=***,username=x\r\n\r\n");
    CHECK(masked_line(
              "Authorization: Digest username=\"a, response=\\\"fake\", response = \"real\"") ==
          "Authorization: Digest username=\"a, response=\\\"fake\", response = \"***\"\r\n\r\n");
    CHECK(masked_line("Authentication-Info: rspauth=\"6629\", nc=1") ==
          "Authentication-Info: rspauth=\"***\", nc=1\r\n\r\n");
    SUBCASE("over folded lines, which stay") {
        CHECK(masked("REGISTER sip:x SIP/2.0\r\nAuthorization: Digest username=\"u\",\r\n "
                     "response=\"12\",\r\n\t"
                     "uri=\"sip:x\"\r\nTo: x\r\n\r\n") ==
              "REGISTER sip:x SIP/2.0\r\nAuthorization: Digest username=\"u\",\r\n "
              "response=\"***\",\r\n\t"
              "uri=\"sip:x\"\r\nTo: x\r\n\r\n");
    }
    SUBCASE("credentials of other schemes are masked whole") {
        CHECK(masked_line("Authorization: Basic dXNlcjpwYXNz") ==
              "Authorization: Basic ***\r\n\r\n");
        CHECK(masked_line("Authorization: Bearer a.b.c, d") == "Authorization: Bearer ***\r\n\r\n");
        CHECK(masked("A: b\r\nAuthorization: Basic dXNl\r\n cjpw\r\nTo: x\r\n") ==
              "A: b\r\nAuthorization: Basic ***\r\n \r\nTo: x\r\n");
        CHECK(masked_line("Authorization: secret") == "Authorization: ***\r\n\r\n");
        CHECK(masked_line("Authorization:") == "Authorization:\r\n\r\n");
    }
    SUBCASE("an unterminated quote hides the rest") {
        CHECK(masked_line("Authorization: Digest response=\"12") ==
              "Authorization: Digest response=\"***\"\r\n\r\n");
    }
    SUBCASE("a challenge holds no secret") {
        const std::string challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n\r\n";
        CHECK(masked(challenge) == challenge);
    }
}

TEST_CASE("RFC 4568 6.1, RFC 8839 5.4: keys in SDP are masked") {
    CHECK(masked("\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19z|2^20|1:4;inline:QUJD "
                 "FEC=1\r\n") ==
          "\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^20|1:4;inline:*** FEC=1\r\n");
    CHECK(masked("a=ice-pwd:asd88fgpdd777uzjYhagZg\na=ice-ufrag:8hhY") ==
          "a=ice-pwd:***\na=ice-ufrag:8hhY");
    CHECK(masked("k=base64:c2VjcmV0\r\nk=prompt\r\n") == "k=base64:***\r\nk=prompt\r\n");
    CHECK(masked("a=key-mgmt:mikey AQAFgM0X") == "a=key-mgmt:mikey ***");
    const std::string public_part = "a=fingerprint:sha-256 AB:CD\r\na=crypto:1 NONE\r\n";
    CHECK(masked(public_part) == public_part);
}

TEST_CASE(
    "RFC 3261 19.1.1: passwords in URIs are masked in the header section, XML is left alone") {
    CHECK(masked_line("INVITE sip:alice:secret@a.example:5060;x=y SIP/2.0") ==
          "INVITE sip:alice:***@a.example:5060;x=y SIP/2.0\r\n\r\n");
    CHECK(masked_line("Contact: \"sip\" <SIPS:a:b:c@h>, <sip:x@h:5060>, <sip:h:5060>") ==
          "Contact: \"sip\" <SIPS:a:***@h>, <sip:x@h:5060>, <sip:h:5060>\r\n\r\n");
    CHECK(masked_line("Refer-To: <sip:bob@b?X=sip:u:pw@h>") ==
          "Refer-To: <sip:bob@b?X=sip:u:***@h>\r\n\r\n");
    const std::string xml = "NOTIFY sip:x SIP/2.0\r\n\r\n<contact>sip:alice:secret@a</contact>\r\n";
    CHECK(masked(xml) == xml);
}

TEST_CASE("masking keeps every line in its place and reads nothing past the end") {
    const analysis::Report report = sample::report();
    const auto line_ends = [](std::string_view text) {
        return std::count(text.begin(), text.end(), '\n');
    };
    for (const auto& call : report.calls)
        for (const auto& m : call.messages) {
            CHECK(line_ends(masked(m.text)) == line_ends(m.text));
            if (m.text.size() > 1500) continue;
            for (std::size_t n = 0; n <= m.text.size(); ++n) {
                const Exact cut(m.text.substr(0, n));
                CHECK(line_ends(masked(cut.text())) == line_ends(cut.text()));
            }
        }
    CHECK(masked("").empty());
    // Input made to be slow: it must stay linear.
    std::string bad = "X: ";
    for (int i = 0; i < 20000; ++i) bad += "sip:@sip:a";
    CHECK_FALSE(masked(bad).empty());
    std::string quotes = "Authorization: Digest ";
    for (int i = 0; i < 20000; ++i) quotes += "a=\"\\";
    CHECK_FALSE(masked(quotes).empty());
}

TEST_CASE("a message is printed masked unless its secrets are asked for") {
    const auto call = sample::registration();
    CHECK(holds(message_text(call.messages[2], {}), "response=\"***\""));
    Style style;
    style.secrets = true;
    CHECK(holds(message_text(call.messages[2], style),
                "response=\"6629fae49393a05397450978507c4ef1\""));
    const auto lines = lines_of(message_text(call.messages[0], {}));
    CHECK(lines[0] ==
          "frame 80  2023-11-14T22:15:20.000000000Z  192.0.2.10:5060 \xe2\x86\x92 192.0.2.1:5060  "
          "UDP");
    CHECK(lines[1] == "REGISTER sip:pbx.example SIP/2.0");
    CHECK(lines.back().empty());  // the line that ends the header section
}

TEST_CASE("wide, combining and right-to-left characters keep their cells in a line") {
    const std::string wide_marked = "\xe6\x97\xa5\xcc\x81";  // a wide character with an accent
    Line line(8);
    line.put(0, wide_marked + "x");
    line.put(3, "e\xcc\x81|");
    std::string out;
    line.append_to(out, {});
    CHECK(out == wide_marked + "xe\xcc\x81|\n");
    Line over(8);
    over.put(0, wide_marked + "abc");
    over.put(1, "-");  // through the middle of the wide one
    out.clear();
    over.append_to(out, {});
    CHECK(out == " -abc\n");
    Line last(3);
    last.put(2, wide_marked);  // has no room
    last.put(0, "\xcc\x81");   // a mark on nothing
    out.clear();
    last.append_to(out, {});
    CHECK(out == "\n");
}

TEST_CASE("calls of several days are told apart by their dates") {
    std::vector<analysis::Call> calls;
    calls.push_back(sample::busy_call());
    calls.push_back(sample::busy_call());
    CHECK(calls_table(calls, wide()).find("2023-11-14 ") == std::string::npos);
    calls[1].start += std::chrono::hours{30};
    const std::string text = calls_table(calls, wide());
    CHECK(holds(text, "2023-11-14 "));
    CHECK(holds(text, "2023-11-16 "));
    analysis::Report report;
    report.calls = std::move(calls);
    CHECK(holds(report_html(report), ">2023-11-16 "));
}

// ---------------------------------------------------------------- findings and summary

TEST_CASE("findings that say the same are told once, with their count and first frames") {
    CHECK(findings_text({}, {}) == "no findings\n");
    std::vector<Finding> findings{{"sip-x", Severity::warning, 4, 0, "once", "RFC 3261 8.1.1.5"}};
    std::string text = findings_text(findings, {});
    CHECK(text == "warning   frame 4  sip-x (RFC 3261 8.1.1.5)\n          once\n1 warning\n");
    for (const std::uint64_t frame : {10u, 10u, 11u})
        findings.push_back({"sip-y", Severity::error, frame, 0, "again", ""});
    CHECK(findings_text(findings, {}) ==
          "error     sip-y: 3 times, frames 10, 11\n          again\n"  // the worst first
          "warning   frame 4  sip-x (RFC 3261 8.1.1.5)\n          once\n"
          "3 errors and 1 warning\n");
    for (std::uint64_t i = 0; i < 100; ++i)
        findings.push_back({"sip-y", Severity::error, 12 + i, 0, "again", ""});
    CHECK(holds(findings_text(findings, {}),
                "error     sip-y: 103 times, frames 10, 11, 12, 13, 14, 15, 16, 17, ...\n"));
    for (std::uint64_t i = 0; i < 30; ++i)  // too many texts: by rule
        findings.push_back({"sip-z", Severity::note, 200 + i, 0, std::to_string(i), ""});
    text = findings_text(findings, {});
    CHECK(holds(text,
                "note      sip-z: 30 times, frames 200, 201, 202, 203, 204, 205, 206, 207, "
                "...\n          first: 0\n"));
    CHECK(holds(text, "17, ...\n          again\n"));
    CHECK(text.ends_with("103 errors, 1 warning and 30 notes\n"));
}

TEST_CASE("the summary accounts for every frame") {
    const std::string text = summary_text(sample::report(), wide());
    CHECK(holds(text, "sample.pcapng: pcapng in zstd, 1300 frames, 346 kB\n"));
    CHECK(holds(text, "2023-11-14 22:13:20.000 to 22:15:50.000 UTC (2:30 min)\n"));
    CHECK(holds(text,
                "1300: 1278 read, 3 put together with others, 16 ignored (12 not IP and 4 neither "
                "UDP, TCP nor "
                "SCTP), 3 malformed (2 cut short and 1 with a bad header)\n"));
    CHECK(holds(text, "52 messages, 1 more could not be read\n"));
    CHECK(holds(
        text,
        "7 (6 invite, 1 register): 1 answered, 3 completed, 1 busy, 1 failed, 1 registered\n"));
    CHECK(holds(text, "10 streams, 1200 RTP packets, 16 RTCP packets; 1 stream in no call\n"));
    CHECK(holds(text, "2 errors, 1 warning and 1 note\n"));
}

TEST_CASE("many files are summed up, and each that is damaged is named") {
    analysis::Report report;
    for (int i = 1; i <= 20; ++i) {
        analysis::FileFacts file;
        file.name = fmt::format("ring-{}.pcap", i);
        file.format = "pcap";
        file.frames = 10;
        file.bytes = 1'000'000;
        file.damaged = i == 7;
        report.files.push_back(file);
    }
    const std::string text = summary_text(report, wide());
    CHECK(holds(text, "files     20, ring-1.pcap to ring-20.pcap: 200 frames, 20.0 MB\n"));
    CHECK(holds(text, "file      ring-7.pcap: pcap, 10 frames, 1000 kB, DAMAGED"));
    CHECK(text.find("ring-8") == std::string::npos);
}

TEST_CASE("trap 72: no SIP, nothing decoded and SIP that cannot be read are told apart") {
    analysis::Report report;
    const auto set = [&report](Fate fate, std::uint64_t n) {
        report.counts.frames.by_fate[static_cast<std::size_t>(fate)] = n;
        report.counts.frames.frames += n;
    };
    SUBCASE("an empty capture") {
        CHECK(holds(summary_text(report, wide()), "no SIP found: the capture holds no frames\n"));
    }
    SUBCASE("datagrams of another kind") {
        set(Fate::delivered, 12);
        report.counts.frames.datagrams = 12;
        report.counts.rtp_packets = 10;
        report.counts.other_datagrams = 2;
        CHECK(holds(summary_text(report, wide()),
                    "no SIP found: 12 datagrams were something else (10 RTP and 2 of no protocol "
                    "that we read)\n"));
    }
    SUBCASE("frames that could not be decoded") {
        set(Fate::unknown_link_type, 5);
        set(Fate::cut_short, 2);
        const std::string text = summary_text(report, wide());
        CHECK(holds(text,
                    "could not decode 7 of 7 frames: 2 cut short and 5 of an unknown link type\n"));
        CHECK_FALSE(holds(text, "no SIP found"));
    }
    SUBCASE("frames without any datagram") {
        set(Fate::not_ip, 3);
        CHECK(holds(summary_text(report, wide()),
                    "no SIP found: none of the 3 frames held UDP, TCP or SCTP data\n"));
    }
    SUBCASE("SIP that is broken") {
        set(Fate::delivered, 1);
        report.counts.frames.datagrams = 1;
        report.counts.malformed_sip = 1;
        CHECK(holds(summary_text(report, wide()),
                    "no SIP could be read: 1 message began like SIP and could not be decoded\n"));
    }
    SUBCASE("something else, and more that could not be decoded") {
        set(Fate::delivered, 1);
        set(Fate::bad_header, 4);
        report.counts.frames.chunks = 1;
        report.counts.tls = 1;
        CHECK(holds(summary_text(report, wide()),
                    "no SIP found: 1 piece of TCP held something else (1 TLS (not decrypted)); 4 "
                    "frames could "
                    "not be decoded\n"));
    }
}
