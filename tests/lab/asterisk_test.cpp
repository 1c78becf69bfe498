#include "libsipana/lab/asterisk.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/lab/dialplan.h"
#include "libsipana/lab/expression.h"
#include "libsipana/lab/sip_conf.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

ConfigFile config(std::string_view text, std::string_view name = "x.conf") {
    auto file = parse_config(Exact(text).text(), name);
    REQUIRE(file);
    return std::move(*file);
}
SipSettings sip_conf(std::string_view text) {
    ConfigFile file = config(text, "sip.conf");
    auto settings = read_sip_conf(file);
    REQUIRE(settings);
    return std::move(*settings);
}
Dialplan dialplan(std::string_view text) {
    ConfigFile file = config(text, "extensions.conf");
    auto plan = Dialplan::read(file);
    REQUIRE(plan);
    return std::move(*plan);
}
std::string expanded(std::string_view text) {
    return expand(text, [](std::string_view name) -> std::optional<std::string> {
        if (name == "EXTEN") return "err486";
        if (name == "CALLERID(num)") return "100";
        if (name == "NAME") return "EXTEN";
        return std::nullopt;
    });
}

}  // namespace

TEST_CASE("asterisk: comments end lines, span lines, and are escaped") {
    const ConfigFile f = config(
        "; first\n[a] ; b\nx = 1;2\ny => a\\;b ;--c\nz = 9\n--;w=3\n;----- no block\r\nv=4\r\n");
    REQUIRE(f.sections.size() == 1);
    const auto& lines = f.sections[0].lines;
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].value == "1");
    CHECK(lines[1].value == "a;b");
    CHECK(lines[2].key == "w");
    CHECK(lines[2].line == 6);
    CHECK(lines[3].value == "4");
    CHECK(f.notes.empty());
}

TEST_CASE("asterisk: a section begins with the lines of its templates") {
    const ConfigFile f = config("[t](!)\na=1\n[u](!,t)\nb=2\n[p](u)\na=3\n[q](nobody)\n");
    REQUIRE(f.sections.size() == 4);
    CHECK(f.sections[1].is_template);
    CHECK_FALSE(f.sections[2].is_template);
    REQUIRE(f.sections[2].lines.size() == 3);
    CHECK(f.sections[2].lines[0].value == "1");
    CHECK(f.sections[2].lines[2].value == "3");
    REQUIRE(f.notes.size() == 1);
    CHECK(f.notes[0] == "x.conf:7: no template [nobody] above");
}

TEST_CASE("asterisk: a section with a plus goes on with the earlier one of its name") {
    const ConfigFile f = config("[a]\nx=1\n[b]\n[a](+)\ny=2\n[c](+)\nz=3\n");
    REQUIRE(f.sections.size() == 3);
    CHECK(f.sections[0].lines.size() == 2);
    CHECK(f.sections[1].lines.empty());
    CHECK(f.sections[2].lines.size() == 1);
}

TEST_CASE("asterisk: what templates repeat is bounded") {
    std::string text = "[t0](!)\na=1\na=1\n";
    for (int i = 1; i < 40; ++i) {
        const std::string base = "t" + std::to_string(i - 1);
        text += "[t" + std::to_string(i) + "](!," + base + "," + base + ")\n";
    }
    const auto file = parse_config(text, "x.conf");
    REQUIRE_FALSE(file);
    CHECK(file.error().code == Errc::too_large);
}

TEST_CASE("asterisk: what is no line is noted, not fatal") {
    const ConfigFile f = config("a=1\n#exec date\n[x\n[y]\nnonsense\n");
    CHECK(f.notes.size() == 4);
    CHECK(f.sections.size() == 1);
}

