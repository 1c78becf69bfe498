// Writes the pages of the sample model, for the browser test: page DIRECTORY
#include <cstdio>
#include <string>

#include "libsipana/render/ladder.h"
#include "libsipana/render/render.h"
#include "tests/render/sample.h"

namespace {

bool write(const std::string& path, const std::string& text) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return false;
    const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    return std::fclose(file) == 0 && whole;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::string folder = argv[1];
    const sipana::analysis::Report report = sipana::sample::report();
    bool good = write(folder + "/report.html", sipana::render::report_html(report)) &&
                write(folder + "/flow.html", sipana::render::flow_html(report, 0)) &&
                write(folder + "/legs.html", sipana::render::flow_html(report, 2));
    for (std::size_t i = 0; i < report.calls.size(); ++i) {
        const auto calls = sipana::render::figure_of(report, i);
        good = good && write(folder + "/ladder-" + std::to_string(i + 1) + ".svg",
                             sipana::render::ladder_svg(calls));
    }
    return good ? 0 : 1;
}
