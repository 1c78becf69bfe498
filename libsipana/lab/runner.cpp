#include "libsipana/lab/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "libsipana/lab/judge.h"
#include "libsipana/lab/load.h"
#include "libsipana/lab/program_phone.h"
#include "libsipana/lab/serving.h"
#include "libsipana/lab/stage.h"

namespace sipana::lab {
namespace {

// After the script's last line: for what is still on its way, and for a polite end.
constexpr Duration grace_simulated = std::chrono::seconds{40};
constexpr Duration grace_sockets = std::chrono::seconds{3};
constexpr Duration settling = std::chrono::milliseconds{100};
constexpr Duration registration = std::chrono::seconds{10};  // of exchanges with each other

Time real_now() {
    return std::chrono::duration_cast<Time>(std::chrono::system_clock::now().time_since_epoch());
}

bool stopped(const RunSettings& settings) {
    return settings.stop != nullptr && settings.stop->load() != 0;
}

std::optional<Time> earlier(std::optional<Time> a, std::optional<Time> b) {
    if (!a) return b;
    if (!b) return a;
    return std::min(*a, *b);
}

// A capture with holes proves nothing.
CheckResult nothing_lost(const BridgeRecorder& bridge) {
    const std::uint64_t lost = bridge.dropped();
    return {0, "the capture lost nothing", lost == 0 ? Outcome::done : Outcome::failed,
            lost == 0 ? counted(bridge.frames(), "frame")
                      : fmt::format("the kernel dropped {} at the bridge, {} are there",
                                    counted(lost, "frame"), bridge.frames())};
}

class Run {
public:
    Run(const Script& script, const RunSettings& settings)
        : script_(script), settings_(settings), stage_(script, settings, real_now, false) {}

    RunResult play();

private:
    void wait_for_servers();
    void perform(Play& play);
    void wind_up(Play& play);
    void judge_capture(const Play& play);

