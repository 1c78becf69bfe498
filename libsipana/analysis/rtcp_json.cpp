#include "libsipana/analysis/rtcp_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "libsipana/base/append.h"
#include "libsipana/base/text.h"
#include "libsipana/rtcp/packet.h"

namespace sipana::analysis {
namespace {

// ---------------------------------------------------------------- writing

void append_blocks(std::string& out, const std::vector<rtcp::ReportBlock>& blocks) {
    append(out, "\"report_count\":{},\"report_blocks\":[", blocks.size());
    for (const rtcp::ReportBlock& b : blocks)
        append(
            out,
            "{}{{\"source_ssrc\":{},\"fraction_lost\":{},\"packets_lost\":{},\"highest_seq_no\":{},"
            "\"ia_jitter\":{},\"lsr\":{},\"dlsr\":{}}}",
            &b == blocks.data() ? "" : ",", b.ssrc, b.fraction_lost, b.cumulative_lost,
            b.extended_sequence, b.jitter, b.lsr, b.dlsr);
    out += ']';
}

void append_metrics(std::string& out, const rtcp::VoipMetrics& m) {
    append(
        out,
        ",\"report_blocks_xr\":{{\"type\":7,\"id\":{},\"fraction_lost\":{},\"fraction_discard\":{},"
        "\"burst_density\":{},\"gap_density\":{},\"burst_duration\":{},\"gap_duration\":{},"
        "\"round_trip_delay\":{},\"end_system_delay\":{}}}",
        m.ssrc, m.loss_rate, m.discard_rate, m.burst_density, m.gap_density, m.burst_duration_ms,
        m.gap_duration_ms, m.round_trip_ms, m.end_system_delay_ms);
}

const rtcp::VoipMetrics* metrics_of(const rtcp::Compound& compound) {
    for (const rtcp::Packet& packet : compound.packets)
        if (const auto* report = std::get_if<rtcp::ExtendedReport>(&packet.content))
            for (const rtcp::XrBlock& block : report->blocks)
                if (const auto* metrics = std::get_if<rtcp::VoipMetrics>(&block)) return metrics;
    return nullptr;
}

// ---------------------------------------------------------------- reading

// The numbers in a JSON text, each with its key and the key of the object it stands in.
class Numbers {
public:
    struct Number {
        std::string_view parent, key;
        std::uint32_t element = 0;  // of the array that it is in
        std::int64_t value = 0;
    };
    static constexpr unsigned most_depth = 8;
    static constexpr std::size_t most_numbers = 1024;

