#include "libsipana/sip/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "libsipana/base/text.h"
#include "libsipana/sip/params.h"
#include "libsipana/sip/start_line.h"

namespace sipana::sip {
namespace {

constexpr std::size_t usual_fields = 20, usual_size = 1000;

bool is_line_end(char c) { return c == '\r' || c == '\n' || c == '\0'; }

// Many at a time: nearly no value has any control in it.
bool has_line_end(std::string_view text) {
#ifdef __SSE2__
    constexpr std::size_t step = 16;
    if (text.size() >= step) {
        const __m128i most = _mm_set1_epi8('\r');  // and below it
        __m128i controls = _mm_setzero_si128();
        const auto look = [&](const char* at) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
            const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, most), bytes);
            controls = _mm_or_si128(controls, low);
        };
        const char *at = text.data(), *const last = at + text.size() - step;
        for (; at < last; at += step) look(at);
        look(last);
        if (_mm_movemask_epi8(controls) == 0) return false;
    }
#endif
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= '\r' && is_line_end(c)) return true;
    return false;
}

char* put(char* to, std::string_view part) {
    part.copy(to, part.size());  // which may be none
    return to + part.size();
}

// Only blanks: a line end is refused, not swallowed.
std::string_view trimmed(std::string_view s) {
    while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
    return s;
}

Error refusal(std::string what) { return Error{Errc::malformed, 0, std::move(what)}; }

}  // namespace

Builder::Builder() : text_(usual_size, '\0') { fields_.reserve(usual_fields); }

Builder Builder::request(std::string_view method, std::string_view uri) {
    Builder out;
    out.method_ = out.keep(method);
    out.uri_ = out.keep(uri);
    return out;
}

