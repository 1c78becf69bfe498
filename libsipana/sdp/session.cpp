#include "libsipana/sdp/session.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sipana::sdp {
namespace {

// The types that speak for the session wherever they stand; the others exist at both levels.
constexpr std::string_view session_types = "vosueptrz";

bool contains(std::string_view text, std::string_view part) {
    for (std::size_t at = 0; at + part.size() <= text.size(); ++at)
        if (iequals(text.substr(at, part.size()), part)) return true;
    return false;
}

bool is_session_type(char type) {
    return type != 0 && session_types.find(type) != session_types.npos;
}

}  // namespace

Attribute attribute_of(const Line& line) {
    Attribute a;
    const auto end = line.value.find_first_of(": \t");
    a.name = line.value.substr(0, end);
    if (end == line.value.npos) return a;
    a.value = line.value.substr(end + 1);
    a.has_value = line.value[end] == ':';
    return a;
}

const Line* Section::first(char type) const {
    for (const Line& line : lines)
        if (line.type == type) return &line;
    return nullptr;
}

std::optional<std::string_view> Section::attribute(std::string_view name) const {
    for (const Line& line : lines)
        if (const char* value = attribute_value(line, name))
            return std::string_view(value, line.value.data() + line.value.size());
    return std::nullopt;
}

std::vector<std::string_view> Section::attributes(std::string_view name) const {
    std::vector<std::string_view> out;
    each(name, [&](std::string_view value, const Line&) { out.push_back(value); });
    return out;
}

std::optional<Direction> Section::own_direction() const {
    for (auto line = lines.rbegin(); line != lines.rend(); ++line)
        if (line->type == 'a')
            if (const auto d = direction_of(attribute_of(*line).name)) return d;
    return std::nullopt;
}

bool Media::is_rtp() const { return contains(protocol, "RTP/"); }
bool Media::is_secure() const { return contains(protocol, "SAVP"); }

std::optional<Connection> Media::connection() const {
    if (const Line* own = first('c'))
        if (const auto c = parse_connection(own->value)) return c;
    const Line* inherited_line = session.first('c');
    return inherited_line == nullptr ? std::nullopt : parse_connection(inherited_line->value);
}

Direction Media::direction() const {
    if (const auto own = own_direction()) return *own;
    return session.own_direction().value_or(Direction::sendrecv);
}

bool Media::unspecified_address() const {
    const auto c = connection();
    return c && c->unspecified && !inherited("ice-ufrag");
}

bool Media::on_hold() const { return !receives(direction()) || unspecified_address(); }

Endpoint Media::rtp() const {
    Endpoint e;
    if (const auto c = connection()) e.address = c->address;
    e.port = port;
    return e;
}

Endpoint Media::rtcp_without_mux() const {
    const auto value = attribute("rtcp");
    return rtcp_endpoint(rtp(), value ? parse_rtcp(*value) : std::nullopt);
}

Endpoint Media::rtcp() const {
    const auto value = attribute("rtcp");
    const auto said = value ? parse_rtcp(*value) : std::nullopt;
    return rtcp_mux() ? rtcp_endpoint_with_mux(rtp(), said) : rtcp_endpoint(rtp(), said);
}

std::string_view Media::bundle() const {
    const std::string_view own = mid();
    std::string_view found;
    if (own.empty()) return found;
    session.each("group", [&](std::string_view value, const Line&) {
        const auto group = parse_group(value);
        if (!group || !iequals(group->semantics, "BUNDLE") || !found.empty()) return;
        std::string_view members = group->members;
        for (auto m = next_word(members); !m.empty(); m = next_word(members))
            if (m == own) found = group->members;
    });
    return found;
}

std::optional<std::uint32_t> Media::ptime_ms() const {
    const auto value = inherited("ptime");
    return value ? parse_milliseconds(*value) : std::nullopt;
}

std::optional<std::string_view> Media::inherited(std::string_view name) const {
    if (const auto own = attribute(name)) return own;
    return session.attribute(name);
}

