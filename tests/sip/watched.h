// Watched: the transactions of one element in virtual time, and a log of what they did.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libsipana/base/random.h"
#include "libsipana/sip/transaction.h"

namespace sipana::sip {

using namespace std::chrono_literals;

inline Endpoint at(std::uint16_t port) {
    const std::uint8_t address[4] = {192, 0, 2, 1};
    return {Address::v4(address), port};
}
inline Hop between(std::uint16_t local, std::uint16_t remote, Transport transport) {
    return {at(local), at(remote), transport};
}
inline Hop back(const Hop& hop) { return {hop.remote, hop.local, hop.transport}; }

struct Wanted {
    std::string method = "INVITE", branch = "z9hG4bK1", call_id = "c1", from_tag = "f";
    std::string to_tag{}, extra{};
    unsigned cseq = 1;
    std::string via{};  // instead of the usual one
};

inline std::string request_text(const Wanted& w) {
    const std::string via =
        w.via.empty() ? fmt::format("SIP/2.0/UDP 192.0.2.1:5060;branch={}", w.branch) : w.via;
    return fmt::format(
        "{0} sip:bob@192.0.2.1:5070 SIP/2.0\r\nVia: {1}\r\nMax-Forwards: 70\r\n"
        "From: <sip:alice@example.com>;tag={2}\r\nTo: <sip:bob@example.com>{3}\r\n"
        "Call-ID: {4}\r\nCSeq: {5} {0}\r\n{6}Content-Length: 0\r\n\r\n",
        w.method, via, w.from_tag, w.to_tag.empty() ? "" : ";tag=" + w.to_tag, w.call_id, w.cseq,
        w.extra);
}

inline std::string response_text(const Wanted& w, int status) {
    return fmt::format(
        "SIP/2.0 {0} X\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch={1}\r\n"
        "From: <sip:alice@example.com>;tag={2}\r\nTo: <sip:bob@example.com>{3}\r\n"
        "Call-ID: {4}\r\nCSeq: {5} {6}\r\nContent-Length: 0\r\n\r\n",
        status, w.branch, w.from_tag, w.to_tag.empty() ? "" : ";tag=" + w.to_tag, w.call_id, w.cseq,
        w.method);
}

// Runs one object's timers: what it sent and when, in milliseconds since zero.
struct Watched {
    explicit Watched(Timing timing = {}) : machine(timing) {}

    Transactions machine;
    Time now{};
    std::vector<std::string> log;  // "500 INVITE", "32000 timed_out b"

    std::vector<std::string> seen() { return std::exchange(log, {}); }
    Transactions::Event give(const std::string& text, const Hop& from) {
        const auto m = Message::parse(text);
        const auto e = machine.on_message(*m, from, now);
        drain();
        return e;
    }
    void drain() {
        const auto ms = [&] { return std::chrono::duration_cast<std::chrono::milliseconds>(now); };
        while (const auto out = machine.poll()) {
            const std::string_view text = *out->text;
            const bool response = text.starts_with("SIP/2.0 ");
            log.push_back(
                fmt::format("{} {}", ms().count(),
                            response ? text.substr(8, 3) : text.substr(0, text.find(' '))));
        }
        while (const auto e = machine.poll_event()) {
            static constexpr std::string_view kinds[] = {
                "request", "cancel",   "ack",       "response", "absorbed",
                "stray",   "unusable", "timed_out", "timer_c",  "unreachable"};
            static constexpr std::string_view timers[] = {"",     " b",     " f",        " h",
                                                          " ack", " prack", " cancelled"};
            log.push_back(fmt::format("{} {}{}", ms().count(), kinds[static_cast<int>(e->kind)],
                                      timers[static_cast<int>(e->timer)]));
        }
    }
    // To `until`, or to the end of all timers.
    void run(Time until = 1000s) {
        drain();
        while (const auto next = machine.deadline()) {
            if (*next > until) break;
            now = *next;
            machine.on_timer(now);
            drain();
        }
        now = until;
    }
};

}  // namespace sipana::sip
