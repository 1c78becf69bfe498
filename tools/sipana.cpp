// sipana: reads SIP calls from captures and explains them. Argument parsing only; the work is in libsipana.
//
// stdout carries data, stderr everything else. Exit status: 0 ok; 1 a check failed; 2 usage; 3 input damaged
// or cut short; 4 packets lost while capturing; 5 I/O error; 130 interrupted.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/analysis/selection.h"
#include "libsipana/analysis/where.h"
#include "libsipana/base/text.h"
#include "libsipana/pcap/filter.h"
#include "libsipana/pcap/input.h"
#include "libsipana/render/render.h"
#include "tools/live.h"
#include "tools/process.h"
#include "tools/rows.h"
#include "tools/terminal.h"

namespace {

using namespace sipana;
using namespace sipana::tools;

struct Arguments {
    std::vector<std::string> files, calls;
    std::string filter, where, format = "table", output, color = "auto";
    std::size_t width = 0;
    bool secrets = false, raw = false, quiet = false, ascii = false;
    std::vector<std::string> map;
    std::vector<analysis::PayloadMapping> payload_map;  // of `map`
};

render::Style style_of(const Arguments& a) {
    render::Style style = terminal_style(a.color, a.width, a.ascii);
    style.secrets = a.secrets;
    return style;
}

// Reads the whole input through an analyzer. `sink` gets what it finds.
struct Run {
    std::optional<pcap::Input> input;
    int status = ok;

    bool open(const Arguments& a, pcap::BeforeWait before_wait = {}) {
        auto opened = pcap::Input::open(a.files, {.filter = a.filter, .before_wait = std::move(before_wait)});
        if (!opened && stop_asked == by_signal) {
            status = interrupted;
            return false;
        }
        if (!opened) {
            complain(opened.error().what);
            status = exit_of(opened.error().code);
            return false;
        }
        input.emplace(std::move(*opened));
        return true;
    }

    void read(analysis::Analyzer& analyzer, const Arguments& a) {
        const bool progress = !a.quiet && isatty(STDERR_FILENO) != 0;
        pcap::Frame frame;
        std::uint64_t count = 0;
        while (stop_asked == go_on && input->next(frame)) {
            analyzer.on_frame(frame);
            // Calls look back at their messages: what that brings into memory is let go again.
            if ((count & 0x3fff) == 0) input->let_go();
            if ((++count & 0xfffff) == 0 && progress) fmt::print(stderr, "\r{} frames ", count);
        }
        if (progress && count > 0xfffff) fmt::print(stderr, "\r\x1b[K");
        analyzer.finish();
        for (const Finding& f : input->findings())
            if (stop_asked == by_signal && f.rule == "capture-unreadable")
                continue;  // the wait that was broken off
            else if (f.severity != Severity::note || !a.quiet) complain(f.text);
        if (input->damaged()) status = damaged;
        if (input->failed()) status = io_error;
    }
};

int finish(const Run& run, const Output& out) {
    if (stop_asked == by_signal) return interrupted;
    if (out.failed()) {
        // A reader that went away (| head) knows that.
        if (out.reason() != EPIPE)
            complain(fmt::format("cannot write to standard output: {}", std::strerror(out.reason())));
        return io_error;
    }
    return run.status;
}

// Collects a whole report.
bool collect(Run& run, const Arguments& a, analysis::Report& report, analysis::Collector& collector) {
    if (!run.open(a)) return false;
    analysis::Options options;
    options.payload_map = a.payload_map;
    analysis::Analyzer analyzer(options, collector);
    run.read(analyzer, a);
    for (const Finding& f : run.input->findings()) report.findings.push_back(f);
    collector.finish(analyzer);
    for (const pcap::FileSummary& f : run.input->files()) {
        analysis::FileFacts facts{f.name, f.format, f.compression, f.frames, f.bytes, f.damaged, f.comments,
                                  f.secrets, {}};
        for (const pcap::Interface& i : f.interfaces)
            facts.interfaces.push_back(i.name.empty() ? pcap::to_string(i.link)
                                                      : fmt::format("{} ({})", i.name, pcap::to_string(i.link)));
        report.files.push_back(std::move(facts));
    }
    report.names = run.input->names();
    return true;
}

bool collect(Run& run, const Arguments& a, analysis::Report& report) {
    analysis::Collector collector(report);
    return collect(run, a, report, collector);
}

// False, and a word about it, if a --call names nothing that there is.
bool all_found(const analysis::Selection& selection, std::size_t calls) {
    const std::string_view name = selection.unmatched();
    if (!name.empty())
        complain(fmt::format("no call '{}' in the input, which holds {} call{}", name, calls, calls == 1 ? "" : "s"));
    return name.empty();
}

// What was asked for may have stood behind the damage.
int not_found(const Run& run) { return run.status != ok ? run.status : static_cast<int>(usage); }

std::vector<std::size_t> chosen_from(const analysis::Report& report, analysis::Selection& selection) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < report.calls.size(); ++i)
        if (selection.matches(report.calls[i])) chosen.push_back(i);
    return chosen;
}

