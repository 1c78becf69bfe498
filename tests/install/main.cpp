// Uses the installed library as a stranger would: prints the calls of a capture. Fails when there are none.
#include <cstdio>
#include <string>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/pcap/input.h"

int main(int argc, char** argv) {
    using namespace sipana;
    const std::vector<std::string> files(argv + 1, argv + argc);
    auto input = pcap::Input::open(files);
    if (!input) {
        std::fprintf(stderr, "%s\n", input.error().what.c_str());
        return 5;
    }
    analysis::Report report;
    analysis::Collector collector(report);
    analysis::Analyzer analyzer({}, collector);
    pcap::Frame frame;
    while (input->next(frame)) analyzer.on_frame(frame);
    analyzer.finish();
    collector.finish(analyzer);

    for (const auto& call : report.calls) {
        const std::string from(call.from.user), to(call.to.user), state(to_string(call.state));
        std::printf("%s calls %s: %s, %zu streams\n", from.c_str(), to.c_str(), state.c_str(), call.streams.size());
    }
    return report.calls.empty() ? 1 : 0;
}
