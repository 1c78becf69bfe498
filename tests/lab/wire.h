// Wire: an in-memory network in virtual time, and Phone: a user agent that a test works by hand.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/lab/node.h"
#include "libsipana/sdp/check.h"
#include "libsipana/sdp/session.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/check.h"
#include "libsipana/sip/dialog.h"
#include "libsipana/sip/digest.h"
#include "libsipana/sip/identifiers.h"
#include "libsipana/sip/message.h"
#include "libsipana/sip/response.h"
#include "libsipana/sip/transaction.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {

inline Endpoint endpoint(std::string_view text) { return Endpoint::parse(text).value(); }

// Delivers at once; the clock jumps to the next deadline when nothing is on its way.
class Wire : public Ports {
public:
    Time now = std::chrono::seconds{1'700'000'000};
    std::vector<std::string> problems;  // findings in what the judged node sent
    const Node* judged = nullptr;       // nullptr: nobody
    std::vector<std::string> log;       // "src dst start-line"

    Result<Endpoint> open(Transport transport, const Endpoint& wish, Node& owner) override {
        Endpoint at = wish;
        while (at.port == 0 || (wish.port == 0 && open_.contains({transport, at})))
            at.port = ++last_port_;
        if (open_.contains({transport, at})) return Error{Errc::denied, 0, "in use"};
        open_[{transport, at}] = &owner;
        return at;
    }
    void close(Transport transport, const Endpoint& local) override {
        open_.erase({transport, local});
    }
    void add(Node& node) { nodes_.push_back(&node); }
    std::size_t ports_of(const Node& node) const {
        std::size_t n = 0;
        for (const auto& [key, owner] : open_) n += owner == &node;
        return n;
    }

    // Until nothing happens any more within `longest`.
    void run(Duration longest = {}) {
        const Time until = now + longest;
        for (int steps = 0; steps < 100'000; ++steps) {
            collect();
            if (!packets_.empty()) {
                deliver();
                continue;
            }
            std::optional<Time> next;
            for (Node* n : nodes_)
                if (const auto d = n->deadline(); d && (!next || *d < *next)) next = d;
            if (!next || *next > until) break;
            now = std::max(now, *next);
            for (Node* n : nodes_)
                if (const auto d = n->deadline(); d && *d <= now) n->on_timer(now);
        }
        now = std::max(now, until);
    }

private:
    struct Queued {
        Packet packet;
        Buffer bytes;
        Node* from;
    };

    void collect() {
        for (Node* n : nodes_)
            while (const auto p = n->poll()) {
                Queued q{*p, Buffer(p->payload.begin(), p->payload.end()), n};
                if (p->content == Content::sip) judge(*p, n);
                packets_.push_back(std::move(q));
            }
    }
    void judge(const Packet& p, const Node* from) {
        const std::string_view text = as_text(p.payload);
        log.push_back(fmt::format("{} {} {}", p.src.to_string(), p.dst.to_string(),
                                  text.substr(0, text.find('\r'))));
        if (from != judged) return;
        const auto m = sip::Message::parse(text);
        if (!m) {
            problems.push_back("unreadable: " + std::string(text));
            return;
        }
        std::vector<Finding> findings;
        sip::check(*m, findings);
        if (const auto sdp = sip::sdp_of(*m)) {
            const auto session = sdp::Session::parse(*sdp);
            if (session) sdp::check(*session, findings);
        }
        for (const Finding& f : findings)
            if (f.severity != Severity::note)
                problems.push_back(fmt::format("{}: {} in\n{}", f.rule, f.text, text));
    }
    void deliver() {
        Queued q = std::move(packets_.front());
        packets_.pop_front();
        q.packet.payload = q.bytes;
        const auto to = open_.find({q.packet.transport, q.packet.dst});
        if (to != open_.end())
            to->second->on_packet(q.packet, now);
        else
            q.from->on_unreachable(q.packet.src, q.packet.dst, q.packet.transport, now);
    }

    std::map<std::pair<Transport, Endpoint>, Node*> open_;
    std::vector<Node*> nodes_;
    std::deque<Queued> packets_;
    std::uint16_t last_port_ = 30000;
};

// Listens, and says nothing.
class Deaf : public Node {
public:
    Deaf(Wire& wire, std::string_view at) { CHECK(wire.open(Transport::udp, endpoint(at), *this)); }
    std::string_view name() const override { return "deaf"; }
    void on_packet(const Packet&, Time) override { ++heard; }
    void on_unreachable(const Endpoint&, const Endpoint&, Transport, Time) override {}
    void on_timer(Time) override {}
    std::optional<Time> deadline() const override { return std::nullopt; }
    std::optional<Packet> poll() override { return std::nullopt; }
    std::size_t heard = 0;
};

inline std::string sdp_of_phone(const Endpoint& rtp, std::string_view formats = "0 8 101",
                                std::string_view direction = "sendrecv") {
    const std::string ip = rtp.address.to_string();
    return fmt::format(
        "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio {1} RTP/AVP {2}\r\n"
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-16\r\na={3}\r\n",
        ip, rtp.port, formats, direction);
}

// Its transactions work by themselves (so failures are acknowledged); all else is the test's.
class Phone : public Node {
public:
    using Kind = sip::Transactions::Kind;
    struct Heard {
        std::string text;
        sip::Transactions::Id id = 0;
        sip::Hop from;
        Kind kind = Kind::request;
    };

