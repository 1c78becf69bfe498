#include "libsipana/live/ring.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <ctime>

#include "tests/exact.h"
#include "tests/live/recordings.h"

using namespace sipana;
using namespace sipana::live;
using namespace std::chrono_literals;

namespace {

constexpr Time begun{1'764'129'781'000'000'000};  // 2025-11-26T04:03:01Z

std::unique_ptr<Ring> recorder(const TestFolder& folder, RingSettings settings = {},
                               WriteCall write = {}) {
    auto ring = Ring::open(folder.path("calls.pcapng"), settings, two_interfaces(), begun,
                           std::move(write));
    REQUIRE_MESSAGE(ring, (ring ? "" : ring.error().what));
    return std::move(*ring);
}

// Numbered frames of 200 bytes; a block of one is 232.
void record(Ring& ring, int from, int to) {
    for (int i = from; i < to; ++i) {
        std::string text = fmt::format("frame {}", i);
        text.resize(200);
        const Exact exact{std::string_view(text)};
        ring.packet(pcap::frame_of(exact.text(), begun.count() + i * 1000));
    }
}

}  // namespace

TEST_CASE("ring: a file is a capture by itself, and holds what it was given") {
    const TestFolder folder;
    const auto ring = recorder(folder);
    pcap::Frame first = pcap::frame_of("abcdefg", begun.count() + 7, 1400),
                second = pcap::frame_of("xyz", 9);
    second.interface = 1;
    second.link = pcap::LinkType::raw;
    pcap::Frame odd = pcap::frame_of("more than on the wire", -5, 3);
    ring->packet(first);
    ring->packet(second);
    ring->packet(odd);
    CHECK(ring->counts().packets == 0);
    ring->flush(begun + 50ms);
    CHECK(ring->counts().packets == 3);
    const Recording recording(folder.path("calls.pcapng"));  // while it is written
    CHECK_FALSE(recording.damaged);
    REQUIRE(recording.frames.size() == 3);
    CHECK(recording.frames[0].bytes == "abcdefg");
    CHECK(recording.frames[0].frame.time == begun + 7ns);
    CHECK(recording.frames[0].frame.wire_size == 1400);
    CHECK(recording.frames[1].frame.link == pcap::LinkType::raw);
    CHECK(recording.frames[2].bytes == "more than on the wire");
    CHECK(recording.frames[2].frame.time == Time{});
    CHECK(recording.file.comments == std::vector<std::string>{"recorded for a test"});
    REQUIRE(recording.file.interfaces.size() == 2);
    CHECK(recording.file.interfaces[0].name == "eth0");
    CHECK(recording.file.interfaces[0].filter == "udp or tcp");
    CHECK(recording.file.interfaces[1].name == "hep udp 127.0.0.1:9060");
    struct stat is {};
    REQUIRE(::stat(folder.path("calls.pcapng").c_str(), &is) == 0);
    CHECK((is.st_mode & 0777) == 0600);
    CHECK(is.st_size == static_cast<off_t>(ring->counts().bytes));
    CHECK(ring->close());
    CHECK(ring->status());
}

TEST_CASE("ring: nothing that exists is written over") {
    const TestFolder folder;
    folder.write("calls.pcapng", as_bytes("precious"));
    const auto ring = Ring::open(folder.path("calls.pcapng"), {}, two_interfaces(), begun);
    REQUIRE_FALSE(ring);
    CHECK(ring.error().what.find("File exists") != std::string::npos);
    CHECK_FALSE(Ring::open(folder.path("no/calls.pcapng"), {}, two_interfaces(), begun));
    CHECK_FALSE(Ring::open(folder.path() + "/", {}, two_interfaces(), begun));
}

TEST_CASE("ring: durable is a write a packet, else a write a flush") {
    for (const bool durable : {false, true}) {
        const TestFolder folder;
        int writes = 0;
        RingSettings settings;
        settings.durable = durable;
        const auto ring =
            recorder(folder, settings, [&](int d, const void* bytes, std::size_t size) {
                ++writes;
                return ::write(d, bytes, size);
            });
        record(*ring, 0, 100);
        CHECK(writes == (durable ? 101 : 1));  // the head is one
        CHECK(readable_in(folder) == (durable ? 100 : 0));
        ring->flush(begun + 50ms);
        CHECK(readable_in(folder) == 100);
        CHECK(writes == (durable ? 101 : 2));
    }
}

TEST_CASE("ring: by size, the last files stay, and their names sort by time") {
    const TestFolder folder;
    RingSettings settings;
    settings.most_bytes = 1000;
    settings.most_files = 3;
    const auto ring = recorder(folder, settings);
    for (int i = 0; i < 20; ++i) {
        record(*ring, i, i + 1);
        ring->flush(begun + i * 1s);
    }
    REQUIRE(ring->close());
    const auto names = names_in(folder);
    REQUIRE(names.size() == 3);
    CHECK(names.back().starts_with("calls-20251126-0403"));
    CHECK(names.back().ends_with(fmt::format("-{:05}.pcapng", ring->counts().files)));
    int expected = 20 - static_cast<int>(readable_in(folder));
    CHECK(ring->counts().removed_packets == static_cast<std::uint64_t>(expected));
    for (const std::string& name : names) {
        CHECK(std::filesystem::file_size(folder.path(name)) <= 1000);
        for (const pcap::Copy& copy : Recording(folder.path(name)).frames)
            CHECK(copy.bytes.starts_with(fmt::format("frame {}", expected++)));
    }
    CHECK(expected == 20);
    CHECK(ring->counts().packets == 20);
    CHECK(ring->counts().removed_files == ring->counts().files - 3);
}

