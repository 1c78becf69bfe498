#include "libsipana/lab/script.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/base/random.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::lab;
using namespace std::chrono_literals;

namespace {

const std::string head =
    "phone alice 100@A password test audio pcmu,pcma video h264\n"
    "phone bob 900@B\n"
    "phone carol\n"
    "server A 192.168.1.153\n"
    "server B 192.168.1.154\n";

Result<std::string> load(std::string_view file) {
    if (file == "missing") return Error{Errc::not_found, 0, "missing: no such file"};
    return "of " + std::string(file);
}

Script parsed(std::string_view text) {
    const Exact exact(text);
    auto s = parse_script(exact.text(), "test", load);
    REQUIRE_MESSAGE(s.has_value(), (s ? std::string{} : s.error().what) << "\n" << text);
    return std::move(*s);
}

Script with(std::string_view lines) { return parsed(head + std::string(lines)); }

std::string complaint(std::string_view text) {
    const Exact exact(text);
    const auto s = parse_script(exact.text(), "test", load);
    return s ? "none" : s.error().what;
}

std::string complaint_with(std::string_view line) { return complaint(head + std::string(line)); }

const Send& send(const Script& s, std::size_t i = 0) { return std::get<Send>(s.steps.at(i).what); }
const Expect& expect(const Script& s, std::size_t i = 0) {
    return std::get<Expect>(s.steps.at(i).what);
}

// The writer's own view of a script is read back as the same script.
void check_round_trip(std::string_view text) {
    const Script once = parsed(text);
    const std::string written = write(once);
    const auto again = parse_script(written, "test");
    INFO(text);
    INFO(written);
    REQUIRE_MESSAGE(again.has_value(), again.error().what);
    CHECK(*again == once);
    CHECK(write(*again) == written);
}

}  // namespace

TEST_CASE("Script: the design's example is what it says") {
    const Script s = parsed(R"(# busy through the   trunk
phone  alice  100@A  password test      audio pcmu  video h264
phone  bob    900@B  password vitrygtr  audio pcmu
server A 192.168.1.153
server B 192.168.1.154

alice -> A      REGISTER                     # 401 and the second try are housekeeping
bob   -> B      REGISTER
alice -> A      INVITE 900   sdp offer
B     -> bob    INVITE
bob   -> B      486          after 200ms
A     -> alice  486          within 2s

check alice  final 486
)");
    CHECK(s.title == "busy through the trunk");
    REQUIRE(s.phones.size() == 2);
    CHECK(s.phones[0].user == "100");
    CHECK(s.phones[0].domain == "A");
    CHECK(s.phones[0].password == "test");
    CHECK(s.phones[0].video == std::vector<std::string>{"h264"});
    REQUIRE(s.servers.size() == 2);
    CHECK(s.servers[1].at == "192.168.1.154");
    REQUIRE(s.steps.size() == 6);
    CHECK(s.steps[2].phone == "alice");
    CHECK(s.steps[2].peer == "A");
    CHECK(s.steps[2].where.line == 9);
    CHECK(s.steps[2].text == "alice -> A INVITE 900 sdp offer");
    CHECK(std::get<Request>(send(s, 2).what).target == "900");
    CHECK(send(s, 2).sdp.kind == SdpKind::offer);
    CHECK(s.steps[3].phone == "bob");
    CHECK(expect(s, 3).any_of == std::vector<Pattern>{{"INVITE", 0, 0}});
    CHECK(std::get<Response>(send(s, 4).what).code == 486);
    CHECK(send(s, 4).after == 200ms);
    CHECK(expect(s, 5).any_of == std::vector<Pattern>{{"", 486, 486}});
    CHECK(expect(s, 5).within == std::optional<Duration>(2s));
    REQUIRE(s.checks.size() == 1);
    CHECK(s.checks[0].words == std::vector<std::string>{"alice", "final", "486"});
}

