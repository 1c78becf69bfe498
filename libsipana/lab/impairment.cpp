#include "libsipana/lab/impairment.h"

#include <algorithm>
#include <utility>

#include "libsipana/base/endpoint.h"

namespace sipana::lab {

namespace {

constexpr Duration shortest_hold = std::chrono::milliseconds{1};
constexpr Duration longest_hold = std::chrono::milliseconds{100};

std::uint64_t hash_of(std::string_view name) {
    std::uint64_t h = name.size();
    for (const char c : name) h = mix(h, static_cast<std::uint8_t>(c));
    return h;
}

Impairment within_reason(Impairment i) {
    i.loss = std::clamp(i.loss, 0.0, 1.0);
    i.delay = std::max(i.delay, Duration{});
    i.jitter = std::max(i.jitter, Duration{});
    return i;
}

}  // namespace

Way::Way(const Impairment& impairment, std::uint64_t seed)
    : impairment_(within_reason(impairment)), random_(seed) {
    const double loss = impairment_.loss, arrives = 1 - loss;
    lose_first_ = lose_next_ = loss;
    if (loss > 0 && arrives > 0 && impairment_.burst * arrives > 1) {
        lose_next_ = 1 - 1 / impairment_.burst;
        lose_first_ = loss / (impairment_.burst * arrives);
    }
    losing_ = random_.chance(loss);
}

bool Way::loses() {
    if (impairment_.loss <= 0) return false;
    losing_ = random_.chance(losing_ ? lose_next_ : lose_first_);
    return losing_;
}

Time Way::through_queue(std::size_t bytes, Time now) {
    if (impairment_.bits_per_second == 0) return now;
    const auto nanoseconds = std::uint64_t{bytes} * 8'000'000'000u / impairment_.bits_per_second;
    free_ = std::max(now, free_) + Duration{static_cast<std::int64_t>(nanoseconds)};
    return free_;
}

Duration Way::travel() {
    const auto jitter = static_cast<std::uint64_t>(impairment_.jitter.count());
    if (jitter == 0) return impairment_.delay;
    const auto drawn = static_cast<std::int64_t>(random_.below(2 * jitter + 1));
    return std::max(impairment_.delay - impairment_.jitter + Duration{drawn}, Duration{});
}

Passage Way::pass(std::size_t bytes, bool reliable, Time now) {
    const Duration distance = previous_ == no_time ? longest_hold : now - previous_;
    previous_ = now;
    Passage passage;
    if (!reliable && free_ != no_time && free_ - now > longest_queue) {
        passage.lost = true;
        return passage;
    }
    Time sent = through_queue(bytes, now);
    if (reliable) {
        Duration wait = retransmission + 2 * impairment_.delay;
        for (int i = 0; i < most_retransmissions && loses(); ++i, wait *= 2) sent += wait;
    } else if (loses()) {
        passage.lost = true;
        return passage;
    }
    passage.arrival = sent + travel();
    if (!reliable && random_.chance(impairment_.reorder)) {
        passage.arrival += std::clamp(distance * 3 / 2, shortest_hold, longest_hold);
    } else {
        passage.arrival = last_ = std::max(passage.arrival, last_);
    }
    if (!reliable && random_.chance(impairment_.duplicate)) passage.copy = passage.arrival;
    return passage;
}

Ways::Ways(std::vector<NetworkLine> rules, std::uint64_t seed)
    : rules_(std::move(rules)), seed_(seed) {}

std::size_t Ways::rule_for(std::string_view from, std::string_view to, bool media) const {
    std::size_t best = rules_.size();
    int best_weight = -1;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const NetworkLine& rule = rules_[i];
        if ((!rule.from.empty() && rule.from != from) || (!rule.to.empty() && rule.to != to))
            continue;
        if (media ? rule.signalling_only : rule.media_only) continue;
        const int weight = (rule.from.empty() ? 0 : 2) + (rule.to.empty() ? 0 : 2) +
                           (rule.media_only || rule.signalling_only ? 1 : 0);
        if (weight < best_weight) continue;
        best_weight = weight;
        best = i;
    }
    return best;
}

Way& Ways::between(std::string_view from, std::string_view to, bool media) {
    const std::size_t rule = rule_for(from, to, media);
    const auto key = std::make_tuple(std::string(from), std::string(to), rule);
    const auto found = ways_.find(key);
    if (found != ways_.end()) return found->second;
    const Impairment impairment = rule < rules_.size() ? rules_[rule].impairment : Impairment{};
    const std::uint64_t seed = mix(mix(seed_, hash_of(from)), mix(hash_of(to), rule + 1));
    return ways_.emplace(key, Way(impairment, seed)).first->second;
}

}  // namespace sipana::lab
