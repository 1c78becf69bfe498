// What stands behind an arrow: the message, and the modifiers of a send or an expectation.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/lab/script_declarations.h"
#include "libsipana/lab/script_steps.h"

namespace sipana::lab {
namespace {

constexpr std::uint32_t most_copies = 1000;  // transmissions dropped, doubled or waited for

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_token(std::string_view text) {  // RFC 3261 25.1
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha(c) || is_digit(c) ||
               std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
    });
}

// As the methods of SIP are spelled: no lower case, and no number.
bool is_method(std::string_view text) {
    return is_token(text) && is_alpha(text.front()) && lowered(text) != text &&
           std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::optional<int> status_code(std::string_view text) {
    const auto n = to_number<int>(text);
    return text.size() == 3 && n && *n >= 100 && *n <= 699 ? n : std::nullopt;
}

bool set(bool& flag) { return flag = true, true; }

bool method(LineReader& in, std::string& out) {
    const Word* w = in.peek();
    if (!w || w->quoted || !is_method(w->text)) return in.expected("a method (INVITE, BYE, ...)");
    out = in.take()->text;
    return true;
}

// Of a send and of what is expected of it.
const std::vector<std::string_view>& modifiers() {
    static const std::vector<std::string_view> words = [] {
        std::vector<std::string_view> all = send_words();
        all.insert(all.end(), expect_words().begin(), expect_words().end());
        return all;
    }();
    return words;
}

// TEXT | file NAME
bool text_or_file(LineReader& in, const StepPlace& place, std::string& out, std::string_view what) {
    if (in.keyword("file")) return in.text(out, "a file name") && load_file(in, place.load, out);
    const Word* w = in.peek();
    if (!w || !w->quoted) return in.expected(what);
    out = in.take()->text;
    return true;
}

bool header_line(LineReader& in, HeaderChange::How how, std::vector<HeaderChange>& out) {
    HeaderChange change;
    change.how = how;
    const Word* w = in.peek();
    std::string text;
    if (!in.text(text, how == HeaderChange::How::strip ? "a header field's name"
                                                       : "a header field (\"Name: value\")"))
        return false;
    std::string_view rest = text;
    change.name = trim(cut(rest, ':'));
    const bool colon = text.find(':') != std::string::npos;
    if (!is_token(change.name) || colon == (how == HeaderChange::How::strip))
        return in.expected_at(*w, how == HeaderChange::How::strip
                                      ? "a header field's name"
                                      : "a header field (\"Name: value\")");
    change.value = trim(rest);
    out.push_back(std::move(change));
    return true;
}

bool read_sdp(LineReader& in, const StepPlace& place, SdpWish& sdp) {
    static const std::vector<std::string_view> directions{"sendrecv", "sendonly", "recvonly",
                                                          "inactive"};
    const Word* w = in.peek();
    if (w && (w->quoted || w->is("file"))) {
        sdp.kind = SdpKind::text;
        return text_or_file(in, place, sdp.text, "a description");
    }
    bool any = true;
    if (in.keyword("offer"))
        sdp.kind = SdpKind::offer;
    else if (in.keyword("answer"))
        sdp.kind = SdpKind::answer;
    else if (in.keyword("none"))
        sdp.kind = SdpKind::none;
    else
        any = false;
    w = in.peek();
    if (w && !w->quoted && contains(directions, w->text))
        sdp.direction = in.take()->text, any = true;
    if (in.keyword("codecs")) {
        any = true;
        if (!in.list(sdp.codecs, "codecs (pcmu,pcma)")) return false;
    }
    if (in.keyword("media")) {
        any = true;
        w = in.peek();
        if (!in.list(sdp.media, "audio, video or audio,video")) return false;
        for (const std::string& m : sdp.media)
            if (m != "audio" && m != "video")
                return in.expected_at(*w, "audio, video or audio,video");
    }
    return any || in.expected("offer, answer, none, a direction, codecs, media or a text");
}

bool read_cseq(LineReader& in, Send& send) {
    const Word* w = in.peek();
    std::string_view digits = w ? std::string_view(w->text) : std::string_view{};
    const bool relative = !digits.empty() && (digits.front() == '+' || digits.front() == '-');
    const bool minus = relative && digits.front() == '-';
    if (relative) digits.remove_prefix(1);
    const auto n = to_number<std::uint32_t>(digits);
    if (!n || w->quoted) return in.expected("a number, or a difference to the right one (+1, -1)");
    (relative ? send.cseq_add : send.cseq) = minus ? -std::int64_t{*n} : std::int64_t{*n};
    return in.take() != nullptr;
}

bool read_no(LineReader& in, Send& send, Expect* also) {
    if (in.keyword("retransmission")) return set(send.faults.no_retransmission);
    if (in.keyword("credentials")) return set(send.faults.no_credentials);
    if (!in.next_is("ack")) return in.expected("'ack', 'retransmission' or 'credentials'");
    const bool response = std::holds_alternative<Response>(send.what);
    if (response && !also)
        return in.expected("'no ack' at the INVITE, or where its response is expected");
    in.take();
    (response ? also->no_ack : send.faults.no_ack) = true;
    return true;
}

struct SendContext {
    const StepPlace& place;
    Send& send;
    Expect* also;  // of the phone at the other end
};

bool read_dress(LineReader& in, const SendContext& c) {
    Send& s = c.send;
    if (in.keyword("header")) return header_line(in, HeaderChange::How::add, s.headers);
    if (in.keyword("set")) return header_line(in, HeaderChange::How::set, s.headers);
    if (in.keyword("strip")) return header_line(in, HeaderChange::How::strip, s.headers);
    if (in.keyword("sdp")) return read_sdp(in, c.place, s.sdp);
    if (in.keyword("body")) {
        const Word* w = in.peek();
        if (!w || w->text.find('/') == std::string::npos)
            return in.expected("a body's type (text/plain)");
        s.body_type = in.take()->text;
        return text_or_file(in, c.place, s.body, "a body (\"...\", \"\"\" or file NAME)");
    }
    if (in.keyword("to-tag")) return in.text(s.to_tag, "a tag");
    if (in.keyword("cseq")) return read_cseq(in, s);
    if (in.keyword("refer-to")) return in.text(s.refer_to, "a phone, a number or a URI");
    if (in.keyword("replaces")) return in.text(s.replaces, "a phone's call (alice/consult)");
    if (in.keyword("reliable")) return set(s.reliable);
    if (in.keyword("outside")) return set(s.outside);
    if (in.next_is("for") && std::holds_alternative<Response>(s.what))
        return in.take() && method(in, s.to);
    return false;
}

bool read_fault(LineReader& in, const SendContext& c) {
    Send& s = c.send;
    if (in.keyword("after")) return in.duration(s.after);
    if (in.keyword("delay")) return in.duration(s.faults.delay);
    if (in.keyword("drop"))
        return in.number(s.faults.drop, 1u, most_copies, "how many transmissions (1 or more)");
    if (in.keyword("duplicate"))
        return in.number(s.faults.duplicate, 1u, most_copies, "how many copies (1 or more)");
    if (in.keyword("cut")) {
        std::uint32_t bytes = 0;
        if (!in.number(bytes, 0u, 65535u, "how many bytes remain")) return false;
        s.faults.cut = bytes;
        return true;
    }
    if (in.keyword("no")) return read_no(in, s, c.also);
    if (in.keywords("stale", "nonce")) return set(s.faults.stale_nonce);
    if (in.keywords("wrong", "password")) return set(s.faults.wrong_password);
    return false;
}

bool read_raw(LineReader& in, const StepPlace& place, Send& send) {
    Raw raw;
    raw.is_template = in.next_is("message");
    in.take();
    const Word* w = in.peek();
    if (!text_or_file(in, place, raw.text, "a text (\"...\", \"\"\" or file NAME)")) return false;
    if (raw.is_template) {
        std::string_view rest = raw.text;
        const std::string_view first = cut(rest, ' ');
        const bool response = first == "SIP/2.0" && status_code(rest.substr(0, 3));
        if (!response && !is_method(first))
            return in.fail_at(*w,
                              "expected a message that begins with a method or SIP/2.0 and a code");
    }
    send.what = std::move(raw);
    return true;
}

bool read_what(LineReader& in, const StepPlace& place, Send& send) {
    if (in.next_is("raw") || in.next_is("message")) return read_raw(in, place, send);
    const Word* w = in.peek();
    if (w && !w->quoted && is_method(w->text)) {
        Request r;
        r.method = in.take()->text;
        w = in.peek();
        if (w &&
            (w->quoted || (!contains(send_words(), w->text) && !contains(expect_words(), w->text))))
            r.target = in.take()->text;
        if (w && !w->quoted && !r.target.empty() && !place.script.phone(r.target) &&
            !is_clear_target(r.target))
            return in.expected_at(*w, "a number or a modifier", modifiers());
        send.what = std::move(r);
        return true;
    }
    const auto code = w && !w->quoted ? status_code(w->text) : std::nullopt;
    if (!code)
        return in.expected(
            "a method, a code from 100 to 699, 'raw' or 'message'",
            {"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "SUBSCRIBE",
             "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE", "UPDATE", "raw", "message"});
    in.take();
    Response r;
    r.code = *code;
    if (in.peek() && in.peek()->quoted) r.reason = in.take()->text;
    send.what = std::move(r);
    return true;
}

// 486 | 4xx | 480..489 | INVITE | any; without its question mark
std::optional<Pattern> pattern(std::string_view text) {
    if (text == "any") return Pattern{};
    if (is_method(text)) return Pattern{std::string(text), 0, 0};
    if (const auto code = status_code(text)) return Pattern{"", *code, *code};
    if (text.size() == 3 && text.substr(1) == "xx" && text[0] >= '1' && text[0] <= '6') {
        const int hundreds = (text[0] - '0') * 100;
        return Pattern{"", hundreds, hundreds + 99};
    }
    const auto dots = text.find("..");
    if (dots == text.npos) return std::nullopt;
    const auto first = status_code(text.substr(0, dots)), last = status_code(text.substr(dots + 2));
    if (!first || !last || *first > *last) return std::nullopt;
    return Pattern{"", *first, *last};
}

bool read_patterns(LineReader& in, Expect& e) {
    static constexpr std::string_view what =
        "a method, a code, a class (4xx), a range (480..489), 'any' or 'nothing'";
    std::size_t optional = 0;
    do {
        if (in.keyword("nothing")) {
            e.or_nothing = !e.any_of.empty();
            e.nothing = !e.or_nothing;
            break;
        }
        const Word* w = in.peek();
        if (!w || w->quoted) return in.expected(what);
        const bool asked = w->text.back() == '?';
        const auto p =
            pattern(std::string_view(w->text).substr(0, w->text.size() - (asked ? 1 : 0)));
        if (!p)
            return in.expected(what, {"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS",
                                      "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER",
                                      "MESSAGE", "UPDATE", "any", "nothing"});
        optional += asked ? 1 : 0;
        if (optional != 0 && optional != e.any_of.size() + 1)
            return in.expected("'?' behind each of the alternatives, or behind none");
        e.any_of.push_back(*p);
        in.take();
    } while (in.keyword("or"));
    e.optional = optional != 0;
    if (e.optional && e.or_nothing)
        return in.fail_at(in.line().words.front(), "expected either '?' or 'or nothing', not both");
    if (!e.nothing) return true;
    Duration silence{};
    if (!in.must("for") || !in.duration(silence)) return false;
    e.within = silence;
    return true;
}

// header NAME | body | message | request-uri | reason
bool subject(LineReader& in, std::string& out) {
    if (in.keyword("header")) {
        const Word* w = in.peek();
        if (!in.text(out, "a header field's name")) return false;
        static const std::vector<std::string_view> taken{"request-uri", "reason", "message"};
        return (is_token(out) && !contains(taken, out)) ||
               in.expected_at(*w, "a header field's name");
    }
    if (in.keyword("body")) return out.clear(), true;
    for (std::string_view other : {"message", "request-uri", "reason"})
        if (in.keyword(other)) return out = other, true;
    return in.expected("'header', 'body', 'message', 'request-uri' or 'reason'",
                       {"header", "body", "message", "request-uri", "reason"});
}

bool good_pattern(LineReader& in, const Word& word, std::string_view pattern) {
    const std::string why = pattern_error(pattern);
    return why.empty() || in.fail_at(word, fmt::format("expected a regular expression: {}", why));
}

bool read_where(LineReader& in, std::vector<Where>& out) {
    Where w;
    if (in.keyword("no")) {
        w.test = Where::Test::absent;
        if (!in.next_is("header") && !in.next_is("body")) return in.expected("'header' or 'body'");
        if (!subject(in, w.header)) return false;
        out.push_back(std::move(w));
        return true;
    }
    if (!subject(in, w.header)) return false;
    w.inverse = in.keyword("not");
    bool tests = true;
    if (in.keyword("is"))
        w.test = Where::Test::is;
    else if (in.keyword("matches"))
        w.test = Where::Test::matches;
    else if (in.keyword("contains"))
        w.test = Where::Test::contains;
    else
        tests = false;
    if (!tests && w.inverse) return in.expected("'is', 'matches' or 'contains'");
    const Word* value = in.peek();
    if (tests && !in.text(w.value, "a value")) return false;
    if (w.test == Where::Test::matches && !good_pattern(in, *value, w.value)) return false;
    out.push_back(std::move(w));
    return true;
}

bool read_let(LineReader& in, std::vector<Capture>& out) {
    Capture c;
    if (!in.name(c.name, "a name") || !in.must("=") || !subject(in, c.header)) return false;
    const Word* w = in.peek();
    if (w && w->quoted) c.pattern = in.take()->text;
    if (!c.pattern.empty() && !good_pattern(in, *w, c.pattern)) return false;
    out.push_back(std::move(c));
    return true;
}

}  // namespace

