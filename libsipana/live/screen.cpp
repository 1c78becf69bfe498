#include "libsipana/live/screen.h"

#include <langinfo.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <cstdlib>
#include <cstring>

#include "libsipana/live/screen_stack.h"
#include "libsipana/live/screen_terminal.h"

namespace sipana::live {
namespace {

constexpr int turn_ms =
    50;  // how long a key is waited for, and so how often the board is looked at
constexpr int asked_turn_ms = 5;  // the same while an answer is due
constexpr Duration redraw_after =
    std::chrono::milliseconds{250};  // durations run though nothing happens

Time steady_now() {
    return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

class Screen::Terminal : public CursesTerminal {
public:
    using CursesTerminal::CursesTerminal;
};

Screen::Screen(ScreenSettings settings, std::unique_ptr<Terminal> terminal)
    : settings_(std::move(settings)), terminal_(std::move(terminal)) {}

Screen::~Screen() = default;

Result<std::unique_ptr<Screen>> Screen::open(ScreenSettings settings) {
    if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
        return Error{Errc::denied, 0, "standard input and output are no terminal"};
    std::setlocale(LC_CTYPE, "");
    if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) settings.ascii = true;
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != 0) settings.color = false;
    auto terminal = std::make_unique<Terminal>(settings.color, settings.mouse);
    if (const Status status = terminal->open(); !status) return status.error();
    return std::unique_ptr<Screen>(new Screen(std::move(settings), std::move(terminal)));
}

void Screen::run(Board& board) {
    {
        Errands errands(true);
        Sight sight{board, errands, settings_.save, {}, {}, steady_now(), {}, false};
        ViewStack stack(sight);
        Time drawn = no_time;
        std::uint64_t version = 0;
        bool changed = true;
        while (!board.stopped()) {
            sight.now = steady_now();
            changed |= stack.refresh();
            const std::uint64_t now = board.version();
            changed |= now != version;
            version = now;
            if (changed || drawn == no_time || sight.now - drawn >= redraw_after || stack.busy()) {
                const auto [width, height] = terminal_->size();
                Canvas canvas(width, height, !settings_.ascii);
                stack.draw(canvas);
                terminal_->paint(canvas);
                drawn = sight.now;
                changed = false;
            }
            const int wait_ms = stack.busy() ? 0 : errands.outstanding() ? asked_turn_ms : turn_ms;
            // Keys that wait already are all taken before the next page is drawn, but not without
            // end.
            bool quits = false;
            for (int i = 0; i < 100 && !quits; ++i) {
                const auto key = terminal_->key(i > 0 ? 0 : wait_ms, steady_now());
                if (!key) break;
                changed = true;
                if (key->is(Key::Name::redraw)) terminal_->redraw();
                sight.now = steady_now();
                quits = !key->is(Key::Name::none) && !stack.on_key(*key);
            }
            if (quits) break;
            if (!terminal_->alive()) break;  // the terminal is gone: nobody looks any more
        }
        board.stop();  // whoever waits for an answer is released, so that the errands' thread ends
    }
    terminal_->close();
}

}  // namespace sipana::live
