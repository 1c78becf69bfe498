// The ladder as SVG: columns sized by what is written between them, rows by what they hold.
#include "libsipana/render/svg.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/append.h"
#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/page.h"
#include "libsipana/render/render.h"

namespace sipana::render {
namespace {

// Pixels. Text sizes are those of page/figure.css.
constexpr double label_px = 13, detail_px = 11.5, name_px = 13.5, small_px = 11;
constexpr double gutter = 78;  // the times, left of the first column
constexpr double margin = 12;
constexpr double head_height = 64;
constexpr double narrowest = 128;  // between two columns
constexpr double arrow_row = 32, detail_row = 16, self_width = 34;
constexpr double way_margin = 30;  // of a lane, at either side: the tips stand there

// One <text>, shortened to `width` with the whole text as its tooltip.
void put_text(std::string& out, std::string_view css, double x, double y, std::string_view raw,
              double px, double width) {
    const std::string whole = printable(raw);
    const std::string shown = shortened(whole, px, width);
    append(out, "<text class=\"{}\" x=\"{:.6g}\" y=\"{:.6g}\">{}", css, x, y, escaped(shown));
    if (shown != whole) append(out, "<title>{}</title>", escaped(whole));
    out += "</text>";
}

// "557 packets, 0% lost, jitter 1.5 ms", or less of it; `brevity` 0 to 2.
std::string way_text(const MediaWay& way, int brevity) {
    std::string text = fmt::format("{}{}", way.packets, brevity < 2 ? " packets" : "");
    if (way.expected > 0) text += fmt::format(", {} lost", percent_text(way.lost_percent()));
    return brevity == 0 && way.clock_known
               ? text + fmt::format(", jitter {:.1f} ms", way.mean_jitter_ms)
               : text;
}

// One line a way, all of them in the longest form that has room.
std::vector<std::string> way_texts(const MediaLane& lane, double room) {
    std::vector<std::string> texts;
    for (int brevity = 0; brevity <= 2; ++brevity) {
        texts.clear();
        bool fits = true;
        for (const MediaWay& way : lane.ways) {
            texts.push_back(way_text(way, brevity));
            fits = fits && text_width(texts.back(), detail_px) <= room;
        }
        if (fits) break;
    }
    return texts;
}

std::string lane_label(const MediaLane& lane) {
    return fmt::format("{} · {}", lane.label, short_duration(lane.duration()));
}

// In one line where it fits, else in two, broken at a blank.
std::vector<std::string> detail_lines(std::string_view detail, double room) {
    std::string whole = printable(detail);
    if (whole.empty()) return {};
    if (text_width(whole, detail_px) <= room) return {whole};
    std::size_t end = 0;
    for (auto blank = whole.find(' ');
         blank != whole.npos && text_width(whole.substr(0, blank), detail_px) <= room;
         blank = whole.find(' ', blank + 1))
        end = blank;
    if (end == 0) return {whole};
    return {whole.substr(0, end), whole.substr(end + 1)};
}

std::string arrow_label(const Arrow& arrow) {
    if (arrow.retransmission) return fmt::format("{} · again ({})", arrow.label, arrow.repeat);
    if (arrow.repeats > 0) return fmt::format("{} · sent {}×", arrow.label, arrow.repeats + 1);
    return arrow.label;
}

std::string arrow_detail(const Arrow& arrow) {
    if (arrow.seen_again == 0) return arrow.detail;
    const auto again = fmt::format("captured {}×", arrow.seen_again + 1);
    return arrow.detail.empty() ? again : arrow.detail + " · " + again;
}

std::string digits_label(const Digits& digits) {
    return fmt::format("keys {} ({})", digits.digits,
                       digits.source == analysis::DigitSource::sip_info ? "INFO" : "RFC 4733");
}

// Where everything stands.
// The more columns there are, the less room each gets.
double widest_gap(std::size_t columns) { return columns <= 2 ? 300 : columns == 3 ? 250 : 210; }

class Plan {
public:
    explicit Plan(const Ladder& ladder)
        : ladder_(ladder), widest_(widest_gap(ladder.participants.size())) {
        place_columns();
        place_rows();
    }

