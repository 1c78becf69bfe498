#include "libsipana/lab/impairment.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace sipana;
using namespace sipana::lab;
using namespace std::chrono_literals;

namespace {

constexpr Time start = 1'000s;

struct Losses {
    double rate = 0, run = 0;  // of all packets; mean length of a run
};

Losses losses_of(const Impairment& impairment, std::uint64_t seed, int packets) {
    Way way(impairment, seed);
    int lost = 0, runs = 0;
    bool before = false;
    for (int i = 0; i < packets; ++i) {
        const bool now = way.pass(200, false, start + i * 20ms).lost;
        lost += now ? 1 : 0;
        runs += now && !before ? 1 : 0;
        before = now;
    }
    return {static_cast<double>(lost) / packets, runs == 0 ? 0 : static_cast<double>(lost) / runs};
}

NetworkLine rule(std::string from, std::string to, Duration delay, bool media = false,
                 bool signalling = false) {
    NetworkLine line;
    line.from = std::move(from);
    line.to = std::move(to);
    line.media_only = media;
    line.signalling_only = signalling;
    line.impairment.delay = delay;
    return line;
}

}  // namespace

TEST_CASE("Gilbert: the loss rate and the mean run of a million packets are those asked for") {
    struct Case {
        double loss, burst, run;
    };
    for (const Case& c : std::vector<Case>{
             {0.01, 1, 1 / 0.99}, {0.05, 3, 3}, {0.1, 10, 10}, {0.5, 1, 2}, {0.3, 2, 2}}) {
        Impairment impairment;
        impairment.loss = c.loss;
        impairment.burst = c.burst;
        const Losses got = losses_of(impairment, 7, 1'000'000);
        CAPTURE(c.loss);
        CAPTURE(c.burst);
        CHECK(std::abs(got.rate - c.loss) < (c.burst > 5 ? 0.002 : 0.001));
        CHECK(std::abs(got.run - c.run) < c.run * 0.03);
    }
}

TEST_CASE("Loss: nothing is lost at 0 and everything at 1, whatever the burst") {
    for (const double burst : {0.0, 1.0, 5.0}) {
        Impairment impairment;
        impairment.burst = burst;
        CHECK(losses_of(impairment, 1, 1000).rate == 0);
        impairment.loss = 1;
        CHECK(losses_of(impairment, 1, 1000).rate == 1);
    }
}

TEST_CASE("Jitter: delays are spread around the mean and no packet overtakes another") {
    Impairment impairment;
    impairment.delay = 20ms;
    impairment.jitter = 15ms;
    Way way(impairment, 3);
    Duration sum{}, least = 1h, most{};
    Time before{};
    constexpr int packets = 20'000;
    for (int i = 0; i < packets; ++i) {
        const Time sent = start + i * 100ms;
        const Passage passage = way.pass(200, false, sent);
        const Duration took = passage.arrival - sent;
        sum += took;
        least = std::min(least, took);
        most = std::max(most, took);
    }
    CHECK(std::abs(to_milliseconds(sum / packets) - 20) < 0.3);
    CHECK(least >= 5ms);
    CHECK(least < 6ms);
    CHECK(most <= 35ms);
    CHECK(most > 34ms);

    Way dense(impairment, 3);
    for (int i = 0; i < packets; ++i) {
        const Time arrival = dense.pass(200, false, start + i * 1ms).arrival;
        REQUIRE(arrival >= before);
        before = arrival;
    }
}

TEST_CASE("Reordering: that share of a steady stream is overtaken, by one packet each") {
    Impairment impairment;
    impairment.reorder = 0.02;
    Way way(impairment, 5);
    constexpr int packets = 100'000;
    std::vector<Time> arrivals;
    for (int i = 0; i < packets; ++i)
        arrivals.push_back(way.pass(200, false, start + i * 20ms).arrival);
    int overtaken = 0;
    for (std::size_t i = 0; i + 2 < arrivals.size(); ++i) {
        if (arrivals[i] <= arrivals[i + 1]) continue;
        ++overtaken;
        CHECK(arrivals[i] < arrivals[i + 2] + 20ms);
    }
    CHECK(std::abs(overtaken / double{packets} - 0.02) < 0.002);
}

