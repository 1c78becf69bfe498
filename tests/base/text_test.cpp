#include "libsipana/base/text.h"

#include <doctest/doctest.h>

using namespace sipana;

TEST_CASE("trap 77: ESC, OSC, BEL, C1, DEL and bidi controls are shown, not sent to the terminal") {
    CHECK(printable("\x1b]0;owned\x07") == "\\x1b]0;owned\\x07");
    CHECK(printable("a\x7f\xc2\x9b") == "a\\x7f\\xc2\\x9b");
    CHECK(printable("user\xe2\x80\xaegnp.exe") == "user\\xe2\\x80\\xaegnp.exe");
    CHECK(printable("tab\there\r\n") == "tab\\there\\r\\n");
    CHECK(printable("Andr\xc3\xa9 \xe6\x97\xa5") == "Andr\xc3\xa9 \xe6\x97\xa5");
    CHECK(printable("\xff\xc0\x80") == "\\xff\\xc0\\x80");
}

TEST_CASE("RFC 3629: overlong forms, surrogates and cut sequences are no UTF-8") {
    CHECK(valid_utf8("ok \xc3\xa9") == "ok \xc3\xa9");
    CHECK(valid_utf8("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(valid_utf8("\xed\xa0\x80").find('\xed') == std::string::npos);
    CHECK(valid_utf8("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("numbers are whole, unsigned and do not wrap") {
    CHECK(to_number("4294967295") == 4294967295u);
    CHECK_FALSE(to_number("4294967296"));
    CHECK_FALSE(to_number("-1"));
    CHECK_FALSE(to_number("12 "));
    CHECK_FALSE(to_number(""));
    CHECK(to_number<std::uint64_t>("4294967328") == 4294967328u);
}

TEST_CASE("a text is fitted to columns, wide characters taking two") {
    CHECK(columns("\xe6\x97\xa5\xe6\x9c\xac") == 4);
    CHECK(fitted("abcdef", 4) == "abc\xe2\x80\xa6");
    CHECK(columns(fitted("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4)) <= 4);
    CHECK(fitted("abc", 3) == "abc");
    CHECK(fitted("abc", 0).empty());
}

TEST_CASE("cut takes what stands before the separator") {
    std::string_view rest = "a;b;;c";
    CHECK(cut(rest, ';') == "a");
    CHECK(cut(rest, ';') == "b");
    CHECK(cut(rest, ';').empty());
    CHECK(cut(rest, ';') == "c");
    CHECK(rest.empty());
}
