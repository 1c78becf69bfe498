// ProgramProcess: a program that runs beside the lab, in a folder of its own: started, listened to
// through its log, and ended without anything left behind.
//
// It is started in the network namespace that the thread is in, without a shell, with a fixed list
// of arguments, no input and a process group of its own; the system ends it when the lab's thread
// goes. Its folder is under $TMPDIR and goes with this object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::lab {

class ProgramProcess {
public:
    ProgramProcess() = default;
    ProgramProcess(const ProgramProcess&) = delete;
    ProgramProcess& operator=(const ProgramProcess&) = delete;
    ~ProgramProcess() { end(false); }

    // An empty folder that only we may read. Errc::denied, io.
    Status make_folder(std::string_view name);
    const std::string& folder() const { return folder_; }
    Status write(const std::string& name, Bytes content);
    // `file` is a path; `arguments` without the program's name. Standard output and errors go to
    // its log.
    Status start(const std::string& file, const std::vector<std::string>& arguments);

    std::string read_log();  // what is new
    // Why it is no more: "ended with status 1"; nullopt: it runs.
    std::optional<std::string> ended();
    // `asked`: it was told to quit, and has a moment to. Then it is made to.
    void end(bool asked);

private:
    bool gone_within(int milliseconds);

    std::string folder_;
    pid_t child_ = -1;
    int log_ = -1;
    off_t read_ = 0;   // of the log
    std::string how_;  // it ended
};

// The path of a program: `given` as it is if there is one, else found in $PATH. Errc::not_found.
Result<std::string> find_program(const std::string& given, std::string_view name);
// Where the modules of that program are: lib/*/NAME/modules or lib/NAME/modules beside its bin.
Result<std::string> find_modules(const std::string& program, std::string_view name);

}  // namespace sipana::lab
