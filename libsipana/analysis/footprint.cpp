#include "libsipana/analysis/footprint.h"

namespace sipana::analysis {
namespace {

constexpr std::uint64_t block = 32;  // what an allocation costs beside its bytes

template <typename T>
std::uint64_t of(const std::vector<T>& all) {
    return all.capacity() == 0 ? 0 : all.capacity() * sizeof(T) + block;
}

std::uint64_t of(const std::string& text) { return text.capacity() < sizeof(std::string) ? 0 : text.capacity() + block; }

std::uint64_t of_findings(const std::vector<Finding>& findings) {
    std::uint64_t bytes = of(findings);
    for (const Finding& f : findings) bytes += of(f.text);
    return bytes;
}

}  // namespace

std::uint64_t footprint(const Stream& s) {
    std::uint64_t bytes = of(s.codec) + of(s.payload_types) + of(s.call_id) + of(s.gaps) + of(s.seconds) +
                          of(s.digits) + of(s.reports) + of(s.rtcp_events) + of(s.cname) + of_findings(s.findings);
    for (const RtcpEvent& e : s.rtcp_events) bytes += of(e.text);
    if (s.video) bytes += of(s.video->broken) + of(s.video->marks) + of(s.video->requests);
    return bytes;
}

std::uint64_t footprint(const Call& c) {
    std::uint64_t bytes = sizeof(Call) + block + c.texts.bytes() + of(c.messages) + of(c.transactions) +
                          of(c.dialogs) + of(c.ledgers) + of(c.digits) + of(c.streams) + of(c.legs) +
                          of_findings(c.findings);
    for (const Call::Ledger& l : c.ledgers) {
        bytes += of(l.exchanges);
        for (const sdp::Exchange& e : l.exchanges) bytes += of(e.media) + of(e.session_version_note);
    }
    for (const Leg& l : c.legs) bytes += of(l.evidence);
    for (const Stream& s : c.streams) bytes += footprint(s);
    return bytes;
}

}  // namespace sipana::analysis
