// live: the command `sipana live`: its options (live_options.cpp), and what is put together for a run.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/live_hep.h"

namespace sipana::tools {

struct LiveArguments {
    // what is listened to
    std::vector<std::string> interfaces, files;
    std::string filter;
    std::uint64_t buffer = 0;  // for each interface; 0: an eighth of max_memory together, 64 MB at most
    std::uint32_t snap = 262'144;
    bool no_promiscuous = false, immediate = false, list = false;
    // who is told
    std::string where, events, format = "auto", output, color = "auto", web, web_token;
    HepArguments hep;
    std::vector<std::string> web_names;
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
