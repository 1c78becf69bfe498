// SVG drawings of the ladder (render/ladder.h), stand-alone and for the report page; and what every
// drawing needs: text escaped for markup and the room that a text takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sipana::render {

struct Ladder;

// The whole figure in one SVG with its own style sheet, light and dark by prefers-color-scheme.
std::string standalone_svg(const Ladder& ladder);

// The same for a page that has figure_style() and no script: without style sheet and title.
std::string embedded_svg(const Ladder& ladder);

// For the page: the participants and the rows as two SVGs of equal width, so that the first can
// stay in sight while the second scrolls. Arrows are buttons for the script: data-message="7.3"
// names message 3 of call number 7 (analysis::Call::number), data-stream="7.0" stream 0 of it.
std::string page_figure(const Ladder& ladder);

// Text and attribute values, safe in HTML and XML: < > & " ' escaped, controls, format characters
// and bytes that are not UTF-8 shown as printable() shows them.
std::string escaped(std::string_view wire);

std::string percent_text(double percent);  // "0%", "0.81%", "12.3%"

// About how wide printable text is drawn in the sans-serif fonts of the page, in pixels. Fonts
// differ, so this errs to the wide side.
double text_width(std::string_view printable_text, double font_px);
// Cut with an ellipsis to that width; the same text where it fits.
std::string shortened(std::string_view printable_text, double font_px, double width);

}  // namespace sipana::render
