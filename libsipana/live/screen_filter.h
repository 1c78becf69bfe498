// FilterView: which calls the list shows: a text, an expression, kinds.
#pragma once

#include "libsipana/live/screen_list.h"

namespace sipana::live {

class FilterView : public View {
public:
    FilterView(Sight& sight, ListView& list);
    void draw(Canvas& canvas) override;
    Turn on_key(const Key& key) override;
    std::vector<Hint> hints() const override;
    std::vector<std::string> help() const override;
    bool over_others() const override { return true; }
    bool takes_text() const override { return at_ < 2; }

private:
    static constexpr std::size_t kinds = 6,
                                 places = 2 + kinds + 1;  // two fields, kinds, what goes on
    Turn apply();
    void toggle();
    void draw_field(Canvas& canvas, const Box& box, std::size_t y, std::string_view name,
                    const Field& field, bool at) const;

    ListView& list_;
    WantedCalls wanted_;
    Field text_, expression_;
    std::size_t at_ = 0;
    std::string wrong_;
    std::size_t wrong_at_ = 0;
};

}  // namespace sipana::live
