// The summary of a run and its findings, for people.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"
#include "libsipana/render/rows.h"
#include "libsipana/render/text_line.h"

namespace sipana::render {
namespace {

using net::Fate;

constexpr std::size_t most_files = 6;   // named one by one
constexpr std::size_t most_texts = 20;  // beyond, findings are grouped by their rule alone

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
}

// "a, b and c"
std::string listed(const std::vector<std::string>& parts) {
    std::string out;
    for (std::size_t i = 0; i < parts.size(); ++i)
        out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return out;
}

void add(std::vector<std::string>& parts, std::uint64_t n, std::string_view one,
         std::string_view many) {
    if (n != 0) parts.push_back(counted(n, one, many));
}

// What a frame is called whose fate was this.
struct FateWords {
    Fate fate;
    std::string_view one, many;
};
constexpr std::array ignored_words{
    FateWords{Fate::not_ip, "not IP", "not IP"},
    FateWords{Fate::other_transport, "neither UDP, TCP nor SCTP", "neither UDP, TCP nor SCTP"},
    FateWords{Fate::unknown_link_type, "of an unknown link type", "of unknown link types"}};
constexpr std::array malformed_words{
    FateWords{Fate::cut_short, "cut short", "cut short"},
    FateWords{Fate::bad_header, "with a bad header", "with bad headers"},
    FateWords{Fate::too_deep, "nested too deep", "nested too deep"}};

template <std::size_t N>
std::pair<std::uint64_t, std::string> told(const net::Accounting& frames,
                                           const std::array<FateWords, N>& words) {
    std::uint64_t sum = 0;
    std::vector<std::string> parts;
    for (const FateWords& w : words) {
        sum += frames[w.fate];
        add(parts, frames[w.fate], w.one, w.many);
    }
    return {sum, listed(parts)};
}

// "1300: 1278 read, 16 ignored (12 not IP and 4 ...), 3 malformed (2 cut short and 1 with a bad
// header)"
std::string frames_line(const net::Accounting& frames) {
    std::vector<std::string> parts{fmt::format("{} read", frames[Fate::delivered])};
    if (frames[Fate::held] != 0)
        parts.push_back(fmt::format("{} put together with others", frames[Fate::held]));
    const auto [ignored, why_ignored] = told(frames, ignored_words);
    if (ignored != 0) parts.push_back(fmt::format("{} ignored ({})", ignored, why_ignored));
    const auto [malformed, why_malformed] = told(frames, malformed_words);
    if (malformed != 0) parts.push_back(fmt::format("{} malformed ({})", malformed, why_malformed));
    if (frames[Fate::over_cap] != 0)
        parts.push_back(fmt::format("{} dropped for want of memory", frames[Fate::over_cap]));
    std::string out = fmt::format("{}: ", frames.frames);
    for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : ", ") + parts[i];
    return out;
}

// What else was on the wire than SIP, RTP and RTCP.
std::vector<std::string> other_protocols(const analysis::Counts& c) {
    std::vector<std::string> parts;
    add(parts, c.stun, "STUN", "STUN");
    add(parts, c.turn_channel, "TURN channel data", "TURN channel data");
    add(parts, c.dtls, "DTLS", "DTLS");
    add(parts, c.zrtp, "ZRTP", "ZRTP");
    add(parts, c.t38, "T.38", "T.38");
    add(parts, c.keep_alives, "keep-alive", "keep-alives");
    add(parts, c.tls, "TLS (not decrypted)", "TLS (not decrypted)");
    add(parts, c.hep_other, "HEP (without SIP or media)", "HEP (without SIP or media)");
    add(parts, c.hep_own, "HEP (sent by this program)", "HEP (sent by this program)");
    add(parts, c.hep_unreadable, "HEP (unreadable)", "HEP (unreadable)");
    add(parts, c.undecided, "like RTP, but too few to be sure", "like RTP, but too few to be sure");
    add(parts, c.other_datagrams, "of no protocol that we read", "of no protocol that we read");
    return parts;
}

