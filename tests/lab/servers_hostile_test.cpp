// What strangers may send to the exchange and the proxy: neither crashes, and both go on working.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "libsipana/base/random.h"
#include "libsipana/lab/proxy.h"
#include "tests/exact.h"
#include "tests/lab/exchange_of.h"

using namespace sipana;
using namespace sipana::lab;
using std::chrono::seconds;

namespace {

// Messages of every kind, with what is wrong at random places.
class Stranger {
public:
    explicit Stranger(Phone& phone) : phone_(phone) {}

    std::string next() {
        const std::string& uri = targets_[random_.below(targets_.size())];
        const std::string& method = methods_[random_.below(methods_.size())];
        std::vector<std::pair<std::string, std::string>> more;
        for (std::uint64_t n = random_.below(4); n > 0; --n)
            more.push_back(fields_[random_.below(fields_.size())]);
        if (random_.chance(0.3)) phone_.fresh_call();
        std::string text = phone_.make(
            method, uri, more, "application/sdp",
            random_.chance(0.5) ? sdp_of_phone(phone_.rtp) : std::string("v=0\r\nm=\r\n"));
        for (std::uint64_t n = random_.below(4); n > 0; --n) damage(text);
        return text;
    }

private:
    void damage(std::string& text) {
        const auto at = random_.below(text.size());
        const auto kind = random_.below(4);
        if (kind == 0) text[at] = static_cast<char>(random_.below(256));
        if (kind == 1) text.erase(at, random_.below(20));
        if (kind == 2) text.insert(at, text.substr(random_.below(text.size()), random_.below(30)));
        if (kind == 3) text.resize(at + 1);
    }

    Phone& phone_;
    Random random_{11};
    std::vector<std::string> methods_{"INVITE", "ACK",  "BYE",       "CANCEL",  "REGISTER",
                                      "REFER",  "INFO", "SUBSCRIBE", "PUBLISH", "MESSAGE",
                                      "PRACK",  "FOO",  "OPTIONS",   "NOTIFY",  "UPDATE"};
    std::vector<std::string> targets_{"sip:600@192.168.1.153",
                                      "sip:200@192.168.1.153",
                                      "sip:@",
                                      "sip:192.168.1.153",
                                      "sip:*8@a",
                                      "tel:600",
                                      "sip:bob@b.example",
                                      "sip:%00@x;lr"};
    std::vector<std::pair<std::string, std::string>> fields_{
        {"To", "<sip:600@x>;tag=1"},
        {"Contact", "*"},
        {"Contact", "<sip:a@b>;expires=x"},
        {"Contact", "<sip:alice@192.168.1.153>"},
        {"Replaces", "a;to-tag=b"},
        {"Refer-To", "<sip:1@2?Replaces=x%3B>"},
        {"Require", "timer, \x01"},
        {"Session-Expires", "99999999999"},
        {"Max-Forwards", "-1"},
        {"Expires", "4294967295"},
        {"Event", "presence"},
        {"Accept", "application/pidf+xml"},
        {"Route", "<sip:192.168.1.153;lr>"},
        {"Route", "<sip:x>, <"},
        {"Record-Route", "<sip:a;lr>"},
        {"Authorization", "Digest realm=\"asterisk\""},
        {"Via", "SIP/2.0/UDP"},
        {"From", "\"\\\" <sip:100@x>;tag=\""}};
};

}  // namespace

TEST_CASE("the exchange survives what is sent to it, and gives back what it took") {
    OfA t;
    t.wire.judged = nullptr;  // what is damaged is answered as it is
    t.carol.polite = false;
    t.arrive();
    Phone bad(t.wire, "100", "192.168.1.66:5060", "192.168.1.153:5060");
    Stranger stranger(bad);
    for (int i = 0; i < 3000; ++i) {
        const Exact text(stranger.next());
        t.a->on_packet({bad.hop.local, bad.hop.remote, Transport::udp, Content::sip, text, {}},
                       t.wire.now);
        if (i % 50 == 0) t.wire.run(seconds{1});
        if (i % 500 == 0) t.wire.log.clear();
    }
    t.wire.run(seconds{4000});
    CHECK(t.a->channels() <= 2);  // a stranger's echo that nobody ends
    CHECK(t.alice.register_at_server() == 200);
    CHECK(t.alice.invite("604") == 486);
    t.wire.problems.clear();
}

TEST_CASE("the proxy survives what is sent to it") {
    Wire wire;
    ProxySettings s;
    s.listens = {{Transport::udp, endpoint("192.168.1.153:5060")}};
    s.domains = {"a"};
    s.record_route = true;
    Proxy proxy(std::move(s));
    wire.add(proxy);
    REQUIRE(proxy.start(wire));
    Phone alice(wire, "600", "192.168.1.11:5060", "192.168.1.153:5060");
    Phone bad(wire, "100", "192.168.1.66:5060", "192.168.1.153:5060");
    CHECK(alice.register_at_server() == 200);
    Stranger stranger(bad);
    for (int i = 0; i < 3000; ++i) {
        const Exact text(stranger.next());
        proxy.on_packet({bad.hop.local, bad.hop.remote, Transport::udp, Content::sip, text, {}},
                        wire.now);
        if (i % 50 == 0) wire.run(seconds{1});
        if (i % 500 == 0) wire.log.clear();
    }
    wire.run(seconds{400});
    CHECK(alice.register_at_server() == 200);
}
