// HEP within captures: what agents sent is taken out and read like everything else.
#include "libsipana/analysis/envelopes.h"

#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;

namespace {

const Endpoint agent = ep("192.0.2.1:40000"), collector = ep("192.0.2.9:9060");

std::string hep3(hep::Packet p) {
    Buffer out;
    REQUIRE(hep::write(p, out));
    return std::string(as_text(out));
}

hep::Packet captured(double ms, const Endpoint& src, const Endpoint& dst, std::string_view payload,
                     std::uint8_t type = hep::type_sip) {
    hep::Packet p;
    p.src = src;
    p.dst = dst;
    p.time = at(ms);
    p.type = type;
    p.agent = 2001;
    p.node = "edge";
    p.payload = as_bytes(payload);
    return p;
}

// One way to carry a captured packet: as itself, or in HEP.
using Carry = std::function<void(Wire&, double, const Endpoint&, const Endpoint&, std::string_view,
                                 std::uint8_t)>;

analysis::Report call(const Carry& carry, bool stable = false) {
    static std::deque<Wire> kept;  // what a stable report views
    Wire& wire = kept.emplace_back();
    const std::string invite = request({.body = sdp_body("10.0.0.1", 4000)});
    const std::string ok = response(invite, "200 OK", "t1", sdp_body("10.0.0.2", 5000));
    carry(wire, 0, alice, bob, invite, hep::type_sip);
    carry(wire, 100, bob, alice, ok, hep::type_sip);
    carry(wire, 110, alice, bob, request({.method = "ACK", .branch = "z9hG4bKb", .to_tag = "t1"}),
          hep::type_sip);
    for (int i = 0; i < 50; ++i) {
        const auto seq = static_cast<std::uint16_t>(i);
        if (i != 20)
            carry(wire, 200 + 20 * i, ep("10.0.0.1:4000"), ep("10.0.0.2:5000"),
                  rtp(seq, static_cast<std::uint32_t>(160 * i)), hep::type_rtp);
    }
    const std::string bye =
        request({.method = "BYE", .branch = "z9hG4bKc", .to_tag = "t1", .cseq = 2});
    carry(wire, 1500, alice, bob, bye, hep::type_sip);
    carry(wire, 1510, bob, alice, response(bye, "200 OK"), hep::type_sip);
    return wire.play({}, stable);
}

const Carry plainly = [](Wire& w, double ms, const Endpoint& src, const Endpoint& dst,
                         std::string_view payload, std::uint8_t) { w.udp(ms, src, dst, payload); };
const Carry by_hep = [](Wire& w, double ms, const Endpoint& src, const Endpoint& dst,
                        std::string_view payload, std::uint8_t type) {
    w.udp(ms, agent, collector, hep3(captured(ms, src, dst, payload, type)));
};

void same_call(const analysis::Report& a, const analysis::Report& b) {
    REQUIRE(a.calls.size() == 1);
    REQUIRE(b.calls.size() == 1);
    const analysis::Call &x = a.calls[0], &y = b.calls[0];
    CHECK(x.call_id == y.call_id);
    CHECK(x.final_code == y.final_code);
    CHECK(x.start == y.start);
    REQUIRE(x.messages.size() == y.messages.size());
    for (std::size_t i = 0; i < x.messages.size(); ++i) {
        CHECK(x.messages[i].text == y.messages[i].text);
        CHECK(x.messages[i].src == y.messages[i].src);
        CHECK(x.messages[i].dst == y.messages[i].dst);
        CHECK(x.messages[i].time == y.messages[i].time);
        CHECK(x.messages[i].frame == y.messages[i].frame);
    }
    REQUIRE(x.streams.size() == 1);
    REQUIRE(y.streams.size() == 1);
    CHECK(x.streams[0].packets == y.streams[0].packets);
    CHECK(x.streams[0].lost == y.streams[0].lost);
    CHECK(x.streams[0].mean_jitter_ms == y.streams[0].mean_jitter_ms);
    CHECK(a.findings.size() == b.findings.size());
}

}  // namespace

TEST_CASE("HEP: a call that an agent sent is the call that it saw") {
    const auto plain = call(plainly);
    for (const bool stable : {false, true}) {
        const auto report = call(by_hep, stable);
        same_call(plain, report);
        CHECK(report.counts.hep == 54);
        CHECK(report.counts.hep_other == 0);
        CHECK(report.counts.hep_unreadable == 0);
        CHECK(report.counts.sip_messages == 5);
        CHECK(report.counts.rtp_packets == 49);
    }
}

TEST_CASE("HEP over TCP is cut by its lengths, wherever the segments end") {
    std::string stream;
    call([&](Wire&, double ms, const Endpoint& src, const Endpoint& dst, std::string_view payload,
             std::uint8_t type) { stream += hep3(captured(ms, src, dst, payload, type)); });
    for (const std::size_t size : {7u, 500u, 1400u}) {
        Wire wire;
        wire.tcp(0, agent, collector, 1000, "", net::tcp_syn);
        wire.tcp(0, collector, agent, 5000, "", net::tcp_syn | net::tcp_ack);
        for (std::size_t i = 0; i < stream.size(); i += size)
            wire.tcp(1, agent, collector, static_cast<std::uint32_t>(1001 + i),
                     std::string_view(stream).substr(i, size));
        const auto report = wire.play();
        REQUIRE(report.calls.size() == 1);
        CHECK(report.calls[0].messages.size() == 5);
        CHECK(report.calls[0].messages[1].time == at(100));
        CHECK(report.counts.hep == 54);
        CHECK(report.counts.rtp_packets == 49);
        CHECK(!has_rule(report.findings, "tcp-not-hep"));
    }
    // Joined in the middle, and left in the middle.
    Wire wire;
    wire.tcp(0, agent, collector, 1000, std::string_view(stream).substr(300, stream.size() - 320));
    wire.tcp(1, agent, collector, static_cast<std::uint32_t>(1000 + stream.size() - 320), "",
             net::tcp_rst);
    const auto report = wire.play();
    CHECK(report.counts.sip_messages == 3);
    CHECK(report.counts.hep == 53);
    CHECK(report.counts.hep_unreadable == 1);
    CHECK(has_rule(report.findings, "tcp-not-hep"));
}

