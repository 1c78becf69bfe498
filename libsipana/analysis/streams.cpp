#include "libsipana/analysis/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libsipana/analysis/pictures.h"
#include "libsipana/analysis/quality.h"
#include "libsipana/base/text.h"
#include "libsipana/rtp/check.h"

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t most_streams_of_flow = 64;
constexpr Duration orphan_patience = 2min;  // silence after which a stream of no call is over
constexpr Duration sweep_interval = 15s;
constexpr Duration elsewhere_gap = 200ms;       // a pause in which packets may have gone elsewhere
constexpr std::uint32_t most_adopted = 128;     // streams at one address that join a call late
constexpr std::uint64_t fewest_told = 50;       // packets of a stream that is given up early
constexpr std::uint32_t most_unreadable = 100;  // datagrams that are told of
constexpr std::size_t most_lines = 32;          // m-lines of one SDP that are looked at

Early early_of(const rtp::Packet& p, const net::Datagram& d) {
    Early early;
    early.at = d.time;
    early.frame = d.frame;
    early.timestamp = p.timestamp;
    early.sequence = p.sequence;
    early.absent = static_cast<std::uint16_t>(d.absent);
    early.payload_bytes = static_cast<std::uint16_t>(p.payload.size() + d.absent);
    early.rtp_bytes = static_cast<std::uint16_t>(d.payload.size() + d.absent);
    early.payload_type = p.payload_type;
    early.marker = p.marker;
    return early;
}

void sort_by_start(std::vector<Stream>& streams) {
    const auto earlier = [](const Stream& a, const Stream& b) {
        return std::pair(a.start, a.first_frame) < std::pair(b.start, b.first_frame);
    };
    if (!std::is_sorted(streams.begin(), streams.end(), earlier))
        std::stable_sort(streams.begin(), streams.end(), earlier);
}

}  // namespace

Streams::Streams(const Options& options, Legs& legs, Counts& counts, Sink& sink)
    : options_(options),
      legs_(legs),
      counts_(counts),
      sink_(sink),
      payloads_(options),
      reports_(options, counts, sink) {}

void Streams::fetch(const net::Datagram& d, std::uint64_t key, unsigned step) const {
    if (step == 0) {
        prefetch(d.payload.data());
        return by_addresses_.fetch(key);
    }
    const std::uint32_t f = by_addresses_.peek(key);
    if (f == none) {  // a first packet asks the claims
        step == 1 ? claims_.fetch_index(d.src, d.dst) : claims_.fetch(d.src, d.dst);
    } else if (step == 1) {
        flows_.fetch(f);
    } else {
        streams_.fetch(flows_[f].last);
    }
}

void Streams::fetch_claims(std::span<const sdp::MediaAddress> media) const {
    for (const sdp::MediaAddress& m : media) claims_.fetch_index(m.rtp, m.rtp);
}

void Streams::fetch_of(std::uint32_t call, unsigned step) const {
    if (call >= of_call_.size()) return;
    const auto& [first, last, count] = of_call_[call];
    for (const std::uint32_t s : {first, last}) {
        if (s == none) continue;
        if (step == 0) {
            streams_.fetch(s);
            continue;
        }
        const Live& live = streams_[s];
        flows_.fetch(live.flow);
        by_ssrc_.fetch(hash_of_ssrc(live.ssrc));
    }
}

bool Streams::on_packet(const net::Datagram& d) {
    if (d.payload.size() < 4) return false;
    // RFC 5761 4: a second byte of 192 to 223 is an RTCP packet type, on whatever port.
    if (d.payload[1] >= 192 && d.payload[1] <= 223 && on_rtcp(d)) {
        if (options_.live) last_call_ = call_of_rtcp(d);
        return true;
    }
    rtp::Packet p;
    if (!(d.cut ? rtp::read_cut(d.payload, p) : rtp::read(d.payload, p))) return unreadable(d);
    const std::uint64_t h = hash_of_flow(d.src, d.dst);
    const std::uint32_t f = find_flow(d.src, d.dst, h);
    if (f == none) return accept(d, p, h);
    Flow& flow = flows_[f];
    if (streams_[flow.last].ssrc != p.ssrc) {
        std::uint32_t s = flow.first;
        while (s != none && streams_[s].ssrc != p.ssrc) s = streams_[s].next_in_flow;
        if (s == none) return flow.count < most_streams_of_flow && accept(d, p, h);
        flow.last = s;
    }
    last_call_ = streams_[flow.last].call;
    update(streams_[flow.last], p, d);
    if (Relayed::listens(d.time)) [[unlikely]]
        join_by_sound(flow.last, p, d.time);
    ++counts_.rtp_packets;
    return true;
}

