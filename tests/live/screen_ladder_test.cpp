#include "libsipana/live/screen_ladder.h"

#include <doctest/doctest.h>

#include "libsipana/live/screen_streams.h"
#include "tests/live/screen_sample.h"

using namespace sipana;
using namespace sipana::live;
using Name = Key::Name;

namespace {

// The ladder of the sample's answered call, which is the first.
struct Answered : ScreenSample {
    Answered() { press({Key::of(Name::home), Key::of(Name::enter)}); }
};

}  // namespace

TEST_CASE("Ladder at 80x24: the figure alone; Enter shows the message") {
    Answered screen;
    std::string page = screen.page();
    CAPTURE(page);
    CHECK(has(line_of(page, 0), "alice → bob"));
    CHECK(has(page, "192.0.2.10:5060"));
    CHECK(has(page, "├"));
    CHECK(has(page, "INVITE (SDP)"));
    CHECK_FALSE(has(page, "Max-Forwards"));
    screen.press(Name::enter);
    page = screen.page();
    CHECK(has(line_of(page, 0), "INVITE, message 1 of"));
    CHECK(has(page, "Max-Forwards: 70"));
    screen.press(Name::right);
    CHECK(has(line_of(screen.page(), 0), "message 2 of"));
}

TEST_CASE("Ladder at 200x50: message beside it, with the media and its losses") {
    Answered screen;
    std::string page = screen.page(200, 50);
    CHECK(has(page, "Max-Forwards: 70"));
    CHECK(has(page, "audio PCMU"));
    CHECK(has(page, "lost ("));
    screen.press('t');
    CHECK_FALSE(has(screen.page(200, 50), "Max-Forwards: 70"));
    screen.press(Name::f3);
    CHECK_FALSE(has(screen.page(200, 50), "lost ("));
}

TEST_CASE("Ladder: moving through it chooses messages and streams only") {
    Answered screen;
    for (int i = 0; i < 3; ++i) screen.press(Name::down);
    CHECK(has(screen.page(200, 50), "SIP/2.0 180 Ringing"));
    screen.press(Name::end);
    CHECK(has(screen.page(200, 50), "CSeq: 231 BYE"));
    screen.press(Name::home);
    CHECK(has(screen.page(200, 50), "CSeq: 1 INVITE"));
}

TEST_CASE(
    "Message: differences to the one before in the same direction, explained, or as it came") {
    Answered screen;
    screen.press(Name::down);  // the retransmission
    screen.press('d');
    CHECK(has(screen.page(200, 50), "the same as frame 1"));
    for (int i = 0; i < 4; ++i) screen.press(Name::down);
    const std::string page = screen.page(200, 60);
    CHECK(has(page, "compared with frame"));
    CHECK(has(page, "~ CSeq:"));
    screen.press('d');
    screen.press('e');
    CHECK(has(screen.page(200, 60), "RFC 3261 20."));
}

TEST_CASE("Message: two that are marked are compared") {
    Answered screen;
    screen.press({Key::of(Name::home), Key::of(' '), Key::of(Name::end), Key::of(' ')});
    const std::string page = screen.page();
    CHECK(has(line_of(page, 0), "compared with INVITE"));
    CHECK(has(page, "- Max-Forwards: 70"));
}

TEST_CASE("Ladder: several marked calls in one figure, and the legs of one") {
    ScreenSample screen;
    screen.press({Key::of(Name::home), Key::of(' '), Key::of(' '), Key::of(Name::enter)});
    std::string page = screen.page(120, 60);
    CHECK(has(page, "486 Busy Here"));
    CHECK(has(page, "180 Ringing"));
    screen.press(Name::escape);
    screen.press({Key::of('u'), Key::of(Name::home), Key::of(Name::down), Key::of(Name::down),
                  Key::of('x')});
    page = screen.page(120, 60);
    CHECK(has(page, "leg 2"));
    screen.press('x');
    CHECK_FALSE(has(screen.page(120, 60), "leg 2"));
}

TEST_CASE("Ladder: follows a call that goes on, until the user goes back in it") {
    ScreenSample screen(false);
    const auto going = [&](std::size_t messages) {
        analysis::Call call = sample::answered_call();
        call.number = 1;
        call.state = analysis::CallState::ringing;
        call.duration.reset();
        call.streams.clear();
        call.messages.resize(messages);
        return call;
    };
    std::size_t messages = 1;
    screen.board.on_going(going(1));
    // Who is asked answers at once here, as the packet thread would.
    screen.board.on_ask([&] {
        screen.board.answer(
            [&](std::uint64_t) { return std::optional<analysis::Call>(going(messages)); },
            [](const std::vector<std::uint64_t>&) {
                return Result<Buffer>(Error{Errc::not_found, 0, ""});
            });
    });
    screen.press(Name::enter);
    CHECK(has(line_of(screen.page(200, 50), 0), "1/1"));
    messages = 5;
    screen.board.on_going(going(5));
    CHECK(has(screen.page(200, 50), "SIP/2.0 200 OK"));
    CHECK(has(line_of(screen.page(200, 50), 0), "following"));
    screen.press(Name::home);
    messages = 6;
    screen.board.on_going(going(6));
    CHECK(has(screen.page(200, 50), "INVITE sip:bob@b.example SIP/2.0"));
}

