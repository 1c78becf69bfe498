#include "libsipana/sdp/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "libsipana/base/text.h"

namespace sipana::sdp {
namespace {

constexpr std::array<std::string_view, 4> direction_names{"sendrecv", "sendonly", "recvonly",
                                                          "inactive"};

std::optional<double> to_real(std::string_view text) {
    double value = 0;
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    const auto end = text.data() + text.size();
    const auto r = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (r.ec != std::errc{} || r.ptr != end) return std::nullopt;
    return value;
}

// A NUL would end the address early for whoever reads it as a C string.
std::optional<Address> address_of(std::string_view host) {
    if (host.empty() || host.find('\0') != host.npos) return std::nullopt;
    return Address::parse(host);
}

// A payload type, or "*" for all, which leaves `out` empty. False: neither.
bool payload_or_all(std::string_view word, std::optional<std::uint8_t>& out) {
    out.reset();
    if (word == "*") return true;
    const auto n = to_number<std::uint8_t>(word);
    if (!n || *n > 127) return false;
    out = *n;
    return true;
}

}  // namespace

std::string_view next_word(std::string_view& rest) {
    std::size_t begin = 0;
    while (begin < rest.size() && is_blank(rest[begin])) ++begin;
    std::size_t end = begin;
    while (end < rest.size() && !is_blank(rest[end])) ++end;
    const auto word = rest.substr(begin, end - begin);
    rest.remove_prefix(end);
    return word;
}

std::string_view to_string(Direction direction) {
    return direction_names[static_cast<std::size_t>(direction)];
}

std::optional<Direction> direction_of(std::string_view name) {
    for (std::size_t i = 0; i < direction_names.size(); ++i)
        if (iequals(name, direction_names[i])) return static_cast<Direction>(i);
    return std::nullopt;
}

std::optional<Origin> parse_origin(std::string_view value) {
    Origin o;
    o.username = next_word(value);
    o.session_id = next_word(value);
    o.session_version = next_word(value);
    o.nettype = next_word(value);
    o.addrtype = next_word(value);
    o.host = next_word(value);
    if (o.session_version.empty()) return std::nullopt;
    return o;
}

std::optional<Connection> parse_connection(std::string_view value) {
    Connection c;
    c.nettype = next_word(value);
    c.addrtype = next_word(value);
    std::string_view suffix = next_word(value);
    if (suffix.empty()) return std::nullopt;
    c.host = cut(suffix, '/');
    if (const auto address = address_of(c.host)) {
        c.address = *address;
        c.unspecified = address->is_unspecified();
    }
    if (suffix.empty()) return c;
    // IP4 has "/ttl" or "/ttl/count", IP6 "/count" alone.
    std::string_view count = suffix;
    if (!iequals(c.addrtype, "IP6")) c.ttl = to_number(cut(count, '/'));
    if (const auto n = to_number(count)) c.count = *n;
    return c;
}

MediaField parse_media(std::string_view value) {
    MediaField m;
    m.media = next_word(value);
    std::string_view count = next_word(value);
    if (const auto port = to_number<std::uint16_t>(cut(count, '/'))) {
        m.port = *port;
        m.port_readable = true;
    }
    if (const auto n = to_number(count)) m.port_count = *n;
    m.protocol = next_word(value);
    m.formats = trim(value);
    return m;
}

std::optional<Bandwidth> parse_bandwidth(std::string_view value) {
    Bandwidth b;
    b.type = trim(cut(value, ':'));
    const auto n = to_number<std::uint64_t>(trim(value));
    if (b.type.empty() || !n) return std::nullopt;
    b.value = *n;
    return b;
}

std::optional<Timing> parse_timing(std::string_view value) {
    const auto start = to_number<std::uint64_t>(next_word(value));
    const auto stop = to_number<std::uint64_t>(next_word(value));
    if (!start || !stop) return std::nullopt;
    return Timing{*start, *stop};
}

std::optional<std::int64_t> parse_typed_time(std::string_view word) {
    bool negative = false;
    if (!word.empty() && word.front() == '-') {
        negative = true;
        word.remove_prefix(1);
    }
    std::int64_t unit = 1;
    if (!word.empty() && is_alpha(word.back())) {
        switch (to_lower(word.back())) {
            case 'd':
                unit = 86400;
                break;
            case 'h':
                unit = 3600;
                break;
            case 'm':
                unit = 60;
                break;
            case 's':
                break;
            default:
                return std::nullopt;
        }
        word.remove_suffix(1);
    }
    const auto n = to_number<std::uint32_t>(word);
    if (!n) return std::nullopt;
    return (negative ? -1 : 1) * static_cast<std::int64_t>(*n) * unit;
}

std::optional<Repeat> parse_repeat(std::string_view value) {
    const auto interval = parse_typed_time(next_word(value));
    const auto duration = parse_typed_time(next_word(value));
    if (!interval || !duration) return std::nullopt;
    return Repeat{*interval, *duration, trim(value)};
}

Key parse_key(std::string_view value) {
    Key k;
    k.method = trim(cut(value, ':'));
    k.secret = value;
    return k;
}

std::optional<Rtpmap> parse_rtpmap(std::string_view value) {
    Rtpmap r;
    const auto pt = to_number<std::uint8_t>(next_word(value));
    if (!pt || *pt > 127) return std::nullopt;
    r.payload_type = *pt;
    std::string_view rest = trim(value);
    r.encoding = trim(cut(rest, '/'));
    const auto clock = to_number(trim(cut(rest, '/')));
    if (r.encoding.empty() || !clock) return std::nullopt;
    r.clock_hz = *clock;
    if (const auto channels = to_number(trim(rest)); channels && *channels > 0)
        r.channels = *channels;
    return r;
}

std::optional<Fmtp> parse_fmtp(std::string_view value) {
    Fmtp f;
    f.format = next_word(value);
    f.parameters = trim(value);
    if (f.format.empty()) return std::nullopt;
    return f;
}

std::optional<std::string_view> parameter(std::string_view parameters, std::string_view name) {
    while (!parameters.empty()) {
        std::string_view value = trim(cut(parameters, ';'));
        const std::string_view key = trim(cut(value, '='));
        if (iequals(key, name)) return trim(value);
    }
    return std::nullopt;
}

std::optional<RtcpAttribute> parse_rtcp(std::string_view value) {
    RtcpAttribute r;
    const auto port = to_number<std::uint16_t>(next_word(value));
    if (!port) return std::nullopt;
    r.port = *port;
    r.connection = parse_connection(value);
    return r;
}

Endpoint rtcp_endpoint(const Endpoint& rtp, const std::optional<RtcpAttribute>& said) {
    Endpoint e = rtp;
    if (rtp.port == 0) return e;
    if (said) {
        e.port = said->port;
        if (said->connection && !said->connection->address.empty())
            e.address = said->connection->address;
    } else {
        e.port = rtp.port == 65535 ? std::uint16_t{0} : static_cast<std::uint16_t>(rtp.port + 1);
    }
    return e;
}

Endpoint rtcp_endpoint_with_mux(const Endpoint& rtp, const std::optional<RtcpAttribute>& said) {
    constexpr std::uint16_t discard = 9;
    if (!said || said->port == discard || (said->connection && said->connection->unspecified))
        return rtp;
    return rtcp_endpoint(rtp, said);
}

std::optional<RtcpFeedback> parse_rtcp_fb(std::string_view value) {
    RtcpFeedback f;
    if (!payload_or_all(next_word(value), f.payload_type)) return std::nullopt;
    f.what = trim(value);
    if (f.what.empty()) return std::nullopt;
    return f;
}

std::optional<std::uint32_t> parse_milliseconds(std::string_view value) {
    const auto ms = to_real(trim(value));
    if (!ms || *ms > 3'600'000) return std::nullopt;
    return static_cast<std::uint32_t>(std::lround(*ms));
}

std::optional<double> parse_framerate(std::string_view value) {
    const auto rate = to_real(trim(value));
    if (!rate || *rate > 1e6) return std::nullopt;
    return rate;
}

std::optional<Extmap> parse_extmap(std::string_view value) {
    Extmap e;
    std::string_view id = next_word(value);
    const auto n = to_number<std::uint16_t>(cut(id, '/'));
    e.direction = direction_of(id);
    e.uri = next_word(value);
    e.attributes = trim(value);
    if (!n || e.uri.empty()) return std::nullopt;
    e.id = *n;
    return e;
}

std::optional<Imageattr> parse_imageattr(std::string_view value) {
    Imageattr i;
    if (!payload_or_all(next_word(value), i.payload_type)) return std::nullopt;
    // "send" and "recv", each followed by "*" or by sets in brackets, in either order.
    std::string_view* into = nullptr;
    for (auto word = next_word(value); !word.empty(); word = next_word(value)) {
        if (iequals(word, "send"))
            into = &i.send;
        else if (iequals(word, "recv"))
            into = &i.recv;
        else if (into == nullptr)
            return std::nullopt;
        else if (into->empty())
            *into = word;
        else
            *into = {into->data(),
                     static_cast<std::size_t>(word.data() + word.size() - into->data())};
    }
    if (i.send.empty() && i.recv.empty()) return std::nullopt;
    return i;
}

std::optional<Ssrc> parse_ssrc(std::string_view value) {
    Ssrc s;
    const auto n = to_number(next_word(value));
    if (!n) return std::nullopt;
    s.ssrc = *n;
    value = trim(value);
    s.attribute = cut(value, ':');
    s.value = value;
    return s;
}

std::optional<Group> parse_group(std::string_view value) {
    Group g;
    g.semantics = next_word(value);
    g.members = trim(value);
    if (g.semantics.empty()) return std::nullopt;
    return g;
}

std::optional<Msid> parse_msid(std::string_view value) {
    Msid m;
    m.id = next_word(value);
    m.appdata = next_word(value);
    if (m.id.empty()) return std::nullopt;
    return m;
}

std::optional<Rid> parse_rid(std::string_view value) {
    Rid r;
    r.id = next_word(value);
    const std::string_view way = next_word(value);
    r.restrictions = trim(value);
    r.send = iequals(way, "send");
    if (r.id.empty() || !(r.send || iequals(way, "recv"))) return std::nullopt;
    return r;
}

std::optional<Simulcast> parse_simulcast(std::string_view value) {
    Simulcast s;
    for (int i = 0; i < 2; ++i) {
        const std::string_view way = next_word(value);
        if (iequals(way, "send"))
            s.send = next_word(value);
        else if (iequals(way, "recv"))
            s.recv = next_word(value);
    }
    if (s.send.empty() && s.recv.empty()) return std::nullopt;
    return s;
}

std::optional<Candidate> parse_candidate(std::string_view value) {
    Candidate c;
    c.foundation = next_word(value);
    const auto component = to_number(next_word(value));
    c.transport = next_word(value);
    const auto priority = to_number(next_word(value));
    c.host = next_word(value);
    const auto port = to_number<std::uint16_t>(next_word(value));
    const bool typed = iequals(next_word(value), "typ");
    c.type = next_word(value);
    if (!component || !priority || !port || !typed || c.type.empty()) return std::nullopt;
    c.component = *component;
    c.priority = *priority;
    if (const auto address = address_of(c.host)) c.endpoint.address = *address;
    c.endpoint.port = *port;
    while (true) {
        std::string_view rest = value;
        const std::string_view name = next_word(rest);
        if (iequals(name, "raddr"))
            c.related_host = next_word(rest);
        else if (iequals(name, "rport"))
            c.related_port = to_number<std::uint16_t>(next_word(rest)).value_or(0);
        else
            break;
        value = rest;
    }
    c.extensions = trim(value);
    return c;
}

std::string to_string(const Candidate& candidate) {
    if (!candidate.endpoint.address.empty())
        return fmt::format("{} {} {}", candidate.type, lowered(candidate.transport),
                           candidate.endpoint.to_string());
    return fmt::format("{} {} {}:{}", candidate.type, lowered(candidate.transport), candidate.host,
                       candidate.endpoint.port);
}

std::optional<Fingerprint> parse_fingerprint(std::string_view value) {
    Fingerprint f;
    f.hash = next_word(value);
    f.value = next_word(value);
    if (f.value.empty()) return std::nullopt;
    return f;
}

std::size_t fingerprint_octets(std::string_view hash) {
    struct Known {
        std::string_view name;
        std::size_t octets;
    };
    static constexpr std::array known{
        Known{"sha-256", 32}, Known{"sha-1", 20}, Known{"sha-512", 64}, Known{"sha-384", 48},
        Known{"sha-224", 28}, Known{"md5", 16},   Known{"md2", 16}};
    for (const Known& k : known)
        if (iequals(hash, k.name)) return k.octets;
    return 0;
}

std::optional<Crypto> parse_crypto(std::string_view value) {
    Crypto c;
    const auto tag = to_number(next_word(value));
    c.suite = next_word(value);
    c.secret = next_word(value);
    c.session_parameters = trim(value);
    if (!tag || c.secret.empty()) return std::nullopt;
    c.tag = *tag;
    return c;
}

std::string_view secret_of(std::string_view attribute_name, std::string_view value) {
    if (iequals(attribute_name, "ice-pwd")) return trim(value);
    if (iequals(attribute_name, "key-mgmt")) {
        next_word(value);
        return trim(value);
    }
    if (!iequals(attribute_name, "crypto")) return {};
    // All from the third word or from "inline:" on, whichever comes first: a line that cannot be
    // read may hold a key all the same.
    std::string_view secret = value;
    next_word(secret);
    next_word(secret);
    secret = trim(secret);
    constexpr std::string_view mark = "inline:";
    for (std::size_t at = 0; at + mark.size() <= value.size(); ++at)
        if (istarts_with(value.substr(at), mark) &&
            (secret.empty() || value.data() + at < secret.data()))
            return value.substr(at);
    return secret;
}

}  // namespace sipana::sdp
