#include "libsipana/lab/capture_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "libsipana/base/text.h"

namespace sipana::lab {

// The capture's file, which holds whole blocks whatever happens.
class CaptureFile::File {
public:
    File(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    Status write(Bytes blocks, const std::vector<std::size_t>& ends) {
        std::size_t written = 0;
        while (written < blocks.size()) {
            const ssize_t n =
                ::write(descriptor_, blocks.data() + written, blocks.size() - written);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                const Error error = failure();
                cut_back(written, ends);
                return error;
            }
            written += static_cast<std::size_t>(n);
        }
        whole_ += blocks.size();
        return Done{};
    }
    // Network file systems tell of a full disk only here.
    Status close() {
        if (descriptor_ < 0) return Done{};
        return ::close(std::exchange(descriptor_, -1)) == 0 ? Status(Done{}) : failure();
    }

private:
    Error failure() const {
        return Error{Errc::io, 0,
                     fmt::format("{}: {}", path_, std::generic_category().message(errno))};
    }
    // A pipe or a device cannot be cut: then its reader sees a capture that ends early.
    void cut_back(std::size_t written, const std::vector<std::size_t>& ends) {
        const auto after = std::upper_bound(ends.begin(), ends.end(), written);
        if (after != ends.begin()) whole_ += *std::prev(after);
        if (::ftruncate(descriptor_, static_cast<off_t>(whole_)) == 0)
            ::lseek(descriptor_, 0, SEEK_END);
    }

    int descriptor_;
    std::string path_;
    std::size_t whole_ = 0;  // bytes of whole blocks in the file
};

CaptureFile::CaptureFile(std::unique_ptr<File> file, Buffer* out)
    : file_(std::move(file)), out_(out), writer_([this](Bytes block) { return take(block); }) {}

CaptureFile::~CaptureFile() {
    if (!closed_) hand_on();
}

Result<std::unique_ptr<CaptureFile>> CaptureFile::create(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        const Errc code = errno == EACCES || errno == EPERM ? Errc::denied
                          : errno == ENOENT                 ? Errc::not_found
                                                            : Errc::io;
        return Error{code, 0, fmt::format("{}: {}", path, std::generic_category().message(errno))};
    }
    return std::unique_ptr<CaptureFile>(
        new CaptureFile(std::make_unique<File>(descriptor, path), nullptr));
}

std::unique_ptr<CaptureFile> CaptureFile::into(Buffer& out) {
    return std::unique_ptr<CaptureFile>(new CaptureFile(nullptr, &out));
}

void CaptureFile::begin(const CaptureHead& head, pcap::Interface interface) {
    std::vector<std::string> comments;
    if (!head.script.empty())
        comments.push_back(fmt::format("script {}, seed {}", valid_utf8(head.script), head.seed));
    for (const std::string& comment : head.comments) comments.push_back(valid_utf8(comment));
    keep(writer_.section("sipana-lab", comments));
    interface.link = pcap::LinkType::ethernet;
    interface.name = head.interface;
    const auto index = writer_.interface(interface);
    if (!index) keep(index.error());
    if (!head.names.empty()) keep(writer_.names(head.names));
    if (!head.tls_secrets.empty())
        keep(writer_.secret({pcap::Secret::tls_key_log, head.tls_secrets}));
}

void CaptureFile::packet(const pcap::Frame& frame) {
    if (!closed_ && status_) keep(writer_.packet(frame));
}

void CaptureFile::keep(Status status) {
    if (status_ && !status) status_ = std::move(status);
}

Status CaptureFile::take(Bytes block) {
    pending_.insert(pending_.end(), block.begin(), block.end());
    ends_.push_back(pending_.size());
    if (pending_.size() >= piece) hand_on();
    return status_;
}

void CaptureFile::hand_on() {
    if (!status_ || pending_.empty()) return;
    if (file_)
        keep(file_->write(pending_, ends_));
    else
        out_->insert(out_->end(), pending_.begin(), pending_.end());
    pending_.clear();
    ends_.clear();
}

Status CaptureFile::flush() {
    hand_on();
    return status_;
}

Status CaptureFile::close() {
    if (closed_) return status_;
    hand_on();
    closed_ = true;
    if (file_) keep(file_->close());
    return status_;
}

}  // namespace sipana::lab
