#include "libsipana/sip/message.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "libsipana/base/line_feeds.h"
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

// The place of the first colon in text[at, end); `end` if none.
std::size_t colon_in(const char* text, std::size_t at, std::size_t end) {
    const void* p = std::memchr(text + at, ':', end - at);
    return p == nullptr ? end : static_cast<std::size_t>(static_cast<const char*>(p) - text);
}

// Neither white space nor any other control: what ends a trim.
bool is_solid(char c) { return static_cast<unsigned char>(c) > ' '; }

// The last line feed of a field whose first one, at text[end], is followed by a blank.
[[gnu::noinline]] std::size_t end_of_folded(std::string_view text, std::size_t end,
                                            LineFeeds& feeds) {
    while (end + 1 < text.size() && is_blank(text[end + 1])) end = feeds.next();
    return end;
}

struct Parts {
    std::uint32_t name_begin = 0, name_size = 0;
    std::uint32_t value_begin = 0, value_end = 0;  // value_end 0: nothing on the line
};

// The line text[at, end), if it is "Name: value" and CR as nearly all write it; `size` is the
// text's.
inline bool usual_parts(const char* t, std::size_t at, std::size_t end, std::size_t size,
                        Parts& parts) {
#ifdef __SSE2__
    if (at + 16 > size) return false;
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(t + at));
    const auto found =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':'))));
    if (found <= 1) return false;  // the name is longer, or is none
    const std::size_t colon = at + static_cast<unsigned>(__builtin_ctz(found));
    if (colon + 3 >= end || t[colon + 1] != ' ' || t[end - 1] != '\r') return false;
    if (!is_solid(t[at]) || !is_solid(t[colon - 1]) || !is_solid(t[colon + 2]) ||
        !is_solid(t[end - 2]))
        return false;
    const auto place = [](std::size_t i) { return static_cast<std::uint32_t>(i); };
    parts = {place(at), place(colon - at), place(colon + 2), place(end - 1)};
    return true;
#else
    static_cast<void>(t), static_cast<void>(at), static_cast<void>(end), static_cast<void>(size);
    static_cast<void>(parts);
    return false;
#endif
}

// Takes apart the line text[at, end), which has lost its LF.
[[gnu::noinline]] Parts parts_of(const char* t, std::size_t at, std::size_t end, bool folded) {
    const auto place = [](std::size_t i) { return static_cast<std::uint32_t>(i); };
    const std::size_t colon = colon_in(t, at, end);
    std::size_t name_end = colon, begin = colon + 1;
    bool named = colon != end && colon > at && is_solid(t[at]);
    if (named && !is_solid(t[colon - 1]))
        while (is_blank(t[name_end - 1])) --name_end;
    // What begins with a blank continues nothing; a name over two lines is none.
    if (folded && named) named = std::memchr(t + at, '\n', name_end - at) == nullptr;
    if (!named) begin = at;
    while (begin < end && !is_solid(t[begin]) && is_space(t[begin])) ++begin;
    while (end > begin && !is_solid(t[end - 1]) && is_space(t[end - 1])) --end;
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
// semicolon or is empty. Nearly always it is written just so, in its case and without quotes.
std::string_view param_in(std::string_view text, std::string_view prefix) {
    for (std::string_view rest = text; rest.size() > prefix.size();) {
        const std::size_t next = rest.find(';', 1);
        const std::string_view param = rest.substr(0, next);
        if (param.starts_with(prefix)) {
            const std::string_view value = trim(param.substr(prefix.size()));
            if (!value.empty() && (value.front() == '"' || value.front() == '<')) break;
            return value;
        }
        const char first = param.size() > 1 ? param[1] : ' ';
        if (next == rest.npos || is_space(first) || to_lower(first) == prefix[1]) break;
        if (param.find('"') != param.npos || param.find('<') != param.npos) break;
        rest.remove_prefix(next);
    }
    return Params(text).find(prefix.substr(1, prefix.size() - 2)).value_or("");
}

// The tag of a From or To value. Nearly every one ends with its only parameter, or has none.
std::string_view tag_of(std::string_view value) {
    if (value.empty()) return {};
    std::size_t n = value.size();
    while (n > 0 && is_token_char(value[n - 1])) --n;
    constexpr std::string_view behind_uri = ">;tag=";
    const std::string_view before = value.substr(0, n);
    if (n < value.size() && before.ends_with(behind_uri)) {
        if (value.find('>') == n - behind_uri.size()) return value.substr(n);
    } else if (value.front() == '<' && value.back() == '>' && value.find('>') == n - 1) {
        return {};
    }
    return param_in(field_params(value), ";tag=");
}

}  // namespace

