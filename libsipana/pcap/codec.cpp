#include "libsipana/pcap/codec.h"

#include <fmt/format.h>
#include <lzma.h>
#include <zstd.h>
#include <zstd_errors.h>
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <new>

namespace sipana::pcap {

namespace {

constexpr std::size_t most_at_once = 1u << 30;  // zlib counts in 32 bits

Error broken(std::string_view why) { return Error{Errc::malformed, 0, std::string(why)}; }

class Gzip : public Codec {
public:
    Gzip() {
        constexpr int gzip_only = 16;
        if (inflateInit2(&z_, MAX_WBITS + gzip_only) != Z_OK) throw std::bad_alloc();
    }
    ~Gzip() override { inflateEnd(&z_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    void begin() override { inflateReset(&z_); }

    Step step(Bytes in, std::span<std::uint8_t> out) override {
        const auto before = static_cast<uInt>(std::min(in.size(), most_at_once));
        const auto room = static_cast<uInt>(std::min(out.size(), most_at_once));
        z_.next_in = in.data();
        z_.avail_in = before;
        z_.next_out = out.data();
        z_.avail_out = room;
        const int r = inflate(&z_, Z_NO_FLUSH);
        if (r == Z_MEM_ERROR) throw std::bad_alloc();
        Step step{before - z_.avail_in, room - z_.avail_out, r == Z_STREAM_END, {}};
        if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
            step.error = broken(z_.msg != nullptr ? z_.msg : "a preset dictionary is asked for");
        return step;
    }

private:
    z_stream z_{};
};

class Xz : public Codec {
public:
    Xz() = default;
    ~Xz() override { lzma_end(&x_); }
    Xz(const Xz&) = delete;
    Xz& operator=(const Xz&) = delete;

    void begin() override {
        if (lzma_stream_decoder(&x_, max_window + other_memory, 0) != LZMA_OK)
            throw std::bad_alloc();
    }

    Step step(Bytes in, std::span<std::uint8_t> out) override {
        x_.next_in = in.data();
        x_.avail_in = in.size();
        x_.next_out = out.data();
        x_.avail_out = out.size();
        const lzma_ret r = lzma_code(&x_, LZMA_RUN);
        if (r == LZMA_MEM_ERROR) throw std::bad_alloc();
        Step step{in.size() - x_.avail_in, out.size() - x_.avail_out, r == LZMA_STREAM_END, {}};
        if (r == LZMA_MEMLIMIT_ERROR)
            step.error = Error{Errc::too_large, 0,
                               fmt::format("{} MB of memory are asked for, {} MB is the most",
                                           lzma_memusage(&x_) >> 20, max_window >> 20)};
        else if (r == LZMA_OPTIONS_ERROR)
            step.error = Error{Errc::unsupported, 0, "it has options that liblzma does not know"};
        else if (r != LZMA_OK && r != LZMA_BUF_ERROR && r != LZMA_STREAM_END)
            step.error = broken("invalid data or a wrong checksum");
        return step;
    }

private:
    static constexpr std::size_t other_memory = 1u << 20;  // what a decoder needs beside
    lzma_stream x_ = LZMA_STREAM_INIT;
};

// libzstd forgets to say what it has given where one call gives something and then fails. So it is
// fed what it asks for and no more: one block, or one header, then never both in a call.
class Zstd : public Codec {
public:
    Zstd() : z_(ZSTD_createDStream()) {
        if (z_ == nullptr) throw std::bad_alloc();
        ZSTD_DCtx_setParameter(z_, ZSTD_d_windowLogMax, max_window_bits);
    }
    ~Zstd() override { ZSTD_freeDStream(z_); }
    Zstd(const Zstd&) = delete;
    Zstd& operator=(const Zstd&) = delete;

    void begin() override {
        ZSTD_DCtx_reset(z_, ZSTD_reset_session_only);
        wanted_ = block_header;
        pending_ = false;
    }

    Step step(Bytes in, std::span<std::uint8_t> out) override {
        Step all;
        while (!all.over && all.given < out.size()) {
            // The hint counts the header of the next block in.
            const std::size_t unit = wanted_ > block_header ? wanted_ - block_header : wanted_;
            const std::size_t n = pending_ ? 0 : std::min(unit, in.size() - all.taken);
            if (n == 0 && !pending_) break;
            ZSTD_inBuffer from{in.data() + all.taken, n, 0};
            ZSTD_outBuffer to{out.data(), out.size(), all.given};
            const std::size_t r = ZSTD_decompressStream(z_, &to, &from);
            if (ZSTD_isError(r)) {
                all.error = error(r);
                break;
            }
            all.taken += from.pos;
            all.given = to.pos;
            all.over = r == 0;
            wanted_ = r;
            pending_ = to.pos == to.size;
        }
        return all;
    }

private:
    static constexpr std::size_t block_header = 3;

    static Error error(std::size_t code) {
        if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation) throw std::bad_alloc();
        if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
            return Error{Errc::too_large, 0,
                         fmt::format("more memory is asked for than {} MB", max_window >> 20)};
        return broken(ZSTD_getErrorName(code));
    }

    ZSTD_DStream* z_;
    std::size_t wanted_ = block_header;
    bool pending_ = false;  // plain bytes may wait: there was no room for more
};

}  // namespace

std::unique_ptr<Codec> gzip_codec() { return std::make_unique<Gzip>(); }
std::unique_ptr<Codec> zstd_codec() { return std::make_unique<Zstd>(); }
std::unique_ptr<Codec> xz_codec() { return std::make_unique<Xz>(); }

}  // namespace sipana::pcap
