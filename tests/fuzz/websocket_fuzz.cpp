// WebSocket. The same bytes fed whole and in pieces give the same messages and the same error; what
// append_websocket_frame writes is read back; the head of an upgrade does not depend on what
// follows.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "libsipana/net/websocket.h"

using namespace sipana;

namespace {

void require(bool true_in_every_run) {
    if (!true_in_every_run) std::abort();
}

void collect(net::WebSocketReader& reader, std::vector<std::string>& out) {
    while (const auto message = reader.poll()) out.emplace_back(as_text(*message));
}

void same_in_pieces(Bytes bytes, std::size_t piece) {
    net::WebSocketReader whole, pieces;
    std::vector<std::string> a, b;
    whole.feed(bytes);
    collect(whole, a);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        pieces.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)));
        collect(pieces, b);
    }
    require(a == b);
    require(whole.messages() == a.size() && pieces.messages() == b.size());
    require(whole.control_frames() == pieces.control_frames());
    require(whole.stuck() == pieces.stuck() && whole.closed() == pieces.closed());
    require(whole.error().has_value() == pieces.error().has_value());
    if (whole.error()) {
        require(whole.error()->offset == pieces.error()->offset);
        require(whole.error()->what == pieces.error()->what);
        require(whole.error()->offset <= bytes.size());
    }
    // Joined in the middle, and after a gap: anything may come, none of it harmful.
    whole.gap();
    whole.feed(bytes.subspan(bytes.size() / 3));
    collect(whole, a);
}

void read_back(Bytes bytes) {
    ByteReader in(bytes);
    std::vector<std::string> sent, got;
    Buffer wire;
    while (in.left() >= 2) {
        const std::uint8_t how = in.u8();
        const std::size_t size = in.u8() * (how & 8 ? 280u : 1u);
        const std::string text(size, static_cast<char>('a' + how % 26));
        std::optional<std::array<std::uint8_t, 4>> mask;
        if (how & 1) mask = {how, 0x55, 0xaa, 0x0f};
        const auto half = static_cast<std::ptrdiff_t>(size / 2);
        if (how & 2) {
            net::append_websocket_frame(wire, net::Opcode::text, as_bytes(text.substr(0, size / 2)),
                                        false, mask);
            if (how & 4) net::append_websocket_frame(wire, net::Opcode::ping, {}, true, mask);
            net::append_websocket_frame(wire, net::Opcode::continuation,
                                        as_bytes(std::string(text.begin() + half, text.end())),
                                        true, mask);
        } else {
            net::append_websocket_frame(wire, net::Opcode::binary, as_bytes(text), true, mask);
        }
        sent.push_back(text);
    }
    net::WebSocketReader reader;
    reader.feed(wire);
    collect(reader, got);
    require(got == sent && !reader.error() && reader.held() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest(bytes + 1, size - 1);
    same_in_pieces(rest, 1u + bytes[0] % 32u);
    if (rest.size() < 12) read_back(rest);
    const auto head = net::upgrade_head(rest);
    if (head.state == net::UpgradeHead::State::yes) {
        require(head.size <= rest.size());
        const auto again = net::upgrade_head(rest.first(head.size));
        require(again.state == head.state && again.size == head.size && again.sip == head.sip);
    }
    return 0;
}
