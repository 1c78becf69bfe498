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
#include "libsipana/live/session.h"
#include "libsipana/render/render.h"
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

}  // namespace

struct LiveCommand::Arguments {
    std::vector<std::string> interfaces, files;
    std::string filter, where, events, format = "auto", output, color = "auto";
    std::uint64_t max_memory = 512 * megabyte, buffer = 64 * megabyte;
    std::uint32_t snap = 262'144;
    bool no_promiscuous = false, immediate = false, quiet = false, ascii = false, no_sandbox = false;
    std::string user;
};

LiveCommand::LiveCommand(CLI::App& program) : arguments_(std::make_unique<Arguments>()) {
    Arguments& a = *arguments_;
    CLI::App* c = command_ = program.add_subcommand("live", "The same, while the calls happen");
    const auto input = "Input";
    c->add_option("-i,--interface", a.interfaces, "interface; may be repeated; any: all of them")
        ->allow_extra_args(false)
        ->group(input);
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
    if (a.interfaces.empty() && a.files.empty()) {
        complain("what to listen to? -i INTERFACE, or -r - for a pipe");
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
        settings.immediate = a.immediate;
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
    observers.push_back(&events);

    live::SessionSettings settings;
    settings.max_memory = a.max_memory;
    settings.buffers = a.interfaces.size() * a.buffer;
    live::Session session(settings, board, std::move(sources), observers);
    running = &session;
    const Status ran = session.run(stop_asked);
    session.finish();
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
