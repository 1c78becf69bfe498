// Models built by hand for the renderers' tests: a call with audio and video, a busy one, one
// through a B2BUA, a forked one, a registration, and one whose every string is hostile. All are
// deterministic.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "libsipana/analysis/model.h"
#include "libsipana/analysis/quality.h"

namespace sipana::sample {

inline Time at(double seconds) {  // seconds after 2023-11-14T22:13:20Z
    return Time{1'700'000'000'000'000'000} +
           Duration{static_cast<std::int64_t>(seconds * 1e6 + (seconds < 0 ? -0.5 : 0.5)) * 1000};
}

inline Endpoint ep(std::string_view text) { return *Endpoint::parse(text); }

// Joins lines with CRLF and appends Content-Length and the body.
inline std::string sip(std::initializer_list<std::string_view> lines, std::string_view body = {}) {
    std::string out;
    for (std::string_view line : lines) out.append(line).append("\r\n");
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return out.append(body);
}

// Adds a message to the call; what the model says of it is read from the text here, simply.
inline analysis::SipMessage& add(analysis::Call& call, std::uint64_t frame, double seconds,
                                 Endpoint src, Endpoint dst, std::string_view text) {
    analysis::SipMessage m;
    m.frame = frame;
    m.time = at(seconds);
    m.src = src;
    m.dst = dst;
    m.text = call.texts.keep(text);
    if (m.text.starts_with("SIP/2.0 ")) {
        for (char c : m.text.substr(8, 3))
            m.code = static_cast<std::uint16_t>(m.code * 10 + (c - '0'));
    }
    if (const auto cseq = m.text.find("CSeq: "); cseq != m.text.npos) {
        std::string_view rest = m.text.substr(cseq + 6);
        while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
            m.cseq = m.cseq * 10 + static_cast<std::uint32_t>(rest[0] - '0');
            rest.remove_prefix(1);
        }
        if (!rest.empty()) rest.remove_prefix(1);
        m.method_name = rest.substr(0, rest.find('\r'));
        m.method = sip::Method::other;
        constexpr std::pair<std::string_view, sip::Method> known[] = {
            {"INVITE", sip::Method::invite},
            {"ACK", sip::Method::ack},
            {"BYE", sip::Method::bye},
            {"CANCEL", sip::Method::cancel},
            {"REGISTER", sip::Method::register_},
            {"OPTIONS", sip::Method::options},
            {"REFER", sip::Method::refer},
            {"INFO", sip::Method::info}};
        for (const auto& [name, method] : known)
            if (name == m.method_name) m.method = method;
    }
    m.has_sdp = m.text.find("application/sdp") != m.text.npos;
    call.messages.push_back(m);
    call.message_count = static_cast<std::uint32_t>(call.messages.size());
    if (call.messages.size() == 1) call.start = m.time;
    call.end = m.time;
    return call.messages.back();
}

inline std::string sdp(std::string_view user, std::string_view host, int audio, int video = 0,
                       std::string_view direction = "sendrecv") {
    std::string out = "v=0\r\no=" + std::string(user) + " 2890844526 2890844526 IN IP4 " +
                      std::string(host) + "\r\ns=-\r\nc=IN IP4 " + std::string(host) +
                      "\r\nt=0 0\r\nm=audio " + std::to_string(audio) +
                      " RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
                      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=" +
                      std::string(direction) + "\r\n";
    if (video != 0)
        out += "m=video " + std::to_string(video) +
               " RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f\r\n";
    return out;
}

inline sdp::MediaOffer media_offer(std::string_view host, int port,
                                   std::initializer_list<std::pair<int, std::string_view>> codecs,
                                   std::uint32_t clock,
                                   sdp::Direction direction = sdp::Direction::sendrecv) {
    sdp::MediaOffer offer;
    offer.rtp = ep(std::string(host) + ":" + std::to_string(port));
    offer.rtcp = ep(std::string(host) + ":" + std::to_string(port + 1));
    offer.direction = direction;
    offer.on_hold = direction == sdp::Direction::sendonly || direction == sdp::Direction::inactive;
    for (const auto& [pt, name] : codecs)
        offer.codecs.push_back({static_cast<std::uint8_t>(pt), std::string(name), clock, 1, ""});
    return offer;
}

