#include "libsipana/lab/sipp_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>

#include "libsipana/base/text.h"

namespace sipana::lab {
namespace {

class Lines {  // byte offsets, ascending or not, to line numbers
public:
    explicit Lines(std::string_view text) {
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] == '\n') feeds_.push_back(i);
    }
    std::uint32_t at(std::ptrdiff_t offset) const {
        const auto byte = static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0));
        const auto it = std::lower_bound(feeds_.begin(), feeds_.end(), byte);
        return static_cast<std::uint32_t>(it - feeds_.begin()) + 1;
    }

private:
    std::vector<std::size_t> feeds_;
};

SippElement element_of(const pugi::xml_node& node, const Lines& lines, bool outer) {
    SippElement e;
    e.name = node.name();
    e.line = lines.at(node.offset_debug());
    for (const pugi::xml_attribute& a : node.attributes())
        e.attributes.emplace_back(a.name(), a.value());
    for (const pugi::xml_node& child : node.children()) {
        if (child.type() == pugi::node_cdata || child.type() == pugi::node_pcdata)
            e.text += child.value();
        if (!outer || child.type() != pugi::node_element) continue;
        if (std::string_view(child.name()) != "action") {
            e.actions.push_back(element_of(child, lines, false));
            continue;
        }
        for (const pugi::xml_node& action : child.children())
            if (action.type() == pugi::node_element)
                e.actions.push_back(element_of(action, lines, false));
    }
    return e;
}

}  // namespace

std::string_view SippElement::get(std::string_view attribute) const {
    for (const auto& [name_of, value] : attributes)
        if (name_of == attribute) return value;
    return {};
}

bool SippElement::has(std::string_view attribute) const {
    return std::any_of(attributes.begin(), attributes.end(),
                       [&](const auto& a) { return a.first == attribute; });
}

Result<SippScenario> parse_sipp(const SippFile& file) {
    if (file.xml.size() > max_sipp_size)
        return Error{Errc::too_large, 0, file.name + ": expected a scenario of at most 4 MiB"};
    pugi::xml_document document;
    // Bytes stay what they are, so that offsets are those of the file.
    const pugi::xml_parse_result read = document.load_buffer(
        file.xml.data(), file.xml.size(), pugi::parse_default, pugi::encoding_utf8);
    const Lines lines(file.xml);
    if (!read)
        return Error{Errc::malformed,
                     static_cast<std::size_t>(std::max<std::ptrdiff_t>(read.offset, 0)),
                     fmt::format("{}:{}: expected XML: {}", file.name, lines.at(read.offset),
                                 lowered(read.description()))};
    const pugi::xml_node root = document.child("scenario");
    if (!root) return Error{Errc::malformed, 0, file.name + ":1: expected a <scenario>"};
    SippScenario s;
    s.title = root.attribute("name").value();
    for (const pugi::xml_node& node : root.children()) {
        if (node.type() != pugi::node_element) continue;
        if (s.elements.size() == max_sipp_elements)
            return Error{Errc::too_large, 0, file.name + ": expected at most 10000 elements"};
        s.elements.push_back(element_of(node, lines, true));
    }
    return s;
}

const SippField* SippMessage::find(std::string_view name) const {
    for (const SippField& f : fields)
        if (iequals(f.name, name)) return &f;
    return nullptr;
}

SippMessage take_apart(std::string_view text) {
    SippMessage m;
    bool in_body = false;
    std::string blank_lines;  // of the body: those at its end are the XML's
    while (!text.empty()) {
        const std::string_view line = trim(cut(text, '\n'));
        if (m.start_line.empty()) {
            m.start_line = line;
        } else if (in_body) {
            blank_lines += line.empty() ? "\r\n" : "";
            if (line.empty()) continue;
            if (!m.body.empty()) m.body += blank_lines;
            blank_lines.clear();
            m.body.append(line).append("\r\n");
        } else if (line.empty()) {
            in_body = true;
        } else {
            std::string_view rest = line;
            const std::string_view name = trim(cut(rest, ':'));
            const bool keyword = line.front() == '[' || name.size() == line.size();
            if (keyword)
                m.fields.push_back({"", std::string(line)});
            else
                m.fields.push_back({std::string(name), std::string(trim(rest))});
        }
    }
    return m;
}

}  // namespace sipana::lab
