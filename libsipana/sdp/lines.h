// Lines of an SDP text (RFC 8866 5, 9): "<type>=<value>", ended by CRLF; LF and lone CR are taken
// too.
//
// A Line views the text. LineReader is the one place that says where a line ends and what its type
// is; session and media_address both read through it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "libsipana/base/text.h"

namespace sipana::sdp {

enum class LineEnd : std::uint8_t { crlf, lf, cr, none };

struct Line {
    std::string_view value;    // what follows "x=", without the line end; all of it where type is 0
    std::uint32_t offset = 0;  // of the line's first byte in the text
    char type = 0;             // 0: not of the form "x=..."
    LineEnd end = LineEnd::crlf;
    bool spaced = false;  // white space before the type or around the "="
};

// The value of an a= line of that name (any case), as a pointer into the line: the value runs to
// the line's end. nullptr: another attribute. A blank ends a name as well as a colon does.
inline const char* attribute_value(const Line& line, std::string_view name) {
    const std::string_view v = line.value;
    if (line.type != 'a' || v.size() < name.size() || to_lower(v[0]) != to_lower(name[0]))
        return nullptr;
    if (v.size() > name.size() && v[name.size()] != ':' && !is_blank(v[name.size()]))
        return nullptr;
    if (!iequals(v.substr(0, name.size()), name)) return nullptr;
    return v.data() + name.size() + (v.size() > name.size());
}

class LineReader {
public:
    explicit LineReader(std::string_view text)
        : text_(text), separator_(text.find('\n') == text.npos ? '\r' : '\n') {}

    // The next line that is not blank; false at the text's end.
    bool next(Line& line) {
        while (pos_ < text_.size()) {
            const std::size_t begin = pos_;
            const auto* at = static_cast<const char*>(
                std::memchr(text_.data() + begin, separator_, text_.size() - begin));
            std::size_t end = text_.size();
            line.end = LineEnd::none;
            pos_ = end;
            if (at != nullptr) {
                end = static_cast<std::size_t>(at - text_.data());
                pos_ = end + 1;
                line.end = separator_ == '\r' ? LineEnd::cr : LineEnd::lf;
            }
            if (end > begin && text_[end - 1] == '\r') {
                if (line.end == LineEnd::lf) line.end = LineEnd::crlf;
                while (end > begin && text_[end - 1] == '\r') --end;
            }
            line.offset = static_cast<std::uint32_t>(begin);
            if (typed(text_.substr(begin, end - begin), line)) return true;
        }
        return false;
    }

private:
    static bool typed(std::string_view s, Line& line) {
        line.spaced = false;
        if (s.size() >= 2 && s[1] == '=' && is_alpha(s[0]) && (s.size() == 2 || !is_blank(s[2]))) {
            line.type = s[0];
            line.value = s.substr(2);
            return true;
        }
        return typed_with_blanks(s, line);
    }
    static bool typed_with_blanks(std::string_view s, Line& line);  // false: nothing but blanks

    std::string_view text_;
    std::size_t pos_ = 0;
    char separator_;
};

}  // namespace sipana::sdp
