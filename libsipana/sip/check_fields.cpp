// check(): the header fields of RFC 3261, one at a time.
#include <algorithm>
#include <array>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/text.h"
#include "libsipana/sip/checker.h"
#include "libsipana/sip/credentials.h"

namespace sipana::sip {
namespace {

constexpr std::uint32_t cseq_limit = std::uint32_t{1} << 31;  // RFC 3261 8.1.1.5

// Where a separator has nothing beside it; commas in quotes and brackets do not count. npos:
// nowhere.
std::size_t gap_in(std::string_view text, char separator) {
    std::size_t i = 0;
    bool something = false;
    for (; i < text.size(); ++i) {
        if (text[i] == separator) {
            if (!something) return i;
            something = false;
            continue;
        }
        if (text[i] == '"') i = std::min(closing_quote(text, i), text.size());
        if (i < text.size() && text[i] == '<') i = std::min(text.find('>', i), text.size());
        if (i >= text.size() || !is_space(text[i])) something = true;
    }
    return something ? text.npos : text.size();
}

// Two separators with nothing but white space between, or one at either end: only then is it worth
// asking gap_in(), which knows quotes.
bool may_have_gap(std::string_view text, char separator) {
    if (text.front() == separator || text.back() == separator) return true;
    for (std::size_t i = text.find(separator); i != text.npos; i = text.find(separator, i)) {
        ++i;
        while (i < text.size() && is_space(text[i])) ++i;
        if (i < text.size() && text[i] == separator) return true;
    }
    return false;
}

// The opening quote that nothing closes; npos if all are closed.
std::size_t open_quote(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '"') continue;
        const std::size_t close = closing_quote(text, i);
        if (close == text.npos) return i;
        i = close;
    }
    return text.npos;
}

// The first parameter that stands a second time; empty if none does. Beyond the first 16 nobody
// looks.
std::string_view repeated_parameter(const Params& params) {
    std::array<std::string_view, 16> names;
    std::size_t n = 0;
    for (const Param& p : params) {
        if (n == names.size()) break;
        const auto end = names.begin() + static_cast<std::ptrdiff_t>(n);
        if (std::any_of(names.begin(), end, [&](std::string_view s) { return iequals(s, p.name); }))
            return p.name;
        names[n++] = p.name;
    }
    return {};
}

bool has_space(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return is_space(c); });
}

// RFC 3261 25.1, word: more than a token.
bool is_word_char(char c) {
    constexpr std::string_view more = "()<>:\\\"/[]?{}";
    return is_token_char(c) || more.find(c) != more.npos;
}

bool is_route(Header id) {
    return id == Header::route || id == Header::record_route || id == Header::path ||
           id == Header::service_route;
}

bool is_address(Header id) {
    switch (id) {
        case Header::from:
        case Header::to:
        case Header::contact:
        case Header::refer_to:
        case Header::referred_by:
        case Header::reply_to:
        case Header::p_asserted_identity:
        case Header::p_preferred_identity:
        case Header::p_called_party_id:
        case Header::diversion:
        case Header::history_info:
            return true;
        default:
            return is_route(id);
    }
}

}  // namespace

void Checker::check_field(const Message::Field& field) {
    const std::string_view value = m_.value(field);
    if (is_list(field.id) && !value.empty() && may_have_gap(value, ',')) {
        const std::size_t gap = gap_in(value, ',');
        if (gap != value.npos) add(rule::empty_element, value.substr(gap), m_.name(field));
    }
    if (is_address(field.id)) {
        if (!is_list(field.id)) return check_address(field.id, value);
        std::string_view rest = value;
        while (const auto element = next_element(rest)) check_address(field.id, *element);
        return;
    }
    switch (field.id) {
        case Header::via: {
            std::string_view rest = value;
            while (const auto element = next_element(rest)) {
                check_via(*element, !via_seen_);
                via_seen_ = true;
            }
            break;
        }
        case Header::call_id:
            check_call_id(value);
            break;
        case Header::cseq:
            check_cseq(value);
            break;
        case Header::max_forwards:
            check_max_forwards(value);
            break;
        case Header::warning:
            check_warnings(value);
            break;
        case Header::date:
            if (!parse_date(value)) add(rule::date_syntax, value, value);
            break;
        case Header::expires:
        case Header::min_expires:
            if (!parse_number(value)) add(rule::expires_syntax, value, value);
            break;
        case Header::retry_after:
            if (!parse_retry_after(value)) add(rule::retry_after_syntax, value, value);
            break;
        case Header::timestamp:
            if (!parse_timestamp(value)) add(rule::timestamp_syntax, value, value);
            break;
        case Header::require:
        case Header::proxy_require:
            if (m_.is_request() && m_.method() == Method::cancel) add(rule::require_cancel, value);
            check_tokens(value);
            break;
        case Header::allow:
        case Header::supported:
        case Header::unsupported:
        case Header::allow_events:
            check_tokens(value);
            break;
        case Header::authorization:
        case Header::proxy_authorization:
            check_credentials(value, false);
            break;
        case Header::www_authenticate:
        case Header::proxy_authenticate:
            check_credentials(value, true);
            break;
        default:
            break;
    }
}

