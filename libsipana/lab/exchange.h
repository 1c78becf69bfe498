// Exchange: a small registrar and back-to-back user agent that behaves like Asterisk's chan_sip
// where a lab looks: peers, dialplan, challenges, and which code answers which mistake.
//
// It is a stand-in, so that scripts run with no server installed; no PBX for anybody's calls. Its
// User-Agent and Server fields say so. It reads sip.conf and extensions.conf as texts; no I/O, no
// clock, no DNS: names are those in `hosts`. Calls beyond max_channels are refused with 503.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/result.h"
#include "libsipana/lab/hosts.h"
#include "libsipana/lab/node.h"
#include "libsipana/sip/transaction.h"

namespace sipana::lab {

struct ExchangeSettings {
    std::string name = "exchange";
    std::string sip_conf, extensions_conf;                  // the files' texts
    Hosts::Listens listens;                                 // at least one; port 0: any free one
    std::map<std::string, Endpoint> hosts;                  // what names mean: "A", "b.example"
    std::uint16_t media_first = 10000, media_last = 20000;  // RTP at even ports; RTCP above it
    std::uint64_t seed = 1;
    sip::Timing timing;
};

// Reads sip.conf and extensions.conf of a folder into `settings`.
Status read_folder(const std::string& folder, ExchangeSettings& settings);

class ExchangeCore;

class Exchange : public Node {
public:
    static constexpr std::size_t max_channels = 20'000;

    // Errors: a configuration beyond its caps. What it does not understand is noted.
    static Result<std::unique_ptr<Exchange>> load(ExchangeSettings settings);
    ~Exchange() override;

    // Opens the signalling ports; `ports` is asked for media ports as long as the exchange lives.
    // Then it registers where sip.conf says so.
    Status start(Ports& ports, Time now);
    const Hosts::Listens& listens() const;  // with the ports that were opened

    std::string_view name() const override;
    void on_packet(const Packet& packet, Time now) override;
    void on_unreachable(const Endpoint& local, const Endpoint& remote, Transport transport,
                        Time now) override;
    void on_timer(Time now) override;
    std::optional<Time> deadline() const override;
    std::optional<Packet> poll() override;

    // What it had to say since the last time: "sip.conf:12: ...", what its dialplan printed.
    std::vector<std::string> take_notes();
    // Are its registrations at other exchanges accepted? True where it has none.
    bool registered() const;
    std::size_t channels() const;  // legs alive

private:
    explicit Exchange(ExchangeSettings settings);
    std::unique_ptr<ExchangeCore> core_;
};

}  // namespace sipana::lab