    double x(std::uint32_t column) const {
        return columns_.empty() ? gutter
                                : columns_[std::min<std::size_t>(column, columns_.size() - 1)];
    }
    double y(std::size_t row) const { return rows_[row]; }
    // For what is written at an arrow.
    double room(const Arrow& arrow) const {
        return arrow.from == arrow.to ? narrowest - self_width
                                      : std::abs(x(arrow.to) - x(arrow.from)) - 22;
    }
    double row_height(std::size_t row) const { return rows_[row + 1] - rows_[row]; }
    double width() const { return width_; }
    double height() const { return rows_.back(); }
    double head_width(std::size_t column) const {
        double room = widest_;
        if (column > 0) room = std::min(room, columns_[column] - columns_[column - 1]);
        if (column + 1 < columns_.size())
            room = std::min(room, columns_[column + 1] - columns_[column]);
        return std::min(room - 12, edge_ * 2);
    }

private:
    // What a row wants between its two columns.
    static double wanted(const Row& row) {
        if (const auto* arrow = std::get_if<Arrow>(&row.what)) {
            return 44 + std::max(text_width(printable(arrow_label(*arrow)), label_px),
                                 text_width(printable(arrow_detail(*arrow)), detail_px));
        }
        if (const auto* lane = std::get_if<MediaLane>(&row.what)) {
            double most = text_width(lane->label, label_px) + 60;
            for (const MediaWay& way : lane->ways)
                most = std::max(most, text_width(way_text(way, 0), detail_px) + 2 * way_margin);
            return most;
        }
        if (const auto* digits = std::get_if<Digits>(&row.what))
            return text_width(printable(digits_label(*digits)), label_px) + 44;
        return 0;
    }
    static std::pair<std::uint32_t, std::uint32_t> span_of(const Row& row) {
        std::pair<std::uint32_t, std::uint32_t> span{0, 0};
        if (const auto* arrow = std::get_if<Arrow>(&row.what)) span = {arrow->from, arrow->to};
        if (const auto* lane = std::get_if<MediaLane>(&row.what)) span = {lane->from, lane->to};
        if (const auto* digits = std::get_if<Digits>(&row.what)) span = {digits->from, digits->to};
        if (span.first > span.second) std::swap(span.first, span.second);
        return span;
    }

    void place_columns() {
        const auto count = ladder_.participants.size();
        std::vector<double> gaps(count > 0 ? count - 1 : 0, narrowest);
        bool self_at_edge = false;
        for (const Row& row : ladder_.rows) {
            const auto [from, to] = span_of(row);
            if (from == to && to + 1 >= count &&
                (std::holds_alternative<Arrow>(row.what) ||
                 std::holds_alternative<MediaLane>(row.what)))
                self_at_edge = true;
            if (to >= count || from == to) continue;
            // Texts that span several gaps are looked at per gap: close enough, and one pass.
            const double each = wanted(row) / (to - from);
            for (auto gap = from; gap < to; ++gap) gaps[gap] = std::clamp(each, gaps[gap], widest_);
        }
        for (const Participant& p : ladder_.participants) {
            // The agent's name is nice to have, but makes many columns no wider.
            const double agent = std::min(text_width(printable(p.agent), small_px), 160.0);
            const double widest =
                std::max({text_width(printable(p.name), name_px),
                          text_width(printable(p.address), small_px), count <= 3 ? agent : 0.0});
            edge_ = std::max(edge_, widest / 2 + 12);
        }
        edge_ = std::min(edge_, 92.0);
        // The heads may stand above the times.
        double at = std::max(gutter + 14, edge_ + 4);
        for (std::size_t i = 0; i < count; ++i) {
            columns_.push_back(at);
            if (i < gaps.size()) at += std::max(gaps[i], std::min(edge_ * 2 + 12, widest_));
        }
        width_ = at + std::max(edge_, self_at_edge ? narrowest : 0.0) + margin;
    }

