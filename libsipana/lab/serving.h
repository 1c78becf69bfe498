// Serving: the built-in exchange alone, on the machine's network, for phones that are not ours.
//
// Until it is asked to stop, or its time is over. What it carries is recorded as it is of a run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libsipana/lab/exchange.h"
#include "libsipana/lab/recorder.h"
#include "libsipana/lab/runner.h"
#include "libsipana/lab/sockets.h"

namespace sipana::lab {

class Serving : private Ports {
public:
    using Clock = std::function<Time()>;
    Serving(const ServeSettings& settings, Clock clock);
    ~Serving() override;

    Status set_up();  // opens the ports
    // Wakes the exchange when it is due, hands on what it sends, and waits: at most until `until`.
    void turn(Time until);
    Time now() const { return network_->now(); }
    const Hosts::Listens& listens() const { return exchange_->listens(); }
    std::vector<std::string> take_notes();
    Status capture_status() const { return recorder_ ? recorder_->status() : Status{Done{}}; }
    ServeResult finish();  // ends the capture

private:
    Result<Endpoint> open(Transport transport, const Endpoint& wish, Node& owner) override;
    void close(Transport transport, const Endpoint& local) override;
    void drain();

    const ServeSettings& settings_;
    Clock clock_;
    std::uint64_t seed_;
    std::unique_ptr<Network> network_;
    Sockets* sockets_ = nullptr;  // the same
    std::unique_ptr<Recorder> recorder_;
    std::unique_ptr<Exchange> exchange_;
    std::vector<std::string> notes_;
};

}  // namespace sipana::lab
