// What a phone answers: responses as the script wants them, and those of its housekeeping.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/agent.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/response.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {
namespace {

bool makes_dialog(sip::Method method) {
    return method == sip::Method::invite || method == sip::Method::subscribe ||
           method == sip::Method::refer;
}

bool may_hold_sdp(const Conversation& c, const sip::Message& request, int code) {
    if (request.method() != sip::Method::invite && request.method() != sip::Method::update &&
        request.method() != sip::Method::prack)
        return false;
    return code > 100 && code < 300 && c.session != nullptr;
}

// What the status code itself must or should come with (RFC 3261 21 and the RFC of each).
void add_what_belongs(sip::Builder& b, const sip::Message& request, int code,
                      sip::Identifiers& identifiers, std::string_view realm) {
    switch (code) {
        case 401:
            b.add("WWW-Authenticate",
                  fmt::format("Digest realm=\"{}\", nonce=\"{}\", algorithm=MD5, "
                              "qop=\"auth\"",
                              realm, identifiers.tag()));
            break;
        case 407:
            b.add("Proxy-Authenticate",
                  fmt::format("Digest realm=\"{}\", nonce=\"{}\", algorithm=MD5, "
                              "qop=\"auth\"",
                              realm, identifiers.tag()));
            break;
        case 405:
            b.add("Allow", phone_allows);
            break;
        case 415:
            b.add("Accept", "application/sdp");
            break;
        case 420:
            for (const auto value : request.values(sip::Header::require))
                b.add("Unsupported", value);
            for (const auto value : request.values(sip::Header::proxy_require))
                b.add("Unsupported", value);
            break;
        case 421:
            b.add("Require", "100rel");
            break;  // RFC 3261 21.4.16
        case 422:
            b.add("Min-SE", "90");
            break;  // RFC 4028 6
        case 423:
            b.add("Min-Expires", "60");
            break;  // 21.4.17
        case 424:
            b.add("Geolocation-Error", "100");
            break;  // RFC 6442 4.3
        case 469:
            b.add("Recv-Info", "sipana");
            break;  // RFC 6086 4.2.2
        case 489:
            b.add("Allow-Events", "presence, dialog");
            break;  // RFC 6665 8.3.2
        case 494:
            b.add("Security-Server", "tls;q=0.2");
            break;  // RFC 3329 2.3.1
        case 503:
            break;
        default:
            break;
    }
}

// What is wrong with a request whatever its method: 0, or the code (RFC 3261 8.1.1, 8.2.2.3).
int refusal_of(const sip::Message& m) {
    const bool complete = m.header(sip::Header::from) && m.header(sip::Header::to) &&
                          !m.call_id().empty() && m.cseq();
    if (!complete || m.body_cut()) return 400;
    if (m.method() == sip::Method::cancel) return 0;
    for (const auto option : m.values(sip::Header::require))
        if (!iequals(option, "100rel") && !iequals(option, "replaces") && !iequals(option, "timer"))
            return 420;
    return 0;
}

}  // namespace

// The header fields that a phone adds to a response by itself.
void Agent::dress(Conversation& c, Owed& owed, int code, sip::Builder& b, const Told&, Time now) {
    const sip::Message& request = owed.message;
    const bool success = code >= 200 && code < 300;
    if (makes_dialog(request.method()) && code > 100 && code < 300)
        b.add(sip::Header::contact, contact());
    if (request.method() == sip::Method::update && success) b.add("Contact", contact());
    if (request.method() == sip::Method::register_ && success) {
        for (const auto value : request.values(sip::Header::contact)) {
            std::string line(value);
            const auto parsed = sip::parse_name_addr(value);
            if (parsed && !parsed->is_star() && !parsed->param("expires"))
                line += fmt::format(";expires={}",
                                    request.header(sip::Header::expires).value_or("3600"));
            if (parsed && !parsed->is_star()) b.add("Contact", line);
        }
    }
    if ((request.method() == sip::Method::subscribe || request.method() == sip::Method::publish) &&
        success) {
        b.add("Expires", request.header(sip::Header::expires).value_or("3600"));
        if (request.method() == sip::Method::publish) b.add("SIP-ETag", identifiers_.tag());
    }
    if (success &&
        (request.method() == sip::Method::invite || request.method() == sip::Method::options)) {
        b.add(sip::Header::allow, setting_named("allow", phone_allows));
        if (const auto supported = setting_named("supported", "replaces"); supported != "none")
            b.add(sip::Header::supported, supported);
        if (request.method() == sip::Method::options) b.add("Accept", "application/sdp");
    }
    if (code >= 300) {
        const Party* self = directory_.by_name(line_.name);
        const std::string realm = !line_.domain.empty() ? line_.domain
                                  : self != nullptr     ? self->host
                                                        : endpoint_.address.to_string();
        add_what_belongs(b, request, code, identifiers_, realm);
    }
    if (timer_) dress_with_timer(c, request, code, b, now);
    b.add(sip::Header::server, "sipana-lab");
}

