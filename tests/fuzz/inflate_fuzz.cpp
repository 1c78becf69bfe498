// Compressed bytes: the same plain bytes and the same error in whatever pieces they are read; what
// a cut leaves is the beginning of what the whole gives. How far into broken bytes a library comes
// may differ with the pieces (liblzma's does).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libsipana/pcap/stream.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

constexpr std::size_t enough = 1u << 18;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Plain {
    std::string text;
    std::string error;
    bool broken = false;
};

bool same_beginning(const std::string& a, const std::string& b) {
    const std::size_t common = std::min(a.size(), b.size());
    return a.compare(0, common, b, 0, common) == 0;
}

Plain inflated(Bytes input, std::size_t room) {
    Plain plain;
    auto stream = memory_stream(input);
    require(stream.has_value());
    std::string piece(room, 0);
    while (plain.text.size() < enough) {
        const std::size_t at_most = std::min(room, enough - plain.text.size());
        const auto n = (*stream)->read(reinterpret_cast<std::uint8_t*>(piece.data()), at_most);
        if (!n) plain.error = n.error().what;
        if (!n) plain.broken = n.error().code == Errc::malformed;
        if (!n || *n == 0) break;
        require(*n <= at_most);
        plain.text.append(piece, 0, *n);
    }
    return plain;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes input{bytes, size};
    if (detect_compression(input) == Compression::none) return 0;
    const Plain whole = inflated(input, enough);
    const Plain pieces = inflated(input, 1 + bytes[size - 1] * 16u);
    require(whole.broken == pieces.broken);
    require(same_beginning(whole.text, pieces.text));
    if (!whole.broken) {
        require(whole.text.size() == pieces.text.size());
        require(whole.error == pieces.error);
    }
    require(same_beginning(whole.text, inflated(input.first(size - size / 4), 4096).text));
    return 0;
}
