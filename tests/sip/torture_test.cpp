// The SIP torture messages of RFC 4475: a verdict for each, from that RFC's own words.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libsipana/sip/body.h"
#include "libsipana/sip/builder.h"
#include "libsipana/sip/check.h"
#include "libsipana/sip/splitter.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

const std::filesystem::path folder = "../shared/torture/rfc4475";

struct Verdict {
    const char* file;
    const char* section;             // of RFC 4475
    bool accepted;                   // parse() takes it
    std::vector<std::string> rules;  // what check() says, each rule once, in order of name
};

// "valid" and "invalid" are folder names of the collection, not verdicts.
const std::vector<Verdict> verdicts{
    {"valid/wsinv.dat", "3.1.1.1", true, {"sip-branch-cookie"}},  // legal; the branch is RFC 2543's
    {"valid/intmeth.dat", "3.1.1.2", true, {"sip-uri-password"}},  // legal, and NOT RECOMMENDED
    {"valid/esc01.dat", "3.1.1.3", true, {}},
    {"valid/escnull.dat", "3.1.1.4", true, {}},
    {"valid/esc02.dat", "3.1.1.5", true, {}},
    {"valid/lwsdisp.dat", "3.1.1.6", true, {}},
    {"valid/longreq.dat", "3.1.1.7", true, {"sip-branch-missing"}},
    {"valid/dblreq.dat",
     "3.1.1.8",
     true,
     {"sip-trailing-bytes"}},  // the second request is discarded
    {"valid/semiuri.dat", "3.1.1.9", true, {}},
    {"valid/transports.dat", "3.1.1.10", true, {}},
    {"valid/mpart01.dat",
     "3.1.1.11",
     true,
     {"sip-message-contact"}},  // well-formed; RFC 3428 forbids it
    {"valid/unreason.dat", "3.1.1.12", true, {}},
    {"valid/noreason.dat", "3.1.1.13", true, {}},
    {"invalid/badinv01.dat",
     "3.1.2.1",
     true,
     {"sip-branch-missing", "sip-empty-element", "sip-empty-parameter", "sip-via-syntax"}},
    {"invalid/clerr.dat", "3.1.2.2", true, {"sip-body-cut"}},
    {"invalid/ncl.dat", "3.1.2.3", true, {"sip-content-length-syntax"}},
    {"invalid/scalar02.dat",
     "3.1.2.4",
     true,
     {"sip-cseq-range", "sip-expires-syntax", "sip-max-forwards-range"}},
    {"invalid/scalarlg.dat",
     "3.1.2.5",
     true,
     {"sip-cseq-range", "sip-retry-after-syntax", "sip-to-tag-missing", "sip-warning-syntax"}},
    {"invalid/quotbal.dat", "3.1.2.6", true, {"sip-quote-unbalanced"}},
    {"invalid/ltgtruri.dat", "3.1.2.7", true, {"sip-branch-missing", "sip-request-uri-brackets"}},
    {"invalid/lwsruri.dat", "3.1.2.8", true, {"sip-request-uri-space"}},
    {"invalid/lwsstart.dat", "3.1.2.9", true, {"sip-start-line-space"}},
    {"invalid/trws.dat", "3.1.2.10", true, {"sip-start-line-space"}},
    {"invalid/escruri.dat", "3.1.2.11", true, {"sip-request-uri-headers"}},
    {"invalid/baddate.dat", "3.1.2.12", true, {"sip-date-syntax"}},
    {"invalid/regbadct.dat", "3.1.2.13", true, {"sip-addr-spec-brackets"}},
    {"invalid/badaspec.dat", "3.1.2.14", true, {"sip-uri-space"}},
    {"invalid/baddn.dat",
     "3.1.2.15",
     true,
     {"sip-display-name", "sip-head-unfinished"}},  // the file has no blank line
    {"invalid/badvers.dat", "3.1.2.16", true, {"sip-version"}},
    {"invalid/mismatch01.dat", "3.1.2.17", true, {"sip-cseq-method"}},
    {"invalid/mismatch02.dat", "3.1.2.18", true, {"sip-cseq-method"}},
    {"invalid/bigcode.dat",
     "3.1.2.19",
     false,
     {}},  // "simply drop it": no status code has ten digits
    {"invalid/badbranch.dat", "3.2.1", true, {"sip-branch-empty"}},
    {"invalid/insuf.dat", "3.3.1", true, {"sip-contact-missing", "sip-field-missing"}},
    {"invalid/unkscm.dat", "3.3.2", true, {"sip-uri-scheme"}},
    {"invalid/novelsc.dat", "3.3.3", true, {"sip-uri-scheme"}},
    {"invalid/unksm2.dat", "3.3.4", true, {}},
    {"invalid/bext01.dat", "3.3.5", true, {}},
    {"invalid/invut.dat", "3.3.6", true, {}},
    {"invalid/regaut01.dat", "3.3.7", true, {}},
    {"invalid/multi01.dat", "3.3.8", true, {"sip-contact-several", "sip-field-repeated"}},
    {"invalid/mcl01.dat", "3.3.9", true, {"sip-field-repeated"}},
    {"invalid/bcast.dat", "3.3.10", true, {"sip-via-address"}},
    {"invalid/zeromf.dat", "3.3.11", true, {"sip-max-forwards-zero"}},
    {"invalid/cparam01.dat", "3.3.12", true, {}},
    {"invalid/cparam02.dat", "3.3.13", true, {}},
    {"invalid/regescrt.dat", "3.3.14", true, {}},
    {"invalid/sdp01.dat", "3.3.15", true, {}},
    {"invalid/inv2543.dat",
     "3.4.1",
     true,  // taken, as RFC 2543 meant it
     {"sip-branch-missing", "sip-contact-missing", "sip-field-missing", "sip-from-tag-missing",
      "sip-record-route-lr"}},
};

