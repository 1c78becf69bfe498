// Landlock: Linux's confinement of a process by itself to some files, ports and signals
// (landlock(7)).
//
// Spoken to by raw system calls, since the C library has none, and with the numbers here, since a
// build machine's headers are often older than the kernel that the program will meet.
#pragma once

#include <cstdint>
#include <vector>

#include "libsipana/base/result.h"

namespace sipana::live {

// Versions of the interface (ABI), and what came with them.
inline constexpr int landlock_files = 1, landlock_truncate = 3, landlock_ports = 4,
                     landlock_devices = 5, landlock_scopes = 6;

// 0: the kernel has none, or it is switched off.
int landlock_version();

struct Allowed {
    std::vector<int> directories, readable;  // descriptors; O_PATH will do
    std::vector<std::uint16_t> ports;
};

// For the calling thread and those it starts, as far as `version` goes: no file but readable ones
// and those below the directories (made, read, written, truncated, removed, renamed within one
// directory), no TCP port bound and none connected to but `ports`, no signal to and no abstract
// socket of a process outside. no_new_privs is set.
Status confine(int version, const Allowed& allowed);

}  // namespace sipana::live
