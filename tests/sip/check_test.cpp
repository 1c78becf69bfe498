#include "libsipana/sip/check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

std::vector<std::string> rules_broken(const std::string& text) {
    const Exact exact(text);
    const auto m = Message::parse(exact.text());
    REQUIRE(m);
    std::vector<Finding> findings;
    check(*m, findings);
    std::vector<std::string> out;
    for (const Finding& f : findings) {
        CHECK(f.byte <= text.size());
        CHECK_FALSE(f.clause.empty());
        CHECK(std::any_of(rules().begin(), rules().end(),
                          [&](const Rule& r) { return r.name == f.rule; }));
        out.emplace_back(f.rule);
    }
    return out;
}

using Names = std::vector<std::string>;

// A legal message in which one thing is changed: `field` replaces the field of its name, or is
// added.
std::string base(const std::string& method, const std::string& to_tag = "") {
    return method +
           " sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n" +
           "Max-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>" +
           to_tag + "\r\nCall-ID: x@192.0.2.1\r\nCSeq: 1 " + method +
           "\r\nContact: <sip:a@192.0.2.1>\r\nContent-Length: 0\r\n\r\n";
}

std::string answer(const std::string& code, const std::string& method = "INVITE") {
    return "SIP/2.0 " + code + " Reason\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n" +
           "From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>;tag=2\r\nCall-ID: "
           "x@192.0.2.1\r\nCSeq: 1 " +
           method + "\r\nContact: <sip:b@192.0.2.2>\r\nContent-Length: 0\r\n\r\n";
}

std::string changed(std::string text, const std::string& field) {
    const std::string name = "\r\n" + field.substr(0, field.find(':') + 1);
    const auto at = text.find(name);
    if (at == text.npos) return text.insert(text.find("\r\n") + 2, field + "\r\n");
    return text.replace(at + 2, text.find("\r\n", at + 2) - at - 2, field);
}

Names with(const std::string& field) { return rules_broken(changed(base("INVITE"), field)); }
Names with(const std::string& text, const std::string& field) {
    return rules_broken(changed(text, field));
}

