#include "libsipana/lab/remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/lab/reading.h"
#include "libsipana/lab/verdict.h"
#include "libsipana/pcap/reader.h"

namespace sipana::lab {
namespace {

namespace fs = std::filesystem;

using Comments = std::map<std::uint64_t, std::string>;  // by frame

// What is still to be said, by the digest of the message.
class Unsaid {
public:
    explicit Unsaid(const Remarks& remarks) {
        for (const SentMessage& one : remarks.sent)
            if (!one.lost && !one.note.empty()) sent_[one.digest].push_back(&one);
        for (const MetMessage& one : remarks.met) met_[one.digest].push_back(&one);
    }

    // Of the message that is met next, each remark once.
    void say(const analysis::SipMessage& message, std::string& comment) {
        const std::uint64_t digest = message_digest(message.text);
        if (const SentMessage* sent = take_sent(message, digest)) add(sent->note, comment);
        const auto met = met_.find(digest);
        if (met == met_.end() || met->second.empty()) return;
        const MetMessage& one = *met->second.front();
        met->second.pop_front();
        // A line between two of our phones is both: its sender's note says it already.
        if (comment.find(one.note) == comment.npos)
            add(fmt::format("{} ({} expects it)", one.note, one.phone), comment);
    }

private:
    static void add(std::string_view text, std::string& comment) {
        if (!comment.empty()) comment += "; ";
        comment += valid_utf8(text);
        if (comment.size() > longest_remark)
            comment = valid_utf8(std::string_view(comment).substr(0, longest_remark - 8));
    }
    // The system may have chosen the port that a connection leaves from: the address decides.
    const SentMessage* take_sent(const analysis::SipMessage& message, std::uint64_t digest) {
        const auto found = sent_.find(digest);
        if (found == sent_.end()) return nullptr;
        auto& ways = found->second;
        for (auto one = ways.begin(); one != ways.end(); ++one) {
            if ((*one)->dst != message.dst || (*one)->src.address != message.src.address) continue;
            const SentMessage* taken = *one;
            ways.erase(one);
            return taken;
        }
        return nullptr;
    }

    std::map<std::uint64_t, std::deque<const SentMessage*>> sent_;
    std::map<std::uint64_t, std::deque<const MetMessage*>> met_;
};

Comments comments_for(const Reading& reading, const Remarks& remarks) {
    Comments comments;
    Unsaid unsaid(remarks);
    for (const Reading::Line& line : reading.messages()) {
        std::string& comment = comments[line.message.frame];
        unsaid.say(line.message, comment);
    }
    return comments;
}

// Frames in the order of their times. Where two processors see them at once, a bridge gives them a
// few microseconds out of it. Views frames: their source must be stable.
class InOrder {
public:
    explicit InOrder(CaptureFile& to) : to_(to) {}

    void take(const pcap::Frame& frame) {
        newest_ = std::max(newest_, frame.time);
        held_.insert({frame.time, frame});
        while (held_.size() > most_held || held_.begin()->first + longest_held <= newest_) give();
    }
    void finish() {
        while (!held_.empty()) give();
    }

private:
    static constexpr std::size_t most_held = 4096;
    static constexpr Duration longest_held = std::chrono::milliseconds{10};

    void give() {
        to_.packet(held_.begin()->second);
        held_.erase(held_.begin());
    }

    CaptureFile& to_;
    std::multimap<Time, pcap::Frame> held_;  // those of one time as they came
    Time newest_{};
};

Status copy(pcap::Reader& from, const pcap::FileSummary& file, const CaptureHead& head,
            const Comments& comments, CaptureFile& to) {
    pcap::Frame frame;
    InOrder in_order(to);
    bool begun = false;
    const auto begin = [&] {
        to.begin(head, file.interfaces.empty() ? pcap::Interface{} : file.interfaces.front());
        begun = true;
    };
    while (from.next(frame) && to.status()) {
        if (!begun) begin();
        if (const auto found = comments.find(frame.number); found != comments.end())
            frame.comment = found->second;
        in_order.take(frame);
    }
    if (!begun) begin();
    in_order.finish();
    if (file.damaged) return Error{Errc::io, 0, "the capture cannot be read back"};
    return to.close();
}

Error uncommented(const std::string& path, const std::string& why) {
    return {Errc::io, 0, fmt::format("{}: is there, but without its comments: {}", path, why)};
}

}  // namespace

Status annotate(const std::string& path, const CaptureHead& head, const Remarks& remarks) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return Done{};
    const fs::path place = fs::canonical(path, error);  // a link stays one
    if (error) return uncommented(path, error.message());
    const auto reading = Reading::of_file(path);
    if (!reading) return reading.error();
    pcap::FileSummary file;
    pcap::Annotations annotations;
    file.path = path;
    auto reader = pcap::Reader::open(file, annotations);
    if (!reader) return reader.error();
    const std::string anew = place.string() + ".part";
    auto to = CaptureFile::create(anew);
    Status done =
        to ? copy(**reader, file, head, comments_for(*reading, remarks), **to) : Status(to.error());
    if (done) {
        fs::rename(anew, place, error);
        if (!error) return Done{};
        done = Error{Errc::io, 0, error.message()};
    }
    if (to) fs::remove(anew, error);
    return uncommented(path, done.error().what);
}

Status annotate(Buffer& capture, const CaptureHead& head, const Remarks& remarks) {
    Buffer anew;
    {
        const auto reading = Reading::of(capture);
        if (!reading) return reading.error();
        pcap::FileSummary file;
        pcap::Annotations annotations;
        auto reader = pcap::Reader::open(Bytes(capture), file, annotations);
        if (!reader) return reader.error();
        const auto to = CaptureFile::into(anew);
        if (Status s = copy(**reader, file, head, comments_for(*reading, remarks), *to); !s)
            return s;
    }
    capture = std::move(anew);
    return Done{};
}

}  // namespace sipana::lab
