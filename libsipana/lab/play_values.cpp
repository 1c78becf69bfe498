// The {names} in a play's texts, what expectations ask of a message, and what they take from it.
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/lab/play.h"
#include "libsipana/lab/program_phone.h"
#include "libsipana/lab/script_steps.h"
#include "libsipana/sip/identifiers.h"

namespace sipana::lab {
namespace {

// std::regex walks its input recursively: a longer text is looked at up to here.
constexpr std::size_t max_matched = 8192;
constexpr std::size_t max_filled = 1 << 20;

// A header's values, the start line's parts or the body. "Reason" is a header (RFC 3326).
std::string part_of(const sip::Message& m, std::string_view name) {
    if (name.empty()) return std::string(m.body());
    if (name == "message") return std::string(m.text());
    if (name == "request-uri") return std::string(m.request_uri());
    if (name == "reason") return std::string(m.reason());
    std::string out;
    for (const auto& field : m.fields()) {
        const sip::Header id = sip::header_of(name);
        if (id == sip::Header::other ? !iequals(m.name(field), name) : field.id != id) continue;
        if (!out.empty()) out += ", ";
        out += m.unfolded(field);
    }
    return out;
}

bool present(const sip::Message& m, std::string_view name) {
    if (name.empty()) return !m.body().empty();
    return m.header(name).has_value();
}

std::string called(std::string_view header) {
    return header.empty() ? std::string("body") : std::string(header);
}

}  // namespace

std::string Play::unmet(const Where& where, const Arrival& arrival, std::size_t p) const {
    const sip::Message& m = arrival.message;
    const std::string text = part_of(m, where.header).substr(0, max_matched);
    const std::string value = fill(where.value, p, arrival.conversation);
    bool holds = true;
    switch (where.test) {
        case Where::Test::present:
            holds = present(m, where.header);
            break;
        case Where::Test::absent:
            holds = !present(m, where.header);
            break;
        case Where::Test::is:
            holds = text == value;
            break;
        case Where::Test::contains:
            holds = text.find(value) != text.npos;
            break;
        case Where::Test::matches:
            holds = matched(text, value).has_value();
            break;
    }
    if (holds != where.inverse) return {};
    return fmt::format("its {} is \"{}\"", called(where.header), printable(text.substr(0, 200)));
}

std::string Play::conditions_met(const Expect& expect, const Arrival& arrival,
                                 std::size_t p) const {
    const sip::Message& m = arrival.message;
    for (const Where& where : expect.where)
        if (std::string why = unmet(where, arrival, p); !why.empty()) return why;
    const bool has_sdp = m.header(sip::Header::content_type) && !m.body().empty() &&
                         istarts_with(*m.header(sip::Header::content_type), "application/sdp");
    if (expect.sdp == SdpKind::none && has_sdp) return "it has a session description";
    if ((expect.sdp == SdpKind::offer || expect.sdp == SdpKind::answer) && !has_sdp)
        return "it has no session description";
    return {};
}

void Play::capture(const Expect& expect, const Arrival& arrival, std::size_t p) {
    for (const Capture& one : expect.captures) {
        std::string text = part_of(arrival.message, one.header).substr(0, max_matched);
        if (!one.pattern.empty()) {
            text =
                matched(text, fill(one.pattern, p, arrival.conversation)).value_or(std::string());
        }
        values_[one.name] = text;
    }
}

// {name} where a value of that name is known; anything else stays as it is. "{{" is one brace.
std::string Play::fill(std::string_view text, std::size_t p, const Conversation* c) const {
    std::string out;
    while (!text.empty() && out.size() < max_filled) {
        const auto open = text.find('{');
        out += text.substr(0, open);
        if (open == text.npos) break;
        text.remove_prefix(open);
        if (text.starts_with("{{")) {
            out += '{';
            text.remove_prefix(2);
            continue;
        }
        const auto close = text.find('}');
        const auto value =
            close == text.npos ? std::nullopt : value_of(text.substr(1, close - 1), p, c);
        if (value) {
            out += *value;
            text.remove_prefix(close + 1);
        } else {
            out += '{';
            text.remove_prefix(1);
        }
    }
    return out;
}

std::optional<std::string> Play::value_of(std::string_view name, std::size_t p,
                                          const Conversation* c) const {
    if (const auto known = values_.find(name); known != values_.end()) return known->second;
    if (name == "call_number") return fmt::format("{}", setting_.number + 1);
    const Agent* agent = setting_.agents[p];
    const ProgramPhone* phone = program(p);
    if (agent == nullptr && phone == nullptr) return std::nullopt;
    const Endpoint& here = agent != nullptr ? agent->endpoint() : phone->endpoint();
    const PhoneLine& line = agent != nullptr ? agent->line() : phone->line();
    if (name.starts_with("field"))
        if (const auto n = to_number<std::size_t>(name.substr(5))) {
            const auto& rows = setting_.script->rows;
            if (rows.empty()) return std::string();
            const auto& row = rows[setting_.number % rows.size()];
            return *n < row.size() ? row[*n] : std::string();
        }
    if (name.starts_with("random ")) {
        const auto bound = to_number<std::uint64_t>(trim(name.substr(7)));
        if (bound && *bound > 0) return fmt::format("{}", random_.below(*bound));
    }
    if (name == "branch") return fmt::format("z9hG4bK{:016x}", random_.next());
    if (name == "local_ip") return here.address.to_string();
    if (name == "local_port") return fmt::format("{}", here.port);
    if (name == "local_ip_type") return here.address.is_v6() ? "6" : "4";
    if (name == "transport") return std::string(to_string(line.transport));
    if (name == "phone") return line.name;
    if (name == "user" || name == "service") return line.user;
    if (name == "contact" && agent != nullptr) return agent->contact();
    if (name == "media_ip") return here.address.to_string();
    // Addresses of the script's other parties: {bob_ip}, {A_port}.
    for (const Party& peer : const_cast<Directory*>(setting_.directory)->peers()) {
        if (!name.starts_with(peer.name)) continue;
        const std::string_view rest = name.substr(peer.name.size());
        if (rest == "_ip") return peer.at.address.to_string();
        if (rest == "_port") return fmt::format("{}", peer.at.port);
    }
    if (c == nullptr) c = progress_[p].last;
    if (c == nullptr) return std::nullopt;
    if (name == "call_id") return c->call_id;
    if (name == "local_tag") return c->local_tag;
    if (name == "cseq") return fmt::format("{}", c->cseq);
    const Party* peer = setting_.directory->by_name(c->peer);
    if (name == "remote_ip")
        return peer != nullptr ? peer->at.address.to_string() : c->hop.remote.address.to_string();
    if (name == "remote_port")
        return fmt::format("{}", peer != nullptr ? peer->at.port : c->hop.remote.port);
    if (name == "remote_tag") {
        for (const sip::Dialog& dialog : c->dialogs) return dialog.id().remote_tag;
        return std::string();
    }
    if (name == "media_port")
        return fmt::format("{}", c->session ? c->session->media_endpoint().port : 6000);
    if (name.starts_with("last ")) {  // {last Via}: of the message that was met last
        const auto& kept = progress_[p].kept;
        if (kept.empty()) return std::string();
        return part_of(kept.back()->message, name.substr(5));
    }
    return std::nullopt;
}

}  // namespace sipana::lab