TEST_CASE("Script: a line between two of our phones is one that sends and one that expects") {
    const Script s = with(
        "alice -> bob/second INVITE  sdp offer  within 3s  where header Contact  drop 1\n"
        "bob/second -> alice 486 \"Busy\"  no ack\n");
    REQUIRE(s.steps.size() == 4);
    CHECK(s.steps[0].phone == "alice");
    CHECK(s.steps[0].peer == "bob");
    CHECK(send(s, 0).faults.drop == 1);
    CHECK(s.steps[1].phone == "bob");
    CHECK(s.steps[1].peer == "alice");
    CHECK(s.steps[1].call == "second");
    CHECK(expect(s, 1).any_of == std::vector<Pattern>{{"INVITE", 0, 0}});
    CHECK(expect(s, 1).within == std::optional<Duration>(3s));
    CHECK(expect(s, 1).where.size() == 1);
    CHECK(s.steps[1].where.line == s.steps[0].where.line);
    CHECK(s.steps[2].call == "second");
    CHECK(expect(s, 3).no_ack);
    CHECK_FALSE(send(s, 2).faults.no_ack);
}

TEST_CASE("Script: half arrows between two of our phones send without waiting, or wait only") {
    const Script s = with("alice ->| bob INVITE drop 20\nbob |-> alice 408 or nothing within 5s\n");
    REQUIRE(s.steps.size() == 2);
    CHECK(send(s, 0).faults.drop == 20);
    CHECK(s.steps[1].phone == "alice");
    CHECK(expect(s, 1).or_nothing);
    CHECK(with("alice -> bob raw \"junk\"").steps.size() == 1);  // nothing can be expected of that
}

TEST_CASE("Script: expectations say alternatives, silence, conditions and what is remembered") {
    const Script s = with(
        "A -> alice 180? or 183?\n"
        "A -> alice 4xx or 600..604 or INVITE or any within 2s else sorry copies 2 goto done\n"
        "B -> bob nothing for 2s\n"
        "A -> alice 200 for INVITE sdp answer no ack where header Contact matches \"a.*\" "
        "where no header Require where body not contains x where request-uri is \"sip:x\" "
        "let target = header Contact \"<(.*)>\" let all = body\n"
        "alice label sorry\nalice label done\n");
    CHECK(expect(s, 0).optional);
    CHECK(expect(s, 0).any_of.size() == 2);
    const Expect& e = expect(s, 1);
    CHECK(e.any_of ==
          std::vector<Pattern>{{"", 400, 499}, {"", 600, 604}, {"INVITE", 0, 0}, {"", 0, 0}});
    CHECK(e.otherwise == "sorry");
    CHECK(e.jump == "done");
    CHECK(e.copies == 2);
    CHECK(expect(s, 2).nothing);
    CHECK(expect(s, 2).within == std::optional<Duration>(2s));
    const Expect& c = expect(s, 3);
    CHECK(c.for_method == "INVITE");
    CHECK(c.sdp == SdpKind::answer);
    CHECK(c.no_ack);
    REQUIRE(c.where.size() == 4);
    CHECK(c.where[0] == Where{Where::Test::matches, "Contact", "a.*", false});
    CHECK(c.where[1] == Where{Where::Test::absent, "Require", "", false});
    CHECK(c.where[2] == Where{Where::Test::contains, "", "x", true});
    CHECK(c.where[3] == Where{Where::Test::is, "request-uri", "sip:x", false});
    REQUIRE(c.captures.size() == 2);
    CHECK(c.captures[0] == Capture{"target", "Contact", "<(.*)>"});
    CHECK(c.captures[1] == Capture{"all", "", ""});
}

TEST_CASE("Script: a send says every fault and every change") {
    const Script s = with(
        "alice -> A INVITE sip:900@example.com no ack no retransmission no credentials stale nonce "
        "wrong password cseq 5 cseq -1 cut 200 set \"Max-Forwards: 0\" strip Contact outside "
        "to-tag xyz "
        "replaces alice/consult refer-to carol body text/plain \"hello\" header \"X-Why: because\" "
        "drop 2 duplicate 1 delay 300ms after 1.5s reliable\n"
        "bob -> B 200 for INVITE sdp answer sendonly codecs pcma,pcmu media audio\n");
    const Send& x = send(s);
    CHECK(x.faults == Faults{2, 1, 300ms, true, true, true, true, true, 200});
    CHECK(x.cseq == std::optional<std::int64_t>(5));
    CHECK(x.cseq_add == std::optional<std::int64_t>(-1));
    REQUIRE(x.headers.size() == 3);
    CHECK(x.headers[0] == HeaderChange{HeaderChange::How::set, "Max-Forwards", "0"});
    CHECK(x.headers[1] == HeaderChange{HeaderChange::How::strip, "Contact", ""});
    CHECK(x.headers[2] == HeaderChange{HeaderChange::How::add, "X-Why", "because"});
    CHECK(x.outside);
    CHECK(x.reliable);
    CHECK(x.to_tag == "xyz");
    CHECK(x.replaces == "alice/consult");
    CHECK(x.refer_to == "carol");
    CHECK(x.body_type == "text/plain");
    CHECK(x.body == "hello");
    CHECK(x.after == 1500ms);
    CHECK(send(s, 1).to == "INVITE");
    CHECK(send(s, 1).sdp == SdpWish{SdpKind::answer, "sendonly", {"pcma", "pcmu"}, {"audio"}, ""});
}