    double height_of(const Row& row) const {
        if (const auto* arrow = std::get_if<Arrow>(&row.what)) {
            const auto lines = detail_lines(arrow_detail(*arrow), room(*arrow)).size();
            return arrow_row +
                   detail_row * static_cast<double>(arrow->from == arrow->to
                                                        ? std::max<std::size_t>(lines, 1)
                                                        : lines);
        }
        if (const auto* lane = std::get_if<MediaLane>(&row.what))
            return 38 + 16 * static_cast<double>(lane->ways.size());
        if (std::holds_alternative<Pause>(row.what)) return 34;
        return arrow_row;
    }

    void place_rows() {
        double at = 10;
        for (const Row& row : ladder_.rows) {
            rows_.push_back(at);
            at += height_of(row);
        }
        rows_.push_back(at + 10);
    }

    const Ladder& ladder_;
    const double widest_;
    std::vector<double> columns_;
    std::vector<double> rows_;  // top of each row, then the end
    double edge_ = 56;          // from the outermost columns to the side
    double width_ = 0;
};

class Drawing {
public:
    Drawing(const Ladder& ladder, bool for_page)
        : ladder_(ladder), plan_(ladder), page_(for_page) {}

    const Plan& plan() const { return plan_; }
    void heads(std::string& out) const;
    void rows(std::string& out) const;

private:
    void lifelines(std::string& out) const;
    void times(std::string& out, const Row& row, double y, const Arrow* arrow) const;
    void line(std::string& out, double from, double to, double y) const;
    void draw(std::string& out, std::size_t i, const Row& row, const Arrow& arrow) const;
    void draw(std::string& out, std::size_t i, const Row& row, const MediaLane& lane) const;
    void draw(std::string& out, std::size_t i, const Row& row, const Digits& digits) const;
    void draw(std::string& out, std::size_t i, const Row& row, const Pause& pause) const;
    void draw(std::string& out, std::size_t i, const Row& row, const Note& note) const;
    std::uint64_t number_of(std::uint32_t call) const {
        return call < ladder_.calls.size() ? ladder_.calls[call]->number : 0;
    }

