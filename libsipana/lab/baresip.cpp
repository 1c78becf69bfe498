#include "libsipana/lab/baresip.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libsipana/base/text.h"
#include "libsipana/lab/netstring.h"

namespace sipana::lab::baresip {
namespace {

using nlohmann::json;

constexpr std::string_view local = "127.0.0.1";

// A member that is a string, else empty.
std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_true(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string user_of(const PhoneLine& phone) {
    return phone.auth_user.empty() ? phone.user : phone.auth_user;
}

}  // namespace

Result<Said> parse(std::string_view text) {
    const json read = json::parse(text.begin(), text.end(), nullptr, false);
    if (read.is_discarded()) return Error{Errc::malformed, 0, "what baresip says is no JSON"};
    if (!read.is_object()) return Error{Errc::malformed, 0, "what baresip says is no object"};
    if (is_true(read, "response"))
        return Said(Reply{is_true(read, "ok"), text_of(read, "data"), text_of(read, "token")});
    if (is_true(read, "event"))
        return Said(Event{text_of(read, "type"), text_of(read, "id"), text_of(read, "param")});
    return Error{Errc::unsupported, 0, "baresip says neither a response nor an event"};
}

Result<std::string> write(std::string_view command, std::string_view params,
                          std::string_view token) {
    if (command.size() + params.size() > max_command)
        return Error{
            Errc::too_large, 0,
            fmt::format("baresip cannot take a command of more than {} bytes", max_command)};
    json out{{"command", command}, {"token", token}};
    if (!params.empty()) out["params"] = params;
    return write_netstring(out.dump(-1, ' ', false, json::error_handler_t::replace));
}

bool usable(std::string_view value) {
    return std::all_of(value.begin(), value.end(), [](char c) {
        constexpr std::string_view refused = "\"'<>,;\\ ";
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte != 0x7f && refused.find(c) == refused.npos;
    });
}

std::string config(const PhoneLine& phone, const Place& place) {
    std::string out = fmt::format(
        "poll_method epoll\n"
        "sip_listen {}\n"
        "net_interface {}\n"
        "call_max_calls 8\n"
        "audio_source {}\n"
        "ausrc_srate {}\n"
        "ausrc_channels {}\n"
        "audio_player aufile,{}/heard.wav\n"
        "audio_alert aufile,{}/alert.wav\n"
        "auplay_srate 8000\n"
        "ringback_disabled yes\n"
        "menu_bell no\n"
        "statmode_default off\n"
        "rtp_ports {}-{}\n"
        "rtp_stats no\n"
        "ctrl_tcp_listen {}:{}\n"
        "module_path {}\n",
        place.at.to_string(), place.at.address.to_string(), place.sound, sound_rate_hz,
        sound_channels, place.folder, place.folder, place.first_rtp_port, place.first_rtp_port + 98,
        local, place.control_port, place.modules);
    if (!phone.video.empty())
        out += fmt::format(
            "video_source {}\n"
            "video_display fakevideo\n"
            "video_size 320x240\n"
            "video_fps 15\n"
            "video_bitrate 200000\n"
            "videnc_format yuv420p\n"
            "module avcodec.so\n"
            "module avformat.so\n"
            "module fakevideo.so\n",
            place.picture.empty() ? "fakevideo,nil" : "avformat," + place.picture);
    for (const std::string_view module : {"g711", "aufile", "ausine"})
        out += fmt::format("module {}.so\n", module);
    // The order counts: commands come with menu, and nobody asks for them before ctrl_tcp is there.
    out += "module_tmp account.so\n";
    for (const std::string_view module : {"contact", "menu", "debug_cmd", "ctrl_tcp"})
        out += fmt::format("module_app {}.so\n", module);
    return out;
}

std::string account(const PhoneLine& phone, std::string_view aor, std::uint32_t expires,
                    std::string_view through) {
    std::string out;
    if (!phone.display.empty()) out = fmt::format("\"{}\" ", phone.display);
    out += fmt::format("<{}{}>;regint={};answermode=manual", aor,
                       phone.transport == Transport::tcp ? ";transport=tcp" : "", expires);
    if (!phone.password.empty())
        out += fmt::format(";auth_user={};auth_pass={}", user_of(phone), phone.password);
    if (!through.empty()) out += fmt::format(";outbound=\"{}\"", through);
    if (!phone.audio.empty()) out += fmt::format(";audio_codecs={}", fmt::join(phone.audio, ","));
    if (!phone.video.empty()) out += fmt::format(";video_codecs={}", fmt::join(phone.video, ","));
    return out;
}

std::string tone_source(double hertz) {
    return fmt::format("ausine,{:.0f}", std::clamp(hertz, 10.0, 20000.0));
}

std::string silence_source() { return "ausine,20000"; }

std::string file_source(std::string_view file) { return fmt::format("aufile,{}", file); }

}  // namespace sipana::lab::baresip
