#include "libsipana/lab/host_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

constexpr std::size_t longest_word = 4096;     // PATH_MAX
constexpr std::size_t longest_interface = 15;  // IFNAMSIZ less its NUL

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {}

    Status read(HostTable& out);

private:
    struct Word {
        std::string_view text;
        std::size_t at = 0;  // in text_
    };
    Status read_line(HostTable& out);
    Status read_host(const Word& address, HostTable& out);
    Status read_bridge(const Word& first, HostTable& out);
    Word word();
    Result<std::string> namespace_name();
    Error wrong(const Word& word, std::string what) const;

    std::string_view text_;
    std::size_t line_ = 1, begin_ = 0, at_ = 0, end_ = 0;  // of the line that is read
};

Error Lines::wrong(const Word& word, std::string what) const {
    return {Errc::malformed, word.at, fmt::format("{}:{}: {}", line_, word.at - begin_ + 1, what)};
}

Lines::Word Lines::word() {
    while (at_ < end_ && is_blank(text_[at_])) ++at_;
    const std::size_t first = at_;
    if (at_ < end_ && text_[at_] == '#') at_ = end_;
    if (at_ == end_) return {{}, first};
    while (at_ < end_ && !is_blank(text_[at_])) ++at_;
    return {text_.substr(first, at_ - first), first};
}

Result<std::string> Lines::namespace_name() {
    const Word name = word();
    if (name.text.empty()) return wrong(name, "expected a network namespace");
    const bool is_path = name.text.front() == '/';
    const bool odd = name.text.find('/') != name.text.npos || name.text == "." || name.text == "..";
    if ((odd && !is_path) || name.text.size() > longest_word || has_control(name.text))
        return wrong(name, fmt::format("'{}' is no name of a network namespace",
                                       printable(name.text.substr(0, 80))));
    return std::string(name.text);
}

Status Lines::read_host(const Word& address, HostTable& out) {
    const auto host = Address::parse(address.text);
    if (!host)
        return wrong(address, fmt::format("expected an address or 'bridge', found '{}'",
                                          printable(address.text.substr(0, 80))));
    auto name = namespace_name();
    if (!name) return name.error();
    if (out.namespaces.size() >= HostTable::most_hosts)
        return wrong(address, fmt::format("more than {} hosts", HostTable::most_hosts));
    if (!out.namespaces.emplace(*host, std::move(*name)).second)
        return wrong(address, fmt::format("{} stands here twice", host->to_string()));
    return Done{};
}

Status Lines::read_bridge(const Word& first, HostTable& out) {
    if (out.has_bridge()) return wrong(first, "there is a bridge already");
    auto name = namespace_name();
    if (!name) return name.error();
    const Word interface = word();
    if (interface.text.empty()) return wrong(interface, "expected the bridge's interface");
    if (interface.text.size() > longest_interface || has_control(interface.text))
        return wrong(interface, fmt::format("'{}' is no name of an interface",
                                            printable(interface.text.substr(0, 80))));
    out.bridge_namespace = std::move(*name);
    out.bridge_interface = interface.text;
    return Done{};
}

Status Lines::read_line(HostTable& out) {
    const Word first = word();
    if (first.text.empty()) return Done{};
    if (Status s = first.text == "bridge" ? read_bridge(first, out) : read_host(first, out); !s)
        return s;
    const Word more = word();
    if (more.text.empty()) return Done{};
    return wrong(more, fmt::format("expected the end of the line, found '{}'",
                                   printable(more.text.substr(0, 80))));
}

Status Lines::read(HostTable& out) {
    for (; begin_ < text_.size(); ++line_) {
        const std::size_t feed = std::min(text_.find('\n', begin_), text_.size());
        at_ = begin_;
        end_ = feed > begin_ && text_[feed - 1] == '\r' ? feed - 1 : feed;
        if (Status s = read_line(out); !s) return s;
        begin_ = feed + 1;
    }
    return Done{};
}

}  // namespace

Result<HostTable> parse_host_table(std::string_view text) {
    HostTable out;
    if (Status s = Lines(text).read(out); !s) return s.error();
    return out;
}

}  // namespace sipana::lab
