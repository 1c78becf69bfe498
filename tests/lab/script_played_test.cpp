// Verbs and imports, played: what they are expanded into is what phones can do.
#include <doctest/doctest.h>

#include <string>

#include "libsipana/lab/runner.h"
#include "libsipana/lab/sipp.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

std::string failure_of(const RunResult& r) {
    std::string out = r.error + '\n';
    for (const StepResult& s : r.steps)
        if (s.outcome == Outcome::failed) out += s.text + ": " + s.detail + '\n';
    for (const CheckResult& c : r.checks)
        if (c.outcome == Outcome::failed) out += c.text + ": " + c.detail + '\n';
    return out;
}

void check_played(const Script& script) {
    const RunResult r = run(script, {});
    INFO(write(script));
    CHECK_MESSAGE(r.outcome == Outcome::done, failure_of(r));
}

void check_played(std::string_view text) {
    const auto script = parse_script(text, "test");
    REQUIRE_MESSAGE(script.has_value(), script.error().what);
    check_played(*script);
}

}  // namespace

TEST_CASE("Verbs, played: a call is held, resumed, and transferred after consulting (RFC 5589 7)") {
    check_played(
        "phone x\nphone y\nphone z\nx calls y\ny rings\ny answers\nx <> y audio tone 440Hz 1s\nx "
        "holds\n"
        "x resumes\nx presses 12#\nx sends message \"hi\" to z\nx/consult calls z\nz answers\n"
        "x transfers y to z after consulting\ny/transfer hangs up\ncheck no findings\n");
}

TEST_CASE("Verbs, played: blind transfer (RFC 5589 6), and calls that are cancelled and refused") {
    check_played(
        "phone x\nphone y\nphone z\nx calls y\ny rings\ny answers\nx transfers y to z\nz rings\nz "
        "answers\n"
        "z hangs up\nx calls y\ny rings\nx cancels\nx calls y\ny rejects 486 \"Nope\" after 1s\n"
        "x subscribes to presence of y\ncheck no findings\n");
}

TEST_CASE("Verbs, played: through a proxy") {
    check_played(
        "phone alice 100@P password a\nphone bob 900@P password b\nphone carol 200@P password c\n"
        "server P 192.0.2.1 proxy\nalice registers\nbob registers\ncarol registers\nalice calls "
        "bob\nbob rings\n"
        "bob answers\nalice holds\nalice resumes\nalice sends message \"hi\" to bob\n"
        "alice transfers bob to carol\ncarol rings\ncarol answers\ncarol hangs up\nalice calls "
        "bob\nbob rings\n"
        "alice cancels\nalice calls 900\nbob rings\nbob rejects 486\nalice unregisters\ncheck no "
        "findings\n");
}

TEST_CASE("RFC 3326: the header Reason is one thing, the reason of the start line another") {
    check_played(
        "phone x\nphone y\nx -> y INVITE\n"
        "y -> x 486 \"Not now\" header \"Reason: Q.850;cause=17\" "
        "where header Reason is \"Q.850;cause=17\" where reason is \"Not now\"\n");
}

TEST_CASE("SIPp, played: caller and called of one file each") {
    const std::string from =
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        "From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]\n"
        "To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]\nCall-ID: [call_id]\n"
        "Contact: <sip:sipp@[local_ip]:[local_port]>\nMax-Forwards: 70\nSubject: test\n";
    const auto request = [&](const std::string& method, const std::string& body = {}) {
        return "<send><![CDATA[\n" + method +
               " sip:[service]@[remote_ip]:[remote_port] SIP/2.0\nCSeq: 1 " + method + "\n" + from +
               body + "\n]]></send>\n";
    };
    const auto response = [&](const std::string& line, const std::string& body = {}) {
        return "<send><![CDATA[\nSIP/2.0 " + line +
               "\n[last_Via:]\n[last_From:]\n[last_To:];tag=1\n"
               "[last_Call-ID:]\n[last_CSeq:]\nContact: <sip:[local_ip]:[local_port]>\n" +
               body + "\n]]></send>\n";
    };
    const std::string sdp =
        "Content-Type: application/sdp\n\nv=0\no=u 1 1 IN IP[local_ip_type] [local_ip]\ns=-\n"
        "c=IN IP[media_ip_type] [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 8\na=rtpmap:8 "
        "PCMA/8000\n";
    const std::vector<SippFile> files{
        {"uac", "<scenario>" + request("INVITE", sdp) +
                    "<recv response=\"180\" optional=\"true\"/>\n<recv "
                    "response=\"200\"><action><ereg regexp=\"(.*)\" "
                    "search_in=\"hdr\" header=\"Contact:\" check_it=\"true\" "
                    "assign_to=\"1,2\"/></action></recv>\n" +
                    request("ACK") +
                    "<nop><action><exec play_pcap_audio=\"a.pcap\"/></action></nop>\n"
                    "<pause milliseconds=\"500\"/>\n" +
                    request("BYE", "X: [$2]\n") + "<recv response=\"200\"/>\n</scenario>"},
        {"uas", "<scenario><recv request=\"INVITE\"/>\n" + response("180 Ringing") +
                    response("200 OK", sdp) + "<recv request=\"ACK\"/><recv request=\"BYE\"/>\n" +
                    response("200 OK") + "</scenario>"}};
    const auto import = import_sipp(files);
    REQUIRE_MESSAGE(import.has_value(), import.error().what);
    check_played(import->script);
}
