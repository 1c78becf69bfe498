// What a ladder's roles, tones and durations are called.
#include <fmt/format.h>

#include "libsipana/render/ladder.h"

namespace sipana::render {

std::string_view to_string(Role role) {
    switch (role) {
        case Role::caller:
            return "caller";
        case Role::callee:
            return "callee";
        case Role::proxy:
            return "proxy";
        case Role::b2bua:
            return "PBX";
        case Role::registrar:
            return "registrar";
        case Role::server:
            return "server";
        case Role::media:
            return "media";
        case Role::others:
            return "others";
    }
    return "others";
}

std::string_view to_string(Tone tone) {
    switch (tone) {
        case Tone::request:
            return "request";
        case Tone::provisional:
            return "provisional";
        case Tone::success:
            return "success";
        case Tone::redirect:
            return "redirect";
        case Tone::challenge:
            return "challenge";
        case Tone::failure:
            return "failure";
    }
    return "failure";
}

std::string short_duration(Duration length) {
    if (length < Duration{})
        return "-" + short_duration(length == Duration::min() ? Duration::max() : -length);
    const double ms = to_milliseconds(length), s = to_seconds(length);
    if (ms < 9.995) return fmt::format("{:.2f} ms", ms);
    if (ms < 999.5) return fmt::format("{:.0f} ms", ms);
    if (s < 59.95) return fmt::format("{:.1f} s", s);
    const auto whole = (length.count() / 1'000'000 + 500) / 1000;
    if (whole < 3600) return fmt::format("{}:{:02} min", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02} h", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace sipana::render