// Where media is expected an RTCP packet type settles it. Elsewhere a datagram of anything may
// begin like this, and must hold together: the types that are in use (RFC 2032, RFC 5760 are not),
// each length right.
bool Streams::on_rtcp(const net::Datagram& d) {
    last_is_report_ = false;
    if (d.payload.size() < 8 || !rtp::is_rtcp(d.payload)) return false;
    const bool usual = d.payload[1] >= rtcp::type_sr && d.payload[1] <= rtcp::type_xr;
    const bool whole = usual && rtcp::is_whole(d.payload, d.cut);
    Bearer bearer;
    if (!whole || any_encrypted_) bearer = bearer_of(d);
    if (!whole && !bearer.known) return false;
    reports_.on_compound(d, bearer.encrypted);
    last_is_report_ = !bearer.encrypted;
    return true;
}

Streams::Bearer Streams::bearer_of(const net::Datagram& d) const {
    Bearer bearer;
    const std::uint32_t ssrc = load_be32(d.payload.data() + 4);  // of the sender
    by_ssrc_.visit(hash_of_ssrc(ssrc), most_same_ssrc, [&](std::uint32_t s) {
        const Live& live = streams_[s];
        if (live.ssrc == ssrc && src_of(live).address == d.src.address) {
            bearer.known = true;
            bearer.encrypted = live.by.encrypted;
        }
        return bearer.known;
    });
    if (bearer.known) return bearer;
    // RTCP has the port of its RTP (RFC 5761) or the next one (RFC 3550 11).
    for (std::uint16_t behind = 0; behind < 2; ++behind) {
        if (d.src.port < behind || d.dst.port < behind) break;
        const Endpoint src{d.src.address, static_cast<std::uint16_t>(d.src.port - behind)};
        const Endpoint dst{d.dst.address, static_cast<std::uint16_t>(d.dst.port - behind)};
        const std::uint32_t claim = claims_.match(src, dst).claim;
        bearer.known |= claim != none;
        bearer.encrypted |=
            (claim != none && claims_[claim].encrypted) || secured_.contains(src, dst);
        for (const std::uint32_t f : {find_flow(src, dst, hash_of_flow(src, dst)),
                                      find_flow(dst, src, hash_of_flow(dst, src))}) {
            if (f == none) continue;
            bearer.known = true;
            bearer.encrypted |= streams_[flows_[f].last].by.encrypted;
        }
    }
    return bearer;
}

void Streams::on_keys(const net::Datagram& d) {
    if (!secured_.on_keys(d)) return;
    any_encrypted_ = true;
    for (const auto& [src, dst] : {std::pair(d.src, d.dst), std::pair(d.dst, d.src)}) {
        const std::uint32_t f = find_flow(src, dst, hash_of_flow(src, dst));
        for (std::uint32_t s = f == none ? none : flows_[f].first; s != none;
             s = streams_[s].next_in_flow) {
            streams_[s].by.encrypted = true;
            if (streams_[s].meter) streams_[s].meter->encrypt();
        }
    }
}

std::uint32_t Streams::find_flow(const Endpoint& src, const Endpoint& dst, std::uint64_t h) const {
    return by_addresses_.find(
        h, [&](std::uint32_t i) { return flows_[i].src() == src && flows_[i].dst() == dst; });
}

// Is this the first packet of a stream? An SDP that names the address and the payload type settles
// it.
bool Streams::accept(const net::Datagram& d, const rtp::Packet& p, std::uint64_t h) {
    const Early early = early_of(p, d);
    last_call_ = none;
    const Claims::Match match = claims_.match(d.src, d.dst);
    if (match.claim == none) return plausible(d, p, h, early);
    if (!Claims::names(line_of(match.claim, p.payload_type), p.payload_type))
        return plausible(d, p, h, early);
    if (has_most_streams(claims_[match.claim].call)) return false;
    const std::uint32_t s = open(d, p.ssrc, h, early);
    Live& live = streams_[s];
    attach(s, match.claim, match.by_destination);
    live.payload = payloads_.resolve(live.by, p.payload_type);
    // Video and events are told from payloads: the first one must be looked at while it is here.
    const rtp::Kind kind = live.payload.kind;
    if (kind == rtp::Kind::video || kind == rtp::Kind::event || options_.detail == Detail::full)
        begin_meter(live, p.payload);
    check(live, p, d);
    ++counts_.rtp_packets;
    return true;
}

