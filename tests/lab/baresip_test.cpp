#include "libsipana/lab/baresip.h"

#include <doctest/doctest.h>

#include "libsipana/lab/netstring.h"
#include "libsipana/lab/script.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

std::string complaint(std::string_view lines) {
    const auto script = parse_script(lines, "test");
    return script ? "" : script.error().what;
}

// Of a phone "cam" and the line.
std::string complaint_of(std::string_view line) {
    return complaint("phone cam 100 program baresip\nphone bob\n" + std::string(line));
}

}  // namespace

TEST_CASE("baresip: replies and events of its control port") {
    const auto reply =
        baresip::parse(Exact(R"({"response":true,"ok":false,"data":"no","token":"7"})").text());
    REQUIRE(reply);
    const auto* answer = std::get_if<baresip::Reply>(&*reply);
    REQUIRE(answer != nullptr);
    CHECK(!answer->ok);
    CHECK(answer->data == "no");
    CHECK(answer->token == "7");
    const auto said = baresip::parse(Exact(R"({"event":true,"type":"CALL_CLOSED","class":"call",)"
                                           R"("id":"7e245b","param":"486 Busy Here"})")
                                         .text());
    REQUIRE(said);
    const auto* event = std::get_if<baresip::Event>(&*said);
    REQUIRE(event != nullptr);
    CHECK(event->type == "CALL_CLOSED");
    CHECK(event->id == "7e245b");
    CHECK(event->param == "486 Busy Here");
}

TEST_CASE("baresip: what is no JSON of its kind is an error, never a crash") {
    for (const std::string& text :
         {std::string(), std::string("{"), std::string("[]"), std::string("7"), std::string("{}"),
          std::string(R"({"response":"yes"})"), std::string("\xff\xfe"), std::string("\"\\ud800\""),
          std::string(100'000, '['), R"({"event":true,)" + std::string(50'000, '{')})
        CHECK(!baresip::parse(Exact(text).text()));
    // Members of another kind are as good as none.
    const auto odd = baresip::parse(R"({"event":true,"type":7,"id":{},"param":[]})");
    REQUIRE(odd);
    CHECK(std::get<baresip::Event>(*odd).type.empty());
    const std::string whole = R"({"event":true,"type":"EXIT"})";
    for (std::size_t n = 0; n < whole.size(); ++n)
        CHECK(!baresip::parse(Exact(whole.substr(0, n)).text()));
}

TEST_CASE("baresip: a command is a netstring of JSON, and has its limit") {
    const auto text = baresip::write("dial", "sip:\"\xff@x", "3");
    REQUIRE(text);
    NetstringReader reader;
    reader.feed(*text);
    const auto json = reader.next();
    REQUIRE((json && *json));
    CHECK(**json == "{\"command\":\"dial\",\"params\":\"sip:\\\"\xef\xbf\xbd@x\",\"token\":\"3\"}");
    CHECK(!baresip::write("dial", std::string(baresip::max_command, 'x'), "3"));
}

TEST_CASE("baresip: its accounts and configuration hold what the phone line says") {
    PhoneLine phone;
    phone.name = phone.user = "cam";
    phone.display = "Cam";
    phone.password = "test";
    phone.video = {"h264"};
    CHECK(baresip::account(phone, "sip:cam@192.0.2.1", 60, "sip:192.0.2.9:5060") ==
          "\"Cam\" <sip:cam@192.0.2.1>;regint=60;answermode=manual;auth_user=cam;auth_pass=test;"
          "outbound=\"sip:192.0.2.9:5060\";audio_codecs=pcmu;video_codecs=h264");
    baresip::Place place;
    place.at = *Endpoint::parse("192.0.2.7:5060");
    place.control_port = 4444;
    place.first_rtp_port = 10000;
    place.folder = "/tmp/x";
    place.sound = baresip::tone_source(440);
    const std::string config = baresip::config(phone, place);
    for (const char* line : {"sip_listen 192.0.2.7:5060\n", "ctrl_tcp_listen 127.0.0.1:4444\n",
                             "audio_source ausine,440\n", "video_source fakevideo,nil\n"})
        CHECK(config.find(line) != config.npos);
}

TEST_CASE("program: a phone line names it, and no other program") {
    CHECK(complaint("phone cam 100 program baresip") == "");
    CHECK(complaint("phone cam 100 program /bin/sh") ==
          "1:23: expected 'baresip', got \"/bin/sh\"");
    CHECK(complaint("phone cam 100 program \"baresip\"").starts_with("1:23: expected 'baresip'"));
    const auto script = parse_script("phone cam 100 sound 440Hz program baresip\n", "test");
    REQUIRE(script);
    CHECK(script->phones.front().program == "baresip");
    const auto again = parse_script(write(*script), "test");
    REQUIRE(again);
    CHECK(*again == *script);
}

TEST_CASE("program: what would be something else in its files is refused") {
    const std::string rest = " program baresip";
    for (const std::string words :
         {"\"a;b\"", "\"100@x y\"", "100 password \"a;regint=1\"",
          "100 password \"a\\nmodule x.so\"", "100 auth-user \"a,b\"",
          "100 display \"a\\\" <sip:x>\"", "100 display \"a\\nb\"", "100 transport tls",
          "100 audio opus", "100 audio none", "100 video vp8", "100 supported timer",
          "100 picture x", "100 sound 5Hz"}) {
        const std::string said = complaint("phone cam " + words + rest);
        CAPTURE(words);
        CAPTURE(said);
        CHECK(said.starts_with("1:1: baresip cannot "));
    }
}

TEST_CASE("program: what it cannot do is told with line and column") {
    CHECK(complaint_of("cam -> bob INFO") == "3:1: baresip cannot be told to send INFO");
    for (const std::string line :
         {"cam -> bob INVITE header \"X: y\"", "cam -> bob INVITE sdp none",
          "cam -> bob INVITE no retransmission", "cam -> bob 603", "cam -> bob 486 \"Gone\"",
          "cam -> bob 183", "cam => bob digits 1 by info", "cam => bob audio tone 5Hz",
          "cam => bob video file x.h264", "cam -> bob INVITE sdp offer inactive"}) {
        CAPTURE(line);
        CAPTURE(complaint_of(line));
        CHECK(complaint_of(line).starts_with("3:1: baresip cannot "));
    }
    for (const char* line : {"cam -> bob INVITE", "cam -> bob INVITE sdp offer sendonly",
                             "bob -> cam INFO", "cam -> bob 200 after 1s", "cam => bob digits 1"}) {
        CAPTURE(line);
        CHECK(complaint_of(line) == "");
    }
}
