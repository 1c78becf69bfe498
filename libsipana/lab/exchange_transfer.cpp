// REFER inside a call (RFC 3515, RFC 5589), blind and attended, and Replaces (RFC 3891).
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/sip/fields.h"

namespace sipana::lab {

using sip::Header;

namespace {

constexpr Duration bye_after_transfer = std::chrono::seconds{32};  // where the phone sends none

}  // namespace

void ExchangeCore::on_refer(const Incoming& in, Channel& c) {
    const auto header = in.message.header(Header::refer_to);
    const auto target = header ? sip::parse_name_addr(*header) : std::nullopt;
    if (!how(c.peer).allow_transfer) return answer(in, 603, "Declined (policy)");
    if (!target) return answer(in, 400, "Bad Request (Refer-to missing)");
    if (c.transfer.pending) return answer(in, 491, "Request pending");
    const auto uri = sip::parse_uri(target->uri);
    if (!uri || (uri->scheme != sip::Scheme::sip && uri->scheme != sip::Scheme::sips))
        return answer(in, 603, "Declined (Non sip: uri)");
    const auto replaces = uri->header("Replaces");
    const std::string extension = sip::unescaped(uri->user);
    if (!replaces && !plan_.exists(c.context, extension)) return answer(in, 404, "Not found");
    answer(in, 202, "Accepted");
    c.transfer.cseq = in.message.cseq()->number;
    c.transfer.pending = true;
    notify_transfer(c, 100, "Trying", in.now);  // RFC 3515 2.4.4: at once
    if (replaces)
        transfer_attended(c, sip::unescaped(*replaces), in.now);
    else
        transfer_blind(c, extension, in.now);
}

void ExchangeCore::notify_transfer(Channel& c, int status, std::string_view reason, Time now) {
    const bool final = status >= 200;
    if (final) c.transfer.pending = false;
    send_in_dialog(
        c, "NOTIFY",
        {{"Event", fmt::format("refer;id={}", c.transfer.cseq)},
         {"Subscription-State", final ? "terminated;reason=noresource" : "active;expires=60"}},
        "message/sipfrag;version=2.0", fmt::format("SIP/2.0 {} {}\r\n", status, reason), now,
        Sent::For::other);
}

// The transferor has done its part: it hangs up, or is hung up on.
void ExchangeCore::release(Channel& c, Time now) {
    c.plan.active = false;
    c.doing = Channel::Doing::transferred;
    wake_at(c, now + bye_after_transfer);
}

void ExchangeCore::transfer_blind(Channel& c, std::string_view extension, Time now) {
    Channel* other = find(c.bridge);
    if (other == nullptr) return notify_transfer(c, 503, "Service Unavailable", now);
    part(c);
    notify_transfer(c, 200, "OK", now);
    release(c, now);
    other->dial = {};
    come_back(*other, now);
    enter(*other, c.context, extension, 1);
    run(*other, now);
}

// The dialog that Replaces names is the transferor's other call: whom the two talk to are joined.
void ExchangeCore::transfer_attended(Channel& c, std::string_view replaces, Time now) {
    const auto name = sip::parse_replaces(replaces);
    Channel* second = name ? find(*name) : nullptr;
    if (second == nullptr || second == &c)
        return notify_transfer(c, 481, "Call leg/transaction does not exist", now);
    Channel* other = find(c.bridge);
    Channel* target = find(second->bridge);
    if (other == nullptr) return notify_transfer(c, 503, "Service Unavailable", now);
    if (target == nullptr && second->doing == Channel::Doing::dialling) {
        // Not answered yet: whom the transferor was calling now rings for the other.
        part(c);
        notify_transfer(c, 200, "OK", now);
        release(c, now);
        come_back(*other, now);
        other->dial = std::exchange(second->dial, {});
        other->plan = std::exchange(second->plan, {});
        other->doing = Channel::Doing::dialling;
        for (const ChannelId id : other->dial.legs)
            if (Channel* leg = find(id)) leg->parent = other->id;
        wake_at(*other, second->wake);
        return hang_up(*second, 16, now);
    }
    if (target == nullptr) return notify_transfer(c, 503, "Service Unavailable", now);
    part(c);
    part(*second);
    notify_transfer(c, 200, "OK", now);
    release(c, now);
    second->plan.active = false;
    hang_up(*second, 16, now);
    join(*other, *target, now);
}

Channel* ExchangeCore::find(const sip::DialogName& name) {
    const auto at = by_call_id_.find(name.call_id);
    if (at == by_call_id_.end()) return nullptr;
    for (const ChannelId id : at->second) {
        Channel* c = find(id);
        if (c != nullptr && c->dialog && c->dialog->named_by(name)) return c;
    }
    return nullptr;
}

// INVITE with Replaces (RFC 3891 3): `c` takes the place of the dialog that it names.
void ExchangeCore::take_over(Channel& c, std::string_view replaces, Time now) {
    const auto refuse = [&](int status, std::string_view reason) {
        refuse_call(c, status, reason, {}, now);
        end(c, now);
    };
    const auto name = sip::parse_replaces(replaces);
    if (!name || name->to_tag.empty() || name->from_tag.empty()) return refuse(400, "Bad Request");
    Channel* old = find(*name);
    if (old == nullptr || old == &c) return refuse(481, "Call Leg Does Not Exist (Replaces)");
    Channel* caller = find(old->parent);
    if (!old->is_up() && !old->incoming && caller != nullptr) return take_ringing(c, *caller, now);
    if (name->early_only && old->is_up()) return refuse(486, "Busy Here");
    Channel* other = find(old->bridge);
    if (other == nullptr) return refuse(603, "Declined (Replaces)");
    restrict_to(c, *other);
    answer_call(c, now);
    part(*old);
    old->plan.active = false;
    hang_up(*old, 16, now);
    join(*other, c, now);
}

}  // namespace sipana::lab
