#include "libsipana/lab/program_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>

namespace sipana::lab {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t most_at_a_time = 1u << 20;  // bytes of the log
constexpr int to_quit_ms = 1500, to_stop_ms = 500, to_die_ms = 2000;

Error failure(std::string_view what, int number) {
    return {number == EACCES || number == EPERM ? Errc::denied : Errc::io, 0,
            fmt::format("{}: {}", what, std::generic_category().message(number))};
}

std::string how(int status) {
    if (WIFSIGNALED(status)) return fmt::format("ended by signal {}", WTERMSIG(status));
    return fmt::format("ended with status {}", WEXITSTATUS(status));
}

// In the child: only what is safe between fork and exec.
[[noreturn]] void become(const char* file, char* const* arguments, int log, pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it went before we asked to hear of it
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(log, STDOUT_FILENO) < 0 ||
        ::dup2(log, STDERR_FILENO) < 0)
        ::_exit(127);
    ::close_range(STDERR_FILENO + 1, ~0u, 0);
    ::execv(file, arguments);
    ::_exit(127);
}

}  // namespace

Status ProgramProcess::make_folder(std::string_view name) {
    std::error_code error;
    const fs::path base = fs::temp_directory_path(error);
    if (error) return failure("temporary folder", error.value());
    std::string wish = (base / fmt::format("sipana-{}-XXXXXX", name)).string();
    if (::mkdtemp(wish.data()) == nullptr) return failure(wish, errno);
    folder_ = wish;
    return Done{};
}

Status ProgramProcess::write(const std::string& name, Bytes content) {
    const std::string path = folder_ + "/" + name;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return failure(path, errno);
    int reason = 0;
    while (!content.empty() && reason == 0) {
        const auto written = ::write(file, content.data(), content.size());
        if (written > 0)
            content = content.subspan(static_cast<std::size_t>(written));
        else if (errno != EINTR)
            reason = errno;
    }
    ::close(file);
    if (reason != 0) return failure(path, reason);
    return Done{};
}

Status ProgramProcess::start(const std::string& file, const std::vector<std::string>& arguments) {
    const std::string path = folder_ + "/log";
    log_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (log_ < 0) return failure(path, errno);
    std::vector<std::string> all{file};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> raw;
    for (std::string& one : all) raw.push_back(one.data());
    raw.push_back(nullptr);
    const pid_t self = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return failure(file, errno);
    if (child == 0) become(file.c_str(), raw.data(), log_, self);
    child_ = child;
    return Done{};
}

std::string ProgramProcess::read_log() {
    std::string out;
    std::array<char, 16384> piece;
    while (log_ >= 0 && out.size() < most_at_a_time) {
        const auto got = ::pread(log_, piece.data(), piece.size(), read_);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        out.append(piece.data(), static_cast<std::size_t>(got));
        read_ += got;
    }
    return out;
}

std::optional<std::string> ProgramProcess::ended() {
    if (child_ < 0) return how_.empty() ? std::nullopt : std::optional(how_);
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) != child_) return std::nullopt;
    child_ = -1;
    how_ = how(status);
    return how_;
}

bool ProgramProcess::gone_within(int milliseconds) {
    constexpr int step_ms = 10;
    for (int waited = 0; !ended(); waited += step_ms) {
        if (waited >= milliseconds) return false;
        const timespec step{0, step_ms * 1'000'000};
        ::nanosleep(&step, nullptr);
    }
    return true;
}

void ProgramProcess::end(bool asked) {
    if (child_ >= 0 && !(asked && gone_within(to_quit_ms))) {
        ::kill(child_, SIGTERM);
        if (!gone_within(to_stop_ms)) {
            ::kill(child_, SIGKILL);
            (void)gone_within(to_die_ms);
        }
    }
    if (log_ >= 0) ::close(std::exchange(log_, -1));
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(std::exchange(folder_, {}), ignored);
}

Result<std::string> find_program(const std::string& given, std::string_view name) {
    const auto runs = [](const std::string& path) {
        std::error_code error;
        return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
    };
    if (!given.empty()) {
        if (runs(given)) return given;
        return Error{Errc::not_found, 0, fmt::format("{}: no program", given)};
    }
    const char* path = std::getenv("PATH");
    for (std::string_view rest = path != nullptr ? path : ""; !rest.empty();) {
        const std::string_view folder = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
        const std::string file = fmt::format("{}/{}", folder, name);
        if (!folder.empty() && folder.front() == '/' && runs(file)) return file;
    }
    return Error{Errc::not_found, 0, fmt::format("there is no {} in PATH", name)};
}

Result<std::string> find_modules(const std::string& program, std::string_view name) {
    std::error_code error;
    const fs::path real = fs::canonical(program, error);
    if (error) return failure(program, error.value());
    const fs::path lib = real.parent_path().parent_path() / "lib";
    const fs::path tail = fs::path(name) / "modules";
    if (fs::is_directory(lib / tail, error)) return (lib / tail).string();
    std::string found;
    for (fs::directory_iterator at(lib, error), end; !error && at != end; at.increment(error)) {
        const std::string here = (at->path() / tail).string();
        if (fs::is_directory(here, error) && (found.empty() || here < found)) found = here;
        error.clear();
    }
    if (!found.empty()) return found;
    return Error{Errc::not_found, 0, fmt::format("{}: its modules are not found", program)};
}

}  // namespace sipana::lab
