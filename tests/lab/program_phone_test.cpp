#include "libsipana/lab/program_phone.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "libsipana/lab/netstring.h"
#include "libsipana/lab/play.h"

using namespace sipana;
using namespace sipana::lab;
using namespace std::chrono_literals;

namespace {

// A script's only phone, played by a program that says what the test makes it say.
class Program {
public:
    explicit Program(const std::string& lines)
        : script_(*parse_script("phone cam 100@A at 192.0.2.7 password p program baresip\n"
                                "server A 192.0.2.1\n" +
                                    lines,
                                "test")),
          parts_(parts_of(script_)) {
        Party a;
        a.name = "A";
        a.host = "192.0.2.1";
        a.at = *Endpoint::parse("192.0.2.1:5060");
        directory_.add(a);
        Party cam;
        cam.name = "cam";
        cam.user = "100";
        cam.aor = "sip:100@192.0.2.1";
        cam.at = *Endpoint::parse("192.0.2.7:5060");
        directory_.add(cam);
        ProgramPhone::Setting setting;
        setting.line = &script_.phones.front();
        setting.directory = &directory_;
        setting.at = cam.at;
        setting.rest = baresip::silence_source();
        setting.contacts = ProgramPhone::contacts_of(parts_.front(), directory_);
        phone.emplace(setting);
        Play::Setting playing;
        playing.script = &script_;
        playing.parts = &parts_;
        playing.agents = agents_;
        playing.programs = {&*phone};
        playing.directory = &directory_;
        play.emplace(playing, now);
        phone->cast_by([this](ProgramPhone& who, Conversation& c, const Arrival& arrival) {
            return play->takes(who, c, arrival);
        });
        play->on_timer(now);
    }

    // What it was told since the last time: "dial sip:900@192.0.2.1; hangup".
    std::string told() {
        NetstringReader reader;
        reader.feed(phone->take_commands());
        std::string out;
        while (true) {
            const auto next = reader.next();
            if (!next || !*next) return out;
            const std::string& text = **next;
            const auto member = [&](const std::string& name) -> std::string {
                const std::string begin = "\"" + name + "\":\"";
                const auto at = text.find(begin);
                if (at == text.npos) return {};
                const auto from = at + begin.size();
                return text.substr(from, text.find('"', from) - from);
            };
            if (!out.empty()) out += "; ";
            out += member("command");
            if (!member("params").empty()) out += " " + member("params");
            token = member("token");
        }
    }
    void event(const std::string& type, const std::string& id, const std::string& param) {
        phone->on_control(
            write_netstring(fmt::format(R"({{"event":true,"type":"{}","id":"{}","param":"{}"}})",
                                        type, id, param)),
            now);
    }
    // "INVITE", "180 INVITE", and CSeq and Call-ID of it; from the phone (`own`) or to it.
    void seen(bool own, const std::string& what, int cseq = 1, const std::string& call = "c1",
              const std::string& more = {}) {
        const bool response = what.front() >= '1' && what.front() <= '9';
        const std::string method = response ? what.substr(4) : what;
        const std::string start = response ? fmt::format("SIP/2.0 {} Reason", what.substr(0, 3))
                                           : fmt::format("{} sip:x@192.0.2.1 SIP/2.0", method);
        const char* mine = "192.0.2.7:5060";
        const char* theirs = "192.0.2.1:5060";
        phone->on_trace(
            fmt::format("#\nUDP {} -> {}\n{}\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{}{}{}\r\n"
                        "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: {}\r\nCSeq: {} {}\r\n"
                        "{}Content-Length: 0\r\n\r\n\n",
                        own ? mine : theirs, own ? theirs : mine, start,
                        own != response ? mine : theirs, method, cseq, call, call, cseq, method,
                        more),
            now);
    }
    void after(Duration time) {
        now += time;
        phone->on_timer(now);
        play->on_timer(now);
    }
    std::string failure() const { return play->why_failed(); }

    Time now = 1000s;
    std::string token;
    std::optional<ProgramPhone> phone;
    std::optional<Play> play;

private:
    Script script_;
    std::vector<Part> parts_;
    std::vector<Agent*> agents_{nullptr};
    Directory directory_;
};

}  // namespace

