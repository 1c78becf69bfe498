// Session descriptions (RFC 8866): the lines of one SDP text, its sections, and typed access to
// both.
//
// A Session views the text that it was parsed from: keep that text alive. It may be moved, not
// copied; its Media view it, so they end when it ends, moves or reads another text. Attributes are
// read when asked for.
//
// parse() is lenient: it takes lines in any order, ended by CRLF, LF or CR, keeps those that it
// does not know, and refuses only text without any m= or o= line. Whether it is legal is
// sdp/check's matter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/base/text.h"
#include "libsipana/sdp/attributes.h"
#include "libsipana/sdp/codec.h"
#include "libsipana/sdp/lines.h"

namespace sipana::sdp {

inline constexpr std::size_t max_text = 16u << 20;  // longer text is refused
// What lies beyond these is left out, and cut_short() says so.
inline constexpr std::size_t max_lines = 4096;
inline constexpr std::size_t max_media = 128;
inline constexpr std::size_t max_codecs = 128;  // of one m-line: there are no more payload types

struct Attribute {
    std::string_view name, value;
    bool has_value = false;  // there was a colon
};
Attribute attribute_of(const Line& line);  // of an a= line

// The lines of one level: all before the first m=, or an m= line and what follows it.
struct Section {
    std::span<const Line> lines;

    const Line* first(char type) const;
    // Of the first attribute of that name (any case); an empty value for a flag.
    std::optional<std::string_view> attribute(std::string_view name) const;
    bool has(std::string_view name) const { return attribute(name).has_value(); }
    // Calls visit(value, line) for each attribute of that name.
    template <typename Visit>
    void each(std::string_view name, Visit visit) const {
        for (const Line& line : lines)
            if (const char* value = attribute_value(line, name))
                visit(std::string_view(value, line.value.data() + line.value.size()), line);
    }
    std::vector<std::string_view> attributes(std::string_view name) const;
    std::optional<Direction> own_direction() const;  // the last of a=sendrecv ... a=inactive
};

struct Media : Section, MediaField {
    Section session;  // the session level, for what is inherited

    bool is_rtp() const;                           // "RTP/" stands in the protocol
    bool is_secure() const;                        // "SAVP" stands in the protocol
    std::optional<Connection> connection() const;  // own c=, else the session's (RFC 8866 5.7)
    Direction direction() const;                   // own, else the session's, else sendrecv
    // On hold by this side's own words: sendonly or inactive, or address 0.0.0.0 (RFC 3264 8.4),
    // which means no hold where ICE has yet to find addresses (RFC 8840 4.1).
    bool on_hold() const;
    bool unspecified_address() const;
    bool rtcp_mux() const { return has("rtcp-mux"); }
    Endpoint rtp() const;  // the address is empty if it is a name
    // a=rtcp (RFC 3605), else rtp() itself with rtcp-mux (RFC 5761), else the port above.
    Endpoint rtcp() const;
    Endpoint rtcp_without_mux() const;  // where RTCP goes if the other side does not multiplex
    std::string_view mid() const { return trim(attribute("mid").value_or("")); }
    std::string_view bundle() const;  // members of the BUNDLE group with this mid; or empty
    std::optional<std::uint32_t> ptime_ms() const;
    // ICE, DTLS and identity attributes may stand at either level (RFC 8839 5.4, RFC 8122 5).
    std::optional<std::string_view> inherited(std::string_view name) const;
};

// What a payload type of this m-line stands for; clock 0 and no name if that is not known.
Codec codec_of(const Media& media, std::uint8_t payload_type);
// In the m-line's order. Without RTP: the formats by name ("t38").
std::vector<Codec> codecs_of(const Media& media);

// Fax over UDPTL (ITU-T T.38 D.2.3); what is not there is nullopt.
struct T38 {
    std::optional<std::uint32_t> version, max_bit_rate, max_buffer, max_datagram;
    std::string_view rate_management, error_correction;
    bool fill_bit_removal = false, transcoding_mmr = false, transcoding_jbig = false;
};
std::optional<T38> t38_of(const Media& media);

struct Session {
    Session() = default;
    Session(Session&&) = default;
    Session& operator=(Session&&) = default;

    static Result<Session> parse(std::string_view text);
    // The same, using this object's memory again (the analyzer's hot path).
    Status read(std::string_view text);

    std::string_view text() const { return text_; }
    std::span<const Line> lines() const { return lines_; }
    const Section& level() const { return level_; }  // the lines before the first m=
    std::span<const Media> media() const { return media_; }
    bool cut_short() const { return cut_short_; }  // a cap was reached

    // v o s u e p t r z belong to the session wherever they stand; empty if absent.
    std::optional<std::string_view> first(char type) const;
    std::optional<Origin> origin() const;
    std::string_view name() const { return first('s').value_or(""); }
    std::optional<Connection> connection() const;  // session level

private:
    std::string_view text_;
    std::vector<Line> lines_;
    std::vector<Media> media_;
    std::vector<std::uint32_t> starts_;  // the m= line of each media
    Section level_;
    bool cut_short_ = false;
};

// The session as RFC 8866 5 orders it, lines ended by CRLF: what cannot be ordered (unknown types,
// lines without "=") ends its section. Values are written as they were read.
std::string write(const Session& session);

}  // namespace sipana::sdp