// Cuts the report down to what was asked for; with_legs: and to the legs of that. False as above.
bool select(analysis::Report& report, analysis::Selection& selection, bool with_legs = false) {
    if (selection.everything()) return true;
    std::vector<std::size_t> chosen = chosen_from(report, selection);
    if (!all_found(selection, report.calls.size())) return false;
    if (with_legs) {
        const auto figure = render::figure_of(report, std::span<const std::size_t>(chosen));
        chosen.clear();
        for (const analysis::Call* c : figure) chosen.push_back(static_cast<std::size_t>(c - report.calls.data()));
    }
    analysis::keep_calls(report, chosen);
    return true;
}

std::vector<const analysis::Stream*> all_streams(const analysis::Report& report) {
    std::vector<const analysis::Stream*> all;
    for (const analysis::Call& c : report.calls)
        for (const analysis::Stream& s : c.streams) all.push_back(&s);
    for (const analysis::Stream& s : report.streams) all.push_back(&s);
    std::stable_sort(all.begin(), all.end(), [](const auto* x, const auto* y) {
        return std::pair(x->start, x->first_frame) < std::pair(y->start, y->first_frame);
    });
    return all;
}

// ---------------------------------------------------------------- the commands

// The rows of ndjson as one JSON array.
template <typename Row>
void put_array(Output& out, std::size_t n, Row row) {
    out.line("[");
    for (std::size_t i = 0; i < n; ++i) out.line(row(i) + (i + 1 < n ? "," : ""));
    out.line("]");
}

int rows(Rows::What what, const Arguments& a, analysis::Selection& selection) {
    Run run;
    Output out;
    Rows sink(what, a.format == "csv", selection, out);
    // While the input is waited for, what is known is shown.
    analysis::Analyzer* reading = nullptr;
    const auto show = [&] {
        if (reading != nullptr) reading->catch_up();
        out.flush();
    };
    if (!run.open(a, show)) return run.status;
    analysis::Options options;
    options.parallel = true;
    options.detail = analysis::Detail::summary;
    options.payload_map = a.payload_map;
    analysis::Analyzer analyzer(options, sink);
    reading = &analyzer;
    run.read(analyzer, a);
    out.flush();
    if (stop_asked == go_on && !all_found(selection, sink.calls())) return not_found(run);
    return finish(run, out);
}

int tables(Rows::What what, const Arguments& a, analysis::Selection& selection) {
    Run run;
    analysis::Report report;
    if (!collect(run, a, report)) return run.status;
    if (!select(report, selection)) return not_found(run);
    const render::Style style = style_of(a);
    Output out;
    if (what == Rows::What::calls) {
        if (a.format == "json")
            put_array(out, report.calls.size(), [&](std::size_t i) { return render::call_json(report.calls[i]); });
        else
            out.text(render::calls_table(report.calls, style));
    } else if (what == Rows::What::streams) {
        const auto streams = all_streams(report);
        if (a.format == "json")
            put_array(out, streams.size(), [&](std::size_t i) { return render::stream_json(*streams[i]); });
        else
            out.text(render::streams_table(streams, style));
    }
    out.flush();
    if (!a.quiet && !out.failed()) fmt::print(stderr, "{}", render::summary_text(report, style));
    return finish(run, out);
}

