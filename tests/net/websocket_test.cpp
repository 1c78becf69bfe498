#include "libsipana/net/websocket.h"

#include <doctest/doctest.h>

#include "libsipana/base/random.h"
#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

constexpr std::array<std::uint8_t, 4> mask{0x37, 0xfa, 0x21, 0x3d};

Buffer frame(Opcode opcode, std::string_view text, bool final_frame = true, bool masked = false) {
    Buffer out;
    append_websocket_frame(out, opcode, as_bytes(text), final_frame,
                           masked ? std::optional(mask) : std::nullopt);
    return out;
}
std::vector<std::string> all(WebSocketReader& reader) {
    std::vector<std::string> out;
    while (const auto message = reader.poll()) out.push_back(text_of(*message));
    return out;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("RFC 6455 5.7: the examples") {
    WebSocketReader reader;
    reader.feed(hex("81 05 48656c6c6f"));
    reader.feed(hex("81 85 37fa213d 7f9f4d5158"));
    reader.feed(hex("01 03 48656c 80 02 6c6f"));
    reader.feed(hex("89 05 48656c6c6f 8a85 37fa213d 7f9f4d5158"));
    CHECK(all(reader) == Texts{"Hello", "Hello", "Hello"});
    CHECK(reader.control_frames() == 2);
    CHECK_FALSE(reader.error());
}

TEST_CASE("trap 40: short, 16-bit and 64-bit lengths, masked and not") {
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 125, 126, 127, 65535, 65536, 100'000})
        for (const bool masked : {false, true}) {
            const std::string text(size, 'm');
            WebSocketReader reader;
            reader.feed(frame(Opcode::text, text, true, masked));
            CHECK(all(reader) == Texts{text});
            CHECK_FALSE(reader.error());
            CHECK(reader.held() == 0);
        }
}

TEST_CASE("trap 40: a fragmented message, with control frames in between") {
    WebSocketReader reader;
    reader.feed(frame(Opcode::text, "INVITE ", false, true) + frame(Opcode::ping, "", true, true) +
                frame(Opcode::continuation, "sip:900@B ", false, true) +
                frame(Opcode::pong, "x", true, true) +
                frame(Opcode::continuation, "SIP/2.0", true, true) +
                frame(Opcode::binary, "next", true, true));
    CHECK(all(reader) == Texts{"INVITE sip:900@B SIP/2.0", "next"});
    CHECK(reader.messages() == 2);
    CHECK(reader.control_frames() == 2);
}

TEST_CASE("trap 40: two frames in a segment, and a frame over many segments") {
    const Buffer both = frame(Opcode::text, "one", true, true) + frame(Opcode::text, "two");
    WebSocketReader together;
    together.feed(both);
    CHECK(all(together) == Texts{"one", "two"});
    WebSocketReader apart;
    Texts got;
    for (const std::uint8_t byte : both) {
        apart.feed(Bytes(&byte, 1));
        for (const auto& text : all(apart)) got.push_back(text);
    }
    CHECK(got == Texts{"one", "two"});
}

TEST_CASE("RFC 6455 5.5.1: a close frame is told, and what precedes it is read") {
    WebSocketReader reader;
    reader.feed(frame(Opcode::text, "bye") + frame(Opcode::close, "\x03\xe8"));
    CHECK(all(reader) == Texts{"bye"});
    CHECK(reader.closed());
}

TEST_CASE("RFC 6455 5.2, 5.5: what breaks the framing stops the direction until a gap") {
    for (const char* bad :
         {"91 00", "83 00", "8b 00", "09 00", "89 7e 0080", "81 7f 8000000000000000", "c0 00"}) {
        WebSocketReader reader;
        reader.feed(frame(Opcode::text, "ok") + hex(bad));
        CHECK(all(reader) == Texts{"ok"});
        CHECK(reader.stuck());
        REQUIRE(reader.error());
        CHECK(reader.error()->offset == 4);
        CHECK(reader.error()->what.find("RFC 6455") != std::string::npos);
        reader.feed(frame(Opcode::text, "unread"));
        CHECK(all(reader).empty());
        reader.gap();
        reader.feed(frame(Opcode::text, "again"));
        CHECK(all(reader) == Texts{"again"});
    }
}

TEST_CASE("RFC 6455 5.4: messages that run into each other are errors, not the end") {
    WebSocketReader reader;
    reader.feed(frame(Opcode::continuation, "orphan") + frame(Opcode::text, "half", false) +
                frame(Opcode::text, "whole"));
    CHECK(all(reader) == Texts{"whole"});
    CHECK(reader.error()->code == Errc::malformed);
    CHECK_FALSE(reader.stuck());
}

TEST_CASE("a compressed or too large message is passed over") {
    WebSocketReader reader;
    Buffer compressed = frame(Opcode::text, "zip", false);
    compressed[0] |= 0x40;  // RSV1
    reader.feed(compressed + frame(Opcode::continuation, "ped") + frame(Opcode::text, "plain"));
    CHECK(all(reader) == Texts{"plain"});
    CHECK(reader.error()->code == Errc::unsupported);

    WebSocketReader large;
    large.feed(hex("81 7f 00000001 00000000"));  // 4 GiB to come
    const Buffer megabyte(1 << 20);
    for (int i = 0; i < 4096; ++i) {
        large.feed(megabyte);
        CHECK_FALSE(large.poll());
        REQUIRE(large.held() <= megabyte.size());
    }
    large.feed(frame(Opcode::text, "small"));
    CHECK(all(large) == Texts{"small"});
    CHECK(large.error()->code == Errc::too_large);

    WebSocketReader pieces;  // large only when put together
    const std::string half(max_websocket_message / 2 + 1, 'h');
    pieces.feed(frame(Opcode::text, half, false));
    CHECK(all(pieces).empty());
    pieces.feed(frame(Opcode::continuation, half) + frame(Opcode::text, "small"));
    CHECK(all(pieces) == Texts{"small"});
}

TEST_CASE("after a gap, bytes that cannot be a frame are dropped") {
    WebSocketReader reader;
    reader.feed(frame(Opcode::text, std::string(200, 'x')) + hex("81 50 31"));
    CHECK(all(reader).size() == 1);
    reader.gap();
    reader.feed(as_bytes("the middle of a message"));
    CHECK(all(reader).empty());
    reader.feed(frame(Opcode::continuation, "its end"));
    reader.feed(frame(Opcode::text, "whole", true, true));
    CHECK(all(reader) == Texts{"whole"});
    CHECK_FALSE(reader.error());
}

TEST_CASE("every truncation waits for more") {
    const Buffer whole = frame(Opcode::text, std::string(300, 'a'), false, true) +
                         frame(Opcode::continuation, std::string(70'000, 'b'), true, true);
    for (std::size_t size = 0; size < whole.size(); size += size < 400 ? 1 : 997) {
        const Exact cut(Bytes(whole).first(size));
        WebSocketReader reader;
        reader.feed(cut);
        CHECK_FALSE(reader.poll());
        CHECK_FALSE(reader.error());
        reader.feed(Bytes(whole).subspan(size));
        CHECK(all(reader).size() == 1);
    }
}

TEST_CASE("RFC 6455 4: the head of an upgrade, and whether it is for SIP") {
    const std::string request =
        "GET /ws HTTP/1.1\r\nHost: sip.example.com\r\nUpgrade: WebSocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "sec-websocket-protocol: msrp, sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const std::string response =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    for (const auto& head : {request, response}) {
        const auto found = upgrade_head(as_bytes(head + "frames"));
        CHECK(found.state == UpgradeHead::State::yes);
        CHECK(found.size == head.size());
        CHECK(found.response == (head == response));
        CHECK(found.sip == (head == request));
        for (std::size_t size = 0; size < head.size(); ++size) {
            const Exact cut(std::string_view(head).substr(0, size));
            CHECK(upgrade_head(cut).state == UpgradeHead::State::incomplete);
        }
    }
    for (const char* other : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                              "INVITE sip:a@b SIP/2.0\r\n", "\x16\x03\x01"})
        CHECK(upgrade_head(as_bytes(other)).state == UpgradeHead::State::no);
    const std::string endless = "GET " + std::string(max_upgrade_head, 'x');
    CHECK(upgrade_head(as_bytes(endless)).state == UpgradeHead::State::no);
}
