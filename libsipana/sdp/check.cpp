// check(): the session level and the shape of lines. An m-line's section is check_media.cpp's.
#include "libsipana/sdp/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/base/text.h"
#include "libsipana/sdp/check_media.h"
#include "libsipana/sdp/rules.h"

namespace sipana::sdp {
namespace {

constexpr std::string_view session_order = "vosiuepcbtrzka", media_order = "micbka";

class SessionCheck {
public:
    SessionCheck(const Session& session, Findings& findings)
        : session_(session), findings_(findings) {}

    void check() {
        shape();
        order();
        required();
        repeated();
        values();
        groups();
        if (session_.cut_short())
            findings_.add("sdp-cut-short", session_.text().data(),
                          fmt::format("read up to {} lines and {} m-lines", max_lines, max_media));
    }

private:
    const char* at(const Line& line) const { return session_.text().data() + line.offset; }

    // Each oddity once, with how often it is there.
    void shape() {
        const Line* without_form = nullptr;
        const Line *spaced = nullptr, *nul = nullptr, *bare = nullptr, *unknown = nullptr;
        std::size_t bare_count = 0;
        for (const Line& line : session_.lines()) {
            if (line.type == 0 && without_form == nullptr) without_form = &line;
            if (line.spaced && spaced == nullptr) spaced = &line;
            if (nul == nullptr && line.value.find('\0') != line.value.npos) nul = &line;
            const bool known = line.type == 0 || line.type == 'm' ||
                               session_order.find(line.type) != session_order.npos;
            if (!known && unknown == nullptr) unknown = &line;
            if (line.end == LineEnd::lf || line.end == LineEnd::cr) {
                ++bare_count;
                if (bare == nullptr) bare = &line;
            }
        }
        if (without_form)
            findings_.add("sdp-line-form", at(*without_form), "a line without \"x=\"");
        if (spaced) findings_.add("sdp-white-space", at(*spaced), "white space beside the \"=\"");
        if (nul) findings_.add("sdp-nul", at(*nul), "a NUL byte in the value");
        if (unknown)
            findings_.add("sdp-type-unknown", at(*unknown),
                          fmt::format("{}= is no type", unknown->type));
        if (bare)
            findings_.add("sdp-line-end", at(*bare),
                          fmt::format("{} line(s) end in {} alone", bare_count,
                                      bare->end == LineEnd::lf ? "LF" : "CR"));
        const Line& last = session_.lines().back();
        if (last.end == LineEnd::none)
            findings_.add("sdp-line-unended", at(last), "the last line has no line end");
    }

    void order() {
        ordered(session_.level().lines, session_order);
        for (const Media& media : session_.media()) ordered(media.lines, media_order);
    }
    // The first line that is out of order; those behind it often follow from it.
    void ordered(std::span<const Line> lines, std::string_view types) {
        std::size_t reached = 0;
        for (const Line& line : lines) {
            if (line.type == 0 ||
                (line.type != 'm' && session_order.find(line.type) == session_order.npos))
                continue;
            std::size_t rank = types.find(line.type);
            if (rank == types.npos) {
                findings_.add("sdp-order", at(line),
                              fmt::format("{}= belongs before the first m=", line.type));
                return;
            }
            // Each t= may have its r= lines, and another t= may follow.
            if (line.type == 'r') rank = types.find('t');
            if (rank < reached) {
                findings_.add("sdp-order", at(line),
                              fmt::format("{}= after {}=", line.type, types[reached]));
                return;
            }
            reached = rank;
        }
    }

    void required() {
        const char* begin = session_.text().data();
        if (!session_.first('v')) findings_.add("sdp-version-missing", begin, "no v= line");
        if (!session_.first('o')) findings_.add("sdp-origin-missing", begin, "no o= line");
        if (!session_.first('s')) findings_.add("sdp-session-name-missing", begin, "no s= line");
        if (!session_.first('t')) findings_.add("sdp-timing-missing", begin, "no t= line");
        if (session_.level().first('c') != nullptr) return;
        for (const Media& media : session_.media()) {
            if (media.first('c') != nullptr) continue;
            findings_.add("sdp-connection-missing", at(media.lines.front()),
                          "no c= here and none at session level");
            return;
        }
    }

    void repeated() {
        once({session_.lines()}, "vosuz");
        once(session_.level(), "ick");
        for (const Media& media : session_.media()) once(media, "ik");
    }
    void once(const Section& section, std::string_view types) {
        for (const char type : types) {
            std::size_t count = 0;
            for (const Line& line : section.lines)
                if (line.type == type && ++count == 2)
                    findings_.add("sdp-line-repeated", at(line), fmt::format("a second {}=", type));
        }
    }