TEST_CASE("Script: texts of several lines lose their indentation and end their lines with CRLF") {
    const Script s = with(
        "alice -> A message \"\"\"\n"
        "    OPTIONS sip:A SIP/2.0\n"
        "      X: 1\n"
        "\n"
        "    \"\"\"  after 1s\n"
        "alice -> A raw \"a\\r\\n\\x00\\\"\\\\\\t\"\n"
        "alice -> A raw file x.sip\n");
    const auto& raw = std::get<Raw>(send(s).what);
    CHECK(raw.is_template);
    CHECK(raw.text == "OPTIONS sip:A SIP/2.0\r\n  X: 1\r\n\r\n");
    CHECK(send(s).after == 1s);
    CHECK(std::get<Raw>(send(s, 1).what).text == std::string("a\r\n\0\"\\\t", 7));
    CHECK(std::get<Raw>(send(s, 2).what).text == "of x.sip");
}

TEST_CASE("Script: media both ways are two steps of one block") {
    const Script s = with(
        "alice <> bob audio tone 440Hz 2s\n"
        "alice => A digits 123# by info\n"
        "alice => bob video file x.h264 5s in background\n"
        "alice <> A audio silence 1s\n");
    REQUIRE(s.steps.size() == 5);
    CHECK(s.steps[0].block == 1);
    CHECK(s.steps[1].block == 1);
    CHECK(s.steps[1].phone == "bob");
    CHECK(s.steps[2].block == 0);
    const auto& digits = std::get<MediaStep>(s.steps[2].what);
    CHECK(digits.digits == "123#");
    CHECK(digits.digits_by == MediaStep::DigitsBy::info);
    const auto& video = std::get<MediaStep>(s.steps[3].what);
    CHECK(video.video);
    CHECK(video.file == "x.h264");
    CHECK(video.go_on);
    CHECK(video.duration == 5s);
}

TEST_CASE("Script: repeat copies steps, any order gives each copy its own block") {
    const Script s = with(
        "repeat 3\n any order\n A -> alice 180\n B -> bob INVITE\n end\n alice -> A "
        "OPTIONS\nend\n");
    REQUIRE(s.steps.size() == 9);
    CHECK(s.steps[0].block == 1);
    CHECK(s.steps[1].block == 1);
    CHECK(s.steps[2].block == 0);
    CHECK(s.steps[3].block == 2);
    CHECK(s.steps[6].block == 3);
}

TEST_CASE("Script: a dataset has SIPp's form") {
    const Script s = with("data \"\"\"\n SEQUENTIAL\n # one\n 100;alice;\n 200;;x\n \"\"\"\n");
    REQUIRE(s.rows.size() == 2);
    CHECK(s.rows[0] == std::vector<std::string>{"100", "alice"});
    CHECK(s.rows[1] == std::vector<std::string>{"200", "", "x"});
    CHECK(complaint("data users.csv\n") ==
          "1:6: expected SEQUENTIAL, RANDOM or USER in a dataset's first line");
    CHECK(complaint("data missing\n") == "1:6: missing: no such file");
}

