// Sandbox: what live mode gives up once everything is open: it reads strangers' packets for hours.
//
// Entered once, for good, while the process has one thread; those that it starts later are inside
// too. What it can still do: read, write and wait on what is open, make memory and threads, accept
// connections where it is told so, and make, read, write, rename and remove files in the
// directories that are named. What it cannot: open anything else, run a program, make a socket,
// connect, bind, signal or trace another process, get back a right. Four walls, of which each
// stands alone where the kernel lacks another:
//
// 1. The user (-Z), all capabilities and the bounding set; no_new_privs; no core files, no ptrace.
// 2. Landlock: files, ports of TCP, signals, abstract sockets (live/landlock.h).
// 3. seccomp: an allow-list of system calls (live/system_calls.h).
// 4. What was open before stays open: hence files, sockets, the terminal, names of hosts and users,
// the time
//    zone, /proc/self/statm and whatever OpenSSL reads are to be opened, looked up and read before.
//
// RLIMIT_NPROC is left alone: it counts all processes of a user, so that a bound on it could stop
// our own threads; no process can be made anyway.
#pragma once

#include <string>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"

namespace sipana::live {

struct SandboxSettings {
    // Descriptors of open directories; files are reached by openat() and its like from exactly
    // these.
    std::vector<int> writable_directories;
    // Files that are opened for reading later: captures that are read one after the other.
    std::vector<std::string> readable;
    // Descriptors that are read and never written: capture sockets, through which frames could be
    // sent. They are not to be closed before the process ends: another could get their number.
    std::vector<int> read_only;
    // To become; empty: to stay who one is. Needs root.
    std::string user;
    // Collectors that are connected to again when they were gone, over TCP: Landlock lets pass
    // their ports, of any host. Sockets that are connected already need nothing.
    std::vector<Endpoint> connect_to;
    bool accepts = false;   // connections at sockets that listen
    bool terminal = false;  // its modes are set

    // For tests: as if the kernel had no newer Landlock than this; 0: none.
    static constexpr int newest = 1000;
    int landlock = newest;
};

struct Applied {
    std::string user;  // who was become; empty: nobody else
    int landlock = 0;  // version of its interface in force; 0: none
    bool seccomp = false;
    bool overrides_modes = false;  // CAP_DAC_OVERRIDE was kept: see below
    std::vector<std::string>
        missing;  // what the kernel could not, a few words each; empty: all stands
};

// Fails, and the process is better ended then: Errc::not_found: no such user. Errc::denied: not
// root, or the user may not write into one of the directories. Errc::io: what every kernel can did
// not work.
//
// Root that has no capability may not write into directories of others. Where one of them is to be
// written and -Z is not given, CAP_DAC_OVERRIDE stays, if Landlock confines it to the directories;
// else that fails.
Result<Applied> enter(const SandboxSettings& settings);

}  // namespace sipana::live
