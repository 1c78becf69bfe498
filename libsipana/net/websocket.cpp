#include "libsipana/net/websocket.h"

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::net {

namespace {

constexpr std::uint8_t opcode_continuation = 0, opcode_text = 1, opcode_binary = 2,
                       opcode_close = 8, opcode_pong = 10;
constexpr std::uint8_t reserved_compressed = 4;  // RSV1 (RFC 7692 6)
constexpr std::size_t max_control_payload = 125;

bool is_control(std::uint8_t opcode) { return opcode >= opcode_close; }

// Whether one of the comma-separated tokens of a header's value is `token`.
bool names(std::string_view value, std::string_view token) {
    while (!value.empty())
        if (iequals(trim(cut(value, ',')), token)) return true;
    return false;
}

}  // namespace

void WebSocketReader::feed(Bytes bytes) {
    if (stuck_) return;
    if (at_ != 0) {
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
        base_ += at_;
        at_ = 0;
    }
    if (buffer_.empty() && skipping_ != 0) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(skipping_, bytes.size()));
        skipping_ -= n;
        base_ += n;
        bytes = bytes.subspan(n);
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void WebSocketReader::gap() {
    base_ += buffer_.size();
    buffer_.clear();
    message_.clear();
    at_ = 0;
    skipping_ = 0;
    in_message_ = unwanted_ = stuck_ = false;
    resyncing_ = true;
}

std::optional<Bytes> WebSocketReader::poll() {
    if (message_handed_on_) {
        message_.clear();
        message_handed_on_ = false;
    }
    while (!stuck_ && skip()) {
        const auto h = header();
        if (!h) return std::nullopt;
        if (resyncing_ && !resynchronised(*h)) return std::nullopt;
        if (const auto what = broken(*h); !what.empty()) {
            fail(Errc::malformed, what);
            stuck_ = true;
            buffer_.clear();
            at_ = 0;
            return std::nullopt;
        }
        if (!is_control(h->opcode) && !begin_data_frame(*h)) {
            at_ += h->size;
            skipping_ = h->length;
            unwanted_ = in_message_ = !h->final_frame;
            continue;
        }
        if (buffer_.size() - at_ - h->size < h->length) return std::nullopt;
        if (auto message = end_frame(*h)) {
            ++messages_;
            return message;
        }
    }
    return std::nullopt;
}

// Passes over an unwanted payload; false while some of it is still to come.
bool WebSocketReader::skip() {
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(skipping_, buffer_.size() - at_));
    at_ += n;
    skipping_ -= n;
    return skipping_ == 0;
}

std::optional<WebSocketReader::Header> WebSocketReader::header() const {
    ByteReader in(Bytes(buffer_).subspan(at_));
    Header h;
    const std::uint8_t first = in.u8(), second = in.u8();
    h.final_frame = first & 0x80;
    h.reserved = first >> 4 & 7;
    h.opcode = first & 15;
    h.masked = second & 0x80;
    h.length = second & 0x7f;
    if (h.length == 126) {
        h.length = in.u16();
        h.minimal = h.length > 125;
    } else if (h.length == 127) {
        h.length = in.u64();
        h.minimal = h.length > 0xffff;
    }
    if (h.masked)
        for (auto& byte : h.mask) byte = in.u8();
    if (!in.ok()) return std::nullopt;
    h.size = in.pos();
    return h;
}

// Why the rest of the direction cannot be read; empty where it can.
std::string_view WebSocketReader::broken(const Header& h) {
    const bool may_be_compressed = h.opcode == opcode_text || h.opcode == opcode_binary;
    if (h.reserved != 0 && !(may_be_compressed && h.reserved == reserved_compressed))
        return "a reserved bit is set (RFC 6455 5.2)";
    if ((h.opcode > opcode_binary && h.opcode < opcode_close) || h.opcode > opcode_pong)
        return "the opcode is unknown (RFC 6455 5.2)";
    if (is_control(h.opcode) && (!h.final_frame || h.length > max_control_payload))
        return "a control frame is fragmented or longer than 125 bytes (RFC 6455 5.5)";
    if (h.length >> 63) return "the length has its first bit set (RFC 6455 5.2)";
    return {};
}

// After a gap the bytes must look like a frame, more strictly than elsewhere; those that do not are
// dropped, and the next ones fed are tried.
bool WebSocketReader::resynchronised(const Header& h) {
    if (h.reserved != 0 || !h.minimal || h.length > max_websocket_message || !broken(h).empty()) {
        base_ += buffer_.size();
        buffer_.clear();
        at_ = 0;
        return false;
    }
    resyncing_ = false;
    // The first frames of this message are lost.
    if (h.opcode == opcode_continuation) in_message_ = unwanted_ = true;
    return true;
}