TEST_CASE("HEP: what cannot be read is a finding with frame and byte, and is counted") {
    std::string bad = hep3(captured(0, alice, bob, request({})));
    bad[11] = 3;
    const auto report = Wire().udp(0, agent, collector, "x").udp(1, agent, collector, bad).play();
    CHECK(report.counts.hep == 1);
    CHECK(report.counts.hep_unreadable == 1);
    REQUIRE(has_rule(report.findings, "hep-unreadable"));
    CHECK(report.findings[0].frame == 2);
    CHECK(report.findings[0].byte == 10);

    hep::Packet p = captured(0, alice, bob, "no zlib");
    p.compressed = true;
    CHECK(Wire().udp(0, agent, collector, hep3(p)).play().counts.hep_unreadable == 1);
    // Of a flood a hundred are told.
    Wire flood;
    for (int i = 0; i < 150; ++i) flood.udp(i, agent, collector, bad);
    const auto told = flood.play();
    CHECK(told.findings.size() == net::findings_per_rule);
    CHECK(told.counts.hep_unreadable == 150);
    CHECK(told.counts.frames.findings_withheld == 50);
}

TEST_CASE("HEP: a log that quotes a message, and HEP within HEP, are no messages") {
    const std::string invite = request({});
    const std::string inner = hep3(captured(0, alice, bob, invite));
    const auto report =
        Wire()
            .udp(0, agent, collector, hep3(captured(0, alice, bob, invite, hep::type_log)))
            .udp(1, agent, collector, hep3(captured(0, alice, bob, inner)))
            .play();
    CHECK(report.counts.hep == 2);
    CHECK(report.counts.hep_other == 2);
    CHECK(report.counts.sip_messages == 0);
}

TEST_CASE("HEP: what we have sent ourselves is not read again") {
    analysis::Options options;
    options.own_hep = analysis::HepAgent{2001, "edge"};
    Wire wire;
    by_hep(wire, 0, alice, bob, request({}), hep::type_sip);
    const std::string second = request({.call_id = "c2"});
    hep::Packet other = captured(0, alice, bob, second);
    other.node = "core";
    wire.udp(1, agent, collector, hep3(other));
    const auto report = wire.play(options);
    CHECK(report.counts.hep_own == 1);
    REQUIRE(report.calls.size() == 1);
    CHECK(report.calls[0].call_id == "c2");
}

TEST_CASE("HEP: an agent's clock is believed within reason") {
    const auto time = [](double sent_ms, double came_ms, bool& told) {
        const auto report =
            Wire()
                .udp(came_ms, agent, collector, hep3(captured(sent_ms, alice, bob, request({}))))
                .play();
        told = has_rule(report.findings, "hep-clock");
        return report.calls.at(0).messages.at(0).time;
    };
    bool told = false;
    CHECK(time(0, 29'000, told) == at(0));
    CHECK(!told);
    CHECK(time(29'000, 0, told) == at(29'000));
    CHECK(!told);
    CHECK(time(0, 31'000, told) == at(31'000));
    CHECK(told);
    CHECK(time(0, 3e9, told) == at(3e9));
    CHECK(told);
}

TEST_CASE(
    "HEP: RTCP is read as it is, and as agents tell it in JSON; JSON without a report is none of "
    "ours") {
    const std::string report =
        R"({"ssrc":7,"type":201,"report_count":1,"report_blocks":[{"source_ssrc":4660,"fraction_lost":1}]})";
    const std::string rr("\201\311\0\7\0\0\0\7\0\0\22\64\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                         32);
    const Endpoint from = ep("10.0.0.2:5001"), to = ep("10.0.0.1:4001");
    for (const bool stable : {false, true}) {
        Wire wire;
        wire.udp(0, agent, collector, hep3(captured(0, from, to, report, hep::type_rtcp)));
        wire.udp(1, agent, collector, hep3(captured(1, from, to, rr, hep::type_rtcp)));
        wire.udp(2, agent, collector,
                 hep3(captured(2, from, to, R"({"mos":4.1})", hep::type_rtcp)));
        const auto read = wire.play({}, stable);
        CHECK(read.counts.rtcp_packets == 2);
        CHECK(read.counts.rtcp_by_type[201] == 2);
        CHECK(read.counts.hep_other == 1);
    }
}

TEST_CASE("HEP 1 and 2 are read too") {
    const std::string invite = request({});
    std::string one("\1\20\2\21\23\304\23\304\12\0\0\1\12\0\0\2", 16);
    const auto report = Wire().udp(5, agent, collector, one + invite).play();
    REQUIRE(report.calls.size() == 1);
    CHECK(report.calls[0].messages.at(0).src == alice);
    CHECK(report.calls[0].messages.at(0).time == at(5));
}