TEST_CASE("program: a call that it makes, holds and ends") {
    Program p(
        "cam -> A INVITE 900\nA -> cam 180\nA -> cam 200\n"
        "cam -> A INVITE sdp offer sendonly\nA -> cam 200\ncam -> A BYE\nA -> cam 200\n");
    CHECK(p.told() == "dial sip:900@192.0.2.1");
    p.seen(true, "INVITE");
    p.seen(false, "100 INVITE");
    p.seen(false, "180 INVITE");
    p.seen(false, "200 INVITE");
    p.seen(true, "ACK");
    CHECK(p.told() == "hold");
    p.seen(true, "INVITE", 2);
    p.seen(false, "200 INVITE", 2);
    CHECK(p.told() == "hangup");
    CHECK(!p.play->over());
    p.seen(true, "BYE", 3);
    p.seen(false, "200 BYE", 3);
    CHECK(p.play->over());
    CHECK(p.failure() == "");
}

TEST_CASE("program: a wrong final response fails the line with what came") {
    Program p("cam -> A INVITE 900\nA -> cam 200\n");
    p.seen(true, "INVITE");
    p.seen(false, "486 INVITE");
    CHECK(p.failure() == "4: expected 200, got 486 Reason");
}

TEST_CASE("RFC 3261 22: the program answers a challenge by itself") {
    Program p("cam -> A REGISTER\ncam -> A INVITE 900\nA -> cam 200\n");
    CHECK(p.told() ==
          "uadel sip:100@192.0.2.1; uanew <sip:100@192.0.2.1>;regint=3600;answermode=manual;"
          "auth_user=100;auth_pass=p;audio_codecs=pcmu");
    p.seen(true, "REGISTER", 1, "r1");
    p.seen(false, "401 REGISTER", 1, "r1");
    p.seen(true, "REGISTER", 2, "r1", "Authorization: Digest x\r\n");
    CHECK(p.told() == "");
    p.seen(false, "200 REGISTER", 2, "r1");
    CHECK(p.told() == "dial sip:900@192.0.2.1");
    CHECK(p.failure() == "");
}

TEST_CASE("RFC 3261 22: a password that is refused fails the line") {
    Program p("cam -> A REGISTER\n");
    p.seen(true, "REGISTER", 1, "r1");
    p.seen(false, "401 REGISTER", 1, "r1");
    p.seen(true, "REGISTER", 2, "r1", "Authorization: Digest x\r\n");
    p.seen(false, "401 REGISTER", 2, "r1");
    CHECK(p.failure() == "3: 401 Reason came");
}

TEST_CASE("RFC 3261 22: a challenge that it has no answer to fails the line as well") {
    Program p("cam -> A REGISTER\n");
    p.seen(true, "REGISTER", 1, "r1");
    p.seen(false, "401 REGISTER", 1, "r1");
    CHECK(!p.play->over());
    p.event("REGISTER_FAIL", "", "401 Unauthorized");
    CHECK(p.failure() == "3: 401 Reason came");
}

TEST_CASE("program: a script may speak of the challenge") {
    Program p("cam -> A REGISTER\nA -> cam 401\n");
    p.seen(true, "REGISTER", 1, "r1");
    p.seen(false, "401 REGISTER", 1, "r1");
    CHECK(p.play->over());
    CHECK(p.failure() == "");
}

TEST_CASE("program: a call that comes in rings, is answered, and ends") {
    Program p("A -> cam INVITE\ncam -> A 180\ncam -> A 200 after 1s\nA -> cam ACK\nA -> cam BYE\n");
    p.seen(false, "INVITE");
    p.seen(true, "180 INVITE");
    CHECK(p.told() == "");
    p.after(1s);
    CHECK(p.told() == "accept");
    p.seen(true, "200 INVITE");
    p.seen(false, "ACK");
    p.seen(false, "BYE", 2);
    CHECK(p.play->over());
    CHECK(p.failure() == "");
}

TEST_CASE("program: a call that no line expects is refused") {
    Program p("A -> cam MESSAGE\n");
    p.seen(false, "INVITE");
    CHECK(p.told() == "hangup");
    CHECK(!p.play->over());
}

TEST_CASE("program: messages that come again count once") {
    Program p("A -> cam INVITE\ncam -> A 486\nA -> cam INVITE\n");
    p.seen(false, "INVITE");
    CHECK(p.told() == "hangup");
    p.seen(false, "INVITE");
    p.seen(true, "486 INVITE");
    p.seen(true, "486 INVITE");
    CHECK(!p.play->over());
    p.seen(false, "INVITE", 1, "c2");
    CHECK(p.play->over());
    CHECK(p.failure() == "");
}

TEST_CASE("program: nobody answers, nobody is there") {
    for (const auto& [param, said] :
         {std::pair<const char*, const char*>{"Connection timed out",
                                              "4: expected 200, no answer to INVITE in time"},
          {"Connection refused [111]",
           "4: expected 200, INVITE cannot get there: port closed, or connection refused or "
           "lost"}}) {
        Program p("cam -> A INVITE 900\nA -> cam 200\n");
        p.seen(true, "INVITE");
        p.event("CALL_CLOSED", "c1", param);
        CHECK(p.failure() == said);
    }
}

