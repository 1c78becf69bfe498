// Checker: one run of check() over one message. Internal to sip/check*.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/sip/check.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/rules.h"
#include "libsipana/sip/uri.h"

namespace sipana::sip {

class Checker {
public:
    Checker(const Message& message, std::vector<Finding>& out)
        : m_(message), out_(out), begin_(out.size()) {}

    void run();

private:
    // `at`: a view into the message. The text is the rule's summary, and `detail` behind a colon.
    void add(const Rule& rule, std::string_view at, std::string_view detail = {});
    std::string_view head() const;

    // check.cpp: the text, the start line, what must be there
    void check_text();
    void check_start_line();
    void check_request_uri();
    void check_presence();
    void check_repetition();
    void check_fields();
    void check_tags();
    void check_contacts();
    void check_body();
    void check_multipart(const ContentType& type);

    // check_fields.cpp: one field each
    void check_field(const Message::Field& field);
    void check_via(std::string_view value, bool topmost);
    void check_branch(const Via& via, std::string_view value);
    void check_address(Header id, std::string_view value);
    void check_display(std::string_view value);
    void check_contact_params(const NameAddr& address);
    void check_uri(std::string_view text);
    void check_host(std::string_view host, bool is_ipv6);
    void check_call_id(std::string_view value);
    void check_cseq(std::string_view value);
    void check_max_forwards(std::string_view value);
    void check_tokens(std::string_view value);
    void check_warnings(std::string_view value);
    void check_credentials(std::string_view value, bool challenge);

    // check_extensions.cpp: what other RFCs ask
    void check_extensions();
    void check_extension_field(const Message::Field& field);
    void check_response_fields();
    void check_session_timer();
    void check_dialog_name(std::string_view value);

    const Message& m_;
    std::vector<Finding>& out_;
    std::size_t begin_;
    bool via_seen_ = false;
};

}  // namespace sipana::sip
