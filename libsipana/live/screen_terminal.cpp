#define NCURSES_WIDECHAR 1
#include "libsipana/live/screen_terminal.h"

#include <curses.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <string>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

// ---- what a signal handler needs, prepared beforehand
constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t most_bytes = 256;
char restore_bytes[most_bytes];
std::size_t restore_size = 0;
termios restore_termios;
volatile std::sig_atomic_t restore_wanted = 0;

void give_back() {
    if (restore_wanted == 0) return;
    restore_wanted = 0;
    [[maybe_unused]] const auto written = write(STDOUT_FILENO, restore_bytes, restore_size);
    tcsetattr(STDIN_FILENO, TCSANOW, &restore_termios);
}

extern "C" void on_fatal_signal(int number) {
    give_back();
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void remember(const char* sequence) {
    if (sequence == nullptr || sequence == reinterpret_cast<const char*>(-1)) return;
    const std::size_t n = std::strlen(sequence);
    if (restore_size + n > most_bytes) return;
    std::memcpy(restore_bytes + restore_size, sequence, n);
    restore_size += n;
}

char* capability(const char* name) { return tigetstr(const_cast<char*>(name)); }

void prepare_restore() {
    restore_size = 0;
    remember("\x1b[?1000l\x1b[?1006l");  // no mouse
    remember(capability("sgr0"));
    remember(capability("cnorm"));
    remember(capability("rmkx"));
    remember(capability("rmcup"));
    remember("\r\n");
    restore_wanted = 1;
    for (const int number : fatal_signals) {
        struct sigaction now {};
        // Whoever has a use for it already (a sanitizer) keeps it.
        if (sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
            struct sigaction wanted {};
            wanted.sa_handler = on_fatal_signal;
            sigemptyset(&wanted.sa_mask);
            wanted.sa_flags = static_cast<int>(SA_RESETHAND);
            sigaction(number, &wanted, nullptr);
        }
    }
}

constexpr std::size_t paints = 9;
// In 256 colours: tones that can be read on black and on white, and told apart by who confuses red
// and green. plain faint bold red green yellow blue magenta cyan
constexpr std::array<int, paints> tones{-1, 244, -1, 167, 35, 172, 37, 134, 32};
constexpr std::array<int, paints> plain_tones{
    -1, -1, -1, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_BLUE, COLOR_MAGENTA, COLOR_CYAN};

// What the terminal would not draw as wide as we think is drawn as something else.
bool is_as_wide(std::string_view glyph, std::size_t wide) {
    wchar_t c = 0;
    std::mbstate_t state{};
    const std::size_t n = std::mbrtowc(&c, glyph.data(), glyph.size(), &state);
    if (n == 0 || n > glyph.size()) return false;
    return wcwidth(c) == static_cast<int>(wide);
}

std::optional<Key::Name> name_of(int code) {
    using enum Key::Name;
    if (code >= KEY_F(1) && code <= KEY_F(12))
        return static_cast<Key::Name>(static_cast<int>(f1) + code - KEY_F(1));
    switch (code) {
        case KEY_UP:
            return up;
        case KEY_DOWN:
            return down;
        case KEY_LEFT:
            return left;
        case KEY_RIGHT:
            return right;
        case KEY_PPAGE:
            return page_up;
        case KEY_NPAGE:
            return page_down;
        case KEY_HOME:
            return home;
        case KEY_END:
            return end;
        case KEY_ENTER:
            return enter;
        case KEY_BACKSPACE:
            return backspace;
        case KEY_DC:
            return Key::Name::erase;
        case KEY_BTAB:
            return back_tab;
        case KEY_RESIZE:
            return none;
        default:
            return std::nullopt;
    }
}

std::optional<Key> control_key(wint_t c) {
    using enum Key::Name;
    switch (c) {
        case '\r':
        case '\n':
            return Key::of(enter);
        case '\t':
            return Key::of(Key::Name::tab);
        case 0x1b:
            return Key::of(escape);
        case 0x7f:
        case 0x08:
            return Key::of(backspace);
        case 0x0c:
            return Key::of(Key::Name::redraw);  // ^L
        case 0x01:
            return Key::of(home);  // ^A
        case 0x05:
            return Key::of(end);  // ^E
        case 0x02:
            return Key::of(page_up);  // ^B
        case 0x06:
            return Key::of(page_down);  // ^F
        default:
            return std::nullopt;
    }
}

}  // namespace

