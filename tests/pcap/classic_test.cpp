#include "libsipana/pcap/classic.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

void put32(Buffer& out, std::uint32_t v) {
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(v >> 8 * i));
}

// A file header with these fields, little-endian.
Buffer header(std::uint32_t magic, std::uint16_t major, std::uint16_t minor, std::uint32_t snap,
              std::uint32_t network) {
    Buffer out;
    put32(out, magic);
    put32(out, std::uint32_t{minor} << 16 | major);
    put32(out, 0);
    put32(out, 0);
    put32(out, snap);
    put32(out, network);
    return out;
}

void record(Buffer& out, std::uint32_t seconds, std::uint32_t fraction, std::uint32_t third,
            std::uint32_t fourth, std::string_view bytes) {
    put32(out, seconds);
    put32(out, fraction);
    put32(out, third);
    put32(out, fourth);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

TEST_CASE("pcap: both byte orders and both resolutions say the same") {
    for (const bool big_endian : {false, true}) {
        for (const bool nanoseconds : {false, true}) {
            CAPTURE(big_endian);
            CAPTURE(nanoseconds);
            ClassicShape shape;
            shape.big_endian = big_endian;
            shape.nanoseconds = nanoseconds;
            shape.link = LinkType::linux_sll;
            Buffer capture;
            write_classic_header(shape, capture);
            write_classic_record(shape, frame_of("abc", 1'700'000'000'123'456'789, 1500), capture);
            const Reading read{Exact(capture)};
            REQUIRE(read.frames.size() == 1);
            const Frame& f = read.frames[0].frame;
            CHECK(f.time.count() ==
                  (nanoseconds ? 1'700'000'000'123'456'789 : 1'700'000'000'123'456'000));
            CHECK(f.number == 1);
            CHECK(f.wire_size == 1500);
            CHECK(f.link == LinkType::linux_sll);
            CHECK(f.offset == 24);
            CHECK(f.has_time);
            CHECK(f.stable);
            CHECK(read.frames[0].bytes == "abc");
            CHECK(read.file.format == (nanoseconds ? "pcap (nanoseconds)" : "pcap"));
            CHECK(read.file.interfaces.at(0).link == LinkType::linux_sll);
            CHECK(read.annotations.findings.empty());
        }
    }
}

TEST_CASE("pcap: a second of time stamps above 2^31 lies after 2038") {
    const Buffer capture = classic_capture({4'000'000'000 * second});
    const Reading read{Exact(capture)};
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].frame.time.count() == 4'000'000'000 * second);
}

TEST_CASE(
    "pcap: longer record headers under another's magic number are told by the first records") {
    const struct {
        std::uint32_t magic;
        std::size_t more;
    } shapes[] = {{0xa1b2c3d4, 4}, {0xa1b2c3d4, 8}, {0xa1b2cd34, 8}, {0xa1b2cd34, 12}};
    const std::string texts[] = {std::string(60, 'a'), std::string(200, 'b'), std::string(60, 'c')};
    for (const auto& shape : shapes) {
        CAPTURE(shape.magic);
        CAPTURE(shape.more);
        Buffer capture = header(shape.magic, 2, 4, 65535, 1);
        for (std::uint32_t i = 0; i < 3; ++i) {
            const auto size = static_cast<std::uint32_t>(texts[i].size());
            record(capture, 1'700'000'000 + i, 5, size, size,
                   std::string(shape.more, 1) + texts[i]);
        }
        for (const bool piped : {false, true}) {
            const Reading read(Exact(capture), piped);
            REQUIRE(read.frames.size() == 3);
            for (std::size_t i = 0; i < 3; ++i) CHECK(read.frames[i].bytes == texts[i]);
            CHECK(read.file.format == "pcap (modified)");
            CHECK_FALSE(read.file.damaged);
        }
    }
    // Damage among the first records is no other format.
    Buffer damaged = header(0xa1b2c3d4, 2, 4, 65535, 1);
    record(damaged, 1'700'000'000, 5, 4, 4, "good");
    record(damaged, 1'700'000'000, 5, 0x7fffffff, 0x7fffffff, std::string(300, 'x'));
    const Reading read{Exact(damaged)};
    CHECK(read.frames.size() == 1);
    CHECK(read.file.format == "pcap");
    CHECK(read.file.damaged);
}

TEST_CASE("pcap: Kuznetzov's modified format has eight more bytes in a record header") {
    Buffer capture = header(0xa1b2cd34, 2, 4, 65535, 1);
    for (int i = 0; i < 2; ++i) {
        record(capture, 10, 20, 3, 3, {});
        put32(capture, 2);  // interface
        put32(capture, 8);  // protocol, packet type
        capture.insert(capture.end(), {'a', 'b', 'c'});
    }
    const Reading read{Exact(capture)};
    CHECK(read.file.format == "pcap (modified)");
    REQUIRE(read.frames.size() == 2);
    CHECK(read.frames[1].bytes == "abc");
    CHECK(read.frames[1].frame.time.count() == 10 * second + 20'000);
}

TEST_CASE("pcap: Navtel and Ixia count nanoseconds, Ixia with a longer file header") {
    Buffer navtel = header(0xa12b3c4d, 2, 4, 65535, 1);
    record(navtel, 1, 2, 1, 1, "n");
    const Reading n{Exact(navtel)};
    REQUIRE(n.frames.size() == 1);
    CHECK(n.frames[0].frame.time.count() == second + 2);

    Buffer ixia = header(0x1c0001ac, 2, 4, 65535, 1);
    put32(ixia, 17);  // size of all records
    record(ixia, 1, 2, 1, 1, "i");
    const Reading i{Exact(ixia)};
    REQUIRE(i.frames.size() == 1);
    CHECK(i.frames[0].bytes == "i");
    CHECK(i.frames[0].frame.time.count() == second + 2);
}

TEST_CASE("pcap: versions before 2.3 have the lengths in the other order, 2.3 in either") {
    for (const std::uint16_t minor : {std::uint16_t{2}, std::uint16_t{3}}) {
        Buffer capture = header(0xa1b2c3d4, 2, minor, 65535, 1);
        record(capture, 1, 0, 900, 4, "abcd");
        const Reading read{Exact(capture)};
        REQUIRE(read.frames.size() == 1);
        CHECK(read.frames[0].bytes == "abcd");
        CHECK(read.frames[0].frame.wire_size == 900);
    }
    Buffer capture = header(0xa1b2c3d4, 2, 3, 65535, 1);
    record(capture, 1, 0, 4, 900, "abcd");
    const Reading read{Exact(capture)};
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].frame.wire_size == 900);
}

TEST_CASE("pcap: AIX names the interface type instead of the link type") {
    Buffer capture = header(0xa1b2c3d4, 2, 2, 65535, 6);
    record(capture, 1, 7, 4, 900, "abcd");
    const Reading read{Exact(capture)};
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].frame.link == LinkType::ethernet);
    CHECK(read.frames[0].frame.time.count() == second + 7);
    CHECK(read.frames[0].frame.wire_size == 900);
}

TEST_CASE("pcap: bits above the link type (FCS length, class) do not change it") {
    Buffer capture = header(0xa1b2c3d4, 2, 4, 65535, 0x44000001);
    record(capture, 1, 0, 1, 1, "a");
    const Reading read{Exact(capture)};
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].frame.link == LinkType::ethernet);
}

