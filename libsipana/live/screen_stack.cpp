#include "libsipana/live/screen_stack.h"

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/live/screen_list.h"
#include "libsipana/live/screen_pages.h"

namespace sipana::live {

ViewStack::ViewStack(Sight& sight) : sight_(sight) {
    views_.push_back(std::make_unique<ListView>(sight, ListView::Shows::calls));
}

bool ViewStack::busy() const { return static_cast<const ListView&>(*views_.front()).busy(); }

// The list as well while it is covered: it falls behind otherwise.
bool ViewStack::refresh() {
    sight_.totals = sight_.board.totals();
    const bool came = sight_.errands.collect();
    for (const auto& view : views_) view->refresh();
    return came;
}

void ViewStack::draw_bar(Canvas& canvas) const {
    const std::size_t y = canvas.height() - 1;
    canvas.look(0, y, canvas.width(), bar_look);
    if (!sight_.word.empty()) {
        const Look look{sight_.word_is_warning ? render::Paint::yellow : render::Paint::plain, true,
                        true};
        canvas.put(0, y, (sight_.word_is_warning ? "! " : "") + sight_.word, look);
        return;
    }
    const std::string drops = drops_word(sight_.totals);
    std::size_t end = canvas.width();
    if (!drops.empty() && drops.size() + 2 < end) {
        end -= drops.size() + 1;
        canvas.put(end, y, drops, {render::Paint::yellow, true, true});
    }
    const std::vector<Hint> hints = views_.back()->hints();
    std::size_t all = 0;
    for (const Hint& hint : hints) all += columns(hint.key) + columns(hint.what) + 3;
    const std::size_t apart = all <= end + 2 ? 2 : 1;  // closer together where there is little room
    std::size_t x = 0;
    for (const Hint& hint : hints) {
        const std::size_t wide = columns(hint.key) + 1 + columns(hint.what);
        if (x + wide > end) break;
        x = canvas.put(x, y, hint.key, {render::Paint::plain, true, true}) + 1;
        x = canvas.put(x, y, hint.what, bar_look) + apart;
    }
}

void ViewStack::draw(Canvas& canvas) {
    if (canvas.width() < least_columns || canvas.height() < least_rows) {
        canvas.put(0, 0, "too small");
        return;
    }
    std::size_t from = views_.size() - 1;
    while (from > 0 && views_[from]->over_others()) --from;
    for (std::size_t i = from; i < views_.size(); ++i) views_[i]->draw(canvas);
    canvas.clear({0, canvas.height() - 1, canvas.width(), 1});
    draw_bar(canvas);
}

bool ViewStack::on_key(const Key& key) {
    sight_.word.clear();
    View& top = *views_.back();
    const bool asks_help =
        key.is(Key::Name::f1) || (!top.takes_text() && (key.is('h') || key.is('?')));
    if (asks_help && views_.size() < most_views) {
        views_.push_back(std::make_unique<HelpView>(sight_, top.help()));
        return true;
    }
    View::Turn turn = top.on_key(key);
    if (turn.kind == View::Turn::Kind::quit) return false;
    if (turn.kind == View::Turn::Kind::close && views_.size() > 1) views_.pop_back();
    if (turn.open && views_.size() < most_views) views_.push_back(std::move(turn.open));
    return true;
}

}  // namespace sipana::live
