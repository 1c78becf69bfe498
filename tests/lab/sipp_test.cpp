#include "libsipana/lab/sipp.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "libsipana/lab/script_words.h"
#include "libsipana/lab/sipp_keywords.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

std::string scenario(std::string_view elements) {
    return "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<!DOCTYPE scenario SYSTEM "
           "\"sipp.dtd\">\n"
           "<scenario name=\"a test\">\n" +
           std::string(elements) + "</scenario>\n";
}

const std::string dialog_fields =
    "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
    "From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]\n"
    "To: [service] <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]\n"
    "Call-ID: [call_id]\nCSeq: 1 X\nContact: sip:sipp@[local_ip]:[local_port]\nMax-Forwards: 70\n";
const std::string echoed =
    "[last_Via:]\n[last_From:]\n[last_To:];tag=1\n[last_Call-ID:]\n[last_CSeq:]\n"
    "Contact: <sip:[local_ip]:[local_port];transport=[transport]>\n";
const std::string sdp =
    "Content-Type: application/sdp\nContent-Length: [len]\n\nv=0\no=u 1 1 IN IP[local_ip_type] "
    "[local_ip]\ns=-\n"
    "c=IN IP[media_ip_type] [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\na=rtpmap:0 "
    "PCMU/8000\n";

std::string sends(std::string_view first, const std::string& rest,
                  std::string_view attributes = {}) {
    return "<send " + std::string(attributes) + "><![CDATA[\n  " + std::string(first) + "\n  " +
           rest + "\n]]></send>\n";
}
std::string request(std::string_view method, const std::string& more = {},
                    std::string_view attributes = {}) {
    return sends(std::string(method) + " sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
                 dialog_fields + more, attributes);
}
std::string response(std::string_view line, const std::string& more = {}) {
    return sends("SIP/2.0 " + std::string(line), echoed + more);
}
std::string recv(std::string_view what, std::string_view inside = {}) {
    return "<recv " + std::string(what) + "><action>" + std::string(inside) + "</action></recv>\n";
}

Import imported(std::vector<SippFile> files, const SippOptions& options = {}) {
    auto import = import_sipp(files, options);
    REQUIRE_MESSAGE(import.has_value(), import.error().what);
    return std::move(*import);
}

// The script's steps as its lines, blanks squeezed.
std::string lines_of(const Script& script) {
    const std::string all = write(script);
    std::string out;
    const auto steps = all.find("\n\n");
    bool blank = false;
    for (char c : all.substr(steps == all.npos ? all.size() : steps + 2)) {
        if (c != ' ' || !blank) out += c;
        blank = c == ' ';
    }
    return out;
}

bool has_note(const Import& import, std::string_view text) {
    return std::any_of(import.notes.begin(), import.notes.end(),
                       [&](const std::string& n) { return n.find(text) != n.npos; });
}

std::string output_of(const std::string& command) {
    std::string out;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0;
         pipe && (n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;)
        out.append(buffer.data(), n);
    return out;
}

}  // namespace

TEST_CASE("SIPp: a caller and who is called become one ladder") {
    const Import i = imported(
        {{"uac", scenario(request("INVITE", sdp) + recv("response=\"100\" optional=\"true\"") +
                          recv("response=\"180\" optional=\"true\"") + recv("response=\"200\"") +
                          request("ACK") + "<pause milliseconds=\"1500\"/>\n" + request("BYE") +
                          recv("response=\"200\""))},
         {"uas",
          scenario(recv("request=\"INVITE\"") + response("180 Ringing") + response("200 OK", sdp) +
                   recv("request=\"ACK\"") + recv("request=\"BYE\"") + response("200 OK"))}});
    CHECK(lines_of(i.script) ==
          "uac -> uas INVITE\nuas -> uac 180\nuas -> uac 200\nuac -> uas ACK\nuac pauses "
          "1500ms\nuac -> uas BYE\n"
          "uas -> uac 200\n");
    CHECK(i.script.phone("uac")->user == "sipp");
    CHECK(i.script.phone("uas")->user == "service");
    CHECK_FALSE(i.script.independent);
    CHECK(i.notes.empty());
}

