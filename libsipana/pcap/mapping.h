// Mapping: a regular file in memory, read only, let go of behind the reader.
//
// Views into bytes() live as long as the Mapping; they stay valid after let_go(), because a page
// that is touched again comes back from the page cache. A file that another program shortens while
// it is mapped would end the process with SIGBUS at the first touch. The first Mapping therefore
// installs a SIGBUS handler for the process: inside a mapping of ours the missing pages become
// zeros and lost() is set; any other SIGBUS goes to the handler that was there before.
#pragma once

#include <cstddef>
#include <string>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"

namespace sipana::pcap {

class Mapping {
public:
    Mapping() = default;
    // Maps the whole of the regular file behind `descriptor`, which may be closed afterwards.
    // Fails (Errc::unsupported) where the file is better read as a stream: not a regular file, of
    // size zero (procfs), or more than `max_mappings` at a time.
    static Result<Mapping> of(int descriptor);
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    Bytes bytes() const { return {begin_, size_}; }
    // Frees the pages of [from, to), as far as they are whole, from this process.
    void let_go(std::size_t from, std::size_t to) const;
    // Tells the kernel that [from, to) is wanted soon; returns at once.
    void want(std::size_t from, std::size_t to) const;
    // The file was shortened and bytes that are no more were read: they read as zeros.
    bool lost() const;

    static constexpr std::size_t max_mappings = 4096;

private:
    const std::uint8_t* begin_ = nullptr;
    std::size_t size_ = 0;
    std::size_t slot_ = 0;  // in the table that the SIGBUS handler looks into
};

}  // namespace sipana::pcap
