// How to print for people: the terminal's width, and colours where there is one that wants them.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "libsipana/base/text.h"
#include "libsipana/render/render.h"

namespace sipana::tools {

// `color`: auto, always or never. `width` 0: the terminal's, else COLUMNS, else 80.
inline render::Style terminal_style(std::string_view color, std::size_t width, bool ascii) {
    render::Style style;
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    if (width != 0) {
        style.width = width;
    } else if (winsize size{}; terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        style.width = size.ws_col;
    } else if (const char* columns = std::getenv("COLUMNS")) {
        style.width = to_number<std::size_t>(columns).value_or(80);
    }
    style.width = std::clamp<std::size_t>(style.width, 40, 400);
    const char* no_color = std::getenv("NO_COLOR");
    style.color = color == "always" ||
                  (color == "auto" && terminal && (no_color == nullptr || *no_color == 0));
    style.unicode = !ascii;
    return style;
}

}  // namespace sipana::tools
