#include "libsipana/live/board.h"

#include <doctest/doctest.h>

#include <thread>

using namespace sipana;
using namespace std::chrono_literals;
using live::Board;

namespace {

analysis::Call call(std::uint64_t number, std::string_view id, std::size_t bytes = 100) {
    analysis::Call c;
    c.number = number;
    c.texts.keep(std::string(bytes, 'x'));
    c.call_id = c.texts.keep(id);
    c.final_code = 200;
    return c;
}

std::vector<std::uint64_t> numbers(const Board::News& news) {
    std::vector<std::uint64_t> all;
    for (const Board::Entry& e : news.entries) all.push_back(e.number);
    return all;
}

}  // namespace

TEST_CASE("board: who asks on gets what changed since, each call once, in the order of change") {
    Board board;
    board.on_going(call(1, "a"));
    board.on_going(call(2, "b"));
    const Board::News first = board.since(0);
    CHECK(first.all);
    CHECK(numbers(first) == std::vector<std::uint64_t>{1, 2});
    CHECK(numbers(board.since(first.version)).empty());
    board.on_going(call(3, "c"));
    board.on_going(call(1, "a"));
    board.on_over(call(1, "a"));
    const Board::News second = board.since(first.version);
    CHECK_FALSE(second.all);
    CHECK(numbers(second) == std::vector<std::uint64_t>{3, 1});
    CHECK(second.entries[1].over);
}

TEST_CASE("board: news in portions lose nothing") {
    Board board;
    std::uint64_t version = board.version();
    for (std::uint64_t i = 1; i <= 10; ++i) board.on_going(call(i, std::to_string(i)));
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 5; ++i) {
        const Board::News news = board.since(version, 3);
        for (const std::uint64_t n : numbers(news)) all.push_back(n);
        version = news.version;
    }
    CHECK(all == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("board: beyond its bytes the oldest that is over goes, is counted and told; what goes on stays") {
    Board board(60'000);
    board.on_going(call(1, "goes on", 10'000));
    for (std::uint64_t i = 2; i <= 8; ++i) board.on_over(call(i, std::to_string(i), 10'000));
    CHECK(board.bytes() <= 60'000);
    CHECK(board.forgotten() > 0);
    const Board::News news = board.since(1);
    CHECK(news.forgotten.front() == 2);
    CHECK(board.look(2) == nullptr);
    CHECK(board.look(8) != nullptr);
    CHECK(board.number_of("goes on") == 1);
    CHECK(board.number_of("2") == 0);
    board.limit(15'000);
    CHECK(board.number_of("goes on") == 1);
    CHECK(board.bytes() <= 15'000);
}

TEST_CASE("board: the whole of a call that goes on is asked of the thread that reads") {
    Board board;
    board.on_going(call(7, "x"));
    std::atomic<bool> woken = false;
    board.on_ask([&] { woken = true; });
    std::thread reader([&] {
        while (!board.asked()) std::this_thread::yield();
        board.answer(
            [](std::uint64_t number) -> std::optional<analysis::Call> {
                analysis::Call c = call(number, "whole");
                return c;
            },
            [](const std::vector<std::uint64_t>&) -> Result<Buffer> { return Buffer{1, 2}; });
    });
    const live::CallPtr whole = board.look(7, 10s);
    reader.join();
    REQUIRE(whole != nullptr);
    CHECK(whole->call_id == "whole");
    CHECK(woken);
}

TEST_CASE("board: who asks is let go when the time is over, or the run") {
    Board board;
    board.on_going(call(1, "x"));
    CHECK(board.look(1, 1ms) == nullptr);
    CHECK(board.look(2, 10s) == nullptr);  // nobody knows it: there is no wait
    CHECK_FALSE(board.packets(1, 1ms));
    board.stop();
    CHECK(board.look(1, 10s) == nullptr);
    CHECK_FALSE(board.wait_past(board.version(), 10s));
}

TEST_CASE("board: a figure is a call and its legs, by start") {
    Board board;
    analysis::Call a = call(1, "a"), b = call(2, "b"), c = call(3, "c");
    a.start = Time{2};
    b.start = Time{1};
    a.legs.push_back({a.texts.keep("b"), "they share a number"});
    b.legs.push_back({b.texts.keep("c"), "and these another"});
    b.legs.push_back({b.texts.keep("a"), "they share a number"});
    c.start = Time{3};
    board.on_over(std::move(a));
    board.on_over(std::move(b));
    board.on_over(std::move(c));
    const auto figure = board.figure(1);
    REQUIRE(figure.size() == 3);
    CHECK(figure[0]->call_id == "b");
    CHECK(figure[1]->call_id == "a");
    CHECK(figure[2]->call_id == "c");
}

TEST_CASE("board: what is given out stays, also when the board forgets it") {
    Board board;
    board.on_over(call(1, "kept"));
    const live::CallPtr held = board.look(1);
    board.limit(0);
    CHECK(board.look(1) == nullptr);
    CHECK(held->call_id == "kept");
}

TEST_CASE("board: calls that nobody answered go before those that somebody did") {
    Board board(60'000);
    board.on_over(call(1, "answered", 10'000));
    for (std::uint64_t i = 2; i <= 20; ++i) {
        analysis::Call attempt = call(i, std::to_string(i), 10'000);
        attempt.final_code = 0;
        board.on_over(std::move(attempt));
    }
    CHECK(board.bytes() <= 60'000);
    CHECK(board.look(1) != nullptr);
    CHECK(board.look(2) == nullptr);
    CHECK(board.look(20) != nullptr);
}
