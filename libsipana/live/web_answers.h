// Answers: what the live page's addresses hold, made of what the Board keeps. No HTTP in here.
//
//   /                    the page            /calls/N         one call, for the page's script
//   /streams             those of no call    /calls/N.html .json .pcapng    one call, to be kept
//   /report.html .json   everything kept     /metrics  /health
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/live/board.h"

namespace sipana::live {

struct Answer {
    int status = 200;
    std::string type = "text/plain; charset=utf-8", body;
    std::string file;    // name to be kept under; empty: it is to be shown
    std::string policy;  // Content-Security-Policy; empty: nothing may be loaded
};

class Answers {
public:
    // Of the calls in a report of everything, by estimate of what they take in memory: the newest;
    // a note says how many were left out.
    static constexpr std::uint64_t most_report_bytes = std::uint64_t{16} << 20;
    // Calls that go on are asked for one by one; beyond these a report has their summary.
    static constexpr std::size_t most_asked_for = 200;

    Answers(Board& board, std::string title, std::function<std::string()> metrics);

    // Any thread. None: there is nothing of that address.
    std::optional<Answer> answer(std::string_view path);

private:
    Answer call(std::uint64_t number, std::string_view kind);
    Answer file_of_call(std::uint64_t number, std::string_view kind);
    Answer report(std::string_view kind);
    Answer packets(std::uint64_t number);
    Answer streams();

    Board& board_;
    std::string title_;
    std::function<std::string()> metrics_;
    std::timed_mutex large_;  // what may be large is made one at a time
};

}  // namespace sipana::live
