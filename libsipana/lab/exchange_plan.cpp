// The dialplan at work: which application comes next, and the small ones.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange_core.h"
#include "libsipana/lab/expression.h"

namespace sipana::lab {
namespace {

constexpr unsigned max_plan_steps = 1000;  // without waiting, and of one visit: Goto loops end here
constexpr std::size_t max_variables = 256;
constexpr Duration longest_wait = std::chrono::hours{1};
constexpr Duration sound_length = std::chrono::seconds{2};  // of every sound file
constexpr double sound_hertz = 440;

Duration seconds_of(std::string_view text) {
    double s = 0;
    std::from_chars(text.data(), text.data() + text.size(), s);
    if (!(s > 0)) return {};
    return std::min(longest_wait, Duration(static_cast<std::int64_t>(std::min(s, 1e5) * 1e9)));
}

}  // namespace

// The applications. Each returns whether the next one follows at once.
struct Applications {
    using Core = ExchangeCore;

    static bool answer(Core& x, Channel& c, const std::string&, Time now) {
        x.answer_call(c, now);
        return true;
    }
    static bool no_op(Core& x, Channel& c, const std::string& arguments, Time) {
        x.note(fmt::format("{}: {}", c.name, printable(arguments)));
        return true;
    }
    static bool set(Core& x, Channel& c, const std::string& arguments, Time) {
        x.set_variable(c, arguments);
        return true;
    }
    static bool go_to(Core& x, Channel& c, const std::string& arguments, Time now) {
        if (x.go_to(c, arguments)) return true;
        x.hang_up(c, 0, now);
        return false;
    }
    static bool go_to_if(Core& x, Channel& c, const std::string& arguments, Time now) {
        const auto mark = arguments.find('?');
        if (mark == arguments.npos) return true;
        std::string_view no = std::string_view(arguments).substr(mark + 1);
        const std::string_view yes = cut(no, ':');
        const bool truth = is_truth(std::string_view(arguments).substr(0, mark));
        const std::string_view place = trim(truth ? yes : no);
        return place.empty() || go_to(x, c, std::string(place), now);
    }
    static bool hang_up(Core& x, Channel& c, const std::string& arguments, Time now) {
        if (const auto cause = to_number(arguments)) c.cause = static_cast<int>(*cause % 1000);
        x.hang_up(c, 16, now);
        return false;
    }
    static bool ringing(Core& x, Channel& c, const std::string&, Time now) {
        x.provisional(c, 180, "Ringing", false, now);
        return true;
    }
    static bool progress(Core& x, Channel& c, const std::string&, Time now) {
        x.provisional(c, 183, "Session Progress", true, now);
        return true;
    }
    static bool proceeding(Core& x, Channel& c, const std::string&, Time now) {
        x.provisional(c, 100, "Trying", false, now);
        return true;
    }
    static bool busy(Core& x, Channel& c, const std::string&, Time now) {
        c.cause = 17;
        x.hang_up(c, 17, now);
        return false;
    }
    static bool congestion(Core& x, Channel& c, const std::string&, Time now) {
        c.cause = 34;
        x.hang_up(c, 34, now);
        return false;
    }
    static bool incomplete(Core& x, Channel& c, const std::string&, Time now) {
        c.cause = 28;
        x.hang_up(c, 28, now);
        return false;
    }
    static bool wait(Core& x, Channel& c, const std::string& arguments, Time now) {
        c.doing = Channel::Doing::waiting;
        x.wake_at(c, now + seconds_of(arguments));
        return false;
    }
    // Every sound file is a tone here.
    static bool playback(Core& x, Channel& c, const std::string& arguments, Time now) {
        const auto words = arguments_of(arguments);
        const bool silent_start = words.size() > 1 && iequals(words[1], "noanswer");
        if (silent_start)
            x.provisional(c, 183, "Session Progress", true, now);
        else
            x.answer_call(c, now);
        const std::string_view files = words.empty() ? std::string_view() : words[0];
        const auto count = 1 + std::count(files.begin(), files.end(), '&');
        c.doing = Channel::Doing::playing;
        x.play(c, false, sound_hertz, now);
        x.wake_at(c, now + std::min<std::int64_t>(count, 30) * sound_length);
        return false;
    }
    static bool echo(Core& x, Channel& c, const std::string&, Time now) {
        x.answer_call(c, now);
        c.doing = Channel::Doing::echoing;
        x.play(c, true, 0, now);
        return false;
    }
    static bool dial(Core& x, Channel& c, const std::string& arguments, Time now) {
        return x.dial(c, arguments, now);
    }
    // Before the answer it is a redirection (RFC 3261 21.3.3).
    static bool transfer(Core& x, Channel& c, const std::string& arguments, Time now) {
        const bool possible = c.incoming && !c.is_up();
        std::string_view to = trim(arguments);
        if (istarts_with(to, "SIP/")) to.remove_prefix(4);
        c.plan.variables["TRANSFERSTATUS"] = possible ? "SUCCESS" : "UNSUPPORTED";
        if (!possible || to.empty()) return true;
        const std::string uri = to.find('@') == to.npos
                                    ? fmt::format("sip:{}@{}", to, c.hop.local.to_string())
                                    : fmt::format("sip:{}", to);
        x.refuse_call(c, 302, "Moved Temporarily", {{"Contact", fmt::format("<{}>", uri)}}, now);
        x.end(c, now);
        return false;
    }
};

namespace {

struct ApplicationRow {
    std::string_view name;
    bool (*run)(ExchangeCore&, Channel&, const std::string&, Time);
};
constexpr std::array applications{
    ApplicationRow{"Answer", Applications::answer},
    ApplicationRow{"Busy", Applications::busy},
    ApplicationRow{"Congestion", Applications::congestion},
    ApplicationRow{"Dial", Applications::dial},
    ApplicationRow{"Echo", Applications::echo},
    ApplicationRow{"Goto", Applications::go_to},
    ApplicationRow{"GotoIf", Applications::go_to_if},
    ApplicationRow{"Hangup", Applications::hang_up},
    ApplicationRow{"Incomplete", Applications::incomplete},
    ApplicationRow{"NoOp", Applications::no_op},
    ApplicationRow{"Playback", Applications::playback},
    ApplicationRow{"Proceeding", Applications::proceeding},
    ApplicationRow{"Progress", Applications::progress},
    ApplicationRow{"Ringing", Applications::ringing},
    ApplicationRow{"Set", Applications::set},
    ApplicationRow{"Transfer", Applications::transfer},
    ApplicationRow{"Verbose", Applications::no_op},
    ApplicationRow{"Wait", Applications::wait},
};

}  // namespace

void ExchangeCore::enter(Channel& c, std::string_view context, std::string_view extension,
                         std::uint32_t priority) {
    c.plan.active = true;
    c.plan.context = context;
    c.plan.extension = extension;
    c.plan.priority = priority;
    c.plan.steps = 0;
}

void ExchangeCore::run(Channel& c, Time now) {
    c.doing = Channel::Doing::nothing;
    while (c.plan.active && !c.dead() && !c.leaving) {
        const Application* app = plan_.find(c.plan.context, c.plan.extension, c.plan.priority);
        if (app == nullptr) return fall_through(c, now);
        if (++c.plan.steps > max_plan_steps) {
            note(fmt::format("extensions.conf:{}: goes round in circles", app->line));
            return hang_up(c, 0, now);
        }
        ++c.plan.priority;
        const auto lookup = [&](std::string_view name) { return variable(c, name); };
        if (!execute(c, *app, expand(app->arguments, lookup), now)) return;
    }
}

// An application that is not there ends the call, as it does in Asterisk: 603 where nothing was
// answered yet.
bool ExchangeCore::execute(Channel& c, const Application& app, const std::string& arguments,
                           Time now) {
    for (const ApplicationRow& row : applications)
        if (iequals(row.name, app.name)) return row.run(*this, c, arguments, now);
    note(fmt::format("extensions.conf:{}: no application {}", app.line,
                     printable(app.name.substr(0, 60))));
    hang_up(c, 0, now);
    return false;
}

// No priority is left: what the last Dial() said decides (Asterisk's autofallthrough).
void ExchangeCore::fall_through(Channel& c, Time now) {
    c.plan.active = false;
    const std::string& status = c.plan.variables["DIALSTATUS"];
    if (status == "BUSY") c.cause = 17;
    if (status == "CONGESTION" || status == "CHANUNAVAIL") c.cause = 34;
    hang_up(c, 0, now);
}

void ExchangeCore::on_wake(Channel& c, Time now) {
    if (c.session_ends != no_time && c.session_ends <= now) {  // RFC 4028 10
        note(fmt::format("{}: the session was not refreshed", c.name));
        return hang_up(c, 102, now);
    }
    switch (c.doing) {
        case Channel::Doing::playing:
            hush(c, now);
            [[fallthrough]];
        case Channel::Doing::waiting:
            run(c, now);
            break;
        case Channel::Doing::dialling:
            stop_dialling(c, 0, now);
            dial_over(c, "NOANSWER", now);
            break;
        case Channel::Doing::transferred:
            hang_up(c, 16, now);
            break;
        default:
            break;
    }
    if (c.session_ends != no_time && c.wake == no_time && !c.dead()) wake_at(c, c.session_ends);
}

std::optional<std::string> ExchangeCore::variable(const Channel& c, std::string_view name) const {
    if (name == "EXTEN") return c.plan.extension;
    if (name == "CONTEXT") return c.plan.context;
    if (name == "PRIORITY") return std::to_string(c.plan.priority - 1);
    if (name == "CHANNEL") return c.name;
    if (name == "UNIQUEID") return std::to_string(c.id);
    if (name == "HANGUPCAUSE") return std::to_string(c.cause);
    if (name == "CALLERID(num)" || name == "CALLERID(number)") return c.caller_number;
    if (name == "CALLERID(name)") return c.caller_name;
    if (name == "CALLERID(all)") return fmt::format("\"{}\" <{}>", c.caller_name, c.caller_number);
    if (const auto at = c.plan.variables.find(std::string(name)); at != c.plan.variables.end())
        return at->second;
    for (const auto& [global, value] : plan_.globals())
        if (global == name) return value;
    return std::nullopt;
}

// [[context,]extension,]priority; the priority may be a label.
bool ExchangeCore::go_to(Channel& c, std::string_view place) {
    const auto words = arguments_of(place);
    if (words.empty() || words.size() > 3) return false;
    if (words.size() == 3) c.plan.context = words[0];
    if (words.size() >= 2) c.plan.extension = words[words.size() - 2];
    const auto number = to_number(words.back());
    c.plan.priority =
        number ? *number : plan_.priority_of(c.plan.context, c.plan.extension, words.back());
    if (plan_.find(c.plan.context, c.plan.extension, c.plan.priority) != nullptr) return true;
    note(fmt::format("extensions.conf: no {},{},{}", printable(c.plan.context),
                     printable(c.plan.extension), printable(words.back())));
    return false;
}

void ExchangeCore::set_variable(Channel& c, std::string_view assignment) {
    std::string_view value = assignment;
    std::string_view name = trim(cut(value, '='));
    while (name.starts_with('_')) name.remove_prefix(1);
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
    if (name == "CALLERID(num)" || name == "CALLERID(number)")
        c.caller_number = value;
    else if (name == "CALLERID(name)")
        c.caller_name = value;
    else if (c.plan.variables.size() < max_variables)
        c.plan.variables[std::string(name)] = value;
}

}  // namespace sipana::lab
