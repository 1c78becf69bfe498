// HEP of `sipana live`: options, and what is made of them.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "libsipana/base/text.h"
#include "libsipana/live/hep_address.h"
#include "libsipana/live/hep_listener.h"
#include "libsipana/live/hep_sender.h"

namespace sipana::tools {

struct HepArguments {
    std::vector<std::string> listen;
    std::string certificate, key, ca, send, node, key_file;
    std::uint32_t agent = 2001;
    bool insecure = false;

    void add_to(CLI::App& command) {
        const auto group = "HEP";
        command
            .add_option("--hep-listen", listen,
                        "what HEP agents send to this address: udp:127.0.0.1:9060, tcp:, tls:; may be repeated")
            ->allow_extra_args(false)
            ->group(group);
        command.add_option("--hep-send", send, "messages and RTCP reports to this collector: udp:HOST:PORT, tcp:, tls:")
            ->group(group);
        command.add_option("--hep-agent", agent, "of what is sent: our number (2001)")->group(group);
        command.add_option("--hep-node", node, "and our name (the host's)")->group(group);
        command.add_option("--hep-key-file", key_file, "the authentication key that is sent, and that agents must send")
            ->group(group);
        command.add_option("--hep-certificate", certificate, "TLS: our certificate, PEM")->group(group);
        command.add_option("--hep-key", key, "TLS: its key, PEM, where it is not in the same file")->group(group);
        command.add_option("--hep-ca", ca, "TLS: who vouches for the other side, PEM")->group(group);
        command.add_flag("--hep-insecure", insecure, "TLS: any collector will do")->group(group);
    }

    bool accepts() const {
        return std::any_of(listen.begin(), listen.end(), [](const std::string& address) {
            const auto read = live::parse_hep_address(address);
            return read && read->transport != Transport::udp;
        });
    }
    // None without --hep-listen.
    Result<std::unique_ptr<live::HepListener>> listener() const {
        if (listen.empty()) return std::unique_ptr<live::HepListener>();
        auto secret = authentication_key();
        if (!secret) return secret.error();
        live::HepListenSettings settings;
        settings.addresses = listen;
        settings.certificate_file = certificate;
        settings.key_file = key;
        settings.ca_file = ca;
        settings.key = std::move(*secret);
        return live::HepListener::open(std::move(settings));
    }
    // None without --hep-send.
    Result<std::unique_ptr<live::HepSender>> sender() const {
        if (send.empty()) return std::unique_ptr<live::HepSender>();
        auto secret = authentication_key();
        if (!secret) return secret.error();
        live::HepSendSettings settings;
        settings.to = send;
        settings.agent = agent;
        settings.node = node;
        settings.key = std::move(*secret);
        settings.certificate_file = certificate;
        settings.key_file = key;
        settings.ca_file = ca;
        settings.verify = !insecure;
        return live::HepSender::open(std::move(settings));
    }

private:
    // The file's first line.
    Result<std::string> authentication_key() const {
        if (key_file.empty()) return std::string();
        std::ifstream file(key_file);
        std::string line;
        std::getline(file, line);
        const std::string_view secret = trim(line);
        if (secret.empty()) return Error{Errc::not_found, 0, key_file + ": there is no key in it"};
        return std::string(secret);
    }
};

}  // namespace sipana::tools
