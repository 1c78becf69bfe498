#include "libsipana/lab/remarks.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "libsipana/lab/recorder.h"
#include "libsipana/lab/verdict.h"
#include "libsipana/pcap/reader.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

namespace fs = std::filesystem;

const Endpoint alice = wire::ep("192.0.2.1:5060"), bob = wire::ep("192.0.2.2:5060");
const std::string invite = wire::request({.via = "192.0.2.1:5060"});
const std::string busy = wire::response(invite, "486 Busy Here");

// A capture as the bridge gives it: without a word.
struct Wired {
    Wired() : recorder(Recorder::into(capture)) {}
    void carry(double ms, const Endpoint& from, const Endpoint& to, std::string_view text,
               Transport transport = Transport::udp) {
        recorder->on_packet({from, to, transport, Content::sip, as_bytes(text), {}}, wire::at(ms),
                            Fate::delivered, false);
    }
    Buffer capture;
    std::unique_ptr<Recorder> recorder;
};

SentMessage sent(const Endpoint& from, const Endpoint& to, const std::string& text,
                 std::string note, bool lost = false) {
    SentMessage one;
    one.src = from;
    one.dst = to;
    one.digest = message_digest(text);
    one.note = std::move(note);
    one.lost = lost;
    return one;
}

struct Read {
    std::map<std::uint64_t, std::string> comments;
    std::uint64_t frames = 0;
    pcap::FileSummary file;
    pcap::Annotations annotations;
};

Read read(Bytes capture) {
    Read out;
    auto reader = pcap::Reader::open(capture, out.file, out.annotations);
    REQUIRE(reader);
    pcap::Frame frame;
    while ((*reader)->next(frame)) {
        ++out.frames;
        if (!frame.comment.empty()) out.comments[frame.number] = frame.comment;
    }
    CHECK_FALSE(out.file.damaged);
    return out;
}

CaptureHead head() {
    CaptureHead out;
    out.script = "test";
    out.seed = 7;
    out.interface = "br0";
    out.comments = {"a title"};
    out.names = {{alice.address, "alice"}, {bob.address, "bob"}};
    return out;
}

struct Folder {
    Folder() {
        char name[] = "/tmp/sipana-remarks-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
    }
    ~Folder() { fs::remove_all(path); }
    fs::path path;
};

Buffer content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Buffer(std::istreambuf_iterator<char>(file), {});
}

