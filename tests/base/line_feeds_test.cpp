#include "libsipana/base/line_feeds.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/exact.h"

using namespace sipana;

namespace {

std::vector<std::size_t> found(std::string_view text, std::size_t from) {
    std::vector<std::size_t> places;
    LineFeeds feeds(text, from);
    for (std::size_t at = feeds.next(); at != text.size(); at = feeds.next()) places.push_back(at);
    CHECK(feeds.next() == text.size());  // and so it stays
    return places;
}

std::vector<std::size_t> expected(std::string_view text, std::size_t from) {
    std::vector<std::size_t> places;
    for (std::size_t i = from; i < text.size(); ++i)
        if (text[i] == '\n') places.push_back(i);
    return places;
}

}  // namespace

TEST_CASE("line feeds are found wherever they stand, in texts of every length, from every place") {
    for (std::size_t size = 0; size <= 200; ++size)
        for (const std::size_t distance : std::initializer_list<std::size_t>{1, 2, 7, 63, 64, 65, 500}) {
            std::string text(size, 'x');
            for (std::size_t i = size % 5; i < size; i += distance) text[i] = '\n';
            const Exact exact(text);  // the sanitizers see a read outside it
            for (std::size_t from = 0; from <= size; from += 1 + size / 20)
                CHECK(found(exact.text(), from) == expected(exact.text(), from));
        }
}

TEST_CASE("nothing but a line feed is one") {
    std::string text;
    for (int c = 0; c < 256; ++c) text += static_cast<char>(c);
    const Exact exact(text);
    CHECK(found(exact.text(), 0) == std::vector<std::size_t>{10});
}
