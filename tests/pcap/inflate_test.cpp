#include "libsipana/pcap/inflate.h"

#include <doctest/doctest.h>
#include <lz4.h>

#include <string>

#include "libsipana/base/random.h"
#include "tests/exact.h"
#include "tests/pcap/compressed.h"
#include "tests/pcap/samples.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

struct Plain {
    std::string text;
    std::optional<Error> error;
};

// All that `small` gives, read in pieces of `room`.
Plain inflated(Bytes small, std::size_t room = 4096) {
    const Exact exact(small);
    auto stream = memory_stream(exact);
    REQUIRE(stream);
    Plain plain;
    std::string piece(room, 0);
    for (;;) {
        const auto n = (*stream)->read(reinterpret_cast<std::uint8_t*>(piece.data()), room);
        if (!n) plain.error = n.error();
        if (!n || *n == 0) break;
        plain.text.append(piece, 0, *n);
    }
    // What it said last it says again.
    const auto again = (*stream)->read(reinterpret_cast<std::uint8_t*>(piece.data()), room);
    CHECK(bool(again) == !plain.error);
    return plain;
}

// Text that compresses to about two thirds.
std::string noise(std::size_t size, std::uint64_t seed = 1) {
    Random random(seed);
    std::string text(size, 0);
    for (char& c : text) c = static_cast<char>('a' + random.below(30));
    return text;
}

Buffer joined(std::initializer_list<Bytes> parts) {
    Buffer out;
    for (const Bytes part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

Buffer lz4_legacy(std::string_view plain) {
    Buffer out{0x02, 0x21, 0x4c, 0x18};
    constexpr std::size_t block = 8u << 20;
    for (; !plain.empty(); plain.remove_prefix(std::min(plain.size(), block))) {
        const std::string_view piece = plain.substr(0, block);
        const auto bound = static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(block)));
        Buffer small(bound);
        const int n =
            LZ4_compress_default(piece.data(), reinterpret_cast<char*>(small.data()),
                                 static_cast<int>(piece.size()), static_cast<int>(small.size()));
        REQUIRE(n > 0);
        for (int shift = 0; shift < 32; shift += 8)
            out.push_back(static_cast<std::uint8_t>(n >> shift));
        out.insert(out.end(), small.begin(), small.begin() + n);
    }
    return out;
}

}  // namespace