// One way of media: a packet each 20 ms (audio) or 10 ms (video), with losses in its third second.
inline analysis::Stream stream(std::string_view src, std::string_view dst, std::uint32_t ssrc,
                               std::string_view codec, double from, double to, std::uint64_t lost,
                               std::string_view call_id, bool from_caller, std::uint64_t frame) {
    analysis::Stream s;
    s.src = ep(src);
    s.dst = ep(dst);
    s.ssrc = ssrc;
    const bool video = codec == "H264";
    s.media = video ? analysis::MediaKind::video : analysis::MediaKind::audio;
    s.codec = codec;
    s.payload_type = video ? 96 : codec == "PCMA" ? 8 : 0;
    s.payload_types = {s.payload_type};
    s.clock_hz = video ? 90000 : 8000;
    s.from_sdp = true;
    s.call_id = call_id;
    s.from_caller = from_caller;
    s.media_line = video ? 1 : 0;
    s.first_frame = frame;
    s.start = at(from);
    s.end = at(to);
    const std::uint64_t rate = video ? 100 : 50;
    s.expected = static_cast<std::uint64_t>((to - from) * static_cast<double>(rate) + 0.5) + 1;
    s.lost = lost;
    s.packets = s.expected - lost;
    const std::uint64_t payload = video ? 900 : 160;
    s.bytes = s.packets * payload;
    s.ip_bytes = s.packets * (payload + 12);
    s.mean_jitter_ms = 0.42;
    s.max_jitter_ms = 1.75;
    s.max_delta_ms = lost == 0 ? 21.5 : 61.0;
    s.mean_delta_ms = 1000.0 / static_cast<double>(rate);
    s.bitrate_kbps = static_cast<double>(payload * rate * 8) / 1000;
    s.first_sequence = 1000;
    s.last_sequence = static_cast<std::uint16_t>(1000 + s.expected - 1);
    s.markers = 1;
    const int length = static_cast<int>(to - from);
    for (int i = 0; i <= length && i < 120; ++i) {
        analysis::StreamSecond second;
        second.packets = static_cast<std::uint32_t>(rate);
        if (i == 2) second.lost = static_cast<std::uint32_t>(lost);
        second.packets -= second.lost;
        second.bytes = second.packets * static_cast<std::uint32_t>(payload);
        second.jitter_ms = static_cast<float>(0.3 + 0.1 * (i % 7));
        second.max_delta_ms = i == 2 && lost != 0 ? 61.0f : 21.0f;
        if (video) {
            second.frames = 25;
            second.key_frames = i % 4 == 0 ? 1 : 0;
            second.incomplete_frames = i == 2 && lost != 0 ? 1 : 0;
        }
        s.seconds.push_back(second);
    }
    if (lost != 0)
        s.gaps.push_back(
            {at(from + 2.2), std::chrono::milliseconds{61}, static_cast<std::uint32_t>(lost)});
    if (video) {
        analysis::Video v;
        v.frames = static_cast<std::uint32_t>((to - from) * 25);
        v.key_frames = v.frames / 100 + 1;
        v.incomplete_frames = lost != 0 ? 1 : 0;
        v.width = 640;
        v.height = 480;
        v.fps = 25;
        v.longest_freeze = std::chrono::milliseconds{lost != 0 ? 180 : 0};
        for (std::uint32_t i = 0; i < v.frames && i < 300; ++i)
            v.marks.push_back({at(from + 0.04 * i), 90000u / 25 * i, i % 100 == 0 ? 9000u : 1800u,
                               static_cast<std::uint16_t>(i % 100 == 0 ? 10 : 2), i % 100 == 0,
                               !(lost != 0 && i == 55), !(lost != 0 && i >= 55 && i < 100)});
        if (lost != 0) {
            const Time broken = at(from + 0.04 * 55), mended = at(from + 4);
            v.broken = {{broken, mended, mended - broken, 45, static_cast<std::uint32_t>(lost), false, true}};
            v.broken_count = 1;
            v.broken_frames = 45;
            v.broken_for = mended - broken;
            v.requests = {{frame + 60, at(from + 2.3), s.dst, "PLI", std::chrono::milliseconds{1700}},
                          {frame + 70, at(from + 2.4), s.dst, "FIR", {}}};
            v.behind_sound_ms = -12.5;
            v.sound_ssrc = ssrc - 1;
        }
        s.video = v;
    }
    analysis::judge_quality(s);
    analysis::RtcpReport sr;
    sr.frame = frame + 100;
    sr.time = at(from + 2.5);
    sr.src = s.src;
    sr.dst = s.dst;
    ++sr.src.port;
    ++sr.dst.port;
    sr.sender_ssrc = ssrc;
    sr.is_sender_report = true;
    sr.ntp = 0xe8fd1234'80000000u;
    sr.rtp_timestamp = 20000;
    sr.sent_packets = 125;
    sr.sent_bytes = 125 * static_cast<std::uint32_t>(payload);
    s.reports.push_back(sr);
    analysis::RtcpReport rr;
    rr.frame = frame + 101;
    rr.time = at(from + 2.6);
    rr.src = sr.dst;
    rr.dst = sr.src;
    rr.sender_ssrc = ssrc ^ 0x0f0f0f0fu;
    rr.has_block = true;
    rr.reported_ssrc = ssrc;
    rr.extended_sequence = 1125;
    rr.jitter_units = 4;
    rr.fraction_lost = static_cast<std::uint8_t>(lost);
    rr.cumulative_lost = static_cast<std::int32_t>(lost);
    rr.lsr = 0x12348000u;
    rr.dlsr = 6553;
    rr.jitter_ms = 4 * 1000.0 / s.clock_hz;
    rr.rtt_ms = 12.25;
    s.reports.push_back(rr);
    if (video && lost != 0)
        s.rtcp_events.push_back({frame + 102, at(from + 2.3), rr.src, rr.dst, rr.sender_ssrc, ssrc,
                                 "PLI", "asks for a key frame"});
    s.cname = from_caller ? "alice@192.0.2.10" : "bob@198.51.100.20";
    return s;
}