TEST_CASE("SIPp: a file without a partner talks to a server") {
    SippOptions options;
    options.peer = "pbx";
    options.peer_at = "192.0.2.9:5070";
    options.service = "600";
    const Import i =
        imported({{"uac", scenario(request("INVITE") + recv("response=\"486\"") + request("ACK"))}},
                 options);
    // No description in the INVITE, and the ACK of a refusal is the transaction's.
    CHECK(lines_of(i.script) == "uac -> pbx INVITE 600 sdp none\npbx -> uac 486\n");
    CHECK(i.script.server("pbx")->at == "192.0.2.9:5070");
}

TEST_CASE("SIPp: what a phone would not say becomes a modifier") {
    const Import i = imported(
        {{"uac",
          scenario(sends(
              "INVITE sip:bob@example.com SIP/2.0",
              "Via: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKfix\n"
              "From: <sip:[field0]@[local_ip]>;tag=[call_number]\nTo: <sip:bob@example.com>\n"
              "Call-ID: [call_id]\nCSeq: 1 INVITE\nMax-Forwards: 5\nX-Brace: {a}\n[last_Subject:]\n"
              "Content-Type: text/plain\n\nhello\n"))}});
    CHECK(lines_of(i.script) ==
          "uac -> peer INVITE sip:bob@example.com set \"Via: SIP/2.0/UDP "
          "1.2.3.4;branch=z9hG4bKfix\" "
          "set \"From: <sip:{field0}@{local_ip}>;tag={local_tag}\" set \"Max-Forwards: 5\" "
          "header \"X-Brace: {{a}\" header \"Subject: {last Subject}\" body text/plain \"\"\"\n "
          "hello\n \"\"\"\n");
}

TEST_CASE("SIPp: descriptions of ours are ours, others stay as they are") {
    std::string pcma = sdp, odd = sdp;
    pcma.replace(pcma.find("RTP/AVP 0"), 9, "RTP/AVP 8 101");
    pcma.replace(pcma.find("rtpmap:0 PCMU"), 13, "rtpmap:8 PCMA");
    pcma += "a=rtpmap:101 telephone-event/8000\na=sendonly\n";
    odd.replace(odd.find("c=IN IP[media_ip_type] [media_ip]"), 33, "c=IN IP4 192.0.2.99");
    const Import i =
        imported({{"uac", scenario(request("INVITE", pcma) + request("INVITE", odd))}});
    CHECK(i.script.phone("uac")->audio == std::vector<std::string>{"pcma"});
    CHECK(lines_of(i.script).find("uac -> peer INVITE service sdp sendonly\n") == 0);
    CHECK(lines_of(i.script).find("c=IN IP4 192.0.2.99\n") != std::string::npos);
    CHECK(lines_of(i.script).find("m=audio {media_port} RTP/AVP 0") != std::string::npos);
}

TEST_CASE("SIPp: authentication gives the phone its password") {
    const Import i = imported(
        {{"reg", scenario(request("REGISTER") + recv("response=\"401\" auth=\"true\"") +
                          request("REGISTER", "[authentication username=joe password=schmo]\n") +
                          recv("response=\"200\""))}});
    CHECK(i.script.phone("reg")->password == "schmo");
    CHECK(i.script.phone("reg")->auth_user == "joe");
    CHECK(lines_of(i.script) ==
          "reg -> peer REGISTER\npeer -> reg 401\nreg -> peer REGISTER\npeer -> "
          "reg 200\n");
}

TEST_CASE("SIPp: a dataset's rows are the script's, its first row has the credentials") {
    SippOptions options;
    options.dataset = "SEQUENTIAL\n100;joe;schmo\n200;[authentication username=ann password=pw];\n";
    const Import i = imported(
        {{"reg", scenario(sends("REGISTER sip:[remote_ip] SIP/2.0",
                                "Via: SIP/2.0/UDP x;branch=[branch]\nFrom: <sip:[field0]@x>;tag=1\n"
                                "To: <sip:[field0]@x>\nCall-ID: [call_id]\nCSeq: 1 REGISTER\n"
                                "[authentication username=[field1] password=[field2]]\n"))}},
        options);
    CHECK(i.script.rows.size() == 2);
    CHECK(i.script.phone("reg")->auth_user == "joe");
    CHECK(i.script.phone("reg")->password == "schmo");
    CHECK(has_note(i, "the credentials are those of the dataset's first row"));
    CHECK(lines_of(i.script) ==
          "reg -> peer REGISTER set \"From: <sip:{field0}@x>;tag={local_tag}\"\n");
}

