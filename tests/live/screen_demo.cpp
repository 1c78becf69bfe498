// screen_demo: the terminal screen over captures that are played at a given speed. For tests, and
// for looking at it; not installed.
//
//   screen_demo [--speed N] [--drops N] [--recording] [--ascii] [--no-color] [--save FOLDER]
//   FILE...
//
// --speed 0 (the default): all at once. The screen stays when the captures are through.
#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "libsipana/base/text.h"
#include "libsipana/live/sandbox.h"
#include "libsipana/live/screen.h"
#include "libsipana/live/session.h"
#include "libsipana/pcap/input.h"
#include "libsipana/render/render.h"

using namespace sipana;

namespace {

class PacedSource final : public live::Source {
public:
    PacedSource(pcap::Input input, double speed, std::uint64_t drops)
        : input_(std::move(input)), speed_(speed), drops_(drops) {
        interface_.name = "demo0";
        interface_.link = pcap::LinkType::ethernet;
        ready_ = input_.next(waiting_);
    }
    int descriptor() const override { return -1; }
    bool next(pcap::Frame& frame) override {
        if (!ready_) return false;
        const auto now = std::chrono::steady_clock::now();
        if (first_ == no_time) {
            first_ = waiting_.time;
            begun_ = now;
        }
        if (speed_ > 0 && std::chrono::duration<double>(now - begun_).count() * speed_ <
                              to_seconds(waiting_.time - first_))
            return false;
        frame = waiting_;
        kept_.assign(waiting_.bytes.begin(), waiting_.bytes.end());
        frame.bytes = kept_;
        ++read_;
        ready_ = input_.next(waiting_);
        return true;
    }
    bool ended() const override { return !ready_; }
    const Status& status() const override { return status_; }
    const pcap::Interface& interface() const override { return interface_; }
    live::SourceCounts counts() override {
        live::SourceCounts c;
        c.read = read_;
        c.dropped_by_kernel = drops_;
        c.received = read_ + drops_;
        return c;
    }
    bool keeps_our_time() const override { return false; }

private:
    pcap::Input input_;
    double speed_;
    std::uint64_t drops_, read_ = 0;
    pcap::Frame waiting_;
    Buffer kept_;
    bool ready_ = false;
    Time first_ = no_time;
    std::chrono::steady_clock::time_point begun_;
    Status status_ = Done{};
    pcap::Interface interface_;
};

struct Arguments {
    double speed = 0;
    std::uint64_t drops = 0;
    bool recording = false, ascii = false, color = true, sandbox = false;
    std::string save;
    std::vector<std::string> files;
};

Arguments read_arguments(int argc, char** argv) {
    Arguments a;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto value = [&] { return i + 1 < argc ? std::string(argv[++i]) : std::string(); };
        if (word == "--speed")
            a.speed = to_number<std::uint32_t>(value()).value_or(0);
        else if (word == "--drops")
            a.drops = to_number<std::uint64_t>(value()).value_or(0);
        else if (word == "--recording")
            a.recording = true;
        else if (word == "--ascii")
            a.ascii = true;
        else if (word == "--sandbox")
            a.sandbox = true;
        else if (word == "--no-color")
            a.color = false;
        else if (word == "--save")
            a.save = value();
        else
            a.files.emplace_back(word);
    }
    return a;
}

}  // namespace

int main(int argc, char** argv) {
    const Arguments a = read_arguments(argc, argv);
    auto input = pcap::Input::open(a.files);
    if (!input) {
        fmt::print(stderr, "screen_demo: {}\n", input.error().what);
        return 2;
    }
    live::Board board;
    live::ScreenSettings settings;
    settings.ascii = a.ascii;
    settings.color = a.color;
    if (!a.save.empty())
        settings.save = [&](const std::vector<std::uint64_t>& numbers,
                            std::string_view format) -> Result<std::string> {
            const std::string name = fmt::format("{}/call-{}.{}", a.save, numbers.at(0), format);
            std::FILE* file = std::fopen(name.c_str(), "wb");
            if (file == nullptr) return Error{Errc::io, 0, name + ": cannot be written"};
            for (const std::uint64_t number : numbers)
                if (const live::CallPtr call = board.look(number))
                    fmt::print(file, "{}\n", render::call_json(*call));
            std::fclose(file);
            return name;
        };
    auto screen = live::Screen::open(settings);
    if (!screen) {
        fmt::print(stderr, "screen_demo: {}\n", screen.error().what);
        return 1;
    }
    std::vector<std::unique_ptr<live::Source>> sources;
    sources.push_back(std::make_unique<PacedSource>(std::move(*input), a.speed, a.drops));
    live::Session session({}, board, std::move(sources), {});
    if (a.recording)
        session.complete_totals([](live::Totals& t) {
            t.recorded_files = 1;
            t.recorded_packets = t.captured().read;
        });
    if (a.sandbox) {
        live::SandboxSettings walls;
        walls.terminal = true;
        if (const auto applied = live::enter(walls); !applied) {
            screen->reset();  // the terminal first
            fmt::print(stderr, "screen_demo: {}\n", applied.error().what);
            return 1;
        }
    }
    std::thread eyes([&] { (*screen)->run(board); });
    const std::atomic<int> stop{0};
    (void)session.run(stop);
    if (!board.stopped()) session.finish();
    eyes.join();
    fmt::print("the screen is over\n");
    return 0;
}
