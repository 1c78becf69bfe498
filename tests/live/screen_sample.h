// A screen without a terminal over the renderers' sample calls: keys go in, pages come out as text.
#pragma once

#include <initializer_list>
#include <string>

#include "libsipana/base/text.h"
#include "libsipana/live/screen_stack.h"
#include "tests/render/sample.h"

namespace sipana::live {

struct ScreenSample {
    Board board;
    Errands errands{false};  // everything at once: no test waits
    Sight sight{board, errands, {}, {}, {}, Time{}, {}, false};
    std::unique_ptr<ViewStack> stack;

    explicit ScreenSample(bool with_calls = true) {
        if (with_calls)
            for (analysis::Call& call : sample::report().calls) over(std::move(call));
        stack = std::make_unique<ViewStack>(sight);
    }
    void over(analysis::Call&& call) {
        call.number = ++numbers;
        board.on_over(std::move(call));
    }
    // Its pages are drawn as live mode draws them: the board is looked at, then the page is made.
    std::string page(std::size_t width = 80, std::size_t height = 24, bool unicode = true) {
        sight.now += std::chrono::seconds{1};
        stack->refresh();
        stack->refresh();  // what was asked for is there by now
        Canvas canvas(width, height, unicode);
        stack->draw(canvas);
        return canvas.text();
    }
    bool press(std::initializer_list<Key> keys) {
        bool goes_on = true;
        for (const Key& key : keys) {
            page();
            goes_on = stack->on_key(key);
        }
        return goes_on;
    }
    bool press(Key::Name name) { return press({Key::of(name)}); }
    bool press(char c) { return press({Key::of(c)}); }
    bool type(std::string_view text) {
        bool goes_on = true;
        for (const char c : text) goes_on = press(c);
        return goes_on;
    }
    std::uint64_t numbers = 0;
};

inline bool has(const std::string& page, std::string_view text) {
    return page.find(text) != page.npos;
}
inline std::string line_of(const std::string& page, std::size_t n) {
    std::size_t at = 0;
    for (; n > 0; --n) at = page.find('\n', at) + 1;
    return page.substr(at, page.find('\n', at) - at);
}
// The line that holds `text`; empty: none.
inline std::string line_with(const std::string& page, std::string_view text) {
    const auto at = page.find(text);
    if (at == page.npos) return {};
    const auto begin = page.rfind('\n', at) + 1;
    return page.substr(begin, page.find('\n', at) - begin);
}

}  // namespace sipana::live
