// Privileges: users and capabilities (credentials(7), capabilities(7)), and how they are given up.
#pragma once

#include <string>
#include <vector>

#include "libsipana/base/result.h"

namespace sipana::live {

// User, group and supplementary groups, real, effective and saved. Errc::not_found: no such user.
// Errc::denied: only root may become another user.
Status become(const std::string& user);
// No capability can come to this process any more. Without CAP_SETPCAP nothing is changed:
// no_new_privs will do.
void empty_bounding_set();
// All of the calling thread go, for good, but one that it may hold on to (-1: none): as permitted,
// so that it does not count, and counts again with `effective`.
Status drop_capabilities(int but = -1, bool effective = false);
inline constexpr int dac_override =
    1;  // CAP_DAC_OVERRIDE: files are opened whatever their modes say
// Files may be made there and removed, with the rights of the moment.
bool may_write(int directory);
// no_new_privs; no core file and no ptrace: memory holds what people said to each other.
Status seal();
bool has_one_thread();

}  // namespace sipana::live
