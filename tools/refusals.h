// Reads what the page of refusals (render/refusals.h) is made of: folders of scripts with captures beside them.
#pragma once

#include <algorithm>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/pcap/input.h"
#include "libsipana/render/refusals.h"
#include "tools/process.h"

namespace sipana::tools {

// Collects a capture and counts what is in it.
class Counted : public analysis::Collector {
public:
    explicit Counted(render::Provocation& to) : Collector(to.report), seen_(to.seen) {}
    void on_message(const analysis::SipMessage& message, std::string_view call_id) override {
        seen_.on_message(message, call_id);
        Collector::on_message(message, call_id);
    }

private:
    analysis::Coverage& seen_;
};

// What is collected refers to the bytes of the capture: `kept` holds it open.
inline Status read_capture(const std::string& path, render::Provocation& to, std::deque<pcap::Input>& kept) {
    const std::vector<std::string> one{path};
    auto opened = pcap::Input::open(one);
    if (!opened) return opened.error();
    pcap::Input* const input = &kept.emplace_back(std::move(*opened));
    Counted counted(to);
    analysis::Analyzer analyzer({}, counted);
    pcap::Frame frame;
    while (stop_asked == go_on && input->next(frame)) analyzer.on_frame(frame);
    analyzer.finish();
    counted.finish(analyzer);
    to.report.names = input->names();
    if (input->damaged() || input->failed())
        return Error{input->failed() ? Errc::io : Errc::malformed, 0, path + ": it cannot be read to its end"};
    return Done{};
}

// The scripts of a folder that have a capture. `read_script` and `read_file` are the program's own.
template <typename ReadScript, typename ReadFile>
Status read_folder(const std::filesystem::path& folder, render::Tried& to, std::deque<pcap::Input>& kept,
                   const ReadScript& read_script, const ReadFile& read_file) {
    std::vector<std::filesystem::path> captures;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
        if (at->path().extension() == ".pcapng") captures.push_back(at->path());
    if (error) return Error{Errc::io, 0, folder.string() + ": " + error.message()};
    std::sort(captures.begin(), captures.end());
    to.folder = to.name = folder.filename().string();
    for (std::filesystem::path& path : captures) {
        const std::string capture = path.string();
        path.replace_extension(".lab");
        auto text = read_file(path.string());
        auto parsed = read_script(path.string());
        if (!text || !parsed) return text ? parsed.error() : text.error();
        render::Provocation& p = to.provocations.emplace_back();
        p.name = path.stem().string();
        p.text = std::move(*text);
        p.script = std::move(*parsed);
        if (const Status read = read_capture(capture, p, kept); !read) return read.error();
    }
    if (to.provocations.empty()) return Error{Errc::not_found, 0, folder.string() + ": no captures in this folder"};
    return Done{};
}

}  // namespace sipana::tools
