// What the transactions' user asks of them, and what goes out.
#include "libsipana/sip/transaction.h"

#include <algorithm>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/sip/invite.h"

namespace sipana::sip {
namespace {

using Text = Transactions::Text;

Text share(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// The status of a response's text; 0 where it is none.
int status_of(std::string_view text) {
    constexpr std::string_view begin = "SIP/2.0 ";
    if (!text.starts_with(begin) || text.size() < begin.size() + 3) return 0;
    const auto code = to_number(text.substr(begin.size(), 3));
    return code && *code >= 100 && *code <= 699 ? static_cast<int>(*code) : 0;
}

}  // namespace

Transactions::Transactions(Timing timing, std::uint64_t seed) : timing_(timing), names_(seed) {}

// ---------------------------------------------------------------- clients

Transactions::Id Transactions::request(std::string text, const Hop& hop, Time now,
                                       Options options) {
    const Text shared = share(std::move(text));
    std::optional<Fingerprint> name;
    if (scratch_.read(*shared) && scratch_.is_request() && scratch_.method() != Method::ack)
        name = names_.client(scratch_);
    if (!name) {
        outputs_.push_back({hop, shared, 0, false, 0});
        return 0;
    }
    return begin_client(shared, *name, scratch_.method() == Method::invite, hop, now, options);
}

Transactions::Id Transactions::request(Text text, const Named& name, const Hop& hop, Time now,
                                       Options options) {
    return begin_client(std::move(text), names_.client(name.method, name.branch),
                        name.method == "INVITE", hop, now, options);
}

Transactions::Id Transactions::begin_client(Text text, const Fingerprint& name, bool invite,
                                            const Hop& hop, Time now, Options options) {
    Transaction& t = table_.add();
    t.role = Role::client;
    t.invite = invite;
    t.hop = hop;
    t.text = std::move(text);
    t.options = options;
    table_.link(t, TransactionTable::by_key, name);
    start(t, now);
    return t.id;
}

// 17.1.1.2, 17.1.2.2
void Transactions::start(Transaction& t, Time now) {
    t.state = State::calling;
    t.interval = timing_.t1;
    waits(t, true);
    put(t, t.text, t.copies++);
    if (!is_reliable(t.hop.transport)) again_after(t, now, t.interval);
    end_after(t, now, timing_.sixty_four());
}

Transactions::Id Transactions::cancel(Id invite, Time now, std::string text) {
    Transaction* t = table_.find(invite);
    if (t == nullptr || t->role != Role::client || !t->invite) return 0;
    if (t->state != State::calling && t->state != State::proceeding) return 0;
    if (t->other != 0) return t->other;
    if (text.empty()) {
        if (!scratch_.read(*t->text)) return 0;
        auto made = cancel_of(scratch_);
        if (!made) return 0;
        text = std::move(*made);
    }
    const Text shared = share(std::move(text));
    if (!scratch_.read(*shared)) return 0;
    const auto name = names_.client(scratch_);
    if (!name) return 0;
    Transaction& c = table_.add();
    c.role = Role::client;
    c.state = State::unsent;
    c.hop = t->hop;
    c.text = shared;
    c.names[TransactionTable::by_key] = *name;
    c.other = invite;
    t->other = c.id;
    const Id id = c.id;
    if (t->state == State::proceeding) send_cancel(*t, now);
    return id;
}

void Transactions::send_cancel(Transaction& invite, Time now) {
    Transaction* c = table_.find(invite.other);
    if (c == nullptr || c->state != State::unsent) return;
    table_.link(*c, TransactionTable::by_key, c->names[TransactionTable::by_key]);
    start(*c, now);
    invite.cancelled = true;
    end_after(invite, now, timing_.sixty_four());
}

// ---------------------------------------------------------------- servers

bool Transactions::respond(Id server, std::string text, Time now) {
    Transaction* t = table_.find(server);
    if (t == nullptr || t->role != Role::server) return false;
    const int status = status_of(text);
    return respond(*t, share(std::move(text)), status, nullptr, now);
}

bool Transactions::respond(Id server, Text text, const Answered& as, Time now) {
    Transaction* t = table_.find(server);
    if (t == nullptr || t->role != Role::server) return false;
    return respond(*t, std::move(text), as.status, &as.to_tag, now);
}

// `to_tag`: where it is known without reading the text.
bool Transactions::respond(Transaction& t, Text text, int status, const std::string_view* to_tag,
                           Time now) {
    const bool open = t.state == State::calling || t.state == State::proceeding;
    const bool success = status >= 200 && status < 300;
    if (!open && !(t.invite && t.state == State::accepted && success)) return false;
    put(t, text, 0);
    if (status == 0) return true;  // sent, and nothing can be concluded from it
    if (open) t.text = text, t.copies = 1;
    t.again = 0;
    t.beside.reset();
    if (status < 200) {
        t.state = State::proceeding;
        return true;
    }
    end_repeats(t, true);
    if (t.invite && success && !t.options.no_repeat) {
        if (to_tag == nullptr)
            repeat(t, std::move(text), now);
        else
            repeat(t, std::move(text),
                   names_.success(t.names[TransactionTable::by_origin], *to_tag), now);
    }
    respond_finally(t, status, now);
    return true;
}

void Transactions::respond_finally(Transaction& t, int status, Time now) {
    const bool reliable = is_reliable(t.hop.transport);
    waits(t, t.invite);
    if (!t.invite) {  // 17.2.2
        linger(t, State::completed, now, reliable ? Duration{} : timing_.sixty_four());
    } else if (status < 300) {  // RFC 6026 7.1
        waits(t, false);        // the repeat does
        t.text.reset();
        linger(t, State::accepted, now, timing_.sixty_four());
    } else {  // 17.2.1
        t.state = State::completed;
        t.interval = timing_.t1;
        if (!reliable) again_after(t, now, t.interval);
        end_after(t, now, timing_.sixty_four());
    }
}

bool Transactions::respond_reliably(Id server, std::string text, Time now) {
    Transaction* t = table_.find(server);
    if (t == nullptr || t->role != Role::server) return false;
    if (t->state != State::calling && t->state != State::proceeding) return false;
    t->text = share(std::move(text));
    t->state = State::proceeding;
    t->again = 0;
    t->copies = 1;
    t->beside.reset();
    put(*t, t->text, 0);
    if (repeat(*t, t->text, now)) table_.find(t->first_repeat)->reliable_provisional = true;
    return true;
}

// Files a response under what its acknowledgement names, and repeats it from T1 on.
bool Transactions::repeat(Transaction& server, Text text, Time now) {
    if (!scratch_.read(*text)) return false;
    repeat(server, std::move(text), names_.success(scratch_), now);
    return true;
}

void Transactions::repeat(Transaction& server, Text text, const Fingerprint& name, Time now) {
    Transaction& r = table_.add();
    r.role = Role::repeat;
    r.state = State::proceeding;
    r.hop = server.hop;
    r.options = server.options;
    r.other = server.id;
    r.next_repeat = std::exchange(server.first_repeat, r.id);
    table_.link(r, TransactionTable::by_origin, name);
    r.text = std::move(text);
    r.copies = 1;
    r.interval = timing_.t1;
    waits(r, true);
    again_after(r, now, r.interval);
    end_after(r, now, timing_.sixty_four());
}

void Transactions::stop_repeating(Id server) {
    if (Transaction* t = table_.find(server)) end_repeats(*t, false);
}

void Transactions::stop_repeating_provisional(Id server) {
    if (Transaction* t = table_.find(server)) end_repeats(*t, true);
}

void Transactions::end_repeats(Transaction& server, bool provisional_only) {
    Id* at = &server.first_repeat;
    while (Transaction* r = table_.find(*at)) {
        if (provisional_only && !r->reliable_provisional) {
            at = &r->next_repeat;
            continue;
        }
        *at = r->next_repeat;
        release(*r);
    }
}

// ---------------------------------------------------------------- both

void Transactions::send(std::string text, const Hop& hop) {
    outputs_.push_back({hop, share(std::move(text)), 0, false, 0});
}

void Transactions::set(Id id, Options options) {
    Transaction* t = table_.find(id);
    if (t == nullptr) return;
    t->options = options;
    for (Id at = t->first_repeat; Transaction* r = table_.find(at); at = r->next_repeat)
        r->options = options;
}

void Transactions::forget(Id id) {
    if (Transaction* t = table_.find(id)) release(*t);
}

const Hop* Transactions::hop(Id id) const {
    const Transaction* t = table_.find(id);
    return t == nullptr ? nullptr : &t->hop;
}

Transactions::Text Transactions::text(Id id) const {
    const Transaction* t = table_.find(id);
    return t == nullptr || t->role != Role::client ? nullptr : t->text;
}

void Transactions::on_unreachable(const Hop& hop, Time) {
    for (std::uint32_t slot = 0; slot < table_.slots(); ++slot) {
        Transaction& t = table_.at(slot);
        if (t.id == 0 || t.hop.remote != hop.remote || t.hop.transport != hop.transport) continue;
        if (t.hop.local.port != 0 && hop.local.port != 0 && t.hop.local.port != hop.local.port)
            continue;
        // What is not going to send has no use for the way (17.1.4, 17.2.4).
        const bool sends =
            t.role == Role::client
                ? t.state == State::calling ||
                      (t.state == State::proceeding && (!t.invite || is_reliable(hop.transport)))
                : t.waiting && t.state != State::calling &&
                      (t.role == Role::repeat || t.state == State::completed);
        if (sends) give_up(t, Kind::unreachable, Timer::none);
    }
}

std::optional<Transactions::Event> Transactions::poll_event() {
    if (events_.empty()) return std::nullopt;
    Event out = std::move(events_.front());
    events_.pop_front();
    return out;
}

std::optional<Transactions::Output> Transactions::poll() {
    if (next_output_ == outputs_.size()) return std::nullopt;
    Output out = std::move(outputs_[next_output_]);
    if (++next_output_ == outputs_.size()) {
        outputs_.clear();
        next_output_ = 0;
    }
    return out;
}

void Transactions::put(const Transaction& t, const Text& text, std::uint32_t copy) {
    outputs_.push_back({t.hop, text, t.role == Role::repeat ? t.other : t.id, copy > 0, copy});
}

void Transactions::linger(Transaction& t, State state, Time now, Duration delay) {
    t.state = state;
    t.again = 0;
    if (delay <= Duration{})
        release(t);
    else
        end_after(t, now, delay);
}

void Transactions::waits(Transaction& t, bool waiting) {
    if (t.waiting == waiting) return;
    t.waiting = waiting;
    waiting_ += waiting ? 1u : std::size_t(-1);
}

void Transactions::release(Transaction& t) {
    waits(t, false);
    if (t.role == Role::server) {
        end_repeats(t, false);
        --servers_;
    } else if (t.role == Role::client && t.invite) {
        Transaction* c = table_.find(t.other);
        if (c != nullptr && c->state == State::unsent) table_.remove(*c);
    }
    table_.remove(t);
}

void Transactions::give_up(Transaction& t, Kind kind, Timer timer) {
    Event e;
    e.kind = kind;
    e.timer = timer;
    e.id = t.role == Role::repeat ? t.other : t.id;
    if (t.role == Role::client) e.request = t.text;
    if (t.role == Role::client && !t.invite) e.invite = t.other;
    events_.push_back(std::move(e));
    if (t.role != Role::repeat) {
        release(t);
        return;
    }
    // Not repeated any more; the server's transaction goes on.
    waits(t, false);
    t.state = State::acknowledged;
    t.again = t.end = 0;
}

}  // namespace sipana::sip