// alice calls bob: INVITE sent twice, ringing, answered; audio and video both ways, DTMF, hold; bob
// hangs up.
inline analysis::Call answered_call() {
    analysis::Call call;
    call.number = 1;
    call.kind = analysis::CallKind::invite;
    call.state = analysis::CallState::completed;
    const Endpoint a = ep("192.0.2.10:5060"), b = ep("198.51.100.20:5060");
    const std::string_view via = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds;rport";
    const std::string_view from = "From: \"Alice Example\" <sip:alice@a.example>;tag=1928301774";
    const std::string_view to = "To: Bob <sip:bob@b.example>";
    const std::string_view to_tag = "To: Bob <sip:bob@b.example>;tag=a6c85cf";
    const std::string_view id = "Call-ID: a84b4c76e66710@192.0.2.10";
    const std::string_view sdp_type = "Content-Type: application/sdp";
    const std::string_view alice = "User-Agent: Linphone/5.1.0 (belle-sip/5.2.0)";
    const std::string_view bob = "User-Agent: baresip v1.0.0 (x86_64/linux)";
    const std::string invite =
        sip({"INVITE sip:bob@b.example SIP/2.0", via, "Max-Forwards: 70", from, to, id,
             "CSeq: 1 INVITE", "Contact: <sip:alice@192.0.2.10:5060>", alice,
             "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, INFO",
             "Supported: replaces, outbound", sdp_type},
            sdp("alice", "192.0.2.10", 7078, 9078));
    add(call, 1, 0, a, b, invite).transaction = 0;
    auto& again = add(call, 2, 0.501, a, b, invite);
    again.retransmission = true;
    again.transaction = 0;
    add(call, 3, 0.512, b, a, sip({"SIP/2.0 100 Trying", via, from, to, id, "CSeq: 1 INVITE", bob}))
        .transaction = 0;
    add(call, 4, 0.620, b, a,
        sip({"SIP/2.0 180 Ringing", via, from, to_tag, id, "CSeq: 1 INVITE",
             "Contact: <sip:bob@198.51.100.20:5060>", bob}))
        .transaction = 0;
    add(call, 5, 4.817, b, a,
        sip({"SIP/2.0 200 OK", via, from, to_tag, id, "CSeq: 1 INVITE",
             "Contact: <sip:bob@198.51.100.20:5060>", bob, sdp_type},
            sdp("bob", "198.51.100.20", 10000, 10002)))
        .transaction = 0;
    add(call, 6, 4.831, a, b,
        sip({"ACK sip:bob@198.51.100.20:5060 SIP/2.0",
             "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776ack;rport", "Max-Forwards: 70",
             from, to_tag, id, "CSeq: 1 ACK"}));
    const std::string_view hold_via =
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776hold;rport";
    add(call, 900, 12.2, a, b,
        sip({"INVITE sip:bob@198.51.100.20:5060 SIP/2.0", hold_via, "Max-Forwards: 70", from,
             to_tag, id, "CSeq: 2 INVITE", "Contact: <sip:alice@192.0.2.10:5060>", alice, sdp_type},
            sdp("alice", "192.0.2.10", 7078, 9078, "sendonly")))
        .transaction = 1;
    add(call, 901, 12.26, b, a,
        sip({"SIP/2.0 200 OK", hold_via, from, to_tag, id, "CSeq: 2 INVITE",
             "Contact: <sip:bob@198.51.100.20:5060>", bob, sdp_type},
            sdp("bob", "198.51.100.20", 10000, 10002, "recvonly")))
        .transaction = 1;
    add(call, 902, 12.27, a, b,
        sip({"ACK sip:bob@198.51.100.20:5060 SIP/2.0",
             "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776ack2;rport", "Max-Forwards: 70",
             from, to_tag, id, "CSeq: 2 ACK"}));
    const std::string_view bye_via = "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bKnashds10";
    const std::string_view bye_from = "From: Bob <sip:bob@b.example>;tag=a6c85cf";
    const std::string_view bye_to = "To: \"Alice Example\" <sip:alice@a.example>;tag=1928301774";
    add(call, 1200, 17.1, b, a,
        sip({"BYE sip:alice@192.0.2.10:5060 SIP/2.0", bye_via, "Max-Forwards: 70", bye_from, bye_to,
             id, "CSeq: 231 BYE", bob, "Reason: Q.850;cause=16;text=\"Normal call clearing\""}))
        .transaction = 2;
    add(call, 1201, 17.112, a, b,
        sip({"SIP/2.0 200 OK", bye_via, bye_from, bye_to, id, "CSeq: 231 BYE", alice}))
        .transaction = 2;

    call.call_id = call.texts.keep("a84b4c76e66710@192.0.2.10");
    call.from = {"Alice Example", "sip:alice@a.example", "alice", "a.example"};
    call.to = {"Bob", "sip:bob@b.example", "bob", "b.example"};
    call.request_uri = "sip:bob@b.example";
    call.caller_agent = "Linphone/5.1.0 (belle-sip/5.2.0)";
    call.callee_agent = "baresip v1.0.0 (x86_64/linux)";
    call.caller = a;
    call.callee = b;
    call.final_code = 200;
    call.final_reason = "OK";
    call.ended = analysis::Ended::by_callee;
    call.reason_header = "Q.850;cause=16;text=\"Normal call clearing\"";
    call.post_dial_delay = std::chrono::milliseconds{620};
    call.setup = std::chrono::milliseconds{4817};
    call.ring = std::chrono::milliseconds{4197};
    call.duration = std::chrono::milliseconds{12283};
    call.retransmissions = 1;
    call.transactions = {{sip::Method::invite, "INVITE", "z9hG4bK776asdhds", 1, a, b, at(0),
                          at(0.512), at(4.817), 200, false, false, true, 1, 0},
                         {sip::Method::invite, "INVITE", "z9hG4bK776hold", 2, a, b, at(12.2),
                          no_time, at(12.26), 200, false, false, true, 0, 0},
                         {sip::Method::bye, "BYE", "z9hG4bKnashds10", 231, b, a, at(17.1), no_time,
                          at(17.112), 200, false, false, false, 0, 0}};
    call.dialogs = {{"1928301774", "a6c85cf", analysis::DialogState::terminated, at(0.620),
                     at(4.817), at(17.1), "sip:alice@192.0.2.10:5060",
                     "sip:bob@198.51.100.20:5060"}};
    for (auto& m : call.messages)
        if (m.code != 100 && m.frame != 1 && m.frame != 2) m.dialog = 0;

    sdp::Exchange first;
    first.offer_message = 0;
    first.answer_message = 4;
    first.offered_at = at(0);
    first.answered_at = at(4.817);
    first.in_force_until = at(12.26);
    first.outcome = sdp::Outcome::answered;
    sdp::MediaLine audio;
    audio.media = "audio";
    audio.protocol = "RTP/AVP";
    audio.offer =
        media_offer("192.0.2.10", 7078, {{0, "PCMU"}, {8, "PCMA"}, {101, "telephone-event"}}, 8000);
    audio.answer =
        media_offer("198.51.100.20", 10000, {{0, "PCMU"}, {101, "telephone-event"}}, 8000);
    audio.agreed = audio.answer->codecs;
    audio.direction = sdp::Direction::sendrecv;
    sdp::MediaLine video;
    video.index = 1;
    video.media = "video";
    video.protocol = "RTP/AVP";
    video.offer = media_offer("192.0.2.10", 9078, {{96, "H264"}}, 90000);
    video.answer = media_offer("198.51.100.20", 10002, {{96, "H264"}}, 90000);
    video.agreed = video.answer->codecs;
    video.direction = sdp::Direction::sendrecv;
    first.media = {audio, video};
    sdp::Exchange hold = first;
    hold.offer_message = 6;
    hold.answer_message = 7;
    hold.offered_at = at(12.2);
    hold.answered_at = at(12.26);
    hold.in_force_until = no_time;
    hold.media[0].offer.direction = sdp::Direction::sendonly;
    hold.media[0].offer.on_hold = true;
    hold.media[0].answer->direction = sdp::Direction::recvonly;
    hold.media[0].direction = sdp::Direction::sendonly;
    call.ledgers = {{0, {first, hold}}};

    call.streams.push_back(stream("192.0.2.10:7078", "198.51.100.20:10000", 0x1a2b3c4d, "PCMU", 4.9,
                                  17.08, 0, call.call_id, true, 7));
    call.streams.push_back(stream("198.51.100.20:10000", "192.0.2.10:7078", 0x5e6f7081, "PCMU",
                                  4.92, 12.3, 3, call.call_id, false, 9));
    call.streams.push_back(stream("192.0.2.10:9078", "198.51.100.20:10002", 0x22222222, "H264",
                                  4.95, 17.05, 5, call.call_id, true, 12));
    call.streams.push_back(stream("198.51.100.20:10002", "192.0.2.10:9078", 0x33333333, "H264",
                                  4.97, 17.02, 0, call.call_id, false, 14));
    const char keys[] = {'1', '2', '3', '#'};
    for (int i = 0; i < 4; ++i)
        call.streams[0].digits.push_back({keys[i], analysis::DigitSource::rtp_event,
                                          at(7.5 + 0.25 * i), std::chrono::milliseconds{100}, -10,
                                          true, static_cast<std::uint64_t>(300 + 20 * i)});
    call.findings.push_back(
        {"sip-ack-contact", Severity::note, 6, 0, "the ACK has no User-Agent field", ""});
    call.findings.push_back({"rtp-loss", Severity::warning, 12, 0,
                             "5 of 1211 packets of SSRC 0x22222222 were lost", "RFC 3550 6.4.1"});
    return call;
}

