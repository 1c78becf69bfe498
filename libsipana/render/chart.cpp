// Charts of one stream. Everything is put into at most one bin a pixel, so that a chart's size does
// not grow with the length of the call.
#include "libsipana/render/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "libsipana/base/append.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

using analysis::Stream;
using analysis::StreamSecond;

// Pixels.
constexpr double width = 352, height = 128;
constexpr double left = 42, right = 10, top = 24, bottom = 20;
constexpr double plot_width = width - left - right, plot_height = height - top - bottom;
constexpr std::size_t most_bins = 300;

std::string time_label(double seconds, double step) {
    if (step >= 60 || seconds >= 600) {
        const auto whole = static_cast<long>(seconds + 0.5);
        return fmt::format("{}:{:02}", whole / 60, whole % 60);
    }
    return fmt::format("{:.6g}", seconds);
}

// Axes, grid and the two scales.
class Frame {
public:
    Frame(double seconds, double highest)
        : seconds_(std::max(seconds, 1e-3)), step_(nice_step(std::max(highest, 1e-9), 3)) {
        highest_ = step_ * std::max(1.0, std::ceil(highest / step_ - 1e-9));
    }
    double x(double seconds) const {
        return left + plot_width * std::clamp(seconds / seconds_, 0.0, 1.0);
    }
    double y(double value) const {
        return top + plot_height * (1 - std::clamp(value / highest_, 0.0, 1.0));
    }
    double floor() const { return top + plot_height; }

    void open(std::string& out, std::string_view title, std::string_view summary) const {
        append(out,
               "<svg class=\"figure chart\" role=\"img\" aria-label=\"{}: {}\" width=\"{}\" "
               "height=\"{}\" "
               "viewBox=\"0 0 {} {}\"><text class=\"heading\" x=\"2\" y=\"13\">{}</text>",
               escaped(title), escaped(summary), width, height, width, height, escaped(title));
        std::string grid, labels;
        for (int i = 0; i * step_ <= highest_ * 1.0001; ++i) {
            append(grid, "M{} {:.5g}H{}", left, y(i * step_), width - right);
            append(labels, "<text class=\"tick end\" x=\"{}\" y=\"{:.5g}\">{:.6g}</text>", left - 5,
                   y(i * step_) + 3.5, i * step_);
        }
        const double step = nice_step(seconds_, 5);
        for (int i = 0; i * step <= seconds_ * 1.0001; ++i) {
            append(grid, "M{:.5g} {}v4", x(i * step), floor());
            append(labels, "<text class=\"tick middle\" x=\"{:.5g}\" y=\"{}\">{}{}</text>",
                   x(i * step), height - 5, time_label(i * step, step), i == 0 ? " s" : "");
        }
        append(out, "<path class=\"grid\" d=\"{}\"/>{}", grid, labels);
    }

private:
    double seconds_, step_, highest_ = 1;
};

void close(std::string& out) { out += "</svg>\n"; }

// The key to a chart's colours, from the right of the title line.
struct Key {
    std::string_view css, text;
};
void legend(std::string& out, const std::vector<Key>& keys) {
    double x = width - right;
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
        x -= text_width(key->text, 11) + 20;
        append(out,
               "<rect class=\"key {}\" x=\"{:.5g}\" y=\"5\" width=\"8\" height=\"8\" rx=\"2\"/>"
               "<text class=\"tick\" x=\"{:.5g}\" y=\"13\">{}</text>",
               key->css, x, x + 11, key->text);
    }
}

struct Bins {
    std::size_t seconds_each = 1;
    std::vector<double> values;
    double highest = 0, total = 0;
};

enum class Join { sum, highest, mean };

Bins bins_of(const Stream& stream, Join join,
             const std::function<double(const StreamSecond&)>& value) {
    Bins bins;
    const auto& seconds = stream.seconds;
    bins.seconds_each = std::max<std::size_t>(1, (seconds.size() + most_bins - 1) / most_bins);
    for (std::size_t i = 0; i < seconds.size(); i += bins.seconds_each) {
        const std::size_t end = std::min(i + bins.seconds_each, seconds.size());
        double one = 0;
        for (std::size_t k = i; k < end; ++k) {
            const double v = value(seconds[k]);
            one = join == Join::highest ? std::max(one, v) : one + v;
        }
        if (join == Join::mean) one /= static_cast<double>(end - i);
        bins.values.push_back(one);
        bins.highest = std::max(bins.highest, one);
        bins.total += one;
    }
    return bins;
}

double span_of(const Stream& stream) {
    return std::max(to_seconds(stream.end - stream.start),
                    static_cast<double>(stream.seconds.size()));
}

