#include "libsipana/lab/recorder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
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

// The capture's file, which holds whole blocks whatever happens.
class Recorder::File {
public:
    File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    Status write(Bytes blocks, const std::vector<std::size_t>& ends) {
        std::size_t written = 0;
        while (written < blocks.size()) {
            const ssize_t n =
                ::write(descriptor_, blocks.data() + written, blocks.size() - written);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                const Error error = failure();
                cut_back(written, ends);
                return error;
            }
            written += static_cast<std::size_t>(n);
        }
        whole_ += blocks.size();
        return Done{};
    }
    // Network file systems tell of a full disk only here.
    Status close() {
        if (descriptor_ < 0) return Done{};
        return ::close(std::exchange(descriptor_, -1)) == 0 ? Status(Done{}) : failure();
    }

private:
    Error failure() const {
        return Error{Errc::io, 0,
                     fmt::format("{}: {}", path_, std::generic_category().message(errno))};
    }
    // A pipe or a device cannot be cut: then its reader sees a capture that ends early.
    void cut_back(std::size_t written, const std::vector<std::size_t>& ends) {
        const auto after = std::upper_bound(ends.begin(), ends.end(), written);
        if (after != ends.begin()) whole_ += *std::prev(after);
        if (::ftruncate(descriptor_, static_cast<off_t>(whole_)) == 0)
            ::lseek(descriptor_, 0, SEEK_END);
    }

    int descriptor_;
    std::string path_;
    std::size_t whole_ = 0;  // bytes of whole blocks in the file
};

Recorder::Recorder(std::unique_ptr<File> file, Buffer* out) : file_(std::move(file)), out_(out) {
    writer_.emplace([this](Bytes block) { return take(block); });
}

Recorder::~Recorder() {
    if (!closed_) hand_on();
}

Result<std::unique_ptr<Recorder>> Recorder::create(const std::string& path,
                                                   const RecorderSettings& settings) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        const Errc code = errno == EACCES || errno == EPERM ? Errc::denied
                          : errno == ENOENT                 ? Errc::not_found
                                                            : Errc::io;
        return Error{code, 0, fmt::format("{}: {}", path, std::generic_category().message(errno))};
    }
    std::unique_ptr<Recorder> recorder(
        new Recorder(std::make_unique<File>(descriptor, path), nullptr));
    recorder->begin(settings);
    // A disk that is full already is told of at once.
    if (auto flushed = recorder->flush(); !flushed) return flushed.error();
    return recorder;
}

std::unique_ptr<Recorder> Recorder::into(Buffer& out, const RecorderSettings& settings) {
    std::unique_ptr<Recorder> recorder(new Recorder(nullptr, &out));
    recorder->begin(settings);
    return recorder;
}

void Recorder::begin(const RecorderSettings& settings) {
    seed_ = settings.seed;
    std::vector<std::string> comments;
    if (!settings.script.empty())
        comments.push_back(fmt::format("script {}, seed {}", valid_utf8(settings.script), seed_));
    for (const std::string& comment : settings.comments) comments.push_back(valid_utf8(comment));
    keep(writer_->section("sipana-lab", comments));
    pcap::Interface interface;
    interface.link = pcap::LinkType::ethernet;
    interface.name = settings.interface;
    const auto index = writer_->interface(interface);
    if (!index) keep(index.error());
    if (!settings.names.empty()) keep(writer_->names(settings.names));
}

void Recorder::keep(Status status) {
    if (status_ && !status) status_ = std::move(status);
}

Status Recorder::take(Bytes block) {
    pending_.insert(pending_.end(), block.begin(), block.end());
    ends_.push_back(pending_.size());
    if (pending_.size() >= piece) hand_on();
    return status_;
}

void Recorder::hand_on() {
    flushed_ = last_;
    if (!status_ || pending_.empty()) return;
    if (file_)
        keep(file_->write(pending_, ends_));
    else
        out_->insert(out_->end(), pending_.begin(), pending_.end());
    pending_.clear();
    ends_.clear();
}

Status Recorder::flush() {
    hand_on();
    return status_;
}

Status Recorder::close(std::optional<Time> at) {
    if (closed_) return status_;
    const Time end = std::max(at.value_or(last_), last_);
    for (auto& [pair, c] : conversations_) {
        tcp(c, true, net::tcp_fin | net::tcp_ack, {}, end, {});
        tcp(c, false, net::tcp_fin | net::tcp_ack, {}, end, {});
        tcp(c, true, net::tcp_ack, {}, end, {});
    }
    conversations_.clear();
    hand_on();
    closed_ = true;
    if (file_) keep(file_->close());
    return status_;
}

void Recorder::on_packet(const Packet& packet, Time at, Fate fate, bool duplicate) {
    if (closed_ || !status_) return;
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
    if (last_ - flushed_ >= flush_after) hand_on();
    if (!status_ || (fate == Fate::refused && packet.transport != Transport::udp)) return;
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
    keep(writer_->packet(record));
}

void Recorder::record_datagram(const Packet& packet, Time at, std::string_view comment) {
    net::FrameShape shape;
    const std::uint32_t id = ++datagrams_;
    shape.id = static_cast<std::uint16_t>(id);
    const auto made = net::put_udp_frame(packet.src, packet.dst, packet.payload, shape, frame_);
    if (!made) return keep(made.error());
    constexpr std::size_t ethernet_header = 14;
    if (frame_.size() <= ethernet_header + net::ethernet_mtu) return write(frame_, at, comment);
    const auto pieces = net::fragment(frame_, id);
    if (!pieces) return keep(pieces.error());
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
    if (!made) return keep(made.error());
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
