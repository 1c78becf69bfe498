#include "libsipana/analysis/performance.h"

#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using namespace sipana::analysis;
using std::chrono::milliseconds;

namespace {

CallPerformance only(Wire w) {
    const Report r = w.play();
    REQUIRE(r.calls.size() == 1);
    return performance_of(r.calls[0]);
}

// INVITE at 0, then the responses, each with its time.
Wire invited(std::initializer_list<std::pair<int, std::string_view>> responses) {
    const std::string invite = request({});
    Wire w;
    w.udp(0, alice, bob, invite);
    for (const auto& [ms, status] : responses)
        w.udp(ms, bob, alice, response(invite, status, "t1"));
    return w;
}
Wire& hung_up(Wire& w, double ms, double answered_ms) {
    const std::string bye =
        request({.method = "BYE", .branch = "z9hG4bKb", .to_tag = "t1", .cseq = 2});
    w.udp(ms, alice, bob, bye);
    if (answered_ms > 0) w.udp(answered_ms, bob, alice, response(bye, "200 OK", "t1"));
    return w;
}

// A final code only: what the ratios count.
CallPerformance ended(std::uint16_t code) {
    Call c;
    c.kind = CallKind::invite;
    c.state = code < 300 ? CallState::completed : CallState::failed;
    c.final_code = code;
    if (code < 300) c.setup = milliseconds{100};
    return performance_of(c);
}

struct Registrar {
    Performance counted;
    Registrations registrations;
    std::optional<Duration> hear(double ms, std::string_view call_id, std::uint32_t cseq,
                                 std::uint16_t code = 0, bool retransmission = false) {
        SipMessage m;
        m.time = at(ms);
        m.method = sip::Method::register_;
        m.cseq = cseq;
        m.code = code;
        m.src = code == 0 ? alice : pbx;
        m.dst = code == 0 ? pbx : alice;
        m.retransmission = retransmission;
        return registrations.on_message(m, call_id, counted);
    }
};

}  // namespace

TEST_CASE("RFC 6076 4.3.1: SRD ends with the first 18x, a 100 does not stop it") {
    Wire w = invited({{5, "100 Trying"}, {180, "180 Ringing"}, {900, "200 OK"}});
    const CallPerformance p = only(hung_up(w, 10'000, 10'040));
    CHECK(p.attempt);
    CHECK(p.established);
    CHECK(p.request_delay == milliseconds{180});
    CHECK_FALSE(p.failed_request_delay);
}

TEST_CASE("RFC 6076 4.3.1: without an 18x the 200 ends it") {
    Wire w = invited({{5, "100 Trying"}, {900, "200 OK"}});
    CHECK(only(hung_up(w, 10'000, 10'040)).request_delay == milliseconds{900});
}

TEST_CASE(
    "RFC 6076 4.3.2: the SRD of what fails ends with the refusal, challenges and redirections have "
    "none") {
    CHECK(only(invited({{180, "180 Ringing"}, {700, "486 Busy Here"}})).failed_request_delay ==
          milliseconds{700});
    CHECK(only(invited({{180, "180 Ringing"}, {700, "486 Busy Here"}})).request_delay ==
          milliseconds{180});
    CHECK_FALSE(only(invited({{700, "302 Moved"}})).failed_request_delay);
    CHECK_FALSE(only(invited({{700, "407 Proxy Authentication Required"}})).failed_request_delay);
}

TEST_CASE(
    "RFC 6076 4.3: the clock starts with the INVITE that has what is needed, after the challenge") {
    const std::string first = request({}), ack = request({.method = "ACK", .to_tag = "t0"});
    const std::string second = request({.branch = "z9hG4bKc",
                                        .cseq = 2,
                                        .extra = "Proxy-Authorization: Digest username=\"a\"\r\n"});
    Wire w;
    w.udp(0, alice, bob, first)
        .udp(30, bob, alice, response(first, "407 Proxy Authentication Required", "t0"))
        .udp(35, alice, bob, ack)
        .udp(50, alice, bob, second)
        .udp(250, bob, alice, response(second, "180 Ringing", "t1"))
        .udp(650, bob, alice, response(second, "200 OK", "t1"));
    const CallPerformance p = only(w);
    CHECK(p.attempt);
    CHECK_FALSE(p.challenged);
    CHECK(p.request_delay == milliseconds{200});
}

