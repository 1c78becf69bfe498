// The servers of a stage: where each is, and those that are built in.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/exchange.h"
#include "libsipana/lab/hosts.h"
#include "libsipana/lab/proxy.h"
#include "libsipana/lab/stage.h"
#include "libsipana/lab/stage_address.h"

namespace sipana::lab {

Status Stage::set_up_server(const ServerLine& line) {
    const std::string text = given_or(settings_.servers, line.name, line.at);
    const auto at = split_host_port(text);
    if (!at) return at_line(line.where, fmt::format("\"{}\" is no address", text));
    const bool simulated = settings_.ground == Ground::simulated;
    Party peer;
    peer.name = line.name;
    peer.transport = line.transport;
    peer.at.port = at->port != 0 ? at->port : default_port(line.transport);
    if (const auto address = Address::parse(at->host)) {
        peer.at.address = *address;
    } else if (simulated) {  // names mean whatever the script says
        peer.at.address = *Address::parse(fmt::format("192.0.2.{}", next_server_++));
    } else {
        const auto address_found = resolve(at->host);
        if (!address_found)
            return at_line(line.where,
                           fmt::format("server {}: {}", line.name, address_found.error().what),
                           Errc::not_found);
        peer.at.address = *address_found;
    }
    if (!is_built_in(line) && simulated)
        return at_line(
            line.where,
            fmt::format("server {} is a real one: play on sockets, or give it a built-in "
                        "one (server {} {} exchange FOLDER)",
                        line.name, line.name, line.at));
    const bool usual = peer.at.port == default_port(line.transport);
    const bool is_v6 = peer.at.address.is_v6() && Address::parse(at->host);
    peer.host = at->host.empty() ? peer.at.address.to_string() : at->host;
    if (is_v6) peer.host = fmt::format("[{}]", peer.host);
    if (!usual) peer.host += fmt::format(":{}", peer.at.port);
    directory_.add(peer);
    return Done{};
}

bool Stage::is_built_in(const ServerLine& line) const {
    return line.kind != ServerLine::Kind::real &&
           (settings_.ground == Ground::simulated || settings_.built_in_servers);
}

Status Stage::set_up_built_in(const ServerLine& line) {
    const Party* peer = directory_.by_name(line.name);
    if (!is_built_in(line) || peer == nullptr) return Done{};
    return line.kind == ServerLine::Kind::exchange ? set_up_exchange(line, peer->at)
                                                   : set_up_proxy(line, *peer);
}

// What names mean to the built-in servers: the script's, and the hosts behind its servers.
std::map<std::string, Endpoint> Stage::names_of_servers() {
    std::map<std::string, Endpoint> names;
    for (const Party& peer : directory_.peers()) names[peer.name] = peer.at;
    for (const ServerLine& other : script_.servers) {
        const auto host = split_host_port(given_or(settings_.servers, other.name, other.at));
        if (const Party* peer = directory_.by_name(other.name); peer != nullptr && host)
            names[host->host] = peer->at;
    }
    return names;
}

Status Stage::set_up_exchange(const ServerLine& line, const Endpoint& at) {
    ExchangeSettings settings;
    settings.name = line.name;
    settings.seed = mix(seed_, 1000 + exchanges_.size());
    settings.listens = {{line.transport, at}};
    settings.hosts = names_of_servers();
    const std::string folder =
        line.folder.empty() || line.folder.front() == '/' || script_.folder.empty()
            ? line.folder
            : script_.folder + "/" + line.folder;
    if (Status s = read_folder(folder, settings); !s)
        return at_line(line.where, s.error().what, s.error().code);
    auto made = Exchange::load(std::move(settings));
    if (!made) return at_line(line.where, made.error().what);
    if (Status s = (*made)->start(*this, network_->now()); !s)
        return at_line(line.where, s.error().what, s.error().code);
    nodes_.push_back(made->get());
    exchanges_.push_back(std::move(*made));
    return Done{};
}

// Its users are the script's phones of that domain.
Status Stage::set_up_proxy(const ServerLine& line, const Party& peer) {
    auto settings = proxy_settings(line.settings, names_of_servers());
    if (!settings)
        return at_line(line.where, fmt::format("server {}: {}", line.name, settings.error().what));
    settings->name = line.name;
    settings->seed = mix(seed_, 2000 + proxies_.size());
    settings->listens = {{line.transport, peer.at}};
    if (settings->domains.empty()) settings->domains.push_back(lowered(peer.host));
    for (const PhoneLine& phone : script_.phones) {
        const auto& domains = settings->domains;
        const bool ours =
            phone.domain == line.name ||
            std::find(domains.begin(), domains.end(), lowered(phone.domain)) != domains.end();
        const std::string& user = phone.user.empty() ? phone.name : phone.user;
        if (ours) settings->users.emplace(user, phone.password);
        if (ours && !phone.auth_user.empty())
            settings->users.emplace(phone.auth_user, phone.password);
    }
    auto made = std::make_unique<Proxy>(std::move(*settings));
    if (Status s = made->start(*this); !s)
        return at_line(line.where, s.error().what, s.error().code);
    nodes_.push_back(made.get());
    proxies_.push_back(std::move(made));
    return Done{};
}

}  // namespace sipana::lab
