#include "libsipana/media/frames.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "libsipana/base/random.h"
#include "tests/exact.h"
#include "tests/media/hex.h"
#include "tests/rtp/walk.h"

using namespace sipana;
using media::VideoCodec;
using media::VideoMeter;

namespace {

constexpr Time start{1'700'000'000'000'000'000};
constexpr Duration ms(double n) { return Duration{static_cast<std::int64_t>(n * 1e6)}; }

struct Sent {
    Buffer payload;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    bool marker = false;
    Time arrival{};
};

// VP8 at 25 frames a second, three packets a frame, every tenth a key frame of 322 x 242.
std::vector<Sent> stream(int frames, std::uint16_t sequence = 0, std::uint32_t timestamp = 0) {
    std::vector<Sent> all;
    for (int n = 0; n < frames; ++n)
        for (int part = 0; part < 3; ++part) {
            Buffer payload = hex(part != 0     ? "00aabbcc"
                                 : n % 10 == 0 ? "107067009d012a4201f20000470885"
                                               : "1071aabbcc");
            all.push_back({payload, sequence++, timestamp + 3600u * static_cast<unsigned>(n),
                           part == 2, start + ms(40) * n});
        }
    return all;
}

VideoMeter measure(const std::vector<Sent>& packets, bool marks = false) {
    VideoMeter m(VideoCodec::vp8, marks);
    for (const Sent& p : packets)
        m.on_packet(Exact(p.payload), p.sequence, p.timestamp, p.marker, p.arrival);
    m.finish();
    return m;
}

}  // namespace

TEST_CASE("names of the codecs, as rtpmap spells them in any case") {
    CHECK(media::video_codec_of("h264") == VideoCodec::h264);
    CHECK(media::video_codec_of("H265") == VideoCodec::h265);
    CHECK(media::video_codec_of("vp8") == VideoCodec::vp8);
    CHECK(media::video_codec_of("VP9") == VideoCodec::vp9);
    CHECK(media::video_codec_of("av1") == VideoCodec::av1);
    CHECK(media::video_codec_of("h263-1998") == VideoCodec::h263);
    CHECK(media::video_codec_of("H263-2000") == VideoCodec::h263);
    CHECK(media::video_codec_of("H263") == VideoCodec::h263_rfc2190);
    CHECK(!media::video_codec_of("PCMU"));
    CHECK(!media::video_codec_of(""));
    for (int c = 0; c <= 6; ++c) {
        const auto codec = static_cast<VideoCodec>(c);
        CHECK(media::video_codec_of(media::to_string(codec)) == codec);
        CHECK(!media::read_fragment(codec, {}));
    }
}

