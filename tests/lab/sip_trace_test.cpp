#include "libsipana/lab/sip_trace.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

const std::string bye =
    "BYE sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1\r\n"
    "Call-ID: 1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n";
// What looks like another message is its body.
const std::string body = "\x1b[36;1m#\nUDP 192.0.2.9:1 -> 192.0.2.9:2\nBYE\r\n\r\n";
const std::string message = fmt::format(
    "MESSAGE sip:a@192.0.2.1 SIP/2.0\r\nCall-ID: 2\r\nCSeq: 1 MESSAGE\r\nContent-Length: "
    "{}\r\n\r\n{}",
    body.size(), body);

std::string traced(const std::string& text) {
    return fmt::format("\x1b[36;1m#\nUDP 192.0.2.2:5060 -> 192.0.2.1:5070\n{}\x1b[;m\n", text);
}

}  // namespace

TEST_CASE("SIP trace: messages among the lines of a log") {
    const std::string log = "baresip is ready.\n" + traced(bye) + "\x1b[31mcall: closed\x1b[;m\n" +
                            traced(message) + "end\n";
    SipTrace trace;
    trace.feed(Exact(log).text());
    const auto first = trace.next();
    REQUIRE(first);
    CHECK(first->transport == Transport::udp);
    CHECK(first->src.to_string() == "192.0.2.2:5060");
    CHECK(first->dst.to_string() == "192.0.2.1:5070");
    CHECK(first->text == bye);
    const auto second = trace.next();
    REQUIRE(second);
    CHECK(second->text == message);
    CHECK(!trace.next());
    CHECK(trace.last_lines() ==
          std::deque<std::string>{"baresip is ready.", "call: closed", "end"});
}

TEST_CASE("SIP trace: it may come byte by byte") {
    const std::string log = traced(message) + traced(bye);
    SipTrace trace;
    std::vector<std::string> out;
    for (const char c : log) {
        trace.feed({&c, 1});
        while (const auto seen = trace.next()) out.push_back(seen->text);
    }
    CHECK(out == std::vector<std::string>{message, bye});
}

TEST_CASE("SIP trace: what is no message is passed over") {
    for (const std::string& noise :
         {std::string("#\n"), std::string("#\nUDP 1.2.3.4 -> x\n"), std::string("\x1b\n"),
          std::string("#\nSCTP 192.0.2.2:5060 -> 192.0.2.1:5070\n"),
          std::string("#\nUDP 192.0.2.2:5060 -> 192.0.2.1:5070\n\r\n\r\n"),
          "#\nUDP 192.0.2.2:5060 -> 192.0.2.1:5070\n" + std::string(SipTrace::max_message + 9, 'x'),
          std::string("#\nUDP 192.0.2.2:5060 -> 192.0.2.1:5070\nBYE sip:a SIP/2.0\r\n"
                      "Content-Length: 99999999\r\n\r\n"),
          std::string(SipTrace::max_message + 1, 'y')}) {
        SipTrace trace;
        trace.feed(Exact(noise).text());
        CHECK(!trace.next());
        trace.feed("\n" + traced(bye));
        const auto seen = trace.next();
        REQUIRE(seen);
        CHECK(seen->text == bye);
    }
}

TEST_CASE("SIP trace: its last lines are few and safe to print") {
    SipTrace trace;
    for (int i = 0; i < 100; ++i) trace.feed(fmt::format("[0:00] \r[0:01] line {}\x07\n", i));
    CHECK(!trace.next());
    CHECK(trace.last_lines().size() == SipTrace::max_lines);
    CHECK(trace.last_lines().back() == "[0:01] line 99\\x07");
}