// The last second is seldom whole: a short rest says nothing of the rate, a longer one is scaled
// up.
void level_last(const Stream& stream, Bins& bins) {
    if (bins.seconds_each != 1 || bins.values.size() < 2) return;
    const double rest =
        to_seconds(stream.end - stream.start) - static_cast<double>(bins.values.size() - 1);
    if (rest >= 1) return;
    if (rest < 0.3)
        bins.values.back() = bins.values[bins.values.size() - 2];
    else
        bins.values.back() /= rest;
    bins.highest = *std::max_element(bins.values.begin(), bins.values.end());
}

// Bars of one kind on top of what `base` already holds.
void bars(std::string& out, const Frame& frame, const Bins& bins, std::vector<double>& base,
          std::string_view css) {
    const double each = static_cast<double>(bins.seconds_each);
    std::string path;
    for (std::size_t i = 0; i < bins.values.size(); ++i) {
        if (bins.values[i] <= 0) continue;
        const double from = static_cast<double>(i) * each;
        const double x = frame.x(from), wide = std::max(1.0, frame.x(from + each) - x - 0.5);
        const double y1 = frame.y(base[i]), y2 = frame.y(base[i] + bins.values[i]);
        append(path, "M{:.5g} {:.5g}h{:.3g}V{:.5g}h-{:.3g}z", x, y1, wide, std::min(y2, y1 - 1),
               wide);
        base[i] += bins.values[i];
    }
    if (!path.empty()) append(out, "<path class=\"bar {}\" d=\"{}\"/>", css, path);
}

}  // namespace

