#include "libsipana/sip/message.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/sip/fields.h"
#include "libsipana/sip/start_line.h"
#include "tests/exact.h"

using namespace sipana;
using sip::Header;
using sip::Message;
using sip::Method;

namespace {

const std::string invite =
    "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP pc33.example.com:5060;rport;branch=z9hG4bK776asdhds\r\n"
    "Max-Forwards: 70\r\n"
    "To: Bob <sip:bob@biloxi.example.com>\r\n"
    "From: \"Alice \\\"A\\\" <x>\" <sip:alice@atlanta.example.com;tag=uri>;tag=1928301774\r\n"
    "Call-ID: a84b4c76e66710@pc33.example.com\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Contact: <sip:alice@pc33.example.com>\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 4\r\n"
    "\r\n"
    "v=0\r\nrest";

// A message around one header field.
std::string with(const std::string& field) {
    return "OPTIONS sip:a SIP/2.0\r\n" + field + "\r\nCSeq: 1 OPTIONS\r\n\r\n";
}

Message parsed(const Exact& text) {
    auto m = Message::parse(text.text());
    REQUIRE(m);
    return *m;
}

}  // namespace

TEST_CASE("RFC 3261 7: the parts of a request") {
    const Exact text(invite);
    const Message m = parsed(text);
    CHECK(m.is_request());
    CHECK(m.method() == Method::invite);
    CHECK(m.method_name() == "INVITE");
    CHECK(m.request_uri() == "sip:bob@biloxi.example.com");
    CHECK(m.version() == "SIP/2.0");
    CHECK(m.status() == 0);
    CHECK(m.start_line() == "INVITE sip:bob@biloxi.example.com SIP/2.0");
    CHECK(m.fields().size() == 9);
    CHECK(m.call_id() == "a84b4c76e66710@pc33.example.com");
    REQUIRE(m.cseq());
    CHECK(m.cseq()->number == 314159);
    CHECK(m.cseq()->method == Method::invite);
    CHECK(m.from_tag() == "1928301774");
    CHECK(m.to_tag().empty());
    CHECK(m.branch() == "z9hG4bK776asdhds");
    CHECK(m.content_length() == 4u);
    CHECK(m.body() == "v=0\r");
    CHECK_FALSE(m.body_cut());
}

TEST_CASE("RFC 3261 7.2: the parts of a response, whose method is the CSeq's") {
    const Exact text("SIP/2.0 180 Ringing now\r\nCSeq: 7 FOO\r\nt: <sip:a@b>;tag=x\r\n\r\n");
    const Message m = parsed(text);
    CHECK(m.is_response());
    CHECK(m.status() == 180);
    CHECK(m.reason() == "Ringing now");
    CHECK(m.method() == Method::other);
    CHECK(m.method_name() == "FOO");
    CHECK(m.to_tag() == "x");
    CHECK(m.header(Header::to) == "<sip:a@b>;tag=x");
    CHECK(m.header("To") == "<sip:a@b>;tag=x");
    CHECK(m.header("T") == "<sip:a@b>;tag=x");
    CHECK_FALSE(m.header(Header::from));
}

TEST_CASE("read() uses the object again and leaves nothing of the message before") {
    Message m;
    REQUIRE(m.read(invite));
    const std::string other = "SIP/2.0 200 \nX: y\n\n";
    REQUIRE(m.read(other));
    CHECK(m.is_response());
    CHECK(m.reason().empty());
    CHECK(m.fields().size() == 1);
    CHECK(m.call_id().empty());
    CHECK_FALSE(m.cseq());
    CHECK_FALSE(m.content_length());
    CHECK(m.body().empty());
    CHECK_FALSE(m.read("nothing of the kind\r\n\r\n"));
    CHECK(m.fields().empty());
    CHECK(m.text().empty());
    CHECK(m.start_line().empty());
}

TEST_CASE("a Message may be copied: its parts are offsets") {
    const Exact text(invite);
    Message copy;
    {
        const Message m = parsed(text);
        copy = m;
    }
    CHECK(copy.call_id() == "a84b4c76e66710@pc33.example.com");
}

TEST_CASE("RFC 3261 7.3.3: compact forms and any case are the same field") {
    const Exact text(
        "OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKx\r\nF: <sip:a@b>;tag=1\r\n"
        "T: <sip:c@d>;tag=2\r\nI: id\r\ncSeQ: 1 OPTIONS\r\nM: *\r\nL: 0\r\nK: a\r\nX: 90\r\nO: "
        "dialog\r\n"
        "subscription-STATE: active\r\n\r\n");
    const Message m = parsed(text);
    CHECK(m.branch() == "z9hG4bKx");
    CHECK(m.from_tag() == "1");
    CHECK(m.to_tag() == "2");
    CHECK(m.call_id() == "id");
    CHECK(m.content_length() == 0u);
    CHECK(m.header(Header::supported) == "a");
    CHECK(m.header(Header::session_expires) == "90");
    CHECK(m.header(Header::event) == "dialog");
    CHECK(m.header(Header::subscription_state) == "active");
}

