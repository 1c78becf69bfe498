// Two elements joined by a link that loses half of what it carries.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "libsipana/base/random.h"
#include "libsipana/sip/identifiers.h"
#include "libsipana/sip/response.h"
#include "tests/sip/watched.h"

using namespace sipana;
using namespace sipana::sip;
using Kind = Transactions::Kind;

namespace {

const Hop udp = between(5060, 5070, Transport::udp);

struct Flying {
    Time at;
    bool to_server;
    Transactions::Text text;
};

// Every INVITE is answered: by 486 where its number is odd, else by 200.
class Conversation {
public:
    Conversation(double loss, std::uint64_t seed) : loss_(loss), random_(seed), names_(seed + 1) {}

    void invite(unsigned number) {
        Wanted w{.branch = names_.branch(), .call_id = fmt::format("{}", number)};
        client_.request(request_text(w), udp, now_);
        pump();
    }
    // Until nothing waits any more.
    void run() {
        for (std::size_t steps = 0; steps < 10'000'000; ++steps) {
            const auto a = client_.deadline(), b = server_.deadline();
            Time next = Time::max();
            if (!flying_.empty()) next = flying_.front().at;
            if (a) next = std::min(next, *a);
            if (b) next = std::min(next, *b);
            if (next == Time::max()) return;
            now_ = next;
            while (!flying_.empty() && flying_.front().at <= now_) {
                const Flying f = std::move(flying_.front());
                flying_.pop_front();
                arrive(f);
                pump();
            }
            if (a && *a <= now_) client_.on_timer(now_);
            if (b && *b <= now_) server_.on_timer(now_);
            pump();
        }
    }
    void start(unsigned count) {
        for (unsigned i = 0; i < count; ++i) invite(i);
        run();
    }

    std::size_t answered = 0, timed_out = 0, acknowledged = 0, unacknowledged = 0, messages = 0;
    std::size_t left() const { return client_.size() + server_.size(); }
    std::uint64_t log() const { return log_; }

private:
    void arrive(const Flying& f) {
        ++messages;
        if (!message_.read(*f.text)) return;
        if (f.to_server) {
            const auto e = server_.on_message(message_, back(udp), now_);
            note(e);
            if (e.kind == Kind::ack && !e.retransmission && e.id != 0) ++acknowledged;
            if (e.kind != Kind::request) return;
            const bool busy = (message_.call_id().back() & 1) != 0;
            const auto text = response_to(message_, busy ? 486 : 200, {}, "b").write();
            server_.respond(e.id, *text, now_);
            return;
        }
        const auto e = client_.on_message(message_, udp, now_);
        note(e);
        if (e.kind != Kind::response) return;
        answered += message_.status() >= 200 && seen_.insert(e.id).second;
        if (message_.status() != 200) return;
        Wanted ack{.method = "ACK",
                   .branch = names_.branch(),
                   .call_id = std::string(message_.call_id()),
                   .to_tag = "b"};
        client_.send(request_text(ack), udp);
    }
    void pump() {
        while (const auto out = client_.poll()) fly(*out, true);
        while (const auto out = server_.poll()) fly(*out, false);
        while (const auto e = client_.poll_event()) {
            note(*e);
            timed_out += e->timer == Transactions::Timer::b;
        }
        while (const auto e = server_.poll_event()) {
            note(*e);
            ++unacknowledged;
        }
    }
    void fly(const Transactions::Output& out, bool to_server) {
        if (!random_.chance(loss_)) flying_.push_back({now_ + 10ms, to_server, out.text});
    }
    void note(const Transactions::Event& e) {
        log_ = mix(log_ ^ static_cast<std::uint64_t>(now_.count()),
                   e.id * 16 + static_cast<std::uint64_t>(e.kind));
    }

    double loss_;
    Random random_;
    Identifiers names_;
    Transactions client_, server_;
    Message message_;
    std::deque<Flying> flying_;
    std::set<Transactions::Id> seen_;
    Time now_{};
    std::uint64_t log_ = 0;
};

}  // namespace

TEST_CASE(
    "RFC 3261 17: 20,000 INVITEs over a link that loses half, all final, the same each time") {
    constexpr unsigned count = 20000;
    Conversation first(0.5, 1), again(0.5, 1), other(0.5, 2);
    for (Conversation* c : {&first, &again, &other}) {
        c->start(count);
        CHECK(c->left() == 0);
        CHECK(c->answered + c->timed_out == count);
        CHECK(c->answered > count * 9 / 10);
        CHECK(c->acknowledged + c->unacknowledged <= count + c->timed_out);
        CHECK(c->acknowledged > count * 9 / 10);
    }
    CHECK(first.log() == again.log());
    CHECK(first.log() != other.log());
}

TEST_CASE("RFC 3261 17: without loss nobody times out and nothing is sent twice") {
    constexpr unsigned count = 1000;
    Conversation c(0, 1);
    c.start(count);
    CHECK(c.answered == count);
    CHECK(c.acknowledged == count);
    CHECK(c.timed_out + c.unacknowledged + c.left() == 0);
    CHECK(c.messages == 3 * count);
}
