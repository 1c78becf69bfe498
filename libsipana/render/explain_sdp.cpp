// SDP lines and attributes (RFC 8866 and its extensions).
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/base/time.h"
#include "libsipana/render/explain.h"

namespace sipana::render {
namespace {

constexpr std::size_t longest_quote = 200;  // of wire text within a meaning

constexpr Topic types[] = {
    {"v=", "The version of SDP; there is only 0.", "RFC 8866 5.1"},
    {"o=",
     "Who made this description: user, session number, version, address. The version counts up "
     "with each change.",
     "RFC 8866 5.2"},
    {"s=", "A name for the session; phones write \"-\" or their own name.", "RFC 8866 5.3"},
    {"i=", "More about the session or the medium, for people.", "RFC 8866 5.4"},
    {"u=", "A page with more about the session.", "RFC 8866 5.5"},
    {"e=", "A mail address of somebody in charge.", "RFC 8866 5.6"},
    {"p=", "A telephone number of somebody in charge.", "RFC 8866 5.6"},
    {"c=", "The address to send media to. Before the first m= it holds for all media.",
     "RFC 8866 5.7"},
    {"b=", "Bandwidth the sender wishes to receive.", "RFC 8866 5.8"},
    {"t=", "When the session begins and ends; 0 0 means it has no fixed times.", "RFC 8866 5.9"},
    {"r=", "Repeat times.", "RFC 8866 5.10"},
    {"z=", "Changes of the time zone between repeats.", "RFC 8866 5.11"},
    {"k=", "An encryption key, in clear; must no longer be used.", "RFC 8866 5.12"},
    {"a=", "An attribute: extends the session or the medium it stands under.", "RFC 8866 5.13"},
    {"m=",
     "One medium: its kind, the port to send it to, the transport and the formats in order of "
     "preference.",
     "RFC 8866 5.14"},
};

constexpr Topic attributes[] = {
    {"accept-types", "Message formats that MSRP takes.", "RFC 4975 8.6"},
    {"acfg", "The potential configuration that was chosen.", "RFC 5939 3.5.2"},
    {"acap", "An attribute that could be used in a potential configuration.", "RFC 5939 3.4.1"},
    {"bundle-only", "Media only as part of the bundle.", "RFC 9143 6"},
    {"candidate", "ICE: an address where this side might be reached.", "RFC 8839 5.1"},
    {"cat", "The session's category.", "RFC 8866 6.1"},
    {"charset", "The character set of texts.", "RFC 8866 6.10"},
    {"connection", "Whether a new connection is to be opened.", "RFC 4145 5"},
    {"crypto", "Keys for encrypted media (SRTP), sent in clear within this body.", "RFC 4568 4"},
    {"curr", "Precondition: what has been reserved so far.", "RFC 3312 4"},
    {"des", "Precondition: what must be reserved before the phone may ring.", "RFC 3312 4"},
    {"conf", "Precondition: tell me when it has been reserved.", "RFC 3312 4"},
    {"direction", "Which side opens the connection, in an old form.",
     "draft-ietf-mmusic-sdp-comedia"},
    {"end-of-candidates", "ICE: no more candidates follow.", "RFC 8840 8.2"},
    {"extmap", "Gives a number to an RTP header extension.", "RFC 8285 5"},
    {"extmap-allow-mixed", "One- and two-byte header extensions may be mixed.", "RFC 8285 6"},
    {"fingerprint", "A hash of the certificate that this side will show in DTLS.", "RFC 8122 5"},
    {"fmtp", "Parameters of one payload type.", "RFC 8866 6.15"},
    {"framerate", "The highest video frame rate.", "RFC 8866 6.13"},
    {"group", "Ties media lines together, by their mid.", "RFC 5888 5"},
    {"ice-lite", "ICE: this side only answers checks.", "RFC 8839 5.3"},
    {"ice-mismatch", "ICE: the addresses were changed on the way, so ICE is off.", "RFC 8839 5.3"},
    {"ice-options", "ICE: extensions this side knows.", "RFC 8839 5.6"},
    {"ice-pacing", "ICE: time between checks.", "RFC 8839 5.5"},
    {"ice-pwd", "ICE: the password for connectivity checks.", "RFC 8839 5.4"},
    {"ice-ufrag", "ICE: the user name for connectivity checks.", "RFC 8839 5.4"},
    {"identity", "A token that vouches for the fingerprint.", "RFC 8827 5"},
    {"imageattr", "Picture sizes that can be sent and received.", "RFC 6236 3"},
    {"inactive", "Media in neither direction.", "RFC 8866 6.7.4"},
    {"key-mgmt", "Keys for encrypted media by MIKEY.", "RFC 4567 3"},
    {"keywds", "Keywords of the session.", "RFC 8866 6.2"},
    {"label", "A name of this medium for other documents.", "RFC 4574"},
    {"lang", "The language of the session or medium.", "RFC 8866 6.12"},
    {"ltime", "Length of an announcement.", "RFC 8866"},
    {"max-message-size", "The longest message on a data channel.", "RFC 8841 6"},
    {"maxprate", "The highest rate of packets.", "RFC 3890 6.2"},
    {"maxptime", "The longest packet wanted.", "RFC 8866 6.5"},
    {"mid", "Names this media line for groups.", "RFC 5888 4"},
    {"msid", "Which media stream and track of a browser this is.", "RFC 8830 2"},
    {"msid-semantic", "How msid is meant, in an old form.", "RFC 8830"},
    {"nortpproxy", "A mark of rtpproxy: the media has been put through a relay.", ""},
    {"orient", "How a whiteboard lies.", "RFC 8866 6.8"},
    {"path", "The MSRP address.", "RFC 4975 8.1"},
    {"pcfg", "A potential configuration, such as a choice of plain or encrypted media.",
     "RFC 5939 3.5.1"},
    {"ptime", "How much sound one packet should hold.", "RFC 8866 6.4"},
    {"quality", "Video: 0 for a still picture, 10 for the best.", "RFC 8866 6.14"},
    {"recvonly", "The sender of this line will receive and not send.", "RFC 8866 6.7.1"},
    {"remote-candidates", "ICE: the pair of addresses that was chosen.", "RFC 8839 5.2"},
    {"rid", "One version of a picture among several.", "RFC 8851"},
    {"rtcp", "Where to send RTCP, if not to the port after RTP's.", "RFC 3605 2.1"},
    {"rtcp-fb", "RTCP feedback this side can use: asking for packets or key frames.",
     "RFC 4585 4.2"},
    {"rtcp-mux", "RTP and RTCP share one port.", "RFC 5761 5.1.1"},
    {"rtcp-mux-only", "RTP and RTCP must share one port.", "RFC 8858 4"},
    {"rtcp-rsize", "RTCP packets may be sent singly.", "RFC 5506 5"},
    {"rtcp-xr", "Extended RTCP reports wanted.", "RFC 3611 5"},
    {"rtpmap", "Says which codec and clock a payload type number stands for.", "RFC 8866 6.6"},
    {"sctp-port", "The SCTP port of a data channel.", "RFC 8841 5"},
    {"sctpmap", "The SCTP port of a data channel, in an old form.", "draft-ietf-mmusic-sctp-sdp"},
    {"sdplang", "The language of texts in this description.", "RFC 8866 6.11"},
    {"sendonly", "The sender of this line will send and not receive: hold, often.",
     "RFC 8866 6.7.3"},
    {"sendrecv", "Media both ways; also what holds if nothing is said.", "RFC 8866 6.7.2"},
    {"setup", "Which side opens the connection or begins the DTLS handshake.",
     "RFC 4145 4, RFC 5763 5"},
    {"silenceSupp", "Whether silence is sent.", "RFC 3108 5.6.2"},
    {"simulcast", "The same picture in several versions at once.", "RFC 8853 5"},
    {"ssrc", "Tells the RTP source number ahead, and its name.", "RFC 5576 4.1"},
    {"ssrc-group", "Ties sources together, such as a stream and its retransmissions.",
     "RFC 5576 4.2"},
    {"T38FaxFillBitRemoval", "Fax: fill bits may be dropped.", "ITU-T T.38 D.2.3"},
    {"T38FaxMaxBuffer", "Fax: the receiver's buffer in bytes.", "ITU-T T.38 D.2.3"},
    {"T38FaxMaxDatagram", "Fax: the largest datagram.", "ITU-T T.38 D.2.3"},
    {"T38FaxRateManagement", "Fax: who sees to the training of the modems.", "ITU-T T.38 D.2.3"},
    {"T38FaxTranscodingJBIG", "Fax: JBIG recoding is possible.", "ITU-T T.38 D.2.3"},
    {"T38FaxTranscodingMMR", "Fax: MMR recoding is possible.", "ITU-T T.38 D.2.3"},
    {"T38FaxUdpEC", "Fax: how lost packets are made good.", "ITU-T T.38 D.2.3"},
    {"T38FaxVersion", "Fax: the version of T.38.", "ITU-T T.38 D.2.3"},
    {"T38MaxBitRate", "Fax: the highest bit rate.", "ITU-T T.38 D.2.3"},
    {"tcap", "A transport that could be used instead.", "RFC 5939 3.4.2"},
    {"tls-id", "Names the DTLS association.", "RFC 8842 4"},
    {"tool", "The program that made this description.", "RFC 8866 6.3"},
    {"type", "The kind of conference.", "RFC 8866 6.9"},
    {"zrtp-hash", "A hash that binds the ZRTP key exchange to this call.", "RFC 6189 8"},
};

std::string quoted(std::string_view text) {
    std::string out = printable(text.substr(0, longest_quote));
    return text.size() > longest_quote ? out + "…" : out;
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty() && out.size() < 128) {
        const std::string_view word = trim(cut(text, ' '));
        if (!word.empty()) out.push_back(word);
    }
    return out;
}

std::string_view encoding_of(std::string_view payload_type, std::span<const PayloadName> known) {
    const auto number = to_number<std::uint8_t>(payload_type);
    if (!number) return {};
    for (const PayloadName& p : known)
        if (p.payload_type == *number) return p.encoding;
    return {};
}

std::string connection_meaning(std::string_view value) {
    const auto w = words_of(value);
    if (w.size() < 3) return {};
    std::string_view address = w[2];
    const std::string_view host = cut(address, '/');
    if (host == "0.0.0.0" || host == "::")
        return "no address: an old way to say hold (RFC 3264 8.4)";
    return fmt::format("media to {} ({}){}", quoted(host), w[1] == "IP6" ? "IPv6" : "IPv4",
                       address.empty() ? "" : ", multicast with TTL " + quoted(address));
}

std::string bandwidth_meaning(std::string_view value) {
    const std::string_view kind = trim(cut(value, ':'));
    const auto number = to_number<std::uint64_t>(trim(value));
    if (!number) return {};
    if (kind == "AS")
        return fmt::format("at most {} kbit/s for RTP with its lower layers", *number);
    if (kind == "CT") return fmt::format("at most {} kbit/s for the whole conference", *number);
    if (kind == "TIAS")
        return fmt::format("at most {} bit/s, lower layers not counted (RFC 3890)", *number);
    if (kind == "RS")
        return fmt::format("at most {} bit/s of RTCP from senders (RFC 3556)", *number);
    if (kind == "RR")
        return fmt::format("at most {} bit/s of RTCP from receivers (RFC 3556)", *number);
    return {};
}

std::string media_meaning(std::string_view value, std::span<const PayloadName> known) {
    const auto w = words_of(value);
    if (w.size() < 3) return {};
    std::string out = quoted(w[0]);
    if (w[1] == "0")
        out += ": refused or switched off (port 0)";
    else
        out += fmt::format(" to port {}", quoted(w[1]));
    if (w[2].find("SAVP") != w[2].npos) out += ", encrypted (SRTP)";
    if (w[2].find("TLS/") != w[2].npos) out += ", keys by DTLS";
    if (!w[2].empty() && w[2].back() == 'F' && w[2].find("AVP") != w[2].npos)
        out += ", with early RTCP feedback";
    std::string formats;
    for (std::size_t i = 3; i < w.size() && i < 35; ++i) {
        if (!formats.empty()) formats += ", ";
        std::string_view encoding = encoding_of(w[i], known);
        if (encoding.empty())
            formats += quoted(w[i]);
        else
            formats += quoted(cut(encoding, '/'));
    }
    return formats.empty() ? out : out + "; " + formats;
}

std::string rtpmap_meaning(std::string_view value) {
    std::string_view rest = value;
    const std::string_view number = trim(cut(rest, ' '));
    rest = trim(rest);
    const std::string_view name = cut(rest, '/'), clock = cut(rest, '/');
    std::string out = fmt::format("payload type {} is {}", quoted(number), quoted(name));
    if (to_number(clock)) out += fmt::format(", clock {} Hz", clock);
    if (const auto channels = to_number(rest); channels && *channels > 1)
        out += fmt::format(", {} channels", *channels);
    if (const Topic codec = codec_topic(name); !codec.name.empty())
        out += fmt::format(". {}", codec.what);
    return out;
}

std::string candidate_meaning(std::string_view value) {
    // foundation component transport priority address port "typ" type ...
    const auto w = words_of(value);
    if (w.size() < 8) return {};
    std::string_view kind = "an address";
    if (w[7] == "host") kind = "its own address";
    if (w[7] == "srflx") kind = "its address as seen through NAT (server reflexive)";
    if (w[7] == "prflx") kind = "its address as the peer saw it (peer reflexive)";
    if (w[7] == "relay") kind = "a relay (TURN)";
    return fmt::format("{}: {} port {}, {}, for {}", kind, quoted(w[4]), quoted(w[5]),
                       quoted(lowered(w[2])), w[1] == "2" ? "RTCP" : "RTP");
}

std::string crypto_meaning(std::string_view value) {
    const auto w = words_of(value);
    if (w.size() < 2) return {};
    return fmt::format(
        "cipher and authentication {}; whoever reads this body can decrypt the media",
        quoted(w[1]));
}

std::string feedback_meaning(std::string_view value, std::span<const PayloadName> known) {
    std::string_view rest = value;
    const std::string_view number = trim(cut(rest, ' '));
    rest = trim(rest);
    std::string_view encoding = encoding_of(number, known);
    std::string whom = number == "*"      ? "all payload types"
                       : encoding.empty() ? "payload type " + quoted(number)
                                          : quoted(cut(encoding, '/'));
    struct Kind {
        std::string_view value, text;
    };
    constexpr Kind kinds[] = {
        {"nack", "lost packets are named (NACK)"},
        {"nack pli", "can be asked for a key frame (PLI)"},
        {"nack rpsi", "reference pictures are named (RPSI)"},
        {"nack sli", "lost slices are named (SLI)"},
        {"ccm fir", "can be asked for a full picture (FIR, RFC 5104)"},
        {"ccm tmmbr", "can be told a highest bit rate (TMMBR, RFC 5104)"},
        {"ccm tstr", "sharpness against frame rate (TSTR, RFC 5104)"},
        {"goog-remb", "bandwidth is estimated by the receiver (REMB)"},
        {"transport-cc", "arrival times are reported, the sender estimates bandwidth (TWCC)"},
        {"trr-int", "regular RTCP spaced out"},
    };
    for (const Kind& kind : kinds)
        if (iequals(rest, kind.value)) return fmt::format("{}: {}", whom, kind.text);
    if (istarts_with(rest, "trr-int "))
        return fmt::format("{}: regular RTCP at most every {} ms", whom, quoted(rest.substr(8)));
    return whom;
}

std::string setup_meaning(std::string_view value) {
    if (value == "active") return "this side opens (DTLS client)";
    if (value == "passive") return "this side waits (DTLS server)";
    if (value == "actpass") return "this side can do either; the answer decides";
    if (value == "holdconn") return "no connection for now";
    return {};
}

std::string group_meaning(std::string_view value) {
    std::string_view rest = value;
    const std::string_view kind = trim(cut(rest, ' '));
    const std::string lines = quoted(trim(rest));
    if (kind == "BUNDLE") return fmt::format("lines {} share one transport (RFC 9143)", lines);
    if (kind == "LS") return fmt::format("lines {} are to be played in step (lip sync)", lines);
    if (kind == "FID") return fmt::format("lines {} carry the same flow", lines);
    return {};
}

std::string precondition_meaning(std::string_view value) {
    const auto w = words_of(value);
    if (w.size() < 3) return {};
    std::string what = quoted(w[0]);
    std::size_t at = 1;
    if (w.size() >= 4) {
        what = fmt::format("{} {}", quoted(w[1]), what);
        at = 2;
    }
    return fmt::format("{}: {}, {}", what,
                       w[at] == "e2e"     ? "end to end"
                       : w[at] == "local" ? "at this side"
                                          : "at the other side",
                       w[at + 1] == "none" ? "nothing" : quoted(w[at + 1]));
}

std::string attribute_meaning(std::string_view value, std::span<const PayloadName> known) {
    std::string_view rest = value;
    const std::string_view name = trim(cut(rest, ':'));
    rest = trim(rest);
    if (iequals(name, "rtpmap")) return rtpmap_meaning(rest);
    if (iequals(name, "fmtp")) {
        const std::string_view number = trim(cut(rest, ' '));
        std::string_view encoding = encoding_of(number, known);
        const std::string_view codec = cut(encoding, '/');
        const std::string meaning = codec.empty() ? "" : fmtp_meaning(codec, rest);
        if (codec.empty()) return "of payload type " + quoted(number);
        return meaning.empty() ? "of " + quoted(codec)
                               : fmt::format("{}: {}", quoted(codec), meaning);
    }
    if (iequals(name, "ptime") || iequals(name, "maxptime"))
        return to_number(rest) ? fmt::format("{} ms a packet", rest) : "";
    if (iequals(name, "framerate")) return rest.empty() ? "" : quoted(rest) + " frames a second";
    if (iequals(name, "candidate")) return candidate_meaning(rest);
    if (iequals(name, "crypto")) return crypto_meaning(rest);
    if (iequals(name, "rtcp-fb")) return feedback_meaning(rest, known);
    if (iequals(name, "setup")) return setup_meaning(rest);
    if (iequals(name, "group")) return group_meaning(rest);
    if (iequals(name, "curr") || iequals(name, "des") || iequals(name, "conf"))
        return precondition_meaning(rest);
    if (iequals(name, "rtcp")) return "RTCP to port " + quoted(cut(rest, ' '));
    if (iequals(name, "mid")) return fmt::format("this line is called \"{}\"", quoted(rest));
    if (iequals(name, "fingerprint")) return quoted(cut(rest, ' ')) + " hash of the certificate";
    if (iequals(name, "extmap")) {
        const std::string_view number = cut(rest, ' ');
        return fmt::format("number {} stands for {}", quoted(number), quoted(trim(rest)));
    }
    if (iequals(name, "ssrc")) {
        const auto ssrc = to_number(cut(rest, ' '));
        return ssrc ? fmt::format("source 0x{:08x}: {}", *ssrc, quoted(trim(rest))) : "";
    }
    if (iequals(name, "T38MaxBitRate")) return quoted(rest) + " bit/s";
    if (iequals(name, "T38FaxRateManagement")) {
        if (iequals(rest, "transferredTCF")) return "the training signal goes from end to end";
        if (iequals(rest, "localTCF")) return "each side trains its own modem";
    }
    if (iequals(name, "T38FaxUdpEC")) {
        if (iequals(rest, "t38UDPRedundancy")) return "earlier packets are sent again";
        if (iequals(rest, "t38UDPFEC")) return "parity packets";
        if (iequals(rest, "t38UDPNoEC")) return "nothing is done about loss";
    }
    return {};
}

std::string origin_meaning(std::string_view value) {
    const auto w = words_of(value);
    if (w.size() < 6) return {};
    return fmt::format("by {}, session {}, version {}",
                       w[0] == "-" ? "nobody in particular" : quoted(w[0]), quoted(w[1]),
                       quoted(w[2]));
}

// Seconds since 1900 (RFC 8866 5.9); 0 leaves an end open.
std::string timing_meaning(std::string_view value) {
    std::string_view rest = trim(value);
    const auto from = to_number<std::uint64_t>(trim(cut(rest, ' '))),
               to = to_number<std::uint64_t>(trim(rest));
    constexpr std::uint64_t unix_epoch = 2'208'988'800, latest = unix_epoch + (1ull << 33);
    if (!from || !to || *from > latest || *to > latest) return {};
    if (*from == 0 && *to == 0) return "no fixed times";
    const auto date = [](std::uint64_t ntp) {
        const auto s = std::chrono::seconds{static_cast<std::int64_t>(ntp - unix_epoch)};
        const std::string text = to_rfc3339(Time{s});
        return text.substr(0, 10) + " " + text.substr(11, 8);
    };
    if ((*from != 0 && *from < unix_epoch) || (*to != 0 && *to < unix_epoch)) return {};
    const std::string begin = *from == 0 ? "" : "from " + date(*from);
    if (*to == 0) return begin + " UTC, with no fixed end";
    return fmt::format("{}{}to {} UTC", begin, begin.empty() ? "" : " ", date(*to));
}

}  // namespace

std::span<const Topic> attribute_topics() { return attributes; }

Topic sdp_topic(char type) {
    for (const Topic& row : types)
        if (row.name[0] == type) return row;
    return {};
}

Topic attribute_topic(std::string_view name) {
    for (const Topic& row : attributes)
        if (iequals(row.name, name)) return row;
    return {};
}

std::string sdp_meaning(char type, std::string_view value, std::span<const PayloadName> known) {
    switch (type) {
        case 'o':
            return origin_meaning(value);
        case 'c':
            return connection_meaning(value);
        case 'b':
            return bandwidth_meaning(value);
        case 't':
            return timing_meaning(value);
        case 'm':
            return media_meaning(value, known);
        case 'a':
            return attribute_meaning(value, known);
        default:
            return {};
    }
}

}  // namespace sipana::render
