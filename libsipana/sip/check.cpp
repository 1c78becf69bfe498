#include "libsipana/sip/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/checker.h"
#include "libsipana/sip/uri.h"

namespace sipana::sip {
namespace {

// Fields that may stand only once, beyond those of 8.1.1 (the RFC of each says so, or its grammar
// has no list). Refer-To and Via have rules of their own.
constexpr std::array single_fields{
    Header::call_id,
    Header::cseq,
    Header::from,
    Header::to,
    Header::max_forwards,
    Header::content_length,
    Header::content_type,
    Header::content_disposition,
    Header::date,
    Header::event,
    Header::expires,
    Header::mime_version,
    Header::min_expires,
    Header::min_se,
    Header::organization,
    Header::priority,
    Header::rack,
    Header::rseq,
    Header::referred_by,
    Header::replaces,
    Header::join,
    Header::reply_to,
    Header::retry_after,
    Header::server,
    Header::session_expires,
    Header::sip_etag,
    Header::sip_if_match,
    Header::subject,
    Header::timestamp,
    Header::subscription_state,
    Header::user_agent,
    Header::authentication_info,
};

constexpr std::size_t longest_quote = 60;
constexpr std::size_t longest_masked = 1024;  // a password that begins in the quote ends within

constexpr std::array<bool, 256> make_printable_ascii() {
    std::array<bool, 256> table{};
    for (std::size_t c = ' '; c < 0x7f; ++c) table[c] = true;
    return table;
}
constexpr auto printable_ascii = make_printable_ascii();

bool is_stream(std::string_view transport) {
    return iequals(transport, "TCP") || iequals(transport, "TLS");
}

// Does a line of `body` begin with "--" and the boundary?
bool has_boundary(std::string_view body, std::string_view boundary) {
    for (std::string_view rest = body; !rest.empty();) {
        const std::string_view line = cut(rest, '\n');
        if (line.starts_with("--") && line.substr(2).starts_with(boundary)) return true;
    }
    return false;
}

}  // namespace

void check(const Message& message, std::vector<Finding>& out) { Checker(message, out).run(); }

void Checker::run() {
    check_text();
    check_start_line();
    check_presence();
    check_repetition();
    check_fields();
    check_tags();
    check_contacts();
    check_body();
    check_extensions();
    std::stable_sort(out_.begin() + static_cast<std::ptrdiff_t>(begin_), out_.end(),
                     [](const Finding& a, const Finding& b) { return a.byte < b.byte; });
}

void Checker::add(const Rule& rule, std::string_view at, std::string_view detail) {
    if (out_.size() - begin_ >= max_findings) return;
    Finding finding;
    finding.rule = rule.name;
    finding.severity = rule.severity;
    finding.clause = rule.clause;
    finding.byte = at.data() == nullptr ? 0 : m_.offset_of(at);
    finding.text = rule.summary;
    if (!detail.empty()) {
        const std::string quote = masked_within(detail.substr(0, longest_masked));
        finding.text += ": ";
        finding.text += std::string_view(quote).substr(0, longest_quote);
        if (detail.size() > longest_quote) finding.text += "...";
    }
    out_.push_back(std::move(finding));
}

// From the start line to the blank line.
std::string_view Checker::head() const { return m_.text().substr(0, m_.offset_of(m_.body())); }

void Checker::check_text() {
    const std::string_view text = head();
    bool bare_feed = false, control = false, high = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (printable_ascii[static_cast<unsigned char>(text[i])]) continue;
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x80) {
            high = true;
        } else if (c == '\n') {
            if (!bare_feed && (i == 0 || text[i - 1] != '\r')) {
                bare_feed = true;
                add(rule::line_end, text.substr(i));
            }
        } else if (c == '\t' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) {
            continue;
        } else if (!control && (i == 0 || text[i - 1] != '\\')) {  // a quoted-pair may hold it
            control = true;
            add(rule::control_character, text.substr(i), fmt::format("0x{:02x}", c));
        }
    }
    if (high) {
        const std::string valid = valid_utf8(text);
        const auto [bad, unused] =
            std::mismatch(text.begin(), text.end(), valid.begin(), valid.end());
        if (bad != text.end())
            add(rule::utf8, text.substr(static_cast<std::size_t>(bad - text.begin())));
    }
    if (!text.ends_with("\n\r\n") && !text.ends_with("\n\n"))
        add(rule::head_unfinished, text.substr(text.size()));
}

void Checker::check_start_line() {
    const std::string_view line = m_.start_line();
    const std::string_view version = m_.version();
    if (version != "SIP/2.0") add(rule::version, version, version);
    if (m_.is_response()) {
        if (m_.status() < 100 || m_.status() > 699) add(rule::status_range, line);
        const std::size_t n = version.size();  // "SIP/2.0 200 "
        if (line.size() < n + 5 || line[n] != ' ' || !is_digit(line[n + 1]) || line[n + 4] != ' ')
            add(rule::start_line_space, line);
        return;
    }
    const std::string_view method = m_.method_name(), uri = m_.request_uri();
    if (uri.empty()) {
        add(rule::request_uri_missing, line);
    } else {
        const std::size_t size = method.size() + 1 + uri.size() + 1 + version.size();
        if (line.size() != size || line[method.size()] != ' ' ||
            line[method.size() + 1 + uri.size()] != ' ')
            add(rule::start_line_space, line);
        check_request_uri();
    }
    if (m_.method() == Method::other) {
        std::string upper(method);
        for (char& c : upper)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        if (method_of(upper) != Method::other) add(rule::method_case, method, method);
    }
}

