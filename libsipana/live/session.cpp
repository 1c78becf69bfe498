#include "libsipana/live/session.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace sipana::live {
namespace {

using namespace std::chrono_literals;
using analysis::CallKind;
using analysis::CallState;

constexpr Duration tick_interval = 50ms;
constexpr Duration totals_interval = 200ms;
constexpr Duration media_interval = 1s;       // between two looks at a call that only its media changes
constexpr unsigned frames_at_once = 512;      // of one source
constexpr std::size_t shown_at_once = 1000;   // calls a tick that messages changed
constexpr std::size_t refreshed_at_once = 200;  // by media
constexpr std::size_t most_changed = 50'000;    // wait to be shown; older ones are shown with their next message
constexpr Duration delivery = 200ms;          // so late may a frame be handed over by the kernel
constexpr Duration longest_drain = 2s;
constexpr Duration longest_before = 1h;       // that a call may have begun before the first that was seen of it
constexpr std::size_t most_losses = 1000;
constexpr std::size_t most_stray_messages = 10'000;
constexpr std::uint64_t wake_token = UINT64_MAX;

Time clock_now() { return Time{std::chrono::system_clock::now().time_since_epoch()}; }

}  // namespace

Session::Session(SessionSettings settings, Board& board, std::vector<std::unique_ptr<Source>> sources,
                 std::vector<Observer*> observers)
    : settings_([&] {
          settings.analysis.live = true;
          settings.analysis.max_unfinished = Budget(settings.max_memory, settings.buffers).shares().unfinished;
          return std::move(settings);
      }()),
      board_(board),
      sources_(std::move(sources)),
      observers_(std::move(observers)),
      analyzer_(settings_.analysis, *this),
      collector_(report_),
      budget_(settings_.max_memory, settings_.buffers),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    const auto watch = [&](int descriptor, std::uint64_t token) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = token;
        if (descriptor >= 0) epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
    };
    watch(wake_, wake_token);
    for (std::size_t i = 0; i < sources_.size(); ++i) watch(sources_[i]->descriptor(), i);
    bytes_of_.resize(sources_.size());
    board_.on_ask([this] {
        const std::uint64_t one = 1;
        (void)!write(wake_, &one, sizeof one);
    });
    const Budget::Shares shares = budget_.shares();
    analyzer_.limit(shares.tracked);
    board_.limit(shares.kept);
    begun_ = clock_now();
}

Session::~Session() {
    board_.on_ask({});
    close(epoll_);
    close(wake_);
}

// ---------------------------------------------------------------- the loop

Status Session::run(const std::atomic<int>& stop) {
    for (const auto& source : sources_) source->start();
    if (keeper_.room) keeper_.room(budget_.shares().packets);
    board_.on_totals(totals());  // eyes know from the beginning what is listened to and recorded
    Time next_tick = clock_now() + tick_interval;
    bool busy = false;
    while (stop == 0 && !board_.stopped()) {
        std::array<epoll_event, 16> ready;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick - clock_now()).count();
        const int n = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()),
                                 busy ? 0 : static_cast<int>(std::clamp<std::int64_t>(left, 0, 50)));
        if (n < 0 && errno != EINTR) return Error{Errc::io, 0, "the wait for packets failed"};
        rested_ |= !busy;
        busy = false;
        for (int i = 0; i < n; ++i)
            if (ready[static_cast<std::size_t>(i)].data.u64 == wake_token) {
                std::uint64_t count = 0;
                (void)!::read(wake_, &count, sizeof count);
            }
        for (std::size_t i = 0; i < sources_.size(); ++i) busy |= read(i);
        if (board_.asked()) answer();
        if (const Time now = clock_now(); now >= next_tick || now < next_tick - 10 * tick_interval) {
            tick(now);
            next_tick = now + tick_interval;
            for (const Observer* o : observers_)
                if (const Status s = o->status(); !s) return s;
        }
        if (!busy && all_ended()) {
            if (!settings_.stay) break;
            finish();
        }
    }
    drain();
    for (const auto& source : sources_)
        if (source->ended() && !source->status()) return source->status();
    return Done{};
}

