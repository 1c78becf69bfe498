// PhoneSession: the offers, answers and media of one INVITE dialog at one phone (RFC 3264).
//
// Opens RTP and RTCP ports of the phone when the first description is made, and closes them when it
// ends; with `shared` ports given it uses those. With `parked` ports given it opens none, sends
// nothing and drops what comes: for signalling under load.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/lab/description.h"
#include "libsipana/lab/media.h"
#include "libsipana/lab/node.h"
#include "libsipana/lab/script.h"
#include "libsipana/lab/shared_ports.h"

namespace sipana::lab {

// What a phone without media says again and again under load: descriptions are worked out once.
struct ParkedWords {
    std::string offer;
    std::string asked, answer;  // an offer without its o= line, and what was answered
    std::shared_ptr<const LocalSession> offered, answered;  // as it was then
};

// How its phone line has it ask for key frames.
KeyRequests key_requests_of(const PhoneLine& line);

class PhoneSession {
public:
    struct Setting {
        const PhoneLine* line = nullptr;
        Address address;
        Node* owner = nullptr;
        Ports* ports = nullptr;
        Random* random = nullptr;
        MediaStore* store = nullptr;
        MediaSettings media;
        std::string folder;  // that a script's files are relative to
        std::optional<Endpoint> parked;
        ParkedWords* words = nullptr;   // with `parked`
        SharedPorts* shared = nullptr;  // outlives it
        // Each port of its own, the first with the session's number.
        std::function<void(const Endpoint&, std::uint64_t)> opened;
        std::function<void(const Endpoint&)> closed;
    };
    PhoneSession(const Setting& setting, std::uint64_t number);  // the setting outlives it
    ~PhoneSession();
    PhoneSession(const PhoneSession&) = delete;
    PhoneSession& operator=(const PhoneSession&) = delete;

    // A new offer of ours, as the script wants it.
    Result<std::string> offer(const SdpWish& wish);
    // Ours to the offer that came last; the same again until another one comes. Errc::unsupported:
    // nothing in common (488).
    Result<std::string> answer(const SdpWish& wish, Time now);
    void on_offer(std::string_view text);
    Status on_answer(std::string_view text, Time now);
    bool has_answered() const { return !last_answer_.empty(); }
    bool owes_answer() const { return !their_offer_.empty(); }
    bool awaits_answer() const { return offered_; }
    bool described() const { return agreed_; }  // an answer is in force
    void refused();                             // our offer, or theirs, came to nothing

    Status start(const MediaStep& step, Time now);
    void stop(bool video, Time now);
    void end(Time now);  // RTCP BYE; ports are closed by the destructor

    bool take_key_request();  // its picture is lost, and a key frame is to be asked for by INFO
    void send_key_frame();

    // A datagram for one of its ports: false, and nothing happens, if it is for none of them.
    bool on_packet(const Packet& packet, Time now);
    void on_timer(Time now);
    std::optional<Time> deadline() const;
    std::optional<Packet> poll();
    // Asks for the memory of the next packet, a step at a time, with time between them.
    static constexpr unsigned fetch_steps = 4;
    void fetch(unsigned step) const;
    const Endpoint& media_endpoint();  // of the first m-line, opened if need be
    const MediaSession* media(bool video) const;

private:
    struct Line {
        Endpoint rtp, rtcp;
        Endpoint from_rtp, from_rtcp;  // of the other side, as the shared ports know them
        std::optional<MediaSession> media;
        bool video = false;
    };
    bool by_heart(const SdpWish& wish) const;
    Status prepare(const SdpWish& wish);
    Status open_line(bool video);
    Status open_ports(Line& line) const;
    void join_shared(Line& line, const Agreed& agreed) const;
    void leave_shared(Line& line) const;
    void apply(const SdpWish& wish);
    void agree(const std::vector<Agreed>& lines, Time now);
    Line* line(bool video);

    const Setting& setting_;
    std::uint64_t number_;
    LocalSession ours_;
    std::shared_ptr<const LocalSession> recalled_;  // in place of ours_, until that is needed
    std::vector<Line> lines_;
    std::string their_offer_, last_answer_;
    bool offered_ = false, agreed_ = false, ended_ = false;
};

}  // namespace sipana::lab
