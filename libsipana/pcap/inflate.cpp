#include "libsipana/pcap/inflate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace sipana::pcap {

namespace {

constexpr std::size_t piece_size = 64 << 10;

bool is_lz4_legacy(Bytes start) { return start[0] == 0x02; }

std::unique_ptr<Codec> codec_for(Compression compression, Bytes start) {
    switch (compression) {
        case Compression::gzip:
            return gzip_codec();
        case Compression::zstd:
            return zstd_codec();
        case Compression::lz4:
            return is_lz4_legacy(start) ? lz4_legacy_codec() : lz4_codec();
        default:
            return xz_codec();
    }
}

}  // namespace

Inflated::Inflated(std::unique_ptr<Stream> compressed, Compression compression)
    : compressed_(std::move(compressed)), compression_(compression), piece_(piece_size) {}

Result<std::size_t> Inflated::read(std::uint8_t* to, std::size_t room) {
    while (!over_ && !error_) {
        if (between_ && !begin_member()) break;
        if (in_.empty()) fill(1);
        const bool last = in_.empty() && exhausted_;
        const Codec::Step step = last ? codec_->rest({to, room}) : codec_->step(in_, {to, room});
        in_ = in_.subspan(step.taken);
        at_ += step.taken;
        between_ = step.over;
        if (step.error)
            error_ =
                Error{step.error->code, 0, place(fmt::format("broken ({})", step.error->what))};
        else if (last && step.given == 0 && !step.over)
            ended_early();
        if (step.given > 0) return step.given;
    }
    if (error_) return *error_;
    return std::size_t{0};
}

// At least `least` bytes in in_, where there are so many.
void Inflated::fill(std::size_t least) {
    std::size_t have = in_.size();
    if (have > 0) std::memmove(piece_.data(), in_.data(), have);
    while (have < least && !exhausted_) {
        const auto n = compressed_->read(piece_.data() + have, piece_.size() - have);
        if (!n) failed_ = n.error();
        exhausted_ = !n || *n == 0;
        if (!exhausted_) have += *n;
    }
    in_ = Bytes(piece_).first(have);
}

// False where there is none: over_ or error_ says why.
bool Inflated::begin_member() {
    for (;;) {
        if (in_.size() < compression_magic) fill(compression_magic);
        const auto padding = static_cast<std::size_t>(
            std::find_if(in_.begin(), in_.end(), [](std::uint8_t b) { return b != 0; }) -
            in_.begin());
        in_ = in_.subspan(padding);
        at_ += padding;
        if (padding == 0) break;
    }
    if (in_.empty()) {
        over_ = true;
        error_ = failed_;
        return false;
    }
    const Compression next = detect_compression(in_);
    if (next != compression_ && !(compression_ == Compression::lz4 && is_skippable(in_))) {
        error_ = Error{Errc::malformed, 0,
                       fmt::format("what follows the {} data, from byte {} of the compressed file, "
                                   "is passed over",
                                   to_string(compression_), at_)};
        return false;
    }
    if (!codec_ || compression_ == Compression::lz4) codec_ = codec_for(compression_, in_);
    codec_->begin();
    between_ = false;
    return true;
}

void Inflated::ended_early() {
    error_ = failed_ ? *failed_ : Error{Errc::truncated, 0, place("cut off")};
}

std::string Inflated::place(std::string_view what) const {
    return fmt::format("the {} data is {} at byte {} of the compressed file",
                       to_string(compression_), what, at_);
}

}  // namespace sipana::pcap
