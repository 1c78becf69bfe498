// The torture messages of RFC 4475 thrown at the lab's own phones and at its exchange.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libsipana/lab/runner.h"

using namespace sipana;
using namespace sipana::lab;

namespace {

std::vector<std::filesystem::path> torture() {
    const std::filesystem::path folder = SIPANA_ROOT "/../shared/torture/rfc4475";
    std::vector<std::filesystem::path> out;
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error))
        if (entry.is_regular_file() && entry.path().extension() != ".md")
            out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

RunResult played(const std::string& text, const std::string& message) {
    const auto script = parse_script(
        text, "torture", [&](std::string_view) { return Result<std::string>(message); });
    REQUIRE_MESSAGE(script.has_value(), (script ? std::string() : script.error().what));
    Script named = *script;
    named.folder = SIPANA_ROOT "/captures";
    return run(named, {});
}

}  // namespace

TEST_CASE("RFC 4475: a phone takes each torture message and answers what comes after it") {
    const auto files = torture();
    if (files.empty()) {
        MESSAGE("skipped: ../shared/torture is absent");
        return;
    }
    CHECK(files.size() >= 49);
    for (const auto& file : files) {
        const std::string name = file.filename().string();
        CAPTURE(name);
        const auto r = played(R"(
phone alice 100
phone bob 900
alice ->| bob raw file "x"
alice pauses 40s
alice -> bob OPTIONS
bob |-> alice 200 for OPTIONS
)",
                              read(file));
        CAPTURE(r.error);
        CHECK(r.outcome == Outcome::done);
    }
}

TEST_CASE("RFC 4475: the exchange takes each torture message and still connects a call") {
    for (const auto& file : torture()) {
        const std::string name = file.filename().string();
        CAPTURE(name);
        const auto r = played(R"(
phone alice 100@A password test
server A 192.168.1.153 exchange exchange/a
alice -> A REGISTER
alice -> A raw file "x"
alice pauses 40s
alice -> A INVITE err17
A -> alice 486
)",
                              read(file));
        CAPTURE(r.error);
        CHECK(r.outcome == Outcome::done);
    }
}