    Phone(Wire& wire, std::string name, std::string_view at, std::string_view server,
          std::string password = {})
        : user(std::move(name)),
          hop{endpoint(at), endpoint(server), Transport::udp},
          secret(std::move(password)),
          rtp{hop.local.address, static_cast<std::uint16_t>(hop.local.port + 2000)},
          wire_(wire),
          ids_(hash(hop.local)) {
        CHECK(wire.open(Transport::udp, hop.local, *this));
        CHECK(wire.open(Transport::udp, rtp, *this));
        wire.add(*this);
        call_id = ids_.call_id();
        tag = ids_.tag();
    }

    std::string user;
    sip::Hop hop;
    std::string secret;
    Endpoint rtp;
    std::string call_id, tag;
    std::uint32_t cseq = 0;
    std::vector<int> codes;     // of responses, but 100
    std::vector<Heard> heard;   // everything
    std::vector<Buffer> media;  // RTP
    std::optional<sip::Dialog> dialog;
    std::string last_request;

    // A request out of a dialog, its fields in the usual order; `more` replaces or adds lines.
    std::string make(std::string_view method, std::string_view uri,
                     const std::vector<std::pair<std::string, std::string>>& more = {},
                     std::string_view type = {}, std::string_view body = {}) {
        const std::string ip = hop.local.address.to_string();
        const std::string server = hop.remote.address.to_string();
        const std::string to = method == "REGISTER" ? fmt::format("<sip:{}@{}>", user, server)
                                                    : fmt::format("<{}>", uri);
        std::vector<std::pair<std::string, std::string>> fields{
            {"Via",
             fmt::format("SIP/2.0/UDP {};branch={};rport", hop.local.to_string(), ids_.branch())},
            {"Max-Forwards", "70"},
            {"From", fmt::format("<sip:{}@{}>;tag={}", user, server, tag)},
            {"To", to},
            {"Call-ID", call_id},
            {"CSeq", fmt::format("{} {}", ++cseq, method)},
            {"Contact", fmt::format("<sip:{}@{}>", user, hop.local.to_string())}};
        for (const auto& field : more) {
            const auto at = std::find_if(fields.begin(), fields.end(),
                                         [&](const auto& f) { return f.first == field.first; });
            if (at == fields.end())
                fields.push_back(field);
            else
                at->second = field.second;
        }
        std::string text = fmt::format("{} {} SIP/2.0\r\n", method, uri);
        for (const auto& [name, value] : fields)
            if (!value.empty()) text += fmt::format("{}: {}\r\n", name, value);
        if (!type.empty()) text += fmt::format("Content-Type: {}\r\n", type);
        return text + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
    }
    std::string uri(std::string_view number) const {
        return fmt::format("sip:{}@{}", number, hop.remote.address.to_string());
    }
    // Sends it; a 401 or 407 is answered once where there is a password. The last final code.
    int send(const std::string& text, Duration wait = {}) {
        start(text);
        wire_.run(wait);
        if (!codes.empty() && (codes.back() == 401 || codes.back() == 407) && !secret.empty()) {
            const std::string again = with_credentials(text);
            codes.pop_back();
            start(again);
            wire_.run(wait);
        }
        return codes.empty() ? 0 : codes.back();
    }
    void start(const std::string& text) {
        last_request = text;
        transactions_.request(text, hop, wire_.now);
    }
    // As it is, outside any transaction.
    void send_raw(std::string text) {
        transactions_.send(std::move(text), hop);
        wire_.run();
    }
    int register_at_server(std::uint32_t expires = 3600) {
        return send(make("REGISTER", fmt::format("sip:{}", hop.remote.address.to_string()),
                         {{"Expires", std::to_string(expires)}}));
    }
    int invite(std::string_view number, Duration wait = {},
               const std::vector<std::pair<std::string, std::string>>& more = {}) {
        fresh_call();
        return send(make("INVITE", uri(number), more, "application/sdp", sdp_of_phone(rtp)), wait);
    }
    void fresh_call() {
        call_id = ids_.call_id();
        tag = ids_.tag();
        dialog.reset();
        codes.clear();
    }
    int in_dialog(std::string_view method,
                  const std::vector<std::pair<std::string, std::string>>& more = {},
                  std::string_view type = {}, std::string_view body = {}) {
        REQUIRE(dialog);
        sip::Builder b = dialog->request(method);
        b.add("Via",
              fmt::format("SIP/2.0/UDP {};branch={};rport", hop.local.to_string(), ids_.branch()));
        b.add("Max-Forwards", "70");
        b.add("Contact", fmt::format("<sip:{}@{}>", user, hop.local.to_string()));
        for (const auto& [name, value] : more) b.add(name, value);
        if (!type.empty()) b.body(type, body);
        codes.clear();
        last_request = *b.write();
        transactions_.request(last_request, way(), wire_.now);
        wire_.run();
        return codes.empty() ? 0 : codes.back();
    }
    void cancel() {
        transactions_.cancel(invite_, wire_.now);
        wire_.run();
    }