// Why there is no SIP: nothing captured, nothing readable, or nothing of the kind.
std::string no_sip_line(const analysis::Counts& c) {
    const net::Accounting& frames = c.frames;
    if (frames.frames == 0) return "no SIP found: the capture holds no frames";
    if (c.malformed_sip != 0)
        return fmt::format("no SIP could be read: {} began like SIP and could not be decoded",
                           counted(c.malformed_sip, "message", "messages"));
    const auto [malformed, why_malformed] = told(frames, malformed_words);
    const std::uint64_t undecoded =
        malformed + frames[Fate::unknown_link_type] + frames[Fate::over_cap];
    if (frames.datagrams + frames.chunks == 0 && undecoded != 0) {
        std::vector<std::string> why;
        if (malformed != 0) why.push_back(why_malformed);
        if (frames[Fate::unknown_link_type] != 0)
            why.push_back(
                fmt::format("{} of an unknown link type", frames[Fate::unknown_link_type]));
        if (frames[Fate::over_cap] != 0)
            why.push_back(fmt::format("{} dropped for want of memory", frames[Fate::over_cap]));
        return fmt::format("could not decode {} of {}: {}", undecoded,
                           counted(frames.frames, "frame", "frames"), listed(why));
    }
    if (frames.datagrams + frames.chunks == 0)
        return fmt::format("no SIP found: none of the {} held UDP, TCP or SCTP data",
                           counted(frames.frames, "frame", "frames"));
    std::vector<std::string> what;
    add(what, c.rtp_packets, "RTP", "RTP");
    add(what, c.rtcp_packets, "RTCP", "RTCP");
    for (std::string& part : other_protocols(c)) what.push_back(std::move(part));
    std::string out = frames.datagrams != 0
                          ? fmt::format("no SIP found: {} something else",
                                        counted(frames.datagrams, "datagram was", "datagrams were"))
                          : fmt::format("no SIP found: {} of TCP held something else",
                                        counted(frames.chunks, "piece", "pieces"));
    if (!what.empty()) out += " (" + listed(what) + ")";
    if (undecoded != 0)
        out += fmt::format("; {} could not be decoded", counted(undecoded, "frame", "frames"));
    return out;
}

std::string calls_line(const analysis::Report& report) {
    std::map<std::string_view, std::uint64_t>
        kinds;  // in the order of the names: the same each time
    std::map<std::pair<int, std::string_view>, std::uint64_t> states;
    for (const auto& call : report.calls) {
        ++kinds[to_string(call.kind)];
        ++states[{static_cast<int>(call.state), to_string(call.state)}];
    }
    std::vector<std::string> by_kind, by_state;
    for (const auto& [kind, n] : kinds) by_kind.push_back(fmt::format("{} {}", n, kind));
    for (const auto& [state, n] : states) by_state.push_back(fmt::format("{} {}", n, state.second));
    return fmt::format("{} ({}): {}", report.calls.size(), fmt::join(by_kind, ", "),
                       fmt::join(by_state, ", "));
}

