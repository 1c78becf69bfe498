#include "libsipana/live/file_names.h"

#include "libsipana/base/text.h"
#include "libsipana/pcap/writer.h"

namespace sipana::live {

Result<Buffer> head_of(const CaptureHead& head, const std::vector<std::string>& more) {
    Buffer out;
    auto writer = pcap::PcapngWriter::into(out);
    std::vector<std::string> comments;
    for (const auto* some : {&head.comments, &more})
        for (const std::string& comment : *some) comments.push_back(valid_utf8(comment));
    if (auto written = writer.section(head.application, comments); !written) return written.error();
    for (const pcap::Interface& interface : head.interfaces)
        if (auto written = writer.interface(interface); !written) return written.error();
    return out;
}

std::string stamp(Time time) {
    const std::string text = to_rfc3339(time);  // 2026-11-26T04:03:01.000000000Z
    if (text.size() < 19) return "00000000-000000";
    std::string stamp;
    for (std::size_t i = 0; i < 19; ++i)
        if (is_digit(text[i]))
            stamp += text[i];
        else if (text[i] == 'T')
            stamp += '-';
    return stamp;
}

std::string harmless(std::string_view text, std::string_view otherwise) {
    constexpr std::size_t longest = 40;
    std::string name;
    for (const char c : text) {
        if (name.size() == longest) break;
        const bool stays = is_digit(c) || is_alpha(c) || c == '+' || c == '-' || c == '_' ||
                           (c == '.' && !name.empty());
        if (stays)
            name += c;
        else if (name.empty() || name.back() != '_')
            name += '_';
    }
    if (name.find_first_not_of('_') == name.npos) return std::string(otherwise);
    return name;
}

}  // namespace sipana::live
