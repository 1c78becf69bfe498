#include "libsipana/render/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder_columns.h"
#include "libsipana/render/ladder_words.h"
#include "libsipana/render/render.h"

namespace sipana::render {
namespace {

using analysis::Call;
using analysis::SipMessage;
using analysis::Stream;

constexpr std::size_t max_lanes = 256;  // streams looked at for one figure

// Capture times are hostile too: a difference that does not fit is the longest there is.
Duration between(Time from, Time to) {
    Duration::rep out;
    return __builtin_sub_overflow(to.count(), from.count(), &out) ? Duration::max() : Duration{out};
}

// Where a row belongs: rows of equal time keep the order of the capture, and around one message a
// note about it stands before (fork, leg) or after it (hold).
struct Place {
    Time time{};
    std::uint64_t frame = 0;
    int rank = 0;
    std::uint32_t call = 0, item = 0;
    bool operator<(const Place& o) const {
        return std::tie(time, frame, rank, call, item) <
               std::tie(o.time, o.frame, o.rank, o.call, o.item);
    }
};
enum Rank : int { before_message, message_itself, media, digit, after_message };

class Builder {
public:
    Builder(std::span<const Call* const> calls, Names names)
        : calls_(calls), columns_(calls, names) {}
    Ladder build();

private:
    struct Item {
        Place place;
        Row row;
    };
    struct CallFacts {
        std::map<std::uint64_t, std::pair<std::uint32_t, Severity>> findings;  // by frame
        std::map<std::uint32_t, std::string> described;  // message -> what its SDP says
        std::map<std::uint64_t, char> info_digits;       // frame -> key
    };

    void learn(std::uint32_t c);
    void add_messages(std::uint32_t c);
    void add_arrow(std::uint32_t c, std::uint32_t index);
    std::string_view evidence_for(std::uint32_t c) const;
    void add_leg_note(std::uint32_t c, const SipMessage& first);
    void add_fork_note(std::uint32_t c, std::uint32_t index);
    void add_media(std::uint32_t c);
    MediaWay way_of(std::uint32_t c, std::uint32_t s) const;
    std::size_t opposite(const std::vector<MediaWay>& ways, const std::vector<bool>& used,
                         std::size_t i) const;
    void add_lane(std::vector<MediaWay> ways);
    void add_digits(std::uint32_t c);
    void add_holds(std::uint32_t c);
    void put(Place place, decltype(Row::what) what) {
        items_.push_back({place, {place.time, std::move(what)}});
    }
    void join_digits();
    void fill_in_repeats();
    void name_requests();
    std::string title() const;

