// View: one page of the terminal screen, without a terminal: keys go in, cells come out. Views lie
// on a stack (ViewStack); Sight is what all of them share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libsipana/live/board.h"
#include "libsipana/live/screen_canvas.h"
#include "libsipana/live/screen_errands.h"
#include "libsipana/live/screen_key.h"

namespace sipana::live {

// Writes the calls with these numbers into a file, "pcapng", "html", "json" or "txt"; returns its
// name.
using SaveCalls =
    std::function<Result<std::string>(std::vector<std::uint64_t> numbers, std::string_view format)>;

// What the user chose on the way; F8 shows it.
struct Preferences {
    bool beside = true;              // the message beside the ladder, where there is room
    bool explained = false;          // with what each line means
    bool diff = false;               // against the message before it in the same direction
    bool legs = true;                // a call's ladder shows its legs
    bool media = true;               // streams in the ladder
    bool times = true;               // time of day; otherwise seconds since the first call
    std::size_t message_share = 45;  // of the width, in percent
};

struct Sight {
    Board& board;
    Errands& errands;
    SaveCalls save;
    Preferences preferences;
    Totals totals;     // as of this moment
    Time now{};        // a clock that only goes on, for pauses between questions
    std::string word;  // what happened, told above the key bar until the next key
    bool word_is_warning = false;

    void tell(std::string text, bool warning = false) {
        word = std::move(text);
        word_is_warning = warning;
    }
};

struct Hint {  // in the bar of keys
    std::string_view key, what;
};

class View {
public:
    explicit View(Sight& sight) : sight_(sight) {}
    virtual ~View() = default;
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    struct Turn {
        enum class Kind : std::uint8_t { ignored, stay, close, quit } kind = Kind::stay;
        std::unique_ptr<View> open = nullptr;  // to lie above this one
    };
    static Turn ignored() { return {Turn::Kind::ignored, nullptr}; }
    static Turn stay() { return {Turn::Kind::stay, nullptr}; }
    static Turn close() { return {Turn::Kind::close, nullptr}; }
    static Turn quit() { return {Turn::Kind::quit, nullptr}; }
    static Turn opened(std::unique_ptr<View> view) { return {Turn::Kind::stay, std::move(view)}; }

    // Draws on the whole canvas, but its last line, which is the stack's.
    virtual void draw(Canvas& canvas) = 0;
    virtual Turn on_key(const Key& key) = 0;
    virtual std::vector<Hint> hints() const = 0;
    virtual std::vector<std::string> help() const = 0;
    virtual void refresh() {}                           // the board may have changed
    virtual bool over_others() const { return false; }  // a dialog: what lies below is drawn first
    virtual bool takes_text() const { return false; }   // letters are typed, not commands

protected:
    Sight& sight_;
};

// How a list of so many lines is scrolled so that `selected` is seen; returns the first one drawn.
inline std::size_t scrolled(std::size_t top, std::size_t selected, std::size_t count,
                            std::size_t height) {
    if (height == 0 || count == 0) return 0;
    if (selected < top) top = selected;
    if (selected >= top + height) top = selected - height + 1;
    return std::min(top, count > height ? count - height : 0);
}

}  // namespace sipana::live