    // The newest request of that method; nullptr: none.
    const Heard* request(std::string_view method) const {
        for (auto h = heard.rbegin(); h != heard.rend(); ++h)
            if (h->kind == Kind::request && h->text.starts_with(std::string(method) + " "))
                return &*h;
        return nullptr;
    }
    std::size_t count(std::string_view begin) const {
        std::size_t n = 0;
        for (const Heard& h : heard) n += h.text.starts_with(begin);
        return n;
    }
    const std::string& last(std::string_view begin) const {
        static const std::string none;
        for (auto h = heard.rbegin(); h != heard.rend(); ++h)
            if (h->text.starts_with(begin)) return h->text;
        return none;
    }
    void reply(std::string_view method, int status, bool with_sdp = false,
               const std::vector<std::pair<std::string, std::string>>& more = {}) {
        const Heard* h = request(method);
        REQUIRE(h != nullptr);
        const auto m = sip::Message::parse(h->text);
        sip::Builder b = sip::response_to(*m, h->from, status, {}, tag);
        if (more.empty() || more[0].first != "Contact")
            b.add("Contact", fmt::format("<sip:{}@{}>", user, hop.local.to_string()));
        for (const auto& [name, value] : more) b.add(name, value);
        if (with_sdp) b.body("application/sdp", sdp_of_phone(rtp, formats));
        const std::string text = *b.write();
        if (method == "INVITE") {
            if (m->to_tag().empty()) dialog = sip::Dialog::as_callee(*m, tag);
            if (dialog) dialog->on_sent(*sip::Message::parse(text));
        }
        transactions_.respond(h->id, text, wire_.now);
        wire_.run();
    }
    std::string formats = "0 8 101";

