#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::CallKind;
using analysis::CallState;
using analysis::Report;
using std::chrono::milliseconds;

namespace {

std::string reg(unsigned cseq, std::string_view extra = "", std::string_view from_tag = "f1") {
    const std::string branch = fmt::format("z9hG4bKr{}", cseq);
    return request({.method = "REGISTER",
                    .branch = branch,
                    .cseq = cseq,
                    .from_tag = from_tag,
                    .extra = extra,
                    .to = "<sip:alice@a.example>"});
}
std::string notify(unsigned cseq, std::string_view state) {
    const std::string branch = fmt::format("z9hG4bKn{}", cseq);
    const std::string extra = fmt::format("Event: presence\r\nSubscription-State: {}\r\n", state);
    return request({.method = "NOTIFY",
                    .branch = branch,
                    .to_tag = "f1",
                    .cseq = cseq,
                    .from_tag = "t1",
                    .extra = extra,
                    .from = "<sip:bob@b.example>",
                    .to = "<sip:alice@a.example>"});
}
const std::string own = "Contact: <sip:alice@10.0.0.1>;expires=60\r\n";
const std::string another = "Contact: <sip:alice@10.9.9.9>;expires=3000\r\n";

const analysis::Call& only(const Report& r) {
    REQUIRE(r.calls.size() == 1);
    CHECK(r.counts.late_messages == 0);
    return r.calls[0];
}

}  // namespace

TEST_CASE(
    "RFC 3261 10.2.4: a registration that is refreshed is one, and its set-up time is the first "
    "one's") {
    Wire w;
    for (unsigned i = 0; i < 4; ++i) {
        const std::string r = reg(i + 1);
        w.udp(30000.0 * i, alice, pbx, r)
            .udp(30000.0 * i + 20, pbx, alice, response(r, "200 OK", "x", "", own));
    }
    const Report r = w.play();
    CHECK(only(r).state == CallState::registered);
    CHECK(only(r).expires_s == 60);
    CHECK(only(r).message_count == 8);
    CHECK(*only(r).setup == milliseconds{20});
}

TEST_CASE("RFC 3261 10.2.4: a refresh with another From tag is still that registration") {
    const std::string first = reg(1), second = reg(2, "Expires: 0\r\n", "f2");
    const Report r = Wire()
                         .udp(0, alice, pbx, first)
                         .udp(20, pbx, alice, response(first, "200 OK", "x", "", own))
                         .udp(30000, alice, pbx, second)
                         .udp(30020, pbx, alice, response(second, "200 OK", "x"))
                         .play();
    CHECK(only(r).state == CallState::unregistered);
}

TEST_CASE("RFC 3261 10.3: bindings of other devices in the 200 are not this one's") {
    const std::string first = reg(1), gone = reg(2, "Expires: 0\r\n");
    Wire w;
    w.udp(0, alice, pbx, first)
        .udp(20, pbx, alice, response(first, "200 OK", "x", "", another + own));
    CHECK(only(w.play()).expires_s == 60);
    w.udp(30000, alice, pbx, gone)
        .udp(30020, pbx, alice, response(gone, "200 OK", "x", "", another));
    const Report r = w.play();
    CHECK(only(r).state == CallState::unregistered);
    CHECK(only(r).expires_s == 0);
}

TEST_CASE("RFC 3261 10.3: a registrar that does not say for how long grants what was asked") {
    const std::string first = reg(1, "Expires: 300\r\n");
    const Report r =
        Wire().udp(0, alice, pbx, first).udp(20, pbx, alice, response(first, "200 OK", "x")).play();
    CHECK(only(r).state == CallState::registered);
    CHECK(only(r).expires_s == 300);
}

TEST_CASE("RFC 6665 4.1.2.4: a NOTIFY may come before the response to its SUBSCRIBE") {
    const std::string sub =
        request({.method = "SUBSCRIBE", .extra = "Event: presence\r\nExpires: 0\r\n"});
    const std::string n = notify(1, "terminated;reason=timeout");
    const Report r = Wire()
                         .udp(0, alice, bob, sub)
                         .udp(5, bob, alice, n)
                         .udp(8, alice, bob, response(n, "200 OK"))
                         .udp(10, bob, alice, response(sub, "200 OK", "t1", "", "Expires: 0\r\n"))
                         .play();
    CHECK(only(r).kind == CallKind::subscribe);
    CHECK(only(r).state == CallState::terminated);
    CHECK(only(r).final_code == 200);
    CHECK(only(r).retransmissions == 0);
    CHECK(only(r).dialogs.size() == 1);
}

TEST_CASE(
    "RFC 6665: a capture that begins within a subscription shows it as active until its end") {
    Wire w;
    for (unsigned i = 1; i <= 3; ++i) {
        const std::string n = notify(i, "active;expires=600");
        w.udp(20000.0 * i, bob, alice, n).udp(20000.0 * i + 5, alice, bob, response(n, "200 OK"));
    }
    CHECK(only(w.play()).state == CallState::active);
    CHECK(only(w.play()).message_count == 6);
    const std::string last = notify(9, "terminated");
    w.udp(90000, bob, alice, last).udp(90005, alice, bob, response(last, "200 OK"));
    CHECK(only(w.play()).state == CallState::terminated);
}

TEST_CASE("RFC 6665: a NOTIFY that nobody subscribed to is done with its response") {
    const std::string n = request(
        {.method = "NOTIFY", .extra = "Event: message-summary\r\nSubscription-State: active\r\n"});
    const Report r =
        Wire().udp(0, pbx, alice, n).udp(5, alice, pbx, response(n, "200 OK", "t")).play();
    CHECK(only(r).state == CallState::done);
    CHECK(only(r).final_code == 200);
}

TEST_CASE("RFC 6665 4.2.2: a NOTIFY answered with 481 ends the subscription") {
    const std::string sub =
        request({.method = "SUBSCRIBE", .extra = "Event: presence\r\nExpires: 600\r\n"});
    const std::string n = notify(1, "active;expires=600");
    const Report r = Wire()
                         .udp(0, alice, bob, sub)
                         .udp(5, bob, alice, response(sub, "200 OK", "t1", "", "Expires: 600\r\n"))
                         .udp(8, bob, alice, n)
                         .udp(10, alice, bob, response(n, "481 Subscription Does Not Exist"))
                         .play();
    CHECK(only(r).state == CallState::terminated);
    CHECK(only(r).expires_s == 600);
}
