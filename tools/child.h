// A program that this one runs to its end.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "libsipana/base/result.h"

namespace sipana::tools {

// Without arguments or input, in this one's environment. Errors: it cannot be run, or did not end with status 0.
inline Status run_program(const std::string& file) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    std::string name = file;
    char* const arguments[] = {name.data(), nullptr};
    pid_t child = 0;
    const int error = posix_spawn(&child, file.c_str(), &files, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) return Error{Errc::not_found, 0, fmt::format("{}: {}", file, std::strerror(error))};
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return Error{Errc::io, 0, fmt::format("{}: {}", file, std::strerror(errno))};
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Done{};
    return Error{Errc::io, 0,
                 WIFEXITED(status) ? fmt::format("{}: exit status {}", file, WEXITSTATUS(status))
                                   : fmt::format("{}: ended by signal {}", file, WTERMSIG(status))};
}

}  // namespace sipana::tools
