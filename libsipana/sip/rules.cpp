#include "libsipana/sip/rules.h"

#include <algorithm>
#include <array>

namespace sipana::sip {
namespace {

constexpr auto sorted_rules() {
    using namespace rule;
    std::array all{
        version,
        start_line_space,
        request_uri_missing,
        request_uri_brackets,
        request_uri_space,
        request_uri_headers,
        method_case,
        status_range,
        line_end,
        head_unfinished,
        not_a_field,
        field_name,
        control_character,
        utf8,
        field_missing,
        field_repeated,
        call_id_syntax,
        cseq_syntax,
        cseq_range,
        cseq_method,
        max_forwards_syntax,
        max_forwards_range,
        max_forwards_zero,
        from_tag_missing,
        to_tag_missing,
        outside_dialog,
        via_syntax,
        via_address,
        branch_missing,
        branch_cookie,
        branch_empty,
        address_syntax,
        display_name,
        quote_unbalanced,
        addr_spec_brackets,
        empty_parameter,
        parameter_repeated,
        empty_element,
        uri_space,
        uri_syntax,
        uri_escape,
        uri_password,
        uri_scheme,
        host_syntax,
        tel_context,
        contact_missing,
        contact_several,
        contact_star,
        contact_sips,
        contact_q,
        message_contact,
        register_userinfo,
        record_route_lr,
        content_length_syntax,
        content_length_missing,
        body_cut,
        trailing_bytes,
        content_type_missing,
        content_type_syntax,
        multipart_boundary,
        multipart_unfinished,
        token_list,
        require_cancel,
        date_syntax,
        expires_syntax,
        retry_after_syntax,
        timestamp_syntax,
        warning_syntax,
        authorization_syntax,
        digest_incomplete,
        challenge_missing,
        allow_missing,
        accept_missing,
        unsupported_missing,
        require_missing,
        min_se_missing,
        min_expires_missing,
        allow_events_missing,
        rseq_syntax,
        rseq_require,
        rack_missing,
        rack_syntax,
        event_missing,
        subscription_state_missing,
        refer_to_count,
        session_expires_syntax,
        session_expires_small,
        replaces_syntax,
        replaces_method,
        reason_syntax,
        identity_info,
    };
    std::sort(all.begin(), all.end(), [](const Rule& a, const Rule& b) { return a.name < b.name; });
    return all;
}
constexpr auto all_rules = sorted_rules();

}  // namespace

std::span<const Rule> rules() { return all_rules; }

}  // namespace sipana::sip