// carol is busy: challenged once, then 486.
inline analysis::Call busy_call() {
    analysis::Call call;
    call.number = 2;
    call.kind = analysis::CallKind::invite;
    call.state = analysis::CallState::busy;
    const Endpoint a = ep("[2001:db8::10]:5060"), p = ep("[2001:db8::1]:5060");
    const std::string_view from = "From: <sip:900@pbx.example>;tag=f1",
                           to = "To: <sip:100@pbx.example>";
    const std::string_view to_tag = "To: <sip:100@pbx.example>;tag=t1", id = "Call-ID: busy-1";
    const std::string_view via1 = "Via: SIP/2.0/TCP [2001:db8::10]:5060;branch=z9hG4bKb1";
    const std::string_view via2 = "Via: SIP/2.0/TCP [2001:db8::10]:5060;branch=z9hG4bKb2";
    const std::string body = sdp("-", "192.0.2.10", 4000);
    add(call, 20, 30, a, p,
        sip({"INVITE sip:100@pbx.example SIP/2.0", via1, from, to, id, "CSeq: 1 INVITE",
             "Max-Forwards: 70", "Content-Type: application/sdp"},
            body));
    add(call, 21, 30.002, p, a,
        sip({"SIP/2.0 401 Unauthorized", via1, from, to_tag, id, "CSeq: 1 INVITE",
             "Server: Asterisk PBX 18.19.0",
             "WWW-Authenticate: Digest algorithm=MD5, realm=\"pbx.example\", "
             "nonce=\"1700000030/8f2b\""}));
    add(call, 22, 30.003, a, p,
        sip({"ACK sip:100@pbx.example SIP/2.0", via1, from, to_tag, id, "CSeq: 1 ACK"}));
    add(call, 23, 30.004, a, p,
        sip({"INVITE sip:100@pbx.example SIP/2.0", via2, from, to, id, "CSeq: 2 INVITE",
             "Max-Forwards: 70",
             "Authorization: Digest username=\"900\", realm=\"pbx.example\", "
             "nonce=\"1700000030/8f2b\", "
             "uri=\"sip:100@pbx.example\", response=\"6629fae49393a05397450978507c4ef1\", "
             "algorithm=MD5",
             "Content-Type: application/sdp"},
            body));
    add(call, 24, 30.010, p, a, sip({"SIP/2.0 100 Trying", via2, from, to, id, "CSeq: 2 INVITE"}));
    add(call, 25, 30.310, p, a,
        sip({"SIP/2.0 486 Busy Here", via2, from, to_tag, id, "CSeq: 2 INVITE",
             "Server: Asterisk PBX 18.19.0"}));
    add(call, 26, 30.311, a, p,
        sip({"ACK sip:100@pbx.example SIP/2.0", via2, from, to_tag, id, "CSeq: 2 ACK"}));
    for (auto& m : call.messages) m.transport = Transport::tcp;
    call.call_id = call.texts.keep("busy-1");
    call.from = {"", "sip:900@pbx.example", "900", "pbx.example"};
    call.to = {"", "sip:100@pbx.example", "100", "pbx.example"};
    call.request_uri = "sip:100@pbx.example";
    call.callee_agent = "Asterisk PBX 18.19.0";
    call.caller = a;
    call.callee = p;
    call.transport = Transport::tcp;
    call.final_code = 486;
    call.final_reason = "Busy Here";
    call.challenges = 1;
    call.transactions = {{sip::Method::invite, "INVITE", "z9hG4bKb1", 1, a, p, at(30), no_time,
                          at(30.002), 401, true, false, true, 0, 0},
                         {sip::Method::invite, "INVITE", "z9hG4bKb2", 2, a, p, at(30.004),
                          at(30.010), at(30.310), 486, false, false, true, 0, 0}};
    return call;
}

