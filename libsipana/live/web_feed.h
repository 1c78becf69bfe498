// Feed: what one open live page is sent, as server-sent events (HTML Living Standard 9.2).
//
// An event is made when it can be written, of what has changed since the last one: a slow reader
// gets fewer, newer states, and nothing waits for it. An event's id is "RUN-VERSION"
// (Board::version); who comes back with one of the same run is told what it has missed, anybody
// else everything.
#pragma once

#include <string>
#include <string_view>

#include "libsipana/live/board.h"

namespace sipana::live {

class Feed {
public:
    static constexpr std::size_t most_rows = 1000;     // the page keeps as many
    static constexpr std::size_t most_findings = 200;  // the last ones

    // `last_id`: the client's; may be anything.
    Feed(Board& board, std::string run, std::string_view last_id);

    // The next event, or nothing where only totals have changed and are not due yet.
    std::string next(Time now);
    // How long to rest before the next one: the more it held, the longer.
    Duration rest() const { return rest_; }
    std::uint64_t version() const { return version_; }

private:
    void write_rows(std::string& out, const Board::News& news);
    void write_findings(std::string& out, Time now);

    Board& board_;
    std::string run_;
    std::uint64_t version_ = 0, findings_told_ = UINT64_MAX;
    Time totals_at_ = no_time, findings_at_ = no_time;
    Duration rest_{};
};

// The totals as the page shows them: {"figures": [[name, value, tone]], "alarms": [text], "since":
// text, "streams": number}.
std::string totals_json(const Totals& totals, std::size_t streams);

}  // namespace sipana::live
