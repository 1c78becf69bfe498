// Messages as data for the script: each line with the glossary entry that explains it.
//
// A call's texts are kept once each: most header fields of a call repeat in every message.
#include <unordered_map>

#include "libsipana/base/append.h"
#include "libsipana/base/text.h"
#include "libsipana/render/html.h"
#include "libsipana/render/render.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

// The texts of one data block, numbered in order of appearance; 0 is the empty text.
class Texts {
public:
    std::size_t number_of(std::string text) {
        const auto [at, fresh] = numbers_.try_emplace(std::move(text), list_.size());
        if (fresh) list_.push_back(&at->first);
        return at->second;
    }
    const std::vector<const std::string*>& list() const { return list_; }

private:
    std::unordered_map<std::string, std::size_t> numbers_;  // looked up only, never walked
    std::vector<const std::string*> list_;
};

// A line, or the lines of a folded field, made safe to show.
std::string shown(std::string_view raw) {
    std::string out;
    while (!raw.empty()) {
        std::string_view line = cut(raw, '\n');
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (!out.empty()) out += '\n';
        out += printable(line);
    }
    return out;
}

std::string where(const analysis::SipMessage& m, Time start) {
    std::string text = fmt::format("frame {} · {} · {} after the start · {} to {} · {}", m.frame,
                                   to_time_of_day(m.time), since(m.time, start), m.src.to_string(),
                                   m.dst.to_string(), to_string(m.transport));
    if (m.retransmission) text += " · sent again";
    if (m.capture_duplicate) text += " · the capture holds this packet twice";
    return text;
}

std::string about(const analysis::SipMessage& m) {
    if (m.is_request()) return {};
    return fmt::format("The answer to {}.", m.method_name);
}

void put_one(Page& page, const analysis::SipMessage& m, Time start,
             const std::vector<Finding>& findings, Texts& texts) {
    std::string& out = page.out;
    out += '[';
    for (const std::string& text : {printable(message_title(m)), std::string(message_tone(m)),
                                    where(m, start), printable(about(m))}) {
        put_json_string(out, text);
        out += ',';
    }
    out += '[';
    bool first = true;
    for (const Finding& finding : findings) {
        if (finding.frame != m.frame) continue;
        out += first ? "[" : ",[";
        first = false;
        put_json_string(out, to_string(finding.severity));
        out += ',';
        put_json_string(out, printable(finding.text));
        out += ',';
        put_json_string(out, finding.clause);
        out += ']';
    }
    out += "],[";
    const std::string text = masked(m.text);
    first = true;
    for (const ExplainedLine& line : explain_message(text)) {
        if (!first) out += ',';
        first = false;
        // The glossary entry, the line, its meaning; a body line counts its entry from -2
        // downwards.
        const int entry = page.gloss(line.topic);
        // One after the other: the order of arguments is the compiler's.
        const std::size_t raw = texts.number_of(shown(line.raw));
        const std::size_t meaning = texts.number_of(printable(line.meaning));
        page.put("{},{},{}", line.body ? -2 - (entry + 1) : entry, raw, meaning);
    }
    out += "]]";
}

}  // namespace

void put_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || c == '<' || c == '>' || c == '&' || c == '\'') {
            append(out, "\\u{:04x}", byte);
        } else if (text.substr(i, 3) == "\xe2\x80\xa8" || text.substr(i, 3) == "\xe2\x80\xa9") {
            out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            out += c;
        }
    }
    out += '"';
}

void put_messages(Page& page, std::uint64_t call_number,
                  const std::vector<analysis::SipMessage>& messages, Time start,
                  const std::vector<Finding>& findings) {
    page.put("<script type=\"application/json\" id=\"messages-{}\">", call_number);
    put_messages_json(page, messages, start, findings);
    page.out += "</script>\n";
}

void put_messages_json(Page& page, const std::vector<analysis::SipMessage>& messages, Time start,
                       const std::vector<Finding>& findings) {
    Texts texts;
    texts.number_of({});
    page.out += "{\"messages\":[";
    const std::size_t count = std::min(messages.size(), most_messages_shown);
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) page.out += ',';
        put_one(page, messages[i], start, findings, texts);
    }
    page.out += "],\"texts\":[";
    bool first = true;
    for (const std::string* text : texts.list()) {
        if (!first) page.out += ',';
        first = false;
        put_json_string(page.out, *text);
    }
    page.out += "]}";
}

void put_glossary(Page& page) {
    page.out += "<script type=\"application/json\" id=\"glossary\">";
    put_glossary_json(page);
    page.out += "</script>\n";
}

void put_glossary_json(Page& page) {
    page.out += "[";
    bool first = true;
    for (const Topic& topic : page.glossary()) {
        page.out += first ? "[" : ",\n[";
        first = false;
        put_json_string(page.out, topic.name);
        page.out += ',';
        put_json_string(page.out, topic.what);
        page.out += ',';
        put_json_string(page.out, topic.clause);
        page.out += ']';
    }
    page.out += "]";
}

}  // namespace sipana::render
