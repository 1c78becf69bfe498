#include "libsipana/live/sandbox.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libsipana/live/landlock.h"
#include "libsipana/pcap/live.h"
#include "tests/live/confined.h"

using namespace sipana;
using live::SandboxSettings;
using testing::Child;
using testing::Folder;

namespace {

constexpr uid_t nobody = 65534;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}
const sockaddr* plain(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

// A socket that listens on a free port of loopback.
struct Listener {
    explicit Listener(int type = SOCK_STREAM) : socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
        sockaddr_in here = loopback(0);
        REQUIRE(::bind(socket, plain(here), sizeof here) == 0);
        if (type == SOCK_STREAM) REQUIRE(::listen(socket, 4) == 0);
        socklen_t size = sizeof here;
        REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size) == 0);
        port = ntohs(here.sin_port);
    }
    ~Listener() { ::close(socket); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    int socket;
    std::uint16_t port = 0;
};

// What no setting gives back. Each is tried; what succeeded is told.
void try_everything(Child& child, const Listener& tcp, const Listener& udp, int unbound,
                    int datagrams) {
    const auto system = [&](std::string_view what, long call, auto... arguments) {
        child.refused(what, ::syscall(call, arguments...));
    };
    for (const char* path :
         {"/etc/shadow", "/etc/passwd", "/proc/self/maps", "/dev/null", "/", ".", "never-made"}) {
        child.refused(fmt::format("open {}", path), ::open(path, O_RDONLY));
        system(fmt::format("SYS_open {}", path), SYS_open, path, O_RDONLY, 0);
        child.refused(fmt::format("create {}", path), ::open(path, O_RDWR | O_CREAT, 0600));
    }
    char* none[] = {nullptr};
    child.refused("execve", ::execve("/bin/true", none, none));
    system("execveat", SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0);
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK})
        for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW})
            child.refused(fmt::format("socket {} {}", family, type), ::socket(family, type, 0));
    const sockaddr_in there = loopback(tcp.port), datagram = loopback(udp.port), any = loopback(0);
    child.refused("connect", ::connect(unbound, plain(there), sizeof there));
    child.refused("bind", ::bind(unbound, plain(any), sizeof any));
    child.refused("listen", ::listen(unbound, 1));
    child.refused("connect, UDP", ::connect(datagrams, plain(datagram), sizeof datagram));
    child.refused("sendto", ::sendto(datagrams, "x", 1, 0, plain(datagram), sizeof datagram));
    msghdr message{};
    message.msg_name = const_cast<sockaddr_in*>(&datagram);
    message.msg_namelen = sizeof datagram;
    child.refused("sendmsg", ::sendmsg(datagrams, &message, 0));
    int pair[2];
    child.refused("socketpair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    child.refused("kill the parent", ::kill(::getppid(), 0));
    child.refused("kill all", ::kill(-1, 0));
    child.refused("tgkill the parent", ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0));
    child.refused("ptrace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
    child.refused("ptrace the parent", ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr));
    system("fork", SYS_fork);
    system("vfork by clone", SYS_clone, SIGCHLD, 0, 0, 0, 0);
    system("clone into a user namespace", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    system("clone3", SYS_clone3, nullptr, 0);
    child.refused("setuid", ::syscall(SYS_setuid, 0));
    child.refused("setresuid", ::syscall(SYS_setresuid, 0, 0, 0));
    child.refused("unshare", ::unshare(CLONE_NEWUSER));
    child.refused("setns", ::setns(unbound, 0));
    child.refused("chroot", ::chroot("/"));
    child.refused("mkdir", ::mkdir("/tmp/never", 0700));
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    system("capset", SYS_capset, &header, all);
    child.refused("PR_SET_DUMPABLE", ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    const rlimit core{RLIM_INFINITY, RLIM_INFINITY};
    child.refused("setrlimit", ::setrlimit(RLIMIT_CORE, &core));
    const struct {
        const char* name;
        long call;
    } calls[] = {{"mount", SYS_mount},
                 {"umount2", SYS_umount2},
                 {"pivot_root", SYS_pivot_root},
                 {"bpf", SYS_bpf},
                 {"io_uring_setup", SYS_io_uring_setup},
                 {"userfaultfd", SYS_userfaultfd},
                 {"perf_event_open", SYS_perf_event_open},
                 {"keyctl", SYS_keyctl},
                 {"add_key", SYS_add_key},
                 {"process_vm_readv", SYS_process_vm_readv},
                 {"process_vm_writev", SYS_process_vm_writev},
                 {"kexec_load", SYS_kexec_load},
                 {"init_module", SYS_init_module},
                 {"finit_module", SYS_finit_module},
                 {"open_by_handle_at", SYS_open_by_handle_at},
                 {"openat2", SYS_openat2},
                 {"pidfd_open", SYS_pidfd_open},
                 {"pidfd_getfd", 438},
                 {"memfd_create", SYS_memfd_create},
                 {"personality", SYS_personality},
                 {"modify_ldt", SYS_modify_ldt},
                 {"reboot", SYS_reboot},
                 {"swapon", SYS_swapon},
                 {"sethostname", SYS_sethostname},
                 {"settimeofday", SYS_settimeofday},
                 {"splice", SYS_splice},
                 {"vmsplice", SYS_vmsplice},
                 {"shmget", SYS_shmget}};
    for (const auto& one : calls) {
        errno = 0;
        const long got = ::syscall(one.call, 0, 0, 0, 0, 0, 0);
        // Not "invalid argument": the kernel is not to have looked at it.
        if (got >= 0 || errno != EPERM)
            child.say(fmt::format("{}: {}", one.name, std::strerror(errno)));
    }
    void* memory =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return child.say("mmap does not work");
    child.refused("mprotect PROT_EXEC", ::mprotect(memory, 4096, PROT_READ | PROT_EXEC));
    if (::mmap(nullptr, 4096, PROT_EXEC | PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
        MAP_FAILED)
        child.say("mmap PROT_EXEC succeeded");
}

// Also what it must be able to.
void make_threads(Child& child) {
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { ran += 1; });
    for (std::thread& one : threads) one.join();
    if (ran != 4) child.say("threads do not run");
}

std::string everything_is_tried(uid_t who, SandboxSettings settings,
                                const std::string& working = {}) {
    const Listener tcp, udp(SOCK_DGRAM);
    const int unbound = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int datagrams = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const std::string said = testing::in_child([&](Child& child) {
        if (who != 0 &&
            (::setresgid(nobody, nobody, nobody) != 0 || ::setresuid(who, who, who) != 0))
            return child.say("cannot become nobody");
        if (!working.empty() && ::chdir(working.c_str()) != 0) return child.say("chdir");
        const auto entered = live::enter(settings);
        if (!entered) return child.say(entered.error().what);
        if (!entered->seccomp) child.say("no seccomp");
        if (settings.landlock == 0 && (entered->landlock != 0 || entered->missing.empty()))
            child.say("Landlock was not asked for");
        try_everything(child, tcp, udp, unbound, datagrams);
        make_threads(child);
    });
    ::close(unbound);
    ::close(datagrams);
    return said;
}

// A recording, as the ring makes it.
void record(Child& child, int directory) {
    const int made = ::openat(directory, "made", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    child.works("create", made >= 0);
    child.works("write", ::write(made, "packets", 7) == 7);
    child.works("ftruncate", ::ftruncate(made, 3) == 0);
    child.works("fsync", ::fsync(made) == 0 && ::fdatasync(made) == 0);
    child.works("rename", ::renameat(directory, "made", directory, "kept") == 0);
    const int again = ::openat(directory, "kept", O_RDONLY | O_CLOEXEC);
    char read[8] = {};
    child.works("read", again >= 0 && ::read(again, read, sizeof read) == 3);
    const int appended = ::openat(directory, "kept", O_WRONLY | O_APPEND | O_TRUNC | O_CLOEXEC);
    child.works("append", appended >= 0 && ::write(appended, "more", 4) == 4);
    const int gone = ::openat(directory, "gone", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    child.works("remove", gone >= 0 && ::unlinkat(directory, "gone", 0) == 0);
}

void stay_inside(Child& child, const Folder& folder, const Folder& other) {
    const int here = folder.descriptor;
    for (const std::string& path :
         {other.path + "/secret", std::string("link"), std::string("../../etc/passwd"),
          std::string("/etc/shadow"), other.path + "/new", std::string("../new")}) {
        child.refused("reading " + path, ::openat(here, path.c_str(), O_RDONLY));
        child.refused("writing " + path, ::openat(here, path.c_str(), O_WRONLY | O_CREAT, 0600));
        child.refused("opening " + path, ::openat(AT_FDCWD, path.c_str(), O_RDWR));
    }
    child.refused("removing", ::unlinkat(here, (other.path + "/secret").c_str(), 0));
    child.refused("renaming away", ::renameat(here, "kept", here, (other.path + "/kept").c_str()));
    child.refused("renaming out", ::renameat(here, "kept", other.descriptor, "kept"));
    child.refused("mkdir", ::mkdirat(here, "folder", 0700));
    child.refused("symlink", ::symlinkat("/etc", here, "etc"));
    child.refused("mknod", ::mknodat(here, "device", S_IFCHR | 0600, 0));
    child.refused("fifo", ::mkfifoat(here, "fifo", 0600));
    child.refused("link", ::linkat(other.descriptor, "secret", here, "linked", 0));
    child.refused("truncate", ::truncate((other.path + "/secret").c_str(), 0));
}

// A field of /proc/PID/status.
std::string status_of(pid_t pid, std::string_view field) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);)
        if (line.rfind(field, 0) == 0) return line.substr(line.find_last_of(" \t") + 1);
    return "none";
}

