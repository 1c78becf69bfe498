#include "libsipana/lab/dialplan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "libsipana/base/text.h"

namespace sipana::lab {

class DialplanReader {
public:
    explicit DialplanReader(ConfigFile& file) : file_(file) {}

    Result<Dialplan> read() {
        for (const ConfigSection& section : file_.sections) {
            if (section.is_template || iequals(section.name, "general")) continue;
            if (iequals(section.name, "globals")) {
                for (const ConfigLine& line : section.lines)
                    plan_.globals_.emplace_back(line.key, line.value);
                continue;
            }
            if (plan_.contexts_.size() >= max_contexts)
                return Error{Errc::too_large, 0,
                             fmt::format("{}: more than {} contexts", file_.name, max_contexts)};
            context_ = context(section.name);
            extension_.clear();
            for (const ConfigLine& line : section.lines) read_line(line);
        }
        for (Context& c : plan_.contexts_)
            std::stable_sort(c.extensions.begin(), c.extensions.end(),
                             [](const Extension& a, const Extension& b) {
                                 return more_particular(a.pattern, b.pattern);
                             });
        return std::move(plan_);
    }

private:
    std::size_t context(std::string_view name) {
        for (std::size_t i = 0; i < plan_.contexts_.size(); ++i)
            if (plan_.contexts_[i].name == name) return i;
        plan_.contexts_.push_back({std::string(name), {}, {}});
        return plan_.contexts_.size() - 1;
    }

    Extension& extension(std::string_view pattern) {
        auto& all = plan_.contexts_[context_].extensions;
        if (last_ < all.size() && all[last_].pattern == pattern) return all[last_];
        for (last_ = 0; last_ < all.size(); ++last_)
            if (all[last_].pattern == pattern) return all[last_];
        all.push_back({std::string(pattern), {}, {}});
        return all.back();
    }

    void read_line(const ConfigLine& line) {
        if (iequals(line.key, "exten")) {
            std::string_view rest = line.value;
            std::string_view pattern = trim(cut(rest, ','));
            if (const auto slash = pattern.find('/'); slash != pattern.npos) {
                note(line, "the caller's number in a pattern has no effect here");
                pattern = trim(pattern.substr(0, slash));
            }
            if (pattern.empty()) return note(line, "no extension");
            extension_ = pattern;
            priority(line, rest);
        } else if (iequals(line.key, "same")) {
            if (extension_.empty()) return note(line, "same => without an exten => above");
            priority(line, line.value);
        } else if (iequals(line.key, "include")) {
            std::string_view rest = line.value;
            auto& includes = plan_.contexts_[context_].includes;
            if (includes.size() < max_contexts) includes.emplace_back(trim(cut(rest, ',')));
            if (!rest.empty()) note(line, "the times of an include have no effect here");
        } else {
            note(line, fmt::format("{} has no effect here", printable(line.key.substr(0, 60))));
        }
    }

    // 1,Dial(SIP/alice)   n(label),Echo   n+2,...   hint,SIP/alice
    void priority(const ConfigLine& line, std::string_view rest) {
        std::string_view place = trim(cut(rest, ','));
        Extension& into = extension(extension_);
        if (iequals(place, "hint")) {
            into.hint = trim(rest);
            return note(line, "a hint is always idle here");
        }
        Application app;
        app.line = line.line;
        if (const auto open = place.find('('); open != place.npos) {
            app.label = trim(place.substr(open + 1, place.find(')', open) - open - 1));
            place = trim(place.substr(0, open));
        }
        const auto number = number_of(place, into);
        if (!number || *number == 0 || *number > max_priority)
            return note(line, "a priority is a number, n, or hint");
        std::string_view call = trim(rest);
        const auto open = call.find('(');
        app.name = trim(call.substr(0, open));
        if (open != call.npos) {
            const auto close = call.rfind(')');
            if (close == call.npos || close < open) note(line, "no ')' closes the arguments");
            app.arguments =
                trim(close == call.npos || close < open ? call.substr(open + 1)
                                                        : call.substr(open + 1, close - open - 1));
        }
        if (app.name.empty()) return note(line, "no application");
        if (!into.priorities.emplace(*number, std::move(app)).second)
            note(line, fmt::format("priority {} of {} is there already", *number,
                                   printable(extension_.substr(0, 60))));
        last_priority_ = *number;
    }

