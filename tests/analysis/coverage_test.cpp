#include "libsipana/analysis/coverage.h"

#include <doctest/doctest.h>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Coverage;
using analysis::Sighting;

namespace {

void play(Coverage& coverage, std::initializer_list<std::pair<bool, std::string>> messages) {
    analysis::Analyzer analyzer({}, coverage);
    std::uint64_t number = 0;
    for (const auto& [from_alice, text] : messages) {
        const Buffer bytes =
            *net::udp_frame(from_alice ? alice : bob, from_alice ? bob : alice, as_bytes(text));
        pcap::Frame f;
        f.number = ++number;
        f.time = at(500.0 * static_cast<double>(number));
        f.bytes = bytes;
        f.wire_size = static_cast<std::uint32_t>(bytes.size());
        f.link = pcap::LinkType::ethernet;
        analyzer.on_frame(f);
    }
    analyzer.finish();
}

const Sighting& method(const analysis::Sightings& s, sip::Method m) {
    return s.methods[static_cast<std::size_t>(m)];
}

}  // namespace

TEST_CASE("Coverage: counts, first frames, retransmissions, who sent and what was answered") {
    const std::string invite = request({.extra = "User-Agent: lab phone\r\n"});
    const std::string busy =
        response(invite, "486 Busy Here", "t1", "", "Server: exchange 1.0\r\n");
    Coverage coverage;
    play(coverage, {{true, invite}, {true, invite}, {false, busy}});
    coverage.next_file();
    play(coverage, {{true, invite}, {false, response(invite, "499 What", "t2")}});

    const Sighting& seen = method(coverage.all(), sip::Method::invite);
    CHECK(seen.count == 2);
    CHECK(seen.retransmissions == 1);
    CHECK(seen.frame == 1);
    CHECK(seen.file == 0);
    CHECK(coverage.all().codes.at(486).count == 1);
    CHECK(coverage.all().codes.at(486).frame == 3);
    CHECK(coverage.all().codes.at(486).answers == 1u << static_cast<unsigned>(sip::Method::invite));
    CHECK(coverage.all().codes.at(499).file == 1);
    CHECK(coverage.messages() == 5);

    REQUIRE(coverage.senders().size() == 3);  // without a name: the address
    CHECK(method(coverage.senders().at("lab phone"), sip::Method::invite).count == 2);
    CHECK(coverage.senders().at("exchange 1.0").codes.at(486).count == 1);
    CHECK(coverage.senders().at("10.0.0.2").codes.at(499).count == 1);
}

TEST_CASE("IANA SIP parameters: what coverage lacks is the registry less what was seen") {
    Coverage coverage;
    CHECK(coverage.missing_methods().size() == 14);
    CHECK(coverage.missing_codes(300, 699).size() == 66);
    const std::string invite = request({});
    play(coverage, {{true, invite}, {false, response(invite, "486 Busy Here", "t")}});
    CHECK(coverage.missing_methods().size() == 13);
    const auto codes = coverage.missing_codes(300, 699);
    CHECK(codes.size() == 65);
    for (const auto& code : codes) CHECK(code.number != 486);
}

TEST_CASE("Coverage: a method that is not registered is kept by name, up to a cap") {
    Coverage coverage;
    for (unsigned i = 0; i < 150; ++i) {
        const std::string name = fmt::format("PING{:03}", i), id = fmt::format("c{}", i);
        const std::string branch = "z9hG4bK" + id;
        play(coverage, {{true, request({.method = name, .call_id = id, .branch = branch})}});
    }
    CHECK(method(coverage.all(), sip::Method::other).count == 150);
    CHECK(coverage.all().extensions.size() == Coverage::max_extensions);
    CHECK(coverage.all().extensions.at("PING007").count == 1);
    CHECK(coverage.missing_methods().size() == 14);
}
