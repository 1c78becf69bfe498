#include "libsipana/lab/recorder.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/lab/simulated.h"
#include "libsipana/net/decoder.h"
#include "libsipana/pcap/reader.h"
#include "tests/lab/echo.h"

using namespace sipana;
using namespace sipana::lab;
using namespace std::chrono_literals;

namespace {

const Time start = *parse_rfc3339("2026-01-01T00:00:00Z");

std::string message(int number, std::size_t body = 0, std::string_view transport = "UDP",
                    std::string_view host = "192.0.2.1") {
    return fmt::format(
               "MESSAGE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/{} {}:5060;branch=z9hG4bK{}\r\n"
               "Max-Forwards: 70\r\nFrom: <sip:alice@a.example>;tag=f\r\nTo: "
               "<sip:bob@b.example>\r\n"
               "Call-ID: c{}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: "
               "{}\r\n\r\n",
               transport, host, number, number, body) +
           std::string(body, 'x');
}

struct Read {
    struct Message {
        std::string text;
        Endpoint src, dst;
        Time time{};
        Transport transport{};
    };
    pcap::FileSummary file;
    pcap::Annotations annotations;
    std::vector<std::pair<Time, std::string>> comments;  // of packets
    std::vector<Message> messages;
    analysis::Report report;
};

class Keeper : public analysis::Collector {
public:
    explicit Keeper(Read& read) : Collector(read.report), read_(read) {}
    void on_message(const analysis::SipMessage& m, std::string_view call_id) override {
        read_.messages.push_back({std::string(m.text), m.src, m.dst, m.time, m.transport});
        Collector::on_message(m, call_id);
    }

private:
    Read& read_;
};

// What the analyzer makes of a capture, which knows nothing of the lab.
std::unique_ptr<Read> read(Bytes capture) {
    auto read = std::make_unique<Read>();
    auto reader = pcap::Reader::open(capture, read->file, read->annotations);
    REQUIRE(reader);
    Keeper keeper(*read);
    analysis::Analyzer analyzer({}, keeper);
    pcap::Frame frame;
    while ((*reader)->next(frame)) {
        if (!frame.comment.empty()) read->comments.emplace_back(frame.time, frame.comment);
        analyzer.on_frame(frame);
    }
    analyzer.finish();
    keeper.finish(analyzer);
    return read;
}

void put(Recorder& recorder, const Packet& packet, Time time, Fate fate = Fate::delivered,
         bool duplicate = false) {
    recorder.on_packet(packet, time, fate, duplicate);
}

std::filesystem::path scratch(std::string_view name) {
    return std::filesystem::temp_directory_path() / fmt::format("{}-{}", name, ::getpid());
}

Buffer content_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return Buffer{std::istreambuf_iterator<char>(in), {}};
}

const Endpoint alice4 = at("192.0.2.1:5060"), bob4 = at("192.0.2.2:5060");
const Endpoint alice6 = at("[2001:db8::1]:5060"), bob6 = at("[2001:db8::2]:5060");

}  // namespace

TEST_CASE("Recorder: the capture says what it is, and each packet what it was for") {
    Buffer out;
    CaptureHead settings;
    settings.script = "busy";
    settings.seed = 42;
    settings.comments = {"the network loses 2 %"};
    settings.names = {{alice4.address, "alice"}};
    auto recorder = Recorder::into(out, settings);
    const std::string text = message(1);
    Packet p = packet(alice4, bob4, text);
    p.note = "alice, line 7: MESSAGE";
    put(*recorder, p, start + 5ms);
    CHECK(recorder->close());
    const auto got = read(out);
    CHECK(got->file.comments ==
          std::vector<std::string>{"script busy, seed 42", "the network loses 2 %"});
    REQUIRE(got->file.interfaces.size() == 1);
    CHECK(got->file.interfaces[0].name == "lab");
    REQUIRE(got->annotations.names.size() == 1);
    CHECK(got->annotations.names[0].second == "alice");
    REQUIRE(got->comments.size() == 1);
    CHECK(got->comments[0].second == "alice, line 7: MESSAGE");
    REQUIRE(got->messages.size() == 1);
    CHECK(got->messages[0].text == text);
    CHECK(got->messages[0].src == alice4);
    CHECK(got->messages[0].dst == bob4);
    CHECK(got->messages[0].time == start + 5ms);
}

