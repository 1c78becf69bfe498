#include "libsipana/lab/script_verbs.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

const std::string trunk =
    "phone alice 100@A\nphone bob 900@B\nphone carol 200@A\n"
    "server A 192.0.2.1\nserver B 192.0.2.2\n";
const std::string proxy =
    "phone alice 100@P\nphone bob 900@P\nphone carol 200@P\nserver P 192.0.2.1 proxy\n";
const std::string direct = "phone alice\nphone bob\nphone carol\n";

// A verb is what its expansion is.
void check_same(const std::string& head, std::string_view verbs, std::string_view arrows) {
    const Exact exact(head + std::string(verbs));
    const auto a = parse_script(exact.text(), "test");
    const auto b = parse_script(head + std::string(arrows), "test");
    REQUIRE_MESSAGE(a.has_value(), a.error().what);
    REQUIRE_MESSAGE(b.has_value(), b.error().what);
    CHECK_MESSAGE(a->steps == b->steps, write(*a) << "\nnot\n" << write(*b));
}

std::string complaint(const std::string& head, std::string_view lines) {
    const auto s = parse_script(head + std::string(lines), "test");
    return s ? "none" : s.error().what;
}

}  // namespace

TEST_CASE("Verbs: registers and unregisters speak to the phone's own server") {
    check_same(
        trunk, "alice registers header \"X: 1\"\nbob registers at A\nalice unregisters\n",
        "alice -> A REGISTER header \"X: 1\"\nA -> alice 200\nbob -> A REGISTER\nA -> bob 200\n"
        "alice -> A REGISTER set \"Expires: 0\"\nA -> alice 200\n");
    CHECK(complaint(direct, "alice registers\n") ==
          "4:1: expected 'at' and a server: alice has none behind its @");
}

TEST_CASE("Verbs: a call between phones goes directly") {
    check_same(
        direct,
        "alice calls bob with video\nbob rings\nbob answers\nalice presses 12# by info\nbob hangs "
        "up\n",
        "alice -> bob INVITE sdp offer media audio,video\nbob -> alice 180\nbob -> alice 200\n"
        "alice => bob digits 12# by info\nbob -> alice BYE\nalice |-> bob 200 for BYE\n");
    check_same(direct, "alice calls bob\nbob rings after 1s\nalice cancels\n",
               "alice -> bob INVITE\nbob -> alice 180 after 1s\nalice -> bob CANCEL\nbob |-> alice "
               "487 for INVITE\n");
    check_same(direct, "alice calls bob\nbob rejects 486 \"Busy\" after 1s\nalice calls bob\n",
               "alice -> bob INVITE\nbob -> alice 486 \"Busy\" after 1s\nalice -> bob INVITE\n");
}

TEST_CASE("Verbs: a call through servers is told at both ends") {
    check_same(
        trunk,
        "alice calls bob\nbob rings\nbob answers\nalice holds\nalice resumes\nalice hangs up\n",
        "alice -> A INVITE 900\nB -> bob INVITE\nbob -> B 180\nA -> alice 180\nbob -> B 200\nA -> "
        "alice 200\n"
        "alice -> A INVITE sdp offer sendonly\nA -> alice 200\n"
        "alice -> A INVITE sdp offer sendrecv\nA -> alice 200\n"
        "alice -> A BYE\nB -> bob BYE\nA -> alice 200 for BYE\n");
    check_same(trunk, "alice calls 900\nbob rings\nbob rejects 603\n",
               "alice -> A INVITE 900\nB -> bob INVITE\nbob -> B 180\nA -> alice 180\nbob -> B "
               "603\nA -> alice 603\n");
    check_same(trunk, "alice calls 900 via B\nalice hangs up\n",
               "alice -> B INVITE 900\nalice -> B CANCEL\nB -> alice 487 for INVITE\n");
    check_same(
        proxy, "alice calls bob\nbob answers\nbob holds\n",
        "alice -> P INVITE 900\nP -> bob INVITE\nbob -> P 200\nP -> alice 200\n"
        "bob -> P INVITE sdp offer sendonly\nP -> alice INVITE\nalice -> P 200\nP -> bob 200\n");
}

TEST_CASE("Verbs: they speak of calls that arrows began") {
    check_same(trunk,
               "alice/x -> A INVITE 900 sdp none\nB -> bob INVITE\nbob -> B 200\nA -> alice/x "
               "200\nbob hangs up\n",
               "alice/x -> A INVITE 900 sdp none\nB -> bob INVITE\nbob -> B 200\nA -> alice/x 200\n"
               "bob -> B BYE\nA -> alice/x BYE\nB -> bob 200 for BYE\n");
}