// RFC 4028 9: what the 2xx says of the session's timer, and the 422.
void Agent::dress_with_timer(Conversation& c, const sip::Message& request, int code,
                             sip::Builder& b, Time now) {
    const bool invites = request.method() == sip::Method::invite;
    if (!invites && request.method() != sip::Method::update) return;
    if (code == 422)
        for (const auto& [id, value] : session_timer(c)->refusal_fields())
            b.set(sip::to_string(id), value);
    if (code / 100 != 2 || (!invites && c.confirmed_dialog() == nullptr)) return;
    for (const auto& [id, value] : session_timer(c)->accept(request, now)) b.add(id, value);
    if (request.header(sip::Header::allow))
        upkeep(c).updates = sip::lists(request, sip::Header::allow, "UPDATE");
    upkeep_changed(c);
}

Status Agent::respond(Conversation& c, Owed& owed, const Response& what, const Told& told,
                      Time now) {
    now_ = now;
    const sip::Message& request = owed.message;
    const bool own_tag = told.send != nullptr && !told.send->to_tag.empty();
    if (owed.to_tag.empty()) {
        // One To tag for the whole transaction: that of the dialog it makes (12.1.1).
        const std::string_view there = request.to_tag();
        owed.to_tag = there.empty()
                          ? (c.incoming && c.local_tag.empty() ? identifiers_.tag() : c.local_tag)
                          : std::string(there);
        if (c.local_tag.empty()) c.local_tag = owed.to_tag;
    }
    const std::string& tag = own_tag ? told.send->to_tag : owed.to_tag;
    auto b = sip::response_to(request, owed.hop, what.code, what.reason, tag);
    dress(c, owed, what.code, b, told, now);
    const SdpWish wish = told.send != nullptr ? told.send->sdp : SdpWish{};
    const bool told_body = told.send != nullptr && !told.send->body.empty();
    const bool by_itself = wish.kind == SdpKind::by_itself && !told_body &&
                           (what.code == 183 || what.code / 100 == 2) &&
                           (request.method() == sip::Method::invite ||
                            (c.session != nullptr && c.session->owes_answer()));
    if (wish.kind != SdpKind::none && (by_itself || wish.kind != SdpKind::by_itself)) {
        if (request.method() == sip::Method::invite) session(c);
        if (may_hold_sdp(c, request, what.code) || wish.kind == SdpKind::text) {
            SdpWish filled = wish;
            if (told.fill != nullptr && !wish.text.empty()) filled.text = (*told.fill)(wish.text);
            PhoneSession& s = session(c);
            const bool answers =
                wish.kind == SdpKind::answer ||
                (wish.kind != SdpKind::offer && (s.owes_answer() || s.has_answered()));
            const auto text =
                answers || wish.kind == SdpKind::text ? s.answer(filled, now) : s.offer(filled);
            if (!text && text.error().code == Errc::unsupported && what.code / 100 == 2)
                return respond(c, owed, {488, {}}, {.note = told.note}, now);
            if (!text) return text.error();
            session_changed(c);
            b.body("application/sdp", *text);
        }
    }
    const bool reliable = what.code > 100 && what.code < 200 &&
                          ((told.send != nullptr && told.send->reliable) || owed.wants_reliable());
    if (reliable) {
        if (!owed.reliable)
            owed.reliable.emplace(
                static_cast<std::uint32_t>(identifiers_.random().below(1u << 20)) + 1);
        const std::uint32_t rseq = owed.reliable->next(request.cseq() ? request.cseq()->number : 0);
        b.add("Require", "100rel").add("RSeq", fmt::format("{}", rseq));
    }
    apply(b, told);
    if (reliable) owed.reliably_described = !b.body_text().empty();
    auto text = b.write();
    if (!text) return text.error();
    // As it was built, or as the script has changed it.
    const bool as_built = told.send == nullptr || told.send->headers.empty();
    auto sent_cseq = request.cseq();
    if (!as_built) {
        const auto message = sip::Message::parse(*text);
        sent_cseq = message ? message->cseq() : std::nullopt;
    }
    follow_own_response(c, owed, what.code, tag, sent_cseq, now);
    if (!told.note.empty()) notes_[owed.id] = told.note;
    if (told.send != nullptr && told.send->faults != Faults{})
        spoiled_[owed.id] = {told.send->faults, 0};
    const std::string_view there = request.to_tag();
    bool sent = false;
    if (reliable)
        sent = transactions_.respond_reliably(owed.id, std::move(*text), now);
    else if (!as_built)
        sent = transactions_.respond(owed.id, std::move(*text), now);
    else
        sent = transactions_.respond(owed.id, std::make_shared<const std::string>(std::move(*text)),
                                     {what.code, there.empty() ? tag : there}, now);
    if (!sent) return Error{Errc::malformed, 0, "the request has its final response already"};
    return Done{};
}