TEST_CASE("program: a command that shows nothing, and one that is refused") {
    Program silent("cam -> A INVITE 900\n");
    silent.phone->on_trace("call: no way\n", silent.now);
    silent.after(ProgramPhone::patience);
    CHECK(silent.failure() == "3: baresip did not send INVITE within 5 s; it says: call: no way");
    Program refused("cam -> A INVITE 900\n");
    (void)refused.told();
    refused.phone->on_control(
        write_netstring(fmt::format(R"({{"response":true,"ok":false,"data":"no\n","token":"{}"}})",
                                    refused.token)),
        refused.now);
    CHECK(refused.failure() == "3: baresip refused: no");
}

TEST_CASE("program: a REFER that it accepts makes it call by itself, once") {
    Program p(
        "A -> cam INVITE\ncam -> A 200\nA -> cam REFER\ncam -> A 202\n"
        "cam/new -> A INVITE 300\nA -> cam/new 200\ncam/new -> A BYE\n");
    p.seen(false, "INVITE");
    p.seen(true, "200 INVITE");
    (void)p.told();
    p.seen(false, "REFER", 2);
    p.seen(true, "202 REFER", 2);
    p.seen(true, "INVITE", 9, "c2");
    CHECK(p.told() == "");
    p.seen(false, "200 INVITE", 9, "c2");
    CHECK(p.told() == "callfind c2; hangup");
    CHECK(p.failure() == "");
}

TEST_CASE("RFC 5589: it tells of a transfer by itself, and hangs up by itself") {
    Program p(
        "A -> cam INVITE\ncam -> A 200\ncam -> A REFER refer-to 300\nA -> cam 202\n"
        "A -> cam NOTIFY\ncam -> A BYE\nA -> cam 200 for BYE\n");
    p.seen(false, "INVITE");
    p.seen(true, "200 INVITE");
    CHECK(p.told() == "accept; transfer sip:300@192.0.2.1");
    p.seen(true, "REFER", 5);
    p.seen(false, "202 REFER", 5);
    p.seen(true, "BYE", 6);
    p.seen(false, "NOTIFY", 7);
    CHECK(p.told() == "");
    p.seen(false, "200 BYE", 6);
    CHECK(p.play->over());
    CHECK(p.failure() == "");
}

TEST_CASE("RFC 3261 10.2.2: a registration is taken back with its account") {
    Program p("cam -> A REGISTER\ncam -> A REGISTER set \"Expires: 0\"\nA -> cam 200\n");
    p.seen(true, "REGISTER", 1, "r1");
    p.seen(false, "200 REGISTER", 1, "r1");
    CHECK(p.told().find("regint=0") != std::string::npos);
    p.seen(true, "REGISTER", 2, "r1");
    p.seen(false, "401 REGISTER", 2, "r1");
    p.seen(true, "REGISTER", 3, "r1", "Authorization: Digest x\r\n");
    p.seen(false, "200 REGISTER", 3, "r1");
    CHECK(p.play->over());
    CHECK(p.failure() == "");
}

TEST_CASE("program: messages go to the contact that is meant") {
    Program p(
        "cam -> A MESSAGE 900 body text/plain \"one\"\n"
        "cam -> A MESSAGE 901 body text/plain \"two\"\nA -> cam 404\n");
    CHECK(p.told() == "message one");
    p.seen(true, "MESSAGE", 1, "m1");
    p.seen(false, "200 MESSAGE", 1, "m1");
    CHECK(p.told() == "contact_next; message two");
    p.seen(true, "MESSAGE", 1, "m2");
    p.seen(false, "404 MESSAGE", 1, "m2");
    CHECK(p.play->over());
    CHECK(p.failure() == "");
}

TEST_CASE("program: what is still open is ended with the play") {
    Program p("cam -> A INVITE 900\nA -> cam 200\nA -> cam INFO\n");
    p.seen(true, "INVITE");
    p.seen(false, "200 INVITE");
    (void)p.told();
    p.play->end(p.now, "enough");
    CHECK(p.told() == "hangup");
    CHECK(!p.phone->idle());
    p.seen(true, "BYE", 2);
    p.seen(false, "200 BYE", 2);
    CHECK(p.phone->idle());
    p.phone->forget(*p.play);
}

TEST_CASE("program: a control connection that speaks nonsense ends it") {
    Program p("cam -> A INVITE 900\n");
    p.phone->on_control("GET / HTTP/1.1\r\n", p.now);
    CHECK(p.phone->failed());
    CHECK(p.failure() == "3: expected a netstring: a length and a colon");
}
