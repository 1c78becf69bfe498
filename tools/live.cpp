#include "tools/live.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>

#include "libsipana/analysis/where.h"
#include "libsipana/live/call_files.h"
#include "libsipana/live/events.h"
#include "libsipana/live/file_source.h"
#include "libsipana/live/interface_source.h"
#include "libsipana/live/metrics.h"
#include "libsipana/live/packets.h"
#include "libsipana/live/ring.h"
#include "libsipana/live/sandbox.h"
#include "libsipana/live/saver.h"
#include "libsipana/live/screen.h"
#include "libsipana/live/session.h"
#include "libsipana/live/web.h"
#include "libsipana/pcap/arguments.h"
#include "libsipana/render/render.h"
#include "tools/interfaces.h"
#include "tools/process.h"
#include "tools/report_files.h"
#include "tools/terminal.h"

namespace {
bool rights_given_up = false;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// The search for leaks at the end needs what the sandbox refuses (clone, ptrace, pipes).
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return rights_given_up ? 1 : 0; }
#endif
#endif

namespace sipana::tools {
namespace {

Time clock_now() { return Time{std::chrono::system_clock::now().time_since_epoch()}; }

int refuse(const Error& error) {
    complain(error.what);
    return error.code == Errc::malformed ? static_cast<int>(usage) : exit_of(error.code);
}

// The first line of a file: a token, a key. Nothing of it is ever shown.
Result<std::string> secret_in(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!file || !std::getline(file, line) || line.empty())
        return Error{Errc::io, 0, path + ": no secret can be read from it"};
    return line;
}

}  // namespace

// What a run is put together from. Everything is opened before rights are given up, and no thread begins
// before that.
class LiveRun {
public:
    explicit LiveRun(const LiveArguments& a) : a_(a) {}
    int run();

private:
    // Each returns ok, or the exit status after having said why.
    int list() const;
    int read_expressions();
    int open_sources();
    int open_hep();
    int open_recordings();
    int open_packets();
    int open_eyes();
    int open_session();
    int give_up_rights();
    int close();

    std::uint64_t buffer() const {
        constexpr std::uint64_t usual = std::uint64_t{64} << 20;
        if (a_.buffer != 0 || a_.interfaces.empty()) return a_.buffer;
        return std::min(usual, a_.max_memory / 8 / a_.interfaces.size());
    }
    live::CaptureHead head() const;
    void complete(live::Totals& totals) const;
    void say_what_was(const live::Totals& totals, const analysis::Report& report) const;

    const LiveArguments& a_;
    bool on_screen_ = false;
    std::optional<analysis::Where> where_, save_where_;
    live::Events::What what_;
    std::optional<analysis::Selection> selection_;
    std::vector<std::unique_ptr<live::Source>> sources_;
    live::FileSource* from_files_ = nullptr;  // of sources_
    std::unique_ptr<live::HepSender> hep_sender_;
    ReportFiles report_;
    std::unique_ptr<live::Ring> ring_;
    std::optional<live::Folder> saves_;
    std::unique_ptr<live::Packets> packets_;
    std::unique_ptr<live::CallFiles> call_files_;
    live::Board board_;
    std::unique_ptr<live::Saver> saver_;
    live::Metrics metrics_{SIPANA_VERSION};
    std::unique_ptr<live::Web> web_;
    std::unique_ptr<live::Screen> screen_;
    std::unique_ptr<live::Events> events_;
    std::vector<live::Observer*> observers_;
    std::vector<int> writable_, read_only_;  // descriptors, for the sandbox
    Output out_;
    std::unique_ptr<live::Session> session_;
    Status ran_ = Done{};
};

int LiveRun::list() const {
    const auto all = pcap::list_interfaces();
    if (!all) return refuse(all.error());
    fmt::print("{}", interface_list(*all));
    return ok;
}