std::string size_text(std::uint64_t bytes) {
    if (bytes < 10'000) return fmt::format("{} bytes", bytes);
    if (bytes < 10'000'000) return fmt::format("{:.0f} kB", static_cast<double>(bytes) / 1e3);
    if (bytes < 10'000'000'000) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
    return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

// "2023-11-14 22:13:20.000 to 22:15:50.000 UTC (2:30 min)"
std::string time_line(Time first, Time last) {
    const auto day = [](Time t) { return to_rfc3339(t).substr(0, 10); };
    const auto clock = [](Time t) { return to_time_of_day(t).substr(0, 12); };
    const std::string to = day(first) == day(last) ? clock(last) : day(last) + " " + clock(last);
    return fmt::format("{} {} to {} UTC ({})", day(first), clock(first), to,
                       short_duration(last - first));
}

class Lines {
public:
    explicit Lines(const Style& style) : style_(style), width_(usable_width(style)) {}
    // "head      text", the text going on under itself where it is long.
    void put(std::string_view head, std::string_view wire, Paint paint = Paint::plain) {
        const std::size_t room = width_ - indent;
        bool first = true;
        for (const std::string& piece : wrapped(shown(wire, style_), room, 8, style_)) {
            out_ += painted(fmt::format("{:<{}}", first ? head : "", indent), Paint::faint, style_);
            out_ += painted(piece, paint, style_) + "\n";
            first = false;
        }
    }
    std::string take() { return std::move(out_); }

private:
    static constexpr std::size_t indent = 10;
    const Style& style_;
    std::size_t width_;
    std::string out_;
};

// Each file; of many their sum, and each that is damaged.
void put_files(Lines& lines, const std::vector<analysis::FileFacts>& files) {
    const bool many = files.size() > most_files;
    if (many) {
        std::uint64_t frames = 0, bytes = 0;
        for (const auto& file : files) {
            frames += file.frames;
            bytes += file.bytes;
        }
        lines.put("files", fmt::format("{}, {} to {}: {}, {}", files.size(), files.front().name,
                                       files.back().name, counted(frames, "frame", "frames"),
                                       size_text(bytes)));
    }
    for (const auto& file : files) {
        if (many && !file.damaged) continue;
        std::string text = fmt::format("{}: {}", file.name, file.format);
        if (!file.compression.empty()) text += fmt::format(" in {}", file.compression);
        text +=
            fmt::format(", {}, {}", counted(file.frames, "frame", "frames"), size_text(file.bytes));
        if (file.damaged) text += ", DAMAGED: read up to the damage";
        lines.put("file", text, file.damaged ? Paint::red : Paint::plain);
    }
}

std::string severity_counts(std::span<const Finding> findings) {
    std::array<std::uint64_t, 3> n{};
    for (const Finding& f : findings) ++n[static_cast<std::size_t>(f.severity)];
    std::vector<std::string> parts;
    add(parts, n[2], "error", "errors");
    add(parts, n[1], "warning", "warnings");
    add(parts, n[0], "note", "notes");
    return listed(parts);
}

std::string rule_and_clause(const Finding& f) {
    return f.clause.empty() ? std::string(f.rule) : fmt::format("{} ({})", f.rule, f.clause);
}

}  // namespace

std::string findings_text(std::span<const Finding> findings, const Style& style) {
    if (findings.empty()) return "no findings\n";
    Lines lines(style);
    auto groups = grouped(findings, Alike::text);
    if (groups.size() > most_texts) groups = grouped(findings, Alike::rule);
    for (const FindingGroup& group : groups) {
        const Finding& f = *group.first;
        std::string head = rule_and_clause(f);
        if (group.count == 1) {
            if (f.frame != 0) head = fmt::format("frame {}  {}", f.frame, head);
        } else {
            head += fmt::format(": {} times", group.count);
            if (!group.frames.empty())
                head +=
                    fmt::format(", frame{} {}{}", group.frames.size() == 1 ? "" : "s",
                                fmt::join(group.frames, ", "), group.more_frames ? ", ..." : "");
        }
        lines.put(to_string(f.severity), head, paint_of(f.severity));
        lines.put("", group.one_text ? f.text : "first: " + f.text);
    }
    return lines.take() + severity_counts(findings) + "\n";
}

std::string summary_text(const analysis::Report& report, const Style& style) {
    const analysis::Counts& c = report.counts;
    Lines lines(style);
    put_files(lines, report.files);
    if (report.first != no_time && report.last != no_time)
        lines.put("time", time_line(report.first, report.last));
    lines.put("frames", frames_line(c.frames));
    if (c.frames.missing_bytes != 0)
        lines.put("",
                  fmt::format("{} of TCP never captured",
                              counted(c.frames.missing_bytes, "byte", "bytes")),
                  Paint::yellow);
    if (c.sip_messages == 0) {
        lines.put("SIP", no_sip_line(c), Paint::yellow);
    } else {
        std::string sip = counted(c.sip_messages, "message", "messages");
        if (c.malformed_sip != 0)
            sip += fmt::format(", {} more could not be read", c.malformed_sip);
        if (c.late_messages != 0)
            sip += fmt::format(", {} after their calls were over", c.late_messages);
        lines.put("SIP", sip);
    }
    if (!report.calls.empty()) lines.put("calls", calls_line(report));
    std::uint64_t streams = report.streams.size();
    for (const auto& call : report.calls) streams += call.streams.size();
    if (streams != 0 || c.rtp_packets != 0 || c.rtcp_packets != 0) {
        std::string media = fmt::format("{}, {}, {}", counted(streams, "stream", "streams"),
                                        counted(c.rtp_packets, "RTP packet", "RTP packets"),
                                        counted(c.rtcp_packets, "RTCP packet", "RTCP packets"));
        if (c.malformed_rtcp != 0)
            media += fmt::format(", {} of them not readable", c.malformed_rtcp);
        if (c.srtcp_packets != 0) media += fmt::format(", {} of them encrypted", c.srtcp_packets);
        if (!report.streams.empty())
            media +=
                fmt::format("; {} in no call", counted(report.streams.size(), "stream", "streams"));
        lines.put("media", media);
    }
    // Without SIP, the line about that has told the rest.
    if (const auto others = other_protocols(c); !others.empty() && c.sip_messages != 0)
        lines.put("other", "datagrams: " + listed(others));
    if (!report.findings.empty()) lines.put("findings", severity_counts(report.findings));
    return lines.take();
}

}  // namespace sipana::render
