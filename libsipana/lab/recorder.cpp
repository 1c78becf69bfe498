#include "libsipana/lab/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/net/fragmenter.h"

namespace sipana::lab {

namespace {

constexpr Duration flush_after = std::chrono::seconds{1};

std::string comment_of(const Packet& packet, Fate fate, bool duplicate) {
    std::string comment;
    if (!packet.note.empty()) {
        // No character is cut in two: what is left of one becomes U+FFFD.
        comment = valid_utf8(packet.note.substr(0, Recorder::longest_comment));
    }
    const auto add = [&](std::string_view text) {
        if (!comment.empty()) comment += "; ";
        comment += text;
    };
    if (duplicate) add("doubled by the network");
    if (fate == Fate::refused) add("nobody listens there");
    return comment;
}

}  // namespace

Recorder::Recorder(std::unique_ptr<CaptureFile> file, const CaptureHead& head)
    : file_(std::move(file)), seed_(head.seed) {
    file_->begin(head);
}

Recorder::~Recorder() = default;

Result<std::unique_ptr<Recorder>> Recorder::create(const std::string& path,
                                                   const CaptureHead& head) {
    auto file = CaptureFile::create(path);
    if (!file) return file.error();
    std::unique_ptr<Recorder> recorder(new Recorder(std::move(*file), head));
    // A disk that is full already is told of at once.
    if (auto flushed = recorder->flush(); !flushed) return flushed.error();
    return recorder;
}

std::unique_ptr<Recorder> Recorder::into(Buffer& out, const CaptureHead& head) {
    return std::unique_ptr<Recorder>(new Recorder(CaptureFile::into(out), head));
}

Status Recorder::flush() {
    flushed_ = last_;
    return file_->flush();
}

Status Recorder::close(std::optional<Time> at) {
    if (closed_) return status();
    const Time end = std::max(at.value_or(last_), last_);
    for (auto& [pair, c] : conversations_) {
        tcp(c, true, net::tcp_fin | net::tcp_ack, {}, end, {});
        tcp(c, false, net::tcp_fin | net::tcp_ack, {}, end, {});
        tcp(c, true, net::tcp_ack, {}, end, {});
    }
    conversations_.clear();
    closed_ = true;
    return file_->close();
}

void Recorder::on_packet(const Packet& packet, Time at, Fate fate, bool duplicate) {
    if (closed_ || !status()) return;
    if (fate == Fate::dropped) {
        ++counts_.lost;
        return;
    }
    at = last_ = std::max(at, last_);  // a clock that is set back does not turn the capture over
    const std::string comment = comment_of(packet, fate, duplicate);
    if (fate == Fate::refused) ++counts_.refused;
    if (packet.transport == Transport::udp)
        record_datagram(packet, at, comment);
    else if (fate == Fate::refused)
        record_refused(packet, at, comment);
    else
        record_stream(packet, at, comment);
    if (last_ - flushed_ >= flush_after) (void)flush();
    if (!status() || (fate == Fate::refused && packet.transport != Transport::udp)) return;
    ++(packet.content == Content::sip   ? counts_.sip
       : packet.content == Content::rtp ? counts_.rtp
                                        : counts_.rtcp);
}

void Recorder::write(Bytes frame, Time at, std::string_view comment) {
    pcap::Frame record;
    record.time = at;
    record.bytes = frame;
    record.wire_size = static_cast<std::uint32_t>(frame.size());
    record.link = pcap::LinkType::ethernet;
    record.comment = comment;
    file_->packet(record);
}

void Recorder::record_datagram(const Packet& packet, Time at, std::string_view comment) {
    net::FrameShape shape;
    const std::uint32_t id = ++datagrams_;
    shape.id = static_cast<std::uint16_t>(id);
    const auto made = net::put_udp_frame(packet.src, packet.dst, packet.payload, shape, frame_);
    if (!made) return file_->refuse(made.error());
    constexpr std::size_t ethernet_header = 14;
    if (frame_.size() <= ethernet_header + net::ethernet_mtu) return write(frame_, at, comment);
    const auto pieces = net::fragment(frame_, id);
    if (!pieces) return file_->refuse(pieces.error());
    // The comment stands where a reader says the datagram is: at the frame that completes it.
    for (const Buffer& frame_of_piece : *pieces)
        write(frame_of_piece, at,
              &frame_of_piece == &pieces->back() ? comment : std::string_view{});
}

void Recorder::tcp(Conversation& c, bool from_opener, std::uint8_t flags, Bytes payload, Time at,
                   std::string_view comment) {
    std::uint32_t& seq = from_opener ? c.opener_seq : c.answerer_seq;
    const std::uint32_t peer = from_opener ? c.answerer_seq : c.opener_seq;
    net::TcpFields fields;
    fields.seq = seq;
    fields.ack = (flags & net::tcp_ack) != 0 ? peer : 0;
    fields.flags = flags;
    net::FrameShape shape;
    shape.id = static_cast<std::uint16_t>(++datagrams_);
    const auto made =
        net::put_tcp_frame(from_opener ? c.opener : c.answerer, from_opener ? c.answerer : c.opener,
                           fields, payload, shape, frame_);
    if (!made) return file_->refuse(made.error());
    seq += static_cast<std::uint32_t>(payload.size());
    if ((flags & (net::tcp_syn | net::tcp_fin)) != 0) ++seq;
    write(frame_, at, comment);
}

Recorder::Conversation& Recorder::conversation(const Packet& packet, Time at) {
    const Pair pair = std::minmax(packet.src, packet.dst);
    const auto [found, is_new] = conversations_.try_emplace(pair);
    Conversation& c = found->second;
    if (!is_new) return c;
    const std::uint64_t start = mix(seed_, ++connections_);
    c = {packet.src, packet.dst, static_cast<std::uint32_t>(start),
         static_cast<std::uint32_t>(start >> 32)};
    const std::string_view secret = packet.transport == Transport::tls
                                        ? "TLS, recorded in plain text as TCP"
                                        : std::string_view{};
    tcp(c, true, net::tcp_syn, {}, at, secret);
    tcp(c, false, net::tcp_syn | net::tcp_ack, {}, at, {});
    tcp(c, true, net::tcp_ack, {}, at, {});
    return c;
}

void Recorder::record_stream(const Packet& packet, Time at, std::string_view comment) {
    Conversation& c = conversation(packet, at);
    const bool from_opener = packet.src == c.opener;
    Bytes rest = packet.payload;
    while (!rest.empty()) {
        const Bytes part = rest.first(std::min(rest.size(), segment));
        rest = rest.subspan(part.size());
        // As with fragments: the comment stands at the frame that completes the message.
        tcp(c, from_opener, rest.empty() ? net::tcp_psh | net::tcp_ack : net::tcp_ack, part, at,
            rest.empty() ? comment : std::string_view{});
    }
}

void Recorder::record_refused(const Packet& packet, Time at, std::string_view comment) {
    const std::uint64_t start = mix(seed_, ++connections_);
    Conversation c{packet.src, packet.dst, static_cast<std::uint32_t>(start), 0};
    std::string_view text = as_text(packet.payload);
    const std::string said =
        fmt::format("{}: {}", printable(trim(cut(text, '\n')).substr(0, 200)), comment);
    tcp(c, true, net::tcp_syn, {}, at, said);
    tcp(c, false, net::tcp_rst | net::tcp_ack, {}, at, {});
}

}  // namespace sipana::lab
