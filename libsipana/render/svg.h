// SVG drawings of the ladder (render/ladder.h), stand-alone and for the report page.
#pragma once

#include <string>
#include <string_view>

namespace sipana::render {

struct Ladder;

struct SvgStyle {
    // With its own style sheet, title and XML namespace; otherwise a figure for the page, whose
    // arrows can be focused and carry data-message for the script.
    bool standalone = true;
    std::string id;  // prefix of the ids within, so that several figures can share a page
};
std::string svg_of(const Ladder& ladder, const SvgStyle& style);

// Text and attribute values, safe in HTML and XML: < > & " ' escaped, controls and format characters
// shown as printable() shows them, bytes that are not UTF-8 likewise.
std::string escaped(std::string_view wire);

}  // namespace sipana::render
