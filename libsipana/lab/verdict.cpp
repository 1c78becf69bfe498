#include "libsipana/lab/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "libsipana/lab/judge.h"
#include "libsipana/sip/message.h"

namespace sipana::lab {
namespace {

struct Key {  // of the same bytes on the same way
    Endpoint src, dst;
    std::uint64_t digest = 0;
    auto operator<=>(const Key&) const = default;
};

// A connection leaves from the port that the system gives it: its address is the way.
Endpoint from_way(Endpoint src, Transport transport) {
    if (transport != Transport::udp && transport != Transport::sctp) src.port = 0;
    return src;
}

constexpr std::size_t max_named = 3;  // disagreements that a result names

std::string in_words(std::uint64_t n, const std::vector<std::string>& named) {
    return fmt::format("{}: {}{}", n, fmt::join(named, "; "), n > named.size() ? "; ..." : "");
}

// Digests of what the analyzer did not take for a SIP message.
class Digests : public Reading::Eye {
public:
    void on_datagram(const net::Datagram& d) override {
        frames[{d.src, d.dst, message_digest(as_text(d.payload))}].push_back(d.frame);
    }
    void on_chunk(const net::Chunk& c) override {
        streams.insert({from_way(c.src, Transport::tcp), c.dst});
    }
    std::map<Key, std::vector<std::uint64_t>> frames;
    std::set<std::pair<Endpoint, Endpoint>> streams;
};

struct Disagreements {
    std::uint64_t count = 0;
    std::vector<std::string> named;
    void add(std::string text) {
        if (++count <= max_named) named.push_back(std::move(text));
    }
};

// The lab's log of sent messages against the capture.
class Comparison {
public:
    Comparison(const Log& log, const Reading& reading) : log_(log), reading_(reading) {
        for (const Place& place : log.places)
            if (place.ours)
                for (const Endpoint& e : place.endpoints) ours_.insert(e);
    }
    void run();
    std::string found() const;  // where nothing is missing
    std::uint64_t sent = 0;
    std::uint64_t unseen = 0, strayed = 0;  // inside TLS; to where nobody is
    Disagreements missing, unknown, early;

private:
    void look_closer();
    bool is_ours(const Endpoint& src) const {
        return ours_.contains(src) || log_.hosts.contains(src.address);
    }
    struct Transmissions {
        std::vector<const SentMessage*> sent;
        std::vector<const analysis::SipMessage*> seen;
    };
    const Log& log_;
    const Reading& reading_;
    std::set<Endpoint> ours_;
    std::map<Key, Transmissions> by_key_;
};

std::string told(const SentMessage& m) {
    return fmt::format("{} from {} to {}", m.start_line, m.node, m.dst.to_string());
}

void Comparison::run() {
    for (const SentMessage& m : log_.sent) {
        const bool secret = m.transport == Transport::tls || m.transport == Transport::wss;
        if (m.lost) continue;
        if (log_.on_wire && secret) {
            ++unseen;
            continue;
        }
        by_key_[{from_way(m.src, m.transport), m.dst, m.digest}].sent.push_back(&m);
        ++sent;
    }
    for (const Reading::Line& line : reading_.messages()) {
        const analysis::SipMessage& m = line.message;
        Transmissions& t = by_key_[{from_way(m.src, m.transport), m.dst, message_digest(m.text)}];
        // What the network doubled was sent once.
        if (!t.seen.empty() && t.seen.size() >= t.sent.size() && reading_.doubled(m.frame))
            continue;
        t.seen.push_back(&m);
    }
    look_closer();
    for (auto& entry : by_key_) {
        Transmissions& t = entry.second;
        for (std::size_t i = t.seen.size(); i < t.sent.size(); ++i)
            if (log_.unreached.contains(t.sent[i]->dst.address))
                ++strayed;
            else
                missing.add(told(*t.sent[i]));
        for (std::size_t i = t.sent.size(); i < t.seen.size(); ++i)
            if (is_ours(t.seen[i]->src))
                unknown.add(fmt::format("frame {}, from {} to {}", t.seen[i]->frame,
                                        t.seen[i]->src.to_string(), t.seen[i]->dst.to_string()));
        for (std::size_t i = 0; i < std::min(t.sent.size(), t.seen.size()); ++i)
            if (t.seen[i]->time < t.sent[i]->at)
                early.add(fmt::format("frame {} is before it was sent", t.seen[i]->frame));
    }
}

// Bytes that are no SIP message, or one with more or less behind it than it says, are sent on
// purpose: then the datagram itself must be there.
void Comparison::look_closer() {
    const bool agree = std::all_of(by_key_.begin(), by_key_.end(), [](const auto& entry) {
        return entry.second.sent.size() == entry.second.seen.size();
    });
    if (agree) return;
    Digests digests;
    reading_.again(digests);
    std::set<std::uint64_t> explained;  // frames
    for (auto at = by_key_.begin(); at != by_key_.end();) {
        const Transmissions& t = at->second;
        const auto there = digests.frames.find(at->first);
        const bool as_datagram =
            there != digests.frames.end() && there->second.size() >= t.sent.size();
        const bool in_stream = !t.sent.empty() &&
                               !sip::looks_like_sip(t.sent.front()->start_line) &&
                               digests.streams.contains({at->first.src, at->first.dst});
        if (t.seen.size() < t.sent.size() && (as_datagram || in_stream)) {
            if (as_datagram) explained.insert(there->second.begin(), there->second.end());
            at = by_key_.erase(at);
        } else {
            ++at;
        }
    }
    // What the analyzer read in such a datagram.
    for (auto& entry : by_key_)
        std::erase_if(entry.second.seen,
                      [&](const auto* m) { return explained.contains(m->frame); });
}

CheckResult held(std::string text, bool holds, std::string detail) {
    return {0, std::move(text), holds ? Outcome::done : Outcome::failed, std::move(detail)};
}

std::string Comparison::found() const {
    std::string out = counted(sent - strayed, "message");
    if (unseen > 0) out += fmt::format(", and {} inside TLS", unseen);
    if (strayed > 0) out += fmt::format(", and {} to where nobody is", strayed);
    return out;
}

void compare_messages(const Log& log, const Reading& reading, std::vector<CheckResult>& checks) {
    Comparison c(log, reading);
    c.run();
    checks.push_back(held("every message that was sent is in the capture", c.missing.count == 0,
                          c.missing.count == 0 ? c.found()
                                               : in_words(c.missing.count, c.missing.named)));
    const bool fine = c.unknown.count + c.early.count == 0;
    checks.push_back(held("every message in the capture was sent", fine,
                          c.unknown.count > 0 ? in_words(c.unknown.count, c.unknown.named)
                          : c.early.count > 0 ? in_words(c.early.count, c.early.named)
                                              : counted(reading.messages().size(), "message")));
}

void compare_media(const Log& log, const Reading& reading, std::vector<CheckResult>& checks) {
    using Way = std::tuple<Endpoint, Endpoint, std::uint32_t>;
    struct Packets {
        std::uint64_t sent = 0, seen = 0;
    };
    std::map<Way, Packets> ways;
    std::set<Endpoint> ours;
    std::uint64_t sent = 0;
    for (const SentMedia& m : log.media) {
        ways[{m.src, m.dst, m.ssrc}].sent += m.packets;
        ours.insert(m.src);
        sent += m.packets;
    }
    for (const analysis::Stream* s : reading.streams())
        if (ours.contains(s->src) || log.hosts.contains(s->src.address))
            ways[{s->src, s->dst, s->ssrc}].seen += s->packets;
    Disagreements wrong;
    std::uint64_t undecided = reading.counts().undecided;
    for (const auto& way : ways) {
        const Packets& p = way.second;
        if (p.sent == p.seen) continue;
        if (p.seen == 0 && p.sent <= undecided) {  // too few to be taken for RTP without SDP
            undecided -= p.sent;
            continue;
        }
        const auto& [src, dst, ssrc] = way.first;
        if (p.seen < p.sent && log.unreached.contains(dst.address)) continue;
        if (p.seen > p.sent && p.seen - p.sent == reading.doubled_rtp(src, dst, ssrc)) continue;
        wrong.add(fmt::format("{} > {}: {} sent, {} seen", src.to_string(), dst.to_string(), p.sent,
                              p.seen));
    }
    checks.push_back(
        held("RTP in the capture is what was sent", wrong.count == 0,
             wrong.count == 0 ? counted(sent, "packet") : in_words(wrong.count, wrong.named)));
}

void account_frames(const Reading& reading, std::vector<CheckResult>& checks) {
    const net::Accounting& frames = reading.counts().frames;
    std::uint64_t sum = 0;
    for (const std::uint64_t n : frames.by_fate) sum += n;
    std::string wrong;
    if (reading.damaged()) wrong = "the file is damaged";
    for (const net::Fate fate : {net::Fate::cut_short, net::Fate::bad_header, net::Fate::too_deep,
                                 net::Fate::over_cap, net::Fate::unknown_link_type})
        if (frames[fate] > 0 && wrong.empty())
            wrong = fmt::format("{} {}", counted(frames[fate], "frame"), to_string(fate));
    if (sum != frames.frames && wrong.empty())
        wrong = fmt::format("{} of {}", sum, counted(frames.frames, "frame"));
    checks.push_back(held("every frame of the capture is accounted for", wrong.empty(),
                          wrong.empty() ? counted(frames.frames, "frame") : wrong));
}

Verdict judged(const Script& script, const Log& log, const Result<Reading>& reading) {
    Verdict verdict;
    if (!reading) {
        verdict.checks.push_back(held("the capture can be read", false, reading.error().what));
        return verdict;
    }
    verdict.sip_seen = reading->counts().sip_messages;
    verdict.rtp_seen = reading->counts().rtp_packets;
    account_frames(*reading, verdict.checks);
    compare_messages(log, *reading, verdict.checks);
    if (log.media_counted) compare_media(log, *reading, verdict.checks);
    const Judge judge(log, *reading);
    for (const CheckLine& line : script.checks) {
        CheckResult& result = verdict.checks.emplace_back();
        result.line = line.where.line;
        result.text = line.text;
        const auto claim = parse_claim(line.words);
        if (!claim) {
            result.outcome = Outcome::failed;
            result.detail = claim.error().what;
            continue;
        }
        Ruling ruling = judge.rule(*claim);
        result.outcome = ruling.holds ? Outcome::done : Outcome::failed;
        result.detail = std::move(ruling.found);
    }
    return verdict;
}

}  // namespace

bool Verdict::holds() const {
    return std::none_of(checks.begin(), checks.end(),
                        [](const CheckResult& c) { return c.outcome == Outcome::failed; });
}

Verdict judge(const Script& script, const Log& log, const std::string& capture_file) {
    return judged(script, log, Reading::of_file(capture_file));
}

Verdict judge(const Script& script, const Log& log, Bytes capture) {
    return judged(script, log, Reading::of(capture));
}

Status check_syntax(const CheckLine& line, const Script* script) {
    const auto at = [&](std::string_view what) {
        return Error{Errc::malformed, 0,
                     fmt::format("{}:{}: {}", line.where.line, line.where.column, what)};
    };
    const auto claim = parse_claim(line.words);
    if (!claim) return at(claim.error().what);
    if (script == nullptr) return Done{};
    const std::string* const names[] = {&claim->subject.name, &claim->subject.to, &claim->from};
    for (const std::string* name : names)
        if (!name->empty() && script->phone(*name) == nullptr && script->server(*name) == nullptr)
            return at(fmt::format("expected a phone or server, found '{}'", *name));
    return Done{};
}

std::uint64_t message_digest(std::string_view bytes) {
    std::uint64_t h = bytes.size();
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const std::string_view piece = bytes.substr(0, 8);
        for (std::size_t i = 0; i < piece.size(); ++i)
            word |= static_cast<std::uint64_t>(static_cast<unsigned char>(piece[i])) << 8 * i;
        h = mix(h ^ word, 0x9e3779b97f4a7c15u + piece.size());
        bytes.remove_prefix(piece.size());
    }
    return h;
}

}  // namespace sipana::lab
