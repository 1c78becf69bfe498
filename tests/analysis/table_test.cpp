#include "libsipana/analysis/table.h"

#include <doctest/doctest.h>

#include <map>

#include "libsipana/base/random.h"

using namespace sipana;
using analysis::HashIndex;
using analysis::Pool;

TEST_CASE("a HashIndex keeps 32 bits of a hash: who asks tells the numbers apart") {
    HashIndex index;
    const std::uint64_t one = 0x1111'2222'3333'4444, other = 0x5555'6666'3333'4444;
    index.insert(one, 1);
    index.insert(other, 2);
    CHECK(index.find(one, [](std::uint32_t n) { return n == 2; }) == 2);
    CHECK(index.find(other, [](std::uint32_t n) { return n == 1; }) == 1);
    CHECK(index.find(one, [](std::uint32_t n) { return n == 3; }) == HashIndex::nil);
    CHECK(index.peek(0x3333'4445) == HashIndex::nil);
    index.erase(one, 1);
    CHECK(index.find(one, [](std::uint32_t n) { return n == 1; }) == HashIndex::nil);
    CHECK(index.peek(one) == 2);
    CHECK(index.count() == 1);
}

TEST_CASE("a HashIndex finds what was put in and not taken out, whatever the order") {
    HashIndex index;
    std::map<std::uint32_t, std::uint64_t> inside;
    Random random(7);
    for (std::uint32_t step = 0; step < 20'000; ++step) {
        if (inside.empty() || random.below(3) != 0) {
            const std::uint64_t hash = random.below(500);  // many share one
            index.insert(hash, step);
            inside.emplace(step, hash);
        } else {
            auto at = inside.lower_bound(static_cast<std::uint32_t>(random.below(step)));
            if (at == inside.end()) at = inside.begin();
            index.erase(at->second, at->first);
            inside.erase(at);
        }
        if (step % 500 != 0) continue;
        CHECK(index.count() == inside.size());
        for (const auto& [number, hash] : inside)
            REQUIRE(index.find(hash, [n = number](std::uint32_t found) { return found == n; }) == number);
    }
}

TEST_CASE("a Pool gives out addresses that stay, and uses them again") {
    Pool<std::uint64_t> pool;
    const std::uint32_t first = pool.make();
    const std::uint64_t* const place = &pool[first];
    for (int i = 0; i < 5000; ++i) pool.make();
    CHECK(place == &pool[first]);
    pool.release(first);
    CHECK_FALSE(pool.alive(first));
    pool.fetch(first);  // of what is not alive: nothing
    CHECK(pool.make() == first);
    CHECK(pool.count() == 5001);
}