// What came before the end was asked for still waits in the kernel.
void Session::drain() {
    const Time until = clock_now() + longest_drain;
    for (std::size_t i = 0; i < sources_.size(); ++i)
        while (sources_[i]->keeps_our_time() && read(i) && clock_now() < until) {}
}

// True: there may be more at once.
bool Session::read(std::size_t i) {
    Source& source = *sources_[i];
    if (source.ended()) return false;
    pcap::Frame frame;
    for (unsigned n = 0; n < frames_at_once; ++n) {
        if (!source.next(frame)) return false;
        frame.number = ++frames_;
        frame.file = 0;
        frame.interface = static_cast<std::uint32_t>(i);
        frame.stable = false;
        on_frame(frame);
    }
    return true;
}

void Session::on_frame(pcap::Frame& frame) {
    frame_seen_ = true;
    bits_ += std::uint64_t{frame.wire_size} * 8;
    bytes_of_[frame.interface] += frame.bytes.size();
    message_seen_ = false;
    analyzer_.on_frame(frame);
    mark();
    for (Observer* o : observers_) o->on_frame(frame, analyzer_.touched());
}

// Notes what the last frame has changed.
void Session::mark() {
    for (const analysis::Going going : analyzer_.touched()) {
        if (going.place >= marked_.size()) marked_.resize(going.place + 1);
        Mark& m = marked_[going.place];
        if (m.number != going.number) m = {going.number, false, false};
        bool& stands = message_seen_ ? m.message : m.media;
        if (stands) continue;
        stands = true;
        (message_seen_ ? by_message_ : by_media_).push_back(going);
    }
}

bool Session::keep_our_time() const {
    return std::all_of(sources_.begin(), sources_.end(), [](const auto& s) { return s->keeps_our_time(); });
}

bool Session::all_ended() const {
    return std::all_of(sources_.begin(), sources_.end(), [](const auto& s) { return s->ended(); });
}

// ---------------------------------------------------------------- between frames

void Session::tick(Time now) {
    if (frame_seen_) last_frame_ = now;
    // Without frames nothing tells the analyzer that time goes on.
    if (keep_our_time() && !frame_seen_ && (last_frame_ == no_time || now - last_frame_ >= delivery))
        analyzer_.advance(now - delivery);
    frame_seen_ = false;
    look_for_losses();
    const bool media = last_media_ == no_time || now - last_media_ >= media_interval || now < last_media_;
    show_changed(by_message_, &Mark::message, rested_ ? shown_at_once : shown_at_once / 8);
    if (media) show_changed(by_media_, &Mark::media, rested_ ? refreshed_at_once : refreshed_at_once / 8);
    rested_ = false;
    if (media && by_media_.empty()) last_media_ = now;
    for (Observer* o : observers_) o->on_tick(now);
    if (budget_.measure(now) && !finished_) {
        const Budget::Shares shares = budget_.shares();
        analyzer_.limit(shares.tracked);
        board_.limit(shares.kept);
        if (keeper_.room) keeper_.room(shares.packets);
    }
    if (last_totals_ != no_time && now - last_totals_ < totals_interval && now >= last_totals_) return;
    if (last_totals_ != no_time && now > last_totals_) {
        const double s = to_milliseconds(now - last_totals_) / 1000;
        packets_per_s_ = 0.7 * packets_per_s_ + 0.3 * static_cast<double>(frames_ - frames_before_) / s;
        bits_per_s_ = 0.7 * bits_per_s_ + 0.3 * static_cast<double>(bits_ - bits_before_) / s;
    }
    frames_before_ = frames_;
    bits_before_ = bits_;
    last_totals_ = now;
    board_.on_totals(totals());
}

