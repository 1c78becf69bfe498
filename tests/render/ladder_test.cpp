// The ladder as structure and as text. Golden figures lie in tests/render/golden; to write them
// anew after a change that was meant: SIPANA_WRITE_GOLDEN=1 build/.../render_test -tc='*golden*',
// then look.
#include "libsipana/render/ladder.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "libsipana/base/text.h"
#include "libsipana/render/render.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;
using analysis::Call;

namespace {

template <typename Kind>
std::vector<const Kind*> rows_of(const Ladder& ladder) {
    std::vector<const Kind*> out;
    for (const Row& row : ladder.rows)
        if (const auto* what = std::get_if<Kind>(&row.what)) out.push_back(what);
    return out;
}

Ladder ladder_of(const Call& call) {
    const Call* one[] = {&call};
    return build_ladder(one);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

void compare_with_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(SIPANA_ROOT) + "/tests/render/golden/" + name;
    if (std::getenv("SIPANA_WRITE_GOLDEN") != nullptr) {
        std::ofstream(path, std::ios::binary) << text;
        return;
    }
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path);
    std::ostringstream golden;
    golden << file.rdbuf();
    CHECK_MESSAGE(text == golden.str(), name << " differs; now it is\n" << text);
}

// A message without SDP that its ladder can read.
std::string plain_message(std::string_view start_line, std::string_view cseq,
                          std::string_view id = "x") {
    return sample::sip({start_line, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
                        "From: <sip:a@a>;tag=1", "To: <sip:b@b>", "Call-ID: " + std::string(id),
                        "CSeq: " + std::string(cseq)});
}

// What stands at the arrow of a NOTIFY with this body.
std::string notify_detail(std::string_view event, std::string_view type, std::string_view body) {
    Call call = sample::busy_call();
    auto notify = call.messages[0];
    const std::string text = fmt::format(
        "NOTIFY sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
        "From: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: x\r\n"
        "CSeq: 1 NOTIFY\r\nEvent: {}\r\nContent-Type: {}\r\n"
        "Content-Length: {}\r\n\r\n{}",
        event, type, body.size(), body);
    notify.method = sip::Method::notify;
    notify.method_name = "NOTIFY";
    notify.text = text;
    call.messages = {notify};
    const Ladder ladder = ladder_of(call);
    return rows_of<Arrow>(ladder).back()->detail;
}

}  // namespace

TEST_CASE("a call between two phones: two columns, each message an arrow, media paired") {
    const Call call = sample::answered_call();
    const Ladder ladder = ladder_of(call);
    REQUIRE(ladder.participants.size() == 2);
    CHECK(ladder.participants[0].name == "alice");
    CHECK(ladder.participants[0].role == Role::caller);
    CHECK(ladder.participants[0].address == "192.0.2.10:5060");
    CHECK(ladder.participants[1].name == "bob");
    CHECK(ladder.participants[1].role == Role::callee);
    CHECK(ladder.participants[1].agent == "baresip v1.0.0 (x86_64/linux)");
    const auto arrows = rows_of<Arrow>(ladder);
    REQUIRE(arrows.size() == call.messages.size());
    CHECK(arrows[0]->label == "INVITE (SDP)");
    CHECK(arrows[0]->detail == "offer: audio PCMU PCMA, video H264");
    CHECK(arrows[0]->repeats == 1);
    CHECK(arrows[1]->retransmission);
    CHECK(arrows[1]->repeat == 1);
    CHECK(arrows[4]->label == "200 OK (SDP)");
    CHECK(arrows[4]->detail == "answer: audio PCMU, video H264");
    CHECK(arrows[4]->tone == Tone::success);
    CHECK(arrows[4]->from == 1);
    CHECK(arrows[4]->delta == std::chrono::milliseconds{4197});
    const auto lanes = rows_of<MediaLane>(ladder);
    REQUIRE(lanes.size() == 2);
    CHECK(lanes[0]->label == "audio PCMU");
    REQUIRE(lanes[0]->ways.size() == 2);
    CHECK(lanes[0]->ways[1].lost == 3);
    CHECK(lanes[1]->label == "video H264");
    const auto digits = rows_of<Digits>(ladder);
    REQUIRE(digits.size() == 1);
    CHECK(digits[0]->digits == "123#");
    const auto notes = rows_of<Note>(ladder);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0]->kind == Note::Kind::hold);
    CHECK(notes[0]->text == "alice puts the call on hold");
    CHECK(rows_of<Pause>(ladder).size() == 4);
}

