#include "libsipana/sip/fields.h"

#include <array>
#include <charconv>

#include "libsipana/base/text.h"
#include "libsipana/sip/host_port.h"

namespace sipana::sip {
namespace {

// Takes characters off `rest` while `belongs` says so.
template <typename Belongs>
std::string_view take_while(std::string_view& rest, Belongs belongs) {
    std::size_t n = 0;
    while (n < rest.size() && belongs(rest[n])) ++n;
    const std::string_view taken = rest.substr(0, n);
    rest.remove_prefix(n);
    return taken;
}

std::string_view take_word(std::string_view& rest) {  // up to white space
    const std::string_view word = take_while(rest, [](char c) { return !is_space(c); });
    rest = trim(rest);
    return word;
}

// What stands before the first semicolon, trimmed; the parameters stay in `rest`.
std::string_view take_head(std::string_view& rest) {
    const std::string_view head = take_while(rest, [](char c) { return c != ';'; });
    return trim(head);
}

std::optional<std::uint32_t> number_of(const Params& params, std::string_view name) {
    return to_number(params.find(name).value_or(""));
}

// The bracketed part of a name-addr: where "<" stands outside quoted strings.
std::size_t opening_bracket(std::string_view v) {
    for (std::size_t i = 0; i < v.size(); ++i) {
        if (v[i] == '<') return i;
        if (v[i] != '"') continue;
        const std::size_t close = closing_quote(v, i);
        if (close == v.npos) return v.find('<', i);  // RFC 4475 3.1.2.5: never closed
        i = close;
    }
    return v.npos;
}

void set_display(NameAddr& out, std::string_view display) {
    out.display = trim(display);
    if (out.display.empty() || out.display.front() != '"') return;
    const std::size_t close = closing_quote(out.display, 0);
    out.display_quoted = close != out.display.npos;
    out.display = out.display.substr(1, out.display_quoted ? close - 1 : out.display.npos);
}

std::optional<DialogName> parse_dialog_name(std::string_view value) {
    DialogName out;
    out.call_id = take_head(value);
    if (out.call_id.empty()) return std::nullopt;
    out.params = Params(value);
    out.to_tag = out.params.find("to-tag").value_or("");
    out.from_tag = out.params.find("from-tag").value_or("");
    out.early_only = out.params.has("early-only");
    return out;
}

}  // namespace

std::optional<std::uint8_t> Via::ttl() const {
    return to_number<std::uint8_t>(params.find("ttl").value_or(""));
}

std::optional<Via> parse_via(std::string_view value) {
    Via out;
    value = trim(value);
    std::string_view head = take_head(value);
    out.params = Params(value);
    // sent-protocol: three tokens with "/" between, white space anywhere around the slashes.
    const std::size_t first = head.find('/');
    const std::size_t second = first == head.npos ? head.npos : head.find('/', first + 1);
    if (second == head.npos) return std::nullopt;
    out.protocol = trim(head.substr(0, first));
    out.version = trim(head.substr(first + 1, second - first - 1));
    head = trim(head.substr(second + 1));
    out.transport = take_word(head);
    const HostPort sent_by = parse_host_port(head);
    out.host = sent_by.host;
    out.port = sent_by.port;
    out.is_ipv6 = sent_by.is_ipv6;
    out.bad_port = sent_by.bad_port;
    return out;
}

std::optional<NameAddr> parse_name_addr(std::string_view value) {
    NameAddr out;
    value = trim(value);
    const std::size_t open = opening_bracket(value);
    if (open != value.npos) {
        set_display(out, value.substr(0, open));
        out.bracketed = true;
        const std::size_t close = value.find('>', open);
        out.uri = trim(value.substr(open + 1, close == value.npos ? close : close - open - 1));
        if (close != value.npos) out.params = Params(value.substr(close + 1));
        return out;
    }
    if (!value.empty() && value.front() == '"') {  // a display name before a URI without brackets
        const std::size_t close = closing_quote(value, 0);
        if (close != value.npos) {
            set_display(out, value.substr(0, close + 1));
            value = trim(value.substr(close + 1));
        }
    }
    out.uri = take_head(value);
    if (out.uri.empty()) return std::nullopt;
    out.params = Params(value);
    return out;
}

std::string NameAddr::display_name() const {
    return display_quoted ? unquoted(display) : std::string(display);
}

std::optional<CSeq> parse_cseq(std::string_view value) {
    value = trim(value);
    const auto number = to_number(take_while(value, is_digit));
    if (!number || value.empty() || !is_space(value.front())) return std::nullopt;
    value = trim(value);
    const std::string_view method = take_word(value);
    return CSeq{*number, method_of(method), method};
}

std::optional<RAck> parse_rack(std::string_view value) {
    value = trim(value);
    const auto rseq = to_number(take_while(value, is_digit));
    if (!rseq || value.empty() || !is_space(value.front())) return std::nullopt;
    const auto cseq = parse_cseq(value);
    if (!cseq) return std::nullopt;
    return RAck{*rseq, *cseq};
}

std::optional<DialogName> parse_replaces(std::string_view value) {
    return parse_dialog_name(value);
}
std::optional<DialogName> parse_join(std::string_view value) { return parse_dialog_name(value); }

std::optional<Event> parse_event(std::string_view value) {
    Event out;
    out.package = take_head(value);
    if (out.package.empty()) return std::nullopt;
    out.params = Params(value);
    return out;
}

std::optional<std::uint32_t> SubscriptionState::expires() const {
    return number_of(params, "expires");
}
std::optional<std::uint32_t> SubscriptionState::retry_after() const {
    return number_of(params, "retry-after");
}

std::optional<SubscriptionState> parse_subscription_state(std::string_view value) {
    SubscriptionState out;
    out.state = take_head(value);
    if (out.state.empty()) return std::nullopt;
    out.params = Params(value);
    return out;
}

std::optional<SessionExpires> parse_session_expires(std::string_view value) {
    const auto seconds = to_number(take_head(value));
    if (!seconds) return std::nullopt;
    SessionExpires out;
    out.seconds = *seconds;
    out.params = Params(value);
    return out;
}

std::optional<std::uint32_t> RetryAfter::duration() const { return number_of(params, "duration"); }

std::optional<RetryAfter> parse_retry_after(std::string_view value) {
    value = trim(value);
    const auto seconds = to_number(take_while(value, is_digit));
    if (!seconds) return std::nullopt;
    RetryAfter out;
    out.seconds = *seconds;
    value = trim(value);
    if (!value.empty() && value.front() == '(') {
        std::size_t depth = 0, i = 0;
        for (; i < value.size(); ++i) {  // comments nest (25.1)
            if (value[i] == '\\')
                ++i;
            else if (value[i] == '(')
                ++depth;
            else if (value[i] == ')' && --depth == 0)
                break;
        }
        i = std::min(i, value.size());
        out.comment = value.substr(1, i - 1);
        value.remove_prefix(std::min(i + 1, value.size()));
    }
    out.params = Params(trim(value));
    return out;
}

std::optional<std::uint16_t> Reason::cause() const {
    return to_number<std::uint16_t>(params.find("cause").value_or(""));
}

std::optional<Reason> parse_reason(std::string_view value) {
    Reason out;
    out.protocol = take_head(value);
    if (out.protocol.empty()) return std::nullopt;
    out.params = Params(value);
    return out;
}

std::optional<Warning> parse_warning(std::string_view value) {
    value = trim(value);
    if (value.empty()) return std::nullopt;
    Warning out;
    std::string_view rest = value;
    const std::string_view digits = take_while(rest, is_digit);
    if (!digits.empty() && (rest.empty() || is_space(rest.front()))) {
        out.code = to_number<std::uint16_t>(digits);
        value = trim(rest);
    }
    const std::size_t quote = value.find('"');
    if (quote != value.npos) {
        const std::size_t close = closing_quote(value, quote);
        out.agent = trim(value.substr(0, quote));
        out.text_quoted = close != value.npos;
        out.text =
            out.text_quoted ? value.substr(quote + 1, close - quote - 1) : value.substr(quote + 1);
    } else if (out.code) {
        out.agent = take_word(value);
        out.text = value;
    } else {
        out.text = value;
    }
    return out;
}

bool ContentType::is(std::string_view type_name, std::string_view subtype_name) const {
    return iequals(type, type_name) && iequals(subtype, subtype_name);
}

std::optional<ContentType> parse_content_type(std::string_view value) {
    ContentType out;
    std::string_view head = take_head(value);
    const std::size_t slash = head.find('/');
    if (slash == head.npos) return std::nullopt;
    out.type = trim(head.substr(0, slash));
    out.subtype = trim(head.substr(slash + 1));
    if (out.type.empty() || out.subtype.empty()) return std::nullopt;
    out.params = Params(value);
    return out;
}

std::optional<ContentDisposition> parse_content_disposition(std::string_view value) {
    ContentDisposition out;
    out.type = take_head(value);
    if (out.type.empty()) return std::nullopt;
    out.params = Params(value);
    return out;
}

std::optional<Timestamp> parse_timestamp(std::string_view value) {
    value = trim(value);
    const auto decimal = [](std::string_view text) -> std::optional<double> {
        for (char c : text)
            if (!is_digit(c) && c != '.') return std::nullopt;
        double seconds = 0;
        const auto r = std::from_chars(text.data(), text.data() + text.size(), seconds);
        if (r.ec != std::errc{} || r.ptr != text.data() + text.size()) return std::nullopt;
        return seconds;
    };
    const auto sent = decimal(take_word(value));
    if (!sent) return std::nullopt;
    return Timestamp{*sent, decimal(value)};
}

std::optional<std::uint32_t> parse_number(std::string_view value) { return to_number(trim(value)); }

std::optional<Time> parse_date(std::string_view value) {
    constexpr std::string_view days = "SunMonTueWedThuFriSat";
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    value = trim(value);
    // "Sat, 13 Nov 2010 23:29:00 GMT": 29 characters, all at fixed places.
    if (value.size() != 29 || value.substr(3, 2) != ", " || value[7] != ' ' || value[11] != ' ' ||
        value[16] != ' ' || value[19] != ':' || value[22] != ':' || value.substr(25) != " GMT")
        return std::nullopt;
    const std::size_t month = months.find(value.substr(8, 3));
    const std::size_t day_name = days.find(value.substr(0, 3));
    if (month == months.npos || month % 3 != 0 || day_name == days.npos || day_name % 3 != 0)
        return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t n) {
        return to_number(value.substr(at, n));
    };
    const auto day = number(5, 2), year = number(12, 4), hour = number(17, 2),
               minute = number(20, 2), second = number(23, 2);
    if (!day || !year || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                           std::chrono::month{static_cast<unsigned>(month / 3 + 1)},
                                           std::chrono::day{*day}};
    // Nanoseconds in 64 bits reach from 1677 to 2262.
    if (!date.ok() || *year < 1678 || *year > 2261 || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    return Time{std::chrono::sys_days{date}.time_since_epoch()} + std::chrono::hours{*hour} +
           std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

bool lists(const Message& message, Header id, std::string_view token) {
    for (const Message::Field& f : message.fields()) {
        if (f.id != id) continue;
        std::string_view rest = message.value(f);
        while (const auto element = next_element(rest))
            if (iequals(*element, token)) return true;
    }
    return false;
}

}  // namespace sipana::sip