TEST_CASE("each known header is found by its own name, in any case, and by nothing like it") {
    for (auto i = static_cast<unsigned>(Header::accept);
         i <= static_cast<unsigned>(Header::www_authenticate); ++i) {
        const auto id = static_cast<Header>(i);
        const Exact name{to_string(id)};
        std::string other(name.text());
        REQUIRE_FALSE(other.empty());
        CHECK(sip::header_of(name.text()) == id);
        for (char& c : other) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        CHECK(sip::header_of(other) == id);
        for (std::size_t at = 0; at < other.size(); ++at) {
            std::string wrong = other;
            wrong[at] = wrong[at] == '-' ? '\r' : '#';
            CHECK(sip::header_of(wrong) == Header::other);
        }
        CHECK(sip::header_of(other + "s") == Header::other);
    }
    CHECK(sip::header_of("") == Header::other);
    CHECK(sip::header_of("q") == Header::other);
    CHECK(sip::header_of(std::string(200, 'a')) == Header::other);
}

TEST_CASE("RFC 3841 10: the compact forms of Accept-Contact and Reject-Contact") {
    const Exact text(with("a: *;audio\r\nReject-Contact: *;video"));
    const Message m = parsed(text);
    CHECK(m.header("accept-contact") == "*;audio");
    CHECK(m.header("j") == "*;video");
    CHECK_FALSE(m.header("Accept-Language"));
}

TEST_CASE("RFC 3261 7.3.1: folded values are one value") {
    const Exact text(with("Subject: I know\r\n you're\r\n\t there\r\nX: y"));
    const Message m = parsed(text);
    const auto& f = m.fields()[0];
    CHECK(f.folded);
    CHECK(m.unfolded(f) == "I know you're there");
    CHECK(m.value(f) == "I know\r\n you're\r\n\t there");
    CHECK_FALSE(m.fields()[1].folded);
}

TEST_CASE("RFC 3261 7.3.1: values() takes lists apart, but not at quoted or bracketed commas") {
    const Exact text(
        with("Contact: \"a, b\" <sip:x,y@h>;q=1 , <sip:z@h>,\r\nm: *\r\n"
             "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\nSupported:\r\nAllow: A,,B"));
    const Message m = parsed(text);
    const auto contacts = m.values(Header::contact);
    REQUIRE(contacts.size() == 3);
    CHECK(contacts[0] == "\"a, b\" <sip:x,y@h>;q=1");
    CHECK(contacts[1] == "<sip:z@h>");
    CHECK(contacts[2] == "*");
    CHECK(m.values(Header::www_authenticate).size() == 1);
    CHECK(m.values(Header::supported).empty());
    CHECK(m.header(Header::supported) == "");
    CHECK(m.values(Header::allow).size() == 2);
    CHECK(m.values(Header::other).empty());
}

TEST_CASE("trap 43: bare LF ends a line, in the whole message or in some lines") {
    std::string text = invite;
    for (std::size_t at; (at = text.find('\r')) != text.npos;) text.erase(at, 1);
    const Exact all(text);
    const Message m = parsed(all);
    CHECK(m.fields().size() == 9);
    CHECK(m.version() == "SIP/2.0");
    CHECK(m.call_id() == "a84b4c76e66710@pc33.example.com");
    CHECK(m.body() == "v=0\n");
    const Exact some("OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\nCSeq: 1 OPTIONS\r\n\nbody");
    CHECK(parsed(some).body() == "body");
}

TEST_CASE("trap 44: white space before the colon, space or tab") {
    const Exact text(
        "OPTIONS sip:a SIP/2.0\r\nCall-ID\t: one\r\nCSeq \t : 1 OPTIONS\r\nv :x;branch=b\r\n\r\n");
    const Message m = parsed(text);
    CHECK(m.call_id() == "one");
    CHECK(m.cseq()->number == 1);
    CHECK(m.branch() == "b");
    CHECK(m.name(m.fields()[0]) == "Call-ID");
}

