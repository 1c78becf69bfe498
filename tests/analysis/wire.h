// Wire: traffic made up frame by frame, and what the analyzer makes of it. Times are milliseconds.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/base/text.h"
#include "libsipana/net/encoder.h"

namespace sipana::wire {

inline const Time epoch{1'700'000'000'000'000'000};
inline Time at(double ms) { return epoch + Duration{static_cast<std::int64_t>(ms * 1e6)}; }
inline Endpoint ep(std::string_view text) { return *Endpoint::parse(text); }

inline const Endpoint alice = ep("10.0.0.1:5060"), bob = ep("10.0.0.2:5060"), pbx = ep("10.0.0.9:5060");

inline std::string message(std::initializer_list<std::string_view> lines, std::string_view body = {}) {
    std::string out;
    for (std::string_view line : lines) out.append(line).append("\r\n");
    return out + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
}

inline std::string sdp_body(std::string_view ip, int port, std::string_view attributes = {}, int version = 1) {
    return fmt::format(
        "v=0\r\no=- 1 {} IN IP4 {}\r\ns=-\r\nc=IN IP4 {}\r\nt=0 0\r\nm=audio {} RTP/AVP 0 101\r\n"
        "a=rtpmap:101 telephone-event/8000\r\n{}",
        version, ip, ip, port, attributes);
}

struct Request {
    std::string_view method = "INVITE", call_id = "c1", branch = "z9hG4bKa", to_tag = "", body = "";
    unsigned cseq = 1;
    std::string_view from_tag = "f1", extra = "";  // extra: whole lines with CRLF
    std::string_view from = "<sip:alice@a.example>", to = "<sip:bob@b.example>";
    std::string_view via = "10.0.0.1:5060";
};

inline std::string request(const Request& r) {
    const std::string_view type = r.body.empty() ? "" : "Content-Type: application/sdp\r\n";
    return fmt::format(
        "{} sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={}\r\nMax-Forwards: 70\r\n"
        "From: {};tag={}\r\nTo: {}{}{}\r\nCall-ID: {}\r\nCSeq: {} {}\r\n"
        "Contact: <sip:alice@10.0.0.1>\r\n{}{}Content-Length: {}\r\n\r\n{}",
        r.method, r.via, r.branch, r.from, r.from_tag, r.to, r.to_tag.empty() ? "" : ";tag=", r.to_tag,
        r.call_id, r.cseq, r.method, r.extra, type, r.body.size(), r.body);
}

// A response to `to`: its Via, From, To (with the tag), Call-ID and CSeq, and lines of its own.
inline std::string response(std::string_view to, std::string_view status, std::string_view tag = "",
                            std::string_view body = "", std::string_view extra = "") {
    std::string out = fmt::format("SIP/2.0 {}\r\n", status);
    while (!to.empty()) {
        std::string_view line = cut(to, '\n');
        line = trim(line);
        if (line.empty()) break;
        for (std::string_view name : {"Via:", "From:", "Call-ID:", "CSeq:"})
            if (line.starts_with(name)) out.append(line).append("\r\n");
        if (line.starts_with("To:")) {
            out.append(line);
            if (!tag.empty() && line.find(";tag=") == line.npos) out.append(";tag=").append(tag);
            out.append("\r\n");
        }
    }
    if (!body.empty()) out += "Content-Type: application/sdp\r\n";
    return out + fmt::format("{}Content-Length: {}\r\n\r\n{}", extra, body.size(), body);
}

inline std::string rtp(std::uint16_t seq, std::uint32_t timestamp, std::uint32_t ssrc = 0x1234,
                       std::uint8_t type = 0, bool marker = false, std::size_t size = 160) {
    Buffer b;
    ByteWriter(b).u8(0x80).u8((marker ? 0x80u : 0u) | type).u16(seq).u32(timestamp).u32(ssrc);
    b.resize(b.size() + size, 0x55);
    return std::string(as_text(b));
}

class Wire {
public:
    Wire& udp(double ms, const Endpoint& src, const Endpoint& dst, std::string_view payload) {
        return add(ms, *net::udp_frame(src, dst, as_bytes(payload)));
    }
    // The next segment of the connection; sequence numbers are kept per direction.
    Wire& tcp(double ms, const Endpoint& src, const Endpoint& dst, std::uint32_t seq,
              std::string_view payload, std::uint8_t flags = net::tcp_ack | net::tcp_psh) {
        return add(ms, *net::tcp_frame(src, dst, {seq, 1, flags, 65535}, as_bytes(payload)));
    }
    Wire& frame(double ms, Buffer bytes) { return add(ms, std::move(bytes)); }
    // `count` packets of PCMU, 20 ms apart.
    Wire& speech(double ms, const Endpoint& src, const Endpoint& dst, int count, std::uint16_t seq = 1,
                 std::uint32_t ssrc = 0x1234) {
        for (int i = 0; i < count; ++i)
            udp(ms + 20 * i, src, dst,
                rtp(static_cast<std::uint16_t>(seq + i), static_cast<std::uint32_t>(160 * i), ssrc));
        return *this;
    }

    // Plays the frames in order of time. `stable`: as if from a mapped file; the report then views this Wire.
    analysis::Report play(analysis::Options options = {}, bool stable = false) {
        analysis::Report report;
        analysis::Collector collector(report);
        analysis::Analyzer analyzer(options, collector);
        for_each([&](const pcap::Frame& f) { analyzer.on_frame(f); }, stable);
        analyzer.finish();
        collector.finish(analyzer);
        return report;
    }

    // The frames in order of time.
    template <typename Visit>
    void for_each(Visit visit, bool stable = false) {
        std::stable_sort(frames_.begin(), frames_.end(),
                         [](const Timed& a, const Timed& b) { return a.time < b.time; });
        std::uint64_t number = 0;
        for (const Timed& t : frames_) {
            pcap::Frame f;
            f.number = ++number;
            f.time = t.time;
            f.bytes = t.bytes;
            f.wire_size = static_cast<std::uint32_t>(t.bytes.size());
            f.link = pcap::LinkType::ethernet;
            f.stable = stable;
            visit(f);
        }
    }

private:
    struct Timed {
        Time time;
        Buffer bytes;
    };
    Wire& add(double ms, Buffer bytes) {
        frames_.push_back({at(ms), std::move(bytes)});
        return *this;
    }
    std::vector<Timed> frames_;
};

inline bool has_rule(const std::vector<Finding>& findings, std::string_view rule) {
    for (const Finding& f : findings)
        if (f.rule == rule) return true;
    return false;
}

}  // namespace sipana::wire
