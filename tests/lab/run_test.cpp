#include <doctest/doctest.h>

#include <string>

#include "libsipana/lab/runner.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

RunResult played(std::string_view text) {
    const auto script = parse_script(text, "test");
    if (!script) {
        RunResult out;
        out.outcome = Outcome::failed;
        out.error = script.error().what;
        return out;
    }
    return run(*script, {});
}

// Why it failed, for a test's message.
std::string said(const RunResult& r) {
    std::string out = r.error + "\n";
    for (const StepResult& s : r.steps)
        out += std::to_string(s.line) + " " + s.text + " | " + std::string(to_string(s.outcome)) +
               " " + s.detail + "\n";
    for (const CheckResult& c : r.checks)
        out += std::to_string(c.line) + " " + c.text + " | " + std::string(to_string(c.outcome)) +
               " " + c.detail + "\n";
    for (const std::string& n : r.notes) out += n + "\n";
    return out;
}

}  // namespace

TEST_CASE("RFC 3665 3.1: a call between two phones, made, answered and hung up") {
    const auto r = played(R"(
phone alice 100
phone bob 900

alice -> bob INVITE
bob -> alice 180
bob -> alice 200 after 1s
alice <> bob audio tone 440Hz 2s
alice -> bob BYE
check alice final 200
check flow INVITE 180 200 ACK BYE 200
)");
    INFO(said(r));
    CHECK(r.outcome == Outcome::done);
}

TEST_CASE("RFC 3261 21.4.24: a busy phone") {
    const auto r = played(R"(
phone alice 100
phone bob 900
alice -> bob INVITE
bob -> alice 486
check alice final 486
)");
    INFO(said(r));
    CHECK(r.outcome == Outcome::done);
}

TEST_CASE("RFC 3261 9: a call that is given up while it rings") {
    const auto r = played(R"(
phone alice 100
phone bob 900
alice -> bob INVITE
bob -> alice 180
alice -> bob CANCEL
check flow INVITE 180 CANCEL 200 487 ACK
)");
    INFO(said(r));
    CHECK(r.outcome == Outcome::done);
}

TEST_CASE("A run: what does not come fails the line that waited for it, in words") {
    const auto r = played(R"(
phone alice 100
phone bob 900
alice -> bob INVITE
bob -> alice 486
bob -> alice BYE
)");
    INFO(said(r));
    CHECK(r.outcome == Outcome::failed);
}

TEST_CASE("RFC 3261 7: a phone says that what it got is no SIP, from whom and why") {
    const auto r = played(R"(
phone alice 100
phone bob 900
alice -> bob OPTIONS
bob ->| alice raw "HTTP/1.1 400 Bad Request\r\n\r\n"
bob ->| alice raw "garbage"
bob -> alice 200
)");
    INFO(said(r));
    CHECK(r.outcome == Outcome::done);
    REQUIRE(r.notes.size() == 1);
    CHECK(r.notes[0].rfind("alice: got what is no SIP, 2 times, first from 192.0.2.", 0) == 0);
}

TEST_CASE("RFC 3261 8.1.1, 8.2.2.3: a phone answers 400 and 420 where nobody tells it what") {
    const auto r = played(R"(
phone alice 100
phone bob 900

alice ->| bob OPTIONS strip From
bob |-> alice 400
alice ->| bob OPTIONS header "Require: levitation"
bob |-> alice 420 where header Unsupported is "levitation"
)");
    INFO(said(r));
    CHECK(r.outcome == Outcome::done);
}

TEST_CASE("RFC 3261 20.14: {len} of a message written out is what its body has") {
    const auto r = played(R"(
phone alice 100
phone bob 900

alice -> bob message """
    MESSAGE sip:bob@{bob_ip} SIP/2.0
    Via: SIP/2.0/UDP {local_ip}:{local_port};branch={branch}
    From: <sip:alice@example.com>;tag=1
    To: <sip:bob@example.com>
    Call-ID: one@example.com
    CSeq: 1 MESSAGE
    Max-Forwards: 70
    Content-Type: text/plain
    Content-Length: {len}

    hello
    """
bob -> alice 200
check header MESSAGE Content-Length is "7"
)");
    INFO(said(r));
    CHECK(r.outcome == Outcome::done);
}
