#include "libsipana/live/screen_list.h"

#include <doctest/doctest.h>

#include "tests/live/screen_sample.h"

using namespace sipana;
using namespace sipana::live;
using Name = Key::Name;

TEST_CASE("List at 80x24: who, what, state with its code, loss; the keys below") {
    ScreenSample screen;
    const std::string page = screen.page();
    CAPTURE(page);
    CHECK(has(line_of(page, 0), "sipana live"));
    CHECK(has(line_of(page, 2), "Method"));
    const std::string row = line_with(page, "completed");
    CHECK(has(row, "INVITE"));
    CHECK(has(row, "alice"));
    CHECK(has(row, "bob"));
    CHECK(has(row, "✓"));
    CHECK(has(line_with(page, "busy"), "busy 486"));
    CHECK(has(line_of(page, 23), "F1 Help"));
    for (std::size_t y = 0; y < 24; ++y) CHECK(columns(line_of(page, y)) <= 80);
}

TEST_CASE("List at 200x50: addresses, codecs and jitter as well") {
    ScreenSample screen;
    const std::string page = screen.page(200, 50), row = line_with(page, "completed");
    CHECK(has(row, "192.0.2.10:5060"));
    CHECK(has(row, "198.51.100.20:5060"));
    CHECK(has(row, "PCMU"));
    CHECK(has(line_of(page, 2), "Jitter"));
}

