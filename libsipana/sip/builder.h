// Builder: writes a SIP message (RFC 3261 7) that parse() reads back as it was meant.
//
// What cannot be written is refused: names that are no tokens, CR, LF or NUL in a value (nobody
// gets a second header field in by way of the first), status codes outside 100..699. Whether the
// message makes sense is check()'s matter. Deliberately broken messages do not come from here.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/result.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {

class Builder {
public:
    static Builder request(std::string_view method, std::string_view uri);
    static Builder response(int status, std::string_view reason);
    // The same message again: folds unfolded, compact names as they were, Content-Length anew.
    static Builder from(const Message& message);

    // Fields stand in the order in which they were added. Content-Length is the Builder's own: an
    // added one is dropped, the right one stands last.
    Builder& add(Header id, std::string_view value);
    Builder& add(std::string_view name, std::string_view value);
    // In front of all others.
    Builder& add_first(std::string_view name, std::string_view value);
    // Replaces the first field of that name (any case, either form) and drops further ones; adds it
    // where there is none.
    Builder& set(std::string_view name, std::string_view value);
    Builder& strip(std::string_view name);  // all of them
    bool has(std::string_view name) const;
    std::string_view value(std::string_view name) const;  // of the first; empty where there is none
    // A body, and the Content-Type that goes with it; an empty type adds no Content-Type.
    Builder& body(std::string_view content_type, std::string_view bytes);

    Result<std::string> write() const;
    std::string_view method() const { return method_; }  // empty in a response
    std::string_view uri() const { return uri_; }
    std::string_view body_text() const { return body_; }

private:
    Status writable() const;

    std::string method_, uri_, reason_, body_;
    int status_ = 0;
    bool is_response_ = false;
    std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace sipana::sip
