// Window: the part of a capture that the record readers see, over a Mapping or a Stream.
//
// need(n) is the one test on the hot path: it is one comparison until the window has to move, which
// on a mapping means letting go of the pages behind, and on a stream reading on. After need() on a
// stream, earlier views of the window are no longer valid.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/pcap/mapping.h"
#include "libsipana/pcap/stream.h"

namespace sipana::pcap {

class Window {
public:
    explicit Window(Mapping mapping);
    explicit Window(std::unique_ptr<Stream> stream);
    // Over bytes that outlive the window, as if they were a mapped file.
    explicit Window(Bytes whole);

    // At least `n` bytes lie at cursor(). `n` is at most max_record().
    bool need(std::size_t n) { return static_cast<std::size_t>(limit_ - cursor_) >= n || move(n); }
    const std::uint8_t* cursor() const { return cursor_; }
    Bytes view(std::size_t n) const { return {cursor_, n}; }  // after need(n)
    void pass(std::size_t n) { cursor_ += n; }                // after need(n)
    // Passes `n` bytes that need not fit into the window; false where there are fewer.
    bool skip(std::uint64_t n);
    // After need(n) has failed: the bytes that are there, fewer than n.
    std::size_t left() const { return static_cast<std::size_t>(end_ - cursor_); }
    std::uint64_t offset() const { return passed_ + static_cast<std::uint64_t>(cursor_ - start_); }
    // Lets all pages of a mapping behind the cursor go; views refault them.
    void let_go_behind() const;
    bool stable() const { return !stream_; }
    // The largest record that is taken from this window.
    std::size_t max_record() const { return stream_ ? max_stream_record : max_mapped_record; }
    // Why the bytes ended, where it was not the end of the file.
    const std::optional<Error>& error() const { return error_; }
    // The mapped file has become shorter since it was opened.
    bool shrunk() const { return !stream_ && mapping_.lost(); }

    static constexpr std::size_t max_mapped_record = 256u << 20;
    static constexpr std::size_t max_stream_record = 16u << 20;

private:
    bool move(std::size_t n);
    bool move_mapping(std::size_t n);
    bool move_stream(std::size_t n);

    const std::uint8_t* cursor_ = nullptr;
    const std::uint8_t* limit_ = nullptr;  // need() asks no further than this
    const std::uint8_t* end_ = nullptr;    // of the bytes that are there
    const std::uint8_t* start_ = nullptr;  // of the mapping or of buffer_
    std::uint64_t passed_ = 0;             // bytes of the stream that lay before buffer_
    std::size_t let_go_ = 0;               // of the mapping: pages below are let go
    unsigned steps_ = 0;
    Mapping mapping_;
    std::unique_ptr<Stream> stream_;
    Buffer buffer_;
    std::optional<Error> error_;
};

}  // namespace sipana::pcap
