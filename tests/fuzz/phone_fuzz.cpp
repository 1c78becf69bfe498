// Phone: what a lab's phone takes from outside beside SIP: offers and answers, RTP and RTCP, WAV
// and video files. What it answers with is read again by our own parser.
#include <cstdlib>

#include "libsipana/lab/media.h"
#include "libsipana/media/packetiser.h"
#include "libsipana/media/wav.h"

using namespace sipana;

namespace {

void require(bool truth) {
    if (!truth) std::abort();
}

const Endpoint local = *Endpoint::parse("192.0.2.1:4000"),
               remote = *Endpoint::parse("192.0.2.2:5000");

lab::LocalSession phone() {
    lab::LocalSession s;
    s.address = local.address;
    s.lines.push_back(lab::audio_wish({"pcmu", "pcma"}, local));
    s.lines.push_back(lab::video_wish({"h264", "vp8"}, {local.address, 4002}));
    return s;
}

void offers(std::string_view text) {
    const auto offer = sdp::Session::parse(text);
    if (!offer) return;
    lab::LocalSession ours = phone(), other = phone();
    (void)lab::offer(other);
    (void)lab::settle(other, *offer);
    for (int again = 0; again < 2; ++again) {
        const auto answer = lab::answer(ours, *offer);
        if (!answer) return;
        require(answer->lines.size() == offer->media().size());
        const auto back = sdp::Session::parse(answer->text);
        require(back && back->media().size() == offer->media().size());
        for (std::size_t i = 0; i < answer->lines.size(); ++i) {
            const lab::Agreed& a = answer->lines[i];
            require(a.active == (back->media()[i].port != 0));
            require(!a.active || (a.codec() != nullptr && a.sent.size() == a.heard.size()));
        }
    }
    require(sdp::Session::parse(lab::offer(ours)).has_value());
}

// Records: flags, size, datagram.
void hears(Bytes in) {
    Random random(1);
    lab::MediaStore store;
    for (const bool video : {false, true}) {
        lab::MediaSession session(
            video ? lab::MediaSession::Kind::video : lab::MediaSession::Kind::audio, local, random,
            store);
        lab::Agreed agreed;
        agreed.active = agreed.pli = true;
        const lab::LocalSession s = phone();
        agreed.sent = agreed.heard = s.lines[video ? 1 : 0].codecs;
        agreed.remote_rtp = agreed.remote_rtcp = remote;
        Time now{1'700'000'000'000'000'000};
        session.agree(agreed, now);
        session.echo((in.size() & 1) != 0);
        ByteReader records(in);
        while (records.left() >= 2) {
            const std::uint8_t flags = records.u8();
            const Bytes datagram =
                records.take(std::min<std::size_t>(records.u8(), records.left()));
            now += std::chrono::milliseconds{(flags & 4) != 0 ? 5000 : 10};
            session.on_packet(datagram, (flags & 1) != 0, remote, now);
            if ((flags & 2) != 0) session.on_timer(now);
            while (session.poll()) {
            }
        }
        const lab::Heard heard = session.heard();
        require(heard.key_frames <= heard.frames && heard.lost <= heard.expected);
        session.end(now);
    }
}

void files(Bytes in) {
    (void)media::read_wav(in);
    const auto clip = media::read_clip({in.begin(), in.end()});
    if (!clip) return;
    require(!clip->frames.empty() && clip->frames[0].key && clip->fps > 0);
    for (const unsigned mode : {0u, 1u}) {
        media::Packetiser packetiser(clip->codec, mode, 20);
        for (const auto& frame : clip->frames) require(!packetiser.cut(*clip, frame).empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0 || size > 1u << 16) return 0;
    const Bytes in(bytes + 1, size - 1);
    switch (bytes[0] % 3) {
        case 0:
            offers(as_text(in));
            break;
        case 1:
            hears(in);
            break;
        default:
            files(in);
    }
    return 0;
}
