#include "libsipana/pcap/mapping.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

Result<Mapping> mapped(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY);
    REQUIRE(descriptor >= 0);
    auto mapping = Mapping::of(descriptor);
    ::close(descriptor);
    return mapping;
}

// Pages of this process that lie in memory and come from files.
std::size_t resident_file_pages() {
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0, resident = 0, shared = 0;
    statm >> size >> resident >> shared;
    return shared;
}

constexpr std::size_t page = 4096;

}  // namespace

TEST_CASE("views of a mapping stay valid after its pages were let go of") {
    const Folder folder;
    Buffer bytes(64 * page);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i / page);
    auto mapping = mapped(folder.write("x", bytes));
    REQUIRE(mapping);
    const Bytes view = mapping->bytes().subspan(10 * page + 7, 100);
    CHECK(view[0] == 10);
    mapping->let_go(0, bytes.size());
    CHECK(view[99] == 10);
    CHECK(Buffer(mapping->bytes().begin(), mapping->bytes().end()) == bytes);
    CHECK_FALSE(mapping->lost());
}

TEST_CASE("a file that is cut while it is mapped reads as zeros behind the cut") {
    const Folder folder;
    const std::string path = folder.write("x", Buffer(64 * page, 'a'));
    auto mapping = mapped(path);
    REQUIRE(mapping);
    std::filesystem::resize_file(path, 8 * page);
    CHECK(mapping->bytes()[page] == 'a');
    CHECK_FALSE(mapping->lost());
    CHECK(mapping->bytes()[20 * page] == 0);
    CHECK(mapping->bytes()[64 * page - 1] == 0);
    CHECK(mapping->lost());
}

TEST_CASE("a capture that is cut while it is read ends with a finding, not with the process") {
    const Folder folder;
    std::vector<std::int64_t> times(200'000, second);
    const std::string path = folder.write("x.pcap", classic_capture(times));
    const auto size = std::filesystem::file_size(path);
    Input input = open({path});
    Frame frame;
    for (int i = 0; i < 10; ++i) REQUIRE(input.next(frame));
    std::filesystem::resize_file(path, size / 2 / page * page);
    std::size_t frames = 10;
    while (input.next(frame)) ++frames;
    CHECK(frames >= 99'000);
    CHECK(frames <= 103'000);
    CHECK(input.damaged());
    REQUIRE(input.findings().size() == 1);
    CHECK(input.findings()[0].text.find("the file became shorter while it was read") !=
          std::string::npos);
}

TEST_CASE("what cannot be mapped is left to streams") {
    const Folder folder;
    CHECK_FALSE(mapped(folder.write("empty", {})));
    CHECK_FALSE(mapped("/dev/null"));
}

TEST_CASE("walking a large capture keeps little of it in memory") {
    const Folder folder;
    const std::string text(60'000, 'x');
    Buffer capture;
    write_classic_header({}, capture);
    for (int i = 0; i < 1000; ++i) write_classic_record({}, frame_of(text, i * second), capture);
    const std::string path = folder.write("large.pcap", capture);
    REQUIRE(capture.size() > 57u << 20);
    capture = Buffer{};
    const std::size_t before = resident_file_pages();
    std::size_t most = 0, frames = 0, sum = 0;
    Input input = open({path});
    Frame frame;
    while (input.next(frame)) {
        for (std::size_t i = 0; i < frame.bytes.size(); i += 64) sum += frame.bytes[i];
        if (++frames % 50 == 0) most = std::max(most, resident_file_pages());
    }
    CHECK(frames == 1000);
    CHECK(sum > 0);
    if (most == 0) {
        MESSAGE("skipped: there is no /proc/self/statm here");
        return;
    }
    CHECK(most < before + (24u << 20) / page);
}