// Whether the payload of this text, binary or continuation frame is wanted.
bool WebSocketReader::begin_data_frame(const Header& h) {
    if (h.opcode == opcode_continuation) {
        if (unwanted_) return false;
        if (!in_message_) {
            fail(Errc::malformed, "a continuation without a message (RFC 6455 5.4)");
            return false;
        }
    } else {
        if (in_message_ && !unwanted_)
            fail(Errc::malformed, "a message begins within another (RFC 6455 5.4)");
        message_.clear();
        in_message_ = unwanted_ = false;
        if (h.reserved == reserved_compressed) {
            fail(Errc::unsupported, "a compressed message (RFC 7692)");
            return false;
        }
    }
    if (h.length > max_websocket_message - message_.size()) {
        fail(Errc::too_large, "a message is larger than we put together");
        message_.clear();
        return false;
    }
    return true;
}

// The whole frame is there: unmasks it where it lies (RFC 6455 5.3).
std::optional<Bytes> WebSocketReader::end_frame(const Header& h) {
    const std::size_t begin = at_ + h.size;
    const auto length = static_cast<std::size_t>(h.length);
    if (h.masked)
        for (std::size_t i = 0; i < length; ++i) buffer_[begin + i] ^= h.mask[i % 4];
    at_ = begin + length;
    const Bytes payload = Bytes(buffer_).subspan(begin, length);
    if (is_control(h.opcode)) {
        ++control_frames_;
        closed_ = closed_ || h.opcode == opcode_close;
        return std::nullopt;
    }
    const bool whole = h.opcode != opcode_continuation && h.final_frame;
    in_message_ = !h.final_frame;
    if (whole) return payload;
    message_.insert(message_.end(), payload.begin(), payload.end());
    if (!h.final_frame) return std::nullopt;
    message_handed_on_ = true;
    return Bytes(message_);
}

void WebSocketReader::fail(Errc code, std::string_view what) {
    if (!error_) error_ = Error{code, static_cast<std::size_t>(base_ + at_), std::string(what)};
}

UpgradeHead upgrade_head(Bytes bytes) {
    UpgradeHead head;
    const std::string_view text = as_text(bytes);
    const auto may_begin = [text](std::string_view with) {
        const auto n = std::min(text.size(), with.size());
        return text.substr(0, n) == with.substr(0, n);
    };
    constexpr std::string_view request = "GET ", response = "HTTP/1.1 101";
    head.response = !text.empty() && text.front() == 'H';
    if (!may_begin(head.response ? response : request)) return head;

    const auto end = text.substr(0, max_upgrade_head).find("\r\n\r\n");
    if (end == text.npos) {
        if (text.size() < max_upgrade_head) head.state = UpgradeHead::State::incomplete;
        return head;
    }
    std::string_view lines = text.substr(0, end);
    cut(lines, '\n');  // the request line or status line
    bool websocket = false;
    while (!lines.empty()) {
        std::string_view value = cut(lines, '\n');
        const std::string_view name = trim(cut(value, ':'));
        if (iequals(name, "upgrade")) websocket = websocket || names(value, "websocket");
        if (iequals(name, "sec-websocket-protocol")) head.sip = head.sip || names(value, "sip");
    }
    if (!websocket) return head;
    head.state = UpgradeHead::State::yes;
    head.size = end + 4;
    return head;
}

void append_websocket_frame(Buffer& out, Opcode opcode, Bytes payload, bool final_frame,
                            std::optional<std::array<std::uint8_t, 4>> mask) {
    ByteWriter w(out);
    w.u8((final_frame ? 0x80u : 0u) | static_cast<unsigned>(opcode));
    const unsigned masked = mask ? 0x80u : 0u;
    if (payload.size() <= 125)
        w.u8(masked | payload.size());
    else if (payload.size() <= 0xffff)
        w.u8(masked | 126u).u16(payload.size());
    else
        w.u8(masked | 127u).u64(payload.size());
    if (!mask) {
        w.put(payload);
        return;
    }
    w.put(Bytes(*mask));
    for (std::size_t i = 0; i < payload.size(); ++i) w.u8(payload[i] ^ (*mask)[i % 4]);
}

}  // namespace sipana::net