int LiveRun::read_expressions() {
    const auto refused = [](std::string_view why) {
        complain(why);
        return static_cast<int>(usage);
    };
    if (a_.interfaces.empty() && a_.files.empty() && a_.hep.listen.empty())
        return refused("what to listen to? -i INTERFACE (--list names them), -r - for a pipe, or --hep-listen");
    for (const auto& [name, text, to] : {std::tuple("--where", &a_.where, &where_),
                                         std::tuple("--save-where", &a_.save_where, &save_where_)}) {
        if (text->empty()) continue;
        auto parsed = analysis::Where::parse(*text);
        if (!parsed)
            return refused(fmt::format("{} '{}', column {}: {}", name, *text, parsed.error().offset + 1,
                                       parsed.error().what));
        *to = std::move(*parsed);
    }
    if (where_) selection_.emplace(std::vector<std::string>{}, &*where_);
    if (!a_.save_where.empty() && a_.save_to.empty()) return refused("--save-where: into which folder? --save-to");
    const bool has_limit = a_.ring_size != 0 || a_.ring_time_s != 0;
    if ((has_limit || a_.ring_count != 0) && a_.record.empty()) return refused("a ring of which name? -w");
    if (a_.ring_count != 0 && !has_limit)
        return refused("--ring-count needs --ring-size or --ring-time: what ends a file?");
    if (!a_.events.empty()) {
        auto parsed = live::Events::What::parse(a_.events);
        if (!parsed) return refused("--events " + parsed.error().what);
        what_ = *parsed;
    }
    const bool terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
    on_screen_ = a_.format == "screen" || (a_.format == "auto" && terminal);
    return ok;
}

int LiveRun::open_sources() {
    for (const std::string& name : a_.interfaces) {
        pcap::LiveSettings settings;
        settings.snap = a_.snap;
        settings.buffer = static_cast<std::size_t>(buffer());
        settings.promiscuous = !a_.no_promiscuous && name != "any";
        settings.immediate = a_.immediate || a_.durable;
        settings.filter = a_.filter;
        auto source = live::InterfaceSource::open(name, settings);
        if (!source) return refuse(source.error());
        read_only_.push_back((*source)->descriptor());
        sources_.push_back(std::move(*source));
    }
    if (a_.files.empty()) return ok;
    auto source = live::FileSource::open(a_.files, a_.filter);
    if (!source && stop_asked == by_signal) return interrupted;
    if (!source) {
        complain(source.error().what);
        return exit_of(source.error().code);
    }
    from_files_ = source->get();
    sources_.push_back(std::move(*source));
    return ok;
}

int LiveRun::open_hep() {
    auto agents = a_.hep.listener();
    if (!agents) return refuse(agents.error());
    auto collector = a_.hep.sender();
    if (!collector) return refuse(collector.error());
    if (*agents) {
        if (!a_.quiet)
            for (const Endpoint& at : (*agents)->listening()) complain("HEP agents may send to " + at.to_string());
        sources_.push_back(std::move(*agents));
    }
    if (*collector) observers_.push_back(collector->get());
    hep_sender_ = std::move(*collector);
    return ok;
}

live::CaptureHead LiveRun::head() const {
    live::CaptureHead head;
    head.application = "sipana live " SIPANA_VERSION;
    for (const auto& source : sources_) head.interfaces.push_back(source->interface());
    return head;
}

int LiveRun::open_recordings() {
    if (!report_.open(a_.output)) return io_error;
    if (a_.record.empty()) return ok;
    live::RingSettings ring;
    ring.most_bytes = a_.ring_size;
    ring.most_time = std::chrono::milliseconds{static_cast<std::int64_t>(a_.ring_time_s * 1000)};
    ring.most_files = a_.ring_count;
    ring.durable = a_.durable;
    auto opened = live::Ring::open(a_.record, ring, head(), clock_now());
    if (!opened) return refuse(opened.error());
    ring_ = std::move(*opened);
    observers_.push_back(ring_.get());
    writable_.push_back(ring_->folder().descriptor());
    return ok;
}

// Packets of calls are kept for who saves them: a folder, the screen, a browser.
int LiveRun::open_packets() {
    if (a_.save_to.empty() && !on_screen_ && a_.web.empty()) return ok;
    if (!a_.save_to.empty()) {
        std::error_code error;
        std::filesystem::create_directories(a_.save_to, error);
    }
    if (!a_.save_to.empty() || on_screen_) {
        auto folder = live::Folder::open(a_.save_to);
        if (!folder) return refuse(folder.error());
        saves_ = std::move(*folder);
        writable_.push_back(saves_->descriptor());
    }
    live::PacketsSettings packets;
    live::CallFilesSettings files;
    files.keep = on_screen_ || !a_.web.empty();
    if (!a_.save_to.empty()) {
        packets.spool = saves_;
        files.folder = saves_;
        files.where = save_where_;
    }
    packets_ = std::make_unique<live::Packets>(std::move(packets), head());
    call_files_ = std::make_unique<live::CallFiles>(std::move(files), *packets_);
    observers_.push_back(call_files_.get());
    if (saves_) saver_ = std::make_unique<live::Saver>(board_, *saves_);
    return ok;
}

