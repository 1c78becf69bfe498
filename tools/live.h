// live: the command `sipana live`: its options (live_options.cpp), and what is put together for a run.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace sipana::tools {

struct LiveArguments {
    // what is listened to
    std::vector<std::string> interfaces, files, hep_listen;
    std::string filter, hep_certificate, hep_key;
    std::uint64_t buffer = std::uint64_t{64} << 20;
    std::uint32_t snap = 262'144;
    bool no_promiscuous = false, immediate = false, list = false;
    // who is told
    std::string where, events, format = "auto", output, color = "auto", web, web_token, hep_send, hep_auth, hep_ca;
    std::vector<std::string> web_names;
    std::uint32_t hep_agent = 2001;
    bool quiet = false, ascii = false;
    // what is recorded
    std::string record, save_where, save_to;
    std::uint64_t ring_size = 0;
    double ring_time_s = 0;
    std::uint32_t ring_count = 0;
    bool durable = false;
    // what it may cost and do
    std::uint64_t max_memory = std::uint64_t{512} << 20;
    std::string user;
    bool no_sandbox = false;
};

class LiveCommand {
public:
    explicit LiveCommand(CLI::App& program);
    ~LiveCommand();
    bool parsed() const;
    int run();  // exit status

private:
    LiveArguments arguments_;
    CLI::App* command_ = nullptr;
};

}  // namespace sipana::tools
