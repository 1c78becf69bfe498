#include "libsipana/sip/response.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "libsipana/base/text.h"
#include "libsipana/sip/code.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {
namespace {

bool may_make_dialog(const Message& request, int status) {
    if (status <= 100 || status >= 300) return false;
    switch (request.method()) {
        case Method::invite:
        case Method::subscribe:
        case Method::refer:
        case Method::notify:
        case Method::update:
            return true;
        default:
            return false;
    }
}

// An unregistered code means what the first of its class means (8.1.3.2).
std::string_view phrase_for(int status) {
    const std::string_view own = reason_phrase(status);
    return own.empty() ? reason_phrase(status / 100 * 100) : own;
}

bool is_copied(Header id, bool with_routes) {
    switch (id) {
        case Header::via:
        case Header::from:
        case Header::to:
        case Header::call_id:
        case Header::cseq:
        case Header::timestamp:
            return true;
        case Header::record_route:
            return with_routes;
        default:
            return false;
    }
}

Builder make(const Message& request, const Hop* from, int status, std::string_view reason,
             std::string_view to_tag) {
    Builder out = Builder::response(status, reason.empty() ? phrase_for(status) : reason);
    const bool with_routes = may_make_dialog(request, status);
    const bool with_tag = status != 100 && !to_tag.empty() && request.to_tag().empty();
    bool topmost = true;
    std::string unfolded, tagged;
    for (const Message::Field& field : request.fields()) {
        if (!is_copied(field.id, with_routes)) continue;
        std::string_view value = request.value(field);
        if (field.folded) value = unfolded = request.unfolded(field);
        if (field.id == Header::via && topmost && from != nullptr) {
            topmost = false;
            if (value.find(',') == value.npos) {  // one alone, as most are
                out.add(Header::via, marked_via(value, *from));
                continue;
            }
            std::string_view rest = value;
            out.add(Header::via, marked_via(next_element(rest).value_or(""), *from));
            while (const auto further = next_element(rest)) out.add(Header::via, *further);
        } else if (field.id == Header::to && with_tag) {
            tagged.reserve(value.size() + 5 + to_tag.size());
            out.add(Header::to, tagged.assign(value).append(";tag=").append(to_tag));
        } else {
            out.add(field.id, value);
        }
    }
    return out;
}

}  // namespace

std::string marked_via(std::string_view value, const Hop& from) {
    if (const std::size_t rport = usual_rport(value); rport != value.npos) {
        char port[5];
        char* end = std::to_chars(port, port + sizeof port, from.remote.port).ptr;
        std::string out;
        out.reserve(value.size() + 64);
        out.append(value.substr(0, rport)).append("=").append(port, end);
        out.append(value.substr(rport)).append(";received=");
        out.append(from.remote.address.to_string());
        return out;
    }
    const auto via = parse_via(value);
    if (!via) return std::string(value);
    const auto sent_by = Address::parse(via->host);
    const bool asked = via->rport() && via->rport()->empty();
    const bool received = asked || !sent_by || *sent_by != from.remote.address;
    if (!received) return std::string(value);
    std::string out(trim(value.substr(0, value.find(';'))));
    for (const Param& p : via->params) {
        if (iequals(p.name, "received")) continue;
        out.append(";").append(p.name);
        if (iequals(p.name, "rport") && asked)
            out.append("=").append(std::to_string(from.remote.port));
        else if (p.quoted)
            out.append("=\"").append(p.value).append("\"");
        else if (p.has_value)
            out.append("=").append(p.value);
    }
    return out.append(";received=").append(from.remote.address.to_string());
}

Builder response_to(const Message& request, int status, std::string_view reason,
                    std::string_view to_tag) {
    return make(request, nullptr, status, reason, to_tag);
}

Builder response_to(const Message& request, const Hop& from, int status, std::string_view reason,
                    std::string_view to_tag) {
    return make(request, &from, status, reason, to_tag);
}

}  // namespace sipana::sip
