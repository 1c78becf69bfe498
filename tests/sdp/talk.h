// Dialogs told in short, for the tests of negotiation and agreement.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/sdp/negotiation.h"
#include "libsipana/sdp/session.h"
#include "tests/sdp/samples.h"

namespace sipana::sdp {

inline Time at(int seconds) { return std::chrono::seconds{seconds}; }

// A dialog told in one line an event; messages count up, one second apart.
class Talk {
public:
    Talk& offer(Side side, std::string_view bars, bool delayed = false) {
        const std::string text = lines(bars);
        const auto s = Session::parse(text);
        REQUIRE(s);
        n_.offer(side, *s, now(), message_, delayed);
        ++message_;
        return *this;
    }
    Talk& answer(Side side, std::string_view bars, bool early = false) {
        const std::string text = lines(bars);
        const auto s = Session::parse(text);
        REQUIRE(s);
        n_.answer(side, *s, now(), message_, early);
        ++message_;
        return *this;
    }
    Talk& refuse(std::optional<Side> offerer = std::nullopt) {
        n_.refuse(now(), offerer);
        ++message_;
        return *this;
    }
    Talk& withdraw() {
        n_.withdraw(now());
        ++message_;
        return *this;
    }
    Time now() const { return at(static_cast<int>(message_)); }
    const Negotiation& operator*() const { return n_; }
    const Negotiation* operator->() const { return &n_; }
    const Exchange& operator[](std::size_t i) const { return n_.ledger().at(i); }
    std::string broken() const { return names(n_.findings()); }
    bool broke(std::string_view rule) const { return has(n_.findings(), rule); }

private:
    Negotiation n_;
    std::uint32_t message_ = 0;
};

inline constexpr Side caller = Side::caller, callee = Side::callee;

inline std::string alice(int version, std::string_view media) {
    return "v=0|o=alice 1 " + std::to_string(version) +
           " IN IP4 192.0.2.1|s=-|c=IN IP4 192.0.2.1|t=0 0|" + std::string(media);
}
inline std::string bob(int version, std::string_view media) {
    return "v=0|o=bob 2 " + std::to_string(version) +
           " IN IP4 198.51.100.2|s=-|c=IN IP4 198.51.100.2|t=0 0|" + std::string(media);
}
inline constexpr std::string_view pcmu = "m=audio 4000 RTP/AVP 0";

inline std::string listed(const std::vector<Codec>& codecs) {
    std::string out;
    for (const Codec& c : codecs) out += c.name + " ";
    return out;
}

// What one broken exchange yields.
inline std::string after(std::string_view offered, std::string_view answered) {
    Talk t;
    t.offer(caller, alice(1, offered)).answer(callee, bob(1, answered));
    return t.broken();
}

}  // namespace sipana::sdp
