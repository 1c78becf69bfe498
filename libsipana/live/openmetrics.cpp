#include "libsipana/live/openmetrics.h"

#include <fmt/format.h>

#include <cmath>

#include "libsipana/base/append.h"

namespace sipana::live {
namespace {

// Canonical numbers of le: with a point, so that 1 and 1.0 are not two series.
std::string canonical(double x) {
    return std::floor(x) == x && std::abs(x) < 1e15 ? fmt::format("{:.1f}", x)
                                                    : fmt::format("{}", x);
}

std::string_view unit_of(std::string_view name) {
    for (const std::string_view unit : {"seconds", "bytes", "ratio"})
        if (name.ends_with(unit) && name.size() > unit.size() &&
            name[name.size() - unit.size() - 1] == '_')
            return unit;
    return {};
}

}  // namespace

void Histogram::add(double value) {
    if (!(value >= 0) || std::isinf(value)) return;
    std::size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    ++counts_[i];
    sum_ += value;
}

std::uint64_t Histogram::at_most(std::size_t bound) const {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i <= bound; ++i) n += counts_[i];
    return n;
}

Exposition& Exposition::family(std::string_view name, std::string_view type,
                               std::string_view help) {
    name_ = name;
    type_ = type;
    append(out_, "# TYPE {} {}\n", name, type);
    if (const auto unit = unit_of(name); !unit.empty()) append(out_, "# UNIT {} {}\n", name, unit);
    append(out_, "# HELP {} {}\n", name, help);
    return *this;
}

void Exposition::sample(std::string_view suffix, std::span<const Label> labels, std::string_view le,
                        std::string_view value) {
    out_.append(name_).append(suffix);
    char before = '{';
    for (const Label& l : labels) {
        append(out_, "{}{}=\"{}\"", before, l.name, l.value);
        before = ',';
    }
    if (!le.empty()) append(out_, "{}le=\"{}\"", before, le);
    if (before == ',' || !le.empty()) out_ += '}';
    append(out_, " {}\n", value);
}

Exposition& Exposition::add(std::uint64_t value, Labels labels) {
    sample(type_ == "counter" ? "_total"
           : type_ == "info"  ? "_info"
                              : "",
           {labels.begin(), labels.size()}, {}, fmt::format("{}", value));
    return *this;
}

Exposition& Exposition::add(double value, Labels labels) {
    sample(type_ == "counter" ? "_total" : "", {labels.begin(), labels.size()}, {},
           fmt::format("{}", value));
    return *this;
}

Exposition& Exposition::add(const Histogram& h, Labels labels) {
    const std::span<const Label> all(labels.begin(), labels.size());
    for (std::size_t i = 0; i < h.bounds().size(); ++i)
        sample("_bucket", all, canonical(h.bounds()[i]), fmt::format("{}", h.at_most(i)));
    sample("_bucket", all, "+Inf", fmt::format("{}", h.count()));
    sample("_count", all, {}, fmt::format("{}", h.count()));
    sample("_sum", all, {}, fmt::format("{}", h.sum()));
    return *this;
}

std::string Exposition::take() {
    out_ += "# EOF\n";
    return std::move(out_);
}

}  // namespace sipana::live
