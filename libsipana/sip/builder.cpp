#include "libsipana/sip/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libsipana/base/text.h"
#include "libsipana/sip/params.h"
#include "libsipana/sip/start_line.h"

namespace sipana::sip {
namespace {

constexpr std::size_t usual_fields = 20;

bool has_line_end(std::string_view text) {
    return text.find('\r') != text.npos || text.find('\n') != text.npos ||
           text.find('\0') != text.npos;
}

// Only blanks: a line end is refused, not swallowed.
std::string_view trimmed(std::string_view s) {
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
    return s;
}

bool same_field(std::string_view a, std::string_view b) {
    const Header known = header_of(a);
    return known == Header::other ? iequals(a, b) : known == header_of(b);
}

Error refusal(std::string what) { return Error{Errc::malformed, 0, std::move(what)}; }

}  // namespace

Builder Builder::request(std::string_view method, std::string_view uri) {
    Builder out;
    out.fields_.reserve(usual_fields);
    out.method_ = method;
    out.uri_ = uri;
    return out;
}

Builder Builder::response(int status, std::string_view reason) {
    Builder out;
    out.fields_.reserve(usual_fields);
    out.status_ = status;
    out.reason_ = reason;
    out.is_response_ = true;
    return out;
}

Builder Builder::from(const Message& message) {
    Builder out = message.is_request() ? request(message.method_name(), message.request_uri())
                                       : response(message.status(), message.reason());
    for (const Message::Field& f : message.fields())
        if (f.name.size > 0) out.add(message.name(f), message.unfolded(f));
    out.body("", message.body());
    return out;
}

Builder& Builder::add(Header id, std::string_view value) { return add(to_string(id), value); }

Builder& Builder::add(std::string_view name, std::string_view value) {
    if (header_of(name) != Header::content_length)
        fields_.emplace_back(std::string(name), std::string(trimmed(value)));
    return *this;
}

Builder& Builder::add_first(std::string_view name, std::string_view value) {
    fields_.emplace(fields_.begin(), std::string(name), std::string(trimmed(value)));
    return *this;
}

Builder& Builder::set(std::string_view name, std::string_view value) {
    const auto first = std::find_if(fields_.begin(), fields_.end(),
                                    [&](const auto& f) { return same_field(f.first, name); });
    if (first == fields_.end()) return add(name, value);
    first->second = trimmed(value);
    fields_.erase(std::remove_if(std::next(first), fields_.end(),
                                 [&](const auto& f) { return same_field(f.first, name); }),
                  fields_.end());
    return *this;
}

Builder& Builder::strip(std::string_view name) {
    std::erase_if(fields_, [&](const auto& f) { return same_field(f.first, name); });
    return *this;
}

bool Builder::has(std::string_view name) const {
    return std::any_of(fields_.begin(), fields_.end(),
                       [&](const auto& f) { return same_field(f.first, name); });
}

std::string_view Builder::value(std::string_view name) const {
    for (const auto& [key, value] : fields_)
        if (same_field(key, name)) return value;
    return {};
}

Builder& Builder::body(std::string_view content_type, std::string_view bytes) {
    if (!content_type.empty()) add(Header::content_type, content_type);
    body_ = bytes;
    return *this;
}

Status Builder::writable() const {
    if (is_response_) {
        if (status_ < 100 || status_ > 699)
            return refusal("a status code lies in 100..699 (RFC 3261 7.2)");
        if (has_line_end(reason_)) return refusal("a line end in the reason phrase (RFC 3261 7.2)");
    } else {
        if (!is_token(method_)) return refusal("a method is a token (RFC 3261 7.1)");
        if (uri_.empty() || has_line_end(uri_) ||
            std::any_of(uri_.begin(), uri_.end(), [](char c) { return is_blank(c); }))
            return refusal("a Request-URI is not empty and holds no white space (RFC 3261 7.1)");
    }
    if (fields_.size() >= Message::max_fields) return refusal("too many header fields");
    for (const auto& [name, value] : fields_) {
        if (!is_token(name))
            return refusal(fmt::format("'{}' is no field name (RFC 3261 7.3.1)", name));
        if (has_line_end(value))
            return refusal(fmt::format("a line end in the value of {} (RFC 3261 7.3.1)", name));
    }
    return Done{};
}

Result<std::string> Builder::write() const {
    if (Status s = writable(); !s) return s.error();
    // By hand: a load generator writes nothing but messages.
    const std::string_view reason = trimmed(reason_);
    std::size_t size = 64 + method_.size() + uri_.size() + reason.size() + body_.size();
    for (const auto& [name, value] : fields_) size += name.size() + value.size() + 4;
    std::string out;
    out.reserve(size);
    char digits[20];
    const auto number = [&digits](std::size_t n) {
        const char* end = std::to_chars(digits, digits + sizeof digits, n).ptr;
        return std::string_view(digits, static_cast<std::size_t>(end - digits));
    };
    if (is_response_) {
        out.append("SIP/2.0 ").append(number(static_cast<std::size_t>(status_)));
        out.append(" ").append(reason);
    } else {
        out.append(method_).append(" ").append(uri_).append(" SIP/2.0");
    }
    out.append("\r\n");
    for (const auto& [name, value] : fields_)
        out.append(name).append(": ").append(value).append("\r\n");
    out.append("Content-Length: ").append(number(body_.size())).append("\r\n\r\n").append(body_);
    return out;
}

}  // namespace sipana::sip