    const Script& script_;
    const RunSettings& settings_;
    Stage stage_;
    RunResult result_;
};

void Run::wait_for_servers() {
    const Time limit = stage_.now() + registration;
    while (!stage_.ready() && stage_.now() < limit && !stopped(settings_) &&
           stage_.program_failure().empty())
        if (!stage_.turn(limit)) break;
    if (!stage_.exchanges_ready())
        result_.notes.push_back("an exchange could not register with another one in time");
}

void Run::perform(Play& play) {
    for (Agent* agent : stage_.agents())
        if (agent != nullptr)
            agent->cast_by([&play](Agent& who, Conversation& c, const Arrival& arrival) {
                return play.takes(who, c, arrival);
            });
    for (ProgramPhone* phone : stage_.programs())
        if (phone != nullptr)
            phone->cast_by([&play](ProgramPhone& who, Conversation& c, const Arrival& arrival) {
                return play.takes(who, c, arrival);
            });
    const Time limit = stage_.now() + settings_.longest;
    play.on_timer(stage_.now());
    while (!play.over()) {
        if (stopped(settings_)) {
            play.end(stage_.now(), "interrupted");
            return;
        }
        if (stage_.now() >= limit) {
            play.end(stage_.now(), "the run took too long");
            return;
        }
        if (stage_.capture_failed()) {
            play.end(stage_.now(), "the capture cannot be written");
            return;
        }
        if (const std::string why = stage_.program_failure(); !why.empty()) {
            play.end(stage_.now(), why);
            return;
        }
        if (!stage_.turn(earlier(play.deadline(), limit))) break;
        play.on_timer(stage_.now());
        stage_.drain();
    }
}

void Run::wind_up(Play& play) {
    play.end(stage_.now());
    const Time end =
        stage_.now() + (settings_.ground == Ground::simulated ? grace_simulated : grace_sockets);
    while (!stage_.idle() && stage_.now() < end && !stopped(settings_))
        if (!stage_.turn(end)) break;
    const Time last = stage_.now() + settling;
    while (stage_.now() < last && !stopped(settings_))
        if (!stage_.turn(last)) break;
    stage_.await_capture();
}

void Run::judge_capture(const Play& play) {
    if (const Status s = stage_.close_capture(play.met_messages()); !s) {
        result_.outcome = Outcome::failed;
        result_.error = s.error().what;
        result_.error_code = s.error().code;
        return;
    }
    if (!settings_.keep_capture) return;
    const Log log = stage_.log(&play);
    const Verdict verdict = settings_.capture.empty() ? judge(script_, log, stage_.captured())
                                                      : judge(script_, log, settings_.capture);
    if (const BridgeRecorder* bridge = stage_.bridge()) {
        result_.checks.push_back(nothing_lost(*bridge));
        if (bridge->dropped() > 0) result_.outcome = Outcome::failed;
    }
    result_.checks.insert(result_.checks.end(), verdict.checks.begin(), verdict.checks.end());
    result_.sip_seen = verdict.sip_seen;
    result_.rtp_seen = verdict.rtp_seen;
    if (!verdict.holds()) result_.outcome = Outcome::failed;
}

RunResult Run::play() {
    result_.script = script_.name;
    result_.title = script_.title;
    result_.seed = stage_.seed();
    result_.capture = settings_.capture;
    if (const Status s = stage_.set_up(); !s) {
        result_.outcome = Outcome::failed;
        result_.error = s.error().what;
        result_.error_code = s.error().code;
        return std::move(result_);
    }
    if (settings_.begun) {
        if (const Status s = settings_.begun(); !s) {
            result_.outcome = Outcome::failed;
            result_.error = s.error().what;
            result_.error_code = s.error().code;
            return std::move(result_);
        }
        stage_.turn(stage_.now());  // it may have taken its time
    }
    wait_for_servers();
    if (const std::string why = stage_.program_failure(); !why.empty()) {
        result_.outcome = Outcome::failed;
        result_.error = why;
        result_.error_code = Errc::io;
        return std::move(result_);
    }
    result_.started = stage_.now();
    Play::Setting setting;
    setting.script = &script_;
    setting.parts = &stage_.parts();
    setting.agents = stage_.agents();
    setting.programs = stage_.programs();
    setting.directory = &stage_.directory();
    setting.seed = mix(stage_.seed(), 77);
    Play play(setting, stage_.now());
    perform(play);
    result_.outcome = play.failed() ? Outcome::failed : Outcome::done;
    if (!play.over()) {
        result_.outcome = Outcome::failed;
        result_.error = "the script came to a standstill";
    }
    wind_up(play);
    result_.ended = stage_.now();
    result_.steps = play.results();
    if (play.failed() && result_.error.empty()) result_.error = play.why_failed();
    for (std::string& note : stage_.take_notes()) result_.notes.push_back(std::move(note));
    result_.sip_sent = stage_.sip_sent();
    result_.rtp_sent = stage_.rtp_sent();
    judge_capture(play);
    for (Agent* agent : stage_.agents())
        if (agent != nullptr) agent->forget(play);
    for (ProgramPhone* phone : stage_.programs())
        if (phone != nullptr) phone->forget(play);
    return std::move(result_);
}

}  // namespace

RunResult run(const Script& script, const RunSettings& settings) {
    return Run(script, settings).play();
}

LoadResult run_load(const Script& script, const RunSettings& settings, const LoadSettings& load) {
    Load::Rest rest;
    if (settings.ground == Ground::sockets)
        rest = [](Time until) { std::this_thread::sleep_for(until - real_now()); };
    return Load(script, settings, load, real_now, std::move(rest)).play();
}

ServeResult serve(const ServeSettings& settings) {
    Serving serving(settings, real_now);
    const auto tell = [&] {
        for (const std::string& note : serving.take_notes())
            if (settings.note) settings.note(note);
    };
    if (const Status s = serving.set_up(); !s) return {s.error().what, s.error().code, 0, 0};
    if (settings.started) settings.started(serving.listens());
    const std::optional<Time> end =
        settings.longest ? std::optional(serving.now() + *settings.longest) : std::nullopt;
    constexpr Duration look_up = std::chrono::milliseconds{200};  // a signal may come before wait()
    const auto stopped_now = [&] { return settings.stop != nullptr && settings.stop->load() != 0; };
    while (!stopped_now() && serving.capture_status() && (!end || serving.now() < *end)) {
        const Time next = serving.now() + look_up;
        serving.turn(end ? std::min(next, *end) : next);
        tell();
    }
    return serving.finish();
}

}  // namespace sipana::lab
