#include "libsipana/live/system_calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

namespace sipana::live {
namespace {

constexpr std::uint64_t low_32 = 0xffffffff;  // of an int the upper half is anything

scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, low_32, value & low_32};
}
scmp_arg_cmp is_null(unsigned argument) { return {argument, SCMP_CMP_EQ, 0, 0}; }
scmp_arg_cmp has_none_of(unsigned argument, std::uint64_t bits) {
    return {argument, SCMP_CMP_MASKED_EQ, bits, 0};
}
scmp_arg_cmp has_of(unsigned argument, std::uint64_t mask, std::uint64_t bits) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, bits};
}
std::uint64_t number(int value) { return static_cast<std::uint32_t>(value); }

class SystemCalls {
public:
    explicit SystemCalls(std::uint32_t otherwise) : filter_(::seccomp_init(otherwise)) {
        if (filter_ == nullptr) return;
        set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        set(SCMP_FLTATR_CTL_TSYNC, 1);
        set(SCMP_FLTATR_CTL_SSB, 1);  // seccomp alone is no reason to slow the processor down
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2);
    }
    ~SystemCalls() {
        if (filter_ != nullptr) ::seccomp_release(filter_);
    }
    SystemCalls(const SystemCalls&) = delete;
    SystemCalls& operator=(const SystemCalls&) = delete;

    void allow(std::initializer_list<int> calls) {
        for (const int call : calls) allow(call, {});
    }
    void allow(int call, std::initializer_list<scmp_arg_cmp> where) {
        add(SCMP_ACT_ALLOW, call, where);
    }
    void refuse(int call, int error, std::initializer_list<scmp_arg_cmp> where = {}) {
        add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), call, where);
    }
    Status load() {
        if (filter_ == nullptr) return Error{Errc::io, 0, "seccomp: no memory"};
        if (failed_ != 0)
            return Error{Errc::io, 0, fmt::format("seccomp: {}", std::strerror(failed_))};
        const int error = -::seccomp_load(filter_);
        if (error == 0) return Done{};
        const bool unknown = error == EINVAL || error == ENOSYS || error == ECANCELED;
        return Error{unknown ? Errc::unsupported : Errc::io, 0,
                     fmt::format("seccomp: {}", std::strerror(error))};
    }

private:
    void set(scmp_filter_attr what, std::uint32_t value) {
        ::seccomp_attr_set(filter_, what, value);
    }
    // A call that this architecture does not have is left out by the library.
    void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> where) {
        if (filter_ == nullptr || failed_ != 0 || call == __NR_SCMP_ERROR) return;
        failed_ = -::seccomp_rule_add_array(filter_, action, call,
                                            static_cast<unsigned>(where.size()), where.begin());
    }

    scmp_filter_ctx filter_ = nullptr;
    int failed_ = 0;
};

void allow_reading_and_waiting(SystemCalls& calls) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    calls.allow({SCMP_SYS(pipe), SCMP_SYS(pipe2)});  // with which sanitizers ask whether memory can be read
#endif
#endif
    calls.allow({SCMP_SYS(read),
                 SCMP_SYS(readv),
                 SCMP_SYS(pread64),
                 SCMP_SYS(preadv),
                 SCMP_SYS(write),
                 SCMP_SYS(writev),
                 SCMP_SYS(pwrite64),
                 SCMP_SYS(pwritev),
                 SCMP_SYS(lseek),
                 SCMP_SYS(close),
                 SCMP_SYS(dup),
                 SCMP_SYS(dup2),
                 SCMP_SYS(dup3),
                 SCMP_SYS(poll),
                 SCMP_SYS(ppoll),
                 SCMP_SYS(select),
                 SCMP_SYS(pselect6),
                 SCMP_SYS(epoll_create1),
                 SCMP_SYS(epoll_ctl),
                 SCMP_SYS(epoll_wait),
                 SCMP_SYS(epoll_pwait),
                 SCMP_SYS(epoll_pwait2),
                 SCMP_SYS(eventfd2),
                 SCMP_SYS(timerfd_create),
                 SCMP_SYS(timerfd_settime),
                 SCMP_SYS(timerfd_gettime),
                 SCMP_SYS(pipe),
                 SCMP_SYS(pipe2),
                 SCMP_SYS(signalfd4)});
    calls.allow({SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
                 SCMP_SYS(sync_file_range), SCMP_SYS(fadvise64), SCMP_SYS(flock), SCMP_SYS(fchmod),
                 SCMP_SYS(getdents64)});
    calls.allow({SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs)});
    for (const int what :
         {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC, F_GETLK, F_SETLK})
        calls.allow(SCMP_SYS(fcntl), {is(1, number(what))});
}

// No memory that can be written becomes code, or is made as code.
void allow_memory_and_threads(SystemCalls& calls) {
    calls.allow(
        {SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(mincore)});
    calls.allow(SCMP_SYS(mmap), {has_none_of(2, PROT_EXEC)});
    calls.allow(SCMP_SYS(mprotect), {has_none_of(2, PROT_EXEC)});
    constexpr std::uint64_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    constexpr std::uint64_t apart = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    calls.allow(SCMP_SYS(clone), {has_of(0, thread | apart, thread)});
    calls.refuse(SCMP_SYS(clone3), ENOSYS);
    calls.allow({SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list),
                 SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(membarrier),
                 SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu)});
    for (const int what : {PR_SET_NAME, PR_GET_NAME, PR_GET_NO_NEW_PRIVS, PR_GET_DUMPABLE})
        calls.allow(SCMP_SYS(prctl), {is(0, number(what))});
}

