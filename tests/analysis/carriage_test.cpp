// How SIP gets here: messages cut off, connections with holes, WebSocket.
#include <doctest/doctest.h>

#include "libsipana/net/websocket.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;

namespace {

constexpr std::array<std::uint8_t, 4> mask{0x11, 0x22, 0x33, 0x44};

std::string frame(std::string_view payload, net::Opcode opcode = net::Opcode::text) {
    Buffer out;
    net::append_websocket_frame(out, opcode, as_bytes(payload), true, mask);
    return std::string(as_text(out));
}

std::string options(std::string_view call_id, unsigned cseq = 1) {
    return request({.method = "OPTIONS", .call_id = call_id, .branch = call_id, .cseq = cseq});
}

std::vector<std::string> call_ids(const analysis::Report& report) {
    std::vector<std::string> ids;
    for (const auto& call : report.calls) ids.emplace_back(call.call_id);
    return ids;
}

std::vector<std::string> rules(const analysis::Report& report) {
    std::vector<std::string> names;
    for (const Finding& f : report.findings) names.emplace_back(f.rule);
    return names;
}

// The datagram, its frame cut off behind `bytes` of it.
Buffer cut_off(std::string_view text, std::size_t bytes) {
    Buffer whole = *net::udp_frame(alice, bob, as_bytes(text));
    whole.resize(whole.size() - text.size() + bytes);
    return whole;
}

}  // namespace

TEST_CASE("a message whose end was not captured is told as that, and its sender is not blamed") {
    const std::string text = request({.body = sdp_body("10.0.0.1", 4000)});
    const std::size_t body = text.find("\r\n\r\n") + 4;
    for (const std::size_t size : {text.find("CSeq:") + 4, text.find("Contact:"), body, body + 30}) {
        CAPTURE(size);
        const auto report = Wire().frame(0, cut_off(text, size)).play();
        CHECK(call_ids(report) == std::vector<std::string>{"c1"});
        const auto found = rules(report);
        CHECK(std::count(found.begin(), found.end(), "sip-incomplete") == 1);
        for (const char* blame : {"sip-not-a-field", "sip-head-unfinished", "sip-body-cut",
                                  "sip-field-missing"})
            CHECK(std::count(found.begin(), found.end(), blame) == 0);
    }
}

TEST_CASE("half a Call-ID is no call's") {
    const std::string text = request({.call_id = "abcdefgh"});
    const auto report = Wire().frame(0, cut_off(text, text.find("abcd") + 4)).play();
    CHECK(report.calls.empty());
    REQUIRE(report.stray_messages.size() == 1);
    const auto found = rules(report);
    CHECK(std::count(found.begin(), found.end(), "sip-incomplete") == 1);
    CHECK(std::count(found.begin(), found.end(), "sip-no-call-id") == 0);
}

TEST_CASE("a message of which a start line is left is counted, and not read") {
    const std::string text = options("x");
    for (const std::size_t size : {text.find("Via:"), text.find("Via:") + 3}) {
        const auto report = Wire().frame(0, cut_off(text, size)).play();
        CHECK(report.calls.empty());
        CHECK(report.counts.malformed_sip == 1);
        const auto found = rules(report);
        CHECK(std::count(found.begin(), found.end(), "sip-incomplete") == 1);
        CHECK(std::count(found.begin(), found.end(), "sip-unreadable") == 0);
    }
}

TEST_CASE("RFC 7118 5: two SIP messages in one WebSocket message are both read, and that is wrong") {
    const auto report =
        Wire().tcp(0, alice, bob, 1, frame(options("a") + options("b")) + frame(options("c"))).play();
    CHECK(call_ids(report) == std::vector<std::string>{"a", "b", "c"});
    const auto found = rules(report);
    CHECK(std::count(found.begin(), found.end(), "ws-message-joined") == 1);
}

TEST_CASE("RFC 7692: compressed WebSocket messages are not silently left out") {
    Buffer compressed;
    net::append_websocket_frame(compressed, net::Opcode::text, as_bytes(options("b")), true, mask);
    compressed[0] |= 0x40;
    const std::string first = frame(options("a"));
    const std::string second = std::string(as_text(compressed)) + frame(options("c"));
    const auto report =
        Wire().tcp(0, alice, bob, 1, first).tcp(1, alice, bob, 1 + static_cast<std::uint32_t>(first.size()), second).play();
    CHECK(call_ids(report) == std::vector<std::string>{"a", "c"});
    const auto found = rules(report);
    CHECK(std::count(found.begin(), found.end(), "ws-unreadable") == 1);
}

TEST_CASE("trap 40: a WebSocket connection joined within a frame is read from the next segment that begins one") {
    const std::string first = frame(options("a"));
    Wire wire;
    wire.tcp(0, alice, bob, 1'000, std::string_view(first).substr(40));
    const std::string rest[] = {frame(options("b")), frame("", net::Opcode::ping) + frame(options("c"))};
    std::uint32_t seq = 1'000 + static_cast<std::uint32_t>(first.size()) - 40;
    for (const std::string& segment : rest) {
        wire.tcp(seq, alice, bob, seq, segment);
        seq += static_cast<std::uint32_t>(segment.size());
    }
    CHECK(call_ids(wire.play()) == std::vector<std::string>{"b", "c"});
}

TEST_CASE("RFC 3261 18.3: a segment may end anywhere, in the first start line and in CRLFs before it, too") {
    const std::string text = "\r\n\r\n" + options("a") + "\r\n" + options("b");
    const std::size_t start_line = text.find("Via:");
    for (const bool from_start : {true, false})
        for (std::size_t cut = 1; cut < start_line + 3; ++cut) {
            CAPTURE(cut);
            Wire wire;
            if (from_start) wire.tcp(0, alice, bob, 99, "", net::tcp_syn);
            wire.tcp(1, alice, bob, 100, std::string_view(text).substr(0, cut));
            wire.tcp(2, alice, bob, 100 + static_cast<std::uint32_t>(cut), std::string_view(text).substr(cut));
            CHECK(call_ids(wire.play()) == std::vector<std::string>{"a", "b"});
        }
}

TEST_CASE("a connection that loses bytes before it is known what it carries is known by what follows") {
    const std::string message = options("a");
    Wire wire;
    wire.tcp(0, alice, bob, 99, "", net::tcp_syn);
    wire.tcp(1, alice, bob, 100, "OPT");  // may become SIP
    wire.tcp(2, alice, bob, 200, message);
    wire.tcp(5'000, alice, bob, 200 + static_cast<std::uint32_t>(message.size()), options("b"));
    CHECK(call_ids(wire.play()) == std::vector<std::string>{"a", "b"});
}
