// Reading: a run's capture as the analyzer tells it, for the verdict. Nothing of it comes from the
// lab's memory.
//
// Move-only; what it views (a capture in memory) must outlive it.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/base/result.h"
#include "libsipana/media/sound.h"
#include "libsipana/net/datagram.h"

namespace sipana::lab {

class Reading {
public:
    static Result<Reading> of_file(const std::string& path);
    static Result<Reading> of(Bytes capture);
    Reading(Reading&&) noexcept;
    ~Reading();

    struct Line {  // one SIP message, in order, retransmissions too
        analysis::SipMessage message;
        std::string_view call_id;
    };
    const std::vector<Line>& messages() const;
    const std::vector<analysis::Call>& calls() const;
    // Of calls and of none, in order of time.
    const std::vector<const analysis::Stream*>& streams() const;
    const std::vector<Finding>& findings() const;
    const analysis::Counts& counts() const;
    bool damaged() const;  // the file itself
    // The frame says that the network doubled it (lab/recorder).
    bool doubled(std::uint64_t frame) const;
    // Of the RTP packets from `src` to `dst`, those in such frames.
    std::uint64_t doubled_rtp(const Endpoint& src, const Endpoint& dst, std::uint32_t ssrc) const;

    // What the receiver of a G.711 stream hears, packets in order and each once, what is missing
    // filled with silence; empty for other codecs. At most max_listened samples.
    static constexpr std::size_t max_listened = 8000 * 600;
    media::Sound sound_of(const analysis::Stream& stream) const;

    // Every UDP datagram and every stretch of a TCP stream, again from the capture's start.
    class Eye {
    public:
        virtual ~Eye() = default;
        virtual void on_datagram(const net::Datagram& datagram) = 0;
        virtual void on_chunk(const net::Chunk&) {}
    };
    void again(Eye& eye) const;

private:
    class State;
    explicit Reading(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sipana::lab
