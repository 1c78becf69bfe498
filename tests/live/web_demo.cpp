// Serves the live page of a capture that comes through a pipe: web_demo ADDRESS [TOKEN] < CAPTURE
//
// For tests. The URL is the first line of stdout; what is over can be looked at until SIGTERM or
// SIGINT.
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <thread>

#include "libsipana/live/file_source.h"
#include "libsipana/live/session.h"
#include "libsipana/live/web.h"
#include "libsipana/pcap/writer.h"

using namespace sipana;

namespace {

std::atomic<int> stop_wanted = 0;
void on_signal(int signal) { stop_wanted = signal; }

// The packets of each call, for the downloads.
class Packets final : public live::Observer {
public:
    void on_frame(const pcap::Frame& frame, std::span<const analysis::Going> calls) override {
        for (const analysis::Going& call : calls)
            kept_[call.number].push_back({frame, {frame.bytes.begin(), frame.bytes.end()}});
    }
    Result<Buffer> file(const std::vector<std::uint64_t>& numbers) const {
        std::map<std::uint64_t, const Kept*> frames;  // each once
        for (const std::uint64_t number : numbers)
            if (const auto found = kept_.find(number); found != kept_.end())
                for (const Kept& kept : found->second) frames[kept.frame.number] = &kept;
        if (frames.empty()) return Error{Errc::not_found, 0, "no packets of this call are kept"};
        Buffer out;
        pcap::PcapngWriter writer = pcap::PcapngWriter::into(out);
        pcap::Interface interface;
        interface.link = pcap::LinkType::ethernet;
        Status status = writer.section("sipana");
        if (const auto index = writer.interface(interface); !index) status = index.error();
        for (const auto& [number, kept] : frames) {
            pcap::Frame frame = kept->frame;
            frame.bytes = kept->bytes;
            frame.interface = 0;
            frame.comment = {};
            if (status) status = writer.packet(frame);
        }
        if (!status) return status.error();
        return out;
    }

private:
    struct Kept {
        pcap::Frame frame;
        Buffer bytes;
    };
    std::map<std::uint64_t, std::vector<Kept>> kept_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    live::WebSettings settings;
    settings.address = argv[1];
    if (argc > 2) settings.token = argv[2];
    settings.title = "Live: a pipe";
    settings.metrics = [] { return std::string("# EOF\n"); };
    auto web = live::Web::open(settings);
    if (!web) {
        std::fprintf(stderr, "web_demo: %s\n", web.error().what.c_str());
        return 5;
    }
    std::printf("%s\n", (*web)->url().c_str());
    std::fflush(stdout);
    std::signal(SIGTERM, on_signal);
    std::signal(SIGINT, on_signal);

    const std::string files[] = {"-"};
    auto source = live::FileSource::open(files, "");
    if (!source) {
        std::fprintf(stderr, "web_demo: %s\n", source.error().what.c_str());
        return 3;
    }
    live::Board board;
    Packets packets;
    std::vector<std::unique_ptr<live::Source>> sources;
    sources.push_back(*std::move(source));
    live::Session session({}, board, std::move(sources), {&packets});
    session.keep_packets(
        {[&](const std::vector<std::uint64_t>& numbers) { return packets.file(numbers); },
         [] { return 0u; },
         {}});
    (*web)->start(board);
    Status status = session.run(stop_wanted);
    session.finish();
    // What is over can still be looked at, and downloaded, until somebody ends it.
    while (stop_wanted == 0 && !board.stopped()) {
        board.answer([](std::uint64_t) { return std::optional<analysis::Call>(); },
                     [&](const std::vector<std::uint64_t>& numbers) {
                         return packets.file(numbers);
                     });
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    board.stop();
    (*web)->stop();
    return status ? 0 : 5;
}
