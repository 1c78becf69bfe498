// Chains: numbers filed under hashes, any number of them under one, each step in constant time.
// Where many share a hash (a load generator sends one SSRC in every call) HashIndex alone would
// walk them all.
#pragma once

#include <cstdint>
#include <vector>

#include "libsipana/analysis/table.h"

namespace sipana::analysis {

// Each number is filed once. Numbers are small, as a Pool gives them out. Hashes that agree in the bits
// that HashIndex keeps share a chain: who visits compares what the numbers stand for.
class Chains {
public:
    static constexpr std::uint32_t nil = HashIndex::nil;

    void insert(std::uint64_t hash, std::uint32_t number) {
        if (number >= links_.size()) links_.resize(number + 1);
        const std::uint32_t before = newest_.peek(hash);
        links_[number] = {before, nil};
        if (before != nil) {
            links_[before].newer = number;
            newest_.erase(hash, before);
        }
        newest_.insert(hash, number);
    }
    void erase(std::uint64_t hash, std::uint32_t number) {
        const Link link = links_[number];
        if (link.newer != nil) {
            links_[link.newer].older = link.older;
        } else {
            newest_.erase(hash, number);
            if (link.older != nil) newest_.insert(hash, link.older);
        }
        if (link.older != nil) links_[link.older].newer = link.newer;
    }
    // Calls visit(number) for the newest `most` under the hash, until it returns true.
    template <typename Visit>
    void visit(std::uint64_t hash, std::uint32_t most, Visit visit) const {
        for (std::uint32_t i = newest_.peek(hash); i != nil && most > 0; i = links_[i].older, --most)
            if (visit(i)) return;
    }
    // Asks for the memory of visit(hash) before it is needed.
    void fetch(std::uint64_t hash) const { newest_.fetch(hash); }

private:
    struct Link {
        std::uint32_t older = nil, newer = nil;
    };
    std::vector<Link> links_;  // by number
    HashIndex newest_;
};

}  // namespace sipana::analysis
