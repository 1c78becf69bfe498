#include "libsipana/lab/exchange.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "tests/lab/exchange_of.h"

using namespace sipana;
using namespace sipana::lab;
using std::chrono::seconds;

TEST_CASE("RFC 3261 10.3, 22.4: a registration is challenged, then made") {
    OfA t;
    t.alice.secret = "";
    CHECK(t.alice.register_at_server() == 401);
    CHECK(t.alice.last("SIP/2.0 401").find("algorithm=MD5") != std::string::npos);
    t.alice.secret = "wrong";
    CHECK(t.alice.register_at_server() == 403);
    t.alice.secret = "test";
    CHECK(t.alice.register_at_server() == 200);
    CHECK(t.alice.last("SIP/2.0 200").find("<sip:100@192.168.1.11:5060>;expires=3600") !=
          std::string::npos);
}

TEST_CASE("call through one exchange: rings, answers, talks, hangs up") {
    OfA t;
    t.arrive();
    CHECK(t.alice.invite("200") == 0);
    REQUIRE(t.carol.request("INVITE") != nullptr);
    t.carol.reply("INVITE", 180);
    CHECK(t.alice.codes == std::vector<int>{180});
    t.carol.reply("INVITE", 200, true);
    CHECK(t.alice.codes.back() == 200);
    CHECK(t.carol.count("ACK") == 1);
    CHECK(t.a->channels() == 2);

    t.alice.send_rtp(t.alice.remote_rtp("SIP/2.0 200"), 0, 1, 0x55);
    REQUIRE(t.carol.media.size() == 1);
    CHECK(t.carol.media[0].size() == 172);
    t.carol.send_rtp(t.carol.remote_rtp("INVITE"), 0, 1, 0x66);
    CHECK(t.alice.media.size() == 1);

    CHECK(t.alice.in_dialog("BYE") == 200);
    CHECK(t.carol.count("BYE") == 1);
    CHECK(t.a->channels() == 0);
    CHECK(t.wire.ports_of(*t.a) == 1);
}

TEST_CASE("the practical: 100 at A calls 900 at B over the trunk that B registered") {
    OfA t;
    const auto b = start_exchange(t.wire, "B", "192.168.1.154:5060", settings_in("b"));
    t.arrive();
    Phone bob(t.wire, "900", "192.168.1.12:5060", "192.168.1.154:5060", "vitrygtr");
    CHECK(bob.register_at_server() == 200);
    CHECK(b->registered());
    for (Exchange* judged : {t.a.get(), b.get()}) {
        t.wire.judged = judged;
        CHECK(t.alice.invite("900") == 0);
        REQUIRE(bob.request("INVITE") != nullptr);
        bob.reply("INVITE", 180);
        bob.reply("INVITE", 200, true);
        CHECK(t.alice.codes == std::vector<int>{180, 200});
        const auto heard = bob.media.size();
        t.alice.send_rtp(t.alice.remote_rtp("SIP/2.0 200"), 0, 1, 0x55);
        CHECK(bob.media.size() == heard + 1);
        CHECK(bob.in_dialog("BYE") == 200);
        CHECK(t.alice.count("BYE") == (judged == t.a.get() ? 1 : 2));
        CHECK(t.a->channels() == 0);
        CHECK(b->channels() == 0);
    }
    t.wire.run(seconds{200});
    CHECK(b->registered());  // refreshed
    std::size_t registers = 0;
    for (const std::string& line : t.wire.log)
        registers += line.starts_with("192.168.1.154:5060 192.168.1.153:5060 REGISTER");
    CHECK(registers == 4);
}

TEST_CASE("RFC 3261 9.2: CANCEL ends the call with 487, and the leg beyond with CANCEL") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    t.carol.reply("INVITE", 180);
    t.alice.cancel();
    CHECK(t.alice.count("SIP/2.0 487") == 1);
    CHECK(t.carol.count("CANCEL") == 1);
    t.wire.run(seconds{40});
    CHECK(t.a->channels() == 0);
}

TEST_CASE("what a phone answers is what DIALSTATUS makes of it") {
    const std::pair<int, int> cases[] = {{486, 486}, {600, 486}, {603, 486}, {404, 503},
                                         {480, 503}, {500, 503}, {488, 503}};
    for (const auto& one : cases) {
        const int theirs = one.first, ours = one.second;
        CAPTURE(theirs);
        OfA t;
        t.arrive();
        t.alice.invite("200");
        t.carol.reply("INVITE", theirs);
        CHECK(t.alice.codes.back() == ours);
        CHECK(t.a->channels() == 0);
    }
}

TEST_CASE("Dial() rings for as long as it is told, then nobody has answered") {
    OfA t;
    t.arrive();
    t.alice.invite("200");
    t.carol.reply("INVITE", 180);
    t.wire.run(seconds{29});
    CHECK(t.alice.codes == std::vector<int>{180});
    t.wire.run(seconds{2});
    CHECK(t.alice.codes.back() == 603);
    CHECK(t.carol.count("CANCEL") == 1);
}

TEST_CASE("Dial() of a phone that is not registered: 503; of one that is gone: 503") {
    OfA t;
    CHECK(t.alice.register_at_server() == 200);
    CHECK(t.alice.invite("200") == 503);
    CHECK(t.carol.send(t.carol.make("REGISTER", "sip:192.168.1.153",
                                    {{"Contact", "<sip:200@192.168.1.99:5060>"}})) == 200);
    CHECK(t.alice.invite("200") == 503);
}

TEST_CASE("Hangup(cause) before the answer is the code that chan_sip gives the cause") {
    const std::pair<int, int> cases[] = {
        {1, 404},  {2, 404},  {3, 404},  {17, 486}, {18, 408},  {19, 480}, {20, 480},
        {21, 403}, {22, 410}, {27, 502}, {28, 484}, {29, 501},  {31, 480}, {34, 503},
        {38, 500}, {42, 503}, {58, 488}, {66, 503}, {127, 500}, {16, 603}, {99, 603}};
    OfA t;
    t.arrive();
    for (const auto& one : cases) {
        const int cause = one.first, status = one.second;
        CAPTURE(cause);
        CHECK(t.alice.invite(fmt::format("err{}", cause)) == status);
    }
}
