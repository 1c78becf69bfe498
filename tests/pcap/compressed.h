// Compressed: bytes as one member of each format, written by the formats' own libraries.
#pragma once

#include <doctest/doctest.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <vector>

#include "libsipana/pcap/stream.h"

namespace sipana::pcap {

inline constexpr Compression all_compressions[] = {Compression::gzip, Compression::zstd,
                                                   Compression::lz4, Compression::xz};

// Up to `plain` bytes were in the first `compressed` bytes when the writer was told to flush.
struct Flushed {
    std::size_t plain = 0;
    std::size_t compressed = 0;
};

// Flushes after each `piece` bytes (0: never) and says in `flushes` where that was.
class Compressor {
public:
    Compressor(Bytes plain, std::size_t piece) : plain_(plain), piece_(piece) {
        out_.resize(2 * plain.size() + plain.size() / std::max<std::size_t>(piece, 1) * 64 + 4096);
        if (piece_ == 0) piece_ = plain.size();
    }

    Buffer gzip() {
        z_stream z{};
        REQUIRE(deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
        do {
            const Bytes in = next();
            z.next_in = const_cast<Bytef*>(in.data());
            z.avail_in = static_cast<uInt>(in.size());
            z.next_out = out_.data() + used_;
            z.avail_out = static_cast<uInt>(out_.size() - used_);
            deflate(&z, done() ? Z_FINISH : Z_SYNC_FLUSH);
            flushed(z.total_out);
        } while (!done());
        deflateEnd(&z);
        return take();
    }

    Buffer zstd() {
        ZSTD_CCtx* z = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
        ZSTD_outBuffer to{out_.data(), out_.size(), 0};
        do {
            const Bytes in = next();
            ZSTD_inBuffer from{in.data(), in.size(), 0};
            REQUIRE(ZSTD_compressStream2(z, &to, &from, done() ? ZSTD_e_end : ZSTD_e_flush) == 0);
            flushed(to.pos);
        } while (!done());
        ZSTD_freeCCtx(z);
        return take();
    }

    // Blocks of 4 MB, as the program `lz4` writes by itself.
    Buffer lz4(LZ4F_blockMode_t mode = LZ4F_blockIndependent, bool block_checksum = false) {
        LZ4F_cctx* z = nullptr;
        REQUIRE_FALSE(LZ4F_isError(LZ4F_createCompressionContext(&z, LZ4F_VERSION)));
        LZ4F_preferences_t how{};
        how.frameInfo.blockSizeID = LZ4F_max4MB;
        how.frameInfo.blockMode = mode;
        how.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
        how.frameInfo.blockChecksumFlag =
            block_checksum ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
        out_.resize(out_.size() + (5u << 20));
        const auto put = [&](std::size_t n) {
            REQUIRE_FALSE(LZ4F_isError(n));
            used_ += n;
        };
        const auto at = [&] { return out_.data() + used_; };
        const auto room = [&] { return out_.size() - used_; };
        put(LZ4F_compressBegin(z, at(), room(), &how));
        do {
            const Bytes in = next();
            put(LZ4F_compressUpdate(z, at(), room(), in.data(), in.size(), nullptr));
            put(done() ? LZ4F_compressEnd(z, at(), room(), nullptr)
                       : LZ4F_flush(z, at(), room(), nullptr));
            flushed(used_);
        } while (!done());
        LZ4F_freeCompressionContext(z);
        return take();
    }

    Buffer xz() {
        lzma_stream x = LZMA_STREAM_INIT;
        REQUIRE(lzma_easy_encoder(&x, 2, LZMA_CHECK_CRC64) == LZMA_OK);
        do {
            const Bytes in = next();
            x.next_in = in.data();
            x.avail_in = in.size();
            x.next_out = out_.data() + used_;
            x.avail_out = out_.size() - used_;
            while (lzma_code(&x, done() ? LZMA_FINISH : LZMA_SYNC_FLUSH) == LZMA_OK) {
            }
            flushed(x.total_out);
        } while (!done());
        lzma_end(&x);
        return take();
    }

    Buffer as(Compression how) {
        return how == Compression::gzip   ? gzip()
               : how == Compression::zstd ? zstd()
               : how == Compression::lz4  ? lz4()
                                          : xz();
    }

    std::vector<Flushed> flushes;

private:
    Bytes next() {
        const Bytes piece = plain_.subspan(at_, std::min(piece_, plain_.size() - at_));
        at_ += piece.size();
        return piece;
    }
    bool done() const { return at_ == plain_.size(); }
    void flushed(std::size_t size) {
        used_ = size;
        flushes.push_back({at_, size});
    }
    Buffer take() {
        out_.resize(used_);
        return std::move(out_);
    }

    Bytes plain_;
    std::size_t piece_;
    std::size_t at_ = 0;
    std::size_t used_ = 0;
    Buffer out_;
};

inline Buffer compressed(Bytes plain, Compression how) { return Compressor(plain, 0).as(how); }

}  // namespace sipana::pcap
