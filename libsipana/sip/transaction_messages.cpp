// What messages do to transactions (RFC 3261 17, RFC 6026 7 and 8).
#include "libsipana/sip/invite.h"
#include "libsipana/sip/transaction.h"

namespace sipana::sip {

Transactions::Event Transactions::on_message(const Message& m, const Hop& from, Time now,
                                             const Text& kept) {
    if (m.is_response()) return on_response(m, now);
    if (m.method() == Method::ack) return on_ack(m, now);
    const auto name = names_.server(m, m.method_name());
    if (!name) return {.kind = Kind::unusable};
    Transaction* t = table_.find(TransactionTable::by_key, *name);
    return t == nullptr ? on_new_request(m, *name, from, now, kept) : on_request_again(*t);
}

// ---------------------------------------------------------------- responses

Transactions::Event Transactions::on_response(const Message& m, Time now) {
    const auto name = names_.client(m);
    Transaction* t = name ? table_.find(TransactionTable::by_key, *name) : nullptr;
    if (t == nullptr) return {.kind = Kind::stray};
    return t->invite ? on_invite_response(*t, m, now) : on_other_response(*t, m, now);
}

// 17.1.1.2, RFC 6026 7.2
Transactions::Event Transactions::on_invite_response(Transaction& t, const Message& m, Time now) {
    Event e{.kind = Kind::response, .id = t.id};
    const bool open = t.state == State::calling || t.state == State::proceeding;
    const bool success = m.status() >= 200 && m.status() < 300;
    if (!open) {
        if (t.state == State::accepted && success) return e;
        e.kind = Kind::absorbed;
        if (t.state == State::completed && m.status() >= 300 && t.beside && !t.options.no_ack)
            put(t, t.beside, t.copies++);
        return e;
    }
    t.again = 0;
    if (m.status() < 200) {
        const bool first = t.state == State::calling;
        t.state = State::proceeding;
        if (t.cancelled) return e;
        if (timing_.c <= Duration{})
            t.end = 0;
        else if (first || m.status() > 100)  // 16.6 step 11, 16.7 step 2
            end_after(t, now, timing_.c);
        send_cancel(t, now);
        return e;
    }
    e.request = t.text;
    finish_invite(t, m, now);
    return e;
}

void Transactions::finish_invite(Transaction& t, const Message& response, Time now) {
    waits(t, false);
    if (Transaction* c = table_.find(t.other); c != nullptr && c->state == State::unsent)
        table_.remove(*c);
    if (response.status() < 300) {
        t.text.reset();
        linger(t, State::accepted, now, timing_.sixty_four());
        return;
    }
    t.copies = 0;
    if (!t.options.no_ack && scratch_.read(*t.text)) {
        if (auto ack = ack_of_failure(scratch_, response)) {
            t.beside = std::make_shared<const std::string>(std::move(*ack));
            put(t, t.beside, t.copies++);
        }
    }
    t.text.reset();
    linger(t, State::completed, now, is_reliable(t.hop.transport) ? Duration{} : timing_.d);
}

// 17.1.2.2
Transactions::Event Transactions::on_other_response(Transaction& t, const Message& m, Time now) {
    Event e{.kind = Kind::response, .id = t.id, .invite = t.other};
    if (t.state == State::completed) {
        e.kind = Kind::absorbed;
    } else if (m.status() < 200) {
        t.state = State::proceeding;
    } else {
        waits(t, false);
        t.text.reset();
        linger(t, State::completed, now, is_reliable(t.hop.transport) ? Duration{} : timing_.t4);
    }
    return e;
}

// ---------------------------------------------------------------- requests

Transactions::Event Transactions::on_new_request(const Message& m, const Fingerprint& name,
                                                 const Hop& from, Time now, const Text& kept) {
    if (servers_ >= max_servers) return {.kind = Kind::unusable};
    Event e{.kind = Kind::request};
    const Fingerprint twins = names_.twins(m);
    if (m.to_tag().empty() && m.method() != Method::cancel)
        if (const Transaction* twin = table_.find(TransactionTable::by_origin, twins))
            e.merged = twin->id;
    Transaction& t = table_.add();
    t.role = Role::server;
    t.state = State::calling;
    t.invite = m.method() == Method::invite;
    t.hop = reply_hop(m, from);
    table_.link(t, TransactionTable::by_key, name);
    table_.link(t, TransactionTable::by_origin, twins);
    ++servers_;
    waits(t, true);
    e.id = t.id;
    if (t.invite && timing_.trying > Duration{}) {
        t.beside = kept ? kept : std::make_shared<const std::string>(m.text());
        again_after(t, now, timing_.trying);
    }
    // RFC 4320 4.2: after that the client has no use for an answer.
    if (!t.invite) end_after(t, now, timing_.sixty_four());
    if (m.method() != Method::cancel) return e;
    e.kind = Kind::cancel;
    const auto invite_name = names_.server(m, "INVITE");  // 9.2
    if (const Transaction* invite = table_.find(TransactionTable::by_key, *invite_name))
        e.invite = invite->id;
    return e;
}

Transactions::Event Transactions::on_request_again(Transaction& t) {
    if ((t.state == State::proceeding || t.state == State::completed) && t.text)
        put(t, t.text, t.copies++);
    return {.kind = Kind::absorbed, .id = t.id, .retransmission = true};
}

Transactions::Event Transactions::on_ack(const Message& m, Time now) {
    if (const auto name = names_.server(m, "INVITE")) {
        Transaction* t = table_.find(TransactionTable::by_key, *name);
        if (t != nullptr && (t->state == State::completed || t->state == State::confirmed))
            return on_ack_of_failure(*t, now);
    }
    return on_ack_of_success(m);
}

// 17.2.1
Transactions::Event Transactions::on_ack_of_failure(Transaction& t, Time now) {
    Event e{.kind = Kind::ack, .id = t.id};
    if (t.state == State::confirmed) {
        e.kind = Kind::absorbed;
        e.retransmission = true;
        return e;
    }
    waits(t, false);
    linger(t, State::confirmed, now, is_reliable(t.hop.transport) ? Duration{} : timing_.t4);
    return e;
}

// 13.3.1.4: of a transaction of its own, so it is known by the dialog that it names.
Transactions::Event Transactions::on_ack_of_success(const Message& m) {
    Transaction* r = table_.find(TransactionTable::by_origin, names_.success(m));
    if (r != nullptr && r->reliable_provisional) r = nullptr;
    if (r == nullptr) return {.kind = Kind::ack};
    Event e{.kind = Kind::ack, .id = r->other, .retransmission = r->state == State::acknowledged};
    waits(*r, false);
    r->state = State::acknowledged;
    r->text.reset();
    r->again = r->end = 0;  // it lives as long as its server, to know the ACKs of its copies
    return e;
}

}  // namespace sipana::sip
