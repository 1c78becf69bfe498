// RTCP: a compound datagram is read, checked, written again and read again.
#include <cstdlib>

#include "libsipana/rtcp/check.h"
#include "libsipana/rtcp/packet.h"

using namespace sipana;

namespace {

void require(bool truth) {
    if (!truth) std::abort();
}

void again(const rtcp::Packet& packet) {
    Buffer out;
    if (!rtcp::write(packet, out)) return require(packet.padding % 4 != 0);
    const rtcp::Compound read = rtcp::parse(out);
    require(!read.error && read.packets.size() == 1);
    require(read.packets[0].content.index() == packet.content.index());
    Buffer twice;
    require(rtcp::write(read.packets[0], twice));
    require(out == twice);
    if (const auto* feedback = std::get_if<rtcp::TransportFeedback>(&packet.content)) {
        (void)rtcp::name_of(*feedback);
        if (const auto* nack = std::get_if<rtcp::Nack>(&feedback->content))
            require(nack->lost().size() <= nack->pairs.size() * 17);
    }
    if (const auto* report = std::get_if<rtcp::ExtendedReport>(&packet.content))
        for (const rtcp::XrBlock& block : report->blocks)
            if (const auto* runs = std::get_if<rtcp::RunLengths>(&block))
                require(runs->bits().size() <= 0xffff);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes in(bytes, size);
    const rtcp::Compound compound = rtcp::parse(in);
    require(compound.error || !compound.packets.empty());
    if (compound.error) require(compound.error->offset <= size && !compound.error->what.empty());
    std::size_t at = 0;
    for (const rtcp::Packet& packet : compound.packets) {
        require(packet.offset == at);
        at += packet.size;
        if (!compound.error) again(packet);
    }
    require(at <= size && (compound.error || at == size));
    if (rtcp::is_whole(in)) require(at == size);
    for (const Finding& finding : rtcp::check(in)) require(finding.byte <= size);
    if (const auto secured = rtcp::parse_srtcp(in)) (void)rtcp::parse(secured->plain);
    return 0;
}
