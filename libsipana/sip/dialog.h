// Dialogs (RFC 3261 12): what two user agents know of each other while a call, a subscription (RFC
// 6665) or a transfer's progress (RFC 3515) goes on. No I/O and no clock.
//
// A forked INVITE makes several: one for each To tag in its responses. The user asks matches() or
// finds a dialog by its DialogId, hands it the requests and responses of its peer, and takes the
// beginning of its own requests from it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/sip/builder.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

struct DialogId {
    std::string call_id, local_tag, remote_tag;
    auto operator<=>(const DialogId&) const = default;
    // As its receiver sees a message of the peer's, and as its sender sees a response of the
    // peer's.
    static DialogId of_request(const Message& received);
    static DialogId of_response(const Message& received);
};

class Dialog {
public:
    enum class State : std::uint8_t { early, confirmed, terminated };

    // 12.1.2: of an INVITE, SUBSCRIBE or REFER that we sent and a response of 101 to 299 with a To
    // tag; nullopt: it makes no dialog.
    static std::optional<Dialog> as_caller(const Message& request, const Message& response);
    // The same where the request is known without reading it.
    struct Sent {
        std::string_view call_id, from, from_tag, uri;  // `from` with its tag
        std::uint32_t cseq = 0;
        Method method = Method::invite;
    };
    static std::optional<Dialog> as_caller(const Sent& request, const Message& response);
    // 12.1.1: of a request that we answer with `local_tag`. Early until the response is on_sent.
    static std::optional<Dialog> as_callee(const Message& request, std::string_view local_tag);
    // RFC 6665 4.4.1: a NOTIFY that comes before, or instead of, the SUBSCRIBE's 2xx.
    static std::optional<Dialog> as_subscriber(const Message& subscribe, const Message& notify);

    bool matches(const Message& received) const;
    const DialogId& id() const { return id_; }
    State state() const { return state_; }
    void terminate() { state_ = State::terminated; }
    bool secure() const { return secure_; }        // sips
    bool is_caller() const { return is_caller_; }  // we sent the request that made it

    // A response of the peer to a request of ours in it, and to the one that made it: state, remote
    // target, route set (13.2.2.4). 481 and 408 to a request within it end it (12.2.1.2).
    void on_response(const Message& response);
    // A request of the peer's, in order of its CSeq. 0: go on. 500: its CSeq is lower than one
    // before (12.2.2), or an INVITE of the peer's is still unanswered (14.2). 491: one of ours is.
    int on_request(const Message& request);
    // A response of ours, which may confirm it, end it, or settle the peer's INVITE.
    void on_sent(const Message& response);
    void on_sent(const CSeq& cseq, int status);

    // Start line, Route, From, To, Call-ID and CSeq of the next request (12.2.1.1); Via,
    // Max-Forwards, Contact and what else it needs are the caller's. ACK takes the number of the
    // INVITE that it acknowledges (13.2.2.4).
    Builder request(std::string_view method);
    Builder request(std::string_view method, std::uint32_t cseq) const;
    Builder ack(std::uint32_t cseq) const { return request("ACK", cseq); }
    // Where to send it: the topmost route, or the remote target.
    std::string_view next_hop() const;

    std::optional<std::uint32_t> local_cseq() const { return local_cseq_; }
    std::optional<std::uint32_t> remote_cseq() const { return remote_cseq_; }
    void set_local_cseq(std::uint32_t number) { local_cseq_ = number; }
    const std::string& remote_target() const { return target_; }
    void set_remote_target(std::string_view uri) { target_ = uri; }
    const std::vector<std::string>& routes() const { return routes_; }  // as in Route
    const std::string& local() const { return local_; }    // From and To, as they are written
    const std::string& remote() const { return remote_; }  // with their tags
    bool invite_pending() const { return local_invite_.has_value(); }

    // The value of a Replaces that names this dialog to its peer (RFC 3891 3), and whether one
    // that we received names it.
    std::string replaces() const;
    bool named_by(const DialogName& name) const;

private:
    Dialog() = default;
    void take_routes(const Message& message, bool reversed);
    void take_target(const Message& message);

    DialogId id_;
    State state_ = State::early;
    std::string local_, remote_, target_;
    std::vector<std::string> routes_;
    std::optional<std::uint32_t> local_cseq_, remote_cseq_;
    std::optional<std::uint32_t> local_invite_, remote_invite_;  // CSeq of one without final answer
    std::uint32_t first_cseq_ = 0;                               // of the request that made it
    Method first_method_ = Method::invite;
    bool is_caller_ = false, secure_ = false;
};

// Which requests and their 2xx refresh the remote target (12.2; RFC 3311, 6665, 3515).
bool refreshes_target(Method method);

}  // namespace sipana::sip