int messages(const Arguments& a, analysis::Selection& selection) {
    if (!a.raw && (a.format == "ndjson" || a.format == "csv") && selection.everything())
        return rows(Rows::What::messages, a, selection);
    Run run;
    analysis::Report report;
    MessageCollector every(report);
    analysis::Collector of_calls(report);
    if (!collect(run, a, report, selection.everything() ? every : of_calls)) return run.status;
    if (!select(report, selection)) return not_found(run);
    struct Row {
        const analysis::SipMessage* message;
        std::string_view call_id;
    };
    std::vector<Row> all;
    if (selection.everything()) {
        for (const auto& row : every.rows) all.push_back({&row.message, row.call_id});
    } else {
        for (const analysis::Call& c : report.calls)
            for (const analysis::SipMessage& m : c.messages) all.push_back({&m, c.call_id});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Row& x, const Row& y) { return x.message->frame < y.message->frame; });
    const render::Style style = style_of(a);
    Output out;
    if (a.raw) {
        for (const Row& r : all) {
            // Masked and made printable for people; the bytes themselves only where they were asked for.
            if (a.secrets && isatty(STDOUT_FILENO) == 0)
                out.text(r.message->text);
            else
                out.text(render::message_text(*r.message, style));
        }
    } else if (a.format == "table") {
        std::vector<analysis::SipMessage> flat;
        for (const Row& r : all) flat.push_back(*r.message);
        out.text(render::messages_table(flat, style));
    } else if (a.format == "json") {
        put_array(out, all.size(),
                  [&](std::size_t i) { return render::message_json(*all[i].message, all[i].call_id); });
    } else {
        if (a.format == "csv") out.line(render::messages_csv_header());
        for (const Row& r : all)
            out.line(a.format == "csv" ? render::message_csv(*r.message, r.call_id)
                                       : render::message_json(*r.message, r.call_id));
    }
    out.flush();
    if (!a.quiet && !out.failed()) fmt::print(stderr, "{}", render::summary_text(report, style));
    return finish(run, out);
}

// The figures to draw, each as the calls in it. Calls that were named are one figure, so that legs which nothing
// in the capture ties together can be seen side by side; otherwise each call is one, with its legs.
std::vector<std::vector<std::size_t>> figures_of(const analysis::Report& report, const analysis::Selection& selection,
                                                 const std::vector<std::size_t>& chosen) {
    if (selection.named()) return {chosen};
    std::vector<std::vector<std::size_t>> figures;
    std::vector<bool> drawn(report.calls.size());
    for (const std::size_t i : chosen) {
        if (drawn[i]) continue;
        figures.push_back({i});
        for (const analysis::Call* leg : render::figure_of(report, i))
            drawn[static_cast<std::size_t>(leg - report.calls.data())] = true;
    }
    return figures;
}

constexpr std::size_t most_figures = 20;  // without being asked for

// What there is to choose from, and how.
void offer_choice(const analysis::Report& report, std::size_t figures, const Arguments& a) {
    const bool several = a.format == "text" || a.format == "html";
    fmt::print(stderr, "{}",
               render::calls_table(std::span(report.calls).first(std::min(most_figures, report.calls.size())),
                                   style_of(a)));
    if (report.calls.size() > most_figures) fmt::print(stderr, "and {} more\n", report.calls.size() - most_figures);
    complain(fmt::format("{} ladders: choose with --call NUMBER, --call CALL-ID or --where{}", figures,
                         several ? ", or take --call all" : fmt::format("; --format {} draws one", a.format)));
}

int flow(const Arguments& a, analysis::Selection& selection) {
    Run run;
    analysis::Report report;
    if (!collect(run, a, report)) return run.status;
    const auto chosen = chosen_from(report, selection);
    if (!all_found(selection, report.calls.size())) return not_found(run);
    if (chosen.empty()) {
        complain(report.calls.empty() ? "no calls in the input" : "no call in the input is as --where says");
        if (!a.quiet) fmt::print(stderr, "{}", render::summary_text(report, style_of(a)));
        return run.status;
    }
    const auto figures = figures_of(report, selection, chosen);
    const bool one_only = a.format == "svg" || a.format == "mermaid";
    if (figures.size() > (one_only ? 1 : selection.all_named() ? figures.size() : most_figures)) {
        offer_choice(report, figures.size(), a);
        return usage;
    }
    const render::Style style = style_of(a);
    Output out;
    if (a.format == "html" && figures.size() > 1) {  // the report page has a list to choose from
        select(report, selection, true);
        out.text(render::report_html(report));
    } else if (a.format == "html") {
        out.text(render::flow_html(report, figures.front()));
    } else {
        for (const auto& figure : figures) {
            if (&figure != &figures.front()) out.line("");
            const auto calls = render::figure_of(report, std::span<const std::size_t>(figure));
            out.text(a.format == "svg"       ? render::ladder_svg(calls, report.names)
                     : a.format == "mermaid" ? render::ladder_mermaid(calls, report.names)
                                             : render::ladder_text(calls, style, report.names));
        }
    }
    out.flush();
    return finish(run, out);
}

