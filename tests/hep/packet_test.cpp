#include "libsipana/hep/packet.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/exact.h"

using namespace sipana;

namespace {

constexpr std::string_view options = "OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nCall-ID: 1\r\n\r\n";

hep::Packet packet() {
    hep::Packet p;
    p.src = *Endpoint::parse("192.0.2.1:5060");
    p.dst = *Endpoint::parse("192.0.2.2:5080");
    p.time = std::chrono::seconds{1'700'000'000} + std::chrono::microseconds{123'456};
    p.agent = 2001;
    p.key = "secret";
    p.node = "node one";
    p.correlation = "1";
    p.payload = as_bytes(options);
    return p;
}

Buffer written(const hep::Packet& p) {
    Buffer out;
    REQUIRE(hep::write(p, out));
    return out;
}

Buffer chunk(unsigned vendor, unsigned type, Bytes content) {
    Buffer out;
    ByteWriter(out).u16(vendor).u16(type).u16(6 + content.size()).put(content);
    return out;
}

// HEP3 around chunks, with its length.
Buffer hep3(std::initializer_list<Buffer> chunks) {
    Buffer out;
    std::size_t size = 6;
    for (const Buffer& c : chunks) size += c.size();
    ByteWriter writer(out);
    writer.put("HEP3").u16(size);
    for (const Buffer& c : chunks) writer.put(c);
    return out;
}

bool finds(const std::vector<Finding>& findings, std::string_view rule) {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const Finding& f) { return f.rule == rule; });
}

}  // namespace

TEST_CASE("HEP3: the bytes of a packet, chunk by chunk") {
    // Written down by hand from the specification's table of chunks.
    const std::uint8_t bytes[] = {
        'H', 'E', 'P', '3', 0, 102,                          //
        0,   0,   0,   1,   0, 7,   2,                       // IPv4
        0,   0,   0,   2,   0, 7,   17,                      // UDP
        0,   0,   0,   3,   0, 10,  192,  0,    2,    1,     // source
        0,   0,   0,   4,   0, 10,  192,  0,    2,    2,     // destination
        0,   0,   0,   7,   0, 8,   0x13, 0xc4,              // 5060
        0,   0,   0,   8,   0, 8,   0x13, 0xd8,              // 5080
        0,   0,   0,   9,   0, 10,  0x65, 0x53, 0xf1, 0x00,  // 1,700,000,000
        0,   0,   0,   10,  0, 10,  0,    1,    0xe2, 0x40,  // 123,456 us
        0,   0,   0,   11,  0, 7,   1,                       // SIP
        0,   0,   0,   12,  0, 10,  0,    0,    7,    0xd1,  // agent 2001
        0,   0,   0,   15,  0, 9,   'a',  'b',  'c'};
    hep::Packet p = packet();
    p.key = p.node = p.correlation = {};
    p.payload = as_bytes("abc");
    const Exact exact{Bytes(bytes)};
    const auto read = hep::parse(exact);
    REQUIRE(read);
    CHECK(*read == p);
    CHECK(as_text(written(p)) == as_text(Bytes(bytes)));
    CHECK(hep::check(bytes).empty());
}

TEST_CASE("HEP3: what is written is read back the same") {
    hep::Packet p = packet();
    const auto again = [&] {
        const Buffer bytes = written(p);
        const auto read = hep::parse(bytes);
        return read && *read == p && read->skipped == 0 && hep::looks_like_hep(bytes) &&
               hep::check(bytes).empty();
    };
    CHECK(again());
    p.src = *Endpoint::parse("[2001:db8::1]:5060");
    p.dst = *Endpoint::parse("[2001:db8::2]:5061");
    p.protocol = hep::protocol_tcp;
    p.vlan = 100;
    p.keep_alive_s = 30;
    p.mos_hundredths = 441;
    p.type = hep::type_rtcp;
    CHECK(again());
    p.compressed = true;
    CHECK(again());
    // Without addresses and time, as logs are sent: legible, not what the specification asks for.
    p = hep::Packet{};
    const Buffer bare = written(p);
    CHECK(*hep::parse(bare) == p);
    CHECK(finds(hep::check(bare), "hep-addresses"));
}

TEST_CASE("HEP3: every truncation is an error value, with the byte") {
    const Buffer whole = written(packet());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const auto read = hep::parse(Exact(Bytes(whole).first(n)));
        REQUIRE(!read);
        CHECK(read.error().code == Errc::truncated);
        CHECK(read.error().offset == n);
    }
}

TEST_CASE("trap 67, HEP3: lengths that wrap, or say less than a chunk's own head, are errors") {
    Buffer whole = written(packet());
    for (const unsigned length : {0u, 1u, 5u, 0xffffu, 0xfff0u}) {
        Buffer bad = whole;
        bad[10] = static_cast<std::uint8_t>(length >> 8);
        bad[11] = static_cast<std::uint8_t>(length);
        const auto read = hep::parse(Exact(bad));
        REQUIRE(!read);
        CHECK(read.error().code == Errc::malformed);
        CHECK(read.error().offset == 10);
    }
    for (const unsigned total : {0u, 3u, 5u}) {
        Buffer bad = whole;
        bad[4] = 0;
        bad[5] = static_cast<std::uint8_t>(total);
        CHECK(hep::parse(Exact(bad)).error().offset == 4);
    }
    // A total length that ends within a chunk.
    Buffer bad = whole;
    --bad[5];
    CHECK(!hep::parse(Exact(bad)));
    // A number of the wrong size is no number.
    CHECK(!hep::parse(Exact(hep3({chunk(0, 7, as_bytes("abc"))}))));
    CHECK(!hep::parse(Exact(hep3({chunk(0, 5, as_bytes("abcd"))}))));
}

