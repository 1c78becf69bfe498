#include "libsipana/lab/serving.h"

#include <fmt/format.h>

namespace sipana::lab {
namespace {

constexpr int max_drain = 1 << 20;  // packets at one time
constexpr std::size_t most_notes = 100;

}  // namespace

Serving::Serving(const ServeSettings& settings, Clock clock)
    : settings_(settings),
      clock_(std::move(clock)),
      seed_(settings.seed.value_or(static_cast<std::uint64_t>(clock_().count()))) {}

// The exchange closes its ports while the network is still there.
Serving::~Serving() { exchange_.reset(); }

Status Serving::set_up() {
    SocketsSettings sockets;
    sockets.clock = clock_;
    sockets.tls.certificate_file = settings_.certificate_file;
    sockets.tls.key_file = settings_.key_file;
    auto network = Sockets::create(std::move(sockets));
    if (!network) return network.error();
    sockets_ = network->get();
    network_ = std::move(*network);
    if (!settings_.capture.empty()) {
        CaptureHead recorder;
        recorder.script = "exchange";
        recorder.seed = seed_;
        auto made = Recorder::create(settings_.capture, recorder);
        if (!made) return made.error();
        recorder_ = std::move(*made);
        network_->tap(recorder_.get());
    }
    ExchangeSettings exchange;
    exchange.listens = settings_.listens;
    exchange.seed = seed_;
    if (Status s = read_folder(settings_.folder, exchange); !s) return s.error();
    auto made = Exchange::load(std::move(exchange));
    if (!made) return made.error();
    exchange_ = std::move(*made);
    return exchange_->start(*this, network_->now());
}

Result<Endpoint> Serving::open(Transport transport, const Endpoint& wish, Node& owner) {
    return network_->open(transport, wish, owner);
}

void Serving::close(Transport transport, const Endpoint& local) {
    network_->close(transport, local);
}

void Serving::drain() {
    for (int i = 0; i < max_drain; ++i) {
        const auto packet = exchange_->poll();
        if (!packet) break;
        const Status sent = network_->send(*packet);
        if (!sent && notes_.size() < most_notes) notes_.push_back(sent.error().what);
    }
    network_->flush();
}

void Serving::turn(Time until) {
    if (const auto due = exchange_->deadline(); due && *due <= network_->now())
        exchange_->on_timer(network_->now());
    drain();
    const auto due = exchange_->deadline();
    // Quiet: whoever looks at the capture finds all of it.
    if (!network_->wait(due && *due < until ? *due : until) && recorder_) (void)recorder_->flush();
    drain();
}

std::vector<std::string> Serving::take_notes() {
    std::vector<std::string> out = std::move(notes_);
    notes_.clear();
    for (std::string& note : exchange_->take_notes()) out.push_back(std::move(note));
    for (std::string& note : sockets_->take_notes()) out.push_back(std::move(note));
    return out;
}

ServeResult Serving::finish() {
    ServeResult result;
    if (recorder_) {
        if (const Status s = recorder_->close(network_->now()); !s) {
            result.error = s.error().what;
            result.error_code = s.error().code;
        }
        result.sip = recorder_->counts().sip;
        result.rtp = recorder_->counts().rtp;
    }
    return result;
}

}  // namespace sipana::lab
