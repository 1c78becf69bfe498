// ProgramPhone: a phone that a program (baresip) plays, as lab/play sees it. No I/O, no clock.
//
// What a line sends is a command to the program, and done when the program's own trace shows the
// message; what the program does by itself (180, ACK, 200 to BYE) needs none. What a line expects
// is met by the messages of the trace. What no message tells (nobody answers, nobody is there) the
// events of its control connection do.
//
// Lives as long as the plays that it is in; they forget() it before they end.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/lab/baresip.h"
#include "libsipana/lab/conversation.h"
#include "libsipana/lab/netstring.h"
#include "libsipana/lab/part.h"
#include "libsipana/lab/sip_trace.h"

namespace sipana::lab {

class ProgramPhone {
public:
    static constexpr std::size_t max_talks = 4096;
    static constexpr Duration patience = std::chrono::seconds{5};  // until a command shows

    // A call of a Call-ID that nobody knows yet: is one of the script's lines waiting for it?
    using Casting = std::function<bool(ProgramPhone&, Conversation&, const Arrival&)>;
    struct Sound {  // a file of the script, as the program can read it
        std::string name, file;
        Duration length{};
    };
    struct Setting {
        const PhoneLine* line = nullptr;
        const Directory* directory = nullptr;
        Endpoint at;
        std::string rest;  // its sound when no line says another: "ausine,440"
        std::vector<Sound> sounds;
        std::vector<std::string> contacts;  // URIs, the order of its file: whom it may write to
    };
    explicit ProgramPhone(Setting setting);

    // ---- whoever does its I/O
    void on_control(std::string_view bytes, Time now);
    void on_trace(std::string_view bytes, Time now);
    void on_ended(std::string_view why, Time now);  // the program is no more
    std::string take_commands() { return std::exchange(output_, {}); }
    void on_timer(Time now);
    std::optional<Time> deadline() const;
    void greet();  // its answer makes the phone ready
    // Where its requests go if not where the host of its address of record says; may be empty.
    static std::string through(const PhoneLine& line, const Directory& directory);
    // Whom the part's lines write to.
    static std::vector<std::string> contacts_of(const Part& part, const Directory& directory);
    bool ready() const { return ready_; }
    bool failed() const { return !why_.empty(); }  // of no more use
    const std::string& why_failed() const { return why_; }

    // ---- lab/play
    const PhoneLine& line() const { return *setting_.line; }
    const Endpoint& endpoint() const { return setting_.at; }
    void cast_by(Casting casting) { casting_ = std::move(casting); }
    // Begins the step; the director hears of its end, on_finished() or on_failure(). The
    // conversation that it belongs to; nullptr while there is none.
    Result<Conversation*> send(Director& director, std::size_t part, std::size_t index,
                               const PartStep& step, const Fill& fill, Time now);
    Status play(Director& director, std::size_t part, const Step& step, Time now);
    void stop(bool video);
    void hang_up(const Director& director);
    bool idle() const;
    void forget(Director& director);
    std::vector<std::pair<std::string, std::string>> calls_of(const Director& director) const;
    // Where its media were to come to, as its session descriptions said.
    const std::vector<Endpoint>& media_endpoints() const { return media_endpoints_; }

private:
    struct Sent {  // a message of its own, as the trace showed it
        std::string method;
        int code = 0;
        std::uint32_t cseq = 0;
        std::string body;      // of a NOTIFY: how a transfer goes
        bool claimed = false;  // a line has spoken of it
    };
    struct Ask {
        std::string method;
        std::uint32_t cseq = 0;
        std::size_t step = SIZE_MAX;
        bool challenge_told = false, finished = false, with_credentials = false;
        std::unique_ptr<Arrival> held;  // a challenge that it may answer by itself
    };
    struct Talk {  // one Call-ID
        std::unique_ptr<Conversation> conversation;
        std::vector<Sent> sent;
        std::list<Ask> asks;
        std::vector<std::string> seen;   // messages, so that repetitions are told apart
        std::vector<std::string> early;  // responses that came before a line spoke of the call
        std::optional<std::uint32_t> owed_invite;  // CSeq of one that has no final response
        bool call = false;                         // it began with an INVITE
        bool bound = false;                        // the Call-ID is known
        bool registers = false;
        bool established = false, ended = false, cancelled = false;
    };
    struct Waiting {  // a step that waits for its message in the trace
        Director* director = nullptr;
        std::size_t part = 0, step = 0;
        Talk* talk = nullptr;
        std::string method;
        int code = 0;          // 0: a request
        std::string body;      // of a NOTIFY
        std::size_t from = 0;  // only what was sent since then
        bool final_told = true, challenge_told = false;
        Time until{};
        std::uint64_t token = 0;  // of its last command
    };

    // program_send.cpp
    Result<Conversation*> request(Waiting& waiting, const Send& send, const PartStep& known,
                                  const Fill& fill);
    Status open(Waiting& waiting, const Send& send, const Step& step, const std::string& uri,
                const Fill& fill);
    Result<Conversation*> respond(Waiting& waiting, const Send& send, const Step& step);
    Status within(Talk& talk, const Send& send, const std::string& method, const Fill& fill,
                  std::uint64_t& token);
    Talk* adopt(Director& director, std::size_t part, const Step& step);
    Result<Conversation*> unregister(Waiting& waiting, const Step& step);
    Talk* ending(const Waiting& waiting, const Step& step);
    Status register_for(std::uint32_t expires, std::uint64_t& token);
    Status write_to(const std::string& uri, const std::string& text, std::uint64_t& token);
    Result<std::uint64_t> command(std::string_view name, std::string_view params = {});
    Status in_call(Talk& talk, std::string_view name, std::string_view params,
                   std::uint64_t& token);

    // program_phone.cpp
    Talk& begin(Director* director, std::size_t part, std::string peer, std::string label);
    Talk* find(const Director* director, std::size_t part, std::string_view method,
               std::string_view peer, std::string_view label);
    Talk* known(std::string_view call_id);
    std::size_t live_calls() const;
    void wait(Waiting waiting, Time now);
    bool claim(Waiting& waiting, Time now);
    void fail(std::string why, Time now);

    // program_heard.cpp
    bool is_own(const SipTrace::Seen& seen, const sip::Message& message) const;
    void on_message(const SipTrace::Seen& seen, Time now);
    void on_own(Talk* talk, const sip::Message& message, Time now);
    void note_media(const sip::Message& message);
    Talk* begun_by(const sip::Message& request);
    void on_request(Talk* talk, const SipTrace::Seen& seen, const sip::Message& message, Time now);
    void on_response(Talk& talk, const sip::Message& message, Time now);
    void deliver(Talk& talk, Ask& ask, std::unique_ptr<Arrival> arrival, Time now);
    void on_event(const baresip::Event& event, Time now);
    void on_reply(const baresip::Reply& reply, Time now);
    void on_unanswered(Talk& talk, std::string_view method, std::string_view why, Time now);

    Setting setting_;
    Casting casting_;
    NetstringReader control_;
    SipTrace trace_;
    std::string output_;
    std::vector<Endpoint> media_endpoints_;
    std::list<Talk> talks_;
    std::list<Waiting> waiting_;
    std::uint64_t tokens_ = 0;
    std::size_t contact_ = 0;      // the current one
    std::uint32_t transfers_ = 0;  // REFERs heard whose INVITE no line has spoken of
    std::optional<Time> sound_ends_;
    bool ready_ = false;
    std::string why_;
};

}  // namespace sipana::lab
