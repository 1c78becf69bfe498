// ListView: the list of calls, or of registrations: where the screen begins.
#pragma once

#include "libsipana/live/screen_roster.h"
#include "libsipana/live/screen_view.h"

namespace sipana::live {

class ListView : public View {
public:
    enum class Shows : std::uint8_t { calls, registrations };
    ListView(Sight& sight, Shows shows);

    void draw(Canvas& canvas) override;
    Turn on_key(const Key& key) override;
    std::vector<Hint> hints() const override;
    std::vector<std::string> help() const override;
    void refresh() override;
    bool takes_text() const override { return searching_; }

    Roster& roster() { return roster_; }
    bool busy() const { return busy_; }  // a new filter is not through yet
    std::uint64_t selected() const { return selected_; }
    std::vector<ListColumn>& columns() { return columns_; }
    // Of a typed text: a search, or an expression where it looks like one.
    void search(const std::string& text);

private:
    void draw_status(Canvas& canvas) const;
    void draw_filter(Canvas& canvas, std::size_t y) const;
    void draw_heads(Canvas& canvas, std::size_t y) const;
    void draw_row(Canvas& canvas, std::size_t y, const Roster::Row& row, bool selected) const;
    Turn on_search_key(const Key& key);
    Turn on_letter(const Key& key);
    Turn on_mouse(const Key& key);
    Turn open_ladder();
    Turn open_save();
    Turn quit();
    void move_to(std::size_t place);
    void move_by(std::ptrdiff_t rows);
    void sort_by(ListColumn column, bool descending);
    void sort_by_next(int step);
    std::vector<std::uint64_t> chosen() const;  // marked, else the selected one

    Shows shows_;
    Roster roster_;
    std::vector<ListColumn> columns_;
    std::vector<PlacedColumn> placed_;
    std::uint64_t selected_ = 0;
    std::size_t place_ = 0, top_ = 0, first_row_ = 3, page_ = 1;
    bool follow_ = true, searching_ = false, busy_ = false, asked_to_quit_ = false, paused_ = false;
    Field search_;
    std::string wrong_;  // what is wrong with the expression that is typed
};

// "eth0 +1  1,234 packets/s  2.1 Mbit/s", "12 packets dropped"; the latter empty where there are
// none.
std::string sources_word(const Totals& totals);
std::string drops_word(const Totals& totals);
std::string bytes_word(std::uint64_t bytes);

}  // namespace sipana::live
