#include "libsipana/lab/sipp.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "libsipana/base/text.h"
#include "libsipana/lab/part.h"
#include "libsipana/lab/script_declarations.h"
#include "libsipana/lab/script_steps.h"
#include "libsipana/lab/sipp_role.h"

namespace sipana::lab {
namespace {

std::string phone_name(std::string_view file, const std::deque<SippRole>& taken,
                       std::string_view server) {
    std::string name;
    std::string_view stem = file.substr(file.find_last_of("/\\") + 1);
    if (stem.ends_with(".xml")) stem.remove_suffix(4);
    for (char c : stem.substr(0, 40))
        name += is_alpha(c) || is_digit(c) || c == '_' || c == '-' ? c : '_';
    if (!is_name(name)) name = "sipp_" + name;
    const auto used = [&](const std::string& wanted) {
        const auto& words = declaration_words();
        return wanted == server || wanted == "check" || wanted == "repeat" || wanted == "any" ||
               wanted == "end" || std::find(words.begin(), words.end(), wanted) != words.end() ||
               std::any_of(taken.begin(), taken.end(),
                           [&](const SippRole& r) { return r.phone.name == wanted; });
    };
    for (unsigned n = 2; used(name); ++n) name = fmt::format("{}_{}", name.substr(0, 50), n);
    return name;
}

// Is this what the other phone waits for?
bool meets(const Send& send, const Expect& expect) {
    const auto said = patterns_of(send);
    if (said.size() != 1 || expect.nothing) return false;
    return std::any_of(expect.any_of.begin(), expect.any_of.end(), [&](const Pattern& p) {
        return said.front().first == 0 ? matches_request(p, said.front().method)
                                       : matches_response(p, said.front().first);
    });
}

// Puts the steps of several phones in the order in which they happen when they talk to each other.
class Weaver {
public:
    Weaver(std::deque<SippRole>& roles, std::vector<Step>& out) : roles_(roles), out_(out) {
        at_.assign(roles.size(), 0);
        commands_.assign(roles.size(), 0);
        waited_.assign(roles.size(), 0);
    }
    // A step of each in turn; pauses last, so that nobody is held up by another one's.
    void weave() {
        while (!finished())
            if (!advance_all(false) && !advance_all(true)) force();
    }

private:
    bool advance_all(bool pauses) {
        bool moved = false;
        for (std::size_t r = 0; r < roles_.size() && !(moved && pauses); ++r)
            if (is_pause(r) == pauses) moved = advance(r) || moved;
        return moved;
    }
    bool is_pause(std::size_t r) const {
        return at_[r] < roles_[r].steps.size() &&
               std::holds_alternative<Pause>(roles_[r].steps[at_[r]].step.what) &&
               roles_[r].steps[at_[r]].kind == SippStep::Kind::step;
    }
    bool finished() const {
        for (std::size_t r = 0; r < roles_.size(); ++r)
            if (at_[r] < roles_[r].steps.size()) return false;
        return true;
    }
    std::size_t partner_of(std::size_t r) const {
        for (std::size_t k = 0; k < roles_.size(); ++k)
            if (k != r && roles_[k].phone.name == roles_[r].partner) return k;
        return roles_.size();
    }
    void take(std::size_t r) {
        SippStep& s = roles_[r].steps[at_[r]++];
        if (s.kind == SippStep::Kind::sends_command)
            ++commands_[r];
        else if (s.kind == SippStep::Kind::waits_for_command)
            ++waited_[r];
        else
            out_.push_back(std::move(s.step));
    }
    bool advance(std::size_t r) {
        if (at_[r] == roles_[r].steps.size()) return false;
        const SippStep& s = roles_[r].steps[at_[r]];
        if (s.kind == SippStep::Kind::waits_for_command && !command_sent(r)) return false;
        if (s.kind == SippStep::Kind::step && s.trying) return ++at_[r], true;
        const bool talks = std::holds_alternative<Send>(s.step.what) ||
                           std::holds_alternative<Expect>(s.step.what);
        const std::size_t other = partner_of(r);
        if (s.kind != SippStep::Kind::step || !talks || other == roles_.size())
            return take(r), true;
        if (const auto* send = std::get_if<Send>(&s.step.what)) return say(r, other, *send);
        if (at_[other] < roles_[other].steps.size()) return false;  // its sender brings it along
        if (s.droppable) return ++at_[r], true;
        return take(r), true;
    }
    bool command_sent(std::size_t r) const {
        for (std::size_t k = 0; k < roles_.size(); ++k)
            if (roles_[k].scenario == roles_[r].twin.scenario) return commands_[k] > waited_[r];
        return true;  // nobody's
    }
    // The send, and right behind it what waits for it on the other side.
    bool say(std::size_t r, std::size_t other, const Send& send) {
        auto& steps = roles_[other].steps;
        std::size_t i = at_[other];
        for (; i < steps.size(); ++i) {
            const auto* expect = std::get_if<Expect>(&steps[i].step.what);
            if (!expect || steps[i].kind != SippStep::Kind::step) return false;
            if (meets(send, *expect)) break;
            if (!expect->optional) return false;
        }
        if (i == steps.size()) return at_[other] == steps.size() && (take(r), true);
        const std::string to = send.to;
        const bool response = std::holds_alternative<Response>(send.what);
        const auto said = patterns_of(send);
        take(r);
        for (std::size_t k = at_[other]; k < i; ++k)
            if (!steps[k].droppable) out_.push_back(steps[k].step);
        auto& expect = std::get<Expect>(steps[i].step.what);
        expect.optional = false;
        expect.any_of = said;
        if (response) expect.for_method = to;
        at_[other] = i;
        take(other);
        return true;
    }
    // Nobody waits for what is to be said: the lines stand alone.
    void force() {
        std::size_t chosen = roles_.size();
        for (std::size_t r = 0; r < roles_.size(); ++r) {
            if (at_[r] == roles_[r].steps.size()) continue;
            if (chosen == roles_.size()) chosen = r;
            if (!std::holds_alternative<Send>(roles_[r].steps[at_[r]].step.what)) continue;
            chosen = r;
            break;
        }
        if (chosen < roles_.size()) take(chosen);
    }