    void values() {
        for (const Line& line : session_.lines()) {
            switch (line.type) {
                case 'v':
                    if (trim(line.value) != "0")
                        findings_.add("sdp-version", at(line), fmt::format("v={}", line.value));
                    break;
                case 'o':
                    origin(line);
                    break;
                case 's':
                    if (line.value.empty())
                        findings_.add("sdp-session-name", at(line), "s= is empty");
                    break;
                case 't':
                    timing(line);
                    break;
                case 'c':
                    connection(line);
                    break;
                case 'b':
                    if (!parse_bandwidth(line.value))
                        findings_.add("sdp-bandwidth", at(line), fmt::format("b={}", line.value));
                    break;
                default:
                    break;
            }
        }
    }

    void origin(const Line& line) {
        const auto o = parse_origin(line.value);
        std::string wrong;
        if (!o || o->host.empty())
            wrong = "fewer than six words";
        else if (!to_number<std::uint64_t>(o->session_id))
            wrong = "the session id is not a number of 64 bits";
        else if (!to_number<std::uint64_t>(o->session_version))
            wrong = "the version is not a number of 64 bits";
        else
            wrong = wrong_family(o->nettype, o->addrtype, o->host);
        if (!wrong.empty())
            findings_.add("sdp-origin", at(line), wrong + ": " + std::string(line.value));
    }

    static std::string wrong_family(std::string_view nettype, std::string_view addrtype,
                                    std::string_view host) {
        if (nettype != "IN") return "the network type is not IN";
        if (addrtype != "IP4" && addrtype != "IP6")
            return "the address type is neither IP4 nor IP6";
        const auto address = Address::parse(host);
        const bool is_v6 = host.find(':') != host.npos;
        if (address && is_v6 != (addrtype == "IP6")) return "the address is not of the type named";
        return {};
    }

    void timing(const Line& line) {
        const auto t = parse_timing(line.value);
        if (!t || (t->stop != 0 && t->stop < t->start))
            findings_.add("sdp-timing", at(line), fmt::format("t={}", line.value));
    }

    void connection(const Line& line) {
        const auto c = parse_connection(line.value);
        const std::string wrong =
            c ? wrong_family(c->nettype, c->addrtype, c->host) : "fewer than three words";
        if (!wrong.empty()) {
            findings_.add("sdp-connection", at(line), fmt::format("{}: c={}", wrong, line.value));
            return;
        }
        const bool v4_multicast = c->address.is_v4() && c->address.is_multicast();
        if (v4_multicast && !c->ttl)
            findings_.add("sdp-connection-ttl", at(line), "a multicast address without TTL");
        else if (!v4_multicast && c->ttl && !c->address.empty())
            findings_.add("sdp-connection-ttl", at(line), "a TTL where there is no IPv4 multicast");
        else if (c->ttl && *c->ttl > 255)
            findings_.add("sdp-connection-ttl", at(line), "a TTL above 255");
    }

    void groups() {
        std::vector<std::string_view> mids;  // of the m-lines that have one
        for (const Media& media : session_.media()) {
            if (!media.has("mid")) continue;
            const std::string_view mid = media.mid();
            if (mid.empty() || std::find(mids.begin(), mids.end(), mid) != mids.end())
                findings_.add("sdp-mid-repeated", at(media.lines.front()),
                              fmt::format("mid '{}' is empty or taken", mid));
            mids.push_back(mid);
        }
        session_.level().each("group", [&](std::string_view value, const Line& line) {
            const auto group = parse_group(value);
            std::string_view members = group ? group->members : std::string_view{};
            // There are no more mids than m-lines; what is repeated beyond that need not be read.
            for (std::size_t i = 0; i <= max_media; ++i) {
                const std::string_view m = next_word(members);
                if (m.empty()) return;
                if (std::find(mids.begin(), mids.end(), m) != mids.end()) continue;
                findings_.add("sdp-group-mid", at(line),
                              fmt::format("no m-line has the mid '{}'", m));
                return;
            }
        });
    }

    const Session& session_;
    Findings& findings_;
};

}  // namespace

void check(const Session& session, std::vector<Finding>& out) {
    if (session.lines().empty()) return;
    Findings findings(session.text(), out);
    SessionCheck(session, findings).check();
    for (const Media& media : session.media()) check_media(media, findings);
}

}  // namespace sipana::sdp