// Without an SDP. Packets that are never joined by enough others are counted as undecided.
bool Streams::plausible(const net::Datagram& d, const rtp::Packet& p, std::uint64_t h,
                        const Early& early) {
    if (!rtp::looks_like_rtp(d.payload)) return false;
    const rtp::Kind kind = payloads_.resolve({}, p.payload_type).kind;
    const bool tells = kind == rtp::Kind::video || kind == rtp::Kind::event;
    const auto before = candidates_.on_packet(d, early, p.ssrc, h, p.payload, tells);
    if (!before) {
        ++counts_.undecided;
        return true;
    }
    const Claims::Match match = claims_.match(d.src, d.dst);
    if (match.claim != none && has_most_streams(claims_[match.claim].call)) {
        ++counts_.undecided;
        return true;
    }
    counts_.undecided -= 2;
    counts_.rtp_packets += 3;
    const std::uint32_t s = open(d, p.ssrc, h, before->packets[0]);
    Live& live = streams_[s];
    if (match.claim != none)
        attach(s, match.claim, match.by_destination);
    else
        watch_orphan(s);
    live.payload = payloads_.resolve(live.by, p.payload_type);
    begin_meter(live, before->payloads[0]);
    count(live, before->packets[1], before->payloads[1]);
    count(live, early, p.payload);
    check(live, p, d);
    return true;
}

std::uint32_t Streams::open(const net::Datagram& d, std::uint32_t ssrc, std::uint64_t h,
                            const Early& first) {
    std::uint32_t f = find_flow(d.src, d.dst, h);
    if (f == none) {
        f = flows_.make();
        flows_[f] = {d.src.address, d.dst.address, d.src.port, d.dst.port};
        by_addresses_.insert(h, f);
    }
    const std::uint32_t s = streams_.make();
    Live& live = streams_[s];
    live.ssrc = ssrc;
    live.flow = f;
    live.first = first;
    live.by.encrypted = secured_.contains(d.src, d.dst);
    Flow& flow = flows_[f];
    live.next_in_flow = std::exchange(flow.first, s);
    flow.last = s;
    ++flow.count;
    by_ssrc_.insert(hash_of_ssrc(ssrc), s);
    return s;
}

bool Streams::has_most_streams(std::uint32_t call) const {
    return call < of_call_.size() && of_call_[call].count >= most_streams_of_call;
}

void Streams::watch_orphan(std::uint32_t s) {
    ++orphans_;
    orphans_by_source_.insert(hash(src_of(streams_[s])), s);
    orphans_by_destination_.insert(hash(dst_of(streams_[s])), s);
}

void Streams::forget_orphan(std::uint32_t s) {
    --orphans_;
    orphans_by_source_.erase(hash(src_of(streams_[s])), s);
    orphans_by_destination_.erase(hash(dst_of(streams_[s])), s);
}

void Streams::attach(std::uint32_t s, std::uint32_t number, bool by_destination) {
    const Claims::Claim& claim = claims_[number];
    Live& live = streams_[s];
    live.call = claim.call;
    live.from_caller = claim.by_caller != by_destination;
    learn(live, {number, by_destination});
    last_call_ = claim.call;
    if (claim.call >= of_call_.size()) of_call_.resize(claim.call + 1);
    auto& [first, last, count] = of_call_[claim.call];
    if (first == none)
        first = s;
    else
        streams_[last].next_of_call = s;
    last = s;
    ++count;
    join_legs(s);
}

// Several m-lines may stand for one address (BUNDLE, RFC 8843 9.2): the payload type says which it
// is.
Claims::Claim Streams::line_of(std::uint32_t number, std::uint8_t payload_type) const {
    const Claims::Claim& claim = claims_[number];
    if (Claims::names(claim, payload_type)) return claim;
    const bool bundled = claim.sdp.find("a=group:BUNDLE") != claim.sdp.npos;
    std::array<sdp::MediaAddress, most_lines> media;
    const std::size_t n = std::min(sdp::media_addresses(claim.sdp, media), media.size());
    for (std::uint16_t line = 0; line < n; ++line) {
        if (media[line].rtp != claim.at && !bundled) continue;
        const Claims::Claim other = Claims::on_line(claim, line, media[line]);
        if (Claims::names(other, payload_type)) return other;
    }
    return claim;
}

