// Recorder: writes what a network carries into a capture (pcapng), as somebody at the receiver's
// side would have captured it.
//
// What was lost on the way is not in it. Datagrams above 1500 bytes are IP fragments. A stream's
// messages stand in a TCP conversation that is complete: SYN, SYN/ACK and ACK before the first,
// FINs at close(). TLS is recorded as such a conversation too, in plain text, and its SYN says so.
// A refused stream is SYN and RST; its messages never left, so the comment names the first.
//
// How it gets to the disk, and what failures leave: lab/capture_file. The same packets give the
// same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/lab/capture_file.h"
#include "libsipana/lab/network.h"
#include "libsipana/net/encoder.h"

namespace sipana::lab {

class Recorder final : public Tap {
public:
    static constexpr std::size_t longest_comment = 4096;  // a longer note is cut
    static constexpr std::size_t segment = 1460;          // payload of a TCP frame

    // A new file, or over an old one.
    static Result<std::unique_ptr<Recorder>> create(const std::string& path,
                                                    const CaptureHead& head = {});
    // Appends to `out`, which must outlive the recorder.
    static std::unique_ptr<Recorder> into(Buffer& out, const CaptureHead& head = {});
    ~Recorder() override;

    void on_packet(const Packet& packet, Time at, Fate fate, bool duplicate) override;

    // Hands on what is buffered. Happens by itself after a second of the capture's time.
    Status flush();
    // Ends the conversations, at `at` or at the last packet's time, and the file. Then, or without
    // this, nothing more is written.
    Status close(std::optional<Time> at = {});
    const Status& status() const { return file_->status(); }

    struct Counts {
        std::uint64_t sip = 0, rtp = 0, rtcp = 0;  // recorded
        std::uint64_t lost = 0;                    // not recorded: dropped on the way
        std::uint64_t refused = 0;                 // of all: nobody listened
    };
    const Counts& counts() const { return counts_; }

private:
    struct Conversation {
        Endpoint opener, answerer;
        std::uint32_t opener_seq = 0, answerer_seq = 0;  // of the next byte
    };
    using Pair = std::pair<Endpoint, Endpoint>;

    Recorder(std::unique_ptr<CaptureFile> file, const CaptureHead& head);
    void record_datagram(const Packet& packet, Time at, std::string_view comment);
    void record_stream(const Packet& packet, Time at, std::string_view comment);
    void record_refused(const Packet& packet, Time at, std::string_view comment);
    Conversation& conversation(const Packet& packet, Time at);
    void tcp(Conversation& conversation, bool from_opener, std::uint8_t flags, Bytes payload,
             Time at, std::string_view comment);
    void write(Bytes frame, Time at, std::string_view comment);

    std::unique_ptr<CaptureFile> file_;
    Buffer frame_;  // room for the one being written
    bool closed_ = false;
    Counts counts_;
    Time last_{}, flushed_{};
    std::uint32_t datagrams_ = 0, connections_ = 0;
    std::uint64_t seed_ = 0;
    std::map<Pair, Conversation> conversations_;  // by the lower endpoint first
};

}  // namespace sipana::lab
