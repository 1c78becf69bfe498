#include "libsipana/live/metrics.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "libsipana/sip/code.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using live::Exposition;
using live::Histogram;
using live::Metrics;
using live::Totals;

namespace {

// What the analyzer finds in the frames, told to metrics as a session would.
class Told : public analysis::Sink {
public:
    explicit Told(Metrics& metrics) : metrics_(metrics) {}
    void on_message(const analysis::SipMessage& m, std::string_view id) override {
        metrics_.on_message(m, id);
    }
    void on_call(analysis::Call&& c) override { metrics_.on_call(c); }
    void on_stream(analysis::Stream&& s) override { metrics_.on_stream(s); }
    void on_finding(Finding&& f) override { metrics_.on_finding(f); }

private:
    Metrics& metrics_;
};

void play(const std::vector<std::pair<double, Buffer>>& frames, Metrics& metrics) {
    Told told(metrics);
    analysis::Analyzer analyzer({}, told);
    std::uint64_t number = 0;
    for (const auto& [ms, bytes] : frames) {
        pcap::Frame f;
        f.number = ++number;
        f.time = at(ms);
        f.bytes = bytes;
        f.wire_size = static_cast<std::uint32_t>(bytes.size());
        f.link = pcap::LinkType::ethernet;
        analyzer.on_frame(f);
    }
    analyzer.finish();
}

Buffer udp(const Endpoint& src, const Endpoint& dst, std::string_view payload) {
    return *net::udp_frame(src, dst, as_bytes(payload));
}

// A call with a stream that loses every tenth packet, a registration with a challenge, a method of
// nobody's.
Metrics& played(Metrics& metrics) {
    const std::string invite = request({.body = sdp_body("10.0.0.1", 4000)});
    const std::string bye =
        request({.method = "BYE", .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    const std::string strange = request({.method = "FROB", .call_id = "x", .branch = "z9hG4bKx"});
    const std::string first = request({.method = "REGISTER", .call_id = "r", .branch = "z9hG4bKr"});
    const std::string second =
        request({.method = "REGISTER", .call_id = "r", .branch = "z9hG4bKs", .cseq = 2});
    std::vector<std::pair<double, Buffer>> frames;
    frames.emplace_back(0, udp(alice, bob, invite));
    frames.emplace_back(5, udp(bob, alice, response(invite, "100 Trying")));
    frames.emplace_back(200, udp(bob, alice, response(invite, "180 Ringing", "t1")));
    frames.emplace_back(
        700, udp(bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000))));
    frames.emplace_back(
        701, udp(alice, bob, request({.method = "ACK", .branch = "z9hG4bKk", .to_tag = "t1"})));
    frames.emplace_back(710, udp(alice, pbx, first));
    frames.emplace_back(715, udp(pbx, alice, response(first, "401 Unauthorized", "t")));
    frames.emplace_back(720, udp(alice, pbx, second));
    frames.emplace_back(730, udp(pbx, alice, response(second, "200 OK", "t")));
    frames.emplace_back(740, udp(alice, bob, strange));
    frames.emplace_back(745, udp(bob, alice, response(strange, "699 \"\\{}\n", "t")));
    for (int i = 0; i < 200; ++i)
        if (i % 10 != 5)
            frames.emplace_back(800 + 20 * i, udp(ep("10.0.0.1:4000"), ep("10.0.0.2:5000"),
                                                  rtp(static_cast<std::uint16_t>(i),
                                                      160u * static_cast<unsigned>(i))));
    frames.emplace_back(5700, udp(alice, bob, bye));
    frames.emplace_back(5740, udp(bob, alice, response(bye, "200 OK", "t1")));
    play(frames, metrics);
    return metrics;
}

Totals totals() {
    Totals t;
    t.begun = epoch;
    t.sources.push_back({"eth0", {1000, 900, 70, 20, 10, 0}, false});
    t.counts.rtp_packets = 180;
    t.calls_active = 3;
    t.evictions = {1, 2, 3};
    t.tracked_bytes = 4096;
    return t;
}

bool has(const std::string& text, std::string_view line) {
    return text.find(std::string(line) + "\n") != text.npos;
}

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// Exit status of a judge of tests/live, told the text's file behind `arguments`; -1: there is no
// Python.
int judged(const std::string& text, const std::string& judge = "openmetrics.py",
           const std::string& arguments = {}) {
    std::string folder =
        (std::filesystem::temp_directory_path() / "sipana-metrics-XXXXXX").string();
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    std::ofstream(folder + "/text", std::ios::binary) << text;
    const std::string command = fmt::format(
        "cd '{0}' && PYTHONDONTWRITEBYTECODE=1 python3 tests/live/{1} {2} '{3}/text' >&2",
        SIPANA_ROOT, judge, arguments, folder);
    const int status = std::system(command.c_str());
    std::filesystem::remove_all(folder);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    return code == 127 ? -1 : code;
}

}  // namespace