TEST_CASE("pcap: a version that nobody writes is refused") {
    const Buffer capture = header(0xa1b2c3d4, 1, 0, 65535, 1);
    const Reading read{Exact(capture)};
    REQUIRE(read.error);
    CHECK(read.error->code == Errc::unsupported);
    CHECK(read.error->what == "x.pcap: pcap version 1.0 is not read");
}

TEST_CASE("pcap: a captured length above the original is taken for the original, too") {
    Buffer capture = header(0xa1b2c3d4, 2, 4, 65535, 1);
    record(capture, 1, 0, 4, 2, "abcd");
    const Reading read{Exact(capture)};
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].frame.wire_size == 4);
}

TEST_CASE("trap 73: cut off anywhere, all frames before the cut are read and the cut is told") {
    // Three records of 16 + 7 bytes after the header of 24.
    for (const bool piped : {false, true}) {
        ClassicShape shape;
        shape.big_endian = piped;
        const Buffer whole = classic_capture({second, 2 * second, 3 * second}, shape);
        REQUIRE(whole.size() == 24 + 3 * 23);
        for (std::size_t size = 1; size < whole.size(); ++size) {
            CAPTURE(size);
            const Exact cut(Bytes(whole).first(size));
            const Reading read(cut, piped);
            if (size < 24) {
                REQUIRE(read.error);
                CHECK(read.error->code == (size < 4 ? Errc::unsupported : Errc::truncated));
                continue;
            }
            REQUIRE_FALSE(read.error);
            const std::size_t frames = (size - 24) / 23, rest = (size - 24) % 23;
            CHECK(read.frames.size() == frames);
            CHECK(read.file.frames == frames);
            CHECK(read.file.damaged == (rest != 0));
            REQUIRE(read.annotations.findings.size() == (rest != 0));
            if (rest == 0) continue;
            const Finding& finding = read.annotations.findings[0];
            CHECK(finding.rule == "capture-cut-short");
            CHECK(finding.frame == frames + 1);
            CHECK(finding.byte == 24 + frames * 23);
            const std::string there = rest < 16
                                          ? std::to_string(rest) + " of 16 bytes of its header"
                                          : std::to_string(rest - 16) + " of 7 bytes";
            CHECK(finding.text == "x.pcap: cut short in frame " + std::to_string(frames + 1) +
                                      ", byte " + std::to_string(24 + frames * 23) + ": " + there +
                                      " are there");
        }
    }
}

TEST_CASE("pcap: a length that no record has ends the reading, with its place") {
    Buffer capture = classic_capture({second});
    record(capture, 2, 0, 0x7fffffff, 0x7fffffff, "abc");
    const Reading read{Exact(capture)};
    CHECK(read.frames.size() == 1);
    REQUIRE(read.annotations.findings.size() == 1);
    CHECK(read.annotations.findings[0].rule == "capture-damaged");
    CHECK(read.annotations.findings[0].text ==
          "x.pcap: damaged in frame 2, byte 47: a record of 2147483647 bytes is impossible");
    CHECK(read.file.damaged);
}

TEST_CASE("pcap: zeros at the end, as a crash leaves them, are damage and not empty frames") {
    Buffer capture = classic_capture({second});
    capture.resize(capture.size() + 4096);
    const Reading read{Exact(capture)};
    CHECK(read.frames.size() == 1);
    REQUIRE(read.annotations.findings.size() == 1);
    CHECK(read.annotations.findings[0].text ==
          "x.pcap: damaged in frame 2, byte 47: zeros instead of a record");
}

TEST_CASE("pcap: a snap length above the usual lets larger records through") {
    const std::string large(300'000, 'x');
    ClassicShape shape;
    shape.snap = 400'000;
    Buffer capture;
    write_classic_header(shape, capture);
    write_classic_record(shape, frame_of(large, second), capture);
    const Reading read{Exact(capture)};
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].bytes == large);
    shape.snap = 65535;
    capture.clear();
    write_classic_header(shape, capture);
    write_classic_record(shape, frame_of(large, second), capture);
    CHECK(Reading{Exact(capture)}.file.damaged);
}
