// sipana-lab: plays scenarios and says what came of them. Argument parsing only; the work is in libsipana/lab.
//
// stdout carries data, stderr everything else. Exit status: 0 ok; 1 a scenario failed; 2 usage, or a mistake in a
// script; 3 input damaged; 5 I/O error; 77 skipped; 130 interrupted.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "libsipana/analysis/coverage.h"
#include "libsipana/lab/hosts.h"
#include "libsipana/lab/runner.h"
#include "libsipana/lab/sipp.h"
#include "libsipana/pcap/arguments.h"
#include "libsipana/pcap/input.h"
#include "libsipana/render/coverage.h"
#include "libsipana/render/load.h"
#include "libsipana/render/running_ladder.h"
#include "libsipana/render/runs.h"
#include "tools/child.h"
#include "tools/process.h"
#include "tools/refusals.h"
#include "tools/terminal.h"

namespace {

using namespace sipana;
using namespace sipana::tools;
namespace fs = std::filesystem;

struct Arguments {
    std::vector<std::string> files;
    std::string format = "table", output, color = "auto";
    std::size_t width = 0;
    bool ascii = false, quiet = false, verbose = false;
    // run
    std::string on = "simulated", capture, local, hosts, before, baresip;
    std::optional<std::uint64_t> seed;
    bool no_capture = false, answer_only = false;
    std::vector<std::string> servers, phones, play;
    double rate = 0, longest_s = 1800, duration_s = 0;
    std::uint64_t calls = 0, concurrent = 1000;
    // import
    std::string peer_at = "127.0.0.1", service = "service", dataset;
    // coverage
    std::string missed;
    // exchange
    std::vector<std::string> listens;
    std::optional<double> seconds;
    std::string certificate, key;
    bool is_load() const { return rate > 0 || calls > 0 || duration_s > 0; }
};

// The worse of two ends of the program: what could not be done goes before what went wrong.
int worse(int a, int b) {
    const auto rank = [](int status) {
        constexpr int order[] = {ok, skipped, check_failed, usage, damaged, io_error, interrupted};
        return std::find(std::begin(order), std::end(order), status) - std::begin(order);
    };
    return rank(a) >= rank(b) ? a : b;
}

bool write_file(const std::string& path, std::string_view text) {
    errno = 0;
    std::FILE* f = std::fopen(path.c_str(), "wb");
    bool fine = f != nullptr && std::fwrite(text.data(), 1, text.size(), f) == text.size();
    if (f != nullptr) fine = std::fclose(f) == 0 && fine;
    if (!fine) complain(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
    return fine;
}

// To -o, else to standard output.
int put(const Arguments& a, std::string_view text) {
    if (!a.output.empty()) return write_file(a.output, text) ? ok : io_error;
    Output out;
    out.text(text);
    out.flush();
    if (!out.failed()) return ok;
    if (out.reason() != EPIPE)
        complain(fmt::format("cannot write to standard output: {}", std::strerror(out.reason())));
    return io_error;
}

Result<std::string> read_file(const std::string& path) {
    constexpr std::size_t most = 64u << 20;
    errno = 0;
    std::FILE* f = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
    if (f == nullptr)
        return Error{errno == ENOENT ? Errc::not_found : errno == EACCES ? Errc::denied : Errc::io, 0,
                     fmt::format("{}: {}", path, std::strerror(errno))};
    std::string text;
    char piece[16384];
    std::size_t n = 0;
    while (text.size() <= most && (n = std::fread(piece, 1, sizeof piece, f)) > 0) text.append(piece, n);
    const bool failed = std::ferror(f) != 0;
    const int reason = errno;
    if (f != stdin) std::fclose(f);
    if (failed) return Error{Errc::io, 0, fmt::format("{}: {}", path, std::strerror(reason))};
    if (text.size() > most) return Error{Errc::too_large, 0, fmt::format("{}: more than 64 MiB", path)};
    return text;
}

// ---------------------------------------------------------------- scripts

// Files as they are, folders as the *.lab in them, by name.
std::vector<std::string> script_files(const std::vector<std::string>& arguments, int& status) {
    std::vector<std::string> files;
    for (const std::string& argument : arguments) {
        std::error_code error;
        if (!fs::is_directory(argument, error)) {
            files.push_back(argument);
            continue;
        }
        std::vector<std::string> inside;
        for (fs::directory_iterator at(argument, error), end; !error && at != end; at.increment(error))
            if (at->path().extension() == ".lab") inside.push_back(at->path().string());
        if (error || inside.empty()) {
            complain(error ? fmt::format("{}: {}", argument, error.message())
                           : fmt::format("{}: no *.lab in this folder", argument));
            status = worse(status, io_error);
        }
        std::sort(inside.begin(), inside.end());
        files.insert(files.end(), inside.begin(), inside.end());
    }
    return files;
}

std::string name_of(const std::string& file) { return file == "-" ? "stdin" : fs::path(file).stem().string(); }

// Errors begin with the file, and the line where there is one.
Result<lab::Script> read_script(const std::string& file) {
    auto text = read_file(file);
    if (!text) return text.error();
    const fs::path folder = file == "-" ? fs::path() : fs::path(file).parent_path();
    const auto load = [&](std::string_view name) { return read_file((folder / fs::path(name)).string()); };
    auto script = lab::parse_script(*text, name_of(file), load);
    if (!script) {
        Error error = script.error();
        error.what = fmt::format("{}:{}", file, error.what);
        error.code = Errc::malformed;
        return error;
    }
    script->folder = folder.string();
    return script;
}

int exit_of_script(Errc code) { return exit_of(code) == io_error ? io_error : usage; }

int check(const Arguments& a) {
    int status = ok;
    for (const std::string& file : script_files(a.files, status)) {
        const auto script = read_script(file);
        if (!script) {
            complain(script.error().what);
            status = worse(status, exit_of_script(script.error().code));
        } else if (a.verbose) {
            status = worse(status, put(a, lab::write(*script)));
        } else if (!a.quiet) {
            fmt::print(stderr, "{}: {} phones, {} steps, {} checks\n", file, script->phones.size(),
                       script->steps.size(), script->checks.size());
        }
    }
    return status;
}

// ---------------------------------------------------------------- run

// NAME=ADDRESS each.
bool assign(std::map<std::string, std::string>& to, const std::vector<std::string>& pairs, std::string_view option) {
    for (const std::string& pair : pairs) {
        const auto equals = pair.find('=');
        if (equals == pair.npos || equals == 0 || equals + 1 == pair.size()) {
            complain(fmt::format("{} {}: expected NAME=ADDRESS", option, pair));
            return false;
        }
        to[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    return true;
}

// The hosts' namespaces; the ground is sockets then.
int set_hosts(const std::string& file, lab::RunSettings& settings) {
    if (file.empty()) return ok;
    const auto text = read_file(file);
    if (!text) {
        complain(text.error().what);
        return io_error;
    }
    auto table = lab::parse_host_table(*text);
    if (!table) {
        complain(fmt::format("{}:{}", file, table.error().what));
        return usage;
    }
    settings.hosts = std::move(*table);
    settings.ground = lab::Ground::sockets;
    return ok;
}

bool settings_of(const Arguments& a, lab::RunSettings& settings) {
    settings.ground = a.on == "simulated" ? lab::Ground::simulated : lab::Ground::sockets;
    settings.built_in_servers = a.on == "exchange";
    settings.seed = a.seed;
    settings.only = a.play;
    settings.baresip = a.baresip;
    settings.stop = &stop_asked;
    if (!a.before.empty()) settings.begun = [&a] { return run_program(a.before); };
    settings.longest = Duration{static_cast<std::int64_t>(a.longest_s * 1e9)};
    if (!a.local.empty()) {
        const auto address = Address::parse(a.local);
        if (!address) {
            complain(fmt::format("--local {}: expected an address", a.local));
            return false;
        }
        settings.local = *address;
    }
    return assign(settings.servers, a.servers, "--server") && assign(settings.phones, a.phones, "--phone");
}

// A capture that the lab did not write is not written over without being told to.
bool may_write(const std::string& path) {
    std::ifstream old(path, std::ios::binary);
    if (!old) return true;
    std::string head(4096, '\0');
    old.read(head.data(), static_cast<std::streamsize>(head.size()));
    if (old.gcount() == 0 || head.find("sipana-lab") != head.npos) return true;
    complain(fmt::format("{}: is there and not the lab's: say where to with --capture", path));
    return false;
}

// Where the capture of that script goes; nullopt: nowhere, and that was said.
std::optional<std::string> capture_of(const Arguments& a, const std::string& script, bool several) {
    if (a.no_capture || (a.is_load() && a.capture.empty())) return "";
    std::error_code error;
    const bool folder = several || a.capture.empty() || a.capture.back() == '/' || fs::is_directory(a.capture, error);
    if (!folder) return a.capture;
    if (!a.capture.empty()) fs::create_directories(a.capture, error);
    if (error) {
        complain(fmt::format("{}: {}", a.capture, error.message()));
        return std::nullopt;
    }
    const std::string path = (fs::path(a.capture) / (script + ".pcapng")).string();
    return may_write(path) ? std::optional(path) : std::nullopt;
}

int exit_of_run(const lab::RunResult& run) {
    if (run.outcome == lab::Outcome::done) return ok;
    if (run.outcome == lab::Outcome::skipped) return skipped;
    if (!run.error.empty() && exit_of(run.error_code) == io_error) return io_error;
    return run.steps.empty() && run.checks.empty() && !run.error.empty() ? usage : check_failed;
}

// The ladder as it happens, on standard output.
class Shown {
public:
    Shown(const lab::Script& script, const render::Style& style, lab::RunSettings& settings)
        : style_(style), title_(script.title.empty() ? script.name : script.title) {
        settings.placed = [this](const auto& who) {
            std::vector<std::string> names;
            for (const auto& one : who) names.push_back(one.first);
            ladder_.emplace(names, style_);
            for (std::size_t i = 0; i < who.size(); ++i) ladder_->place(who[i].second, i);
            out_.text(render::shown(title_, style_));
            out_.text(ladder_->head());
            out_.flush();
        };
        settings.watch = [this](const lab::Packet& packet, Time at, lab::Fate fate, bool duplicate) {
            if (!ladder_) return;
            const std::string line = ladder_->on_packet(packet, at, fate, duplicate);
            if (line.empty()) return;
            out_.text(line);
            out_.flush();
        };
    }
    Output& out() { return out_; }

private:
    Output out_;
    render::Style style_;
    std::string title_;
    std::optional<render::RunningLadder> ladder_;
};

int run_load(const Arguments& a, const lab::Script& script, lab::RunSettings& settings) {
    lab::LoadSettings load;
    if (a.rate > 0) load.rate = a.rate;
    load.calls = a.calls == 0 && a.duration_s <= 0 ? load.calls : a.calls;
    load.duration = Duration{static_cast<std::int64_t>(a.duration_s * 1e9)};
    load.concurrent = a.concurrent;
    load.answer_only = a.answer_only;
    settings.keep_capture = !settings.capture.empty();
    // Calls come and go by the thousand: memory that was freed is needed again at once.
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
    mallopt(M_TOP_PAD, 16 << 20);
    const lab::LoadResult result = lab::run_load(script, settings, load);
    const render::Style style = terminal_style(a.color, a.width, a.ascii);
    const int put_status =
        put(a, a.format == "json" ? render::load_json(result) : render::load_table(result, style));
    if (result.interrupted) return interrupted;
    if (!result.error.empty() && result.begun == 0)
        return exit_of(result.error_code) == io_error ? io_error : usage;
    return worse(put_status, result.failed > 0 || !result.error.empty() ? check_failed : ok);
}

lab::RunResult run_one(const Arguments& a, const lab::Script& script, lab::RunSettings settings,
                       const render::Style& style) {
    std::optional<Shown> ladder;
    if (a.format == "ladder") ladder.emplace(script, style, settings);
    lab::RunResult result = lab::run(script, settings);
    if (!result.capture.empty()) result.capture = fs::path(result.capture).filename().string();
    if (ladder) ladder->out().text(render::run_line(result, style));
    return result;
}

int run(const Arguments& a) {
    lab::RunSettings settings;
    if (!settings_of(a, settings)) return usage;
    if (const int refused = set_hosts(a.hosts, settings); refused != ok) return refused;
    const render::Style style = terminal_style(a.color, a.width, a.ascii);
    int status = ok;
    const auto files = script_files(a.files, status);
    if (files.size() != 1 && a.is_load()) {
        complain("a load is made of one script");
        return usage;
    }
    // Mistakes are told before anything is played.
    std::vector<lab::Script> scripts;
    for (const std::string& file : files) {
        auto script = read_script(file);
        if (script) {
            scripts.push_back(std::move(*script));
            continue;
        }
        complain(script.error().what);
        status = worse(status, exit_of_script(script.error().code));
    }
    settings.usual_ports = scripts.size() <= 1;
    const bool whole = a.format == "json" || a.format == "junit";
    std::vector<lab::RunResult> results;
    for (const lab::Script& script : scripts) {
        if (stop_asked != go_on) break;
        const auto capture = capture_of(a, script.name, files.size() > 1);
        if (!capture) {
            status = worse(status, io_error);
            continue;
        }
        settings.capture = *capture;
        if (a.is_load()) return worse(status, run_load(a, script, settings));
        results.push_back(run_one(a, script, settings, style));
        const lab::RunResult& result = results.back();
        status = worse(status, exit_of_run(result));
        const bool fine = result.outcome == lab::Outcome::done;
        if (a.format == "table" && !(a.quiet && fine) && a.output.empty())
            status = worse(status, put(a, (files.size() == 1 || a.verbose) ? render::run_table(result, style)
                                                                           : render::run_line(result, style)));
    }
    if (whole)
        status = worse(status, put(a, a.format == "json" ? render::runs_json(results) : render::runs_junit(results)));
    if (a.format == "table" && !a.output.empty()) {
        std::string text;
        for (const lab::RunResult& result : results) text += render::run_table(result, style) + "\n";
        status = worse(status, put(a, text));
    }
    if (!a.quiet && results.size() > 1) fmt::print(stderr, "{}", render::runs_summary(results, style));
    if (stop_asked == by_signal) return interrupted;
    // One that was skipped beside others that were played is no reason to call all skipped.
    const bool any_played = std::any_of(results.begin(), results.end(), [](const lab::RunResult& r) {
        return r.outcome == lab::Outcome::done;
    });
    return status == skipped && any_played ? static_cast<int>(ok) : status;
}

// ---------------------------------------------------------------- import

// SIPp's scenarios as one script, on standard output; what could not be carried over, on standard error.
int import_sipp(const Arguments& a) {
    lab::SippOptions options;
    options.peer_at = a.peer_at;
    options.service = a.service;
    if (!a.dataset.empty()) {
        auto rows = read_file(a.dataset);
        if (!rows) {
            complain(rows.error().what);
            return exit_of(rows.error().code);
        }
        options.dataset = std::move(*rows);
    }
    std::vector<lab::SippFile> files;
    for (const std::string& file : a.files) {
        auto xml = read_file(file);
        if (!xml) {
            complain(xml.error().what);
            return exit_of(xml.error().code);
        }
        files.push_back({name_of(file), std::move(*xml)});
    }
    const auto imported = lab::import_sipp(files, options);
    if (!imported) {
        complain(imported.error().what);
        return usage;
    }
    if (!a.quiet)
        for (const std::string& note : imported->notes) complain(note);
    return put(a, lab::write(imported->script));
}

// ---------------------------------------------------------------- exchange

// "[tcp:]ADDRESS[:PORT]"
std::optional<std::pair<Transport, Endpoint>> listen_of(std::string_view text) {
    Transport transport = Transport::udp;
    for (const auto& [word, meant] :
         {std::pair{"udp:", Transport::udp}, {"tcp:", Transport::tcp}, {"tls:", Transport::tls}}) {
        if (text.rfind(word, 0) != 0) continue;
        transport = meant;
        text.remove_prefix(4);
        break;
    }
    if (const auto address = Address::parse(text))
        return std::pair{transport, Endpoint{*address, lab::default_port(transport)}};
    const auto endpoint = Endpoint::parse(text);
    if (!endpoint) return std::nullopt;
    return std::pair{transport, *endpoint};
}

int exchange(const Arguments& a) {
    lab::ServeSettings settings;
    settings.folder = a.files.front();
    settings.certificate_file = a.certificate;
    settings.key_file = a.key;
    settings.capture = a.no_capture ? "" : a.capture.empty() ? "exchange.pcapng" : a.capture;
    settings.seed = a.seed;
    settings.stop = &stop_asked;
    if (a.seconds) settings.longest = Duration{static_cast<std::int64_t>(*a.seconds * 1e9)};
    for (const std::string& text : a.listens) {
        const auto listen = listen_of(text);
        if (!listen) {
            complain(fmt::format("--listen {}: expected [udp:|tcp:|tls:]ADDRESS[:PORT]", text));
            return usage;
        }
        settings.listens.push_back(*listen);
    }
    if (!settings.capture.empty() && a.capture.empty() && !may_write(settings.capture)) return io_error;
    settings.started = [&](const auto& listens) {
        for (const auto& [transport, at] : listens)
            if (!a.quiet) complain(fmt::format("listens at {}:{}", lab::uri_transport(transport), at.to_string()));
    };
    settings.note = [&](const std::string& note) {
        if (!a.quiet) complain(note);
    };
    const lab::ServeResult result = lab::serve(settings);
    if (!result.error.empty()) {
        complain(result.error);
        return exit_of(result.error_code) == io_error ? io_error : usage;
    }
    if (!a.quiet && !settings.capture.empty())
        complain(fmt::format("{}: {} SIP messages and {} RTP packets", settings.capture, result.sip, result.rtp));
    return stop_asked == by_signal ? interrupted : ok;
}

// ---------------------------------------------------------------- coverage

// One page of several servers: a folder each, with scripts and captures.
int refusals(const Arguments& a) {
    render::Misses misses;
    if (!a.missed.empty()) {
        const auto text = read_file(a.missed);
        auto read = text ? render::parse_misses(*text) : Result<render::Misses>(text.error());
        if (!read) {
            complain(text ? fmt::format("{}:{}", a.missed, read.error().what) : read.error().what);
            return exit_of_script(read.error().code);
        }
        misses = std::move(*read);
    }
    std::deque<pcap::Input> kept;
    std::vector<render::Tried> servers(a.files.size());
    for (std::size_t i = 0; i < servers.size(); ++i) {
        fs::path folder(a.files[i]);
        if (!folder.has_filename()) folder = folder.parent_path();
        if (const Status read = read_folder(folder, servers[i], kept, read_script, read_file); !read) {
            complain(read.error().what);
            return exit_of_script(read.error().code);
        }
        if (const auto name = misses.names.find(servers[i].folder); name != misses.names.end())
            servers[i].name = name->second;
    }
    if (stop_asked == by_signal) return interrupted;
    return put(a, render::refusals_html(servers, misses));
}

int coverage(const Arguments& a) {
    if (a.format == "html") return refusals(a);
    const pcap::Candidates candidates = pcap::expand(a.files);
    int status = ok;
    for (const Error& error : candidates.errors) {
        complain(error.what);
        status = worse(status, exit_of(error.code));
    }
    analysis::Coverage seen;
    std::vector<std::string> names;
    for (const pcap::Candidate& candidate : candidates.files) {
        if (stop_asked != go_on) break;
        const std::vector<std::string> one{candidate.path};
        auto input = pcap::Input::open(one);
        if (!input) {
            // Whatever else lies in a folder is no mistake of the caller's.
            if (!candidate.folder.empty() && input.error().code == Errc::unsupported) continue;
            complain(input.error().what);
            status = worse(status, exit_of(input.error().code));
            continue;
        }
        if (!names.empty()) seen.next_file();
        names.push_back(fs::path(candidate.path).filename().string());
        analysis::Options options;
        options.detail = analysis::Detail::summary;
        analysis::Analyzer analyzer(options, seen);
        pcap::Frame frame;
        while (stop_asked == go_on && input->next(frame)) analyzer.on_frame(frame);
        analyzer.finish();
        for (const Finding& f : input->findings())
            if (f.severity != Severity::note || !a.quiet) complain(f.text);
        if (input->damaged()) status = worse(status, damaged);
        if (input->failed()) status = worse(status, io_error);
    }
    const std::string text = a.format == "json"  ? render::coverage_json(seen, names)
                             : a.format == "csv" ? render::coverage_csv(seen, names)
                                                 : render::coverage_table(seen, names, terminal_style(a.color, a.width, a.ascii));
    if (!names.empty()) status = worse(status, put(a, text));
    return stop_asked == by_signal ? static_cast<int>(interrupted) : status;
}

// ---------------------------------------------------------------- the command line

struct Commands {
    CLI::App *run, *check, *import, *exchange, *coverage;
};

void add_output(CLI::App* c, Arguments& a, const std::vector<std::string>& formats) {
    c->add_option("--format", a.format, fmt::format("one of {}", fmt::join(formats, ", ")))
        ->check(CLI::IsMember(formats))
        ->default_str(formats.front());
    c->add_option("-o,--output", a.output, "to this file instead of standard output");
    c->add_option("--color", a.color, "auto, always or never")->check(CLI::IsMember({"auto", "always", "never"}));
    c->add_option("--width", a.width, "columns of tables and ladders (40 to 400)")->check(CLI::Range(40, 400));
    c->add_flag("--ascii", a.ascii, "no box drawing");
    c->add_flag("-q,--quiet", a.quiet, "only what went wrong");
}

void add_run(CLI::App* c, Arguments& a) {
    c->add_option("SCRIPT", a.files, "scripts, folders of them, or -")->required();
    add_output(c, a, {"table", "json", "junit", "ladder"});
    c->add_flag("-v,--verbose", a.verbose, "every step of every script");
    c->add_option("--on", a.on,
                  "simulated: in memory, on a virtual clock; sockets: against real servers; exchange: on sockets, "
                  "against the built-in servers")
        ->check(CLI::IsMember({"simulated", "sockets", "exchange"}))
        ->default_str("simulated");
    c->add_option("--hosts", a.hosts,
                  "on sockets in the network namespaces of these hosts; the capture is taken at their bridge")
        ->type_name("FILE");
    c->add_option("--seed", a.seed, "in place of the script's: the same seed gives the same capture");
    c->add_option("--capture", a.capture, "file, or folder for NAME.pcapng; otherwise the current folder")
        ->type_name("FILE|DIR");
    c->add_flag("--no-capture", a.no_capture, "write no capture; the verdict is the same");
    c->add_option("--server", a.servers, "where a server of the script is; may be repeated")
        ->type_name("NAME=ADDRESS")
        ->allow_extra_args(false);
    c->add_option("--phone", a.phones, "where a phone of the script is; may be repeated")
        ->type_name("NAME=ADDRESS")
        ->allow_extra_args(false);
    c->add_option("--local", a.local, "address of phones that say nothing else")->type_name("ADDRESS");
    c->add_option("--play", a.play, "only this phone's lines; others play elsewhere; may be repeated")
        ->type_name("NAME")
        ->allow_extra_args(false);
    c->add_option("--before", a.before, "a program to run once the capture has begun, before the script's first line")
        ->type_name("FILE");
    c->add_option("--baresip", a.baresip, "that program, for phones that it plays; otherwise the one in $PATH")
        ->type_name("FILE");
    c->add_option("--longest", a.longest_s, "end a run after so many seconds of its own time")
        ->check(CLI::PositiveNumber)
        ->default_str("1800");
    c->add_option("--rate", a.rate, "a load: calls a second")->check(CLI::PositiveNumber)->group("Load");
    c->add_option("--calls", a.calls, "calls in all")->group("Load");
    c->add_option("--concurrent", a.concurrent, "calls at a time, at most")
        ->check(CLI::PositiveNumber)
        ->default_str("1000")
        ->group("Load");
    c->add_option("--duration", a.duration_s, "seconds")->check(CLI::PositiveNumber)->group("Load");
    c->add_flag("--answer", a.answer_only, "a play begins when a call comes in")->group("Load");
}

void add_exchange(CLI::App* c, Arguments& a) {
    c->add_option("FOLDER", a.files, "where its sip.conf and extensions.conf are")->required()->expected(1);
    c->add_option("--listen", a.listens, "may be repeated; port 0: any free one, which is said")
        ->type_name("[udp:|tcp:|tls:]ADDRESS[:PORT]")
        ->required()
        ->allow_extra_args(false);
    c->add_option("--seconds", a.seconds, "end after so many; otherwise at an interrupt")->check(CLI::PositiveNumber);
    c->add_option("--certificate", a.certificate, "of TLS, PEM; otherwise one is made")->type_name("FILE");
    c->add_option("--key", a.key, "its key, PEM")->type_name("FILE");
    c->add_option("--capture", a.capture, "otherwise exchange.pcapng in the current folder")->type_name("FILE");
    c->add_flag("--no-capture", a.no_capture, "write no capture");
    c->add_option("--seed", a.seed, "of tags and nonces");
    c->add_flag("-q,--quiet", a.quiet, "only what went wrong");
}

Commands add_commands(CLI::App& app, Arguments& a) {
    Commands c{};
    c.run = app.add_subcommand("run", "Play scripts and judge their captures");
    add_run(c.run, a);
    c.check = app.add_subcommand("check", "Read scripts and name their mistakes, without playing them");
    c.check->add_option("SCRIPT", a.files, "scripts, folders of them, or -")->required();
    c.check->add_flag("-v,--verbose", a.verbose, "print each script as it was understood");
    c.check->add_flag("-q,--quiet", a.quiet, "only mistakes");
    c.import = app.add_subcommand("import", "SIPp scenarios as one script, a phone for each file");
    c.import->add_option("XML", a.files, "SIPp scenarios, the roles of one call")->required();
    c.import->add_option("-o,--output", a.output, "to this file instead of standard output");
    c.import->add_option("--peer", a.peer_at, "where the other end of a scenario without a partner is")
        ->type_name("ADDRESS")
        ->default_str("127.0.0.1");
    c.import->add_option("--service", a.service, "what [service] stands for, as SIPp's -s")->default_str("service");
    c.import->add_option("--inf", a.dataset, "fields, as SIPp's -inf")->type_name("FILE");
    c.import->add_flag("-q,--quiet", a.quiet, "no notes on what could not be carried over");
    c.exchange = app.add_subcommand("exchange", "The built-in exchange alone, on sockets, for phones that are not ours");
    add_exchange(c.exchange, a);
    c.coverage = app.add_subcommand("coverage", "Methods and codes that captures show, and those that they do not");
    c.coverage->add_option("CAPTURE", a.files, "pcap or pcapng files, folders, globs, -")->required();
    add_output(c.coverage, a, {"table", "json", "csv", "html"});
    c.coverage->add_option("--missed", a.missed, "html: why a server does not send a code: lines FOLDER, CODE, REASON, parted by tabs")
        ->type_name("FILE");
    return c;
}

}  // namespace

int main(int argc, char** argv) {
    program_name = "sipana-lab";
    hold_standard_descriptors();
    catch_interrupt({SIGINT, SIGTERM});  // a run under `timeout` ends as politely
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{"Plays SIP scenarios: phones that call each other, a built-in exchange or real servers.", "sipana-lab"};
    app.set_version_flag("--version", "sipana-lab " SIPANA_VERSION);
    app.require_subcommand(1);
    app.footer(
        "A script is written as the ladder that it produces: docs/scenario-format.md. Every run is judged by what\n"
        "the analyzer says of its capture: docs/scenario-checks.md.\n"
        "Exit status: 0 ok, 1 a scenario failed, 2 usage or a mistake in a script, 3 input damaged, 5 I/O error,\n"
        "77 skipped, 130 interrupted.");
    Arguments a;
    const Commands commands = add_commands(app, a);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& e) {
        return app.exit(e);
    } catch (const CLI::ParseError& e) {
        const auto is_named = [&](const CLI::App* c) { return c->get_name() == argv[1]; };
        const bool unknown = argc > 1 && *argv[1] != '-' && app.get_subcommands(is_named).empty();
        complain(unknown ? fmt::format("no command '{}'", argv[1]) : e.what());
        fmt::print(stderr, "Try 'sipana-lab --help' or 'sipana-lab COMMAND --help'.\n");
        return usage;
    }
    if (commands.run->parsed()) return run(a);
    if (commands.check->parsed()) return check(a);
    if (commands.import->parsed()) return import_sipp(a);
    if (commands.exchange->parsed()) return exchange(a);
    return coverage(a);
}
