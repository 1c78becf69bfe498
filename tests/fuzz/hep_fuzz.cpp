// HEP: a packet is read, checked, inflated, written again and read again; a stream is cut into
// packets the same way however it is split.
#include <cstdlib>
#include <string>
#include <vector>

#include "libsipana/analysis/rtcp_json.h"
#include "libsipana/hep/framer.h"
#include "libsipana/hep/inflater.h"
#include "libsipana/hep/packet.h"

using namespace sipana;

namespace {

void require(bool truth) {
    if (!truth) std::abort();
}

void again(hep::Packet packet) {
    packet.version = 3;
    Buffer out;
    if (!hep::write(packet, out)) return require(out.empty());
    require(out.size() <= hep::most_bytes && hep::looks_like_hep(out));
    const auto read = hep::parse(out);
    require(read && *read == packet && read->skipped == 0 && read->repeated == 0);
}

// The packets in a stream fed in pieces of `size` bytes, and the bytes that were none.
std::vector<std::string> cut(Bytes stream, std::size_t size, std::uint64_t& skipped) {
    hep::Framer framer;
    std::vector<std::string> packets;
    std::uint64_t given = 0;
    for (std::size_t at = 0; at < stream.size(); at += size) {
        framer.feed(stream.subspan(at, std::min(size, stream.size() - at)));
        while (const auto packet = framer.poll()) {
            given += packet->size();
            packets.emplace_back(as_text(*packet));
        }
        require(framer.kept() <= hep::most_bytes);
    }
    skipped = framer.skipped();
    require(given + skipped + framer.kept() == stream.size());
    return packets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes in(bytes, size);
    (void)hep::looks_like_hep(in);
    for (const Finding& finding : hep::check(in))
        require(finding.byte <= size && !finding.text.empty());
    const auto packet = hep::parse(in);
    if (packet) {
        again(*packet);
        if (packet->compressed) {
            hep::Inflater inflater;
            const auto plain = inflater.inflate(packet->payload);
            if (plain) require(plain->size() <= hep::Inflater::most_inflated);
        }
    } else {
        require(packet.error().offset <= size && !packet.error().what.empty());
    }
    if (const auto report = analysis::from_rtcp_json(as_text(in))) {
        const auto told = analysis::to_rtcp_json(*report);
        require(told.size() == 1 && *analysis::from_rtcp_json(told[0]) == *report);
    }
    std::uint64_t whole_skipped = 0, split_skipped = 0;
    const auto whole = cut(in, std::max<std::size_t>(size, 1), whole_skipped);
    const auto split = cut(in, 1 + (size > 0 ? bytes[0] % 19 : 0), split_skipped);
    require(whole == split);
    return 0;
}