    std::span<const Call* const> calls_;
    Columns columns_;
    std::vector<CallFacts> facts_;
    std::vector<Item> items_;
    std::set<std::pair<std::uint32_t, std::uint32_t>> dialogs_seen_;
    sip::Message parsed_;  // memory used again
    std::size_t lanes_ = 0;
    std::uint64_t omitted_ = 0;
};

void Builder::learn(std::uint32_t c) {
    const Call& call = *calls_[c];
    CallFacts& facts = facts_.emplace_back();
    for (const Finding& f : call.findings) {
        if (f.frame == 0) continue;
        auto& [count, worst] = facts.findings[f.frame];
        ++count;
        worst = std::max(worst, f.severity);
    }
    for (const auto& ledger : call.ledgers)
        for (const auto& exchange : ledger.exchanges) {
            facts.described.emplace(
                exchange.offer_message,
                describe(exchange.delayed ? "delayed offer" : "offer", exchange, false));
            if (exchange.answer_message)
                facts.described.emplace(
                    *exchange.answer_message,
                    describe(exchange.outcome == sdp::Outcome::early ? "early answer" : "answer",
                             exchange, true));
        }
    for (const auto& digit : call.digits)
        if (digit.source == analysis::DigitSource::sip_info)
            facts.info_digits[digit.frame] = digit.digit;
}

void Builder::add_messages(std::uint32_t c) {
    const Call& call = *calls_[c];
    bool first = true;
    for (std::uint32_t i = 0; i < call.messages.size(); ++i) {
        const SipMessage& m = call.messages[i];
        if (i >= max_ladder_rows) {  // would be cut in any case
            ++omitted_;
            continue;
        }
        if (first && c > 0) add_leg_note(c, m);
        first = false;
        add_fork_note(c, i);
        add_arrow(c, i);
    }
}

void Builder::add_arrow(std::uint32_t c, std::uint32_t index) {
    const Call& call = *calls_[c];
    const SipMessage& m = call.messages[index];
    Arrow a;
    a.from = columns_.of(m.src);
    a.to = columns_.of(m.dst);
    a.tone = tone_of(m.code);
    a.call = c;
    a.message = index;
    a.frame = m.frame;
    a.cseq = fmt::format("{} {}", m.cseq, m.method_name);
    a.transport = m.transport;
    a.retransmission = m.retransmission;
    a.seen_again = m.capture_duplicate ? 1 : 0;  // fill_in_repeats() moves it to the first copy
    const bool read = static_cast<bool>(parsed_.read(m.text));
    a.label = m.is_request() ? std::string(m.method_name) : fmt::format("{}", m.code);
    if (!m.is_request() && read && !parsed_.reason().empty())
        a.label += fmt::format(" {}", parsed_.reason());
    if (m.has_sdp) a.label += " (SDP)";
    const CallFacts& facts = facts_[c];
    if (const auto it = facts.described.find(index); it != facts.described.end())
        a.detail = it->second;
    if (const auto it = facts.info_digits.find(m.frame); it != facts.info_digits.end())
        a.detail = fmt::format("digit {}", it->second);
    if (a.detail.empty() && read) a.detail = detail_of(m, parsed_);
    if (const auto it = facts.findings.find(m.frame); it != facts.findings.end()) {
        a.findings = it->second.first;
        a.worst = it->second.second;
    }
    put({m.time, m.frame, message_itself, c, index}, std::move(a));
}

// What says that this call belongs to another one of the figure; "" if nothing does.
std::string_view Builder::evidence_for(std::uint32_t c) const {
    for (std::uint32_t other = 0; other < calls_.size(); ++other) {
        if (other == c) continue;
        for (const auto& leg : calls_[c]->legs)
            if (leg.call_id == calls_[other]->call_id) return leg.evidence;
        for (const auto& leg : calls_[other]->legs)
            if (leg.call_id == calls_[c]->call_id) return leg.evidence;
    }
    return {};
}

void Builder::add_leg_note(std::uint32_t c, const SipMessage& first) {
    const std::string_view evidence = evidence_for(c);
    Note note;
    note.kind = Note::Kind::leg;
    note.call = c;
    note.from = std::min(columns_.of(first.src), columns_.of(first.dst));
    note.to = std::max(columns_.of(first.src), columns_.of(first.dst));
    note.text = evidence.empty() ? fmt::format("call {}: {}", c + 1, title_of(*calls_[c]))
                                 : fmt::format("leg {}: {}", c + 1, evidence);
    put({first.time, first.frame, before_message, c, 0}, std::move(note));
}

// A second dialog under one INVITE: the request was forked (RFC 3261 12.1).
void Builder::add_fork_note(std::uint32_t c, std::uint32_t index) {
    const Call& call = *calls_[c];
    const SipMessage& m = call.messages[index];
    if (m.is_request() || m.dialog == analysis::none || m.dialog >= call.dialogs.size()) return;
    if (!dialogs_seen_.insert({c, m.dialog}).second || m.dialog == 0) return;
    Note note;
    note.kind = Note::Kind::fork;
    note.call = c;
    note.from = std::min(columns_.of(m.src), columns_.of(m.dst));
    note.to = std::max(columns_.of(m.src), columns_.of(m.dst));
    note.text = fmt::format("forked: dialog {} of {}, To tag {}", m.dialog + 1, call.dialogs.size(),
                            call.dialogs[m.dialog].callee_tag);
    put({m.time, m.frame, before_message, c, index}, std::move(note));
}

MediaWay Builder::way_of(std::uint32_t c, std::uint32_t s) const {
    const Stream& stream = calls_[c]->streams[s];
    MediaWay w;
    w.call = c;
    w.stream = s;
    w.from = columns_.source_of(*calls_[c], stream);
    w.to = columns_.target_of(*calls_[c], stream);
    w.codec = stream.codec;
    w.packets = stream.packets;
    w.expected = stream.expected;
    w.lost = stream.lost;
    w.clock_known = stream.clock_hz != 0;
    w.mean_jitter_ms = stream.mean_jitter_ms;
    w.max_jitter_ms = stream.max_jitter_ms;
    w.start = stream.start;
    w.end = stream.end;
    return w;
}

// The stream that answers this one: the same addresses turned round, or else the same columns.
std::size_t Builder::opposite(const std::vector<MediaWay>& ways, const std::vector<bool>& used,
                              std::size_t i) const {
    const auto stream_of = [this](const MediaWay& w) -> const Stream& {
        return calls_[w.call]->streams[w.stream];
    };
    const Stream& a = stream_of(ways[i]);
    std::size_t found = i;
    for (std::size_t j = i + 1; j < ways.size(); ++j) {
        const Stream& b = stream_of(ways[j]);
        if (used[j] || a.media != b.media || ways[i].from != ways[j].to ||
            ways[i].to != ways[j].from || ways[i].from == ways[i].to ||
            between(a.end, b.start) > ladder_pause)
            continue;
        if (a.src == b.dst && a.dst == b.src) return j;
        if (found == i) found = j;
    }
    return found;
}

void Builder::add_lane(std::vector<MediaWay> ways) {
    const MediaWay& first = ways.front();
    const Stream& stream = calls_[first.call]->streams[first.stream];
    MediaLane lane;
    lane.from = first.from;
    lane.to = first.to;
    lane.media = stream.media;
    lane.encrypted = stream.encrypted;
    lane.start = first.start;
    lane.end = first.end;
    lane.label =
        stream.media == analysis::MediaKind::other ? "media" : std::string(to_string(stream.media));
    if (!first.codec.empty()) lane.label += " " + first.codec;
    if (ways.size() > 1) {
        lane.start = std::min(lane.start, ways[1].start);
        lane.end = std::max(lane.end, ways[1].end);
        if (!ways[1].codec.empty() && !iequals(ways[1].codec, first.codec))
            lane.label += (first.codec.empty() ? " " : "/") + ways[1].codec;
    }
    if (lane.encrypted) lane.label += " (SRTP)";
    const Place place{lane.start, stream.first_frame, media, first.call, first.stream};
    lane.ways = std::move(ways);
    put(place, std::move(lane));
}

void Builder::add_media(std::uint32_t c) {
    std::vector<MediaWay> ways;
    for (std::uint32_t s = 0; s < calls_[c]->streams.size(); ++s) {
        if (lanes_ >= max_lanes) {
            ++omitted_;
            continue;
        }
        ++lanes_;
        ways.push_back(way_of(c, s));
    }
    std::vector<bool> used(ways.size());
    for (std::size_t i = 0; i < ways.size(); ++i) {
        if (used[i]) continue;
        const std::size_t j = opposite(ways, used, i);
        used[i] = used[j] = true;
        std::vector<MediaWay> pair{ways[i]};
        if (j != i) pair.push_back(ways[j]);
        add_lane(std::move(pair));
    }
}

void Builder::add_digits(std::uint32_t c) {
    const Call& call = *calls_[c];
    std::size_t drawn = 0;
    const auto add = [&](const analysis::Digit& digit, std::uint32_t from, std::uint32_t to,
                         std::uint32_t item) {
        if (++drawn > max_ladder_rows) {
            ++omitted_;
            return;
        }
        Digits row;
        row.from = from;
        row.to = to;
        row.digits = std::string(1, digit.digit);
        row.source = digit.source;
        row.last = digit.start;
        put({digit.start, digit.frame, Rank::digit, c, item}, std::move(row));
    };
    for (std::uint32_t s = 0; s < call.streams.size(); ++s)
        for (const auto& digit : call.streams[s].digits)
            add(digit, columns_.source_of(call, call.streams[s]),
                columns_.target_of(call, call.streams[s]), s);
    // A key in an INFO is told by that message's arrow.
    std::set<std::uint64_t> info_frames;
    for (const SipMessage& m : call.messages)
        if (m.method == sip::Method::info) info_frames.insert(m.frame);
    for (const auto& digit : call.digits)
        if (info_frames.count(digit.frame) == 0)
            add(digit, columns_.caller_of(call), columns_.callee_of(call), 0);
}

// Hold and resume, as the answered offers say (RFC 3264 8.4).
void Builder::add_holds(std::uint32_t c) {
    const Call& call = *calls_[c];
    for (const auto& ledger : call.ledgers) {
        bool held[2] = {false, false};
        for (const auto& exchange : ledger.exchanges) {
            if (exchange.outcome != sdp::Outcome::answered || exchange.answered_at == no_time ||
                !exchange.answer_message || *exchange.answer_message >= call.messages.size())
                continue;
            const auto audio =
                std::find_if(exchange.media.begin(), exchange.media.end(),
                             [](const sdp::MediaLine& line) { return line.offer.rtp.port != 0; });
            if (audio == exchange.media.end()) continue;
            bool& was = held[static_cast<std::size_t>(exchange.offerer)];
            if (was == audio->offer.on_hold) continue;
            was = audio->offer.on_hold;
            const SipMessage& answer = call.messages[*exchange.answer_message];
            const std::uint32_t holder = columns_.of(answer.dst), other = columns_.of(answer.src);
            Note note;
            note.kind = was ? Note::Kind::hold : Note::Kind::resume;
            note.call = c;
            note.from = std::min(holder, other);
            note.to = std::max(holder, other);
            note.text = fmt::format("{} {}", columns_.participants()[holder].name,
                                    was ? "puts the call on hold" : "resumes the call");
            put({answer.time, answer.frame, after_message, c, *exchange.answer_message},
                std::move(note));
        }
    }
}

// Keys of one side with nothing between them become one row.
void Builder::join_digits() {
    std::vector<Item> joined;
    joined.reserve(items_.size());
    for (Item& item : items_) {
        const auto* now = std::get_if<Digits>(&item.row.what);
        auto* before = joined.empty() ? nullptr : std::get_if<Digits>(&joined.back().row.what);
        if (now != nullptr && before != nullptr && now->from == before->from &&
            now->to == before->to && now->source == before->source &&
            between(before->last, now->last) < ladder_pause) {
            before->digits += now->digits;
            before->last = now->last;
        } else {
            joined.push_back(std::move(item));
        }
    }
    items_ = std::move(joined);
}

// Numbers the retransmissions, and takes out the copies that the capture made.
void Builder::fill_in_repeats() {
    using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::string, std::string>;
    std::map<Key, std::size_t> first;  // -> index into kept
    std::vector<Item> kept;
    kept.reserve(items_.size());
    for (Item& item : items_) {
        auto* arrow = std::get_if<Arrow>(&item.row.what);
        if (arrow != nullptr) {
            const Key key{arrow->call, arrow->from, arrow->to, arrow->cseq, arrow->label};
            const auto [it, fresh] = first.emplace(key, kept.size());
            Arrow* original = fresh ? nullptr : std::get_if<Arrow>(&kept[it->second].row.what);
            if (std::exchange(arrow->seen_again, 0) != 0 && original != nullptr) {
                ++original->seen_again;
                continue;
            }
            // What comes by for the first time on this hop was passed on, not sent again.
            arrow->retransmission = arrow->retransmission && original != nullptr;
            if (arrow->retransmission)
                arrow->repeat = ++original->repeats;
            else
                it->second = kept.size();
        }
        kept.push_back(std::move(item));
    }
    items_ = std::move(kept);
}

// A response that is not to the last request says to which: "487 Request Terminated (INVITE)".
void Builder::name_requests() {
    std::vector<std::string_view> last(calls_.size());  // request of each call
    for (Item& item : items_) {
        auto* arrow = std::get_if<Arrow>(&item.row.what);
        if (arrow == nullptr) continue;
        const SipMessage& m = calls_[arrow->call]->messages[arrow->message];
        std::string_view& request = last[arrow->call];
        if (m.is_request()) {
            if (m.method != sip::Method::ack) request = m.method_name;
        } else if (!request.empty() && request != m.method_name) {
            std::string& label = arrow->label;
            if (m.has_sdp && label.ends_with(" (SDP)"))
                label.insert(label.size() - 4, fmt::format("{}, ", m.method_name));
            else
                label += fmt::format(" ({})", m.method_name);
        }
    }
}

std::string Builder::title() const {
    if (calls_.empty()) return "no call";
    std::string out = title_of(*calls_.front());
    if (calls_.size() == 1) return out;
    bool legs = true;
    for (std::uint32_t c = 0; c < calls_.size(); ++c) legs = legs && !evidence_for(c).empty();
    return out + fmt::format(" ({} {})", calls_.size(), legs ? "legs" : "calls");
}

Ladder Builder::build() {
    for (std::uint32_t c = 0; c < calls_.size(); ++c) {
        learn(c);
        add_messages(c);
        add_media(c);
        add_digits(c);
        add_holds(c);
    }
    std::stable_sort(items_.begin(), items_.end(),
                     [](const Item& a, const Item& b) { return a.place < b.place; });
    join_digits();
    fill_in_repeats();
    name_requests();
    if (items_.size() > max_ladder_rows) {
        omitted_ += items_.size() - max_ladder_rows;
        items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(max_ladder_rows), items_.end());
    }

