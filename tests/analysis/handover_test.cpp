#include "libsipana/analysis/handover.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;

namespace {

// Everything that a renderer could tell apart, in a few words.
std::string told(const analysis::Report& report) {
    std::string out;
    for (const analysis::Call& c : report.calls) {
        out += fmt::format("{} {} {} {} {} {} {}", c.number, c.call_id, to_string(c.state), c.final_code,
                           c.message_count, c.messages.size(), (c.end - c.start).count());
        for (const analysis::Leg& l : c.legs) out += fmt::format(" leg {} {}", l.call_id, l.evidence);
        for (const analysis::Stream& s : c.streams)
            out += fmt::format(" {}>{} {} {}", s.src.to_string(), s.dst.to_string(), s.packets, s.lost);
        out += '\n';
    }
    for (const Finding& f : report.findings) out += fmt::format("{} {} {}\n", f.frame, f.rule, f.text);
    const analysis::Counts& n = report.counts;
    return out + fmt::format("{} {} {} {} {}\n", n.frames.frames, n.sip_messages, n.rtp_packets,
                             n.malformed_sip, n.other_datagrams);
}

// Calls by the thousand at once, with stretches of nothing but media, SIP over TCP, and things that are
// not what they seem.
void fill(Wire& wire, int calls) {
    for (int i = 0; i < calls; ++i) {
        const std::string id = fmt::format("c{}", i), branch = fmt::format("z9hG4bK{}", i);
        const std::string offer = sdp_body("10.0.0.1", 10'000 + 2 * (i % 20'000));
        Request r;
        r.call_id = id;
        r.branch = branch;
        r.body = offer;
        const double ms = i * 0.5;
        const std::string invite = request(r);
        wire.udp(ms, alice, bob, invite);
        wire.udp(ms + 4000, bob, alice, response(invite, i % 3 == 0 ? "486 Busy Here" : "200 OK", "t",
                                                 i % 3 == 0 ? "" : sdp_body("10.0.0.2", 20'000 + 2 * (i % 20'000))));
        r.method = "ACK";
        r.to_tag = "t";
        r.body = "";
        wire.udp(ms + 4001, alice, bob, request(r));
        if (i % 100 == 1) wire.speech(ms + 5000, bob, Endpoint{alice.address, static_cast<std::uint16_t>(10'000 + 2 * i)}, 30);
        if (i % 500 == 2) wire.udp(ms + 3, alice, bob, "INVITE sip:x SIP/2.0\r\nno field\r\n\r\n");
        if (i % 500 == 3) wire.udp(ms + 3, alice, bob, "nothing that anybody knows");
    }
    const std::string options = message({"OPTIONS sip:bob@b.example SIP/2.0", "Via: SIP/2.0/TCP h;branch=z9hG4bKo",
                                         "From: <sip:a@a.example>;tag=1", "To: <sip:bob@b.example>",
                                         "Call-ID: tcp", "CSeq: 1 OPTIONS", "Max-Forwards: 70"});
    wire.tcp(100, alice, bob, 1000, options.substr(0, 40));
    wire.tcp(101, alice, bob, 1040, options.substr(40));
    wire.speech(10'000, ep("10.1.0.1:4000"), ep("10.1.0.2:4000"), 2000);
}

}  // namespace

TEST_CASE("frames one by one, in batches, and in two threads say the same") {
    Wire wire;
    fill(wire, 5000);
    const std::string one_by_one = told(wire.play());
    CHECK(one_by_one.find(" tcp unanswered ") != one_by_one.npos);
    CHECK(one_by_one == told(wire.play({}, true)));
    analysis::Options two;
    two.parallel = true;
    CHECK(one_by_one == told(wire.play(two, true)));
    CHECK(one_by_one == told(wire.play(two, true)));
}

TEST_CASE("a Handover gives batches on in order, and what is worked off comes after what was passed on") {
    using Batch = std::vector<int>;
    Batch seen;
    {
        analysis::Handover<Batch> handover([&](Batch& batch) { seen.insert(seen.end(), batch.begin(), batch.end()); });
        for (int i = 0; i < 1000; ++i) {
            handover.filling().push_back(i);
            if (i % 7 == 0) handover.pass_on();
            if (i % 50 == 0) {
                handover.work_off();
                REQUIRE(seen.size() == static_cast<std::size_t>(i) + 1);
            }
        }
        handover.work_off();
        handover.filling().push_back(1000);
        handover.pass_on();
        handover.filling().push_back(1001);  // never passed on
    }
    REQUIRE(seen.size() == 1001);
    for (int i = 0; i < 1001; ++i) CHECK(seen[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("catch_up tells at once what frames that stay would have waited for") {
    struct Sink : analysis::Sink {
        void on_message(const analysis::SipMessage&, std::string_view) override { ++messages; }
        void on_call(analysis::Call&&) override {}
        void on_stream(analysis::Stream&&) override {}
        void on_finding(Finding&&) override {}
        int messages = 0;
    } sink;
    const Buffer bytes = *net::udp_frame(alice, bob, as_bytes(request({})));
    pcap::Frame f;
    f.number = 1;
    f.time = at(0);
    f.bytes = bytes;
    f.wire_size = static_cast<std::uint32_t>(bytes.size());
    f.link = pcap::LinkType::ethernet;
    f.stable = true;
    for (const bool parallel : {false, true}) {
        sink.messages = 0;
        analysis::Options options;
        options.parallel = parallel;
        analysis::Analyzer analyzer(options, sink);
        analyzer.on_frame(f);
        CHECK(sink.messages == 0);
        analyzer.catch_up();
        CHECK(sink.messages == 1);
        f.stable = false;  // who comes from a pipe is told of at once
        analyzer.on_frame(f);
        CHECK(sink.messages == 2);
        f.stable = true;
        analyzer.finish();
    }
}
