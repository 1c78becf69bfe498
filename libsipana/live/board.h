// Board: what the eyes of live mode (screen, browser) see. One thread reads packets and writes here; any
// thread looks.
//
// Of a call that goes on there is a summary: everything but messages, transactions, ledgers and charts. The
// whole of it is told when somebody asks (look). Of calls that are over the whole is kept, the oldest given
// up when there is no more room. What look() and since() give out stays valid as long as it is held, and
// never changes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libsipana/live/totals.h"

namespace sipana::live {

using CallPtr = std::shared_ptr<const analysis::Call>;
using StreamPtr = std::shared_ptr<const analysis::Stream>;

class Board {
public:
    static constexpr std::size_t most_findings = 10'000;  // of no call: the last ones
    static constexpr std::size_t most_streams = 1000;   // of no call: the last ones
    static constexpr std::size_t most_entries = 100'000;

    explicit Board(std::uint64_t most_bytes = std::uint64_t{128} << 20) : most_bytes_(most_bytes) {}

    // ---- any thread
    struct Entry {
        std::uint64_t number = 0;   // Call::number
        std::uint64_t changed = 0;  // version in which it changed last
        bool over = false;
        CallPtr call;
    };
    struct News {
        std::uint64_t version = 0;            // to ask on with
        std::vector<Entry> entries;           // what changed, by `changed`; each call once
        std::vector<std::uint64_t> forgotten;  // numbers given up since then
        bool all = false;  // the asker's version is too old: begin anew with `entries`, which are all
    };
    std::uint64_t version() const;
    News since(std::uint64_t version, std::size_t at_most = most_entries) const;
    // Waits until there is something new, or stopped(); false: nothing came.
    bool wait_past(std::uint64_t version, Duration at_most) const;

    // The whole call as it stands now (not older than `fresh`). Null: nobody knows it, or the packet thread
    // did not answer in time.
    CallPtr look(std::uint64_t number, Duration at_most = std::chrono::seconds{1});
    // The call and its legs, whole, in order of start: one figure. Empty as above.
    std::vector<CallPtr> figure(std::uint64_t number, Duration at_most = std::chrono::seconds{1});
    std::uint64_t number_of(std::string_view call_id) const;  // 0: nobody knows it
    // The packets of calls as one pcapng file. Errc::not_found: none are kept.
    Result<Buffer> packets(std::vector<std::uint64_t> numbers, Duration at_most = std::chrono::seconds{2});
    Result<Buffer> packets(std::uint64_t number, Duration at_most = std::chrono::seconds{2}) {
        return packets(std::vector{number}, at_most);
    }

    Totals totals() const;
    std::vector<Finding> findings() const;    // of no call or stream, in order
    std::vector<StreamPtr> streams() const;   // of no call, over
    // Somebody wants the program to end, or it ends.
    void stop();
    bool stopped() const;

    // ---- the thread that reads packets
    void on_going(analysis::Call&& summary);
    void on_over(analysis::Call&& call);
    void forget(std::uint64_t number);
    void on_stream(analysis::Stream&& stream);
    void on_finding(Finding&& finding);
    void on_totals(Totals&& totals);
    // Everything beyond so many bytes is given up, oldest first.
    void limit(std::uint64_t most_bytes);
    std::uint64_t bytes() const;
    std::uint64_t forgotten() const;  // calls
    // Answers who waits in look() and packets(): at most `at_most` of them. `wake` is called by the askers,
    // in their threads, so that the reading thread may come at once.
    void answer(const std::function<std::optional<analysis::Call>(std::uint64_t)>& look,
                const std::function<Result<Buffer>(const std::vector<std::uint64_t>&)>& packets,
                std::size_t at_most = 4);
    bool asked() const;  // somebody waits
    void on_ask(std::function<void()> wake);
    // All that is kept of what is over, by number, for the report; the board is empty afterwards. Only when
    // nobody else holds or asks for anything any more.
    std::vector<analysis::Call> take_over();

private:
    struct Ask {
        std::vector<std::uint64_t> numbers;
        bool packets = false, done = false;
        CallPtr call;
        std::optional<Result<Buffer>> file;
    };
    struct Kept : Entry {
        std::uint64_t bytes = 0;
        std::shared_ptr<analysis::Call> own;  // the same as `call`
    };
    void put(analysis::Call&& call, bool over);
    void make_room();
    using Entries = std::map<std::uint64_t, Kept>;
    Entries::iterator give_up(Entries::iterator at);
    void ask(const std::shared_ptr<Ask>& ask, Duration at_most);

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_, answered_;
    std::uint64_t version_ = 1, most_bytes_, bytes_ = 0, forgotten_count_ = 0;
    std::map<std::uint64_t, Kept> entries_;                       // by number
    std::set<std::pair<std::uint64_t, std::uint64_t>> by_change_;  // (changed, number)
    std::set<std::uint64_t> attempts_;  // numbers of calls that are over and that nobody had answered
    std::unordered_map<std::string_view, std::uint64_t> by_id_;   // views the entries' calls
    std::deque<std::pair<std::uint64_t, std::uint64_t>> forgotten_;  // (version, number), the last ones
    std::uint64_t forgotten_from_ = 0;  // versions before this one have to begin anew
    std::deque<std::shared_ptr<Ask>> asked_;
    std::function<void()> wake_;
    std::deque<Finding> findings_;
    std::deque<StreamPtr> streams_;
    Totals totals_;
    bool stopped_ = false;
};

}  // namespace sipana::live