TEST_CASE("a whole stream: frames, key frames, size and rate, across both wraps") {
    const auto m = measure(stream(100, 65'400, 0xffffff00), true);
    CHECK(m.frames() == 100);
    CHECK(m.key_frames() == 10);
    CHECK(m.incomplete_frames() == 0);
    CHECK(m.malformed_packets() == 0);
    CHECK(m.width() == 322);
    CHECK(m.height() == 242);
    CHECK(m.fps() == doctest::Approx(25));
    CHECK(m.longest_freeze() == Duration{});
    REQUIRE(m.marks().size() == 100);
    CHECK(m.marks()[0].key);
    CHECK(m.marks()[0].packets == 3);
    CHECK(m.marks()[0].bytes == 15 + 4 + 4);
    CHECK(m.marks()[1].timestamp == 0xffffff00u + 3600);
    CHECK(m.marks()[99].time == start + ms(40) * 99);
}

TEST_CASE("a lost packet makes its frame incomplete, and only that one") {
    for (std::size_t lost : {30u, 31u, 32u}) {  // the first, the middle and the last of frame 10
        auto packets = stream(40);
        packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(lost));
        const auto m = measure(packets, true);
        CAPTURE(lost);
        CHECK(m.frames() == 40);
        CHECK(m.incomplete_frames() == 1);
        for (std::size_t i = 0; i < 40; ++i) CHECK(m.marks()[i].complete == (i != 10));
    }
}

TEST_CASE("a frame lost as a whole is not counted, and its neighbours are complete") {
    auto packets = stream(40);
    packets.erase(packets.begin() + 33, packets.begin() + 36);
    const auto m = measure(packets);
    CHECK(m.frames() == 39);
    CHECK(m.incomplete_frames() == 0);
    CHECK(m.fps() == doctest::Approx(38 * 25 / 39.0));
}

TEST_CASE("reordered and duplicated packets change nothing") {
    auto packets = stream(60);
    for (std::size_t i = 5; i + 7 < packets.size(); i += 11) std::swap(packets[i], packets[i + 7]);
    std::vector<Sent> twice;
    for (const Sent& p : packets) {
        twice.push_back(p);
        twice.push_back(p);
    }
    const auto m = measure(twice, true);
    CHECK(m.frames() == 60);
    CHECK(m.key_frames() == 6);
    CHECK(m.incomplete_frames() == 0);
    for (const auto& mark : m.marks()) CHECK(mark.packets == 3);
}

TEST_CASE("a packet that is overdue does not hold the frames behind it back for ever") {
    auto packets = stream(60);
    const Sent late = packets[31];
    packets.erase(packets.begin() + 31);
    packets.push_back(late);
    const auto m = measure(packets);
    CHECK(m.frames() == 60);
    CHECK(m.incomplete_frames() == 1);
}

TEST_CASE("a capture that begins within a frame, and one that ends within one") {
    auto packets = stream(20);
    packets.erase(packets.begin());
    packets.pop_back();
    const auto m = measure(packets, true);
    CHECK(m.frames() == 20);
    CHECK(m.incomplete_frames() == 2);
    CHECK(!m.marks().front().complete);
    CHECK(!m.marks().back().complete);
}

TEST_CASE("without markers a frame ends where the next one begins") {
    auto packets = stream(20);
    for (Sent& p : packets) p.marker = false;
    const auto m = measure(packets);
    CHECK(m.frames() == 20);
    CHECK(m.incomplete_frames() == 1);  // the last: nothing says that it was whole
}

TEST_CASE("a sender that marks every packet still sends one frame a timestamp") {
    auto packets = stream(30);
    for (Sent& p : packets) p.marker = true;
    const auto m = measure(packets);
    CHECK(m.frames() == 30);
    CHECK(m.key_frames() == 3);
    CHECK(m.incomplete_frames() == 0);
    CHECK(m.fps() == doctest::Approx(25));
}

TEST_CASE("padding and packets of other formats fill their place in the sequence") {
    VideoMeter m(VideoCodec::vp8);
    std::uint16_t sequence = 100;
    for (const Sent& p : stream(30)) {
        m.on_packet(Exact(p.payload), sequence++, p.timestamp, p.marker, p.arrival);
        if (p.marker) {
            m.on_other_packet(sequence++, p.timestamp, false, p.arrival);
            m.on_packet({}, sequence++, p.timestamp, false, p.arrival);
        }
    }
    m.finish();
    CHECK(m.frames() == 30);
    CHECK(m.incomplete_frames() == 0);
    CHECK(m.malformed_packets() == 0);
}

TEST_CASE("a payload header that cannot be read is counted and spoils its frame") {
    auto packets = stream(10);
    packets[7].payload = hex("80");
    const auto m = measure(packets);
    CHECK(m.malformed_packets() == 1);
    CHECK(m.incomplete_frames() == 1);
    CHECK(m.frames() == 10);
}

TEST_CASE("webrtc-stats freezeCount: a freeze is three usual distances and 150 ms more than one") {
    const auto with_pause = [](double pause) {
        auto packets = stream(60);
        for (std::size_t i = 90; i < packets.size(); ++i) packets[i].arrival += ms(pause);
        return measure(packets);
    };
    CHECK(with_pause(149).freezes() == 0);
    CHECK(with_pause(151).freezes() == 1);
    CHECK(with_pause(151).longest_freeze() == ms(151));
    CHECK(with_pause(3000).longest_freeze() == ms(3000));
    // Frames that come in pairs are no freezes while the picture moves on.
    auto packets = stream(60);
    for (std::size_t i = 0; i < packets.size(); ++i)
        if (i / 3 % 2 == 0) packets[i].arrival += ms(40);
    CHECK(measure(packets).freezes() == 0);
}

TEST_CASE("frames sent out of the order of their timestamps keep the frame rate") {
    // I P B B P B B ...: each P is sent before the two that stand before it.
    VideoMeter m(VideoCodec::h264);
    std::uint16_t sequence = 0;
    const auto send = [&](int display) {
        m.on_packet(Exact(hex("419a2400")), sequence,
                    90'000u + 3600u * static_cast<unsigned>(display), true,
                    start + ms(40) * sequence);
        ++sequence;
    };
    send(0);
    for (int n = 3; n <= 90; n += 3) {
        send(n);
        send(n - 2);
        send(n - 1);
    }
    m.finish();
    CHECK(m.frames() == 91);
    CHECK(m.incomplete_frames() == 0);
    CHECK(m.fps() == doctest::Approx(25).epsilon(0.03));
}

TEST_CASE("a pause of the media clock is no part of the frame rate") {
    auto packets = stream(100);
    for (std::size_t i = 150; i < packets.size(); ++i) {
        packets[i].timestamp += 3'000'000;
        packets[i].arrival += ms(30'000);
    }
    const auto m = measure(packets);
    CHECK(m.frames() == 100);
    CHECK(m.fps() == doctest::Approx(25));
}

TEST_CASE("sequence numbers that begin anew begin a new frame") {
    auto packets = stream(30);
    for (std::size_t i = 45; i < packets.size(); ++i)
        packets[i].sequence = static_cast<std::uint16_t>(packets[i].sequence + 20'000);
    const auto m = measure(packets);
    CHECK(m.frames() == 30);
    CHECK(m.incomplete_frames() == 0);
}

TEST_CASE("memory stays bounded whatever comes") {
    VideoMeter m(VideoCodec::vp8, true);
    Random random(3);
    for (int n = 0; n < 50'000; ++n)
        m.on_packet(Exact(hex("00aa")), static_cast<std::uint16_t>(random.next()),
                    static_cast<std::uint32_t>(random.next()), random.chance(0.1),
                    Time{static_cast<std::int64_t>(random.next())});
    m.finish();
    CHECK(m.frames() <= 50'000);
    CHECK(m.incomplete_frames() <= m.frames());
    CHECK(m.marks().size() == m.frames());
    CHECK(m.fps() >= 0);
}

TEST_CASE("captures: frames, key frames and size as ffprobe finds them in the same packets") {
    struct Row {
        const char* file;
        VideoCodec codec;
        std::uint32_t ssrc, frames, key_frames, incomplete, malformed;
        media::Size size;
        double fps;
    };
    // Incomplete: frames with a gap within, and at the capture's end those without their marker.
    const Row rows[] = {
        // Three gaps, and an aggregation packet that is cut.
        {"str0m-h264.pcap", VideoCodec::h264, 0x6a5cc848, 268, 8, 4, 1, {640, 480}, 10},
        {"str0m-h265.pcap", VideoCodec::h265, 0x9906179b, 145, 2, 0, 0, {640, 360}, 29.9},
        {"str0m-h265.pcap", VideoCodec::h265, 0xe7ed9a1d, 19, 1, 1, 0, {640, 360}, 28.4},
        {"str0m-vp8.pcap", VideoCodec::vp8, 0xeedf3944, 101, 3, 0, 0, {240, 180}, 30.5},
        // 279 of 595 packets are missing.
        {"str0m-vp9.pcap", VideoCodec::vp9, 0x22d80f08, 93, 1, 76, 0, {494, 371}, 10},
        {"str0m-av1.pcap", VideoCodec::av1, 0xd465ac89, 45, 1, 1, 0, {640, 480}, 30},
        {"sipnab-h263-over-rtp.pcap",
         VideoCodec::h263_rfc2190,
         0x5482ece0,
         10,
         1,
         0,
         0,
         {176, 144},
         10},
    };
    if (walk(rows[0].file).empty()) {
        MESSAGE("skipped: ../shared/captures is not here");
        return;
    }
    for (const Row& row : rows) {
        VideoMeter m(row.codec);
        for (const Walked& d : walk(row.file)) {
            const Buffer& b = d.payload;
            if (b.size() < 12 || b[0] >> 6 != 2 || load_be32(b.data() + 8) != row.ssrc ||
                (b[1] >= 200 && b[1] <= 207))
                continue;
            std::size_t at = 12 + 4u * (b[0] & 15u), padding = 0;
            if ((b[0] & 0x10) != 0) at += 4 + 4u * load_be16(b.data() + at + 2);
            if ((b[0] & 0x20) != 0) padding = b.back();
            const Exact payload(Bytes(b).subspan(at, b.size() - at - padding));
            m.on_packet(payload, load_be16(b.data() + 2), load_be32(b.data() + 4),
                        (b[1] & 0x80) != 0, d.time);
        }
        m.finish();
        CAPTURE(row.file);
        CAPTURE(row.ssrc);
        CHECK(m.frames() == row.frames);
        CHECK(m.key_frames() == row.key_frames);
        CHECK(m.incomplete_frames() == row.incomplete);
        CHECK(m.malformed_packets() == row.malformed);
        CHECK(m.width() == row.size.width);
        CHECK(m.height() == row.size.height);
        CHECK(m.fps() == doctest::Approx(row.fps).epsilon(0.01));
    }
}

TEST_CASE(
    "a picture is broken from the frame in which something is missing to the next key frame") {
    for (std::size_t lost : {30u, 33u, 35u}) {  // of frame 10, a key frame, and of the one after it
        auto packets = stream(40);
        packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(lost));
        const auto m = measure(packets, true);
        CAPTURE(lost);
        const auto broken = m.breakages();
        REQUIRE(broken.size() == 1);
        const int first = lost == 30 ? 10 : 11;
        CHECK(broken[0].start == start + ms(40) * first);
        CHECK(broken[0].end == start + ms(40) * 20);
        CHECK(broken[0].length() == ms(40) * (20 - first));
        CHECK(broken[0].frames == static_cast<std::uint32_t>(20 - first));
        CHECK(broken[0].lost_packets == 1);
        CHECK(broken[0].mended);
        CHECK(!broken[0].joined);
        CHECK(m.broken_frames() == broken[0].frames);
        CHECK(m.broken_for() == broken[0].length());
        for (std::size_t i = 0; i < 40; ++i)
            CHECK(m.marks()[i].intact == (i < static_cast<std::size_t>(first) || i >= 20));
    }
}

TEST_CASE("a frame lost as a whole breaks the picture in the frame after it") {
    auto packets = stream(40);
    packets.erase(packets.begin() + 33, packets.begin() + 36);
    const auto broken = measure(packets).breakages();
    REQUIRE(broken.size() == 1);
    CHECK(broken[0].start == start + ms(40) * 12);
    CHECK(broken[0].lost_packets == 3);
    CHECK(broken[0].frames == 8);
}

TEST_CASE("what is lost right before a key frame is not missed") {
    auto packets = stream(40);
    packets.erase(packets.begin() + 57, packets.begin() + 60);
    CHECK(measure(packets).breakages().empty());
}

TEST_CASE("losses in a picture that is broken already belong to that stretch") {
    auto packets = stream(40);
    packets.erase(packets.begin() + 81);  // frame 27
    packets.erase(packets.begin() + 72);  // frame 24
    packets.erase(packets.begin() + 30);  // frame 10: a key frame, so that it lasts from here ...
    packets.erase(packets.begin() + 59);  // ... over frame 20, a key frame that is not whole
    const auto m = measure(packets);
    const auto broken = m.breakages();
    REQUIRE(broken.size() == 1);
    CHECK(m.breakage_count() == 1);
    CHECK(broken[0].start == start + ms(40) * 10);
    CHECK(broken[0].end == start + ms(40) * 30);
    CHECK(broken[0].lost_packets == 4);
    CHECK(broken[0].frames == 20);
}

TEST_CASE("a stream that begins without a key frame is broken until one comes, or to its end") {
    auto packets = stream(20);
    packets.erase(packets.begin(), packets.begin() + 9);
    const auto joined = measure(packets).breakages();
    REQUIRE(joined.size() == 1);
    CHECK(joined[0].joined);
    CHECK(joined[0].mended);
    CHECK(joined[0].frames == 7);
    CHECK(joined[0].lost_packets == 0);
    packets.resize(9);
    const auto cut = measure(packets).breakages();
    REQUIRE(cut.size() == 1);
    CHECK(!cut[0].mended);
    CHECK(cut[0].end == start + ms(40) * 5);
}

TEST_CASE("what went elsewhere meanwhile is not missing") {
    auto packets = stream(20);
    packets.erase(packets.begin() + 9, packets.begin() + 18);
    VideoMeter m(VideoCodec::vp8);
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const Sent& p = packets[i];
        if (i == 9) m.resume();
        m.on_packet(Exact(p.payload), p.sequence, p.timestamp, p.marker, p.arrival);
    }
    m.finish();
    CHECK(m.breakages().empty());
    CHECK(measure(packets).breakages().size() == 1);
}
