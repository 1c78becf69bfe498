// Stage: what a script is played on: the network, the phones, the built-in servers, the capture,
// and the log of what was sent. The runner turns it.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "libsipana/lab/agent.h"
#include "libsipana/lab/bridge_recorder.h"
#include "libsipana/lab/network.h"
#include "libsipana/lab/play.h"
#include "libsipana/lab/recorder.h"
#include "libsipana/lab/runner.h"
#include "libsipana/lab/verdict.h"

namespace sipana::lab {

class Exchange;
class ProgramHost;

class Stage : private Ports, private Tap {
public:
    using Clock = std::function<Time()>;
    Stage(const Script& script, const RunSettings& settings, Clock clock, bool load);
    ~Stage() override;

    Status set_up();  // the errors name the line
    Time now() const { return network_->now(); }
    const std::vector<Part>& parts() const { return parts_; }
    const std::vector<Agent*>& agents() const { return playing_; }
    std::vector<ProgramPhone*> programs() const;  // by phone; empty: there is none
    std::string program_failure() const;          // why one is of no more use; empty: none is
    const Directory& directory() const { return directory_; }
    std::uint64_t seed() const { return seed_; }
    bool ready() const;            // those are, and the programs answer
    bool exchanges_ready() const;  // the servers' own registrations are done

    // Wakes whoever is due, hands on what they send, and waits for what comes: at most until
    // `until`. False: nothing happened and nothing will.
    bool turn(std::optional<Time> until);
    std::optional<Time> deadline() const;  // of the nodes
    void drain();                          // what the nodes have to send
    bool idle() const;

    // Waits for what is still on its way into the capture: at most until nothing came for a while.
    void await_capture();
    // Comments are joined to a capture that was taken at the bridge.
    Status close_capture(std::span<const MetMessage> met = {});
    bool capture_failed() const {
        return (recorder_ != nullptr && !recorder_->status()) ||
               (bridge_ != nullptr && !bridge_->status());
    }
    const BridgeRecorder* bridge() const { return bridge_.get(); }
    Bytes captured() const { return captured_; }  // of a capture that is kept in memory
    Log log(const Play* play);                    // views this stage
    std::vector<std::string> take_notes();
    std::uint64_t sip_sent() const { return sip_sent_; }
    std::uint64_t rtp_sent() const { return rtp_sent_; }
    std::uint64_t sip_received() const { return sip_received_; }
    std::uint64_t repeated() const { return repeated_; }

private:
    Result<Endpoint> open(Transport transport, const Endpoint& wish, Node& owner) override;
    void close(Transport transport, const Endpoint& local) override;
    void on_packet(const Packet& packet, Time at, Fate fate, bool duplicate) override;

    std::vector<std::pair<std::string, Endpoint>> side_by_side() const;
    Status set_up_network();
    Status set_up_phone(std::size_t phone);
    bool first_of_host(const Address& address) const;
    Status set_up_program(std::size_t phone, Endpoint& at);
    Status start_programs();
    bool turn_programs(Time now);
    Status set_up_server(const ServerLine& line);
    Status set_up_exchange(const ServerLine& line, const Endpoint& at);
    Status set_up_built_in(const ServerLine& line);
    Status set_up_proxy(const ServerLine& line, const Party& peer);
    bool is_built_in(const ServerLine& line) const;
    std::map<std::string, Endpoint> names_of_servers();
    Status set_up_capture();
    Status set_up_bridge(CaptureHead head);
    std::vector<std::pair<Address, std::string>> names_of_hosts();
    void note_packet(const Node& node, const Packet& packet, Time at);

    const Script& script_;
    const RunSettings& settings_;
    Clock clock_;
    bool load_;
    std::uint64_t seed_;
    std::unique_ptr<Network> network_;
    MediaStore store_;
    Directory directory_;
    std::vector<Part> parts_;
    std::vector<std::unique_ptr<Agent>> agents_;          // by phone; null: it does not play
    std::vector<Agent*> playing_;                         // the same
    std::vector<std::unique_ptr<ProgramHost>> programs_;  // likewise; empty: there is none
    std::vector<std::unique_ptr<Exchange>> exchanges_;
    std::vector<std::unique_ptr<Node>> proxies_;
    std::vector<Node*> nodes_;
    Buffer captured_;
    std::unique_ptr<BridgeRecorder> bridge_;  // in place of the recorder
    std::unique_ptr<Recorder> recorder_;      // may write into it until it ends
    std::map<std::string, std::vector<Endpoint>> places_;
    std::vector<SentMessage> sent_;
    std::map<std::tuple<Endpoint, Endpoint, std::uint32_t>, std::uint64_t> media_;
    std::vector<std::string> notes_;
    std::uint64_t sip_sent_ = 0, rtp_sent_ = 0, sip_received_ = 0, repeated_ = 0;
    bool dropped_ = false;  // the packet just sent was
    Random address_chance_;
    std::uint8_t next_server_ = 200;
};

}  // namespace sipana::lab
