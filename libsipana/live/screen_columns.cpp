#include "libsipana/live/screen_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"

namespace sipana::live {
namespace {

using analysis::Call;
using analysis::CallState;
using render::Paint;

constexpr std::array<ListColumnFacts, list_columns> facts{{
    {"#", "number, in order of the first message", 3, 6, 90, true},
    {"Time", "of the first message", 8, 8, 60, false},
    {"Method", "of the initial request", 8, 9, 85, false},
    {"From", "who called", 10, 26, 95, false},
    {"To", "who was called", 10, 26, 94, false},
    {"Msgs", "messages", 4, 5, 70, true},
    {"Source", "where the initial request came from", 18, 21, 58, false},
    {"Destination", "where it went to", 18, 21, 57, false},
    {"State", "and the final code", 15, 16, 99, false},
    {"Length", "of what was said, or since when it goes on", 6, 8, 80, true},
    {"Media", "codecs", 4, 10, 50, false},
    {"Loss", "of packets, the worst stream's", 5, 6, 65, true},
    {"Jitter", "in ms, the worst stream's", 6, 7, 55, true},
    {"MOS", "of the worst stream", 4, 4, 59, true},
    {"Legs", "other calls of the same thing", 4, 4, 54, true},
    {"Setup", "from INVITE to its 2xx", 6, 8, 40, true},
    {"Agent", "who answered, or who called", 10, 24, 30, false},
    {"Expires", "seconds that were granted", 7, 7, 72, true},
    {"Contact", "where it is registered", 12, 30, 75, false},
    {"Call-ID", "", 12, 40, 20, false},
}};

std::string length_word(Duration length) {
    const auto s = std::chrono::duration_cast<std::chrono::seconds>(length).count();
    if (s < 0) return "";
    if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
    return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

// Of what goes on: since it was answered, or since it began. A replayed capture has a past of its
// own.
std::optional<Duration> length_of(const Board::Entry& entry, Time now) {
    const Call& call = *entry.call;
    if (call.duration) return call.duration;
    const bool answered = call.state == CallState::answered && call.setup;
    if (entry.over && !answered) return std::nullopt;
    constexpr Duration longest_silence = std::chrono::hours{2};
    const bool lives =
        !entry.over && now != no_time && now >= call.end && now - call.end < longest_silence;
    return (lives ? now : call.end) - call.start - (answered ? *call.setup : Duration{});
}

struct Worst {
    double lost_percent = 0, jitter_ms = 0;
    bool any = false, clock = false;
};
Worst worst_of(const Call& call) {
    Worst worst;
    for (const analysis::Stream& s : call.streams) {
        worst.any = true;
        if (s.expected > 0)
            worst.lost_percent = std::max(worst.lost_percent, 100 * static_cast<double>(s.lost) /
                                                                  static_cast<double>(s.expected));
        if (s.clock_known) worst.jitter_ms = std::max(worst.jitter_ms, s.mean_jitter_ms);
        worst.clock |= s.clock_known;
    }
    return worst;
}

std::string codecs_of(const Call& call) {
    std::vector<std::string_view> names;
    for (const analysis::Stream& s : call.streams)
        if (!s.codec.empty() && std::find(names.begin(), names.end(), s.codec) == names.end() &&
            names.size() < 4)
            names.push_back(s.codec);
    return fmt::format("{}", fmt::join(names, " "));
}

Look loss_look(double percent) {
    return percent >= 5 ? error_look : percent >= 1 ? warning_look : plain_look;
}

std::string loss_word(double percent) {
    if (percent == 0) return "0%";
    if (percent < 0.1) return "<0.1%";
    return fmt::format("{:.1f}%{}", percent, percent >= 5 ? "!" : "");
}

}  // namespace

const ListColumnFacts& facts_of(ListColumn column) {
    return facts[static_cast<std::size_t>(column)];
}

std::string_view method_word(analysis::CallKind kind) {
    using enum analysis::CallKind;
    switch (kind) {
        case invite:
            return "INVITE";
        case register_:
            return "REGISTER";
        case subscribe:
            return "SUBSCRIBE";
        case message:
            return "MESSAGE";
        case options:
            return "OPTIONS";
        case other:
            break;
    }
    return "other";
}

std::string state_word(const Call& call, bool over) {
    if (call.state == CallState::answered) return over ? "answered" : "in call";
    std::string out(to_string(call.state));
    if (call.final_code >= 300) out += fmt::format(" {}", call.final_code);
    return out;
}

std::string party_word(const analysis::Party& party) {
    if (party.user.empty() && party.host.empty()) return std::string(party.uri);
    if (party.user.empty()) return std::string(party.host);
    return party.host.empty() ? std::string(party.user)
                              : fmt::format("{}@{}", party.user, party.host);
}

std::string_view state_sign(CallState state, bool over, bool unicode) {
    using enum CallState;
    switch (state) {
        case trying:
            return unicode ? "…" : ".";
        case ringing:
            return unicode ? "◦" : "o";
        case answered:
            return over ? (unicode ? "✓" : "=") : (unicode ? "▸" : ">");
        case completed:
        case registered:
        case active:
        case done:
            return unicode ? "✓" : "=";
        case unregistered:
        case terminated:
            return unicode ? "∅" : "-";
        case redirected:
            return unicode ? "↪" : "~";
        case cancelled:
        case busy:
        case declined:
            return unicode ? "–" : "-";
        case failed:
        case unanswered:
        case challenged:
            return unicode ? "✗" : "x";
    }
    return " ";
}

std::optional<double> mos_of(const Call& call) {
    std::optional<double> worst;
    for (const analysis::Stream& s : call.streams)
        if (s.mos) worst = std::min(worst.value_or(*s.mos), *s.mos);
    return worst;
}

ListCell cell_of(ListColumn column, const Board::Entry& entry, Time now, Time zero) {
    const Call& call = *entry.call;
    using enum ListColumn;
    switch (column) {
        case number:
            return {std::to_string(entry.number), faint_look};
        case time:
            if (call.start == no_time) return {};
            if (zero != no_time)
                return {fmt::format("{:.3f}", to_seconds(call.start - zero)), faint_look};
            return {to_time_of_day(call.start).substr(0, 8), faint_look};
        case kind:
            return {std::string(method_word(call.kind)), {}};
        case from:
            return {party_word(call.from), {}};
        case to:
            return {party_word(call.to), {}};
        case messages:
            return {std::to_string(call.message_count), {}};
        case source:
            return {call.caller.to_string(), {}};
        case target:
            return {call.callee.to_string(), {}};
        case state: {
            const Paint paint = call.state == CallState::answered && !entry.over
                                    ? Paint::cyan
                                    : render::paint_of(call.state);
            return {state_word(call, entry.over), {paint, false, false}};
        }
        case duration: {
            const auto length = length_of(entry, now);
            return {length ? length_word(*length) : "", {}};
        }
        case media:
            return {codecs_of(call), {Paint::blue}};
        case loss: {
            const Worst worst = worst_of(call);
            if (!worst.any) return {};
            return {loss_word(worst.lost_percent), loss_look(worst.lost_percent)};
        }
        case jitter: {
            const Worst worst = worst_of(call);
            if (!worst.any || !worst.clock) return {};
            return {fmt::format("{:.1f}", worst.jitter_ms),
                    worst.jitter_ms >= 30 ? warning_look : plain_look};
        }
        case mos: {
            const auto value = mos_of(call);
            if (!value) return {};
            return {fmt::format("{:.1f}{}", *value, *value < 3.1 ? "!" : ""),
                    *value < 3.1   ? error_look
                    : *value < 3.6 ? warning_look
                                   : plain_look};
        }
        case legs:
            return {call.legs.empty() ? "" : fmt::format("+{}", call.legs.size()),
                    {Paint::magenta}};
        case setup:
            return {call.setup ? render::short_duration(*call.setup) : "", {}};
        case agent:
            return {std::string(call.callee_agent.empty() ? call.caller_agent : call.callee_agent),
                    {}};
        case expires:
            return {call.expires_s > 0 ? std::to_string(call.expires_s) : "", {}};
        case contact:
            return {std::string(call.contact), {}};
        case call_id:
            return {std::string(call.call_id), faint_look};
    }
    return {};
}

SortKey key_of(ListColumn column, const Board::Entry& entry) {
    const Call& call = *entry.call;
    constexpr std::size_t most = 40;  // bytes of a text that order rows
    const auto word = [](std::string_view text) {
        return SortKey{0, lowered(text.substr(0, most))};
    };
    using enum ListColumn;
    switch (column) {
        case number:
            return {static_cast<double>(entry.number), {}};
        case time:
            return {static_cast<double>(call.start.count()), {}};
        case kind:
            return word(method_word(call.kind));
        case from:
            return word(party_word(call.from));
        case to:
            return word(party_word(call.to));
        case messages:
            return {static_cast<double>(call.message_count), {}};
        case source:
            return word(call.caller.to_string());
        case target:
            return word(call.callee.to_string());
        case state:
            return word(state_word(call, entry.over));
        case duration:
            return {call.duration ? to_seconds(*call.duration) : entry.over ? -1 : 1e18, {}};
        case media:
            return word(codecs_of(call));
        case loss:
            return {call.streams.empty() ? -1 : worst_of(call).lost_percent, {}};
        case jitter:
            return {call.streams.empty() ? -1 : worst_of(call).jitter_ms, {}};
        case mos:
            return {mos_of(call).value_or(9), {}};
        case legs:
            return {static_cast<double>(call.legs.size()), {}};
        case setup:
            return {call.setup ? to_seconds(*call.setup) : -1, {}};
        case agent:
            return word(call.callee_agent.empty() ? call.caller_agent : call.callee_agent);
        case expires:
            return {static_cast<double>(call.expires_s), {}};
        case contact:
            return word(call.contact);
        case call_id:
            return word(call.call_id);
    }
    return {};
}

std::vector<ListColumn> usual_columns() {
    using enum ListColumn;
    return {number, time,     kind, from,  to,   messages, source, target,
            state,  duration, legs, media, loss, jitter,   mos};
}

std::vector<ListColumn> registration_columns() {
    using enum ListColumn;
    return {number, time, to, contact, expires, messages, source, target, state, agent};
}

std::vector<PlacedColumn> placed(const std::vector<ListColumn>& wanted, std::size_t width) {
    std::vector<ListColumn> taken = wanted;
    const auto needed = [&] {
        std::size_t n = 0;
        for (const ListColumn c : taken) n += facts_of(c).least + 1;
        return n;
    };
    while (taken.size() > 1 && needed() > width + 1)
        taken.erase(std::min_element(taken.begin(), taken.end(), [](ListColumn a, ListColumn b) {
            return facts_of(a).importance < facts_of(b).importance;
        }));
    std::vector<PlacedColumn> out;
    std::size_t room = width + 1 - std::min(width + 1, needed());
    for (const ListColumn c : taken) out.push_back({c, 0, facts_of(c).least});
    // What is left over goes around, a column at a time, until all have what is good for them.
    for (bool gave = true; gave && room > 0;) {
        gave = false;
        for (PlacedColumn& p : out)
            if (room > 0 && p.width < facts_of(p.column).good) {
                ++p.width;
                --room;
                gave = true;
            }
    }
    std::size_t x = 0;
    for (PlacedColumn& p : out) {
        p.x = x;
        p.width = std::min(p.width, width > x ? width - x : 0);
        x += p.width + 1;
    }
    return out;
}

}  // namespace sipana::live
