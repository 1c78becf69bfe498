// CaptureFile: a run's capture on its way to the disk, or into memory (pcapng).
//
// Whole blocks are handed to the system in big pieces. The first failure is kept: nothing is
// written after it, and a file that took only a part of a piece (disk full) is cut back to the last
// whole block. So what there is can be read, whatever happens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/base/endpoint.h"
#include "libsipana/base/result.h"
#include "libsipana/pcap/writer.h"

namespace sipana::lab {

// What a capture says of itself before its first frame.
struct CaptureHead {
    std::string script;  // its name
    std::uint64_t seed = 1;
    std::string interface = "lab";
    std::vector<std::string> comments;                   // more, of the section
    std::vector<std::pair<Address, std::string>> names;  // for the ladder's heads
    std::string tls_secrets;  // a key log: whoever reads the capture can decrypt what it is of
};

class CaptureFile {
public:
    static constexpr std::size_t piece = 256 * 1024;  // written to the system at once

    // A new file, or over an old one.
    static Result<std::unique_ptr<CaptureFile>> create(const std::string& path);
    // Appends to `out`, which must outlive it.
    static std::unique_ptr<CaptureFile> into(Buffer& out);
    ~CaptureFile();  // hands on what is buffered
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;

    // Section, one Ethernet interface, names. `interface`: what is known of a real one.
    void begin(const CaptureHead& head, pcap::Interface interface = {});
    void packet(const pcap::Frame& frame);
    void refuse(const Error& why) { keep(why); }  // a frame that could not be made ends it too
    Status flush();
    // Ends the file. Then nothing more is written.
    Status close();
    const Status& status() const { return status_; }

private:
    class File;
    CaptureFile(std::unique_ptr<File> file, Buffer* out);
    void keep(Status status);
    Status take(Bytes block);
    void hand_on();

    std::unique_ptr<File> file_;
    Buffer* out_ = nullptr;
    pcap::PcapngWriter writer_;
    Buffer pending_;
    std::vector<std::size_t> ends_;  // of the blocks in pending_
    Status status_ = Done{};
    bool closed_ = false;
};

}  // namespace sipana::lab
