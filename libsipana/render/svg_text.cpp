// Escaping for markup, and estimates of text widths.
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

// Advance of an ASCII character in units of the font size, from the wider ones of the common
// sans-serif faces (DejaVu Sans), rounded up.
double advance(char c) {
    if (std::string_view{"ijl.,:;|!'` "}.find(c) != std::string_view::npos) return 0.3;
    if (std::string_view{"ftr()[]{}-/\\\""}.find(c) != std::string_view::npos) return 0.38;
    if (std::string_view{"mwMW@%"}.find(c) != std::string_view::npos) return 0.95;
    if (std::string_view{"<>=+~^#"}.find(c) != std::string_view::npos) return 0.84;
    if (c >= 'A' && c <= 'Z') return 0.72;
    return is_digit(c) ? 0.64 : 0.61;
}

}  // namespace

std::string escaped(std::string_view wire) {
    std::string out;
    const std::string clean = printable(wire);
    out.reserve(clean.size() + clean.size() / 8);
    for (const char c : clean) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string percent_text(double percent) {
    if (percent == 0) return "0%";
    return fmt::format("{:.{}f}%", percent, percent < 1 ? 2 : 1);
}

double text_width(std::string_view text, double font_px) {
    double em = 0;
    std::size_t ascii = 0;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x80) {
            em += advance(c);
            ++ascii;
        }
    }
    const std::size_t all = columns(text);
    if (all > ascii) em += 0.62 * static_cast<double>(all - ascii);
    return em * font_px;
}

std::string shortened(std::string_view text, double font_px, double width) {
    // No character is narrower than 0.3 em: this bounds the loop for very long texts.
    const auto most = static_cast<std::size_t>(width / (0.3 * font_px)) + 1;
    std::string cut = fitted(text, most);
    for (std::size_t n = columns(cut); n > 1 && text_width(cut, font_px) > width; --n)
        cut = fitted(text, n - 1);
    return cut;
}

}  // namespace sipana::render
