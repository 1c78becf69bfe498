#include "libsipana/pcap/writer.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/exact.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

TEST_CASE("pcapng: what is written is read back the same") {
    Buffer out;
    auto writer = PcapngWriter::into(out);
    const std::vector<std::string> comments{"made for a test", "second comment \xc3\xa4"};
    REQUIRE(writer.section("sipana", comments));
    Interface first;
    first.link = LinkType::ethernet;
    first.name = "eth0";
    first.description = "the first";
    first.filter = "udp port 5060";
    first.comment = "inside";
    first.snap = 128;
    first.resolution = 9;
    Interface second_one;
    second_one.link = LinkType::raw;
    second_one.resolution = 9;
    REQUIRE(writer.interface(first));
    const auto index = writer.interface(second_one);
    REQUIRE(index);
    CHECK(*index == 1);
    const std::vector<std::pair<Address, std::string>> names{
        {*Address::parse("192.0.2.1"), "proxy.example"}, {*Address::parse("2001:db8::1"), "six"}};
    REQUIRE(writer.names(names));
    REQUIRE(writer.secret(Secret{Secret::tls_key_log, "CLIENT_RANDOM 00 11\n"}));

    std::vector<Frame> frames{frame_of("abcdefg", 1'700'000'000'123'456'789, 1400),
                              frame_of("xyz", 1), frame_of("", 5), frame_of("untimed")};
    frames[0].comment = "a comment";
    frames[1].interface = 1;
    frames[1].link = LinkType::raw;
    frames[3].has_time = false;
    for (const Frame& f : frames) REQUIRE(writer.packet(f));
    REQUIRE(writer.close());

    const Reading read{Exact(out)};
    REQUIRE_FALSE(read.error);
    CHECK_FALSE(read.file.damaged);
    CHECK(read.file.format == "pcapng");
    CHECK(read.file.comments == comments);
    CHECK(read.file.secrets == 1);
    REQUIRE(read.annotations.secrets.size() == 1);
    CHECK(read.annotations.secrets[0].type == Secret::tls_key_log);
    CHECK(read.annotations.secrets[0].bytes == "CLIENT_RANDOM 00 11\n");
    CHECK(read.annotations.names == names);
    REQUIRE(read.file.interfaces.size() == 2);
    const Interface& i = read.file.interfaces[0];
    CHECK(i.link == first.link);
    CHECK(i.name == first.name);
    CHECK(i.description == first.description);
    CHECK(i.filter == first.filter);
    CHECK(i.comment == first.comment);
    CHECK(i.snap == first.snap);
    CHECK(i.resolution == 9);
    REQUIRE(read.frames.size() == frames.size());
    for (std::size_t n = 0; n < frames.size(); ++n) {
        CAPTURE(n);
        const Frame &was = frames[n], &is = read.frames[n].frame;
        CHECK(is.number == n + 1);
        CHECK(is.time == was.time);
        CHECK(is.has_time == was.has_time);
        CHECK(is.wire_size == was.wire_size);
        CHECK(is.link == was.link);
        CHECK(is.interface == was.interface);
        CHECK(read.frames[n].bytes == as_text(was.bytes));
        CHECK(read.frames[n].comment == was.comment);
    }
}

