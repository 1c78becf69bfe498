#include "libsipana/analysis/secured.h"

#include <algorithm>

namespace sipana::analysis {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t most_pairs = 100'000;
constexpr Duration patience = 10min;

std::uint64_t hash_of_pair(const Endpoint& low, const Endpoint& high) {
    return mix(hash(low), hash(high) + 3);
}

// RFC 6189 5.2: behind the header of 12 bytes, preamble and length. The initiator's Confirm2
// settles it (4.7.1); its acknowledgement stands for one that the capture lacks.
bool confirms_zrtp(Bytes b) {
    constexpr std::size_t type_at = 16, type_size = 8;
    if (b.size() < type_at + type_size) return false;
    const std::string_view type = as_text(b.subspan(type_at, type_size));
    return type == "Confirm2" || type == "Conf2ACK";
}

// RFC 5763 6.6: between endpoints that shake hands no media is sent in the clear.
bool shakes_hands(Bytes b) {
    constexpr std::uint8_t change_cipher_spec = 20, application_data = 23;
    return b.size() >= 13 && b[0] >= change_cipher_spec && b[0] <= application_data && b[1] == 0xfe;
}

}  // namespace

std::uint32_t Secured::find(const Endpoint& a, const Endpoint& b) const {
    if (empty()) return none;
    const Endpoint& low = std::min(a, b);
    const Endpoint& high = std::max(a, b);
    return by_endpoints_.find(hash_of_pair(low, high), [&](std::uint32_t i) {
        return pairs_[i].low == low && pairs_[i].high == high;
    });
}

bool Secured::on_keys(const net::Datagram& d) {
    if (!confirms_zrtp(d.payload) && !shakes_hands(d.payload)) return false;
    std::uint32_t i = find(d.src, d.dst);
    const bool fresh = i == none;
    if (fresh) {
        if (pairs_.count() >= most_pairs) return false;
        i = pairs_.make();
        pairs_[i].low = std::min(d.src, d.dst);
        pairs_[i].high = std::max(d.src, d.dst);
        by_endpoints_.insert(hash_of_pair(pairs_[i].low, pairs_[i].high), i);
    }
    pairs_[i].last = d.time;
    return fresh;
}

void Secured::advance(Time now) {
    for (std::uint32_t i = 0; i < pairs_.end(); ++i)
        if (pairs_.alive(i) && now - pairs_[i].last > patience) {
            by_endpoints_.erase(hash_of_pair(pairs_[i].low, pairs_[i].high), i);
            pairs_.release(i);
        }
}

}  // namespace sipana::analysis