std::string bytes_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool absent() {
    if (std::filesystem::is_directory(folder)) return false;
    MESSAGE("skipped: ../shared/torture/rfc4475 is absent");
    return true;
}

Message message_of(const char* name, std::string& text) {
    text = bytes_of(folder / name);
    const auto m = Message::parse(text);
    REQUIRE(m);
    return *m;
}

}  // namespace

TEST_CASE("RFC 4475: the verdict on each torture message") {
    if (absent()) return;
    for (const Verdict& v : verdicts) {
        CAPTURE(v.file);
        CAPTURE(v.section);
        const Exact text(bytes_of(folder / v.file));
        REQUIRE_FALSE(text.text().empty());
        const auto m = Message::parse(text.text());
        CHECK(m.has_value() == v.accepted);
        if (!m) continue;
        std::vector<Finding> findings;
        check(*m, findings);
        std::vector<std::string> rules;
        for (const Finding& f : findings) rules.emplace_back(f.rule);
        std::sort(rules.begin(), rules.end());
        rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
        CHECK(rules == v.rules);
    }
}

TEST_CASE("RFC 4475: no message is without a verdict") {
    if (absent()) return;
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        ++files;
        const std::string name = std::filesystem::relative(entry.path(), folder).generic_string();
        CHECK_MESSAGE(std::any_of(verdicts.begin(), verdicts.end(),
                                  [&](const Verdict& v) { return v.file == name; }),
                      name);
    }
    CHECK(files == verdicts.size());
    CHECK(files == 49);
}

TEST_CASE("RFC 4475: what the messages say is read as the RFC explains it") {
    if (absent()) return;
    std::string text;
    {
        const Message m = message_of("valid/wsinv.dat", text);
        CHECK(m.to_tag() == "1918181833n");
        CHECK(m.from_tag() == "98asjd8");
        CHECK(m.branch() == "390skdjuw");
        CHECK(m.cseq()->number == 9);
        CHECK(m.values(Header::via).size() == 3);
        CHECK(m.content_length() == 150u);
        CHECK(sdp_of(m)->size() == 150);
    }
    {
        const Message m = message_of("valid/dblreq.dat", text);
        CHECK(m.method() == Method::register_);
        CHECK(m.body().empty());
    }
    {
        const Message m = message_of("valid/esc02.dat", text);
        CHECK(m.method() == Method::other);            // RE%47IST%45R is not REGISTER
        CHECK(m.values(Header::contact).size() == 2);  // C%6Fntact is not Contact
    }
    {
        const Message m = message_of("valid/longreq.dat", text);
        CHECK(m.values(Header::via).size() == 34);
        CHECK(m.from_tag().size() == 155);
    }
    {
        const Message m = message_of("valid/mpart01.dat", text);
        const auto parts = parts_of(m);
        REQUIRE(parts.size() == 2);
        CHECK(parts[0].body == "Hello");
        CHECK(parts[1].content_type == "application/octet-stream");
        CHECK_FALSE(sdp_of(m));
    }
    {
        const Message m = message_of("invalid/quotbal.dat", text);
        CHECK(m.to_tag().empty());
        CHECK(m.from_tag() == "93334");
    }
    {
        const Message m = message_of("invalid/scalarlg.dat", text);
        CHECK_FALSE(m.cseq());
        CHECK(m.method() == Method::options);
    }
    {
        const Message m = message_of("invalid/mcl01.dat", text);
        CHECK_FALSE(m.content_length());
    }
}

TEST_CASE("RFC 4475: every truncation of every message, through parser, checker and splitter") {
    if (absent()) return;
    for (const Verdict& v : verdicts) {
        const std::string text = bytes_of(folder / v.file);
        for (std::size_t n = 0; n <= text.size(); ++n) {
            const Exact part(std::string_view(text).substr(0, n));
            Splitter splitter;
            splitter.feed(part.bytes(), true);
            splitter.finish();
            std::size_t given = 0;
            while (const auto piece = splitter.poll()) given += piece->text.size();
            CHECK(given + splitter.skipped() + splitter.keepalives() == n);
            const auto m = Message::parse(part.text());
            if (!m) continue;
            std::vector<Finding> findings;
            check(*m, findings);
            for (const Finding& f : findings) CHECK(f.byte <= n);
            (void)sdp_of(*m);
            (void)parts_of(*m);
        }
    }
}

TEST_CASE("RFC 4475: each message that can be written again is the same message") {
    if (absent()) return;
    std::size_t written_again = 0;
    for (const Verdict& v : verdicts) {
        const std::string text = bytes_of(folder / v.file);
        const auto m = Message::parse(text);
        if (!m) continue;
        const auto written = Builder::from(*m).write();
        if (!written) continue;
        ++written_again;
        const auto again = Message::parse(*written);
        REQUIRE(again);
        CHECK(again->method_name() == m->method_name());
        CHECK(again->status() == m->status());
        CHECK(again->from_tag() == m->from_tag());
        CHECK(again->branch() == m->branch());
        CHECK(again->body() == m->body());
        CHECK(*Builder::from(*again).write() == *written);
    }
    CHECK(written_again >= 44);
}
