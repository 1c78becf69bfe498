#include "libsipana/sdp/agreement.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"

namespace sipana::sdp {
namespace {

std::string_view kept(std::string_view text) { return trim(text).substr(0, max_kept_text); }

struct Best {
    const Codec* codec = nullptr;  // of the offer
    Match match = Match::none;
};

Best best_match(const Codec& answered, const MediaLine& line) {
    Best best;
    for (const Codec& offered : line.offer.codecs) {
        const Match m = match(offered, line.offer.codecs, answered, line.answer->codecs);
        // Of several equals (H264 offered twice) the one of the same payload type is meant.
        const bool same_number =
            m == best.match && m != Match::none && offered.payload_type == answered.payload_type;
        if (m > best.match || same_number) best = {&offered, m};
    }
    return best;
}

std::string named(const Codec& c) {
    if (c.name.empty()) return fmt::format("payload type {}", c.payload_type);
    if (c.clock_hz == 0) return c.name;
    if (c.channels > 1) return fmt::format("{}/{}/{}", c.name, c.clock_hz, c.channels);
    return fmt::format("{}/{}", c.name, c.clock_hz);
}

std::string listed(const std::vector<Codec>& codecs) {
    std::string out;
    for (const Codec& c : codecs) {
        if (out.size() > 200) return out + ", ...";
        if (!out.empty()) out += ", ";
        out += named(c);
    }
    return out.empty() ? "none" : out;
}

// RFC 4145 4.1: what may answer what.
bool setup_answers(std::string_view offer, std::string_view answer) {
    if (iequals(answer, "holdconn")) return true;
    if (iequals(offer, "active")) return iequals(answer, "passive");
    if (iequals(offer, "passive")) return iequals(answer, "active");
    if (iequals(offer, "actpass")) return iequals(answer, "active") || iequals(answer, "passive");
    return !iequals(offer, "holdconn");
}

bool all_in(std::string_view members, std::string_view group) {
    for (auto m = next_word(members); !m.empty(); m = next_word(members)) {
        std::string_view rest = group;
        bool found = false;
        for (auto g = next_word(rest); !g.empty() && !found; g = next_word(rest)) found = g == m;
        if (!found) return false;
    }
    return true;
}

class AnswerCheck {
public:
    AnswerCheck(const MediaLine& line, const Media& media, std::vector<Breach>& out)
        : line_(line), answer_(*line.answer), media_(media), out_(out) {}

    void check() {
        if (!iequals(line_.media, media_.media))
            add("sdp-answer-media-type",
                fmt::format("offered {}, answered {}", line_.media, media_.media));
        if (line_.offer.rtp.port == 0 && answer_.rtp.port != 0 && line_.bundle.empty())
            add("sdp-answer-revived", "was offered with port 0 and is answered with a port");
        const std::string_view mid = kept(media_.mid());
        if (!mid.empty() && mid != line_.mid)
            add("sdp-answer-mid",
                fmt::format("mid is '{}' in the offer, '{}' in the answer", line_.mid, mid));
        if (line_.refused || line_.offer.rtp.port == 0) return;
        const std::string_view group = media_.bundle();
        const bool whole = group.size() < max_kept_text && line_.bundle.size() < max_kept_text;
        if (whole && !all_in(group, line_.bundle))
            add("sdp-answer-bundle",
                "is bundled with m-lines that the offer did not bundle it with");
        protocol();
        direction();
        codecs();
        if (answer_.rtcp_mux && !line_.offer.rtcp_mux)
            add("sdp-answer-rtcp-mux", "answers rtcp-mux, which was not offered");
        security();
    }

private:
    void add(std::string_view rule, std::string text) {
        out_.push_back(
            {rule, fmt::format("m-line {} ({}): {}", line_.index + 1, line_.media, text)});
    }

    void protocol() {
        if (!iequals(line_.protocol, media_.protocol))
            add("sdp-answer-protocol",
                fmt::format("offered {}, answered {}", line_.protocol, media_.protocol));
    }

    void direction() {
        const Direction o = line_.offer.direction, a = answer_.direction;
        if ((sends(a) && !receives(o)) || (receives(a) && !sends(o)))
            add("sdp-answer-direction",
                fmt::format("{} cannot answer {}", to_string(a), to_string(o)));
    }

    void codecs() {
        if (line_.offer.codecs.empty() || answer_.codecs.empty()) return;
        if (line_.agreed.empty()) {
            add("sdp-answer-no-common-codec",
                fmt::format("offered {}; answered {}", listed(line_.offer.codecs),
                            listed(answer_.codecs)));
            return;
        }
        for (const Codec& c : answer_.codecs) {
            const Best best = best_match(c, line_);
            if (best.match == Match::none) {
                add("sdp-answer-codec-not-offered", named(c) + " was not offered");
                continue;
            }
            if (best.match == Match::codec)
                add("sdp-answer-codec-parameters",
                    fmt::format("{}: '{}' does not go with what was offered, '{}'", named(c),
                                c.fmtp, best.codec->fmtp));
            else if (best.codec->payload_type != c.payload_type)
                add("sdp-answer-payload-type",
                    fmt::format("{} is {} in the offer, {} in the answer", named(c),
                                best.codec->payload_type, c.payload_type));
        }
        const auto auxiliary = [](const Codec& c) { return is_auxiliary(c.name); };
        const auto only = [&](const std::vector<Codec>& all) {
            return std::all_of(all.begin(), all.end(), auxiliary);
        };
        if (only(line_.agreed) && !only(line_.offer.codecs))
            add("sdp-answer-auxiliary-only",
                fmt::format("nothing agreed that carries media, only {}", listed(line_.agreed)));
    }