    std::string_view name() const override { return user; }
    void on_packet(const Packet& p, Time now) override {
        if (p.content != Content::sip) {
            if (p.content == Content::rtp) media.emplace_back(p.payload.begin(), p.payload.end());
            return;
        }
        const std::string text(as_text(p.payload));
        const auto m = sip::Message::parse(text);
        INFO(text);
        REQUIRE(m);
        const sip::Hop from{p.dst, p.src, p.transport};
        const auto e = transactions_.on_message(*m, from, now);
        if (e.kind == Kind::absorbed) return;
        heard.push_back({text, e.id, from, e.kind});
        if (e.kind == Kind::response) on_response(*m, e.id);
        if (e.kind == Kind::cancel) on_cancel(*m, from, e, now);
        if (e.kind == Kind::request) on_request(*m, from, e.id, now);
    }
    void on_unreachable(const Endpoint& local, const Endpoint& remote, Transport t,
                        Time now) override {
        transactions_.on_unreachable({local, remote, t}, now);
    }
    void on_timer(Time now) override { transactions_.on_timer(now); }
    std::optional<Time> deadline() const override { return transactions_.deadline(); }
    std::optional<Packet> poll() override {
        if (!rtp_out_.empty()) {
            current_ = std::move(rtp_out_.front());
            rtp_out_.pop_front();
            return Packet{rtp, current_.first, Transport::udp, Content::rtp, current_.second, {}};
        }
        auto out = transactions_.poll();
        if (!out) return std::nullopt;
        output_ = std::move(*out);
        return Packet{output_.hop.local, output_.hop.remote,      output_.hop.transport,
                      Content::sip,      as_bytes(*output_.text), {}};
    }
    void send_rtp(const Endpoint& to, std::uint8_t type, std::uint16_t sequence,
                  std::uint8_t sample) {
        Buffer b{0x80,
                 type,
                 static_cast<std::uint8_t>(sequence >> 8),
                 static_cast<std::uint8_t>(sequence),
                 0,
                 0,
                 0,
                 0,
                 1,
                 2,
                 3,
                 4};
        b.insert(b.end(), 160, sample);
        rtp_out_.emplace_back(to, std::move(b));
        wire_.run();
    }
    // Where the peer wants its audio, as its last description says.
    Endpoint remote_rtp(std::string_view begin) const {
        const std::string& text = last(begin);
        const auto m = sip::Message::parse(text);
        if (!m) return {};
        const auto sdp = sip::sdp_of(*m);
        const auto session = sdp ? sdp::Session::parse(*sdp) : Result<sdp::Session>(Error{});
        return session && !session->media().empty() ? session->media()[0].rtp() : Endpoint{};
    }

private:
    // Where the dialog's route or target is, by its address.
    sip::Hop way() const {
        sip::Hop out = hop;
        const auto next = sip::parse_uri(dialog->next_hop());
        const auto address = next ? Address::parse(next->host) : std::nullopt;
        if (address) out.remote = {*address, next->port.value_or(5060)};
        return out;
    }
    void on_response(const sip::Message& m, sip::Transactions::Id id) {
        if (m.status() == 100) return;
        codes.push_back(m.status());
        const auto sent = sip::Message::parse(last_request);
        if (m.method() == sip::Method::invite) invite_ = id;
        // Of several early dialogs the one that is answered stays.
        const bool other = dialog && m.status() / 100 == 2 && !dialog->matches(m) &&
                           m.from_tag() == dialog->id().local_tag;
        if ((!dialog || other) && m.method() == sip::Method::invite)
            dialog = sip::Dialog::as_caller(*sent, m);
        else if (dialog)
            dialog->on_response(m);
        if (m.method() != sip::Method::invite || m.status() / 100 != 2) return;
        sip::Builder ack = dialog->ack(m.cseq()->number);
        ack.add("Via",
                fmt::format("SIP/2.0/UDP {};branch={}", hop.local.to_string(), ids_.branch()));
        ack.add("Max-Forwards", "70");
        if (sip::sdp_of(*sent) == std::nullopt && sip::sdp_of(m))
            ack.body("application/sdp", sdp_of_phone(rtp));
        if (acknowledges) transactions_.send(*ack.write(), way());
    }
    void on_request(const sip::Message& m, const sip::Hop& from, sip::Transactions::Id id,
                    Time now) {
        if (m.method() == sip::Method::invite && m.to_tag().empty()) tag = ids_.tag();
        if (m.method() == sip::Method::invite || !polite) return;
        if (dialog) dialog->on_request(m);
        transactions_.respond(id, *sip::response_to(m, from, 200, {}, tag).write(), now);
    }
    void on_cancel(const sip::Message& m, const sip::Hop& from, const sip::Transactions::Event& e,
                   Time now) {
        transactions_.respond(e.id, *sip::response_to(m, from, 200, {}, tag).write(), now);
        if (!yields) return;
        for (const Heard& h : heard)
            if (h.id == e.invite && h.kind == Kind::request)
                transactions_.respond(
                    e.invite,
                    *sip::response_to(*sip::Message::parse(h.text), h.from, 487, {}, tag).write(),
                    now);
    }
    std::string with_credentials(const std::string& text) {
        const std::string& challenged = last(fmt::format("SIP/2.0 {}", codes.back()));
        const auto m = sip::Message::parse(challenged);
        const bool proxy = codes.back() == 407;
        const auto field =
            m->header(proxy ? sip::Header::proxy_authenticate : sip::Header::www_authenticate);
        REQUIRE(field);
        const auto old = sip::Message::parse(text);
        sip::DigestInput input;
        const std::string method(old->method_name()), to(old->request_uri());
        const std::string cnonce = ids_.cnonce();
        input.method = method;
        input.uri = to;
        input.username = user;
        input.password = secret;
        input.cnonce = cnonce;
        sip::Builder b = sip::Builder::request(method, to);
        for (const sip::Message::Field& f : old->fields()) {
            if (f.id == sip::Header::content_length || f.id == sip::Header::content_type) continue;
            if (f.id == sip::Header::via)
                b.add("Via", fmt::format("SIP/2.0/UDP {};branch={};rport", hop.local.to_string(),
                                         ids_.branch()));
            else if (f.id == sip::Header::cseq)
                b.add("CSeq", fmt::format("{} {}", ++cseq, method));
            else
                b.add(old->name(f), old->value(f));
        }
        const auto value = sip::answer(*field, input);
        REQUIRE(value);
        b.add(proxy ? "Proxy-Authorization" : "Authorization", *value);
        if (!old->body().empty())
            b.body(old->header(sip::Header::content_type).value_or(""), old->body());
        dialog.reset();
        return *b.write();
    }

public:
    bool acknowledges = true;  // 2xx
    bool yields = true;        // to CANCEL, with 487
    bool polite = true;        // answers requests other than INVITE with 200

private:
    Wire& wire_;
    sip::Identifiers ids_;
    sip::Transactions transactions_;
    sip::Transactions::Output output_;
    sip::Transactions::Id invite_ = 0;
    std::deque<std::pair<Endpoint, Buffer>> rtp_out_;
    std::pair<Endpoint, Buffer> current_;
};

}  // namespace sipana::lab
