// Child: a process that a test makes, which does something and says what was wrong.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

namespace sipana::testing {

class Child {
public:
    Child(int out, int in) : out_(out), in_(in) {}
    // A line for the parent.
    void say(std::string_view what) {
        const std::string line = std::string(what) + "\n";
        if (::write(out_, line.data(), line.size()) < 0) ::_exit(3);
    }
    void refused(std::string_view what, long result) {
        if (result >= 0) say(fmt::format("{} succeeded", what));
    }
    void works(std::string_view what, bool does) {
        const int error = errno;
        if (!does) say(fmt::format("{} failed ({})", what, error));
    }
    // Until the parent has looked at something.
    void let_look() {
        say("look");
        char c;
        if (::read(in_, &c, 1) < 0) ::_exit(3);
    }

private:
    int out_, in_;
};

// What the child said; `look` is called, with its number, when it lets look. The test process has
// one thread.
template <typename What, typename Look>
std::string in_child(const What& what, const Look& look) {
    int out[2], in[2];
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        ::close(out[0]);
        ::close(in[1]);
        Child child(out[1], in[0]);
        what(child);
        ::_exit(0);  // past the leak check, which traces its process
    }
    ::close(out[1]);
    ::close(in[0]);
    std::string said, line;
    char c;
    pollfd readable{out[0], POLLIN, 0};
    constexpr int longest_ms = 20'000;
    while (::poll(&readable, 1, longest_ms) > 0 && ::read(out[0], &c, 1) == 1) {
        line += c;
        if (c != '\n') continue;
        if (line == "look\n") {
            look(pid);
            if (::write(in[1], "x", 1) != 1) said += "the child is gone\n";
        } else {
            said += line;
        }
        line.clear();
    }
    ::close(out[0]);
    ::close(in[1]);
    ::kill(pid, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    // Killed by us when it had closed its end: it had ended, or hung.
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        said += fmt::format("it ended with {:#x}\n", status);
    return said;
}
template <typename What>
std::string in_child(const What& what) {
    return in_child(what, [](pid_t) {});
}

// A folder of its own that goes with the test, and its descriptor.
class Folder {
public:
    explicit Folder(mode_t mode = 0700) {
        char name[] = "/tmp/sipana-test-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path = name;
        REQUIRE(::chmod(name, mode) == 0);
        descriptor = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(descriptor >= 0);
    }
    ~Folder() {
        ::close(descriptor);
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string path;
    int descriptor = -1;
};

}  // namespace sipana::testing
