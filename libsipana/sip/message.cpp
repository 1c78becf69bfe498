#include "libsipana/sip/message.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/start_line.h"

namespace sipana::sip {
namespace {

// `line` without the CR that stands before a line's LF.
std::string_view without_cr(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

std::size_t line_feed(const char* text, std::size_t at, std::size_t size) {
    const void* p = std::memchr(text + at, '\n', size - at);
    return p == nullptr ? size : static_cast<std::size_t>(static_cast<const char*>(p) - text);
}

std::string_view without_leading_line_ends(std::string_view text) {
    while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
    return text;
}

// The place of the first colon in text[at, end), eight bytes at a time: names are short. `end` if
// none.
std::size_t colon_in(const char* text, std::size_t at, std::size_t end) {
    constexpr std::uint64_t ones = 0x0101010101010101u, colons = 0x3a * ones;
    for (; at + 8 <= end; at += 8) {
        std::uint64_t w;
        std::memcpy(&w, text + at, 8);
        w ^= colons;  // the lowest zero byte is a colon
        const std::uint64_t zero = (w - ones) & ~w & (0x80 * ones);
        if (zero != 0) return at + static_cast<unsigned>(__builtin_ctzll(zero)) / 8;
    }
    while (at < end && text[at] != ':') ++at;
    return at;
}

// Neither white space nor any other control: what ends a trim.
bool is_solid(char c) { return static_cast<unsigned char>(c) > ' '; }

struct Parts {
    std::uint32_t name_begin = 0, name_size = 0;
    std::uint32_t value_begin = 0, value_end = 0;  // value_end 0: nothing on the line
};

// Takes apart the line text[at, end), which has lost its LF.
Parts parts_of(const char* t, std::size_t at, std::size_t end, bool folded) {
    const auto place = [](std::size_t i) { return static_cast<std::uint32_t>(i); };
    const std::size_t colon = colon_in(t, at, end);
    std::size_t name_end = colon, begin = colon + 1;
    bool named = colon != end && colon > at && is_solid(t[at]);
    if (named && !is_solid(t[colon - 1]))
        while (is_blank(t[name_end - 1])) --name_end;
    // What begins with a blank continues nothing; a name over two lines is none.
    if (folded && named) named = std::memchr(t + at, '\n', name_end - at) == nullptr;
    if (!named) begin = at;
    while (begin < end && is_space(t[begin])) ++begin;
    while (end > begin && is_space(t[end - 1])) --end;
    if (!named) return {0, 0, place(begin), begin == end ? 0 : place(end)};
    return {place(at), place(name_end - at), place(begin), place(end)};
}

// Where the parameters of a From or To value begin: behind the brackets, or at the first semicolon.
std::string_view field_params(std::string_view value) {
    std::size_t from = 0;
    if (!value.empty() && value.front() == '"') {
        from = closing_quote(value, 0);
        if (from == value.npos) from = 0;
    }
    const std::size_t open = value.find('<', from);
    if (open != value.npos && value.substr(from + 1, open - from).find('"') != value.npos) {
        const auto parsed = parse_name_addr(value);  // more quotes than one display name has
        return parsed ? parsed->params.text() : std::string_view{};
    }
    const std::size_t close = open == value.npos ? from : value.find('>', open);
    const std::size_t at = close == value.npos ? close : value.find(';', close);
    return at == value.npos ? std::string_view{} : value.substr(at);
}

// The value of the parameter that `prefix` (";tag=") names, in `text`, which begins with a
// semicolon or is empty. Nearly always it is the first one, written just so.
std::string_view param_in(std::string_view text, std::string_view prefix) {
    if (text.starts_with(prefix)) {
        std::size_t n = prefix.size();
        while (n < text.size() && (is_token_char(text[n]))) ++n;
        if (n == text.size() || text[n] == ';')
            return text.substr(prefix.size(), n - prefix.size());
    }
    return Params(text).find(prefix.substr(1, prefix.size() - 2)).value_or("");
}

}  // namespace

Result<Message> Message::parse(std::string_view text) {
    Message m;
    if (Status s = m.read(text); !s) return s.error();
    return m;
}

void Message::clear() {
    text_ = {};
    fields_.clear();
    first_.fill(0);
    start_line_ = method_name_ = uri_ = version_ = reason_ = body_ = cseq_method_ = {};
    content_length_.reset();
    cseq_number_.reset();
    status_ = 0;
    method_ = cseq_kind_ = Method::other;
    body_cut_ = false;
}

Status Message::read(std::string_view text) {
    clear();
    if (text.size() > std::numeric_limits<std::uint32_t>::max())
        return Error{Errc::too_large, 0, "a message of more than 4 GiB"};
    text_ = text;
    Status done = read_all();
    if (!done) clear();
    return done;
}

Status Message::read_all() {
    const std::size_t begin = text_.size() - without_leading_line_ends(text_).size();
    const std::size_t end = line_feed(text_.data(), begin, text_.size());
    const std::string_view line = without_cr(text_.substr(begin, end - begin));
    if (line.empty()) return Error{Errc::truncated, begin, "no start line (RFC 3261 7)"};
    const auto start = parse_start_line(line);
    if (!start)
        return Error{end == text_.size() ? Errc::truncated : Errc::malformed, begin,
                     "neither a request line (RFC 3261 7.1) nor a status line (7.2)"};
    start_line_ = slice(line);
    version_ = slice(start->version);
    status_ = start->status;
    if (status_ != 0) {
        reason_ = start->reason.empty() ? Slice{} : slice(start->reason);
    } else {
        method_name_ = slice(start->method);
        method_ = method_of(start->method);
        uri_ = start->uri.empty() ? Slice{} : slice(start->uri);
    }

    std::size_t body = std::min(end + 1, text_.size());
    bool any = false;
    if (Status s = read_fields(body, any); !s) return s;
    if (!any)
        return Error{body == text_.size() ? Errc::truncated : Errc::malformed, end,
                     "no header fields (RFC 3261 8.1.1)"};
    read_cseq();
    read_content_length();
    body_ = slice(text_.substr(body));
    if (content_length_) {
        body_cut_ = *content_length_ > body_.size;
        if (!body_cut_) body_.size = static_cast<std::uint32_t>(*content_length_);
    }
    return Done{};
}

// Reads from `at`, which becomes the place behind the blank line, or the end of the text. The
// analyzer's hottest loop: what nearly every line looks like is tried first.
Status Message::read_fields(std::size_t& at, bool& any) {
    const char* const t = text_.data();
    const std::size_t n = text_.size();
    std::uint16_t count = 0;
    while (at < n) {
        if (t[at] == '\n' || (t[at] == '\r' && at + 1 < n && t[at + 1] == '\n')) {
            at += t[at] == '\n' ? 1 : 2;
            return Done{};
        }
        std::size_t end = line_feed(t, at, n);
        bool folded = false;
        while (end + 1 < n && is_blank(t[end + 1])) {
            folded = true;
            end = line_feed(t, end + 1, n);
        }
        if (count == max_fields)
            return Error{Errc::too_large, at, "more header fields than anybody sends"};
        const Parts parts = parts_of(t, at, end, folded);
        at = std::min(end + 1, n);
        if (parts.value_end == 0) continue;
        Field& field = fields_.emplace_back();
        ++count;
        field.folded = folded;
        field.value = {parts.value_begin, parts.value_end - parts.value_begin};
        if (parts.name_size == 0) continue;
        any = true;
        field.name = {parts.name_begin, parts.name_size};
        field.id = header_of({t + parts.name_begin, parts.name_size});
        auto& index = first_[static_cast<std::size_t>(field.id)];
        if (index == 0) index = count;
    }
    return Done{};
}

void Message::read_cseq() {
    const Field* field = first(Header::cseq);
    if (field == nullptr) return;
    std::string_view rest = value(*field);
    std::size_t n = 0;
    while (n < rest.size() && is_digit(rest[n])) ++n;
    if (n == 0 || n == rest.size() || !is_space(rest[n])) return;
    cseq_number_ = to_number(rest.substr(0, n));
    rest = trim(rest.substr(n));
    n = 0;
    while (n < rest.size() && !is_space(rest[n])) ++n;
    const std::string_view method = rest.substr(0, n);
    cseq_method_ = slice(method);
    cseq_kind_ = method_of(method);
    if (status_ != 0) {
        method_ = cseq_kind_;
        method_name_ = cseq_method_;
    }
}

void Message::read_content_length() {
    for (std::size_t i = first_[static_cast<std::size_t>(Header::content_length)]; i > 0; ++i) {
        if (i > fields_.size()) return;
        const Field& f = fields_[i - 1];
        if (f.id != Header::content_length) continue;
        const auto here = to_number<std::uint64_t>(value(f));
        if (!here || (content_length_ && *content_length_ != *here)) {
            content_length_.reset();
            return;
        }
        content_length_ = here;
    }
}

std::string_view Message::method_name() const { return at(method_name_); }

std::string Message::unfolded(const Field& field) const {
    const std::string_view v = value(field);
    if (!field.folded) return std::string(v);
    std::string out;
    out.reserve(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) {
        if (v[i] != '\n') {
            out += v[i];
            continue;
        }
        while (!out.empty() && is_space(out.back())) out.pop_back();
        while (i + 1 < v.size() && is_space(v[i + 1])) ++i;
        out += ' ';
    }
    return out;
}

std::optional<std::string_view> Message::header(Header id) const {
    const Field* field = id == Header::other ? nullptr : first(id);
    if (field == nullptr) return std::nullopt;
    return value(*field);
}

std::optional<std::string_view> Message::header(std::string_view wanted) const {
    const Header id = header_of(wanted);
    if (id != Header::other) return header(id);
    // RFC 3841 10: the two compact forms whose fields have no enumerator.
    const std::string_view compact = iequals(wanted, "Accept-Contact")   ? "a"
                                     : iequals(wanted, "Reject-Contact") ? "j"
                                     : iequals(wanted, "a")              ? "Accept-Contact"
                                     : iequals(wanted, "j")              ? "Reject-Contact"
                                                                         : "";
    for (const Field& f : fields_) {
        if (f.id != Header::other || f.name.size == 0) continue;
        if (iequals(name(f), wanted) || iequals(name(f), compact)) return value(f);
    }
    return std::nullopt;
}

std::vector<std::string_view> Message::values(Header id) const {
    std::vector<std::string_view> out;
    if (id == Header::other || first(id) == nullptr) return out;
    const bool list = is_list(id);
    for (const Field& f : fields_) {
        if (f.id != id) continue;
        std::string_view rest = value(f);
        if (!list)
            out.push_back(rest);
        else
            while (const auto element = next_element(rest)) out.push_back(*element);
    }
    return out;
}

std::string_view Message::call_id() const { return header(Header::call_id).value_or(""); }

std::optional<CSeq> Message::cseq() const {
    if (!cseq_number_) return std::nullopt;
    return CSeq{*cseq_number_, cseq_kind_, at(cseq_method_)};
}

std::string_view Message::from_tag() const {
    return param_in(field_params(header(Header::from).value_or("")), ";tag=");
}

std::string_view Message::to_tag() const {
    return param_in(field_params(header(Header::to).value_or("")), ";tag=");
}

std::string_view Message::branch() const {
    std::string_view via = header(Header::via).value_or("");
    if (via.find('"') == via.npos)
        via = via.substr(0, via.find(','));
    else
        via = next_element(via).value_or("");
    const std::size_t at = via.find(';');
    return at == via.npos ? std::string_view{} : param_in(via.substr(at), ";branch=");
}

bool looks_like_sip(std::string_view bytes) {
    const std::string_view text = without_leading_line_ends(bytes);
    if (text.empty() || !is_token_char(text.front())) return false;
    const std::size_t end = line_feed(text.data(), 0, text.size());
    return end != text.size() && parse_start_line(without_cr(text.substr(0, end)));
}

}  // namespace sipana::sip
