// RTP: one datagram read in every way, and the same bytes as a stream of packets for the meters.
#include <cstdlib>

#include "libsipana/rtp/check.h"
#include "libsipana/rtp/events.h"
#include "libsipana/rtp/packet.h"
#include "libsipana/rtp/redundancy.h"
#include "libsipana/rtp/seconds.h"

using namespace sipana;

namespace {

void require(bool truth) {
    if (!truth) std::abort();
}

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

void one_packet(Bytes in) {
    const auto parsed = rtp::parse(in);
    rtp::Packet fast, cut;
    require(rtp::read(in, fast) == parsed.has_value());
    const bool readable = rtp::read_cut(in, cut);
    require(readable || !parsed);
    (void)rtp::classify(in);
    require(!rtp::looks_like_rtp(in) || parsed);
    (void)rtp::check(in);
    (void)rtp::check_event(in);
    if (!parsed) {
        require(parsed.error().offset <= in.size() && !parsed.error().what.empty());
        return;
    }
    rtp::ExtensionElements elements(parsed->extension);
    for (std::size_t n = 0; elements.next(); ++n) require(n < in.size());
    Buffer out;
    require(rtp::write(*parsed, out));
    const auto again = rtp::parse(out);
    require(again && out.size() == in.size() && same(again->payload, parsed->payload) &&
            same(again->csrcs, parsed->csrcs) && same(again->extension, parsed->extension) &&
            again->padding == parsed->padding && again->sequence == parsed->sequence &&
            again->marker == parsed->marker && again->payload_type == parsed->payload_type);
}

// Eight bytes a packet: sequence, timestamp, and how the time went on.
void stream(Bytes in) {
    rtp::Receiver receiver;
    rtp::Seconds seconds;
    rtp::EventDecoder events;
    receiver.set_clock(8000);
    ByteReader records(in);
    std::uint64_t now = 1'700'000'000'000'000'000;  // wraps: times are hostile
    std::uint64_t sent = 0;
    while (records.left() >= 8) {
        const std::uint16_t sequence = records.u16();
        const std::uint32_t timestamp = records.u32() >> 8;
        const std::uint8_t kind = records.u8(), step = records.u8();
        now = kind == 0xff ? std::uint64_t{step} << 56
                           : now + (std::uint64_t{step} - 8) * std::uint64_t{4'000'000};
        if (kind == 0xfe) receiver.set_clock(step * 1000u);
        const Time arrival{static_cast<std::int64_t>(now)};
        if ((kind & 1) != 0) {
            receiver.on_event_packet(sequence, (kind & 2) != 0, step, arrival);
            events.on_packet(in.first(std::min<std::size_t>(in.size(), step)), timestamp,
                             (kind & 2) != 0, arrival, sent);
        } else {
            receiver.on_packet(sequence, timestamp, (kind & 2) != 0, step, arrival);
        }
        seconds.on_packet(receiver, step, arrival);
        require(receiver.packets() == ++sent);
        require(receiver.packets() + receiver.lost() ==
                receiver.expected() + receiver.duplicated() + receiver.strays());
        require(receiver.late() <= receiver.reordered());
        require(receiver.max_delta() >= Duration{});
    }
    require(receiver.mean_jitter_ms() >= 0 && receiver.max_jitter_ms() >= 0);
    require(receiver.bitrate_kbps() >= 0);
    require(seconds.series().size() <= rtp::max_seconds);
    require(events.events().size() <= rtp::max_events);
    (void)rtp::check(receiver, true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes in(bytes, size);
    one_packet(in);
    if (const auto primary = rtp::primary_of_redundant(in))
        require(primary->payload.size() < size && primary->payload_type < 128);
    stream(in);
    return 0;
}
