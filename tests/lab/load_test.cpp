// What a phone still does for calls that are over, and that a load of them stays what it was.
#include "libsipana/lab/load.h"

#include <doctest/doctest.h>

#include <string>

#include "libsipana/lab/agent.h"
#include "libsipana/sip/response.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

class NoPorts : public Ports {
public:
    Result<Endpoint> open(Transport, const Endpoint& wish, Node&) override { return wish; }
    void close(Transport, const Endpoint&) override {}
};

class Silent : public Director {
public:
    bool wants(const Conversation&, const Arrival&) override { return false; }
    void on_arrival(std::unique_ptr<Arrival>, Time) override {}
    void on_failure(const Conversation&, std::size_t, std::string, Time) override {}
    void on_finished(std::size_t, std::size_t, Time) override {}
    void on_sent(std::size_t, std::size_t, Time) override {}
    void on_again(sip::Transactions::Id, int, Time) override {}
    void on_prack(Time) override {}
};

// Alice, and what bob says to her.
struct Call {
    Call() {
        line.name = "alice";
        line.user = "100";
        Party bob;
        bob.name = "bob";
        bob.user = "900";
        bob.at = there;
        bob.host = there.to_string();
        bob.aor = "sip:900@" + bob.host;
        directory.add(bob);
        Agent::Setting setting;
        setting.line = &line;
        setting.at = here;
        setting.directory = &directory;
        setting.ports = &ports;
        setting.store = &store;
        setting.parked = Endpoint{here.address, 6000};
        alice = std::make_unique<Agent>(setting);
        REQUIRE(alice->open());
    }

    std::string sent() {
        const auto packet = alice->poll();
        return packet ? std::string(as_text(packet->payload)) : std::string();
    }
    void answer(const std::string& request, std::string_view tag) {
        const auto m = sip::Message::parse(request);
        REQUIRE(m);
        auto b = sip::response_to(*m, {there, here, Transport::udp}, 200, "OK", tag);
        b.add("Contact", "<sip:900@" + there.to_string() + ">");
        hear(*b.write());
    }
    void hear(const std::string& text) {
        Packet packet{there, here, Transport::udp, Content::sip, as_bytes(text), {}};
        alice->on_packet(packet, now);
    }
    // INVITE to BYE; gives the INVITE and its ACK.
    std::pair<std::string, std::string> play() {
        Conversation& c = alice->begin(director, 0, "bob", "");
        REQUIRE(alice->request(c, {"INVITE", {}}, {}, now));
        const std::string invite = sent();
        answer(invite, "one");
        const std::string ack = sent();
        REQUIRE(ack.starts_with("ACK "));
        REQUIRE(alice->request(c, {"BYE", {}}, {}, now));
        answer(sent(), {});
        return {invite, ack};
    }

    const Endpoint here = *Endpoint::parse("192.0.2.1:5060");
    const Endpoint there = *Endpoint::parse("192.0.2.2:5060");
    PhoneLine line;
    Directory directory;
    NoPorts ports;
    MediaStore store;
    Silent director;
    std::unique_ptr<Agent> alice;
    Time now = std::chrono::seconds{1};
};

}  // namespace

TEST_CASE("RFC 3261 13.2.2.4: a 2xx that comes again after the call's end gets its ACK again") {
    Call call;
    const auto [invite, ack] = call.play();
    call.alice->leave(call.director, call.now);
    CHECK(call.director.conversations.empty());
    call.answer(invite, "one");
    CHECK(call.sent() == ack);
    CHECK(call.sent().empty());
    call.alice->forget_past(call.now);
    call.answer(invite, "one");
    CHECK(call.sent().empty());
}

TEST_CASE("RFC 3261 13.2.2.4: another fork's 2xx after the call's end is acknowledged and let go") {
    Call call;
    const auto [invite, ack] = call.play();
    call.alice->leave(call.director, call.now);
    call.answer(invite, "two");
    const std::string first = call.sent(), second = call.sent();
    CHECK(first.starts_with("ACK sip:900@192.0.2.2:5060 "));
    CHECK(first.find(";tag=two") != first.npos);
    CHECK(second.starts_with("BYE sip:900@192.0.2.2:5060 "));
    CHECK(second.find(";tag=two") != second.npos);
    CHECK(second.find("CSeq: 2 BYE") != second.npos);
    CHECK(call.sent().empty());
}

TEST_CASE("RFC 3261 12.2.2: a request within a call that is over belongs to none") {
    Call call;
    bool cast = false;
    call.alice->cast_by([&](Agent&, Conversation&, const Arrival&) { return cast = true, false; });
    const auto [invite, ack] = call.play();
    const auto m = sip::Message::parse(invite);
    REQUIRE(m);
    call.alice->leave(call.director, call.now);
    auto b = sip::Builder::request("BYE", "sip:100@192.0.2.1:5060");
    b.add("Via", "SIP/2.0/UDP 192.0.2.2:5060;rport;branch=z9hG4bKx").add("CSeq", "1 BYE");
    b.add("From", "<sip:900@192.0.2.2:5060>;tag=one").add("Call-ID", m->call_id());
    b.add("To", *m->header(sip::Header::from));
    call.hear(*b.write());
    CHECK(call.sent().starts_with("SIP/2.0 481 "));
    CHECK(!cast);
}

TEST_CASE("A call that is not at its end is not left") {
    Call call;
    Conversation& c = call.alice->begin(call.director, 0, "bob", "");
    REQUIRE(call.alice->request(c, {"INVITE", {}}, {}, call.now));
    call.answer(call.sent(), "one");
    call.alice->leave(call.director, call.now);
    CHECK(call.director.conversations.size() == 1);
}

TEST_CASE("A load comes through loss and doubled packets as its calls one by one would") {
    const auto script = parse_script(R"(
phone alice 100
phone bob 900
network loss 10% duplicate 20% delay 20ms
order per phone
alice -> bob INVITE
bob -> alice 200
alice -> bob ACK
alice -> bob BYE
bob -> alice 200 for BYE
)",
                                     "test");
    REQUIRE(script);
    LoadSettings load;
    load.rate = 100;
    load.calls = 300;
    const auto r = run_load(*script, {}, load);
    CHECK(r.begun == 300);
    CHECK(r.done + r.failed == 300);
    CHECK(r.retransmissions > 100);
}
