#include "libsipana/live/ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libsipana/live/file_names.h"

namespace sipana::live {

Ring::Ring(Folder folder, std::string name, RingSettings settings, Time now)
    : folder_(std::move(folder)),
      name_(std::move(name)),
      settings_(settings),
      now_(now),
      begun_(now),
      named_(now) {
    buffer_.resize(std::max<std::size_t>(settings_.buffer, 4096));
}

Ring::~Ring() { hand_on(); }

Result<std::unique_ptr<Ring>> Ring::open(const std::string& path, RingSettings settings,
                                         const CaptureHead& head, Time now, WriteCall write) {
    const auto slash = path.rfind('/');
    const std::string name = slash == path.npos ? path : path.substr(slash + 1);
    if (name.empty()) return Error{Errc::malformed, 0, path + ": names no file"};
    auto folder = Folder::open(slash == path.npos ? std::string() : path.substr(0, slash + 1),
                               std::move(write));
    if (!folder) return folder.error();
    std::unique_ptr<Ring> ring(new Ring(std::move(*folder), name, settings, now));
    auto bytes = head_of(head);
    if (!bytes) return bytes.error();
    ring->head_ = std::move(*bytes);
    if (auto begun = ring->begin(); !begun) return begun.error();
    return ring;
}

std::string Ring::next_name() const {
    if (!settings_.many()) return name_;
    const auto dot = name_.rfind('.');
    const bool has_suffix = dot != name_.npos && dot != 0;
    return fmt::format("{}-{}-{:05}{}", name_.substr(0, has_suffix ? dot : name_.npos),
                       stamp(named_), counts_.files + 1,
                       has_suffix ? std::string_view(name_).substr(dot) : ".pcapng");
}

// A new file with its head, instead of the current one. A full disk may cost older files.
Status Ring::begin() {
    named_ =
        std::max(named_, now_);  // a clock that was set back does not bring the names out of order
    const std::string name = next_name();
    while (true) {
        auto file = BlockFile::create(folder_, name);
        if (!file) {
            if (file.error().code == Errc::io && remove_oldest()) continue;
            return file.error();
        }
        if (file->write(head_).bytes < head_.size()) {
            const Status why = file->status();
            const bool full = file->full();
            (void)file->remove();
            if (full && remove_oldest()) continue;
            return why;
        }
        file_ = std::make_unique<BlockFile>(std::move(*file));
        break;
    }
    ++counts_.files;
    counts_.bytes += head_.size();
    in_file_ = 0;
    begun_ = now_;
    room_ =
        settings_.most_bytes == 0
            ? UINT64_MAX
            : settings_.most_bytes - std::min<std::uint64_t>(settings_.most_bytes, head_.size());
    return Done{};
}

bool Ring::remove_oldest() {
    if (settings_.most_files == 0 || past_.empty()) return false;
    Past oldest = std::move(past_.front());
    past_.pop_front();
    // Where somebody else has removed or replaced it there is nothing of ours to remove.
    if (oldest.file.remove()) {
        ++counts_.removed_files;
        counts_.removed_packets += oldest.packets;
    }
    return true;
}

void Ring::next_file() {
    hand_on();
    if (!status_) return;
    if (auto closed = file_->close(); !closed) return fail(std::move(closed));
    past_.push_back(Past{std::move(*file_), in_file_});
    while (settings_.most_files != 0 && past_.size() >= settings_.most_files) remove_oldest();
    if (settings_.most_files == 0) past_.clear();  // nobody will remove them
    if (auto begun = begin(); !begun) fail(std::move(begun));
}

bool Ring::make_room(std::size_t size) {
    if (status_ && file_->is_open() && size > room_ && (in_file_ != 0 || pending_ != 0))
        next_file();
    if (status_ && size > buffer_.size() - used_) hand_on();
    if (!status_ || !file_->is_open()) {
        ++counts_.lost_packets;
        return false;
    }
    if (size > buffer_.size()) buffer_.resize(size);
    if (size > room_)
        room_ = size;  // a packet that is larger than a file may be has one of its own
    return true;
}

void Ring::hand_on() {
    Bytes blocks(buffer_.data(), used_);
    while (!blocks.empty() && status_) {
        const pcap::WholeBlocks whole = file_->write(blocks);
        blocks = blocks.subspan(whole.bytes);
        counts_.bytes += whole.bytes;
        counts_.packets += whole.packets;
        in_file_ += whole.packets;
        pending_ -= whole.packets;
        if (!file_->status() && !(file_->full() && remove_oldest())) fail(file_->status());
    }
    used_ = 0;
}

void Ring::fail(Status why) {
    if (status_) status_ = std::move(why);
    counts_.lost_packets += std::exchange(pending_, 0);
    room_ = 0;  // every further packet is counted in make_room()
}

void Ring::flush(Time now) {
    now_ = now;
    if (!status_ || !file_->is_open()) return;
    if (used_ != 0) hand_on();
    if (status_ && settings_.most_time > Duration{} && in_file_ != 0 &&
        now_ - begun_ >= settings_.most_time)
        next_file();
}

Status Ring::close() {
    if (!status_ || !file_->is_open()) return status_;
    hand_on();
    room_ = 0;  // nothing more is written
    if (status_)
        if (auto closed = file_->close(); !closed) fail(std::move(closed));
    return status_;
}

}  // namespace sipana::live