namespace detail {
inline analysis::Call leg(std::uint64_t number, std::string_view id, Endpoint a, Endpoint b,
                          double t0, std::string_view media_a, std::string_view media_b,
                          std::uint64_t frame) {
    analysis::Call call;
    call.number = number;
    call.kind = analysis::CallKind::invite;
    call.state = analysis::CallState::completed;
    const std::string via =
        "Via: SIP/2.0/UDP " + a.to_string() + ";branch=z9hG4bK" + std::string(id);
    const std::string via2 = via + "bye";
    const std::string from = "From: <sip:900@pbx.example>;tag=" + std::string(id) + "a";
    const std::string to = "To: <sip:100@pbx.example>",
                      to_tag = to + ";tag=" + std::string(id) + "b";
    const std::string line = "Call-ID: " + std::string(id);
    const std::string caller_agent =
        number == 3 ? "User-Agent: Yealink SIP-T46S" : "User-Agent: Asterisk PBX 18";
    const std::string callee_agent =
        number == 3 ? "Server: Asterisk PBX 18" : "User-Agent: Grandstream GXP2170";
    const std::string host_a = a.address.to_string(), host_b = b.address.to_string();
    const double d =
        number == 3 ? 0 : 0.02;  // the inner leg lags when it starts and leads when it answers
    const std::string_view type = "Content-Type: application/sdp";
    add(call, frame, t0 + d, a, b,
        sip({"INVITE sip:100@pbx.example SIP/2.0", via, "Max-Forwards: 70", from, to, line,
             "CSeq: 1 INVITE", caller_agent, type},
            sdp("-", host_a, 4000)));
    add(call, frame + 1, t0 + d + 0.004, b, a,
        sip({"SIP/2.0 100 Trying", via, from, to, line, "CSeq: 1 INVITE", callee_agent}));
    add(call, frame + 10, t0 + 0.3 - d, b, a,
        sip({"SIP/2.0 180 Ringing", via, from, to_tag, line, "CSeq: 1 INVITE", callee_agent}));
    add(call, frame + 20, t0 + 3.5 - d, b, a,
        sip({"SIP/2.0 200 OK", via, from, to_tag, line, "CSeq: 1 INVITE", callee_agent, type},
            sdp("-", host_b, 5000)));
    add(call, frame + 21, t0 + 3.505 - d, a, b,
        sip({"ACK sip:100@pbx.example SIP/2.0", via, from, to_tag, line, "CSeq: 1 ACK"}));
    add(call, frame + 30, t0 + 9.1 + d, a, b,
        sip({"BYE sip:100@pbx.example SIP/2.0", via2, from, to_tag, line, "CSeq: 2 BYE",
             caller_agent}));
    add(call, frame + 31, t0 + 9.11 + d, b, a,
        sip({"SIP/2.0 200 OK", via2, from, to_tag, line, "CSeq: 2 BYE", callee_agent}));
    call.call_id = call.texts.keep(id);
    call.from = {"", "sip:900@pbx.example", "900", "pbx.example"};
    call.to = {"", "sip:100@pbx.example", "100", "pbx.example"};
    call.request_uri = "sip:100@pbx.example";
    call.caller_agent = number == 3 ? "Yealink SIP-T46S" : "Asterisk PBX 18";
    call.callee_agent = number == 3 ? "Asterisk PBX 18" : "Grandstream GXP2170";
    call.caller = a;
    call.callee = b;
    call.final_code = 200;
    call.final_reason = "OK";
    call.ended = analysis::Ended::by_caller;
    call.post_dial_delay = std::chrono::milliseconds{300};
    call.setup = std::chrono::milliseconds{3500};
    call.ring = std::chrono::milliseconds{3200};
    call.duration = std::chrono::milliseconds{5600};
    call.streams.push_back(stream(media_a, media_b,
                                  0xa0000000u + static_cast<std::uint32_t>(number), "PCMA",
                                  t0 + 3.6, t0 + 9.1, 0, id, true, frame + 22));
    call.streams.push_back(stream(media_b, media_a,
                                  0xb0000000u + static_cast<std::uint32_t>(number), "PCMA",
                                  t0 + 3.62, t0 + 9.1, number == 3 ? 2 : 0, id, false, frame + 23));
    return call;
}
}  // namespace detail