// The newest first, so that a flood does not hide who calls in the middle of it.
void Session::show_changed(Changed& changed, bool Mark::*mark, std::size_t at_most) {
    while (changed.size() > most_changed) {
        unmark(changed.front(), mark);
        changed.pop_front();
    }
    const std::size_t begin = changed.size() - std::min(at_most, changed.size());
    for (std::size_t i = begin; i < changed.size(); ++i) {
        unmark(changed[i], mark);
        show(changed[i]);
    }
    changed.resize(begin);
}

void Session::unmark(analysis::Going going, bool Mark::*mark) {
    if (marked_[going.place].number == going.number) marked_[going.place].*mark = false;
}

bool Session::show(analysis::Going going) {
    auto call = analyzer_.look(going, analysis::Detail::summary);
    if (!call) return false;
    Shown& shown = shown_[going.number];
    if (shown.going.number != 0) count(shown, -1);
    shown = {going, call->kind, call->state};
    count(shown, +1);
    for (Observer* o : observers_) o->on_going(*call);
    board_.on_going(std::move(*call));
    return true;
}

void Session::unshow(std::uint64_t number) {
    const auto found = shown_.find(number);
    if (found == shown_.end()) return;
    count(found->second, -1);
    shown_.erase(found);
}

void Session::count(const Shown& shown, int step) {
    const auto add = [&](std::uint64_t& n) { n += static_cast<std::uint64_t>(std::int64_t{step}); };
    add(counted_.dialogs_active);
    if (shown.kind == CallKind::invite) add(counted_.calls_active);
    if (shown.kind == CallKind::register_ && shown.state == CallState::registered) add(counted_.registered);
    if (shown.kind == CallKind::subscribe && shown.state == CallState::active) add(counted_.subscribed);
}

void Session::answer() {
    board_.answer(
        [this](std::uint64_t number) -> std::optional<analysis::Call> {
            const auto found = shown_.find(number);
            if (found == shown_.end()) return std::nullopt;
            return analyzer_.look(found->second.going, analysis::Detail::full);
        },
        [this](const std::vector<std::uint64_t>& numbers) -> Result<Buffer> {
            if (!keeper_.packets) return Error{Errc::not_found, 0, "no packets are kept"};
            return keeper_.packets(numbers);
        });
}

// ---------------------------------------------------------------- losses

void Session::look_for_losses() {
    const Time now = keep_our_time() ? clock_now() : analyzer_.last();
    if (now == no_time) return;
    std::uint64_t dropped = 0;
    for (const auto& source : sources_) dropped += source->counts().dropped();
    if (dropped > dropped_) {
        const Time from = last_look_ == no_time ? analyzer_.first() : last_look_;
        // Losses one after the other are one.
        if (!losses_.empty() && losses_.back().to >= from - tick_interval)
            losses_.back().to = now;
        else
            losses_.push_back({from, now});
        if (losses_.size() > most_losses) losses_.pop_front();
    }
    dropped_ = dropped;
    last_look_ = now;
}

// What is missing from a call that was under way then may be the capture's loss and nobody's fault.
void Session::blame_capture(analysis::Call& call) const {
    // Of a call whose end was not seen nobody knows when that was.
    const bool ended = call.final_code != 0 && call.state != CallState::answered &&
                       call.state != CallState::registered && call.state != CallState::active;
    // Nor of one that was met half-way when it began.
    const bool begun = !call.messages.empty() && call.messages.front().is_request() &&
                       call.messages.front().method != sip::Method::bye;
    const Time start = begun ? call.start : call.start - longest_before;
    for (const Lossy& l : losses_) {
        if ((ended && call.end + delivery < l.from) || start > l.to) continue;
        call.findings.push_back(
            {"capture-lossy", Severity::warning, call.messages.empty() ? 0 : call.messages.front().frame, 0,
             "the capture lost packets while this call went on: what is missing of it may have been there", ""});
        return;
    }
}

// ---------------------------------------------------------------- what the analyzer finds

