// Reader: one capture file, classic or pcapng, mapped or as a stream, told by content.
//
// A regular file that is not compressed is mapped, and its frames are stable: their bytes live as
// long as the Reader. Pipes, standard input and compressed files are streams: a frame's bytes live
// until the next call of next().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libsipana/base/result.h"
#include "libsipana/pcap/classic.h"
#include "libsipana/pcap/pcapng.h"
#include "libsipana/pcap/summary.h"
#include "libsipana/pcap/window.h"

namespace sipana::pcap {

class Reader {
public:
    // Opens `file.path` ("-" is standard input) and fills the rest of `file`. Both references must
    // outlive the Reader. The error's text begins with the path.
    static Result<std::unique_ptr<Reader>> open(FileSummary& file, Annotations& annotations,
                                                const BeforeWait& before_wait = {});
    // The same over a capture in memory, which must outlive the Reader, or that comes as a stream.
    static Result<std::unique_ptr<Reader>> open(Bytes capture, FileSummary& file,
                                                Annotations& annotations);
    static Result<std::unique_ptr<Reader>> open(std::unique_ptr<Stream> stream, FileSummary& file,
                                                Annotations& annotations);

    // The next frame, numbered within its file; `file` is left as it is. False at the end; damage
    // has then become a finding, and `damaged` of the FileSummary is set.
    bool next(Frame& frame) {
        if (classic_ ? classic_->next(window_, frame) : pcapng_->next(window_, frame)) {
            frame.number = ++file_->frames;
            file_->bytes += frame.bytes.size();
            if (pcapng_ && pcapng_->has_flaws()) report_flaws();
            return true;
        }
        return finish();
    }
    // The system failed while reading (not: the bytes are damaged).
    bool failed() const { return failed_; }
    bool stable() const { return window_.stable(); }
    // Lets the pages of a mapped file go that views of passed frames have brought back.
    void let_go() { window_.let_go_behind(); }

private:
    Reader(Window window, FileSummary& file, Annotations& annotations);
    static Result<std::unique_ptr<Reader>> recognise(Window window, FileSummary& file,
                                                     Annotations& annotations);
    bool finish();
    void report_flaws();
    void report(std::string_view rule, std::uint64_t frame, std::uint64_t byte,
                std::string_view text);

    Window window_;
    FileSummary* file_;
    Annotations* annotations_;
    std::optional<Classic> classic_;
    std::optional<Pcapng> pcapng_;
    bool finished_ = false;
    bool failed_ = false;
};

}  // namespace sipana::pcap
