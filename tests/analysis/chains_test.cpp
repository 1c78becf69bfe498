#include "libsipana/analysis/chains.h"

#include <doctest/doctest.h>

#include <vector>

using namespace sipana;
using analysis::Chains;

namespace {

std::vector<std::uint32_t> under(const Chains& chains, std::uint64_t hash,
                                 std::uint32_t most = 100) {
    std::vector<std::uint32_t> all;
    chains.visit(hash, most, [&](std::uint32_t n) {
        all.push_back(n);
        return false;
    });
    return all;
}
using Numbers = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("chains give what is filed under a hash, the newest first, after any erasure") {
    Chains chains;
    std::uint32_t place[4];
    for (std::uint32_t n = 0; n < 4; ++n) place[n] = chains.insert(5, n);
    chains.insert(6, 9);
    CHECK(under(chains, 5) == Numbers{3, 2, 1, 0});
    CHECK(under(chains, 5, 2) == Numbers{3, 2});
    chains.erase(place[1]);  // in the middle
    CHECK(under(chains, 5) == Numbers{3, 2, 0});
    chains.erase(place[3]);  // the newest
    CHECK(under(chains, 5) == Numbers{2, 0});
    chains.erase(place[0]);  // the oldest
    CHECK(under(chains, 5) == Numbers{2});
    chains.erase(place[2]);
    CHECK(under(chains, 5).empty());
    CHECK(under(chains, 6) == Numbers{9});
}

TEST_CASE("trap 70: a hundred thousand under one hash cost no more than one") {
    Chains chains;  // quadratic, this test would not end
    std::vector<std::uint32_t> places;
    for (std::uint32_t n = 0; n < 300'000; ++n) places.push_back(chains.insert(1, n));
    for (const std::uint32_t place : places) chains.erase(place);
    CHECK(under(chains, 1).empty());
}
