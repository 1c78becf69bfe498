#include "libsipana/sip/digest.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/sip/credentials.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;
using namespace std::chrono_literals;

namespace {

std::string response_in(std::string_view credentials) {
    const auto parsed = parse_credentials(credentials);
    REQUIRE(parsed);
    return std::string(digest_of(*parsed)->response);
}

DigestInput mufasa(std::string_view cnonce) {
    return {.method = "GET",
            .uri = "/dir/index.html",
            .username = "Mufasa",
            .password = "Circle of Life",
            .cnonce = cnonce};
}

}  // namespace

TEST_CASE("RFC 7616 3.9.1: SHA-256 and MD5 answer the same challenge as printed there") {
    constexpr std::string_view rest =
        "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
        "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    const auto challenge = [&](std::string_view algorithm) {
        return "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=" +
               std::string(algorithm) + ", " + std::string(rest);
    };
    DigestInput input = mufasa("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
    input.password = "Circle of Life";
    const auto sha = answer(challenge("SHA-256"), input);
    REQUIRE(sha);
    CHECK(response_in(*sha) == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    const auto md5 = answer(challenge("MD5"), input);
    REQUIRE(md5);
    CHECK(response_in(*md5) == "8ca523f5e9506fed4657c9700eebdbec");
    CHECK(md5->find("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"") != md5->npos);
    CHECK(md5->find("qop=auth,") != md5->npos);
    CHECK(md5->find("nc=00000001") != md5->npos);
}

TEST_CASE("RFC 2617 3.5: the example with MD5 and qop=auth") {
    const auto got = answer(
        "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
        "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        {.method = "GET",
         .uri = "/dir/index.html",
         .username = "Mufasa",
         .password = "Circle Of Life",
         .cnonce = "0a4f113b"});
    REQUIRE(got);
    CHECK(response_in(*got) == "6629fae49393a05397450978507c4ef1");
    CHECK(got->find("algorithm") == got->npos);  // none was named
}

TEST_CASE("RFC 2069 2.4: without qop there is neither nc nor cnonce") {
    const auto got = answer("Digest realm=\"r\", nonce=\"n\"", mufasa("c"));
    REQUIRE(got);
    CHECK(got->find("cnonce") == got->npos);
    const std::string ha1 = hash_hex(Hash::md5, "Mufasa:r:Circle of Life");
    const std::string ha2 = hash_hex(Hash::md5, "GET:/dir/index.html");
    CHECK(response_in(*got) == hash_hex(Hash::md5, ha1 + ":n:" + ha2));
}

TEST_CASE("RFC 7616 3.3: the hashes are MD5, SHA-256 and SHA-512/256") {
    CHECK(hash_hex(Hash::md5, "abc") == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(hash_hex(Hash::sha256, "abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hash_hex(Hash::sha512_256, "abc") ==
          "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
}

TEST_CASE("RFC 8760 2.4: the strongest algorithm that is known is answered") {
    const auto md5 = "Digest realm=\"a\", nonce=\"1\", algorithm=MD5";
    const auto sha256 = "Digest realm=\"a\", nonce=\"1\", algorithm=SHA-256";
    const auto sha512 = "Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256";
    const auto unknown = "Digest realm=\"a\", nonce=\"1\", algorithm=SHA3-512";
    const auto basic = "Basic realm=\"a\"";
    const auto best = [](std::vector<std::string_view> of) { return strongest(of); };
    CHECK(best({md5, sha256, sha512, unknown}) == 2u);
    CHECK(best({md5, sha256}) == 1u);
    CHECK(best({unknown, basic, md5}) == 2u);
    CHECK(best({sha256, sha256}) == 0u);
    CHECK_FALSE(best({unknown, basic}));
    CHECK_FALSE(best({}));
    CHECK_FALSE(answer(unknown, mufasa("c")));
    CHECK_FALSE(answer(basic, mufasa("c")));
    CHECK_FALSE(answer("", mufasa("c")));
}

TEST_CASE("RFC 3261 22.3: each realm's challenge is answered, by its strongest algorithm") {
    const std::vector<std::string_view> challenges{
        "Digest realm=\"a\", nonce=\"1\"",
        "Digest realm=\"b\", nonce=\"2\", algorithm=SHA-256",
        "Digest realm=\"b\", nonce=\"3\", algorithm=MD5",
        "Digest realm=\"a\", nonce=\"4\", algorithm=SHA-256",
        "Digest realm=\"c\"",
        "Digest realm=\"d\", nonce=\"5\", qop=\"unheard\""};
    CHECK(strongest_of_each_realm(challenges) == std::vector<std::size_t>{3, 1});
    CHECK(strongest_of_each_realm({}).empty());
}

TEST_CASE("RFC 7616 3.4: what a client answers, the challenger takes, in each algorithm and qop") {
    for (const Hash hash : {Hash::md5, Hash::sha256, Hash::sha512_256})
        for (const bool session : {false, true})
            for (const std::string qop : {"", "auth", "auth-int"}) {
                Challenger::Settings settings;
                settings.realm = "atlanta \"quoted\"";
                settings.algorithms = {{hash, session}};
                settings.qop.clear();
                if (!qop.empty()) settings.qop = {qop};
                Challenger challenger(settings, 7);
                const auto challenge = challenger.challenges(1s);
                REQUIRE(challenge.size() == 1);
                CAPTURE(challenge.front());
                const DigestInput input{.method = "REGISTER",
                                        .uri = "sip:example.com",
                                        .body = "body",
                                        .username = "al\"ice",
                                        .password = "secret",
                                        .cnonce = "c"};
                const auto got = answer(challenge.front(), input);
                REQUIRE(got);
                Challenger::Attempt attempt{.method = "REGISTER",
                                            .body = "body",
                                            .credentials = *got,
                                            .request_uri = "sip:example.com"};
                using enum Challenger::Verdict;
                CHECK(challenger.verify(attempt, "wrong", 2s) == wrong);
                CHECK(challenger.verify(attempt, "secret", 2s) == ok);
                CHECK(Challenger::username(*got) == "al\"ice");
                attempt.method = "INVITE";
                CHECK(challenger.verify(attempt, "secret", 2s) == wrong);
                attempt.method = "REGISTER";
                attempt.body = "another";
                CHECK(challenger.verify(attempt, "secret", 2s) == (qop == "auth-int" ? wrong
                                                                   : qop.empty()     ? ok
                                                                                     : replayed));
                attempt.request_uri = "sip:example.org";
                CHECK(challenger.verify(attempt, "secret", 2s) == malformed);
            }
}

TEST_CASE("RFC 7616 3.4: a count is good once, and the next one goes on from it") {
    Challenger challenger({.realm = "r"}, 1);
    const auto challenge = challenger.challenges(0s).front();
    using enum Challenger::Verdict;
    const auto attempt = [&](std::uint32_t nc, Time now) {
        const auto got = answer(challenge, {.method = "M",
                                            .uri = "sip:u",
                                            .username = "a",
                                            .password = "p",
                                            .cnonce = "c",
                                            .nc = nc});
        REQUIRE(got);
        return challenger.verify({.method = "M", .credentials = *got}, "p", now);
    };
    CHECK(attempt(1, 1s) == ok);
    CHECK(attempt(1, 1s) == replayed);
    CHECK(attempt(2, 1s) == ok);
    CHECK(attempt(10, 1s) == ok);
    CHECK(attempt(9, 1s) == replayed);
    CHECK(attempt(11, 300s) == ok);
    CHECK(attempt(12, 301s) == stale);  // the nonce is older than five minutes
}

TEST_CASE("RFC 7616 3.3: a nonce of somebody else's is stale where the password is right") {
    Challenger ours({.realm = "r"}, 1), theirs({.realm = "r"}, 2);
    const auto got = answer(theirs.challenges(0s).front(),
                            {.method = "M", .uri = "sip:u", .username = "a", .password = "p"});
    REQUIRE(got);
    using enum Challenger::Verdict;
    CHECK(ours.verify({.method = "M", .credentials = *got}, "p", 1s) == malformed);  // no cnonce
    const auto good =
        answer(theirs.challenges(0s).front(),
               {.method = "M", .uri = "sip:u", .username = "a", .password = "p", .cnonce = "c"});
    REQUIRE(good);
    CHECK(ours.verify({.method = "M", .credentials = *good}, "p", 1s) == stale);
    CHECK(ours.verify({.method = "M", .credentials = *good}, "q", 1s) == wrong);
    CHECK(ours.challenges(1s, true).front().find("stale=true") != std::string::npos);
    const std::string ha1 = hash_hex(Hash::md5, "a:r:p");
    CHECK(theirs.verify_ha1({.method = "M", .credentials = *good}, ha1, 1s) == ok);
}

TEST_CASE("RFC 7616 3.3: a nonce for one use is stale the second time") {
    Challenger challenger({.realm = "r", .once = true}, 1);
    const auto challenge = challenger.challenges(0s).front();
    using enum Challenger::Verdict;
    const auto attempt = [&](std::uint32_t nc) {
        const auto got = answer(challenge, {.method = "M",
                                            .uri = "sip:u",
                                            .username = "a",
                                            .password = "p",
                                            .cnonce = "c",
                                            .nc = nc});
        return challenger.verify({.method = "M", .credentials = *got}, "p", 1s);
    };
    CHECK(attempt(1) == ok);
    CHECK(attempt(2) == stale);
}

TEST_CASE("credentials cut off anywhere are malformed or wrong, never taken") {
    Challenger challenger({.realm = "r"}, 1);
    const auto got =
        answer(challenger.challenges(0s).front(),
               {.method = "M", .uri = "sip:u", .username = "a", .password = "p", .cnonce = "c"});
    REQUIRE(got);
    for (std::size_t n = 0; n + 1 < got->size(); ++n) {
        const Exact cut(std::string_view(*got).substr(0, n));
        const auto verdict = challenger.verify({.method = "M", .credentials = cut.text()}, "p", 1s);
        CAPTURE(cut.text());
        // What is behind the response may be missing only where it says how it was made.
        const bool refused =
            verdict == Challenger::Verdict::malformed || verdict == Challenger::Verdict::wrong;
        CHECK(refused);
        (void)Challenger::username(cut.text());
        (void)answer(cut.text(), {});
    }
}