void Checker::check_via(std::string_view value, bool topmost) {
    const auto via = parse_via(value);
    if (!via || !is_token(via->protocol) || !is_token(via->version) || !is_token(via->transport) ||
        via->host.empty() || via->bad_port || has_space(via->host)) {
        add(rule::via_syntax, value, value);
        return;
    }
    const std::string_view params = via->params.text();
    if (!params.empty() && gap_in(params.substr(1), ';') != params.npos)
        add(rule::empty_parameter, params, value);
    if (const auto again = repeated_parameter(via->params); !again.empty())
        add(rule::parameter_repeated, again, again);
    check_host(via->host, via->is_ipv6);
    const auto address = Address::parse(via->host);
    if (address && via->maddr().empty() &&
        (address->is_multicast() || address->is_unspecified() ||
         *address == Address::v4(0xffffffffu)))
        add(rule::via_address, value, via->host);
    if (topmost) check_branch(*via, value);
}

void Checker::check_branch(const Via& via, std::string_view value) {
    constexpr std::string_view cookie = "z9hG4bK";
    const std::string_view branch = via.branch();
    if (branch.empty())
        add(rule::branch_missing, value);
    else if (!istarts_with(branch, cookie))
        add(rule::branch_cookie, branch, branch);
    else if (branch.size() == cookie.size())
        add(rule::branch_empty, branch);
}

void Checker::check_address(Header id, std::string_view value) {
    if (id == Header::contact && value == "*") return;
    if (const std::size_t quote = open_quote(value); quote != value.npos) {
        add(rule::quote_unbalanced, value.substr(quote), value);
        return;
    }
    const auto address = parse_name_addr(value);
    if (!address || address->uri.empty() || !parse_uri(address->uri)) {
        add(rule::address_syntax, value, value);
        return;
    }
    const std::string_view uri = address->uri;
    if (address->bracketed) {
        const std::size_t open = static_cast<std::size_t>(uri.data() - value.data());
        const std::size_t close = open + uri.size();
        if (close == value.size()) {
            add(rule::address_syntax, value, value);
            return;
        }
        check_display(value.substr(0, value.substr(0, open).rfind('<')));
        if (value[open - 1] != '<' || value[close] != '>' || has_space(uri))
            add(rule::uri_space, uri, value);
    } else {
        if (!address->display.empty() || is_route(id) || uri.find_first_of("?,") != uri.npos)
            add(rule::addr_spec_brackets, value, value);
        if (has_space(uri)) add(rule::uri_space, uri, value);
    }
    const std::string_view params = trim(address->params.text());
    if (!params.empty() && params.front() != ';')
        add(rule::address_syntax, params, value);
    else if (!params.empty() && gap_in(params.substr(1), ';') != params.npos)
        add(rule::empty_parameter, params, value);
    else if (const auto again = repeated_parameter(address->params); !again.empty())
        add(rule::parameter_repeated, again, again);
    if (id == Header::contact) check_contact_params(*address);
    if (id == Header::record_route && address->bracketed) {
        const auto route = parse_uri(uri);
        if (route && !route->params.has("lr")) add(rule::record_route_lr, uri, uri);
    }
    check_uri(uri);
}

// A display name is tokens and blanks, or one quoted string.
void Checker::check_display(std::string_view value) {
    value = trim(value);
    if (value.empty()) return;
    bool fine = true;
    if (value.front() == '"')
        fine = closing_quote(value, 0) == value.size() - 1;
    else
        fine = std::all_of(value.begin(), value.end(),
                           [](char c) { return is_token_char(c) || is_space(c); });
    if (!fine) add(rule::display_name, value, value);
}

