#include "libsipana/pcap/pcapng.h"

#include <doctest/doctest.h>

#include <utility>

#include "tests/exact.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

// Writes blocks of either byte order, right or wrong.
class Blocks {
public:
    explicit Blocks(bool big_endian = false) : big_(big_endian) {}

    Blocks& u16(std::uint64_t v) { return number(v, 2); }
    Blocks& u32(std::uint64_t v) { return number(v, 4); }
    Blocks& u64(std::uint64_t v) { return number(v, 8); }
    Blocks& text(std::string_view t) {
        body_.insert(body_.end(), t.begin(), t.end());
        body_.resize((body_.size() + 3) / 4 * 4);
        return *this;
    }
    Blocks& option(unsigned code, std::string_view value) {
        return u16(code).u16(value.size()).text(value);
    }
    // Ends the block that was begun with the fields before.
    Blocks& block(std::uint32_t type) {
        const Buffer body = std::exchange(body_, {});
        u32(type).u32(body.size() + 12);
        body_.insert(body_.end(), body.begin(), body.end());
        u32(body.size() + 12);
        out_.insert(out_.end(), body_.begin(), body_.end());
        body_.clear();
        return *this;
    }
    Blocks& section(unsigned major = 1) {
        return u32(0x1a2b3c4d).u16(major).u16(0).u64(~0ull).block(0x0a0d0d0a);
    }
    Blocks& interface(unsigned link = 1, unsigned snap = 0) {
        return u16(link).u16(0).u32(snap).block(1);
    }
    Blocks& packet(unsigned id, std::uint64_t ticks, std::string_view bytes) {
        return u32(id)
            .u32(ticks >> 32)
            .u32(ticks & 0xffffffff)
            .u32(bytes.size())
            .u32(bytes.size())
            .text(bytes)
            .block(6);
    }
    Blocks& raw(Bytes bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    void order(bool big_endian) { big_ = big_endian; }
    const Buffer& bytes() const { return out_; }
    std::size_t size() const { return out_.size(); }

private:
    Blocks& number(std::uint64_t v, unsigned n) {
        for (unsigned i = 0; i < n; ++i)
            body_.push_back(static_cast<std::uint8_t>(v >> 8 * (big_ ? n - 1 - i : i)));
        return *this;
    }
    bool big_;
    Buffer body_, out_;
};

// An interface with this if_tsresol.
Blocks& clocked(Blocks& b, unsigned resolution, std::int64_t offset = 0) {
    b.u16(1).u16(0).u32(0).option(9, std::string(1, static_cast<char>(resolution)));
    if (offset != 0) b.u16(14).u16(8).u64(static_cast<std::uint64_t>(offset));
    return b.u32(0).block(1);
}

}  // namespace

