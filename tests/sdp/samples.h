// Session descriptions that several tests of this folder read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/finding.h"

namespace sipana::sdp {

// "v=0|o=..." with CRLF for each bar and at the end.
inline std::string lines(std::string_view bars) {
    std::string out;
    for (const char c : bars) {
        if (c == '|')
            out += "\r\n";
        else
            out += c;
    }
    return out + "\r\n";
}

inline bool has(const std::vector<Finding>& findings, std::string_view rule) {
    for (const Finding& f : findings)
        if (f.rule == rule) return true;
    return false;
}

inline std::string names(const std::vector<Finding>& findings) {
    std::string out;
    for (const Finding& f : findings) out += std::string(f.rule) + "(" + f.text + ") ";
    return out;
}

// What a browser offers: bundled audio and video with ICE, DTLS-SRTP, feedback and simulcast.
inline std::string webrtc_offer() {
    return lines(
        "v=0|o=- 4611731400430051336 2 IN IP4 127.0.0.1|s=-|t=0 0|a=group:BUNDLE 0 1|"
        "a=extmap-allow-mixed|a=msid-semantic: WMS stream1|"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8 126|c=IN IP4 0.0.0.0|a=rtcp:9 IN IP4 0.0.0.0|"
        "a=candidate:1467250027 1 udp 2122260223 192.168.0.196 46243 typ host generation 0|"
        "a=candidate:1853887674 2 udp 1518280447 203.0.113.7 36768 typ srflx raddr 192.168.0.196 "
        "rport 36768 generation 0|"
        "a=candidate:3 1 udp 2122194687 4f8d2e0a-0b5b-4b1d-9d3e-0123456789ab.local 50000 typ host|"
        "a=ice-ufrag:8hhY|a=ice-pwd:asd88fgpdd777uzjYhagZg|a=ice-options:trickle|"
        "a=fingerprint:sha-256 "
        "19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:"
        "88:A2|"
        "a=setup:actpass|a=mid:0|a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level|"
        "a=extmap:2/sendonly http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time|"
        "a=sendrecv|a=msid:stream1 track-a|a=rtcp-mux|a=rtpmap:111 opus/48000/2|"
        "a=rtcp-fb:111 transport-cc|a=fmtp:111 minptime=10;useinbandfec=1|a=rtpmap:9 G722/8000|"
        "a=rtpmap:0 PCMU/8000|a=rtpmap:8 PCMA/8000|a=rtpmap:126 telephone-event/8000|"
        "a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6|a=ssrc:3570614608 msid:stream1 track-a|"
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98|c=IN IP4 0.0.0.0|a=rtcp:9 IN IP4 0.0.0.0|"
        "a=ice-ufrag:8hhY|a=ice-pwd:asd88fgpdd777uzjYhagZg|"
        "a=fingerprint:sha-256 "
        "19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:"
        "88:A2|"
        "a=setup:actpass|a=mid:1|a=sendonly|a=rtcp-mux|a=rtcp-rsize|a=rtpmap:96 VP8/90000|"
        "a=rtcp-fb:96 goog-remb|a=rtcp-fb:96 ccm fir|a=rtcp-fb:96 nack|a=rtcp-fb:96 nack pli|"
        "a=rtpmap:97 rtx/90000|a=fmtp:97 apt=96|a=rtpmap:98 H264/90000|"
        "a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f|"
        "a=ssrc-group:FID 2231627014 632943048|a=ssrc:2231627014 cname:4TOk42mSjXCkVIa6|"
        "a=ssrc:632943048 cname:4TOk42mSjXCkVIa6|a=rid:h send pt=96;max-width=1280|a=rid:l send|"
        "a=simulcast:send h;l|a=imageattr:96 send [x=1280,y=720] recv *|a=framerate:29.97|"
        "a=tls-id:abc3dl8f|a=label:7");
}

// A desk phone's INVITE, twelve lines.
inline std::string phone_offer() {
    return lines(
        "v=0|o=alice 2890844526 2890844526 IN IP4 192.0.2.10|s=-|c=IN IP4 192.0.2.10|t=0 0|"
        "m=audio 49170 RTP/AVP 0 8 101|a=rtpmap:0 PCMU/8000|a=rtpmap:8 PCMA/8000|"
        "a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=ptime:20|a=sendrecv");
}

}  // namespace sipana::sdp
