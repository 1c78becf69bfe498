#include "libsipana/pcap/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "libsipana/base/random.h"
#include "tests/exact.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

constexpr Compression all[] = {Compression::gzip, Compression::zstd, Compression::lz4,
                               Compression::xz};

Buffer compressed(Bytes bytes, Compression how) {
    archive* a = archive_write_new();
    const int filter = how == Compression::gzip   ? archive_write_add_filter_gzip(a)
                       : how == Compression::zstd ? archive_write_add_filter_zstd(a)
                       : how == Compression::lz4  ? archive_write_add_filter_lz4(a)
                                                  : archive_write_add_filter_xz(a);
    REQUIRE(filter == ARCHIVE_OK);
    REQUIRE(archive_write_set_format_raw(a) == ARCHIVE_OK);
    // Whole blocks would be padded with zeros.
    archive_write_set_bytes_in_last_block(a, 1);
    Buffer out(bytes.size() + (1 << 16));
    std::size_t used = 0;
    REQUIRE(archive_write_open_memory(a, out.data(), out.size(), &used) == ARCHIVE_OK);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, "x");
    archive_entry_set_filetype(entry, AE_IFREG);
    REQUIRE(archive_write_header(a, entry) == ARCHIVE_OK);
    REQUIRE(archive_write_data(a, bytes.data(), bytes.size()) ==
            static_cast<la_ssize_t>(bytes.size()));
    REQUIRE(archive_write_close(a) == ARCHIVE_OK);
    archive_entry_free(entry);
    archive_write_free(a);
    out.resize(used);
    return out;
}

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
    for (const Compression how : all) {
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
    Random random(1);
    for (const Compression how : all) {
        // Larger than what the decompressor inflates in one piece, and hard to compress.
        Buffer plain;
        write_classic_header({}, plain);
        std::size_t all_frames = 0;
        for (; plain.size() < (how == Compression::lz4 ? 9u << 20 : 1u << 20); ++all_frames) {
            std::string noise(1000, 0);
            for (char& c : noise) c = static_cast<char>(random.below(16));
            write_classic_record({}, frame_of(noise, second), plain);
        }
        const Buffer small = compressed(plain, how);
        for (const std::size_t size : {small.size() * 3 / 4, small.size() - 15}) {
            CAPTURE(to_string(how));
            CAPTURE(size);
            const Reading read{Exact(Bytes(small).first(size))};
            REQUIRE_FALSE(read.error);
            CHECK(read.frames.size() > all_frames / 4);
            CHECK(read.frames.size() < all_frames);
            CHECK(read.file.damaged);
            REQUIRE(read.annotations.findings.size() == 1);
            CHECK(read.annotations.findings[0].rule == "capture-cut-short");
            CHECK(read.annotations.findings[0].text.find("data ends too early") !=
                  std::string::npos);
        }
        // So short that nothing came out.
        const Reading read{Exact(Bytes(small).first(40))};
        REQUIRE(read.error);
        CHECK(read.error->code == Errc::truncated);
        CHECK(read.error->what.find("ends too early") != std::string::npos);
    }
}

TEST_CASE("compressed bytes that are broken in the middle are damage, not a crash") {
    const Buffer plain = thousand_frames();
    for (const Compression how : all) {
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
    CHECK(empty.error->what == "x.pcap: gzip data is empty or ends too early");
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
