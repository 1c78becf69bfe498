// Packets: the frames of each call that goes on or was over lately, from the INVITE on, so that a
// call can be saved whole once it is known to be worth it: its SIP, RTP and RTCP.
//
// A frame is copied once for each call that it belongs to. What came before it was known to belong
// to one (EarlyFrames) is taken over when a frame of the same flow turns out to.
//
// Bounded by bytes. Where there is a spool folder, the packets of the call that takes most go into
// a file there. Without one packets are given up, and the call's file says so: calls that are over
// first, then the oldest media of the call that has most of it, then the oldest signalling.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/live/block_file.h"
#include "libsipana/live/chunks.h"
#include "libsipana/live/early_frames.h"
#include "libsipana/live/file_names.h"

namespace sipana::live {

struct PacketsSettings {
    std::uint64_t most_bytes = std::uint64_t{128} << 20;      // all together, early frames too
    std::uint64_t most_of_a_call = std::uint64_t{64} << 20;   // in memory
    std::uint64_t most_spooled = std::uint64_t{4} << 30;      // of a call, in its file
    std::uint64_t most_as_buffer = std::uint64_t{256} << 20;  // pcapng()
    std::size_t early_bytes = std::size_t{8} << 20;
    Duration early_age = std::chrono::seconds{10};
    std::optional<Folder> spool;
};

class Packets {
public:
    Packets(PacketsSettings settings, CaptureHead head);
    ~Packets();
    Packets(const Packets&) = delete;
    Packets& operator=(const Packets&) = delete;

    // Before on_frame(): a message was read that this frame completed. It may be an earlier one,
    // whose bytes stood behind a gap until that was given up.
    void on_message(std::uint64_t frame);
    void on_frame(const pcap::Frame& frame, std::span<const analysis::Going> calls);
    // The call is over; its packets go, or stay until there is no more room. Those in a spool file
    // go.
    void over(std::uint64_t number, bool keep);
    void limit(std::uint64_t most_bytes);

    bool has(std::uint64_t number) const { return calls_.count(number) != 0; }
    // One capture of these calls, each frame once, by time. Errc::not_found: of none of them
    // anything is kept. Errc::too_large: more than fits in memory
    // (PacketsSettings::most_as_buffer).
    Result<Buffer> pcapng(std::span<const std::uint64_t> numbers) const;
    Result<Buffer> pcapng(std::uint64_t number) const { return pcapng(std::span(&number, 1)); }
    // The same in pieces of whole blocks.
    Status write(std::span<const std::uint64_t> numbers, const pcap::BlockSink& sink) const;

    struct Totals {
        std::uint64_t calls = 0, packets = 0;  // kept at the moment
        std::uint64_t bytes = 0;               // of memory
        std::uint64_t spooled_bytes = 0;       // in files, at the moment
        std::uint64_t given_up_packets = 0,
                      given_up_calls = 0;  // for want of room, since the start
    };
    Totals totals() const;
    // The first failure to write a spool file; the packets in question have been given up.
    const Status& spool_status() const { return spool_status_; }

private:
    struct Kept {
        std::uint64_t number = 0;
        std::uint32_t place = analysis::none;  // in by_place_
        bool over = false;
        ChunkList signalling, media;
        std::uint64_t packets = 0;  // in memory and spooled
        std::uint64_t given_up = 0;
        Time given_up_from = Time::max(), given_up_to = Time::min();
        std::unique_ptr<BlockFile> spool;  // closed but while it is used
        std::uint64_t spool_head = 0;      // bytes before its first packet

        std::uint64_t bytes() const { return signalling.bytes() + media.bytes(); }
        std::uint32_t chunks() const { return signalling.chunks() + media.chunks(); }
    };
    using Rank =
        std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;  // media, signalling, ~number

    Kept* kept_of(analysis::Going call);
    void adopt(Time now, std::span<const analysis::Going> calls);
    void append_taken(Kept& kept, bool media);
    void forget_place(const Kept& kept);
    void append(Kept& kept, const pcap::Frame& frame, bool media);
    static Rank rank_of(const Kept& kept);
    void rank(const Kept& kept);
    void unrank(const Kept& kept);
    std::uint64_t used() const;
    void make_room();
    void make_room_of(Kept& kept);
    void give_up(Kept& kept, const Chunk& chunk);
    bool spool(Kept& kept);
    Status open_spool(Kept& kept);
    void drop(std::uint64_t number);

    PacketsSettings settings_;
    CaptureHead head_;
    std::uint64_t seed_;
    ChunkPool pool_;
    EarlyFrames early_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Kept>> calls_;
    std::vector<std::uint64_t> message_frames_;  // told since the last frame
    std::vector<Kept*> by_place_;                // Going::place: the call last seen there
    std::set<Rank> by_size_;                     // of those in memory and not over
    std::set<std::uint64_t> over_;               // kept, by number: the oldest goes first
    std::vector<std::uint64_t> ended_;           // by number: that these are not begun anew
    Buffer blocks_;                              // of one chunk, on their way to a file
    std::uint64_t packets_ = 0, given_up_packets_ = 0, given_up_calls_ = 0, spooled_bytes_ = 0;
    Status spool_status_ = Done{};
};

}  // namespace sipana::live
