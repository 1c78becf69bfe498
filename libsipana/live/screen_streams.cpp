#include "libsipana/live/screen_streams.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"

namespace sipana::live {
namespace {

using analysis::Stream;
using analysis::StreamSecond;

double lost_percent(const Stream& s) {
    return s.expected == 0 ? 0
                           : 100 * static_cast<double>(s.lost) / static_cast<double>(s.expected);
}

std::string codec_word(const Stream& s) {
    return s.codec.empty() ? fmt::format("payload type {}", s.payload_type) : s.codec;
}

// A bar is full at `full` at least: what nobody would notice is not drawn like a disaster.
void add_chart(std::vector<Styled>& out, std::string_view name, const std::vector<double>& values,
               std::string_view unit, double full, std::size_t width, Look look, bool unicode) {
    const double top = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    const std::string head = fmt::format("{:<8}", name);
    const std::string foot = fmt::format(" up to {:.1f} {}", top, unit);
    const std::size_t room =
        width > head.size() + foot.size() + 10 ? width - head.size() - foot.size() : 10;
    out.push_back({{head, faint_look},
                   {sparkline(thinned(values, room), std::max(top, full), unicode), look},
                   {foot, faint_look}});
}

void add_seconds(std::vector<Styled>& out, const Stream& s, std::size_t width, bool unicode) {
    if (s.seconds.size() < 2) return;
    std::vector<double> lost, jitter, rate;
    for (const StreamSecond& second : s.seconds) {
        const double expected = static_cast<double>(second.packets) + second.lost;
        lost.push_back(expected > 0 ? 100 * second.lost / expected : 0);
        jitter.push_back(static_cast<double>(second.jitter_ms));
        rate.push_back(second.bytes * 8 / 1000.0);
    }
    out.emplace_back();
    out.push_back({{fmt::format("each second of {}", s.seconds.size()), faint_look}});
    add_chart(out, "lost", lost, "%", 5, width, {render::Paint::red}, unicode);
    if (s.clock_known)
        add_chart(out, "jitter", jitter, "ms", 20, width, {render::Paint::yellow}, unicode);
    add_chart(out, "rate", rate, "kbit/s", 0, width, {render::Paint::cyan}, unicode);
}

void add_video(std::vector<Styled>& out, const Stream& s) {
    if (!s.video) return;
    const analysis::Video& v = *s.video;
    out.emplace_back();
    std::string first = fmt::format("video    {} frames, {} key, {} incomplete", v.frames,
                                    v.key_frames, v.incomplete_frames);
    if (v.width > 0) first += fmt::format(", {}x{}", v.width, v.height);
    if (v.fps > 0) first += fmt::format(", {:.1f} a second", v.fps);
    out.push_back({{first, {}}});
    if (v.longest_freeze > Duration{})
        out.push_back(
            {{"         longest freeze " + render::short_duration(v.longest_freeze), {}}});
    if (v.broken_count > 0)
        out.push_back(
            {{fmt::format("         broken {} times, {} frames, {} together", v.broken_count,
                          v.broken_frames, render::short_duration(v.broken_for)),
              warning_look}});
    if (v.behind_sound_ms)
        out.push_back({{fmt::format("         the picture comes {:.0f} ms {} the sound",
                                    std::abs(*v.behind_sound_ms),
                                    *v.behind_sound_ms >= 0 ? "after" : "before"),
                        {}}});
    for (std::size_t i = 0; i < std::min<std::size_t>(v.requests.size(), 5); ++i) {
        const auto& r = v.requests[i];
        out.push_back({{fmt::format("         {} asked for a key frame at {}{}", r.how,
                                    to_time_of_day(r.time).substr(0, 12),
                                    r.answered_after ? ", came after " +
                                                           render::short_duration(*r.answered_after)
                                                     : std::string(", none came")),
                        {}}});
    }
}

void add_rtcp(std::vector<Styled>& out, const Stream& s, std::size_t width,
              const render::Style& style) {
    if (s.reports.empty() && s.rtcp_events.empty()) return;
    out.emplace_back();
    std::size_t blocks = 0;
    for (const auto& r : s.reports) blocks += r.has_block ? 1 : 0;
    out.push_back({{fmt::format("RTCP     {} reports, {} of the receiver{}", s.reports.size(),
                                blocks, s.cname.empty() ? "" : ", CNAME " + s.cname),
                    {}}});
    std::size_t told = 0;
    for (std::size_t i = s.reports.size(); i-- > 0 && told < 3;) {
        const auto& r = s.reports[i];
        if (!r.has_block) continue;
        ++told;
        std::string text = fmt::format(
            "         {} the receiver says: {:.1f}% lost of late, {} in all",
            to_time_of_day(r.time).substr(0, 8), r.fraction_lost / 2.56, r.cumulative_lost);
        if (r.jitter_ms) text += fmt::format(", jitter {:.1f} ms", *r.jitter_ms);
        if (r.rtt_ms) text += fmt::format(", round trip {:.1f} ms", *r.rtt_ms);
        wrap_into(out, {{text, {}}}, width, 11, style);
    }
    for (std::size_t i = s.rtcp_events.size() > 5 ? s.rtcp_events.size() - 5 : 0;
         i < s.rtcp_events.size(); ++i)
        wrap_into(
            out,
            {{fmt::format("         {} {} {}", to_time_of_day(s.rtcp_events[i].time).substr(0, 8),
                          s.rtcp_events[i].kind, s.rtcp_events[i].text),
              {}}},
            width, 11, style, 3);
}

}  // namespace

std::vector<double> thinned(std::vector<double> values, std::size_t width) {
    if (width == 0 || values.size() <= width) return values;
    const std::size_t each = (values.size() + width - 1) / width;
    std::vector<double> out;
    for (std::size_t i = 0; i < values.size(); i += each)
        out.push_back(*std::max_element(
            values.begin() + static_cast<std::ptrdiff_t>(i),
            values.begin() + static_cast<std::ptrdiff_t>(std::min(i + each, values.size()))));
    return out;
}

std::vector<Styled> stream_lines(const Stream& s, std::size_t width, const render::Style& style) {
    std::vector<Styled> out;
    const auto add = [&](std::string text, Look look = {}) {
        wrap_into(out, {{std::move(text), look}}, width, 9, style);
    };
    add(fmt::format("{} {}{}", to_string(s.media), codec_word(s), s.encrypted ? " (SRTP)" : ""),
        {render::Paint::blue, false, true});
    add(fmt::format("{}{}{}", s.src.to_string(), style.unicode ? " → " : " -> ",
                    s.dst.to_string()));
    add(fmt::format("SSRC     0x{:08x}, payload type {}, {}", s.ssrc, s.payload_type,
                    s.from_sdp ? "announced by SDP" : "found by what it looks like"));
    add(fmt::format("time     {} for {}", to_time_of_day(s.start).substr(0, 12),
                    render::short_duration(s.end - s.start)));
    add(fmt::format("packets  {} of {} expected, {:.0f} kbit/s", s.packets, s.expected,
                    s.bitrate_kbps));
    add(fmt::format("lost     {} ({:.2f}%){}", s.lost, lost_percent(s), s.lost > 0 ? " !" : ""),
        lost_percent(s) >= 1 ? warning_look : plain_look);
    if (s.late + s.duplicated + s.reordered > 0)
        add(fmt::format("         {} late, {} duplicated, {} reordered", s.late, s.duplicated,
                        s.reordered));
    if (s.clock_known)
        add(fmt::format("jitter   {:.2f} ms mean, {:.2f} ms at most", s.mean_jitter_ms,
                        s.max_jitter_ms));
    add(fmt::format("delta    {:.1f} ms at most", s.max_delta_ms));
    if (s.mos)
        add(fmt::format("MOS      {:.2f}", *s.mos), *s.mos < 3.6 ? warning_look : plain_look);
    if (s.silences > 0) add(fmt::format("silence  {} times", s.silences));
    if (!s.digits.empty()) {
        std::string keys;
        for (std::size_t i = 0; i < std::min<std::size_t>(s.digits.size(), 64); ++i)
            keys += s.digits[i].digit;
        add("DTMF     " + keys, {render::Paint::magenta});
    }
    add_seconds(out, s, width, style.unicode);
    add_video(out, s);
    add_rtcp(out, s, width, style);
    for (const Finding& f : s.findings)
        wrap_into(
            out,
            {{fmt::format("! {}{}", f.text, f.clause.empty() ? "" : fmt::format(" ({})", f.clause)),
              warning_look}},
            width, 2, style, 4);
    out.emplace_back();
    return out;
}

// ---------------------------------------------------------------- the table

StreamsView::StreamsView(Sight& sight, std::vector<std::uint64_t> numbers)
    : View(sight), asked_(sight, std::move(numbers), sight.preferences.legs) {
    refresh();
}

void StreamsView::refresh() {
    if (asked_.numbers().empty()) {
        rows_.clear();
        for (const StreamPtr& stream : sight_.board.streams())
            rows_.push_back({stream, stream.get()});
    } else if (asked_.refresh()) {
        rows_.clear();
        for (const CallPtr& call : asked_.calls())
            for (const Stream& stream : call->streams) rows_.push_back({call, &stream});
    }
    selected_ = rows_.empty() ? 0 : std::min(selected_, rows_.size() - 1);
}

void StreamsView::draw_row(Canvas& canvas, std::size_t y, const Stream& s, bool selected) const {
    const std::size_t w = canvas.width();
    const double lost = lost_percent(s);
    const std::string figures =
        fmt::format("{:>8} {:>6.2f}%{} {:>7} {:>4}", s.packets, lost, lost >= 5 ? "!" : " ",
                    s.clock_known ? fmt::format("{:.1f}ms", s.mean_jitter_ms) : "",
                    s.mos ? fmt::format("{:.1f}", *s.mos) : "");
    const std::size_t right = w > figures.size() ? w - figures.size() : 0;
    const std::string_view arrow = canvas.sign(" → ", " -> ");
    std::size_t x =
        canvas.put(1, y, fmt::format("{:<10.10} ", codec_word(s)), {render::Paint::blue});
    std::string way = fmt::format("{}{}{}", s.src.to_string(), arrow, s.dst.to_string());
    std::vector<double> course;
    const std::size_t room = right > x + 1 ? right - x - 1 : 0;
    const std::size_t taken = std::min(room, std::max<std::size_t>(columns(way), 44));
    canvas.put(x, y, way, {}, taken);
    if (room > taken + 12 && s.seconds.size() > 1) {  // what is left is for the course of it
        for (const StreamSecond& second : s.seconds)
            course.push_back(static_cast<double>(second.lost));
        canvas.put(x + taken + 1, y,
                   sparkline(thinned(course, room - taken - 2), 0, canvas.unicode()),
                   {render::Paint::red}, room - taken - 2);
    }
    canvas.put(right, y, figures, lost >= 5 ? error_look : lost >= 1 ? warning_look : plain_look);
    if (selected) canvas.reverse(0, y, w);
}

void StreamsView::draw(Canvas& canvas) {
    draw_title(canvas, asked_.numbers().empty() ? "streams of no call" : "streams",
               fmt::format("{}/{}", rows_.empty() ? 0 : selected_ + 1, rows_.size()));
    if (rows_.empty()) {
        canvas.put(2, std::min<std::size_t>(2, canvas.height() - 1),
                   asked_.waiting() && asked_.calls().empty() ? "Asking ..." : "There are none.",
                   faint_look);
        return;
    }
    const std::size_t height = canvas.height() - 1;
    if (height > 3) {
        const std::string_view heads = " packets    lost   jitter  MOS";
        canvas.look(0, 1, canvas.width(), faint_look);
        canvas.put(1, 1, "codec      from and to", faint_look);
        canvas.put_right(canvas.width(), 1, heads, faint_look);
    }
    first_row_ = height > 3 ? 2 : 1;
    const std::size_t room = height > first_row_ ? height - first_row_ : 1;
    page_ = room > 10 ? std::min(rows_.size(), std::max<std::size_t>(room / 3, 3))
                      : std::min(rows_.size(), room);
    top_ = scrolled(top_, selected_, rows_.size(), page_);
    for (std::size_t i = 0; i < page_ && top_ + i < rows_.size(); ++i)
        draw_row(canvas, first_row_ + i, *rows_[top_ + i].stream, top_ + i == selected_);
    std::size_t y = first_row_ + page_;
    if (y + 2 >= height) return;
    canvas.across(0, y++, canvas.width());
    const auto lines =
        stream_lines(*rows_[selected_].stream,
                     canvas.width() - std::min<std::size_t>(canvas.width() - 1, 2), canvas.style());
    const std::size_t left = height - y;
    details_top_ = std::min(details_top_, lines.size() > left ? lines.size() - left : 0);
    for (std::size_t i = 0; i < left && details_top_ + i < lines.size(); ++i)
        put(canvas, 1, y + i, lines[details_top_ + i]);
}

View::Turn StreamsView::on_key(const Key& key) {
    using enum Key::Name;
    const auto move = [&](std::ptrdiff_t by) {
        if (rows_.empty()) return;
        const auto to = static_cast<std::ptrdiff_t>(selected_) + by;
        selected_ = to < 0 ? 0 : std::min(static_cast<std::size_t>(to), rows_.size() - 1);
        details_top_ = 0;
    };
    if (key.is(up, 'k'))
        move(-1);
    else if (key.is(down, 'j'))
        move(1);
    else if (key.is(home))
        move(-static_cast<std::ptrdiff_t>(rows_.size()));
    else if (key.is(end, 'G'))
        move(static_cast<std::ptrdiff_t>(rows_.size()));
    else if (key.is(page_down) || key.is(wheel_down) || key.is(']'))
        details_top_ += 5;
    else if (key.is(page_up) || key.is(wheel_up) || key.is('['))
        details_top_ -= std::min<std::size_t>(details_top_, 5);
    else if (key.is(click) || key.is(double_click)) {
        if (key.y >= first_row_ && key.y < first_row_ + page_ &&
            top_ + key.y - first_row_ < rows_.size())
            selected_ = top_ + key.y - first_row_;
    } else if (key.is(escape) || key.is('q') || key.is('Q'))
        return close();
    else
        return ignored();
    return stay();
}

std::vector<Hint> StreamsView::hints() const {
    return {{"Esc", "Back"}, {"Up/Down", "Choose"}, {"PgUp/PgDn", "Scroll"}, {"F1", "Help"}};
}

std::vector<std::string> StreamsView::help() const {
    return {"Up Down k j      choose a stream", "PgUp PgDn [ ]    scroll what is told of it",
            "Esc q            back"};
}

}  // namespace sipana::live
