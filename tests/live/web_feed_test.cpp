#include "libsipana/live/web_feed.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::live;
using namespace std::chrono_literals;

namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("Feed: who comes back is told what it missed; who has another run's id, everything") {
    Board board;
    analysis::Report report = sample::report();
    board.on_over(std::move(report.calls[0]));
    const std::uint64_t before = board.version();
    board.on_over(std::move(report.calls[1]));
    const auto first_of = [&](std::string_view id) { return Feed(board, "run", id).next(Time{0}); };
    CHECK(has(first_of(""), "\"all\":true"));
    CHECK(has(first_of(fmt::format("run-{}", before)), "\"all\":false"));
    CHECK(has(first_of(fmt::format("run-{}", before)), "data-call=\\\"2\\\""));
    CHECK_FALSE(has(first_of(fmt::format("run-{}", before)), "data-call=\\\"1\\\""));
    for (const auto* id :
         {"other-2", "run-999999999", "run-", "run--1", "run-x", "\r\nid: 1", "-", "run"}) {
        CAPTURE(id);
        CHECK(has(first_of(id), "\"all\":true"));
    }
    // Nothing but totals, and these not due: nothing is said.
    Feed feed(board, "run", "");
    CHECK_FALSE(feed.next(Time{0}).empty());
    CHECK(feed.next(Time{0} + 100ms).empty());
    CHECK_FALSE(feed.next(Time{0} + 600ms).empty());
}

TEST_CASE("Feed: however many calls there are, an event holds the newest and those that go on") {
    Board board;
    const auto add = [&](std::uint64_t number, bool over) {
        analysis::Call call;
        call.number = number;
        call.kind = analysis::CallKind::invite;
        call.call_id = call.texts.keep(fmt::format("id-{}", number));
        over ? board.on_over(std::move(call)) : board.on_going(std::move(call));
    };
    add(1, false);
    for (std::uint64_t i = 2; i < 3000; ++i) add(i, true);
    Feed feed(board, "run", "");
    const std::string event = feed.next(Time{0});
    std::size_t rows = 0;
    for (auto at = event.find("<tr"); at != event.npos; at = event.find("<tr", at + 1)) ++rows;
    CHECK(rows == Feed::most_rows);
    CHECK(has(event, "data-call=\\\"1\\\""));
    CHECK_FALSE(has(event, "data-call=\\\"2\\\""));
    CHECK(has(event, "data-call=\\\"2999\\\""));
    CHECK(feed.version() == board.version());
}
