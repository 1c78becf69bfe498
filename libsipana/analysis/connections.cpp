#include "libsipana/analysis/connections.h"

#include <algorithm>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/sip/message.h"

namespace sipana::analysis {
namespace {

// Bytes looked at before a direction that was joined in the middle is given up.
constexpr std::size_t most_head = 64 * 1024;

bool is_tls(Bytes b) {
    return b.size() >= 3 && b[0] >= 20 && b[0] <= 23 && b[1] == 3 && b[2] <= 4;
}

// Could these first bytes still become the start line of a SIP message or an HTTP upgrade?
bool undecided(Bytes b) {
    return b.size() < 16 && std::all_of(b.begin(), b.end(), [](std::uint8_t c) {
               return c == '\r' || c == '\n' || (c >= 0x20 && c < 0x7f);
           });
}

}  // namespace

Connections::Kind Connections::recognise(Direction& d, Bytes bytes, bool from_start, bool last) {
    if (is_tls(bytes)) {
        ++tls_;
        return Kind::other;
    }
    if (sip::looks_like_sip(as_text(bytes))) return Kind::sip;
    const net::UpgradeHead upgrade = net::upgrade_head(bytes);
    if (upgrade.state == net::UpgradeHead::State::yes) {
        d.head.erase(d.head.begin(), d.head.begin() + static_cast<std::ptrdiff_t>(upgrade.size));
        return Kind::websocket;
    }
    if (upgrade.state == net::UpgradeHead::State::incomplete && !last) return Kind::unknown;
    if (bytes[0] == 0x81 || bytes[0] == 0x82) {  // in the middle of a WebSocket connection
        net::WebSocketReader probe;
        probe.feed(bytes);
        if (const auto message = probe.poll(); message && sip::looks_like_sip(as_text(*message)))
            return Kind::websocket;
    }
    if (undecided(bytes) && !last) return Kind::unknown;
    if (from_start) return Kind::other;
    // Joined in the middle, perhaps of a message: wait for a line that begins one.
    const std::string_view text = as_text(bytes);
    for (auto at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1))
        if (sip::looks_like_sip(text.substr(at + 1))) return Kind::sip;
    return last || bytes.size() >= most_head ? Kind::other : Kind::unknown;
}

void Connections::feed(const net::Chunk& chunk) {
    if (ended_ != 0) directions_.erase(std::exchange(ended_, 0));
    Direction& d = directions_[chunk.connection];
    fed_ = &d;
    if (chunk.last) ended_ = chunk.connection;
    Bytes bytes = chunk.bytes;
    if (chunk.first) d.from_start = chunk.from_start;
    if (d.kind != Kind::unknown) Buffer().swap(d.head);  // poll() gave out views into it until now
    if (d.kind == Kind::unknown && !bytes.empty()) {

        d.head.insert(d.head.end(), bytes.begin(), bytes.end());
        d.kind = recognise(d, d.head, d.from_start, chunk.last);
        if (d.kind == Kind::sip) d.splitter = std::make_unique<sip::Splitter>();
        if (d.kind == Kind::websocket) d.frames = std::make_unique<net::WebSocketReader>();
        bytes = d.kind == Kind::unknown ? Bytes{} : Bytes(d.head);
    } else if (chunk.missing > 0) {
        if (d.splitter) d.splitter->lost(chunk.missing);
        if (d.frames) d.frames->gap();
    }
    if (d.splitter) {
        d.splitter->feed(bytes, d.from_start);
        if (chunk.last) d.splitter->finish();
    } else if (d.frames) {
        d.frames->feed(bytes);
    }
}

std::optional<Cut> Connections::poll() {
    if (fed_ == nullptr) return std::nullopt;
    if (fed_->splitter) {
        if (const auto piece = fed_->splitter->poll())
            return Cut{piece->text, Transport::tcp, piece->skipped_before, piece->incomplete};
    } else if (fed_->frames) {
        while (const auto message = fed_->frames->poll())
            if (sip::looks_like_sip(as_text(*message))) return Cut{as_text(*message), Transport::ws, 0, false};
    }
    return std::nullopt;
}

}  // namespace sipana::analysis