TEST_CASE("sip.conf: the practical's peers, and what [general] gives them") {
    const SipSettings s = sip_conf(
        "[general]\ncontext=public\nregister => trunk:azerty@192.168.1.153\n"
        "[alice]\ntype=friend\ncallerid=\"My name\" <100>\nhost=dynamic\nsecret=test\n"
        "context=internal\n[bob]\ntype=peer\nhost=192.0.2.7\nport=5070\ninsecure=port,invite \n");
    REQUIRE(s.peers.size() == 2);
    const SipPeer* alice = s.peer("ALICE");
    REQUIRE(alice != nullptr);
    CHECK(alice->caller_name == "My name");
    CHECK(alice->caller_number == "100");
    CHECK(alice->dynamic);
    CHECK(alice->context == "internal");
    const SipPeer& bob = s.peers[1];
    CHECK(bob.context == "public");
    CHECK_FALSE(bob.is_user);
    CHECK((bob.insecure_port && bob.insecure_invite));
    CHECK(bob.port == 5070);
    REQUIRE(s.registrations.size() == 1);
    CHECK(s.registrations[0].user == "trunk");
    CHECK(s.registrations[0].secret == "azerty");
    CHECK(s.registrations[0].host == "192.168.1.153");
    CHECK(s.registrations[0].extension == "s");
}

TEST_CASE("sip.conf: register lines in their long form") {
    const SipSettings s = sip_conf(
        "[general]\nregister => u@d.example:p:auth@[2001:db8::1]:5070/700~300\n"
        "register => nonsense\nregister => a:b@h:99999\n");
    REQUIRE(s.registrations.size() == 2);
    const Registration& r = s.registrations[0];
    CHECK(r.user == "u");
    CHECK(r.domain == "d.example");
    CHECK(r.secret == "p");
    CHECK(r.auth_user == "auth");
    CHECK(r.host == "[2001:db8::1]");
    CHECK(r.port == 5070);
    CHECK(r.extension == "700");
    CHECK(r.expires_s == 300);
}

TEST_CASE("sip.conf: allow and disallow are worked off in their order") {
    const SipSettings s = sip_conf(
        "[general]\ndisallow=all\nallow=alaw\n[a]\ntype=friend\nallow=ulaw,h264,fancy\n"
        "[b]\ntype=friend\nallow=!all,g722\ncallgroup=1,3-4\npickupgroup=64\n");
    REQUIRE(s.peers.size() == 2);
    REQUIRE(s.peers[0].codecs.size() == 3);
    CHECK(s.peers[0].codecs[0]->name == "alaw");
    CHECK(s.peers[0].codecs[2]->video);
    REQUIRE(s.peers[1].codecs.size() == 1);
    CHECK(s.peers[1].codecs[0]->codec.name == "G722");
    CHECK(s.peers[1].call_groups == 0b11010);
    CHECK(s.peers[1].pickup_groups == 0);
}

TEST_CASE("sip.conf: keys without effect are said with file and line") {
    ConfigFile file = config("[general]\nfoo=1\n[a]\ntype=friend\nbar=2\n[c]\nx=y\n", "sip.conf");
    REQUIRE(read_sip_conf(file));
    REQUIRE(file.notes.size() == 4);
    CHECK(file.notes[0] == "sip.conf:2: foo has no effect here");
    CHECK(file.notes[1] == "sip.conf:5: bar has no effect here");
    CHECK(file.notes[3] == "sip.conf:6: [c] has no type=: not a peer");
}

TEST_CASE("extensions.conf: patterns match digits, and one sign at least for a dot") {
    CHECK(matches("_9XX", "900"));
    CHECK_FALSE(matches("_9XX", "90"));
    CHECK_FALSE(matches("_9XX", "9000"));
    CHECK_FALSE(matches("_NXX", "123"));
    CHECK_FALSE(matches("_ZXX", "023"));
    CHECK(matches("_[1-35]5", "55"));
    CHECK_FALSE(matches("_[1-35]5", "45"));
    CHECK(matches("_err.", "err404"));
    CHECK_FALSE(matches("_err.", "err"));
    CHECK(matches("_9!", "9"));
    CHECK(matches("_1-XX", "123"));
    CHECK_FALSE(matches("100", "1000"));
    CHECK(could_match("_9XX", "90"));
    CHECK(could_match("900", "9"));
    CHECK_FALSE(could_match("_9XX", "80"));
    CHECK_FALSE(could_match("_9XX", "900"));
}

