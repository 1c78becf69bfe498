#include "libsipana/live/board.h"

#include <algorithm>
#include <utility>

#include "libsipana/analysis/footprint.h"

namespace sipana::live {
namespace {

constexpr std::size_t most_forgotten_told = 10'000;
constexpr std::size_t most_asked = 64;

}  // namespace

// ---------------------------------------------------------------- for eyes

std::uint64_t Board::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

Board::News Board::since(std::uint64_t version, std::size_t at_most) const {
    const std::lock_guard lock(mutex_);
    News news;
    news.version = version_;
    news.all = version < forgotten_from_ || version == 0;
    auto at = news.all ? by_change_.begin() : by_change_.upper_bound({version, UINT64_MAX});
    for (; at != by_change_.end(); ++at) {
        // Who begins anew gets all at once: a portion of it would be too old again.
        if (!news.all && news.entries.size() == at_most) {
            news.version = news.entries.empty() ? version : news.entries.back().changed;
            break;
        }
        news.entries.push_back(entries_.at(at->second));
    }
    if (!news.all)
        for (const auto& [when, number] : forgotten_)
            if (when > version) news.forgotten.push_back(number);
    return news;
}

bool Board::wait_past(std::uint64_t version, Duration at_most) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [&] { return version_ > version || stopped_; });
    return version_ > version;
}

void Board::ask(const std::shared_ptr<Ask>& ask, Duration at_most) {
    std::function<void()> wake;
    {
        const std::lock_guard lock(mutex_);
        if (stopped_ || asked_.size() >= most_asked) return;
        asked_.push_back(ask);
        wake = wake_;
    }
    if (wake) wake();
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, at_most, [&] { return ask->done || stopped_; });
}

CallPtr Board::look(std::uint64_t number, Duration at_most) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(number);
        if (found == entries_.end()) return nullptr;
        if (found->second.over) return found->second.call;
    }
    auto asking = std::make_shared<Ask>();
    asking->numbers = {number};
    ask(asking, at_most);
    const std::lock_guard lock(mutex_);
    if (asking->done && asking->call) return asking->call;
    // It may have ended meanwhile.
    const auto found = entries_.find(number);
    return found != entries_.end() && found->second.over ? found->second.call : nullptr;
}

std::vector<CallPtr> Board::figure(std::uint64_t number, Duration at_most) {
    constexpr std::size_t most_calls = 16;
    std::vector<CallPtr> figure;
    std::vector<std::uint64_t> todo{number};
    std::set<std::uint64_t> seen{number};
    for (std::size_t i = 0; i < todo.size() && figure.size() < most_calls; ++i) {
        CallPtr call = look(todo[i], at_most);
        if (!call) continue;
        for (const analysis::Leg& leg : call->legs)
            if (const std::uint64_t other = number_of(leg.call_id); other != 0 && seen.insert(other).second)
                todo.push_back(other);
        figure.push_back(std::move(call));
    }
    std::stable_sort(figure.begin(), figure.end(), [](const CallPtr& a, const CallPtr& b) {
        return std::pair(a->start, a->number) < std::pair(b->start, b->number);
    });
    return figure;
}

std::uint64_t Board::number_of(std::string_view call_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(call_id);
    return found == by_id_.end() ? 0 : found->second;
}

Result<Buffer> Board::packets(std::vector<std::uint64_t> numbers, Duration at_most) {
    auto asking = std::make_shared<Ask>();
    asking->numbers = std::move(numbers);
    asking->packets = true;
    ask(asking, at_most);
    const std::lock_guard lock(mutex_);
    if (asking->done && asking->file) return std::move(*asking->file);
    return Error{Errc::io, 0, "the packets were not given out in time"};
}

Totals Board::totals() const {
    const std::lock_guard lock(mutex_);
    return totals_;
}

std::vector<Finding> Board::findings() const {
    const std::lock_guard lock(mutex_);
    return {findings_.begin(), findings_.end()};
}

std::vector<StreamPtr> Board::streams() const {
    const std::lock_guard lock(mutex_);
    return {streams_.begin(), streams_.end()};
}

void Board::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
    answered_.notify_all();
}

bool Board::stopped() const {
    const std::lock_guard lock(mutex_);
    return stopped_;
}

// ---------------------------------------------------------------- for who reads packets

