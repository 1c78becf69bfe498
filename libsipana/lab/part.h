// Part: what one phone does in a script, step by step, and what is known of it before it is played.
//
// Views the Script: keep that alive and where it is. Shared by all plays of the script.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/script.h"

namespace sipana::lab {

struct PartStep {
    const Step* step = nullptr;
    std::size_t index = 0;           // in Script::steps
    bool final_told = true;          // of a request sent: the script speaks of its final response
    bool challenge_told = false;     // ... and of 401 or 407
    bool provisional_acked = false;  // of an INVITE: the script sends PRACK itself
    bool acked = false;              // ... and ACK
    bool unacked = false;            // ... or wants none: "no ack"
    bool again_told = false;         // the script speaks of 412, 422 or 423
};

struct Part {
    std::size_t phone = 0;  // in Script::phones
    std::vector<PartStep> steps;
    std::map<std::string, std::size_t, std::less<>> labels;  // index of the Label step
    bool has_media = false;                                  // any MediaStep
    bool calls = false;  // it sends an INVITE before it expects one
    bool jumps = false;

    // Does a step from `from` on expect this? Jumps may lead back: then every step is looked at.
    bool expects_request(std::string_view method, std::size_t from) const;
};

// One part a phone, in the order of Script::phones.
std::vector<Part> parts_of(const Script& script);

// Does the pattern mean this message? An empty `method` with code 0 is "any".
bool matches_request(const Pattern& pattern, std::string_view method);
bool matches_response(const Pattern& pattern, int code);
bool expects_response(const Expect& expect, int code, std::string_view method);

}  // namespace sipana::lab
