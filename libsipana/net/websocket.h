// WebSocket: messages out of the bytes of one direction of a connection (RFC 6455; SIP: RFC 7118).
//
// A reader is fed what follows the HTTP upgrade, or joins in the middle: the bytes must then begin
// at a frame. Messages come out unmasked and put together; control frames are taken out and
// counted.
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-+-+-+-+-------+-+-------------+-------------------------------+
//     |F|R|R|R| opcode|M| length or   | 16 bits of length where 126,  |
//     |I|S|S|S|       |A| 126 or 127  | 64 where 127, then four bytes |
//     |N|V|V|V|       |S|             | of mask where M, then payload |
//     +-+-+-+-+-------+-+-------------+-------------------------------+
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::net {

// The largest message put together; a larger one is an error and is skipped.
inline constexpr std::size_t max_websocket_message = 1 << 20;

class WebSocketReader {
public:
    // The next bytes of the direction, in order.
    void feed(Bytes bytes);
    // Bytes are missing before the next feed(): what is half read is dropped, and the next bytes
    // are taken for the beginning of a frame; where they cannot be one, they are dropped too.
    void gap();

    // The next complete text or binary message. The view holds until the next call of any member.
    std::optional<Bytes> poll();

    // The first error, or nothing. After a framing error the rest of the direction cannot be read
    // until gap() is called; after a message that is too large or compressed (RFC 7692) it can.
    const std::optional<Error>& error() const { return error_; }
    bool stuck() const { return stuck_; }    // a framing error: nothing more comes
    bool closed() const { return closed_; }  // a Close frame was read (RFC 6455 5.5.1)
    std::uint64_t messages() const { return messages_; }
    std::uint64_t control_frames() const { return control_frames_; }
    std::size_t held() const { return buffer_.size() - at_ + message_.size(); }

private:
    struct Header {
        bool final_frame = false, masked = false;
        std::uint8_t reserved = 0, opcode = 0;
        bool minimal = true;  // the length is written as short as it can be
        std::uint64_t length = 0;
        std::size_t size = 0;  // of the header
        std::array<std::uint8_t, 4> mask{};
    };
    std::optional<Header> header() const;  // nothing: more bytes are needed
    static std::string_view broken(const Header& header);
    bool resynchronised(const Header& header);
    bool begin_data_frame(const Header& header);
    std::optional<Bytes> end_frame(const Header& header);
    bool skip();
    void fail(Errc code, std::string_view what);

    Buffer buffer_;  // not yet read from at_ on
    std::size_t at_ = 0;
    std::uint64_t base_ = 0;      // offset of buffer_[0] within the direction
    std::uint64_t skipping_ = 0;  // bytes of an unwanted payload still to come
    Buffer message_;              // of a message in several frames
    bool in_message_ = false;     // a frame without FIN has been read
    bool unwanted_ = false;       // and its message is not kept
    bool message_handed_on_ = false;
    bool resyncing_ = false, stuck_ = false, closed_ = false;
    std::uint64_t messages_ = 0, control_frames_ = 0;
    std::optional<Error> error_;
};

// What stands at the beginning of a stream: the head of an HTTP upgrade to WebSocket (RFC 6455 4.1,
// 4.2.2), request or response.
struct UpgradeHead {
    enum class State : std::uint8_t {
        no,          // something else
        incomplete,  // may be one: ask again with more bytes
        yes,
    };
    State state = State::no;
    std::size_t size = 0;  // of the head, with the empty line; frames follow
    bool response = false;
    bool sip = false;  // Sec-WebSocket-Protocol names sip (RFC 7118 4)
};
inline constexpr std::size_t max_upgrade_head = 16 << 10;
UpgradeHead upgrade_head(Bytes bytes);

// A frame as a sender makes it, for tests and the lab. Opcodes: RFC 6455 5.2.
enum class Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};
void append_websocket_frame(Buffer& out, Opcode opcode, Bytes payload, bool final_frame = true,
                            std::optional<std::array<std::uint8_t, 4>> mask = std::nullopt);

}  // namespace sipana::net