TEST_CASE("Script: what is written is read back as the same script") {
    for (const std::string_view lines : {
             "title Gr\xc3\xbc\xc3\x9f"
             "e \\xff\n",
             "title \"Gr\xc3\xbc \\xff \xe2\x80\x8b\"\n",
             "alice -> A raw \"\"\"\n \xc3\xbc\tx\n \"\"\"\n",
             "title \"a \\\"title\\\"\"\nseed 77\ntimeout 1.5s\norder per phone\n",
             "network delay 20ms jitter 5ms loss 2% burst 3 duplicate 1% reorder 0.7% bandwidth "
             "1.5Mbit\n"
             "network from alice to B media loss 33.3%\nnetwork to alice signalling delay 0s\n",
             "phone dave \"password\" display \"D \\x01 #\" at [2001:db8::1]:5060 transport tls "
             "auth-user x "
             "audio none video vp8,h264 supported 100rel,timer\n"
             "server P 192.0.2.1 transport tcp proxy domain a.example next b.example=A auth "
             "record-route\n"
             "server E exchange captures/a\nserver \\\nF \"exchange\"\n",
             "alice/consult -> A INVITE \"after\" sdp none\nalice -> A FOO-BAR {x}\n"
             "alice -> A INVITE +49 sdp sendonly\nalice -> A BYE sdp \"v=0\\r\\n\"\n",
             "alice -> A INVITE set \"Max-Forwards: 0\" strip Contact header \"X:\" outside to-tag "
             "\"a b\" cseq +0 "
             "cut 0 replaces alice/consult refer-to carol body text/plain \"hel\\nlo\" drop 2 "
             "duplicate 1 "
             "delay 300ms after 90s reliable no ack no retransmission stale nonce wrong password "
             "no credentials\n",
             "alice -> bob INVITE within 3s where header Contact let x = header To \"a\" copies 2 "
             "goto l\n"
             "bob label l\nbob -> alice 486 \"B\\\\usy\" for INVITE no ack\nalice ->| bob BYE\n"
             "bob |-> alice 1xx? or 200?\nbob |-> alice 200 sdp answer\n",
             "alice -> bob message \"\"\"\n INVITE x\n \"\"\"\nalice -> bob raw \"x\"\n"
             "alice -> bob message \"SIP/2.0 200 OK\\r\\n\"\n",
             "A -> alice any or nothing within 1s where no body where message not matches \"x\" "
             "where reason is \"\"\n"
             "A -> alice BYE let y = message where body\nA -> alice nothing for 1h\n",
             "alice <> bob audio tone 440.5Hz 2s\nbob => alice digits \"#1\" by inband 20ms\n"
             "any order\nalice <> bob audio tone\nA -> alice BYE\nend\nalice <> A audio none\n"
             "alice => A video file \"x y.h264\" in background\nalice => A audio file x.wav\n"
             "any order\nend\nalice => A audio silence 3min\nany order\nalice <> bob audio "
             "silence\nend\n",
             "alice pauses 1s..2s\nbob/x pauses 0s\nalice label again\nalice lets x = \"{y} z\"\n"
             "alice goto again if \"{x}\" is not \"y\" chance 30%\nalice goto again\n"
             "alice goto again if \"\" is \"{x}\"\n",
             "check alice flow INVITE 100? 486 ACK\ncheck no findings # comment\n"
             "check alice final 486\ncheck alice header INVITE Contact matches \"a b#\"\n",
             "repeat 2\nany order\nA -> alice 180\nend\nalice -> A BYE\nend\n",
             "data \"\"\"\nSEQUENTIAL\na;b;;\n;x\n\"\"\"\n",
         })
        check_round_trip(head + std::string(lines));
}

TEST_CASE("Script: percentages and durations read back as the same number") {
    Random random(7);
    for (int i = 0; i < 2000; ++i) {
        const std::string digits =
            std::to_string(random.below(100)) + "." + std::to_string(random.next());
        check_round_trip("network loss " + digits.substr(0, 3 + random.below(15)) + "% jitter " +
                         std::to_string(random.below(10'000'000'000'000)) + "ns\n");
    }
}