TEST_CASE("Ladder: a packet thread that does not answer keeps nobody waiting") {
    ScreenSample screen(false);
    analysis::Call call = sample::answered_call();
    call.number = 1;
    call.state = analysis::CallState::ringing;
    screen.board.on_going(std::move(call));
    screen.board.stop();  // look() returns at once, with nothing
    screen.press(Name::enter);
    CHECK(has(screen.page(), "call flow"));
    CHECK(screen.press(Name::escape));
}

TEST_CASE("Streams: a table, what is lost each second, video, RTCP") {
    Answered screen;
    screen.press('m');
    std::string page = screen.page(120, 60);
    CAPTURE(page);
    CHECK(has(page, "192.0.2.10:7078 → 198.51.100.20:10000"));
    CHECK(has(page, "PCMU"));
    CHECK(has(page, "each second of"));
    CHECK(has(page, "jitter"));
    bool video = false;
    for (int i = 0; i < 4; ++i) {
        video |= has(screen.page(120, 60), "video    ");
        screen.press(Name::down);
    }
    CHECK(video);
    for (const char c : screen.page(120, 60, false)) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("Streams: a long stream's seconds are joined, the worst of each") {
    CHECK(thinned({1, 5, 2, 0, 7}, 3) == std::vector<double>{5, 2, 7});
    CHECK(thinned({1, 2}, 5) == std::vector<double>{1, 2});
    CHECK(thinned({}, 5).empty());
}

TEST_CASE("Raw: all messages of what is marked, secrets masked") {
    ScreenSample screen(false);
    analysis::Call call = sample::busy_call();
    const std::string text = sample::sip({"INVITE sip:bob@b.example SIP/2.0", "CSeq: 9 INVITE",
                                          "Authorization: Digest username=\"alice\", "
                                          "response=\"6629fae49393a05397450978507c4ef1\""});
    sample::add(call, 999, 30, call.caller, call.callee, text);
    screen.over(std::move(call));
    screen.press('r');
    const std::string page = screen.page(120, 200);
    CHECK(has(page, "CSeq: 9 INVITE"));
    CHECK(has(page, "response=\"***\""));
    CHECK_FALSE(has(page, "6629fae4"));
}

TEST_CASE("Every page at every size, in UTF-8 and ASCII: no fault, no control, nothing too wide") {
    for (const std::string_view keys : {"", "\n", "\n\n", "\ne", "\nd", "m", "r", "n", "T", "g",
                                        "h", "f", "o", "t", "s", "/a=", "\nm", "\n h"}) {
        CAPTURE(keys);
        ScreenSample screen;
        screen.sight.save = [](std::vector<std::uint64_t>,
                               std::string_view) -> Result<std::string> {
            return std::string("x");
        };
        for (const char c : keys) screen.press({c == '\n' ? Key::of(Name::enter) : Key::of(c)});
        for (const std::size_t width : {1u, 5u, 20u, 21u, 40u, 79u, 80u, 97u, 120u, 200u, 500u})
            for (const std::size_t height : {1u, 4u, 5u, 6u, 8u, 12u, 24u, 60u})
                for (const bool unicode : {true, false}) {
                    const std::string page = screen.page(width, height, unicode);
                    std::size_t rows = 0;
                    for (const char c : page) {
                        rows += c == '\n' ? 1 : 0;
                        REQUIRE((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
                        REQUIRE((unicode || static_cast<unsigned char>(c) < 0x80));
                    }
                    REQUIRE(rows == height);
                    for (std::size_t y = 0; y < height; ++y)
                        REQUIRE(columns(line_of(page, y)) <= width);
                }
    }
}

TEST_CASE("A hostile call: nothing of it comes through raw on any page") {
    ScreenSample screen(false);
    screen.over(sample::hostile_call());
    for (const std::string_view keys : {"", "\n", "\n\n", "\ne", "m", "r", "\nn", "g"}) {
        for (const char c : keys) screen.press({c == '\n' ? Key::of(Name::enter) : Key::of(c)});
        const std::string page = screen.page(160, 60);
        for (const char c : page) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
        for (const std::string_view bad : {"\xe2\x80\xae", "\xc2\x9b", "\x7f"})
            CHECK_FALSE(has(page, bad));
        for (int i = 0; i < 4; ++i) screen.press(Name::escape);
        if (!has(line_of(screen.page(), 23), "Esc Quit")) break;
    }
}