    const Ladder& ladder_;
    Plan plan_;
    bool page_;
};

void Drawing::heads(std::string& out) const {
    for (std::size_t i = 0; i < ladder_.participants.size(); ++i) {
        const Participant& p = ladder_.participants[i];
        const double x = plan_.x(static_cast<std::uint32_t>(i)), width = plan_.head_width(i);
        append(out,
               "<g class=\"head\"><rect x=\"{:.6g}\" y=\"4\" width=\"{:.6g}\" height=\"56\" "
               "rx=\"6\"/>",
               x - width / 2, width);
        const double room = width - 12;
        const std::string name =
            p.role == Role::others ? fmt::format("{} more hosts", p.others) : p.name;
        put_text(out, "name", x, 22, name, name_px, room);
        if (p.address != name) put_text(out, "address", x, 37, p.address, small_px, room);
        const std::string role(to_string(p.role));
        put_text(out, "agent", x, 52, p.agent.empty() ? role : p.agent, small_px, room);
        append(out, "<title>{}</title></g>",
               escaped(fmt::format("{} ({}) {} {}", name, role, p.address, p.agent)));
    }
}

void Drawing::lifelines(std::string& out) const {
    // Solid, and dotted where time is left out.
    std::string solid, dotted;
    double from = 0;
    const auto segment = [&](std::string& path, double y1, double y2) {
        if (y2 <= y1) return;
        for (std::size_t c = 0; c < ladder_.participants.size(); ++c)
            append(path, "M{:.6g} {:.6g}V{:.6g}", plan_.x(static_cast<std::uint32_t>(c)), y1, y2);
    };
    for (std::size_t i = 0; i < ladder_.rows.size(); ++i) {
        if (!std::holds_alternative<Pause>(ladder_.rows[i].what)) continue;
        segment(solid, from, plan_.y(i));
        from = plan_.y(i) + plan_.row_height(i);
        segment(dotted, plan_.y(i), from);
    }
    segment(solid, from, plan_.height());
    append(out, "<path class=\"life\" d=\"{}\"/>", solid);
    if (!dotted.empty()) append(out, "<path class=\"life gap\" d=\"{}\"/>", dotted);
}

void Drawing::times(std::string& out, const Row& row, double y, const Arrow* arrow) const {
    const auto put_time = [&](std::string_view kind, std::string_view text) {
        append(out, "<text class=\"time {}\"{} x=\"{:.6g}\" y=\"{:.6g}\">{}</text>", kind,
               page_ ? " aria-hidden=\"true\"" : "", gutter - 10, y, text);
    };
    put_time("since", fmt::format("{:.3f}", to_seconds(row.time - ladder_.start)));
    if (!page_) return;
    put_time("clock", to_time_of_day(row.time).substr(0, 12));
    if (arrow != nullptr) put_time("delta", fmt::format("+{:.3f}", to_seconds(arrow->delta)));
}

// A shaft with its head at `to`.
void Drawing::line(std::string& out, double from, double to, double y) const {
    const double back = from < to ? -9 : 9;
    append(out, "<path class=\"shaft\" d=\"M{:.6g} {:.6g}H{:.6g}\"/>", from, y, to + back);
    append(out, "<path class=\"tip\" d=\"M{:.6g} {:.6g}l{:.6g} -4.5v9z\"/>", to, y, back);
}

void Drawing::draw(std::string& out, std::size_t i, const Row& row, const Arrow& arrow) const {
    const double top = plan_.y(i), height = plan_.row_height(i), shaft = top + 22;
    const double x1 = plan_.x(arrow.from), x2 = plan_.x(arrow.to);
    const bool self = arrow.from == arrow.to;
    append(out, "<g class=\"arrow {}{}\"", to_string(arrow.tone),
           arrow.retransmission ? " again" : "");
    if (page_) {
        const auto name = [&](std::uint32_t column) {
            return column < ladder_.participants.size() ? ladder_.participants[column].name : "";
        };
        std::string said = arrow_label(arrow);  // what is to be seen, for those who listen
        if (const std::string detail = arrow_detail(arrow); !detail.empty()) said += " " + detail;
        append(out, " role=\"button\" tabindex=\"-1\" data-message=\"{}.{}\" aria-label=\"{}\"",
               number_of(arrow.call), arrow.message,
               escaped(fmt::format("{}, from {} to {}, frame {}", said, name(arrow.from),
                                   name(arrow.to), arrow.frame)));
    }
    append(
        out,
        "><rect class=\"hit\" x=\"2\" y=\"{:.6g}\" width=\"{:.6g}\" height=\"{:.6g}\" rx=\"5\"/>",
        top, plan_.width() - 4, height);
    times(out, row, shaft + 4, &arrow);
    const double room = plan_.room(arrow);
    const double middle = self ? x1 + self_width + 8 : (x1 + x2) / 2;
    const std::string css = self ? "label start" : "label";
    put_text(out, css, middle, shaft - 6, arrow_label(arrow), label_px, room);
    if (self) {
        append(out,
               "<path class=\"shaft\" d=\"M{0:.6g} {1:.6g}h{2}v14h-{3}\"/><path class=\"tip\" "
               "d=\"M{0:.6g} {4:.6g}l9 -4.5v9z\"/>",
               x1, shaft - 8, self_width, self_width - 9, shaft + 6);
    } else {
        line(out, x1, x2, shaft);
    }
    double y = shaft + 15;
    for (const std::string& detail : detail_lines(arrow_detail(arrow), room)) {
        put_text(out, self ? "detail start" : "detail", middle, y, detail, detail_px, room);
        y += detail_row;
    }
    if (arrow.findings > 0) {
        append(
            out,
            "<circle class=\"mark {}\" cx=\"{:.6g}\" cy=\"{:.6g}\" r=\"4.5\"><title>{} finding{} "
            "at frame "
            "{}</title></circle>",
            to_string(arrow.worst), x1 + (x1 <= x2 ? 8 : -8), shaft - 10, arrow.findings,
            arrow.findings == 1 ? "" : "s", arrow.frame);
    }
    out += "</g>\n";
}

void Drawing::draw(std::string& out, std::size_t i, const Row& row, const MediaLane& lane) const {
    const double top = plan_.y(i), height = plan_.row_height(i);
    double x1 = plan_.x(lane.from), x2 = plan_.x(lane.to);
    if (x1 > x2) std::swap(x1, x2);
    if (x2 - x1 < narrowest) x2 = x1 + narrowest;
    const double middle = (x1 + x2) / 2, room = x2 - x1 - 20;
    const double way_room = x2 - x1 - 2 * way_margin;
    const auto texts = way_texts(lane, way_room);
    append(out, "<g class=\"lane\"");
    if (page_ && !lane.ways.empty()) {
        const MediaWay& way = lane.ways.front();
        append(out, " role=\"button\" tabindex=\"-1\" data-stream=\"{}.{}\" aria-label=\"{}\"",
               number_of(way.call), way.stream,
               escaped(fmt::format("{} {}", lane_label(lane), fmt::join(texts, " "))));
    }
    append(out,
           "><rect class=\"band\" x=\"{:.6g}\" y=\"{:.6g}\" width=\"{:.6g}\" height=\"{:.6g}\" "
           "rx=\"5\"/>",
           x1 + 5, top + 5, x2 - x1 - 10, height - 10);
    times(out, row, top + 22, nullptr);
    put_text(out, "label", middle, top + 22, lane_label(lane), label_px, room);
    double y = top + 39;
    for (std::size_t w = 0; w < lane.ways.size(); ++w) {
        const MediaWay& way = lane.ways[w];
        const bool right = plan_.x(way.from) <= plan_.x(way.to);
        const double tip = right ? x2 - 12 : x1 + 12;
        append(out, "<path class=\"tip\" d=\"M{:.6g} {:.6g}l{} -4v8z\"/>", tip, y - 4,
               right ? -7 : 7);
        put_text(out, "detail", middle, y, texts[w], detail_px, way_room);
        y += 16;
    }
    out += "</g>\n";
}

void Drawing::draw(std::string& out, std::size_t i, const Row& row, const Digits& digits) const {
    const double x1 = plan_.x(digits.from), x2 = plan_.x(digits.to), shaft = plan_.y(i) + 22;
    out += "<g class=\"digits\">";
    times(out, row, shaft + 4, nullptr);
    put_text(out, "label", (x1 + x2) / 2, shaft - 6, digits_label(digits), label_px,
             std::max(std::abs(x2 - x1) - 22, narrowest));
    if (digits.from != digits.to) line(out, x1, x2, shaft);
    out += "</g>\n";
}

void Drawing::draw(std::string& out, std::size_t i, const Row&, const Pause& pause) const {
    const double middle =
        ladder_.participants.empty()
            ? gutter
            : (plan_.x(0) + plan_.x(static_cast<std::uint32_t>(ladder_.participants.size() - 1))) /
                  2;
    put_text(out, "pause", middle, plan_.y(i) + 21, short_duration(pause.length) + " later",
             small_px, plan_.width());
    out += '\n';
}

void Drawing::draw(std::string& out, std::size_t i, const Row& row, const Note& note) const {
    const double x1 = plan_.x(note.from), x2 = plan_.x(note.to), y = plan_.y(i);
    const double most = plan_.width() - gutter - margin;
    const double width = std::min(text_width(printable(note.text), detail_px) + 22, most);
    double left = (x1 + x2) / 2 - width / 2;
    left = std::clamp(left, gutter, std::max(gutter, plan_.width() - margin - width));
    append(out, "<g class=\"note\">");
    times(out, row, y + 20, nullptr);
    append(out, "<rect x=\"{:.6g}\" y=\"{:.6g}\" width=\"{:.6g}\" height=\"22\" rx=\"4\"/>", left,
           y + 5, width);
    put_text(out, "detail", left + width / 2, y + 20, note.text, detail_px, width - 16);
    out += "</g>\n";
}

void Drawing::rows(std::string& out) const {
    lifelines(out);
    for (std::size_t i = 0; i < ladder_.rows.size(); ++i) {
        const Row& row = ladder_.rows[i];
        std::visit([&](const auto& what) { draw(out, i, row, what); }, row.what);
    }
}

std::string omitted_text(const Ladder& ladder) {
    return fmt::format("{} more rows are not drawn", ladder.omitted);
}

}  // namespace

std::string standalone_svg(const Ladder& ladder) {
    const Drawing drawing(ladder, false);
    const Plan& plan = drawing.plan();
    const double title = 46, foot = ladder.omitted > 0 ? 24 : 0;
    const double height = title + head_height + plan.height() + foot;
    std::string out;
    append(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure alone\" role=\"img\" "
        "aria-labelledby=\"title desc\" width=\"{0:.6g}\" height=\"{1:.6g}\" viewBox=\"0 0 {0:.6g} "
        "{1:.6g}\">\n",
        plan.width(), height);
    append(out, "<title id=\"title\">{}</title>\n", escaped(ladder.title));
    append(out,
           "<desc id=\"desc\">A SIP call-flow ladder: {} participants, {} rows, times in seconds "
           "since {}.</desc>\n",
           ladder.participants.size(), ladder.rows.size(), to_rfc3339(ladder.start));
    append(out, "<style>{}</style>\n", figure_style());
    append(out, "<rect class=\"paper\" width=\"{:.6g}\" height=\"{:.6g}\"/>\n", plan.width(),
           height);
    put_text(out, "title", margin, 22, ladder.title, 15, plan.width() - 2 * margin);
    put_text(out, "subtitle", margin, 39,
             "seconds since " + to_rfc3339(ladder.start).substr(0, 23) + "Z", small_px,
             plan.width() - 2 * margin);
    append(out, "<g transform=\"translate(0 {:.6g})\">\n", title);
    drawing.heads(out);
    append(out, "</g>\n<g transform=\"translate(0 {:.6g})\">\n", title + head_height);
    drawing.rows(out);
    out += "</g>\n";
    if (ladder.omitted > 0)
        put_text(out, "subtitle", margin, height - 8, omitted_text(ladder), small_px, plan.width());
    out += "</svg>\n";
    return out;
}

std::string embedded_svg(const Ladder& ladder) {
    const Drawing drawing(ladder, false);
    const double width = drawing.plan().width(), height = head_height + drawing.plan().height();
    std::string out;
    append(out,
           "<svg class=\"figure\" role=\"img\" aria-label=\"Ladder of {2}\" width=\"{0:.6g}\" "
           "height=\"{1:.6g}\" "
           "viewBox=\"0 0 {0:.6g} {1:.6g}\">\n",
           width, height, escaped(ladder.title));
    drawing.heads(out);
    append(out, "<g transform=\"translate(0 {})\">\n", head_height);
    drawing.rows(out);
    out += "</g></svg>";
    if (ladder.omitted > 0) append(out, "<p class=\"omitted\">{}.</p>", omitted_text(ladder));
    return out;
}

std::string page_figure(const Ladder& ladder) {
    const Drawing drawing(ladder, true);
    const Plan& plan = drawing.plan();
    // Two participants are drawn smaller on a narrow screen; with more, it scrolls.
    const std::string_view pair = ladder.participants.size() <= 2 ? " pair" : "";
    std::string out;
    append(out,
           "<svg class=\"figure heads{2}\" aria-hidden=\"true\" width=\"{0:.6g}\" height=\"{1}\" "
           "viewBox=\"0 0 {0:.6g} {1}\">",
           plan.width(), head_height, pair);
    drawing.heads(out);
    append(out,
           "</svg><svg class=\"figure rows{3}\" role=\"group\" aria-label=\"Ladder of {2}\" "
           "width=\"{0:.6g}\" "
           "height=\"{1:.6g}\" viewBox=\"0 0 {0:.6g} {1:.6g}\">",
           plan.width(), plan.height(), escaped(ladder.title), pair);
    drawing.rows(out);
    out += "</svg>";
    if (ladder.omitted > 0) append(out, "<p class=\"omitted\">{}.</p>", omitted_text(ladder));
    return out;
}

std::string ladder_svg(std::span<const analysis::Call* const> calls, Names names) {
    return standalone_svg(build_ladder(calls, names));
}

}  // namespace sipana::render
