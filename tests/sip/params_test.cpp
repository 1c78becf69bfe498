#include "libsipana/sip/params.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "libsipana/sip/credentials.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

std::vector<std::string> elements(std::string_view list) {
    std::vector<std::string> out;
    while (const auto element = next_element(list)) out.emplace_back(*element);
    return out;
}

}  // namespace

TEST_CASE("RFC 3261 25.1: parameters with and without values, quotes and white space") {
    const Exact text(std::string_view(" ; a = 1 ;lr; b=\"x;\\\"y\" junk;c=;d=<http://h/;p>;e"));
    std::vector<std::string> seen;
    for (const Param& p : Params(text.text()))
        seen.push_back(std::string(p.name) + (p.has_value ? "=" : "") + std::string(p.value) +
                       (p.quoted ? "q" : ""));
    CHECK(seen ==
          std::vector<std::string>{"a=1", "lr", "b=x;\\\"yq", "c=", "d=<http://h/;p>", "e"});
    const Params params(text.text());
    CHECK(params.find("LR") == "");
    CHECK(params.has("c"));
    CHECK_FALSE(params.has("f"));
    CHECK(Params("").empty());
    CHECK(Params(" ;; ").empty());
}

TEST_CASE("a quote or bracket that nothing closes is an ordinary sign") {
    CHECK(Params(";a=\"open;b=2").find("b") == "2");
    CHECK(Params(";a=\"open;b=2").find("a") == "\"open");
    CHECK(Params(";a=<open;b=2;c=<x").find("b") == "2");
}

TEST_CASE("RFC 3261 25.1: a quoted string and back") {
    CHECK(unquoted("a \\\"b\\\" \\\\ c\\") == "a \"b\" \\ c\\");
    CHECK(quoted("a \"b\" \\") == "\"a \\\"b\\\" \\\\\"");
    CHECK(quoted("a\r\nb") == "\"a  b\"");
    const std::string text = "x \"y\\\" z";
    const std::string written = quoted(text);
    CHECK(unquoted(std::string_view(written).substr(1, written.size() - 2)) == text);
    CHECK(closing_quote(written, 0) == written.size() - 1);
}

TEST_CASE("RFC 3261 7.3.1: list elements, empty ones passed over") {
    CHECK(elements(" a ,, \"b,c\" <d,e> ;x , f") ==
          std::vector<std::string>{"a", "\"b,c\" <d,e> ;x", "f"});
    CHECK(elements(",,").empty());
    CHECK(elements("\"open, a").size() == 1);
    CHECK(elements("<open, a").size() == 1);
}

TEST_CASE("RFC 3261 22: credentials, challenges and their Digest parameters") {
    const Exact text(
        std::string_view("Digest username=\"bob\", realm=\"a, b\",nonce=\"84a4\", uri=\"sip:h\", "
                         "response=\"00\", qop=auth, nc=00000001"));
    const auto c = parse_credentials(text.text());
    REQUIRE(c);
    CHECK(c->is_digest());
    const auto d = digest_of(*c);
    REQUIRE(d);
    CHECK(d->username == "bob");
    CHECK(d->realm == "a, b");
    CHECK(d->uri == "sip:h");
    CHECK(d->qop == "auth");
    CHECK(d->nc == "00000001");
    CHECK_FALSE(d->stale);
    CHECK(digest_of(*parse_credentials("digest realm=\"x\",stale=TRUE"))->stale);
    CHECK_FALSE(digest_of(*parse_credentials("NoOneKnowsThisScheme opaque-data=here")));
    CHECK_FALSE(parse_credentials(""));
    CHECK(parse_authentication_info("nextnonce=\"47\", rspauth=\"6\"")->param("rspauth") == "6");
    CHECK_FALSE(parse_authentication_info(""));
}

TEST_CASE("RFC 8224 4 and RFC 8225 7: Identity, full, compact, and the older signature") {
    const auto full = parse_identity(
        "eyJh.eyJi.c2ln;info=<https://cert.example.org/p;x>;alg=ES256;ppt=\"shaken\"");
    REQUIRE(full);
    CHECK(full->header == "eyJh");
    CHECK(full->payload == "eyJi");
    CHECK(full->signature == "c2ln");
    CHECK(full->info() == "https://cert.example.org/p;x");
    CHECK(full->alg() == "ES256");
    CHECK(full->ppt() == "shaken");
    CHECK_FALSE(full->compact);
    const auto compact = parse_identity("..c2ln;info=<https://h>");
    REQUIRE(compact);
    CHECK(compact->compact);
    CHECK(compact->signature == "c2ln");
    CHECK(parse_identity("\"c2ln=\"")->signature == "c2ln=");
    CHECK(parse_identity("c2ln=")->signature == "c2ln=");
    CHECK_FALSE(parse_identity("\"c2ln"));
    CHECK_FALSE(parse_identity(""));
}
