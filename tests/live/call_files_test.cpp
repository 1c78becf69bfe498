#include "libsipana/live/call_files.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/live/recordings.h"

using namespace sipana;
using namespace sipana::live;
using namespace std::chrono_literals;

namespace {

// A live run over a capture file, frame by frame, with nothing but call files.
class Run : public analysis::Sink {
public:
    Run(CallFilesSettings settings, PacketsSettings packets = {}) : settings_(std::move(settings)), kept_(std::move(packets)) {}

    void over(const std::string& capture) {
        std::vector<std::string> files{capture};
        auto input = pcap::Input::open(files);
        REQUIRE(input);
        // An input knows its interfaces as it comes to them.
        CaptureHead head;
        {
            auto first = pcap::Input::open(files);
            REQUIRE(first);
            pcap::Frame frame;
            while (first->next(frame)) {
            }
            head.interfaces = first->files()[0].interfaces;
        }
        packets_ = std::make_unique<Packets>(std::move(kept_), head);
        files_ = std::make_unique<CallFiles>(std::move(settings_), *packets_);
        analysis::Options options;
        options.live = true;
        analysis::Analyzer analyzer(options, *this);
        pcap::Frame frame;
        while (input->next(frame)) {
            frame.stable = false;
            analyzer.on_frame(frame);
            files_->on_frame(frame, analyzer.touched());
        }
        analyzer.finish();
    }
    void on_call(analysis::Call&& call) override {
        files_->on_call(call);
        calls.push_back(std::move(call));
    }
    void on_stream(analysis::Stream&&) override {}
    void on_finding(Finding&&) override {}

    const CallFiles& files() const { return *files_; }
    Packets& packets() { return *packets_; }
    std::vector<analysis::Call> calls;

private:
    CallFilesSettings settings_;
    PacketsSettings kept_;
    std::unique_ptr<Packets> packets_;
    std::unique_ptr<CallFiles> files_;
};

analysis::Report report_of(const std::vector<std::string>& files) {
    analysis::Report report;
    analysis::Collector collector(report);
    analysis::Analyzer analyzer({}, collector);
    static std::vector<std::unique_ptr<pcap::Input>> inputs;  // calls view them
    auto input = pcap::Input::open(files);
    REQUIRE(input);
    inputs.push_back(std::make_unique<pcap::Input>(std::move(*input)));
    pcap::Frame frame;
    while (inputs.back()->next(frame)) analyzer.on_frame(frame);
    analyzer.finish();
    collector.finish(analyzer);
    CHECK_FALSE(inputs.back()->damaged());
    return report;
}

std::string told(const analysis::Stream& s) {
    return fmt::format("{} {} {:x} {} packets {} expected {} lost {} late {} dup {} reordered {} jitter {:.6f}",
                       s.src.to_string(), s.dst.to_string(), s.ssrc, s.codec, s.packets, s.expected, s.lost, s.late,
                       s.duplicated, s.reordered, s.mean_jitter_ms);
}

std::string told(const analysis::Call& c) {
    std::string text = fmt::format("{} {} {} messages {} retransmissions {} code {} start {} end {}", c.call_id,
                                   to_string(c.kind), to_string(c.state), c.message_count, c.retransmissions,
                                   c.final_code, to_rfc3339(c.start), to_rfc3339(c.end));
    std::vector<std::string> streams;
    for (const analysis::Stream& s : c.streams) streams.push_back(told(s));
    std::sort(streams.begin(), streams.end());
    for (const std::string& s : streams) text += "\n  " + s;
    return text;
}

CallFilesSettings all_into(const TestFolder& folder, std::string_view where = {}) {
    CallFilesSettings settings;
    auto opened = live::Folder::open(folder.path());
    REQUIRE(opened);
    settings.folder = *opened;
    if (!where.empty()) {
        auto parsed = analysis::Where::parse(where);
        REQUIRE(parsed);
        settings.where = *parsed;
    }
    return settings;
}

std::vector<std::string> captures() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SIPANA_ROOT "/captures"))
        if (entry.path().extension() == ".pcapng") names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

TEST_CASE("call files: each tells the call that the live run told, of every capture") {
    std::size_t compared = 0;
    for (const std::string& capture : captures()) {
        CAPTURE(capture);
        const TestFolder folder;
        Run run(all_into(folder));
        run.over(capture);
        CHECK(run.files().status());
        CHECK(run.files().counts().failed == 0);
        CHECK(run.files().counts().saved == run.calls.size());
        const auto names = names_in(folder);
        REQUIRE(names.size() == run.calls.size());
        for (const analysis::Call& call : run.calls) {
            const std::string name = file_name_of(call) + ".pcapng";
            CAPTURE(name);
            REQUIRE(std::find(names.begin(), names.end(), name) != names.end());
            const analysis::Report report = report_of({folder.path(name)});
            const auto same = std::find_if(report.calls.begin(), report.calls.end(), [&](const analysis::Call& c) {
                return c.call_id == call.call_id && c.start == call.start;
            });
            REQUIRE(same != report.calls.end());
            CHECK(told(*same) == told(call));
            CHECK(report.calls.size() == 1);
            ++compared;
        }
    }
    CHECK(compared > 300);
}
