#include "libsipana/pcap/stream.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "libsipana/base/random.h"
#include "tests/exact.h"
#include "tests/pcap/compressed.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

Buffer many_frames(int n) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < n; ++i) times.push_back(i * second);
    return classic_capture(times, {}, "some text that compresses, more or less, frame");
}
Buffer thousand_frames() { return many_frames(1000); }

}  // namespace

TEST_CASE("compressed captures are told by content and read like the capture itself") {
    const Buffer plain = thousand_frames();
    const Reading expected{Exact(plain)};
    REQUIRE(expected.frames.size() == 1000);
    const Folder folder;
    for (const Compression how : all_compressions) {
        CAPTURE(to_string(how));
        const Buffer small = compressed(plain, how);
        CHECK(detect_compression(small) == how);
        // The name says nothing.
        Input input = open({folder.write("capture", small)});
        const auto frames = read_all(input);
        REQUIRE(frames.size() == 1000);
        CHECK(input.files()[0].compression == to_string(how));
        CHECK(input.files()[0].format == "pcap");
        for (std::size_t i = 0; i < frames.size(); ++i) {
            REQUIRE(frames[i].bytes == expected.frames[i].bytes);
            REQUIRE(frames[i].frame.offset == expected.frames[i].frame.offset);
            REQUIRE_FALSE(frames[i].frame.stable);
        }
        CHECK_FALSE(input.damaged());
    }
}

TEST_CASE("trap 73: compressed captures cut short give what could be inflated, and say so") {
    const Buffer plain = thousand_frames();
    const std::size_t record = 16 + 51;
    for (const Compression how : all_compressions) {
        CAPTURE(to_string(how));
        // A file that was closed in the middle of writing: a few frames of it are flushed.
        Compressor writer(plain, plain.size() / 5);
        const Buffer small = writer.as(how);
        const std::size_t size = writer.flushes[2].compressed;
        for (const bool piped : {false, true}) {
            const Reading read{Exact(Bytes(small).first(size)), piped};
            REQUIRE_FALSE(read.error);
            CHECK(read.frames.size() >= (writer.flushes[2].plain - 24) / record);
            CHECK(read.file.damaged);
            REQUIRE(read.annotations.findings.size() == 1);
            const Finding& f = read.annotations.findings[0];
            CHECK(f.rule == "capture-cut-short");
            CHECK(f.frame == read.frames.size() + 1);
            CHECK(f.text ==
                  fmt::format("x.pcap: cut short in frame {}, byte {} of the plain file: the {} "
                              "data is cut off at byte {} of the compressed file",
                              f.frame, f.byte, to_string(how), size));
        }
        // So short that nothing came out.
        const Reading read{Exact(Bytes(small).first(how == Compression::lz4 ? 11 : 13))};
        REQUIRE(read.error);
        CHECK(read.error->code == Errc::truncated);
        CHECK(read.error->what.find("data is cut off at byte 1") != std::string::npos);
    }
}

TEST_CASE("what follows compressed data is told, after the frames and not in one") {
    Buffer small = compressed(thousand_frames(), Compression::gzip);
    const std::size_t size = small.size();
    small.insert(small.end(), {'j', 'u', 'n', 'k'});
    const Reading read{Exact(small)};
    CHECK(read.frames.size() == 1000);
    REQUIRE(read.annotations.findings.size() == 1);
    CHECK(read.annotations.findings[0].text.find("x.pcap: damaged after frame 1000, byte ") == 0);
    CHECK(read.annotations.findings[0].text.find("from byte " + std::to_string(size)) !=
          std::string::npos);
}

TEST_CASE("compressed bytes that are broken in the middle are damage, not a crash") {
    const Buffer plain = thousand_frames();
    for (const Compression how : all_compressions) {
        Buffer small = compressed(plain, how);
        for (std::size_t at = 12; at < small.size(); at += small.size() / 40) {
            CAPTURE(to_string(how));
            CAPTURE(at);
            small[at] ^= 0xff;
            const Reading read{Exact(small)};
            // Not every format has a checksum that would tell.
            if (!read.error) CHECK(read.frames.size() < 2000);
            small[at] ^= 0xff;
        }
    }
}

