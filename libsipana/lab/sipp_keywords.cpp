#include "libsipana/lab/sipp_keywords.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/lab/script_words.h"

namespace sipana::lab {
namespace {

struct Keyword {
    std::string_view sipp, ours;
};
constexpr std::array keywords{
    Keyword{"call_id", "{call_id}"},
    Keyword{"branch", "{branch}"},
    Keyword{"local_ip", "{local_ip}"},
    Keyword{"local_port", "{local_port}"},
    Keyword{"local_ip_type", "{local_ip_type}"},
    Keyword{"remote_ip", "{remote_ip}"},
    Keyword{"remote_port", "{remote_port}"},
    Keyword{"server_ip", "{remote_ip}"},
    Keyword{"transport", "{transport}"},
    Keyword{"media_ip", "{media_ip}"},
    Keyword{"media_ip_type", "{local_ip_type}"},
    Keyword{"media_port", "{media_port}"},
    Keyword{"auto_media_port", "{media_port}"},
    Keyword{"rtpstream_audio_port", "{media_port}"},
    Keyword{"cseq", "{cseq}"},
    Keyword{"call_number", "{call_number}"},
    Keyword{"peer_tag_param", ";tag={remote_tag}"},
    Keyword{"len", "{len}"},
    Keyword{"pid", "1"},
    Keyword{"routes", ""},
};

bool looks_like_keyword(std::string_view word) {
    return !word.empty() && (is_alpha(word.front()) || word.front() == '_') &&
           word.find_first_of("^:./\\") == word.npos;
}

}  // namespace

std::string SippWords::variable(std::string_view name) const {
    if (const auto known = aliases.find(name); known != aliases.end()) return known->second;
    std::string out = prefix;
    if (name.empty() || !is_alpha(name.front())) out += 'v';
    for (char c : name.substr(0, 40)) out += is_alpha(c) || is_digit(c) || c == '_' ? c : '_';
    return out;
}

std::string SippWords::convert(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
        const char c = text.front();
        const auto close = c == '[' ? text.find(']') : text.npos;
        if (close != text.npos && text.find_first_of("\r\n") > close) {
            out += keyword(text.substr(1, close - 1));
            text.remove_prefix(close + 1);
            continue;
        }
        out += c;
        if (c == '{') out += '{';
        text.remove_prefix(1);
    }
    return out;
}

std::string SippWords::keyword(std::string_view word) const {
    if (word.empty()) return "[]";
    if (word.front() == '$') return fmt::format("{{{}}}", variable(word.substr(1)));
    if (word == "service") return service;
    if (word.starts_with("authentication")) return {};
    if (word.starts_with("last_")) {
        std::string_view header = word.substr(5);
        if (!header.empty() && header.back() == ':') header.remove_suffix(1);
        if (iequals(header, "request_uri")) return "{last request-uri}";
        if (iequals(header, "message")) return "{last message}";
        return fmt::format("{{last {}}}", header);
    }
    if (word.starts_with("field") && word.size() > 5 && is_digit(word[5])) {
        const auto digits = word.substr(5, word.find_first_not_of("0123456789", 5) - 5);
        if (digits.size() + 5 != word.size())
            note(fmt::format("[{}]: there is one dataset, its rows are taken in turn",
                             printable(word)));
        return fmt::format("{{field{}}}", digits);
    }
    const std::string_view name = word.substr(0, word.find_first_of("+-"));
    for (const Keyword& k : keywords) {
        if (k.sipp != name) continue;
        if (name.size() != word.size() && name != "branch")
            note(fmt::format("[{}]: sums are not carried over, it is [{}]", printable(word), name));
        return std::string(k.ours);
    }
    return unknown(word);
}

std::string SippWords::unknown(std::string_view word) const {
    if (!looks_like_keyword(word)) {  // "[2001:db8::1]", a set of a regular expression
        std::string out = "[";
        for (char c : word) out += c == '{' ? std::string("{{") : std::string(1, c);
        return out + ']';
    }
    note(fmt::format("[{}] has no counterpart, it is left out", printable(word)));
    return {};
}

std::string to_ecmascript(std::string_view posix, bool whole, unsigned group) {
    std::string out;
    unsigned count = 0;
    const bool all = group == 0;
    if (all) out += '(';
    for (std::size_t i = 0; i < posix.size(); ++i) {
        const char c = posix[i];
        if (c == '\\' && i + 1 < posix.size()) {
            out.append(1, c).append(1, posix[++i]);
        } else if (c == '[') {  // up to its end: "[]a]", "[^]a]", "[[:alnum:]]"
            std::size_t end = i + 1;
            if (end < posix.size() && posix[end] == '^') ++end;
            if (end < posix.size() && posix[end] == ']') ++end;
            while (end < posix.size() && posix[end] != ']') {
                const bool named = posix.substr(end, 2) == "[:";
                const auto close = named ? posix.find(":]", end + 2) : posix.npos;
                end = close == posix.npos ? end + 1 : close + 2;
            }
            const std::size_t first = posix.substr(i + 1, 1) == "^" ? i + 2 : i + 1;
            for (; i < posix.size() && i <= end; ++i) {
                // A backslash in a POSIX set is a backslash; a "]" that comes first is one, too.
                if (posix[i] == '\\' || (posix[i] == ']' && i == first && i != end)) out += '\\';
                out += posix[i];
            }
            --i;
        } else if (c == '(') {
            out += ++count == group ? "(" : "(?:";
        } else if (c == '.' && whole) {
            out += "[\\s\\S]";
        } else {
            out += c;
        }
    }
    if (all) out += ')';
    return out;
}

SippAddress address_of(std::string_view value) {
    SippAddress a;
    const auto open = value.find('<'), close = value.find('>');
    std::string_view uri = value;
    if (open != value.npos && close != value.npos && open < close) {
        std::string_view display = trim(value.substr(0, open));
        if (display.size() >= 2 && display.front() == '"' && display.back() == '"')
            display = display.substr(1, display.size() - 2);
        a.display = display;
        uri = value.substr(open + 1, close - open - 1);
    } else {
        uri = value.substr(0, value.find(';'));
    }
    const auto colon = uri.find(':');
    if (colon == uri.npos || (uri.substr(0, colon) != "sip" && uri.substr(0, colon) != "sips"))
        return a;
    uri.remove_prefix(colon + 1);
    const auto at = uri.find('@');
    if (at != uri.npos) a.user = uri.substr(0, at);
    a.host = at == uri.npos ? uri : uri.substr(at + 1);
    a.good = true;
    return a;
}

bool is_keyword_host(std::string_view host) {
    return host.empty() || host.starts_with("[local_ip") || host.starts_with("[remote_ip") ||
           host.starts_with("[remote_host") || host.starts_with("[server_ip") ||
           host.starts_with("[media_ip");
}

}  // namespace sipana::lab