const std::vector<std::string_view>& send_words() {
    static const std::vector<std::string_view> words{
        "after",     "header", "set",  "strip",    "sdp",      "body", "reliable",
        "outside",   "to-tag", "cseq", "refer-to", "replaces", "for",  "drop",
        "duplicate", "delay",  "cut",  "no",       "stale",    "wrong"};
    return words;
}

const std::vector<std::string_view>& expect_words() {
    static const std::vector<std::string_view> words{"within", "else",   "where",
                                                     "let",    "copies", "goto"};
    return words;
}

bool is_clear_target(std::string_view target) {
    if (target.empty() || contains(modifiers(), target)) return false;
    if (is_digit(target.front()) || target.find_first_of(":@{") != target.npos) return true;
    return nearest(target, modifiers()).empty();
}

std::string word_of_target(std::string_view target) {
    return is_clear_target(target) ? word_of(target) : quoted(target);
}

bool read_send(LineReader& in, const StepPlace& place, Send& send, Expect* also) {
    if (!read_what(in, place, send)) return false;
    std::vector<std::string_view> known = send_words();
    if (also) known.insert(known.end(), expect_words().begin(), expect_words().end());
    const SendContext context{place, send, also};
    while (!in.at_end()) {
        if (read_dress(in, context) || (!in.failed() && read_fault(in, context))) continue;
        if (also && !in.failed() && read_expect_word(in, *also)) continue;
        if (in.failed()) return false;
        const Word* w = in.peek();
        if (!also && contains(expect_words(), w->text))
            return in.fail_at(*w,
                              fmt::format("expected what belongs to a message that is sent, got "
                                          "\"{}\": nobody of ours waits for this one",
                                          w->text));
        return in.expected(fmt::format("one of {}", listed(known)), known);
    }
    return !in.failed();
}

