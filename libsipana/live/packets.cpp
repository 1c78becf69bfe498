#include "libsipana/live/packets.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "libsipana/net/keys.h"

namespace sipana::live {
namespace {

constexpr std::size_t most_places = 2'000'000;  // looked up without a hash
constexpr std::size_t ended_remembered = 4096;
constexpr std::uint64_t most_idle = 1u << 20;
constexpr std::uint64_t call_overhead = 512;  // bytes that a call takes besides its packets

}  // namespace

Packets::Packets(PacketsSettings settings, CaptureHead head)
    : settings_(std::move(settings)),
      head_(std::move(head)),
      seed_(net::seed_from(this)),
      early_(static_cast<std::size_t>(
                 std::min<std::uint64_t>(settings_.early_bytes, settings_.most_bytes / 8)),
             settings_.early_age),
      ended_(ended_remembered) {}

Packets::~Packets() {
    while (!calls_.empty()) drop(calls_.begin()->first);
}

// ---------------------------------------------------------------- frames

void Packets::on_message(std::uint64_t frame) {
    constexpr std::size_t most = 64;  // of one frame
    if (message_frames_.size() < most) message_frames_.push_back(frame);
}

void Packets::on_frame(const pcap::Frame& frame, std::span<const analysis::Going> calls) {
    const Flow flow = flow_of(frame, seed_);
    const auto of_this = [&](std::uint64_t number) { return number == frame.number; };
    const bool earlier = !message_frames_.empty() &&
                         std::none_of(message_frames_.begin(), message_frames_.end(), of_this);
    if (earlier) [[unlikely]] {
        adopt(frame.time, calls);
        calls = {};
    }
    message_frames_.clear();
    if (calls.empty()) {
        early_.put(flow, frame);
        return;
    }
    const bool media = flow.kind == Flow::Kind::udp && flow.media;
    const bool tcp = flow.kind == Flow::Kind::tcp;
    const bool prelude = early_.has(flow);
    if (prelude) {
        early_.take(flow, frame.time);
        if (tcp) early_.drop_earlier_messages(flow);
    }
    for (const analysis::Going call : calls) {
        Kept* const kept = kept_of(call);
        if (kept == nullptr) continue;
        if (prelude) append_taken(*kept, media);
        append(*kept, frame, media);
    }
    // The next message may begin in this segment.
    if (tcp) early_.put(flow, frame);
    if (used() > settings_.most_bytes) make_room();
}

// What the messages at hand were read from has come earlier, and this frame only told that time is
// up.
void Packets::adopt(Time now, std::span<const analysis::Going> calls) {
    for (const std::uint64_t number : message_frames_) {
        const Flow flow = early_.flow_of_number(number);
        if (flow.kind == Flow::Kind::none || !early_.has(flow)) continue;
        early_.take(flow, now);
        if (flow.kind == Flow::Kind::tcp) early_.drop_earlier_messages(flow);
        for (const analysis::Going call : calls)
            if (Kept* const kept = kept_of(call)) append_taken(*kept, false);
    }
}

void Packets::append_taken(Kept& kept, bool media) {
    for (const StoredFrame& early : early_.taken()) append(kept, early.frame(), media);
}

Packets::Kept* Packets::kept_of(analysis::Going call) {
    if (call.place < by_place_.size())
        if (Kept* const kept = by_place_[call.place];
            kept != nullptr && kept->number == call.number)
            return kept;
    auto found = calls_.find(call.number);
    if (found == calls_.end()) {
        if (ended_[call.number % ended_.size()] == call.number) return nullptr;
        found = calls_.emplace(call.number, std::make_unique<Kept>()).first;
        found->second->number = call.number;
    }
    Kept* const kept = found->second.get();
    if (call.place < most_places) {
        if (call.place >= by_place_.size()) by_place_.resize(call.place + 1);
        forget_place(*kept);
        by_place_[call.place] = kept;
        kept->place = call.place;
    }
    return kept;
}

void Packets::forget_place(const Kept& kept) {
    if (kept.place < by_place_.size() && by_place_[kept.place] == &kept)
        by_place_[kept.place] = nullptr;
}

void Packets::append(Kept& kept, const pcap::Frame& frame, bool media) {
    ChunkList& list = media ? kept.media : kept.signalling;
    if (!list.append(frame)) [[unlikely]] {
        // Most calls have a handful of messages; media goes on.
        const std::size_t grade = std::min<std::size_t>(list.chunks(), 1) + (media ? 1 : 0);
        unrank(kept);
        list.add(pool_.take(stored_size(frame.bytes.size()), grade));
        list.append(frame);
        while (kept.bytes() > settings_.most_of_a_call && kept.chunks() > 1) make_room_of(kept);
        rank(kept);
    }
    ++kept.packets;
    ++packets_;
}

// ---------------------------------------------------------------- room

Packets::Rank Packets::rank_of(const Kept& kept) {
    return {kept.media.bytes(), kept.signalling.bytes(), ~kept.number};
}
void Packets::rank(const Kept& kept) {
    if (!kept.over && kept.chunks() != 0) by_size_.insert(rank_of(kept));
}
void Packets::unrank(const Kept& kept) { by_size_.erase(rank_of(kept)); }

std::uint64_t Packets::used() const {
    return pool_.in_use() + early_.bytes() + calls_.size() * call_overhead;
}

void Packets::make_room() {
    while (used() > settings_.most_bytes) {
        if (!over_.empty()) {
            const auto oldest = calls_.find(*over_.begin());
            given_up_packets_ += oldest->second->packets;
            ++given_up_calls_;
            drop(oldest->first);
        } else if (!by_size_.empty()) {
            Kept& kept = *calls_.at(~std::get<2>(*by_size_.rbegin()));
            unrank(kept);
            make_room_of(kept);
            rank(kept);
        } else {
            break;
        }
    }
    pool_.release(most_idle);
}

// At least one chunk of it goes. It is not ranked at the moment.
void Packets::make_room_of(Kept& kept) {
    if (settings_.spool && spool(kept)) return;
    ChunkList& list = kept.media.empty() ? kept.signalling : kept.media;
    Chunk* const chunk = list.take_oldest();
    if (chunk == nullptr) return;
    give_up(kept, *chunk);
    pool_.give_back(chunk);
}

void Packets::give_up(Kept& kept, const Chunk& chunk) {
    kept.packets -= chunk.packets;
    packets_ -= chunk.packets;
    kept.given_up += chunk.packets;
    kept.given_up_from = std::min(kept.given_up_from, chunk.first);
    kept.given_up_to = std::max(kept.given_up_to, chunk.last);
    given_up_packets_ += chunk.packets;
}

// All that is in memory to the end of its file, which is open only meanwhile. It is a capture that
// can be read, should nobody come to make it one call's. False: nothing was moved.
bool Packets::spool(Kept& kept) {
    if (!spool_status_) return false;
    if (const Status opened = open_spool(kept); !opened) {
        spool_status_ = opened.error();
        return false;
    }
    bool moved = false;
    for (ChunkList* list : {&kept.signalling, &kept.media})
        while (const Chunk* chunk = list->oldest()) {
            blocks_.clear();
            for_each_frame(*chunk, [&](const StoredFrame& stored) {
                const pcap::Frame frame = stored.frame();
                const std::size_t at = blocks_.size();
                blocks_.resize(at + pcap::numbered_block_size(frame));
                pcap::write_numbered_block(frame, blocks_.data() + at);
            });
            if (kept.spool->size() + blocks_.size() > settings_.most_spooled) break;
            if (!kept.spool->append(blocks_)) {
                spool_status_ = kept.spool->status();
                break;
            }
            spooled_bytes_ += blocks_.size();
            pool_.give_back(list->take_oldest());
            moved = true;
        }
    if (auto closed = kept.spool->close(); !closed && spool_status_) spool_status_ = closed;
    return moved;
}

Status Packets::open_spool(Kept& kept) {
    if (kept.spool) return kept.spool->reopen();
    const auto head = head_of(head_);
    if (!head) return head.error();
    auto file = BlockFile::create(*settings_.spool,
                                  fmt::format("sipana-{}-{}.pcapng.part", ::getpid(), kept.number));
    if (!file) return file.error();
    if (!file->append(*head)) {
        const Status why = file->status();
        (void)file->remove();
        return why;
    }
    spooled_bytes_ += file->size();
    kept.spool = std::make_unique<BlockFile>(std::move(*file));
    kept.spool_head = kept.spool->size();
    return Done{};
}

void Packets::over(std::uint64_t number, bool keep) {
    ended_[number % ended_.size()] = number;
    const auto found = calls_.find(number);
    if (found == calls_.end()) return;
    // A file of one that is over would take the disk for as long as memory has room.
    if (!keep || found->second->spool) {
        drop(number);
        return;
    }
    Kept& kept = *found->second;
    unrank(kept);
    kept.over = true;
    over_.insert(number);
}

void Packets::drop(std::uint64_t number) {
    const auto found = calls_.find(number);
    Kept& kept = *found->second;
    unrank(kept);
    over_.erase(number);
    forget_place(kept);
    for (ChunkList* list : {&kept.signalling, &kept.media})
        while (Chunk* const chunk = list->take_oldest()) pool_.give_back(chunk);
    if (kept.spool) {
        spooled_bytes_ -= kept.spool->size();
        (void)kept.spool->remove();  // gone already: just as well
    }
    packets_ -= kept.packets;
    calls_.erase(found);
    if (pool_.idle() > most_idle) pool_.release(most_idle);
}

void Packets::limit(std::uint64_t most_bytes) {
    settings_.most_bytes = most_bytes;
    make_room();
}

Packets::Totals Packets::totals() const {
    Totals totals;
    totals.calls = calls_.size();
    totals.packets = packets_;
    totals.bytes = used() + pool_.idle();
    totals.spooled_bytes = spooled_bytes_;
    totals.given_up_packets = given_up_packets_;
    totals.given_up_calls = given_up_calls_;
    return totals;
}

// ---------------------------------------------------------------- captures

namespace {

// Where a kept frame is: in memory, or in a file.
struct Place {
    Time time{};
    std::uint64_t number = 0;
    const std::uint8_t* memory = nullptr;
    BlockFile* file = nullptr;
    std::uint64_t offset = 0;
    std::uint32_t size = 0;

