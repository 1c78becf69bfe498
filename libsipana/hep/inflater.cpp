#include "libsipana/hep/inflater.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

namespace sipana::hep {

class Inflater::Zlib {
public:
    Zlib() : ready_(inflateInit2(&stream_, window_bits_of_both) == Z_OK) {}
    ~Zlib() {
        if (ready_) inflateEnd(&stream_);
    }
    Zlib(const Zlib&) = delete;
    Zlib& operator=(const Zlib&) = delete;

    bool restart() { return ready_ && inflateReset(&stream_) == Z_OK; }
    z_stream& stream() { return stream_; }

private:
    static constexpr int window_bits_of_both = 15 + 32;  // zlib or gzip, by the first bytes
    z_stream stream_{};
    bool ready_;
};

Inflater::Inflater() = default;
Inflater::~Inflater() = default;

Result<Bytes> Inflater::inflate(Bytes compressed) {
    constexpr std::size_t first = 4096;
    if (!zlib_) zlib_ = std::make_unique<Zlib>();
    if (!zlib_->restart()) return Error{Errc::io, 0, "zlib: no memory"};
    z_stream& z = zlib_->stream();
    z.next_in = const_cast<Bytef*>(compressed.data());  // zlib reads it only
    z.avail_in = static_cast<uInt>(std::min<std::size_t>(compressed.size(), 1u << 30));
    if (plain_.size() < first) plain_.resize(first);
    std::size_t made = 0;
    for (;;) {
        z.next_out = plain_.data() + made;
        z.avail_out = static_cast<uInt>(plain_.size() - made);
        const int result = ::inflate(&z, Z_NO_FLUSH);
        made = plain_.size() - z.avail_out;
        if (result == Z_STREAM_END) return Bytes(plain_).first(made);
        const std::size_t at = compressed.size() - z.avail_in;
        if (result != Z_OK && result != Z_BUF_ERROR)
            return Error{Errc::malformed, at,
                         fmt::format("the payload does not inflate: {}",
                                     z.msg != nullptr ? z.msg : "not zlib")};
        if (z.avail_out > 0) return Error{Errc::truncated, at, "the compressed payload is cut off"};
        if (plain_.size() >= most_inflated)
            return Error{Errc::too_large, at,
                         fmt::format("the payload inflates to more than {} bytes", most_inflated)};
        plain_.resize(std::min(plain_.size() * 4, most_inflated));
    }
}

}  // namespace sipana::hep
