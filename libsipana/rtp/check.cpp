#include "libsipana/rtp/check.h"

#include <fmt/format.h>

#include "libsipana/rtp/events.h"
#include "libsipana/rtp/payload.h"

namespace sipana::rtp {

namespace {

Finding finding(std::string_view rule, Severity severity, std::size_t byte, std::string text,
                std::string_view clause) {
    Finding f;
    f.rule = rule;
    f.severity = severity;
    f.byte = byte;
    f.text = std::move(text);
    f.clause = clause;
    return f;
}

// Codecs whose static payload type fixes the size of a frame in bytes.
bool fits_frames(std::uint8_t payload_type, std::size_t size) {
    switch (payload_type) {
        case 3:  // GSM, RFC 3551 4.5.8
            return size % 33 == 0;
        case 4:  // G723: 24, 20 or 4 bytes a frame, 4.5.3; all are words
            return size % 4 == 0;
        case 18:  // G729: 10 bytes a frame, a comfort noise frame of 2 may end it, 4.5.6
            return size % 10 == 0 || size % 10 == 2;
        default:
            return true;
    }
}

void check_extension(const Packet& packet, Bytes datagram, std::vector<Finding>& found) {
    if (packet.extension.empty()) return;
    ExtensionElements elements(packet.extension);
    if (!elements.known_form()) return;
    while (elements.next()) {
    }
    if (!elements.ok())
        found.push_back(finding("rtp-extension-element", Severity::error,
                                static_cast<std::size_t>(packet.extension.data() - datagram.data()),
                                "an element of the header extension runs past its end, or is "
                                "padding with a length",
                                "RFC 8285 4.2"));
}

}  // namespace

std::vector<Finding> check(Bytes datagram, bool encrypted) {
    std::vector<Finding> found;
    const auto packet = parse(datagram);
    if (!packet) {
        found.push_back(finding("rtp-unreadable", Severity::error, packet.error().offset,
                                packet.error().what, "RFC 3550 5.1"));
        return found;
    }
    check_extension(*packet, datagram, found);
    const std::uint8_t type = packet->payload_type;
    if (is_reserved(type))
        found.push_back(finding("rtp-reserved-payload-type", Severity::warning, 1,
                                fmt::format("payload type {} is reserved, since with the marker "
                                            "it reads as RTCP",
                                            type),
                                "RFC 3551 6"));
    if (!encrypted && !packet->payload.empty() && !fits_frames(type, packet->payload.size()))
        found.push_back(finding("rtp-payload-size", Severity::error, datagram.size() - 1,
                                fmt::format("{} bytes are no whole number of {} frames",
                                            packet->payload.size(), static_format(type).name),
                                "RFC 3551 4.5"));
    return found;
}

std::vector<Finding> check_event(Bytes payload) {
    std::vector<Finding> found;
    const auto block = parse_event(payload);
    if (!block) {
        found.push_back(finding("rtp-event-size", Severity::error, block.error().offset,
                                block.error().what, "RFC 4733 2.3"));
        return found;
    }
    if (payload.size() % 4 != 0)
        found.push_back(finding("rtp-event-size", Severity::error, payload.size(),
                                fmt::format("a telephone-event payload of {} bytes is no whole "
                                            "number of 4-byte blocks",
                                            payload.size()),
                                "RFC 4733 2.3"));
    if (block->reserved)
        found.push_back(finding("rtp-event-reserved-bit", Severity::warning, 1,
                                "the R bit of the telephone-event is set", "RFC 4733 2.3.3"));
    return found;
}

std::vector<Finding> check(const Receiver& receiver, bool audio) {
    std::vector<Finding> found;
    // One marker a talk spurt; a few packets say nothing yet.
    constexpr std::uint64_t enough = 50;
    if (audio && receiver.packets() >= enough && receiver.markers() >= receiver.packets())
        found.push_back(finding("rtp-marker-always", Severity::warning, 0,
                                "every packet has the marker, which should mark the first packet "
                                "of a talk spurt",
                                "RFC 3551 4.1"));
    if (receiver.restarts() > 0)
        found.push_back(
            finding("rtp-sequence-restart", Severity::warning, 0,
                    fmt::format("sequence numbers began anew {} time{} under the same "
                                "SSRC",
                                receiver.restarts(), receiver.restarts() == 1 ? "" : "s"),
                    "RFC 3550 5.1"));
    return found;
}

}  // namespace sipana::rtp
