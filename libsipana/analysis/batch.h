// Batch: what came out of the network layers, looked at and waiting to be worked off, in order.
//
// An Item's payload lives as long as the input (`datagram.stable`), as long as the batch, or, in a batch
// that is worked off before the next frame, as long as the frame.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "libsipana/analysis/classify.h"
#include "libsipana/analysis/facts.h"
#include "libsipana/base/finding.h"
#include "libsipana/base/result.h"
#include "libsipana/net/datagram.h"
#include "libsipana/sip/message.h"

namespace sipana::analysis {

struct Item {
    enum class Kind : std::uint8_t {
        datagram,  // or a SIP message out of a stream, `datagram` saying where it came from
        finding,
        tick,  // nothing but that capture time has come to datagram.time
    };
    Kind kind = Kind::datagram;
    Content content = Content::other;
    Lacks lacks = Lacks::nothing;  // if the content is SIP
    std::uint32_t slot = 0;  // of its message, if the content is SIP, or of its finding
    std::uint64_t key = 0;   // SIP: the hash of its Call-ID; media: of its flow
    net::Datagram datagram;
};

class Batch {
public:
    static constexpr std::size_t most_items = 256;
    static constexpr std::size_t most_kept = 1u << 20;  // bytes of payloads that are copied

    struct Read {
        Status status = Done{};
        Facts facts;
        sip::Message message;
        // The Call-ID is asked for in any case: whoever compares it must not have to fetch the text.
        std::array<char, 64> call_id;
    };

    bool full() const { return items_.size() >= most_items || kept_bytes_ >= most_kept; }
    // Is it so much work that another thread should do it? Messages are; to hand a media packet from one
    // processor's cache to another's takes longer than to count it.
    bool is_heavy() const { return used_ * 4 >= items_.size(); }
    void clear() {
        items_.clear();
        findings_.clear();
        media_.clear();
        kept_.clear();
        kept_bytes_ = 0;
        used_ = 0;
    }

    Item& add(Item::Kind kind, const net::Datagram& datagram) {
        Item& item = items_.emplace_back();
        item.kind = kind;
        item.datagram = datagram;
        return item;
    }
    void add(Finding finding) {
        add(Item::Kind::finding, {}).slot = static_cast<std::uint32_t>(findings_.size());
        findings_.push_back(std::move(finding));
    }
    // Reads the item's payload as a SIP message. A Read's memory is used again and again.
    const Read& read(Item& item) {
        if (used_ == reads_.size()) reads_.push_back(std::make_unique<Read>());
        item.slot = static_cast<std::uint32_t>(used_);
        Read& read = *reads_[used_++];
        read.status = read.message.read(as_text(item.datagram.payload));
        read.facts = read.status ? facts_of(read.message, media_) : Facts{};
        if (std::string_view& id = read.facts.call_id; id.size() <= read.call_id.size())
            id = {read.call_id.data(), id.copy(read.call_id.data(), id.size())};
        return read;
    }
    // Keeps a copy for as long as the batch lives.
    Bytes keep(Bytes bytes) {
        auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
        if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
        kept_bytes_ += bytes.size();
        return {kept_.emplace_back(std::move(copy)).get(), bytes.size()};
    }

    std::vector<Item>& items() { return items_; }
    const Read& read_of(const Item& item) const { return *reads_[item.slot]; }
    // The addresses in a message's SDP.
    std::span<const sdp::MediaAddress> media_of(const Facts& facts) const {
        return std::span(media_).subspan(facts.first_media, facts.media_count);
    }
    Finding& finding_of(const Item& item) { return findings_[item.slot]; }

private:
    std::vector<Item> items_;
    std::vector<std::unique_ptr<Read>> reads_;
    std::size_t used_ = 0;  // of reads_
    std::vector<Finding> findings_;
    std::vector<sdp::MediaAddress> media_;
    std::vector<std::unique_ptr<std::uint8_t[]>> kept_;
    std::size_t kept_bytes_ = 0;
};

}  // namespace sipana::analysis
