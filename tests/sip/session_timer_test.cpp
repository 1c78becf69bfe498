#include "libsipana/sip/session_timer.h"

#include <doctest/doctest.h>

#include "libsipana/sip/builder.h"

using namespace sipana;
using namespace sipana::sip;
using namespace std::chrono_literals;
using Refresher = SessionTimer::Refresher;
using Due = SessionTimer::Due;

namespace {

using Fields = SessionTimer::Fields;

std::string with(Builder builder, const Fields& fields) {
    builder.add(Header::cseq, "1 INVITE");
    for (const auto& [id, value] : fields) builder.add(id, value);
    return *builder.write();
}
std::string request(const Fields& fields) {
    return with(Builder::request("INVITE", "sip:a"), fields);
}
std::string response(int status, const Fields& fields) {
    return with(Builder::response(status, "x"), fields);
}
std::string value(const Fields& fields, Header id) {
    for (const auto& [field, text] : fields)
        if (field == id) return text;
    return {};
}

Fields accept(SessionTimer& timer, const Fields& asked, Time now = 0s) {
    const std::string text = request(asked);
    return timer.accept(*Message::parse(text), now);
}

}  // namespace

TEST_CASE("RFC 4028 7.1: a request says what is wanted; 7.3: 422 raises it") {
    SessionTimer t({.interval = 300, .min_se = 120});
    CHECK(value(t.request_fields(), Header::supported) == "timer");
    CHECK(value(t.request_fields(), Header::session_expires) == "300");
    CHECK(value(t.request_fields(), Header::min_se) == "120");
    const std::string refusal = response(422, {{Header::min_se, "900"}});
    CHECK(t.on_422(*Message::parse(refusal)));
    CHECK(value(t.request_fields(), Header::session_expires) == "900");
    CHECK(value(t.request_fields(), Header::min_se) == "900");
    CHECK_FALSE(t.on_422(*Message::parse(refusal)));
    SessionTimer quiet({.active = false});
    CHECK(quiet.request_fields() == Fields{{Header::supported, "timer"}});
}

TEST_CASE("RFC 4028 10: the refresher refreshes at half the interval, again and again") {
    SessionTimer t({.interval = 300});
    const std::string ok = response(200, {{Header::session_expires, "300;refresher=uac"}});
    t.on_success(*Message::parse(ok), 10s);
    CHECK(t.refresher() == Refresher::us);
    CHECK(t.deadline() == 160s);
    CHECK(t.due(159s) == Due::nothing);
    CHECK(t.due(160s) == Due::refresh);
    CHECK(t.due(160s) == Due::nothing);
    CHECK(value(t.request_fields(), Header::session_expires) == "300;refresher=uac");
    t.on_success(*Message::parse(ok), 161s);
    CHECK(t.deadline() == 311s);
    CHECK(t.due(311s) == Due::refresh);
    CHECK(t.deadline() == 461s);
    CHECK(t.due(461s) == Due::give_up);
    CHECK_FALSE(t.deadline());
}

TEST_CASE("RFC 4028 10: who waits for a refresh in vain gives up 32 s or a third before the end") {
    SessionTimer t;
    const std::string ok = response(200, {{Header::session_expires, "1800;refresher=uas"}});
    t.on_success(*Message::parse(ok), 0s);
    CHECK(t.refresher() == Refresher::them);
    CHECK(t.deadline() == 1768s);
    CHECK(t.due(1767s) == Due::nothing);
    CHECK(t.due(1768s) == Due::give_up);
    const std::string brief = response(200, {{Header::session_expires, "90;refresher=uas"}});
    t.on_success(*Message::parse(brief), 0s);
    CHECK(t.deadline() == 60s);
}

TEST_CASE("RFC 4028 7.2: a 2xx without Session-Expires turns the timer off") {
    SessionTimer t;
    const std::string on = response(200, {{Header::session_expires, "90;refresher=uac"}}),
                      off = response(200, {});
    t.on_success(*Message::parse(on), 0s);
    CHECK(t.running());
    t.on_success(*Message::parse(off), 1s);
    CHECK_FALSE(t.running());
    CHECK(t.due(1000s) == Due::nothing);
}

TEST_CASE("RFC 4028 9: 422 to who understands it and asks for less than our Min-SE") {
    SessionTimer t({.min_se = 120});
    const auto judge = [&](const Fields& f) {
        const std::string text = request(f);
        return t.judge(*Message::parse(text));
    };
    CHECK(judge({{Header::supported, "timer"}, {Header::session_expires, "119"}}) == 422);
    CHECK(judge({{Header::supported, "timer"}, {Header::session_expires, "120"}}) == 0);
    CHECK(judge({{Header::session_expires, "30"}}) == 0);
    CHECK(judge({}) == 0);
    CHECK(value(t.refusal_fields(), Header::min_se) == "120");
}

TEST_CASE("RFC 4028 9, table 2: who refreshes, as the server says it in the 2xx") {
    const auto said = [](const Fields& asked, Refresher prefer = Refresher::none) {
        SessionTimer t({.interval = 600, .prefer = prefer});
        return accept(t, asked);
    };
    const std::pair<Header, std::string> timer{Header::supported, "timer"};
    CHECK(value(said({timer, {Header::session_expires, "300;refresher=uac"}}),
                Header::session_expires) == "300;refresher=uac");
    CHECK(value(said({timer, {Header::session_expires, "300;refresher=uas"}}),
                Header::session_expires) == "300;refresher=uas");
    CHECK(value(said({timer, {Header::session_expires, "300"}}), Header::session_expires) ==
          "300;refresher=uac");
    CHECK(value(said({timer, {Header::session_expires, "300"}}, Refresher::us),
                Header::session_expires) == "300;refresher=uas");
    CHECK(value(said({timer}), Header::require) == "timer");
    CHECK(value(said({timer, {Header::session_expires, "9000"}}), Header::session_expires) ==
          "600;refresher=uac");
    CHECK(value(said({timer, {Header::session_expires, "9000"}, {Header::min_se, "1200"}}),
                Header::session_expires) == "1200;refresher=uac");
    const Fields unaware = said({});
    CHECK(value(unaware, Header::session_expires) == "600;refresher=uas");
    CHECK(value(unaware, Header::require).empty());
    SessionTimer quiet({.active = false});
    CHECK(accept(quiet, {timer}).empty());
    CHECK_FALSE(quiet.running());
    CHECK_FALSE(accept(quiet, {timer, {Header::session_expires, "200"}}).empty());
    CHECK(quiet.deadline() == 168s);
}