void allow_time_and_signals(SystemCalls& calls) {
    calls.allow({SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
                 SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times),
                 SCMP_SYS(getrusage), SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo)});
    calls.allow({SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                 SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigsuspend),
                 SCMP_SYS(sigaltstack), SCMP_SYS(pause), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
                 SCMP_SYS(exit_group)});
    calls.allow({SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid),
                 SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getresuid),
                 SCMP_SYS(getresgid), SCMP_SYS(getgroups), SCMP_SYS(getpgrp), SCMP_SYS(getrlimit)});
    // Limits are asked for, not set; signals (abort, Ctrl-Z on the screen) go to ourselves.
    calls.allow(SCMP_SYS(prlimit64), {is(0, 0), is_null(2)});
    const std::uint64_t ourselves = number(::getpid());
    calls.allow(SCMP_SYS(tgkill), {is(0, ourselves)});
    calls.allow(SCMP_SYS(kill), {is(0, ourselves)});
}

// Of what is open: sending goes to whom the socket is connected to, never to an address. So
// sendto() may have none; sendmsg(), whose address a filter cannot see, is not needed.
void allow_sockets(SystemCalls& calls, const SandboxSettings& settings) {
    calls.allow({SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(getsockopt),
                 SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
                 SCMP_SYS(shutdown)});
    calls.allow(SCMP_SYS(sendto), {is_null(4)});
    if (settings.accepts) calls.allow({SCMP_SYS(accept), SCMP_SYS(accept4)});
    if (!settings.connect_to.empty()) {
        constexpr std::uint64_t flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
        for (const int family : {AF_INET, AF_INET6})
            calls.allow(SCMP_SYS(socket),
                        {is(0, number(family)), has_of(1, low_32 & ~flags, SOCK_STREAM)});
        calls.allow({SCMP_SYS(connect)});
    }
    // FIONREAD and what libpcap asks about its interface; TIOCSTI, which types into the terminal,
    // is not there.
    for (const std::uint64_t what :
         {std::uint64_t{FIONREAD}, std::uint64_t{FIONBIO}, std::uint64_t{SIOCGIFFLAGS},
          std::uint64_t{SIOCGIFINDEX}, std::uint64_t{SIOCGIFNAME}, std::uint64_t{TIOCGWINSZ},
          std::uint64_t{TCGETS}})
        calls.allow(SCMP_SYS(ioctl), {is(1, what)});
    if (!settings.terminal) return;
    for (const std::uint64_t what :
         {std::uint64_t{TCSETS}, std::uint64_t{TCSETSW}, std::uint64_t{TCSETSF},
          std::uint64_t{TCFLSH}, std::uint64_t{TCSBRK}, std::uint64_t{TCXONC},
          std::uint64_t{TIOCGPGRP}})
        calls.allow(SCMP_SYS(ioctl), {is(1, what)});
}

// Where the path leads a filter cannot see; Landlock does. Without a directory nothing can be
// opened at all.
void allow_files(SystemCalls& calls, const SandboxSettings& settings) {
    constexpr std::uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
    const std::vector<int>& directories = settings.writable_directories;
    if (!settings.readable.empty())
        calls.allow(SCMP_SYS(openat), {is(0, number(AT_FDCWD)), has_none_of(2, writing)});
    for (const int directory : directories) {
        const scmp_arg_cmp there = is(0, number(directory));
        for (const int call : {SCMP_SYS(openat), SCMP_SYS(unlinkat), SCMP_SYS(faccessat),
                               SCMP_SYS(faccessat2), SCMP_SYS(readlinkat)})
            calls.allow(call, {there});
        for (const int other : directories)
            for (const int call : {SCMP_SYS(renameat), SCMP_SYS(renameat2)})
                calls.allow(call, {there, is(2, number(other))});
    }
}

// A second filter, since an allow-list cannot say "any descriptor but these". Copies of them cannot
// be made either, under whose numbers they could be written.
Status keep_from_writing(const std::vector<int>& descriptors) {
    SystemCalls calls(SCMP_ACT_ALLOW);
    for (const int descriptor : descriptors) {
        const scmp_arg_cmp it = is(0, number(descriptor));
        for (const int call :
             {SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev),
              SCMP_SYS(sendto), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3)})
            calls.refuse(call, EPERM, {it});
        for (const int what : {F_DUPFD, F_DUPFD_CLOEXEC})
            calls.refuse(SCMP_SYS(fcntl), EPERM, {it, is(1, number(what))});
    }
    return calls.load();
}

}  // namespace

Status allow_only(const SandboxSettings& settings) {
    SystemCalls calls(SCMP_ACT_ERRNO(EPERM));
    allow_reading_and_waiting(calls);
    allow_memory_and_threads(calls);
    allow_time_and_signals(calls);
    allow_sockets(calls, settings);
    allow_files(calls, settings);
    // The stricter of two filters counts; the second could not be loaded after the first.
    if (!settings.read_only.empty())
        if (Status s = keep_from_writing(settings.read_only); !s) return s;
    return calls.load();
}

}  // namespace sipana::live
