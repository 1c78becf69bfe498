#include "libsipana/lab/program_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "libsipana/base/text.h"
#include "libsipana/lab/program_rules.h"
#include "libsipana/media/clip.h"
#include "libsipana/media/wav.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_file = 64u << 20;
constexpr std::size_t max_sound = 8000u * 60u;  // samples: baresip has it all in memory, times 12
constexpr std::size_t looped_frames = 1000;     // of a picture that begins again
constexpr std::uint16_t usual_rtp_port = 10'000, last_rtp_port = 65'400;

Result<Buffer> read_file(const std::string& path) {
    std::FILE* file = std::fopen(path.c_str(), "rbe");
    if (file == nullptr)
        return Error{errno == ENOENT ? Errc::not_found : Errc::io, 0,
                     fmt::format("{}: {}", path, std::generic_category().message(errno))};
    Buffer out;
    std::array<std::uint8_t, 16384> piece;
    std::size_t n = 0;
    while (out.size() <= max_file && (n = std::fread(piece.data(), 1, piece.size(), file)) > 0)
        out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(n));
    const bool failed = std::ferror(file) != 0;
    std::fclose(file);
    if (failed) return Error{Errc::io, 0, fmt::format("{}: cannot be read", path)};
    if (out.size() > max_file)
        return Error{Errc::too_large, 0, fmt::format("{}: more than 64 MiB", path)};
    return out;
}

}  // namespace

Result<std::unique_ptr<ProgramHost>> ProgramHost::create(Setting setting) {
    std::unique_ptr<ProgramHost> made(new ProgramHost(std::move(setting)));
    auto program = find_program(made->setting_.program, made->setting_.line->program);
    if (!program) return program.error();
    made->program_ = std::move(*program);
    auto modules = find_modules(made->program_, made->setting_.line->program);
    if (!modules) return modules.error();
    made->modules_ = std::move(*modules);
    if (const Status s = made->choose_ports(); !s) return s.error();
    return made;
}

ProgramHost::~ProgramHost() {
    // It takes its registration back, if it has the time.
    const bool asked = control_ && greeted_;
    if (asked) {
        auto quit = baresip::write("quit", {}, "quit");
        if (quit) to_say_ += *quit;
        (void)control_->exchange(heard_, to_say_);
    }
    process_.end(asked);
}

Result<Namespaces::Entered> ProgramHost::enter() const {
    if (setting_.namespaces == nullptr) return Namespaces::Entered();
    return setting_.namespaces->enter(setting_.at.address);
}

Status ProgramHost::choose_ports() {
    const auto there = enter();
    if (!there) return there.error();
    auto control = free_tcp_port(*Address::parse("127.0.0.1"));
    if (!control) return control.error();
    control_port_ = *control;
    rtp_port_ = usual_rtp_port;
    if (setting_.namespaces != nullptr) {
        if (setting_.at.port == 0) setting_.at.port = 5060;
        return Done{};
    }
    auto rtp = free_udp_port(setting_.at.address);
    if (!rtp) return rtp.error();
    rtp_port_ = static_cast<std::uint16_t>(std::min(*rtp, last_rtp_port) & ~1);
    if (setting_.at.port != 0) return Done{};
    auto sip = free_udp_port(setting_.at.address);
    if (!sip) return sip.error();
    setting_.at.port = *sip;
    return Done{};
}

std::string ProgramHost::path_of(const std::string& file) const {
    const bool relative = !file.empty() && file.front() != '/' && !setting_.script_folder.empty();
    return relative ? setting_.script_folder + "/" + file : file;
}