    void security() {
        const std::string &o = line_.offer.setup, &a = answer_.setup;
        if (!o.empty() && !a.empty() && !setup_answers(o, a))
            add("sdp-answer-setup", fmt::format("setup:{} cannot answer setup:{}", a, o));
        const auto& offered = line_.offer.crypto;
        const auto& answered = answer_.crypto;
        if (answered.size() > 1)
            add("sdp-answer-crypto",
                fmt::format("{} a=crypto lines where one must be chosen", answered.size()));
        const auto suite_offered = [&](const std::string& suite) {
            return std::any_of(offered.begin(), offered.end(),
                               [&](const std::string& s) { return iequals(s, suite); });
        };
        for (const std::string& suite : answered)
            if (!suite_offered(suite))
                add("sdp-answer-crypto", fmt::format("suite {} was not offered", suite));
        if (!offered.empty() && answered.empty() && media_.is_secure() &&
            answer_.fingerprint.empty())
            add("sdp-answer-crypto", "accepts SRTP without choosing an a=crypto line");
    }

    const MediaLine& line_;
    const MediaOffer& answer_;
    const Media& media_;
    std::vector<Breach>& out_;
};

}  // namespace

MediaOffer describe(const Media& media, Keeping& left) {
    MediaOffer o;
    o.rtp = media.rtp();
    o.rtcp = media.rtcp();
    o.rtcp_mux = media.rtcp_mux();
    o.direction = media.direction();
    o.on_hold = media.on_hold();
    o.codecs = codecs_of(media);
    if (o.codecs.size() > left.codecs) o.codecs.resize(left.codecs);
    left.codecs -= o.codecs.size();
    o.ptime_ms = media.ptime_ms();
    o.setup = kept(media.inherited("setup").value_or(""));
    if (const auto value = media.inherited("fingerprint"))
        if (const auto f = parse_fingerprint(*value))
            o.fingerprint = fmt::format("{} {}", kept(f->hash), kept(f->value));
    media.each("crypto", [&](std::string_view value, const Line&) {
        if (const auto c = parse_crypto(value)) o.crypto.emplace_back(c->suite);
    });
    media.each("candidate", [&](std::string_view value, const Line&) {
        if (left.candidates == 0) return;
        const auto c = parse_candidate(value);
        if (!c) return;
        --left.candidates;
        o.candidates.push_back(to_string(*c));
    });
    return o;
}

std::vector<MediaLine> offered_lines(const Session& session) {
    std::vector<MediaLine> out;
    out.reserve(session.media().size());
    Keeping left;
    for (const Media& media : session.media()) {
        MediaLine& line = out.emplace_back();
        line.index = static_cast<std::uint32_t>(out.size() - 1);
        line.media = media.media;
        line.protocol = media.protocol;
        line.mid = kept(media.mid());
        line.bundle = kept(media.bundle());
        line.offer = describe(media, left);
    }
    return out;
}

void agree(MediaLine& line, Side offerer, const Endpoint& offered_rtcp_without_mux,
           const Media& answer) {
    MediaOffer& offered = line.offer;
    MediaOffer& answered = *line.answer;
    // RFC 5761 5.1.1: both must want it, else RTCP has its own port on both sides.
    if (offered.rtcp_mux) {
        offered.rtcp = answered.rtcp_mux ? offered.rtp : offered_rtcp_without_mux;
        if (answered.rtcp_mux) answered.rtcp = answered.rtp;
    } else if (answered.rtcp_mux) {
        answered.rtcp = answer.rtcp_without_mux();
    }
    line.agreed.clear();
    line.direction = Direction::inactive;
    line.refused = answered.rtp.port == 0;
    if (line.refused) return;
    for (const Codec& c : answered.codecs)
        if (best_match(c, line).match != Match::none) line.agreed.push_back(c);
    // A side on hold does not receive, be it by its direction or by address 0.0.0.0.
    const bool to_answerer = sends(offered.direction) && !answered.on_hold;
    const bool to_offerer = sends(answered.direction) && !offered.on_hold;
    line.direction = offerer == Side::caller ? direction_of(to_answerer, to_offerer)
                                             : direction_of(to_offerer, to_answerer);
}

void check_answer(const MediaLine& line, const Media& answer, std::vector<Breach>& out) {
    AnswerCheck(line, answer, out).check();
}

}  // namespace sipana::sdp