    bool operator<(const Place& other) const {
        return std::pair(time, number) < std::pair(other.time, other.number);
    }
};

// Reads a file mostly forwards.
class FileWindow {
public:
    // `size` bytes at `offset`; null where they are not there.
    const std::uint8_t* at(const BlockFile& file, std::uint64_t offset, std::size_t size) {
        const bool inside = &file == file_ && offset >= from_ && offset + size <= from_ + have_;
        if (!inside) {
            buffer_.resize(std::max<std::size_t>(size, 256u << 10));
            file_ = &file;
            from_ = offset;
            have_ = file.read(offset, buffer_.data(), buffer_.size());
        }
        return offset + size <= from_ + have_ ? buffer_.data() + (offset - from_) : nullptr;
    }

private:
    const BlockFile* file_ = nullptr;
    std::uint64_t from_ = 0;
    std::size_t have_ = 0;
    Buffer buffer_;
};

void find_in_memory(const ChunkList& list, std::vector<Place>& places) {
    for (const Chunk* chunk = list.oldest(); chunk != nullptr; chunk = chunk->next)
        for_each_frame(*chunk, [&](const StoredFrame& stored) {
            places.push_back({stored.head.time, stored.head.number,
                              stored.bytes - sizeof(StoredHead), nullptr, 0, 0});
        });
}

void find_in_file(BlockFile& file, std::uint64_t at, std::vector<Place>& places) {
    FileWindow window;
    constexpr std::size_t lengths = 8;  // type, and the block's own
    while (at < file.size()) {
        const std::uint8_t* const begin = window.at(file, at, lengths);
        if (begin == nullptr) break;
        std::size_t size = pcap::block_size(Bytes(begin, lengths));
        const std::uint8_t* const block = size != 0 ? window.at(file, at, size) : nullptr;
        if (block == nullptr) break;
        const auto frame = pcap::read_numbered_block(Bytes(block, size), size);
        if (!frame) break;
        places.push_back(
            {frame->time, frame->number, nullptr, &file, at, static_cast<std::uint32_t>(size)});
        at += size;
    }
}

// Blocks in pieces, for a sink.
class Pieces {
public:
    explicit Pieces(const pcap::BlockSink& sink) : sink_(sink) {}