// The file as the program reads it; it is told of it by a name of ours.
Result<std::string> ProgramHost::sound(const std::string& file, Duration& length) {
    auto content = read_file(path_of(file));
    if (!content) return content.error();
    auto read = media::read_wav(*content);
    if (!read) return Error{read.error().code, 0, fmt::format("{}: {}", file, read.error().what)};
    if (read->size() > max_sound)
        return Error{Errc::too_large, 0, fmt::format("{}: longer than a minute", file)};
    length = std::chrono::nanoseconds{static_cast<std::int64_t>(read->size()) * 125'000};
    read->resize(read->size() + media::audio_clock_hz);  // it hangs up when its file is over
    const std::string name = fmt::format("sound-{}.wav", ++files_);
    const Buffer wav = media::write_wav(*read, baresip::sound_rate_hz / media::audio_clock_hz,
                                        static_cast<std::uint16_t>(baresip::sound_channels));
    if (const Status s = process_.write(name, wav); !s) return s.error();
    return process_.folder() + "/" + name;
}

// Its picture under a name of ours. H.264 alone has no times that its reader would find.
Result<std::string> ProgramHost::picture() {
    const std::string file = setting_of(*setting_.line, "picture");
    if (file.empty()) return file;
    auto content = read_file(path_of(file));
    if (!content) return content.error();
    const bool byte_stream =
        content->size() > 4 && load_be24(content->data()) == 0 && (*content)[3] == 1;
    if (byte_stream) {
        auto clip = media::read_clip(std::move(*content));
        if (!clip)
            return Error{clip.error().code, 0, fmt::format("{}: {}", file, clip.error().what)};
        *content = media::write_ivf(*clip, looped_frames);
        if (content->size() > max_file)
            return Error{Errc::too_large, 0, fmt::format("{}: too long", file)};
    }
    if (const Status s = process_.write("picture", *content); !s) return s.error();
    return process_.folder() + "/picture";
}

Result<std::vector<ProgramPhone::Sound>> ProgramHost::sounds() {
    std::vector<ProgramPhone::Sound> out;
    for (const PartStep& step : setting_.part->steps) {
        const auto* media = std::get_if<MediaStep>(&step.step->what);
        if (media == nullptr || media->video || media->source != MediaStep::Source::file) continue;
        if (std::any_of(out.begin(), out.end(),
                        [&](const ProgramPhone::Sound& one) { return one.name == media->file; }))
            continue;
        ProgramPhone::Sound one;
        one.name = media->file;
        auto file = sound(media->file, one.length);
        if (!file) return file.error();
        one.file = std::move(*file);
        out.push_back(std::move(one));
    }
    return out;
}

Status ProgramHost::start(Time now) {
    const PhoneLine& line = *setting_.line;
    if (const Status s = process_.make_folder(line.name); !s) return s;
    auto files = sounds();
    if (!files) return files.error();
    ProgramPhone::Setting phone;
    phone.line = &line;
    phone.directory = setting_.directory;
    phone.at = setting_.at;
    phone.sounds = std::move(*files);
    phone.contacts = ProgramPhone::contacts_of(*setting_.part, *setting_.directory);
    const auto hertz = hertz_of(setting_of(line, "sound"));
    phone.rest = hertz ? baresip::tone_source(*hertz) : baresip::silence_source();
    baresip::Place place;
    place.at = setting_.at;
    place.control_port = control_port_;
    place.first_rtp_port = rtp_port_;
    place.folder = process_.folder();
    place.modules = modules_;
    place.sound = phone.rest;
    auto shown = picture();
    if (!shown) return shown.error();
    place.picture = std::move(*shown);
    const Party* self = setting_.directory->by_name(line.name);
    const std::string through = ProgramPhone::through(line, *setting_.directory);
    std::string contacts;
    for (const std::string& uri : phone.contacts) contacts += fmt::format("\"{0}\" <{0}>\n", uri);
    const std::string account = baresip::account(line, self->aor, 0, through) + "\n";
    for (const auto& [name, text] :
         {std::pair<std::string, std::string>{"config", baresip::config(line, place)},
          {"accounts", account},
          {"contacts", contacts}})
        if (const Status s = process_.write(name, as_bytes(text)); !s) return s;
    phone_ = std::make_unique<ProgramPhone>(std::move(phone));
    const auto there = enter();
    if (!there) return there.error();
    started_ = now;
    return process_.start(
        program_, {"-s", setting_.at.address.is_v6() ? "-6" : "-4", "-f", process_.folder()});
}

void ProgramHost::connect() {
    const auto there = enter();
    if (!there) return;
    auto made = ControlSocket::connect(control_port_);
    if (made) control_.emplace(std::move(*made));
}

bool ProgramHost::turn(Time now) {
    if (phone_->failed()) return false;
    if (!control_) connect();
    bool said = false;
    if (control_) {
        to_say_ += phone_->take_commands();
        const auto state = control_->exchange(heard_, to_say_);
        if (state == ControlSocket::State::closed && !greeted_) {
            control_.reset();  // it does not listen yet
        } else if (state == ControlSocket::State::open && !greeted_) {
            greeted_ = true;
            phone_->greet();
        }
    }
    // Its log last: what an event speaks of stands there before the event is sent.
    const std::string log = process_.read_log();
    said = !log.empty() || !heard_.empty();
    if (!log.empty()) phone_->on_trace(log, now);
    if (!heard_.empty()) phone_->on_control(std::exchange(heard_, {}), now);
    phone_->on_timer(now);
    if (const auto how = process_.ended())
        phone_->on_ended(fmt::format("{} {}", setting_.line->program, *how), now);
    else if (!phone_->ready() && now > started_ + longest_start)
        phone_->on_ended(fmt::format("{} did not come up within {:g} s", setting_.line->program,
                                     to_seconds(longest_start)),
                         now);
    to_say_ += phone_->take_commands();
    if (control_ && !to_say_.empty()) (void)control_->exchange(heard_, to_say_);
    return said;
}

}  // namespace sipana::lab
