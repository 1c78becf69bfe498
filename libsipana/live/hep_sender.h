// HepSender: sends what was seen to a collector (Homer's heplify-server, Kamailio's sipcapture,
// another sipana) as HEP3 over UDP, TCP or TLS: every SIP message, and RTCP reports in the JSON
// that collectors read.
//
// It never waits: what cannot be sent at once waits in a queue of most_queued bytes, and what finds
// no room there is dropped and counted. A lost connection is made again, after 1 s, 2 s ... 60 s.
//
// Names are resolved, and files read, in open(). Afterwards UDP needs send() on a connected socket
// alone; TCP and TLS need socket, connect, setsockopt, getsockopt, poll, send, recv and close, to
// address() and nowhere else.
//
// What it sent and an interface shows again is recognised by agent() (analysis::Options::own_hep),
// and a message that the capture saw twice is sent once: so nothing goes round in circles.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libsipana/base/result.h"
#include "libsipana/live/observer.h"

namespace sipana::live {

struct HepSendSettings {
    std::string to;  // "udp:collector.example:9060"
    std::uint32_t agent = 2001;
    std::string node;     // its name; empty: the host's
    std::string key;      // authentication, in clear where the transport is not TLS
    std::string ca_file;  // PEM: who vouches for a TLS collector; empty: the system's
    bool verify = true;   // a TLS collector's certificate, and that it bears the collector's name
    std::string certificate_file, key_file;  // PEM: our own, for collectors that ask
    std::size_t most_queued = 8u << 20;      // bytes
    std::function<Time()> clock;             // the machine's where it is missing
};

class HepSender final : public Observer {
public:
    static constexpr Duration first_pause = std::chrono::seconds{1},
                              longest_pause = std::chrono::seconds{60};
    static constexpr Duration patience =
        std::chrono::seconds{10};  // for a connection and its handshake

    // packets = sent + dropped + lost + waiting; too_large and repeated are in none of them.
    struct Counts {
        std::uint64_t packets = 0;
        std::uint64_t sent = 0;     // handed to the system
        std::uint64_t dropped = 0;  // no room in the queue, or refused by the system
        std::uint64_t lost = 0;     // on a connection that ended under way
        std::uint64_t waiting = 0;
        std::uint64_t too_large = 0;    // for a HEP packet, or for a datagram
        std::uint64_t repeated = 0;     // seen twice by the capture: not sent again
        std::uint64_t connections = 0;  // made, of TCP or TLS
        bool connected = false;         // UDP: always
        std::string trouble;            // the last one; empty: none since it worked
    };

    // Errc::not_found: the name does not resolve. A collector that is down is no error.
    static Result<std::unique_ptr<HepSender>> open(HepSendSettings settings);
    ~HepSender() override;

    void on_message(const analysis::SipMessage& message, std::string_view call_id) override;
    void on_rtcp(const net::Datagram& datagram, std::string_view call_id) override;
    void on_tick(Time now) override;  // turn()
    void turn();
    // The end: sends what waits for at most `patience` of the machine's time.
    void finish(Duration at_most);

    Counts counts() const;
    analysis::HepAgent agent() const;  // for analysis::Options::own_hep
    Endpoint address() const;          // the collector's
    Transport transport() const;

private:
    class State;
    explicit HepSender(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sipana::live