// 900 calls 100 through an exchange: two calls, each a leg of the other.
inline std::pair<analysis::Call, analysis::Call> b2bua_calls() {
    const Endpoint phone = ep("192.0.2.31:5060"), pbx = ep("192.0.2.1:5060"),
                   other = ep("192.0.2.32:5062");
    auto a = detail::leg(3, "leg-a", phone, pbx, 60, "192.0.2.31:4000", "192.0.2.1:5000", 40);
    auto b = detail::leg(4, "leg-b", pbx, other, 60, "192.0.2.1:4000", "192.0.2.32:5000", 42);
    a.legs.push_back(
        {a.texts.keep("leg-b"), "same numbers, and it began 20 ms later from the exchange"});
    b.legs.push_back(
        {b.texts.keep("leg-a"), "same numbers, and it began 20 ms later from the exchange"});
    return {std::move(a), std::move(b)};
}

// A proxy forks the INVITE to two phones under one Call-ID; the second answers, the first is
// cancelled.
inline analysis::Call forked_call() {
    analysis::Call call;
    call.number = 5;
    call.kind = analysis::CallKind::invite;
    call.state = analysis::CallState::answered;
    const Endpoint a = ep("192.0.2.10:5060"), p = ep("192.0.2.5:5060"), b = ep("192.0.2.21:5060"),
                   c = ep("192.0.2.22:5060");
    const std::string_view va = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKfork";
    const std::string_view vb = "Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bKfork.1";
    const std::string_view vc = "Via: SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bKfork.2";
    const std::string_view from = "From: <sip:alice@a.example>;tag=fa",
                           to = "To: <sip:desk@a.example>";
    const std::string_view tb = "To: <sip:desk@a.example>;tag=tb",
                           tc = "To: <sip:desk@a.example>;tag=tc";
    const std::string_view id = "Call-ID: fork-1", cs = "CSeq: 7 INVITE";
    const std::string_view line = "INVITE sip:desk@a.example SIP/2.0",
                           t = "Content-Type: application/sdp";
    const std::string body = sdp("alice", "192.0.2.10", 7078);
    add(call, 60, 100, a, p,
        sip({line, va, from, to, id, cs, "User-Agent: Zoiper rv2.10", t}, body));
    add(call, 61, 100.001, p, a,
        sip({"SIP/2.0 100 trying -- your call is important to us", va, from, to, id, cs,
             "Server: kamailio (5.6.3 (x86_64/linux))"}));
    add(call, 62, 100.002, p, b,
        sip({line, vb, va, from, to, id, cs, "User-Agent: Zoiper rv2.10", t}, body));
    add(call, 63, 100.002, p, c,
        sip({line, vc, va, from, to, id, cs, "User-Agent: Zoiper rv2.10", t}, body));
    add(call, 64, 100.05, b, p,
        sip({"SIP/2.0 180 Ringing", vb, va, from, tb, id, cs, "User-Agent: Snom/8.7"}))
        .dialog = 0;
    add(call, 65, 100.051, p, a,
        sip({"SIP/2.0 180 Ringing", va, from, tb, id, cs, "User-Agent: Snom/8.7"}))
        .dialog = 0;
    add(call, 66, 100.08, c, p, sip({"SIP/2.0 180 Ringing", vc, va, from, tc, id, cs})).dialog = 1;
    add(call, 67, 100.081, p, a, sip({"SIP/2.0 180 Ringing", va, from, tc, id, cs})).dialog = 1;
    add(call, 68, 103.5, c, p,
        sip({"SIP/2.0 200 OK", vc, va, from, tc, id, cs, t}, sdp("c", "192.0.2.22", 6000)))
        .dialog = 1;
    add(call, 69, 103.501, p, a,
        sip({"SIP/2.0 200 OK", va, from, tc, id, cs, t}, sdp("c", "192.0.2.22", 6000)))
        .dialog = 1;
    add(call, 70, 103.502, p, b,
        sip({"CANCEL sip:desk@a.example SIP/2.0", vb, from, to, id, "CSeq: 7 CANCEL",
             "Reason: SIP;cause=200;text=\"Call completed elsewhere\""}));
    add(call, 71, 103.52, b, p, sip({"SIP/2.0 200 OK", vb, from, tb, id, "CSeq: 7 CANCEL"}));
    add(call, 72, 103.521, b, p, sip({"SIP/2.0 487 Request Terminated", vb, va, from, tb, id, cs}))
        .dialog = 0;
    add(call, 73, 103.53, a, c,
        sip({"ACK sip:desk@192.0.2.22 SIP/2.0", va, from, tc, id, "CSeq: 7 ACK"}))
        .dialog = 1;
    call.call_id = call.texts.keep("fork-1");
    call.from = {"", "sip:alice@a.example", "alice", "a.example"};
    call.to = {"", "sip:desk@a.example", "desk", "a.example"};
    call.request_uri = "sip:desk@a.example";
    call.caller_agent = "Zoiper rv2.10";
    call.caller = a;
    call.callee = p;
    call.final_code = 200;
    call.final_reason = "OK";
    call.post_dial_delay = std::chrono::milliseconds{51};
    call.setup = std::chrono::milliseconds{3501};
    call.ring = std::chrono::milliseconds{3450};
    call.dialogs = {
        {"fa", "tb", analysis::DialogState::terminated, at(100.05), no_time, at(103.521), "", ""},
        {"fa", "tc", analysis::DialogState::confirmed, at(100.08), at(103.5), no_time, "", ""}};
    return call;
}