TEST_CASE("SIPp: expressions check and remember, POSIX is read as ECMAScript") {
    const Import i = imported(
        {{"uac", scenario(request("OPTIONS") +
                          recv("response=\"200\"",
                               "<ereg regexp=\"a(b.)c\" search_in=\"hdr\" header=\"Contact:\" "
                               "check_it=\"true\" assign_to=\"1,who\"/>"
                               "<ereg regexp=\"m=.*\" search_in=\"msg\" check_it_inverse=\"true\" "
                               "assign_to=\"9\"/>") +
                          request("BYE", "X: [$who] [$1]\n"))}});
    CHECK(lines_of(i.script).find(
              "peer -> uac 200 where header Contact matches \"a(?:b.)c\" where message not "
              "matches \"m=[\\\\s\\\\S]*\" let v1 = header Contact \"a(?:b.)c\" let who = header "
              "Contact \"a(b.)c\" let v9 = message") != std::string::npos);
    CHECK(lines_of(i.script).find("header \"X: {who} {v1}\"") != std::string::npos);
    CHECK(to_ecmascript("[]a\\].(x)", true, 0) == "([\\]a\\\\][\\s\\S](?:x))");
    CHECK(to_ecmascript("[^]a][[:alpha:]]", true, 1) == "[^\\]a][[:alpha:]]");
}

TEST_CASE("SIPp: labels, tests, timeouts and chances become jumps of each phone by itself") {
    const Import i = imported(
        {{"a",
          scenario(
              "<label id=\"1\"/>\n" + request("OPTIONS") +
              "<recv response=\"200\" timeout=\"500\" ontimeout=\"1\" next=\"2\" chance=\"0.3\"/>\n"
              "<nop next=\"1\" test=\"r\"><action><strcmp assign_to=\"s\" variable=\"x\" "
              "value=\"y\"/>"
              "<test assign_to=\"r\" variable=\"s\" compare=\"equal\" value=\"\"/></action></nop>\n"
              "<label id=\"2\"/>\n")},
         {"b", scenario("<recv request=\"OPTIONS|INVITE\" regexp_match=\"true\"/>\n" +
                        response("200 OK"))}});
    CHECK(i.script.independent);
    CHECK(lines_of(i.script) ==
          "a label l1\na ->| b OPTIONS\nb |-> a 200 within 500ms else l1\na goto l2 chance 30%\n"
          "a goto l1 if \"{a_x}\" is \"y\"\na label l2\na |-> b OPTIONS or INVITE\nb ->| a 200\n");
}

TEST_CASE("SIPp: CANCEL: each response belongs to its request") {
    const Import i = imported(
        {{"uac", scenario(request("INVITE") + recv("response=\"180\"") + request("CANCEL") +
                          recv("response=\"200\"") + recv("response=\"487\"") + request("ACK"))},
         {"uas", scenario(recv("request=\"INVITE\"") + response("180 Ringing") +
                          recv("request=\"CANCEL\"") + response("200 OK") +
                          sends("SIP/2.0 487 Request Terminated",
                                "[last_Via:]\n[last_From:]\n[last_To:]\n"
                                "[last_Call-ID:]\nCSeq: 1 INVITE\n") +
                          recv("request=\"ACK\""))}});
    CHECK(lines_of(i.script) ==
          "uac -> uas INVITE sdp none\nuas -> uac 180\nuac -> uas CANCEL\nuas -> uac 200 for "
          "CANCEL\nuas -> uac 487 for INVITE\n");
}

TEST_CASE("SIPp: media become media lines, and what changed is said") {
    const Import i = imported(
        {{"uac",
          scenario(
              request("INVITE", sdp) + recv("response=\"200\"") +
              "<nop><action><exec play_pcap_audio=\"pcap/g711a.pcap\"/></action></nop>\n<pause "
              "milliseconds=\"8000\"/>\n"
              "<nop><action><exec play_pcap_audio=\"pcap/dtmf_2833_pound.pcap\"/></action></nop>\n"
              "<nop><action><exec rtp_stream=\"a.wav,2,0\"/></action></nop>\n<pause "
              "distribution=\"uniform\" min=\"10\" max=\"20\"/>\n")}});
    CHECK(lines_of(i.script).find("uac => peer audio tone 440Hz 8s in background\nuac pauses 8s\n"
                                  "uac => peer digits \"#\" by rfc4733 2s in background\n"
                                  "uac => peer audio file a.wav") != std::string::npos);
    CHECK(lines_of(i.script).find("uac pauses 10ms..20ms\n") != std::string::npos);
    CHECK(has_note(i, "the sound of pcap/g711a.pcap is not carried over"));
}

