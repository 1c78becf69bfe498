#include "libsipana/sdp/media_address.h"

#include <optional>

#include "libsipana/sdp/session.h"

namespace sipana::sdp {
namespace {

// One level while it is read: its first c=, a=rtcp and rtcp-mux.
struct Level {
    bool has_connection = false, mux = false, ice = false;
    std::optional<Connection> connection;
    bool has_rtcp = false;
    std::optional<RtcpAttribute> rtcp;

    void read(const Line& line) {
        if (line.type == 'c' && !has_connection) {
            has_connection = true;
            connection = parse_connection(line.value);
        } else if (line.type == 'a' && line.value.size() >= 4 && to_lower(line.value[0]) == 'r' &&
                   to_lower(line.value[2]) == 'c') {
            if (const char* value = attribute_value(line, "rtcp"); value && !has_rtcp) {
                has_rtcp = true;
                rtcp = parse_rtcp({value, line.value.data() + line.value.size()});
            }
            mux |= attribute_value(line, "rtcp-mux") != nullptr;
        } else if (line.type == 'a' && !ice && attribute_value(line, "candidate") != nullptr) {
            ice = true;
        }
    }
};

}  // namespace

std::size_t media_addresses(std::string_view text, std::span<MediaAddress> out) {
    if (text.size() > max_text) return 0;
    LineReader reader(text);
    Line line;
    Level session, level;
    MediaField field;
    std::size_t count = 0, lines = 0;
    const auto close = [&] {
        if (count == 0 || count > out.size()) return;
        MediaAddress& a = out[count - 1];
        const auto& connection = level.connection ? level.connection : session.connection;
        a.media = field.media;
        a.protocol = field.protocol;
        a.rtp = {connection ? connection->address : Address{}, field.port};
        a.ice = level.ice;
        a.rtcp_mux = level.mux;
        a.rtcp = level.mux ? rtcp_endpoint_with_mux(a.rtp, level.rtcp)
                           : rtcp_endpoint(a.rtp, level.rtcp);
    };
    while (lines++ < max_lines && reader.next(line)) {
        if (line.type != 'm') {
            (count == 0 ? session : level).read(line);
            continue;
        }
        if (count == max_media) break;
        close();
        ++count;
        level = {};
        field = parse_media(line.value);
    }
    close();
    return count;
}

}  // namespace sipana::sdp
