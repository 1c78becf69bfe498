// Folder and BlockFile: files that a live run makes while it goes on, in a directory that it opened
// before it gave up its rights. What such a file holds are whole pcapng blocks, whatever happens.
//
// Needed of the system later: openat (O_CREAT | O_EXCL), write, ftruncate, fstat, newfstatat,
// unlinkat, renameat2, close, and pread for what was spooled; with Landlock on the directory
// MAKE_REG, WRITE_FILE, READ_FILE, REMOVE_FILE and TRUNCATE. Made files are 0600; nothing that
// exists is written over, and only what this run has made is removed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "libsipana/base/bytes.h"
#include "libsipana/base/result.h"
#include "libsipana/pcap/writer.h"

namespace sipana::live {

// write(2), or what a test has in its place.
using WriteCall = std::function<ssize_t(int descriptor, const void* bytes, std::size_t size)>;

class Folder {
public:
    // "" is the working directory.
    static Result<Folder> open(const std::string& path, WriteCall write = {});

    int descriptor() const { return *descriptor_; }
    const std::string& path() const { return path_; }
    ssize_t write(int descriptor, Bytes bytes) const;
    // Errc::denied, not_found or io, with errno's words.
    Error failure(const std::string& name) const;

private:
    std::shared_ptr<const int> descriptor_;  // closed by its deleter
    std::string path_;
    WriteCall write_;
};

class BlockFile {
public:
    // A new file; a character device or FIFO may exist, and is opened.
    static Result<BlockFile> create(const Folder& folder, const std::string& name);
    BlockFile(BlockFile&& other) noexcept;
    BlockFile& operator=(BlockFile&& other) noexcept;
    ~BlockFile();

    // What got in, whole blocks only: less than `blocks` where it failed. The file is cut back to
    // them.
    pcap::WholeBlocks write(Bytes blocks);
    // `bytes` that are no blocks, all or nothing.
    bool append(Bytes bytes);
    const Status& status() const { return status_; }  // of the last write
    bool full() const { return full_; }               // it failed for want of room
    std::uint64_t size() const { return size_; }      // of what is whole
    const std::string& name() const { return name_; }
    // The same file for a reader, at `offset`: how many bytes there are, at most `size`.
    std::size_t read(std::uint64_t offset, std::uint8_t* out, std::size_t size) const;
    // Network file systems tell of a full disk only here.
    Status close();
    // Opened again to append to, where it is still the file that was made.
    Status reopen();
    bool is_open() const { return descriptor_ >= 0; }
    // Takes the file away, where it is still the one that was made.
    Status remove();
    // Gives it its name for good; Errc::denied: the name is taken.
    Status rename(const std::string& name);

private:
    BlockFile(Folder folder, std::string name)
        : folder_(std::move(folder)), name_(std::move(name)) {}
    std::size_t write_some(Bytes bytes);
    void cut_back(std::size_t written);
    bool still_ours() const;

    Folder folder_;
    std::string name_;
    int descriptor_ = -1;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    bool regular_ = true, full_ = false;
    std::uint64_t size_ = 0;
    Status status_ = Done{};
};

}  // namespace sipana::live