TEST_CASE("Script: a mistake is told with its line, its column and what was expected") {
    CHECK(complaint("foo") ==
          "1:1: expected a line that begins with title, phone, server, network, seed, timeout, "
          "order, data, "
          "check, repeat, any or end, or with a phone or a server (none is declared), got \"foo\"");
    CHECK(complaint("phon alice").find("did you mean 'phone'?") != std::string::npos);
    CHECK(complaint_with("alcie -> A INVITE") ==
          "6:1: expected a phone or a server (alice, bob, carol, A, B), got \"alcie\"; did you "
          "mean 'alice'?");
    CHECK(complaint_with("A -> B INVITE") ==
          "6:1: expected one of our phones at an end of the arrow: A and B are servers, what they "
          "say to each "
          "other is not ours to script");
    CHECK(complaint_with("alice -> A  invite") ==
          "6:13: expected a method, a code from 100 to 699, 'raw' or 'message', got \"invite\"; "
          "did you mean "
          "'INVITE'?");
    CHECK(complaint_with("alice -> A INVITE after soon") ==
          "6:25: expected a duration (200ms, 1.5s, 3min), got \"soon\"");
    CHECK(complaint_with("alice -> A INVITE 900 heder \"X: 1\"").find("did you mean 'header'?") !=
          std::string::npos);
    CHECK(complaint_with("alice -> A INVITE afer 2s").find("did you mean 'after'?") !=
          std::string::npos);
    CHECK(complaint_with("alice -> A INVITE within 2s") ==
          "6:19: expected what belongs to a message that is sent, got \"within\": nobody of ours "
          "waits for this "
          "one");
    CHECK(complaint_with("A -> alice 200 drop 1").find("which is for what our phones send") !=
          std::string::npos);
    CHECK(complaint_with("A -> alice 700").find("6:12: expected a method, a code") == 0);
    CHECK(complaint_with("A -> alice") ==
          "6:11: expected a method, a code, a class (4xx), a range (480..489), 'any' or 'nothing', "
          "got the end "
          "of the line");
    CHECK(complaint_with("alice -> A INVITE header \"no colon\"")
              .find("6:26: expected a header field") == 0);
    CHECK(complaint_with("alice goto nowhere") ==
          "6:1: expected a label of alice, it has none named 'nowhere'");
    CHECK(complaint_with("repeat 2\nalice -> A BYE") == "6:1: expected an 'end' of this repeat");
    CHECK(complaint_with("end") == "6:1: expected no 'end': nothing is open here");
    CHECK(complaint_with("alice -> A raw \"x") ==
          "6:16: expected a closing quotation mark on the same line (a text of several lines "
          "stands between "
          "\"\"\" and \"\"\")");
    CHECK(complaint_with("alice -> A raw \"\"\"\nx\n").find("6:16: expected a line \"\"\"") == 0);
    CHECK(complaint_with("alice -> A raw \"\\q\"").find("6:17: expected \\\"") == 0);
    CHECK(complaint_with("phone alice").find("6:7: expected a new name") == 0);
    CHECK(complaint("phone x 1@a\nserver A 1.2.3.4") ==
          "1:1: expected the server A behind the @ of x, got \"a\"");
    CHECK(complaint_with("alice <- A 200").find("6:7: expected the arrow ->") == 0);
    CHECK(complaint_with("A -> alice 200 where body matches \"a(\"") ==
          "6:35: expected a regular expression: a parenthesis is open");
    CHECK(complaint_with("A -> alice 200 let x = body \"{nam} a{1,3} [[:alnum:]]\"") == "none");
    CHECK(complaint_with("check alice finale 486").find("6:13: ") == 0);
    CHECK(complaint_with("check alcie final 486").find("6:") == 0);
    CHECK(complaint_with("repeat 10000\nrepeat 10000\nalice -> A BYE\nend\nend\n") ==
          "10:1: expected at most 100000 steps in all");
}

TEST_CASE("Script: one that is cut off anywhere is a script or an error, never more") {
    const std::string whole =
        head +
        "title \"x\\x41\"\nnetwork loss 1% \\\n burst 2\ndata \"\"\"\nSEQUENTIAL\n1;2\n\"\"\"\n"
        "alice -> bob INVITE sdp offer codecs a,b media audio within 2s\n"
        "alice => A digits 12 by rfc4733\nalice pauses 1s..2s\nrepeat 2\nA -> alice 200 for BYE "
        "let x = header To \"(.)\"\nend\ncheck no findings\n";
    for (std::size_t n = 0; n <= whole.size(); ++n) {
        const Exact exact(std::string_view(whole).substr(0, n));
        const auto s = parse_script(exact.text(), "cut");
        if (!s) CHECK(s.error().offset <= n);
    }
}
