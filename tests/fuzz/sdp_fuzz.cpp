// Session descriptions, one or several in a row (parted by a line "==", the byte before it an
// event), read, checked, written and negotiated.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/sdp/check.h"
#include "libsipana/sdp/media_address.h"
#include "libsipana/sdp/negotiation.h"
#include "libsipana/sdp/session.h"

using namespace sipana;
using namespace sipana::sdp;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

void same(const Media& a, const Media& b) {
    must(a.media == b.media && a.protocol == b.protocol && a.port == b.port);
    must(a.rtp() == b.rtp() && a.rtcp() == b.rtcp() && a.rtcp_mux() == b.rtcp_mux());
    must(a.direction() == b.direction() && a.on_hold() == b.on_hold() && a.mid() == b.mid());
    const auto x = codecs_of(a), y = codecs_of(b);
    must(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) must(match(x[i], y[i]) == Match::full);
}

void read_attributes(const Media& media) {
    t38_of(media);
    media.bundle();
    media.ptime_ms();
    for (const Line& line : media.lines) {
        const Attribute a = attribute_of(line);
        secret_of(a.name, a.value);
        parse_extmap(a.value);
        parse_imageattr(a.value);
        parse_simulcast(a.value);
        parse_rid(a.value);
        parse_msid(a.value);
        parse_ssrc(a.value);
        parse_group(a.value);
        parse_framerate(a.value);
        parse_repeat(a.value);
        parse_key(a.value);
        if (const auto c = parse_candidate(a.value)) to_string(*c);
    }
}

void describe(std::string_view text) {
    const auto s = Session::parse(text);
    std::vector<MediaAddress> addresses(max_media);
    const std::size_t count = media_addresses(text, addresses);
    if (!s) {
        must(count == 0);
        return;
    }
    must(count == s->media().size());
    for (std::size_t i = 0; i < count; ++i) {
        const Media& m = s->media()[i];
        must(addresses[i].rtp == m.rtp() && addresses[i].rtcp == m.rtcp());
        must(addresses[i].rtcp_mux == m.rtcp_mux() && addresses[i].protocol == m.protocol);
        read_attributes(m);
    }
    std::vector<Finding> findings;
    check(*s, findings);
    must(findings.size() <= max_findings);
    for (const Finding& f : findings) must(f.byte <= text.size());
    const std::string written = write(*s);
    const auto again = Session::parse(written);
    must(again.has_value() && again->media().size() == count);
    must(write(*again) == written);
    for (std::size_t i = 0; i < count; ++i) same(again->media()[i], s->media()[i]);
}

void negotiate(std::string_view all) {
    Negotiation n;
    Session session;
    std::uint32_t message = 0;
    while (!all.empty() && message < 64) {
        const auto end = all.find("\n==");
        const std::string_view text = all.substr(0, end);
        const auto event =
            static_cast<unsigned char>(end == all.npos || end == 0 ? 0 : all[end - 1]);
        all = end == all.npos ? std::string_view{} : all.substr(end + 3);
        const Side side = event & 1 ? Side::callee : Side::caller;
        const Time now{message};
        if (event % 16 == 14) {
            n.refuse(now);
        } else if (event % 16 == 15) {
            n.withdraw(now);
        } else if (session.read(text)) {
            if (event & 2)
                n.answer(side, session, now, message, (event & 4) != 0);
            else
                n.offer(side, session, now, message, (event & 4) != 0);
        }
        ++message;
        const Exchange* in_force = n.in_force();
        must(n.ledger().size() <= max_exchanges && n.findings().size() <= max_negotiation_findings);
        must(in_force == nullptr || in_force->answer_message.has_value());
    }
    for (const Exchange& e : n.ledger()) {
        must(!e.answer_message || *e.answer_message >= e.offer_message);
        for (const MediaLine& line : e.media) must(line.agreed.empty() || line.answer.has_value());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    describe(text);
    negotiate(text);
    return 0;
}