    Ladder ladder;
    ladder.title = title();
    ladder.calls.assign(calls_.begin(), calls_.end());
    ladder.participants = columns_.participants();
    ladder.omitted = omitted_;
    if (!items_.empty()) ladder.start = ladder.end = items_.front().row.time;
    Time last_arrow = no_time;
    for (Item& item : items_) {
        Row& row = item.row;
        auto* arrow = std::get_if<Arrow>(&row.what);
        if (arrow != nullptr) {
            arrow->delta = last_arrow == no_time ? Duration{} : between(last_arrow, row.time);
            last_arrow = row.time;
        }
        const bool repeated = arrow != nullptr && arrow->retransmission;
        if (!ladder.rows.empty() && !repeated &&
            between(ladder.rows.back().time, row.time) >= ladder_pause) {
            const Time from = ladder.rows.back().time;
            ladder.rows.push_back({from, Pause{between(from, row.time)}});
        }
        ladder.end = std::max(ladder.end, row.time);
        if (const auto* lane = std::get_if<MediaLane>(&row.what))
            ladder.end = std::max(ladder.end, lane->end);
        ladder.rows.push_back(std::move(row));
    }
    return ladder;
}

}  // namespace

Ladder build_ladder(std::span<const Call* const> calls, Names names) {
    return Builder(calls, names).build();
}

}  // namespace sipana::render