void Session::on_message(const analysis::SipMessage& message, std::string_view call_id) {
    message_seen_ = true;
    if (!call_id.empty() || report_.stray_messages.size() < most_stray_messages)
        collector_.on_message(message, call_id);
    for (Observer* o : observers_) o->on_message(message, call_id);
}

void Session::on_rtcp(const net::Datagram& datagram, std::string_view call_id) {
    for (Observer* o : observers_) o->on_rtcp(datagram, call_id);
}

void Session::on_call(analysis::Call&& call) {
    look_for_losses();
    blame_capture(call);
    unshow(call.number);
    ++counted_.dialogs_over;
    counted_.calls_over += call.kind == CallKind::invite;
    counted_.findings += call.findings.size();
    for (const analysis::Stream& s : call.streams) counted_.findings += s.findings.size();
    for (Observer* o : observers_) o->on_call(call);
    board_.on_over(std::move(call));
}

void Session::on_forgotten(std::uint64_t number) {
    for (Observer* o : observers_) o->on_forgotten(number);
    if (shown_.count(number) == 0) return;
    unshow(number);
    board_.forget(number);
}

void Session::on_stream(analysis::Stream&& stream) {
    counted_.findings += stream.findings.size();
    for (Observer* o : observers_) o->on_stream(stream);
    board_.on_stream(std::move(stream));
}

void Session::on_finding(Finding&& finding) {
    ++counted_.findings;
    for (Observer* o : observers_) o->on_finding(finding);
    board_.on_finding(std::move(finding));
}

// ---------------------------------------------------------------- the whole

Totals Session::totals() {
    Totals t = counted_;
    t.begun = begun_;
    t.now = clock_now();
    for (const auto& source : sources_)
        t.sources.push_back({source->interface().name, source->counts(), source->ended()});
    t.counts = analyzer_.counts();
    t.evictions = analyzer_.evictions();
    t.streams_active = analyzer_.streams_going_on();
    t.over_forgotten = board_.forgotten();
    t.tracked_bytes = analyzer_.bytes();
    t.kept_bytes = board_.bytes();
    if (keeper_.bytes) t.packet_bytes = keeper_.bytes();
    t.resident_bytes = budget_.resident();
    t.limit_bytes = budget_.limit();
    t.packets_per_s = packets_per_s_;
    t.bits_per_s = bits_per_s_;
    if (complete_) complete_(t);
    return t;
}

void Session::finish() {
    if (std::exchange(finished_, true)) return;
    const Time now = clock_now();
    look_for_losses();
    analyzer_.finish();
    for (Observer* o : observers_) o->on_tick(now);
    board_.on_totals(totals());
}

analysis::Report Session::report() {
    finish();
    for (analysis::Call& call : board_.take_over()) collector_.on_call(std::move(call));
    for (const StreamPtr& stream : board_.streams()) collector_.on_stream(analysis::Stream(*stream));
    for (Finding& finding : board_.findings()) collector_.on_finding(std::move(finding));
    collector_.finish(analyzer_);
    analysis::Losses& losses = report_.counts.losses;
    for (const auto& source : sources_) {
        const SourceCounts c = source->counts();
        losses.dropped_by_kernel += c.dropped_by_kernel;
        losses.dropped_by_interface += c.dropped_by_interface;
        losses.dropped_by_queue += c.dropped_by_queue;
    }
    const analysis::Evictions evicted = analyzer_.evictions();
    losses.evicted_attempts = evicted.attempts;
    losses.evicted_calls = evicted.calls;
    losses.evicted_streams = evicted.streams;
    losses.forgotten_calls = board_.forgotten();
    for (const auto& source : sources_) {
        const pcap::Interface& i = source->interface();
        analysis::FileFacts facts;
        facts.name = i.name;
        facts.format = "live";
        facts.frames = source->counts().read;
        facts.bytes = bytes_of_[report_.files.size()];
        facts.interfaces.push_back(fmt::format("{} ({})", i.name, pcap::to_string(i.link)));
        report_.files.push_back(std::move(facts));
    }
    return std::move(report_);
}

}  // namespace sipana::live
