#include "libsipana/live/web_feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/render/html.h"
#include "libsipana/render/json_writer.h"
#include "libsipana/render/live_page.h"

namespace sipana::live {
namespace {

using render::JsonWriter;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration totals_every = milliseconds{500}, findings_every = seconds{2};

// Those that the page shows: calls that go on, then the newest.
void choose_newest(std::vector<Board::Entry>& entries) {
    if (entries.size() <= Feed::most_rows) return;
    const auto goes = [](const Board::Entry& e) {
        return !e.over && e.call->kind == analysis::CallKind::invite;
    };
    std::nth_element(entries.begin(), entries.begin() + Feed::most_rows, entries.end(),
                     [&goes](const Board::Entry& a, const Board::Entry& b) {
                         return goes(a) != goes(b) ? goes(a) : a.number > b.number;
                     });
    entries.resize(Feed::most_rows);
}

std::string rate_text(double bits_per_s) {
    if (bits_per_s < 1e6) return fmt::format("{:.0f} kbit/s", bits_per_s / 1e3);
    return fmt::format("{:.1f} Mbit/s", bits_per_s / 1e6);
}

class Figures {
public:
    explicit Figures(JsonWriter& json) : json_(json) {}
    void put(std::string_view name, std::string_view value, std::string_view tone = {}) {
        json_.begin_array().value(name).value(value).value(tone).end_array();
    }
    void put(std::string_view name, std::uint64_t value) { put(name, fmt::format("{}", value)); }
    void put_if(std::string_view name, std::uint64_t value, std::string_view tone = {}) {
        if (value > 0) put(name, fmt::format("{}", value), tone);
    }

private:
    JsonWriter& json_;
};

void put_figures(JsonWriter& json, const Totals& t) {
    const SourceCounts captured = t.captured();
    Figures figures(json);
    figures.put("Packets a second", fmt::format("{:.0f}", t.packets_per_s));
    figures.put("Rate", rate_text(t.bits_per_s));
    figures.put("Received", captured.received);
    figures.put("Dropped", fmt::format("{}", captured.dropped()),
                captured.dropped() > 0 ? "bad" : "");
    figures.put_if("Refused", captured.refused, "bad");
    figures.put("Calls now", t.calls_active);
    figures.put("Calls over", t.calls_over);
    figures.put_if("Registered", t.registered);
    figures.put_if("Subscriptions", t.subscribed);
    figures.put("Streams now", t.streams_active);
    if (t.resident_bytes > 0)
        figures.put("Memory", t.limit_bytes == 0
                                  ? render::bytes_text(t.resident_bytes)
                                  : fmt::format("{} of {}", render::bytes_text(t.resident_bytes),
                                                render::bytes_text(t.limit_bytes)));
    figures.put_if("Given up for room", t.evictions.total(), "bad");
    figures.put_if("No longer kept", t.over_forgotten);
    figures.put_if("Packets recorded", t.recorded_packets);
    figures.put_if("Calls saved", t.saved_calls);
}

void put_alarms(JsonWriter& json, const Totals& t) {
    if (!t.recording_failure.empty())
        json.value(std::string_view(
            fmt::format("Recording has failed: {}", printable(t.recording_failure))));
    if (const std::uint64_t dropped = t.captured().dropped(); dropped > 0)
        json.value(std::string_view(fmt::format(
            "{} not been captured: what calls seem to have lost may be the capture's loss.",
            dropped == 1 ? "1 packet has" : fmt::format("{} packets have", dropped))));
    for (const auto& source : t.sources)
        if (source.ended)
            json.value(std::string_view(printable(source.name) + " has come to its end."));
}

std::string since_text(const Totals& t) {
    std::string text;
    if (t.begun != no_time) {
        const std::string begun = to_rfc3339(t.begun);
        text = fmt::format("since {} {} UTC", begun.substr(0, 10), begun.substr(11, 8));
    }
    for (const auto& source : t.sources)
        text += (text.empty() ? "" : " · ") + printable(source.name);
    return text;
}

}  // namespace

std::string totals_json(const Totals& totals, std::size_t streams) {
    std::string out;
    {
        JsonWriter json(out);
        json.begin_object().key("figures").begin_array();
        put_figures(json, totals);
        json.end_array().key("alarms").begin_array();
        put_alarms(json, totals);
        json.end_array().field("since", std::string_view(since_text(totals)));
        json.field("streams", std::uint64_t{streams}).end_object();
    }
    return out;
}

Feed::Feed(Board& board, std::string run, std::string_view last_id)
    : board_(board), run_(std::move(run)) {
    if (cut(last_id, '-') != run_) return;
    const auto version = to_number<std::uint64_t>(last_id);
    if (version && *version <= board.version()) version_ = *version;
}

void Feed::write_rows(std::string& out, const Board::News& news) {
    std::vector<const analysis::Call*> calls;
    calls.reserve(news.entries.size());
    for (const Board::Entry& entry : news.entries) calls.push_back(entry.call.get());
    JsonWriter json(out);
    json.begin_object().field("all", news.all);
    json.key("rows");
    calls.empty() ? json.value("") : json.value(std::string_view(render::call_rows_html(calls)));
    json.key("forgotten").begin_array();
    for (const std::uint64_t number : news.forgotten) json.value(number);
    json.end_array().end_object();
}

void Feed::write_findings(std::string& out, Time now) {
    std::vector<Finding> findings = board_.findings();
    const std::uint64_t told = board_.totals().findings + findings.size();
    findings_at_ = now;
    if (told == findings_told_) return;
    findings_told_ = told;
    const std::size_t all = findings.size();
    if (all > most_findings) findings.erase(findings.begin(), findings.end() - most_findings);
    out += ",\"findings\":";
    JsonWriter json(out);
    json.begin_object().field("count", std::uint64_t{all});
    json.field("markup", std::string_view(render::findings_html(findings))).end_object();
}

std::string Feed::next(Time now) {
    const bool first = totals_at_ == no_time;
    Board::News news = board_.since(version_);
    const bool due = first || now - totals_at_ >= totals_every;
    if (!due && news.entries.empty() && news.forgotten.empty()) return {};
    choose_newest(news.entries);
    version_ = news.version;
    // A burst may take its time: it is a screenful, and the next one is newer.
    rest_ = news.entries.size() > 1000  ? Duration{seconds{1}}
            : news.entries.size() > 200 ? Duration{milliseconds{400}}
                                        : Duration{milliseconds{80}};
    std::string event = fmt::format("id: {}-{}\nevent: state\ndata: ", run_, version_);
    write_rows(event, news);
    if (due) {
        const Totals totals = board_.totals();
        totals_at_ = now;
        event.pop_back();  // the object goes on
        const std::uint64_t ever = totals.dialogs_active + totals.dialogs_over;
        event += fmt::format(",\"kept\":{}", ever - std::min(ever, totals.over_forgotten));
        event += ",\"totals\":" + totals_json(totals, board_.streams().size());
        if (first || now - findings_at_ >= findings_every) write_findings(event, now);
        event += '}';
    }
    return event + "\n\n";
}

}  // namespace sipana::live