    std::deque<SippRole>& roles_;
    std::vector<Step>& out_;
    std::vector<std::size_t> at_, commands_, waited_;
};

// Callers and called phones in the order of their files; the rest talk to the server.
void pair_up(std::deque<SippRole>& roles, const SippOptions& options) {
    std::vector<SippRole*> callers, called;
    for (SippRole& r : roles) (r.caller ? callers : called).push_back(&r);
    for (SippRole& r : roles) r.partner = options.peer;
    for (std::size_t i = 0; i < std::min(callers.size(), called.size()); ++i) {
        callers[i]->partner = called[i]->phone.name;
        called[i]->partner = callers[i]->phone.name;
        callers[i]->partner_is_phone = called[i]->partner_is_phone = true;
        called[i]->phone.user = is_name(options.service) || to_number(options.service)
                                    ? options.service
                                    : called[i]->phone.user;
    }
    // 3PCC: two files send each other commands.
    std::vector<SippRole*> controllers;
    for (SippRole& r : roles)
        if (has_commands(*r.scenario)) controllers.push_back(&r);
    for (std::size_t i = 0; i + 1 < controllers.size(); i += 2) {
        controllers[i]->twin = {controllers[i + 1]->scenario, &controllers[i + 1]->words};
        controllers[i + 1]->twin = {controllers[i]->scenario, &controllers[i]->words};
    }
}

Status read_dataset(const SippOptions& options, Import& import) {
    if (options.dataset.empty()) return Done{};
    auto rows = parse_rows(options.dataset);
    if (!rows) return rows.error();
    import.script.rows = std::move(*rows);
    return Done{};
}

// SIPp answers whatever its file says, offered or not; a phone needs a codec in common.
void agree_on_codecs(std::deque<SippRole>& roles, std::vector<std::string>& notes) {
    for (SippRole& r : roles) {
        if (r.caller || !r.partner_is_phone) continue;
        auto& mine = r.phone.audio;
        for (const SippRole& caller : roles) {
            const auto& theirs = caller.phone.audio;
            if (caller.phone.name != r.partner ||
                std::any_of(theirs.begin(), theirs.end(), [&](const std::string& codec) {
                    return std::find(mine.begin(), mine.end(), codec) != mine.end();
                }))
                continue;
            notes.push_back(
                fmt::format("{}: its answers have no codec that {} offers, {} is added to them",
                            r.file->name, caller.file->name, fmt::join(theirs, ",")));
            mine.insert(mine.end(), theirs.begin(), theirs.end());
        }
    }
}

void assemble(std::deque<SippRole>& roles, const SippOptions& options, Import& import) {
    Script& s = import.script;
    bool jumps = false, server = false, commands = false;
    for (SippRole& r : roles) {
        s.phones.push_back(r.phone);
        jumps = jumps || r.jumps;
        server = server || !r.partner_is_phone;
        commands = commands || has_commands(*r.scenario);
        if (!s.title.empty() && !r.scenario->title.empty()) s.title += " / ";
        s.title += r.scenario->title;
    }
    if (server) {
        ServerLine line;
        line.name = options.peer;
        line.at = options.peer_at;
        s.servers.push_back(std::move(line));
    }
    if (roles.size() == 1 || !jumps) {
        Weaver(roles, s.steps).weave();
        return;
    }
    // Where files jump, which line comes when is not known beforehand: each phone by itself.
    s.independent = true;
    if (commands)
        import.notes.emplace_back("with jumps, commands between files (3PCC) hold nobody up");
    for (SippRole& r : roles)
        for (SippStep& one : r.steps)
            if (one.kind == SippStep::Kind::step) s.steps.push_back(std::move(one.step));
}

}  // namespace

Result<Import> import_sipp(std::span<const SippFile> files, const SippOptions& options) {
    if (files.empty() || files.size() > max_sipp_files)
        return Error{Errc::malformed, 0,
                     fmt::format("expected 1 to {} SIPp files", max_sipp_files)};
    if (!is_name(options.peer)) return Error{Errc::malformed, 0, "expected a name for the server"};
    std::deque<SippScenario> scenarios;
    std::deque<SippRole> roles;
    for (const SippFile& file : files) {
        auto scenario = parse_sipp(file);
        if (!scenario) return scenario.error();
        scenarios.push_back(std::move(*scenario));
        SippRole r;
        r.file = &file;
        r.scenario = &scenarios.back();
        r.phone.name = phone_name(file.name, roles, options.peer);
        r.phone.user = r.phone.name;
        r.words.service = options.service;
        r.words.prefix = files.size() > 1 ? r.phone.name + "_" : "";
        r.caller = is_caller(scenarios.back());
        roles.push_back(std::move(r));
    }
    pair_up(roles, options);
    Import import;
    if (Status s = read_dataset(options, import); !s) return s.error();
    for (SippRole& r : roles) {
        if (!import.script.rows.empty()) r.first_row = import.script.rows.front();
        if (Status s = SippTranslator(r, import.notes).translate(); !s) return s.error();
    }
    agree_on_codecs(roles, import.notes);
    assemble(roles, options, import);
    // What is handed on is what the printed script says, with the places of its lines.
    auto script = parse_script(write(import.script), roles.front().phone.name);
    if (!script)
        return Error{script.error().code, 0,
                     "the script that came of it cannot be read: " + script.error().what};
    import.script = std::move(*script);
    return import;
}

}  // namespace sipana::lab