void put(const fs::path& path, const Buffer& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

TEST_CASE("remarks: each message says who sent it and who expected it, once each") {
    Wired wired;
    wired.carry(0, alice, bob, invite);
    wired.carry(500, alice, bob, invite);  // again
    wired.carry(600, bob, alice, busy);
    REQUIRE(wired.recorder->close());
    const std::vector<SentMessage> log{sent(alice, bob, invite, "lost", true),
                                       sent(alice, bob, invite, "test:3 alice -> bob INVITE"),
                                       sent(alice, bob, invite, "test:3 alice -> bob INVITE")};
    const std::vector<MetMessage> met{
        {wire::at(0), "bob", message_digest(invite), "test:3 alice -> bob INVITE"},
        {wire::at(600), "alice", message_digest(busy), "test:5 A -> alice 486"}};
    REQUIRE(annotate(wired.capture, head(), {log, met}));
    const Read got = read(wired.capture);
    CHECK(got.frames == 3);
    CHECK(got.comments.size() == 3);
    CHECK(got.comments.at(1) == "test:3 alice -> bob INVITE");
    CHECK(got.comments.at(2) == "test:3 alice -> bob INVITE");
    CHECK(got.comments.at(3) == "test:5 A -> alice 486 (alice expects it)");
    REQUIRE(got.file.comments.size() == 2);
    CHECK(got.file.comments[0] == "script test, seed 7");
    CHECK(got.file.comments[1] == "a title");
    CHECK(got.annotations.names.size() == 2);
    CHECK(got.file.interfaces.at(0).name == "br0");
}

TEST_CASE(
    "remarks: on a connection the address decides, and the frame that completes the message") {
    Wired wired;
    const Endpoint chosen{alice.address, 40123};
    const std::string longer =
        wire::request({.body = std::string(3000, 'x'), .via = "192.0.2.1:5060"});
    wired.carry(0, chosen, bob, longer, Transport::tcp);
    REQUIRE(wired.recorder->close());
    const std::vector<SentMessage> log{sent(alice, bob, longer, "a long one")};
    REQUIRE(annotate(wired.capture, head(), {log, {}}));
    const Read got = read(wired.capture);
    REQUIRE(got.comments.size() == 1);
    CHECK(got.comments.begin()->first == 6);  // behind the handshake and two segments
    CHECK(got.comments.begin()->second == "a long one");
}

TEST_CASE("remarks: of another way or other bytes nothing is said") {
    Wired wired;
    wired.carry(0, alice, bob, invite);
    REQUIRE(wired.recorder->close());
    const std::vector<SentMessage> log{sent(bob, alice, invite, "another way"),
                                       sent(alice, bob, busy, "other bytes")};
    REQUIRE(annotate(wired.capture, head(), {log, {}}));
    CHECK(read(wired.capture).comments.empty());
}

TEST_CASE("remarks: frames come out in the order of their times") {
    Buffer capture;
    auto file = CaptureFile::into(capture);
    file->begin({});
    const Buffer bytes(60);
    // The last but one is older than anything that is held back for it.
    for (const double ms : {0.0, 3.0, 1.0, 1.0, 2.0, 500.0, 4.0, 501.0}) {
        pcap::Frame frame;
        frame.time = wire::at(ms);
        frame.bytes = Bytes(bytes).first(40 + static_cast<std::size_t>(ms) % 10);
        frame.wire_size = 60;
        file->packet(frame);
    }
    REQUIRE(file->close());
    REQUIRE(annotate(capture, head(), {}));
    pcap::FileSummary summary;
    pcap::Annotations annotations;
    auto reader = pcap::Reader::open(Bytes(capture), summary, annotations);
    REQUIRE(reader);
    std::vector<double> times;
    pcap::Frame frame;
    while ((*reader)->next(frame)) {
        times.push_back(to_milliseconds(frame.time - wire::at(0)));
        CHECK(frame.bytes.size() == 40 + static_cast<std::size_t>(times.back()) % 10);
    }
    CHECK(times == std::vector<double>{0, 1, 1, 2, 3, 4, 500, 501});
}

TEST_CASE("remarks: a file is replaced when the new one is complete, a link stays a link") {
    Wired wired;
    wired.carry(0, alice, bob, invite);
    REQUIRE(wired.recorder->close());
    Folder folder;
    const fs::path file = folder.path / "run.pcapng", link = folder.path / "link.pcapng";
    put(file, wired.capture);
    fs::create_symlink(file, link);
    const std::vector<SentMessage> log{sent(alice, bob, invite, "said")};
    REQUIRE(annotate(link.string(), head(), {log, {}}));
    CHECK(fs::is_symlink(link));
    CHECK(read(content(file)).comments.at(1) == "said");
    CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 2);  // nothing is left behind
    CHECK(annotate("/dev/null", head(), {log, {}}));                     // and left alone
}

TEST_CASE("remarks: where the new file cannot be made, the old one stays and the error says so") {
    Wired wired;
    wired.carry(0, alice, bob, invite);
    REQUIRE(wired.recorder->close());
    Folder folder;
    const fs::path file = folder.path / "run.pcapng";
    put(file, wired.capture);
    fs::create_directory(file.string() + ".part");
    const auto done = annotate(file.string(), head(), {});
    REQUIRE_FALSE(done);
    CHECK(done.error().what.find("is there, but without its comments") != std::string::npos);
    CHECK(content(file) == wired.capture);
    CHECK(fs::is_directory(file.string() + ".part"));  // it was somebody else's
}
