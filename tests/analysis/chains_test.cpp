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
    for (std::uint32_t n = 0; n < 4; ++n) chains.insert(5, n);
    chains.insert(6, 9);
    CHECK(under(chains, 5) == Numbers{3, 2, 1, 0});
    CHECK(under(chains, 5, 2) == Numbers{3, 2});
    chains.erase(5, 1);  // in the middle
    CHECK(under(chains, 5) == Numbers{3, 2, 0});
    chains.erase(5, 3);  // the newest
    CHECK(under(chains, 5) == Numbers{2, 0});
    chains.erase(5, 0);  // the oldest
    CHECK(under(chains, 5) == Numbers{2});
    chains.erase(5, 2);
    CHECK(under(chains, 5).empty());
    CHECK(under(chains, 6) == Numbers{9});
}

TEST_CASE("trap 70: a hundred thousand under one hash cost no more than one") {
    Chains chains;  // quadratic, this test would not end
    for (std::uint32_t n = 0; n < 300'000; ++n) chains.insert(1, n);
    for (std::uint32_t n = 0; n < 300'000; ++n) chains.erase(1, n);
    CHECK(under(chains, 1).empty());
}
