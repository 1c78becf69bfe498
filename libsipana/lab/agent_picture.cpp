// What a phone says about its pictures by SIP, where no RTCP feedback is agreed on (RFC 5168): an
// INFO asks for a key frame.
#include <algorithm>

#include "libsipana/lab/agent.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {
namespace {

constexpr std::string_view picture_fast_update =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
    "<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive>"
    "</media_control>\r\n";

}  // namespace

// One at a time: until the one before is answered, another one tells nothing new.
void Agent::ask_key_frame(Conversation& c, Time now) {
    sip::Dialog* dialog = c.confirmed_dialog();
    const bool asking = std::any_of(c.asked.begin(), c.asked.end(), [](const Asked& one) {
        return one.method == "INFO" && !one.finished;
    });
    if (dialog == nullptr || c.ended || asking) return;
    c.hop = hop_to(dialog->next_hop(), c);
    sip::Builder b = dialog->request("INFO");
    b.add(sip::Header::user_agent, setting_named("user-agent", "sipana-lab"));
    b.body("application/media_control+xml", std::string(picture_fast_update));
    Asked info;
    info.method = "INFO";
    (void)send_request(c, b, std::move(info), {.note = "a key frame is asked for"}, now);
}

void Agent::heed_media_control(Conversation& c, const sip::Message& info) {
    const auto type = sip::parse_content_type(info.header(sip::Header::content_type).value_or(""));
    if (!c.session || !type || !type->is("application", "media_control+xml")) return;
    if (info.body().find("picture_fast_update") != info.body().npos) c.session->send_key_frame();
}

}  // namespace sipana::lab
