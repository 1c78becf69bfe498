#include "libsipana/hep/framer.h"

#include <algorithm>

#include "libsipana/hep/packet.h"

namespace sipana::hep {

namespace {

constexpr std::uint8_t magic[] = {'H', 'E', 'P', '3'};

}  // namespace

bool begins_packet(Bytes b, bool strict) {
    for (std::size_t i = 0; i < std::min(b.size(), sizeof magic); ++i)
        if (b[i] != magic[i]) return false;
    if (b.size() < head_size) return true;
    const std::size_t total = load_be16(&b[4]);
    if (total == head_size) return !strict;
    if (total < 2 * head_size) return false;
    if (b.size() < 2 * head_size) return true;
    const std::size_t chunk = load_be16(&b[10]);
    if (strict && load_be32(&b[6]) - 1 > 0xff) return false;  // vendor 0, type 1 to 256
    return chunk >= head_size && chunk <= total - head_size;
}

void Framer::feed(Bytes bytes) {
    resume();
    bytes_ = bytes;
}

void Framer::lost() {
    resume();
    skip(kept_.size());
    kept_.clear();
}

void Framer::skip(std::size_t bytes) {
    skipped_ += bytes;
    in_step_ = false;
}

// The packet that poll() gave out of kept_ is over.
void Framer::resume() {
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(given_));
    given_ = 0;
}

// Finishes the packet that began in bytes fed before.
std::optional<Bytes> Framer::from_kept() {
    while (!kept_.empty()) {
        if (!begins_packet(kept_, !in_step_)) {
            // What was kept may hold the beginning of another packet.
            std::size_t from = 1;
            while (from < kept_.size() && !begins_packet(Bytes(kept_).subspan(from), true)) ++from;
            kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(from));
            skip(from);
            continue;
        }
        // Its head, its first chunk's head, then the rest: no more than is sure to belong to it.
        const std::size_t size = kept_.size();
        const std::size_t total = size < head_size ? 0 : load_be16(&kept_[4]);
        if (total != 0 && size >= total) {
            given_ = total;
            in_step_ = true;
            return Bytes(kept_).first(total);
        }
        const std::size_t wanted = total == 0             ? head_size
                                   : size < 2 * head_size ? 2 * head_size
                                                          : total;
        const Bytes more = bytes_.first(std::min(bytes_.size(), wanted - size));
        if (more.empty()) return std::nullopt;
        kept_.insert(kept_.end(), more.begin(), more.end());
        bytes_ = bytes_.subspan(more.size());
    }
    return std::nullopt;
}

std::optional<Bytes> Framer::finish() {
    resume();
    if (kept_.empty()) return std::nullopt;
    given_ = kept_.size();
    return Bytes(kept_);
}

std::optional<Bytes> Framer::poll() {
    resume();
    if (const auto packet = from_kept()) return packet;
    while (!bytes_.empty() && kept_.empty()) {
        if (!begins_packet(bytes_, !in_step_)) {
            const auto next = std::find(bytes_.begin() + 1, bytes_.end(), magic[0]);
            const auto n = static_cast<std::size_t>(next - bytes_.begin());
            skip(n);
            bytes_ = bytes_.subspan(n);
            continue;
        }
        const std::size_t total = bytes_.size() < head_size ? 0 : load_be16(&bytes_[4]);
        if (total != 0 && total <= bytes_.size()) {
            const Bytes packet = bytes_.first(total);
            bytes_ = bytes_.subspan(total);
            in_step_ = true;
            return packet;
        }
        kept_.assign(bytes_.begin(), bytes_.end());
        bytes_ = {};
    }
    return std::nullopt;
}

}  // namespace sipana::hep
