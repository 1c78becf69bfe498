// Video: one payload under every codec, and the same bytes cut into packets for the meter.
#include <cstdlib>

#include "libsipana/media/av1.h"
#include "libsipana/media/frames.h"
#include "libsipana/media/h264.h"
#include "libsipana/media/h265.h"

using namespace sipana;
using media::VideoCodec;

namespace {

constexpr VideoCodec codecs[] = {VideoCodec::h264,        VideoCodec::h265, VideoCodec::vp8,
                                 VideoCodec::vp9,         VideoCodec::av1,  VideoCodec::h263,
                                 VideoCodec::h263_rfc2190};

void require(bool truth) {
    if (!truth) std::abort();
}

// A record is: size, sequence step, timestamp step, marker and time, payload.
void stream(Bytes in, VideoCodec codec) {
    media::VideoMeter meter(codec, true);
    ByteReader records(in);
    std::uint16_t sequence = 65'500;
    std::uint32_t timestamp = 0, packets = 0;
    std::int64_t now = 0;
    while (records.left() >= 4) {
        const std::size_t size = records.u8();
        const std::uint8_t step = records.u8();
        sequence = static_cast<std::uint16_t>(sequence + (step == 255 ? 9000 : step - 4));
        timestamp += (records.u8() - 8u) * 900u;
        const std::uint8_t bits = records.u8();
        now += (bits >> 1) * std::int64_t{4'000'000};
        const Bytes payload = records.take(std::min(size, records.left()));
        if (bits == 0xff)
            meter.on_other_packet(sequence, timestamp, false, Time{now});
        else
            meter.on_packet(payload, sequence, timestamp, (bits & 1) != 0, Time{now});
        ++packets;
    }
    meter.finish();
    require(meter.frames() <= packets && meter.key_frames() <= meter.frames());
    require(meter.incomplete_frames() <= meter.frames() && meter.malformed_packets() <= packets);
    require(meter.marks().size() == meter.frames());
    require(meter.fps() >= 0 && meter.longest_freeze() >= Duration{});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes in(bytes, size);
    for (const VideoCodec codec : codecs) {
        const auto fragment = media::read_fragment(codec, in);
        require(fragment.has_value() || fragment.error().offset <= size);
        if (size > 0) stream(in.subspan(1), codec);
    }
    (void)media::h264::parse_sps(in);
    (void)media::h265::parse_sps(in);
    (void)media::av1::parse_sequence_header(in);
    return 0;
}