TEST_CASE("two legs through a B2BUA are one figure of three columns that names its evidence") {
    const auto [a, b] = sample::b2bua_calls();
    const Call* both[] = {&a, &b};
    const Ladder ladder = build_ladder(both);
    REQUIRE(ladder.participants.size() == 3);
    CHECK(ladder.participants[0].role == Role::caller);
    CHECK(ladder.participants[1].role == Role::b2bua);
    CHECK(ladder.participants[1].name == "PBX");
    CHECK(ladder.participants[2].role == Role::callee);
    const auto notes = rows_of<Note>(ladder);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0]->kind == Note::Kind::leg);
    CHECK(notes[0]->text.find("same numbers") != std::string::npos);
    for (std::size_t i = 1; i < ladder.rows.size(); ++i)
        CHECK(ladder.rows[i - 1].time <= ladder.rows[i].time);

    SUBCASE("names of the capture stand where no user is known") {
        const std::pair<Address, std::string> names[] = {
            {sample::ep("192.0.2.1:1").address, "pbx.example"}};
        CHECK(build_ladder(both, names).participants[1].name == "pbx.example");
    }
    SUBCASE("figure_of finds the leg from either call, and nothing else") {
        const analysis::Report report = sample::report();
        CHECK(figure_of(report, 2).size() == 2);
        CHECK(figure_of(report, 3).size() == 2);
        CHECK(figure_of(report, 3)[0] == &report.calls[2]);
        CHECK(figure_of(report, 0).size() == 1);
        CHECK(figure_of(report, 99).empty());
    }
}

TEST_CASE("who is called in one leg and calls in another under one name is a telephone, no PBX") {
    auto [a, b] = sample::b2bua_calls();
    b.from.user = a.to.user;
    const Call* both[] = {&a, &b};
    const Ladder ladder = build_ladder(both);
    REQUIRE(ladder.participants.size() == 3);
    CHECK(ladder.participants[1].role == Role::callee);
    CHECK(ladder.participants[1].name == a.to.user);
}

TEST_CASE("calls that nothing ties together are drawn as one where both were asked for") {
    const analysis::Report report = sample::report();
    const std::size_t both[] = {4, 0, 4, 99};
    const auto figure = figure_of(report, both);
    REQUIRE(figure.size() == 2);
    CHECK(figure[0] == &report.calls[0]);
    CHECK(figure[1] == &report.calls[4]);
    const Ladder ladder = build_ladder(figure);
    CHECK(ladder.title.ends_with("(2 calls)"));
    const auto notes = rows_of<Note>(ladder);
    CHECK(std::count_if(notes.begin(), notes.end(), [](const Note* note) {
              return note->kind == Note::Kind::leg && note->text.starts_with("call 2: ");
          }) == 1);
    const std::size_t legs[] = {2};
    CHECK(build_ladder(figure_of(report, legs)).title.ends_with("(2 legs)"));
}

TEST_CASE("RFC 3261 16.6: what passes on another hop is not drawn as sent again") {
    Call call;
    call.kind = analysis::CallKind::invite;
    const Endpoint a = sample::ep("192.0.2.1:5060"), b = sample::ep("192.0.2.2:5060"),
                   c = sample::ep("192.0.2.3:5060"), d = sample::ep("192.0.2.4:5060");
    const std::string invite = plain_message("INVITE sip:b@b SIP/2.0", "1 INVITE");
    sample::add(call, 1, 0, a, b, invite);
    sample::add(call, 2, 0.01, c, d, invite).retransmission = true;  // the same, behind a NAT
    sample::add(call, 3, 0.5, c, d, invite).retransmission = true;
    const Ladder ladder = ladder_of(call);
    const auto arrows = rows_of<Arrow>(ladder);
    REQUIRE(arrows.size() == 3);
    CHECK_FALSE(arrows[1]->retransmission);
    CHECK(arrows[1]->repeats == 1);
    CHECK(arrows[2]->retransmission);
    CHECK(arrows[2]->repeat == 1);
    REQUIRE(ladder.participants.size() == 4);
    CHECK(ladder.participants[2].role == Role::caller);
    CHECK(ladder.participants[3].role == Role::callee);
}

