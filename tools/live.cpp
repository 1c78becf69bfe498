#include "tools/live.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libsipana/analysis/where.h"
#include "libsipana/live/call_files.h"
#include "libsipana/live/events.h"
#include "libsipana/live/file_source.h"
#include "libsipana/live/interface_source.h"
#include "libsipana/live/packets.h"
#include "libsipana/live/ring.h"
#include "libsipana/live/sandbox.h"
#include "libsipana/live/session.h"
#include "libsipana/pcap/arguments.h"
#include "libsipana/render/render.h"
#include "tools/interfaces.h"
#include "tools/process.h"
#include "tools/terminal.h"

namespace sipana::tools {
namespace {

constexpr std::uint64_t megabyte = 1 << 20;

// "512M", "1G", "65536".
std::string size_of(std::string& text) {
    std::string_view digits = text;
    std::uint64_t unit = 1;
    if (!digits.empty()) {
        const char last = static_cast<char>(digits.back() | 0x20);
        unit = last == 'k' ? 1024 : last == 'm' ? megabyte : last == 'g' ? 1024 * megabyte : 1;
        if (unit != 1) digits.remove_suffix(1);
    }
    const auto number = to_number<std::uint64_t>(digits);
    if (!number || *number > UINT64_MAX / 2 / unit) return fmt::format("'{}' is no size such as 64M or 1G", text);
    text = std::to_string(*number * unit);
    return {};
}
const CLI::Validator as_size(size_of, "SIZE");

// Every frame into the ring, before anything else is done with it.
struct Recording final : live::Observer {
    std::unique_ptr<live::Ring> ring;
    void on_frame(const pcap::Frame& frame, std::span<const analysis::Going>) override { ring->packet(frame); }
    void on_tick(Time now) override { ring->flush(now); }
    Status status() const override { return ring->status(); }
};

Time clock_now() { return Time{std::chrono::system_clock::now().time_since_epoch()}; }

}  // namespace

struct LiveCommand::Arguments {
    std::vector<std::string> interfaces, files;
    std::string filter, where, events, format = "auto", output, color = "auto";
    std::uint64_t max_memory = 512 * megabyte, buffer = 64 * megabyte;
    std::uint32_t snap = 262'144;
    std::string record, save_where, save_to;
    std::uint64_t ring_size = 0;
    double ring_time_s = 0;
    std::uint32_t ring_count = 0;
    bool durable = false;
    bool no_promiscuous = false, immediate = false, quiet = false, ascii = false, no_sandbox = false, list = false;
    std::string user;
};

LiveCommand::LiveCommand(CLI::App& program) : arguments_(std::make_unique<Arguments>()) {
    Arguments& a = *arguments_;
    CLI::App* c = command_ = program.add_subcommand("live", "The same, while the calls happen");
    const auto input = "Input";
    c->add_option("-i,--interface", a.interfaces, "interface; may be repeated; any: all of them")
        ->allow_extra_args(false)
        ->group(input);
    c->add_flag("--list", a.list, "the interfaces there are, and nothing else")->group(input);
    c->add_option("-r,--read", a.files, "a pipe (-) or files instead, as they come")->allow_extra_args(false)->group(input);
    c->add_option("-f,--filter", a.filter, "packets: a BPF expression, as for tcpdump; later fragments pass with it")
        ->group(input);
    c->add_flag("-p,--no-promiscuous", a.no_promiscuous, "only what is for this machine")->group(input);
    c->add_flag("--immediate", a.immediate, "each packet at once, at the price of more work")->group(input);
    c->add_option("-B,--buffer", a.buffer, "the kernel's buffer for an interface (64M)")->transform(as_size)->group(input);
    c->add_option("-s,--snap", a.snap, "bytes of a packet")->check(CLI::Range(64, 262'144))->group(input);
    const auto output = "Output";
    c->add_option("--format", a.format, "screen, ndjson; auto: a screen where there is a terminal")
        ->check(CLI::IsMember({"auto", "screen", "ndjson"}))
        ->group(output);
    c->add_option("--events", a.events, "of ndjson: message,going,call,stream,finding,totals (all)")->group(output);
    c->add_option("--where", a.where, "of ndjson: calls, as for `sipana calls`")->group(output);
    c->add_option("-o,--output", a.output, "the report at the end: OUT.html, OUT.json or a folder")->group(output);
    c->add_option("--color", a.color, "auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->group(output);
    c->add_flag("--ascii", a.ascii, "no box drawing")->group(output);
    c->add_flag("-q,--quiet", a.quiet, "no summary and no notes on standard error")->group(output);
    const auto recording = "Recording";
    c->add_option("-w,--write", a.record, "every packet into this pcapng file")->group(recording);
    c->add_option("--ring-size", a.ring_size, "a new file after so many bytes")->transform(as_size)->group(recording);
    c->add_option("--ring-time", a.ring_time_s, "a new file after so long")
        ->transform(CLI::AsNumberWithUnit(std::map<std::string, double>{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}},
                                          CLI::AsNumberWithUnit::CASE_INSENSITIVE, "TIME"))
        ->group(recording);
    c->add_option("--ring-count", a.ring_count, "keep only so many files, the last ones")->group(recording);
    c->add_option("--save-to", a.save_to, "a capture of each call into this folder")->group(recording);
    c->add_option("--save-where", a.save_where, "only of calls that are so: 'final>=400 or mos<3.6'")->group(recording);
    c->add_flag("--durable", a.durable, "hand each packet to the system at once")->group(recording);
    const auto safety = "Safety";
    c->add_option("--max-memory", a.max_memory, "what the process may take (512M); beyond: the oldest goes")
        ->transform(as_size)
        ->group(safety);
    c->add_option("-Z,--user", a.user, "become this user once everything is open")->group(safety);
    c->add_flag("--no-sandbox", a.no_sandbox, "keep all rights")->group(safety);
}

LiveCommand::~LiveCommand() = default;
bool LiveCommand::parsed() const { return command_->parsed(); }

namespace {

// The report's files, opened while that may be done. What they hold is replaced at the end.
class ReportFiles {
public:
    ~ReportFiles() {
        for (const auto& [path, descriptor] : files_)
            if (descriptor >= 0) close(descriptor);
    }
    // False: it was said why.
    bool open(const std::string& output) {
        if (output.empty()) return true;
        const std::filesystem::path target(output);
        if (target.extension() == ".html" || target.extension() == ".json") return open_one(target);
        std::error_code error;
        std::filesystem::create_directories(target, error);
        if (error) complain(fmt::format("{}: cannot be made: {}", output, error.message()));
        return !error && open_one(target / "report.html") && open_one(target / "report.json");
    }
    bool write(const analysis::Report& report) {
        bool fine = true;
        for (const auto& [path, descriptor] : files_)
            fine &= write_one(path, descriptor,
                              path.extension() == ".html" ? render::report_html(report) : render::report_json(report));
        return fine;
    }

private:
    static bool failed(const std::filesystem::path& path) {
        complain(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
        return false;
    }
    bool open_one(const std::filesystem::path& path) {
        const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (descriptor < 0) return failed(path);
        files_.emplace_back(path, descriptor);
        return true;
    }
    static bool write_one(const std::filesystem::path& path, int descriptor, std::string_view text) {
        if (ftruncate(descriptor, 0) != 0 && errno != EINVAL) return failed(path);  // EINVAL: no regular file
        while (!text.empty()) {
            const ssize_t n = ::write(descriptor, text.data(), text.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return failed(path);
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }
    std::vector<std::pair<std::filesystem::path, int>> files_;
};

}  // namespace

// What a run is put together from, in the order of the options' groups.
class LiveRun {
public:
    explicit LiveRun(const LiveCommand::Arguments& a) : a_(a), selection_({}, nullptr) {}
    int run();

private:
    // Each returns ok, or the exit status after having said why.
    int list() const;
    int read_expressions();
    int open_sources();
    int open_recordings();
    int give_up_rights();
    int refuse(const Error& error) const {
        complain(error.what);
        return error.code == Errc::malformed ? static_cast<int>(usage) : exit_of(error.code);
    }
    live::CaptureHead head() const {
        live::CaptureHead head;
        head.application = "sipana live " SIPANA_VERSION;
        for (const auto& source : sources_) head.interfaces.push_back(source->interface());
        return head;
    }
    void complete(live::Totals& totals) const;
    int close(live::Session& session, const Status& ran);

    const LiveCommand::Arguments& a_;
    std::optional<analysis::Where> where_, save_where_;
    live::Events::What what_;
    analysis::Selection selection_;
    std::vector<std::unique_ptr<live::Source>> sources_;
    live::FileSource* from_files_ = nullptr;
    ReportFiles report_;
    Recording recording_;
    std::optional<live::Folder> saves_;
    std::unique_ptr<live::Packets> packets_;
    std::unique_ptr<live::CallFiles> call_files_;
    std::vector<live::Observer*> observers_;
    std::vector<int> writable_, read_only_;  // descriptors, for the sandbox
    Output out_;
};

int LiveRun::list() const {
    const auto all = pcap::list_interfaces();
    if (!all) return refuse(all.error());
    fmt::print("{}", interface_list(*all));
    return ok;
}

int LiveRun::read_expressions() {
    if (a_.interfaces.empty() && a_.files.empty()) {
        complain("what to listen to? -i INTERFACE (--list names them), or -r - for a pipe");
        return usage;
    }
    for (auto [name, text, to] : {std::tuple("--where", &a_.where, &where_),
                                  std::tuple("--save-where", &a_.save_where, &save_where_)}) {
        if (text->empty()) continue;
        auto parsed = analysis::Where::parse(*text);
        if (!parsed) {
            complain(fmt::format("{} '{}', column {}: {}", name, *text, parsed.error().offset + 1,
                                 parsed.error().what));
            return usage;
        }
        *to = std::move(*parsed);
    }
    if (!a_.save_where.empty() && a_.save_to.empty()) {
        complain("--save-where: into which folder? --save-to");
        return usage;
    }
    if ((a_.ring_size != 0 || a_.ring_time_s != 0 || a_.ring_count != 0) && a_.record.empty()) {
        complain("a ring of which name? -w");
        return usage;
    }
    if (a_.ring_count != 0 && a_.ring_size == 0 && a_.ring_time_s == 0) {
        complain("--ring-count needs --ring-size or --ring-time: what ends a file?");
        return usage;
    }
    if (!a_.events.empty()) {
        auto parsed = live::Events::What::parse(a_.events);
        if (!parsed) {
            complain("--events " + parsed.error().what);
            return usage;
        }
        what_ = *parsed;
    }
    selection_ = analysis::Selection({}, where_ ? &*where_ : nullptr);
    return ok;
}

int LiveRun::open_sources() {
    for (const std::string& name : a_.interfaces) {
        pcap::LiveSettings settings;
        settings.snap = a_.snap;
        settings.buffer = static_cast<std::size_t>(a_.buffer);
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

int LiveRun::open_recordings() {
    if (!report_.open(a_.output)) return io_error;
    if (!a_.record.empty()) {
        live::RingSettings ring;
        ring.most_bytes = a_.ring_size;
        ring.most_time = std::chrono::milliseconds{static_cast<std::int64_t>(a_.ring_time_s * 1000)};
        ring.most_files = a_.ring_count;
        ring.durable = a_.durable;
        auto opened = live::Ring::open(a_.record, ring, head(), clock_now());
        if (!opened) return refuse(opened.error());
        recording_.ring = std::move(*opened);
        observers_.push_back(&recording_);
        writable_.push_back(recording_.ring->folder().descriptor());
    }
    if (a_.save_to.empty()) return ok;
    std::error_code error;
    std::filesystem::create_directories(a_.save_to, error);
    auto folder = live::Folder::open(a_.save_to);
    if (!folder) return refuse(folder.error());
    saves_ = std::move(*folder);
    writable_.push_back(saves_->descriptor());
    live::PacketsSettings packets;
    packets.spool = saves_;
    packets_ = std::make_unique<live::Packets>(std::move(packets), head());
    live::CallFilesSettings files;
    files.folder = saves_;
    files.where = save_where_;
    call_files_ = std::make_unique<live::CallFiles>(std::move(files), *packets_);
    observers_.push_back(call_files_.get());
    return ok;
}

int LiveRun::give_up_rights() {
    live::SandboxSettings settings;
    settings.writable_directories = writable_;
    settings.user = a_.user;
    settings.read_only = read_only_;
    for (const pcap::Candidate& file : pcap::expand(a_.files).files)
        if (file.path != "-") settings.readable.push_back(file.path);
    if (a_.no_sandbox) {
        if (a_.user.empty()) return ok;
        complain("-Z needs the sandbox: leave --no-sandbox away");
        return usage;
    }
    const auto applied = live::enter(settings);
    if (!applied) return refuse(applied.error());
    if (!applied->missing.empty() && !a_.quiet)
        complain(fmt::format("this kernel cannot: {}", fmt::join(applied->missing, "; ")));
    return ok;
}

void LiveRun::complete(live::Totals& t) const {
    if (recording_.ring) {
        const live::Ring::Counts& c = recording_.ring->counts();
        t.recorded_packets = c.packets;
        t.recorded_files = c.files;
        t.removed_files = c.removed_files;
        if (!recording_.ring->status()) t.recording_failure = recording_.ring->status().error().what;
    }
    if (call_files_) {
        t.saved_calls = call_files_->counts().saved;
        if (!call_files_->status()) t.recording_failure = call_files_->status().error().what;
    }
}

int LiveRun::run() {
    if (a_.list) return list();
    for (const auto step : {&LiveRun::read_expressions, &LiveRun::open_sources, &LiveRun::open_recordings})
        if (const int status = (this->*step)(); status != ok) return status;
    live::Board board;
    live::Session* running = nullptr;
    live::Events events(
        what_, where_ ? &selection_ : nullptr, [&](std::string_view line) { out_.line(line); }, [&] { out_.flush(); },
        [&] { return running != nullptr ? running->totals() : live::Totals{}; });
    observers_.push_back(&events);
    live::SessionSettings settings;
    settings.max_memory = a_.max_memory;
    settings.buffers = a_.interfaces.size() * a_.buffer;
    live::Session session(settings, board, std::move(sources_), observers_);
    running = &session;
    session.complete_totals([this](live::Totals& t) { complete(t); });
    if (packets_) {
        live::Session::Keeper keeper;
        keeper.packets = [this](std::uint64_t number) { return packets_->pcapng(number); };
        keeper.bytes = [this] { return packets_->totals().bytes; };
        keeper.room = [this](std::uint64_t bytes) { packets_->limit(bytes); };
        session.keep_packets(std::move(keeper));
    }
    // Everything is open now.
    if (const int status = give_up_rights(); status != ok) return status;
    Status ran = session.run(stop_asked);
    session.finish();
    if (recording_.ring)
        if (Status closed = recording_.ring->close(); !closed && ran) ran = closed;
    for (const live::Observer* o : observers_)
        if (ran) ran = o->status();
    events.end();
    out_.flush();
    return close(session, ran);
}

int LiveRun::close(live::Session& session, const Status& ran) {
    const live::Totals totals = session.totals();
    const analysis::Report report = session.report();
    int status = ok;
    if (!ran) {
        complain(ran.error().what);
        status = io_error;
    }
    if (from_files_ != nullptr && from_files_->ended()) {
        for (const Finding& f : from_files_->findings())
            if (f.severity != Severity::note || !a_.quiet) complain(f.text);
        if (from_files_->damaged()) status = damaged;
    }
    if (!report_.write(report)) status = io_error;
    if (!a_.quiet) {
        fmt::print(stderr, "{}", render::summary_text(report, terminal_style(a_.color, 0, a_.ascii)));
        const live::SourceCounts c = totals.captured();
        fmt::print(stderr, "captured  {} packets: {} read, {} dropped (kernel {}, interface {}, own queue {})\n",
                   c.received, c.read, c.dropped(), c.dropped_by_kernel, c.dropped_by_interface, c.dropped_by_queue);
        const std::uint64_t evicted = totals.evictions.total() + totals.over_forgotten;
        if (evicted > 0)
            fmt::print(stderr,
                       "memory    {} given up for want of room: {} calls that were over, {} unanswered, {} others, "
                       "{} streams of no call\n",
                       evicted, totals.over_forgotten, totals.evictions.attempts, totals.evictions.calls,
                       totals.evictions.streams);
        if (recording_.ring) {
            const live::Ring::Counts& r = recording_.ring->counts();
            fmt::print(stderr, "recorded  {} packets in {} files, of which {} were removed\n", r.packets, r.files,
                       r.removed_files);
        }
        if (call_files_) fmt::print(stderr, "saved     {} calls\n", call_files_->counts().saved);
    }
    if (out_.failed() && out_.reason() != EPIPE) {
        complain(fmt::format("cannot write to standard output: {}", std::strerror(out_.reason())));
        return io_error;
    }
    if (status == ok && totals.captured().dropped() > 0) return packets_lost;
    return status;
}

int LiveCommand::run() {
    catch_interrupt({SIGTERM});
    return LiveRun(*arguments_).run();
}

}  // namespace sipana::tools
