// Description: the SDP of our phones, made and read by the rules of offer and answer (RFC 3264,
// RFC 8866), with the same sdp/ code that the analyzer reads with.
//
// A LocalSession is one dialog's side of ours. Its m-lines keep their places and its dynamic
// payload types their codecs for as long as it lives; o= gets a new version with every change (RFC
// 3264 8). Everything returned owns its text. What cannot be answered is no error: its m-line is
// refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/sdp/codec.h"
#include "libsipana/sdp/session.h"

namespace sipana::lab {

inline constexpr std::size_t max_answered_lines = 16;  // later m-lines of an offer are refused

// What phones of the lab can name: "pcmu", "pcma", "telephone-event", "h264", "h264-mode0", "vp8";
// ASCII case ignored. Payload types are those commonly used.
std::optional<sdp::Codec> codec_named(std::string_view name);

// One m-line that a phone would like. Port 0 in `rtp`: not now (RFC 3264 8.2).
struct MediaWish {
    std::string media = "audio";
    std::vector<sdp::Codec> codecs;  // in order of preference, telephone-event among them
    sdp::Direction direction = sdp::Direction::sendrecv;
    std::uint32_t ptime_ms = 20;  // 0: not said
    Endpoint rtp;
    std::optional<Endpoint> rtcp;  // where it is not the port above
    bool rtcp_mux = false;
    // Of video: a=rtcp-fb nack pli and ccm fir. Not said: where `protocol` is of AVPF (RFC
    // 4585 4.2), or the offer has them.
    std::optional<bool> feedback;
    std::vector<std::string> attributes;  // more a= lines, without "a="
    std::string protocol = "RTP/AVP";     // or "RTP/AVPF"
    std::string refused_formats;          // of a line that we cannot have: as it was offered
};
// The audio wish of a phone: `names` as codec_named() knows them, telephone-event added to it.
MediaWish audio_wish(const std::vector<std::string>& names, const Endpoint& rtp);
MediaWish video_wish(const std::vector<std::string>& names, const Endpoint& rtp);

struct LocalSession {
    std::string user = "-";             // of o=
    std::uint64_t id = 0, version = 0;  // of o=; version is counted up by offer() and answer()
    Address address;                    // of o= and c=; 0.0.0.0 in c= is the old way to hold
    std::vector<MediaWish> lines;       // by m-line; answer() puts them into the offer's order
    std::vector<MediaWish> unused;      // what the last offer to us had no m-line for
    std::string said;                   // the last description without its o=
};

// One m-line after offer and answer, as we see it.
struct Agreed {
    bool active = false;  // false: refused by either side, or no codec in common
    std::string media;
    std::vector<sdp::Codec> sent;   // agreed codecs, numbered as the other side wants them sent
    std::vector<sdp::Codec> heard;  // the same, numbered as we said that we want them
    sdp::Direction direction = sdp::Direction::sendrecv;      // sends(): we may send
    Endpoint local_rtp, local_rtcp, remote_rtp, remote_rtcp;  // equal with rtcp-mux
    bool rtcp_mux = false;
    bool pli = false, fir = false, nack = false;  // they want, or understand, that feedback
    std::uint32_t ptime_ms = 20;
    bool held = false;  // the other side has put us on hold

    const sdp::Codec* codec() const;   // what we send media with; nullptr: none
    const sdp::Codec* events() const;  // telephone-event; nullptr: not agreed
};

struct Answer {
    std::string text;
    std::vector<Agreed> lines;  // by m-line of the offer
    bool acceptable =
        false;  // a line is active, or none was to be: false means 488 (RFC 3261 21.4.26)
};

// The description of what we wish for now.
std::string offer(LocalSession& ours);
Result<Answer> answer(LocalSession& ours, const sdp::Session& offer);
// What their answer makes of the offer that `ours` said last. Lines that they left out are
// inactive.
std::vector<Agreed> settle(const LocalSession& ours, const sdp::Session& answer);

// Gives what waits in `unused` an m-line for the next offer: its closed one, else one behind the
// others (RFC 3264 8.1). False: nothing of that medium waits.
bool open_line(LocalSession& ours, std::string_view media);
// Puts every line on hold, or takes it back, for the next offer (RFC 3264 8.4).
void hold(LocalSession& ours, sdp::Direction direction = sdp::Direction::sendonly);
void resume(LocalSession& ours);

}  // namespace sipana::lab