Result<Message> Message::parse(std::string_view text) {
    Message m;
    if (Status s = m.read(text); !s) return s.error();
    return m;
}

void Message::clear() {
    text_ = {};
    count_ = 0;
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
    LineFeeds feeds(text_, begin);
    const std::size_t end = feeds.next();
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
    if (Status s = read_fields(feeds, body, any); !s) return s;
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

// Reads from `at`, which becomes the place behind the blank line, or the end of the text; `feeds`
// are the line feeds from there on. The analyzer's hottest loop.
Status Message::read_fields(LineFeeds feeds, std::size_t& at, bool& any) {
    const char* const t = text_.data();
    const std::size_t n = text_.size();
    std::size_t begin = at;  // of the line
    while (begin < n) {
        const char first = t[begin];
        if (first == '\n' || (first == '\r' && begin + 1 < n && t[begin + 1] == '\n')) {
            begin += first == '\n' ? 1 : 2;
            break;
        }
        std::size_t end = feeds.next();
        const bool folded = end + 1 < n && is_blank(t[end + 1]);
        if (folded) [[unlikely]]
            end = end_of_folded(text_, end, feeds);
        if (count_ == fields_.size() && !make_room())
            return Error{Errc::too_large, begin, "more header fields than anybody sends"};
        Parts parts;
        if (folded || !usual_parts(t, begin, end, n, parts))
            parts = parts_of(t, begin, end, folded);
        begin = std::min(end + 1, n);
        if (parts.value_end == 0) continue;
        Field& field = fields_[count_++];
        field.folded = folded;
        field.value = {parts.value_begin, parts.value_end - parts.value_begin};
        field.name = {parts.name_begin, parts.name_size};
        field.id = Header::other;
        if (parts.name_size == 0) continue;
        any = true;
        field.id = header_of({t + parts.name_begin, parts.name_size});
        auto& index = first_[static_cast<std::size_t>(field.id)];
        if (index == 0) index = count_;
    }
    at = begin;
    return Done{};
}

// Makes place for more fields; false where there are as many as are read.
bool Message::make_room() {
    if (fields_.size() == max_fields) return false;
    fields_.resize(std::min(max_fields, std::max<std::size_t>(32, 2 * fields_.size())));
    return true;
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
        if (i > count_) return;
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
    for (const Field& f : fields()) {
        if (f.id != Header::other || f.name.size == 0) continue;
        if (iequals(name(f), wanted) || iequals(name(f), compact)) return value(f);
    }
    return std::nullopt;
}

std::vector<std::string_view> Message::values(Header id) const {
    std::vector<std::string_view> out;
    if (id == Header::other || first(id) == nullptr) return out;
    const bool list = is_list(id);
    for (const Field& f : fields()) {
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

std::string_view Message::from_tag() const { return tag_of(header(Header::from).value_or("")); }

std::string_view Message::to_tag() const { return tag_of(header(Header::to).value_or("")); }

std::string_view Message::branch() const {
    std::string_view via = header(Header::via).value_or("");
    if (via.find('"') == via.npos)
        via = via.substr(0, via.find(','));
    else
        via = next_element(via).value_or("");
    const std::size_t at = via.find(';');
    return at == via.npos ? std::string_view{} : param_in(via.substr(at), ";branch=");
}

// The same as "the first line parses", but told from less of it where it is written as all write
// it.
bool looks_like_sip(std::string_view bytes) {
    const std::string_view text = without_leading_line_ends(bytes);
    if (text.empty() || !is_token_char(text.front())) return false;
    const std::size_t end = line_feed(text.data(), 0, text.size());
    if (end == text.size()) return false;
    const std::string_view line = without_cr(text.substr(0, end));
    constexpr std::string_view status = "SIP/2.0 ", request = " SIP/2.0";
    if (line.size() > status.size() + 3 && line.starts_with(status) && is_blank(line[11]) &&
        line[8] > '0' && is_digit(line[8]) && is_digit(line[9]) && is_digit(line[10]))
        return true;
    if (line.ends_with(request)) {
        std::size_t n = 1;
        while (is_token_char(line[n])) ++n;
        if (is_blank(line[n])) return true;
    }
    return parse_start_line(line).has_value();
}

}  // namespace sipana::sip
