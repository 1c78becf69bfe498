// SIP messages (RFC 3261 section 7): where the parts of one message's text are.
//
// A Message views the text that it was parsed from: keep that text alive. It stores offsets, so it
// may be copied and moved. The same type serves the analyzer and the lab: what the lab sends has
// been through parse() too.
//
// parse() is lenient: it refuses only what has no start line or no fields to speak of. What a
// sender must not do is check()'s matter (sip/check.h). Lines end with CRLF or LF; a CR alone ends
// none. A message may stop in the middle of its fields: then its body is empty.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/result.h"

namespace sipana {
class LineFeeds;
}

namespace sipana::sip {

// The methods of the IANA registry; an extension method is `other` and keeps its name in the text.
enum class Method : std::uint8_t {
    other,
    invite,
    ack,
    bye,
    cancel,
    register_,
    options,
    prack,
    subscribe,
    notify,
    publish,
    info,
    refer,
    message,
    update
};
Method method_of(std::string_view name);    // case-sensitive, as RFC 3261 7.1 says
std::string_view to_string(Method method);  // "INVITE"; empty for `other`

// The header fields that code asks for by name; compact forms are the same value (RFC 3261 7.3.3).
enum class Header : std::uint8_t {
    other,
    accept,
    alert_info,
    allow,
    allow_events,
    authentication_info,
    authorization,
    call_id,
    call_info,
    contact,
    content_disposition,
    content_encoding,
    content_language,
    content_length,
    content_type,
    cseq,
    date,
    diversion,
    error_info,
    event,
    expires,
    from,
    geolocation,
    history_info,
    identity,
    identity_info,
    in_reply_to,
    join,
    max_forwards,
    mime_version,
    min_expires,
    min_se,
    organization,
    p_asserted_identity,
    p_called_party_id,
    p_preferred_identity,
    path,
    priority,
    privacy,
    proxy_authenticate,
    proxy_authorization,
    proxy_require,
    rack,
    reason,
    record_route,
    refer_sub,
    refer_to,
    referred_by,
    replaces,
    reply_to,
    request_disposition,
    require,
    retry_after,
    route,
    rseq,
    server,
    service_route,
    session_expires,
    sip_etag,
    sip_if_match,
    subject,
    subscription_state,
    supported,
    timestamp,
    to,
    unsupported,
    user_agent,
    via,
    warning,
    www_authenticate
};
Header header_of(std::string_view name);    // any case, long or compact; `other` if none of these
std::string_view to_string(Header header);  // canonical long form, "Call-ID"; empty for `other`
bool is_list(
    Header header);  // may carry several comma-separated values in one field (RFC 3261 7.3.1)

struct CSeq {
    std::uint32_t number = 0;
    Method method = Method::other;
    std::string_view method_name;
};

class Message {
public:
    struct Slice {
        std::uint32_t begin = 0, size = 0;
    };
    struct Field {
        Header id = Header::other;
        bool folded = false;  // the value runs over several lines (RFC 3261 7.3.1)
        // The value without surrounding white space; folds are still in it. A line that is no field
        // (it has no colon, or nothing before it) has an empty name, and is the value.
        Slice name, value;
    };
    static constexpr std::size_t max_fields = 4096;  // more are refused as too_large

    Message() = default;
    // `text` is one whole message: a datagram, or what sip/splitter cut out of a stream. Bytes past
    // Content-Length stay outside body().
    static Result<Message> parse(std::string_view text);
    // The same, using this object's memory again (the analyzer's hot path).
    Status read(std::string_view text);
    // This message of another copy of its text, without reading that again.
    Message over(std::string_view same_text) const {
        Message out(*this);
        out.fields_.resize(count_);
        out.text_ = same_text;
        return out;
    }

    bool is_request() const { return status_ == 0; }
    bool is_response() const { return status_ != 0; }
    Method method() const { return method_; }  // of a response: the CSeq's
    std::string_view method_name() const;      // likewise; as written
    std::string_view request_uri() const { return at(uri_); }
    int status() const { return status_; }  // 0 in a request
    std::string_view reason() const { return at(reason_); }
    std::string_view version() const { return at(version_); }  // "SIP/2.0" as written
    std::string_view start_line() const { return at(start_line_); }

    std::span<const Field> fields() const { return {fields_.data(), count_}; }
    std::string_view name(const Field& field) const { return at(field.name); }
    std::string_view value(const Field& field) const { return at(field.value); }
    std::string unfolded(const Field& field) const;  // folds replaced by one blank each

    // First field of that kind; empty view with nullopt told apart from an empty value.
    std::optional<std::string_view> header(Header id) const;
    std::optional<std::string_view> header(std::string_view name) const;  // any case, either form
    // Every value of that kind in order, comma-separated lists taken apart where is_list() says so.
    std::vector<std::string_view> values(Header id) const;

    // What the trackers ask of each message; empty where absent or unreadable.
    // A Call-ID folded before its first character reads like any other; one folded in the middle,
    // which no grammar allows, is given with its fold in it: still one key for one call.
    std::string_view call_id() const;
    std::optional<CSeq> cseq() const;
    std::string_view from_tag() const;  // only of the field: never out of a display name or URI
    std::string_view to_tag() const;
    std::string_view branch() const;  // of the topmost Via
    // nullopt: absent, unreadable (negative, beyond 64 bits) or contradictory. The body is then all
    // that follows the blank line.
    std::optional<std::uint64_t> content_length() const { return content_length_; }

    std::string_view body() const { return at(body_); }
    // The body bytes fall short of Content-Length.
    bool body_cut() const { return body_cut_; }
    std::string_view text() const { return text_; }
    std::uint32_t offset_of(std::string_view part) const {  // of a view into text()
        return static_cast<std::uint32_t>(part.data() - text_.data());
    }

private:
    static constexpr std::size_t header_kinds =
        static_cast<std::size_t>(Header::www_authenticate) + 1;

    std::string_view at(Slice s) const { return {text_.data() + s.begin, s.size}; }
    Slice slice(std::string_view part) const {
        return {offset_of(part), static_cast<std::uint32_t>(part.size())};
    }
    const Field* first(Header id) const {
        const auto index = first_[static_cast<std::size_t>(id)];
        return index == 0 ? nullptr : &fields_[index - 1u];
    }
    void clear();
    Status read_all();
    Status read_fields(LineFeeds feeds, std::size_t& at, bool& any);
    bool make_room();
    void read_cseq();
    void read_content_length();

    std::string_view text_;
    std::vector<Field> fields_;  // the first count_ are the message's
    std::uint16_t count_ = 0;
    std::array<std::uint16_t, header_kinds> first_{};  // place in fields_ plus one; 0: none
    Slice start_line_, method_name_, uri_, version_, reason_, body_, cseq_method_;
    std::optional<std::uint64_t> content_length_;
    std::optional<std::uint32_t> cseq_number_;
    int status_ = 0;
    Method method_ = Method::other;
    Method cseq_kind_ = Method::other;
    bool body_cut_ = false;
};

// Quick look for classify: does this begin like a SIP request or response? Leading CRLFs allowed.
bool looks_like_sip(std::string_view bytes);

}  // namespace sipana::sip
