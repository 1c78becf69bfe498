#include "libsipana/analysis/facts.h"

#include <array>

#include "libsipana/analysis/table.h"
#include "libsipana/base/text.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::analysis {
namespace {

using sip::Header;
using sip::Method;

constexpr std::size_t most_lines = 32;  // m-lines of one SDP that are looked at

Number number_in(std::string_view uri) {
    const std::string_view user = sip::user_of(uri);
    return {user, hash_of(user)};
}

bool may_name_a_leg(const sip::Message& m) {
    for (const sip::Message::Field& f : m.fields()) {
        if (f.id == Header::replaces || f.id == Header::join) return true;
        if (f.id != Header::other) continue;
        const std::string_view name = m.name(f);
        if (istarts_with(name, "X-") || iequals(name, "Session-ID")) return true;
    }
    return false;
}

}  // namespace

Named named(const std::optional<std::string_view>& name_addr) {
    const auto parsed = sip::parse_name_addr(name_addr.value_or(""));
    return parsed ? Named{parsed->display, parsed->uri} : Named{};
}

Number number_of(const std::optional<std::string_view>& name_addr) {
    return number_in(named(name_addr).uri);
}

std::uint32_t hash_of_tag(std::string_view tag) {
    const auto h = static_cast<std::uint32_t>(hash_of(tag));
    return tag.empty() ? 0 : h == 0 ? 1 : h;
}

Facts facts_of(const sip::Message& m, std::vector<sdp::MediaAddress>& media) {
    Facts f;
    f.call_id = m.call_id();
    f.call = hash_of(f.call_id);
    f.cseq = m.cseq().value_or(sip::CSeq{0, m.method(), m.method_name()});
    const std::string_view from_tag = m.from_tag(), to_tag = m.to_tag(), branch = m.branch();
    f.from_tag = hash_of_tag(from_tag);
    f.to_tag = hash_of_tag(to_tag);
    f.branch = istarts_with(branch, "z9hG4bK")
                   ? hash_of(branch)
                   : mix(hash_of(from_tag), hash_of(m.header(Header::via).value_or("")));
    if (m.is_response()) {
        const std::string_view rseq = m.header(Header::rseq).value_or("");
        f.version = mix(mix(static_cast<std::uint64_t>(m.status()), hash_of(to_tag)),
                        mix(hash_of(rseq), m.body().size()));
    } else if (m.method() == Method::ack) {
        f.version = mix(hash_of(branch), hash_of(to_tag));
    }
    if (m.is_request() && to_tag.empty()) {
        f.from = named(m.header(Header::from));
        f.to = named(m.header(Header::to));
        if (m.method() == Method::invite) {
            f.target = number_in(m.request_uri());
            f.called = number_in(f.to.uri);
            f.calling = number_in(f.from.uri);
            f.may_name_a_leg = may_name_a_leg(m);
        }
    }
    if (m.body().empty()) return f;
    if (const auto sdp = sip::sdp_of(m)) {
        f.sdp = *sdp;
        f.has_sdp = true;
        std::array<sdp::MediaAddress, most_lines> lines;
        f.first_media = static_cast<std::uint32_t>(media.size());
        f.media_count =
            static_cast<std::uint32_t>(std::min(sdp::media_addresses(*sdp, lines), lines.size()));
        media.insert(media.end(), lines.begin(), lines.begin() + f.media_count);
    }
    return f;
}

}  // namespace sipana::analysis
