// Media ports that a load's calls have in common: whose what comes there is, and that a load of
// calls with media uses them.
#include "libsipana/lab/shared_ports.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "libsipana/lab/load.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

// Gives odd ports first, as a system may.
class CountedPorts : public Ports {
public:
    Result<Endpoint> open(Transport, const Endpoint& wish, Node&) override {
        const Endpoint made{wish.address, wish.port != 0 ? wish.port : next_++};
        if (!opened.insert(made).second) return Error{Errc::denied, 0, "in use"};
        return made;
    }
    void close(Transport, const Endpoint& local) override { opened.erase(local); }
    std::set<Endpoint> opened;

private:
    std::uint16_t next_ = 4001;
};

class Nobody : public Node {
public:
    std::string_view name() const override { return "nobody"; }
    void on_packet(const Packet&, Time) override {}
    void on_unreachable(const Endpoint&, const Endpoint&, Transport, Time) override {}
    void on_timer(Time) override {}
    std::optional<Time> deadline() const override { return std::nullopt; }
    std::optional<Packet> poll() override { return std::nullopt; }
};

struct Shared {
    CountedPorts ports;
    Nobody owner;
    SharedPorts shared{ports, *Address::parse("192.0.2.1"), owner};
    const Endpoint one = *Endpoint::parse("192.0.2.9:7000"),
                   two = *Endpoint::parse("192.0.2.9:7002");

    std::uint64_t rtp(const Endpoint& from, std::uint8_t ssrc) {
        const std::uint8_t raw[] = {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, ssrc};
        const Exact bytes{Bytes(raw)};
        return shared.call_of({from, {}, Transport::udp, Content::rtp, bytes.bytes(), {}});
    }
    std::uint64_t rtcp(const Endpoint& from, std::uint8_t ssrc) {
        const std::uint8_t raw[] = {0x80, 201, 0, 1, 0, 0, 0, ssrc};
        const Exact bytes{Bytes(raw)};
        return shared.call_of({from, {}, Transport::udp, Content::rtcp, bytes.bytes(), {}});
    }
};

constexpr std::string_view called = R"(
phone alice 100
phone bob 900
order per phone
alice -> bob INVITE
bob -> alice 200
alice -> bob ACK
alice => bob audio tone 440Hz 1200ms
bob => alice audio tone 880Hz 1s
alice -> bob BYE
bob -> alice 200 for BYE
)";

}  // namespace

TEST_CASE("RFC 3550 11: shared ports are an even port and the next one, opened once, and closed") {
    CountedPorts ports;
    Nobody owner;
    {
        SharedPorts shared(ports, *Address::parse("192.0.2.1"), owner);
        const auto audio = shared.pair(false), again = shared.pair(false),
                   video = shared.pair(true);
        REQUIRE((audio && again && video));
        CHECK(audio->rtp.port % 2 == 0);
        CHECK(audio->rtcp.port == audio->rtp.port + 1);
        CHECK(again->rtp == audio->rtp);
        CHECK(video->rtp != audio->rtp);
        CHECK(ports.opened.size() == 4);
        CHECK(shared.has(video->rtcp));
        CHECK_FALSE(shared.has(*Endpoint::parse("192.0.2.1:9")));
    }
    CHECK(ports.opened.empty());
}

TEST_CASE("What comes to shared ports is the call's that has its sender on the other side") {
    Shared s;
    s.shared.join(s.one, 1);
    s.shared.join(s.two, 2);
    CHECK(s.rtp(s.one, 7) == 1);
    CHECK(s.rtp(s.two, 7) == 2);
    CHECK(s.rtp(*Endpoint::parse("192.0.2.8:7000"), 7) == 0);
    s.shared.leave(s.one);
    CHECK(s.rtp(s.one, 7) == 0);
    s.shared.leave(s.one);  // nothing happens
    CHECK(s.rtp(s.two, 7) == 2);
}

TEST_CASE("RFC 3550 5.1: calls with one sender on the other side are told apart by SSRC") {
    Shared s;
    s.shared.join(s.one, 1);
    CHECK(s.rtp(s.one, 7) == 1);
    s.shared.join(s.one, 2);
    CHECK(s.rtp(s.one, 8) == 2);
    s.shared.join(s.one, 3);
    CHECK(s.rtp(s.one, 8) == 2);
    CHECK(s.rtcp(s.one, 8) == 2);
    CHECK(s.rtp(s.one, 9) == 3);
    const std::uint8_t raw[] = {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    const Exact bytes{Bytes(raw)};
    CHECK(s.shared.call_of({s.one, {}, Transport::udp, Content::rtp, bytes.bytes(), {}}) == 0);
}

TEST_CASE("A load's caller sends all media from one pair of ports, its callee from a pair a call") {
    const auto script = parse_script(called, "test");
    REQUIRE(script);
    LoadSettings load;
    load.rate = 20;
    load.calls = 40;
    std::map<Address, std::set<Endpoint>> from;
    std::map<std::tuple<Endpoint, Endpoint, std::uint32_t>, std::uint64_t> streams;
    RunSettings settings;
    settings.watch = [&](const Packet& p, Time, Fate, bool) {
        if (p.content != Content::rtp || p.payload.size() < 12) return;
        from[p.src.address].insert(p.src);
        ++streams[{p.src, p.dst, load_be32(p.payload.data() + 8)}];
    };
    const auto r = run_load(*script, settings, load);
    CHECK(r.done == 40);
    CHECK(r.failed == 0);
    CHECK(r.rtp_sent == 40 * (60 + 50));
    REQUIRE(from.size() == 2);
    std::set<std::size_t> ports;
    for (const auto& [address, all] : from) ports.insert(all.size());
    CHECK(ports.count(1) == 1);
    CHECK(*ports.rbegin() > 1);
    CHECK(streams.size() == 80);
    for (const auto& [way, packets] : streams) CHECK((packets == 50 || packets == 60));
}
