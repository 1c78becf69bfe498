// Configuration files of an exchange, read as sip.conf and as extensions.conf; then every context
// is asked for the text's own words.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libsipana/lab/asterisk.h"
#include "libsipana/lab/dialplan.h"
#include "libsipana/lab/expression.h"
#include "libsipana/lab/sip_conf.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

void must(bool holds) {
    if (!holds) std::abort();
}

void ask(const Dialplan& plan, const Context& context) {
    std::size_t asked = 0;
    for (const Extension& e : context.extensions) {
        if (++asked > 20) break;
        const std::string dialled = e.is_pattern() ? e.pattern.substr(1) : e.pattern;
        must(!more_particular(e.pattern, e.pattern));
        must(!(matches(e.pattern, dialled) && could_match(e.pattern, dialled)));
        if (!e.is_pattern() && e.priorities.contains(1)) must(plan.exists(context.name, dialled));
        plan.could_exist(context.name, dialled.substr(0, dialled.size() / 2));
        plan.hint(context.name, dialled);
        for (const auto& [priority, app] : e.priorities) {
            plan.priority_of(context.name, dialled, app.label);
            must(arguments_of(app.arguments).size() <= max_arguments);
            const auto twice = [&](std::string_view name) {
                return std::optional<std::string>(std::string(name) + std::string(name));
            };
            must(expand(app.arguments, twice).size() <= max_expanded);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 1u << 16) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto file = parse_config(text, "f");
    if (!file) return 0;
    must(file->sections.size() <= max_config_sections);
    const auto settings = read_sip_conf(*file);
    if (settings)
        for (const SipPeer& p : settings->peers) must(p.codecs.size() <= max_codecs_a_peer);
    const auto plan = Dialplan::read(*file);
    must(file->notes.size() <= max_config_notes);
    if (plan) {
        std::size_t asked = 0;
        for (const Context& c : plan->contexts())
            if (++asked <= 20) ask(*plan, c);
    }
    evaluate(text.substr(0, 4096));
    return 0;
}
