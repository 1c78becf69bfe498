#include "libsipana/analysis/payload_map.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sdp/codec.h"

namespace sipana::analysis {
namespace {

constexpr std::uint8_t most_payload_types = 127;  // seven bits
constexpr std::uint32_t most_channels = 255;

// RFC 8866 9: token, as far as codecs are named.
bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha(c) || is_digit(c) ||
               std::string_view("-._+").find(c) != std::string_view::npos;
    });
}

}  // namespace

Result<PayloadMapping> parse_payload_mapping(std::string_view text) {
    const auto refused = [&](const char* why) {
        return Error{Errc::malformed, 0,
                     fmt::format("'{}': {}; as in 96=H264/90000 or 111=opus/48000/2", text, why)};
    };
    const std::size_t equals = text.find('=');
    if (equals == text.npos) return refused("there is no '='");
    const std::string_view type = text.substr(0, equals);
    std::string_view rest = text.substr(equals + 1);
    const auto number = to_number(type);
    if (!number || *number > most_payload_types) return refused("a payload type is 0 to 127");

    const std::string_view name = cut(rest, '/');
    if (!is_name(name)) return refused("the codec's name is missing or no token");
    const bool has_channels = rest.find('/') != rest.npos;
    const std::string_view clock = cut(rest, '/');
    const auto hz = to_number(clock);
    if (!hz || *hz == 0) return refused("the clock is missing or no number of Hz");
    const auto channels = to_number(rest);
    if (has_channels && (!channels || *channels == 0 || *channels > most_channels))
        return refused("the number of channels is 1 to 255");
    const std::uint32_t fixed = sdp::fixed_clock_hz(name);
    return PayloadMapping{static_cast<std::uint8_t>(*number), std::string(name),
                          fixed != 0 ? fixed : *hz};
}

}  // namespace sipana::analysis