TEST_CASE(
    "RFC 6076 4.4, 4.5, 4.9: SDD is BYE to 200, SDT 200 to BYE, and both make a completed "
    "session") {
    Wire w = invited({{180, "180 Ringing"}, {900, "200 OK"}});
    const CallPerformance p = only(hung_up(w, 10'900, 10'945));
    CHECK(p.disconnect_delay == milliseconds{45});
    CHECK(p.duration == milliseconds{10'000});
    CHECK(p.completed);
    CHECK_FALSE(p.abandoned);
}

TEST_CASE("RFC 6076 4.4.2: a BYE that nobody answers completes nothing") {
    Wire w = invited({{180, "180 Ringing"}, {900, "200 OK"}});
    const CallPerformance p = only(hung_up(w, 10'900, 0));
    CHECK_FALSE(p.disconnect_delay);
    CHECK_FALSE(p.completed);
    CHECK(p.abandoned);
    CHECK(p.established);
}

TEST_CASE("RFC 6076 4.6 to 4.9: which codes count for what") {
    struct Row {
        std::uint16_t code;
        bool established, effective, ineffective, redirected, challenged;
    };
    for (const Row& r :
         {Row{200, true, true, false, false, false}, Row{302, false, false, false, true, false},
          Row{401, false, false, false, false, true}, Row{402, false, false, false, false, true},
          Row{404, false, false, false, false, false}, Row{407, false, false, false, false, true},
          Row{408, false, false, true, false, false}, Row{480, false, true, false, false, false},
          Row{486, false, true, false, false, false}, Row{487, false, false, false, false, false},
          Row{500, false, false, true, false, false}, Row{503, false, false, true, false, false},
          Row{504, false, false, true, false, false}, Row{502, false, false, false, false, false},
          Row{600, false, true, false, false, false}, Row{603, false, true, false, false, false}}) {
        CAPTURE(r.code);
        const CallPerformance p = ended(r.code);
        CHECK(p.attempt);
        CHECK(p.established == r.established);
        CHECK(p.effective == r.effective);
        CHECK(p.ineffective == r.ineffective);
        CHECK(p.redirected == r.redirected);
        CHECK(p.challenged == r.challenged);
    }
}

TEST_CASE("RFC 6076: SER, SEER, ISA and SCR of a made hour") {
    Performance all;
    CHECK_FALSE(all.session_establishment());
    CHECK_FALSE(all.ineffective_registration());
    const auto add = [&](int times, std::uint16_t code) {
        for (int i = 0; i < times; ++i) all.add(ended(code));
    };
    add(50, 200);
    add(20, 486);
    add(10, 302);
    add(5, 407);
    add(10, 503);
    add(5, 404);
    CHECK(all.attempts == 100);
    CHECK(*all.session_establishment() == doctest::Approx(50.0 / 85));
    CHECK(*all.session_establishment_effectiveness() == doctest::Approx(70.0 / 85));
    CHECK(*all.ineffective_sessions() == doctest::Approx(10.0 / 95));
    CHECK(*all.session_completion() == doctest::Approx(50.0 / 95));
}

TEST_CASE("a call met half-way, and what is no call, is no attempt") {
    Call c;
    c.kind = CallKind::invite;
    c.state = CallState::completed;
    CHECK_FALSE(performance_of(c).attempt);  // a BYE alone
    c.final_code = 200;
    CHECK_FALSE(performance_of(c).attempt);  // a 200 without its INVITE
    c.kind = CallKind::message;
    c.setup = milliseconds{1};
    CHECK_FALSE(performance_of(c).attempt);
    c.kind = CallKind::invite;
    CHECK(performance_of(c).attempt);
}

TEST_CASE("RFC 6076 4.1, 4.2: a REGISTER is timed from the one that is not challenged") {
    Registrar r;
    CHECK_FALSE(r.hear(0, "a", 1));
    CHECK_FALSE(r.hear(10, "a", 1, 100));
    CHECK_FALSE(r.hear(20, "a", 1, 401));
    CHECK_FALSE(r.hear(30, "a", 2));
    CHECK(r.hear(75, "a", 2, 200) == milliseconds{45});
    CHECK_FALSE(r.hear(80, "a", 2, 200));  // sent again
    CHECK(r.counted.registrations == 1);
    CHECK(r.counted.registered == 1);
    CHECK(r.counted.ineffective_registrations == 0);
    CHECK(r.registrations.open() == 0);
}

TEST_CASE(
    "RFC 6076 4.2: refused and unanswered registrations are ineffective, redirected ones are not") {
    Registrar r;
    r.hear(0, "a", 1);
    r.hear(5, "a", 1, 403);
    r.hear(10, "b", 1);
    r.hear(15, "b", 1, 302);
    r.hear(20, "c", 1);
    r.hear(520, "c", 1, 0, true);
    r.hear(30'000, "d", 1);
    r.hear(30'010, "d", 1, 200);
    CHECK(r.counted.registrations == 3);
    CHECK(r.counted.ineffective_registrations == 1);
    r.hear(32'025, "e", 1);  // timer F of c has fired
    CHECK(r.counted.registrations == 4);
    CHECK(r.counted.ineffective_registrations == 2);
    CHECK(*r.counted.ineffective_registration() == doctest::Approx(0.5));
}

TEST_CASE("a flood of REGISTERs that nobody answers is bounded") {
    Registrar r;
    for (std::uint32_t i = 0; i < 2 * Registrations::most_open; ++i) r.hear(0, "flood", i);
    CHECK(r.registrations.open() <= Registrations::most_open + 1);
    CHECK(r.counted.ineffective_registrations >= Registrations::most_open - 1);
}
