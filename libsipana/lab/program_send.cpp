// What a program is told to do: the commands behind a script's lines.
#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/lab/program_phone.h"
#include "libsipana/lab/program_rules.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {
namespace {

constexpr std::uint32_t usual_expires = 3600;

// Straight to another phone: its contact, whatever its address of record is.
std::string called(const Directory& directory, const Party& peer, const std::string& target) {
    if (target.empty() && !peer.user.empty()) return uri_of(peer.user, peer.at.to_string());
    return target_uri(directory, peer, target);
}

Error no_call(std::string_view method) {
    return {Errc::not_found, 0, fmt::format("there is no call to send {} in", method)};
}

}  // namespace

Result<Conversation*> ProgramPhone::send(Director& director, std::size_t part, std::size_t index,
                                         const PartStep& step, const Fill& fill, Time now) {
    const auto& send = std::get<Send>(step.step->what);
    Waiting waiting;
    waiting.director = &director;
    waiting.part = part;
    waiting.step = index;
    Result<Conversation*> begun = std::holds_alternative<Request>(send.what)
                                      ? request(waiting, send, step, fill)
                                      : respond(waiting, send, *step.step);
    if (begun) wait(std::move(waiting), now);
    return begun;
}

Result<Conversation*> ProgramPhone::request(Waiting& waiting, const Send& send,
                                            const PartStep& known, const Fill& fill) {
    const auto& what = std::get<Request>(send.what);
    const Step& step = *known.step;
    const Party* peer = setting_.directory->by_name(step.peer);
    if (peer == nullptr)
        return Error{Errc::not_found, 0, fmt::format("nobody is called {}", step.peer)};
    waiting.method = what.method;
    waiting.final_told = known.final_told;
    waiting.challenge_told = known.challenge_told;
    const bool alone = what.method == "REGISTER" || what.method == "OPTIONS" ||
                       what.method == "MESSAGE" || send.outside;
    if (Talk* over = ending(waiting, step)) {  // the end of a transfer, which comes by itself
        waiting.talk = over;
        return over->conversation.get();
    }
    if (unregisters(send)) return unregister(waiting, step);
    Talk* talk =
        alone ? nullptr : find(waiting.director, waiting.part, what.method, step.peer, step.call);
    const bool opens = alone || (talk == nullptr && what.method == "INVITE");
    if (talk == nullptr && !opens) return no_call(what.method);
    Status status = Done{};
    if (opens) {
        const std::string uri =
            called(*setting_.directory, *peer, what.target.empty() ? "" : fill(what.target));
        status = open(waiting, send, step, uri, fill);
    } else {
        const bool by_itself = what.method == "ACK" || what.method == "NOTIFY";
        waiting.talk = talk;
        waiting.from = by_itself ? 0 : talk->sent.size();
        if (what.method == "NOTIFY") waiting.body = trim(fill(send.body));
        status = within(*talk, send, what.method, fill, waiting.token);
    }
    if (!status) return status.error();
    return waiting.talk->conversation.get();
}

// What begins a Call-ID.
Status ProgramPhone::open(Waiting& waiting, const Send& send, const Step& step,
                          const std::string& uri, const Fill& fill) {
    Status status = Done{};
    if (waiting.method == "INVITE" && transfers_ > 0) {
        --transfers_;  // it calls whom it was told to by itself
        waiting.talk = adopt(*waiting.director, waiting.part, step);
    } else if (waiting.method == "REGISTER") {
        const auto given = to_number<std::uint32_t>(setting_of(line(), "expires"));
        status = register_for(given.value_or(usual_expires), waiting.token);
    } else if (waiting.method == "MESSAGE") {
        status = write_to(uri, fill(send.body), waiting.token);
    } else if (!baresip::usable(uri)) {
        status = Error{Errc::malformed, 0,
                       fmt::format("{} cannot call {}", line().program, printable(uri))};
    } else {
        auto told = command(waiting.method == "INVITE" ? "dial" : "options", uri);
        if (!told) return told.error();
        waiting.token = *told;
    }
    if (!status) return status;
    if (waiting.talk == nullptr)
        waiting.talk = &begin(waiting.director, waiting.part, step.peer, step.call);
    waiting.talk->call = waiting.method == "INVITE";
    waiting.talk->registers = waiting.method == "REGISTER";
    return Done{};
}

// A call that it has hung up without being told to, and a line that says so now.
ProgramPhone::Talk* ProgramPhone::ending(const Waiting& waiting, const Step& step) {
    if (waiting.method != "BYE") return nullptr;
    for (Talk& talk : talks_) {
        const Conversation& c = *talk.conversation;
        if (c.director != waiting.director || c.part != waiting.part || c.label != step.call)
            continue;
        for (const Sent& one : talk.sent)
            if (one.method == "BYE" && one.code == 0 && !one.claimed) return &talk;
    }
    return nullptr;
}

