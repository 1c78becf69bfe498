#include "libsipana/live/screen_filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::live {
namespace {

constexpr std::size_t name_width = 12;

}  // namespace

FilterView::FilterView(Sight& sight, ListView& list)
    : View(sight),
      list_(list),
      wanted_(list.roster().wanted()),
      text_(wanted_.text),
      expression_(wanted_.expression) {}

void FilterView::draw_field(Canvas& canvas, const Box& box, std::size_t y, std::string_view name,
                            const Field& field, bool at) const {
    canvas.put(box.x + 2, y, name, at ? bold_look : plain_look);
    const std::size_t x = box.x + 2 + name_width,
                      room = box.width > name_width + 4 ? box.width - name_width - 4 : 1;
    canvas.look(x, y, room, {render::Paint::plain, false, false, true});
    // What is behind the cursor gives way where there is too little room.
    std::string_view shown = field.text();
    std::size_t cursor = columns(shown.substr(0, field.cursor()));
    while (cursor + 1 > room && !shown.empty()) {
        std::size_t n = 1;
        while (n < shown.size() && (static_cast<unsigned char>(shown[n]) & 0xc0) == 0x80) ++n;
        cursor -= std::min(cursor, columns(shown.substr(0, n)));
        shown.remove_prefix(n);
    }
    canvas.put(x, y, shown, {render::Paint::plain, false, false, true}, room);
    if (at) canvas.reverse(x + std::min(cursor, room - 1), y, 1);
}

void FilterView::draw(Canvas& canvas) {
    const std::size_t width = std::min<std::size_t>(canvas.width(), 76),
                      height = std::min<std::size_t>(canvas.height() - 1, 13);
    const Box box{(canvas.width() - width) / 2, (canvas.height() - 1 - height) / 3, width, height};
    canvas.frame(box, "Filter");
    std::size_t y = box.y + 1;
    const std::size_t end = box.y + height - 1;
    const auto row = [&] { return y < end; };
    if (row()) draw_field(canvas, box, y++, "Text", text_, at_ == 0);
    if (row()) draw_field(canvas, box, y++, "Expression", expression_, at_ == 1);
    if (row()) {
        if (!wrong_.empty()) {
            const std::size_t column = std::min(wrong_at_, width > 30 ? width - 30 : 0);
            canvas.put(box.x + 2 + name_width + column, y, canvas.sign("▲", "^"), error_look);
            if (y + 1 < end)
                canvas.put(box.x + 2, y + 1, fmt::format("column {}: {}", wrong_at_ + 1, wrong_),
                           error_look, width - 4);
        } else {
            canvas.put(box.x + 2 + name_width, y, "final>=400 and from~alice", faint_look,
                       width - name_width - 4);
        }
        y += 2;
    }
    std::size_t x = box.x + 2;
    for (std::size_t k = 0; k < kinds + 1 && row(); ++k) {
        const bool on =
            k < kinds ? wanted_.has(static_cast<analysis::CallKind>(k)) : wanted_.going_on;
        const std::string text = fmt::format(
            "[{}] {}", on ? 'x' : ' ',
            k < kinds ? method_word(static_cast<analysis::CallKind>(k)) : "only what goes on");
        if (x + text.size() + 2 > box.x + width) {
            x = box.x + 2;
            ++y;
            if (!row()) break;
        }
        canvas.put(x, y, text, at_ == 2 + k ? bar_look : plain_look);
        x += std::max<std::size_t>(text.size() + 2, 16);
    }
    y += 2;
    std::string fields = "fields:";
    for (const std::string_view field : analysis::where_fields()) fields.append(" ").append(field);
    render::Style style = canvas.style();
    for (const std::string& piece : render::wrapped(fields, width > 4 ? width - 4 : 1, 3, style))
        if (row()) canvas.put(box.x + 2, y++, piece, faint_look, width - 4);
}

View::Turn FilterView::apply() {
    wanted_.text = text_.text();
    wanted_.expression = expression_.text();
    const Status status = list_.roster().want(wanted_);
    if (status) {
        list_.refresh();
        return close();
    }
    wrong_ = status.error().what;
    wrong_at_ = status.error().offset;
    at_ = 1;
    return stay();
}

void FilterView::toggle() {
    if (at_ == places - 1)
        wanted_.going_on = !wanted_.going_on;
    else
        wanted_.toggle(static_cast<analysis::CallKind>(at_ - 2));
}

View::Turn FilterView::on_key(const Key& key) {
    using enum Key::Name;
    if (key.is(escape)) return close();
    if (key.is(enter)) return apply();
    if (key.is(tab) || key.is(down)) {
        at_ = (at_ + 1) % places;
    } else if (key.is(back_tab) || key.is(up)) {
        at_ = (at_ + places - 1) % places;
    } else if (at_ < 2) {
        Field& field = at_ == 0 ? text_ : expression_;
        if (field.on_key(key)) wrong_.clear();
    } else if (key.is(' ')) {
        toggle();
    } else if (key.is(right)) {
        at_ = std::min(at_ + 1, places - 1);
    } else if (key.is(left)) {
        at_ = std::max<std::size_t>(at_ - 1, 2);
    }
    return stay();
}

std::vector<Hint> FilterView::hints() const {
    return {{"Enter", "Filter"}, {"Esc", "Leave it"}, {"Tab", "Next"}, {"Space", "Choose"}};
}

std::vector<std::string> FilterView::help() const {
    return {"Tab Up Down      the next field", "Space            choose a kind",
            "Enter            filter", "Esc              leave it as it is"};
}

}  // namespace sipana::live
