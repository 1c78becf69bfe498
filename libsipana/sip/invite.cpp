#include "libsipana/sip/invite.h"

#include <fmt/format.h>

#include "libsipana/sip/builder.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {
namespace {

// Start line and fields that both have of the request; `to` where the response has another one.
Builder companion(const Message& request, std::string_view method, const Message* response) {
    Builder out = Builder::request(method, request.request_uri());
    bool topmost = true;
    for (const Message::Field& field : request.fields()) {
        const std::string value = request.unfolded(field);
        std::string_view rest = value;
        switch (field.id) {
            case Header::via:
                if (topmost) out.add(Header::via, next_element(rest).value_or(""));
                topmost = false;
                break;
            case Header::to:
                if (response == nullptr || !response->header(Header::to))
                    out.add(Header::to, value);
                break;
            case Header::route:
            case Header::from:
            case Header::call_id:
            case Header::max_forwards:
                out.add(field.id, value);
                break;
            default:
                break;
        }
    }
    if (response != nullptr) {
        for (const Message::Field& field : response->fields()) {
            if (field.id != Header::to) continue;
            out.add(Header::to, response->unfolded(field));
            break;
        }
    }
    if (!request.header(Header::max_forwards)) out.add(Header::max_forwards, "70");
    if (const auto cseq = request.cseq())
        out.add(Header::cseq, fmt::format("{} {}", cseq->number, method));
    return out;
}

}  // namespace

Result<std::string> ack_of_failure(const Message& invite, const Message& response) {
    return companion(invite, "ACK", &response).write();
}

Result<std::string> cancel_of(const Message& request) {
    return companion(request, "CANCEL", nullptr).write();
}

}  // namespace sipana::sip
