#include "tools/live.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "libsipana/base/text.h"

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

LiveCommand::LiveCommand(CLI::App& program) {
    LiveArguments& a = arguments_;
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
    c->add_option("-B,--buffer", a.buffer, "the kernel's buffer for an interface (64M, less where --max-memory is small)")->transform(as_size)->group(input);
    c->add_option("-s,--snap", a.snap, "bytes of a packet")->check(CLI::Range(64, 262'144))->group(input);
    a.hep.add_to(*c);
    const auto output = "Output";
    c->add_option("--format", a.format, "screen, ndjson; auto: a screen where there is a terminal")
        ->check(CLI::IsMember({"auto", "screen", "ndjson"}))
        ->group(output);
    c->add_option("--events", a.events, "of ndjson: message,going,call,stream,finding,totals (all)")->group(output);
    c->add_option("--where", a.where, "of ndjson: calls, as for `sipana calls`")->group(output);
    c->add_option("-o,--output", a.output, "the report at the end: OUT.html, OUT.json or a folder")->group(output);
    c->add_option("--web", a.web, "serve the report page as it grows: 127.0.0.1:8080")->group(output);
    c->add_option("--web-token", a.web_token, "file with a token that the browser must show; needed beyond loopback")
        ->group(output);
    c->add_option("--web-name", a.web_names, "a name that this machine is asked for by; may be repeated")
        ->allow_extra_args(false)
        ->group(output);
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

}  // namespace sipana::tools
