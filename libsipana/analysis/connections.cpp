#include "libsipana/analysis/connections.h"

#include <algorithm>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/hep/packet.h"
#include "libsipana/sip/message.h"

namespace sipana::analysis {
namespace {

// Bytes looked at before a direction that was joined in the middle is given up.
constexpr std::size_t most_head = 64 * 1024;
constexpr std::ptrdiff_t most_start_line = 8 * 1024;

bool is_tls(Bytes b) {
    return b.size() >= 3 && b[0] >= 20 && b[0] <= 23 && b[1] == 3 && b[2] <= 4;
}

// Could these first bytes still become the start line of a SIP message? A segment may end anywhere in it.
bool undecided(Bytes b) {
    const auto begin = std::find_if(b.begin(), b.end(), [](std::uint8_t c) { return c != '\r' && c != '\n'; });
    return b.end() - begin < most_start_line && std::all_of(begin, b.end(), [](std::uint8_t c) {
               return c == '\r' || (c >= 0x20 && c != 0x7f);  // an end of line decides
           });
}

// A whole WebSocket frame with SIP in it.
bool begins_with_frame(Bytes b) {
    constexpr std::uint8_t text = 0x81, binary = 0x82;  // with FIN
    if (b[0] != text && b[0] != binary) return false;
    net::WebSocketReader probe;
    probe.feed(b);
    const auto message = probe.poll();
    return message && sip::looks_like_sip(as_text(*message));
}

}  // namespace

Connections::Kind Connections::recognise(Direction& d, Bytes bytes, bool from_start, bool last) {
    if (is_tls(bytes)) {
        ++tls_;
        return Kind::other;
    }
    if (sip::looks_like_sip(as_text(bytes))) return Kind::sip;
    if (hep::begins_packet(bytes, true)) return bytes.size() < 2 * hep::head_size && !last ? Kind::unknown : Kind::hep;
    const net::UpgradeHead upgrade = net::upgrade_head(bytes);
    if (upgrade.state == net::UpgradeHead::State::yes) {
        d.head.erase(d.head.begin(), d.head.begin() + static_cast<std::ptrdiff_t>(upgrade.size));
        return Kind::websocket;
    }
    if (upgrade.state == net::UpgradeHead::State::incomplete && !last) return Kind::unknown;
    if (begins_with_frame(bytes)) return Kind::websocket;  // in the middle of a WebSocket connection
    if (undecided(bytes) && !last) return Kind::unknown;
    if (from_start) return Kind::other;
    // Joined in the middle, perhaps of a message: wait for a line that begins one.
    const std::string_view text = as_text(bytes);
    for (auto at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1))
        if (sip::looks_like_sip(text.substr(at + 1))) return Kind::sip;
    for (auto at = text.find("HEP3"); at != text.npos; at = text.find("HEP3", at + 1))
        if (bytes.size() - at >= 2 * hep::head_size && hep::begins_packet(bytes.subspan(at), true)) return Kind::hep;
    return last || bytes.size() >= most_head ? Kind::other : Kind::unknown;
}

