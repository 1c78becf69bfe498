// Load: many plays of one script at a time, and how long each response took.
//
// Plays are begun by the clock, not by the answers: a server that is slow does not slow the offered
// load down. Where `concurrent` holds a play back, its times still count from when it was due (no
// coordinated omission).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "libsipana/lab/play.h"
#include "libsipana/lab/runner.h"
#include "libsipana/lab/stage.h"

namespace sipana::lab {

class Load {
public:
    // A play's calls stay known for so long after its end, if only by what their repetitions need:
    // a repeated 2xx still gets its ACK.
    static constexpr Duration linger = std::chrono::milliseconds{1500};
    // Later than this is held back, and not the clock's own step: its times count from when it was
    // due.
    static constexpr Duration late = std::chrono::milliseconds{10};
    static constexpr std::size_t max_times = 50'000'000;  // kept; further ones are not
    static constexpr std::size_t max_reasons = 100;
    // On sockets what comes within so long is worked off together. Times stay exact: the system
    // says when each datagram came.
    static constexpr Duration breath = std::chrono::milliseconds{2};
    using Rest = std::function<void(Time until)>;  // sleeps; empty on a virtual clock

    Load(const Script& script, const RunSettings& settings, const LoadSettings& load,
         Stage::Clock clock, Rest rest);
    ~Load();
    LoadResult play();

private:
    class One;  // a play and its place in the queues
    struct Due {
        Time at{};
        One* one = nullptr;
        std::uint64_t number = 0;
        bool operator<(const Due& other) const {
            return at != other.at ? at > other.at : number > other.number;
        }
    };

    struct Times {  // of one code to one method
        std::string method;
        int code = 0;
        std::vector<float> ms;
    };

    void begin_due();
    One& begin(Time due);
    bool cast(Agent& agent, Conversation& c, const Arrival& arrival);
    void look_after();
    void finish(One& one);
    bool take_turn();
    void bury(bool all);
    bool over() const;
    std::optional<Time> next() const;
    Percentiles percentiles(Times& times) const;

    const Script& script_;
    const RunSettings& settings_;
    const LoadSettings& load_;
    Stage stage_;
    Rest rest_;
    Play::Setting setting_;  // what is the same for every play
    LoadResult result_;
    Time started_{}, next_due_{};
    std::deque<std::unique_ptr<One>> plays_;  // those alive, by number; null: over
    std::uint64_t first_number_ = 0, alive_ = 0;
    std::priority_queue<Due> dues_;
    std::vector<One*> touched_;
    std::deque<std::unique_ptr<One>> dead_;
    void timed(std::string_view method, int code, Duration took);
    std::vector<Times> times_;
};

}  // namespace sipana::lab