inline analysis::Call registration() {
    analysis::Call call;
    call.number = 6;
    call.kind = analysis::CallKind::register_;
    call.state = analysis::CallState::registered;
    const Endpoint a = ep("192.0.2.10:5060"), r = ep("192.0.2.1:5060");
    const std::string_view via1 = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKr1";
    const std::string_view via2 = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKr2";
    const std::string_view from = "From: <sip:900@pbx.example>;tag=r",
                           to = "To: <sip:900@pbx.example>";
    const std::string_view id = "Call-ID: reg-1";
    add(call, 80, 120, a, r,
        sip({"REGISTER sip:pbx.example SIP/2.0", via1, from, to, id, "CSeq: 1 REGISTER",
             "Expires: 300"}));
    add(call, 81, 120.004, r, a,
        sip({"SIP/2.0 401 Unauthorized", via1, from, to, id, "CSeq: 1 REGISTER",
             "WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"abcdef\", qop=\"auth\""}));
    add(call, 82, 120.006, a, r,
        sip({"REGISTER sip:pbx.example SIP/2.0", via2, from, to, id, "CSeq: 2 REGISTER",
             "Expires: 300", "Contact: <sip:900@192.0.2.10:5060>",
             "Authorization: Digest username=\"900\", realm=\"pbx.example\", nonce=\"abcdef\", "
             "uri=\"sip:pbx.example\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", "
             "response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c\""}));
    add(call, 83, 120.012, r, a,
        sip({"SIP/2.0 200 OK", via2, from, to, id, "CSeq: 2 REGISTER",
             "Contact: <sip:900@192.0.2.10:5060>;expires=300"}));
    call.call_id = call.texts.keep("reg-1");
    call.from = call.to = {"", "sip:900@pbx.example", "900", "pbx.example"};
    call.request_uri = "sip:pbx.example";
    call.caller = a;
    call.callee = r;
    call.final_code = 200;
    call.final_reason = "OK";
    call.challenges = 1;
    call.expires_s = 300;
    call.contact = "sip:900@192.0.2.10:5060";
    return call;
}

// What must reach no terminal, page or spreadsheet as it is.
inline constexpr std::string_view osc =
    "\x1b]0;owned\x07\x1b[2J\x9b"
    "31m";
inline constexpr std::string_view bidi =
    "\xe2\x80\xae"
    "gpj.exe";  // U+202E
inline constexpr std::string_view script =
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
inline constexpr std::string_view not_utf8 = "\xff\xc0\xaf\xed\xa0\x80";

