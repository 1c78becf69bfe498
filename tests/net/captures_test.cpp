// Captures of other projects, read where they lie: what comes out is what tshark 4.0.17 says.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/net/frames.h"

using namespace sipana;
using namespace sipana::net;

namespace {

const std::filesystem::path captures = "../shared/captures";

// Whether the bytes begin with a SIP request line or status line.
bool begins_sip(std::string_view text) {
    const std::string_view line = text.substr(0, text.find('\r'));
    return line.substr(0, 8) == "SIP/2.0 " ||
           (line.size() > 8 && line.substr(line.size() - 8) == " SIP/2.0");
}

struct Read {
    explicit Read(const char* file) : decoder(sink) {
        there = decode_pcap((captures / file).string(), decoder);
        if (!there) MESSAGE("skipped: ../shared/captures is not here");
        for (const auto& d : sink.datagrams) datagrams += begins_sip(d.text);
        for (const auto& c : sink.chunks) chunks += begins_sip(c.text);
    }
    Collected sink;
    Decoder decoder;
    bool there = false;
    int datagrams = 0, chunks = 0;  // that begin a SIP message
};

}  // namespace

TEST_CASE("captures: tunnels, tags and link layers of every kind in one file") {
    const Read read("arkime-arkime_synthetic.pcap");
    if (!read.there) return;
    const auto& account = read.decoder.accounting();
    CHECK(account.frames == 918);
    CHECK(account[Fate::not_ip] == 7);
    CHECK(account[Fate::bad_header] + account[Fate::cut_short] + account[Fate::too_deep] == 0);
    CHECK(read.datagrams == 1);
    CHECK(read.chunks == 3);
    // Another stream's message stands between the two TSNs of one in fragments (RFC 9260 6.9: they
    // follow each other).
    CHECK(read.sink.findings.size() == 2);
    CHECK(read.sink.found("sctp-fragments-missing"));
    // What stands inside a tunnel is handed on as itself.
    for (const auto& d : read.sink.datagrams) {
        CHECK(d.dst.port != 6081);
        if (d.frame == 622) CHECK(d.dst.to_string() == "10.111.111.20:53");
    }
}

TEST_CASE("captures: GTP-U in cooked frames, with TCP over IPv6 inside") {
    const Read read("arkime-gtp-iphone.pcap");
    if (!read.there) return;
    CHECK(read.datagrams == 4);
    CHECK(read.chunks == 13);  // 3 REGISTER, INVITE, ACK, BYE and 7 responses
    CHECK(read.decoder.accounting()[Fate::other_transport] == 8);  // ICMP
    CHECK(read.decoder.accounting().missing_bytes == 0);
}

TEST_CASE("captures: IP in IP, and TCP joined in the middle") {
    const Read read("sngrep-ipip.pcap");
    if (!read.there) return;
    CHECK(read.chunks == 4);
    CHECK(read.sink.chunks[1].src.to_string() == "10.15.193.31:33093");
}

TEST_CASE("captures: IPv6 fragments in cooked frames") {
    const Read read("sngrep-ipv6frag.pcap");
    if (!read.there) return;
    CHECK(read.datagrams == 32);
    CHECK(read.decoder.accounting()[Fate::held] == 2);
    CHECK(read.decoder.accounting().fragments == 4);
    CHECK(read.decoder.accounting().fragments_expired == 0);
}

TEST_CASE("captures: SCTP, IPv6, raw IP, null, other ports") {
    struct Expected {
        const char* file;
        int datagrams, chunks;
    };
    for (const Expected& e :
         {Expected{"heplify-sip_sctp.pcap", 4, 0}, Expected{"heplify-sip_ipv6.pcap", 6, 0},
          Expected{"heplify-ipip0.pcap", 8, 0},
          Expected{"suricata-verify-sip-body-large.pcap", 0, 2},
          Expected{"suricata-verify-sip-tcp.pcap", 0, 8},
          Expected{"suricata-verify-sdp.pcap", 2, 0},
          Expected{"suricata-verify-sip_compact_form.pcap", 1, 0},
          Expected{"suricata-verify-sip_header_multi_val.pcap", 1, 0},
          Expected{"sipnab-h263-over-rtp.pcap", 4, 0}, Expected{"sipnab-DTMFsipinfo.pcap", 32, 0},
          Expected{"sipnab-sip-over-tcp.pcap", 0, 7}, Expected{"pcapplusplus-sip_resp.pcap", 6, 1},
          Expected{"zeek-sip-long-request-response-paths.pcap", 2, 0},
          Expected{"trex-core-udp_sip.cap", 35, 0}}) {
        const Read read(e.file);
        if (!read.there) return;
        CAPTURE(e.file);
        CHECK(read.datagrams == e.datagrams);
        CHECK(read.chunks == e.chunks);
        CHECK(read.decoder.accounting()[Fate::bad_header] == 0);
    }
}

TEST_CASE("captures: every frame of every capture is accounted for") {
    if (!std::filesystem::is_directory(captures)) {
        MESSAGE("skipped: ../shared/captures is not here");
        return;
    }
    for (const auto& entry : std::filesystem::directory_iterator(captures)) {
        if (!entry.is_regular_file()) continue;
        Collected sink;
        Decoder decoder(sink);
        decode_pcap(entry.path().string(), decoder);
        const auto& account = decoder.accounting();
        std::uint64_t sum = 0;
        for (const auto n : account.by_fate) sum += n;
        CAPTURE(entry.path().filename().string());
        CHECK(sum == account.frames);
        CHECK(account.datagrams == sink.datagrams.size());
        CHECK(account.chunks == sink.chunks.size());
        CHECK(account[Fate::over_cap] == 0);
    }
}