TEST_CASE("trap 45: extension methods, compact and lower-case names, a folded Call-ID") {
    const Exact text("PING sip:a SIP/2.0\r\ncall-id:\r\n  folded@host\r\ncseq: 3\r\n PING\r\n\r\n");
    const Message m = parsed(text);
    CHECK(m.method() == Method::other);
    CHECK(m.method_name() == "PING");
    CHECK(m.call_id() == "folded@host");
    CHECK(m.fields()[0].folded);
    REQUIRE(m.cseq());
    CHECK(m.cseq()->number == 3);
    CHECK(m.cseq()->method_name == "PING");
    const Exact middle(with("i: one\r\n two"));
    CHECK(parsed(middle).call_id() == "one\r\n two");
}

TEST_CASE("trap 46: a Call-ID of 4096 bytes, an empty Warning, an empty user, a garbled CSeq") {
    const std::string id(4096, 'x');
    const Exact text("INVITE sip:@host SIP/2.0\r\nCall-ID: " + id +
                     "\r\nWarning:\r\nCSeq: INVITE 1\r\nFrom: <sip:@host>\r\nTo: sip:@\r\n\r\n");
    const Message m = parsed(text);
    CHECK(m.call_id() == id);
    CHECK(m.header(Header::warning) == "");
    CHECK(m.values(Header::warning).empty());
    CHECK_FALSE(m.cseq());
    CHECK(m.from_tag().empty());
    CHECK(m.to_tag().empty());
    for (const char* garbage :
         {"", "1", "99999999999 INVITE", "-1 INVITE", "1INVITE", "0x1 INVITE", " "}) {
        const Exact odd(std::string("INVITE sip:a SIP/2.0\r\nCSeq: ") + garbage + "\r\n\r\n");
        CHECK_FALSE(parsed(odd).cseq());
    }
    const Exact large("SIP/2.0 200 OK\r\nCSeq: 99999999999 BYE\r\n\r\n");
    CHECK(parsed(large).method() == Method::bye);
}

TEST_CASE("trap 47: a tag is the field's, never out of a display name or a URI") {
    const auto from_tag = [](const std::string& value) {
        const Exact text(with("From: " + value));
        return std::string(parsed(text).from_tag());
    };
    CHECK(from_tag("\"sip:evil@h;tag=bad\" <sip:a@b>;tag=good") == "good");
    CHECK(from_tag("\"<sip:evil@h>;tag=bad\" <sip:a@b>;tag=good") == "good");
    CHECK(from_tag("\"\\\"<x>;tag=bad\" <sip:a@b;tag=worse>;x=\"tag=bad\";tag=good") == "good");
    CHECK(from_tag("<sip:a@b;tag=bad>") == "");
    CHECK(from_tag("<sip:a@b>;tag=good;x=<y>;tag=bad") == "good");
    CHECK(from_tag("<sip:a@b>;x=\"<y>;tag=bad\";tag=good") == "good");
    CHECK(from_tag("\"a > b\" <sip:a@b>;tag=good") == "good");
    CHECK(from_tag("<sip:a@b>;TAG=good;tag=bad") == "good");
    CHECK(from_tag("<sip:a@b> ; tag = good ; x") == "good");
    CHECK(from_tag("<sip:a@b>;lr;tag=good") == "good");
    CHECK(from_tag("<sip:a@b>;tag=") == "");
    CHECK(from_tag("sip:a@b;tag=good") == "good");
    CHECK(from_tag("<sip:a@b") == "");
    CHECK(from_tag("\"never closed <sip:a@b>;tag=good") == "good");
    CHECK(from_tag("sip:a@b;x=1 ; TAG = good ") == "good");
    CHECK(from_tag("<sip:a@b>;stag=1;tag=\"quoted\"") == "quoted");
    CHECK(from_tag("\"a\" \"<\" <sip:a@b>;tag=good") == "good");
    CHECK(from_tag("<sip:a@b") == "");
    CHECK(from_tag("") == "");
}

TEST_CASE("the branch is the topmost Via's, also in a list and behind a fold") {
    const auto branch = [](const std::string& value) {
        const Exact text(with("Via: " + value + "\r\nVia: SIP/2.0/UDP z;branch=z9hG4bKz"));
        return std::string(parsed(text).branch());
    };
    CHECK(branch("SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2") == "z9hG4bK1");
    CHECK(branch("SIP/2.0/UDP a, SIP/2.0/UDP b;branch=z9hG4bK2") == "");
    CHECK(branch("SIP/2.0/UDP a;x=\",\";branch=q") == "q");
    CHECK(branch("SIP / 2.0 / UDP a ; branch =\r\n z9hG4bK3;rport") == "z9hG4bK3");
    CHECK(branch("SIP/2.0/UDP a;branch=z9hG4bK%1/:,") == "z9hG4bK%1/:");
    CHECK(branch("SIP/2.0/UDP a;branch") == "");
    CHECK(branch("SIP/2.0/UDP a;rport;received=192.0.2.1;branch=z9hG4bK4") == "z9hG4bK4");
    CHECK(branch("SIP/2.0/UDP a;BRANCH=z9hG4bK5;branch=z9hG4bK6") == "z9hG4bK5");
    CHECK(branch("SIP/2.0/UDP a;branch=z9hG4bK7 INVITE;rport") == "z9hG4bK7 INVITE");
    CHECK(branch("SIP/2.0/UDP a;x=\";branch=no\";branch=z9hG4bK8") == "z9hG4bK8");
    CHECK(branch("SIP/2.0/UDP a;branch=\"z9hG4bK9\"") == "z9hG4bK9");
}

