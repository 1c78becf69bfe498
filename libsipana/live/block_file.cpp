#include "libsipana/live/block_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace sipana::live {

Result<Folder> Folder::open(const std::string& path, WriteCall write) {
    Folder folder;
    folder.path_ = path.empty() ? "." : path;
    folder.write_ = std::move(write);
    const int descriptor = ::open(folder.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return folder.failure("");
    folder.descriptor_ = std::shared_ptr<const int>(new int(descriptor), [](const int* d) {
        ::close(*d);
        delete d;
    });
    return folder;
}

ssize_t Folder::write(int descriptor, Bytes bytes) const {
    return write_ ? write_(descriptor, bytes.data(), bytes.size())
                  : ::write(descriptor, bytes.data(), bytes.size());
}

Error Folder::failure(const std::string& name) const {
    const Errc code = errno == EACCES || errno == EPERM || errno == EEXIST ? Errc::denied
                      : errno == ENOENT || errno == ENOTDIR                ? Errc::not_found
                                                                           : Errc::io;
    const std::string place = name.empty() ? path_ : path_ == "." ? name : path_ + "/" + name;
    return Error{code, 0, fmt::format("{}: {}", place, std::generic_category().message(errno))};
}

Result<BlockFile> BlockFile::create(const Folder& folder, const std::string& name) {
    constexpr mode_t for_us_alone = 0600;
    BlockFile file(folder, name);
    file.descriptor_ = ::openat(folder.descriptor(), name.c_str(),
                                O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, for_us_alone);
    struct stat is {};
    if (file.descriptor_ < 0 && errno == EEXIST) {
        if (::fstatat(folder.descriptor(), name.c_str(), &is, 0) == 0 &&
            (S_ISCHR(is.st_mode) || S_ISFIFO(is.st_mode)))
            file.descriptor_ = ::openat(folder.descriptor(), name.c_str(), O_WRONLY | O_CLOEXEC);
        else
            errno = EEXIST;
        file.regular_ = false;
    }
    if (file.descriptor_ < 0) return folder.failure(name);
    if (::fstat(file.descriptor_, &is) != 0) return folder.failure(name);
    file.device_ = is.st_dev;
    file.inode_ = is.st_ino;
    return file;
}

BlockFile::BlockFile(BlockFile&& other) noexcept
    : folder_(std::move(other.folder_)),
      name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      device_(other.device_),
      inode_(other.inode_),
      regular_(other.regular_),
      full_(other.full_),
      size_(other.size_),
      status_(std::move(other.status_)) {}

BlockFile& BlockFile::operator=(BlockFile&& other) noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    folder_ = std::move(other.folder_);
    name_ = std::move(other.name_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    device_ = other.device_;
    inode_ = other.inode_;
    regular_ = other.regular_;
    full_ = other.full_;
    size_ = other.size_;
    status_ = std::move(other.status_);
    return *this;
}

BlockFile::~BlockFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

// How many bytes the system took; status_ says why not all.
std::size_t BlockFile::write_some(Bytes bytes) {
    full_ = false;
    status_ = Done{};
    std::size_t written = 0;
    while (written < bytes.size()) {
        const ssize_t n = folder_.write(descriptor_, bytes.subspan(written));
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) {
            full_ = errno == ENOSPC || errno == EDQUOT;
            status_ = folder_.failure(name_);
            break;
        }
        written += static_cast<std::size_t>(n);
    }
    return written;
}

// A FIFO or a device cannot be cut: then its reader sees a capture that ends early.
void BlockFile::cut_back(std::size_t written) {
    if (written == 0 || !regular_) return;
    if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0)
        full_ = false;  // do not go on in it
}

pcap::WholeBlocks BlockFile::write(Bytes blocks) {
    const std::size_t written = write_some(blocks);
    const pcap::WholeBlocks whole = pcap::whole_blocks(blocks, written);
    size_ += whole.bytes;
    if (!status_) cut_back(written - whole.bytes);
    return whole;
}

bool BlockFile::append(Bytes bytes) {
    const std::size_t written = write_some(bytes);
    if (status_)
        size_ += written;
    else
        cut_back(written);
    return status_.has_value();
}

std::size_t BlockFile::read(std::uint64_t offset, std::uint8_t* out, std::size_t size) const {
    std::size_t have = 0;
    while (have < size) {
        const ssize_t n =
            ::pread(descriptor_, out + have, size - have, static_cast<off_t>(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += static_cast<std::size_t>(n);
    }
    return have;
}

Status BlockFile::close() {
    if (descriptor_ < 0) return Done{};
    return ::close(std::exchange(descriptor_, -1)) == 0 ? Status(Done{})
                                                        : Status(folder_.failure(name_));
}

Status BlockFile::reopen() {
    if (descriptor_ >= 0) return Done{};
    const int descriptor =
        ::openat(folder_.descriptor(), name_.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return folder_.failure(name_);
    struct stat is {};
    if (::fstat(descriptor, &is) != 0 || is.st_dev != device_ || is.st_ino != inode_) {
        ::close(descriptor);
        return Error{Errc::io, 0, fmt::format("{}: is another file now", name_)};
    }
    descriptor_ = descriptor;
    return Done{};
}

bool BlockFile::still_ours() const {
    struct stat is {};
    return regular_ &&
           ::fstatat(folder_.descriptor(), name_.c_str(), &is, AT_SYMLINK_NOFOLLOW) == 0 &&
           is.st_dev == device_ && is.st_ino == inode_;
}

Status BlockFile::remove() {
    if (!still_ours()) return Error{Errc::not_found, 0, fmt::format("{}: is gone", name_)};
    return ::unlinkat(folder_.descriptor(), name_.c_str(), 0) == 0 ? Status(Done{})
                                                                   : Status(folder_.failure(name_));
}

Status BlockFile::rename(const std::string& name) {
    int done = ::renameat2(folder_.descriptor(), name_.c_str(), folder_.descriptor(), name.c_str(),
                           RENAME_NOREPLACE);
    if (done != 0 && errno == EINVAL) {
        // A file system that has no such flag: look, then rename.
        if (::faccessat(folder_.descriptor(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            errno = EEXIST;
        else
            done =
                ::renameat(folder_.descriptor(), name_.c_str(), folder_.descriptor(), name.c_str());
    }
    if (done != 0) return folder_.failure(name);
    name_ = name;
    return Done{};
}

}  // namespace sipana::live
