#include "libsipana/pcap/live.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "libsipana/base/text.h"

namespace sipana::pcap {
namespace {

// libpcap's words for a failed activation; those that do not say it are replaced.
Error refusal(const std::string& interface, int number, pcap_t* opened) {
    const std::string shown = printable(interface);
    if (number == PCAP_ERROR_PERM_DENIED || number == PCAP_ERROR_PROMISC_PERM_DENIED)
        return {Errc::denied, 0,
                fmt::format("{}: capturing needs CAP_NET_RAW: run this as root, or give it to the "
                            "program, once: "
                            "setcap cap_net_raw+ep PROGRAM",
                            shown)};
    if (number == PCAP_ERROR_NO_SUCH_DEVICE)
        return {Errc::not_found, 0, fmt::format("{}: no such interface", shown)};
    if (number == PCAP_ERROR_IFACE_NOT_UP)
        return {Errc::io, 0, fmt::format("{}: the interface is not up", shown)};
    const std::string_view words =
        number == PCAP_ERROR ? pcap_geterr(opened) : pcap_statustostr(number);
    return {Errc::io, 0, fmt::format("{}: {}", shown, printable(words))};
}

// DLT_ values are LINKTYPE_ values, but for raw IP.
LinkType link_of(pcap_t* opened) {
    const int link = pcap_datalink(opened);
    return link == DLT_RAW ? LinkType::raw : static_cast<LinkType>(link);
}

std::optional<Address> address_of(const sockaddr* address) {
    if (address == nullptr) return std::nullopt;
    std::uint8_t bytes[16];
    if (address->sa_family == AF_INET) {
        std::memcpy(bytes, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
        return Address::v4(bytes);
    }
    if (address->sa_family != AF_INET6) return std::nullopt;
    std::memcpy(bytes, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
    return Address::v6(bytes);
}

}  // namespace

Result<std::vector<Listenable>> list_interfaces() {
    char words[PCAP_ERRBUF_SIZE] = {};
    pcap_if_t* all = nullptr;
    if (pcap_findalldevs(&all, words) != 0) return Error{Errc::io, 0, printable(words)};
    std::vector<Listenable> out;
    for (const pcap_if_t* one = all; one != nullptr; one = one->next) {
        Listenable l;
        l.name = one->name;
        l.any = l.name == "any";
        // Not the USB buses, message buses and packet logs that libpcap reads, too.
        if (!l.any && if_nametoindex(one->name) == 0) continue;
        if (one->description != nullptr) l.description = one->description;
        l.up = (one->flags & PCAP_IF_UP) != 0;
        l.running = (one->flags & PCAP_IF_RUNNING) != 0;
        l.loopback = (one->flags & PCAP_IF_LOOPBACK) != 0;
        l.wireless = (one->flags & PCAP_IF_WIRELESS) != 0;
        for (const pcap_addr_t* a = one->addresses; a != nullptr; a = a->next)
            if (const auto address = address_of(a->addr)) l.addresses.push_back(*address);
        out.push_back(std::move(l));
    }
    pcap_freealldevs(all);
    return out;
}

class Live::State {
public:
    ~State() {
        if (opened_ != nullptr) pcap_close(opened_);
    }
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Status open(const std::string& interface, const LiveSettings& settings);
    bool next(Frame& frame);
    Counts counts();
    int descriptor() const { return pcap_get_selectable_fd(opened_); }

    Status status = Done{};
    Interface interface;

private:
    Status activate(const LiveSettings& settings);
    Status set_filter(const LiveSettings& settings);
    Error ended() const;
    Error filter_error(const std::string& filter) const;

    pcap_t* opened_ = nullptr;
    bool nanoseconds_ = false;
    std::uint64_t read_ = 0;
    Counts last_;
};

Status Live::State::open(const std::string& name, const LiveSettings& settings) {
    char words[PCAP_ERRBUF_SIZE] = {};
    interface.name = name;
    opened_ = pcap_create(name.c_str(), words);
    if (opened_ == nullptr)
        return Error{Errc::io, 0, fmt::format("{}: {}", printable(name), printable(words))};
    if (Status s = activate(settings); !s) return s;
    if (Status s = set_filter(settings); !s) return s;
    if (pcap_setnonblock(opened_, 1, words) != 0)
        return Error{Errc::io, 0, fmt::format("{}: {}", printable(name), printable(words))};
    if (descriptor() < 0)
        return Error{Errc::unsupported, 0,
                     fmt::format("{}: cannot be waited for", printable(name))};
    interface.link = link_of(opened_);
    interface.snap = static_cast<std::uint32_t>(std::max(pcap_snapshot(opened_), 0));
    interface.filter = settings.filter;
    interface.resolution = nanoseconds_ ? 9 : 6;
    return Done{};
}

Status Live::State::activate(const LiveSettings& settings) {
    const auto batch = std::chrono::duration_cast<std::chrono::milliseconds>(settings.batch);
    pcap_set_snaplen(opened_, static_cast<int>(std::min<std::uint32_t>(settings.snap, INT_MAX)));
    pcap_set_buffer_size(opened_, static_cast<int>(std::min(settings.buffer, most_buffer)));
    pcap_set_promisc(opened_, settings.promiscuous ? 1 : 0);
    pcap_set_immediate_mode(opened_, settings.immediate ? 1 : 0);
    pcap_set_timeout(opened_, static_cast<int>(std::clamp<std::int64_t>(batch.count(), 1, 60'000)));
    // A wish: where it is not granted times are in microseconds.
    pcap_set_tstamp_precision(opened_, PCAP_TSTAMP_PRECISION_NANO);
    if (const int number = pcap_activate(opened_); number < 0)
        return refusal(interface.name, number, opened_);
    // Of all interfaces together: with the number of the one.
    if (pcap_datalink(opened_) == DLT_LINUX_SLL) pcap_set_datalink(opened_, DLT_LINUX_SLL2);
    nanoseconds_ = pcap_get_tstamp_precision(opened_) == PCAP_TSTAMP_PRECISION_NANO;
    return Done{};
}

Error Live::State::filter_error(const std::string& filter) const {
    return {Errc::malformed, 0,
            fmt::format("filter '{}': {}", printable(filter), printable(pcap_geterr(opened_)))};
}

Status Live::State::set_filter(const LiveSettings& settings) {
    if (settings.filter.empty()) return Done{};
    bpf_program program{};
    const auto compile = [&](const std::string& filter) {
        return pcap_compile(opened_, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
    };
    // Alone first: of a mistake in it libpcap should not speak in terms of more.
    if (!compile(settings.filter)) return filter_error(settings.filter);
    if (settings.fragments) {
        pcap_freecode(&program);
        // In front: `vlan` in a filter shifts what stands behind it. Where there is no IP, none is
        // wanted.
        if (!compile(
                fmt::format("ip[6:2] & 0x1fff != 0 or ip6[6] == 44 or ({})", settings.filter)) &&
            !compile(settings.filter))
            return filter_error(settings.filter);
    }
    const bool set = pcap_setfilter(opened_, &program) == 0;
    pcap_freecode(&program);
    if (set) return Done{};
    Error error = filter_error(settings.filter);
    error.code = Errc::io;
    return error;
}

bool Live::State::next(Frame& frame) {
    if (!status) return false;
    pcap_pkthdr* header = nullptr;
    const unsigned char* bytes = nullptr;
    const int got = pcap_next_ex(opened_, &header, &bytes);
    if (got == 1) {
        frame = {};
        frame.number = ++read_;
        frame.time = std::chrono::seconds{header->ts.tv_sec} +
                     (nanoseconds_ ? Time{header->ts.tv_usec}
                                   : Time{std::chrono::microseconds{header->ts.tv_usec}});
        frame.bytes = Bytes(bytes, header->caplen);
        frame.wire_size = std::max(header->len, header->caplen);
        frame.link = interface.link;
        return true;
    }
    if (got < 0) status = ended();
    return false;
}

Error Live::State::ended() const {
    const std::string_view words = pcap_geterr(opened_);
    if (words.find("disappeared") != words.npos)
        return {Errc::not_found, 0,
                fmt::format("{}: the interface is gone", printable(interface.name))};
    return {Errc::io, 0, fmt::format("{}: {}", printable(interface.name), printable(words))};
}

Live::Counts Live::State::counts() {
    // Not by pcap_stats(), which opens files in /sys each time: live mode may open none any more.
    // The kernel counts from zero after each look; of both versions of the structure these two come
    // first.
    struct {
        std::uint32_t packets = 0, drops = 0, freezes = 0;
    } stat;
    socklen_t size = sizeof stat;
    if (::getsockopt(pcap_fileno(opened_), SOL_PACKET, PACKET_STATISTICS, &stat, &size) == 0) {
        last_.received += stat.packets;
        last_.dropped += stat.drops;
    }
    last_.read = read_;
    return last_;
}

Live::Live(std::unique_ptr<State> state) : state_(std::move(state)) {}
Live::Live(Live&&) noexcept = default;
Live& Live::operator=(Live&&) noexcept = default;
Live::~Live() = default;

Result<Live> Live::open(const std::string& interface, const LiveSettings& settings) {
    auto state = std::make_unique<State>();
    if (Status s = state->open(interface, settings); !s) return s.error();
    return Live(std::move(state));
}

int Live::descriptor() const { return state_->descriptor(); }
bool Live::next(Frame& frame) { return state_->next(frame); }
const Status& Live::status() const { return state_->status; }
const Interface& Live::interface() const { return state_->interface; }
Live::Counts Live::counts() { return state_->counts(); }

}  // namespace sipana::pcap
