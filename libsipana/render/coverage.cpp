#include "libsipana/render/coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "libsipana/render/csv_row.h"
#include "libsipana/render/json_writer.h"
#include "libsipana/render/table.h"

namespace sipana::render {
namespace {

using analysis::Coverage;
using analysis::Sighting;
using analysis::Sightings;

constexpr int first_refusal = 300, last_code = 699;  // what the registry is held against

struct Item {  // one method or code
    std::string_view method;
    int code = 0;
    const Sighting* find(const Sightings& in) const {
        if (code != 0) {
            const auto at = in.codes.find(code);
            return at == in.codes.end() ? nullptr : &at->second;
        }
        const sip::Method m = sip::method_of(method);
        if (m != sip::Method::other) {
            const Sighting& s = in.methods[static_cast<std::size_t>(m)];
            return s.frame == 0 ? nullptr : &s;
        }
        const auto at = in.extensions.find(method);
        return at == in.extensions.end() ? nullptr : &at->second;
    }
    bool registered() const {
        return code != 0 ? !sip::reason_phrase(code).empty()
                         : sip::method_of(method) != sip::Method::other;
    }
};

std::vector<Item> methods_seen(const Coverage& coverage) {
    std::vector<Item> items;
    for (const sip::Method m : sip::methods()) {
        const Item item{sip::to_string(m)};
        if (item.find(coverage.all()) != nullptr) items.push_back(item);
    }
    for (const auto& extension : coverage.all().extensions) items.push_back({extension.first});
    return items;
}

std::vector<Item> codes_seen(const Coverage& coverage) {
    std::vector<Item> items;
    for (const auto& code : coverage.all().codes) items.push_back({{}, code.first});
    return items;
}

struct Share {
    std::string_view sender;
    const Sighting* sighting;
};
// Who sent it, the most first.
std::vector<Share> shares(const Coverage& coverage, const Item& item) {
    std::vector<Share> out;
    for (const auto& sender : coverage.senders())
        if (const Sighting* s = item.find(sender.second)) out.push_back({sender.first, s});
    std::stable_sort(out.begin(), out.end(), [](const Share& a, const Share& b) {
        return a.sighting->count > b.sighting->count;
    });
    return out;
}

std::string_view file_of(const Sighting& s, std::span<const std::string> files) {
    return s.file < files.size() ? std::string_view(files[s.file]) : std::string_view{};
}

std::vector<std::string_view> answered(const Sighting& s) {
    std::vector<std::string_view> names;
    for (const sip::Method m : sip::methods())
        if ((s.answers >> static_cast<unsigned>(m) & 1u) != 0) names.push_back(sip::to_string(m));
    if ((s.answers & 1u) != 0) names.push_back("other");
    return names;
}

// ---------------------------------------------------------------- the table

void add_row(Table& table, const Coverage& coverage, const Item& item,
             std::span<const std::string> files) {
    const Sighting& s = *item.find(coverage.all());
    table.row();
    table.cell(item.code != 0 ? fmt::format("{}", item.code) : std::string(item.method),
               item.registered() ? Paint::plain : Paint::yellow);
    if (item.code != 0)
        table.cell(item.registered() ? sip::reason_phrase(item.code) : "not registered");
    table.cell(fmt::format("{}", s.count));
    table.cell(s.retransmissions == 0 ? "" : fmt::format("{}", s.retransmissions));
    if (item.code != 0) table.cell(fmt::format("{}", fmt::join(answered(s), " ")));
    table.cell(files.size() > 1 ? fmt::format("{}:{}", file_of(s, files), s.frame)
                                : fmt::format("{}", s.frame),
               Paint::faint);
    std::string senders;
    for (const Share& share : shares(coverage, item))
        senders += fmt::format("{}{} ({})", senders.empty() ? "" : ", ", share.sender,
                               share.sighting->count);
    table.cell(senders);
}

std::string missing_lines(const std::vector<std::string>& missing, const Style& style) {
    std::string out;
    for (const std::string& name : missing)
        out += "  " +
               painted(cut_to(shown(name, style), usable_width(style) - 2, style), Paint::yellow,
                       style) +
               "\n";
    return out;
}

}  // namespace

std::string coverage_table(const Coverage& coverage, std::span<const std::string> files,
                           const Style& style) {
    Table methods({{"METHOD", essential, 6},
                   {"COUNT", essential, 1, 0, true},
                   {"AGAIN", 1, 1, 0, true},
                   {"FIRST", 3, 8, 24},
                   {"SENT BY", 2, 10, 20}});
    for (const Item& item : methods_seen(coverage)) add_row(methods, coverage, item, files);
    Table codes({{"CODE", essential, 3, 0, true},
                 {"PHRASE", essential, 10, 20},
                 {"COUNT", essential, 1, 0, true},
                 {"AGAIN", 1, 1, 0, true},
                 {"ANSWERS", 4, 6, 12},
                 {"FIRST", 3, 8, 24},
                 {"SENT BY", 2, 10, 20}});
    for (const Item& item : codes_seen(coverage)) add_row(codes, coverage, item, files);

    const auto no_methods = coverage.missing_methods();
    const auto no_refusals = coverage.missing_codes(first_refusal, last_code);
    const auto registered = static_cast<std::size_t>(
        std::count_if(sip::codes().begin(), sip::codes().end(),
                      [](const sip::Code& c) { return c.number >= first_refusal; }));
    std::string out = methods.text(style) + "\n" + codes.text(style) + "\n";
    const std::string sum = fmt::format(
        "{} messages: {} of {} methods, {} of {} registered codes from {} to {}",
        coverage.messages(), sip::methods().size() - no_methods.size(), sip::methods().size(),
        registered - no_refusals.size(), registered, first_refusal, last_code);
    for (const std::string& line : wrapped(sum, usable_width(style), 3, style)) out += line + "\n";
    std::vector<std::string> missing;
    for (const sip::Method m : no_methods) missing.emplace_back(sip::to_string(m));
    for (const sip::Code& c : coverage.missing_codes(0, last_code))
        missing.push_back(fmt::format("{} {} ({})", c.number, c.phrase, c.clause));
    if (!missing.empty()) out += "missing:\n" + missing_lines(missing, style);
    return out;
}

// ---------------------------------------------------------------- JSON and CSV

namespace {

void write_item(JsonWriter& json, const Coverage& coverage, const Item& item,
                std::span<const std::string> files) {
    const Sighting& s = *item.find(coverage.all());
    json.begin_object();
    if (item.code != 0) {
        json.field("code", item.code).text_or_null("phrase", sip::reason_phrase(item.code));
        json.key("answers").begin_array();
        for (const std::string_view name : answered(s)) json.value(name);
        json.end_array();
    } else {
        json.field("method", item.method);
    }
    json.field("registered", item.registered());
    json.field("count", s.count).field("retransmissions", s.retransmissions);
    json.text_or_null("first_file", file_of(s, files)).field("first_frame", s.frame);
    json.key("senders").begin_array();
    for (const Share& share : shares(coverage, item))
        json.begin_object()
            .field("name", share.sender)
            .field("count", share.sighting->count)
            .field("retransmissions", share.sighting->retransmissions)
            .end_object();
    json.end_array().end_object();
}

std::string csv_row(const Item& item, std::string_view sender, const Sighting* s,
                    std::span<const std::string> files) {
    CsvRow row;
    row.text(item.code != 0 ? "code" : "method");
    row.text(item.code != 0 ? fmt::format("{}", item.code) : std::string(item.method));
    row.text(item.code != 0 ? sip::reason_phrase(item.code) : std::string_view{});
    row.flag(item.registered()).text(sender);
    if (s == nullptr) return row.number(0).number(0).empty().empty().take();
    row.number(s->count).number(s->retransmissions).text(file_of(*s, files)).number(s->frame);
    return row.take();
}

}  // namespace

std::string coverage_json(const Coverage& coverage, std::span<const std::string> files) {
    std::string out;
    {
        JsonWriter json(out, 2);
        json.begin_object().field("schema", "sipana-coverage/1");
        json.key("files").begin_array();
        for (const std::string& file : files) json.value(file);
        json.end_array().field("messages", coverage.messages());
        json.key("methods").begin_array();
        for (const Item& item : methods_seen(coverage)) write_item(json, coverage, item, files);
        json.end_array().key("codes").begin_array();
        for (const Item& item : codes_seen(coverage)) write_item(json, coverage, item, files);
        json.end_array().key("missing_methods").begin_array();
        for (const sip::Method m : coverage.missing_methods()) json.value(sip::to_string(m));
        json.end_array().key("missing_codes").begin_array();
        for (const sip::Code& c : coverage.missing_codes(0, last_code))
            json.begin_object()
                .field("code", c.number)
                .field("phrase", c.phrase)
                .field("clause", c.clause)
                .end_object();
        json.end_array().end_object();
    }
    return out + "\n";
}

std::string coverage_csv(const Coverage& coverage, std::span<const std::string> files) {
    std::string out =
        "kind,name,phrase,registered,sender,count,retransmissions,first_file,first_frame\n";
    std::vector<Item> items = methods_seen(coverage);
    for (const sip::Method m : coverage.missing_methods()) items.push_back({sip::to_string(m)});
    std::vector<Item> codes = codes_seen(coverage);
    for (const sip::Code& c : coverage.missing_codes(0, last_code)) codes.push_back({{}, c.number});
    std::stable_sort(codes.begin(), codes.end(),
                     [](const Item& a, const Item& b) { return a.code < b.code; });
    items.insert(items.end(), codes.begin(), codes.end());
    for (const Item& item : items) {
        out += csv_row(item, "", item.find(coverage.all()), files) + "\n";
        for (const Share& share : shares(coverage, item))
            out += csv_row(item, share.sender, share.sighting, files) + "\n";
    }
    return out;
}

}  // namespace sipana::render
