// CallFiles: one capture a call that turned out to be worth keeping (--save-where, --save-to),
// written when the call is over; and what becomes of the packets of the others.
//
// A file appears under its name when it is whole: 20261126-040301-alice-900-12.pcapng, by start
// (UTC), caller, callee and the call's number. What of that came off the wire is made harmless;
// nothing is written over.
#pragma once

#include <optional>
#include <string>

#include "libsipana/analysis/where.h"
#include "libsipana/live/observer.h"
#include "libsipana/live/packets.h"

namespace sipana::live {

struct CallFilesSettings {
    std::optional<Folder> folder;          // none: nothing is saved
    std::optional<analysis::Where> where;  // none: every call is
    // Packets of calls that are over stay for who asks for them, while there is room.
    bool keep = false;
};

class CallFiles final : public Observer {
public:
    // `packets` outlives it.
    CallFiles(CallFilesSettings settings, Packets& packets);

    void on_frame(const pcap::Frame& frame, std::span<const analysis::Going> calls) override;
    void on_message(const analysis::SipMessage& message, std::string_view call_id) override;
    void on_call(const analysis::Call& call) override;
    void on_forgotten(std::uint64_t number) override;
    // The first failure to save a call, or to move packets to the spool folder.
    Status status() const override {
        return status_ && settings_.folder ? packets_.spool_status() : status_;
    }

    struct Counts {
        std::uint64_t saved = 0, failed = 0;
        std::uint64_t without_packets = 0;  // matched, but nothing was kept of them
    };
    const Counts& counts() const { return counts_; }
    // For who asks: Result of the file's name.
    Result<std::string> save(const analysis::Call& call, std::span<const std::uint64_t> numbers);

private:
    CallFilesSettings settings_;
    Packets& packets_;
    Counts counts_;
    Status status_ = Done{};
};

// "20261126-040301-alice-900-12", without suffix.
std::string file_name_of(const analysis::Call& call);

}  // namespace sipana::live
