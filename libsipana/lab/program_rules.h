// What a script may ask of a phone that a program plays ("program baresip"): told while the script
// is read, at the line and column.
#pragma once

#include <string>

#include "libsipana/base/result.h"
#include "libsipana/lab/script.h"

namespace sipana::lab {

// "baresip cannot ..."; of a phone of ours nothing is refused.
Status program_can(const PhoneLine& phone);
Status program_can(const PhoneLine& phone, const Step& step);

// REGISTER set "Expires: 0"
bool unregisters(const Send& send);

// A phone's setting of that name; empty: it has none.
std::string setting_of(const PhoneLine& phone, std::string_view name);
// "440Hz"
std::optional<double> hertz_of(std::string_view text);

}  // namespace sipana::lab
