// LadderView: one or several calls as one ladder, with the chosen message beside it.
//
// Drawn by render's ladder, row by row. While a call goes on it is asked for again as it changes;
// the choice stays where it is, or with the newest message.
#pragma once

#include <optional>

#include "libsipana/live/screen_asked.h"
#include "libsipana/live/screen_message.h"
#include "libsipana/render/text_ladder.h"

namespace sipana::live {

class LadderView : public View {
public:
    LadderView(Sight& sight, std::vector<std::uint64_t> numbers);

    void draw(Canvas& canvas) override;
    Turn on_key(const Key& key) override;
    std::vector<Hint> hints() const override;
    std::vector<std::string> help() const override;
    void refresh() override;

private:
    void take();
    void list_rows();
    void plan(std::size_t width, const render::Style& style);
    std::size_t draw_heads(Canvas& canvas, const Box& box);
    void draw_rows(Canvas& canvas, const Box& box);
    void draw_beside(Canvas& canvas, const Box& box);
    std::string title() const;
    bool selectable(std::size_t row) const;
    void select(std::size_t row);
    void step(std::ptrdiff_t by);
    std::optional<ChosenMessage> chosen() const;
    std::optional<ChosenMessage> message_at(std::size_t row) const;
    std::vector<std::uint64_t> numbers() const;
    Turn open();
    Turn mark();
    Turn on_mouse(const Key& key);
    Turn on_letter(const Key& key);

    AskedCalls asked_;
    std::vector<CallPtr> calls_;  // that the ladder is of
    std::optional<render::Ladder> ladder_;
    std::unique_ptr<render::TextLadder> drawn_;
    std::vector<std::size_t> rows_;                  // of the ladder, that are shown
    std::size_t selected_ = 0, top_ = 0, page_ = 1;  // in rows_
    std::size_t beside_top_ = 0;
    bool follow_ = false, decided_ = false;
    std::optional<ChosenMessage> marked_;
    std::size_t width_ = 0;
    bool unicode_ = false, media_ = true;
    std::vector<std::size_t> row_at_line_;  // of the page, for the mouse
    Box rows_box_, beside_box_;
};

}  // namespace sipana::live
