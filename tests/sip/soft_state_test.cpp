#include "libsipana/sip/soft_state.h"

#include <doctest/doctest.h>

#include "libsipana/sip/builder.h"

using namespace sipana;
using namespace sipana::sip;
using namespace std::chrono_literals;
using Kind = SoftState::Kind;
using Next = SoftState::Next;

namespace {

using Fields = SoftState::Fields;
constexpr std::string_view us = "sip:alice@192.0.2.1:5060";

Next on(SoftState& state, int status, const Fields& fields, Time now) {
    Builder b = Builder::response(status, "x");
    b.add(Header::cseq, "1 X");
    for (const auto& [id, value] : fields) b.add(id, value);
    const std::string text = *b.write();
    return state.on_response(*Message::parse(text), us, now);
}
bool notified(SoftState& state, std::string_view value, Time now) {
    const std::string text =
        *Builder::request("NOTIFY", "sip:a").add(Header::subscription_state, value).write();
    return state.on_notify(*Message::parse(text), now);
}

}  // namespace

TEST_CASE("RFC 3261 10.2.4: a registration is refreshed before its own binding expires") {
    SoftState s(Kind::registration, 600);
    CHECK(s.request_fields() == Fields{{Header::expires, "600"}});
    CHECK_FALSE(s.deadline());
    CHECK(on(s, 401, {}, 0s) == Next::challenge);
    CHECK(on(s, 200,
             {{Header::contact, "<sip:alice@192.0.2.9>;expires=10"},
              {Header::contact, "<sip:alice@192.0.2.1:5060>;expires=120"},
              {Header::expires, "600"}},
             1s) == Next::settled);
    CHECK(s.granted() == 120);
    CHECK(s.alive(120s));
    CHECK_FALSE(s.alive(121s));
    CHECK(s.deadline() == 89s);
    CHECK_FALSE(s.due(88s));
    CHECK(s.due(89s));
    CHECK_FALSE(s.due(90s));
    on(s, 200, {{Header::contact, "<sip:alice@192.0.2.1:5060>"}, {Header::expires, "20"}}, 90s);
    CHECK(s.deadline() == 100s);  // half of what is short
    CHECK(on(s, 200, {{Header::contact, "<sip:other@192.0.2.1>"}}, 101s) == Next::lost);
    CHECK_FALSE(s.alive(101s));
}

TEST_CASE("RFC 3261 10.2.2: a registration that is taken back is over") {
    SoftState s(Kind::registration);
    on(s, 200, {{Header::contact, "<sip:alice@192.0.2.1:5060>;expires=3600"}}, 0s);
    s.take_back();
    CHECK(s.request_fields() == Fields{{Header::expires, "0"}});
    CHECK(on(s, 200, {}, 1s) == Next::settled);
    CHECK_FALSE(s.alive(1s));
    CHECK_FALSE(s.deadline());
}

TEST_CASE("RFC 3261 10.2.8: 423 raises the wish, once") {
    SoftState s(Kind::registration, 5);
    CHECK(on(s, 423, {{Header::min_expires, "60"}}, 0s) == Next::again);
    CHECK(s.request_fields() == Fields{{Header::expires, "60"}});
    CHECK(on(s, 423, {{Header::min_expires, "60"}}, 0s) == Next::lost);
    CHECK(on(s, 423, {}, 0s) == Next::lost);
    CHECK(on(s, 403, {}, 0s) == Next::lost);
}

TEST_CASE("RFC 6665 4.1: a subscription lives by 2xx and NOTIFY") {
    SoftState s(Kind::subscription, 600);
    CHECK(on(s, 200, {{Header::expires, "300"}}, 0s) == Next::settled);
    CHECK(s.deadline() == 268s);
    CHECK(notified(s, "active;expires=100", 10s));
    CHECK(s.deadline() == 78s);
    CHECK(notified(s, "pending", 11s));
    CHECK(s.deadline() == 78s);
    CHECK(on(s, 500, {}, 78s) == Next::lost);
    CHECK(s.alive(79s));  // 4.1.2.2: until its end
    CHECK(on(s, 481, {}, 80s) == Next::lost);
    CHECK_FALSE(s.alive(80s));
    on(s, 200, {{Header::expires, "300"}}, 81s);
    CHECK_FALSE(notified(s, "terminated;reason=timeout", 82s));
    CHECK_FALSE(s.alive(82s));
}

TEST_CASE("RFC 3903 4: a publication is refreshed under its entity tag, and made anew after 412") {
    SoftState s(Kind::publication, 600);
    CHECK(on(s, 200, {{Header::expires, "600"}, {Header::sip_etag, "one"}}, 0s) == Next::settled);
    CHECK(s.request_fields() == Fields{{Header::expires, "600"}, {Header::sip_if_match, "one"}});
    on(s, 200, {{Header::expires, "600"}, {Header::sip_etag, "two"}}, 500s);
    CHECK(s.request_fields().back().second == "two");
    CHECK(on(s, 412, {}, 1000s) == Next::again);
    CHECK(s.request_fields() == Fields{{Header::expires, "600"}});
    CHECK(on(s, 412, {}, 1000s) == Next::lost);
}