void Streams::learn(Live& live, const Claims::Match& match) {
    const Claims::Claim claim = line_of(match.claim, live.first.payload_type);
    const bool encrypted = live.by.encrypted || claim.encrypted;
    live.by = {claim.sdp, claim.line, claim.video, encrypted};
    if (encrypted || !match.by_destination) return;
    // RFC 8643: with keys on both sides RTP/AVP is encrypted as well.
    const std::uint32_t source = claims_.latest(src_of(live));
    if (source == none || claims_[source].call != claim.call) return;
    live.by.encrypted = claim.keys && line_of(source, live.first.payload_type).keys;
    any_encrypted_ |= live.by.encrypted;
}

void Streams::claim(std::uint32_t call, bool by_caller, std::string_view sdp,
                    std::span<const sdp::MediaAddress> media, const Seen& seen) {
    claims_.add(call, by_caller, sdp, media, seen, [&](std::uint32_t other, const Endpoint& at) {
        legs_.join(call, other, fmt::format("both SDPs name {} for media", at.to_string()));
    });
    any_encrypted_ |= claims_.any_encrypted();
    if (call < of_call_.size())
        for (std::uint32_t s = of_call_[call].first; s != none; s = streams_[s].next_of_call)
            relearn(s);
    if (orphans_ > 0) adopt(call);
}

// The call's newest words about a stream of its own.
void Streams::relearn(std::uint32_t s) {
    Live& live = streams_[s];
    const Claims::Match match = claims_.match(src_of(live), dst_of(live));
    if (match.claim == none || claims_[match.claim].call != live.call) return;
    const bool encrypted = live.by.encrypted;
    learn(live, match);
    live.payload = payloads_.again(live.payload, live.by);
    if (!live.meter) return;
    live.meter->relearn(live.by);
    if (live.by.encrypted && !encrypted) live.meter->encrypt();
}

// Media that came before the SDP that announces it (early media, mirrored captures).
void Streams::adopt(std::uint32_t call) {
    std::vector<std::uint32_t> found;
    claims_.of_call(call, [&](const Claims::Claim& c) {
        const auto add = [&](std::uint32_t s) {
            const bool its = dst_of(streams_[s]) == c.at || src_of(streams_[s]) == c.at;
            if (its && std::find(found.begin(), found.end(), s) == found.end()) found.push_back(s);
            return found.size() >= most_adopted;
        };
        orphans_by_source_.visit(hash(c.at), most_adopted, add);
        orphans_by_destination_.visit(hash(c.at), most_adopted, add);
    });
    std::sort(found.begin(), found.end());
    for (const std::uint32_t s : found) {
        const Claims::Match match = claims_.match(src_of(streams_[s]), dst_of(streams_[s]));
        forget_orphan(s);
        attach(s, match.claim, match.by_destination);
        relearn(s);
    }
}

// ---------------------------------------------------------------- packets

void Streams::update(Live& live, const rtp::Packet& p, const net::Datagram& d) {
    if (!live.meter) begin_meter(live, {});
    StreamMeter& meter = *live.meter;
    if (d.time - meter.last_arrival() < elsewhere_gap && meter.count_plain(p, d)) [[likely]]
        return;
    count(live, early_of(p, d), p.payload);
    check(live, p, d);
}

void Streams::check(Live& live, const rtp::Packet& p, const net::Datagram& d) const {
    if (options_.detail == Detail::full && options_.check && !d.cut)
        live.meter->check(d, p.payload, live.by);
}

// A datagram of version 2 that is no RTP. Where media flows it should be: always false.
bool Streams::unreadable(const net::Datagram& d) {
    if (options_.detail != Detail::full || !options_.check || d.cut ||
        unreadable_ >= most_unreadable)
        return false;
    if (find_flow(d.src, d.dst, hash_of_flow(d.src, d.dst)) == none) return false;
    for (Finding& f : rtp::check(d.payload)) {
        f.frame = d.frame;
        f.text = fmt::format("{} > {}: {}", d.src.to_string(), d.dst.to_string(), f.text);
        sink_.on_finding(std::move(f));
        ++unreadable_;
    }
    return false;
}

void Streams::begin_meter(Live& live, Bytes payload) {
    live.meter = std::make_unique<StreamMeter>(payloads_, live.payload, live.by,
                                               options_.detail == Detail::full);
    count(live, live.first, payload);
    if (options_.live) weigh(live);
}