TEST_CASE("OpenMetrics 1.0: the text keeps to the grammar, empty and full") {
    Metrics metrics("0.1.0 \"a\\b\"");
    const int empty = judged(metrics.text({}));
    if (empty < 0) {
        MESSAGE("skipped: needs python3");
        return;
    }
    CHECK(empty == 0);
    const std::string text = played(metrics).text(totals());
    CHECK(judged(text) == 0);
    // The judge must be able to say no.
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"# EOF\n", ""},
          {"_total{", "{"},
          {"le=\"0.1\"", "le=\"100.0\""},
          {"# UNIT sipana_call_setup_seconds seconds", "# UNIT sipana_call_setup_seconds ms"},
          {"outcome=\"busy\"", "outcome=\"completed\""},
          {"outcome=\"busy\"} 0", "outcome=\"busy\"} x"}}) {
        std::string wrong = text;
        const auto at = wrong.find(from);
        REQUIRE(at != std::string::npos);
        wrong.replace(at, from.size(), to);
        CHECK(judged(wrong) == 1);
    }
}

TEST_CASE("every query of the dashboard names a metric that exists, with its labels") {
    Metrics metrics;
    const std::string text = played(metrics).text(totals());
    const int code = judged(text, "dashboard.py", "docs/grafana.json");
    if (code < 0) {
        MESSAGE("skipped: needs python3");
        return;
    }
    CHECK(code == 0);
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"sipana_calls_active", "sipana_calls_going_on"},
          {"scale=\"narrowband\",le=\"3.6\"", "scale=\"narrowband\",le=\"3.7\""}}) {
        std::string other = text;
        for (auto at = other.find(from); at != other.npos; at = other.find(from, at + to.size()))
            other.replace(at, from.size(), to);
        REQUIRE(other != text);
        CHECK(judged(other, "dashboard.py", "docs/grafana.json") == 1);
    }
}

TEST_CASE("a call, a registration and a stream are told with their figures") {
    Metrics metrics;
    const std::string text = played(metrics).text(totals());
    CHECK(has(text, "sipana_sip_messages_total{method=\"INVITE\",class=\"request\"} 1"));
    CHECK(has(text, "sipana_sip_messages_total{method=\"INVITE\",class=\"1xx\"} 2"));
    CHECK(has(text, "sipana_sip_messages_total{method=\"REGISTER\",class=\"4xx\"} 1"));
    CHECK(has(text, "sipana_sip_responses_total{code=\"180\"} 1"));
    CHECK(has(text, "sipana_calls_total{outcome=\"completed\"} 1"));
    CHECK(has(text, "sipana_calls_active 3"));
    CHECK(has(text, "sipana_call_setup_seconds_bucket{le=\"0.5\"} 0"));
    CHECK(has(text, "sipana_call_setup_seconds_bucket{le=\"1.0\"} 1"));
    CHECK(has(text, "sipana_call_setup_seconds_sum 0.7"));
    CHECK(has(text, "sipana_call_post_dial_delay_seconds_sum 0.2"));
    CHECK(has(text, "sipana_session_establishment_ratio 1"));
    CHECK(has(text, "sipana_session_request_delay_seconds_sum{result=\"successful\"} 0.2"));
    CHECK(has(text, "sipana_session_disconnect_delay_seconds_sum 0.04"));
    CHECK(has(text, "sipana_session_duration_seconds_sum 5"));
    CHECK(has(text, "sipana_registration_attempts_total{result=\"registered\"} 1"));
    CHECK(has(text, "sipana_registration_request_delay_seconds_sum 0.01"));
    CHECK(has(text, "sipana_stream_packets_total{media=\"audio\"} 180"));
    CHECK(has(text, "sipana_stream_packets_lost_total{media=\"audio\"} 20"));
    // R = 93.2 - 1.44 - 95 * 10 / 35.1 = 64.7; MOS 3.34
    CHECK(has(text, "sipana_stream_mos_bucket{scale=\"narrowband\",le=\"3.1\"} 0"));
    CHECK(has(text, "sipana_stream_mos_bucket{scale=\"narrowband\",le=\"3.6\"} 1"));
}

