#include "libsipana/lab/load.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>

namespace sipana::lab {
namespace {

constexpr std::size_t most_looked_at = 64;  // plays asked whether a stranger's call is theirs
constexpr Duration registration = std::chrono::seconds{10};
constexpr Duration last_call = std::chrono::seconds{40};  // for plays to end after the last began

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

// Tells the load when something happened to it, so that nobody has to look at all of them.
class Load::One : public Play {
public:
    One(const Setting& setting, Time now, std::uint64_t number, std::vector<One*>& touched)
        : Play(setting, now), number_(number), touched_(touched) {}

    void on_arrival(std::unique_ptr<Arrival> arrival, Time now) override {
        Play::on_arrival(std::move(arrival), now);
        touch();
    }
    void on_failure(const Conversation& c, std::size_t step, std::string why, Time now) override {
        Play::on_failure(c, step, std::move(why), now);
        touch();
    }
    void on_finished(std::size_t part, std::size_t step, Time now) override {
        Play::on_finished(part, step, now);
        touch();
    }
    void touch() {
        if (touched_already) return;
        touched_already = true;
        touched_.push_back(this);
    }

    std::uint64_t number() const { return number_; }
    bool touched_already = false, buried = false;
    Time queued = no_time;  // the deadline it waits for in the queue
    Time ended = no_time;

private:
    std::uint64_t number_;
    std::vector<One*>& touched_;
};

Load::Load(const Script& script, const RunSettings& settings, const LoadSettings& load,
           Stage::Clock clock, Rest rest)
    : script_(script),
      settings_(settings),
      load_(load),
      stage_(script, settings, std::move(clock), true),
      rest_(std::move(rest)) {}

Load::~Load() = default;

void Load::timed(std::string_view method, int code, Duration took) {
    auto found = std::find_if(times_.begin(), times_.end(), [&](const Times& one) {
        return one.code == code && one.method == method;
    });
    if (found == times_.end()) {
        if (times_.size() == max_reasons) return;
        times_.push_back({std::string(method), code, {}});
        found = std::prev(times_.end());
    }
    if (found->ms.size() < max_times)
        found->ms.push_back(static_cast<float>(to_milliseconds(took)));
}

Load::One& Load::begin(Time due) {
    setting_.number = result_.begun;
    setting_.seed = mix(stage_.seed(), result_.begun + 1);
    setting_.due = due;
    const std::uint64_t number = result_.begun++;
    plays_.push_back(std::make_unique<One>(setting_, stage_.now(), number, touched_));
    ++alive_;
    result_.most_at_once = std::max(result_.most_at_once, alive_);
    return *plays_.back();
}

void Load::begin_due() {
    if (load_.answer_only) return;
    const Time now = stage_.now();
    while (next_due_ <= now && (load_.calls == 0 || result_.begun < load_.calls) &&
           (load_.duration == Duration{} || next_due_ < started_ + load_.duration)) {
        if (alive_ >= load_.concurrent) return;
        const bool late_one = now - next_due_ > late;
        if (late_one) ++result_.late;
        One& one = begin(late_one ? next_due_ : no_time);
        one.on_timer(now);
        one.touch();
        const double due = static_cast<double>(result_.begun) / load_.rate;
        next_due_ = started_ + Duration{static_cast<std::int64_t>(due * 1e9)};
    }
}

// Whose is a call that comes in? That of the play whose other phone made it; else of the oldest
// that waits for one; else, where plays begin by being called, of a new one.
bool Load::cast(Agent& agent, Conversation& c, const Arrival& arrival) {
    for (Agent* other : stage_.agents()) {
        if (other == nullptr || other == &agent) continue;
        if (Director* director = other->director_of(c.call_id); director != nullptr) {
            auto& one = static_cast<One&>(*director);
            return one.takes(agent, c, arrival);
        }
    }
    if (load_.answer_only) {
        if (load_.calls != 0 && result_.begun >= load_.calls) return false;
        One& one = begin(no_time);
        one.on_timer(stage_.now());
        one.touch();
        return one.takes(agent, c, arrival);
    }
    std::size_t looked_at = 0;
    for (const auto& one : plays_) {
        if (!one || one->over()) continue;
        if (one->takes(agent, c, arrival)) return true;
        if (++looked_at == most_looked_at) break;
    }
    return false;
}

void Load::look_after() {
    const Time now = stage_.now();
    while (!dues_.empty() && dues_.top().at <= now) {
        const Due due = dues_.top();
        dues_.pop();
        if (due.number < first_number_ || due.number - first_number_ >= plays_.size()) continue;
        One* one = plays_[due.number - first_number_].get();
        if (one == nullptr || one->queued != due.at) continue;
        one->queued = no_time;
        one->on_timer(now);
        one->touch();
    }
    for (std::size_t i = 0; i < touched_.size(); ++i) {
        One& one = *touched_[i];
        one.touched_already = false;
        if (one.ended != no_time) continue;
        if (one.over()) {
            finish(one);
            continue;
        }
        const auto deadline = one.deadline();
        // Woken too early it asks again: a deadline that moves on is not queued each time.
        if (!deadline || (one.queued != no_time && one.queued <= *deadline)) continue;
        one.queued = *deadline;
        dues_.push({*deadline, &one, one.number()});
    }
    touched_.clear();
    bury(false);
}

void Load::finish(One& one) {
    const Time now = stage_.now();
    one.ended = now;
    --alive_;
    if (one.failed()) {
        ++result_.failed;
        if (result_.reasons.size() < max_reasons || result_.reasons.contains(one.why_failed()))
            ++result_.reasons[one.why_failed()];
        one.end(now);
    } else {
        ++result_.done;
        one.end_quietly();
        for (Agent* agent : stage_.agents())
            if (agent != nullptr) agent->leave(one, now);
    }
    auto& place = plays_[one.number() - first_number_];
    if (one.conversations.empty() && !one.touched_already)
        place.reset();
    else
        dead_.push_back(std::move(place));
    while (!plays_.empty() && plays_.front() == nullptr) {
        plays_.pop_front();
        ++first_number_;
    }
}

void Load::bury(bool all) {
    const Time now = stage_.now();
    while (!dead_.empty() && (all || dead_.front()->ended + linger <= now)) {
        for (Agent* agent : stage_.agents())
            if (agent != nullptr) agent->forget(*dead_.front());
        dead_.pop_front();
    }
    for (Agent* agent : stage_.agents())
        if (agent != nullptr) agent->forget_past(now - linger);
}

bool Load::over() const {
    if (settings_.stop != nullptr && settings_.stop->load() != 0) return true;
    if (stage_.capture_failed()) return true;
    const Time now = stage_.now();
    if (load_.answer_only) {
        if (load_.calls != 0 && result_.done + result_.failed >= load_.calls) return true;
        return load_.duration != Duration{} && now >= started_ + load_.duration && alive_ == 0;
    }
    const bool all_begun = (load_.calls != 0 && result_.begun >= load_.calls) ||
                           (load_.duration != Duration{} && next_due_ >= started_ + load_.duration);
    if (!all_begun) return false;
    return alive_ == 0 || now >= next_due_ + settings_.longest + last_call;
}

// Waits for what comes, and works it off. Where something is due within a breath anyway, it sleeps
// once instead of twice.
bool Load::take_turn() {
    const Time before = stage_.now();
    const auto until = next();
    bool soon = false;
    if (rest_) {
        const auto due = stage_.deadline();
        soon = (until && *until < before + breath) || (due && *due < before + breath);
    }
    if (soon) rest_(before + breath);
    const bool goes_on = stage_.turn(soon ? before : until);
    look_after();
    stage_.drain();
    if (rest_ && !soon && stage_.now() < before + breath) rest_(before + breath);
    return goes_on;
}

std::optional<Time> Load::next() const {
    std::optional<Time> out;
    if (!dues_.empty()) out = dues_.top().at;
    const bool more = !load_.answer_only && (load_.calls == 0 || result_.begun < load_.calls) &&
                      alive_ < load_.concurrent;
    if (more && (!out || next_due_ < *out)) out = next_due_;
    const Time soon = stage_.now() + std::chrono::milliseconds{200};  // for `stop`
    return out ? std::min(*out, soon) : soon;
}

LoadResult Load::play() {
    result_.script = script_.name;
    if (const Status s = stage_.set_up(); !s) {
        result_.error = s.error().what;
        result_.error_code = s.error().code;
        return std::move(result_);
    }
    setting_.script = &script_;
    setting_.parts = &stage_.parts();
    setting_.agents = stage_.agents();
    setting_.directory = &stage_.directory();
    setting_.keep_details = false;
    setting_.timed = [this](std::string_view method, int code, Duration took) {
        timed(method, code, took);
    };
    for (Agent* agent : stage_.agents())
        if (agent != nullptr)
            agent->cast_by([this](Agent& who, Conversation& c, const Arrival& arrival) {
                return cast(who, c, arrival);
            });
    const Time limit = stage_.now() + registration;
    while (!stage_.ready() && stage_.now() < limit)
        if (!stage_.turn(limit)) break;
    started_ = next_due_ = stage_.now();
    const double cpu = cpu_seconds();
    while (!over()) {
        begin_due();
        look_after();
        stage_.drain();
        if (over()) break;
        if (!take_turn()) break;
    }
    result_.elapsed = stage_.now() - started_;
    result_.cpu_s = cpu_seconds() - cpu;
    result_.interrupted = settings_.stop != nullptr && settings_.stop->load() != 0;
    for (const auto& one : plays_)
        if (one && one->ended == no_time) {
            ++result_.failed;
            ++result_.reasons["did not come to its end"];
            one->end(stage_.now(), "the load ended");
        }
    const Time last = stage_.now() + std::chrono::milliseconds{200};
    while (stage_.now() < last && stage_.turn(last)) {
    }
    result_.sip_sent = stage_.sip_sent();
    result_.sip_received = stage_.sip_received();
    result_.rtp_sent = stage_.rtp_sent();
    for (Agent* agent : stage_.agents())
        if (agent != nullptr) result_.retransmissions += agent->retransmissions();
    std::sort(times_.begin(), times_.end(), [](const Times& a, const Times& b) {
        return std::tie(a.method, a.code) < std::tie(b.method, b.code);
    });
    for (Times& times : times_) result_.times.push_back(percentiles(times));
    if (const Status s = stage_.close_capture(); !s) {
        result_.error = s.error().what;
        result_.error_code = s.error().code;
    }
    bury(true);
    for (const auto& one : plays_)
        if (one)
            for (Agent* agent : stage_.agents())
                if (agent != nullptr) agent->forget(*one);
    return std::move(result_);
}

// Exact: of all times, the smallest that so many of a hundred do not exceed.
Percentiles Load::percentiles(Times& of) const {
    std::vector<float>& times = of.ms;
    Percentiles out;
    out.what = fmt::format("{} to {}", of.method, of.code);
    out.count = times.size();
    std::sort(times.begin(), times.end());
    const auto at = [&times](double share) {
        const auto rank =
            static_cast<std::size_t>(std::ceil(share * static_cast<double>(times.size())));
        return static_cast<double>(times[std::clamp<std::size_t>(rank, 1, times.size()) - 1]);
    };
    if (times.empty()) return out;
    out.p50_ms = at(0.5);
    out.p90_ms = at(0.9);
    out.p95_ms = at(0.95);
    out.p99_ms = at(0.99);
    out.p999_ms = at(0.999);
    out.max_ms = static_cast<double>(times.back());
    double sum = 0;
    for (const float one : times) sum += static_cast<double>(one);
    out.mean_ms = sum / static_cast<double>(times.size());
    return out;
}

}  // namespace sipana::lab