TEST_CASE("extensions.conf: the most particular pattern goes first") {
    const Dialplan p = dialplan(
        "[c]\nexten => _.,1,A\nexten => _9XX,1,B\nexten => _9[0-1]X,1,C\nexten => 900,1,D\n");
    CHECK(p.find("c", "900", 1)->name == "D");
    CHECK(p.find("c", "911", 1)->name == "C");
    CHECK(p.find("c", "955", 1)->name == "B");
    CHECK(p.find("c", "x", 1)->name == "A");
}

TEST_CASE("extensions.conf: priorities, n, labels and same") {
    const Dialplan p = dialplan(
        "[c]\nexten => 1,1,Set(a=b(c),d)\n same => n(again),NoOp\n same => n+2,Goto(again)\n"
        "exten => 1,hint,SIP/x\n");
    REQUIRE(p.find("c", "1", 1) != nullptr);
    CHECK(p.find("c", "1", 1)->arguments == "a=b(c),d");
    CHECK(p.priority_of("c", "1", "again") == 2);
    CHECK(p.find("c", "1", 3) == nullptr);
    CHECK(p.find("c", "1", 4)->name == "Goto");
    REQUIRE(p.hint("c", "1") != nullptr);
    CHECK(*p.hint("c", "1") == "SIP/x");
}

TEST_CASE("extensions.conf: contexts include others, also each other") {
    const Dialplan p = dialplan(
        "[a]\ninclude => b\nexten => 1,1,A\n[b]\ninclude => a\ninclude => b\nexten => 1,1,B\n"
        "exten => 2,1,B\n");
    CHECK(p.find("a", "1", 1)->name == "A");
    CHECK(p.find("a", "2", 1)->name == "B");
    CHECK(p.find("a", "3", 1) == nullptr);
    CHECK_FALSE(p.could_exist("a", "3"));
    CHECK(p.could_exist("a", ""));
}

TEST_CASE("expressions: variables, parts of them and functions") {
    CHECK(expanded("${EXTEN:3}") == "486");
    CHECK(expanded("${EXTEN:-3:2}") == "48");
    CHECK(expanded("${EXTEN:0:-3}") == "err");
    CHECK(expanded("${EXTEN:99}") == "");
    CHECK(expanded("<${CALLERID(num)}>") == "<100>");
    CHECK(expanded("${${NAME}}") == "err486");
    CHECK(expanded("${NOBODY}") == "");
    CHECK(expanded("${LEN(${EXTEN})}") == "6");
    CHECK(expanded("${IF($[1 = 1]?yes:no)}") == "yes");
    CHECK(expanded("$5 ${open") == "$5 ${open");
}

TEST_CASE("expressions: comparisons and sums") {
    CHECK(expanded("$[${CALLERID(num)} = 100]") == "1");
    CHECK(expanded("$[\"${CALLERID(num)}\" != \"100\"]") == "0");
    CHECK(expanded("$[\"${NOBODY}\" = \"\"]") == "1");
    CHECK(evaluate("2 + 3 * 4") == "14");
    CHECK(evaluate("(2 + 3) * 4") == "20");
    CHECK(evaluate("9 < 10 & 2 >= 2") == "1");
    CHECK(evaluate("0 | 7") == "7");
    CHECK(evaluate("!0") == "1");
    CHECK(evaluate("7 / 0") == "0");
    CHECK(evaluate("-9223372036854775808 / -1") == "0");
    CHECK(evaluate("abc < abd") == "1");
    CHECK(evaluate(" != 5") == "1");
    CHECK(evaluate(std::string(1000, '(')) == "");
}

TEST_CASE("asterisk: arguments keep their parentheses and quotes together") {
    const auto a = arguments_of("SIP/a&SIP/b,30,\"x,y\",f(1,2)");
    REQUIRE(a.size() == 4);
    CHECK(a[0] == "SIP/a&SIP/b");
    CHECK(a[2] == "x,y");
    CHECK(a[3] == "f(1,2)");
    CHECK(arguments_of("").empty());
    CHECK(arguments_of(std::string(1000, ',')).size() == max_arguments);
}