TEST_CASE("RFC 3261 16.6: a forking proxy has a column, each branch another, the fork is noted") {
    const Call call = sample::forked_call();
    const Ladder ladder = ladder_of(call);
    REQUIRE(ladder.participants.size() == 4);
    CHECK(ladder.participants[1].role == Role::proxy);
    CHECK(ladder.participants[1].agent == "kamailio (5.6.3 (x86_64/linux))");
    CHECK(ladder.participants[2].agent == "Snom/8.7");
    CHECK(ladder.participants[0].agent == "Zoiper rv2.10");
    const auto notes = rows_of<Note>(ladder);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0]->kind == Note::Kind::fork);
    CHECK(notes[0]->text == "forked: dialog 2 of 2, To tag tc");
}

TEST_CASE("a response that is not to the last request says to which it is") {
    Call call;
    call.kind = analysis::CallKind::invite;
    const Endpoint a = sample::ep("192.0.2.1:5060"), b = sample::ep("192.0.2.2:5060");
    sample::add(call, 1, 0, a, b, plain_message("INVITE sip:b@b SIP/2.0", "1 INVITE"));
    sample::add(call, 2, 1, b, a, plain_message("SIP/2.0 180 Ringing", "1 INVITE"));
    sample::add(call, 3, 2, a, b, plain_message("CANCEL sip:b@b SIP/2.0", "1 CANCEL"));
    sample::add(call, 4, 2.1, b, a, plain_message("SIP/2.0 200 OK", "1 CANCEL"));
    sample::add(call, 5, 2.2, b, a, plain_message("SIP/2.0 487 Request Terminated", "1 INVITE"));
    sample::add(call, 6, 2.3, b, a, plain_message("SIP/2.0 200 OK", "1 INVITE")).has_sdp = true;
    const Ladder ladder = ladder_of(call);
    const auto arrows = rows_of<Arrow>(ladder);
    REQUIRE(arrows.size() == 6);
    CHECK(arrows[1]->label == "180 Ringing");
    CHECK(arrows[3]->label == "200 OK");
    CHECK(arrows[4]->label == "487 Request Terminated (INVITE)");
    CHECK(arrows[5]->label == "200 OK (INVITE, SDP)");
}

TEST_CASE("trap 37: messages with one and the same time are all drawn, in capture order") {
    Call call;
    call.kind = analysis::CallKind::invite;
    const Endpoint a = sample::ep("192.0.2.1:5060"), b = sample::ep("192.0.2.2:5060");
    sample::add(call, 1, 0, a, b, plain_message("INVITE sip:b@b SIP/2.0", "1 INVITE"));
    sample::add(call, 2, 0, b, a, plain_message("SIP/2.0 100 Trying", "1 INVITE"));
    sample::add(call, 2, 0, b, a, plain_message("SIP/2.0 180 Ringing", "1 INVITE"));
    sample::add(call, 2, 0, b, a, plain_message("SIP/2.0 200 OK", "1 INVITE"));
    for (auto& m : call.messages) m.time = Time{};  // a capture without times
    const Ladder ladder = ladder_of(call);
    const auto arrows = rows_of<Arrow>(ladder);
    REQUIRE(arrows.size() == 4);
    CHECK(arrows[1]->label == "100 Trying");
    CHECK(arrows[2]->label == "180 Ringing");
    CHECK(arrows[3]->label == "200 OK");
}

