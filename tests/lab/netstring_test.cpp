#include "libsipana/lab/netstring.h"

#include <doctest/doctest.h>

#include "tests/exact.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

// What one feed gives: the strings, then "!" and the error if it ends with one.
std::vector<std::string> cut_of(std::string_view bytes) {
    NetstringReader reader;
    reader.feed(Exact(bytes).text());
    std::vector<std::string> out;
    while (true) {
        const auto next = reader.next();
        if (!next) return out.push_back("!" + next.error().what), out;
        if (!*next) return out;
        out.push_back(**next);
    }
}

}  // namespace

TEST_CASE("netstring: what is written is read again") {
    for (const std::string_view text : {"", "hello", "5:hello,", "\x00\xff"})
        CHECK(cut_of(write_netstring(text)) == std::vector<std::string>{std::string(text)});
    CHECK(cut_of("5:hello,0:,1:x,") == std::vector<std::string>{"hello", "", "x"});
}

TEST_CASE("netstring: it may come byte by byte") {
    NetstringReader reader;
    const std::string text = write_netstring("{\"event\":true}") + write_netstring("x");
    std::vector<std::string> out;
    for (const char c : text) {
        reader.feed({&c, 1});
        const auto next = reader.next();
        REQUIRE(next);
        if (*next) out.push_back(**next);
    }
    CHECK(out == std::vector<std::string>{"{\"event\":true}", "x"});
}

TEST_CASE("netstring: every truncation waits for more") {
    const std::string text = write_netstring("hello");
    for (std::size_t n = 0; n < text.size(); ++n) CHECK(cut_of(text.substr(0, n)).empty());
}

TEST_CASE("netstring: what is none is an error") {
    for (const std::string_view text :
         {":x,", "x", "-1:x,", " 1:x,", "01:x,", "5:hello;", "1;x,", "1x",
          "18446744073709551617:x,", "262145:", "99999999999"}) {
        const auto out = cut_of(text);
        REQUIRE(out.size() == 1);
        CHECK(out.front().front() == '!');
    }
    CHECK(cut_of("262144:").empty());  // the longest one, not here yet
}