void Checker::check_contact_params(const NameAddr& address) {
    if (const auto expires = address.param("expires"); expires && !parse_number(*expires))
        add(rule::expires_syntax, *expires, *expires);
    const auto q = address.param("q");
    if (!q) return;
    // "0" or "1", with up to three decimals, which are zeros behind a one.
    bool fine = !q->empty() && q->size() <= 5 && (q->front() == '0' || q->front() == '1') &&
                (q->size() == 1 || (*q)[1] == '.');
    for (std::size_t i = 2; fine && i < q->size(); ++i)
        fine = q->front() == '0' ? is_digit((*q)[i]) : (*q)[i] == '0';
    if (!fine) add(rule::contact_q, *q, *q);
}

// `text` is known to be a URI.
void Checker::check_uri(std::string_view text) {
    const auto uri = parse_uri(text);
    if (!uri || uri->scheme == Scheme::other) return;
    for (std::size_t i = text.find('%'); i != text.npos; i = text.find('%', i + 1))
        if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) {
            add(rule::uri_escape, text.substr(i), text);
            break;
        }
    if (uri->scheme == Scheme::tel) {
        if (uri->user.front() != '+' && !uri->params.has("phone-context"))
            add(rule::tel_context, text, text);
        return;
    }
    if (uri->has_password) add(rule::uri_password, text);
    if (uri->bad_port || has_space(uri->host))
        add(rule::uri_syntax, uri->host, uri->host);
    else
        check_host(uri->host, uri->is_ipv6);
}

void Checker::check_host(std::string_view host, bool is_ipv6) {
    const bool fine = is_ipv6 ? Address::parse(host).has_value()
                              : std::all_of(host.begin(), host.end(), [](char c) {
                                    return is_alpha(c) || is_digit(c) || c == '-' || c == '.';
                                });
    if (!fine) add(rule::host_syntax, host, host);
}

void Checker::check_call_id(std::string_view value) {
    const auto at = value.find('@');
    const std::string_view left = value.substr(0, at);
    const std::string_view right = at == value.npos ? "x" : value.substr(at + 1);
    if (left.empty() || right.empty() || !std::all_of(left.begin(), left.end(), is_word_char) ||
        !std::all_of(right.begin(), right.end(), is_word_char))
        add(rule::call_id_syntax, value, value);
}

void Checker::check_cseq(std::string_view value) {
    std::size_t n = 0;
    while (n < value.size() && is_digit(value[n])) ++n;
    const std::string_view method = trim(value.substr(n));
    if (n == 0 || n == value.size() || !is_space(value[n]) || !is_token(method)) {
        add(rule::cseq_syntax, value, value);
        return;
    }
    const auto number = to_number(value.substr(0, n));
    if (!number || *number >= cseq_limit) add(rule::cseq_range, value, value.substr(0, n));
    if (m_.is_request() && method != m_.method_name()) add(rule::cseq_method, method, method);
}

void Checker::check_max_forwards(std::string_view value) {
    const bool digits = !value.empty() && std::all_of(value.begin(), value.end(), is_digit);
    const auto number = to_number(value);
    if (!digits)
        add(rule::max_forwards_syntax, value, value);
    else if (!number || *number > 255)
        add(rule::max_forwards_range, value, value);
    else if (*number == 0)
        add(rule::max_forwards_zero, value);
}

void Checker::check_tokens(std::string_view value) {
    while (const auto element = next_element(value))
        if (!is_token(*element)) return add(rule::token_list, *element, *element);
}

void Checker::check_warnings(std::string_view value) {
    std::string_view rest = value;
    bool any = false;
    while (const auto element = next_element(rest)) {
        any = true;
        const auto warning = parse_warning(*element);
        const bool three = element->size() > 3 && is_space((*element)[3]);
        if (!warning || !warning->code || !three || warning->agent.empty() || !warning->text_quoted)
            add(rule::warning_syntax, *element, *element);
    }
    if (!any) add(rule::warning_syntax, value);
}

void Checker::check_credentials(std::string_view value, bool challenge) {
    constexpr std::array<std::string_view, 5> answer{"username", "realm", "nonce", "uri",
                                                     "response"};
    constexpr std::array<std::string_view, 2> question{"realm", "nonce"};
    const auto credentials = parse_credentials(value);
    if (!credentials || credentials->params.empty()) {
        add(rule::authorization_syntax, value, credentials ? credentials->scheme : "");
        return;
    }
    if (!credentials->is_digest()) return;
    const auto need = [&](std::string_view name) {
        if (!credentials->params.has(name)) add(rule::digest_incomplete, value, name);
    };
    if (challenge)
        std::for_each(question.begin(), question.end(), need);
    else
        std::for_each(answer.begin(), answer.end(), need);
}

}  // namespace sipana::sip