TEST_CASE("two ports of one host that talk to each other are two columns") {
    Call call;
    call.kind = analysis::CallKind::invite;
    const Endpoint a = sample::ep("127.0.0.1:5061"), b = sample::ep("127.0.0.1:5062");
    sample::add(call, 1, 0, a, b, plain_message("INVITE sip:b@b SIP/2.0", "1 INVITE"));
    sample::add(call, 2, 0.1, b, a, plain_message("SIP/2.0 200 OK", "1 INVITE"));
    call.caller = a;
    call.callee = b;
    call.streams.push_back(
        sample::stream("127.0.0.1:4000", "127.0.0.1:4002", 1, "PCMU", 1, 2, 0, "x", true, 3));
    call.streams.push_back(
        sample::stream("127.0.0.1:4002", "127.0.0.1:4000", 2, "PCMU", 1, 2, 0, "x", false, 4));
    const Ladder ladder = ladder_of(call);
    REQUIRE(ladder.participants.size() == 2);
    CHECK(ladder.participants[0].address == "127.0.0.1:5061");
    const auto lanes = rows_of<MediaLane>(ladder);
    REQUIRE(lanes.size() == 1);
    CHECK(lanes[0]->from == 0);
    CHECK(lanes[0]->to == 1);
    CHECK(lanes[0]->ways.size() == 2);

    SUBCASE("RFC 3261 18.2.2: over TCP the port that the Via names stands for the connection's") {
        for (auto& m : call.messages) m.transport = Transport::tcp;
        const std::string bye = sample::sip(
            {"BYE sip:b@b SIP/2.0", "Via: SIP/2.0/TCP 127.0.0.1:5061;branch=z9hG4bK2",
             "From: <sip:a@a>;tag=1", "To: <sip:b@b>;tag=2", "Call-ID: x", "CSeq: 2 BYE"});
        const Endpoint connection = sample::ep("127.0.0.1:40123");
        sample::add(call, 5, 3, connection, b, bye).transport = Transport::tcp;
        sample::add(call, 6, 3.1, b, connection, plain_message("SIP/2.0 200 OK", "2 BYE"))
            .transport = Transport::tcp;
        const Ladder over_tcp = ladder_of(call);
        CHECK(over_tcp.participants.size() == 2);
        CHECK(rows_of<Arrow>(over_tcp)[2]->from == 0);
    }
}

TEST_CASE("a host that speaks RTP only stands between those that it speaks with") {
    Call call = sample::busy_call();
    call.streams.push_back(sample::stream("[2001:db8::10]:4000", "[2001:db8::99]:5000", 1, "PCMU",
                                          31, 32, 0, call.call_id, true, 27));
    const Ladder ladder = ladder_of(call);
    REQUIRE(ladder.participants.size() == 3);
    CHECK(ladder.participants[1].role == Role::media);
    CHECK(ladder.participants[1].address == "2001:db8::99");
    CHECK(rows_of<MediaLane>(ladder)[0]->to == 1);
}

TEST_CASE("a copy that the capture made is counted at its arrow and not drawn again") {
    Call call = sample::busy_call();
    call.messages[1].capture_duplicate = false;
    auto copy = call.messages[1];
    copy.capture_duplicate = true;
    copy.frame = 22;
    call.messages.insert(call.messages.begin() + 2, copy);
    const Ladder ladder = ladder_of(call);
    const auto arrows = rows_of<Arrow>(ladder);
    REQUIRE(arrows.size() == 7);
    CHECK(arrows[1]->seen_again == 1);
}

TEST_CASE("a flow longer than the cap is cut, and says by how much") {
    Call call;
    call.kind = analysis::CallKind::options;
    const Endpoint a = sample::ep("192.0.2.1:5060"), b = sample::ep("192.0.2.2:5060");
    const std::string text = plain_message("OPTIONS sip:b@b SIP/2.0", "1 OPTIONS");
    sample::add(call, 1, 0, a, b, text);
    const auto first = call.messages[0];
    for (std::uint64_t i = 0; i < max_ladder_rows + 100; ++i) {
        auto m = first;
        m.frame = 2 + i;
        m.cseq = static_cast<std::uint32_t>(2 + i);
        call.messages.push_back(m);
    }
    const Ladder ladder = ladder_of(call);
    CHECK(ladder.rows.size() == max_ladder_rows);
    CHECK(ladder.omitted == 101);
    const Call* one[] = {&call};
    CHECK(ladder_text(one, {}).find("101 more rows are not drawn") != std::string::npos);
}

