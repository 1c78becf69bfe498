// check(): what RFCs beside 3261 ask, and what some responses must carry.
#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sip/checker.h"
#include "libsipana/sip/credentials.h"

namespace sipana::sip {
namespace {

constexpr std::uint32_t least_session = 90;  // seconds (RFC 4028 4)

std::size_t count(const Params& params, std::string_view name) {
    std::size_t n = 0;
    for (const Param& p : params) n += iequals(p.name, name) ? 1 : 0;
    return n;
}

}  // namespace

void Checker::check_extensions() {
    if (m_.is_response()) {
        check_response_fields();
    } else {
        const std::string_view line = m_.start_line();
        const Method method = m_.method();
        const bool event =
            method == Method::subscribe || method == Method::notify || method == Method::publish;
        if (event && !m_.header(Header::event)) add(rule::event_missing, line);
        if (method == Method::notify && !m_.header(Header::subscription_state))
            add(rule::subscription_state_missing, line);
        if (method == Method::prack && !m_.header(Header::rack)) add(rule::rack_missing, line);
        const std::size_t refer_to = m_.values(Header::refer_to).size();
        if (method == Method::refer && refer_to != 1)
            add(rule::refer_to_count, line, std::to_string(refer_to));
    }
    check_session_timer();
}

void Checker::check_extension_field(const Message::Field& field) {
    const std::string_view value = m_.value(field);
    switch (field.id) {
        case Header::rseq:
            if (parse_number(value).value_or(0) == 0) add(rule::rseq_syntax, value, value);
            break;
        case Header::rack:
            if (!parse_rack(value)) add(rule::rack_syntax, value, value);
            break;
        case Header::replaces:
        case Header::join:
            check_dialog_name(value);
            break;
        case Header::reason: {
            std::string_view rest = value;
            while (const auto element = next_element(rest)) {
                const auto reason = parse_reason(*element);
                if (!reason || !is_token(reason->protocol) ||
                    (reason->params.has("cause") && !reason->cause()))
                    add(rule::reason_syntax, *element, *element);
            }
            break;
        }
        case Header::identity: {
            const auto identity = parse_identity(value);
            const bool passport = identity && identity->passport.find('.') != value.npos;
            if (passport && identity->info().empty()) add(rule::identity_info, value);
            break;
        }
        default:
            break;
    }
}

void Checker::check_dialog_name(std::string_view value) {
    const auto name = parse_replaces(value);
    if (!name || count(name->params, "to-tag") != 1 || count(name->params, "from-tag") != 1)
        add(rule::replaces_syntax, value, value);
    if (m_.is_request() && m_.method() != Method::invite) add(rule::replaces_method, value);
}

void Checker::check_response_fields() {
    struct Need {
        int status;
        Header id;
        const Rule& rule;
    };
    static constexpr Need needs[] = {
        {401, Header::www_authenticate, rule::challenge_missing},
        {405, Header::allow, rule::allow_missing},
        {407, Header::proxy_authenticate, rule::challenge_missing},
        {420, Header::unsupported, rule::unsupported_missing},
        {421, Header::require, rule::require_missing},
        {422, Header::min_se, rule::min_se_missing},
        {423, Header::min_expires, rule::min_expires_missing},
        {489, Header::allow_events, rule::allow_events_missing},
    };
    const std::string_view line = m_.start_line();
    for (const Need& need : needs)
        if (m_.status() == need.status && !m_.header(need.id)) add(need.rule, line);
    if (m_.status() == 415 && !m_.header(Header::accept) && !m_.header("Accept-Encoding") &&
        !m_.header("Accept-Language"))
        add(rule::accept_missing, line);
    const bool rseq = m_.header(Header::rseq).has_value();
    const bool reliable = lists(m_, Header::require, "100rel");
    const bool may = m_.status() > 100 && m_.status() < 200;
    if (rseq && (!reliable || !may)) add(rule::rseq_require, *m_.header(Header::rseq));
    if (reliable && may && !rseq) add(rule::rseq_require, *m_.header(Header::require));
}

void Checker::check_session_timer() {
    const auto written = m_.header(Header::session_expires);
    const auto min_written = m_.header(Header::min_se);
    const auto read = [&](const std::optional<std::string_view>& value) -> std::uint32_t {
        const auto parsed = parse_session_expires(value.value_or("90"));
        if (parsed) return parsed->seconds;
        add(rule::session_expires_syntax, *value, *value);
        return least_session;
    };
    const std::uint32_t least = read(min_written);
    const std::uint32_t session = read(written);
    if (least < least_session) add(rule::session_expires_small, *min_written, *min_written);
    if (written && parse_session_expires(*written) && session < std::max(least, least_session))
        add(rule::session_expires_small, *written, *written);
}

}  // namespace sipana::sip
