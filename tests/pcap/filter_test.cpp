#include "libsipana/pcap/filter.h"

#include <doctest/doctest.h>

#include "tests/exact.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

struct Shape {
    int version = 4;
    std::uint32_t id = 1;
    std::uint16_t offset = 0;  // in units of eight bytes
    bool more = false;
    std::uint16_t port = 5060;
    int vlan_tags = 0;
    std::uint8_t host = 1;
    int destination_options = 0;
};

Buffer ipv4(const Shape& s) {
    Buffer b;
    ByteWriter w(b);
    w.u8(0x45).u8(0).u16(20 + 24).u16(s.id).u16((s.more ? 0x2000u : 0u) | s.offset).u8(64).u8(17);
    w.u16(0).u32(0xc0000200u | s.host).u32(0xc0000209);
    return b;
}

Buffer ipv6(const Shape& s) {
    Buffer b;
    ByteWriter w(b);
    w.u32(0x60000000).u16(8 + 24).u8(s.destination_options ? 60 : 44).u8(64);
    for (const unsigned last : {unsigned{s.host}, 9u}) w.u64(0x20010db800000000).u64(last);
    for (int i = s.destination_options; i > 0; --i) w.u8(i > 1 ? 60 : 44).u8(0).u16(0).u32(0);
    w.u8(17).u8(0).u16(static_cast<unsigned>(s.offset) << 3 | s.more).u32(s.id);
    return b;
}

// A UDP datagram or one fragment of it, on Ethernet.
Buffer ethernet(const Shape& s) {
    Buffer b(12);
    ByteWriter w(b);
    for (int i = 0; i < s.vlan_tags; ++i) w.u16(i == 0 && s.vlan_tags > 1 ? 0x88a8 : 0x8100).u16(7);
    w.u16(s.version == 4 ? 0x0800 : 0x86dd).put(s.version == 4 ? ipv4(s) : ipv6(s));
    // The UDP header stands in the first fragment only.
    if (s.offset == 0) w.u16(s.port).u16(40'000).u16(500).u16(0).u64(0).u64(0);
    if (s.offset != 0) w.u64(0).u64(0).u64(0);
    return b;
}

Filter compiled(const char* expression) {
    auto filter = Filter::compile(expression);
    REQUIRE(filter);
    return std::move(*filter);
}

bool passes(Filter& filter, const Shape& shape) {
    const Exact bytes(ethernet(shape));
    return filter.passes(frame_of(bytes.text(), 1));
}

}  // namespace

TEST_CASE("trap 42: `port 5060` keeps the later fragments of a datagram whose first one matched") {
    for (const int version : {4, 6}) {
        CAPTURE(version);
        Filter filter = compiled("port 5060");
        Shape first, later;
        first.version = later.version = version;
        first.more = true;
        later.offset = 185;
        CHECK(passes(filter, first));
        CHECK(passes(filter, later));
        later.offset = 370;
        CHECK(passes(filter, later));
        // Another datagram, or another host's, is not meant.
        Shape other = later;
        other.host = 2;
        CHECK_FALSE(passes(filter, other));
        other = later;
        other.id = 2;
        CHECK_FALSE(passes(filter, other));
    }
}

TEST_CASE("trap 42: an IPv6 first fragment is judged as if it were whole, by any filter") {
    for (const int options : {0, 1, 3}) {
        CAPTURE(options);
        Shape first;
        first.version = 6;
        first.more = true;
        first.destination_options = options;
        Filter wanted = compiled("udp port 5060"), unwanted = compiled("port 5061 or tcp");
        CHECK(passes(wanted, first));
        CHECK_FALSE(passes(unwanted, first));
    }
}

TEST_CASE("trap 42: the first fragment decides, also when its identification comes round again") {
    Filter filter = compiled("udp port 5060");
    Shape first, later;
    first.more = true;
    later.offset = 185;
    CHECK(passes(filter, first));
    first.port = 9999;
    CHECK_FALSE(passes(filter, first));
    CHECK_FALSE(passes(filter, later));
}

TEST_CASE("trap 42: fragments are followed behind VLAN tags") {
    for (const int tags : {1, 2}) {
        CAPTURE(tags);
        Filter filter =
            compiled(tags == 1 ? "vlan and port 5060" : "vlan and vlan and udp port 5060");
        Shape first, later;
        first.vlan_tags = later.vlan_tags = tags;
        first.more = true;
        later.offset = 185;
        CHECK(passes(filter, first));
        CHECK(passes(filter, later));
        later.id = 9;
        CHECK_FALSE(passes(filter, later));
    }
}

TEST_CASE("trap 42: a flood of fragmented datagrams does not grow the table") {
    Filter filter = compiled("port 5060");
    Shape s;
    s.more = true;
    for (std::uint32_t i = 0; i < 3 * Filter::max_fragmented; ++i) {
        s.id = i & 0xffff;
        s.host = static_cast<std::uint8_t>(i >> 16);
        CHECK(passes(filter, s));
    }
    s.offset = 185;
    CHECK(passes(filter, s));  // the last one is still known
}

