// SIPp's actions: expressions, variables, media; commands are refused.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/script_steps.h"
#include "libsipana/lab/sipp_role.h"

namespace sipana::lab {

Status SippTranslator::action(const SippElement& a, std::size_t index, Expect* expect) {
    line_ = a.line;
    if (a.name == "ereg")
        ereg(a, expect);
    else if (a.name == "assignstr" || a.name == "assign" || a.name == "sample")
        assign(a);
    else if (a.name == "strcmp" || a.name == "test")
        compare(a);
    else if (a.name == "exec")
        return exec(a, index);
    else if (a.name == "log" || a.name == "warning")
        note(a, fmt::format("<{}> is left out: the run's own output shows what happens", a.name));
    else
        note(a, fmt::format("<{}> has no counterpart", printable(a.name)));
    return Done{};
}

void SippTranslator::ereg(const SippElement& a, Expect* expect) {
    if (!expect) return note(a, "<ereg> outside of a <recv> is not carried over");
    const std::string regexp(a.get("regexp"));
    const std::string_view where = a.get("search_in");
    std::string header = "message";
    bool whole = true;
    if (where == "hdr") {
        std::string_view rest = a.get("header");
        header = trim(cut(rest, ':'));
        whole = false;
    } else if (where == "body") {
        header.clear();
    } else if (!where.empty() && where != "msg") {
        return note(a, fmt::format("search_in=\"{}\" is not carried over", printable(where)));
    }
    const bool token = std::all_of(header.begin(), header.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
    });
    const bool taken = header == "request-uri" || header == "reason";
    if (where == "hdr" && (header.empty() || !token || taken))
        return note(a, "header=\"...\" names no header field, the expression is left out");
    for (std::string_view other : {"occurrence", "occurence", "case_indep", "start_line"})
        if (a.has(other)) note(a, fmt::format("{} is not carried over", other));
    const auto bare = [](const std::string& pattern) {
        return pattern.substr(1, pattern.size() - 2);
    };
    const std::string all = to_ecmascript(regexp, whole, 0);
    if (const std::string why = pattern_error(all); regexp.empty() || !why.empty())
        return note(
            a, fmt::format("the expression \"{}\" is left out: {}", printable(regexp.substr(0, 80)),
                           regexp.empty() ? "it is empty" : why));
    const bool checks = a.is_true("check_it"), inverse = a.is_true("check_it_inverse");
    if (checks && regexp == ".*" && !header.empty() && !whole)
        expect->where.push_back({Where::Test::present, header, {}, false});
    else if (checks || inverse)
        expect->where.push_back({Where::Test::matches, header, bare(all), inverse});
    std::string_view variables = a.get("assign_to");
    for (unsigned group = 0; !variables.empty(); ++group) {
        const std::string name(trim(cut(variables, ',')));
        if (name.empty()) continue;
        Capture c{role_.words.variable(name), header, {}};
        if (group == 0 && where != "hdr" && istarts_with(regexp, "Content-Type:.*")) {
            c.header.clear();  // all that follows: what is wanted of it is the body
            bodies_.insert(name);
        } else {
            c.pattern = group == 0 ? bare(all) : to_ecmascript(regexp, whole, group);
            if (c.pattern == ".*") c.pattern.clear();
        }
        if (pattern_error(c.pattern).empty()) expect->captures.push_back(std::move(c));
    }
}

void SippTranslator::assign(const SippElement& a) {
    Assign set;
    set.name = role_.words.variable(a.get("assign_to"));
    set.value = role_.words.convert(a.get("value"));
    if (a.name == "sample") {
        const auto least = to_number<std::uint64_t>(a.get("min")).value_or(0);
        const auto most = to_number<std::uint64_t>(a.get("max"));
        if (a.get("distribution") != "uniform" || !most || least != 0)
            return note(a, "<sample> is carried over only where it is uniform from 0");
        set.value = fmt::format("{{random {}}}", *most);
    }
    add(a).what = std::move(set);
}

