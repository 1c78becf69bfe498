#include "libsipana/pcap/live.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <climits>
#include <string_view>
#include <utility>

#include "libsipana/base/text.h"

namespace sipana::pcap {
namespace {

// libpcap's words for a failed activation; those that do not say it are replaced.
Error refusal(const std::string& interface, int number, pcap_t* opened) {
    const std::string shown = printable(interface);
    if (number == PCAP_ERROR_PERM_DENIED || number == PCAP_ERROR_PROMISC_PERM_DENIED)
        return {Errc::denied, 0, fmt::format("{}: capturing needs root", shown)};
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

}  // namespace

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
    Status set_filter(const std::string& filter);

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
    if (Status s = set_filter(settings.filter); !s) return s;
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
    nanoseconds_ = pcap_get_tstamp_precision(opened_) == PCAP_TSTAMP_PRECISION_NANO;
    return Done{};
}

Status Live::State::set_filter(const std::string& filter) {
    if (filter.empty()) return Done{};
    bpf_program program{};
    if (pcap_compile(opened_, &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
        return Error{
            Errc::malformed, 0,
            fmt::format("filter '{}': {}", printable(filter), printable(pcap_geterr(opened_)))};
    const bool set = pcap_setfilter(opened_, &program) == 0;
    pcap_freecode(&program);
    if (set) return Done{};
    return Error{
        Errc::io, 0,
        fmt::format("filter '{}': {}", printable(filter), printable(pcap_geterr(opened_)))};
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
    if (got < 0)
        status = Error{
            Errc::io, 0,
            fmt::format("{}: {}", printable(interface.name), printable(pcap_geterr(opened_)))};
    return false;
}

Live::Counts Live::State::counts() {
    pcap_stat stat{};
    if (pcap_stats(opened_, &stat) == 0) {
        // libpcap counts in 32 bits: what came on top since the last look.
        last_.received +=
            static_cast<std::uint32_t>(stat.ps_recv - static_cast<std::uint32_t>(last_.received));
        last_.dropped +=
            static_cast<std::uint32_t>(stat.ps_drop - static_cast<std::uint32_t>(last_.dropped));
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