bool up(const char* interface) {
    const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
    request.ifr_flags = IFF_UP;
    const bool done = ::ioctl(any, SIOCSIFFLAGS, &request) == 0;
    ::close(any);
    return done;
}

bool root() { return ::geteuid() == 0; }

}  // namespace

TEST_CASE("sandbox: nothing can be opened, run, connected to or signalled") {
    CHECK(everything_is_tried(root() ? 0 : ::geteuid(), {}) == "");
}
TEST_CASE("sandbox: an ordinary user gets into it, too") {
    if (root()) CHECK(everything_is_tried(nobody, {}) == "");
}
TEST_CASE("sandbox: a kernel without Landlock is told of, and seccomp refuses the same") {
    SandboxSettings settings;
    settings.landlock = 0;
    CHECK(everything_is_tried(::geteuid(), settings) == "");
    if (root()) CHECK(everything_is_tried(nobody, settings) == "");
}

TEST_CASE("sandbox: recordings are made in their directory and nowhere else") {
    const Folder folder, other;
    std::ofstream(other.path + "/secret") << "secret";
    REQUIRE(::symlink((other.path + "/secret").c_str(), (folder.path + "/link").c_str()) == 0);
    SandboxSettings settings;
    settings.writable_directories = {folder.descriptor};
    CHECK(testing::in_child([&](Child& child) {
              const auto entered = live::enter(settings);
              if (!entered) return child.say(entered.error().what);
              if (entered->landlock == 0) return child.say("skipped: no Landlock");
              record(child, folder.descriptor);
              stay_inside(child, folder, other);
          }) == "");
    CHECK(std::filesystem::exists(folder.path + "/kept"));
    CHECK_FALSE(std::filesystem::exists(folder.path + "/made"));
    CHECK(std::filesystem::exists(other.path + "/secret"));
}