// What the response that we send makes of dialogs and the session.
void Agent::follow_own_response(Conversation& c, Owed& owed, int code, std::string_view tag,
                                const std::optional<sip::CSeq>& sent, Time now) {
    const sip::Message& request = owed.message;
    if (code >= 200) owed.answered = true;
    owed.provisional = static_cast<std::uint32_t>(code);
    if (makes_dialog(request.method()) && request.to_tag().empty() && code > 100 && code < 300) {
        sip::Dialog* known = nullptr;
        for (sip::Dialog& d : c.dialogs)
            if (d.id().local_tag == tag) known = &d;
        if (known == nullptr)
            if (auto made = sip::Dialog::as_callee(request, tag))
                c.dialogs.push_back(std::move(*made));
    }
    const bool tells = !c.dialogs.empty() && request.method() != sip::Method::bye;
    if (tells && sent)
        for (sip::Dialog& d : c.dialogs)
            if (d.id().local_tag == tag) d.on_sent(*sent, code);
    if (request.method() == sip::Method::invite && code >= 300) {
        if (c.session) c.session->refused();
        if (request.to_tag().empty()) {
            c.ended = true;
            for (sip::Dialog& d : c.dialogs) d.terminate();
            end_session(c, now);
        }
    }
    if (request.method() == sip::Method::bye && code / 100 == 2)
        end_dialog(c, request.to_tag(), request.from_tag(), now);
}

// A call that was forked goes on in its other dialogs.
void Agent::end_dialog(Conversation& c, std::string_view local_tag, std::string_view remote_tag,
                       Time now) {
    for (sip::Dialog& d : c.dialogs)
        if (d.id().local_tag == local_tag && d.id().remote_tag == remote_tag) d.terminate();
    if (c.confirmed_dialog() == nullptr) end_dialogs(c, now);
}

void Agent::end_dialogs(Conversation& c, Time now) {
    for (sip::Dialog& d : c.dialogs) d.terminate();
    for (const auto& owed : c.owed)
        if (owed->message.method() == sip::Method::invite) transactions_.stop_repeating(owed->id);
    c.ended = true;
    end_session(c, now);
}

Status Agent::quick_response(Conversation& c, Owed& owed, int code, Time now) {
    return respond(c, owed, {code, {}}, {}, now);
}

// RFC 3891 3: the code of the INVITE's answer; 486 where it replaces nothing and nobody expects it.
int Agent::honour_replaces(Conversation& c, const sip::Message& invite, Conversation*& replaced) {
    const auto value = invite.header(sip::Header::replaces);
    if (!value) return 486;
    const auto name = sip::parse_replaces(*value);
    if (!name) return 400;
    Conversation* other = known(name->call_id);
    const sip::Dialog* dialog = nullptr;
    if (other != nullptr)
        for (const sip::Dialog& d : other->dialogs)
            if (d.named_by(*name)) dialog = &d;
    using enum sip::Dialog::State;
    if (dialog == nullptr || other == &c) return 481;
    if (dialog->state() == terminated) return 603;
    if (dialog->state() == confirmed && name->early_only) return 486;
    if (dialog->state() == early && !dialog->is_caller()) return 481;
    replaced = other;
    // It takes the other one's place in the script as well.
    if (c.director == nullptr && other->director != nullptr) {
        c.director = other->director;
        c.part = other->part;
        c.label = other->label;
        c.director->conversations.push_back(&c);
    }
    return 200;
}

void Agent::end_replaced(Conversation& replaced, Time now) {
    if (Asked* invite = replaced.pending_invite(); invite != nullptr)
        (void)cancel(replaced, *invite, {.note = "replaced"}, now);
    else if (replaced.confirmed_dialog() != nullptr)
        (void)request(replaced, {"BYE", {}}, {.note = "replaced"}, now);
}

// RFC 3261 and each method's own: what a phone answers when nobody tells it what.
void Agent::keep_house(Conversation& c, const Arrival& arrival, Time now, bool ends_invite) {
    if (!arrival.message.is_request()) return;
    Owed* owed = nullptr;
    for (const auto& one : c.owed)
        if (one->id == arrival.transaction) owed = one.get();
    if (owed == nullptr || owed->answered) return;
    if (const int refusal = refusal_of(arrival.message); refusal != 0) {
        (void)quick_response(c, *owed, refusal, now);
        return;
    }
    using enum sip::Method;
    int code = 200;
    Conversation* replaced = nullptr;
    switch (arrival.message.method()) {
        case invite:
            code = arrival.message.to_tag().empty() ? honour_replaces(c, arrival.message, replaced)
                                                    : 200;  // hold, ...
            break;
        case cancel:
        case bye:
        case options:
        case notify:
        case info:
        case update:
        case message:
            break;
        case prack:
            code = arrival.refusal;
            break;
        case refer:
            code = 603;
            break;
        case subscribe:
        case publish:
            code = 489;
            break;
        case register_:
            code = 405;
            break;
        default:
            code = 501;
    }
    const bool in_dialog = !arrival.message.to_tag().empty();
    if ((arrival.message.method() == bye || arrival.message.method() == update ||
         arrival.message.method() == prack) &&
        !in_dialog)
        code = 481;
    (void)quick_response(c, *owed, code, now);
    if (replaced != nullptr && code == 200) end_replaced(*replaced, now);
    if (arrival.message.method() == cancel && ends_invite)
        if (Owed* invite = c.owed_for("INVITE"); invite != nullptr)
            (void)quick_response(c, *invite, 487, now);
}

}  // namespace sipana::lab