TEST_CASE("Duplication: that share arrives twice, and never on a stream") {
    Impairment impairment;
    impairment.duplicate = 0.1;
    impairment.loss = 0.2;
    impairment.reorder = 0.2;
    Way way(impairment, 5);
    int arrived = 0, twice = 0;
    for (int i = 0; i < 100'000; ++i) {
        const Passage passage = way.pass(200, false, start + i * 20ms);
        arrived += passage.lost ? 0 : 1;
        twice += passage.copy ? 1 : 0;
    }
    CHECK(std::abs(twice / double(arrived) - 0.1) < 0.005);

    Way stream(impairment, 5);
    Time before{};
    for (int i = 0; i < 10'000; ++i) {
        const Passage passage = stream.pass(200, true, start + i * 20ms);
        REQUIRE_FALSE(passage.lost);
        REQUIRE_FALSE(passage.copy);
        REQUIRE(passage.arrival >= before);
        before = passage.arrival;
    }
}

TEST_CASE("A stream's loss is time: each one costs a retransmission") {
    Impairment impairment;
    impairment.loss = 1;
    Way way(impairment, 1);
    // 202 ms, doubled four times: 31 times as long.
    CHECK(way.pass(100, true, start).arrival == start + 31 * 202ms + 1ms);
}

TEST_CASE("Bandwidth: packets queue for the line, and a queue of a second is full") {
    Impairment impairment;
    impairment.delay = 5ms;
    impairment.bits_per_second = 80'000;  // 10 bytes a millisecond
    Way way(impairment, 1);
    CHECK(way.pass(100, false, start).arrival == start + 15ms);
    CHECK(way.pass(100, false, start).arrival == start + 25ms);
    CHECK(way.pass(200, false, start + 100ms).arrival == start + 125ms);
    int taken = 0;
    while (!way.pass(1000, false, start + 1s).lost) REQUIRE(++taken < 100);
    CHECK(taken == 11);
    CHECK_FALSE(way.pass(1000, true, start + 1s).lost);
}

TEST_CASE("Ways: the rule that names most holds, and of equals the later one") {
    Ways ways(
        {rule("", "", 1ms), rule("", "", 2ms), rule("alice", "", 3ms), rule("alice", "bob", 4ms),
         rule("alice", "bob", 5ms, true), rule("", "bob", 6ms, false, true)},
        1);
    const auto delay = [&](std::string_view from, std::string_view to, bool media) {
        return ways.between(from, to, media).pass(100, false, start).arrival - start;
    };
    CHECK(delay("carol", "dave", false) == 2ms);
    CHECK(delay("alice", "dave", false) == 3ms);
    CHECK(delay("alice", "bob", false) == 4ms);
    CHECK(delay("alice", "bob", true) == 5ms);
    CHECK(delay("carol", "bob", false) == 6ms);
    CHECK(delay("carol", "bob", true) == 2ms);
}

TEST_CASE("Ways: a way's chances do not hang on what else there is") {
    NetworkLine half;
    half.impairment.loss = 0.5;
    const auto pattern = [&](Ways& ways, std::string_view from) {
        std::string said;
        for (int i = 0; i < 64; ++i)
            said += ways.between(from, "bob", true).pass(100, false, start).lost ? 'x' : '.';
        return said;
    };
    Ways one({half}, 9), more({half}, 9), other({half}, 10);
    const std::string alice = pattern(one, "alice");
    const std::string carol = pattern(more, "carol");
    CHECK(pattern(more, "alice") == alice);
    CHECK(carol != alice);
    CHECK(pattern(other, "alice") != alice);
}
