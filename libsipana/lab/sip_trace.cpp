#include "libsipana/lab/sip_trace.h"

#include "libsipana/base/text.h"
#include "libsipana/sip/message.h"

namespace sipana::lab {
namespace {

constexpr std::size_t max_line = 4096;

// Without escape sequences (ESC [ ... letter) and white space round it.
std::string plain(std::string_view line) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\x1b') {
            out += line[i];
            continue;
        }
        while (i < line.size() && !is_alpha(line[i])) ++i;
    }
    return std::string(trim(out));
}

// "UDP 192.0.2.1:5060 -> 192.0.2.2:5060"
std::optional<SipTrace::Seen> way_of(std::string_view line) {
    SipTrace::Seen seen;
    const std::string_view transport = cut(line, ' ');
    if (transport == "UDP")
        seen.transport = Transport::udp;
    else if (transport == "TCP")
        seen.transport = Transport::tcp;
    else if (transport == "TLS")
        seen.transport = Transport::tls;
    else
        return std::nullopt;
    const auto arrow = line.find(" -> ");
    if (arrow == line.npos) return std::nullopt;
    const auto src = Endpoint::parse(trim(line.substr(0, arrow)));
    const auto dst = Endpoint::parse(trim(line.substr(arrow + 4)));
    if (!src || !dst) return std::nullopt;
    seen.src = *src;
    seen.dst = *dst;
    return seen;
}

}  // namespace

std::optional<std::string_view> SipTrace::line_at(std::size_t at) const {
    const auto end = buffer_.find('\n', at);
    if (end == buffer_.npos) return std::nullopt;
    return std::string_view(buffer_).substr(at, end - at);
}

void SipTrace::pass(std::string_view line) {
    // A status line is written over and over: what counts is what stands there in the end.
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (const auto back = line.rfind('\r'); back != line.npos) line.remove_prefix(back + 1);
    std::string text = printable(plain(line.substr(0, max_line)));
    if (text.empty() || text == "#") return;
    lines_.push_back(std::move(text));
    if (lines_.size() > max_lines) lines_.pop_front();
}

std::optional<SipTrace::Seen> SipTrace::next() {
    while (true) {
        const auto line = line_at(0);
        if (!line) {
            if (buffer_.size() > max_message) buffer_.clear();  // no line is so long
            return std::nullopt;
        }
        auto seen = marked_ ? way_of(plain(*line)) : std::nullopt;
        if (!seen) {
            marked_ = plain(*line) == "#";
            pass(*line);
            buffer_.erase(0, line->size() + 1);
            continue;
        }
        const std::string_view rest = std::string_view(buffer_).substr(line->size() + 1);
        const auto blank = rest.find("\r\n\r\n");
        if (blank == rest.npos || blank > max_message) {
            if (rest.size() <= max_message) return std::nullopt;
            marked_ = false;
            buffer_.erase(0, line->size() + 1);
            continue;
        }
        const auto head = sip::Message::parse(rest.substr(0, blank + 4));
        const std::uint64_t body = head && head->content_length() ? *head->content_length() : 0;
        marked_ = false;
        if (!head || body > max_message) {
            buffer_.erase(0, line->size() + 1);
            continue;
        }
        const std::size_t whole = blank + 4 + static_cast<std::size_t>(body);
        if (rest.size() < whole) {
            marked_ = true;
            return std::nullopt;
        }
        seen->text = rest.substr(0, whole);
        buffer_.erase(0, line->size() + 1 + whole);
        return seen;
    }
}

}  // namespace sipana::lab