// Its registration goes with the account that it was for.
Result<Conversation*> ProgramPhone::unregister(Waiting& waiting, const Step& step) {
    for (auto talk = talks_.rbegin(); talk != talks_.rend(); ++talk) {
        const Conversation& c = *talk->conversation;
        if (!talk->registers || c.director != waiting.director || c.peer != step.peer) continue;
        waiting.from = talk->sent.size();
        if (const Status s = register_for(0, waiting.token); !s) return s.error();
        waiting.talk = &*talk;
        return talk->conversation.get();
    }
    return Error{Errc::not_found, 0, "there is no registration to take back"};
}

// A call that the program began by itself, where the trace has shown one.
ProgramPhone::Talk* ProgramPhone::adopt(Director& director, std::size_t part, const Step& step) {
    for (Talk& talk : talks_) {
        Conversation& c = *talk.conversation;
        if (c.director != nullptr || c.incoming || !talk.call || talk.ended) continue;
        c.director = &director;
        c.part = part;
        c.peer = step.peer;
        c.label = step.call;
        director.conversations.push_back(&c);
        return &talk;
    }
    return nullptr;
}

Status ProgramPhone::within(Talk& talk, const Send& send, const std::string& method,
                            const Fill& fill, std::uint64_t& token) {
    if (method == "ACK" || method == "NOTIFY") return Done{};  // it sends these by itself
    if (method == "BYE" || method == "CANCEL") {
        talk.cancelled = talk.cancelled || method == "CANCEL";
        return in_call(talk, "hangup", {}, token);
    }
    if (method == "INVITE") {
        if (!talk.established)
            return Error{Errc::malformed, 0, "the call is not established: nothing to hold"};
        return in_call(talk, send.sdp.direction == "sendonly" ? "hold" : "resume", {}, token);
    }
    const Party* peer = setting_.directory->by_name(talk.conversation->peer);
    if (peer == nullptr) return no_call(method);
    const std::string wish = fill(send.refer_to);
    const Party* other = setting_.directory->by_name(wish);
    const bool straight = other != nullptr && !other->user.empty() && !peer->user.empty();
    const std::string uri = straight ? uri_of(other->user, other->at.to_string())
                                     : target_uri(*setting_.directory, *peer, wish);
    if (!baresip::usable(uri))
        return Error{Errc::malformed, 0,
                     fmt::format("{} cannot transfer to {}", line().program, printable(uri))};
    return in_call(talk, "transfer", uri, token);
}

Result<Conversation*> ProgramPhone::respond(Waiting& waiting, const Send& send, const Step& step) {
    const int code = std::get<Response>(send.what).code;
    waiting.code = code;
    waiting.method = send.to;
    Talk* owing = nullptr;
    Talk* any = nullptr;
    for (Talk& talk : talks_) {
        const Conversation& c = *talk.conversation;
        if (c.director != waiting.director || c.part != waiting.part || c.label != step.call)
            continue;
        if (any == nullptr || c.peer == step.peer) any = &talk;
        const bool better = owing == nullptr || owing->conversation->peer != step.peer;
        if (talk.owed_invite && better) owing = &talk;
    }
    const bool to_invite = send.to.empty() || send.to == "INVITE";
    waiting.talk = to_invite && owing != nullptr ? owing : any;
    if (waiting.talk == nullptr)
        return Error{Errc::not_found, 0, "there is no request that waits for this response"};
    Status status = Done{};
    if (to_invite && owing != nullptr && (code == 200 || code == 486)) {
        waiting.method = "INVITE";
        waiting.from = owing->sent.size();
        status = in_call(*owing, code == 200 ? "accept" : "hangup", {}, waiting.token);
    } else if (code == 486) {
        return Error{Errc::not_found, 0, "there is no call to refuse"};
    }
    if (!status) return status.error();
    return waiting.talk->conversation.get();
}

// ---------------------------------------------------------------- its account

// Where its requests go if not where the host of its URI says: a name means what the script says.
std::string ProgramPhone::through(const PhoneLine& line, const Directory& directory) {
    if (line.domain.empty()) return {};
    const Party* server = directory.by_name(line.domain);
    const std::string named = "sip:" + (server != nullptr ? server->host : line.domain);
    const auto uri = sip::parse_uri(named);  // views it
    if (uri && Address::parse(uri->host)) return {};
    for (const Party& one : const_cast<Directory&>(directory).peers()) {
        const bool meant = server != nullptr ? &one == server : one.user.empty();
        if (meant) return fmt::format("sip:{}", one.at.to_string());
    }
    return {};
}

