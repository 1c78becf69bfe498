// A SIPp scenario as its XML says it: elements in order, with the lines that they stand in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/lab/sipp.h"

namespace sipana::lab {

// <send>, <recv>, <pause> ..., and the actions in them.
struct SippElement {
    std::string name;
    std::uint32_t line = 0;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::string text;                  // of the CDATA
    std::vector<SippElement> actions;  // of an element: no deeper

    std::string_view get(std::string_view attribute) const;  // empty: not there
    bool has(std::string_view attribute) const;
    bool is_true(std::string_view attribute) const { return get(attribute) == "true"; }
};

struct SippScenario {
    std::string title;
    std::vector<SippElement> elements;
};

Result<SippScenario> parse_sipp(const SippFile& file);

// A message's text taken apart: SIPp takes the indentation off every line.
struct SippField {
    std::string name, value;  // of a line that is one keyword ("[last_Via:]", "[$1]"): value only
};
struct SippMessage {
    std::string start_line;
    std::vector<SippField> fields;
    std::string body;  // its lines end with CRLF

    const SippField* find(std::string_view name) const;
};
SippMessage take_apart(std::string_view text);

}  // namespace sipana::lab
