// Session: a live run: frames from sources through the Analyzer to the Board and the observers.
//
//   Source -> Analyzer -> Board (eyes in other threads), Observers (in this thread)
//
// One thread, that of run(). Nothing on a frame's way waits; what takes long (the whole of a call for who
// asks) is done between frames, a little at a time.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "libsipana/live/board.h"
#include "libsipana/live/budget.h"
#include "libsipana/live/observer.h"

namespace sipana::live {

struct SessionSettings {
    analysis::Options analysis;
    std::uint64_t max_memory = std::uint64_t{512} << 20;
    // What the kernel's buffers take of it.
    std::uint64_t buffers = std::uint64_t{64} << 20;
    // When all sources have ended, those who look may go on looking.
    bool stay = false;
};

class Session : analysis::Sink {
public:
    // The board and the observers outlive the session; observers are told in their order.
    Session(SessionSettings settings, Board& board, std::vector<std::unique_ptr<Source>> sources,
            std::vector<Observer*> observers);
    ~Session() override;

    // Whom the packets of a call are asked of, and how many bytes they take; `room` says how many they may.
    struct Keeper {
        std::function<Result<Buffer>(const std::vector<std::uint64_t>&)> packets;
        std::function<std::uint64_t()> bytes;
        std::function<void(std::uint64_t)> room;
    };
    void keep_packets(Keeper keeper) { keeper_ = std::move(keeper); }
    // Adds what observers know to the totals.
    void complete_totals(std::function<void(Totals&)> complete) { complete_ = std::move(complete); }

    // Until `stop`, the board is stopped, all sources have ended or an observer has failed.
    Status run(const std::atomic<int>& stop);
    // Hands on all that goes on. Then the report can be made.
    void finish();
    // Everything that is kept, as `sipana report` would tell it of the same frames. Once, when nobody holds
    // anything of the board.
    analysis::Report report();
    Totals totals();
    bool lost_packets() { return totals().captured().dropped() > 0; }

private:
    struct Lossy {  // packets were lost between these
        Time from{}, to{};
    };
    struct Shown {
        analysis::Going going;
        analysis::CallKind kind{};
        analysis::CallState state{};
    };
    void on_message(const analysis::SipMessage& message, std::string_view call_id) override;
    void on_rtcp(const net::Datagram& datagram, std::string_view call_id) override;
    void on_call(analysis::Call&& call) override;
    void on_stream(analysis::Stream&& stream) override;
    void on_finding(Finding&& finding) override;
    void on_forgotten(std::uint64_t number) override;

    bool read(std::size_t source);
    void drain();
    void on_frame(pcap::Frame& frame);
    void mark();
    struct Mark {
        std::uint64_t number = 0;
        bool message = false, media = false;
    };
    using Changed = std::deque<analysis::Going>;
    void show_changed(Changed& changed, bool Mark::*mark, std::size_t at_most);
    void unmark(analysis::Going going, bool Mark::*mark);
    void tick(Time now);
    bool show(analysis::Going going);
    void unshow(std::uint64_t number);
    void count(const Shown& shown, int step);
    void answer();
    void look_for_losses();
    void blame_capture(analysis::Call& call) const;
    bool all_ended() const;
    bool keep_our_time() const;

    SessionSettings settings_;
    Board& board_;
    std::vector<std::unique_ptr<Source>> sources_;
    std::vector<Observer*> observers_;
    Keeper keeper_;
    std::function<void(Totals&)> complete_;
    analysis::Analyzer analyzer_;
    analysis::Report report_;  // what collects besides calls: stray messages
    analysis::Collector collector_;
    Budget budget_;

    int epoll_ = -1, wake_ = -1;
    std::uint64_t frames_ = 0;
    std::vector<std::uint64_t> bytes_of_;  // captured, by source
    bool message_seen_ = false, frame_seen_ = false;
    // Calls that have changed: by message, by media. `marked_`, by place, says which stand in one.
    std::vector<Mark> marked_;
    Changed by_message_, by_media_;
    bool rested_ = true;  // since the last tick there was a moment without packets
    std::unordered_map<std::uint64_t, Shown> shown_;  // by number: what the board has as going on
    std::deque<Lossy> losses_;
    std::uint64_t dropped_ = 0;
    Time begun_ = no_time, last_look_ = no_time, last_media_ = no_time, last_totals_ = no_time, last_frame_ = no_time;
    std::uint64_t frames_before_ = 0, bits_ = 0, bits_before_ = 0;
    double packets_per_s_ = 0, bits_per_s_ = 0;
    Totals counted_;  // calls
    bool finished_ = false;
};

}  // namespace sipana::live
