// Compressed bytes: the same plain bytes and the same error in whatever pieces they are read; what a
// cut leaves is the beginning of what the whole gives.
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
};

Plain inflated(Bytes input, std::size_t room) {
    Plain plain;
    auto stream = memory_stream(input);
    require(stream.has_value());
    std::string piece(room, 0);
    while (plain.text.size() < enough) {
        const std::size_t at_most = std::min(room, enough - plain.text.size());
        const auto n = (*stream)->read(reinterpret_cast<std::uint8_t*>(piece.data()), at_most);
        if (!n) plain.error = n.error().what;
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
    require(whole.text == pieces.text);
    require(whole.error == pieces.error);
    const std::string cut = inflated(input.first(size - size / 4), 4096).text;
    const std::size_t common = std::min(cut.size(), whole.text.size());
    require(whole.text.compare(0, common, cut, 0, common) == 0);
    return 0;
}
