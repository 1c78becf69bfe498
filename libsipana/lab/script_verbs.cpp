#include "libsipana/lab/script_verbs.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/lab/script_declarations.h"

namespace sipana::lab {

struct Verbs::Verb {
    LineReader& in;
    const StepPlace& place;
    std::string phone, label;
    bool extended = false;  // what stands behind the verb has found its message

    std::string name() const { return label.empty() ? phone : phone + '/' + label; }
    // Reads an arrow line as if it stood here.
    bool emit(const std::string& text) { return emit(text, false); }
    // ... with the rest of the verb's line behind it.
    bool emit_extended(const std::string& text) { return emit(text, true); }
    bool emit(const std::string& text, bool extend) {
        auto lines = split_lines(text);
        if (!lines || lines->lines.size() != 1)
            return in.expected("a verb that can be written out");
        Line line = std::move(lines->lines.front());
        for (Word& w : line.words) {
            w.where = in.line().where;
            w.offset = in.line().words.front().offset;
        }
        line.where = in.line().where;
        line.end = in.line().end;
        line.end_offset = in.line().end_offset;
        if (extend && !extended) {
            extended = true;
            while (const Word* w = in.take()) line.words.push_back(*w);
        }
        LineReader reader = in.on(line);
        return read_arrow_line(reader, place);
    }
    bool wrong(std::string_view text) { return in.fail_at(in.line().words.front(), text); }
};

const std::vector<std::string_view>& Verbs::words() {
    static const std::vector<std::string_view> all{
        "registers", "unregisters", "calls",   "rings",      "progresses",
        "answers",   "rejects",     "cancels", "hangs",      "holds",
        "resumes",   "transfers",   "sends",   "subscribes", "presses"};
    return all;
}

bool Verbs::read(LineReader& in, const StepPlace& place) {
    Verb v{in, place, {}, {}};
    cut_call(in.take()->text, v.phone, v.label);
    if (!dispatch(v)) return false;
    // Of a verb that sends nothing itself, nothing may be left.
    return in.end();
}

bool Verbs::dispatch(Verb& v) {
    if (v.in.keyword("registers")) return registers(v, true);
    if (v.in.keyword("unregisters")) return registers(v, false);
    if (v.in.keyword("calls")) return calls(v);
    if (v.in.keyword("rings")) return responds(v, "180");
    if (v.in.keyword("progresses")) return responds(v, "183");
    if (v.in.keyword("answers")) return responds(v, "200");
    if (v.in.keyword("rejects")) return rejects(v);
    if (v.in.keyword("cancels")) return cancels(v);
    if (v.in.keywords("hangs", "up")) return hangs_up(v);
    if (v.in.keyword("holds")) return describes(v, "sendonly");
    if (v.in.keyword("resumes")) return describes(v, "sendrecv");
    if (v.in.keyword("transfers")) return transfers(v);
    if (v.in.keywords("sends", "message")) return sends_message(v);
    if (v.in.keywords("subscribes", "to")) return subscribes(v);
    if (v.in.keyword("presses")) return presses(v);
    std::vector<std::string_view> known = words();
    known.insert(known.end(), phone_words_of_steps().begin(), phone_words_of_steps().end());
    return v.in.expected(fmt::format("an arrow (->), or one of {}", listed(known)), known);
}

// ---------------------------------------------------------------- who is where

std::string Verbs::home_of(std::string_view phone) const {
    const PhoneLine* p = script_.phone(phone);
    return p && script_.server(p->domain) ? p->domain : std::string{};
}

std::string Verbs::user_of(std::string_view phone) const { return script_.phone(phone)->user; }

ScriptCall* Verbs::own_call(Verb& v) {
    ScriptCall* call = calls_.find(v.phone, v.label);
    if (!call) v.wrong(fmt::format("expected a call of {}, it has none at this line", v.name()));
    return call;
}

// A proxy forwards what a dialog's phones say to each other; a back-to-back user agent answers it.
bool Verbs::passes_through(const ScriptCall& call) const {
    if (call.far_phone.empty()) return false;
    const ServerLine* s = script_.server(call.peer);
    return !s || s->kind == ServerLine::Kind::proxy;
}

// From this phone to the other end: what is sent, and what the other phone sees of it if it is
// told.
bool Verbs::request(Verb& v, const ScriptCall& call, std::string_view what, std::string_view seen) {
    if (!v.emit_extended(fmt::format("{} -> {} {}", call.name(),
                                     script_.phone(call.peer) ? call.far() : call.peer, what)))
        return false;
    const ScriptCall* far = calls_.far_of(call);
    if (!far || script_.phone(call.peer) || seen.empty()) return true;
    return v.emit(fmt::format("{} -> {} {}", far->peer, far->name(), seen));
}

// From the other end to this phone: its answer to what request() sent.
bool Verbs::answer(Verb& v, const ScriptCall& call, std::string_view what) {
    if (script_.phone(call.peer))
        return v.emit(fmt::format("{} -> {} {}", call.far(), call.name(), what));
    const ScriptCall* far = calls_.far_of(call);
    if (far && passes_through(call) &&
        !v.emit(fmt::format("{} -> {} {}", far->name(), far->peer, what)))
        return false;
    return v.emit(fmt::format("{} -> {} {}", call.peer, call.name(), what));
}

// ---------------------------------------------------------------- registration and set-up

// alice registers [at A]
bool Verbs::registers(Verb& v, bool again) {
    std::string server = home_of(v.phone);
    if (v.in.keyword("at")) {
        const Word* w = v.in.take();
        if (!w || !script_.server(w->text))
            return w ? v.in.expected_at(*w, parties_of(script_), party_names(script_))
                     : v.in.expected("a server");
        server = w->text;
    }
    if (server.empty())
        return v.wrong(
            fmt::format("expected 'at' and a server: {} has none behind its @", v.phone));
    return v.emit_extended(fmt::format("{} -> {} REGISTER{}", v.name(), server,
                                       again ? "" : " set \"Expires: 0\"")) &&
           v.emit(fmt::format("{} -> {} 200", server, v.name()));
}

// alice calls bob|900 [via A | directly] [with video]
bool Verbs::calls(Verb& v) {
    if (const ScriptCall* busy = calls_.find(v.phone, v.label))
        return v.wrong(
            fmt::format("expected a name for another call ({}/second calls ...): {} is in one "
                        "with {}",
                        v.phone, v.name(), busy->far_phone.empty() ? busy->peer : busy->far_phone));
    std::string target, phone, label, server = home_of(v.phone);
    const Word* w = v.in.peek();
    if (!v.in.text(target, "a phone, a number or a URI")) return false;
    if (!cut_call(target, phone, label) || !script_.phone(phone)) phone.clear();
    if (phone == v.phone) return v.in.expected_at(*w, "somebody else to call");
    if (v.in.keyword("directly")) {
        server.clear();
    } else if (v.in.keyword("via")) {
        const Word* s = v.in.take();
        if (!s || !script_.server(s->text))
            return s ? v.in.expected_at(*s, "a server", party_names(script_))
                     : v.in.expected("a server");
        server = s->text;
    }
    if (target.empty() || (phone.empty() && is_name(target)))
        return v.in.expected_at(*w, "a phone, a number or a URI", party_names(script_));
    if (phone.empty() && server.empty())
        return v.wrong(
            fmt::format("expected 'via' and a server: {} has none behind its @", v.phone));
    const std::string media = v.in.keywords("with", "video") ? " sdp offer media audio,video" : "";
    if (server.empty())
        return v.emit_extended(fmt::format("{} -> {} INVITE{}", v.name(), target, media));
    const std::string user = phone.empty() ? target : user_of(phone);
    if (!v.emit_extended(
            fmt::format("{} -> {} INVITE {}{}", v.name(), server, word_of_target(user), media)))
        return false;
    if (phone.empty()) return true;
    const std::string last = home_of(phone);
    return v.emit(fmt::format("{} -> {} INVITE", last.empty() ? server : last, target));
}

// bob rings | progresses | answers: what the callee says, and how the caller hears of it.
bool Verbs::responds(Verb& v, std::string_view what) {
    ScriptCall call;
    if (const ScriptCall* known = calls_.find(v.phone, v.label)) {
        call = *known;
    } else if (const ScriptCall* caller = calls_.unanswered_at_server();
               caller && caller->phone != v.phone) {
        const std::string home = home_of(v.phone);
        call.phone = v.phone;
        call.label = v.label;
        call.peer = home.empty() ? caller->peer : home;
        call.far_phone = caller->phone;
        call.far_label = caller->label;
        call.far_waits = true;
        if (!v.emit(fmt::format("{} -> {} INVITE", call.peer, v.name()))) return false;
    } else {
        return v.wrong(
            fmt::format("expected a call of {}: nobody calls it above this line", v.name()));
    }
    if (call.caller)
        return v.wrong(
            fmt::format("expected the phone that is called: {} is the caller", v.name()));
    if (call.answered)
        return v.wrong(fmt::format("expected an open call: {} has answered its own", v.name()));
    if (script_.phone(call.peer)) {
        if (!v.emit_extended(fmt::format("{} -> {} {}", call.name(), call.far(), what)))
            return false;
    } else {
        if (!v.emit_extended(fmt::format("{} -> {} {}", call.name(), call.peer, what)))
            return false;
        const ScriptCall* far = calls_.find(call.far_phone, call.far_label);
        if (far && call.far_waits &&
            !v.emit(fmt::format("{} -> {} {}", far->peer, far->name(), what)))
            return false;
    }
    return what != "200" || call.transferor.empty() || end_transferred(v, call);
}

// bob rejects 486 ["Busy Here"]
bool Verbs::rejects(Verb& v) {
    int code = 0;
    if (!v.in.number(code, 300, 699, "a code from 300 to 699")) return false;
    return responds(v, fmt::format("{}", code));  // a reason goes to this phone's own line
}

// alice cancels
bool Verbs::cancels(Verb& v) {
    const ScriptCall* call = own_call(v);
    if (!call) return false;
    if (!call->caller) return v.wrong(fmt::format("expected the caller: {} is called", v.name()));
    if (call->answered)
        return v.wrong(fmt::format("expected '{} hangs up': its call is answered", v.name()));
    const bool direct = script_.phone(call->peer) != nullptr;
    if (direct && call->far_phone.empty())
        return v.wrong(fmt::format("expected a call that has reached {}", call->peer));
    return request(v, *call, "CANCEL", "CANCEL") &&
           v.emit(direct ? fmt::format("{} |-> {} 487 for INVITE", call->far(), call->name())
                         : fmt::format("{} -> {} 487 for INVITE", call->peer, call->name()));
}

// alice hangs up
bool Verbs::hangs_up(Verb& v) {
    const ScriptCall* call = own_call(v);
    if (!call) return false;
    if (!call->answered && call->caller) return cancels(v);
    if (!call->answered)
        return v.wrong(fmt::format("expected '{} rejects CODE': it has not answered", v.name()));
    return request(v, *call, "BYE", "BYE") &&
           v.emit(script_.phone(call->peer)
                      ? fmt::format("{} |-> {} 200 for BYE", call->far(), call->name())
                      : fmt::format("{} -> {} 200 for BYE", call->peer, call->name()));
}

// ---------------------------------------------------------------- within a call

// alice holds | resumes: a new offer, which a proxy passes on and any other server answers.
bool Verbs::describes(Verb& v, std::string_view direction) {
    const ScriptCall* call = own_call(v);
    if (!call) return false;
    if (!call->answered) return v.wrong(fmt::format("expected an answered call of {}", v.name()));
    return request(v, *call, fmt::format("INVITE sdp offer {}", direction),
                   passes_through(*call) ? "INVITE" : "") &&
           answer(v, *call, "200");
}

// alice transfers bob to carol|300 [after consulting]
bool Verbs::transfers(Verb& v) {
    std::string who, target;
    const Word* w = v.in.peek();
    if (!v.in.name(who, "the phone to transfer")) return false;
    const ScriptCall* call =
        v.label.empty() ? calls_.with(v.phone, who) : calls_.find(v.phone, v.label);
    if (!call || call->far_phone != who)
        return v.in.fail_at(
            *w, fmt::format("expected a phone that {} is in a call with, got \"{}\"", v.phone,
                            printable(who)));
    if (!call->answered)
        return v.wrong(fmt::format("expected an answered call of {} and {}", v.phone, who));
    if (!v.in.must("to")) return false;
    w = v.in.peek();
    if (!v.in.text(target, "a phone, a number or a URI")) return false;
    if (target.empty() || (is_name(target) && !script_.phone(target)) || target == who ||
        target == v.phone)
        return v.in.expected_at(*w, "another phone, a number or a URI", party_names(script_));
    if (v.in.keywords("after", "consulting")) return transfers_consulted(v, *call, target);
    return transfers_blindly(v, *call, target);
}

// RFC 3515 2.4.4: the transferor hears how it goes.
bool Verbs::tell_transferor(Verb& v, const ScriptCall& call, std::string_view state,
                            std::string_view sipfrag) {
    const std::string notify = fmt::format(
        "NOTIFY set \"Event: refer\" set \"Subscription-State: {}\" body message/sipfrag "
        "\"SIP/2.0 {}\"",
        state, sipfrag);
    if (script_.phone(call.peer))
        return v.emit(fmt::format("{} -> {} {}", call.far(), call.name(), notify));
    const ScriptCall* far = calls_.far_of(call);
    if (!far) return v.wrong(fmt::format("expected {} to be in a call still", call.far()));
    return v.emit(fmt::format("{} -> {} {}", far->name(), far->peer, notify)) &&
           v.emit(fmt::format("{} -> {} NOTIFY", call.peer, call.name()));
}

// RFC 5589 6: REFER, and who accepts it calls the target.
bool Verbs::transfers_blindly(Verb& v, const ScriptCall& known, const std::string& target) {
    const ScriptCall call = known;
    const bool through = passes_through(call);
    const std::string phone = script_.phone(target) ? target : std::string{};
    if (!request(v, call, fmt::format("REFER refer-to {}", word_of(target)),
                 through ? "REFER" : "") ||
        !answer(v, call, "202"))
        return false;
    const std::string home = phone.empty() ? std::string{} : home_of(phone);
    if (!through) {
        // The server rings the target and then ends the transferor's call by itself.
        calls_.end(call);
        return phone.empty() ||
               v.emit(fmt::format("{} -> {} INVITE", home.empty() ? call.peer : home, phone));
    }
    if (!tell_transferor(v, call, "active;expires=60", "100 Trying")) return false;
    const std::string caller = call.far_phone + "/transfer";
    const std::string server = home_of(call.far_phone);
    if (calls_.find(call.far_phone, "transfer"))
        return v.wrong(fmt::format("expected {} to be transferred once at a time", call.far_phone));
    calls_.expect_transfer(call.far_phone, call.phone, call.label);
    if (server.empty() && phone.empty())
        return v.wrong("expected a phone as the target: no server is known that could find it");
    if (server.empty()) return v.emit(fmt::format("{} -> {} INVITE", caller, phone));
    const std::string user = phone.empty() ? target : user_of(phone);
    return v.emit(fmt::format("{} -> {} INVITE {}", caller, server, word_of_target(user))) &&
           (phone.empty() ||
            v.emit(fmt::format("{} -> {} INVITE", home.empty() ? server : home, phone)));
}

// The target has answered: the transferor is told, and leaves.
bool Verbs::end_transferred(Verb& v, const ScriptCall& callee) {
    const ScriptCall* call = calls_.find(callee.transferor, callee.transferor_label);
    if (!call) return true;
    return tell_transferor(v, *call, "terminated;reason=noresource", "200 OK") &&
           request(v, *call, "BYE", "BYE") &&
           v.emit(script_.phone(call->peer)
                      ? fmt::format("{} |-> {} 200 for BYE", call->far(), call->name())
                      : fmt::format("{} -> {} 200 for BYE", call->peer, call->name()));
}

// RFC 5589 7: the target's call with the transferor is replaced (RFC 3891).
bool Verbs::transfers_consulted(Verb& v, const ScriptCall& known, const std::string& target) {
    const ScriptCall call = known;
    const ScriptCall* consulted = calls_.with(v.phone, target);
    if (!consulted || !consulted->answered)
        return v.wrong(
            fmt::format("expected an answered call of {} and {} above this line ({}/consult calls "
                        "{})",
                        v.phone, target, v.phone, target));
    const ScriptCall other = *consulted;
    static constexpr std::string_view learned = "replaces";
    const bool through =
        passes_through(call) && script_.phone(call.peer) && script_.phone(other.peer);
    const std::string refer = fmt::format("REFER refer-to {} replaces {}", target, other.name());
    // Whom the call is to replace, the transferee learns from Refer-To (RFC 3891 4).
    const std::string learns =
        through ? fmt::format(" let {} = header Refer-To \"Replaces=([^&>]*)\"", learned) : "";
    if (!request(v, call, refer + learns, passes_through(call) ? "REFER" : "") ||
        !answer(v, call, "202"))
        return false;
    if (!through) {  // a server joins the two by itself
        calls_.end(call);
        calls_.end(other);
        return true;
    }
    const std::string caller = call.far_phone + "/transfer", callee = target + "/transfer";
    return tell_transferor(v, call, "active;expires=60", "100 Trying") &&
           v.emit(fmt::format("{} -> {} INVITE replaces \"{{{}}}\"", caller, callee, learned)) &&
           v.emit(fmt::format("{} -> {} 200", callee, caller)) &&
           v.emit(fmt::format("{} -> {} BYE", other.far(), other.name())) &&
           v.emit(fmt::format("{} |-> {} 200 for BYE", other.name(), other.far())) &&
           tell_transferor(v, call, "terminated;reason=noresource", "200 OK") &&
           v.emit(fmt::format("{} -> {} BYE", call.name(), call.far())) &&
           v.emit(fmt::format("{} |-> {} 200 for BYE", call.far(), call.name()));
}

// alice presses 123# [by rfc4733 | inband | info] [DURATION]
bool Verbs::presses(Verb& v) {
    const ScriptCall* call = own_call(v);
    if (!call) return false;
    const std::string peer = script_.phone(call->peer) ? call->far() : call->peer;
    return v.emit_extended(fmt::format("{} => {} digits", call->name(), peer));
}

// ---------------------------------------------------------------- outside of calls

// alice sends message "hi" to bob
bool Verbs::sends_message(Verb& v) {
    std::string text, who;
    if (!v.in.peek() || !v.in.peek()->quoted) return v.in.expected("a text (\"hi\")");
    text = v.in.take()->text;
    if (!v.in.must("to")) return false;
    const Word* w = v.in.peek();
    if (!v.in.name(who, "a phone")) return false;
    if (!script_.phone(who) || who == v.phone)
        return v.in.expected_at(*w, "another phone", party_names(script_));
    const std::string server = home_of(v.phone),
                      body = fmt::format("body text/plain {}", quoted(text));
    const std::string seen = fmt::format("where body is {}", quoted(text));
    if (server.empty())
        return v.emit_extended(fmt::format("{} -> {} MESSAGE {} {}", v.phone, who, body, seen)) &&
               v.emit(fmt::format("{} -> {} 200", who, v.phone));
    const std::string home = home_of(who), last = home.empty() ? server : home;
    return v.emit_extended(fmt::format("{} -> {} MESSAGE {} {}", v.phone, server,
                                       word_of_target(user_of(who)), body)) &&
           v.emit(fmt::format("{} -> {} MESSAGE {}", last, who, seen)) &&
           v.emit(fmt::format("{} -> {} 200", who, last)) &&
           v.emit(fmt::format("{} -> {} 200 or 202", server, v.phone));
}

// alice subscribes to presence of bob
bool Verbs::subscribes(Verb& v) {
    std::string event, who;
    if (!v.in.name(event, "an event package (presence, dialog, message-summary)") ||
        !v.in.must("of"))
        return false;
    const Word* w = v.in.peek();
    if (!v.in.name(who, "a phone")) return false;
    if (!script_.phone(who)) return v.in.expected_at(*w, "a phone", party_names(script_));
    const std::string server = home_of(v.phone), header = fmt::format("set \"Event: {}\"", event);
    if (!server.empty())
        return v.emit_extended(fmt::format("{} -> {} SUBSCRIBE {} {}", v.phone, server,
                                           word_of_target(user_of(who)), header)) &&
               v.emit(fmt::format("{} -> {} 200 or 202", server, v.phone)) &&
               v.emit(fmt::format("{} -> {} NOTIFY", server, v.phone));
    if (who == v.phone) return v.in.expected_at(*w, "another phone");
    return v.emit_extended(fmt::format("{} -> {} SUBSCRIBE {}", v.phone, who, header)) &&
           v.emit(fmt::format("{} -> {} 200", who, v.phone)) &&
           v.emit(fmt::format("{} -> {} NOTIFY {} set \"Subscription-State: active;expires=3600\"",
                              who, v.phone, header));
}

}  // namespace sipana::lab
