// Builder: writes a SIP message (RFC 3261 7) that parse() reads back as it was meant.
//
// What cannot be written is refused: names that are no tokens, CR, LF or NUL in a value (nobody
// gets a second header field in by way of the first), status codes outside 100..699. Whether the
// message makes sense is check()'s matter. Deliberately broken messages do not come from here.
#pragma once

#include <string>
#include <string_view>
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
    Builder& add(Header id, std::string_view value) { return add(id, value, {}); }
    Builder& add(Header id, std::string_view value, std::string_view more);  // both as one value
    Builder& add(std::string_view name, std::string_view value);
    // In front of all others.
    Builder& add_first(std::string_view name, std::string_view value);
    Builder& add_first(Header id, std::string_view value, std::string_view more = {});
    // Replaces the first field of that name (any case, either form) and drops further ones; adds it
    // where there is none.
    Builder& set(std::string_view name, std::string_view value);
    Builder& strip(std::string_view name);  // all of them
    bool has(std::string_view name) const;
    // Of the first; empty where there is none. Valid until the next change, as all that views are.
    std::string_view value(std::string_view name) const;
    // A body, and the Content-Type that goes with it; an empty type adds no Content-Type.
    Builder& body(std::string_view content_type, std::string_view bytes);

    Result<std::string> write() const;
    std::string_view method() const { return at(method_); }  // empty in a response
    std::string_view uri() const { return at(uri_); }
    std::string_view body_text() const { return at(body_); }

private:
    struct Slice {  // of text_
        std::size_t begin = 0, size = 0;
    };
    struct Field {  // a line of text_, as it will be written
        Header id = Header::other;
        bool clean = false;  // nothing forbids to write it
        Slice name, value;
        std::size_t end() const { return value.begin + value.size + 2; }
    };
    Builder();
    std::string_view at(Slice s) const { return {text_.data() + s.begin, s.size}; }
    // Both may view what is kept already.
    Slice keep(std::string_view part);
    Field line(Header id, bool clean, std::string_view name, std::string_view value,
               std::string_view more = {});
    Field field(std::string_view name, Header id, std::string_view value);
    Field field(Header id, std::string_view value, std::string_view more);
    char* make_room(std::size_t size, std::string& before);
    bool is(const Field& f, Header id, std::string_view name) const;
    Status writable() const;

    std::string text_;  // all parts, one behind the other: one memory for a message
    std::size_t used_ = 0;
    std::vector<Field> fields_;
    Slice method_, uri_, reason_, body_;
    int status_ = 0;
    bool is_response_ = false;
};

}  // namespace sipana::sip