TEST_CASE("trap 73: a file cut off anywhere gives all that had been flushed before the cut") {
    const std::string plain = noise(30'000);
    for (const Compression how : all_compressions) {
        CAPTURE(to_string(how));
        Compressor writer(as_bytes(plain), 1'000);
        const Buffer small = writer.as(how);
        REQUIRE(writer.flushes.size() == 30);
        std::size_t before = 0;
        for (std::size_t size = compression_magic; size < small.size(); size += 61) {
            CAPTURE(size);
            std::size_t owed = 0;
            for (const Flushed& f : writer.flushes)
                if (f.compressed <= size) owed = f.plain;
            const Plain got = inflated(Bytes(small).first(size), 777);
            REQUIRE(got.text.size() >= owed);
            REQUIRE(got.text.size() >= before);
            REQUIRE(plain.compare(0, got.text.size(), got.text) == 0);
            REQUIRE(got.error);
            REQUIRE(got.error->code == Errc::truncated);
            REQUIRE(got.error->what == std::string("the ") + std::string(to_string(how)) +
                                           " data is cut off at byte " + std::to_string(size) +
                                           " of the compressed file");
            before = got.text.size();
        }
        CHECK(inflated(small).text == plain);
    }
}

TEST_CASE("gzip, lz4 and xz give the beginning of a block whose end is missing") {
    const std::string plain = noise(60'000);
    const Buffer smalls[] = {
        Compressor(as_bytes(plain), 0).gzip(),
        Compressor(as_bytes(plain), 0).xz(),
        Compressor(as_bytes(plain), 0).lz4(),
        Compressor(as_bytes(plain), 0).lz4(LZ4F_blockLinked, true),
        lz4_legacy(plain),
    };
    for (std::size_t i = 0; i < std::size(smalls); ++i) {
        CAPTURE(i);
        const Buffer& small = smalls[i];
        for (std::size_t size = small.size() / 4; size < small.size(); size += 499) {
            CAPTURE(size);
            const Plain got = inflated(Bytes(small).first(size), 10'000);
            REQUIRE(got.error);
            REQUIRE(plain.compare(0, got.text.size(), got.text) == 0);
            // To within what xz and gzip hold back.
            CHECK(got.text.size() + 2'000 > plain.size() * size / small.size());
        }
    }
}

TEST_CASE("lz4: a cut within the length of a long match or literal loses that one alone") {
    const std::string plain =
        noise(5'000) + std::string(200'000, 'x') + noise(300, 2) + std::string(3'000'000, 'y');
    const Buffer small = Compressor(as_bytes(plain), 0).lz4();
    for (std::size_t size = small.size() - 12'000; size < small.size() - 8; size += 7) {
        CAPTURE(size);
        const Plain got = inflated(Bytes(small).first(size), 1 << 16);
        REQUIRE(got.error);
        REQUIRE(plain.compare(0, got.text.size(), got.text) == 0);
        REQUIRE(got.text.size() >= 205'000);
    }
}

TEST_CASE("lz4: a block that is stored as it is, or refers to the one before, is given begun") {
    Random random(3);
    std::string plain(200'000, 0);
    for (char& c : plain) c = static_cast<char>(random.below(256));
    plain += plain.substr(150'000, 20'000) + plain.substr(0, 30'000);  // in reach, and not
    for (const bool linked : {false, true}) {
        CAPTURE(linked);
        Compressor writer(as_bytes(plain), 50'000);
        const Buffer small = writer.lz4(linked ? LZ4F_blockLinked : LZ4F_blockIndependent, linked);
        for (std::size_t i = 1; i < writer.flushes.size(); ++i) {
            const Flushed from = writer.flushes[i - 1], to = writer.flushes[i];
            const std::size_t size = (from.compressed + to.compressed) / 2;
            CAPTURE(size);
            const Plain got = inflated(Bytes(small).first(size), 3'000);
            REQUIRE(plain.compare(0, got.text.size(), got.text) == 0);
            CHECK(got.text.size() > from.plain);
        }
    }
}

TEST_CASE("lz4: a stored block whose checksum is wrong is given, however it is read") {
    Random random(4);
    std::string plain(3'000, 0);
    for (char& c : plain) c = static_cast<char>(random.below(256));
    Buffer small = Compressor(as_bytes(plain), 0).lz4(LZ4F_blockIndependent, true);
    small[small.size() - 4 - 4 - 1] ^= 1;  // the block's, before the end mark and the frame's
    for (const std::size_t room : {1u, 100u, 1u << 20}) {
        const Plain got = inflated(small, room);
        CHECK(got.text == plain);
        REQUIRE(got.error);
        CHECK(got.error->code == Errc::malformed);
    }
}

TEST_CASE("members, frames and streams that follow each other are one file") {
    const std::string a = noise(5'000, 1), b = noise(70'000, 2);
    for (const Compression how : all_compressions) {
        CAPTURE(to_string(how));
        const Buffer x = compressed(as_bytes(a), how), y = compressed(as_bytes(b), how),
                     nothing = compressed({}, how);
        for (const std::size_t room : {1u, 100u, 1u << 20}) {
            const Plain got = inflated(joined({x, nothing, y, x}), room);
            CHECK_FALSE(got.error);
            CHECK(got.text == a + b + a);
        }
        // Cut off between two is no damage that anyone could see; within the second it is.
        const Plain within = inflated(joined({x, Bytes(y).first(compression_magic)}));
        REQUIRE(within.error);
        CHECK(within.error->code == Errc::truncated);
        CHECK(within.text == a);
    }
    const Buffer legacy = lz4_legacy(a);
    CHECK(inflated(joined({legacy, legacy})).text == a + a);
    CHECK_FALSE(inflated(joined({legacy, legacy})).error);
}

TEST_CASE("xz 2.2: zeros between streams and behind them are padding, on tapes gzip's, too") {
    const std::string a = noise(5'000);
    const Buffer zeros(100'000);
    for (const Compression how : {Compression::gzip, Compression::xz}) {
        const Buffer x = compressed(as_bytes(a), how);
        const Plain got = inflated(joined({x, Bytes(zeros).first(4), x, zeros}));
        CHECK_FALSE(got.error);
        CHECK(got.text == a + a);
    }
}

TEST_CASE("RFC 8878 3.1.2: skippable frames are skipped, first, between and last") {
    const std::string a = noise(5'000);
    Buffer skippable{0x5a, 0x2a, 0x4d, 0x18, 0x00, 0x02, 0x00, 0x00};
    skippable.resize(8 + 512, 0xee);
    for (const Compression how : {Compression::zstd, Compression::lz4}) {
        CAPTURE(to_string(how));
        const Buffer x = compressed(as_bytes(a), how);
        const Plain got = inflated(joined({x, skippable, x, skippable}));
        CHECK_FALSE(got.error);
        CHECK(got.text == a + a);
        const Plain cut = inflated(joined({x, Bytes(skippable).first(100)}));
        REQUIRE(cut.error);
        CHECK(cut.error->code == Errc::truncated);
        CHECK(cut.text == a);
    }
    const Buffer first = joined({skippable, compressed(as_bytes(a), Compression::zstd)});
    CHECK(inflated(first).text == a);
}

TEST_CASE("what follows compressed data and is none is told by its byte, and loses nothing") {
    const std::string a = noise(5'000);
    for (const Compression how : all_compressions) {
        CAPTURE(to_string(how));
        const Buffer x = compressed(as_bytes(a), how);
        for (const char* tail : {"x", "and so on, and so forth"}) {
            const Plain got = inflated(joined({x, as_bytes(tail)}));
            CHECK(got.text == a);
            REQUIRE(got.error);
            CHECK(got.error->code == Errc::malformed);
            CHECK(got.error->what == fmt::format("what follows the {} data, from byte {} of the "
                                                 "compressed file, is passed over",
                                                 to_string(how), x.size()));
        }
    }
}

TEST_CASE("a wrong checksum is told after all that it is the checksum of") {
    const std::string plain = noise(300'000);
    for (const Compression how : all_compressions) {
        CAPTURE(to_string(how));
        Buffer small = compressed(as_bytes(plain), how);
        // The last bytes are gzip's CRC and length, zstd's and lz4's checksum; xz checks a block
        // before its index and its footer.
        const std::size_t from_end = how == Compression::gzip ? 8
                                     : how == Compression::xz ? 12 + 20
                                                              : 4;
        small[small.size() - from_end] ^= 1;
        const Plain got = inflated(small, 1 << 20);
        CHECK(got.text == plain);
        REQUIRE(got.error);
        CHECK(got.error->code == Errc::malformed);
        CHECK(got.error->what.find(" data is broken (") != std::string::npos);
        CHECK(got.error->what.find(") at byte ") != std::string::npos);
    }
}

TEST_CASE("bytes that are wrong in the middle: what was flushed before them is given") {
    const std::string plain = noise(30'000);
    for (const Compression how : all_compressions) {
        CAPTURE(to_string(how));
        Compressor writer(as_bytes(plain), 1'000);
        const Buffer good = writer.as(how);
        for (std::size_t at = 40; at + 40 < good.size(); at += 103) {
            CAPTURE(at);
            Buffer bad = good;
            bad[at] ^= 0xff;
            std::size_t owed = 0;
            for (const Flushed& f : writer.flushes)
                if (f.compressed <= at) owed = f.plain;
            const Plain got = inflated(bad, 1 << 20);
            REQUIRE(got.error);
            REQUIRE(got.text.size() >= owed);
            REQUIRE(plain.compare(0, owed, got.text, 0, owed) == 0);
        }
    }
}

TEST_CASE("a member that wants more memory than the formats' programs give is refused as such") {
    // RFC 8878 3.1.1.1.2: a window of 2^31 bytes, and a raw block of three.
    const Buffer zstd{0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x19, 0, 0, 'a', 'b', 'c'};
    const Plain wide = inflated(zstd);
    REQUIRE(wide.error);
    CHECK(wide.error->code == Errc::too_large);
    CHECK(wide.error->what.find("more memory is asked for than 128 MB") != std::string::npos);
    lzma_options_lzma options;
    REQUIRE_FALSE(lzma_lzma_preset(&options, 0));
    options.dict_size = 256u << 20;
    options.mf = LZMA_MF_HC3;
    options.mode = LZMA_MODE_FAST;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    // The header of a block says it: the rest need not be there.
    Buffer xz{0xfd, '7', 'z', 'X', 'Z', 0, 0, 4, 0xe6, 0xd6, 0xb4, 0x46};
    lzma_block block{};
    block.version = 1;
    block.check = LZMA_CHECK_CRC64;
    block.filters = const_cast<lzma_filter*>(filters);
    block.compressed_size = block.uncompressed_size = LZMA_VLI_UNKNOWN;
    REQUIRE(lzma_block_header_size(&block) == LZMA_OK);
    xz.resize(12 + block.header_size);
    REQUIRE(lzma_block_header_encode(&block, xz.data() + 12) == LZMA_OK);
    const Plain large = inflated(xz);
    REQUIRE(large.error);
    CHECK(large.error->code == Errc::too_large);
    CHECK(large.error->what.find("256 MB of memory are asked for, 128 MB is the most") !=
          std::string::npos);
}

TEST_CASE("lz4: the legacy frame of `lz4 -l`, larger than one of its blocks") {
    const std::string plain = noise(9u << 20);
    const Buffer small = lz4_legacy(plain);
    const Plain got = inflated(small, 100'000);
    CHECK_FALSE(got.error);
    CHECK(got.text == plain);
    Buffer bad = small;
    bad.resize(bad.size() + 4, 0);
    const Plain zeros = inflated(bad, 100'000);
    CHECK(zeros.text == plain);
    REQUIRE(zeros.error);
    CHECK(zeros.error->what.find("a block of impossible size") != std::string::npos);
}