TEST_CASE("sandbox: what was open before is read, written and cut") {
    const Folder folder;
    const int report = ::openat(folder.descriptor, "report", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(testing::in_child([&](Child& child) {
              const auto entered = live::enter({});
              if (!entered) return child.say(entered.error().what);
              child.works("write", ::write(report, "old report", 10) == 10);
              child.works("ftruncate", ::ftruncate(report, 0) == 0);
              child.works("pwrite", ::pwrite(report, "new", 3, 0) == 3);
              child.works("fsync", ::fsync(report) == 0);
              char read[8] = {};
              child.works("pread", ::pread(report, read, sizeof read, 0) == 3);
              child.refused("openat", ::openat(folder.descriptor, "report", O_RDONLY));
              child.refused("unlinkat", ::unlinkat(folder.descriptor, "report", 0));
          }) == "");
    ::close(report);
    CHECK(std::filesystem::file_size(folder.path + "/report") == 3);
}

TEST_CASE("sandbox: captures that were named are opened when their turn comes, for reading") {
    const Folder folder, recordings;
    for (const char* name : {"/first", "/other"}) std::ofstream(folder.path + name) << "capture";
    SandboxSettings settings;
    settings.readable = {folder.path + "/first", folder.path + "/missing"};
    settings.writable_directories = {recordings.descriptor};
    CHECK(testing::in_child([&](Child& child) {
              const auto entered = live::enter(settings);
              if (!entered) return child.say(entered.error().what);
              if (entered->landlock == 0) return child.say("skipped: no Landlock");
              const std::string first = folder.path + "/first";
              child.works("reading", ::open(first.c_str(), O_RDONLY | O_CLOEXEC) >= 0);
              child.refused("writing", ::open(first.c_str(), O_RDWR));
              child.refused("cutting", ::open(first.c_str(), O_RDONLY | O_TRUNC));
              child.refused("another", ::open((folder.path + "/other").c_str(), O_RDONLY));
              child.refused("making",
                            ::open((folder.path + "/new").c_str(), O_RDONLY | O_CREAT, 0600));
              child.refused("by name",
                            ::open((recordings.path + "/new").c_str(), O_RDWR | O_CREAT, 0600));
              child.refused("a folder", ::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY));
              record(child, recordings.descriptor);
          }) == "");
}

