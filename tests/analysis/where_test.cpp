#include "libsipana/analysis/where.h"

#include <doctest/doctest.h>

using namespace sipana;
using analysis::Where;

namespace {

analysis::Call busy() {
    analysis::Call c;
    c.kind = analysis::CallKind::invite;
    c.state = analysis::CallState::busy;
    c.final_code = 486;
    c.from.uri = "sip:alice@a.example";
    c.from.user = "alice";
    c.to.user = "900";
    c.message_count = 4;
    return c;
}
bool matches(std::string_view expression) {
    const auto w = Where::parse(expression);
    REQUIRE(w);
    return w->matches(busy());
}

}  // namespace

TEST_CASE("numbers compare, text is equal or contained without case") {
    CHECK(matches("final>=400"));
    CHECK(matches("final>=400 and from~ALICE"));
    CHECK(matches("state=busy"));
    CHECK(matches("to=900"));
    CHECK(matches("messages<5 and messages!=3"));
    CHECK_FALSE(matches("final<400"));
    CHECK_FALSE(matches("from!~ali"));
    CHECK_FALSE(matches("final==200"));
}

TEST_CASE("what a call has no value of compares with nothing") {
    CHECK_FALSE(matches("duration<10"));
    CHECK_FALSE(matches("duration!=10"));
    CHECK_FALSE(matches("jitter>=0"));
    CHECK(matches("not duration<10"));
    CHECK(matches("lost=0"));
    CHECK_FALSE(matches("ended=caller"));
}

TEST_CASE("times take units, fields their JSON names, words either quotes") {
    analysis::Call c = busy();
    c.ring = std::chrono::milliseconds{1500};
    const auto rings = [&](std::string_view expression) {
        const auto w = Where::parse(expression);
        REQUIRE(w);
        return w->matches(c);
    };
    CHECK(rings("ring=1.5"));
    CHECK(rings("ring_s>1499ms && ring<0.1m"));
    CHECK(rings("ring<1h"));
    CHECK(rings("from='alice'||final=1"));
    CHECK(matches("final_code=486&&messages=4"));
}

TEST_CASE("and binds closer than or; not and parentheses do what they say") {
    CHECK(matches("final=200 and state=busy or kind=invite"));
    CHECK_FALSE(matches("final=200 and (state=busy or kind=invite)"));
    CHECK(matches("not (final=200) and not state=completed"));
    CHECK(matches("from~\"a.example\""));
}

TEST_CASE("a mistake is named with its column") {
    const std::pair<const char*, std::size_t> wrong[] = {{"", 0}, {"final>>4", 6}, {"color=red", 0}, {"final=abc", 6},
                                                         {"state=busy xor to=1", 11}, {"(state=busy", 11}, {"from<3", 5},
                                                         {"state=bussy", 6}, {"final=4xx", 6}, {"final=nan", 6}, {"messages>3s", 9},
                                                         {"ring>2parsecs", 5}, {"from='x", 5}};
    for (const auto& mistake : wrong) {
        CAPTURE(mistake.first);
        const auto w = Where::parse(mistake.first);
        REQUIRE_FALSE(w);
        CHECK(w.error().offset == mistake.second);
    }
    CHECK_FALSE(Where::parse(std::string(10'000, '(')));
    std::string nots;
    for (int i = 0; i < 10'000; ++i) nots += "not ";
    CHECK_FALSE(Where::parse(nots + "final=1"));
}

TEST_CASE("mos is the worst stream's; a call without any compares with nothing") {
    analysis::Call c;
    const auto mos = [&](std::string_view e) { return Where::parse(e)->matches(c); };
    CHECK_FALSE(mos("mos<5"));
    c.streams.resize(3);
    CHECK_FALSE(mos("mos>=0"));
    c.streams[1].mos = 4.4;
    c.streams[2].mos = 3.1;
    CHECK(mos("mos<3.6"));
    CHECK_FALSE(mos("mos>4"));
}