void Connections::feed(const net::Chunk& chunk) {
    rest_ = {};
    if (fed_ != nullptr) weigh(*fed_);  // what poll() has left of it
    fed_ = nullptr;
    if (ended_ != 0) {
        held_ -= directions_[ended_].held;
        directions_.erase(std::exchange(ended_, 0));
    }
    Direction& d = directions_[chunk.connection];
    if (held_ > most_held_) give_up_most(d);
    fed_ = &d;
    if (chunk.last) ended_ = chunk.connection;
    Bytes bytes = chunk.bytes;
    if (chunk.first) d.from_start = chunk.from_start;
    if (d.kind != Kind::unknown) Buffer().swap(d.head);  // poll() gave out views into it until now
    if (d.kind == Kind::unknown && chunk.missing > 0) {
        d.head.clear();
        d.from_start = false;
    }
    if (d.kind == Kind::unknown && !bytes.empty()) {
        // Joined within a frame, its end is not known; a later segment may begin with one.
        if (!d.from_start && begins_with_frame(bytes)) d.head.clear();
        d.head.insert(d.head.end(), bytes.begin(), bytes.end());
        d.kind = recognise(d, d.head, d.from_start, chunk.last);
        if (d.kind == Kind::sip) d.splitter = std::make_unique<sip::Splitter>();
        if (d.kind == Kind::websocket) d.frames = std::make_unique<net::WebSocketReader>();
        if (d.kind == Kind::hep) d.packets = std::make_unique<hep::Framer>();
        bytes = d.kind == Kind::unknown ? Bytes{} : Bytes(d.head);
    } else if (chunk.missing > 0) {
        if (d.splitter) d.splitter->lost(chunk.missing);
        if (d.frames) d.frames->gap();
        if (d.packets) d.packets->lost();
    }
    if (d.splitter) {
        d.splitter->feed(bytes, d.from_start);
        if (chunk.last) d.splitter->finish();
    } else if (d.frames) {
        d.frames->feed(bytes);
    } else if (d.packets) {
        d.packets->feed(bytes);
    }
}

void Connections::weigh(Direction& d) {
    std::size_t held = d.head.capacity();
    if (d.splitter) held += d.splitter->held();
    if (d.frames) held += d.frames->held();
    if (d.packets) held += d.packets->kept();
    held_ += held - d.held;
    d.held = held;
}

// One pass frees all that hold more than their share, so that it is seldom.
void Connections::give_up_most(const Direction& but) {
    const std::size_t share = most_held_ / 2 / directions_.size();
    for (auto& [connection, d] : directions_) {
        if (&d == &but || d.held <= share) continue;
        const std::size_t held = d.held;
        d = {};
        held_ -= held;
        ++given_up_;
    }
}

std::optional<Cut> Connections::poll() {
    if (fed_ == nullptr) return std::nullopt;
    if (fed_->splitter) {
        if (const auto piece = fed_->splitter->poll())
            return Cut{piece->text, Transport::tcp, piece->skipped_before, piece->incomplete};
    } else if (fed_->frames) {
        return from_frames(*fed_->frames);
    } else if (fed_->packets) {
        return from_packets(*fed_);
    }
    return std::nullopt;
}

std::optional<Error> Connections::fault() {
    if (fed_ == nullptr || !fed_->frames || !fed_->frames->error() || fed_->fault_told) return std::nullopt;
    fed_->fault_told = true;
    return fed_->frames->error();
}

// The next packet of a HEP agent; at the end of the connection what there is of one.
std::optional<Cut> Connections::from_packets(Direction& d) {
    auto packet = d.packets->poll();
    const bool incomplete = !packet && ended_ != 0;
    if (incomplete) packet = d.packets->finish();
    if (!packet) return std::nullopt;
    Cut cut{as_text(*packet), Transport::tcp, d.packets->skipped() - d.skipped, incomplete};
    cut.hep = true;
    d.skipped = d.packets->skipped();
    return cut;
}

// The next SIP message of a WebSocket connection. There is one in each WebSocket message, or should be.
std::optional<Cut> Connections::from_frames(net::WebSocketReader& frames) {
    const bool joined = !rest_.empty();
    std::string_view text = std::exchange(rest_, {});
    while (text.empty()) {
        const auto message = frames.poll();
        if (!message) return std::nullopt;
        if (sip::looks_like_sip(as_text(*message))) text = as_text(*message);
    }
    if (message_.read(text) && message_.content_length() && !message_.body_cut()) {
        const auto size = static_cast<std::size_t>(message_.body().data() - text.data()) + message_.body().size();
        const std::string_view after = text.substr(std::min(size, text.size()));
        if (sip::looks_like_sip(after)) {
            rest_ = after;
            text.remove_suffix(after.size());
        }
    }
    return Cut{text, Transport::ws, 0, false, joined};
}

}  // namespace sipana::analysis
