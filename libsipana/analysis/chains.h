// Chains: numbers filed under hashes, any number of them under one, each step in constant time. Where
// many share a hash (streams of no call at one port) HashIndex alone would walk them all.
#pragma once

#include <cstdint>

#include "libsipana/analysis/table.h"

namespace sipana::analysis {

class Chains {
public:
    static constexpr std::uint32_t nil = HashIndex::nil;

    // Gives the place to erase() it by.
    std::uint32_t insert(std::uint64_t hash, std::uint32_t number) {
        const std::uint32_t before = newest(hash);
        const std::uint32_t place = links_.make();
        links_[place] = {hash, number, before, nil};
        if (before != nil) {
            links_[before].newer = place;
            newest_.erase(hash, before);
        }
        newest_.insert(hash, place);
        return place;
    }
    void erase(std::uint32_t place) {
        const Link link = links_[place];
        if (link.newer != nil) {
            links_[link.newer].older = link.older;
        } else {
            newest_.erase(link.hash, place);
            if (link.older != nil) newest_.insert(link.hash, link.older);
        }
        if (link.older != nil) links_[link.older].newer = link.newer;
        links_.release(place);
    }
    // Calls visit(number) for the newest `most` under the hash, until it returns true.
    template <typename Visit>
    void visit(std::uint64_t hash, std::uint32_t most, Visit visit) const {
        for (std::uint32_t i = newest(hash); i != nil && most > 0; i = links_[i].older, --most)
            if (visit(links_[i].number)) return;
    }

private:
    struct Link {
        std::uint64_t hash = 0;
        std::uint32_t number = nil, older = nil, newer = nil;
    };
    // Two keys with one 64-bit hash share a chain: who visits compares what the numbers stand for.
    std::uint32_t newest(std::uint64_t hash) const {
        return newest_.find(hash, [](std::uint32_t) { return true; });
    }

    Pool<Link> links_;
    HashIndex newest_;
};

}  // namespace sipana::analysis
