// Third-party captures, read where they lie: every one is read whole, or refused with the right
// reason.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "libsipana/base/text.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

const std::string captures = "../shared/captures/";

bool there() {
    if (std::filesystem::exists(captures)) return true;
    MESSAGE("skipped: there is no ../shared here");
    return false;
}

struct Expected {
    const char* name;
    std::size_t frames;
    std::string_view links;  // of each frame: E Ethernet, N null, 4 IPv4; one letter: all the same
    std::int64_t first, last;  // nanoseconds; 0 where that frame has no time
};

constexpr std::int64_t t0 = 1'340'954'905'298'858'000;
constexpr std::int64_t ms = 1'000'000;

// Frames and times are what tshark says, but for custom blocks, which it counts as packets
// (017, 018, 102, 202), and for a section of version 2.0, after which it stops (901).
constexpr Expected both_orders[] = {
    {"test001.pcapng", 4, "E", 0, 0},
    {"test002.pcapng", 0, "", 0, 0},
    {"test003.pcapng", 0, "", 0, 0},
    {"test004.pcapng", 4, "E", t0, t0 + 3 * ms},
    {"test005.pcapng", 4, "E", t0, t0 + 3 * ms},
    {"test006.pcapng", 5, "ENEEE", t0, t0 + 4 * ms},
    {"test007.pcapng", 1, "E", t0, t0},
    {"test008.pcapng", 4, "E", 1'340'954'905'298'858, 1'340'954'905'301'858},
    {"test009.pcapng", 2, "E", t0, t0 + ms},
    {"test010.pcapng", 4, "E", 0, 0},
    {"test011.pcapng", 4, "E", 0, t0 + 2 * ms},
    {"test012.pcapng", 4, "E", 0, 0},
    {"test013.pcapng", 0, "", 0, 0},
    {"test014.pcapng", 0, "", 0, 0},
    {"test015.pcapng", 0, "", 0, 0},
    {"test016.pcapng", 4, "E", 0, t0 + 2 * ms},
    {"test017.pcapng", 0, "", 0, 0},
    {"test018.pcapng", 4, "E", 0, t0 + 2 * ms},
    {"test100.pcapng", 5, "EEEEN", 0, t0 + 3 * ms},
    {"test101.pcapng", 4, "EEEN", t0, t0 + 3 * ms},
    {"test102.pcapng", 5, "EEEEN", t0, t0 + 3 * ms},
    {"test200.pcapng", 0, "", 0, 0},
    {"test201.pcapng", 4, "EEEN", t0, t0 + 3 * ms},
    {"test202.pcapng", 8, "EENEEEEN", t0, t0 + 3 * ms},
    {"test901.pcapng", 2, "E", t0, t0},
    {"test902.pcapng", 1, "E", 1'519'128'000'195'312'500, 1'519'128'000'195'312'500},
};
constexpr Expected others[] = {
    {"dhcp-nanosecond.pcap", 4, "E", 1'102'274'184'317'453'000, 1'102'274'184'387'798'000},
    {"dhcp-nanosecond.pcapng", 4, "E", 1'102'274'184'317'453'000, 1'102'274'184'387'798'000},
    {"le_test300.pcapng", 32, "E", 1'659'322'956'126'474'549, 1'659'322'956'126'474'549},
    {"le_test301.pcapng", 276, "E", 1'659'667'311'030'136'000, 1'659'667'312'085'398'000},
    {"many_interfaces.pcapng.1", 64, "", 1'439'753'725'701'607'000, 1'439'753'728'292'345'000},
    {"tls12-dsb.pcapng", 17, "4", 1'542'465'083'420'067'000, 1'542'465'083'425'052'000},
};

char letter(LinkType link) {
    switch (link) {
        case LinkType::ethernet:
            return 'E';
        case LinkType::null:
            return 'N';
        case LinkType::ipv4:
            return '4';
        default:
            return '?';
    }
}