TEST_CASE("List in ASCII: the same words, no byte beyond ASCII") {
    ScreenSample screen;
    const std::string page = screen.page(120, 30, false);
    CHECK(has(line_with(page, "completed"), "= completed"));
    for (const char c : page) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("List: follows the newest call until the user moves, and again from the end on") {
    ScreenSample screen(false);
    screen.over(sample::answered_call());
    screen.over(sample::busy_call());
    CHECK(has(line_with(screen.page(), "▸"), "486"));
    screen.press(Name::up);
    screen.over(sample::registration());
    CHECK(has(line_with(screen.page(), "▸"), "completed"));
    screen.press(Name::end);
    screen.over(sample::forked_call());
    CHECK(has(line_with(screen.page(), "▸"), " 4 "));
}

TEST_CASE("List: a call that goes on changes its row, and keeps its place") {
    ScreenSample screen(false);
    analysis::Call call = sample::answered_call();
    call.number = 1;
    call.state = analysis::CallState::ringing;
    call.duration.reset();
    call.setup.reset();
    screen.board.on_going(std::move(call));
    CHECK(has(screen.page(), "◦ ringing"));
    call = sample::answered_call();
    call.number = 1;
    call.state = analysis::CallState::answered;
    call.duration.reset();
    screen.board.on_going(std::move(call));
    const std::string page = screen.page();
    CHECK(has(page, "▸ in call"));
    CHECK_FALSE(has(page, "ringing"));
}

TEST_CASE("List: stands still while it is paused, and catches up") {
    ScreenSample screen(false);
    screen.over(sample::answered_call());
    screen.press('p');
    screen.over(sample::busy_call());
    CHECK_FALSE(has(screen.page(), "486"));
    CHECK(has(line_of(screen.page(), 1), "paused"));
    screen.press('p');
    CHECK(has(screen.page(), "486"));
}

TEST_CASE("Totals: received is the sum of what became of it") {
    ScreenSample screen;
    Totals totals;
    Totals::Captured source;
    source.name = "eth0";
    source.counts.received = 107;
    source.counts.read = 100;
    source.counts.dropped_by_kernel = 7;
    totals.sources.push_back(source);
    using net::Fate;
    auto& fates = totals.counts.frames.by_fate;
    fates[static_cast<std::size_t>(Fate::delivered)] = 90;
    fates[static_cast<std::size_t>(Fate::not_ip)] = 6;
    fates[static_cast<std::size_t>(Fate::cut_short)] = 3;
    screen.board.on_totals(std::move(totals));
    screen.press('T');
    const std::string page = screen.page(120, 40);
    CHECK(has(page, "107 received = 100 read + 7 dropped"));
    CHECK(
        has(page, "107 = 90 parsed + 0 held + 6 ignored + 3 malformed + 7 dropped + 1 on the way"));
    CHECK(has(page, "dropped by kernel 7"));
    CHECK(has(page, "cut-short 3"));
}

TEST_CASE("List: search as you type, by words and by expression, with the column of a mistake") {
    ScreenSample screen;
    screen.press('/');
    screen.type("BOB");
    CHECK(has(line_of(screen.page(), 1), "Search: BOB"));
    CHECK(has(screen.page(), "completed"));
    CHECK_FALSE(has(screen.page(), "Nothing"));
    screen.press(Name::escape);
    CHECK(has(line_of(screen.page(), 1), "no filter"));
    screen.press('/');
    screen.type("final=486");
    std::string page = screen.page();
    CHECK(has(page, "busy 486"));
    CHECK_FALSE(has(page, "completed"));
    screen.type(" and");
    CHECK(has(line_of(screen.page(), 1), "column "));
    screen.press(Name::escape);
    screen.press('/');
    screen.type("nobody at all");
    CHECK(has(screen.page(), "No call matches"));
    screen.press(Name::enter);
    CHECK(has(line_of(screen.page(), 1), "text \"nobody at all\""));
}

TEST_CASE("List: kinds are shown and hidden, INVITEs alone by one key") {
    ScreenSample screen;
    CHECK(has(screen.page(), "REGISTER"));
    screen.press('i');
    CHECK_FALSE(has(line_with(screen.page(), "registered"), "registered"));
    screen.press('i');
    screen.press('2');
    CHECK(has(line_of(screen.page(), 1), "without REGISTER"));
    screen.press('g');  // and registrations have a list of their own
    const std::string page = screen.page(120);
    CHECK(has(line_of(page, 0), "registrations"));
    CHECK(has(line_of(page, 2), "Expires"));
}

TEST_CASE("List: sorted by a column, either way, by key and by a click on its head") {
    ScreenSample screen;
    const std::string heads = line_of(screen.page(), 2);
    Key click = Key::of(Name::click);
    click.x = columns(heads.substr(0, heads.find("Msgs"))) + 2;
    click.y = 2;
    screen.press({click});
    CHECK(has(line_of(screen.page(), 2), "Msgs▴"));
    screen.press({click});
    CHECK(has(line_of(screen.page(), 2), "Msgs▾"));
    CHECK(has(line_of(screen.page(), 3), " 14 "));  // the most messages
    screen.press('z');
    CHECK(has(line_of(screen.page(), 2), "Msgs▴"));
    screen.press('<');
    CHECK(has(line_of(screen.page(), 2), "To▴"));
}

TEST_CASE("List: a click selects, two open, the wheel scrolls") {
    ScreenSample screen;
    Key key = Key::of(Name::click);
    key.x = 10;
    key.y = 4;
    screen.press({key});
    CHECK(has(line_of(screen.page(), 4), "▸"));
    screen.press(Name::wheel_down);
    CHECK_FALSE(has(line_of(screen.page(), 4).substr(0, 3), "▸"));
    key.name = Name::double_click;
    screen.press({key});
    CHECK(has(screen.page(), "486 Busy Here"));
}

TEST_CASE("List: cleared of what is over") {
    ScreenSample screen;
    analysis::Call call = sample::answered_call();
    call.number = 99;
    call.state = analysis::CallState::ringing;
    screen.board.on_going(std::move(call));
    screen.page();
    screen.press(Name::f5);
    CHECK(has(line_of(screen.page(), 23), "calls that were over"));
    screen.press(Name::home);
    CHECK(has(screen.page(), "1 shown"));
}

TEST_CASE("List: quits at once, or asks once while something is recorded") {
    ScreenSample screen;
    CHECK_FALSE(screen.press('q'));
    Totals totals;
    totals.recorded_files = 1;
    screen.board.on_totals(std::move(totals));
    CHECK(screen.press('q'));
    CHECK(has(line_of(screen.page(), 23), "Once more"));
    CHECK_FALSE(screen.press('q'));
}

TEST_CASE("List: drops, evictions and a failed recording are told in words") {
    ScreenSample screen;
    Totals totals;
    Totals::Captured source;
    source.name = "eth0";
    source.counts.dropped_by_kernel = 1234;
    totals.sources.push_back(source);
    totals.evictions.calls = 3;
    screen.board.on_totals(std::move(totals));
    const std::string page = screen.page(120);
    CHECK(has(line_of(page, 0), "! 1,234 dropped"));
    CHECK(has(line_of(page, 0), "! 3 evicted"));
    screen.press(Name::enter);
    CHECK(has(line_of(screen.page(140), 23), "! 1,234 dropped"));
}

TEST_CASE("Filter: the mistake's column is shown under it, and nothing changes") {
    ScreenSample screen;
    screen.press('f');
    screen.press(Name::tab);
    screen.type("final>>400");
    screen.press(Name::enter);
    std::string page = screen.page();
    CHECK(has(page, "Filter"));
    const std::string typed = line_with(page, "final>>400"), mark = line_with(page, "▲");
    REQUIRE_FALSE(mark.empty());
    CHECK(columns(mark.substr(0, mark.find("▲"))) == columns(typed.substr(0, typed.find(">400"))));
    screen.press(Name::end);
    for (int i = 0; i < 10; ++i) screen.press(Name::backspace);
    screen.type("final>=400");
    screen.press(Name::enter);
    page = screen.page();
    CHECK(has(line_of(page, 1), "where final>=400"));
    CHECK_FALSE(has(page, "completed"));
}

TEST_CASE("Columns are chosen; help, settings and every page close with Escape") {
    ScreenSample screen;
    screen.press('t');
    CHECK(has(screen.page(), "[x] From"));
    for (int i = 0; i < 3; ++i) screen.press(Name::down);
    screen.press(' ');
    screen.press(Name::enter);
    CHECK_FALSE(has(line_of(screen.page(), 2), "From"));
    for (const Key& key :
         {Key::of(Name::f1), Key::of('h'), Key::of('o'), Key::of('T'), Key::of('n'), Key::of('M'),
          Key::of('m'), Key::of('r'), Key::of('x'), Key::of('g'), Key::of('f'), Key::of('t')}) {
        screen.press({key});
        CHECK_FALSE(has(line_of(screen.page(), 23), "Esc Quit"));
        CHECK(screen.press(Name::escape));
        CHECK(has(line_of(screen.page(), 23), "Esc Quit"));
    }
}

TEST_CASE("Saving: what is marked, in the format chosen; the outcome is told") {
    ScreenSample screen;
    std::vector<std::uint64_t> numbers;
    std::string format;
    screen.sight.save = [&](std::vector<std::uint64_t> n,
                            std::string_view f) -> Result<std::string> {
        numbers = std::move(n);
        format = f;
        return format == "html" ? Result<std::string>(std::string("call.html"))
                                : Error{Errc::io, 0, "the disk is full"};
    };
    screen.press({Key::of(Name::home), Key::of(' '), Key::of(' '), Key::of(Name::f2)});
    CHECK(has(screen.page(), "Save 2 calls as"));
    screen.press({Key::of(Name::down), Key::of(Name::enter)});
    CHECK(has(line_of(screen.page(), 23), "Saved as call.html"));
    CHECK(numbers == std::vector<std::uint64_t>{1, 2});
    screen.press({Key::of('s'), Key::of(Name::enter)});
    CHECK(has(line_of(screen.page(), 23), "! Not saved: the disk is full"));
}

TEST_CASE("Roster: what the board forgets goes, marks and order stay") {
    Board board(1);  // room for nothing: the oldest goes at once
    Roster roster(board);
    analysis::Call call = sample::answered_call();
    call.number = 1;
    call.state = analysis::CallState::ringing;
    board.on_going(std::move(call));
    roster.refresh();
    CHECK(roster.size() == 1);
    roster.mark(1);
    CHECK(roster.marked() == std::vector<std::uint64_t>{1});
    call = sample::answered_call();
    call.number = 1;
    board.on_over(std::move(call));
    roster.refresh();
    CHECK(roster.size() == 0);
    CHECK(roster.marked().empty());
}

TEST_CASE("Roster: a new filter over many calls is worked off in slices, and finds all of them") {
    Board board(std::uint64_t{1} << 40);
    constexpr std::uint64_t calls = 30'000;
    for (std::uint64_t n = 1; n <= calls; ++n) {
        analysis::Call call;
        call.number = n;
        call.kind = n % 3 == 0 ? analysis::CallKind::register_ : analysis::CallKind::invite;
        call.call_id = call.texts.keep("call-" + std::to_string(n));
        call.message_count = static_cast<std::uint32_t>(n % 17);
        board.on_over(std::move(call));
    }
    Roster roster(board);
    while (roster.refresh()) {
    }
    CHECK(roster.size() == calls);
    WantedCalls wanted;
    wanted.toggle(analysis::CallKind::register_);
    REQUIRE(roster.want(wanted));
    CHECK(roster.size() <= Roster::slice);  // no more than that has been looked at
    // What comes meanwhile is not lost and not told twice.
    analysis::Call late;
    late.number = calls + 1;
    late.kind = analysis::CallKind::invite;
    late.call_id = late.texts.keep("late");
    board.on_over(std::move(late));
    roster.refresh();
    std::size_t turns = 0;
    while (roster.work() && ++turns < 100) {
    }
    CHECK(roster.size() == calls - calls / 3 + 1);
    roster.sort(ListColumn::messages, true);
    for (turns = 0; roster.work() && turns < 100; ++turns) {
    }
    CHECK(roster.size() == calls - calls / 3 + 1);
    for (std::size_t i = 1; i < roster.size(); ++i)
        REQUIRE(roster.at(i - 1).entry.call->message_count >=
                roster.at(i).entry.call->message_count);
    CHECK(roster.place_of(roster.at(100).entry.number) == 100);
}

// What a page, a key and a filter cost: live_test -ns -tc='Speed: a list*'
TEST_CASE("Speed: a list of a hundred thousand calls" * doctest::skip()) {
    ScreenSample screen(false);
    constexpr std::uint64_t calls = 100'000;
    screen.board.limit(std::uint64_t{1} << 40);
    for (std::uint64_t n = 1; n <= calls; ++n) {
        analysis::Call call;
        call.number = n;
        call.kind = analysis::CallKind::invite;
        call.start = call.end = sample::at(static_cast<double>(n) / 10);
        call.call_id = call.texts.keep("call-" + std::to_string(n) + "@192.0.2.1");
        call.from.uri = call.texts.keep("sip:" + std::to_string(n * 7919 % 100'003) + "@a.example");
        call.from.user = call.from.uri.substr(4);
        call.to.uri = "sip:bob@b.example";
        call.final_code = n % 5 == 0 ? 486 : 200;
        screen.board.on_over(std::move(call));
    }
    const auto timed = [&](const std::string& what, auto&& work) {
        const auto begun = std::chrono::steady_clock::now();
        work();
        MESSAGE(what << ": "
                     << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() -
                                                                  begun)
                            .count()
                     << " ms");
    };
    timed("all of them, the first time", [&] {
        for (int i = 0; i < 8; ++i) screen.page();
    });
    CHECK(has(screen.page(), "100000"));
    timed("a key and its page", [&] { screen.press(Name::up); });
    timed("Home and its page", [&] { screen.press(Name::home); });
    screen.press('/');
    timed("a letter of a search", [&] { screen.stack->on_key(Key::of('4')); });
    std::size_t turns = 0;
    timed("the search", [&] {
        for (; screen.stack->busy() && turns < 1000; ++turns) screen.page();
    });
    MESSAGE("in " << turns << " turns");
    screen.press(Name::enter);
    timed("sorted by who called, the first page", [&] { screen.press('>'); });
    timed("sorted, all", [&] {
        for (turns = 0; screen.stack->busy() && turns < 1000; ++turns) screen.page();
    });
    timed("a thousand more calls", [&] {
        for (std::uint64_t n = calls + 1; n <= calls + 1000; ++n) {
            analysis::Call call;
            call.number = n;
            call.kind = analysis::CallKind::invite;
            call.call_id = call.texts.keep("late-4-" + std::to_string(n));
            screen.board.on_over(std::move(call));
        }
        screen.page();
    });
}
