#include "libsipana/pcap/filter.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <utility>

#include "libsipana/base/endpoint.h"

namespace sipana::pcap {

namespace {

constexpr int longest_frame = 262'144;
// A file may name 65,536 link types; a program is compiled for no more than these.
constexpr std::size_t max_programs = 64;
constexpr std::array common_links = {LinkType::ethernet, LinkType::linux_sll, LinkType::linux_sll2,
                                     LinkType::raw,      LinkType::null,      LinkType{105}};

// What libpcap calls a link type inside (DLT_), where that differs from what files call it.
int inside(LinkType link) {
    switch (static_cast<unsigned>(link)) {
        case 101:
        case 14:
            return DLT_RAW;
        case 100:
            return DLT_ATM_RFC1483;
        case 102:
            return DLT_SLIP_BSDOS;
        case 103:
            return DLT_PPP_BSDOS;
        default:
            return static_cast<int>(link);
    }
}

class Program {
public:
    Program(LinkType link, const std::string& expression) : link_(link) {
        pcap_t* nothing = pcap_open_dead(inside(link), longest_frame);
        if (!nothing) {
            error_ = "out of memory";
            return;
        }
        compiled_ = pcap_compile(nothing, &code_, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
        if (!compiled_) error_ = pcap_geterr(nothing);
        pcap_close(nothing);
    }
    Program(Program&& other) noexcept
        : link_(other.link_),
          code_(std::exchange(other.code_, {})),
          compiled_(std::exchange(other.compiled_, false)),
          error_(std::move(other.error_)) {}
    Program& operator=(Program&&) = delete;
    ~Program() {
        if (compiled_) pcap_freecode(&code_);
    }

    bool matches(const Frame& frame) const {
        if (!compiled_) return false;
        pcap_pkthdr header{};
        header.caplen = static_cast<bpf_u_int32>(frame.bytes.size());
        header.len = frame.wire_size;
        return pcap_offline_filter(&code_, &header, frame.bytes.data()) != 0;
    }
    LinkType link() const { return link_; }
    bool compiled() const { return compiled_; }
    const std::string& error() const { return error_; }

private:
    LinkType link_;
    bpf_program code_{};
    bool compiled_ = false;
    std::string error_;
};

// Where the IP header of a frame starts; nothing where it is not IP or not known how to find.
Bytes find_ip(const Frame& frame) {
    const Bytes b = frame.bytes;
    std::size_t type_at = 0, ip_at = 0;
    switch (frame.link) {
        case LinkType::ethernet:
            type_at = 12, ip_at = 14;
            break;
        case LinkType::linux_sll:
            type_at = 14, ip_at = 16;
            break;
        case LinkType::linux_sll2:
            type_at = 0, ip_at = 20;
            break;
        case LinkType::null:
        case LinkType::loop:
            return b.subspan(std::min<std::size_t>(4, b.size()));
        case LinkType::raw_bsd:
        case LinkType::raw_openbsd:
        case LinkType::raw:
        case LinkType::ipv4:
        case LinkType::ipv6:
            return b;
        default:
            return {};
    }
    if (b.size() < ip_at) return {};
    std::uint16_t type = load_be16(b.data() + type_at);
    // 802.1Q, 802.1ad and the older QinQ: the tag's own type follows two bytes later.
    while ((type == 0x8100 || type == 0x88a8 || type == 0x9100) && b.size() >= ip_at + 4) {
        type = load_be16(b.data() + ip_at + 2);
        ip_at += 4;
    }
    return type == 0x0800 || type == 0x86dd ? b.subspan(ip_at) : Bytes{};
}

//   RFC 791 3.1: version and header length(1) ... id(2) flags and offset(2) ttl(1) protocol(1) ...
std::optional<Fragment> find_fragment_v4(Bytes ip) {
    if (ip.size() < 20) return std::nullopt;
    constexpr unsigned more = 0x2000, offset = 0x1fff;
    const unsigned flags = load_be16(ip.data() + 6);
    if ((flags & (more | offset)) == 0) return std::nullopt;
    Fragment f;
    f.key = {Address::v4(ip.data() + 12), Address::v4(ip.data() + 16), load_be16(ip.data() + 4),
             ip[9]};
    f.first = (flags & offset) == 0;
    f.payload = std::min<std::size_t>(4u * (ip[0] & 0xfu), ip.size());
    f.next = ip[9];
    return f;
}

//   RFC 8200 4.5: next header(1) reserved(1) offset(13 bits) reserved(2) more(1) id(4)
std::optional<Fragment> find_fragment_v6(Bytes ip) {
    constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, destination = 60;
    constexpr int max_extensions = 8;
    if (ip.size() < 40) return std::nullopt;
    std::uint8_t next = ip[6];
    Bytes rest = ip.subspan(40);
    for (int i = 0; i < max_extensions && rest.size() >= 8; ++i) {
        if (next == fragment) {
            Fragment f;
            f.key = {Address::v6(ip.data() + 8), Address::v6(ip.data() + 24),
                     load_be32(rest.data() + 4), 0};
            f.first = load_be16(rest.data() + 2) >> 3 == 0;
            f.payload = ip.size() - rest.size() + 8;
            f.next = rest[0];
            return f;
        }
        if (next != hop_by_hop && next != routing && next != destination) return std::nullopt;
        next = rest[0];
        rest = rest.subspan(std::min<std::size_t>(8 + 8u * rest[1], rest.size()));
    }
    return std::nullopt;
}

std::size_t slot_of(const FragmentKey& key) {
    return mix(mix(hash(key.source), hash(key.destination)),
               std::uint64_t{key.identification} << 8 | key.protocol) %
           Filter::max_fragmented;
}

}  // namespace

std::optional<Fragment> find_fragment(const Frame& frame) {
    const Bytes ip = find_ip(frame);
    if (ip.empty()) return std::nullopt;
    std::optional<Fragment> fragment;
    if (ip[0] >> 4 == 4) fragment = find_fragment_v4(ip);
    if (ip[0] >> 4 == 6) fragment = find_fragment_v6(ip);
    if (!fragment) return fragment;
    fragment->ip = frame.bytes.size() - ip.size();
    fragment->payload += fragment->ip;
    return fragment;
}

class Filter::State {
public:
    explicit State(std::string expression) : expression_(std::move(expression)) {}

