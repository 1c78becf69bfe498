#include "libsipana/live/screen_canvas.h"

#include <doctest/doctest.h>

#include "libsipana/base/text.h"
#include "libsipana/live/screen_text.h"

using namespace sipana;
using namespace sipana::live;

TEST_CASE("Canvas: controls of the wire never reach a cell") {
    Canvas canvas(60, 1, true);
    canvas.put(0, 0,
               "a\x1b]0;evil\x07"
               "b\xe2\x80\xae"
               "c\x7f"
               "d\x9b"
               "e");
    const std::string text = canvas.text(0);
    CHECK(text.starts_with("a\\x1b]0;evil\\x07b"));
    for (const char c : text) CHECK(static_cast<unsigned char>(c) >= 0x20);
    CHECK(text.find("\xe2\x80\xae") == text.npos);
}

TEST_CASE("Canvas: wide characters take two cells, and half of one that is drawn over is blank") {
    Canvas canvas(8, 1, true);
    canvas.put(0, 0, "\xe5\xb1\xb1\xe7\x94\xb0x");
    CHECK(canvas.row(0)[1].glyph.empty());
    CHECK(canvas.row(0)[4].glyph == "x");
    canvas.put(1, 0, "|");
    CHECK(canvas.row(0)[0].glyph == " ");
    CHECK(canvas.text(0) == " |\xe7\x94\xb0x");
    // One that would run over the edge is left out.
    Canvas narrow(3, 1, true);
    narrow.put(2, 0, "\xe5\xb1\xb1");
    CHECK(columns(narrow.text(0)) <= 3);
}

TEST_CASE("Canvas: combining marks join their character, and a heap of them is cut") {
    Canvas canvas(5, 1, true);
    std::string text = "e";
    for (int i = 0; i < 200; ++i) text += "\xcc\x81";
    canvas.put(0, 0, text + "x");
    CHECK(canvas.row(0)[1].glyph == "x");
    CHECK(canvas.row(0)[0].glyph.size() <= 24);
}

TEST_CASE("Canvas: in ASCII nothing else is there") {
    Canvas canvas(20, 3, false);
    canvas.frame(canvas.whole(), "\xe5\xb1\xb1");
    canvas.put(1, 1, "caf\xc3\xa9 and much more than fits");
    for (const char c : canvas.text()) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("Sparkline: the largest is full, what is there at all is seen, nothing is blank") {
    CHECK(sparkline({0, 0.001, 4, 8}, 0, true) == " \xe2\x96\x81\xe2\x96\x84\xe2\x96\x88");
    CHECK(sparkline({0, 0.001, 4, 8}, 0, false) == " .-#");
    CHECK(sparkline({}, 0, true).empty());
    CHECK(sparkline({0, 0}, 0, true) == "  ");
}

TEST_CASE("Styled text: wrapped lines keep their looks and no line is too wide") {
    render::Style style;
    std::vector<Styled> out;
    wrap_into(out, {{"Via: ", bold_look}, {"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK", {}}}, 20, 4,
              style);
    REQUIRE(out.size() >= 3);
    CHECK(out[0][0].look == bold_look);
    for (const Styled& line : out) {
        std::size_t wide = 0;
        for (const Piece& piece : line) wide += columns(piece.text);
        CHECK(wide <= 20);
    }
    CHECK(out[1][0].text == "    ");
}

TEST_CASE("Field: typing, moving and erasing whole characters") {
    Field field("a\xc3\xa9z");
    field.on_key(Key::of(Key::Name::left));
    field.on_key(Key::of(Key::Name::backspace));
    CHECK(field.text() == "az");
    field.on_key(Key::of('b'));
    CHECK(field.text() == "abz");
    field.on_key(Key::of(Key::Name::home));
    field.on_key(Key::of(Key::Name::erase));
    CHECK(field.text() == "bz");
    CHECK_FALSE(field.on_key(Key::of(Key::Name::enter)));
    for (int i = 0; i < 1000; ++i) field.on_key(Key::of('x'));
    CHECK(field.text().size() <= Field::most_bytes);
}
