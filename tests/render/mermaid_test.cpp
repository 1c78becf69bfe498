#include <doctest/doctest.h>

#include <sstream>

#include "libsipana/base/text.h"
#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"
#include "tests/render/sample.h"

using namespace sipana;
using namespace sipana::render;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

// Text of a label: nothing that Mermaid's grammar, its directives or HTML take for their own.
void check_label(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        CHECK(std::string_view("<>;\"'`&%{}$\\").find(text[i]) == std::string_view::npos);
        if (text[i] != '#') continue;
        const auto end = text.find(';', i);
        REQUIRE(end != std::string_view::npos);
        CHECK(to_number(text.substr(i + 1, end - i - 1)).has_value());
        i = end;
    }
}

}  // namespace

TEST_CASE("a Mermaid diagram names its participants and draws each message") {
    const auto call = sample::answered_call();
    const analysis::Call* one[] = {&call};
    const auto lines = lines_of(ladder_mermaid(one));
    CHECK(lines[0] == "sequenceDiagram");
    CHECK(lines[1] == "    title alice -#62; bob: completed, 200 OK, 12.3 s");
    CHECK(lines[2] ==
          "    participant P0 as alice<br/>192.0.2.10:5060<br/>Linphone/5.1.0 (belle-sip/5.2.0)");
    CHECK(lines[4] == "    P0->>P1: 0.000 INVITE (SDP)<br/>offer: audio PCMU PCMA, video H264");
    CHECK(lines[5] == "    P0->>P1: 0.501 INVITE (SDP), retransmission 1");
    CHECK(lines[6] == "    P1-->>P0: 0.512 100 Trying");
    const std::string all = ladder_mermaid(one);
    CHECK(all.find("    Note over P0,P1: audio PCMU, 12.2 s<br/>to the right: 610 packets, 0 lost"
                   "<br/>to the left: ") != std::string::npos);
    CHECK(all.find("    P0-)P1: 7.500 DTMF 123#35;") != std::string::npos);
}

TEST_CASE("hostile text stays text in a Mermaid diagram") {
    const auto call = sample::hostile_call();
    const analysis::Call* one[] = {&call};
    for (const std::string& line : lines_of(ladder_mermaid(one))) {
        CHECK(printable(line) == line);
        if (line == "sequenceDiagram") continue;
        CHECK((line.starts_with("    P") || line.starts_with("    title ") ||
               line.starts_with("    participant P") || line.starts_with("    Note over P")));
        if (line.starts_with("    title")) continue;
        const std::string_view before = line.starts_with("    participant") ? " as " : ": ";
        std::string_view rest = std::string_view(line).substr(line.find(before) + before.size());
        while (!rest.empty()) {  // <br/> between the parts is ours
            const auto at = rest.find("<br/>");
            check_label(rest.substr(0, at));
            rest = at == rest.npos ? std::string_view{} : rest.substr(at + 5);
        }
    }
}