void Checker::check_request_uri() {
    std::string_view text = m_.request_uri();
    if (text.front() == '<') {
        add(rule::request_uri_brackets, text);
        return;
    }
    if (std::any_of(text.begin(), text.end(), is_space)) {
        add(rule::request_uri_space, text);
        return;
    }
    const auto uri = parse_uri(text);
    if (!uri) {
        add(rule::uri_syntax, text, text);
        return;
    }
    check_uri(text);
    if (uri->scheme == Scheme::other && !iequals(uri->scheme_name, "urn"))
        add(rule::uri_scheme, text, uri->scheme_name);
    if (!uri->headers.empty()) add(rule::request_uri_headers, uri->headers);
    if (m_.method() == Method::register_ && uri->has_user) add(rule::register_userinfo, text);
}

void Checker::check_presence() {
    const auto need = [&](Header id) {
        if (!m_.header(id)) add(rule::field_missing, m_.start_line(), to_string(id));
    };
    need(Header::via);
    need(Header::from);
    need(Header::to);
    need(Header::call_id);
    need(Header::cseq);
    if (m_.is_request()) need(Header::max_forwards);
}

void Checker::check_repetition() {
    for (Header id : single_fields) {
        if (!m_.header(id)) continue;
        bool seen = false;
        for (const Message::Field& f : m_.fields()) {
            if (f.id != id) continue;
            if (seen) add(rule::field_repeated, m_.name(f), to_string(id));
            seen = true;
        }
    }
}

void Checker::check_fields() {
    for (const Message::Field& field : m_.fields()) {
        if (field.name.size == 0) {
            add(rule::not_a_field, m_.value(field), m_.value(field));
            continue;
        }
        if (field.id == Header::other && !is_token(m_.name(field)))
            add(rule::field_name, m_.name(field), m_.name(field));
        check_field(field);
        check_extension_field(field);
    }
}

void Checker::check_tags() {
    if (m_.header(Header::from) && m_.from_tag().empty())
        add(rule::from_tag_missing, *m_.header(Header::from));
    if (!m_.header(Header::to) || !m_.to_tag().empty()) return;
    const std::string_view to = *m_.header(Header::to);
    const Method method = m_.method();
    if (m_.is_response()) {
        if (m_.status() != 100) add(rule::to_tag_missing, to);
    } else if (method == Method::bye || method == Method::prack || method == Method::update ||
               method == Method::info) {
        add(rule::outside_dialog, to, m_.method_name());
    }
}

void Checker::check_contacts() {
    const auto contacts = m_.values(Header::contact);
    const Method method = m_.method();
    const bool invite_2xx = method == Method::invite && m_.status() >= 200 && m_.status() < 300;
    const bool target =
        m_.is_request() && (method == Method::invite || method == Method::subscribe ||
                            method == Method::refer || method == Method::update);
    if (contacts.empty() && (target || invite_2xx)) add(rule::contact_missing, m_.start_line());
    if (contacts.size() > 1 && (target || invite_2xx)) add(rule::contact_several, contacts[1]);
    if (m_.is_request() && method == Method::message && !contacts.empty())
        add(rule::message_contact, contacts[0]);
    for (std::string_view contact : contacts) {
        if (contact != "*") continue;
        if (contacts.size() > 1 || !m_.is_request() || method != Method::register_ ||
            parse_number(m_.header(Header::expires).value_or("")) != 0u)
            add(rule::contact_star, contact);
    }
    if (target && istarts_with(m_.request_uri(), "sips:"))
        for (std::string_view contact : contacts)
            if (const auto a = parse_name_addr(contact); a && istarts_with(a->uri, "sip:"))
                add(rule::contact_sips, contact);
}

void Checker::check_body() {
    const std::string_view body = m_.body();
    const auto length = m_.header(Header::content_length);
    for (const Message::Field& f : m_.fields())
        if (f.id == Header::content_length && !to_number<std::uint64_t>(m_.value(f)))
            add(rule::content_length_syntax, m_.value(f), m_.value(f));
    if (m_.body_cut())
        add(rule::body_cut, *length,
            fmt::format("{} of {} bytes", body.size(), *m_.content_length()));
    const std::size_t end = head().size() + body.size();
    if (end < m_.text().size())
        add(rule::trailing_bytes, m_.text().substr(end),
            fmt::format("{} bytes", m_.text().size() - end));
    const auto via = m_.header(Header::via);
    if (!length && via) {
        std::string_view rest = *via;
        const auto top = parse_via(next_element(rest).value_or(""));
        if (top && is_stream(top->transport)) add(rule::content_length_missing, m_.start_line());
    }
    if (body.empty()) return;
    const auto written = m_.header(Header::content_type);
    if (!written) {
        add(rule::content_type_missing, body);
        return;
    }
    const auto type = parse_content_type(*written);
    if (!type)
        add(rule::content_type_syntax, *written, *written);
    else if (iequals(type->type, "multipart") && !m_.body_cut())
        check_multipart(*type);
}

void Checker::check_multipart(const ContentType& type) {
    const std::string_view boundary = type.params.find("boundary").value_or("");
    if (boundary.empty() || !has_boundary(m_.body(), boundary)) {
        add(rule::multipart_boundary, type.type);
        return;
    }
    const auto parts = parts_of(m_);
    if (std::any_of(parts.begin(), parts.end(), [](const Part& p) { return p.unfinished; }))
        add(rule::multipart_unfinished, m_.body());
}

}  // namespace sipana::sip