    Status add(const pcap::Frame& frame) {
        const std::size_t size = pcap::packet_block_size(frame);
        if (piece_.size() + size > most) {
            if (auto written = flush(); !written) return written;
        }
        const std::size_t at = piece_.size();
        piece_.resize(at + size);
        pcap::write_packet_block(frame, piece_.data() + at);
        return Done{};
    }
    Status flush() {
        if (piece_.empty()) return Done{};
        Status written = sink_(piece_);
        piece_.clear();
        return written;
    }

private:
    static constexpr std::size_t most = 256u << 10;
    const pcap::BlockSink& sink_;
    Buffer piece_;
};

}  // namespace

Status Packets::write(std::span<const std::uint64_t> numbers, const pcap::BlockSink& sink) const {
    std::vector<Place> places;
    std::vector<std::string> comments;
    std::vector<BlockFile*> opened;
    for (const std::uint64_t number : numbers) {
        const auto found = calls_.find(number);
        if (found == calls_.end()) continue;
        const Kept& kept = *found->second;
        if (kept.spool) {
            if (auto open = kept.spool->reopen(); !open) return open.error();
            opened.push_back(kept.spool.get());
            find_in_file(*kept.spool, kept.spool_head, places);
        }
        find_in_memory(kept.signalling, places);
        find_in_memory(kept.media, places);
        if (kept.given_up != 0)
            comments.push_back(fmt::format(
                "incomplete: {} packets from {} to {} were given up for want of memory",
                kept.given_up, to_rfc3339(kept.given_up_from), to_rfc3339(kept.given_up_to)));
    }
    if (places.empty()) return Error{Errc::not_found, 0, "no packets are kept of this call"};
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end(),
                             [](const Place& a, const Place& b) { return a.number == b.number; }),
                 places.end());
    auto head = head_of(head_, comments);
    if (!head) return head.error();
    Status status = sink(*head);
    Pieces pieces(sink);
    FileWindow window;
    for (const Place& place : places) {
        if (!status) break;
        if (place.memory != nullptr) {
            status = pieces.add(stored_at(place.memory).frame());
            continue;
        }
        const std::uint8_t* const at = window.at(*place.file, place.offset, place.size);
        std::size_t size = 0;
        const auto frame = at != nullptr ? pcap::read_numbered_block(Bytes(at, place.size), size)
                                         : std::optional<pcap::Frame>();
        status = frame
                     ? pieces.add(*frame)
                     : Status(Error{Errc::io, 0, place.file->name() + ": is not what was written"});
    }
    if (status) status = pieces.flush();
    for (BlockFile* file : opened) (void)file->close();
    return status;
}

Result<Buffer> Packets::pcapng(std::span<const std::uint64_t> numbers) const {
    Buffer out;
    const auto written = write(numbers, [&](Bytes blocks) -> Status {
        if (out.size() + blocks.size() > settings_.most_as_buffer)
            return Error{Errc::too_large, 0, "more packets than are given out at once"};
        out.insert(out.end(), blocks.begin(), blocks.end());
        return Done{};
    });
    if (!written) return written.error();
    return out;
}

}  // namespace sipana::live