TEST_CASE("what is compressed twice, or is no capture inside, is no capture") {
    const Buffer twice =
        compressed(compressed(thousand_frames(), Compression::gzip), Compression::gzip);
    const Reading read{Exact(twice)};
    REQUIRE(read.error);
    CHECK(read.error->code == Errc::unsupported);
    const Reading empty{Exact(compressed({}, Compression::gzip))};
    REQUIRE(empty.error);
    CHECK(empty.error->what == "x.pcap: empty file (gzip data of no bytes)");
    // That it is none counts for more than that it is damaged, too.
    Buffer text = compressed(as_bytes("some text that is no capture"), Compression::gzip);
    text.resize(text.size() - 4);
    const Reading cut{Exact(text)};
    REQUIRE(cut.error);
    CHECK(cut.error->code == Errc::unsupported);
    CHECK(cut.error->what == "x.pcap: not a capture file (starts with 'some')");
}

TEST_CASE("a compressed bomb takes time, not memory") {
    // 64 MB of zeros behind a file header: they end the reading at the first of them.
    Buffer plain = classic_capture({second});
    plain.resize(64u << 20);
    const Buffer bomb = compressed(plain, Compression::zstd);
    plain = Buffer{};
    CHECK(bomb.size() < 1u << 20);
    const Reading read{Exact(bomb)};
    CHECK(read.frames.size() == 1);
    CHECK(read.file.damaged);
}

TEST_CASE("trap 81: a capture from a pipe is read without a terminal") {
    const Buffer plain = thousand_frames();
    const Folder folder;
    const std::string pipe = folder.path("pipe");
    for (const bool compress : {false, true}) {
        CAPTURE(compress);
        REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
        std::thread writer([&] {
            const Buffer& bytes = compress ? compressed(plain, Compression::gzip) : plain;
            const int out = ::open(pipe.c_str(), O_WRONLY);
            // In small pieces that end anywhere.
            for (std::size_t at = 0; at < bytes.size();) {
                const std::size_t n = std::min<std::size_t>(bytes.size() - at, 1 + at % 997);
                const ssize_t written = ::write(out, bytes.data() + at, n);
                if (written <= 0) break;
                at += static_cast<std::size_t>(written);
            }
            ::close(out);
        });
        Input input = open({pipe});
        const auto frames = read_all(input);
        writer.join();
        REQUIRE(frames.size() == 1000);
        CHECK(frames[999].bytes == "some text that compresses, more or less, frame 999");
        CHECK_FALSE(frames[0].frame.stable);
        CHECK_FALSE(input.damaged());
        ::unlink(pipe.c_str());
    }
}

TEST_CASE("trap 81: \"-\" is standard input, a pipe or a file") {
    const Folder folder;
    const std::string file = folder.write("x", classic_capture({second, 2 * second}));
    const int kept = ::dup(STDIN_FILENO);
    for (const bool piped : {false, true}) {
        int in = -1;
        if (piped) {
            int ends[2];
            REQUIRE(::pipe(ends) == 0);
            const Buffer capture = classic_capture({second, 2 * second});
            REQUIRE(::write(ends[1], capture.data(), capture.size()) ==
                    static_cast<ssize_t>(capture.size()));
            ::close(ends[1]);
            in = ends[0];
        } else {
            in = ::open(file.c_str(), O_RDONLY);
        }
        ::dup2(in, STDIN_FILENO);
        ::close(in);
        Input input = open({"-"});
        CHECK(read_all(input).size() == 2);
        CHECK(input.files()[0].name == "standard input");
        CHECK(input.files()[0].path == "-");
    }
    ::dup2(kept, STDIN_FILENO);
    ::close(kept);
}

TEST_CASE("a record that claims more than a stream may hold is refused before it is awaited") {
    ClassicShape shape;
    shape.snap = 0x7fffffff;
    Buffer capture;
    write_classic_header(shape, capture);
    Frame frame = frame_of("abc", second);
    write_classic_record(shape, frame, capture);
    // captured = 32 MB
    capture[24 + 8] = 0;
    capture[24 + 8 + 3] = 2;
    const Reading read(Exact(capture), true);
    REQUIRE(read.annotations.findings.size() == 1);
    CHECK(read.annotations.findings[0].text.find("is impossible") != std::string::npos);
}

TEST_CASE("records larger than the first buffer of a stream are read whole") {
    ClassicShape shape;
    shape.snap = 2'000'000;
    Buffer capture;
    write_classic_header(shape, capture);
    for (int i = 0; i < 5; ++i)
        write_classic_record(shape, frame_of(std::string(1'000'000, static_cast<char>('a' + i)), 1),
                             capture);
    const Reading read(Exact(capture), true);
    REQUIRE(read.frames.size() == 5);
    for (int i = 0; i < 5; ++i)
        CHECK(read.frames[static_cast<std::size_t>(i)].bytes ==
              std::string(1'000'000, static_cast<char>('a' + i)));
}
