#include "libsipana/render/load.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "libsipana/base/text.h"

using namespace sipana;

namespace {

lab::LoadResult load() {
    lab::LoadResult l;
    l.script = "uac\x1b";
    l.begun = 1000;
    l.done = 998;
    l.failed = 2;
    l.elapsed = std::chrono::seconds{10};
    l.cpu_s = 0.05;
    l.times = {{"INVITE to 200", 998, 1, 2, 3, 4, 5, 6, 1.5}};
    l.reasons = {{"got 503 <\x1b>", 2}};
    return l;
}

}  // namespace

TEST_CASE("A load as a table: figures by the call, within the width") {
    for (const std::size_t width : {40u, 100u, 200u}) {
        const std::string text = render::load_table(load(), {.width = width});
        std::string_view rest = text;
        while (!rest.empty()) {
            const auto line = cut(rest, '\n');
            CHECK(columns(line) <= width);
            CHECK(printable(line) == line);
        }
    }
    const std::string text = render::load_table(load(), {.width = 120});
    CHECK(text.find("99.8 calls/s") != text.npos);
    CHECK(text.find("50.0 us of CPU a call") != text.npos);
    CHECK(text.find("got 503") != text.npos);
}

TEST_CASE("A load as JSON") {
    const auto json = nlohmann::json::parse(render::load_json(load()));
    CHECK(json["schema"] == "sipana-load/1");
    CHECK(json["calls_per_s"] == 99.8);
    CHECK(json["times"][0]["p99_ms"] == 4);
    CHECK(json["reasons"][0]["count"] == 2);
    CHECK(nlohmann::json::parse(render::load_json({}))["cpu_us_per_call"] == 0);
}