    const Program* program(LinkType link) {
        for (const Program& p : programs_)
            if (p.link() == link) return &p;
        if (programs_.size() >= max_programs) return nullptr;
        programs_.emplace_back(link, expression_);
        if (const Program& p = programs_.back(); !p.compiled())
            refusals.push_back(fmt::format("filter '{}' does not fit link type {}: {}", expression_,
                                           static_cast<unsigned>(link), p.error()));
        return &programs_.back();
    }

    // Notes the datagrams whose first fragment matched.
    bool follow(const Fragment& fragment, bool matched) {
        auto& slot = wanted_[slot_of(fragment.key)];
        const bool known = slot && *slot == fragment.key;
        if (!fragment.first) return matched || known;
        if (matched)
            slot = fragment.key;
        else if (known)
            slot.reset();  // the identification came round again
        return matched;
    }

    // The first fragment of an IPv6 packet, judged without its extension headers.
    bool matches_unfragmented(const Program& program, const Frame& frame,
                              const Fragment& fragment) {
        if (frame.bytes[fragment.ip] >> 4 != 6) return false;
        constexpr std::size_t header = 40, next_header = 6;
        const Bytes start = frame.bytes.first(fragment.ip + header);
        const Bytes rest = frame.bytes.subspan(fragment.payload);
        unfragmented_.assign(start.begin(), start.end());
        unfragmented_[fragment.ip + next_header] = fragment.next;
        unfragmented_.insert(unfragmented_.end(), rest.begin(), rest.end());
        Frame plain = frame;
        plain.bytes = unfragmented_;
        return program.matches(plain);
    }

    std::vector<std::string> refusals;

private:
    Buffer unfragmented_;
    std::string expression_;
    std::vector<Program> programs_;
    std::vector<std::optional<FragmentKey>> wanted_{max_fragmented};
};

Filter::Filter(std::unique_ptr<State> state) : state_(std::move(state)) {}
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;
Filter::~Filter() = default;

Result<Filter> Filter::compile(std::string expression) {
    std::string reason;
    for (const LinkType link : common_links) {
        const Program program(link, expression);
        if (program.compiled()) return Filter(std::make_unique<State>(std::move(expression)));
        if (reason.empty()) reason = program.error();
    }
    return Error{Errc::malformed, 0, fmt::format("filter '{}': {}", expression, reason)};
}

bool Filter::passes(const Frame& frame) {
    const Program* program = state_->program(frame.link);
    const bool matched = program && program->matches(frame);
    const auto fragment = find_fragment(frame);
    if (!fragment) return matched;
    return state_->follow(*fragment,
                          matched || (program && fragment->first &&
                                      state_->matches_unfragmented(*program, frame, *fragment)));
}

std::vector<std::string> Filter::take_refusals() { return std::exchange(state_->refusals, {}); }

}  // namespace sipana::pcap