int LiveRun::open_eyes() {
    if (!a_.web.empty()) {
        observers_.push_back(&metrics_);
        live::WebSettings settings;
        settings.address = a_.web;
        settings.names = a_.web_names;
        settings.metrics = [this] { return metrics_.text(board_.totals()); };
        if (!a_.web_token.empty()) {
            auto token = secret_in(a_.web_token);
            if (!token) return refuse(token.error());
            settings.token = std::move(*token);
        }
        auto web = live::Web::open(std::move(settings));
        if (!web) return refuse(web.error());
        web_ = std::move(*web);
        if (!a_.quiet) complain("the page is at " + web_->url());
    }
    if (!on_screen_) {
        events_ = std::make_unique<live::Events>(
            what_, selection_ ? &*selection_ : nullptr, [this](std::string_view line) { out_.line(line); },
            [this] { out_.flush(); }, [this] { return session_->totals(); });
        observers_.push_back(events_.get());
        return ok;
    }
    live::ScreenSettings settings;
    settings.color = a_.color != "never";
    settings.ascii = a_.ascii;
    settings.save = [this](std::vector<std::uint64_t> numbers, std::string_view format) {
        return saver_->save(numbers, format);
    };
    auto screen = live::Screen::open(std::move(settings));
    if (!screen) return refuse(screen.error());
    screen_ = std::move(*screen);
    return ok;
}

int LiveRun::open_session() {
    live::SessionSettings settings;
    settings.max_memory = a_.max_memory;
    settings.buffers = a_.interfaces.size() * buffer();
    settings.stay = on_screen_ || web_ != nullptr;
    if (hep_sender_) settings.analysis.own_hep = hep_sender_->agent();
    session_ = std::make_unique<live::Session>(settings, board_, std::move(sources_), observers_);
    session_->complete_totals([this](live::Totals& t) { complete(t); });
    if (!packets_) return ok;
    live::Session::Keeper keeper;
    keeper.packets = [this](const std::vector<std::uint64_t>& numbers) { return packets_->pcapng(numbers); };
    keeper.bytes = [this] { return packets_->totals().bytes; };
    keeper.room = [this](std::uint64_t bytes) { packets_->limit(bytes); };
    session_->keep_packets(std::move(keeper));
    return ok;
}

int LiveRun::give_up_rights() {
    if (a_.no_sandbox) {
        if (a_.user.empty()) return ok;
        complain("-Z needs the sandbox: leave --no-sandbox away");
        return usage;
    }
    live::SandboxSettings settings;
    settings.writable_directories = writable_;
    settings.read_only = read_only_;
    for (const pcap::Candidate& file : pcap::expand(a_.files).files)
        if (file.path != "-") settings.readable.push_back(file.path);
    settings.user = a_.user;
    settings.terminal = on_screen_;
    settings.accepts = web_ != nullptr || a_.hep.accepts();
    if (hep_sender_ && hep_sender_->transport() != Transport::udp)
        settings.connect_to.push_back(hep_sender_->address());
    const auto applied = live::enter(settings);
    rights_given_up = true;
    if (!applied) return refuse(applied.error());
    if (!applied->missing.empty() && !a_.quiet && !on_screen_)
        complain(fmt::format("this kernel cannot: {}", fmt::join(applied->missing, "; ")));
    return ok;
}

void LiveRun::complete(live::Totals& t) const {
    if (ring_) {
        const live::Ring::Counts& c = ring_->counts();
        t.recorded_packets = c.packets;
        t.recorded_files = c.files;
        t.removed_files = c.removed_files;
        if (!ring_->status()) t.recording_failure = ring_->status().error().what;
    }
    if (hep_sender_) {
        const live::HepSender::Counts c = hep_sender_->counts();
        t.hep_sent = c.sent;
        t.hep_lost = c.dropped + c.lost + c.too_large;
        t.hep_waiting = c.waiting;
        t.hep_trouble = c.trouble;
    }
    if (call_files_) {
        t.saved_calls = call_files_->counts().saved;
        if (!call_files_->status()) t.recording_failure = call_files_->status().error().what;
    }
}