TEST_CASE("SIPp: 3PCC: what one file takes from a message, the twin uses") {
    const std::string expression =
        "<ereg regexp=\"Content-Type:.*\" search_in=\"msg\" assign_to=\"1\"/>";
    const Import i =
        imported({{"a", scenario(request("INVITE") + recv("response=\"200\"", expression) +
                                 "<sendCmd><![CDATA[\nCall-ID: [call_id]\n[$1]\n]]></sendCmd>\n")},
                  {"b", scenario("<recvCmd><action>" + expression + "</action></recvCmd>\n" +
                                 request("INVITE", "[$1]\n"))}});
    CHECK(lines_of(i.script) ==
          "a -> peer INVITE service sdp none\npeer -> a 200 let a_v1 = body\n"
          "b -> peer INVITE service body application/sdp \"{a_v1}\"\n");
}

TEST_CASE("SIPp: what cannot be carried over is told with its line, commands are refused") {
    const Import i = imported(
        {{"x.xml",
          scenario(
              "<send lost=\"10\" retrans=\"300\"><![CDATA[\nFOO\n]]></send>\n"
              "<nop><action><log message=\"x\"/><add assign_to=\"1\" value=\"1\"/></action></nop>\n"
              "<pause/>\n<nop next=\"nowhere\"/>\n<bogus/>\n")}});
    CHECK(has_note(i, "x.xml:4: lost=\"10\" is not carried over"));
    CHECK(has_note(i, "x.xml:4: retrans=\"300\""));
    CHECK(has_note(i, "x.xml:4: this message is sent as it stands"));
    CHECK(has_note(i, "x.xml:7: <add> has no counterpart"));
    CHECK(has_note(i, "x.xml:8: a pause of SIPp's option -d"));
    CHECK(has_note(i, "x.xml:9: next=\"nowhere\" names no label"));
    CHECK(has_note(i, "x.xml:10: <bogus> has no counterpart"));
    const std::vector<SippFile> command{
        {"x", scenario("<nop><action><exec command=\"rm -rf /\"/></action></nop>\n")}};
    const auto refused = import_sipp(command);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::denied);
    CHECK(refused.error().what ==
          "x:4: expected a scenario without <exec command>: an import executes nothing");
    const std::vector<SippFile> broken{{"x", "<scenario>\n<send>\n</scenario>"}},
        other{{"x", "<a/>"}};
    CHECK(import_sipp(broken).error().what.find("x:3: expected XML: ") == 0);
    CHECK(import_sipp(other).error().what == "x:1: expected a <scenario>");
}

TEST_CASE("SIPp: the scenarios that it has built in all import, alone and together") {
    if (output_of("command -v sipp").empty()) {
        MESSAGE("skipped: sipp is not installed");
        return;
    }
    const auto file = [](const std::string& name) {
        return SippFile{name, output_of("sipp -sd " + name + " 2>/dev/null")};
    };
    for (const char* name : {"uac", "uas", "regexp", "branchc", "branchs", "3pcc-C-A", "3pcc-C-B",
                             "3pcc-A", "3pcc-B", "uac_pcap", "ooc_default", "ooc_dummy"}) {
        const SippFile one = file(name);
        CAPTURE(name);
        if (one.xml.find("<scenario") == std::string::npos) continue;  // not in this version
        CHECK_FALSE(imported({one}).script.steps.empty());
    }
    CHECK(lines_of(imported({file("uac"), file("uas")}).script) ==
          "uac -> uas INVITE header \"Subject: Performance Test\"\nuas -> uac 180\nuas -> uac 200\n"
          "uac -> uas ACK header \"Subject: Performance Test\"\nuac -> uas BYE header \"Subject: "
          "Performance Test\"\n"
          "uas -> uac 200\n");
    CHECK_FALSE(imported({file("branchc"), file("branchs")}).script.steps.empty());
    const Import four =
        imported({file("3pcc-C-A"), file("3pcc-C-B"), file("3pcc-A"), file("3pcc-B")});
    CHECK(four.script.phones.size() == 4);
    CHECK_FALSE(has_note(four, "not carried over"));
}
