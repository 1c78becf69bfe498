#include "libsipana/lab/asterisk.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

class ConfigParser {
public:
    ConfigParser(std::string_view text, std::string_view name) : rest_(text) { file_.name = name; }

    Result<ConfigFile> parse() {
        if (rest_.size() > max_config_text)
            return Error{Errc::too_large, max_config_text,
                         fmt::format("{}: longer than {} bytes", file_.name, max_config_text)};
        std::uint32_t number = 0;
        while (!rest_.empty()) {
            std::string_view raw = cut(rest_, '\n');
            const std::string line = without_comments(raw);
            ++number;
            if (const auto status = read_line(number, trim(line)); !status) return status.error();
        }
        if (in_comment_) file_.note(number, "a comment that began with ;-- is never closed");
        return std::move(file_);
    }

private:
    // Comments run from ";" to the line's end and from ";--" to "--;", over several lines; "\;" is
    // a semicolon.
    std::string without_comments(std::string_view raw) {
        std::string kept;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            if (in_comment_) {
                if (raw.substr(i, 3) == "--;") {
                    in_comment_ = false;
                    i += 2;
                }
            } else if (raw[i] == '\\' && i + 1 < raw.size() && raw[i + 1] == ';') {
                kept += raw[++i];
            } else if (raw[i] != ';') {
                kept += raw[i];
            } else if (raw.substr(i, 3) == ";--" && raw.substr(i, 4) != ";---") {
                in_comment_ = true;
                i += 2;
            } else {
                break;
            }
        }
        return kept;
    }

    Status read_line(std::uint32_t number, std::string_view line) {
        if (line.empty()) return Done{};
        if (line.front() == '[') return open_section(number, line);
        if (line.front() == '#') {
            file_.note(number,
                       fmt::format("{} is not followed here", printable(line.substr(0, 80))));
            return Done{};
        }
        const auto sign = line.find('=');
        if (sign == line.npos) {
            file_.note(number, fmt::format("no '=' in \"{}\"", printable(line.substr(0, 80))));
            return Done{};
        }
        if (file_.sections.empty()) {
            file_.note(number, "stands before the first [section]");
            return Done{};
        }
        if (++lines_ > max_config_lines) return too_many("lines", max_config_lines);
        std::string_view value = line.substr(sign + 1);
        if (value.starts_with('>')) value.remove_prefix(1);
        file_.sections[current_].lines.push_back(
            {number, std::string(trim(line.substr(0, sign))), std::string(trim(value))});
        return Done{};
    }

    // [name], [name](!), [name](template,template), [name](+)
    Status open_section(std::uint32_t number, std::string_view line) {
        const auto end = line.find(']');
        if (end == line.npos) {
            file_.note(number, "no ']' closes the section's name");
            return Done{};
        }
        if (file_.sections.size() >= max_config_sections)
            return too_many("sections", max_config_sections);
        ConfigSection section;
        section.line = number;
        section.name = trim(line.substr(1, end - 1));
        current_ = file_.sections.size();
        std::string_view options = trim(line.substr(end + 1));
        if (options.starts_with('(')) {
            options = options.substr(1, options.find(')') - 1);
            while (!options.empty())
                if (const auto s = apply(section, trim(cut(options, ','))); !s) return s;
        }
        if (current_ == file_.sections.size()) file_.sections.push_back(std::move(section));
        return Done{};
    }

    Status apply(ConfigSection& section, std::string_view option) {
        if (option == "!") {
            section.is_template = true;
            return Done{};
        }
        if (option == "+") {  // goes on with an earlier one
            for (std::size_t i = 0; i < file_.sections.size(); ++i)
                if (iequals(file_.sections[i].name, section.name)) current_ = i;
            return Done{};
        }
        if (option.empty()) return Done{};
        const ConfigSection* base = file_.section(option);
        if (base == nullptr) {
            file_.note(section.line, fmt::format("no template [{}] above", printable(option)));
            return Done{};
        }
        lines_ += base->lines.size();
        if (lines_ > max_config_lines) return too_many("lines", max_config_lines);
        section.lines.insert(section.lines.end(), base->lines.begin(), base->lines.end());
        return Done{};
    }

    Error too_many(std::string_view what, std::size_t most) const {
        return {Errc::too_large, 0, fmt::format("{}: more than {} {}", file_.name, most, what)};
    }

    std::string_view rest_;
    ConfigFile file_;
    std::size_t current_ = 0;  // section that lines go to
    std::size_t lines_ = 0;
    bool in_comment_ = false;
};

}  // namespace

const ConfigSection* ConfigFile::section(std::string_view wanted) const {
    const auto at = std::find_if(sections.begin(), sections.end(),
                                 [&](const ConfigSection& s) { return iequals(s.name, wanted); });
    return at == sections.end() ? nullptr : &*at;
}

void ConfigFile::note(std::uint32_t line, std::string_view text) {
    if (notes.size() < max_config_notes)
        notes.push_back(fmt::format("{}:{}: {}", name, line, text));
}

Result<ConfigFile> parse_config(std::string_view text, std::string_view name) {
    return ConfigParser(text, name).parse();
}

bool is_true(std::string_view value) {
    for (std::string_view yes : {"yes", "true", "y", "t", "1", "on"})
        if (iequals(value, yes)) return true;
    return false;
}

std::vector<std::string> arguments_of(std::string_view text, char separator) {
    std::vector<std::string> found;
    if (trim(text).empty()) return found;
    std::string argument;
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size()) {
            argument += text[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && depth == 0 && c == separator && found.size() + 1 < max_arguments) {
            found.emplace_back(trim(argument));
            argument.clear();
        } else {
            if (c == '(' || c == '[' || c == '{') ++depth;
            if ((c == ')' || c == ']' || c == '}') && depth > 0) --depth;
            argument += c;
        }
    }
    found.emplace_back(trim(argument));
    return found;
}

}  // namespace sipana::lab