Status CursesTerminal::open() {
    if (tcgetattr(STDIN_FILENO, &restore_termios) != 0)
        return Error{Errc::denied, 0, "standard input is no terminal"};
    const char* term = std::getenv("TERM");
    set_escdelay(50);
    SCREEN* screen = newterm(nullptr, stdout, stdin);
    if (screen == nullptr)
        return Error{
            Errc::unsupported, 0,
            std::string("unknown kind of terminal: TERM=") + (term == nullptr ? "" : term)};
    screen_ = screen;
    open_ = true;
    set_term(screen);
    prepare_restore();
    if (const char* move = capability("cup");
        move == nullptr || move == reinterpret_cast<const char*>(-1)) {
        close();
        return Error{
            Errc::unsupported, 0,
            std::string("the cursor cannot be moved: TERM=") + (term == nullptr ? "" : term)};
    }
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    curs_set(0);
    if (mouse_) {
        mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
                      BUTTON5_PRESSED,
                  nullptr);
        mouseinterval(0);
    }
    choose_colors();
    return Done{};
}

void CursesTerminal::choose_colors() {
    if (!color_ || !::has_colors() || start_color() == ERR) return;
    has_colors_ = true;
    colors_ = COLORS;
    const bool own_ground = use_default_colors() == OK;
    for (std::size_t i = 0; i < paints; ++i) {
        const int tone = colors_ >= 256 ? tones[i] : plain_tones[i];
        const int fore = tone < 0 && !own_ground ? COLOR_WHITE : tone;
        init_pair(static_cast<short>(i + 1), static_cast<short>(fore),
                  static_cast<short>(own_ground ? -1 : COLOR_BLACK));
    }
}

void CursesTerminal::close() {
    if (!open_) return;
    open_ = false;
    restore_wanted = 0;
    endwin();
    delscreen(static_cast<SCREEN*>(screen_));
    screen_ = nullptr;
    for (const int number : fatal_signals) {
        struct sigaction now {};
        if (sigaction(number, nullptr, &now) == 0 && now.sa_handler == on_fatal_signal)
            std::signal(number, SIG_DFL);
    }
}

std::pair<std::size_t, std::size_t> CursesTerminal::size() const {
    return {static_cast<std::size_t>(std::max(getmaxx(stdscr), 1)),
            static_cast<std::size_t>(std::max(getmaxy(stdscr), 1))};
}

std::optional<Key> CursesTerminal::mouse_key(Time now) {
    MEVENT event;
    if (getmouse(&event) != OK || event.x < 0 || event.y < 0) return Key{};
    Key key;
    key.x = static_cast<std::size_t>(event.x);
    key.y = static_cast<std::size_t>(event.y);
    if ((event.bstate & BUTTON4_PRESSED) != 0) {
        key.name = Key::Name::wheel_up;
    } else if ((event.bstate & BUTTON5_PRESSED) != 0) {
        key.name = Key::Name::wheel_down;
    } else if ((event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED)) != 0) {
        constexpr Duration twice = std::chrono::milliseconds{400};
        const bool again = clicked_at_ != no_time && now - clicked_at_ < twice &&
                           key.x == clicked_x_ && key.y == clicked_y_;
        key.name = again || (event.bstate & BUTTON1_DOUBLE_CLICKED) != 0 ? Key::Name::double_click
                                                                         : Key::Name::click;
        clicked_at_ = again ? no_time : now;
        clicked_x_ = key.x;
        clicked_y_ = key.y;
    }
    return key;
}

// A sequence that terminfo does not know (a mouse report, a key of another terminal) is no Escape,
// which would close what the user looks at. True: there was one, and it is read.
bool CursesTerminal::skip_sequence() {
    wtimeout(stdscr, 0);
    wint_t c = 0;
    const int kind = wget_wch(stdscr, &c);
    if (kind == ERR) return false;
    if (kind != OK || (c != '[' && c != 'O')) {
        read_ahead_ = {kind, c};
        return false;
    }
    for (int i = 0; i < 32 && wget_wch(stdscr, &c) == OK; ++i)
        if (c >= 0x40 && c <= 0x7e) break;
    return true;
}

