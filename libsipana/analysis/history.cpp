#include "libsipana/analysis/history.h"

#include <algorithm>

#include "libsipana/analysis/offers.h"
#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::analysis {
namespace {

using sip::Header;
using sip::Method;

constexpr std::size_t most_dialogs = 256;  // of one call

bool is_new(const SipMessage& r) { return !r.retransmission && !r.capture_duplicate; }

// The digit of an INFO body: "Signal=5" lines (application/dtmf-relay) or the bare digit
// (application/dtmf); widely used, never standardised.
std::optional<Digit> info_digit(const sip::Message& m, const SipMessage& r) {
    const std::string_view type = m.header(Header::content_type).value_or("");
    std::string_view body = m.body();
    Digit d;
    d.source = DigitSource::sip_info;
    d.start = r.time;
    d.frame = r.frame;
    d.ended = true;
    const auto signal = [&](std::string_view value) {
        value = trim(value);
        if (value == "10" || value == "*") return '*';
        if (value == "11" || value == "#") return '#';
        if (value == "16" || iequals(value, "flash") || value == "!") return 'F';
        const char c = value.size() == 1 ? value.front() : '?';
        return is_digit(c) || (c >= 'A' && c <= 'D') ? c : '?';
    };
    if (istarts_with(type, "application/dtmf-relay")) {
        while (!body.empty()) {
            std::string_view line = cut(body, '\n');
            const std::string_view key = trim(cut(line, '='));
            if (iequals(key, "signal")) d.digit = signal(line);
            if (iequals(key, "duration"))
                d.duration = std::chrono::milliseconds{std::min(to_number(trim(line)).value_or(0), 600'000u)};
        }
    } else if (istarts_with(type, "application/dtmf")) {
        d.digit = signal(body);
    }
    return d.digit == '?' ? std::nullopt : std::optional(d);
}

// Reads a call's messages in order.
class Teller {
public:
    explicit Teller(Call& call) : call_(call), offers_(call) {}

    void tell() {
        for (std::uint32_t i = 0; i < call_.messages.size(); ++i) {
            SipMessage& r = call_.messages[i];
            if (!m_.read(r.text)) continue;
            if (i == 0 || (caller_tag_.empty() && r.is_request()) || tries_again(r)) caller_tag_ = m_.from_tag();
            add_to_transaction(r);
            add_to_dialog(r);
            if (!is_new(r)) continue;
            offers_.on_message(m_, r, i, from_caller(r) ? sdp::Side::caller : sdp::Side::callee);
            if (r.is_request() && r.method == Method::info)
                if (const auto digit = info_digit(m_, r)) call_.digits.push_back(*digit);
        }
        offers_.finish();
    }

private:
    // The caller's next try, which may have another tag (RFC 3261 8.1.3.5).
    bool tries_again(const SipMessage& r) const {
        return r.is_request() && is_new(r) && r.src == call_.caller && r.method == call_.messages[0].method &&
               m_.to_tag().empty();
    }
    std::string_view contact_uri() {
        const auto contact = sip::parse_name_addr(m_.header(Header::contact).value_or(""));
        if (!contact) return {};
        const bool quiet = !sip::may_hold_password(contact->uri);
        return quiet ? contact->uri : call_.texts.keep(sip::masked(contact->uri));
    }

    bool from_caller(const SipMessage& r) const {
        return (m_.from_tag() == caller_tag_) == r.is_request();
    }

    // The INVITE's transactions that an ACK of a 2xx speaks for: that of its own hop, or all, where it goes
    // past the proxies (RFC 3261 13.2.2.4).
    void acknowledge(SipMessage& r) {
        const bool own_hop = acknowledge(r, [&](const Transaction& t) {
            return t.client.address == r.src.address && t.server.address == r.dst.address;
        });
        if (!own_hop) acknowledge(r, [](const Transaction&) { return true; });
    }
    template <typename Here>
    bool acknowledge(SipMessage& r, Here here) {
        bool any = false;
        for (std::uint32_t i = 0; i < call_.transactions.size(); ++i) {
            Transaction& t = call_.transactions[i];
            if (t.method != Method::invite || t.cseq != r.cseq || by_caller_[i] != from_caller(r) || !here(t))
                continue;
            t.acked = true;
            if (!any) r.transaction = i;
            any = true;
        }
        return any;
    }

    void add_to_transaction(SipMessage& r) {
        if (r.transaction == none) return;
        if (r.transaction >= call_.transactions.size()) {
            call_.transactions.resize(r.transaction + 1);
            by_caller_.resize(r.transaction + 1);
        }
        Transaction& t = call_.transactions[r.transaction];
        const bool ack = r.is_request() && r.method == Method::ack;
        if (t.method_name.empty()) {
            t.method = ack ? Method::invite : r.method;
            t.method_name = ack ? std::string_view("INVITE") : r.method_name;
            t.branch = m_.branch();
            t.cseq = r.cseq;
            t.client = r.is_request() ? r.src : r.dst;
            t.server = r.is_request() ? r.dst : r.src;
            by_caller_[r.transaction] = from_caller(r) == r.is_request();
        }
        if (r.is_request()) {
            if (ack && m_.branch() != t.branch)
                acknowledge(r);
            else if (ack)
                t.acked = true;
            else if (t.request_at == no_time)
                t.request_at = r.time;
            if (!ack) t.request_retransmissions += r.retransmission;
            if (r.method == Method::cancel && is_new(r))
                for (Transaction& other : call_.transactions)
                    if (other.method == Method::invite && other.branch == t.branch) other.cancelled = true;
        } else {
            if (r.code < 200 && t.first_provisional_at == no_time) t.first_provisional_at = r.time;
            if (r.code >= 200 && t.final_at == no_time) {
                t.final_at = r.time;
                t.final_code = r.code;
                t.challenged = r.code == 401 || r.code == 407;
            }
            t.response_retransmissions += r.retransmission;
        }
    }

    std::uint32_t dialog_of(std::string_view callee_tag) {
        for (std::uint32_t d = 0; d < call_.dialogs.size(); ++d)
            if (call_.dialogs[d].callee_tag == callee_tag) return d;
        return none;
    }

    // A final refusal that reaches the caller ends all early dialogs (RFC 3261 13.2.2.3).
    void end_early_dialogs(const SipMessage& r) {
        const bool initial = r.method == Method::invite && r.is_request() && m_.to_tag().empty();
        if (initial && (own_invite_ == none || r.cseq > call_.transactions[own_invite_].cseq))
            own_invite_ = r.transaction;
        if (r.code < 300 || r.transaction != own_invite_) return;
        for (Dialog& d : call_.dialogs)
            if (d.state == DialogState::early) end(d, r.time);
    }

    void add_to_dialog(SipMessage& r) {
        if (r.transaction != none) end_early_dialogs(r);
        const bool sent_by_caller_side = m_.from_tag() == caller_tag_;
        const std::string_view callee_tag = sent_by_caller_side ? m_.to_tag() : m_.from_tag();
        if (callee_tag.empty()) return;
        std::uint32_t d = dialog_of(callee_tag);
        const bool makes = r.method == Method::invite || r.method == Method::subscribe ||
                           r.method == Method::notify || r.method == Method::refer;
        const bool success = r.code > 100 && r.code < 300;
        if (d == none) {
            // A response that makes one (12.1), or a request of a dialog begun before the capture.
            if (!(r.is_request() ? r.method != Method::cancel && r.method != Method::ack
                                 : makes && success) ||
                call_.dialogs.size() == most_dialogs)
                return;
            d = static_cast<std::uint32_t>(call_.dialogs.size());
            Dialog& made = call_.dialogs.emplace_back();
            made.caller_tag = caller_tag_;
            made.callee_tag = callee_tag;
            offers_.add_dialog();
            if (r.is_request()) {
                made.state = DialogState::confirmed;
                made.confirmed_at = r.time;
            }
        }
        r.dialog = d;
        Dialog& dialog = call_.dialogs[d];
        if (r.code > 100 && r.code < 200 && dialog.early_at == no_time) dialog.early_at = r.time;
        if (r.code >= 200 && success && makes && dialog.state == DialogState::early) {
            dialog.state = DialogState::confirmed;
            dialog.confirmed_at = r.time;
        }
        if (r.code >= 300 && r.method == Method::invite && dialog.state == DialogState::early) end(dialog, r.time);
        const bool ends = r.is_request() && r.method == Method::bye;
        if (ends && dialog.state != DialogState::terminated) end(dialog, r.time);
        if (const std::string_view uri = contact_uri(); !uri.empty())
            (from_caller(r) ? dialog.caller_contact : dialog.callee_contact) = uri;
        if (dialog.caller_contact.empty()) dialog.caller_contact = invite_contact_;
        if (r.is_request() && r.method == Method::invite && m_.to_tag().empty())
            invite_contact_ = contact_uri();
    }

    static void end(Dialog& dialog, Time at) {
        dialog.state = DialogState::terminated;
        dialog.ended_at = at;
    }

    Call& call_;
    sip::Message m_;
    Offers offers_;
    std::string_view caller_tag_, invite_contact_;
    std::uint32_t own_invite_ = none;  // the transaction of the caller's last try
    std::vector<bool> by_caller_;      // who sent the request, by transaction
};

}  // namespace

void tell_history(Call& call) { Teller(call).tell(); }

}  // namespace sipana::analysis
