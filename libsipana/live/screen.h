// Screen: live mode in a terminal (ncurses): what sngrep's users know, and more. docs/live.md has
// the keys.
//
// open() reads terminfo and the locale: before the sandbox. run() is the body of a thread that
// reads keys, looks at the Board and draws. The terminal is given back when run() ends, when the
// Screen goes, and on signals that end the process. One Screen a process at a time.
#pragma once

#include <memory>

#include "libsipana/live/screen_view.h"

namespace sipana::live {

struct ScreenSettings {
    bool color = true;   // where the terminal has any, and NO_COLOR is not set
    bool ascii = false;  // otherwise UTF-8 where the locale says so
    bool mouse = true;
    SaveCalls save;  // called in a thread of the screen's own; none: nothing can be saved
};

class Screen {
public:
    // denied: standard input and output are no terminal; unsupported: nobody knows how to draw on
    // it.
    static Result<std::unique_ptr<Screen>> open(ScreenSettings settings);
    ~Screen();

    // Until the user quits (then board.stop() is called) or somebody else has stopped the board.
    void run(Board& board);

private:
    class Terminal;
    Screen(ScreenSettings settings, std::unique_ptr<Terminal> terminal);

    ScreenSettings settings_;
    std::unique_ptr<Terminal> terminal_;
};

}  // namespace sipana::live
