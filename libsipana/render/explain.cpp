// A message line by line: finds the lines and asks the tables what they are.
#include "libsipana/render/explain.h"
#include "libsipana/sip/code.h"

#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/sip/params.h"

namespace sipana::render {
namespace {

// Cuts one line off `rest`; CRLF, LF and a lone CR at the very end all end it.
std::string_view next_line(std::string_view& rest) {
    std::string_view line = cut(rest, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

// A field with its folds: lines that begin with white space belong to the one before (RFC
// 3261 7.3.1).
std::string_view next_field(std::string_view& rest) {
    const char* const begin = rest.data();
    std::string_view line = next_line(rest);
    while (!line.empty() && !rest.empty() && is_blank(rest.front())) line = next_line(rest);
    return {begin, static_cast<std::size_t>(line.data() + line.size() - begin)};
}

ExplainedLine start_line(std::string_view raw) {
    ExplainedLine line{raw, {}, {}, false};
    std::string_view rest = raw;
    const std::string_view first = cut(rest, ' ');
    if (istarts_with(first, "SIP/")) {
        const auto code = to_number<int>(cut(rest, ' '));
        if (!code) return line;
        line.topic = code_topic(*code);
        const std::string_view phrase = sip::reason_phrase(*code);
        if (line.topic.name.empty()) return line;
        if (phrase.empty())
            line.meaning = "a code that is not registered";
        else if (!iequals(phrase, trim(rest)))
            line.meaning =
                fmt::format("registered as \"{}\"; the phrase is free to the sender", phrase);
        return line;
    }
    line.topic = method_topic(first);
    line.meaning = request_meaning(first, cut(rest, ' '));
    return line;
}

ExplainedLine field_line(std::string_view raw) {
    ExplainedLine line{raw, {}, {}, false};
    std::string_view rest = raw;
    const std::string_view name = trim(cut(rest, ':'));
    line.topic = header_topic(name);
    if (line.topic.name.empty() && rest.data() != raw.data() + raw.size() && sip::is_token(name))
        line.topic = {
            "a field of its own",
            "No RFC that is known here defines this field: who sends it knows what it means.",
            "RFC 3261 7.3.1"};
    line.meaning = header_meaning(name, trim(rest));
    return line;
}

// The rtpmaps of the media section that begins at `text`: up to the next m-line.
std::vector<PayloadName> payloads_of(std::string_view text) {
    // RFC 3551 table 4 and 5: numbers that need no rtpmap. An rtpmap stands before them in the
    // list.
    static constexpr PayloadName fixed[] = {
        {0, "PCMU/8000"},    {3, "GSM/8000"},    {4, "G723/8000"},   {5, "DVI4/8000"},
        {6, "DVI4/16000"},   {7, "LPC/8000"},    {8, "PCMA/8000"},   {9, "G722/8000"},
        {10, "L16/44100/2"}, {11, "L16/44100"},  {12, "QCELP/8000"}, {13, "CN/8000"},
        {14, "MPA/90000"},   {15, "G728/8000"},  {16, "DVI4/11025"}, {17, "DVI4/22050"},
        {18, "G729/8000"},   {25, "CelB/90000"}, {26, "JPEG/90000"}, {28, "nv/90000"},
        {31, "H261/90000"},  {32, "MPV/90000"},  {33, "MP2T/90000"}, {34, "H263/90000"},
    };
    std::vector<PayloadName> out;
    bool first = true;
    while (!text.empty() && out.size() < 256) {
        std::string_view line = next_line(text);
        if (line.starts_with("m=") && !first) break;
        first = false;
        if (!istarts_with(line, "a=rtpmap:")) continue;
        line.remove_prefix(9);
        const auto number = to_number<std::uint8_t>(trim(cut(line, ' ')));
        if (number) out.push_back({*number, trim(line)});
    }
    out.insert(out.end(), std::begin(fixed), std::end(fixed));
    return out;
}

ExplainedLine sdp_line(std::string_view raw, std::span<const PayloadName> known) {
    ExplainedLine line{raw, {}, {}, true};
    if (raw.size() < 2 || raw[1] != '=') return line;
    const std::string_view value = raw.substr(2);
    line.topic = sdp_topic(raw[0]);
    line.meaning = sdp_meaning(raw[0], value, known);
    if (raw[0] == 'a') {
        std::string_view rest = value;
        if (const Topic topic = attribute_topic(trim(cut(rest, ':'))); !topic.name.empty())
            line.topic = topic;
    }
    return line;
}

// A key press in an INFO as many phones send it; no RFC defines the format.
ExplainedLine key_line(std::string_view raw) {
    ExplainedLine line{raw, {}, {}, true};
    std::string_view value = raw;
    const std::string_view name = trim(cut(value, '='));
    value = trim(value);
    if (iequals(name, "Signal")) {
        line.topic = {"Signal", "The key that was pressed.", ""};
        if (value == "10") line.meaning = "the key *";
        if (value == "11") line.meaning = "the key #";
    } else if (iequals(name, "Duration")) {
        line.topic = {"Duration", "How long it was held, in milliseconds.", ""};
    }
    return line;
}

void explain_body(std::vector<ExplainedLine>& lines, std::string_view& body, bool keys) {
    // Content decides, not Content-Type: SDP within multipart bodies is explained too.
    bool sdp = false;
    std::vector<PayloadName> known = payloads_of({});
    while (!body.empty() && lines.size() < max_lines) {
        const std::string_view from_here = body;
        const std::string_view raw = next_line(body);
        if (raw.starts_with("v=0")) sdp = true;
        if (raw.empty() || raw.starts_with("--")) sdp = false;
        if (sdp && raw.starts_with("m=")) known = payloads_of(from_here);
        lines.push_back(sdp    ? sdp_line(raw, known)
                        : keys ? key_line(raw)
                               : ExplainedLine{raw, {}, {}, true});
    }
}

}  // namespace

std::vector<ExplainedLine> explain_message(std::string_view text) {
    std::vector<ExplainedLine> lines;
    while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
    if (text.empty()) return lines;
    lines.push_back(start_line(next_line(text)));
    bool keys = false;  // the body is a key press
    while (!text.empty() && lines.size() < max_lines) {
        const std::string_view raw = next_field(text);
        if (raw.empty()) {
            lines.push_back({raw, {}, {}, false});
            explain_body(lines, text, keys);
            break;
        }
        lines.push_back(field_line(raw));
        if (lines.back().topic.name == "Content-Type") {
            std::string_view type = raw;
            cut(type, ':');
            keys = istarts_with(trim(type), "application/dtmf-relay");
        }
    }
    if (!text.empty()) {
        lines.push_back(
            {"", {"...", "The rest of this message is too long to be shown here.", ""}, {}, true});
    }
    return lines;
}

}  // namespace sipana::render
