#include "libsipana/live/screen_message.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/live/screen_diff.h"
#include "libsipana/render/explain.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/rows.h"

namespace sipana::live {
namespace {

using render::Paint;
constexpr Look added_look{Paint::green, false, true}, removed_look{Paint::red, false, false},
    changed_look{Paint::yellow, false, true, true};

// A line of a message in its colours: the start line, a field's name, an SDP line's type.
Styled painted_line(std::string_view line, bool first, bool in_body, Paint tone) {
    if (first) return {{std::string(line), {tone, false, true}}};
    if (in_body) {
        if (line.size() > 1 && line[1] == '=')
            return {{std::string(line.substr(0, 2)), {Paint::magenta}},
                    {std::string(line.substr(2)), {Paint::plain, false, line[0] == 'm'}}};
        return {{std::string(line), {}}};
    }
    const auto colon = line.find(':');
    if (colon == line.npos || is_blank(line.front())) return {{std::string(line), {}}};
    return {{std::string(line.substr(0, colon)), {Paint::cyan}},
            {std::string(line.substr(colon)), {}}};
}

void add_diff(std::vector<Styled>& out, std::string_view before, std::string_view after,
              std::size_t width, const render::Style& style) {
    for (const DiffLine& d : diff_of(before, after)) {
        Styled line;
        switch (d.kind) {
            case DiffLine::Kind::same:
                line = {{"  ", {}}, {std::string(d.text), {}}};
                break;
            case DiffLine::Kind::added:
                line = {{"+ ", added_look}, {std::string(d.text), added_look}};
                break;
            case DiffLine::Kind::removed:
                line = {{"- ", removed_look}, {std::string(d.old), removed_look}};
                break;
            case DiffLine::Kind::changed:
                line = {{"~ ", warning_look},
                        {std::string(d.text.substr(0, d.from)), {}},
                        {std::string(d.text.substr(d.from, d.to - d.from)), changed_look},
                        {std::string(d.text.substr(d.to)), {}}};
                break;
        }
        wrap_into(out, line, width, 4, style);
        if (d.kind == DiffLine::Kind::changed) {
            const std::string_view was = d.old.substr(d.old_from, d.old_to - d.old_from);
            wrap_into(out,
                      {{was.empty() ? "    was not there" : "    was ", faint_look},
                       {std::string(was), faint_look}},
                      width, 8, style);
        }
    }
}

void add_explained(std::vector<Styled>& out, std::string_view text, Paint tone, std::size_t width,
                   const render::Style& style) {
    bool first = true;
    for (const render::ExplainedLine& line : render::explain_message(text)) {
        bool part = false;
        for (const std::string_view piece : lines_of(line.raw)) {  // a folded field has several
            wrap_into(out, painted_line(piece, first && !part, line.body, tone), width, 4, style);
            part = true;
        }
        if (line.raw.empty()) out.emplace_back();
        first = false;
        std::string words = line.meaning;
        if (words.empty()) words = line.topic.what;
        if (words.empty()) continue;
        if (!line.topic.clause.empty()) words += fmt::format(" ({})", line.topic.clause);
        const std::size_t indent = 4;
        for (std::string& piece : render::wrapped(
                 render::shown(words, style), width > indent + 8 ? width - indent : 12, 6, style))
            out.push_back({{std::string(indent, ' '), {}}, {std::move(piece), faint_look}});
    }
}

}  // namespace

std::string message_word(const analysis::SipMessage& message) {
    if (message.is_request()) return std::string(message.method_name);
    return fmt::format("{} {}", message.code, render::reason_phrase(message));
}

ChosenMessage previous_of(const ChosenMessage& chosen) {
    const auto& messages = chosen.call->messages;
    const analysis::SipMessage& m = chosen.message();
    for (std::size_t i = chosen.index; i-- > 0;)
        if (messages[i].src.address == m.src.address && messages[i].dst.address == m.dst.address &&
            messages[i].is_request() == m.is_request())
            return {chosen.call, i};
    for (std::size_t i = chosen.index; i-- > 0;)
        if (messages[i].src.address == m.src.address && messages[i].dst.address == m.dst.address)
            return {chosen.call, i};
    return {};
}

std::vector<Styled> message_lines(const ChosenMessage& chosen, const MessageSettings& settings,
                                  const render::Style& style) {
    std::vector<Styled> out;
    const analysis::SipMessage& m = chosen.message();
    const std::string_view arrow = style.unicode ? " → " : " -> ";
    wrap_into(
        out,
        {{fmt::format("frame {}  {}  {}", m.frame, to_time_of_day(m.time), to_string(m.transport)),
          faint_look}},
        settings.width, 2, style);
    wrap_into(out,
              {{fmt::format("{}{}{}", m.src.to_string(), arrow, m.dst.to_string()), faint_look}},
              settings.width, 2, style);
    if (m.retransmission) out.push_back({{"a retransmission", warning_look}});
    for (const Finding& f : chosen.call->findings)
        if (f.frame == m.frame && m.frame != 0)
            wrap_into(out,
                      {{fmt::format("{} {}{}", f.severity == Severity::note ? "i" : "!", f.text,
                                    f.clause.empty() ? "" : fmt::format(" ({})", f.clause)),
                        f.severity == Severity::error     ? error_look
                        : f.severity == Severity::warning ? warning_look
                                                          : faint_look}},
                      settings.width, 2, style, 6);
    out.emplace_back();
    const std::string text = render::masked(m.text);
    const Paint tone = paint_of(render::tone_of(m.code));
    if (settings.diff) {
        const ChosenMessage before = previous_of(chosen);
        if (!before.call) {
            out.push_back({{"nothing went this way before", faint_look}});
        } else {
            const std::string old = render::masked(before.message().text);
            wrap_into(
                out,
                {{fmt::format("{} frame {}, {}:", old == text ? "the same as" : "compared with",
                              before.message().frame, message_word(before.message())),
                  faint_look}},
                settings.width, 2, style);
            add_diff(out, old, text, settings.width, style);
            return out;
        }
    }
    if (settings.explained) {
        add_explained(out, text, tone, settings.width, style);
        return out;
    }
    bool first = true, in_body = false;
    for (const std::string_view line : lines_of(text)) {
        wrap_into(out, painted_line(line, first, in_body, tone), settings.width, 4, style);
        in_body |= !first && line.empty();
        first = false;
    }
    return out;
}

std::vector<Styled> diff_lines(const ChosenMessage& before, const ChosenMessage& after,
                               std::size_t width, const render::Style& style) {
    std::vector<Styled> out;
    add_diff(out, render::masked(before.message().text), render::masked(after.message().text),
             width, style);
    return out;
}

// ---------------------------------------------------------------- one message

std::string MessageView::title() const {
    return fmt::format("{}, message {} of {}", message_word(chosen_.message()), chosen_.index + 1,
                       chosen_.call->messages.size());
}

std::vector<Styled> MessageView::lines(std::size_t width, const render::Style& style) {
    const Preferences& p = sight_.preferences;
    return message_lines(chosen_, {p.explained, p.diff, width}, style);
}

View::Turn MessageView::on_key(const Key& key) {
    const auto step = [&](bool on) {
        if (on ? chosen_.index + 1 < chosen_.call->messages.size() : chosen_.index > 0)
            chosen_.index = on ? chosen_.index + 1 : chosen_.index - 1;
        to_top();
    };
    if (key.is(Key::Name::left, 'p') || key.is(Key::Name::right) || key.is('n') ||
        key.is(Key::Name::enter))
        step(!key.is(Key::Name::left, 'p'));
    else if (key.is('e'))
        sight_.preferences.explained = !sight_.preferences.explained;
    else if (key.is('d'))
        sight_.preferences.diff = !sight_.preferences.diff;
    else
        return PageView::on_key(key);
    changed();
    return stay();
}

std::vector<Hint> MessageView::hints() const {
    return {{"Esc", "Back"},
            {"Left/Right", "Previous/next"},
            {"d", "Diff"},
            {"e", "Explain"},
            {"F1", "Help"}};
}

std::vector<std::string> MessageView::help() const {
    std::vector<std::string> lines = PageView::help();
    lines.insert(
        lines.begin(),
        {"Left Right p n   the message before, the next one",
         "d                differences to the message before in the same direction:",
         "                 + added, - removed, ~ changed", "e                explain each line"});
    return lines;
}

std::string CompareView::title() const {
    return fmt::format("{} (frame {}) compared with {} (frame {})", message_word(after_.message()),
                       after_.message().frame, message_word(before_.message()),
                       before_.message().frame);
}

std::vector<Styled> CompareView::lines(std::size_t width, const render::Style& style) {
    return diff_lines(before_, after_, width, style);
}

// ---------------------------------------------------------------- all of them

RawView::RawView(Sight& sight, std::vector<CallPtr> calls)
    : PageView(sight), calls_(std::move(calls)), arrived_(true) {}

RawView::RawView(Sight& sight, std::vector<std::uint64_t> numbers) : PageView(sight) {
    asked_.emplace(sight, std::move(numbers), false);
}

void RawView::refresh() {
    if (!asked_ || !asked_->refresh()) return;
    calls_ = asked_->calls();
    arrived_ = true;
    changed();
}

std::string RawView::title() const {
    if (calls_.size() == 1) return fmt::format("messages of {}", calls_[0]->call_id);
    return fmt::format("messages of {} calls", calls_.size());
}

std::vector<Styled> RawView::lines(std::size_t width, const render::Style& style) {
    if (!arrived_) return {{{"Asking ...", faint_look}}};
    std::vector<ChosenMessage> all;
    for (const CallPtr& call : calls_)
        for (std::size_t i = 0; i < call->messages.size(); ++i) all.push_back({call, i});
    if (all.empty()) return {{{"No messages are kept of it.", faint_look}}};
    std::stable_sort(all.begin(), all.end(), [](const ChosenMessage& a, const ChosenMessage& b) {
        return std::pair(a.message().time, a.message().frame) <
               std::pair(b.message().time, b.message().frame);
    });
    std::vector<Styled> out;
    const std::size_t first = all.size() > most_messages ? all.size() - most_messages : 0;
    if (first > 0)
        out.push_back({{fmt::format("{} messages before these are not shown", first), faint_look}});
    for (std::size_t i = first; i < all.size(); ++i) {
        if (i > first) out.emplace_back();
        for (Styled& line : message_lines(all[i], {false, false, width}, style))
            out.push_back(std::move(line));
    }
    return out;
}

}  // namespace sipana::live
