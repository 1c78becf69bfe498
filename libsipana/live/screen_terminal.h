// CursesTerminal: keys and cells of the real terminal. The one place that knows ncurses.
//
// It is given back by close(), by the destructor, and where a signal ends the process.
#pragma once

#include <optional>
#include <utility>

#include "libsipana/live/screen_canvas.h"
#include "libsipana/live/screen_key.h"

namespace sipana::live {

class CursesTerminal {
public:
    CursesTerminal(bool color, bool mouse) : color_(color), mouse_(mouse) {}
    ~CursesTerminal() { close(); }
    CursesTerminal(const CursesTerminal&) = delete;
    CursesTerminal& operator=(const CursesTerminal&) = delete;

    Status open();
    void close();
    bool alive() const { return alive_; }
    std::pair<std::size_t, std::size_t> size() const;  // columns, rows
    // The next key, waited for so long; a Key of no name for what only asks to draw again (a new
    // size).
    std::optional<Key> key(int wait_ms, Time now);
    void paint(const Canvas& canvas);
    void redraw();  // from scratch

private:
    void choose_colors();
    void paint_row(const Canvas& canvas, std::size_t y);
    unsigned attributes_of(const Look& look) const;
    std::optional<Key> mouse_key(Time now);
    bool skip_sequence();

    bool color_, mouse_, open_ = false, alive_ = true, has_colors_ = false;
    int colors_ = 0, failures_ = 0;
    void* screen_ = nullptr;  // SCREEN
    std::optional<std::pair<int, unsigned>>
        read_ahead_;  // what curses said, and the character or key
    Time clicked_at_ = no_time;
    std::size_t clicked_x_ = 0, clicked_y_ = 0;
};

}  // namespace sipana::live