TEST_CASE(
    "HEP3: of chunks that repeat the first holds; unknown ones and other vendors' are counted") {
    const Buffer bytes = hep3({chunk(0, 15, as_bytes("first")), chunk(0, 15, as_bytes("second")),
                               chunk(0, 4711, as_bytes("?")), chunk(3, 15, as_bytes("vendor's"))});
    const Exact exact(bytes);
    const auto read = hep::parse(exact);
    REQUIRE(read);
    CHECK(as_text(read->payload) == "first");
    CHECK(read->repeated == 1);
    CHECK(read->skipped == 2);
    const auto findings = hep::check(bytes);
    CHECK(finds(findings, "hep-repeated-chunk"));
    CHECK(finds(findings, "hep-missing-chunk"));
}

TEST_CASE(
    "HEP3: the family chunk decides between addresses of both families, else the one that is "
    "there") {
    const Buffer v4 = chunk(0, 3, Buffer{192, 0, 2, 1}), v6 = chunk(0, 5, Buffer(16, 0x20));
    CHECK(hep::parse(hep3({v4, v6}))->src.address.is_v4());
    CHECK(hep::parse(hep3({chunk(0, 1, Buffer{10}), v4, v6}))->src.address.is_v6());
    CHECK(hep::parse(hep3({chunk(0, 1, Buffer{10}), v4}))->src.address.is_v4());
    CHECK(hep::parse(hep3({chunk(0, 1, Buffer{2}), v6}))->src.address.is_v6());
}

TEST_CASE("HEP3: bytes behind the total length are left alone, and said") {
    Buffer bytes = written(packet());
    bytes.push_back(0);
    const Exact exact(bytes);
    CHECK(*hep::parse(exact) == packet());
    CHECK(finds(hep::check(bytes), "hep-trailing"));
}

TEST_CASE("HEP3: write refuses what it could not be read back from") {
    Buffer out;
    hep::Packet p = packet();
    p.dst = *Endpoint::parse("[2001:db8::2]:5061");
    CHECK(hep::write(p, out).error().code == Errc::malformed);
    p = packet();
    const std::string large(65'535, 'x');
    p.payload = as_bytes(large);
    CHECK(hep::write(p, out).error().code == Errc::too_large);
    p = packet();
    p.time = -std::chrono::seconds{1};
    CHECK(!hep::write(p, out));
    p = packet();
    p.version = 2;
    CHECK(hep::write(p, out).error().code == Errc::unsupported);
    CHECK(out.empty());
}

TEST_CASE("HEP 1 and 2: header, time in the agent's byte order, payload") {
    const std::uint8_t one[] = {1, 16, 2, 17,  0x13, 0xc4, 0x13, 0xd8, 192,
                                0, 2,  1, 192, 0,    2,    2,    'a',  'b'};
    CHECK(hep::looks_like_hep(one));
    const Exact exact{Bytes(one)};
    const auto first = hep::parse(exact);
    REQUIRE(first);
    CHECK(first->src.to_string() == "192.0.2.1:5060");
    CHECK(first->dst.to_string() == "192.0.2.2:5080");
    CHECK(first->time == no_time);
    CHECK(as_text(first->payload) == "ab");

    Buffer two{2, 28, 2, 6, 0x13, 0xc4, 0x13, 0xd8, 192, 0, 2, 1, 192, 0, 2, 2};
    for (const int byte :
         {0x00, 0xf1, 0x53, 0x65, 0x40, 0xe2, 0x01, 0x00, 0xd1, 0x07, 0, 0, 0x61, 0x62})
        two.push_back(static_cast<std::uint8_t>(byte));
    CHECK(hep::looks_like_hep(two));
    for (const std::uint8_t said :
         {std::uint8_t{28}, std::uint8_t{16}}) {  // some leave the time out of it
        two[1] = said;
        const Exact copy(two);
        const auto second = hep::parse(copy);
        REQUIRE(second);
        CHECK(second->time == packet().time);
        CHECK(second->agent == 2001);
        CHECK(hep::transport_of(second->protocol) == Transport::tcp);
        CHECK(as_text(second->payload) == "ab");
    }
    for (std::size_t n = 0; n < 28; ++n) CHECK(!hep::parse(Exact(Bytes(two).first(n))));
    two[1] = 200;
    CHECK(!hep::parse(Exact(two)));
    two[1] = 28;
    two[2] = 7;
    CHECK(!hep::parse(Exact(two)));
    CHECK(!hep::looks_like_hep(two));
}

TEST_CASE("HEP: a transport is told by an IP protocol that every collector knows") {
    for (const Transport t : {Transport::udp, Transport::tcp, Transport::sctp})
        CHECK(hep::transport_of(hep::protocol_of(t)) == t);
    CHECK(hep::protocol_of(Transport::tls) == 6);
    CHECK(hep::transport_of(22) == Transport::tls);
    CHECK(hep::transport_of(0) == Transport::udp);
}