int LiveRun::run() {
    if (a_.list) return list();
    for (const auto step : {&LiveRun::read_expressions, &LiveRun::open_sources, &LiveRun::open_hep,
                            &LiveRun::open_recordings, &LiveRun::open_packets, &LiveRun::open_eyes,
                            &LiveRun::open_session, &LiveRun::give_up_rights})
        if (const int status = (this->*step)(); status != ok) return status;
    if (web_) web_->start(board_);
    std::thread screen;
    if (screen_) screen = std::thread([this] { screen_->run(board_); });
    ran_ = session_->run(stop_asked);
    session_->finish();
    board_.stop();
    if (screen.joinable()) screen.join();
    screen_.reset();
    if (web_) web_->stop();
    return close();
}

// Nobody looks any more: what was recorded is completed, and the report is made.
int LiveRun::close() {
    constexpr Duration for_the_collector = std::chrono::seconds{1};
    if (hep_sender_) hep_sender_->finish(for_the_collector);
    if (ring_)
        if (Status closed = ring_->close(); !closed && ran_) ran_ = closed;
    for (const live::Observer* o : observers_)
        if (ran_) ran_ = o->status();
    if (events_) events_->end();
    out_.flush();
    const live::Totals totals = session_->totals();
    const analysis::Report report = session_->report();
    int status = ok;
    if (!ran_) {
        complain(ran_.error().what);
        status = io_error;
    }
    if (from_files_ != nullptr && from_files_->ended()) {
        for (const Finding& f : from_files_->findings())
            if (f.severity != Severity::note || !a_.quiet) complain(f.text);
        if (from_files_->damaged()) status = damaged;
    }
    if (!report_.write(report)) status = io_error;
    if (!a_.quiet) say_what_was(totals, report);
    if (out_.failed() && out_.reason() != EPIPE) {
        complain(fmt::format("cannot write to standard output: {}", std::strerror(out_.reason())));
        return io_error;
    }
    if (status == ok && totals.captured().dropped() > 0) return packets_lost;
    return status;
}

void LiveRun::say_what_was(const live::Totals& totals, const analysis::Report& report) const {
    fmt::print(stderr, "{}", render::summary_text(report, terminal_style(a_.color, 0, a_.ascii)));
    const live::SourceCounts c = totals.captured();
    fmt::print(stderr, "captured  {} packets: {} read, {} dropped (kernel {}, interface {}, own queue {})\n",
               c.received, c.read, c.dropped(), c.dropped_by_kernel, c.dropped_by_interface, c.dropped_by_queue);
    if (c.refused > 0) fmt::print(stderr, "refused   {} of HEP agents\n", c.refused);
    const std::uint64_t evicted = totals.evictions.total() + totals.over_forgotten;
    if (evicted > 0)
        fmt::print(stderr,
                   "memory    {} given up for want of room: {} calls that were over, {} unanswered, {} others, "
                   "{} streams of no call\n",
                   evicted, totals.over_forgotten, totals.evictions.attempts, totals.evictions.calls,
                   totals.evictions.streams);
    if (ring_) {
        const live::Ring::Counts& r = ring_->counts();
        fmt::print(stderr, "recorded  {} packets in {} file{}, {} removed\n", r.packets, r.files,
                   r.files == 1 ? "" : "s", r.removed_files);
    }
    if (call_files_ && !a_.save_to.empty()) fmt::print(stderr, "saved     {} calls\n", call_files_->counts().saved);
    if (hep_sender_)
        fmt::print(stderr, "sent      {} HEP packets; {} could not be{}{}\n", totals.hep_sent,
                   totals.hep_lost + totals.hep_waiting, totals.hep_trouble.empty() ? "" : ": ",
                   printable(totals.hep_trouble));
}

int LiveCommand::run() {
    catch_interrupt({SIGTERM});
    // It is never destroyed: what the sandbox knows by the number of its descriptor has to stay open to the end.
    static LiveRun& run = *new LiveRun(arguments_);
    return run.run();
}

}  // namespace sipana::tools