// <strcmp> and <test> set variables that `test="..."` asks for: kept as the comparison that they
// are.
void SippTranslator::compare(const SippElement& a) {
    const std::string to(a.get("assign_to")), variable(a.get("variable"));
    const auto value_of = [&](std::string_view name) {
        return fmt::format("{{{}}}", role_.words.variable(name));
    };
    Jump j;
    j.left = value_of(variable);
    j.right =
        a.has("variable2") ? value_of(a.get("variable2")) : role_.words.convert(a.get("value"));
    if (a.name == "strcmp") {
        comparisons_[to] = std::move(j);
        return;
    }
    const std::string_view how = a.get("compare");
    if (how != "equal" && how != "not_equal")
        return note(a, fmt::format("compare=\"{}\" is not carried over: values are equal or not",
                                   printable(how)));
    const auto known = comparisons_.find(variable);
    if (known != comparisons_.end()) j = known->second;
    j.unequal = how == "not_equal";
    conditions_[to] = std::move(j);
}

Status SippTranslator::exec(const SippElement& a, std::size_t index) {
    if (a.has("command"))
        return Error{
            Errc::denied, 0,
            fmt::format(
                "{}:{}: expected a scenario without <exec command>: an import executes nothing",
                role_.file->name, a.line)};
    for (std::string_view kind : {"play_pcap_audio", "rtp_stream", "play_dtmf"})
        if (a.has(kind)) return play(a, kind, index), Done{};
    note(a, fmt::format("<exec {}> is not carried over",
                        a.attributes.empty() ? "" : printable(a.attributes.front().first)));
    return Done{};
}

// How long the media plays: SIPp's files pause for it behind the <nop>.
Duration SippTranslator::next_pause(std::size_t index) const {
    const auto& all = role_.scenario->elements;
    for (std::size_t i = index + 1; i < all.size(); ++i) {
        if (all[i].name == "pause")
            return parse_duration(std::string(all[i].get("milliseconds")) + "ms")
                .value_or(std::chrono::seconds{2});
        if (all[i].name != "nop" && all[i].name != "label") break;
    }
    return std::chrono::seconds{2};
}

void SippTranslator::play(const SippElement& a, std::string_view kind, std::size_t index) {
    std::string_view file = a.get(kind);
    MediaStep media;
    media.go_on = true;
    media.duration = next_pause(index);
    static constexpr std::string_view digit_file = "dtmf_2833_";
    const auto digits = file.find(digit_file);
    if (kind == "play_dtmf" || (kind == "play_pcap_audio" && digits != file.npos)) {
        std::string_view name =
            digits == file.npos ? file : file.substr(digits + digit_file.size());
        name = name.substr(0, name.find('.'));
        media.digits = name == "star" ? "*" : name == "pound" ? "#" : std::string(name);
        media.source = MediaStep::Source::digits;
        media.duration = std::chrono::seconds{2};
        if (media.digits.empty() ||
            media.digits.find_first_not_of("0123456789*#ABCD") != std::string::npos)
            return note(a, fmt::format("\"{}\" are no digits", printable(file)));
    } else if (kind == "rtp_stream") {
        const std::string_view name = trim(cut(file, ','));
        if (name == "pause" || name == "resume" || name.empty())
            return note(a, fmt::format("rtp_stream=\"{}\" is not carried over", printable(name)));
        media.source = MediaStep::Source::file;
        media.file = name;
        if (!name.ends_with(".wav"))
            note(a,
                 fmt::format("{} must be a WAV file, and is named by its place beside the script",
                             printable(name)));
    } else {
        media.source = MediaStep::Source::tone;
        note(a, fmt::format("the sound of {} is not carried over, a tone of 440 Hz is in its place",
                            printable(file)));
    }
    Step& step = add(a);
    step.peer = role_.partner;
    step.what = std::move(media);
}

}  // namespace sipana::lab
