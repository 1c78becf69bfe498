#include "libsipana/live/screen_asked.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace sipana::live {

AskedCalls::AskedCalls(Sight& sight, std::vector<std::uint64_t> numbers, bool legs)
    : sight_(sight), numbers_(std::move(numbers)), legs_(legs), version_(sight.board.version()) {}

void AskedCalls::ask() {
    inbox_->waiting = true;
    stale_ = false;
    asked_at_ = sight_.now;
    Board& board = sight_.board;
    const std::weak_ptr<Inbox> to = inbox_;
    const bool sent =
        sight_.errands.send([&board, numbers = numbers_, legs = legs_, to]() -> Errands::Then {
            const auto begun = std::chrono::steady_clock::now();
            std::vector<CallPtr> calls;
            std::set<std::uint64_t> seen;
            for (const std::uint64_t number : numbers) {
                std::vector<CallPtr> figure;
                if (legs)
                    figure = board.figure(number);
                else if (CallPtr call = board.look(number))
                    figure.push_back(std::move(call));
                for (CallPtr& call : figure)
                    if (seen.insert(call->number).second) calls.push_back(std::move(call));
            }
            std::stable_sort(calls.begin(), calls.end(), [](const CallPtr& a, const CallPtr& b) {
                return std::pair(a->start, a->number) < std::pair(b->start, b->number);
            });
            const Duration took = std::chrono::steady_clock::now() - begun;
            return [to, calls, took] {
                const auto inbox = to.lock();
                if (!inbox) return;
                inbox->calls = calls;
                inbox->took = took;
                inbox->arrived = true;
                inbox->waiting = false;
            };
        });
    if (!sent) {
        inbox_->waiting = false;
        stale_ = true;
    }
}

bool AskedCalls::refresh() {
    bool fresh = false;
    if (inbox_->arrived) {
        inbox_->arrived = false;
        fresh = !inbox_->calls.empty();
        if (fresh) calls_ = std::move(inbox_->calls);
    }
    const Board::News news = sight_.board.since(version_);
    version_ = news.version;
    for (const Board::Entry& entry : news.entries) {
        stale_ |= std::find(numbers_.begin(), numbers_.end(), entry.number) != numbers_.end();
        for (const CallPtr& call : calls_) stale_ |= call->number == entry.number;
    }
    if (!stale_ || inbox_->waiting) return fresh;
    if (asked_at_ != no_time && sight_.now - asked_at_ < std::max(least_pause, 4 * inbox_->took))
        return fresh;
    ask();
    return fresh;
}

void AskedCalls::with_legs(bool legs) {
    if (legs == legs_) return;
    legs_ = legs;
    stale_ = true;
    asked_at_ = no_time;
}

bool AskedCalls::going_on() const {
    using enum analysis::CallState;
    return std::any_of(calls_.begin(), calls_.end(), [](const CallPtr& c) {
        return c->state == trying || c->state == ringing || (c->state == answered && !c->duration);
    });
}

}  // namespace sipana::live