// Every packet that is not the plain next one of an audio stream.
void Streams::count(Live& live, const Early& p, Bytes payload) {
    const Time last = live.meter->last_arrival();
    if (last != no_time && p.at - last >= elsewhere_gap && was_elsewhere(live, last))
        live.meter->resume();
    live.meter->count(p, payload, live.by);
}

// Did the same source send this SSRC to somebody else since then? Direct media and forks do: what
// went there was not lost here.
bool Streams::was_elsewhere(const Live& live, Time since) const {
    bool found = false;
    by_ssrc_.visit(hash_of_ssrc(live.ssrc), most_same_ssrc, [&](std::uint32_t i) {
        const Live& other = streams_[i];
        found = &other != &live && other.ssrc == live.ssrc && src_of(other) == src_of(live) &&
                last_of(other) > since;
        return found;
    });
    return found;
}

std::vector<Way> Streams::siblings_of(std::uint32_t s) const {
    std::vector<Way> all;
    const std::uint32_t ssrc = streams_[s].ssrc;
    by_ssrc_.visit(hash_of_ssrc(ssrc), most_same_ssrc, [&](std::uint32_t i) {
        const Live& other = streams_[i];
        if (i != s && other.ssrc == ssrc) all.push_back({src_of(other), dst_of(other)});
        return false;
    });
    return all;
}

// ---------------------------------------------------------------- ends

Time Streams::last_media(std::uint32_t call) const {
    Time last = no_time;
    if (call < of_call_.size())
        for (std::uint32_t s = of_call_[call].first; s != none; s = streams_[s].next_of_call)
            last = std::max(last, last_of(streams_[s]));
    return last;
}

bool Streams::is_fax(const net::Datagram& d) const {
    return claims_.is_fax(d.dst) || claims_.is_fax(d.src);
}

void Streams::release(std::uint32_t call, Call& into) {
    if (call < of_call_.size()) {
        auto [s, last, count] = std::exchange(of_call_[call], {});
        into.streams.reserve(count);
        while (s != none) {
            const std::uint32_t next = streams_[s].next_of_call;
            Stream& stream = into.streams.emplace_back();
            describe(s, stream);
            stream.call_id = into.call_id;
            into.end = std::max(into.end, stream.end);
            drop(s);
            s = next;
        }
        sort_by_start(into.streams);
    }
    claims_.release(call);
}

void Streams::look(std::uint32_t call, Call& into, Detail detail) const {
    if (call >= of_call_.size()) return;
    into.streams.reserve(of_call_[call].count);
    for (std::uint32_t s = of_call_[call].first; s != none; s = streams_[s].next_of_call) {
        Stream& stream = into.streams.emplace_back();
        tell(s, stream, detail);
        if (detail == Detail::full) {
            reports_.tell(stream, siblings_of(s));
            tell_key_requests(stream);
            if (options_.check) check_report_clock(stream);
        } else {
            reports_.tell_round_trip(stream, siblings_of(s));
        }
        judge_quality(stream);
        stream.call_id = into.call_id;
        into.end = std::max(into.end, stream.end);
    }
    sort_by_start(into.streams);
}

// RTCP has the port of its RTP (RFC 5761) or the next one (RFC 3550 11).
std::uint32_t Streams::call_of_rtcp(const net::Datagram& d) const {
    for (std::uint16_t behind = 0; behind < 2; ++behind) {
        if (d.src.port < behind || d.dst.port < behind) break;
        const Endpoint src{d.src.address, static_cast<std::uint16_t>(d.src.port - behind)};
        const Endpoint dst{d.dst.address, static_cast<std::uint16_t>(d.dst.port - behind)};
        if (const std::uint32_t f = find_flow(src, dst, hash_of_flow(src, dst)); f != none)
            return streams_[flows_[f].last].call;
        if (const std::uint32_t c = claims_.match(src, dst).claim; c != none) return claims_[c].call;
    }
    return none;
}

std::uint64_t Streams::bytes() const {
    constexpr std::uint64_t of_one = sizeof(Live) + sizeof(Flow) + 64;  // and its places in the indexes
    return streams_.count() * of_one + meter_bytes_;
}

void Streams::weigh(Live& live) {
    const auto bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(live.meter->bytes(), UINT32_MAX));
    meter_bytes_ += bytes;
    meter_bytes_ -= live.counted;
    live.counted = bytes;
}