void Board::put(analysis::Call&& told, bool over) {
    auto call = std::make_shared<analysis::Call>(std::move(told));
    const std::uint64_t number = call->number;
    {
        const std::lock_guard lock(mutex_);
        Kept& kept = entries_[number];
        if (kept.own) {
            by_change_.erase({kept.changed, number});
            const auto id = by_id_.find(kept.own->call_id);
            if (id != by_id_.end() && id->second == number) by_id_.erase(id);
        }
        bytes_ -= kept.bytes;
        kept.number = number;
        kept.changed = ++version_;
        kept.over = over;
        kept.bytes = analysis::footprint(*call);
        bytes_ += kept.bytes;
        by_change_.insert({kept.changed, number});
        if (over && call->final_code == 0 && call->streams.empty()) attempts_.insert(number);
        by_id_.erase(call->call_id);  // the key views the call that it was kept with
        by_id_.emplace(call->call_id, number);
        kept.call = call;
        std::swap(kept.own, call);
        make_room();
    }
    changed_.notify_all();
    // What was there before is let go here, without the lock.
}

void Board::on_going(analysis::Call&& summary) { put(std::move(summary), false); }
void Board::on_over(analysis::Call&& call) { put(std::move(call), true); }

// What nobody had answered goes first, so that a flood of it pushes nothing else out; then the oldest that is
// over. What goes on stays, for the analyzer bounds it.
void Board::make_room() {
    while ((bytes_ > most_bytes_ || entries_.size() > most_entries) && !attempts_.empty()) {
        ++forgotten_count_;
        give_up(entries_.find(*attempts_.begin()));
    }
    auto at = entries_.begin();
    while ((bytes_ > most_bytes_ || entries_.size() > most_entries) && at != entries_.end()) {
        if (!at->second.over && entries_.size() <= most_entries) {
            ++at;
            continue;
        }
        ++forgotten_count_;
        at = give_up(at);
    }
}

Board::Entries::iterator Board::give_up(Entries::iterator at) {
    const Kept& kept = at->second;
    by_change_.erase({kept.changed, kept.number});
    attempts_.erase(kept.number);
    const auto id = by_id_.find(kept.call->call_id);
    if (id != by_id_.end() && id->second == kept.number) by_id_.erase(id);
    bytes_ -= kept.bytes;
    forgotten_.emplace_back(++version_, kept.number);
    if (forgotten_.size() > most_forgotten_told) {
        forgotten_from_ = forgotten_.front().first;
        forgotten_.pop_front();
    }
    return entries_.erase(at);
}

void Board::forget(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (const auto at = entries_.find(number); at != entries_.end()) give_up(at);
}

void Board::on_stream(analysis::Stream&& stream) {
    auto kept = std::make_shared<const analysis::Stream>(std::move(stream));
    {
        const std::lock_guard lock(mutex_);
        streams_.push_back(std::move(kept));
        if (streams_.size() > most_streams) streams_.pop_front();
        ++version_;
    }
    changed_.notify_all();
}

void Board::on_finding(Finding&& finding) {
    const std::lock_guard lock(mutex_);
    findings_.push_back(std::move(finding));
    if (findings_.size() > most_findings) findings_.pop_front();
    ++version_;
}

void Board::on_totals(Totals&& totals) {
    {
        const std::lock_guard lock(mutex_);
        totals_ = std::move(totals);
        ++version_;
    }
    changed_.notify_all();
}

void Board::limit(std::uint64_t most_bytes) {
    const std::lock_guard lock(mutex_);
    most_bytes_ = most_bytes;
    make_room();
}

std::uint64_t Board::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

std::uint64_t Board::forgotten() const {
    const std::lock_guard lock(mutex_);
    return forgotten_count_;
}

bool Board::asked() const {
    const std::lock_guard lock(mutex_);
    return !asked_.empty();
}

void Board::on_ask(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
}

void Board::answer(const std::function<std::optional<analysis::Call>(std::uint64_t)>& look,
                   const std::function<Result<Buffer>(const std::vector<std::uint64_t>&)>& packets,
                   std::size_t at_most) {
    for (std::size_t i = 0; i < at_most; ++i) {
        std::shared_ptr<Ask> ask;
        {
            const std::lock_guard lock(mutex_);
            if (asked_.empty()) return;
            ask = std::move(asked_.front());
            asked_.pop_front();
        }
        CallPtr call;
        std::optional<Result<Buffer>> file;
        if (ask->packets)
            file = packets(ask->numbers);
        else if (auto found = look(ask->numbers.front()))
            call = std::make_shared<const analysis::Call>(std::move(*found));
        {
            const std::lock_guard lock(mutex_);
            ask->call = std::move(call);
            ask->file = std::move(file);
            ask->done = true;
        }
        answered_.notify_all();
    }
}

std::vector<analysis::Call> Board::take_over() {
    const std::lock_guard lock(mutex_);
    std::vector<analysis::Call> all;
    for (auto& [number, kept] : entries_)
        if (kept.over) all.push_back(std::move(*kept.own));
    by_id_.clear();
    by_change_.clear();
    attempts_.clear();
    entries_.clear();
    bytes_ = 0;
    return all;
}

}  // namespace sipana::live