// baresip 1.0 has no command that registers: an account that asks for it takes the place of the
// one that it has.
Status ProgramPhone::register_for(std::uint32_t expires, std::uint64_t& token) {
    const Party* self = setting_.directory->by_name(line().name);
    if (self == nullptr) return Error{Errc::not_found, 0, "it has no address of record"};
    if (auto gone = command("uadel", self->aor); !gone) return gone.error();
    auto made = command("uanew", baresip::account(line(), self->aor, expires,
                                                  through(line(), *setting_.directory)));
    if (!made) return made.error();
    token = *made;
    return Done{};
}

// It writes to its current contact: that has to be the one meant.
std::vector<std::string> ProgramPhone::contacts_of(const Part& part, const Directory& directory) {
    std::vector<std::string> out;
    for (const PartStep& known : part.steps) {
        const auto* send = std::get_if<Send>(&known.step->what);
        const auto* request = send != nullptr ? std::get_if<Request>(&send->what) : nullptr;
        const Party* peer = directory.by_name(known.step->peer);
        if (request == nullptr || request->method != "MESSAGE" || peer == nullptr) continue;
        std::string uri = called(directory, *peer, request->target);
        if (baresip::usable(uri) && std::find(out.begin(), out.end(), uri) == out.end())
            out.push_back(std::move(uri));
    }
    return out;
}

Status ProgramPhone::write_to(const std::string& uri, const std::string& text,
                              std::uint64_t& token) {
    const auto& all = setting_.contacts;
    const auto found = std::find(all.begin(), all.end(), uri);
    if (found == all.end())
        return Error{Errc::not_found, 0,
                     fmt::format("{} has no contact {}", line().program, printable(uri))};
    const bool one_line = std::none_of(text.begin(), text.end(),
                                       [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (!one_line)
        return Error{Errc::unsupported, 0,
                     fmt::format("{} cannot write more than one line", line().program)};
    const auto wanted = static_cast<std::size_t>(found - all.begin());
    while (contact_ != wanted) {
        const bool forward = contact_ < wanted;
        if (auto moved = command(forward ? "contact_next" : "contact_prev"); !moved)
            return moved.error();
        contact_ = forward ? contact_ + 1 : contact_ - 1;
    }
    auto told = command("message", text);
    if (!told) return told.error();
    token = *told;
    return Done{};
}

// ---------------------------------------------------------------- media

Status ProgramPhone::play(Director& director, std::size_t part, const Step& step, Time now) {
    using Source = MediaStep::Source;
    const auto& media = std::get<MediaStep>(step.what);
    Talk* talk = find(&director, part, "INFO", step.peer, step.call);
    if (talk == nullptr) return Error{Errc::not_found, 0, "there is no call to send media in"};
    std::uint64_t token = 0;
    if (media.source == Source::digits) return in_call(*talk, "sndcode", media.digits, token);
    if (media.video) return Done{};  // its picture goes out as long as the call lasts
    std::string source = baresip::silence_source();
    sound_ends_.reset();
    if (media.source == Source::tone) {
        source = baresip::tone_source(media.hertz);
    } else if (media.source == Source::file) {
        const auto sound = std::find_if(setting_.sounds.begin(), setting_.sounds.end(),
                                        [&](const Sound& one) { return one.name == media.file; });
        if (sound == setting_.sounds.end())
            return Error{Errc::not_found, 0, fmt::format("{}: cannot be played", media.file)};
        source = baresip::file_source(sound->file);
        // baresip hangs up when its file is over: before that it is given another sound.
        sound_ends_ = now + sound->length;
    }
    return in_call(*talk, "ausrc", source, token);
}

void ProgramPhone::stop(bool video) {
    sound_ends_.reset();
    if (!video) (void)command("ausrc", setting_.rest);
}

// ---------------------------------------------------------------- commands

Result<std::uint64_t> ProgramPhone::command(std::string_view name, std::string_view params) {
    const std::uint64_t token = ++tokens_;
    auto text = baresip::write(name, params, fmt::format("{}", token));
    if (!text) return text.error();
    output_ += *text;
    return token;
}

// Of several calls its commands mean the current one.
Status ProgramPhone::in_call(Talk& talk, std::string_view name, std::string_view params,
                             std::uint64_t& token) {
    if (live_calls() > 1)
        if (auto found = command("callfind", talk.conversation->call_id); !found)
            return found.error();
    auto told = command(name, params);
    if (!told) return told.error();
    token = *told;
    return Done{};
}

}  // namespace sipana::lab