TEST_CASE("more hosts than columns share the last column") {
    Call call;
    call.kind = analysis::CallKind::options;
    for (std::uint32_t i = 0; i < 100; ++i)
        sample::add(call, i + 1, i, {Address::v4(0xc0000201u + i), 5060},
                    {Address::v4(0xc0000301u), 5060},
                    plain_message("OPTIONS sip:b@b SIP/2.0", "1 OPTIONS"));
    const Ladder ladder = ladder_of(call);
    CHECK(ladder.participants.size() == max_ladder_columns);
    CHECK(ladder.participants.back().role == Role::others);
    CHECK(ladder.participants.back().others == 101 - (max_ladder_columns - 1));
    CHECK(rows_of<Arrow>(ladder).size() == 100);
}

TEST_CASE("a call without messages is still a figure, and so is no call") {
    Call call;
    call.kind = analysis::CallKind::invite;
    call.caller = sample::ep("192.0.2.1:5060");
    call.callee = sample::ep("192.0.2.2:5060");
    CHECK(ladder_of(call).participants.size() == 2);
    CHECK(ladder_of(Call{}).participants.size() == 1);
    CHECK_FALSE(ladder_text({}, {}).empty());
    CHECK_FALSE(ladder_mermaid({}).empty());
}

TEST_CASE("SIP INFO digits are told at the INFO's arrow") {
    Call call = sample::busy_call();
    auto info = call.messages[2];
    info.method = sip::Method::info;
    info.method_name = "INFO";
    info.frame = 77;
    info.time = sample::at(31);
    call.messages.push_back(info);
    call.digits.push_back(
        {'5', analysis::DigitSource::sip_info, sample::at(31), Duration{}, 0, true, 77});
    const Ladder ladder = ladder_of(call);
    CHECK(rows_of<Digits>(ladder).empty());
    CHECK(rows_of<Arrow>(ladder).back()->detail == "digit 5");
}

TEST_CASE("RFC 5168: that a key frame is asked for is told at the INFO's arrow") {
    Call call = sample::busy_call();
    auto info = call.messages[2];
    info.method = sip::Method::info;
    info.method_name = "INFO";
    info.frame = 77;
    info.time = sample::at(31);
    info.text = call.texts.keep(
        "INFO sip:bob@b.example SIP/2.0\r\nContent-Type: application/media_control+xml\r\n\r\n"
        "<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></"
        "vc_primitive>"
        "</media_control>");
    call.messages.push_back(info);
    CHECK(rows_of<Arrow>(ladder_of(call)).back()->detail == "asks for a key frame");
}

TEST_CASE("RFC 3842 5.2: what is in a voice mail box is told at the NOTIFY's arrow") {
    const auto detail = [](std::string_view type, std::string_view text) {
        return notify_detail("message-summary", type, text);
    };
    constexpr std::string_view summary = "application/simple-message-summary";
    CHECK(detail(summary,
                 "Messages-Waiting: yes\r\nMessage-Account: sip:b@b\r\n"
                 "Voice-Message: 2/8 (0/2)\r\n") == "Event: message-summary, 2 new, 8 old");
    CHECK(detail(summary, "Messages-Waiting: yes\r\n") ==
          "Event: message-summary, messages waiting");
    CHECK(detail(summary, "Messages-Waiting: no\r\nVoice-Message: a/b\r\n") ==
          "Event: message-summary, no messages waiting");
    CHECK(detail(summary, "") == "Event: message-summary");
    CHECK(detail("text/plain", "Voice-Message: 2/8\r\n") == "Event: message-summary");
}