TEST_CASE("sandbox: -Z: another user, for good, who records where he may") {
    if (!root()) {
        MESSAGE("skipped: needs root");
        return;
    }
    const Folder his, ours;
    REQUIRE(::chown(his.path.c_str(), nobody, nobody) == 0);
    SandboxSettings settings;
    settings.user = "nobody";
    settings.writable_directories = {his.descriptor};
    CHECK(testing::in_child([&](Child& child) {
              const auto entered = live::enter(settings);
              if (!entered) return child.say(entered.error().what);
              child.works("user",
                          ::getuid() == nobody && ::geteuid() == nobody && ::getegid() != 0);
              record(child, his.descriptor);
          }) == "");
    struct stat kept {};
    REQUIRE(::stat((his.path + "/kept").c_str(), &kept) == 0);
    CHECK(kept.st_uid == nobody);

    const auto refusal = [](const SandboxSettings& wanted) {
        return testing::in_child([&](Child& child) {
            const auto entered = live::enter(wanted);
            child.say(entered ? "entered" : entered.error().what);
        });
    };
    settings.writable_directories = {ours.descriptor};
    CHECK(refusal(settings) == ours.path + ": nobody may not write there\n");
    settings.user = "no\x1bsuch";
    CHECK(refusal(settings) == "no such user 'no\\x1bsuch'\n");
    CHECK(testing::in_child([&](Child& child) {
              if (::setuid(nobody) != 0) return;
              settings.user = "root";
              const auto entered = live::enter(settings);
              child.say(entered ? "entered" : entered.error().what);
          }) == "only root may become user 'root'\n");
}

TEST_CASE(
    "sandbox: root records into the directory of somebody else, if that alone can be written") {
    if (!root()) {
        MESSAGE("skipped: needs root");
        return;
    }
    const Folder his;
    REQUIRE(::chown(his.path.c_str(), nobody, nobody) == 0);
    SandboxSettings settings;
    settings.writable_directories = {his.descriptor};
    const auto run = [&] {
        return testing::in_child(
            [&](Child& child) {
                const auto entered = live::enter(settings);
                if (!entered) return child.say(entered.error().what);
                child.works("overrides", entered->overrides_modes);
                record(child, his.descriptor);
                child.let_look();
            },
            [](pid_t pid) { CHECK(status_of(pid, "CapEff") == "0000000000000002"); });
    };
    CHECK(run() == "");
    settings.landlock = 0;
    CHECK(run() == his.path + ": belongs to somebody else; become that user (-Z)\n");
}

TEST_CASE("sandbox: seen from outside no right is left") {
    const std::string said = testing::in_child(
        [&](Child& child) {
            const auto entered = live::enter({});
            if (!entered) return child.say(entered.error().what);
            child.let_look();
        },
        [](pid_t pid) {
            CHECK(status_of(pid, "NoNewPrivs") == "1");
            CHECK(status_of(pid, "Seccomp") == "2");
            for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
                CHECK(status_of(pid, set) == "0000000000000000");
            if (root()) CHECK(status_of(pid, "CapBnd") == "0000000000000000");
            if (!root()) CHECK(::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) != 0);
        });
    CHECK(said == "");
}

