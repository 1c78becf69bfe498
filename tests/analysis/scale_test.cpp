// What grows with what: the time of a packet must not grow with the calls and streams alive, nor
// memory with those that have passed. CPU time is compared with CPU time, so a busy machine does no
// harm.
#include <doctest/doctest.h>

#include <ctime>

#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;
using analysis::Report;

namespace {

struct Counter : analysis::Sink {
    std::uint64_t calls = 0, streams = 0;
    void on_call(analysis::Call&& c) override {
        ++calls;
        streams += c.streams.size();
    }
    void on_stream(analysis::Stream&&) override { ++streams; }
    void on_finding(Finding&&) override {}
};

struct Cost {
    double seconds = 0;
    std::uint64_t calls_before_end = 0;
    Counter found;
};

Cost cost_of(const std::vector<Buffer>& frames, std::size_t rounds,
             analysis::Options options = {}) {
    Cost cost;
    options.detail = analysis::Detail::summary;
    analysis::Analyzer analyzer(options, cost.found);
    const std::clock_t begin = std::clock();
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < rounds; ++i)
        for (const Buffer& bytes : frames) {
            pcap::Frame f;
            f.number = ++number;
            f.time = at(0.05 * static_cast<double>(number));
            f.bytes = bytes;
            f.wire_size = static_cast<std::uint32_t>(bytes.size());
            f.link = pcap::LinkType::ethernet;
            analyzer.on_frame(f);
        }
    cost.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    cost.calls_before_end = cost.found.calls;
    analyzer.finish();
    return cost;
}

Endpoint phone(int i) {
    return ep(fmt::format("10.{}.{}.{}:4000", 1 + i / 62500, i / 250 % 250, 1 + i % 250));
}

// As many packets of 16 times as many streams or calls: were a packet's cost proportional to these,
// it would take 16 times as long.
constexpr int few = 250, many = 16 * few, packets = 64 * many;
constexpr double at_most = 3;

}  // namespace

TEST_CASE("trap 70: what a packet costs does not grow with the streams alive") {
    const auto run = [](int streams) {
        std::vector<Buffer> frames;
        for (int i = 0; i < streams; ++i)
            for (std::uint16_t n = 0; n < 4; ++n)
                frames.push_back(*net::udp_frame(
                    phone(i), bob, as_bytes(rtp(n, 160u * n, static_cast<std::uint32_t>(i)))));
        return cost_of(frames, static_cast<std::size_t>(packets / streams / 4));
    };
    run(few);  // what is done once
    const Cost small = run(few), large = run(many);
    CHECK(small.found.streams == few);
    CHECK(large.found.streams == many);
    CHECK(large.seconds < at_most * small.seconds + 0.02);
}

TEST_CASE("trap 80: what a message costs does not grow with the calls alive") {
    const auto run = [](int calls) {
        std::vector<Buffer> frames;
        for (int i = 0; i < calls; ++i) {
            const std::string id = fmt::format("call-{}", i), tag = fmt::format("f{}", i);
            frames.push_back(*net::udp_frame(phone(i), bob,
                                             as_bytes(request({.call_id = id, .from_tag = tag}))));
        }
        return cost_of(frames, static_cast<std::size_t>(packets / calls / 4));
    };
    run(few);
    const Cost small = run(few), large = run(many);
    CHECK(small.found.calls == few);
    CHECK(large.found.calls == many);
    CHECK(large.seconds < at_most * small.seconds + 0.02);
}

TEST_CASE("trap 80: a flood of unique Call-IDs keeps no more calls alive than the cap allows") {
    analysis::Options o;
    o.max_live_calls = 100;
    std::vector<Buffer> frames;
    for (int i = 0; i < 1000; ++i)
        frames.push_back(*net::udp_frame(
            alice, bob, as_bytes(request({.method = "OPTIONS", .call_id = std::to_string(i)}))));
    const Cost cost = cost_of(frames, 1, o);
    CHECK(cost.calls_before_end >= 900);
    CHECK(cost.found.calls == 1000);  // none lost
}