TEST_CASE("Verbs: RFC 5589: transfers, by the phones or by a server") {
    check_same(
        trunk,
        "alice calls bob\nbob answers\nalice transfers bob to carol\ncarol rings\ncarol answers\n",
        "alice -> A INVITE 900\nB -> bob INVITE\nbob -> B 200\nA -> alice 200\n"
        "alice -> A REFER refer-to carol\nA -> alice 202\nA -> carol INVITE\ncarol -> A 180\ncarol "
        "-> A 200\n");
    const std::string notify = " NOTIFY set \"Event: refer\" set \"Subscription-State: ";
    check_same(
        direct,
        "alice calls bob\nbob answers\nalice transfers bob to carol\ncarol rings\ncarol answers\n",
        "alice -> bob INVITE\nbob -> alice 200\nalice -> bob REFER refer-to carol\nbob -> alice "
        "202\n"
        "bob -> alice" +
            notify +
            "active;expires=60\" body message/sipfrag \"SIP/2.0 100 Trying\"\n"
            "bob/transfer -> carol INVITE\ncarol -> bob/transfer 180\ncarol -> bob/transfer 200\n"
            "bob -> alice" +
            notify +
            "terminated;reason=noresource\" body message/sipfrag \"SIP/2.0 200 OK\"\n"
            "alice -> bob BYE\nbob |-> alice 200 for BYE\n");
    check_same(
        trunk,
        "alice calls bob\nbob answers\nalice/consult calls carol\ncarol answers\n"
        "alice transfers bob to carol after consulting\n",
        "alice -> A INVITE 900\nB -> bob INVITE\nbob -> B 200\nA -> alice 200\n"
        "alice/consult -> A INVITE 200\nA -> carol INVITE\ncarol -> A 200\nA -> alice/consult 200\n"
        "alice -> A REFER refer-to carol replaces alice/consult\nA -> alice 202\n");
    check_same(
        direct,
        "alice calls bob\nbob answers\nalice/consult calls carol\ncarol answers\n"
        "alice transfers bob to carol after consulting\n",
        "alice -> bob INVITE\nbob -> alice 200\nalice/consult -> carol INVITE\ncarol -> "
        "alice/consult 200\n"
        "alice -> bob REFER refer-to carol replaces alice/consult let replaces = header Refer-To "
        "\"Replaces=([^&>]*)\"\nbob -> alice 202\n"
        "bob -> alice" +
            notify +
            "active;expires=60\" body message/sipfrag \"SIP/2.0 100 Trying\"\n"
            "bob/transfer -> carol/transfer INVITE replaces \"{replaces}\"\n"
            "carol/transfer -> bob/transfer 200\ncarol -> alice/consult BYE\nalice/consult "
            "|-> carol 200 for BYE\n"
            "bob -> alice" +
            notify +
            "terminated;reason=noresource\" body message/sipfrag \"SIP/2.0 200 OK\"\n"
            "alice -> bob BYE\nbob |-> alice 200 for BYE\n");
}

TEST_CASE("Verbs: messages and subscriptions") {
    check_same(trunk, "alice sends message \"hi\" to bob\nalice subscribes to presence of bob\n",
               "alice -> A MESSAGE 900 body text/plain \"hi\"\nB -> bob MESSAGE where body is "
               "\"hi\"\nbob -> B 200\n"
               "A -> alice 200 or 202\nalice -> A SUBSCRIBE 900 set \"Event: presence\"\nA -> "
               "alice 200 or 202\n"
               "A -> alice NOTIFY\n");
    check_same(
        direct, "alice sends message \"hi\" to bob\nalice subscribes to dialog of bob\n",
        "alice -> bob MESSAGE body text/plain \"hi\" where body is \"hi\"\nbob -> alice 200\n"
        "alice -> bob SUBSCRIBE set \"Event: dialog\"\nbob -> alice 200\n"
        "bob -> alice NOTIFY set \"Event: dialog\" set \"Subscription-State: "
        "active;expires=3600\"\n");
}

TEST_CASE("Verbs: one that fits no call says so") {
    CHECK(complaint(direct, "bob answers\n") ==
          "4:1: expected a call of bob: nobody calls it above this line");
    CHECK(complaint(direct, "alice hangs up\n") ==
          "4:1: expected a call of alice, it has none at this line");
    CHECK(
        complaint(direct, "alice calls bob\nalice calls carol\n") ==
        "5:1: expected a name for another call (alice/second calls ...): alice is in one with bob");
    CHECK(complaint(direct, "alice calls bob\nalice answers\n") ==
          "5:1: expected the phone that is called: alice is the caller");
    CHECK(complaint(direct, "alice calls bob\nbob hangs up\n") ==
          "5:1: expected 'bob rejects CODE': it has not answered");
    CHECK(complaint(direct, "alice calls 900\n") ==
          "4:1: expected 'via' and a server: alice has none behind its @");
    CHECK(complaint(direct, "alice cals bob\n")
              .find("4:7: expected an arrow (->), or one of registers") == 0);
    CHECK(complaint(direct, "alice cals bob\n").find("did you mean 'calls'?") != std::string::npos);
    CHECK(complaint(direct, "alice calls bob\nbob rings afer 2s\n")
              .find("5:11: expected one of after") == 0);
    CHECK(
        complaint(direct, "alice calls dave\n").find("4:13: expected a phone, a number or a URI") ==
        0);
    CHECK(complaint(
              direct,
              "alice calls bob\nbob answers\nalice transfers bob to carol after consulting\n") ==
          "6:1: expected an answered call of alice and carol above this line (alice/consult calls "
          "carol)");
}