double nice_step(double span, int parts) {
    if (!(span > 0) || parts < 1) return 1;
    const double raw = span / parts, power = std::pow(10, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (raw <= factor * power * 1.0000001) return factor * power;
    return 10 * power;
}

std::string jitter_chart(const Stream& stream) {
    const Bins bins =
        bins_of(stream, Join::highest, [](const StreamSecond& s) { return s.jitter_ms; });
    if (bins.values.empty()) return {};
    double highest = std::max(bins.highest, 0.1);
    std::string dots;
    for (const auto& report : stream.reports)
        if (report.has_block && report.jitter_ms)
            highest = std::max(highest, std::min(*report.jitter_ms, 1e6));
    const Frame frame(span_of(stream), highest);
    for (const auto& report : stream.reports) {
        if (!report.has_block || !report.jitter_ms || report.reported_ssrc != stream.ssrc) continue;
        append(
            dots,
            "<circle class=\"claim\" cx=\"{:.5g}\" cy=\"{:.5g}\" r=\"3\"><title>RTCP in frame {}: "
            "{:.4g} "
            "ms</title></circle>",
            frame.x(to_seconds(report.time - stream.start)), frame.y(*report.jitter_ms),
            report.frame, *report.jitter_ms);
    }
    std::string out, path;
    frame.open(out, "Jitter, ms", fmt::format("highest {:.3g} ms", bins.highest));
    for (std::size_t i = 0; i < bins.values.size(); ++i) {
        // A value holds at its second's end.
        const double at = static_cast<double>((i + 1) * bins.seconds_each);
        append(path, "{}{:.5g} {:.5g}", i == 0 ? "M" : "L", frame.x(at), frame.y(bins.values[i]));
    }
    if (bins.values.size() == 1) append(path, "h2");
    append(out, "<path class=\"line\" d=\"{}\"/>{}", path, dots);
    if (!dots.empty()) legend(out, {{"measured", "measured"}, {"claim", "RTCP says"}});
    close(out);
    return out;
}

std::string loss_chart(const Stream& stream) {
    const Bins lost = bins_of(stream, Join::sum, [](const StreamSecond& s) { return s.lost; });
    const Bins late = bins_of(stream, Join::sum, [](const StreamSecond& s) { return s.late; });
    const Bins twice =
        bins_of(stream, Join::sum, [](const StreamSecond& s) { return s.duplicated; });
    const Bins moved =
        bins_of(stream, Join::sum, [](const StreamSecond& s) { return s.reordered; });
    if (lost.total + late.total + twice.total + moved.total <= 0) return {};
    double highest = 1;
    for (std::size_t i = 0; i < lost.values.size(); ++i)
        highest =
            std::max(highest, lost.values[i] + late.values[i] + twice.values[i] + moved.values[i]);
    const Frame frame(span_of(stream), highest);
    std::string out;
    frame.open(out, "Loss and order, packets",
               fmt::format("{} lost, {} late, {} duplicated, {} reordered", lost.total, late.total,
                           twice.total, moved.total));
    std::vector<double> base(lost.values.size(), 0.0);
    bars(out, frame, lost, base, "lost");
    bars(out, frame, late, base, "late");
    bars(out, frame, twice, base, "twice");
    bars(out, frame, moved, base, "moved");
    std::vector<Key> keys;
    if (lost.total > 0) keys.push_back({"lost", "lost"});
    if (late.total > 0) keys.push_back({"late", "late"});
    if (twice.total > 0) keys.push_back({"twice", "duplicated"});
    if (moved.total > 0) keys.push_back({"moved", "reordered"});
    legend(out, keys);
    close(out);
    return out;
}

std::string bitrate_chart(const Stream& stream) {
    Bins bins =
        bins_of(stream, Join::mean, [](const StreamSecond& s) { return s.bytes * 8.0 / 1000; });
    level_last(stream, bins);
    if (bins.values.empty() || bins.highest <= 0) return {};
    const Frame frame(span_of(stream), bins.highest);
    std::string out, line;
    frame.open(
        out, "Bit rate, kbit/s",
        fmt::format("highest {:.4g} kbit/s, mean {:.4g}", bins.highest, stream.bitrate_kbps));
    double x = frame.x(0);
    for (std::size_t i = 0; i < bins.values.size(); ++i) {
        if (i > 0) append(line, "V{:.5g}", frame.y(bins.values[i]));
        x = frame.x(static_cast<double>((i + 1) * bins.seconds_each));
        append(line, "H{:.5g}", x);
    }
    const double first = frame.y(bins.values.front());
    append(out, "<path class=\"area\" d=\"M{:.5g} {:.5g}{}V{:.5g}H{:.5g}z\"/>", frame.x(0), first,
           line, frame.floor(), frame.x(0));
    append(out, "<path class=\"line\" d=\"M{:.5g} {:.5g}{}\"/>", frame.x(0), first, line);
    close(out);
    return out;
}

std::string frames_chart(const Stream& stream) {
    if (!stream.video || stream.video->marks.empty()) return {};
    struct Bin {
        double kilobytes = 0;
        bool key = false, incomplete = false;
    };
    const double span = span_of(stream);
    std::vector<Bin> bins(most_bins);
    double highest = 0;
    for (const auto& mark : stream.video->marks) {
        const double at =
            std::clamp(to_seconds(mark.time - stream.start) / std::max(span, 1e-3), 0.0, 1.0);
        Bin& bin = bins[std::min(most_bins - 1, static_cast<std::size_t>(at * most_bins))];
        bin.kilobytes = std::max(bin.kilobytes, mark.bytes / 1000.0);
        bin.key = bin.key || mark.key;
        bin.incomplete = bin.incomplete || !mark.complete;
        highest = std::max(highest, bin.kilobytes);
    }
    const Frame frame(span, highest);
    std::string out, delta, key, broken, spoiled;
    frame.open(out, "Video frames, kB",
               fmt::format("{} frames, {} key frames, {} incomplete, {} broken",
                           stream.video->frames, stream.video->key_frames,
                           stream.video->incomplete_frames, stream.video->broken_frames));
    for (const auto& b : stream.video->broken) {
        const double x = frame.x(to_seconds(b.start - stream.start));
        append(spoiled, "M{:.5g} {}V{:.5g}h{:.4g}V{}z", x, top, frame.floor(),
            std::max(frame.x(to_seconds(b.end - stream.start)) - x, 1.0), top);
    }
    if (!spoiled.empty()) append(out, "<path class=\"broken\" d=\"{}\"/>", spoiled);
    for (std::size_t i = 0; i < bins.size(); ++i) {
        const Bin& bin = bins[i];
        if (bin.kilobytes <= 0 && !bin.incomplete) continue;
        const double x = frame.x((static_cast<double>(i) + 0.5) / most_bins * span);
        append(bin.key ? key : delta, "M{:.5g} {:.5g}V{:.5g}", x, frame.floor(),
               std::min(frame.y(bin.kilobytes), frame.floor() - 1));
        if (bin.incomplete) append(broken, "M{:.5g} {}l6 6m0 -6l-6 6", x - 3, top + 2);
    }
    if (!delta.empty()) append(out, "<path class=\"stick\" d=\"{}\"/>", delta);
    if (!key.empty()) append(out, "<path class=\"stick keyframe\" d=\"{}\"/>", key);
    if (!broken.empty()) append(out, "<path class=\"cross\" d=\"{}\"/>", broken);
    std::vector<Key> keys{{"keyframe", "key frame"}};
    if (!broken.empty()) keys.push_back({"lost", "incomplete"});
    if (!spoiled.empty()) keys.push_back({"broken", "broken"});
    legend(out, keys);
    close(out);
    return out;
}

}  // namespace sipana::render
