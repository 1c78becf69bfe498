#include "libsipana/live/file_source.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace sipana::live {
namespace {

constexpr std::size_t batch_bytes = 256u << 10;
constexpr std::size_t batch_frames = 512;
constexpr int breaking_signal = SIGURG;  // ignored by default; with a handler it breaks a wait off
constexpr int most_tries = 200;

extern "C" void break_off(int) {}

}  // namespace

Result<std::unique_ptr<FileSource>> FileSource::open(std::span<const std::string> files, const std::string& filter) {
    // Before a wait for the pipe what was read so far is passed on. The source comes to be after its input.
    auto link = std::make_shared<FileSource*>(nullptr);
    pcap::InputOptions options;
    options.filter = filter;
    options.before_wait = [link] {
        if (*link != nullptr) (*link)->pass_on();
    };
    auto opened = pcap::Input::open(files, std::move(options));
    if (!opened) return opened.error();
    std::unique_ptr<FileSource> source(new FileSource(std::move(*opened)));
    *link = source.get();
    return source;
}

FileSource::FileSource(pcap::Input input)
    : input_(std::move(input)), ready_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!input_.files().empty()) {
        interface_.name = input_.files().front().name;
        if (!input_.files().front().interfaces.empty())
            interface_.link = input_.files().front().interfaces.front().link;
    }
    interface_.resolution = 9;
    struct sigaction action {};
    action.sa_handler = break_off;
    sigemptyset(&action.sa_mask);
    sigaction(breaking_signal, &action, nullptr);
}

FileSource::~FileSource() {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        taken_.notify_all();
        for (int i = 0; i < most_tries; ++i) {  // the signal may come between two waits
            {
                std::unique_lock lock(mutex_);
                if (taken_.wait_for(lock, std::chrono::milliseconds{10}, [&] { return finished_; })) break;
            }
            pthread_kill(thread_.native_handle(), breaking_signal);
        }
        thread_.join();
    }
    close(ready_);
}

void FileSource::start() {
    thread_ = std::thread([this] { read_all(); });
}

// In the thread.
void FileSource::read_all() {
    // Signals are for the thread that runs the session; this one is only broken off.
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, breaking_signal);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    pcap::Frame frame;
    while (input_.next(frame)) {
        reading_.bytes.insert(reading_.bytes.end(), frame.bytes.begin(), frame.bytes.end());
        reading_.ends.push_back(reading_.bytes.size());
        frame.comment = {};
        frame.stable = false;
        reading_.frames.push_back(frame);
        if (reading_.bytes.size() >= batch_bytes || reading_.frames.size() >= batch_frames) pass_on();
        const std::lock_guard lock(mutex_);
        if (stopping_) break;
    }
    pass_on();
    {
        const std::lock_guard lock(mutex_);
        finished_ = true;
    }
    taken_.notify_all();
    const std::uint64_t one = 1;
    (void)!::write(ready_, &one, sizeof one);
}

// In the thread: waits until there is room.
void FileSource::pass_on() {
    if (reading_.frames.empty()) return;
    {
        std::unique_lock lock(mutex_);
        taken_.wait(lock, [&] { return stopping_ || waiting_.bytes.size() < most_waiting; });
        const std::size_t base = waiting_.bytes.size();
        waiting_.bytes.insert(waiting_.bytes.end(), reading_.bytes.begin(), reading_.bytes.end());
        for (const std::size_t end : reading_.ends) waiting_.ends.push_back(base + end);
        waiting_.frames.insert(waiting_.frames.end(), reading_.frames.begin(), reading_.frames.end());
    }
    reading_.bytes.clear();
    reading_.ends.clear();
    reading_.frames.clear();
    const std::uint64_t one = 1;
    (void)!::write(ready_, &one, sizeof one);
}

bool FileSource::next(pcap::Frame& frame) {
    if (at_ == now_.frames.size()) {
        std::uint64_t count = 0;
        (void)!::read(ready_, &count, sizeof count);
        now_.frames.clear();
        now_.ends.clear();
        now_.bytes.clear();
        at_ = 0;
        {
            const std::lock_guard lock(mutex_);
            std::swap(now_, waiting_);
            if (now_.frames.empty()) ended_ = finished_;
        }
        taken_.notify_all();
        if (now_.frames.empty()) return false;
    }
    frame = now_.frames[at_];
    const std::size_t begin = at_ == 0 ? 0 : now_.ends[at_ - 1];
    frame.bytes = Bytes(now_.bytes).subspan(begin, now_.ends[at_] - begin);
    ++at_;
    ++read_;
    return true;
}

SourceCounts FileSource::counts() {
    SourceCounts counts;
    counts.received = counts.read = read_;
    return counts;
}

}  // namespace sipana::live
