#include "libsipana/live/call_files.h"

#include <fmt/format.h>

#include <utility>

namespace sipana::live {

std::string file_name_of(const analysis::Call& call) {
    const auto party = [](const analysis::Party& p) {
        return harmless(p.user.empty() ? p.host : p.user);
    };
    return fmt::format("{}-{}-{}-{}", stamp(call.start), party(call.from), party(call.to),
                       call.number);
}

CallFiles::CallFiles(CallFilesSettings settings, Packets& packets)
    : settings_(std::move(settings)), packets_(packets) {}

void CallFiles::on_frame(const pcap::Frame& frame, std::span<const analysis::Going> calls) {
    packets_.on_frame(frame, calls);
}

void CallFiles::on_message(const analysis::SipMessage& message, std::string_view) {
    packets_.on_message(message.frame);
}

void CallFiles::on_call(const analysis::Call& call) {
    if (settings_.folder && (!settings_.where || settings_.where->matches(call))) {
        const auto saved = save(call, std::span(&call.number, 1));
        if (saved) {
            ++counts_.saved;
        } else if (saved.error().code == Errc::not_found) {
            ++counts_.without_packets;
        } else {
            ++counts_.failed;
            if (status_) status_ = saved.error();
        }
    }
    packets_.over(call.number, settings_.keep);
}

void CallFiles::on_forgotten(std::uint64_t number) { packets_.over(number, false); }

Result<std::string> CallFiles::save(const analysis::Call& call,
                                    std::span<const std::uint64_t> numbers) {
    if (!settings_.folder) return Error{Errc::denied, 0, "there is no folder to save to"};
    const std::string stem = file_name_of(call);
    constexpr int most_tries = 100;  // names that an earlier run has taken
    for (int n = 1; n <= most_tries; ++n) {
        const std::string name = (n == 1 ? stem : fmt::format("{}-{}", stem, n)) + ".pcapng";
        auto file = BlockFile::create(*settings_.folder, name + ".part");
        if (!file && file.error().code == Errc::denied && n < most_tries) continue;
        if (!file) return file.error();
        Status written = packets_.write(numbers, [&](Bytes blocks) -> Status {
            return file->write(blocks).bytes == blocks.size() ? Status(Done{}) : file->status();
        });
        if (written) written = file->close();
        if (written) {
            written = file->rename(name);
            if (written) return name;
            if (written.error().code == Errc::denied && n < most_tries) {
                (void)file->remove();
                continue;
            }
        }
        (void)file->remove();
        return written.error();
    }
    return Error{Errc::denied, 0, stem + ": all names are taken"};
}

}  // namespace sipana::live