TEST_CASE("pcapng: the writer refuses what could not be read back") {
    Buffer out;
    auto writer = PcapngWriter::into(out);
    CHECK_FALSE(writer.interface(Interface{}));  // before any section
    REQUIRE(writer.section("sipana"));
    CHECK_FALSE(writer.packet(frame_of("of no interface")));
    REQUIRE(writer.interface(Interface{}));
    CHECK_FALSE(writer.packet(frame_of("more than on the wire", 1, 3)));
    CHECK_FALSE(writer.packet(frame_of("before 1970", -1)));
    const std::string long_comment(70'000, 'c');
    Frame commented = frame_of("x", 1);
    commented.comment = long_comment;
    CHECK_FALSE(writer.packet(commented));
    const std::vector<std::pair<Address, std::string>> nameless{{*Address::parse("192.0.2.1"), ""}};
    CHECK_FALSE(writer.names(nameless));
    REQUIRE(writer.packet(frame_of("good", 1)));
    const Reading read{Exact(out)};
    CHECK(read.frames.size() == 1);
    CHECK(read.annotations.findings.empty());
}

TEST_CASE("pcapng: a packet block in the caller's memory is what the writer writes") {
    for (const std::string_view text : {"", "a", "abcd", "abcdefghi"})
        for (const std::string_view comment : {"", "x", "four", "a comment"}) {
            CAPTURE(text);
            CAPTURE(comment);
            Buffer out;
            auto writer = PcapngWriter::into(out);
            REQUIRE(writer.section("sipana"));
            REQUIRE(writer.interface(Interface{}));
            const std::size_t head = out.size();
            Frame frame = frame_of(text, 1'700'000'000'123'456'789, 1400);
            frame.comment = comment;
            REQUIRE(writer.packet(frame));
            const auto block = std::make_unique<std::uint8_t[]>(packet_block_size(frame));
            std::memset(block.get(), 0xee, packet_block_size(frame));
            write_packet_block(frame, block.get());
            CHECK(as_text({block.get(), packet_block_size(frame)}) ==
                  as_text(Bytes(out).subspan(head)));
            const Reading read{Exact(out)};
            REQUIRE(read.frames.size() == 1);
            CHECK(read.frames[0].bytes == text);
            CHECK(read.frames[0].comment == comment);
        }
}

TEST_CASE("pcapng: numbered blocks are read again, by anybody, and cut ones are not") {
    Buffer out;
    auto writer = PcapngWriter::into(out);
    REQUIRE(writer.section("sipana"));
    REQUIRE(writer.interface(Interface{}));
    const std::size_t head = out.size();
    Frame frame = frame_of("abcde", 1'700'000'000'123'456'789, 1400);
    frame.number = 0x1'0000'0007;
    frame.comment = "is left away";
    out.resize(head + numbered_block_size(frame), 0xee);
    write_numbered_block(frame, out.data() + head);
    const Reading read{Exact(out)};
    CHECK_FALSE(read.file.damaged);
    REQUIRE(read.frames.size() == 1);
    CHECK(read.frames[0].bytes == "abcde");
    std::size_t size = 0;
    const Exact whole{Bytes(out).subspan(head)};
    const auto again = read_numbered_block(whole, size);
    REQUIRE(again);
    CHECK(size == numbered_block_size(frame));
    CHECK(again->number == frame.number);
    CHECK(again->time == frame.time);
    CHECK(again->wire_size == 1400);
    CHECK(as_text(again->bytes) == "abcde");
    for (std::size_t cut = 0; cut < size; ++cut) {
        std::size_t ignored = 0;
        CHECK_FALSE(read_numbered_block(Exact(Bytes(out).subspan(head, cut)), ignored));
    }
    CHECK_FALSE(read_numbered_block(Exact(Bytes(out).first(head)), size));
}

TEST_CASE("pcapng: the whole blocks within so many bytes are counted") {
    Buffer out;
    auto writer = PcapngWriter::into(out);
    REQUIRE(writer.section("sipana"));
    REQUIRE(writer.interface(Interface{}));
    std::vector<std::size_t> ends{out.size()};
    for (int i = 0; i < 3; ++i) {
        REQUIRE(writer.packet(frame_of("twenty bytes of data", 1)));
        ends.push_back(out.size());
    }
    for (std::size_t cut = 0; cut <= out.size(); ++cut) {
        const Exact blocks{Bytes(out)};
        const WholeBlocks whole = whole_blocks(blocks, cut);
        std::uint64_t packets = 0;
        while (packets < 3 && ends[packets + 1] <= cut) ++packets;
        CHECK(whole.packets == packets);
        CHECK(whole.bytes <= cut);
        if (cut >= ends[0]) CHECK(whole.bytes == ends[packets]);
    }
}

TEST_CASE("trap 74: a full disk is seen at the first block that does not fit") {
    if (!std::filesystem::exists("/dev/full")) {
        MESSAGE("skipped: there is no /dev/full here");
        return;
    }
    auto writer = PcapngWriter::create("/dev/full");
    REQUIRE(writer);
    const Status written = writer->section("sipana");
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Errc::io);
    CHECK(written.error().what == "/dev/full: No space left on device");
    // And stays seen.
    CHECK_FALSE(writer->interface(Interface{}));
}

TEST_CASE("trap 74: what was written before the disk was full is what can be read") {
    Buffer disk;
    constexpr std::size_t room = 1000;
    PcapngWriter writer([&disk](Bytes block) -> Status {
        const std::size_t fits = std::min(block.size(), room - disk.size());
        disk.insert(disk.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(fits));
        if (fits < block.size()) return Error{Errc::io, 0, "no space left"};
        return Done{};
    });
    REQUIRE(writer.section("sipana"));
    REQUIRE(writer.interface(Interface{}));
    std::size_t written = 0;
    while (written < 100 && writer.packet(frame_of("twenty bytes of data", 1))) ++written;
    CHECK(written < 100);
    const Reading read{Exact(disk)};
    CHECK(read.frames.size() == written);
    CHECK(read.file.damaged);
}

TEST_CASE("pcapng: a file that cannot be made is an error with its reason") {
    const auto writer = PcapngWriter::create("/nonexistent-folder/x.pcapng");
    REQUIRE_FALSE(writer);
    CHECK(writer.error().code == Errc::not_found);
    CHECK(writer.error().what == "/nonexistent-folder/x.pcapng: No such file or directory");
}

TEST_CASE("pcapng: a written file is read mapped and over itself") {
    const Folder folder;
    for (int round = 0; round < 2; ++round) {
        auto writer = PcapngWriter::create(folder.path("x.pcapng"));
        REQUIRE(writer);
        REQUIRE(writer->section("sipana"));
        REQUIRE(writer->interface(Interface{}));
        for (int i = 0; i < 3; ++i) REQUIRE(writer->packet(frame_of("abc", i * second)));
        REQUIRE(writer->close());
        CHECK_FALSE(writer->packet(frame_of("after the end", 9)));
        Input input = open({folder.path("x.pcapng")});
        const auto frames = read_all(input);
        REQUIRE(frames.size() == 3);
        CHECK(frames[2].frame.stable);
        CHECK(frames[2].frame.time.count() == 2 * second);
    }
}