std::optional<Key> CursesTerminal::key(int wait_ms, Time now) {
    wint_t c = 0;
    int kind = OK;
    if (read_ahead_) {
        kind = read_ahead_->first;
        c = read_ahead_->second;
        read_ahead_.reset();
    } else {
        wtimeout(stdscr, wait_ms);
        kind = wget_wch(stdscr, &c);
    }
    if (kind == ERR) {
        // Nothing came; or the terminal has hung up, which poll() can tell.
        pollfd input{STDIN_FILENO, POLLIN, 0};
        if (poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 &&
            ++failures_ > 3)
            alive_ = false;
        return std::nullopt;
    }
    failures_ = 0;
    if (kind == KEY_CODE_YES) {
        if (c == KEY_MOUSE) return mouse_key(now);
        const auto name = name_of(static_cast<int>(c));
        return name ? Key::of(*name) : Key{};
    }
    if (c == 0x1b && skip_sequence()) return Key{};
    if (const auto control = control_key(c)) return control;
    if (c < 0x20) return Key{};
    char bytes[MB_LEN_MAX];
    std::mbstate_t state{};
    const std::size_t n = std::wcrtomb(bytes, static_cast<wchar_t>(c), &state);
    if (n == static_cast<std::size_t>(-1)) return Key{};
    return Key{Key::Name::character, std::string(bytes, n)};
}

void CursesTerminal::redraw() { clearok(stdscr, TRUE); }

unsigned CursesTerminal::attributes_of(const Look& look) const {
    chtype out = A_NORMAL;
    if (has_colors_) out |= static_cast<chtype>(COLOR_PAIR(static_cast<int>(look.paint) + 1));
    if (look.bold || look.paint == render::Paint::bold) out |= A_BOLD;
    if (look.reverse) out |= A_REVERSE;
    if (look.underline) out |= A_UNDERLINE;
    if (look.paint == render::Paint::faint && (!has_colors_ || colors_ < 256)) out |= A_DIM;
    if (!has_colors_ && look.paint == render::Paint::red) out |= A_BOLD;
    // The blue of eight colours cannot be read on black.
    if (has_colors_ && colors_ < 256 && look.paint == render::Paint::blue) out |= A_BOLD;
    return out;
}

// In runs of one look; what may be as wide as the terminal pleases stands in a run of its own.
void CursesTerminal::paint_row(const Canvas& canvas, std::size_t y) {
    const auto& cells = canvas.row(y);
    std::string run;
    std::size_t begun = 0;
    Look look;
    const auto flush = [&] {
        if (run.empty()) return;
        wattrset(stdscr, static_cast<int>(attributes_of(look)));
        mvwaddnstr(stdscr, static_cast<int>(y), static_cast<int>(begun), run.data(),
                   static_cast<int>(run.size()));
        run.clear();
    };
    for (std::size_t x = 0; x < cells.size(); ++x) {
        const auto& cell = cells[x];
        if (cell.glyph.empty()) continue;
        const std::size_t wide = x + 1 < cells.size() && cells[x + 1].glyph.empty() ? 2 : 1;
        const auto first = static_cast<unsigned char>(cell.glyph[0]);
        const bool alone = first >= 0xe3 || cell.glyph.size() > 4 ||
                           (first >= 0x80 && sipana::columns(cell.glyph) != 1) ||
                           (first < 0x80 && cell.glyph.size() > 1);
        if (run.empty() || !(cell.look == look) || alone) {
            flush();
            begun = x;
            look = cell.look;
        }
        if (first >= 0x80 && !is_as_wide(cell.glyph, wide))
            run += wide == 2 ? "? " : "?";
        else
            run += cell.glyph;
        if (alone) flush();
    }
    flush();
}

void CursesTerminal::paint(const Canvas& canvas) {
    werase(stdscr);
    for (std::size_t y = 0; y < canvas.height(); ++y) paint_row(canvas, y);
    wattrset(stdscr, A_NORMAL);
    wrefresh(stdscr);
}

}  // namespace sipana::live
