// Writer: pcapng (draft-ietf-opsawg-pcapng), and classic pcap for tests.
//
// PcapngWriter hands each block to its Sink in one piece and stops at the first failure: a full
// disk is seen at the block that did not fit (Status), never later. Times have nanosecond
// resolution. What it writes, Reader reads back the same.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/result.h"
#include "libsipana/pcap/summary.h"

namespace sipana::pcap {

// Receives whole blocks; an error ends the writing.
using BlockSink = std::function<Status(Bytes block)>;

class PcapngWriter {
public:
    explicit PcapngWriter(BlockSink sink);
    // To a new file, or over an old one; every block is one write to the system.
    static Result<PcapngWriter> create(const std::string& path);
    // Appends to `out`, which must outlive the writer.
    static PcapngWriter into(Buffer& out);

    // A section header block. Must come first; a later one starts the interfaces anew.
    Status section(std::string_view application, std::span<const std::string> comments = {});
    // An interface description block; its index in the section. resolution and offset_s are not
    // taken from `interface`: time stamps are written in nanoseconds.
    Result<std::uint32_t> interface(const Interface& interface);
    // A packet block; uses interface, time, has_time, bytes, wire_size and comment. A frame without
    // time is a simple packet block where that can carry it, else one of 1970. Refuses
    // (Errc::malformed) an interface not written, a wire_size below the bytes, a time before 1970.
    Status packet(const Frame& frame);
    Status secret(const Secret& secret);
    Status names(std::span<const std::pair<Address, std::string>> names);
    // Closes the file that create() opened; reports what the system kept back until then.
    Status close();

private:
    class File;
    Status emit(std::uint32_t type);  // a block of body_
    Status hand_on();                 // block_

    BlockSink sink_;
    std::shared_ptr<File> file_;
    std::vector<std::uint32_t> snaps_;  // of the section's interfaces
    bool started_ = false;
    Buffer block_, body_;
    std::optional<Error> failed_;  // the first failure; nothing is written after it
};

// A packet block as PcapngWriter::packet() makes it, without its checks, in memory that the caller
// has: for who writes a million a second. `out` has room for packet_block_size().
std::size_t packet_block_size(const Frame& frame);
void write_packet_block(const Frame& frame, std::uint8_t* out);

// The same with the frame's number as its epb_packetid, and without its comment: for who reads his
// own blocks again.
std::size_t numbered_block_size(const Frame& frame);
void write_numbered_block(const Frame& frame, std::uint8_t* out);
// The one at the beginning of `bytes`: interface, time, bytes, wire_size and number; its size in
// `size`. None where there is no such block, or not the whole of it.
std::optional<Frame> read_numbered_block(Bytes bytes, std::size_t& size);
// What a block says of its size, in its first eight bytes; 0 where that cannot be.
std::size_t block_size(Bytes first_eight);

// Of `blocks`, which begins at a block and holds whole ones: those that lie within its first
// `bytes` bytes.
struct WholeBlocks {
    std::size_t bytes = 0;
    std::uint64_t packets = 0;
};
WholeBlocks whole_blocks(Bytes blocks, std::size_t bytes);

// Classic pcap in memory.
struct ClassicShape {
    LinkType link = LinkType::ethernet;
    bool big_endian = false;
    bool nanoseconds = false;
    std::uint32_t snap = 262'144;
};
void write_classic_header(const ClassicShape& shape, Buffer& out);
void write_classic_record(const ClassicShape& shape, const Frame& frame, Buffer& out);

}  // namespace sipana::pcap
