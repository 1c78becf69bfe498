// Styled text: lines of pieces that look different, and pages of them to scroll through.
#pragma once

#include <string>
#include <vector>

#include "libsipana/live/screen_view.h"

namespace sipana::live {

struct Piece {
    std::string text;  // wire text: made safe when it is drawn or wrapped
    Look look;
};
using Styled = std::vector<Piece>;

std::size_t put(Canvas& canvas, std::size_t x, std::size_t y, const Styled& line,
                std::size_t room = SIZE_MAX);
// In lines of at most `width` columns, those after the first set in by `indent`; at most `most` of
// them.
void wrap_into(std::vector<Styled>& out, const Styled& line, std::size_t width, std::size_t indent,
               const render::Style& style, std::size_t most = 200);

// A page with a title, scrolled by keys and wheel.
class PageView : public View {
public:
    static constexpr std::size_t most_lines = 20'000;

    using View::View;
    void draw(Canvas& canvas) override;
    Turn on_key(const Key& key) override;
    std::vector<Hint> hints() const override;
    std::vector<std::string> help() const override;

protected:
    virtual std::string title() const = 0;
    virtual std::vector<Styled> lines(std::size_t width, const render::Style& style) = 0;
    void changed() { stale_ = true; }  // lines() is asked again
    void to_top() { top_ = 0; }

private:
    std::vector<Styled> lines_;
    std::size_t width_ = 0, top_ = 0, page_ = 1;
    bool stale_ = true, unicode_ = false;
};

// The first row of a view that is not the list.
void draw_title(Canvas& canvas, std::string_view title, std::string_view right = {});

}  // namespace sipana::live
