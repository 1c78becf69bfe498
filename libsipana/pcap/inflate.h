// Inflate: a compressed stream as its plain bytes.
//
// All that can be inflated comes first: up to where the file ends, or up to the first byte that is
// wrong. Only then comes the error, which names the byte of the compressed file. Members, frames
// and streams that follow each other are read as one, as the formats' own programs do; so is
// padding of zeros (tapes, xz 2.2). What follows and is none of them is an error at its first byte.
//
// Nothing is inflated beyond the piece asked for: a bomb costs time. What is remembered is bounded
// by the codec (codec.h).
#pragma once

#include <memory>
#include <string>

#include "libsipana/pcap/codec.h"
#include "libsipana/pcap/stream.h"

namespace sipana::pcap {

class Inflated : public Stream {
public:
    // `compression`: what detect_compression() said of the first bytes; not none.
    Inflated(std::unique_ptr<Stream> compressed, Compression compression);

    Result<std::size_t> read(std::uint8_t* to, std::size_t room) override;
    Compression compression() const override { return compression_; }

private:
    void fill(std::size_t least);
    bool begin_member();
    void ended_early();
    std::string place(std::string_view what) const;

    std::unique_ptr<Stream> compressed_;
    Compression compression_;
    std::unique_ptr<Codec> codec_;
    Buffer piece_;
    Bytes in_;                // of piece_: not taken yet
    std::size_t at_ = 0;      // the byte of the compressed file where in_ begins
    bool exhausted_ = false;  // the compressed bytes are all read
    bool between_ = true;     // members
    bool over_ = false;
    std::optional<Error> failed_;  // the system, while reading
    std::optional<Error> error_;   // what read() has to say once all is given
};

}  // namespace sipana::pcap
