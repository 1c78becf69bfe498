// The steps of a phone that a program plays: done when its trace shows the message.
#include "libsipana/lab/play.h"
#include "libsipana/lab/program_phone.h"

namespace sipana::lab {

bool Play::takes(ProgramPhone& phone, Conversation& conversation, const Arrival& arrival) {
    if (over_) return false;
    for (std::size_t p = 0; p < progress_.size(); ++p)
        if (program(p) == &phone && takes(p, conversation, arrival)) return true;
    return false;
}

void Play::on_sent(std::size_t p, std::size_t step, Time now) {
    if (over_ || progress_[p].begun[step] == 0) return;
    if (progress_[p].outcome[step] != Outcome::not_reached) return;
    done(p, step, now, "sent");
    advance(now);
}

bool Play::send_by(ProgramPhone& phone, std::size_t p, std::size_t i, Time now) {
    Progress& progress = progress_[p];
    Conversation* c = progress.last;
    const Fill filler = [this, p, &c](std::string_view text) { return fill(text, p, c); };
    progress.begun[i] = 1;  // what it sends by itself may be on the wire already
    const auto begun = phone.send(*this, p, i, (*setting_.parts)[p].steps[i], filler, now);
    if (!begun) {
        fail(p, i, now, begun.error().what);
        return true;
    }
    progress.last = *begun;
    return progress.outcome[i] != Outcome::not_reached;
}

bool Play::media_by(ProgramPhone& phone, std::size_t p, std::size_t i, const MediaStep& media,
                    Time now) {
    Progress& progress = progress_[p];
    if (progress.begun[i] == 0) {
        if (const Status s = phone.play(*this, p, step_at(p, i), now); !s) {
            fail(p, i, now, s.error().what);
            return true;
        }
        progress.armed[i] = now;
        progress.begun[i] = 1;
    }
    if (!media.go_on && now < progress.armed[i] + length_of(media)) return false;
    if (!media.go_on && media.source != MediaStep::Source::digits) phone.stop(media.video);
    done(p, i, now);
    return true;
}

}  // namespace sipana::lab