TEST_CASE("ring: by time, of this machine's clock, a clock that is set back included") {
    const TestFolder folder;
    RingSettings settings;
    settings.most_time = 10s;
    const auto ring = recorder(folder, settings);
    Time now = begun;
    for (int i = 0; i < 60; ++i) {
        if (i == 30) now -= 1h;
        record(*ring, i, i + 1);
        ring->flush(now += 1s);
    }
    REQUIRE(ring->close());
    CHECK(names_in(folder).size() == ring->counts().files);
    CHECK(ring->counts().files >= 4);
    CHECK(readable_in(folder) == 60);
    int expected = 0;
    for (const std::string& name : names_in(folder))
        for (const pcap::Copy& copy : Recording(folder.path(name)).frames)
            CHECK(copy.bytes.starts_with(fmt::format("frame {}", expected++)));
}

TEST_CASE("ring: a packet larger than a file or the buffer has a file of its own") {
    const TestFolder folder;
    RingSettings settings;
    settings.most_bytes = 1000;
    settings.buffer = 4096;
    const auto ring = recorder(folder, settings);
    const std::string large(10'000, 'x');
    record(*ring, 0, 1);
    ring->packet(pcap::frame_of(large, 1));
    record(*ring, 1, 2);
    REQUIRE(ring->close());
    CHECK(names_in(folder).size() == 3);
    CHECK(readable_in(folder) == 3);
}

TEST_CASE("trap 74: a full disk costs the oldest file of the ring, and nothing else") {
    const TestFolder folder;
    RingSettings settings;
    settings.most_bytes = 2000;
    settings.most_files = 100;
    const auto ring = recorder(folder, settings, small_disk(folder, 9000));
    for (int i = 0; i < 200; ++i) {
        record(*ring, i, i + 1);
        if (i % 3 == 0) ring->flush(begun + i * 50ms);
    }
    REQUIRE(ring->close());
    CHECK(ring->counts().packets == 200);
    CHECK(ring->counts().lost_packets == 0);
    CHECK(ring->counts().removed_files > 10);
    CHECK(readable_in(folder) == ring->counts().packets - ring->counts().removed_packets);
    const auto names = names_in(folder);
    CHECK(Recording(folder.path(names.back())).frames.back().bytes.starts_with("frame 199"));
}

TEST_CASE("trap 74: where no file may go the recording ends, and written is readable") {
    for (const std::size_t room : {1000u, 1001u, 1100u, 1231u, 1232u, 5000u}) {
        CAPTURE(room);
        const TestFolder folder;
        RingSettings settings;
        settings.most_bytes = room == 5000 ? 2000 : 0;  // many files, all of which are to be kept
        const auto ring = recorder(folder, settings, small_disk(folder, room));
        for (int i = 0; i < 50; ++i) {
            record(*ring, i, i + 1);
            if (i % 7 == 0) ring->flush(begun + i * 50ms);
        }
        const Status closed = ring->close();
        REQUIRE_FALSE(closed);
        CHECK(closed.error().code == Errc::io);
        CHECK(closed.error().what.find("No space left on device") != std::string::npos);
        CHECK(ring->counts().packets > 0);
        CHECK(ring->counts().packets == readable_in(folder));
        CHECK(ring->counts().packets + ring->counts().lost_packets == 50);
        CHECK(ring->counts().removed_files == 0);
    }
}

TEST_CASE("ring: what somebody put in a file's place is not removed") {
    const TestFolder folder;
    RingSettings settings;
    settings.most_bytes = 1000;
    settings.most_files = 1;
    const auto ring = recorder(folder, settings);
    const std::string mine = names_in(folder).front();
    folder.write("other", as_bytes("precious"));
    std::filesystem::rename(folder.path("other"), folder.path(mine));
    record(*ring, 0, 20);
    REQUIRE(ring->close());
    CHECK(std::filesystem::file_size(folder.path(mine)) == 8);
    CHECK(names_in(folder).size() == 2);
}

TEST_CASE("Speed: what a recorded packet costs" * doctest::skip()) {
    const TestFolder folder;
    RingSettings settings;
    settings.most_bytes = 64u << 20;
    settings.most_files = 2;
    const auto ring = recorder(folder, settings);
    const std::string text(214, 'x');
    const pcap::Frame frame = pcap::frame_of(text, begun.count());
    constexpr int packets = 5'000'000;
    const std::clock_t before = std::clock();
    for (int i = 0; i < packets; ++i) {
        ring->packet(frame);
        if (i % 50'000 == 0) ring->flush(begun + i * 1us);
    }
    const std::clock_t took = std::clock() - before;
    const auto each = took * (1'000'000'000 / CLOCKS_PER_SEC) / packets;
    MESSAGE(each << " ns of CPU a packet of 214 bytes");
}