TEST_CASE("sandbox: connections are accepted and answered, but not made") {
    const Listener listener;
    SandboxSettings settings;
    settings.accepts = true;
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const std::string said = testing::in_child(
        [&](Child& child) {
            const auto entered = live::enter(settings);
            if (!entered) return child.say(entered.error().what);
            child.let_look();
            const int accepted = ::accept4(listener.socket, nullptr, nullptr, SOCK_CLOEXEC);
            child.works("accept", accepted >= 0);
            child.works("send", ::send(accepted, "hello", 5, MSG_NOSIGNAL) == 5);
            child.refused("socket", ::socket(AF_INET, SOCK_STREAM, 0));
        },
        [&](pid_t) {
            const sockaddr_in there = loopback(listener.port);
            REQUIRE(::connect(client, plain(there), sizeof there) == 0);
        });
    CHECK(said == "");
    char answer[8] = {};
    CHECK(::recv(client, answer, sizeof answer, 0) == 5);
    CHECK(std::string_view(answer) == "hello");
    ::close(client);
}

TEST_CASE("sandbox: a collector is connected to again, and no other port") {
    const Listener collector, other;
    SandboxSettings settings;
    settings.connect_to = {*Endpoint::parse(fmt::format("127.0.0.1:{}", collector.port))};
    CHECK(testing::in_child([&](Child& child) {
              const auto entered = live::enter(settings);
              if (!entered) return child.say(entered.error().what);
              const auto connected = [](std::uint16_t port) {
                  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                  const sockaddr_in there = loopback(port);
                  return made >= 0 &&
                         (::connect(made, plain(there), sizeof there) == 0 || errno == EINPROGRESS);
              };
              child.works("connect to the collector", connected(collector.port));
              child.refused("a datagram socket", ::socket(AF_INET, SOCK_DGRAM, 0));
              child.refused("a raw socket", ::socket(AF_INET, SOCK_RAW, 1));
              child.refused("a packet socket", ::socket(AF_PACKET, SOCK_STREAM, 0));
              if (entered->landlock >= live::landlock_ports)
                  child.works("refusal of another port", !connected(other.port));
          }) == "");
}

TEST_CASE("sandbox: an interface is read, and no frame can be sent through its socket") {
    if (!root()) {
        MESSAGE("skipped: needs root");
        return;
    }
    CHECK(testing::in_child([&](Child& child) {
              if (::unshare(CLONE_NEWNET) != 0 || !up("lo"))
                  return child.say("no network namespace");
              pcap::LiveSettings capture;
              capture.immediate = true;
              auto lo = pcap::Live::open("lo", capture);
              if (!lo) return child.say(lo.error().what);
              const Listener udp(SOCK_DGRAM);
              const int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
              const sockaddr_in there = loopback(udp.port);
              child.works("connect", ::connect(sender, plain(there), sizeof there) == 0);
              SandboxSettings settings;
              settings.read_only = {lo->descriptor()};
              const auto entered = live::enter(settings);
              if (!entered) return child.say(entered.error().what);
              child.works("send", ::send(sender, "hello", 5, 0) == 5);
              pollfd readable{lo->descriptor(), POLLIN, 0};
              pcap::Frame frame;
              child.works("read", ::poll(&readable, 1, 5000) == 1 && lo->next(frame));
              child.works("counts", lo->counts().received >= 1);
              const Buffer hello(64);
              child.refused("write", ::write(lo->descriptor(), hello.data(), hello.size()));
              child.refused("send", ::send(lo->descriptor(), hello.data(), hello.size(), 0));
              child.refused("dup", ::dup(lo->descriptor()));
              child.refused("F_DUPFD", ::fcntl(lo->descriptor(), F_DUPFD, 0));
          }) == "");
}

TEST_CASE("sandbox: it is entered before threads are started") {
    CHECK(testing::in_child([&](Child& child) {
              std::atomic<bool> done{false};
              std::thread other([&] {
                  while (!done) std::this_thread::yield();
              });
              const auto entered = live::enter({});
              done = true;
              other.join();
              child.say(entered ? "entered" : entered.error().what);
          }) == "the sandbox is entered before threads are started\n");
}
