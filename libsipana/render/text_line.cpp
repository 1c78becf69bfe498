#include "libsipana/render/text_line.h"

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::render {
namespace {

constexpr std::string_view ellipsis = "\xe2\x80\xa6";

// The bytes of the character that valid UTF-8 begins with.
std::size_t character_size(std::string_view text) {
    std::size_t n = 1;
    while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) ++n;
    return n;
}

// Where the longest piece of `text` that fits into `width` columns ends.
std::size_t piece_end(std::string_view text, std::size_t width) {
    std::size_t end = 0, used = 0;
    while (end < text.size()) {
        const std::size_t n = character_size(text.substr(end));
        used += columns(text.substr(end, n));
        if (used > width) break;
        end += n;
    }
    return end == 0 ? std::min(text.size(), character_size(text)) : end;
}

}  // namespace

std::string_view escape_sequence(Paint paint) {
    switch (paint) {
        case Paint::plain:
            return "";
        case Paint::faint:
            return "\x1b[2m";
        case Paint::bold:
            return "\x1b[1m";
        case Paint::red:
            return "\x1b[31m";
        case Paint::green:
            return "\x1b[32m";
        case Paint::yellow:
            return "\x1b[33m";
        case Paint::blue:
            return "\x1b[34m";
        case Paint::magenta:
            return "\x1b[35m";
        case Paint::cyan:
            return "\x1b[36m";
    }
    return "";
}

Paint paint_of(Tone tone) {
    switch (tone) {
        case Tone::request:
            return Paint::cyan;
        case Tone::provisional:
            return Paint::plain;
        case Tone::success:
            return Paint::green;
        case Tone::redirect:
            return Paint::magenta;
        case Tone::challenge:
            return Paint::yellow;
        case Tone::failure:
            return Paint::red;
    }
    return Paint::plain;
}

Paint paint_of(Severity severity) {
    return severity == Severity::error     ? Paint::red
           : severity == Severity::warning ? Paint::yellow
                                           : Paint::plain;
}

Paint paint_of(analysis::CallState state) {
    using enum analysis::CallState;
    switch (state) {
        case answered:
        case completed:
        case registered:
        case active:
        case done:
            return Paint::green;
        case failed:
        case unanswered:
        case challenged:
            return Paint::red;
        case busy:
        case declined:
        case cancelled:
        case redirected:
            return Paint::yellow;
        case trying:
        case ringing:
        case unregistered:
        case terminated:
            return Paint::plain;
    }
    return Paint::plain;
}

std::string shown(std::string_view wire, const Style& style) {
    std::string out = printable(wire);
    if (style.unicode) return out;
    std::string ascii;
    for (std::size_t i = 0; i < out.size();) {
        const std::size_t n = character_size(std::string_view(out).substr(i));
        if (n == 1)
            ascii += out[i];
        else
            ascii += '?';
        i += n;
    }
    return ascii;
}

std::string cut_to(std::string_view shown_text, std::size_t width, const Style& style) {
    std::string out = fitted(shown_text, width);
    if (!style.unicode && out.size() >= ellipsis.size() && out.ends_with(ellipsis)) {
        out.resize(out.size() - ellipsis.size());
        out += '~';
    }
    return out;
}

std::vector<std::string> wrapped(std::string_view shown_text, std::size_t width,
                                 std::size_t max_lines, const Style& style) {
    std::vector<std::string> lines;
    while (!shown_text.empty()) {
        if (lines.size() + 1 >= max_lines || columns(shown_text) <= width) {
            lines.push_back(cut_to(shown_text, width, style));
            break;
        }
        const std::size_t hard = piece_end(shown_text, width);
        const auto breaks_after = [&](std::string_view any_of) {
            for (std::size_t i = hard; i > hard / 2; --i)  // look back half a line at most
                if (any_of.find(shown_text[i - 1]) != any_of.npos) return i;
            return std::size_t{0};
        };
        std::size_t end = shown_text[hard] == ' ' ? hard : breaks_after(" ");
        if (end == 0) end = breaks_after(":./,-@;");
        if (end == 0) end = hard;
        std::string_view piece = shown_text.substr(0, end);
        shown_text.remove_prefix(end);
        while (piece.ends_with(' ')) piece.remove_suffix(1);
        while (shown_text.starts_with(' ')) shown_text.remove_prefix(1);
        lines.emplace_back(piece);
    }
    return lines;
}

std::string painted(std::string_view text, Paint paint, const Style& style) {
    if (!style.color || paint == Paint::plain || text.empty()) return std::string(text);
    return std::string(escape_sequence(paint)).append(text).append("\x1b[0m");
}

std::size_t usable_width(const Style& style) {
    return std::clamp<std::size_t>(style.width, 40, 400);
}

void Line::put(std::size_t at, std::string_view shown_text, Paint paint) {
    while (!shown_text.empty()) {
        const std::size_t n = character_size(shown_text);
        const std::string_view glyph = shown_text.substr(0, n);
        shown_text.remove_prefix(n);
        const std::size_t width = columns(glyph);
        if (width == 0) {  // a combining mark joins what stands before it
            std::size_t before = at;
            while (before > 0 && before <= cells_.size() && cells_[before - 1].glyph.empty())
                --before;  // the right half of a wide character
            if (before > 0 && before <= cells_.size()) cells_[before - 1].glyph += glyph;
            continue;
        }
        if (at + width > cells_.size()) return;
        // Half of a wide character that is drawn over leaves a blank.
        if (cells_[at].glyph.empty() && at > 0) cells_[at - 1].glyph = " ";
        if (at + width < cells_.size() && cells_[at + width].glyph.empty())
            cells_[at + width].glyph = " ";
        cells_[at] = {std::string(glyph), paint};
        if (width == 2) cells_[at + 1] = {"", paint};
        at += width;
    }
}

void Line::put_before(std::size_t end, std::string_view shown_text, Paint paint) {
    const std::size_t width = columns(shown_text);
    put(end > width ? end - width : 0, shown_text, paint);
}

void Line::append_to(std::string& out, const Style& style) const {
    std::size_t end = cells_.size();
    while (end > 0 && cells_[end - 1].glyph == " ") --end;
    Paint now = Paint::plain;
    for (std::size_t i = 0; i < end; ++i) {
        // A blank looks the same in every paint.
        const Paint paint = cells_[i].glyph == " " ? now : cells_[i].paint;
        if (style.color && paint != now) {
            if (now != Paint::plain) out += "\x1b[0m";
            out += escape_sequence(paint);
            now = paint;
        }
        out += cells_[i].glyph;
    }
    if (style.color && now != Paint::plain) out += "\x1b[0m";
    out += '\n';
}

}  // namespace sipana::render