int check(const Arguments& a, analysis::Selection& selection) {
    Run run;
    analysis::Report report;
    if (!collect(run, a, report)) return run.status;
    if (!select(report, selection)) return not_found(run);
    const render::Style style = style_of(a);
    Output out;
    bool bad = false;
    for (const Finding& f : report.findings) bad |= f.severity == Severity::error;
    if (a.format == "table") {
        out.text(render::findings_text(report.findings, style));
    } else if (a.format == "json") {
        put_array(out, report.findings.size(),
                  [&](std::size_t i) { return render::finding_json(report.findings[i]); });
    } else {
        for (const Finding& f : report.findings) out.line(render::finding_json(f));
    }
    out.flush();
    if (!a.quiet && !out.failed()) fmt::print(stderr, "{}", render::summary_text(report, style));
    const int status = finish(run, out);
    return status == ok && bad ? static_cast<int>(check_failed) : status;
}

bool write_file(const std::filesystem::path& path, std::string_view text) {
    std::FILE* f = std::fopen(path.c_str(), "wb");
    bool fine = f != nullptr && std::fwrite(text.data(), 1, text.size(), f) == text.size();
    if (f != nullptr) fine = std::fclose(f) == 0 && fine;
    if (!fine) complain(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
    return fine;
}

int report(const Arguments& a, analysis::Selection& selection) {
    Run run;
    analysis::Report report;
    if (!collect(run, a, report)) return run.status;
    if (!select(report, selection, true)) return not_found(run);
    const std::filesystem::path target(a.output);
    bool fine = true;
    if (target.extension() == ".html") {
        fine = write_file(target, render::report_html(report));
    } else if (target.extension() == ".json") {
        fine = write_file(target, render::report_json(report));
    } else {
        std::error_code error;
        std::filesystem::create_directories(target, error);
        if (error) {
            complain(fmt::format("{}: cannot be made: {}", a.output, error.message()));
            return io_error;
        }
        fine = write_file(target / "report.html", render::report_html(report)) &&
               write_file(target / "report.json", render::report_json(report));
    }
    if (!a.quiet && fine) fmt::print(stderr, "{}", render::summary_text(report, style_of(a)));
    if (stop_asked == by_signal) return interrupted;
    return fine ? run.status : static_cast<int>(io_error);
}

}  // namespace

