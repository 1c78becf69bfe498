// HepListener: HEP agents as a source of frames: what they send over UDP, TCP and TLS (hep/packet).
//
// Each HEP packet becomes a frame of bare IP and UDP, from the agent's address to ours, with the
// packet as it came: so recording, analysis and reading what was recorded are the same as for HEP
// seen on an interface.
//
// All is opened in open(): afterwards there is accepting, reading, writing (TLS) and closing, and
// one epoll descriptor for everything. Agents are not trusted: caps have names, and what does not
// read is counted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/live/source.h"

namespace sipana::live {

struct HepListenSettings {
    std::vector<std::string> addresses;  // "udp:127.0.0.1:9060": addresses, not names; port 0: any
    std::string certificate_file,
        key_file;         // PEM, for tls; the key may be in the certificate's file
    std::string ca_file;  // PEM: agents must show a certificate that it vouches for
    std::string key;      // the authentication key that packets must bear; empty: any
    std::size_t most_connections = 256;
    std::function<Time()> clock;  // of arrival; the machine's where it is missing
};

class HepListener final : public Source {
public:
    static constexpr int socket_buffer = 64 << 20;  // wished for; the kernel may give less
    static constexpr Duration handshake = std::chrono::seconds{10};   // TLS takes no longer
    static constexpr Duration unfinished = std::chrono::seconds{30};  // nor does a packet's end
    static constexpr Duration silence =
        std::chrono::seconds{60};  // then it may make room for another
    static constexpr std::size_t most_outgoing =
        64 * 1024;  // TLS records that an agent does not take

    // Errc::malformed: an address, or TLS without a certificate; Errc::denied, not_found: what
    // binding says.
    static Result<std::unique_ptr<HepListener>> open(HepListenSettings settings);
    ~HepListener() override;

    int descriptor() const override;
    bool next(pcap::Frame& frame) override;
    bool ended() const override { return false; }
    const Status& status() const override { return status_; }
    const pcap::Interface& interface() const override;
    // refused: datagrams that are no HEP, or lack the key; connections of more than
    // `most_connections`, or closed for garbage or for being slow. They are in none of the others.
    SourceCounts counts() override;

    std::vector<Endpoint> listening() const;  // in the order of the settings
    std::size_t connections() const;

private:
    class State;
    explicit HepListener(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
    Status status_ = Done{};
};

}  // namespace sipana::live