    std::optional<std::uint32_t> number_of(std::string_view place, const Extension& into) const {
        if (place == "n" || place.starts_with("n+")) {
            const auto more = place == "n" ? 1 : to_number(place.substr(2));
            if (into.priorities.empty() || !more || *more > max_priority) return std::nullopt;
            return last_priority_ + *more;
        }
        if (place == "s") return last_priority_;
        return to_number(place);
    }

    void note(const ConfigLine& line, std::string_view text) { file_.note(line.line, text); }

    ConfigFile& file_;
    Dialplan plan_;
    std::size_t context_ = 0, last_ = 0;  // last_: extension looked at last
    std::string extension_;
    std::uint32_t last_priority_ = 0;
};

Result<Dialplan> Dialplan::read(ConfigFile& file) { return DialplanReader(file).read(); }

const Context* Dialplan::context(std::string_view name) const {
    const auto at = std::find_if(contexts_.begin(), contexts_.end(),
                                 [&](const Context& c) { return c.name == name; });
    return at == contexts_.end() ? nullptr : &*at;
}

// `budget` bounds what contexts that include each other could ask for.
template <typename Visit>
bool Dialplan::each(std::string_view context_name, std::string_view dialled, unsigned& budget,
                    unsigned depth, Visit visit) const {
    const Context* in = context(context_name);
    if (in == nullptr || depth > max_include_depth || budget == 0) return false;
    --budget;
    for (const Extension& e : in->extensions)
        if (matches(e.pattern, dialled) && visit(e)) return true;
    for (const std::string& name : in->includes)
        if (each(name, dialled, budget, depth + 1, visit)) return true;
    return false;
}

const Application* Dialplan::find(std::string_view context_name, std::string_view dialled,
                                  std::uint32_t priority) const {
    const Application* found = nullptr;
    unsigned budget = max_contexts;
    each(context_name, dialled, budget, 0, [&](const Extension& e) {
        const auto at = e.priorities.find(priority);
        if (at != e.priorities.end()) found = &at->second;
        return found != nullptr;
    });
    return found;
}

std::uint32_t Dialplan::priority_of(std::string_view context_name, std::string_view dialled,
                                    std::string_view label) const {
    std::uint32_t found = 0;
    unsigned budget = max_contexts;
    each(context_name, dialled, budget, 0, [&](const Extension& e) {
        for (const auto& [number, app] : e.priorities)
            if (found == 0 && app.label == label) found = number;
        return found != 0;
    });
    return found;
}

bool Dialplan::could_exist(std::string_view context_name, std::string_view dialled) const {
    std::vector<std::string_view> open{context_name}, seen;
    while (!open.empty() && seen.size() < max_contexts) {
        const Context* in = context(open.back());
        seen.push_back(open.back());
        open.pop_back();
        if (in == nullptr) continue;
        for (const Extension& e : in->extensions)
            if (could_match(e.pattern, dialled)) return true;
        for (const std::string& name : in->includes)
            if (std::find(seen.begin(), seen.end(), name) == seen.end()) open.push_back(name);
    }
    return false;
}

const std::string* Dialplan::hint(std::string_view context_name, std::string_view dialled) const {
    const std::string* found = nullptr;
    unsigned budget = max_contexts;
    each(context_name, dialled, budget, 0, [&](const Extension& e) {
        if (!e.hint.empty()) found = &e.hint;
        return found != nullptr;
    });
    return found;
}

}  // namespace sipana::lab