TEST_CASE("trap 66: each interface has its own time resolution and link type") {
    for (const bool big_endian : {false, true}) {
        CAPTURE(big_endian);
        Blocks b(big_endian);
        b.section().interface(113);
        clocked(b, 9);
        clocked(b, 0x80 | 10, 100);
        b.packet(0, 5'000'001, "micro").packet(1, 5'000'000'001, "nano");
        b.packet(2, 5 * 1024 + 512, "binary");
        const Reading read{Exact(b.bytes())};
        REQUIRE(read.frames.size() == 3);
        CHECK(read.frames[0].frame.time.count() == 5'000'001'000);
        CHECK(read.frames[0].frame.link == LinkType::linux_sll);
        CHECK(read.frames[1].frame.time.count() == 5'000'000'001);
        CHECK(read.frames[1].frame.link == LinkType::ethernet);
        CHECK(read.frames[2].frame.time.count() == 105'500'000'000);
        CHECK(read.frames[2].frame.interface == 2);
        CHECK(read.frames[2].bytes == "binary");
    }
}

TEST_CASE("trap 66: a new section starts the interfaces and the byte order anew") {
    Blocks b;
    b.section();
    clocked(b, 9);
    b.interface(228).packet(0, 7, "one").packet(1, 7, "two");
    b.order(true);
    b.section().interface(113).packet(0, 7, "three").packet(1, 7, "of no interface");
    const Reading read{Exact(b.bytes())};
    REQUIRE(read.frames.size() == 3);
    CHECK(read.frames[0].frame.time.count() == 7);
    CHECK(read.frames[1].frame.link == LinkType::ipv4);
    CHECK(read.frames[2].frame.time.count() == 7000);
    CHECK(read.frames[2].frame.link == LinkType::linux_sll);
    // Interfaces of all sections in one list.
    CHECK(read.frames[2].frame.interface == 2);
    REQUIRE(read.file.interfaces.size() == 3);
    CHECK(read.file.interfaces[2].link == LinkType::linux_sll);
    REQUIRE(read.annotations.findings.size() == 1);
    CHECK(read.annotations.findings[0].text.find(
              "a packet of interface 1, which its section does not have") != std::string::npos);
}

TEST_CASE("pcapng 4.2: time stamp resolutions from whole seconds to 10^-19 and 2^-63") {
    const struct {
        unsigned resolution;
        std::uint64_t ticks;
        std::int64_t nanoseconds;
    } cases[] = {
        {0, 3, 3 * second},
        {3, 3'001, 3'001'000'000},
        {6, 1'700'000'000'123'456, 1'700'000'000'123'456'000},
        {9, 1'700'000'000'123'456'789, 1'700'000'000'123'456'789},
        {12, 3'000'000'000'999, 3 * second},
        {19, 10'000'000'000'000'000'000u, second},
        {0x80, 3, 3 * second},
        {0x88, 256 + 128, second + second / 2},
        {0x80 | 32, (7ull << 32) | 0x40000000, 7 * second + second / 4},
        {0x80 | 63, (1ull << 63) | (1ull << 62), second + second / 2},
    };
    for (const auto& c : cases) {
        CAPTURE(c.resolution);
        Blocks b;
        b.section();
        clocked(b, c.resolution).packet(0, c.ticks, "x");
        const Reading read{Exact(b.bytes())};
        REQUIRE(read.frames.size() == 1);
        CHECK(read.frames[0].frame.has_time);
        CHECK(read.frames[0].frame.time.count() == c.nanoseconds);
        CHECK(read.annotations.findings.empty());
    }
}

TEST_CASE("pcapng 4.2: an absurd resolution is a finding and its packets have no time") {
    for (const unsigned resolution : {20u, 127u, 0xc0u, 0xffu}) {
        CAPTURE(resolution);
        Blocks b;
        b.section();
        clocked(b, resolution).packet(0, 12345, "x").packet(0, 12346, "y");
        const Reading read{Exact(b.bytes())};
        REQUIRE(read.frames.size() == 2);
        CHECK_FALSE(read.frames[0].frame.has_time);
        CHECK(read.frames[0].frame.time.count() == 0);
        CHECK_FALSE(read.file.interfaces.at(0).usable_time);
        REQUIRE(read.annotations.findings.size() == 1);
        CHECK(read.annotations.findings[0].text.find("absurd") != std::string::npos);
    }
}

TEST_CASE("pcapng: a time stamp that nanoseconds cannot hold is told once an interface") {
    for (const std::int64_t offset : {std::int64_t{0}, INT64_MAX, INT64_MIN}) {
        Blocks b;
        b.section();
        clocked(b, 0, offset).packet(0, ~0ull >> 1, "x").packet(0, ~0ull >> 1, "y");
        const Reading read{Exact(b.bytes())};
        REQUIRE(read.frames.size() == 2);
        CHECK(read.frames[1].frame.has_time == (offset == INT64_MIN));
        CHECK(read.annotations.findings.size() == (offset != INT64_MIN));
    }
}

TEST_CASE("pcapng: simple and obsolete packet blocks") {
    Blocks b;
    b.section().interface(1, 4);
    b.u32(900).text("abcd").block(3);
    b.u32(3).text("abc").block(3);
    b.u16(0).u16(0xffff).u32(0).u32(1'000'000).u32(3).u32(60).text("old").block(2);
    const Reading read{Exact(b.bytes())};
    REQUIRE(read.frames.size() == 3);
    CHECK(read.frames[0].bytes == "abcd");  // as many as the snap length lets through
    CHECK(read.frames[0].frame.wire_size == 900);
    CHECK_FALSE(read.frames[0].frame.has_time);
    CHECK(read.frames[1].bytes == "abc");
    CHECK(read.frames[2].bytes == "old");
    CHECK(read.frames[2].frame.wire_size == 60);
    CHECK(read.frames[2].frame.time.count() == second);
    CHECK_FALSE(read.file.damaged);
    REQUIRE(read.annotations.findings.size() == 1);
    CHECK(read.annotations.findings[0].severity == Severity::note);
    CHECK(read.annotations.findings[0].text ==
          "x.pcap: 2 of 3 frames carry no time, 1970 is shown and nothing between them can be "
          "measured");
}

TEST_CASE("pcapng 3.5.1: comments of section, interface and packet are kept") {
    Blocks b;
    b.u32(0x1a2b3c4d).u16(1).u16(0).u64(~0ull);
    b.option(2988, "custom").option(1, "of the section").option(1, "once more").u32(0);
    b.block(0x0a0d0d0a);
    b.u16(1).u16(0).u32(0).option(1, "of the interface").option(2, "eth0").u32(0).block(1);
    b.u32(0).u32(0).u32(0).u32(3).u32(3).text("abc");
    b.option(2, "flag").option(1, "of the packet").u32(0).block(6);
    b.packet(0, 1, "none");
    const Reading read{Exact(b.bytes())};
    CHECK(read.file.comments == std::vector<std::string>{"of the section", "once more"});
    CHECK(read.file.interfaces.at(0).comment == "of the interface");
    CHECK(read.file.interfaces.at(0).name == "eth0");
    REQUIRE(read.frames.size() == 2);
    CHECK(read.frames[0].comment == "of the packet");
    CHECK(read.frames[1].comment.empty());
}

TEST_CASE("pcapng 4.5: names are kept, each once, of both families") {
    Blocks b;
    b.section();
    for (int i = 0; i < 2; ++i) {
        b.u16(1).u16(4 + 12).text({"\xc0\x00\x02\x01proxy\0alias\0", 16});
        b.u16(2).u16(16 + 4).text({"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01six\0", 20});
        b.u16(9).u16(3).text("???").u32(0).block(4);
    }
    const Reading read{Exact(b.bytes())};
    const std::vector<std::pair<Address, std::string>> expected{
        {*Address::parse("192.0.2.1"), "proxy"},
        {*Address::parse("192.0.2.1"), "alias"},
        {*Address::parse("2001:db8::1"), "six"}};
    CHECK(read.annotations.names == expected);
    CHECK(read.annotations.findings.empty());
}

TEST_CASE("pcapng: statistics, custom and unknown blocks are passed over") {
    Blocks b;
    b.section().interface();
    b.u32(0).u32(1).u32(2).block(5);
    b.u32(32473).text("custom").block(0xbad).u32(32473).text("custom").block(0x40000bad);
    b.text("journal").block(9).text("???").block(0x80000001).block(77);
    b.packet(0, 1, "after them");
    const Reading read{Exact(b.bytes())};
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].bytes == "after them");
    CHECK(read.annotations.findings.empty());
}

TEST_CASE("pcapng: a section of a later version is passed over, the next one is read") {
    Blocks b;
    b.section().interface().packet(0, 1, "one").section(2).interface().packet(0, 1, "two");
    b.section().interface().packet(0, 1, "three");
    const Reading read{Exact(b.bytes())};
    REQUIRE(read.frames.size() == 2);
    CHECK(read.frames[1].bytes == "three");
    REQUIRE(read.annotations.findings.size() == 1);
    CHECK(read.annotations.findings[0].text.find("version 2.0") != std::string::npos);
    Blocks only;
    only.section(3);
    const Reading refused{Exact(only.bytes())};
    REQUIRE(refused.error);
    CHECK(refused.error->code == Errc::unsupported);
}

TEST_CASE("pcapng: a block that is broken inside is told and passed over") {
    const auto broken = [](Blocks& b, int kind) {
        switch (kind) {
            case 0:
                b.u32(0).u32(0).u32(0).u32(400).u32(400).text("abcd").block(6);
                break;
            case 1:
                b.u32(0).block(6);
                break;
            case 2:
                b.u16(7).u16(0).u32(0).u32(0).u32(0).u32(0).block(2);
                break;
            case 3:
                b.u32(77).text("abcd").block(3);
                break;
            case 4:
                b.u32(1).u32(400).text("key").block(10);
                break;
            case 5:
                b.u16(1).u16(2).text("ab").u32(0).block(4);
                break;
            case 6:
                b.u32(0x544c534b).block(10);
                break;
            case 7:
                b.block(3);
                break;
            default:
                b.u16(1).u16(400).text("short").block(4);
                break;
        }
    };
    for (int kind = 0; kind < 9; ++kind) {
        CAPTURE(kind);
        Blocks b;
        b.section().interface().packet(0, 1, "before");
        const std::size_t at = b.size();
        broken(b, kind);
        b.packet(0, 1, "after");
        const Reading read{Exact(b.bytes())};
        REQUIRE(read.frames.size() == 2);
        CHECK(read.frames[1].bytes == "after");
        CHECK(read.file.damaged);
        REQUIRE(read.annotations.findings.size() == 1);
        CHECK(read.annotations.findings[0].rule == "capture-damaged");
        CHECK(read.annotations.findings[0].byte == at);
    }
}

TEST_CASE("pcapng: impossible block lengths and a wrong closing length end the reading") {
    const struct {
        std::vector<std::uint8_t> bytes;
        std::string_view says;
    } cases[] = {
        {{6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "a block of 0 bytes is impossible"},
        {{6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0}, "a block of 13 bytes is impossible"},
        {{5, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0}, "its length is 12 before and 16 after it"},
        {{10, 13, 13, 10, 28, 0, 0, 0, 1, 2, 3, 4}, "the byte-order magic is wrong"},
        {{6, 0, 0, 0, 252, 255, 255, 255, 1, 2, 3, 4}, "a block of 4294967292 bytes is more than"},
        {{99, 0, 0, 0, 252, 255, 255, 255, 1, 2, 3, 4}, "12 of 4294967292 bytes are there"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.says);
        for (const bool piped : {false, true}) {
            Blocks b;
            b.section().interface().packet(0, 1, "before");
            const std::size_t at = b.size();
            b.raw(c.bytes);
            const Reading read(Exact(b.bytes()), piped);
            CHECK(read.frames.size() == 1);
            REQUIRE(read.annotations.findings.size() == 1);
            CHECK(read.annotations.findings[0].byte == at);
            CHECK(read.annotations.findings[0].text.find(c.says) != std::string::npos);
        }
    }
}

TEST_CASE("trap 73: a pcapng cut off anywhere gives the packets before the cut, and its place") {
    Blocks b;
    std::vector<std::size_t> ends;  // of the packet blocks
    b.section();
    const std::size_t header = b.size();
    b.interface();
    std::vector<std::size_t> boundaries{header, b.size()};
    for (int i = 0; i < 3; ++i) {
        b.packet(0, 1, "packet");
        ends.push_back(b.size());
        boundaries.push_back(b.size());
    }
    for (const bool piped : {false, true}) {
        for (std::size_t size = 1; size < b.size(); ++size) {
            CAPTURE(size);
            const Exact cut(Bytes(b.bytes()).first(size));
            const Reading read(cut, piped);
            if (size < header) {
                REQUIRE(read.error);
                CHECK(read.error->code == (size < 4 ? Errc::unsupported : Errc::truncated));
                continue;
            }
            REQUIRE_FALSE(read.error);
            std::size_t whole = 0, last = 0;
            for (const std::size_t end : ends) whole += end <= size;
            for (const std::size_t end : boundaries) last = end <= size ? end : last;
            CHECK(read.frames.size() == whole);
            CHECK(read.file.damaged == (last != size));
            REQUIRE(read.annotations.findings.size() == (last != size));
            if (last == size) continue;
            CHECK(read.annotations.findings[0].rule == "capture-cut-short");
            CHECK(read.annotations.findings[0].byte == last);
        }
    }
}

TEST_CASE("pcapng: a flood of interfaces or of broken blocks stays within its caps") {
    Blocks b;
    b.section();
    for (std::size_t i = 0; i < Pcapng::max_interfaces + 50; ++i) b.interface();
    b.packet(Pcapng::max_interfaces - 1, 1, "last of them").packet(Pcapng::max_interfaces, 1, "no");
    for (int i = 0; i < 500; ++i) b.u32(0).block(6);
    const Reading read{Exact(b.bytes())};
    CHECK(read.file.interfaces.size() == Pcapng::max_interfaces);
    CHECK(read.frames.size() == 1);
    CHECK(read.annotations.findings.size() == Pcapng::max_flaws);
}
