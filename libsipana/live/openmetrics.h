// OpenMetrics 1.0: the text that a Prometheus scrapes (RFC draft-richih-opsawg-openmetrics, "Text
// Format").
//
//   # TYPE sipana_calls counter
//   # HELP sipana_calls Calls that are over.
//   sipana_calls_total{outcome="busy"} 3
//   # EOF
//
// Label values here come from closed sets of ours, never from the wire.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sipana::live {

inline constexpr std::string_view openmetrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// A distribution: how many values lie at or below each bound.
class Histogram {
public:
    static constexpr std::size_t most_bounds = 16;
    // `bounds`: rising, static storage, at most most_bounds.
    explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {}
    void add(double value);  // what is no number, or below zero, is left out
    std::span<const double> bounds() const { return bounds_; }
    std::uint64_t at_most(std::size_t bound) const;  // of bounds(); its size: all
    std::uint64_t count() const { return at_most(bounds_.size()); }
    double sum() const { return sum_; }

private:
    std::span<const double> bounds_;
    std::array<std::uint64_t, most_bounds + 1> counts_{};
    double sum_ = 0;
};

struct Label {
    std::string_view name, value;
};

class Exposition {
public:
    using Labels = std::initializer_list<Label>;

    // Begins a family; its samples follow. The unit is the name's last word where that is one.
    Exposition& counter(std::string_view name, std::string_view help) {
        return family(name, "counter", help);
    }
    Exposition& gauge(std::string_view name, std::string_view help) {
        return family(name, "gauge", help);
    }
    Exposition& histogram(std::string_view name, std::string_view help) {
        return family(name, "histogram", help);
    }
    Exposition& info(std::string_view name, std::string_view help) {
        return family(name, "info", help);
    }

    // Samples of the family begun last.
    Exposition& add(std::uint64_t value, Labels labels = {});
    Exposition& add(double value, Labels labels = {});
    Exposition& add(const Histogram& histogram, Labels labels = {});

    std::string take();  // with the end mark

private:
    Exposition& family(std::string_view name, std::string_view type, std::string_view help);
    void sample(std::string_view suffix, std::span<const Label> labels, std::string_view le,
                std::string_view value);

    std::string out_, name_;
    std::string_view type_;
};

}  // namespace sipana::live
