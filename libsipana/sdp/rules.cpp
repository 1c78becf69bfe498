#include "libsipana/sdp/rules.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "libsipana/sdp/check.h"

namespace sipana::sdp {
namespace {

using enum Severity;

constexpr std::size_t max_words =
    400;  // bytes of a finding's text: it may quote a line of any length

// In order of name.
constexpr Rule table[] = {
    {"sdp-answer-auxiliary-only", warning, "RFC 3264 6.1",
     "an answer agrees on a codec that carries media, not on events or repair alone"},
    {"sdp-answer-bundle", error, "RFC 5888 9.2",
     "an answer groups only m-lines that the offer grouped"},
    {"sdp-answer-changed", warning, "RFC 3261 13.2.1", "all answers to one offer say the same"},
    {"sdp-answer-codec-not-offered", note, "RFC 3264 6.1",
     "an answer may name codecs beyond the offer, but nobody can send them yet"},
    {"sdp-answer-codec-parameters", warning, "RFC 3264 6.1",
     "a codec is answered with parameters that work with those offered"},
    {"sdp-answer-crypto", error, "RFC 4568 5.1.2",
     "an answer chooses exactly one of the a=crypto lines offered"},
    {"sdp-answer-direction", error, "RFC 3264 6.1",
     "an answer receives only what is sent and sends only what is received"},
    {"sdp-answer-media-count", error, "RFC 3264 6", "an answer has as many m-lines as the offer"},
    {"sdp-answer-media-type", error, "RFC 3264 6",
     "an m-line is answered by one of the same media type"},
    {"sdp-answer-mid", error, "RFC 5888 9.1", "an answer's mid is the one offered for that m-line"},
    {"sdp-answer-no-common-codec", error, "RFC 3264 6.1",
     "an accepted m-line has a codec from the offer"},
    {"sdp-answer-payload-type", warning, "RFC 3264 6.1",
     "a codec keeps the payload type under which it was offered"},
    {"sdp-answer-protocol", error, "RFC 3264 6",
     "an m-line is answered with the transport protocol offered"},
    {"sdp-answer-revived", error, "RFC 3264 6",
     "an m-line offered with port 0 is answered with port 0"},
    {"sdp-answer-rtcp-mux", error, "RFC 5761 5.1.1",
     "rtcp-mux is answered only where it was offered"},
    {"sdp-answer-setup", error, "RFC 4145 4.1",
     "active answers passive and the other way round; actpass is only offered"},
    {"sdp-answer-timing", error, "RFC 3264 6",
     "the t= line of the answer equals that of the offer"},
    {"sdp-answer-without-offer", error, "RFC 3264 4", "an answer follows an offer"},
    {"sdp-bandwidth", error, "RFC 8866 5.8", "b= is a type, a colon and a number"},
    {"sdp-bundle-rtcp-mux", error, "RFC 9143 9.3", "bundled RTP m-lines use rtcp-mux"},
    {"sdp-candidate", error, "RFC 8839 5.1", "a=candidate can be read and keeps its ranges"},
    {"sdp-connection", error, "RFC 8866 5.7",
     "c= is IN, an address type and an address of that type"},
    {"sdp-connection-missing", error, "RFC 8866 5.7",
     "c= stands at session level or in each m-line's section"},
    {"sdp-connection-ttl", error, "RFC 8866 5.7",
     "IPv4 multicast has a TTL, IPv6 and unicast have none"},
    {"sdp-crypto", error, "RFC 4568 9.1",
     "a=crypto is a tag, a suite and \"inline:\" keys of the suite's length"},
    {"sdp-crypto-missing", warning, "RFC 4568 5.1.1", "an SRTP m-line says how it is keyed"},
    {"sdp-crypto-profile", error, "RFC 4568 6",
     "a=crypto with SRTP keys stands in m-lines of an SRTP profile"},
    {"sdp-crypto-tag-repeated", error, "RFC 4568 4.1", "a=crypto tags are unique within an m-line"},
    {"sdp-cut-short", warning, "", "the description has fewer lines and m-lines than our limits"},
    {"sdp-direction-repeated", error, "RFC 8866 6.7",
     "one of sendrecv, sendonly, recvonly and inactive stands at a level"},
    {"sdp-extmap", error, "RFC 8285 5",
     "a=extmap is a number from 1 to 255, or from 4096 to 4351, and a URI"},
    {"sdp-extmap-repeated", error, "RFC 8285 5", "a=extmap numbers are unique within an m-line"},
    {"sdp-fingerprint", error, "RFC 8122 5",
     "a=fingerprint is a hash function and as many octets as it yields"},
    {"sdp-fingerprint-missing", error, "RFC 5763 5", "a DTLS-SRTP m-line has a fingerprint"},
    {"sdp-fmtp", error, "RFC 8866 6.15", "a=fmtp is a format and its parameters"},
    {"sdp-fmtp-unlisted", warning, "RFC 8866 6.15", "a=fmtp speaks of a format in its m-line"},
    {"sdp-format-repeated", warning, "RFC 8866 5.14", "an m-line lists a format once"},
    {"sdp-group-mid", error, "RFC 5888 5", "a=group names mids that are there"},
    {"sdp-hold-address", note, "RFC 3264 8.4",
     "hold is said by direction; address 0.0.0.0 is the old way"},
    {"sdp-ice-credentials", error, "RFC 8839 5.4",
     "candidates come with an ice-ufrag of 4 to 256 and an ice-pwd of 22 to 256 characters"},
    {"sdp-ledger-full", note, "", "a dialog has fewer offers than our limit"},
    {"sdp-line-end", warning, "RFC 8866 9", "lines end in CR LF"},
    {"sdp-line-form", error, "RFC 8866 5", "each line is a letter, \"=\" and a value"},
    {"sdp-line-repeated", error, "RFC 8866 5", "v= o= s= i= u= z= k= stand once at a level"},
    {"sdp-line-unended", note, "RFC 8866 9", "the last line ends in CR LF too"},
    {"sdp-media-line", error, "RFC 8866 5.14",
     "m= is a media type, a port, a protocol and formats"},
    {"sdp-mid-repeated", error, "RFC 5888 4", "a mid is one token and unique"},
    {"sdp-mux-only", error, "RFC 8858 3", "rtcp-mux-only comes with rtcp-mux"},
    {"sdp-nul", error, "RFC 8866 9", "no value holds a NUL byte"},
    {"sdp-offer-before-answer", error, "RFC 3264 4", "a side has one offer open at a time"},
    {"sdp-offer-media-removed", error, "RFC 3264 8",
     "m-lines are closed by port 0, never taken away"},
    {"sdp-offer-media-reordered", error, "RFC 3264 8", "m-lines keep their place"},
    {"sdp-offers-crossed", note, "RFC 3264 4",
     "an offer waits for the answer to the other side's"},
    {"sdp-opus-rtpmap", error, "RFC 7587 7", "opus is written opus/48000/2"},
    {"sdp-order", error, "RFC 8866 5",
     "lines stand in the order v o s i u e p c b t r z k a, m i c b k a"},
    {"sdp-origin", error, "RFC 8866 5.2",
     "o= is six words: two numbers after the name, and an address of the type named"},
    {"sdp-origin-changed", error, "RFC 3264 8", "o= keeps everything but its version"},
    {"sdp-origin-missing", error, "RFC 8866 5.2", "a description has an o= line"},
    {"sdp-origin-same-version", error, "RFC 3264 8",
     "the version in o= grows when the description changes"},
    {"sdp-origin-version-back", error, "RFC 3264 8", "the version in o= never falls"},
    {"sdp-origin-version-skipped", warning, "RFC 3264 8", "the version in o= grows by one"},
    {"sdp-payload-type", error, "RFC 8866 5.14",
     "formats of an RTP m-line are payload types, 0 to 127"},
    {"sdp-payload-type-remapped", error, "RFC 3264 8.3.2",
     "a dynamic payload type keeps its codec for the whole session"},
    {"sdp-port", error, "RFC 8866 5.14", "the port is a number from 0 to 65535"},
    {"sdp-port-odd", note, "RFC 3550 11",
     "RTP takes an even port unless a=rtcp or rtcp-mux says more"},
    {"sdp-ptime", error, "RFC 8866 6.4", "a=ptime and a=maxptime are milliseconds above 0"},
    {"sdp-ptime-above-max", warning, "RFC 8866 6.5", "ptime does not exceed maxptime"},
    {"sdp-rtcp", error, "RFC 3605 2.1", "a=rtcp is a port and, if more, an address"},
    {"sdp-rtcp-feedback", error, "RFC 4585 4.2",
     "a=rtcp-fb is a payload type or * and a feedback type"},
    {"sdp-rtcp-feedback-profile", warning, "RFC 4585 4.2",
     "a=rtcp-fb stands in m-lines of an AVPF profile"},
    {"sdp-rtcp-feedback-unlisted", warning, "RFC 4585 4.2",
     "a=rtcp-fb speaks of a payload type in its m-line"},
    {"sdp-rtpmap", error, "RFC 8866 6.6", "a=rtpmap is a payload type and name/clock"},
    {"sdp-rtpmap-clock", error, "RFC 3551 4.5.2", "G722 is written G722/8000"},
    {"sdp-rtpmap-missing", error, "RFC 8866 6.6", "a dynamic payload type has an rtpmap"},
    {"sdp-rtpmap-repeated", error, "RFC 8866 6.6",
     "a payload type has one rtpmap within an m-line"},
    {"sdp-rtpmap-static", warning, "RFC 3551 6", "a static payload type keeps its meaning"},
    {"sdp-rtpmap-unlisted", warning, "RFC 8866 6.6",
     "a=rtpmap speaks of a payload type in its m-line"},
    {"sdp-session-name", error, "RFC 8866 5.3",
     "s= is not empty; \"s=-\" says that there is no name"},
    {"sdp-session-name-missing", error, "RFC 8866 5.3", "a description has an s= line"},
    {"sdp-setup", error, "RFC 4145 4", "a=setup is active, passive, actpass or holdconn"},
    {"sdp-setup-missing", error, "RFC 5763 5", "a=setup comes with a fingerprint"},
    {"sdp-ssrc", error, "RFC 5576 4.1", "a=ssrc is an SSRC and an attribute"},
    {"sdp-timing", error, "RFC 8866 5.9", "t= is two numbers, the end not before the start"},
    {"sdp-timing-missing", error, "RFC 8866 5.9", "a description has a t= line"},
    {"sdp-type-unknown", warning, "RFC 8866 5", "there are no types but those of RFC 8866"},
    {"sdp-version", error, "RFC 8866 5.1", "the version is 0"},
    {"sdp-version-missing", error, "RFC 8866 5.1", "a description begins with a v= line"},
    {"sdp-white-space", error, "RFC 8866 5", "no white space stands around the \"=\""},
};

}  // namespace

std::span<const Rule> rules() { return table; }

Finding finding_of(std::string_view rule, std::uint64_t byte, std::string text) {
    const auto row =
        std::lower_bound(std::begin(table), std::end(table), rule,
                         [](const Rule& r, std::string_view name) { return r.name < name; });
    assert(row != std::end(table) && row->name == rule);
    if (text.size() > max_words) text.replace(max_words, text.npos, "...");
    text.append("; the rule: ").append(row->summary);  // "opus/16000/1" alone says little
    Finding f;
    f.rule = row->name;
    f.severity = row->severity;
    f.byte = byte;
    f.text = std::move(text);
    f.clause = row->clause;
    return f;
}

}  // namespace sipana::sdp