TEST_CASE("trap 79: a Content-Length beyond 32 bits does not wrap") {
    const Exact text(with("Content-Length: 4294967328") + std::string(64, 'b'));
    const Message m = parsed(text);
    CHECK(m.content_length() == 4294967328u);
    CHECK(m.body().size() == 64);
    CHECK(m.body_cut());
    for (const char* bad : {"-999", "18446744073709551616", "1e3", "12 bytes", "", "0x10"}) {
        const Exact odd(with(std::string("l: ") + bad) + "body");
        CHECK_FALSE(parsed(odd).content_length());
        CHECK(parsed(odd).body() == "body");
    }
}

TEST_CASE(
    "RFC 3261 20.14: Content-Length that contradicts itself says nothing; the same twice does") {
    const Exact two(with("Content-Length: 2\r\nl: 3") + "body");
    CHECK_FALSE(parsed(two).content_length());
    CHECK(parsed(two).body() == "body");
    const Exact same(with("Content-Length: 2\r\nl: 2") + "body");
    CHECK(parsed(same).body() == "bo");
}

TEST_CASE("trap 82: 'SIP/2.00 505' is a message, and so is SIP/7.0") {
    const Exact text("SIP/2.00 505 Version Not Supported\r\nCSeq: 1 OPTIONS\r\n\r\n");
    CHECK(parsed(text).status() == 505);
    CHECK(parsed(text).version() == "SIP/2.00");
    const Exact seven("OPTIONS sip:a SIP/7.0\r\nCSeq: 1 OPTIONS\r\n\r\n");
    CHECK(parsed(seven).version() == "SIP/7.0");
}

TEST_CASE("RFC 4475 3.1.2: odd spaces in the start line are read") {
    for (const char* line :
         {"INVITE  sip:a@b  SIP/2.0", "INVITE\tsip:a@b\tSIP/2.0", "INVITE sip:a@b SIP/2.0  "}) {
        const Exact text(std::string(line) + "\r\nCSeq: 1 INVITE\r\n\r\n");
        CHECK(parsed(text).request_uri() == "sip:a@b");
    }
    const Exact inner("INVITE sip:a@b; lr SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n");
    CHECK(parsed(inner).request_uri() == "sip:a@b; lr");
    const Exact no_uri("INVITE SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n");
    CHECK(parsed(no_uri).request_uri().empty());
    const Exact leading("\r\n\r\nOPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n");
    CHECK(parsed(leading).method() == Method::options);
}

TEST_CASE("what has no start line or no fields is refused, with the place") {
    for (const char* text :
         {"", "\r\n\r\n", "INVITE", "INVITE sip:a", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
          "SIP/2.0 OK\r\nA: b\r\n\r\n", "SIP/2.0 4294967301 x\r\nA: b\r\n\r\n",
          "SIP/2.0 000 x\r\nA: b\r\n\r\n", "SIP/2.0 20 x\r\nA: b\r\n\r\n",
          "IN(VITE sip:a SIP/2.0\r\nA: b\r\n\r\n", "OPTIONS sip:a SIP/2.0\r\n\r\n",
          "OPTIONS sip:a SIP/2.0\r\n\r\nA: b\r\n", "OPTIONS sip:a SIP/2.0\r\nno colon here\r\n\r\n",
          "OPTIONS sip:a SIP/2.0\rA: b\r\r"}) {
        const Exact exact{std::string_view(text)};
        const auto m = Message::parse(exact.text());
        CHECK_FALSE(m);
        if (!m) CHECK(m.error().offset <= exact.text().size());
        CHECK_FALSE(m);
    }
    const Exact half(std::string_view("INVITE sip:a SIP/2.0"));
    CHECK(Message::parse(half.text()).error().code == Errc::truncated);
    const Exact bad(std::string_view("\r\nhello world\r\n\r\n"));
    CHECK(Message::parse(bad.text()).error().code == Errc::malformed);
    CHECK(Message::parse(bad.text()).error().offset == 2);
}

