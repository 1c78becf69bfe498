// Explanations: what each line of a SIP message and of its SDP is, which clause defines it, and
// what the value at hand means, in plain words for somebody who is learning the protocol.
//
// Nothing here judges (that is sip/check and sdp/check) and nothing escapes: the words quote the
// wire, so escape them like any wire text. Meanings are empty where there is nothing to add to the
// value. Split by noun: explain_header (the table), explain_value (values of header fields),
// explain_auth, explain_code (methods, status codes, causes), explain_sdp and explain_codec.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipana::render {

// What a thing is. Views static storage; `name` is empty where the thing is not known.
struct Topic {
    std::string_view name;    // "Via", "a=rtpmap", "486 Busy Here"
    std::string_view what;    // one or two sentences
    std::string_view clause;  // "RFC 3261 20.42"
};

Topic header_topic(std::string_view name);     // any case, long or compact
Topic method_topic(std::string_view name);     // case-sensitive
Topic code_topic(int code);                    // unregistered codes: their class (RFC 3261 7.2)
Topic sdp_topic(char type);                    // 'v', 'o', ... (RFC 8866 5)
Topic attribute_topic(std::string_view name);  // "rtpmap", without "a="
Topic codec_topic(std::string_view name);      // encoding names of RTP payloads, any case

// Every row of a table, for indexes and tests.
std::span<const Topic> header_topics();
std::span<const Topic> attribute_topics();
struct CodeTopic {
    int code;
    Topic topic;
};
std::span<const CodeTopic> code_topics();

// What this value means.
std::string request_meaning(std::string_view method, std::string_view uri);
std::string header_meaning(std::string_view name, std::string_view value);
std::string q850_meaning(int cause);  // "normal call clearing"; empty if unknown

// What the m-lines of a body say of each payload type, for the lines that refer to one.
struct PayloadName {
    std::uint8_t payload_type = 0;
    std::string_view encoding;  // "H264/90000", as a=rtpmap or RFC 3551 has it
};
// `type` and `value` of one line; `known` holds the rtpmaps of the media section the line is in.
std::string sdp_meaning(char type, std::string_view value, std::span<const PayloadName> known);
// The parameters of a=fmtp for one codec, e.g. "constrained baseline profile, level 3.1".
std::string fmtp_meaning(std::string_view codec, std::string_view parameters);

// One line of a message, explained. `raw` views the text given; a folded field is one ExplainedLine.
struct ExplainedLine {
    std::string_view raw;  // without the line end
    Topic topic;
    std::string meaning;
    bool body = false;
};
// Start line, fields, the empty line (no topic), and the body: SDP explained, anything else as it
// is. Total on any input: what cannot be read has no topic. At most max_lines, then a last line
// says so.
inline constexpr std::size_t max_lines = 2000;
std::vector<ExplainedLine> explain_message(std::string_view text);

}  // namespace sipana::render