bool read_expect_word(LineReader& in, Expect& e) {
    if (in.keyword("within")) {
        Duration d{};
        if (!in.duration(d)) return false;
        e.within = d;
        return true;
    }
    if (in.keyword("else")) return in.name(e.otherwise, "a label");
    if (in.keyword("where")) return read_where(in, e.where);
    if (in.keyword("let")) return read_let(in, e.captures);
    if (in.keyword("goto")) return in.name(e.jump, "a label");
    if (in.keyword("copies")) return in.number(e.copies, 1u, most_copies, "how many (1 or more)");
    return false;
}

bool read_expect(LineReader& in, Expect& e) {
    if (!read_patterns(in, e)) return false;
    std::vector<std::string_view> known = expect_words();
    known.insert(known.end(), {"sdp", "for", "no"});
    while (!in.at_end()) {
        if (e.nothing && in.next_is("within"))
            return in.expected("no 'within': the silence lasts as long as 'nothing for' says");
        if (read_expect_word(in, e)) continue;
        if (in.failed()) return false;
        if (in.keyword("for")) {
            if (!method(in, e.for_method)) return false;
        } else if (in.keyword("no")) {
            if (!in.must("ack")) return false;
            e.no_ack = true;
        } else if (in.keyword("sdp")) {
            if (in.keyword("offer"))
                e.sdp = SdpKind::offer;
            else if (in.keyword("answer"))
                e.sdp = SdpKind::answer;
            else if (in.keyword("none"))
                e.sdp = SdpKind::none;
            else
                return in.expected("'offer', 'answer' or 'none'");
        } else {
            const Word* w = in.peek();
            if (contains(send_words(), w->text))
                return in.fail_at(*w,
                                  fmt::format("expected what belongs to an expectation ({}), got "
                                              "\"{}\", which is for what our phones send",
                                              listed(known), w->text));
            return in.expected(fmt::format("one of {}", listed(known)), known);
        }
    }
    return !in.failed();
}

}  // namespace sipana::lab