std::string without(std::string text, const std::string& name) {
    const auto at = text.find("\r\n" + name + ":");
    REQUIRE(at != text.npos);
    return text.erase(at, text.find("\r\n", at + 2) - at);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const auto at = text.find(what);
    REQUIRE(at != text.npos);
    return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("RFC 3261 7.3.1: a parameter stands once in a value") {
    // Seen in the wild: a 200 whose To kept the tag of one fork and got that of another.
    CHECK(with("To: <sip:bob@example.com>;tag=1;tag=2") == Names{"sip-parameter-repeated"});
    CHECK(with("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;received=192.0.2.9;Branch=z9hG4bK2") ==
          Names{"sip-parameter-repeated"});
    CHECK(with("Contact: <sip:a@192.0.2.1;x=1;x=2>;q=1;x=1").empty());
}

TEST_CASE("a legal message of each kind breaks no rule") {
    for (const char* method : {"INVITE", "ACK", "CANCEL", "OPTIONS", "PING"})
        CHECK(rules_broken(base(method)) == Names{});
    for (const char* method : {"BYE", "INFO", "UPDATE"})
        CHECK(rules_broken(base(method, ";tag=2")) == Names{});
    for (const char* code : {"100", "180", "200", "302", "404", "486", "503", "603"})
        CHECK(rules_broken(answer(code)) == Names{});
    CHECK(with(base("SUBSCRIBE"), "Event: dialog") == Names{});
    CHECK(with(base("REFER"),
               "Refer-To: <sip:c@example.com?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>") == Names{});
}

TEST_CASE(
    "rules have distinct kebab-case names in order, a clause and a summary; there are plenty") {
    const auto all = rules();
    CHECK(all.size() >= 45);
    std::set<std::string_view> names;
    for (const Rule& r : all) {
        CHECK(names.insert(r.name).second);
        CHECK(r.name.starts_with("sip-"));
        CHECK(std::all_of(r.name.begin(), r.name.end(), [](char c) {
            return c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        }));
        CHECK(r.clause.starts_with("RFC "));
        CHECK_FALSE(r.summary.empty());
    }
    CHECK(std::is_sorted(all.begin(), all.end(),
                         [](const Rule& a, const Rule& b) { return a.name < b.name; }));
}

TEST_CASE("findings stand in the order of their place, and are bounded") {
    std::string text = "OPTIONS sip:a SIP/2.0\r\n";
    for (int i = 0; i < 500; ++i) text += "junk line\r\n";
    const Exact exact(text + "A: b\r\n\r\n");
    std::vector<Finding> findings(3);
    check(*Message::parse(exact.text()), findings);
    CHECK(findings.size() == 3 + max_findings);
    CHECK(std::is_sorted(findings.begin() + 3, findings.end(),
                         [](const Finding& a, const Finding& b) { return a.byte < b.byte; }));
}

TEST_CASE("RFC 3261 7: the start line and the lines") {
    const std::string invite = base("INVITE");
    CHECK(rules_broken(replaced(invite, "SIP/2.0\r\nVia", "sip/2.0\r\nVia")) ==
          Names{"sip-version"});
    CHECK(rules_broken(replaced(answer("505"), "SIP/2.0 505", "SIP/2.00 505")) ==
          Names{"sip-version"});
    CHECK(rules_broken(replaced(invite, " sip:bob", "  sip:bob")) == Names{"sip-start-line-space"});
    CHECK(rules_broken(replaced(answer("200"), "200 Reason", "200")) ==
          Names{"sip-start-line-space"});
    CHECK(rules_broken(replaced(invite, "sip:bob@example.com SIP", "SIP")) ==
          Names{"sip-request-uri-missing"});
    CHECK(rules_broken(replaced(invite, "sip:bob@example.com SIP", "<sip:bob@example.com> SIP")) ==
          Names{"sip-request-uri-brackets"});
    CHECK(rules_broken(replaced(invite, "example.com SIP", "example.com; lr SIP")) ==
          Names{"sip-request-uri-space"});
    CHECK(rules_broken(replaced(invite, "example.com SIP", "example.com?a=b SIP")) ==
          Names{"sip-request-uri-headers"});
    CHECK(rules_broken(replaced(invite, "example.com SIP", "example.com:x SIP")) ==
          Names{"sip-uri-syntax"});
    CHECK(rules_broken(replaced(invite, "sip:bob@example.com SIP", "bob SIP")) ==
          Names{"sip-uri-syntax"});
    CHECK(rules_broken(replaced(invite, "sip:bob@example.com SIP", "http://h SIP")) ==
          Names{"sip-uri-scheme"});
    CHECK(rules_broken(replaced(replaced(invite, "INVITE", "Invite"), "1 INVITE", "1 Invite")) ==
          Names{"sip-method-case"});
    CHECK(rules_broken(answer("099")) == Names{"sip-status-range"});
    CHECK(rules_broken(answer("700")) == Names{"sip-status-range"});
    CHECK(rules_broken(replaced(invite, "70\r\n", "70\n")) == Names{"sip-line-end"});
    CHECK(rules_broken(invite.substr(0, invite.size() - 2)) == Names{"sip-head-unfinished"});
    CHECK(rules_broken(replaced(invite, "From:", "no field\r\nFrom:")) == Names{"sip-not-a-field"});
    CHECK(with("X y: z") == Names{"sip-field-name"});
    CHECK(with("Subject: a\x01") == Names{"sip-control-character"});
    CHECK(with("Subject: a\rb") == Names{"sip-control-character"});
    CHECK(with("Subject: \xff") == Names{"sip-utf8"});
    CHECK(with("Subject: \xc3\xa9") == Names{});
}

TEST_CASE("RFC 3261 8.1.1: the fields that every message has") {
    for (const char* name : {"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq"})
        CHECK(rules_broken(without(base("OPTIONS"), name)) == Names{"sip-field-missing"});
    CHECK(rules_broken(replaced(base("OPTIONS"), "Call-ID", "Call-ID: other\r\nCall-ID")) ==
          Names{"sip-field-repeated"});
    CHECK(with("Call-ID: a b") == Names{"sip-call-id-syntax"});
    CHECK(with("Call-ID:") == Names{"sip-call-id-syntax"});
    CHECK(with("Call-ID: a@b@c") == Names{"sip-call-id-syntax"});
    CHECK(with("CSeq: INVITE") == Names{"sip-cseq-syntax"});
    CHECK(with("CSeq: 2147483648 INVITE") == Names{"sip-cseq-range"});
    CHECK(with("CSeq: 2147483647 INVITE") == Names{});
    CHECK(with("CSeq: 1 ACK") == Names{"sip-cseq-method"});
    CHECK(with("Max-Forwards: many") == Names{"sip-max-forwards-syntax"});
    CHECK(with("Max-Forwards: 256") == Names{"sip-max-forwards-range"});
    CHECK(with("Max-Forwards: 99999999999") == Names{"sip-max-forwards-range"});
    CHECK(with("Max-Forwards: 0") == Names{"sip-max-forwards-zero"});
    CHECK(with("From: <sip:a@example.com>") == Names{"sip-from-tag-missing"});
    CHECK(with(answer("200"), "To: <sip:a@example.com>") == Names{"sip-to-tag-missing"});
    CHECK(with(answer("100"), "To: <sip:a@example.com>") == Names{});
    CHECK(rules_broken(base("BYE")) == Names{"sip-outside-dialog"});
}

TEST_CASE("RFC 3261 20.42: Via") {
    CHECK(with("Via: SIP/2.0 UDP h") == Names{"sip-via-syntax"});
    CHECK(with("Via: SIP/2.0/UDP h:70000;branch=z9hG4bK1") == Names{"sip-via-syntax"});
    CHECK(with("Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1") == Names{"sip-via-address"});
    CHECK(with("Via: SIP/2.0/UDP 224.0.1.75;branch=z9hG4bK1;maddr=192.0.2.1") == Names{});
    CHECK(with("Via: SIP/2.0/UDP [::]:5060;branch=z9hG4bK1") == Names{"sip-via-address"});
    CHECK(with("Via: SIP/2.0/UDP h") == Names{"sip-branch-missing"});
    CHECK(with("Via: SIP/2.0/UDP h;branch=1") == Names{"sip-branch-cookie"});
    CHECK(with("Via: SIP/2.0/UDP h;branch=z9hG4bK") == Names{"sip-branch-empty"});
    CHECK(with("Via: SIP/2.0/UDP h;branch=z9hG4bK1, SIP/2.0/UDP i;branch=2") == Names{});
    CHECK(with("Via: SIP/2.0/UDP a_b;branch=z9hG4bK1") == Names{"sip-host-syntax"});
    CHECK(with("Via: SIP/2.0/UDP h;;branch=z9hG4bK1") == Names{"sip-empty-parameter"});
    CHECK(with("Via: SIP/2.0/UDP h;branch=z9hG4bK1,") == Names{"sip-empty-element"});
}

TEST_CASE("RFC 3261 20.10 and 25.1: addresses and URIs") {
    CHECK(with("From: Bell, A <sip:a@b>;tag=1") == Names{"sip-display-name"});
    CHECK(with("From: \"A\" B <sip:a@b>;tag=1") == Names{"sip-display-name"});
    CHECK(with("From: A B<sip:a@b>;tag=1") == Names{});
    CHECK(with("From: \"A <sip:a@b>;tag=1") == Names{"sip-quote-unbalanced"});
    CHECK(with("From: <sip:a@b>;;tag=1") == Names{"sip-empty-parameter"});
    CHECK(with("From: <sip:a@b>;tag=1;") == Names{"sip-empty-parameter"});
    CHECK(with("From: < sip:a@b>;tag=1") == Names{"sip-uri-space"});
    CHECK(with("From: sip:a b@b;tag=1") == Names{"sip-uri-space"});
    CHECK(with("Contact: sip:a@b?x=y") == Names{"sip-addr-spec-brackets"});
    CHECK(with("Route: sip:a@b;lr") == Names{"sip-addr-spec-brackets"});
    CHECK(with("To: bob") == Names{"sip-address-syntax"});
    CHECK(with("To: <sip:bob@b") == Names{"sip-address-syntax"});
    CHECK(with("To:") == Names{"sip-address-syntax"});
    CHECK(with("To: <sip:bob@b> x") == Names{"sip-address-syntax"});
    CHECK(with("To: <sip:bob@>") == Names{"sip-address-syntax"});
    CHECK(with("To: <sip:bob@b:>") == Names{"sip-uri-syntax"});
    CHECK(with("To: <sip:b%4@b>") == Names{"sip-uri-escape"});
    CHECK(with("To: <sip:b:secret@b>") == Names{"sip-uri-password"});
    CHECK(with("To: <tel:7042>") == Names{"sip-tel-context"});
    CHECK(with("To: <tel:+17042>") == Names{});
    CHECK(with("To: <sip:[2001:db8::1]>") == Names{});
    CHECK(with("To: <sip:[zz]>") == Names{"sip-host-syntax"});
    CHECK(with("P-Asserted-Identity: \"A, B\" <sip:a@b>, <tel:+1>") == Names{});
}

TEST_CASE("RFC 3261 8.1.1.8, 10.2, 16.6: Contact and routes") {
    CHECK(rules_broken(without(base("INVITE"), "Contact")) == Names{"sip-contact-missing"});
    CHECK(rules_broken(without(answer("200"), "Contact")) == Names{"sip-contact-missing"});
    CHECK(rules_broken(without(answer("200", "BYE"), "Contact")) == Names{});
    CHECK(with("Contact: <sip:a@b>, <sip:c@d>") == Names{"sip-contact-several"});
    CHECK(with(answer("302"), "Contact: <sip:a@b>, <sip:c@d>;q=0.5") == Names{});
    CHECK(with(base("OPTIONS"), "Contact: *") == Names{"sip-contact-star"});
    const std::string reg = replaced(base("REGISTER"), "sip:bob@", "sip:");
    CHECK(with(changed(reg, "Contact: *"), "Expires: 0") == Names{});
    CHECK(with(changed(reg, "Contact: *"), "Expires: 60") == Names{"sip-contact-star"});
    CHECK(with(reg, "Contact: <sip:a@b>;q=1.5") == Names{"sip-contact-q"});
    CHECK(with(reg, "Contact: <sip:a@b>;q=0.123;expires=60") == Names{});
    CHECK(with(reg, "Contact: <sip:a@b>;expires=4294967296") == Names{"sip-expires-syntax"});
    CHECK(rules_broken(base("REGISTER")) == Names{"sip-register-userinfo"});
    CHECK(rules_broken(replaced(base("INVITE"), "sip:bob@example.com SIP",
                                "sips:bob@example.com SIP")) == Names{"sip-contact-sips"});
    CHECK(rules_broken(base("MESSAGE")) == Names{"sip-message-contact"});
    CHECK(with("Record-Route: <sip:p.example.com>") == Names{"sip-record-route-lr"});
    CHECK(with("Record-Route: <sip:p.example.com;lr>") == Names{});
}

TEST_CASE("RFC 3261 18.3, 20.14, 20.15: bodies") {
    CHECK(with("Content-Length: -1") == Names{"sip-content-length-syntax"});
    CHECK(with("Content-Length: 5") == Names{"sip-body-cut"});
    CHECK(rules_broken(base("INVITE") + "more") == Names{"sip-trailing-bytes"});
    CHECK(rules_broken(without(replaced(base("INVITE"), "UDP", "TCP"), "Content-Length")) ==
          Names{"sip-content-length-missing"});
    CHECK(rules_broken(without(base("INVITE"), "Content-Length")) == Names{});
    const std::string body =
        replaced(base("INVITE"), "Content-Length: 0", "Content-Length: 3") + "v=0";
    CHECK(rules_broken(body) == Names{"sip-content-type-missing"});
    CHECK(with(body, "Content-Type: sdp") == Names{"sip-content-type-syntax"});
    CHECK(with(body, "Content-Type: application/sdp") == Names{});
    CHECK(with(body, "Content-Type: multipart/mixed") == Names{"sip-multipart-boundary"});
    CHECK(with(body, "Content-Type: multipart/mixed;boundary=x") ==
          Names{"sip-multipart-boundary"});
    const std::string multi =
        replaced(base("INVITE"), "Content-Length: 0", "Content-Length: 8") + "--x\r\n\r\nA";
    CHECK(with(multi, "Content-Type: multipart/mixed;boundary=x") ==
          Names{"sip-multipart-unfinished"});
}

TEST_CASE("RFC 3261 20 and 22: other fields") {
    CHECK(with("Supported: 100rel, a b") == Names{"sip-token-list"});
    CHECK(with("Supported:") == Names{});
    CHECK(with("Allow: INVITE,,ACK") == Names{"sip-empty-element"});
    CHECK(with(base("CANCEL"), "Require: 100rel") == Names{"sip-require-cancel"});
    CHECK(with("Date: Fri, 01 Jan 2010 16:00:00 EST") == Names{"sip-date-syntax"});
    CHECK(with("Expires: never") == Names{"sip-expires-syntax"});
    CHECK(with(answer("503"), "Retry-After: soon") == Names{"sip-retry-after-syntax"});
    CHECK(with(answer("503"), "Retry-After: 60 (lunch);duration=10") == Names{});
    CHECK(with("Timestamp: x") == Names{"sip-timestamp-syntax"});
    CHECK(with(answer("488"), "Warning:") == Names{"sip-warning-syntax"});
    CHECK(with(answer("488"), "Warning: 1812 o \"x\"") == Names{"sip-warning-syntax"});
    CHECK(with(answer("488"), "Warning: 399 o \"x, y\", 301 h:1 \"z\"") == Names{});
    CHECK(with("Authorization: Digest") == Names{"sip-authorization-syntax"});
    CHECK(with("Authorization: Digest username=\"a\",realm=\"b\",nonce=\"c\",uri=\"sip:d\"") ==
          Names{"sip-digest-incomplete"});
    CHECK(with("Authorization: NoOneKnowsThisScheme opaque-data=here") == Names{});
    CHECK(with(answer("401"), "WWW-Authenticate: Digest realm=\"b\"") ==
          Names{"sip-digest-incomplete"});
}

TEST_CASE("RFC 3261 21: responses that must say what the client should do") {
    CHECK(rules_broken(answer("401")) == Names{"sip-challenge-missing"});
    CHECK(rules_broken(answer("407")) == Names{"sip-challenge-missing"});
    CHECK(with(answer("407"), "Proxy-Authenticate: Digest realm=\"b\", nonce=\"n\"") == Names{});
    CHECK(rules_broken(answer("405")) == Names{"sip-allow-missing"});
    CHECK(rules_broken(answer("415")) == Names{"sip-accept-missing"});
    CHECK(with(answer("415"), "Accept-Encoding: identity") == Names{});
    CHECK(rules_broken(answer("420")) == Names{"sip-unsupported-missing"});
    CHECK(rules_broken(answer("421")) == Names{"sip-require-missing"});
    CHECK(rules_broken(answer("422")) == Names{"sip-min-se-missing"});
    CHECK(rules_broken(answer("423", "REGISTER")) == Names{"sip-min-expires-missing"});
    CHECK(rules_broken(answer("489", "SUBSCRIBE")) == Names{"sip-allow-events-missing"});
}

TEST_CASE("extensions: RFC 3262, 3326, 3515, 3891, 4028, 6665, 8224") {
    const std::string reliable = changed(answer("183"), "RSeq: 1");
    CHECK(rules_broken(reliable) == Names{"sip-rseq-require"});
    CHECK(with(reliable, "Require: 100rel") == Names{});
    CHECK(with(answer("183"), "Require: 100rel") == Names{"sip-rseq-require"});
    CHECK(with(changed(answer("183"), "Require: 100rel"), "RSeq: 0") == Names{"sip-rseq-syntax"});
    CHECK(rules_broken(base("PRACK", ";tag=2")) == Names{"sip-rack-missing"});
    CHECK(with(base("PRACK", ";tag=2"), "RAck: 1 INVITE") == Names{"sip-rack-syntax"});
    CHECK(with(base("PRACK", ";tag=2"), "RAck: 1 1 INVITE") == Names{});
    CHECK(rules_broken(base("SUBSCRIBE")) == Names{"sip-event-missing"});
    CHECK(with(base("NOTIFY", ";tag=2"), "Event: dialog") ==
          Names{"sip-subscription-state-missing"});
    CHECK(rules_broken(base("REFER")) == Names{"sip-refer-to-count"});
    CHECK(with(base("REFER"), "Refer-To: <sip:a@b>\r\nRefer-To: <sip:c@d>") ==
          Names{"sip-refer-to-count"});
    CHECK(with("Session-Expires: long") == Names{"sip-session-expires-syntax"});
    CHECK(with("Session-Expires: 60") == Names{"sip-session-expires-small"});
    CHECK(with("Session-Expires: 180\r\nMin-SE: 240") == Names{"sip-session-expires-small"});
    CHECK(with("Session-Expires: 1800;refresher=uac\r\nMin-SE: 90") == Names{});
    CHECK(with("Replaces: x;to-tag=1") == Names{"sip-replaces-syntax"});
    CHECK(with("Replaces: x;to-tag=1;from-tag=2") == Names{});
    CHECK(with(base("OPTIONS"), "Join: x;to-tag=1;from-tag=2") == Names{"sip-replaces-method"});
    CHECK(with("Reason: SIP;cause=busy") == Names{"sip-reason-syntax"});
    CHECK(with("Reason: Q.850;cause=16, SIP;cause=200;text=\"x\"") == Names{});
    CHECK(with("Identity: a.b.c") == Names{"sip-identity-info"});
    CHECK(with("Identity: a.b.c;info=<https://h>;alg=ES256") == Names{});
}

TEST_CASE("check() reads every truncation of a message inside its bytes") {
    const std::string text =
        changed(base("INVITE"),
                "Warning: 399 a \"b\\\"\", x\r\nRoute: <sip:a;lr>, \"q\" <sip:b%4>") +
        "body";
    for (std::size_t n = 60; n <= text.size(); ++n) {
        const Exact exact(std::string_view(text).substr(0, n));
        const auto m = Message::parse(exact.text());
        if (!m) continue;
        std::vector<Finding> findings;
        check(*m, findings);
        for (const Finding& f : findings) CHECK(f.byte <= n);
    }
}
