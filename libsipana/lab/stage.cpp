#include "libsipana/lab/stage.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange.h"
#include "libsipana/lab/hosts.h"
#include "libsipana/lab/program_host.h"
#include "libsipana/lab/remarks.h"
#include "libsipana/lab/simulated.h"
#include "libsipana/lab/sockets.h"
#include "libsipana/lab/stage_address.h"

namespace sipana::lab {
namespace {

constexpr int max_drain = 1 << 20;  // packets of one node at one time
constexpr Duration a_while = std::chrono::milliseconds{200};

// On a network with real peers a second run must not bear the first one's Call-IDs and tags (RFC
// 3261 8.1.1.4: unique over time; 8.2.2.2: 482): there the seed is the clock's as well, unless one
// was given. The result says which it was.
std::uint64_t seed_of(const Script& script, const RunSettings& settings,
                      const Stage::Clock& clock) {
    if (settings.seed) return *settings.seed;
    if (settings.ground == Ground::simulated) return script.seed;
    return mix(script.seed, static_cast<std::uint64_t>(clock().count())) >> 16;
}

}  // namespace

Stage::Stage(const Script& script, const RunSettings& settings, Clock clock, bool load)
    : script_(script),
      settings_(settings),
      clock_(std::move(clock)),
      load_(load),
      seed_(seed_of(script, settings, clock_)),
      address_chance_(seed_) {}

Stage::~Stage() {
    // Nodes close their ports while the network is still there.
    agents_.clear();
    programs_.clear();
    exchanges_.clear();
    proxies_.clear();
}

Status Stage::set_up() {
    parts_ = parts_of(script_);
    if (Status s = set_up_network(); !s) return s;
    if (Status s = set_up_capture(); !s) return s;
    network_->tap(this);
    // Servers first: phones register with them.
    for (const ServerLine& line : script_.servers)
        if (Status s = set_up_server(line); !s) return s;
    // Those that are ours come to life once every name is known.
    for (const ServerLine& line : script_.servers)
        if (Status s = set_up_built_in(line); !s) return s;
    for (std::size_t i = 0; i < script_.phones.size(); ++i)
        if (Status s = set_up_phone(i); !s) return s;
    if (Status s = start_programs(); !s) return s;
    if (settings_.placed) settings_.placed(side_by_side());
    return Done{};
}

// As a ladder shows them best: servers in the middle, the first one's phones to their left, all
// others to their right.
std::vector<std::pair<std::string, Endpoint>> Stage::side_by_side() const {
    std::vector<std::string> left, right;
    for (const PhoneLine& line : script_.phones) {
        const bool first = &line == &script_.phones.front();
        const bool near = script_.servers.size() > 1 && line.domain == script_.servers.front().name;
        (script_.servers.empty() || first || near ? left : right).push_back(line.name);
    }
    for (const ServerLine& line : script_.servers) left.push_back(line.name);
    left.insert(left.end(), right.begin(), right.end());
    std::vector<std::pair<std::string, Endpoint>> out;
    for (const std::string& name : left)
        if (const Party* party = directory_.by_name(name)) out.emplace_back(name, party->at);
    return out;
}

Status Stage::set_up_network() {
    if (settings_.ground == Ground::simulated) {
        SimulatedSettings simulated;
        simulated.seed = seed_;
        simulated.rules = script_.networks;
        network_ = std::make_unique<Simulated>(simulated);
        return Done{};
    }
    SocketsSettings sockets;
    sockets.clock = clock_;
    sockets.hosts = settings_.hosts;
    sockets.tls.keep_secrets = settings_.hosts.has_bridge() && !load_;
    auto made = Sockets::create(std::move(sockets));
    if (!made) return made.error();
    network_ = std::move(*made);
    if (!script_.networks.empty()) notes_.push_back("network lines do nothing on sockets");
    return Done{};
}

Status Stage::set_up_bridge(CaptureHead head) {
    auto* sockets = dynamic_cast<Sockets*>(network_.get());
    auto made = BridgeRecorder::create(settings_.capture, captured_, settings_.hosts,
                                       sockets->hosts(), std::move(head));
    if (!made) return made.error();
    bridge_ = std::move(*made);
    return sockets->watch(bridge_->descriptor(), [this] { bridge_->read(); });
}

Status Stage::set_up_capture() {
    if (!settings_.keep_capture) return Done{};
    CaptureHead head;
    head.script = script_.name;
    head.seed = seed_;
    if (!script_.title.empty()) head.comments.push_back(script_.title);
    if (settings_.ground == Ground::sockets && settings_.hosts.has_bridge() && !load_)
        return set_up_bridge(std::move(head));
    if (settings_.capture.empty()) {
        recorder_ = Recorder::into(captured_, head);
        return Done{};
    }
    auto made = Recorder::create(settings_.capture, head);
    if (!made) return made.error();
    recorder_ = std::move(*made);
    return Done{};
}

// A phone that has a host of its own, or comes first there, has the usual port.
bool Stage::first_of_host(const Address& address) const {
    return settings_.usual_ports && settings_.hosts.namespaces.contains(address) &&
           std::none_of(agents_.begin(), agents_.end(), [&](const auto& agent) {
               return agent != nullptr && agent->endpoint().address == address;
           });
}

Status Stage::set_up_phone(std::size_t phone) {
    const PhoneLine& line = script_.phones[phone];
    const bool plays =
        settings_.only.empty() ||
        std::find(settings_.only.begin(), settings_.only.end(), line.name) != settings_.only.end();
    const std::string text = given_or(settings_.phones, line.name, line.at);
    const auto at = split_host_port(text);
    if (!at) return at_line(line.where, fmt::format("\"{}\" is no address", text));
    Endpoint wish{settings_.local, at->port};
    if (!at->host.empty()) {
        const auto address = resolve(at->host);
        if (!address) return at_line(line.where, address.error().what, address.error().code);
        wish.address = *address;
    }
    const bool simulated = settings_.ground == Ground::simulated;
    if (!simulated && wish.address.empty()) wish.address = *Address::parse("127.0.0.1");
    if (wish.port == 0 && (simulated || first_of_host(wish.address)))
        wish.port = default_port(line.transport);
    Endpoint endpoint = wish;
    const bool by_program = plays && !line.program.empty();
    if (by_program) {
        if (Status s = set_up_program(phone, endpoint); !s)
            return at_line(line.where, fmt::format("{}: {}", line.name, s.error().what),
                           s.error().code);
        agents_.push_back(nullptr);
    } else if (plays) {
        Agent::Setting setting;
        setting.line = &line;
        setting.phone = phone;
        setting.at = wish;
        setting.directory = &directory_;
        setting.ports = this;
        setting.store = &store_;
        setting.seed = mix(seed_, phone + 1);
        setting.folder = script_.folder;
        setting.media.measure = !load_;  // the capture tells, where there is one
        if (load_ && std::none_of(parts_.begin(), parts_.end(),
                                  [](const Part& part) { return part.has_media; }))
            setting.parked = Endpoint{wish.address, 6000};
        setting.shares_ports = load_ && !setting.parked && parts_[phone].calls;
        auto agent = std::make_unique<Agent>(setting);
        if (Status s = agent->open(); !s)
            return at_line(line.where, fmt::format("{}: {}", line.name, s.error().what),
                           s.error().code);
        endpoint = agent->endpoint();
        nodes_.push_back(agent.get());
        agents_.push_back(std::move(agent));
    } else {
        if (endpoint.port == 0) endpoint.port = default_port(line.transport);
        agents_.push_back(nullptr);
    }
    playing_.push_back(agents_.back().get());
    Party peer;
    peer.name = line.name;
    peer.user = line.user.empty() ? line.name : line.user;
    peer.at = endpoint;
    peer.transport = line.transport;
    peer.host = endpoint.to_string();
    const Party* server = directory_.by_name(line.domain);
    const std::string domain = line.domain.empty() ? endpoint.to_string()
                               : server != nullptr ? server->host
                                                   : line.domain;
    peer.aor = fmt::format("sip:{}@{}", peer.user, domain);
    directory_.add(std::move(peer));
    return Done{};
}

// ---------------------------------------------------------------- while it plays

bool Stage::ready() const {
    return exchanges_ready() &&
           std::all_of(programs_.begin(), programs_.end(),
                       [](const auto& one) { return one == nullptr || one->phone().ready(); });
}

bool Stage::exchanges_ready() const {
    return std::all_of(exchanges_.begin(), exchanges_.end(),
                       [](const auto& one) { return one->registered(); });
}

// ---------------------------------------------------------------- ports and packets

Result<Endpoint> Stage::open(Transport transport, const Endpoint& wish, Node& owner) {
    auto opened = network_->open(transport, wish, owner);
    if (opened && !load_) places_[std::string(owner.name())].push_back(*opened);
    return opened;
}

void Stage::close(Transport transport, const Endpoint& local) { network_->close(transport, local); }

void Stage::on_packet(const Packet& packet, Time at, Fate fate, bool duplicate) {
    if (fate == Fate::dropped && !duplicate) dropped_ = true;
    if (packet.content == Content::sip && fate == Fate::refused &&
        packet.transport != Transport::udp) {
        const std::uint64_t digest = message_digest(as_text(packet.payload));
        for (auto one = sent_.rbegin(); one != sent_.rend(); ++one)
            if (one->digest == digest && !one->lost) {
                one->lost = true;  // no connection: it never left
                break;
            }
    }
    if (packet.content == Content::sip && fate == Fate::delivered) ++sip_received_;
    if (recorder_) recorder_->on_packet(packet, at, fate, duplicate);
    if (settings_.watch) settings_.watch(packet, at, fate, duplicate);
}

void Stage::note_packet(const Node& node, const Packet& packet, Time at) {
    if (packet.content == Content::sip) {
        ++sip_sent_;
        if (load_) return;
        const std::string_view text = as_text(packet.payload);
        SentMessage one;
        one.at = at;
        one.node = node.name();
        one.src = packet.src;
        one.dst = packet.dst;
        one.digest = message_digest(text);
        one.start_line = text.substr(0, std::min(text.find_first_of("\r\n"), std::size_t{200}));
        one.lost = dropped_;
        one.transport = packet.transport;
        one.note = packet.note;
        sent_.push_back(std::move(one));
    } else if (packet.content == Content::rtp) {
        ++rtp_sent_;
        if (load_ || dropped_ || packet.payload.size() < 12) return;
        ++media_[{packet.src, packet.dst, load_be32(packet.payload.data() + 8)}];
    }
}

void Stage::drain() {
    for (Node* node : nodes_) {
        for (int i = 0; i < max_drain; ++i) {
            const auto packet = node->poll();
            if (!packet) break;
            dropped_ = false;
            const Time at = network_->now();  // what arrives is not earlier, whatever the clock
            if (const Status s = network_->send(*packet); !s) {
                if (notes_.size() < 100)
                    notes_.push_back(fmt::format("{}: {}", node->name(), s.error().what));
                continue;
            }
            note_packet(*node, *packet, at);
        }
    }
    network_->flush();
}

std::optional<Time> Stage::deadline() const {
    std::optional<Time> first;
    for (const Node* node : nodes_) {
        const auto due = node->deadline();
        if (due && (!first || *due < *first)) first = due;
    }
    return first;
}

bool Stage::turn(std::optional<Time> until) {
    const Time now = network_->now();
    bool woke = false;
    for (Node* node : nodes_) {
        const auto due = node->deadline();
        if (!due || *due > now) continue;
        node->on_timer(now);
        woke = true;
    }
    woke = turn_programs(now) || woke;
    drain();
    std::optional<Time> next = deadline();
    if (until && (!next || *until < *next)) next = until;
    if (!programs_.empty() && (!next || *next > now + ProgramHost::look_up))
        next = now + ProgramHost::look_up;
    // In a long wait whoever looks at the capture finds all of it, and whoever kills us leaves it.
    const bool real = settings_.ground == Ground::sockets;
    if (real && (!next || *next - now > a_while)) {
        if (recorder_) (void)recorder_->flush();
        if (bridge_) (void)bridge_->flush();
    }
    const bool waited = network_->wait(next);
    drain();
    return waited || woke || next.has_value();
}

bool Stage::idle() const {
    return std::all_of(agents_.begin(), agents_.end(),
                       [](const auto& agent) { return agent == nullptr || agent->idle(); }) &&
           std::all_of(programs_.begin(), programs_.end(),
                       [](const auto& one) { return one == nullptr || one->phone().idle(); });
}

void Stage::await_capture() {
    if (!bridge_) return;
    constexpr Duration longest_silence = std::chrono::milliseconds{500};
    constexpr Duration look = std::chrono::milliseconds{20};
    constexpr int most_looks = 500;
    Time last_heard = now();
    for (int i = 0; i < most_looks && bridge_->status() && !bridge_->up_to_date(); ++i) {
        const std::uint64_t before = bridge_->frames();
        // Not a turn: what the nodes would still send would have to be waited for as well.
        network_->wait(now() + look);
        if (bridge_->frames() != before) last_heard = now();
        if (now() - last_heard > longest_silence) return;
    }
}

// Each address by the one that alone is there.
std::vector<std::pair<Address, std::string>> Stage::names_of_hosts() {
    std::map<Address, std::string> names;
    for (const Party& party : directory_.peers()) {
        const auto [place, is_new] = names.try_emplace(party.at.address, party.name);
        if (!is_new) place->second.clear();
    }
    std::vector<std::pair<Address, std::string>> out;
    for (const auto& [address, name] : names)
        if (!name.empty()) out.emplace_back(address, name);
    return out;
}

Status Stage::close_capture(std::span<const MetMessage> met) {
    if (recorder_) return recorder_->close(network_->now());
    if (!bridge_) return Done{};
    if (Status s = bridge_->close(); !s) return s;
    CaptureHead head = bridge_->head();
    head.names = names_of_hosts();
    if (const auto* sockets = dynamic_cast<Sockets*>(network_.get()))
        head.tls_secrets = sockets->tls_secrets();
    const Remarks remarks{sent_, met};
    return settings_.capture.empty() ? annotate(captured_, head, remarks)
                                     : annotate(settings_.capture, head, remarks);
}

Log Stage::log(const Play* play) {
    Log out;
    for (const auto& [name, endpoints] : places_) out.places.push_back({name, endpoints, true});
    for (const Party& peer : directory_.peers())
        if (places_.find(peer.name) == places_.end())
            out.places.push_back({peer.name, {peer.at}, false});
    for (const auto& one : programs_)
        for (Place& place : out.places)
            if (one && place.name == one->phone().line().name)
                for (const Endpoint& at : one->phone().media_endpoints())
                    place.endpoints.push_back(at);
    out.sent = sent_;
    for (const auto& way : media_) {
        const auto& [src, dst, ssrc] = way.first;
        out.media.push_back({src, dst, ssrc, way.second});
    }
    out.media_counted = true;
    if (bridge_) {
        out.on_wire = true;
        if (const auto* sockets = dynamic_cast<Sockets*>(network_.get()))
            out.unreached = sockets->unreached();
        for (const auto& place : places_)
            for (const Endpoint& at : place.second) out.hosts.insert(at.address);
    }
    if (play != nullptr)
        for (const auto& agent : agents_)
            if (agent)
                for (auto& call : agent->calls_of(*play)) out.calls.push_back(std::move(call));
    if (play != nullptr)
        for (const auto& one : programs_)
            if (one)
                for (auto& call : one->phone().calls_of(*play))
                    out.calls.push_back(std::move(call));
    return out;
}

std::vector<std::string> Stage::take_notes() {
    std::vector<std::string> out = std::move(notes_);
    notes_.clear();
    for (const auto& agent : agents_)
        if (agent && !agent->first_malformed().empty())
            out.push_back(fmt::format("{}: got what is no SIP, {} times, first from {}",
                                      agent->name(), agent->malformed(), agent->first_malformed()));
    for (const auto& exchange : exchanges_)
        for (std::string& note : exchange->take_notes())
            out.push_back(fmt::format("{}: {}", exchange->name(), note));
    if (auto* sockets = dynamic_cast<Sockets*>(network_.get()))
        for (std::string& note : sockets->take_notes()) out.push_back(std::move(note));
    return out;
}

}  // namespace sipana::lab
