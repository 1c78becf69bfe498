#include "libsipana/live/call_files.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/exact.h"
#include "tests/live/recordings.h"

using namespace sipana;
using namespace sipana::live;
using namespace std::chrono_literals;

namespace {

// A live run over a capture file, frame by frame, with nothing but call files.
class Run : public analysis::Sink {
public:
    Run(CallFilesSettings settings, PacketsSettings packets = {})
        : settings_(std::move(settings)), kept_(std::move(packets)) {}

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
    void on_message(const analysis::SipMessage& message, std::string_view call_id) override {
        files_->on_message(message, call_id);
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
    return fmt::format(
        "{} {} {:x} {} packets {} expected {} lost {} late {} dup {} reordered {} jitter {:.6f}",
        s.src.to_string(), s.dst.to_string(), s.ssrc, s.codec, s.packets, s.expected, s.lost,
        s.late, s.duplicated, s.reordered, s.mean_jitter_ms);
}

std::string told(const analysis::Call& c) {
    std::string text =
        fmt::format("{} {} {} messages {} retransmissions {} code {} start {} end {}", c.call_id,
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

std::vector<std::string> captures_in(const std::string& folder) {
    std::vector<std::string> names;
    if (!std::filesystem::exists(folder)) return names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.path().extension().string().starts_with(".pcap") ||
            entry.path().extension() == ".cap")
            names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    return names;
}

// Calls that were told by both: by the live run, and by what it saved of each.
std::size_t compare(const std::string& capture) {
    CAPTURE(capture);
    const TestFolder folder;
    Run run(all_into(folder));
    run.over(capture);
    CHECK(run.files().status());
    CHECK(run.files().counts().failed == 0);
    CHECK(run.files().counts().saved == run.calls.size());
    const auto names = names_in(folder);
    CHECK(names.size() == run.calls.size());
    for (const analysis::Call& call : run.calls) {
        const std::string name = file_name_of(call) + ".pcapng";
        CAPTURE(name);
        REQUIRE(std::find(names.begin(), names.end(), name) != names.end());
        const analysis::Report report = report_of({folder.path(name)});
        const auto same =
            std::find_if(report.calls.begin(), report.calls.end(), [&](const analysis::Call& c) {
                return c.call_id == call.call_id && c.start == call.start;
            });
        CHECK(same != report.calls.end());
        if (same == report.calls.end()) continue;
        CHECK(told(*same) == told(call));
        CHECK(report.calls.size() == 1);
    }
    return run.calls.size();
}

}  // namespace

TEST_CASE("call files: --save-where chooses, what does not match is let go") {
    const TestFolder folder;
    Run run(all_into(folder, "final=486"));
    run.over(SIPANA_ROOT "/captures/forward-busy.pcapng");
    const auto busy = static_cast<std::size_t>(
        std::count_if(run.calls.begin(), run.calls.end(),
                      [](const analysis::Call& c) { return c.final_code == 486; }));
    CHECK(run.calls.size() > busy);
    CHECK(run.files().counts().saved == busy);
    CHECK(names_in(folder).size() == busy);
    CHECK(run.packets().totals().calls == 0);
    CHECK(run.packets().totals().packets == 0);
}

TEST_CASE("call files: without a folder packets stay for who asks, and nothing is written") {
    CallFilesSettings settings;
    settings.keep = true;
    Run run(std::move(settings));
    run.over(SIPANA_ROOT "/captures/hold.pcapng");
    REQUIRE(run.calls.size() > 0);
    for (const analysis::Call& call : run.calls) {
        const auto capture = run.packets().pcapng(call.number);
        REQUIRE(capture);
        const pcap::Reading read{Exact(Bytes(*capture))};
        CHECK_FALSE(read.file.damaged);
        CHECK(read.frames.size() >= call.message_count);
    }
    CHECK_FALSE(run.packets().pcapng(4711));
}

TEST_CASE("call files: nothing that exists is written over") {
    const TestFolder folder;
    const std::string capture = SIPANA_ROOT "/captures/hold.pcapng";
    for (std::size_t round = 1; round <= 3; ++round) {
        Run run(all_into(folder));
        run.over(capture);
        CHECK(run.files().status());
        CHECK(names_in(folder).size() == round * run.calls.size());
        CHECK(std::filesystem::exists(folder.path(file_name_of(run.calls[0]) +
                                                  (round == 1 ? "" : fmt::format("-{}", round)) +
                                                  ".pcapng")));
    }
}

TEST_CASE(
    "trap 74: a call that finds no room on the disk is a failure, and leaves nothing half "
    "written") {
    const TestFolder folder;
    CallFilesSettings settings;
    auto opened = live::Folder::open(folder.path(), small_disk(folder, 2000));
    REQUIRE(opened);
    settings.folder = *opened;
    Run run(std::move(settings));
    run.over(SIPANA_ROOT "/captures/hold.pcapng");
    REQUIRE_FALSE(run.files().status());
    CHECK(run.files().status().error().code == Errc::io);
    CHECK(run.files().counts().failed == run.calls.size());
    CHECK(names_in(folder).empty());
}

TEST_CASE("call files: what came off the wire cannot leave the folder or the line") {
    analysis::Call call;
    call.number = 12;
    call.start = Time{1'764'129'781'000'000'000};
    call.from.user = "../../etc/passwd";
    call.to.user =
        "a\x1b]0;x\x07\xe2\x80\xae"
        "b\n c/d";
    CHECK(file_name_of(call) == "20251126-040301-_._.._etc_passwd-a_0_x_b_c_d-12");
    call.from.user = "..";
    call.from.host = "";
    call.to.user = "";
    call.to.host = ".hidden";
    CHECK(file_name_of(call) == "20251126-040301-_.-_hidden-12");
    const std::string long_user(5000, 'x');
    call.from.user = long_user;
    call.to.user = std::string_view("\0\0", 2);
    CHECK(file_name_of(call) == "20251126-040301-" + std::string(40, 'x') + "-unknown-12");
    call.start = no_time;
    CHECK(file_name_of(call).find('/') == std::string::npos);
}

TEST_CASE("call files: each tells the call that the live run told, of every capture") {
    std::size_t compared = 0;
    for (const std::string& capture : captures_in(SIPANA_ROOT "/captures"))
        compared += compare(capture);
    CHECK(compared > 300);
}

TEST_CASE("call files: each tells the call that the live run told, of other people's captures") {
    const auto captures = captures_in("../shared/captures");
    if (captures.empty()) MESSAGE("skipped: ../shared/captures is not here");
    std::size_t compared = 0;
    for (const std::string& capture : captures) {
        // First fragments whose others never come: known 30 s later, when they are no longer kept.
        const bool fragmented = capture.ends_with("pcapplusplus-sip_resp.pcap") ||
                                capture.ends_with("sngrep-ipip.pcap");
        if (!fragmented && capture.find("/pcapng/") == capture.npos) compared += compare(capture);
    }
    if (!captures.empty()) CHECK(compared > 50);
}
