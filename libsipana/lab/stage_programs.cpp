// The phones of a stage that programs play.
#include <fmt/format.h>

#include "libsipana/lab/program_host.h"
#include "libsipana/lab/sockets.h"
#include "libsipana/lab/stage.h"
#include "libsipana/lab/stage_address.h"

namespace sipana::lab {

Status Stage::set_up_program(std::size_t phone, Endpoint& at) {
    const PhoneLine& line = script_.phones[phone];
    if (settings_.ground == Ground::simulated)
        return Error{Errc::unsupported, 0,
                     fmt::format("{} is a real phone: play on sockets (--on sockets, or exchange)",
                                 line.program)};
    if (load_) return Error{Errc::unsupported, 0, "a load is made by phones of ours alone"};
    ProgramHost::Setting setting;
    setting.line = &line;
    setting.part = &parts_[phone];
    setting.directory = &directory_;
    setting.at = at;
    if (const auto* sockets = dynamic_cast<const Sockets*>(network_.get());
        sockets != nullptr && settings_.hosts.namespaces.contains(at.address))
        setting.namespaces = &sockets->hosts();
    setting.script_folder = script_.folder;
    setting.program = settings_.baresip;
    auto made = ProgramHost::create(std::move(setting));
    if (!made) return made.error();
    at = (*made)->endpoint();
    programs_.resize(script_.phones.size());
    programs_[phone] = std::move(*made);
    return Done{};
}

// Once everybody's place is known.
Status Stage::start_programs() {
    for (std::size_t i = 0; i < programs_.size(); ++i) {
        if (!programs_[i]) continue;
        const PhoneLine& line = script_.phones[i];
        if (Status s = programs_[i]->start(network_->now()); !s)
            return at_line(line.where, fmt::format("{}: {}", line.name, s.error().what),
                           s.error().code);
    }
    return Done{};
}

std::vector<ProgramPhone*> Stage::programs() const {
    std::vector<ProgramPhone*> out;
    for (const auto& one : programs_) out.push_back(one ? &one->phone() : nullptr);
    return out;
}

std::string Stage::program_failure() const {
    for (const auto& one : programs_)
        if (one && one->phone().failed())
            return at_line(one->phone().line().where, one->phone().why_failed()).what;
    return {};
}

bool Stage::turn_programs(Time now) {
    bool said = false;
    for (const auto& one : programs_)
        if (one) said = one->turn(now) || said;
    return said;
}

}  // namespace sipana::lab
