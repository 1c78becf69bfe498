// Coverage: which methods and response codes captures show, how often and from whom, and which of
// the registered ones (IANA "SIP Parameters", sip/code.h) they do not show.
//
// A Sink: give it to an Analyzer, one Analyzer a file, and call next_file() between them. Captures
// of a lab begin at one time and repeat their Call-IDs: read together they would be taken for
// retransmissions. A message counts for the program that wrote it (its Server or User-Agent), else
// for the address it came from. Copies that the capture itself made do not count.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/sip/code.h"

namespace sipana::analysis {

struct Sighting {
    std::uint64_t count = 0, retransmissions = 0;  // the count is without them
    std::uint64_t frame = 0;                       // the first one's
    std::uint32_t file = 0;
    std::uint16_t answers = 0;  // of a code: bit m, it answered sip::Method m
};

// What one program, or all of them, sent.
struct Sightings {
    std::array<Sighting, 15> methods{};                       // by sip::Method
    std::map<std::string, Sighting, std::less<>> extensions;  // methods that are not registered
    std::map<int, Sighting> codes;
};

class Coverage : public Sink {
public:
    static constexpr std::size_t max_senders = 1000;    // beyond: "others"
    static constexpr std::size_t max_extensions = 100;  // methods kept by name
    static constexpr std::size_t max_name = 100;        // bytes of a sender's or method's

    void next_file() { ++file_; }
    void on_message(const SipMessage& message, std::string_view call_id) override;
    void on_call(Call&&) override {}
    void on_stream(Stream&&) override {}
    void on_finding(Finding&&) override {}

    const Sightings& all() const { return all_; }
    // By name.
    const std::map<std::string, Sightings, std::less<>>& senders() const { return senders_; }
    std::uint64_t messages() const { return messages_; }
    std::vector<sip::Method> missing_methods() const;
    std::vector<sip::Code> missing_codes(int first, int last) const;

private:
    Sightings& sender_of(const SipMessage& message);

    Sightings all_;
    std::map<std::string, Sightings, std::less<>> senders_;
    sip::Message read_;
    std::uint64_t messages_ = 0;
    std::uint32_t file_ = 0;
};

}  // namespace sipana::analysis
