#include "libsipana/live/session.h"

#include <doctest/doctest.h>

#include <thread>

#include "libsipana/live/events.h"
#include "libsipana/render/render.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using namespace std::chrono_literals;

namespace {

// Frames of a Wire as a source gives them, some of them said to be dropped.
class Frames final : public live::Source {
public:
    explicit Frames(Wire wire, std::uint64_t dropped = 0) : dropped_(dropped) {
        wire.for_each([&](const pcap::Frame& f) {
            frames_.push_back(f);
            bytes_.emplace_back(f.bytes.begin(), f.bytes.end());
        });
        interface_.name = "made";
        interface_.link = pcap::LinkType::ethernet;
    }
    int descriptor() const override { return -1; }
    bool next(pcap::Frame& frame) override {
        if (at_ == frames_.size()) return false;
        frame = frames_[at_];
        frame.bytes = bytes_[at_++];
        return true;
    }
    bool ended() const override { return at_ == frames_.size(); }
    const Status& status() const override { return status_; }
    const pcap::Interface& interface() const override { return interface_; }
    live::SourceCounts counts() override {
        live::SourceCounts c;
        c.read = at_;
        c.dropped_by_kernel = at_ > frames_.size() / 2 ? dropped_ : 0;
        c.received = c.read + c.dropped_by_kernel;
        return c;
    }
    bool keeps_our_time() const override { return false; }

private:
    std::vector<pcap::Frame> frames_;
    std::vector<Buffer> bytes_;
    std::size_t at_ = 0;
    std::uint64_t dropped_;
    Status status_ = Done{};
    pcap::Interface interface_;
};

Wire one_call(std::string_view id = "c1") {
    const std::string invite = request({.call_id = id, .body = sdp_body("10.0.0.1", 4000)});
    const std::string bye = request({.method = "BYE", .call_id = id, .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    Wire wire;
    wire.udp(0, alice, bob, invite)
        .udp(100, bob, alice, response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000)))
        .udp(110, alice, bob, request({.method = "ACK", .call_id = id, .branch = "z9hG4bKc", .to_tag = "t1"}))
        .speech(120, ep("10.0.0.1:4000"), ep("10.0.0.2:5000"), 50)
        .udp(2200, alice, bob, bye)
        .udp(2205, bob, alice, response(bye, "200 OK"))
        .udp(9000, ep("10.0.0.7:53"), ep("10.0.0.8:53"), "nothing that anybody reads");
    return wire;
}

struct Run {
    live::Board board;
    std::vector<std::string> lines;
    analysis::Report report;
    live::Totals totals;
    Status status = Done{};

    explicit Run(Wire wire, std::uint64_t dropped = 0, std::vector<live::Observer*> more = {}) {
        std::vector<std::unique_ptr<live::Source>> sources;
        sources.push_back(std::make_unique<Frames>(std::move(wire), dropped));
        live::Session* running = nullptr;
        live::Events events(
            {}, nullptr, [&](std::string_view line) { lines.emplace_back(line); }, [] {},
            [&] { return running->totals(); });
        more.push_back(&events);
        live::Session session({}, board, std::move(sources), more);
        running = &session;
        const std::atomic<int> stop = 0;
        status = session.run(stop);
        session.finish();
        events.end();
        totals = session.totals();
        report = session.report();
    }
};

std::size_t events(const Run& run, std::string_view name) {
    std::size_t n = 0;
    for (const std::string& line : run.lines) n += line.starts_with(fmt::format(R"({{"event":"{}",)", name));
    return n;
}

}  // namespace

TEST_CASE("law 8: the report of a live run is that of the same frames read from a file") {
    const Run run(one_call());
    analysis::Report offline = one_call().play();
    offline.files = run.report.files;
    CHECK(render::report_json(run.report) == render::report_json(offline));
}

TEST_CASE("live: received = parsed + ignored + malformed + dropped") {
    Wire wire = one_call();
    wire.frame(300, Buffer(20, 0xff)).frame(301, Buffer{1, 2, 3});
    const Run run(std::move(wire), 7);
    const live::SourceCounts c = run.totals.captured();
    const auto& f = run.totals.counts.frames;
    CHECK(run.report.counts.losses.dropped() == 7);
    using net::Fate;
    CHECK(c.received == 56 + 2 + 7);
    CHECK(c.received == f[Fate::delivered] + f[Fate::held] + f[Fate::not_ip] + f[Fate::other_transport] +
                            f[Fate::unknown_link_type] + f[Fate::cut_short] + f[Fate::bad_header] +
                            f[Fate::too_deep] + f[Fate::over_cap] + c.dropped());
}

TEST_CASE("live: events tell each message, the call at its end, its streams and the totals at the end") {
    const Run run(one_call());
    CHECK(events(run, "message") == 5);
    CHECK(events(run, "call") == 1);
    CHECK(events(run, "stream") == 1);
    CHECK(events(run, "end") == 1);
    CHECK(run.lines.back().find(R"("received":56,"read":56,"dropped":0)") != std::string::npos);
}

TEST_CASE("live: a call that was under way when packets were lost says that its loss may be the capture's") {
    const Run lossy(one_call(), 7), whole(one_call());
    CHECK(has_rule(lossy.report.findings, "capture-lossy"));
    CHECK_FALSE(has_rule(whole.report.findings, "capture-lossy"));
}

TEST_CASE("live: the board knows a call as soon as its first message was read, and as a whole when asked") {
    struct Peek : live::Observer {
        std::vector<std::string> states;
        void on_going(const analysis::Call& c) override { states.emplace_back(to_string(c.state)); }
    } peek;
    const Run run(one_call(), 0, {&peek});
    // All frames come at once here, so one look is taken at least, and none is wrong.
    for (const std::string& s : peek.states) CHECK((s == "trying" || s == "answered" || s == "completed"));
    CHECK(run.totals.calls_over == 1);
    CHECK(run.totals.calls_active == 0);
}

TEST_CASE("live: a failure of a recording ends the run with its words") {
    struct Full : live::Observer {
        Status status() const override { return Error{Errc::io, 0, "the disk is full"}; }
    } full;
    Wire wire = one_call();
    const Run run(std::move(wire), 0, {&full});
    // The frames may have ended before the first tick; then nothing had failed yet.
    if (!run.status) CHECK(run.status.error().what == "the disk is full");
    CHECK(run.report.calls.size() == 1);
}

TEST_CASE("events: unknown kinds are refused by name") {
    CHECK(live::Events::What::parse("call,stream"));
    CHECK(live::Events::What::parse("call")->messages == false);
    const auto bad = live::Events::What::parse("call,calls");
    REQUIRE_FALSE(bad);
    CHECK(bad.error().what.starts_with("'calls' is none of"));
}
