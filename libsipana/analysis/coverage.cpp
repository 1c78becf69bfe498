#include "libsipana/analysis/coverage.h"

#include "libsipana/base/text.h"

namespace sipana::analysis {
namespace {

void see(Sighting& s, const SipMessage& m, std::uint32_t file) {
    if (s.frame == 0) {
        s.frame = m.frame;
        s.file = file;
    }
    ++(m.retransmission ? s.retransmissions : s.count);
    if (!m.is_request())
        s.answers = static_cast<std::uint16_t>(s.answers | 1u << static_cast<unsigned>(m.method));
}

void see(Sightings& where, const SipMessage& m, std::uint32_t file) {
    if (!m.is_request()) return see(where.codes[m.code], m, file);
    see(where.methods[static_cast<std::size_t>(m.method)], m, file);
    if (m.method != sip::Method::other) return;
    const auto name = m.method_name.substr(0, Coverage::max_name);
    auto at = where.extensions.find(name);
    if (at == where.extensions.end()) {
        if (where.extensions.size() >= Coverage::max_extensions) return;
        at = where.extensions.emplace(name, Sighting{}).first;
    }
    see(at->second, m, file);
}

}  // namespace

void Coverage::on_message(const SipMessage& message, std::string_view) {
    if (message.capture_duplicate) return;
    ++messages_;
    see(all_, message, file_);
    see(sender_of(message), message, file_);
}

Sightings& Coverage::sender_of(const SipMessage& message) {
    std::string address;
    std::string_view name;
    if (read_.read(message.text)) {
        auto program = read_.header(sip::Header::server);
        if (!program) program = read_.header(sip::Header::user_agent);
        if (program) name = trim(*program);
    }
    if (name.empty()) name = address = message.src.address.to_string();
    name = name.substr(0, max_name);
    const auto at = senders_.find(name);
    if (at != senders_.end()) return at->second;
    return senders_[senders_.size() < max_senders ? std::string(name) : "others"];
}

std::vector<sip::Method> Coverage::missing_methods() const {
    std::vector<sip::Method> missing;
    for (const sip::Method m : sip::methods())
        if (all_.methods[static_cast<std::size_t>(m)].frame == 0) missing.push_back(m);
    return missing;
}

std::vector<sip::Code> Coverage::missing_codes(int first, int last) const {
    std::vector<sip::Code> missing;
    for (const sip::Code& code : sip::codes())
        if (code.number >= first && code.number <= last && !all_.codes.contains(code.number))
            missing.push_back(code);
    return missing;
}

}  // namespace sipana::analysis
