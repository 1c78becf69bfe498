#include "libsipana/sdp/media_address.h"

#include <optional>

#include "libsipana/sdp/session.h"

namespace sipana::sdp {
namespace {

// One level while it is read: its first c=, a=rtcp and rtcp-mux.
struct Level {
    bool has_connection = false, mux = false, crypto = false, fingerprint = false, ice = false;
    std::optional<Connection> connection;
    bool has_rtcp = false;
    std::optional<RtcpAttribute> rtcp;

    void read(const Line& line) {
        if (line.type == 'c' && !has_connection) {
            has_connection = true;
            connection = parse_connection(line.value);
        } else if (line.type == 'a' && line.value.size() >= 4) {
            read_attribute(line);
        }
    }

    void read_attribute(const Line& line) {
        const char first = to_lower(line.value[0]), third = to_lower(line.value[2]);
        if (first == 'r' && third == 'c') {
            if (const char* value = attribute_value(line, "rtcp"); value && !has_rtcp) {
                has_rtcp = true;
                rtcp = parse_rtcp({value, line.value.data() + line.value.size()});
            }
            mux |= attribute_value(line, "rtcp-mux") != nullptr;
        } else if (first == 'c') {
            crypto |= attribute_value(line, "crypto") != nullptr;
            ice |= attribute_value(line, "candidate") != nullptr;
        } else if (first == 'f' && third == 'n') {
            fingerprint |= attribute_value(line, "fingerprint") != nullptr;
        }
    }
};

PayloadTypes payload_types(std::string_view formats) {
    PayloadTypes types;
    while (!formats.empty())
        if (const auto type = to_number(trim(cut(formats, ' '))); type && *type < types.size()) types.set(*type);
    return types;
}

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
        a.formats = payload_types(field.formats);
        a.rtp = {connection ? connection->address : Address{}, field.port};
        a.ice = level.ice;
        a.rtcp_mux = level.mux;
        a.keys = level.crypto || level.fingerprint || session.fingerprint;
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
