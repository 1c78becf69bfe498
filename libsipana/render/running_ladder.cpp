#include "libsipana/render/running_ladder.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/sip/message.h"

namespace sipana::render {
namespace {

constexpr std::size_t time_room = 9;  // "  12.345 "
constexpr std::size_t least_spacing = 16, max_spacing = 44;

struct Glyphs {
    std::string_view life, line, dash, right, left, lost;
};
constexpr Glyphs box{"│", "─", "╌", "▶", "◀", "✗"};
constexpr Glyphs ascii{"|", "-", "~", ">", "<", "x"};

// "INVITE sip:900@example.com (SDP)", "486 Busy Here"; of what is no SIP, its first line.
std::string label_of(Bytes payload, int& code) {
    const std::string_view text = as_text(payload);
    const auto message = sip::Message::parse(text);
    if (!message) return fmt::format("not SIP: {}", text.substr(0, text.find_first_of("\r\n")));
    code = message->status();
    std::string label = message->is_request()
                            ? std::string(message->method_name())
                            : fmt::format("{} {}", message->status(), message->reason());
    if (message->is_request() && message->method() == sip::Method::invite) {
        std::string_view uri = message->request_uri();
        if (const auto colon = uri.find(':'); colon != uri.npos) uri.remove_prefix(colon + 1);
        if (const auto host = uri.find('@'); host != uri.npos)
            label += fmt::format(" {}", uri.substr(0, host));
    }
    if (message->is_response() && message->method() != sip::Method::invite &&
        !message->method_name().empty())
        label += fmt::format(" ({})", message->method_name());
    const auto type = message->header(sip::Header::content_type);
    if (type && istarts_with(*type, "application/sdp")) label += " (SDP)";
    return label;
}

}  // namespace

RunningLadder::RunningLadder(std::vector<std::string> names, const Style& style)
    : names_(std::move(names)), style_(style), width_(usable_width(style)) {
    for (std::string& name : names_) name = shown(name, style_);
    const std::size_t n = names_.size();
    if (n < 2) return;
    std::size_t half = 1;  // of the outer names
    half = std::max(half, std::max(columns(names_.front()), columns(names_.back())) / 2 + 1);
    half = std::min<std::size_t>(half, 12);
    const std::size_t room = width_ - time_room;
    if (room < 2 * half + (n - 1) * least_spacing) return;
    spacing_ = std::min((room - 2 * half) / (n - 1), max_spacing);
    first_ = time_room + half;
    drawn_ = true;
}

void RunningLadder::place(const Endpoint& endpoint, std::size_t column) {
    if (column >= names_.size()) return;
    by_endpoint_[endpoint] = column;
    const auto [at, is_new] = by_address_.emplace(endpoint.address, column);
    if (!is_new && at->second != column) at->second.reset();
}

std::optional<std::size_t> RunningLadder::column_of(const Endpoint& endpoint) const {
    if (const auto at = by_endpoint_.find(endpoint); at != by_endpoint_.end()) return at->second;
    const auto at = by_address_.find(endpoint.address);
    return at == by_address_.end() ? std::nullopt : at->second;
}

std::string RunningLadder::head() const {
    if (!drawn_) return {};
    Line line(width_);
    for (std::size_t i = 0; i < names_.size(); ++i) {
        const std::string name = cut_to(names_[i], spacing_ - 2, style_);
        line.put(at(i) - std::min(at(i), columns(name) / 2), name, Paint::bold);
    }
    std::string out;
    line.append_to(out, style_);
    return out;
}

std::optional<RunningLadder::Words> RunningLadder::words_of(const lab::Packet& packet,
                                                            lab::Fate fate, bool duplicate) {
    Words words;
    int code = 0;
    if (packet.content == lab::Content::sip) {
        words.text = shown(label_of(packet.payload, code), style_);
        words.paint = paint_of(tone_of(code));
    } else {
        rtp::Packet rtp;
        if (packet.content != lab::Content::rtp || fate != lab::Fate::delivered ||
            !rtp::read(packet.payload, rtp) || streams_.size() >= max_streams ||
            !streams_.emplace(packet.src, packet.dst, rtp.ssrc).second)
            return std::nullopt;
        words = {fmt::format("RTP, payload type {}", rtp.payload_type), Paint::blue, true};
    }
    if (fate == lab::Fate::dropped) words.text += " (lost)";
    if (fate == lab::Fate::refused) words.text += " (nobody listens)";
    if (duplicate) words.text += " (doubled)";
    if (fate != lab::Fate::delivered) words.paint = Paint::red;
    return words;
}

std::string RunningLadder::on_packet(const lab::Packet& packet, Time at, lab::Fate fate,
                                     bool duplicate) {
    if (start_ == no_time) start_ = at;
    const auto words = words_of(packet, fate, duplicate);
    if (!words) return {};
    const auto from = column_of(packet.src), to = column_of(packet.dst);
    if (drawn_ && from && to && *from != *to)
        return arrow(at, *from, *to, *words, fate != lab::Fate::delivered);
    return listed(at, packet, *words);
}

Line RunningLadder::row(Time time) const {
    Line line(width_);
    line.put_before(time_room - 1, fmt::format("{:.3f}", to_seconds(time - start_)), Paint::faint);
    return line;
}

std::string RunningLadder::arrow(Time time, std::size_t from, std::size_t to, const Words& words,
                                 bool lost) const {
    const Glyphs& glyphs = style_.unicode ? box : ascii;
    Line line = row(time);
    for (std::size_t i = 0; i < names_.size(); ++i) line.put(at(i), glyphs.life, Paint::faint);
    const std::size_t left = at(std::min(from, to)), right = at(std::max(from, to));
    for (std::size_t x = left + 1; x < right; ++x)
        line.put(x, words.media ? glyphs.dash : glyphs.line, words.paint);
    const bool rightwards = from < to;
    line.put(rightwards ? right - 1 : left + 1,
             lost         ? glyphs.lost
             : rightwards ? glyphs.right
                          : glyphs.left,
             words.paint);
    const std::size_t room = right - left - 5;
    const std::string text = cut_to(words.text, room, style_);
    line.put(left + 2 + (room - columns(text)) / 2, " " + text + " ", words.paint);
    std::string out;
    line.append_to(out, style_);
    return out;
}

std::string RunningLadder::listed(Time time, const lab::Packet& packet, const Words& words) const {
    const auto name = [&](const Endpoint& e) {
        const auto column = column_of(e);
        return column ? names_[*column] : e.to_string();
    };
    Line line = row(time);
    const std::string who =
        fmt::format("{} {} {}  ", name(packet.src), words.media ? "=>" : "->", name(packet.dst));
    const std::string start = cut_to(who, width_ - time_room, style_);
    line.put(time_room, start);
    const std::size_t used = time_room + columns(start);
    line.put(used, cut_to(words.text, width_ - std::min(used, width_), style_), words.paint);
    std::string out;
    line.append_to(out, style_);
    return out;
}

}  // namespace sipana::render
