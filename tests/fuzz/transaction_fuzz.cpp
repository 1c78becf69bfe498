// Two elements whose users do what the input says, over a link that does what the input says. No
// Transaction is left when all timers have run out, no text goes out that its receiver cannot read,
// and every INVITE of a client ends once.
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/sip/response.h"
#include "libsipana/sip/transaction.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

class Play {
public:
    explicit Play(std::string_view input) : input_(input) {
        const std::uint8_t address[4] = {192, 0, 2, 1};
        hop_ = {{Address::v4(address), 5060},
                {Address::v4(address), 5070},
                take() % 2 == 0 ? Transport::udp : Transport::tcp};
    }

    void run() {
        while (!input_.empty()) act(take());
        for (unsigned steps = 0; steps < 100'000 && advance(std::chrono::hours{2}); ++steps) {
        }
        for (const Transactions::Id id : asked_) machine_[1].respond(id, reply(487), now_);
        for (const Transactions::Id id : ringing_) machine_[0].cancel(id, now_);
        for (unsigned steps = 0; steps < 100'000 && advance(std::chrono::hours{9}); ++steps) {
        }
        // What is left waits for its user, which timers do not end: a client that got a
        // provisional response and nothing more, a server whose user never answered.
        require(machine_[0].size() == machine_[0].waiting());
        require(machine_[1].size() == machine_[1].waiting());
        require(!machine_[0].deadline() && !machine_[1].deadline());
        for (const auto& [id, ends] : ended_) require(ends == 1);
    }

private:
    std::uint8_t take() {
        if (input_.empty()) return 0;
        const auto c = static_cast<std::uint8_t>(input_.front());
        input_.remove_prefix(1);
        return c;
    }
    std::string request(std::string_view method) {
        const std::string number = std::to_string(take() % 8);
        return std::string(method) + " sip:b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1" +
               (take() % 4 == 0 ? "" : ";branch=z9hG4bK" + number) + "\r\nFrom: <sip:a>;tag=1\r\n" +
               "To: <sip:b>\r\nCall-ID: " + number + "\r\nCSeq: 1 " + std::string(method) +
               "\r\n\r\n";
    }
    std::string reply(int status) {
        Message m;
        if (last_.empty() || !m.read(last_)) return "SIP/2.0 400 x\r\nCSeq: 1 INVITE\r\n\r\n";
        return *response_to(m, status, {}, "b").write();
    }
    void act(std::uint8_t what) {
        static constexpr std::string_view methods[] = {"INVITE", "OPTIONS", "ACK", "BYE"};
        static constexpr int statuses[] = {100, 180, 200, 202, 302, 486, 487, 600};
        const Transactions::Id id = asked_.empty() ? 0 : asked_[take() % asked_.size()];
        switch (what % 12) {
            case 0:
            case 1:
            case 2: {
                const auto method = methods[what / 16 % 4];
                const auto made =
                    machine_[0].request(request(method), hop_, now_, {.no_ack = what >= 192});
                if (made != 0 && method == "INVITE") ringing_.push_back(made);
                break;
            }
            case 3:
                if (!ringing_.empty()) machine_[0].cancel(ringing_[take() % ringing_.size()], now_);
                break;
            case 4:
            case 5:
                machine_[1].respond(id, reply(statuses[what / 16 % 8]), now_);
                break;
            case 6:
                machine_[1].respond_reliably(id, reply(183), now_);
                break;
            case 7:
                machine_[1].stop_repeating_provisional(id);
                break;
            case 8:
                machine_[what / 16 % 2].on_unreachable(what / 32 % 2 ? hop_ : reversed(), now_);
                break;
            case 9:  // the beginning of the next message is all that arrives
                cut_ = take();
                break;
            case 10:
                machine_[0].send(request("ACK"), hop_);
                break;
            default:
                advance(std::chrono::milliseconds{take() * 50});
        }
        drain();
    }
    Hop reversed() const { return {hop_.remote, hop_.local, hop_.transport}; }

    // To the next thing that happens, at most `most` away; false: nothing does.
    bool advance(Duration most) {
        std::optional<Time> next;
        for (const Transactions& m : machine_)
            if (const auto at = m.deadline(); at && (!next || *at < *next)) next = at;
        if (!flying_.empty()) next = now_;
        if (!next || *next > now_ + most) return false;
        require(*next >= now_);
        now_ = *next;
        if (!flying_.empty()) {
            const Flying f = flying_.front();
            flying_.pop_front();
            arrive(f);
        }
        for (Transactions& m : machine_) m.on_timer(now_);
        drain();
        return true;
    }
    struct Flying {
        std::size_t to;
        std::string text;
    };
    void arrive(const Flying& f) {
        Message m;
        if (!m.read(f.text)) return;
        const auto e = machine_[f.to].on_message(m, f.to == 1 ? reversed() : hop_, now_);
        if (f.to == 1 && e.kind == Transactions::Kind::request) {
            last_ = f.text;
            asked_.push_back(e.id);
        }
        if (f.to == 0 && e.kind == Transactions::Kind::response && e.request) ++ended_[e.id];
    }
    void drain() {
        for (std::size_t side : {0u, 1u}) {
            while (const auto out = machine_[side].poll()) {
                Message m;
                require(m.read(*out->text).has_value());
                if (flying_.size() < 1000 && drops_++ % 3 != 0)
                    flying_.push_back({1 - side, out->text->substr(0, cut_)});
                cut_ = std::string::npos;
            }
            while (const auto e = machine_[side].poll_event())
                if (side == 0 && e->request) ++ended_[e->id];
        }
    }

    std::string_view input_;
    Hop hop_;
    Transactions machine_[2];
    Time now_{};
    std::deque<Flying> flying_;
    std::vector<Transactions::Id> asked_, ringing_;
    std::map<Transactions::Id, unsigned> ended_;
    std::string last_;
    std::size_t cut_ = std::string::npos, drops_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    Play({reinterpret_cast<const char*>(data), size}).run();
    return 0;
}
