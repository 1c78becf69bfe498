// What became of the picture of one video stream: where loss broke it and until which key frame,
// who asked for key frames, and lip sync.
#include <algorithm>

#include "libsipana/render/html.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/svg.h"

namespace sipana::render {
namespace {

using analysis::BrokenPicture;
using analysis::KeyRequest;
using analysis::Stream;
using analysis::Video;

std::string_view began_text(const BrokenPicture& b) {
    return b.joined ? "the stream begins without a key frame" : "packets are missing";
}

// Who asked while it was broken, and how it ended.
std::string ended_text(const Video& v, const BrokenPicture& b) {
    std::string asked;
    std::size_t times = 0;
    for (const KeyRequest& r : v.requests) {
        if (r.time < b.start || r.time > b.end) continue;
        if (times++ == 0)
            asked = fmt::format("{} after {}", r.how, short_duration(r.time - b.start));
    }
    if (times > 1) asked += fmt::format(", {} in all", times);
    const std::string end = b.mended ? "a key frame" : "the stream's end";
    return asked.empty() ? fmt::format("{}; nobody had asked", end)
                         : fmt::format("{}; asked for by {}", end, asked);
}

void put_more(Page& page, std::size_t shown, std::size_t all) {
    if (shown < all) page.put("<p class=\"omitted\">{} more.</p>", all - shown);
}

void put_broken(Page& page, const Stream& s, Time start) {
    const Video& v = *s.video;
    if (v.broken.empty()) return;
    page.put(
        "<details{}><summary>The picture was broken {}, {} together</summary><p>Each picture is "
        "predicted from the one before it: what is missing in one is missing in all that follow, "
        "until a key frame, which needs no other, comes whole.</p><div "
        "class=\"scroll\"><table><thead><tr><th>From<th>For<th>Because<th>Packets "
        "lost<th>Frames spoiled<th>Until</thead><tbody>\n",
        v.broken.size() <= 12 ? " open" : "",
        v.broken_count == 1 ? "once" : fmt::format("{} times", v.broken_count),
        short_duration(v.broken_for));
    const std::size_t count = std::min(v.broken.size(), most_gaps_shown);
    for (std::size_t i = 0; i < count; ++i) {
        const BrokenPicture& b = v.broken[i];
        page.put(
            "<tr><td class=\"n\">{}<td class=\"n\">{}<td>{}<td class=\"n\">{}<td "
            "class=\"n\">{}<td>{}\n",
            since(b.start, start), short_duration(b.length), began_text(b), b.lost_packets,
            b.frames, ended_text(v, b));
    }
    page.out += "</tbody></table></div>";
    put_more(page, count, v.broken_count);
    page.out += "</details>\n";
}

void put_requests(Page& page, const Stream& s, Time start) {
    const Video& v = *s.video;
    if (v.requests.empty()) return;
    page.put(
        "<details{}><summary>{}</summary><div class=\"scroll\"><table><thead><tr><th>Time<th>"
        "How<th>From<th>Key frame after<th>Frame</thead><tbody>\n",
        v.requests.size() <= 12 ? " open" : "",
        counted(v.requests.size(), "request for a key frame", "requests for key frames"));
    const std::size_t count = std::min(v.requests.size(), most_rtcp_rows);
    for (std::size_t i = 0; i < count; ++i) {
        const KeyRequest& r = v.requests[i];
        page.put("<tr><td class=\"n\">{}<td>{}<td>{}<td class=\"n\">{}<td class=\"n\">{}\n",
                 since(r.time, start),
                 r.how == "INFO"  ? "SIP INFO (RFC 5168)"
                 : r.how == "FIR" ? "RTCP FIR"
                                  : "RTCP PLI",
                 r.src.to_string(),
                 r.answered_after ? short_duration(*r.answered_after) : "none came", r.frame);
    }
    page.out += "</tbody></table></div>";
    put_more(page, count, v.requests.size());
    page.out += "</details>\n";
}

}  // namespace

std::string broken_text(const Stream& s) {
    const Video& v = *s.video;
    const double all = to_seconds(s.end - s.start);
    const double share = all > 0 ? std::min(100.0, 100 * to_seconds(v.broken_for) / all) : 0;
    return fmt::format("{} ({})", short_duration(v.broken_for), percent_text(share));
}

std::string lip_sync_text(double behind_ms) {
    if (behind_ms > -0.05 && behind_ms < 0.05) return "0 ms";
    return fmt::format("{:.1f} ms {}", behind_ms < 0 ? -behind_ms : behind_ms,
                       behind_ms < 0 ? "ahead" : "behind");
}

void put_picture(Page& page, const Stream& stream, Time start) {
    if (!stream.video) return;
    put_broken(page, stream, start);
    put_requests(page, stream, start);
}

}  // namespace sipana::render
