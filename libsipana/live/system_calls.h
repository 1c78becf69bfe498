// System calls: those that live mode may make once it is in its sandbox (seccomp, libseccomp).
//
// An allow-list. What is not on it fails with EPERM rather than kill: libraries try things that
// they can do without, and hours of recording are not to end for that, while an attacker gains
// nothing by being told. clone3 does not exist (ENOSYS), so that the C library takes clone, whose
// flags can be checked; calls by the numbers of another architecture kill.
#pragma once

#include "libsipana/live/sandbox.h"

namespace sipana::live {

// For all threads, for good. no_new_privs is set. Errc::unsupported: the kernel has no seccomp
// filters.
Status allow_only(const SandboxSettings& settings);

}  // namespace sipana::live