TEST_CASE("RFC 3515 2.4.4: how a REFER went is told at the NOTIFY's arrow") {
    CHECK(notify_detail("refer;id=3", "message/sipfrag;version=2.0",
                        "SIP/2.0 486 Busy Here\r\nTo: x\r\n") ==
          "Event: refer;id=3, 486 Busy Here");
    CHECK(notify_detail("refer", "message/sipfrag", "SIP/2.0 200 OK") == "Event: refer, 200 OK");
    CHECK(notify_detail("refer", "message/sipfrag", "200 OK\r\n") == "Event: refer");
    CHECK(notify_detail("refer", "text/plain", "SIP/2.0 200 OK\r\n") == "Event: refer");
}

TEST_CASE("durations are printed short, from nanoseconds to hours") {
    CHECK(short_duration(Duration{}) == "0.00 ms");
    CHECK(short_duration(std::chrono::microseconds{1250}) == "1.25 ms");
    CHECK(short_duration(std::chrono::milliseconds{340}) == "340 ms");
    CHECK(short_duration(std::chrono::milliseconds{999}) == "999 ms");
    CHECK(short_duration(std::chrono::milliseconds{1000}) == "1.0 s");
    CHECK(short_duration(std::chrono::milliseconds{59'970}) == "1:00 min");
    CHECK(short_duration(std::chrono::seconds{125}) == "2:05 min");
    CHECK(short_duration(std::chrono::seconds{3599} + std::chrono::milliseconds{600}) ==
          "1:00:00 h");
    CHECK(short_duration(std::chrono::seconds{3725}) == "1:02:05 h");
    CHECK(short_duration(-std::chrono::seconds{5}) == "-5.0 s");
    CHECK_FALSE(short_duration(Duration::min()).empty());
}

TEST_CASE("text ladders fit every width from 40 to 400 columns, in Unicode and in ASCII") {
    const analysis::Report report = sample::report();
    std::vector<const Call*> everything;
    for (const Call& call : report.calls) everything.push_back(&call);
    std::vector<std::vector<const Call*>> figures{everything};
    for (std::size_t i = 0; i < report.calls.size(); ++i) figures.push_back(figure_of(report, i));
    for (const std::size_t width : {40u, 41u, 60u, 71u, 72u, 80u, 99u, 100u, 120u, 200u, 400u})
        for (const bool unicode : {true, false})
            for (const auto& figure : figures) {
                Style style;
                style.width = width;
                style.unicode = unicode;
                const std::string text = ladder_text(figure, style, report.names);
                for (const std::string& line : lines_of(text)) {
                    CHECK_MESSAGE(columns(line) <= width, width << ": " << line);
                    CHECK(printable(line) == line);
                    CHECK((line.empty() || line.back() != ' '));
                    if (!unicode)
                        for (const char c : line) CHECK(static_cast<unsigned char>(c) < 0x80);
                }
            }
    Style narrow;
    narrow.width = 1;  // taken for 40
    CHECK(ladder_text(figures[1], narrow) == [&] {
        narrow.width = 40;
        return ladder_text(figures[1], narrow);
    }());
}

TEST_CASE("names in any script fit their heads and arrows at every width") {
    for (const std::string_view name :
         {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe5\x90\x8d\xe5\x89\x8d",
          "e\xcc\x81\xcc\x82\xcc\x83tienne", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
          "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"}) {
        Call call = sample::answered_call();
        call.from.user = call.to.user = name;
        const Call* one[] = {&call};
        for (std::size_t width = 40; width <= 200; width += 7) {
            Style style;
            style.width = width;
            for (const std::string& line : lines_of(ladder_text(one, style))) {
                CAPTURE(line);
                CHECK(columns(line) <= width);
                CHECK(valid_utf8(line) == line);
            }
        }
    }
}

TEST_CASE("every message is an arrow with its way and its name at every width") {
    const analysis::Report report = sample::report();
    for (std::size_t i = 0; i < report.calls.size(); ++i)
        for (std::size_t width = 40; width <= 200; width += 4) {
            const auto figure = figure_of(report, i);
            const auto drawn = rows_of<Arrow>(build_ladder(figure)).size();
            Style style;
            style.width = width;
            std::size_t seen = 0;
            for (const std::string& line : lines_of(ladder_text(figure, style))) {
                const auto holds = [&line](std::string_view part) {
                    return line.find(part) != line.npos;
                };
                const bool lane = holds("\xe2\x95\x90") || holds("\xe2\x94\x84");  // double, dotted
                seen += !lane && (holds("\xe2\x96\xb6") || holds("\xe2\x97\x80"));
            }
            CAPTURE(i);
            CAPTURE(width);
            CHECK(seen == drawn);
        }
}

TEST_CASE("a ladder says what its marks stand for") {
    Call call = sample::busy_call();
    call.findings.clear();
    for (const std::uint64_t frame : {call.messages[0].frame, call.messages[1].frame})
        call.findings.push_back(
            {"sip-x", Severity::warning, frame, 0, "something odd", "RFC 3261 8"});
    call.findings.push_back({"sip-y", Severity::note, call.messages[2].frame, 0, "no matter", ""});
    const Call* one[] = {&call};
    const std::string text = ladder_text(one, {});
    CHECK(text.find(fmt::format("! frames {}, {}: something odd (RFC 3261 8)\n",
                                call.messages[0].frame, call.messages[1].frame)) != text.npos);
    CHECK(text.find("no matter") == text.npos);
    for (int i = 0; i < 10; ++i)
        call.findings.push_back({"sip-z", Severity::error, 0, 0, std::to_string(i), ""});
    CHECK(ladder_text(one, {}).find("! 5 more: see sipana check\n") != std::string::npos);
}

TEST_CASE(
    "RFC 3261 7.2: a final response without a reason phrase is told with the registered one") {
    Call call = sample::answered_call();
    const Call* const one[] = {&call};
    call.final_code = 486;
    call.final_reason = {};
    CHECK(build_ladder(one).title.find("486 Busy Here") != std::string::npos);
    call.final_code = 499;  // registered for nothing
    CHECK(build_ladder(one).title.find(", 499,") != std::string::npos);
}

TEST_CASE("colours come only when asked for, and are taken back on each line") {
    const Call call = sample::answered_call();
    const Call* one[] = {&call};
    CHECK(ladder_text(one, {}).find('\x1b') == std::string::npos);
    Style style;
    style.color = true;
    std::string bare;
    for (const std::string& line : lines_of(ladder_text(one, style))) {
        bool open = false;
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (line[i] != '\x1b') {
                bare += line[i];
                continue;
            }
            const auto end = line.find('m', i);
            REQUIRE(end != std::string::npos);
            open = line.substr(i, end - i) != "\x1b[0";
            i = end;
        }
        CHECK_FALSE(open);
        bare += '\n';
    }
    CHECK(bare == ladder_text(one, {}));
}

TEST_CASE("trap 77: terminal escapes, bidi controls and NUL reach no ladder raw") {
    const Call call = sample::hostile_call();
    const Call* one[] = {&call};
    Style style;
    style.width = 400;
    for (const std::string& line : lines_of(ladder_text(one, style))) {
        CHECK(printable(line) == line);
        CHECK(valid_utf8(line) == line);
    }
}

TEST_CASE("golden ladders: the same bytes for the same model") {
    const analysis::Report report = sample::report();
    const auto draw = [&](std::size_t index, std::size_t width, bool unicode) {
        Style style;
        style.width = width;
        style.unicode = unicode;
        return ladder_text(figure_of(report, index), style, report.names);
    };
    compare_with_golden("answered-80.txt", draw(0, 80, true));
    compare_with_golden("answered-120.txt", draw(0, 120, true));
    compare_with_golden("answered-60-ascii.txt", draw(0, 60, false));
    compare_with_golden("busy-80.txt", draw(1, 80, true));
    compare_with_golden("b2bua-80.txt", draw(2, 80, true));
    compare_with_golden("b2bua-160.txt", draw(2, 160, true));
    compare_with_golden("forked-80.txt", draw(4, 80, true));
    compare_with_golden("forked-40.txt", draw(4, 40, true));
    compare_with_golden("registration-80.txt", draw(5, 80, true));
    compare_with_golden("hostile-80.txt", draw(6, 80, true));
}
