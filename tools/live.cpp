#include "tools/live.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libsipana/analysis/where.h"
#include "libsipana/live/events.h"
#include "libsipana/live/file_source.h"
#include "libsipana/live/interface_source.h"
#include "libsipana/live/ring.h"
#include "libsipana/live/session.h"
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
    std::string record;
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

bool write_report(const std::string& output, const analysis::Report& report) {
    const auto write_file = [](const std::filesystem::path& path, std::string_view text) {
        std::FILE* f = std::fopen(path.c_str(), "wb");
        bool fine = f != nullptr && std::fwrite(text.data(), 1, text.size(), f) == text.size();
        if (f != nullptr) fine = std::fclose(f) == 0 && fine;
        if (!fine) complain(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
        return fine;
    };
    const std::filesystem::path target(output);
    if (target.extension() == ".html") return write_file(target, render::report_html(report));
    if (target.extension() == ".json") return write_file(target, render::report_json(report));
    std::error_code error;
    std::filesystem::create_directories(target, error);
    if (error) {
        complain(fmt::format("{}: cannot be made: {}", output, error.message()));
        return false;
    }
    return write_file(target / "report.html", render::report_html(report)) &&
           write_file(target / "report.json", render::report_json(report));
}

}  // namespace

int LiveCommand::run() {
    const Arguments& a = *arguments_;
    if (a.list) {
        const auto all = pcap::list_interfaces();
        if (!all) {
            complain(all.error().what);
            return io_error;
        }
        fmt::print("{}", interface_list(*all));
        return ok;
    }
    if (a.interfaces.empty() && a.files.empty()) {
        complain("what to listen to? -i INTERFACE (--list names them), or -r - for a pipe");
        return usage;
    }
    std::optional<analysis::Where> where;
    if (!a.where.empty()) {
        auto parsed = analysis::Where::parse(a.where);
        if (!parsed) {
            complain(fmt::format("--where '{}', column {}: {}", a.where, parsed.error().offset + 1,
                                 parsed.error().what));
            return usage;
        }
        where = std::move(*parsed);
    }
    live::Events::What what;
    if (!a.events.empty()) {
        auto parsed = live::Events::What::parse(a.events);
        if (!parsed) {
            complain("--events " + parsed.error().what);
            return usage;
        }
        what = *parsed;
    }
    catch_interrupt({SIGTERM});

    std::vector<std::unique_ptr<live::Source>> sources;
    for (const std::string& name : a.interfaces) {
        pcap::LiveSettings settings;
        settings.snap = a.snap;
        settings.buffer = static_cast<std::size_t>(a.buffer);
        settings.promiscuous = !a.no_promiscuous && name != "any";
        settings.immediate = a.immediate || a.durable;
        settings.filter = a.filter;
        auto source = live::InterfaceSource::open(name, settings);
        if (!source) {
            complain(source.error().what);
            return source.error().code == Errc::malformed ? static_cast<int>(usage) : static_cast<int>(io_error);
        }
        sources.push_back(std::move(*source));
    }
    live::FileSource* from_files = nullptr;
    if (!a.files.empty()) {
        auto source = live::FileSource::open(a.files, a.filter);
        if (!source) {
            if (stop_asked == by_signal) return interrupted;
            complain(source.error().what);
            return exit_of(source.error().code);
        }
        from_files = source->get();
        sources.push_back(std::move(*source));
    }

    Output out;
    analysis::Selection selection({}, where ? &*where : nullptr);
    live::Board board;
    live::Session* running = nullptr;
    live::Events events(
        what, where ? &selection : nullptr, [&](std::string_view line) { out.line(line); }, [&] { out.flush(); },
        [&] { return running != nullptr ? running->totals() : live::Totals{}; });
    std::vector<live::Observer*> observers;
    Recording recording;
    if (!a.record.empty()) {
        live::CaptureHead head;
        head.application = "sipana live " SIPANA_VERSION;
        for (const auto& source : sources) head.interfaces.push_back(source->interface());
        live::RingSettings ring;
        ring.most_bytes = a.ring_size;
        ring.most_time = std::chrono::milliseconds{static_cast<std::int64_t>(a.ring_time_s * 1000)};
        ring.most_files = a.ring_count;
        ring.durable = a.durable;
        auto opened = live::Ring::open(a.record, ring, head, clock_now());
        if (!opened) {
            complain(opened.error().what);
            return exit_of(opened.error().code);
        }
        recording.ring = std::move(*opened);
        observers.push_back(&recording);
    }
    observers.push_back(&events);

    live::SessionSettings settings;
    settings.max_memory = a.max_memory;
    settings.buffers = a.interfaces.size() * a.buffer;
    live::Session session(settings, board, std::move(sources), observers);
    running = &session;
    session.complete_totals([&](live::Totals& t) {
        if (!recording.ring) return;
        const live::Ring::Counts& c = recording.ring->counts();
        t.recorded_packets = c.packets;
        t.recorded_files = c.files;
        t.removed_files = c.removed_files;
        if (!recording.ring->status()) t.recording_failure = recording.ring->status().error().what;
    });
    Status ran = session.run(stop_asked);
    session.finish();
    if (recording.ring)
        if (Status closed = recording.ring->close(); !closed && ran) ran = closed;
    events.end();
    out.flush();
    const live::Totals totals = session.totals();
    analysis::Report report = session.report();
    int status = ok;
    if (!ran) {
        complain(ran.error().what);
        status = io_error;
    }
    if (from_files != nullptr && from_files->ended()) {
        for (const Finding& f : from_files->findings())
            if (f.severity != Severity::note || !a.quiet) complain(f.text);
        if (from_files->damaged()) status = damaged;
    }
    if (!a.output.empty() && !write_report(a.output, report)) status = io_error;
    if (!a.quiet) {
        fmt::print(stderr, "{}", render::summary_text(report, terminal_style(a.color, 0, a.ascii)));
        const live::SourceCounts c = totals.captured();
        fmt::print(stderr, "captured {} = read {} + dropped {} (kernel {}, interface {}, own queue {})\n", c.received,
                   c.read, c.dropped(), c.dropped_by_kernel, c.dropped_by_interface, c.dropped_by_queue);
    }
    if (out.failed() && out.reason() != EPIPE) {
        complain(fmt::format("cannot write to standard output: {}", std::strerror(out.reason())));
        return io_error;
    }
    if (status == ok && totals.captured().dropped() > 0) return packets_lost;
    return status;
}

}  // namespace sipana::tools