std::uint32_t Streams::evict(std::uint32_t at_most) {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> found;
    for (std::uint32_t s = 0; s < streams_.end(); ++s) {
        if (!streams_.alive(s) || streams_[s].call != none) continue;
        found.emplace_back(streams_[s].meter ? streams_[s].meter->packets() : 1, s);
    }
    const std::size_t n = std::min<std::size_t>(at_most, found.size());
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(n), found.end());
    for (std::size_t i = 0; i < n; ++i) {
        const auto [packets, s] = found[i];
        packets < fewest_told ? drop(s) : hand_on(s);
    }
    return static_cast<std::uint32_t>(n);
}

void Streams::hand_on(std::uint32_t s) {
    Stream stream;
    describe(s, stream);
    sink_.on_stream(std::move(stream));
    drop(s);
}

void Streams::drop(std::uint32_t s) {
    Live& live = streams_[s];
    if (live.call == none) forget_orphan(s);
    meter_bytes_ -= live.counted;
    Flow& flow = flows_[live.flow];
    std::uint32_t* link = &flow.first;
    while (*link != s) link = &streams_[*link].next_in_flow;
    *link = live.next_in_flow;
    flow.last = flow.first;
    --flow.count;
    if (flow.first == none) {
        by_addresses_.erase(hash_of_flow(flow.src(), flow.dst()), live.flow);
        flows_.release(live.flow);
    }
    by_ssrc_.erase(hash_of_ssrc(live.ssrc), s);
    relayed_.forget(s);
    streams_.release(s);
}

void Streams::advance(Time now) {
    if (now < next_sweep_) return;
    next_sweep_ = now + sweep_interval;
    reports_.advance(now);
    secured_.advance(now);
    if (options_.live) {
        for (std::uint32_t s = 0; s < streams_.end(); ++s)
            if (streams_.alive(s) && streams_[s].meter) weigh(streams_[s]);
    }
    if (orphans_ == 0) return;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> silent;
    for (std::uint32_t s = 0; s < streams_.end(); ++s)
        if (streams_.alive(s) && streams_[s].call == none &&
            last_of(streams_[s]) + orphan_patience <= now)
            silent.emplace_back(streams_[s].first.frame, s);
    std::sort(silent.begin(), silent.end());
    for (const auto& [frame, s] : silent) hand_on(s);
}

void Streams::finish() {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> left;
    for (std::uint32_t s = 0; s < streams_.end(); ++s)
        if (streams_.alive(s)) left.emplace_back(streams_[s].first.frame, s);
    std::sort(left.begin(), left.end());
    for (const auto& [frame, s] : left) hand_on(s);
    reports_.finish();
}

// ---------------------------------------------------------------- to the model

void Streams::describe(std::uint32_t s, Stream& out) {
    tell(s, out, Detail::full);
    reports_.take(out, siblings_of(s));
    judge_quality(out);
    tell_key_requests(out);
    if (options_.check) check_report_clock(out);
}

void Streams::tell(std::uint32_t s, Stream& out, Detail detail) const {
    const Live& live = streams_[s];
    out.src = src_of(live);
    out.dst = dst_of(live);
    out.ssrc = live.ssrc;
    out.encrypted = live.by.encrypted;
    out.from_sdp = !live.by.sdp.empty();
    out.from_caller = live.from_caller;
    out.first_frame = live.first.frame;
    out.start = live.first.at;
    if (live.call != none) out.media_line = live.by.line;
    const Payload& main = live.meter ? live.meter->main() : live.payload;
    out.codec = payloads_.name(main);
    out.payload_type = main.type;
    out.clock_hz = main.clock_hz;
    out.clock_known = main.clock_hz != 0;
    const bool audio = main.kind == rtp::Kind::audio || main.kind == rtp::Kind::event ||
                       main.kind == rtp::Kind::comfort_noise;
    out.media = main.kind == rtp::Kind::video || live.by.video ? MediaKind::video
                : audio                                        ? MediaKind::audio
                                                               : MediaKind::other;
    if (live.meter)
        live.meter->describe(out, detail);
    else
        describe_first(live, out);
}

void Streams::describe_first(const Live& live, Stream& out) {
    const Early& p = live.first;
    out.end = p.at;
    out.payload_types = {p.payload_type};
    out.packets = out.expected = 1;
    out.bytes = p.payload_bytes;
    out.ip_bytes = p.rtp_bytes;
    out.first_sequence = out.last_sequence = p.sequence;
    out.markers = p.marker;
}

}  // namespace sipana::analysis
