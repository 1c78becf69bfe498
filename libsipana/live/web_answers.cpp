#include "libsipana/live/web_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "libsipana/analysis/footprint.h"
#include "libsipana/base/text.h"
#include "libsipana/render/json_writer.h"
#include "libsipana/render/live_page.h"

namespace sipana::live {
namespace {

using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr std::string_view json_type = "application/json", html_type = "text/html; charset=utf-8";
constexpr seconds patience_for_large{10}, patience_for_calls{3};

Answer busy() { return {503, "text/plain; charset=utf-8", "Busy, try again.\n", {}, {}}; }
Answer unknown_call() {
    return {404, "text/plain; charset=utf-8", "No such call is kept.\n", {}, {}};
}

std::vector<const analysis::Call*> plain(const std::vector<CallPtr>& calls) {
    std::vector<const analysis::Call*> all;
    all.reserve(calls.size());
    for (const CallPtr& call : calls) all.push_back(call.get());
    return all;
}

// The calls of a report, in their order: the newest that have room.
std::vector<CallPtr> calls_for_report(Board& board, std::size_t& left_out) {
    std::vector<Board::Entry> entries = board.since(0).entries;
    std::sort(entries.begin(), entries.end(),
              [](const Board::Entry& a, const Board::Entry& b) { return a.number > b.number; });
    const Clock::time_point until = Clock::now() + patience_for_calls;
    std::vector<CallPtr> calls;
    std::uint64_t bytes = 0;
    std::size_t asked_for = 0;
    for (Board::Entry& entry : entries) {
        if (!entry.over && asked_for < Answers::most_asked_for && Clock::now() < until) {
            ++asked_for;
            if (CallPtr whole = board.look(entry.number, seconds{1})) entry.call = std::move(whole);
        }
        bytes += analysis::footprint(*entry.call);
        if (bytes > Answers::most_report_bytes && !calls.empty()) break;
        calls.push_back(std::move(entry.call));
    }
    left_out = entries.size() - calls.size();
    std::reverse(calls.begin(), calls.end());
    return calls;
}

// Everything of a report but its calls.
analysis::Report rest_of_report(Board& board, std::size_t left_out) {
    analysis::Report rest;
    const Totals totals = board.totals();
    for (const auto& source : totals.sources) {
        analysis::FileFacts facts;
        facts.name = source.name;
        facts.format = "live";
        facts.frames = source.counts.read;
        if (source.counts.dropped() > 0)
            facts.comments.push_back(fmt::format("{} packets dropped", source.counts.dropped()));
        rest.files.push_back(std::move(facts));
    }
    if (left_out > 0 && !rest.files.empty())
        rest.files.front().comments.push_back(fmt::format("{} older calls are left out", left_out));
    rest.counts = totals.counts;
    rest.findings = board.findings();
    for (const StreamPtr& stream : board.streams()) rest.streams.push_back(*stream);
    return rest;
}

void set_span(analysis::Report& rest, const std::vector<CallPtr>& calls) {
    for (const CallPtr& call : calls) {
        if (call->start != no_time && (rest.first == no_time || call->start < rest.first))
            rest.first = call->start;
        if (call->end != no_time && (rest.last == no_time || call->end > rest.last))
            rest.last = call->end;
    }
}

}  // namespace

Answers::Answers(Board& board, std::string title, std::function<std::string()> metrics)
    : board_(board), title_(std::move(title)), metrics_(std::move(metrics)) {}

std::optional<Answer> Answers::answer(std::string_view path) {
    constexpr std::string_view calls = "/calls/";
    if (path == "/")
        return Answer{
            200, std::string(html_type), render::live_html(title_), {}, render::live_policy()};
    if (path == "/health")
        return board_.stopped() ? busy() : Answer{200, Answer{}.type, "ok\n", {}, {}};
    if (path == "/metrics" && metrics_)
        return Answer{
            200, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics_(), {}, {}};
    if (path == "/streams") return streams();
    if (path == "/report.html" || path == "/report.json")
        return report(path.substr(path.find('.') + 1));
    if (!path.starts_with(calls)) return std::nullopt;
    std::string_view kind = path.substr(calls.size());
    const auto number = to_number<std::uint64_t>(cut(kind, '.'));
    if (!number || path.ends_with('.')) return std::nullopt;
    if (kind.empty() || kind == "html" || kind == "json" || kind == "pcapng")
        return call(*number, kind);
    return std::nullopt;
}

Answer Answers::call(std::uint64_t number, std::string_view kind) {
    if (!kind.empty()) return file_of_call(number, kind);
    const std::vector<CallPtr> figure = board_.figure(number);
    if (figure.empty()) return unknown_call();
    std::string json = render::call_panel_json(plain(figure), number);
    if (json == "null") return unknown_call();
    return {200, std::string(json_type), std::move(json), {}, {}};
}

Answer Answers::file_of_call(std::uint64_t number, std::string_view kind) {
    const std::unique_lock alone(large_, patience_for_large);
    if (!alone) return busy();
    if (kind == "pcapng") return packets(number);
    const std::string name = fmt::format("call-{}.{}", number, kind);
    const std::vector<CallPtr> figure = board_.figure(number);
    const auto at = std::find_if(figure.begin(), figure.end(),
                                 [&](const CallPtr& c) { return c->number == number; });
    if (at == figure.end()) return unknown_call();
    analysis::Report rest;
    set_span(rest, figure);
    if (kind == "json")
        return {200, std::string(json_type), render::report_json(rest, plain(figure)), name, {}};
    const auto index = static_cast<std::size_t>(at - figure.begin());
    return {200,
            std::string(html_type),
            render::flow_html(rest, plain(figure), std::span(&index, 1)),
            name,
            {}};
}

Answer Answers::packets(std::uint64_t number) {
    std::vector<std::uint64_t> figure;
    for (const CallPtr& call : board_.figure(number)) figure.push_back(call->number);
    if (figure.empty()) return unknown_call();
    Result<Buffer> file = board_.packets(std::move(figure));
    if (!file) {
        const bool none = file.error().code == Errc::not_found;
        return {none ? 404 : 503, Answer{}.type, printable(file.error().what) + "\n", {}, {}};
    }
    return {200,
            "application/octet-stream",
            std::string(as_text(*file)),
            fmt::format("call-{}.pcapng", number),
            {}};
}

Answer Answers::report(std::string_view kind) {
    const std::unique_lock alone(large_, patience_for_large);
    if (!alone) return busy();
    std::size_t left_out = 0;
    const std::vector<CallPtr> calls = calls_for_report(board_, left_out);
    analysis::Report rest = rest_of_report(board_, left_out);
    set_span(rest, calls);
    const auto shown = plain(calls);
    const std::string name = fmt::format("report.{}", kind);
    if (kind == "json")
        return {200, std::string(json_type), render::report_json(rest, shown), name, {}};
    return {200, std::string(html_type), render::report_html(rest, shown), name, {}};
}

Answer Answers::streams() {
    const std::vector<StreamPtr> streams = board_.streams();
    std::vector<const analysis::Stream*> last;
    constexpr std::size_t most = 50;  // they are drawn with their charts
    for (std::size_t i = streams.size() - std::min(streams.size(), most); i < streams.size(); ++i)
        last.push_back(streams[i].get());
    std::string out;
    {
        render::JsonWriter json(out);
        json.begin_object().field("count", std::uint64_t{streams.size()});
        json.field("markup", std::string_view(render::streams_html(last))).end_object();
    }
    return {200, std::string(json_type), std::move(out), {}, {}};
}

}  // namespace sipana::live
