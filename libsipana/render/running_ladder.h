// RunningLadder: the ladder as it happens, a line a message, while the lab plays.
//
// Columns are fixed beforehand, for what has been printed stays. What passes between two of them is
// an arrow; what comes from or goes to somebody else, and everything where the terminal is narrow,
// is a line of words. Of media only the beginning of each stream is told. Texts come from the wire.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "libsipana/lab/network.h"
#include "libsipana/render/text_line.h"

namespace sipana::render {

class RunningLadder {
public:
    static constexpr std::size_t max_streams = 1000;  // told of; further ones are not

    // `names`: who the columns are, from the left.
    RunningLadder(std::vector<std::string> names, const Style& style);
    // Column `column` is at that endpoint. Without a port that is known, the address decides where
    // it has one column only.
    void place(const Endpoint& endpoint, std::size_t column);

    std::string head() const;
    // What to print of this packet, with its line end; empty: nothing.
    std::string on_packet(const lab::Packet& packet, Time at, lab::Fate fate, bool duplicate);

private:
    struct Words {
        std::string text;
        Paint paint = Paint::plain;
        bool media = false;
    };
    std::optional<std::size_t> column_of(const Endpoint& endpoint) const;
    std::optional<Words> words_of(const lab::Packet& packet, lab::Fate fate, bool duplicate);
    std::size_t at(std::size_t column) const { return first_ + column * spacing_; }
    Line row(Time time) const;
    std::string arrow(Time time, std::size_t from, std::size_t to, const Words& words,
                      bool lost) const;
    std::string listed(Time time, const lab::Packet& packet, const Words& words) const;

    std::vector<std::string> names_;
    Style style_;
    std::size_t width_, first_ = 0, spacing_ = 0;
    bool drawn_ = false;  // arrows, not words
    std::map<Endpoint, std::size_t> by_endpoint_;
    std::map<Address, std::optional<std::size_t>> by_address_;  // nullopt: several columns
    std::set<std::tuple<Endpoint, Endpoint, std::uint32_t>> streams_;
    Time start_ = no_time;
};

}  // namespace sipana::render