TEST_CASE(
    "Recorder: what was lost is counted and not recorded; copies and the refused are marked") {
    Buffer out;
    auto recorder = Recorder::into(out);
    const std::string text = message(1);
    put(*recorder, packet(alice4, bob4, text), start, Fate::dropped);
    put(*recorder, packet(alice4, bob4, text), start + 1ms, Fate::delivered, true);
    put(*recorder, packet(alice4, bob4, text), start + 2ms, Fate::refused);
    Packet media = packet(alice4, bob4, "rtp");
    media.content = Content::rtp;
    put(*recorder, media, start + 3ms);
    media.content = Content::rtcp;
    put(*recorder, media, start + 3ms);
    CHECK(recorder->close());
    CHECK(recorder->counts().sip == 2);
    CHECK(recorder->counts().rtp == 1);
    CHECK(recorder->counts().rtcp == 1);
    CHECK(recorder->counts().lost == 1);
    CHECK(recorder->counts().refused == 1);
    const auto got = read(out);
    CHECK(got->messages.size() == 2);
    REQUIRE(got->comments.size() == 2);
    CHECK(got->comments[0].second == "doubled by the network");
    CHECK(got->comments[1].second == "nobody listens there");
}

TEST_CASE("Recorder: datagrams above the MTU are read back whole, in both families") {
    for (const bool v4 : {true, false}) {
        Buffer out;
        auto recorder = Recorder::into(out);
        const Endpoint& src = v4 ? alice4 : alice6;
        const Endpoint& dst = v4 ? bob4 : bob6;
        std::set<std::string> sent;
        for (const std::size_t body : {0u, 1200u, 1300u, 5000u, 60'000u}) {
            const std::string text =
                message(static_cast<int>(body), body, "UDP", v4 ? "192.0.2.1" : "[2001:db8::1]");
            sent.insert(text);
            Packet p = packet(src, dst, text);
            p.note = "a note";
            put(*recorder, p, start);
        }
        CHECK(recorder->close());
        const auto got = read(out);
        CHECK(got->comments.size() == 5);
        std::set<std::string> seen;
        for (const auto& m : got->messages) seen.insert(m.text);
        CHECK(seen == sent);
    }
}

TEST_CASE("Recorder: a stream is a whole TCP conversation, both ways, in both families") {
    for (const bool v4 : {true, false}) {
        Buffer out;
        auto recorder = Recorder::into(out);
        const Endpoint& a = v4 ? alice4 : alice6;
        const Endpoint& b = v4 ? bob4 : bob6;
        std::vector<std::string> sent;
        for (int i = 0; i < 20; ++i) {
            sent.push_back(message(i, i % 3 == 0 ? 4000 : 10, "TCP"));
            put(*recorder,
                packet(i % 2 == 0 ? a : b, i % 2 == 0 ? b : a, sent.back(), Transport::tcp),
                start + i * 1ms);
        }
        CHECK(recorder->close());
        CHECK(recorder->counts().sip == 20);
        const auto got = read(out);
        REQUIRE(got->messages.size() == 20);
        for (std::size_t i = 0; i < 20; ++i) {
            CHECK(got->messages[i].text == sent[i]);
            CHECK(got->messages[i].src == (i % 2 == 0 ? a : b));
            CHECK(got->messages[i].transport == Transport::tcp);
            CHECK(got->messages[i].time == start + static_cast<int>(i) * 1ms);
        }
        for (const Finding& f : got->report.findings) CHECK(f.rule.find("tcp") == f.rule.npos);
    }
}

TEST_CASE("Recorder: TLS is recorded in plain text and says so") {
    Buffer out;
    auto recorder = Recorder::into(out);
    const std::string text = message(1, 20, "TLS");
    put(*recorder, packet(at("192.0.2.1:5061"), at("192.0.2.2:5061"), text, Transport::tls), start);
    CHECK(recorder->close());
    const auto got = read(out);
    REQUIRE(got->messages.size() == 1);
    CHECK(got->messages[0].text == text);
    REQUIRE(got->comments.size() == 1);
    CHECK(got->comments[0].second.find("TLS") != std::string::npos);
}

TEST_CASE("Recorder: a refused connection is a SYN and a reset, and names what was not sent") {
    Buffer out;
    auto recorder = Recorder::into(out);
    put(*recorder, packet(alice4, bob4, message(1), Transport::tcp), start, Fate::refused);
    CHECK(recorder->close());
    CHECK(recorder->counts().sip == 0);
    CHECK(recorder->counts().refused == 1);
    const auto got = read(out);
    CHECK(got->messages.empty());
    CHECK(got->file.frames == 2);
    REQUIRE(got->comments.size() == 1);
    CHECK(got->comments[0].second == "MESSAGE sip:bob@b.example SIP/2.0: nobody listens there");
}

TEST_CASE("Recorder: the same packets give the same bytes; time never goes back") {
    const auto record = [&] {
        Buffer out;
        auto recorder = Recorder::into(out);
        put(*recorder, packet(alice4, bob4, message(1), Transport::tcp), start + 1s);
        put(*recorder, packet(alice4, bob4, message(2)), start);
        CHECK(recorder->close());
        return out;
    };
    const Buffer one = record();
    CHECK(one == record());
    const auto got = read(one);
    REQUIRE(got->messages.size() == 2);
    CHECK(got->messages[1].time == start + 1s);
}

TEST_CASE("Recorder: notes of strangers are cut and made text") {
    Buffer out;
    auto recorder = Recorder::into(out);
    const std::string text = message(1);
    Packet p = packet(alice4, bob4, text);
    const std::string note = std::string(100'000, 'n') + "\xff";
    p.note = note;
    put(*recorder, p, start);
    p.note = "\xff\xfe";
    put(*recorder, p, start);
    CHECK(recorder->close());
    const auto got = read(out);
    REQUIRE(got->comments.size() == 2);
    CHECK(got->comments[0].second.size() == Recorder::longest_comment);
    CHECK(got->comments[1].second == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("Recorder: a file that cannot be made is an error that names it") {
    const auto none = Recorder::create("/nonexistent/folder/x.pcapng");
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Errc::not_found);
    CHECK(none.error().what.find("/nonexistent/folder/x.pcapng") == 0);
    const auto full = Recorder::create("/dev/full");
    REQUIRE_FALSE(full);
    CHECK(full.error().code == Errc::io);
}

TEST_CASE("Recorder: a full disk is told of once, and leaves whole blocks behind") {
    const auto path = scratch("recorder-full");
    auto made = Recorder::create(path.string());
    REQUIRE(made);
    Recorder& recorder = **made;
    struct rlimit before {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto old = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 100'001;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    int taken = 0;
    for (int i = 0; i < 2000 && recorder.status(); ++i, ++taken)
        put(recorder, packet(alice4, bob4, message(i)), start + i * 1ms);
    CHECK_FALSE(recorder.close());
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, old);
    CHECK(taken < 2000);
    CHECK(recorder.status().error().code == Errc::io);
    const Buffer content = content_of(path);
    CHECK(content.size() <= 100'001);
    CHECK(content.size() > 99'000);
    const auto got = read(content);
    CHECK_FALSE(got->file.damaged);
    CHECK(got->messages.size() > 150);
    std::filesystem::remove(path);
}

TEST_CASE("Recorder: a run on the simulated network is in the file, flushed second by second") {
    const auto path = scratch("recorder-run");
    {
        auto recorder = Recorder::create(path.string());
        REQUIRE(recorder);
        Simulated network;
        network.tap(recorder->get());
        Listener alice("alice"), bob("bob");
        REQUIRE(network.open(Transport::udp, alice4, alice));
        REQUIRE(network.open(Transport::udp, bob4, bob));
        for (int i = 0; i < 50; ++i) {
            REQUIRE(network.send(packet(alice4, bob4, message(i))));
            while (network.wait(start + i * 100ms)) continue;
        }
        while (network.wait(std::nullopt)) continue;
        const auto so_far = read(content_of(path));
        CHECK(so_far->messages.size() >= 40);
        CHECK_FALSE(so_far->file.damaged);
        CHECK((*recorder)->close());
        CHECK((*recorder)->counts().sip == 50);
    }
    CHECK(read(content_of(path))->messages.size() == 50);
    std::filesystem::remove(path);
}
