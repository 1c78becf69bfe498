// What the page of refusals is made of: counts, reasons, translations.
#include "libsipana/render/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libsipana/base/text.h"

namespace sipana::render {
namespace {

constexpr std::string_view our_phones =
    "sipana-lab";  // as they say themselves, in User-Agent and Server
constexpr int first_refusal = 300, last_code = 699;

int code_of(std::string_view digits) {
    return digits.size() >= 3 && (digits.size() == 3 || !is_digit(digits[3]))
               ? to_number<int>(digits.substr(0, 3)).value_or(0)
               : 0;
}

}  // namespace

int Provocation::code() const {
    std::string_view rest = name;
    if (rest.starts_with("error-")) rest.remove_prefix(6);
    const int code = code_of(rest);
    return code >= first_refusal && code <= last_code ? code : 0;
}

bool Provocation::is_servers(std::string_view sender) const {
    if (sender.starts_with(our_phones)) return false;
    const auto address = Address::parse(sender);
    if (!address) return true;
    // Somebody who does not say who he is goes by his address.
    return std::any_of(script.servers.begin(), script.servers.end(),
                       [&](const lab::ServerLine& s) { return Address::parse(s.at) == address; });
}

std::uint64_t Provocation::count(int code, bool from_server) const {
    std::uint64_t count = 0;
    for (const auto& [sender, sightings] : seen.senders()) {
        const auto at = sightings.codes.find(code);
        if (at != sightings.codes.end() && is_servers(sender) == from_server)
            count += at->second.count;
    }
    return count;
}

std::uint64_t Tried::count(int code, bool from_server) const {
    std::uint64_t count = 0;
    for (const Provocation& p : provocations) count += p.count(code, from_server);
    return count;
}

std::vector<int> Tried::codes() const {
    std::set<int> codes;
    for (const Provocation& p : provocations)
        for (const auto& seen : p.seen.all().codes)
            if (seen.first >= first_refusal && p.count(seen.first, true) > 0)
                codes.insert(seen.first);
    return {codes.begin(), codes.end()};
}

Result<Misses> parse_misses(std::string_view text) {
    Misses misses;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = trim(cut(text, '\n'));
        if (line.empty() || line.front() == '#') continue;
        std::string_view rest = line;
        const std::string_view folder = cut(rest, '\t'), what = cut(rest, '\t');
        const int code = what.size() == 3 ? code_of(what) : 0;
        if (folder.empty() || rest.empty() || (what != "*" && code < first_refusal))
            return Error{
                Errc::malformed, 0,
                fmt::format("{}: expected FOLDER, CODE and REASON, parted by tabs", number)};
        if (number > Misses::most)
            return Error{Errc::too_large, 0, fmt::format("more than {} lines", Misses::most)};
        if (what == "*")
            misses.names[std::string(folder)] = std::string(rest);
        else
            misses.reasons[{code, std::string(folder)}] = std::string(rest);
    }
    return misses;
}

std::vector<std::pair<int, int>> translations(const lab::Script& script) {
    std::vector<std::pair<int, int>> out;
    std::map<std::string_view, std::pair<std::string_view, int>>
        said;  // by call: who refused, with what
    for (const lab::Step& step : script.steps) {
        if (step.call.empty()) continue;
        if (const auto* send = std::get_if<lab::Send>(&step.what)) {
            const auto* response = std::get_if<lab::Response>(&send->what);
            // The first answer counts: a server may try again and get another one.
            if (response != nullptr && response->code >= first_refusal)
                said.try_emplace(step.call, step.phone, response->code);
        } else if (const auto* expect = std::get_if<lab::Expect>(&step.what)) {
            const auto at = said.find(step.call);
            if (at == said.end() || at->second.first == step.phone || expect->any_of.size() != 1)
                continue;
            const lab::Pattern& p = expect->any_of.front();
            if (p.first >= first_refusal && p.first == p.last)
                out.emplace_back(at->second.second, p.first);
        }
    }
    return out;
}

}  // namespace sipana::render
