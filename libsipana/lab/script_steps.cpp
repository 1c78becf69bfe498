#include "libsipana/lab/script_steps.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/lab/script_declarations.h"

namespace sipana::lab {
namespace {

enum class Side : std::uint8_t { phone, server };

struct End {  // of an arrow
    std::string name, call;
    Side side = Side::phone;
};

bool read_end(LineReader& in, const Script& script, End& end) {
    const Word* w = in.take();
    if (!w) return in.expected(parties_of(script));
    if (!cut_call(w->text, end.name, end.call))
        return in.expected_at(*w, "a name, or a phone and its call (alice/consult)");
    if (script.phone(end.name)) return true;
    end.side = Side::server;
    if (!script.server(end.name))
        return in.expected_at(*w, parties_of(script), party_names(script));
    if (end.call.empty()) return true;
    return in.fail_at(*w, fmt::format("expected a phone before '/', \"{}\" is a server", end.name));
}

Step step_of(const LineReader& in, const StepPlace& place, const End& who, const End& peer) {
    Step s;
    s.where = in.line().where;
    s.text = text_of(in.line());
    s.phone = who.name;
    s.call = who.call;
    s.peer = peer.name;
    s.block = place.block;
    return s;
}

bool add(LineReader& in, const StepPlace& place, Step step) {
    if (!in.end()) return false;
    place.steps.push_back(std::move(step));
    return true;
}

// A -> B between two of our own phones: one sends, the other expects just that.
bool read_pair(LineReader& in, const StepPlace& place, const End& from, const End& to) {
    Step out = step_of(in, place, from, to), back = step_of(in, place, to, from);
    Send send;
    Expect expect;
    if (!read_send(in, place, send, &expect)) return false;
    expect.any_of = patterns_of(send);
    if (const auto* r = std::get_if<Response>(&send.what); r != nullptr)
        expect.for_method = send.to;
    const bool heard = !expect.any_of.empty();
    out.what = std::move(send);
    if (!add(in, place, std::move(out))) return false;
    if (!heard) return true;
    back.what = std::move(expect);
    return add(in, place, std::move(back));
}

bool read_message_line(LineReader& in, const StepPlace& place, const End& from, const Word& arrow,
                       const End& to) {
    const bool sends = from.side == Side::phone && !arrow.is("|->");
    const bool expects = to.side == Side::phone && !arrow.is("->|");
    if (sends && expects) return read_pair(in, place, from, to);
    if (sends) {
        Step s = step_of(in, place, from, to);
        Send send;
        if (!read_send(in, place, send, nullptr)) return false;
        s.what = std::move(send);
        return add(in, place, std::move(s));
    }
    if (!expects)
        return in.fail_at(arrow,
                          "expected a phone on the left of ->| (it sends, nobody waits for it) "
                          "or on the right of |-> (it waits)");
    Step s = step_of(in, place, to, from);
    Expect expect;
    if (!read_expect(in, expect)) return false;
    s.what = std::move(expect);
    return add(in, place, std::move(s));
}

bool read_media_line(LineReader& in, const StepPlace& place, const End& from, const Word& arrow,
                     const End& to) {
    const bool both = arrow.is("<>");
    if (from.side == Side::server && !(both && to.side == Side::phone))
        return in.fail_at(
            arrow, fmt::format("expected a phone that sends the media, {} is a server", from.name));
    MediaStep media;
    if (!read_media(in, media)) return false;
    // Both ways at the same time: two steps that need no order between them.
    const bool two = both && from.side == Side::phone && to.side == Side::phone;
    const std::uint32_t block = two && place.block == 0 ? ++place.last_block : place.block;
    const bool turned = from.side == Side::server;
    Step s = turned ? step_of(in, place, to, from) : step_of(in, place, from, to);
    s.what = media;
    s.block = block;
    if (!add(in, place, std::move(s))) return false;
    if (!two) return true;
    Step back = step_of(in, place, to, from);
    back.what = media;
    back.block = block;
    return add(in, place, std::move(back));
}

bool read_pause(LineReader& in, Pause& p) {
    const Word* w = in.peek();
    if (!w || w->quoted || w->text.find("..") == std::string::npos) {
        if (!in.duration(p.shortest)) return false;
        p.longest = p.shortest;
        return true;
    }
    const auto dots = w->text.find("..");
    const auto a = parse_duration(std::string_view(w->text).substr(0, dots));
    const auto b = parse_duration(std::string_view(w->text).substr(dots + 2));
    if (!a || !b || *a > *b) return in.expected("a range of durations, the shorter first (1s..2s)");
    p = {*a, *b};
    return in.take() != nullptr;
}

// goto LABEL [if LEFT is [not] RIGHT] [chance P%]
bool read_jump(LineReader& in, Jump& j) {
    if (!in.name(j.label, "a label")) return false;
    if (in.keyword("if")) {
        const Word* w = in.peek();
        if (!in.text(j.left, "a value such as \"{name}\"") || !in.must("is")) return false;
        j.unequal = in.keyword("not");
        if (!in.text(j.right, "a value to compare with")) return false;
        if (j.left.empty() && j.right.empty())
            return in.fail_at(*w, "expected values that could differ, got two empty ones");
    }
    return !in.keyword("chance") || in.percent(j.chance);
}

}  // namespace

bool is_arrow(const Word& word) {
    return word.is("->") || word.is("<>") || word.is("=>") || word.is("->|") || word.is("|->");
}

bool read_arrow_line(LineReader& in, const StepPlace& place) {
    const Word& first = *in.peek();
    End from, to;
    if (!read_end(in, place.script, from)) return false;
    const Word& arrow = *in.take();
    if (!read_end(in, place.script, to)) return false;
    if (from.side == Side::server && to.side == Side::server)
        return in.fail_at(
            first, fmt::format("expected one of our phones at an end of the arrow: {} and {} are "
                               "servers, what they say to each other is not ours to script",
                               from.name, to.name));
    if (from.name == to.name && from.call == to.call)
        return in.fail_at(
            first, fmt::format("expected two different ends, {} speaks to itself", from.name));
    if (arrow.is("<>") || arrow.is("=>")) return read_media_line(in, place, from, arrow, to);
    return read_message_line(in, place, from, arrow, to);
}

const std::vector<std::string_view>& phone_words_of_steps() {
    static const std::vector<std::string_view> words{"pauses", "label", "goto", "lets"};
    return words;
}

bool read_phone_line(LineReader& in, const StepPlace& place) {
    End who;
    if (!read_end(in, place.script, who)) return false;
    Step s = step_of(in, place, who, {});
    if (in.keyword("pauses")) {
        Pause p;
        if (!read_pause(in, p)) return false;
        s.what = p;
    } else if (in.keyword("label")) {
        Label l;
        if (!in.name(l.name, "a label")) return false;
        s.what = std::move(l);
    } else if (in.keyword("goto")) {
        Jump j;
        if (!read_jump(in, j)) return false;
        s.what = std::move(j);
    } else if (in.keyword("lets")) {
        Assign a;
        if (!in.name(a.name, "a name") || !in.must("=") || !in.text(a.value, "a value"))
            return false;
        s.what = std::move(a);
    }
    return add(in, place, std::move(s));
}

bool cut_call(std::string_view word, std::string& name, std::string& call) {
    std::string_view rest = word;
    name = cut(rest, '/');
    call = rest;
    const bool cut_here = name.size() != word.size();
    return is_name(name) && (!cut_here || is_name(call));
}

std::vector<Pattern> patterns_of(const Send& send) {
    if (const auto* r = std::get_if<Request>(&send.what)) return {{r->method, 0, 0}};
    if (const auto* r = std::get_if<Response>(&send.what)) return {{"", r->code, r->code}};
    const auto& raw = std::get<Raw>(send.what);
    if (!raw.is_template) return {};
    std::string_view rest = raw.text;
    const std::string_view first = cut(rest, ' ');
    if (first != "SIP/2.0") return {{std::string(first), 0, 0}};
    const int code = to_number<int>(rest.substr(0, 3)).value_or(0);
    return {{"", code, code}};
}

}  // namespace sipana::lab