TEST_CASE("more fields than anybody sends are refused") {
    std::string text = "OPTIONS sip:a SIP/2.0\r\n";
    for (std::size_t i = 0; i < Message::max_fields; ++i) text += "A: b\r\n";
    CHECK(Message::parse(text + "\r\n"));
    const auto m = Message::parse(text + "A: b\r\n\r\n");
    REQUIRE_FALSE(m);
    CHECK(m.error().code == Errc::too_large);
}

TEST_CASE("a line that is no field is kept as one without a name") {
    const Exact text(
        "OPTIONS sip:a SIP/2.0\r\n leading: blank\r\nno colon\r\n: no name\r\nA: b\r\nx\r\n y: "
        "z\r\n\r\n");
    const Message m = parsed(text);
    REQUIRE(m.fields().size() == 5);
    CHECK(m.name(m.fields()[0]).empty());
    CHECK(m.value(m.fields()[0]) == "leading: blank");
    CHECK(m.value(m.fields()[1]) == "no colon");
    CHECK(m.value(m.fields()[2]) == ": no name");
    CHECK(m.name(m.fields()[3]) == "A");
    CHECK(m.name(m.fields()[4]).empty());
}

TEST_CASE("NUL bytes and a missing blank line are read over") {
    const Exact text(std::string_view("OPTIONS sip:a SIP/2.0\r\nSubject: a\0b\r\nCSeq: 1 OPT", 48));
    const Message m = parsed(text);
    CHECK(m.header(Header::subject)->size() == 3);
    CHECK(m.cseq()->method_name == "OPT");
    CHECK(m.body().empty());
    CHECK_FALSE(m.body_cut());
}

TEST_CASE("every truncation of a message parses or is an error, and reads nothing outside") {
    for (std::size_t n = 0; n <= invite.size(); ++n) {
        const Exact text(std::string_view(invite).substr(0, n));
        const auto m = Message::parse(text.text());
        if (!m) {
            CHECK(n < 60);
            continue;
        }
        (void)m->from_tag();
        (void)m->branch();
        (void)m->cseq();
        for (const auto& f : m->fields()) (void)m->unfolded(f);
    }
}

TEST_CASE("looks_like_sip knows a start line, and nothing else") {
    CHECK(sip::looks_like_sip("\r\n\r\nINVITE sip:a SIP/2.0\r\n"));
    CHECK(sip::looks_like_sip("SIP/2.0 200 OK\nx"));
    CHECK(sip::looks_like_sip("!x~ tel:1 SIP/2.0\r\n"));
    CHECK_FALSE(sip::looks_like_sip(""));
    CHECK_FALSE(sip::looks_like_sip("\r\n\r\n"));
    CHECK_FALSE(sip::looks_like_sip("INVITE sip:a SIP/2.0"));
    CHECK_FALSE(sip::looks_like_sip("GET / HTTP/1.1\r\n"));
    CHECK_FALSE(sip::looks_like_sip("\x80\x00\x01\x02\r\n"));
}

TEST_CASE("looks_like_sip says of every first line what reading it says") {
    for (std::string_view start :
         {"SIP/2.0", "SIP/2=.0", "sip/2.0", "SIP/", "SIP", "INVITE", "!x~", "a/b", ""})
        for (std::string_view blank : {" ", "  ", "\t", ""})
            for (std::string_view middle :
                 {"200", "000", "099", "20", "401 x", "sip:a", "2000", "200:", ""})
                for (std::string_view end :
                     {" SIP/2.0", " SIP/2.0 ", "  SIP/2.0", " sip/1", " SIP/", "", " OK"}) {
                    std::string line(start);
                    line.append(blank).append(middle).append(end);
                    CAPTURE(line);
                    const Exact text(line + "\r\n");
                    const std::string_view read = std::string_view(line).substr(0, line.find('\n'));
                    CHECK(sip::looks_like_sip(text.text()) ==
                          sip::parse_start_line(read).has_value());
                }
}

TEST_CASE("RFC 3261 7.1: methods are case-sensitive") {
    CHECK(sip::method_of("INVITE") == Method::invite);
    CHECK(sip::method_of("invite") == Method::other);
    for (auto i = static_cast<unsigned>(Method::invite); i <= static_cast<unsigned>(Method::update);
         ++i) {
        const auto method = static_cast<Method>(i);
        CHECK(sip::method_of(to_string(method)) == method);
    }
    CHECK(to_string(Method::other).empty());
}