    explicit Numbers(std::string_view text) : text_(text) {}
    // False: no JSON object, or one that is deeper or longer than a report's.
    bool read() {
        skip_blanks();
        return at_ < text_.size() && text_[at_] == '{' && value({}, {}, 0, 0);
    }
    std::size_t at() const { return at_; }
    const std::vector<Number>& all() const { return numbers_; }

private:
    void skip_blanks() {
        while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    }
    bool take(char c) {
        skip_blanks();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    // Keys are plain; of other strings only the end matters.
    bool string(std::string_view& out) {
        if (!take('"')) return false;
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
        if (at_ >= text_.size()) {
            at_ = text_.size();
            return false;
        }
        out = text_.substr(begin, at_++ - begin);
        return true;
    }
    bool object(std::string_view key, std::uint32_t element, unsigned depth) {
        if (take('}')) return true;
        do {
            std::string_view name;
            if (!string(name) || !take(':') || !value(key, name, element, depth)) return false;
        } while (take(','));
        return take('}');
    }
    bool array(std::string_view key, unsigned depth) {
        if (take(']')) return true;
        std::uint32_t element = 0;
        do {
            if (!value(key, key, element++, depth)) return false;
        } while (take(','));
        return take(']');
    }
    bool number(std::string_view parent, std::string_view key, std::uint32_t element) {
        const std::size_t begin = at_;
        while (at_ < text_.size() &&
               (is_digit(text_[at_]) ||
                std::string_view("+-.eE").find(text_[at_]) != std::string_view::npos))
            ++at_;
        const std::string_view text = text_.substr(begin, at_ - begin);
        if (numbers_.size() >= most_numbers) return false;
        Number& n = numbers_.emplace_back(Number{parent, key, element, 0});
        auto r = std::from_chars(text.data(), text.data() + text.size(), n.value);
        if (r.ec == std::errc{} && r.ptr == text.data() + text.size()) return true;
        double real = 0;
        r = std::from_chars(text.data(), text.data() + text.size(), real);
        if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || !(std::fabs(real) < 9e18))
            return false;
        n.value = static_cast<std::int64_t>(real);
        return true;
    }
    bool value(std::string_view parent, std::string_view key, std::uint32_t element,
               unsigned depth) {
        if (depth >= most_depth) return false;
        skip_blanks();
        if (at_ >= text_.size()) return false;
        if (take('{')) return object(key, element, depth + 1);
        if (take('[')) return array(key, depth + 1);
        std::string_view ignored;
        if (text_[at_] == '"') return string(ignored);
        for (const std::string_view word : {"null", "true", "false"})
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return true;
            }
        return number(parent, key, element);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Number> numbers_;
};

constexpr std::size_t most_blocks = 31;  // RFC 3550 6.4.1: five bits of count

void put(rtcp::ReportBlock& b, std::string_view key, std::int64_t value) {
    const auto bits = static_cast<std::uint32_t>(value);
    if (key == "source_ssrc") b.ssrc = bits;
    if (key == "fraction_lost") b.fraction_lost = static_cast<std::uint8_t>(bits);
    // 24 bits with a sign, which some agents print as without.
    if (key == "packets_lost") b.cumulative_lost = static_cast<std::int32_t>(bits << 8) >> 8;
    if (key == "highest_seq_no") b.extended_sequence = bits;
    if (key == "ia_jitter") b.jitter = bits;
    if (key == "lsr") b.lsr = bits;
    if (key == "dlsr") b.dlsr = bits;
}

void put(rtcp::SenderReport& r, std::string_view key, std::int64_t value) {
    const auto bits = static_cast<std::uint32_t>(value);
    if (key == "ntp_timestamp_sec")
        r.ntp = (r.ntp & 0xffff'ffff) | static_cast<std::uint64_t>(bits) << 32;
    if (key == "ntp_timestamp_usec") r.ntp = (r.ntp & ~std::uint64_t{0xffff'ffff}) | bits;
    if (key == "rtp_timestamp") r.rtp_timestamp = bits;
    if (key == "packets") r.packets = bits;
    if (key == "octets") r.octets = bits;
}

}  // namespace

std::vector<std::string> to_rtcp_json(Bytes bytes) {
    std::vector<std::string> texts;
    const rtcp::Compound compound = rtcp::parse(bytes);
    const rtcp::VoipMetrics* metrics = metrics_of(compound);
    for (const rtcp::Packet& packet : compound.packets) {
        std::string out = "{";
        if (const auto* sr = std::get_if<rtcp::SenderReport>(&packet.content)) {
            append(out,
                   "\"sender_information\":{{\"ntp_timestamp_sec\":{},\"ntp_timestamp_usec\":{},"
                   "\"rtp_timestamp\":{},"
                   "\"packets\":{},\"octets\":{}}},\"ssrc\":{},\"type\":200,",
                   sr->ntp >> 32, sr->ntp & 0xffff'ffff, sr->rtp_timestamp, sr->packets, sr->octets,
                   sr->ssrc);
            append_blocks(out, sr->blocks);
        } else if (const auto* rr = std::get_if<rtcp::ReceiverReport>(&packet.content)) {
            append(out, "\"ssrc\":{},\"type\":201,", rr->ssrc);
            append_blocks(out, rr->blocks);
        } else {
            continue;
        }
        if (metrics != nullptr) append_metrics(out, *std::exchange(metrics, nullptr));
        out += '}';
        texts.push_back(std::move(out));
    }
    return texts;
}

Result<Buffer> from_rtcp_json(std::string_view json) {
    Numbers numbers(json);
    if (!numbers.read())
        return Error{Errc::malformed, numbers.at(), "RTCP in JSON: not a report's JSON"};
    std::int64_t type = 0;
    rtcp::SenderReport sr;
    for (const Numbers::Number& n : numbers.all()) {
        if (n.parent == "sender_information") {
            put(sr, n.key, n.value);
            if (type == 0) type = rtcp::type_sr;
        } else if (n.parent == "report_blocks" && n.element < most_blocks) {
            if (sr.blocks.size() <= n.element) sr.blocks.resize(n.element + 1);
            put(sr.blocks[n.element], n.key, n.value);
        } else if (n.parent.empty() && n.key == "ssrc") {
            sr.ssrc = static_cast<std::uint32_t>(n.value);
        } else if (n.parent.empty() && n.key == "type" && type != rtcp::type_sr) {
            // Of a compound agents tell the type of the last packet; a sender's figures show a
            // sender report.
            type = n.value == rtcp::type_sr ? rtcp::type_sr : rtcp::type_rr;
        }
    }
    const bool any_sender =
        sr.ntp != 0 || sr.packets != 0 || sr.octets != 0 || sr.rtp_timestamp != 0;
    if (type == 0 || (!any_sender && sr.blocks.empty()))
        return Error{Errc::malformed, 0, "RTCP in JSON: no report in it"};
    rtcp::Packet packet;
    if (any_sender)
        packet.content = std::move(sr);
    else
        packet.content = rtcp::ReceiverReport{sr.ssrc, std::move(sr.blocks), {}};
    Buffer out;
    if (!rtcp::write(packet, out))
        return Error{Errc::malformed, 0, "RTCP in JSON: a report that cannot be"};
    return out;
}

}  // namespace sipana::analysis
