#include "libsipana/live/screen_choices.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"

namespace sipana::live {

void ChoicesView::draw(Canvas& canvas) {
    std::size_t widest = columns(title()) + 4;
    for (std::size_t i = 0; i < count(); ++i) widest = std::max(widest, columns(word(i)) + 4);
    const std::size_t width = std::min(canvas.width(), widest + 4);
    const std::size_t height = std::min(canvas.height() - 1, count() + 2);
    box_ = {(canvas.width() - width) / 2, (canvas.height() - 1 - height) / 2, width, height};
    canvas.frame(box_, title());
    const std::size_t room = height > 2 ? height - 2 : 1;
    top_ = scrolled(top_, at_, count(), room);
    for (std::size_t i = 0; i < room && top_ + i < count(); ++i) {
        const std::size_t at = top_ + i;
        canvas.put(box_.x + 2, box_.y + 1 + i,
                   fmt::format("[{}] {}", chosen(at) ? 'x' : ' ', word(at)),
                   at == at_ ? bar_look : plain_look, width - std::min<std::size_t>(width, 3));
    }
}

View::Turn ChoicesView::on_key(const Key& key) {
    using enum Key::Name;
    if (key.is(escape) || key.is('q') || key.is('Q')) return close();
    if (key.is(enter)) return take();
    if (key.is(up, 'k') || key.is(wheel_up) || key.is(back_tab))
        at_ -= std::min<std::size_t>(at_, 1);
    else if (key.is(down, 'j') || key.is(wheel_down) || key.is(tab))
        at_ = std::min(at_ + 1, count() - 1);
    else if (key.is(home) || key.is(page_up))
        at_ = 0;
    else if (key.is(end) || key.is(page_down))
        at_ = count() - 1;
    else if (key.is(' '))
        choose(at_);
    else if ((key.is(click) || key.is(double_click)) && box_.holds(key.x, key.y) &&
             key.y > box_.y && top_ + key.y - box_.y - 1 < count()) {
        at_ = top_ + key.y - box_.y - 1;
        choose(at_);
    } else if (key.is(f8) || key.is(f10) || key.is(f2))
        return close();
    return stay();
}

std::vector<Hint> ChoicesView::hints() const {
    return {{"Enter", "Done"}, {"Space", "Choose"}, {"Esc", "Back"}};
}
std::vector<std::string> ChoicesView::help() const {
    return {"Up Down          move", "Space            choose", "Enter            done"};
}

// ---------------------------------------------------------------- settings

namespace {

struct Setting {
    std::string_view word;
    bool Preferences::*value;
};
constexpr std::array settings{
    Setting{"message beside the ladder, where there is room", &Preferences::beside},
    Setting{"each line of a message explained", &Preferences::explained},
    Setting{"messages as differences to the one before", &Preferences::diff},
    Setting{"ladders with the legs of a call", &Preferences::legs},
    Setting{"media in ladders", &Preferences::media},
    Setting{"time of day (otherwise seconds since the beginning)", &Preferences::times},
};

}  // namespace

std::size_t SettingsView::count() const { return settings.size(); }
std::string SettingsView::word(std::size_t at) const { return std::string(settings[at].word); }
bool SettingsView::chosen(std::size_t at) const { return sight_.preferences.*settings[at].value; }
void SettingsView::choose(std::size_t at) {
    bool& value = sight_.preferences.*settings[at].value;
    value = !value;
}

// ---------------------------------------------------------------- columns

std::string ColumnsView::word(std::size_t at) const {
    const auto& facts = facts_of(static_cast<ListColumn>(at));
    return facts.meaning.empty() ? std::string(facts.title)
                                 : fmt::format("{:<12} {}", facts.title, facts.meaning);
}

bool ColumnsView::chosen(std::size_t at) const {
    return std::find(columns_.begin(), columns_.end(), static_cast<ListColumn>(at)) !=
           columns_.end();
}

// A column that is chosen now stands last: there it is seen, if there is room at all.
void ColumnsView::choose(std::size_t at) {
    const auto column = static_cast<ListColumn>(at);
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    if (found == columns_.end())
        columns_.push_back(column);
    else if (columns_.size() > 1)
        columns_.erase(found);
}

// ---------------------------------------------------------------- saving

namespace {

struct Format {
    std::string_view name, word;
};
constexpr std::array formats{
    Format{"pcapng", "pcapng: the packets, SIP, RTP and RTCP"},
    Format{"html", "HTML: the report page, to be sent to somebody"},
    Format{"json", "JSON: the report for programs"},
    Format{"txt", "text: the ladder"},
};

}  // namespace

std::string SaveView::title() const {
    return numbers_.size() == 1 ? "Save the call as"
                                : fmt::format("Save {} calls as", numbers_.size());
}
std::size_t SaveView::count() const { return formats.size(); }
std::string SaveView::word(std::size_t at) const { return std::string(formats[at].word); }

View::Turn SaveView::take() {
    Sight& sight = sight_;
    const bool sent = sight.errands.send([save = sight.save, numbers = numbers_,
                                          format = formats[at_].name, &sight]() -> Errands::Then {
        const Result<std::string> name = save(numbers, format);
        const bool failed = !name;
        const std::string word = failed ? "Not saved: " + name.error().what : "Saved as " + *name;
        return [&sight, word, failed] { sight.tell(word, failed); };
    });
    sight_.tell(sent ? "Saving ..." : "Not saved: too much waits", !sent);
    return close();
}

}  // namespace sipana::live
