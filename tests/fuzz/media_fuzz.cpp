// Media: RTP and RTCP of a call as the analyzer takes them, in both details. The counts must add
// up, and both details must say the same.
#include <cstdlib>

#include "libsipana/render/render.h"
#include "tests/analysis/wire.h"

using namespace sipana;
using namespace sipana::wire;

namespace {

void require(bool truth) {
    if (!truth) std::abort();
}

const char* const formats =
    "m=video {} RTP/AVPF 96 97 98 99 100 101\r\na=rtpmap:96 H264/90000\r\na=rtpmap:97 VP8/90000\r\n"
    "a=rtpmap:98 red/90000\r\na=rtpmap:99 ulpfec/90000\r\na=rtpmap:100 AV1/90000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=candidate:1 1 udp 1 {} 7000 typ host\r\n";

std::string media_of(std::string_view ip, int port) {
    return sdp_body(ip, port) + fmt::format(fmt::runtime(formats), port + 2, ip);
}

// A record is: flags, size, payload. The flags say who sends, from which port, and whether a header
// of RTP that goes on with the stream stands before the payload.
analysis::Report play(Bytes in, analysis::Detail detail) {
    const std::string invite = request({.body = media_of("10.0.0.1", 4000)});
    Wire w;
    w.udp(0, alice, bob, invite)
        .udp(1, bob, alice, response(invite, "200 OK", "t", media_of("10.0.0.2", 5000)));
    ByteReader records(in);
    std::uint16_t sequence = 65'530;
    std::uint32_t timestamp = 0;
    double ms = 2;
    while (records.left() >= 2) {
        const std::uint8_t flags = records.u8();
        const Bytes payload = records.take(std::min<std::size_t>(records.u8(), records.left()));
        const auto shift =
            static_cast<std::uint16_t>(flags & 3);  // audio, its RTCP, video, its RTCP
        Endpoint a = ep("10.0.0.1:4000"), b = ep("10.0.0.2:5000");
        a.port = static_cast<std::uint16_t>(a.port + shift);
        b.port = static_cast<std::uint16_t>(b.port + shift);
        if ((flags & 4) != 0) std::swap(a, b);
        if ((flags & 8) != 0 && !payload.empty()) {
            Buffer packet;
            ByteWriter(packet)
                .u8(0x80)
                .u8(payload[0])
                .u16(sequence++)
                .u32(timestamp)
                .u32(flags >> 6)
                .put(payload.subspan(1));
            w.udp(ms, a, b, as_text(packet));
        } else {
            w.udp(ms, a, b, as_text(payload));
        }
        timestamp += (flags & 16) != 0 ? 3000u : 0u;
        ms += (flags & 32) != 0 ? 300 : 5;
    }
    analysis::Options options;
    options.detail = detail;
    options.payload_map = {{96, "H265", 90'000}};
    return w.play(options);
}

void check(const analysis::Stream& s) {
    require(s.lost <= s.expected && s.late <= s.reordered && s.duplicated <= s.packets);
    require(s.packets > 0 && !s.payload_types.empty() && s.bytes <= s.ip_bytes);
    require(!s.encrypted || !s.video);
    if (s.video)
        require(s.video->key_frames <= s.video->frames &&
                s.video->incomplete_frames <= s.video->frames);
    (void)render::stream_json(s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes in(bytes, std::min<std::size_t>(size, 20'000));
    const analysis::Report full = play(in, analysis::Detail::full);
    const analysis::Report summary = play(in, analysis::Detail::summary);
    require(full.calls.size() == 1 && summary.calls.size() == 1);
    require(full.counts.rtp_packets == summary.counts.rtp_packets);
    require(full.counts.rtcp_packets == summary.counts.rtcp_packets);
    for (const auto& s : full.calls[0].streams) check(s);
    for (const auto& s : full.streams) check(s);
    const auto &a = full.calls[0].streams, &b = summary.calls[0].streams;
    require(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        require(a[i].ssrc == b[i].ssrc && a[i].packets == b[i].packets && a[i].lost == b[i].lost);
        require(a[i].bytes == b[i].bytes && a[i].video.has_value() == b[i].video.has_value());
        if (a[i].video) require(a[i].video->frames == b[i].video->frames);
    }
    return 0;
}
