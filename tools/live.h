// live: the command `sipana live`: options, and what is put together for a run.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace sipana::tools {

class LiveCommand {
public:
    explicit LiveCommand(CLI::App& program);
    ~LiveCommand();
    bool parsed() const;
    int run();  // exit status

    struct Arguments;

private:
    std::unique_ptr<Arguments> arguments_;
    CLI::App* command_ = nullptr;
};

}  // namespace sipana::tools
