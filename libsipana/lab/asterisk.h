// Asterisk's configuration files: sections, templates and lines ("res_config" text form).
//
// The syntax alone; what the lines of sip.conf and extensions.conf mean is lab/sip_conf's and
// lab/dialplan's matter. Texts are copied. What is not understood is kept out and noted with
// file:line, as Asterisk would log it; only what exceeds a cap is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/result.h"

namespace sipana::lab {

inline constexpr std::size_t max_config_text = 1u << 20;
inline constexpr std::size_t max_config_lines = 20'000;  // with what templates repeat
inline constexpr std::size_t max_config_sections = 4096;
inline constexpr std::size_t max_config_notes = 1000;  // later ones are dropped

struct ConfigLine {
    std::uint32_t line = 0;  // from 1
    std::string key, value;
};

struct ConfigSection {
    std::uint32_t line = 0;
    std::string name;
    bool is_template = false;       // [name](!)
    std::vector<ConfigLine> lines;  // those of its templates first
};

struct ConfigFile {
    std::string name;                     // "sip.conf"
    std::vector<ConfigSection> sections;  // in order; one name may come several times
    std::vector<std::string> notes;       // "sip.conf:12: ..."

    // The first of that name, any case.
    const ConfigSection* section(std::string_view wanted) const;
    void note(std::uint32_t line, std::string_view text);
};

Result<ConfigFile> parse_config(std::string_view text, std::string_view name);

// "yes", "true", "y", "t", "1", "on" in any case.
bool is_true(std::string_view value);
// The comma-separated arguments of an application: commas in quotes, parentheses, brackets and
// braces do not count; quotes and the backslash before a comma are taken off. At most
// max_arguments.
inline constexpr std::size_t max_arguments = 64;
std::vector<std::string> arguments_of(std::string_view text, char separator = ',');

}  // namespace sipana::lab