TEST_CASE("received = parsed + ignored + malformed + dropped") {
    Totals t;
    t.sources.push_back({"eth0", {107, 90, 10, 5, 2, 0}, false});
    t.counts.frames.by_fate = {50, 10, 4, 3, 2, 8, 7, 5, 1};
    const std::string text = Metrics().text(t);
    CHECK(has(text, "sipana_packets_received_total 107"));
    CHECK(has(text, "sipana_packets_parsed_total 60"));
    CHECK(has(text, "sipana_packets_ignored_total{reason=\"not-ip\"} 4"));
    CHECK(has(text, "sipana_packets_malformed_total{reason=\"too-deep\"} 5"));
    std::uint64_t sum = 0;
    for (const std::string_view family : {"parsed", "ignored", "malformed", "dropped"}) {
        const std::string name = fmt::format("\nsipana_packets_{}_total", family);
        for (auto at = text.find(name); at != text.npos; at = text.find(name, at + 1))
            sum += std::stoull(text.substr(text.find(' ', at)));
    }
    CHECK(sum == 107);
}

TEST_CASE("label sets are closed: what comes from the wire makes no series and stands in none") {
    Metrics metrics;
    const std::size_t before = lines(metrics.text({}));
    for (int i = 0; i < 1000; ++i) {
        analysis::SipMessage m;
        const std::string name = fmt::format("EVIL{}\"}} 1\n", i);
        m.method_name = name;
        m.code = static_cast<std::uint16_t>(i % 2 == 0 ? 0 : i * 13);
        metrics.on_message(m, name);
        analysis::Call c;
        c.call_id = name;
        c.kind = analysis::CallKind::invite;
        c.final_code = m.code;
        c.streams.emplace_back().codec = name;
        metrics.on_call(c);
    }
    const std::string text = metrics.text({});
    CHECK(text.find("EVIL") == text.npos);
    CHECK(lines(text) <= before + 8);  // ratios that had nothing to divide by
    CHECK(has(text, "sipana_sip_messages_total{method=\"other\",class=\"request\"} 500"));
    for (const sip::Code& c : sip::codes())
        CHECK(text.find(fmt::format("sipana_sip_responses_total{{code=\"{}\"}}", c.number)) !=
              text.npos);
}

TEST_CASE("copies that the capture made are counted as such, and nowhere else") {
    Metrics metrics;
    analysis::SipMessage m;
    m.method = sip::Method::options;
    metrics.on_message(m, "a");
    m.retransmission = true;
    metrics.on_message(m, "a");
    m.capture_duplicate = true;
    metrics.on_message(m, "a");
    const std::string text = metrics.text({});
    CHECK(has(text, "sipana_sip_messages_total{method=\"OPTIONS\",class=\"request\"} 2"));
    CHECK(has(text, "sipana_sip_retransmissions_total{method=\"OPTIONS\"} 1"));
    CHECK(has(text, "sipana_sip_capture_duplicates_total 1"));
}

TEST_CASE("a value on a bound belongs below it; what is no number is left out") {
    static constexpr std::array bounds{1.0, 2.0};
    Histogram h(bounds);
    for (const double x : {0.5, 1.0, 1.5, 2.0, 3.0}) h.add(x);
    CHECK(h.at_most(0) == 2);
    CHECK(h.at_most(1) == 4);
    CHECK(h.count() == 5);
    h.add(-1);
    h.add(std::numeric_limits<double>::quiet_NaN());
    h.add(std::numeric_limits<double>::infinity());
    CHECK(h.count() == 5);
    CHECK(h.sum() == 8.0);
}

TEST_CASE("the text may be asked for in another thread while messages come") {
    Metrics metrics;
    std::atomic<bool> done = false;
    std::size_t asked = 0;
    std::thread reader([&] {
        while (!done || asked == 0) asked += metrics.text({}).ends_with("# EOF\n");
    });
    analysis::SipMessage m;
    m.method = sip::Method::register_;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        m.cseq = i;
        m.time = at(i);
        metrics.on_message(m, "a");
    }
    done = true;
    reader.join();
    CHECK(asked > 0);
    CHECK(has(metrics.text({}),
              "sipana_sip_messages_total{method=\"REGISTER\",class=\"request\"} 20000"));
}