TEST_CASE("RFC 8200 4.5: a fragment header is found behind other extension headers") {
    Shape s;
    s.version = 6;
    s.offset = 185;
    s.id = 77;
    for (s.destination_options = 0; s.destination_options < 4; ++s.destination_options) {
        const Exact bytes(ethernet(s));
        const auto fragment = find_fragment(frame_of(bytes.text()));
        REQUIRE(fragment);
        CHECK(fragment->key.identification == 77);
        CHECK_FALSE(fragment->first);
        CHECK(fragment->key.source == *Address::parse("2001:db8::1"));
    }
}

TEST_CASE("find_fragment: no truncation of a fragment is read past its end") {
    for (const int version : {4, 6}) {
        Shape s;
        s.version = version;
        s.vlan_tags = 2;
        s.more = true;
        s.destination_options = 2;
        const Buffer whole = ethernet(s);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Exact cut(Bytes(whole).first(size));
            const auto found = find_fragment(frame_of(cut.text()));
            CHECK((!found || found->first));
        }
    }
}

TEST_CASE("find_fragment: cooked, raw and loopback frames") {
    Shape s;
    s.offset = 4;
    const Buffer ip = ipv4(s);
    const struct {
        LinkType link;
        Buffer before;
    } cases[] = {
        {LinkType::raw, {}},
        {LinkType::ipv4, {}},
        {LinkType::null, {2, 0, 0, 0}},
        {LinkType::loop, {0, 0, 0, 2}},
        {LinkType::linux_sll, {0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0}},
        {LinkType::linux_sll2, {8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0}},
    };
    for (const auto& c : cases) {
        CAPTURE(static_cast<int>(c.link));
        Buffer bytes = c.before;
        bytes.insert(bytes.end(), ip.begin(), ip.end());
        const Exact exact(bytes);
        Frame frame = frame_of(exact.text());
        frame.link = c.link;
        CHECK(find_fragment(frame));
        frame.link = LinkType{147};
        CHECK_FALSE(find_fragment(frame));
    }
}

TEST_CASE("trap 42: a real capture of fragmented SIP over IPv6 loses nothing to its port") {
    const std::string path = "../shared/captures/sngrep-ipv6frag.pcap";
    if (!std::filesystem::exists(path)) {
        MESSAGE("skipped: there is no ../shared here");
        return;
    }
    Input input = open({path}, {"port 5062"});
    CHECK(read_all(input).size() == 34);
    CHECK(input.filtered_out() == 0);
}

TEST_CASE("a filter that cannot be compiled is an error in libpcap's words") {
    const auto filter = Filter::compile("prot 5060");
    REQUIRE_FALSE(filter);
    CHECK(filter.error().code == Errc::malformed);
    CHECK(filter.error().what.find("filter 'prot 5060': ") == 0);
    // One that only some link types understand is no error.
    CHECK(Filter::compile("ether host 00:01:02:03:04:05"));
}

TEST_CASE("a link type that the filter does not fit is told once and its frames do not pass") {
    Filter filter = compiled("ether host 00:01:02:03:04:05");
    Frame frame = frame_of("abcdefghijklmnopqrstuvwxyz", 1);
    frame.link = LinkType::raw;
    CHECK_FALSE(filter.passes(frame));
    CHECK_FALSE(filter.passes(frame));
    const auto refusals = filter.take_refusals();
    REQUIRE(refusals.size() == 1);
    CHECK(refusals[0].find("does not fit link type 101") != std::string::npos);
}

TEST_CASE("a filter meets every link type with a program of its own") {
    Filter filter = compiled("udp port 5060");
    Shape s;
    const Buffer ip = ethernet(s);
    const Exact whole(ip), raw(Buffer(ip.begin() + 14, ip.end()));
    Frame frame = frame_of(whole.text());
    CHECK(filter.passes(frame));
    frame.bytes = raw;
    CHECK_FALSE(filter.passes(frame));
    frame.link = LinkType::raw;
    CHECK(filter.passes(frame));
    frame.link = LinkType::ipv4;
    CHECK(filter.passes(frame));
    for (unsigned link = 300; link < 500; ++link) {
        frame.link = LinkType{static_cast<std::uint16_t>(link)};
        CHECK_FALSE(filter.passes(frame));
    }
    CHECK(filter.take_refusals().size() < 70);
}

TEST_CASE("an input with a filter keeps the file's numbers and counts what it dropped") {
    const Folder folder;
    Buffer capture;
    write_classic_header({}, capture);
    for (int i = 0; i < 6; ++i) {
        Shape s;
        s.port = i % 3 == 0 ? 5060 : 9;
        write_classic_record({}, frame_of(as_text(ethernet(s)), i * second), capture);
    }
    Input input = open({folder.write("x.pcap", capture)}, {"port 5060"});
    const auto frames = read_all(input);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].frame.number == 1);
    CHECK(frames[1].frame.number == 4);
    CHECK(input.filtered_out() == 4);
    CHECK(input.files()[0].frames == 6);
    const Error error = refusal({folder.path("x.pcap")}, {"port port"});
    CHECK(error.code == Errc::malformed);
}