int main(int argc, char** argv) {
    hold_standard_descriptors();
    catch_interrupt();
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{"Reads SIP calls from captures and explains them.", "sipana"};
    app.set_version_flag("--version", "sipana " SIPANA_VERSION);
    app.require_subcommand(1);
    app.footer(
        "FILE may be - (standard input), a glob or a folder; gzip, zstd, lz4 and xz are read as they are.\n"
        "Several files are read as one, in time order.\n"
        "Exit status: 0 ok, 1 check failed, 2 usage, 3 input damaged, 4 packets lost while capturing, 5 I/O error, 130 interrupted.");
    Arguments a;
    const auto command = [&](const char* name, const char* what, std::vector<std::string> formats) {
        CLI::App* c = app.add_subcommand(name, what);
        c->add_option("FILE", a.files, "captures: pcap or pcapng files, folders, globs, -")->required();
        c->add_option("-f,--filter", a.filter, "packets: a BPF expression, as for tcpdump");
        c->add_option("--where", a.where,
                      fmt::format("calls: an expression such as 'final>=400 and from~alice'; fields: {}",
                                  fmt::join(analysis::where_fields(), " ")));
        if (!formats.empty()) {
            a.format = formats.front();
            c->add_option("--format", a.format, fmt::format("one of {}", fmt::join(formats, ", ")))
                ->check(CLI::IsMember(formats))
                ->default_str(formats.front());
        }
        c->add_option("--color", a.color, "auto, always or never")
            ->check(CLI::IsMember({"auto", "always", "never"}));
        c->add_option("--width", a.width, "columns of tables and ladders (40 to 400)")
            ->check(CLI::Range(40, 400));
        c->add_flag("--ascii", a.ascii, "no box drawing");
        c->add_flag("--secrets", a.secrets, "show Authorization values, keys and passwords");
        c->add_flag("-q,--quiet", a.quiet, "no summary and no notes on standard error");
        return c;
    };
    const std::vector<std::string> row_formats{"table", "json", "ndjson", "csv"};
    CLI::App* calls_command = command("calls", "One row a call: parties, outcome, times, legs", row_formats);
    CLI::App* flow_command =
        command("flow", "The ladder of a call and its legs", {"text", "svg", "html", "mermaid"});
    CLI::App* messages_command = command("messages", "SIP messages", row_formats);
    messages_command->add_flag("--raw", a.raw, "their text (with --secrets into a pipe: their bytes)");
    CLI::App* streams_command = command("streams", "RTP streams: loss, jitter, RTCP, video", row_formats);
    CLI::App* check_command =
        command("check", "What breaks the RFCs, with the clause", {"table", "json", "ndjson"});
    CLI::App* report_command = command("report", "A report in one file: HTML or JSON", {});
    report_command->add_option("-o,--output", a.output, "OUT.html, OUT.json or a folder")->required();
    for (CLI::App* c : {calls_command, flow_command, streams_command, check_command, report_command})
        c->add_option("--map", a.map,
                      "RTP without SDP: what a payload type is, as in 96=H264/90000; may be repeated")
            ->type_name("PT=NAME/CLOCK[/CHANNELS]")
            ->allow_extra_args(false);
    // One value each time: the files may follow.
    for (CLI::App* c : {messages_command, streams_command, check_command})
        c->add_option("--call", a.calls, "only this call: number in `sipana calls`, or Call-ID; may be repeated")
            ->allow_extra_args(false);
    flow_command
        ->add_option("--call", a.calls,
                     "a call: its number in `sipana calls`, or its Call-ID; several are drawn as one ladder; all: each")
        ->allow_extra_args(false);
    report_command
        ->add_option("--call", a.calls, "only this call and its legs: number or Call-ID; may be repeated")
        ->allow_extra_args(false);
    LiveCommand live_command(app);
    flow_command->preparse_callback([&](std::size_t) { a.format = "text"; });
    for (CLI::App* c : {calls_command, messages_command, streams_command, check_command})
        c->preparse_callback([&](std::size_t) { a.format = "table"; });

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& e) {
        return app.exit(e);
    } catch (const CLI::ParseError& e) {
        const auto is_named = [&](const CLI::App* c) { return c->get_name() == argv[1]; };
        const bool unknown = argc > 1 && *argv[1] != '-' && app.get_subcommands(is_named).empty();
        complain(unknown ? fmt::format("no command '{}'", argv[1]) : e.what());
        fmt::print(stderr, "Try 'sipana --help' or 'sipana COMMAND --help'.\n");
        return usage;
    }
    if (live_command.parsed()) return live_command.run();
    for (const std::string& text : a.map) {
        auto mapping = analysis::parse_payload_mapping(text);
        if (!mapping) {
            complain("--map " + mapping.error().what);
            return usage;
        }
        a.payload_map.push_back(std::move(*mapping));
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
    if (!a.filter.empty()) {
        if (const auto filter = pcap::Filter::compile(a.filter); !filter) {
            complain(filter.error().what);
            return usage;
        }
    }
    analysis::Selection selection(a.calls, where ? &*where : nullptr);
    const bool stream_rows = a.format == "ndjson" || a.format == "csv";
    if (calls_command->parsed())
        return stream_rows ? rows(Rows::What::calls, a, selection) : tables(Rows::What::calls, a, selection);
    if (streams_command->parsed())
        return stream_rows ? rows(Rows::What::streams, a, selection) : tables(Rows::What::streams, a, selection);
    if (messages_command->parsed()) return messages(a, selection);
    if (flow_command->parsed()) return flow(a, selection);
    if (check_command->parsed()) return check(a, selection);
    return report(a, selection);
}
