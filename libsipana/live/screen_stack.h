// ViewStack: the views that lie above each other, the bar of keys below them, and help.
#pragma once

#include "libsipana/live/screen_view.h"

namespace sipana::live {

class ViewStack {
public:
    static constexpr std::size_t most_views = 32;
    static constexpr std::size_t least_columns = 20, least_rows = 5;  // below, nothing is drawn

    explicit ViewStack(Sight& sight);
    bool refresh();  // true: something came that was asked for
    void draw(Canvas& canvas);
    bool on_key(const Key& key);  // false: the user quits
    bool busy() const;            // there is work left for the next turn
    const View& top() const { return *views_.back(); }

private:
    void draw_bar(Canvas& canvas) const;

    Sight& sight_;
    std::vector<std::unique_ptr<View>> views_;
};

}  // namespace sipana::live