void check_capture(const std::string& name, const Expected& expected) {
    CAPTURE(name);
    Input input = open({captures + "pcapng/" + name});
    const auto frames = read_all(input);
    REQUIRE(frames.size() == expected.frames);
    const bool later_version = name.find("test901") != std::string::npos;
    CHECK(input.damaged() == later_version);
    const bool untimed =  // simple packet blocks
        std::any_of(frames.begin(), frames.end(), [](const Copy& c) { return !c.frame.has_time; });
    CHECK(input.findings().size() == std::size_t{later_version} + untimed);
    CHECK_FALSE(input.failed());
    if (frames.empty()) return;
    CHECK(frames.front().frame.time.count() == expected.first);
    CHECK(frames.back().frame.time.count() == expected.last);
    if (expected.links.empty()) return;
    for (std::size_t i = 0; i < frames.size(); ++i)
        CHECK(letter(frames[i].frame.link) == expected.links[expected.links.size() == 1 ? 0 : i]);
}

}  // namespace

TEST_CASE("trap 66: the pcapng test suite, of both byte orders, is read as tshark reads it") {
    if (!there()) return;
    std::set<std::string> checked;
    for (const Expected& e : both_orders) {
        for (const std::string order : {"be_", "le_"}) {
            checked.insert(order + e.name);
            check_capture(order + e.name, e);
        }
    }
    for (const Expected& e : others) {
        checked.insert(e.name);
        check_capture(e.name, e);
    }
    for (const auto& entry : std::filesystem::directory_iterator(captures + "pcapng")) {
        const std::string name = entry.path().filename().string();
        CHECK_MESSAGE(checked.count(name) == 1, name);
    }
}

TEST_CASE("pcapng: names, secrets, comments and filters of real captures are kept") {
    if (!there()) return;
    Input many = open({captures + "pcapng/many_interfaces.pcapng.1"});
    read_all(many);
    REQUIRE(many.files()[0].interfaces.size() == 11);
    CHECK(many.files()[0].interfaces[10].name == "lo0");
    CHECK(many.files()[0].interfaces[10].filter == "host 192.168.1.139");
    REQUIRE(many.names().size() == 7);
    CHECK(many.names()[1].first.to_string() == "173.194.204.189");
    CHECK(many.names()[1].second == "qb-in-f189.1e100.net");

    Input secrets = open({captures + "pcapng/tls12-dsb.pcapng"});
    read_all(secrets);
    CHECK(secrets.files()[0].secrets == 2);
    REQUIRE(secrets.secrets().size() == 2);
    CHECK(secrets.secrets()[0].type == Secret::tls_key_log);
    CHECK(secrets.secrets()[0].bytes.find("CLIENT_RANDOM ") != std::string::npos);

    Input commented = open({captures + "wireshark-4.0.17-sip.pcapng"});
    const auto frames = read_all(commented);
    CHECK(std::any_of(frames.begin(), frames.end(),
                      [](const Copy& c) { return !c.comment.empty(); }));
    CHECK_FALSE(commented.files()[0].comments.empty());
}

TEST_CASE("every capture of the collection has as many frames as tshark counts") {
    if (!there()) return;
    std::ifstream in(captures + "expected.json");
    const std::string json{std::istreambuf_iterator<char>(in), {}};
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(captures)) {
        const std::string name = entry.path().filename().string();
        const auto extension = entry.path().extension();
        if (extension != ".pcap" && extension != ".pcapng" && extension != ".cap") continue;
        CAPTURE(name);
        const auto key = json.find('"' + name + '"');
        REQUIRE(key != json.npos);
        const auto count = json.find_first_of("0123456789", json.find("\"frames\":", key));
        const auto expected = to_number<std::size_t>(std::string_view(json).substr(
            count, json.find_first_not_of("0123456789", count) - count));
        Input input = open({entry.path().string()});
        CHECK(read_all(input).size() == expected);
        CHECK(input.findings().empty());
        ++files;
    }
    CHECK(files > 50);
}