Builder Builder::response(int status, std::string_view reason) {
    Builder out;
    out.status_ = status;
    out.reason_ = out.keep(reason);
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

// Room for so much more, where it begins. `before`: the memory until then, for those who view it.
char* Builder::make_room(std::size_t size, std::string& before) {
    if (used_ + size > text_.size()) {
        before = std::exchange(text_, std::string(2 * (used_ + size), '\0'));
        std::memcpy(text_.data(), before.data(), used_);
    }
    return text_.data() + std::exchange(used_, used_ + size);
}

Builder::Slice Builder::keep(std::string_view part) {
    std::string before;
    const std::size_t begin = used_;
    put(make_room(part.size(), before), part);
    return {begin, part.size()};
}

Builder::Field Builder::line(Header id, bool clean, std::string_view name, std::string_view value,
                             std::string_view more) {
    const std::size_t begin = used_, size = value.size() + more.size();
    const std::size_t whole = name.size() + size + 4;
    const auto write = [&](char* to) {
        to = put(put(put(put(to, name), ": "), value), more);
        put(to, "\r\n");
    };
    if (used_ + whole <= text_.size()) {
        write(text_.data() + used_);
        used_ += whole;
    } else {
        std::string before;
        write(make_room(whole, before));
    }
    return {id, clean, {begin, name.size()}, {begin + name.size() + 2, size}};
}

Builder::Field Builder::field(std::string_view name, Header id, std::string_view value) {
    value = trimmed(value);
    return line(id, is_token(name) && !has_line_end(value), name, value);
}

Builder::Field Builder::field(Header id, std::string_view value, std::string_view more) {
    if (more.empty()) value = trimmed(value);
    const bool clean = id != Header::other && !has_line_end(value) && !has_line_end(more);
    return line(id, clean, to_string(id), value, more);
}

bool Builder::is(const Field& f, Header id, std::string_view name) const {
    return f.id == id && (id != Header::other || iequals(at(f.name), name));
}

Builder& Builder::add(Header id, std::string_view value, std::string_view more) {
    if (id != Header::content_length) fields_.push_back(field(id, value, more));
    return *this;
}

Builder& Builder::add(std::string_view name, std::string_view value) {
    const Header id = header_of(name);
    if (id != Header::content_length) fields_.push_back(field(name, id, value));
    return *this;
}

Builder& Builder::add_first(std::string_view name, std::string_view value) {
    fields_.insert(fields_.begin(), field(name, header_of(name), value));
    return *this;
}

Builder& Builder::add_first(Header id, std::string_view value, std::string_view more) {
    fields_.insert(fields_.begin(), field(id, value, more));
    return *this;
}

Builder& Builder::set(std::string_view name, std::string_view value) {
    const Header id = header_of(name);
    const auto same = [&](const Field& f) { return is(f, id, name); };
    const auto first = std::find_if(fields_.begin(), fields_.end(), same);
    if (first == fields_.end()) return add(name, value);
    *first = field(at(first->name), id, value);
    fields_.erase(std::remove_if(std::next(first), fields_.end(), same), fields_.end());
    return *this;
}

Builder& Builder::strip(std::string_view name) {
    const Header id = header_of(name);
    std::erase_if(fields_, [&](const Field& f) { return is(f, id, name); });
    return *this;
}

bool Builder::has(std::string_view name) const {
    const Header id = header_of(name);
    return std::any_of(fields_.begin(), fields_.end(),
                       [&](const Field& f) { return is(f, id, name); });
}

std::string_view Builder::value(std::string_view name) const {
    const Header id = header_of(name);
    for (const Field& f : fields_)
        if (is(f, id, name)) return at(f.value);
    return {};
}

Builder& Builder::body(std::string_view content_type, std::string_view bytes) {
    if (!content_type.empty()) add(Header::content_type, content_type);
    body_ = keep(bytes);
    return *this;
}

Status Builder::writable() const {
    if (is_response_) {
        if (status_ < 100 || status_ > 699)
            return refusal("a status code lies in 100..699 (RFC 3261 7.2)");
        if (has_line_end(at(reason_)))
            return refusal("a line end in the reason phrase (RFC 3261 7.2)");
    } else {
        const std::string_view uri = at(uri_);
        if (!is_token(at(method_))) return refusal("a method is a token (RFC 3261 7.1)");
        if (uri.empty() || has_line_end(uri) ||
            std::any_of(uri.begin(), uri.end(), [](char c) { return is_blank(c); }))
            return refusal("a Request-URI is not empty and holds no white space (RFC 3261 7.1)");
    }
    if (fields_.size() >= Message::max_fields) return refusal("too many header fields");
    for (const Field& f : fields_) {
        if (f.clean) continue;
        const std::string_view name = at(f.name);
        if (!is_token(name))
            return refusal(fmt::format("'{}' is no field name (RFC 3261 7.3.1)", name));
        return refusal(fmt::format("a line end in the value of {} (RFC 3261 7.3.1)", name));
    }
    return Done{};
}

Result<std::string> Builder::write() const {
    if (Status s = writable(); !s) return s.error();
    // By hand: a load generator writes nothing but messages.
    char number[20];
    const auto digits = [&number](std::size_t n) {
        const char* end = std::to_chars(number, number + sizeof number, n).ptr;
        return std::string_view(number, static_cast<std::size_t>(end - number));
    };
    constexpr std::size_t around = 64;  // the start line's version, Content-Length, line ends
    std::size_t size = around + method_.size + uri_.size + reason_.size + body_.size;
    for (const Field& f : fields_) size += f.end() - f.name.begin;
    std::string out(size, '\0');
    char* to = out.data();
    if (is_response_) {
        to = put(put(to, "SIP/2.0 "), digits(static_cast<std::size_t>(status_)));
        to = put(put(to, " "), trimmed(at(reason_)));
    } else {
        to = put(put(put(put(to, at(method_)), " "), at(uri_)), " SIP/2.0");
    }
    to = put(to, "\r\n");
    for (std::size_t i = 0; i < fields_.size();) {
        const std::size_t begin = fields_[i].name.begin;
        std::size_t end = fields_[i].end();  // of lines that were added one after the other
        while (++i < fields_.size() && fields_[i].name.begin == end) end = fields_[i].end();
        to = put(to, at({begin, end - begin}));
    }
    to = put(put(put(to, "Content-Length: "), digits(body_.size)), "\r\n\r\n");
    to = put(to, at(body_));
    out.resize(static_cast<std::size_t>(to - out.data()));
    return out;
}

}  // namespace sipana::sip