// A call each of whose strings is hostile. Everything else about it is ordinary.
inline analysis::Call hostile_call() {
    analysis::Call call;
    call.number = 7;
    call.kind = analysis::CallKind::invite;
    call.state = analysis::CallState::failed;
    const Endpoint a = ep("203.0.113.66:5060"), b = ep("192.0.2.1:5060");
    const std::string nul(1, '\0');
    const std::string id = "long-" + std::string(script) + std::string(4096, 'x') + "\"'`&" + nul;
    const std::string agent = "evil " + std::string(osc) + std::string(script) + nul + "end";
    const std::string from = "From: \"" + std::string(bidi) + std::string(script) +
                             "\" <sip:\x1b[31mred@evil.example>;tag=x";
    const std::string line = "Call-ID: " + id, ua = "User-Agent: " + agent;
    const std::string user =
        "Authorization: Digest username=\"" + std::string(script) + "\", response=\"00\"";
    add(call, 90, 140, a, b,
        sip({"INVITE sip:=cmd|' /C calc'!A0@b.example SIP/2.0",
             "Via: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bKx", from, "To: <sip:=1+1@b.example>",
             line, "CSeq: 1 INVITE", ua, user, "Subject: folded\r\n  \"value\" with \t tab"}));
    add(call, 91, 140, b, a,
        sip({"SIP/2.0 500 \x1b[5m<b>Internal; -- \"no\" %% Error</b>\r\n\tfolded #;",
             "Via: SIP/2.0/UDP x", from, "To: <sip:=1+1@b.example>;tag=y", line,
             "CSeq: 1 INVITE"}));
    add(call, 92, 140, a, b, sip({"ACK sip:x SIP/2.0", from, line, "CSeq: 1 ACK"}));
    add(call, 93, 140, a, b,
        sip({"<SCRIPT>\x1b sip:x SIP/2.0", from, line, "CSeq: 2 <SCRIPT>\x1b;end"}));
    call.call_id = call.texts.keep(id);
    call.from = {call.texts.keep(std::string(bidi) + std::string(script)),
                 call.texts.keep("sip:\x1b[31mred@evil.example"),
                 call.texts.keep("\x1b[31mred;end\nnote over A: x"), "evil.example"};
    call.to = {call.texts.keep(not_utf8), "sip:=1+1@b.example", "=1+1", "b.example"};
    call.request_uri = "sip:=cmd|' /C calc'!A0@b.example";
    call.caller_agent = call.texts.keep(agent);
    call.callee_agent = call.texts.keep(not_utf8);
    call.caller = a;
    call.callee = b;
    call.final_code = 500;
    call.final_reason =
        call.texts.keep("\x1b[5m<b>Internal; -- \"no\" %% Error</b>\r\n\tfolded #;");
    call.reason_header = call.texts.keep("@SUM(1+1)*cmd|' /C calc'!A0\r\nX: y");
    call.streams.push_back(stream("203.0.113.66:4000", "192.0.2.1:4000", 0xffffffff, "PCMU", 140.1,
                                  141, 0, id, true, 95));
    call.streams[0].codec = "PC\x1b[31mMU<script>";
    call.streams[0].cname = script;
    call.findings.push_back(
        {"sip-reason-phrase", Severity::error, 91, 12,
         "the reason phrase \x1b[5m<b>Internal\nError</b> breaks " + std::string(not_utf8),
         "RFC 3261 25.1"});
    return call;
}

inline analysis::Report report() {
    analysis::Report r;
    analysis::FileFacts file;
    file.name = "sample.pcapng";
    file.format = "pcapng";
    file.compression = "zstd";
    file.frames = 1300;
    file.bytes = 345678;
    file.comments = {"recorded by hand"};
    file.interfaces = {"eth0 (Ethernet)"};
    r.files.push_back(file);
    r.first = at(0);
    r.last = at(150);
    using net::Fate;
    const auto count = [&r](Fate fate, std::uint64_t n) {
        r.counts.frames.by_fate[static_cast<std::size_t>(fate)] = n;
    };
    count(Fate::delivered, 1278);
    count(Fate::held, 3);
    count(Fate::not_ip, 12);
    count(Fate::other_transport, 4);
    count(Fate::cut_short, 2);
    count(Fate::bad_header, 1);
    r.counts.frames.frames = 1300;
    r.counts.frames.datagrams = 1275;
    r.counts.sip_messages = 52;
    r.counts.rtp_packets = 1200;
    r.counts.rtcp_packets = 16;
    r.counts.stun = 4;
    r.counts.other_datagrams = 3;
    r.counts.malformed_sip = 1;
    r.calls.push_back(answered_call());
    r.calls.push_back(busy_call());
    auto legs = b2bua_calls();
    r.calls.push_back(std::move(legs.first));
    r.calls.push_back(std::move(legs.second));
    r.calls.push_back(forked_call());
    r.calls.push_back(registration());
    r.calls.push_back(hostile_call());
    r.streams.push_back(
        stream("192.0.2.99:4000", "192.0.2.98:4002", 0x77777777, "PCMA", 50, 55, 1, "", false, 30));
    r.streams.back().from_sdp = false;
    r.streams.back().media_line = analysis::none;
    for (const auto& call : r.calls)
        for (const auto& finding : call.findings) r.findings.push_back(finding);
    r.findings.push_back(
        {"net-cut-short", Severity::error, 0, 0, "2 frames end within a header", ""});
    r.names.push_back({ep("192.0.2.1:1").address, "pbx.example"});
    return r;
}

}  // namespace sipana::sample