std::optional<T38> t38_of(const Media& media) {
    T38 t;
    bool any = false;
    const auto text = [&](std::string_view name) {
        const auto value = media.attribute(name);
        any |= value.has_value();
        return trim(value.value_or(""));
    };
    const auto number = [&](std::string_view name) { return to_number(text(name)); };
    // A flag, or spelled with a value as older gateways do: "T38FaxFillBitRemoval:0".
    const auto flag = [&](std::string_view name) {
        const std::string_view value = text(name);
        return media.has(name) && value != "0";
    };
    t.version = number("T38FaxVersion");
    t.max_bit_rate = number("T38MaxBitRate");
    t.max_buffer = number("T38FaxMaxBuffer");
    t.max_datagram = number("T38FaxMaxDatagram");
    t.rate_management = text("T38FaxRateManagement");
    t.error_correction = text("T38FaxUdpEC");
    t.fill_bit_removal = flag("T38FaxFillBitRemoval");
    t.transcoding_mmr = flag("T38FaxTranscodingMMR");
    t.transcoding_jbig = flag("T38FaxTranscodingJBIG");
    return any ? std::optional(t) : std::nullopt;
}

Result<Session> Session::parse(std::string_view text) {
    Session s;
    if (const Status status = s.read(text); !status) return status.error();
    return s;
}

Status Session::read(std::string_view text) {
    text_ = text;
    lines_.clear();
    media_.clear();
    starts_.clear();
    level_ = {};
    cut_short_ = false;
    if (text.size() > max_text) return Error{Errc::too_large, max_text, "SDP text too long"};
    LineReader reader(text);
    Line line;
    bool origin = false;
    while (reader.next(line)) {
        if (lines_.size() == max_lines || (line.type == 'm' && starts_.size() == max_media)) {
            cut_short_ = true;
            break;
        }
        if (line.type == 'm') starts_.push_back(static_cast<std::uint32_t>(lines_.size()));
        origin |= line.type == 'o';
        lines_.push_back(line);
    }
    if (starts_.empty() && !origin)
        return Error{text.empty() ? Errc::truncated : Errc::malformed, 0,
                     "no m= and no o= line (RFC 8866 5)"};
    const std::span<const Line> all(lines_);
    level_.lines = all.first(starts_.empty() ? all.size() : starts_.front());
    for (std::size_t i = 0; i < starts_.size(); ++i) {
        const std::size_t end = i + 1 < starts_.size() ? starts_[i + 1] : all.size();
        Media& m = media_.emplace_back();
        m.lines = all.subspan(starts_[i], end - starts_[i]);
        static_cast<MediaField&>(m) = parse_media(m.lines.front().value);
        m.session = level_;
    }
    return Done{};
}

std::optional<std::string_view> Session::first(char type) const {
    const Line* found = level_.first(type);
    if (found == nullptr && is_session_type(type)) found = Section{lines()}.first(type);
    return found == nullptr ? std::nullopt : std::optional(found->value);
}

std::optional<Origin> Session::origin() const {
    const auto value = first('o');
    return value ? parse_origin(*value) : std::nullopt;
}

std::optional<Connection> Session::connection() const {
    const Line* line = level_.first('c');
    return line == nullptr ? std::nullopt : parse_connection(line->value);
}

namespace {

void write_line(const Line& line, std::string& out) {
    if (line.type != 0) {
        out += line.type;
        out += '=';
    }
    out += line.value;
    out += "\r\n";
}

// One pass a rank. t= and r= share one: each r= belongs to the t= before it.
void write_ranked(std::span<const Line> lines, std::span<const std::string_view> ranks,
                  std::string& out) {
    for (const std::string_view types : ranks)
        for (const Line& line : lines)
            if (line.type != 0 && types.find(line.type) != types.npos) write_line(line, out);
}

}  // namespace

std::string write(const Session& session) {
    static constexpr std::array<std::string_view, 12> session_ranks{"v", "o", "s", "i",  "u", "e",
                                                                    "p", "c", "b", "tr", "z", "ka"};
    static constexpr std::array<std::string_view, 6> media_ranks{"m", "i", "c", "b", "k", "a"};
    constexpr std::string_view known = "vosiuepcbtrzkam";
    const auto unknown = [&](const Line& line) {
        return line.type == 0 || known.find(line.type) == known.npos;
    };
    std::string out;
    out.reserve(session.text().size() + 2 * session.lines().size());
    // Misplaced session lines join those of the session level, behind them.
    for (const std::string_view types : session_ranks) {
        const bool everywhere = is_session_type(types.front());
        write_ranked(everywhere ? session.lines() : session.level().lines, {&types, 1}, out);
    }
    for (const Line& line : session.level().lines)
        if (unknown(line)) write_line(line, out);
    for (const Media& media : session.media()) {
        write_ranked(media.lines, media_ranks, out);
        for (const Line& line : media.lines)
            if (unknown(line)) write_line(line, out);
    }
    return out;
}

}  // namespace sipana::sdp
