#include "libsipana/pcap/reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "libsipana/base/text.h"

namespace sipana::pcap {

namespace {

constexpr std::size_t shortest_magic = 4, longest_magic = 12;

const std::string& named(const FileSummary& file) {
    return file.path == "-" ? file.name : file.path;
}

Error system_error(const std::string& path) {
    const int reason = errno;
    const Errc code = reason == ENOENT || reason == ENOTDIR ? Errc::not_found
                      : reason == EACCES || reason == EPERM ? Errc::denied
                                                            : Errc::io;
    return Error{code, 0, fmt::format("{}: {}", path, std::generic_category().message(reason))};
}

// The window that suits what the descriptor, which it takes over, is open on.
Result<Window> window_on(int descriptor, const FileSummary& file, Compression& compression) {
    struct stat what {};
    if (fstat(descriptor, &what) == 0 && S_ISREG(what.st_mode) &&
        lseek(descriptor, 0, SEEK_CUR) == 0) {
        std::uint8_t start[compression_magic];
        const ssize_t n = pread(descriptor, start, sizeof start, 0);
        if (n > 0 &&
            detect_compression({start, static_cast<std::size_t>(n)}) == Compression::none) {
            if (auto mapping = Mapping::of(descriptor)) {
                ::close(descriptor);
                return Window(std::move(*mapping));
            }
        }
    }
    auto stream = open_stream(descriptor);
    if (!stream)
        return Error{stream.error().code, 0,
                     fmt::format("{}: {}", named(file), stream.error().what)};
    compression = (*stream)->compression();
    return Window(std::move(*stream));
}

// What a file that is no capture begins with, for its message.
std::string start_of(Bytes bytes) {
    bytes = bytes.first(std::min<std::size_t>(bytes.size(), 4));
    const auto plain = [](std::uint8_t c) { return c >= 0x20 && c < 0x7f && c != '\''; };
    if (std::all_of(bytes.begin(), bytes.end(), plain)) return fmt::format("'{}'", as_text(bytes));
    return fmt::format("0x{}", to_hex(as_text(bytes)));
}

}  // namespace

Reader::Reader(Window window, FileSummary& file, Annotations& annotations)
    : window_(std::move(window)), file_(&file), annotations_(&annotations) {}

Result<std::unique_ptr<Reader>> Reader::open(FileSummary& file, Annotations& annotations) {
    const bool standard_input = file.path == "-" || file.path == "/dev/stdin";
    const auto slash = file.path.rfind('/');
    file.name = standard_input ? "standard input" : file.path.substr(slash + 1);
    // The copy has its own life, so that standard input itself stays open.
    const int descriptor = standard_input
                               ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0) return system_error(standard_input ? file.name : file.path);
    Compression compression = Compression::none;
    auto window = window_on(descriptor, file, compression);
    if (!window) return window.error();
    file.compression = to_string(compression);
    return recognise(std::move(*window), file, annotations);
}

Result<std::unique_ptr<Reader>> Reader::open(Bytes capture, FileSummary& file,
                                             Annotations& annotations) {
    if (detect_compression(capture) == Compression::none)
        return recognise(Window(capture), file, annotations);
    auto stream = memory_stream(capture);
    if (!stream) return stream.error();
    return open(std::move(*stream), file, annotations);
}

Result<std::unique_ptr<Reader>> Reader::open(std::unique_ptr<Stream> stream, FileSummary& file,
                                             Annotations& annotations) {
    file.compression = to_string(stream->compression());
    return recognise(Window(std::move(stream)), file, annotations);
}

Result<std::unique_ptr<Reader>> Reader::recognise(Window window, FileSummary& file,
                                                  Annotations& annotations) {
    std::unique_ptr<Reader> reader(new Reader(std::move(window), file, annotations));
    const std::optional<Error>& ended = reader->window_.error();
    // Where the bytes ended before their time, that is the reason, whatever it looks like.
    const auto refused = [&](Errc code, std::size_t offset, std::string_view what) {
        return Error{ended ? ended->code : code, offset,
                     fmt::format("{}: {}", named(file), ended ? ended->what : what)};
    };
    reader->window_.need(longest_magic);
    const Bytes start = reader->window_.view(std::min(reader->window_.left(), longest_magic));
    if (start.empty())
        return refused(Errc::unsupported, 0,
                       file.compression.empty()
                           ? "empty file"
                           : fmt::format("empty file ({} data of no bytes)", file.compression));
    if (Classic::is_magic(start)) {
        auto classic = Classic::open(reader->window_);
        if (!classic)
            return refused(classic.error().code, classic.error().offset, classic.error().what);
        reader->classic_ = std::move(*classic);
        file.format = reader->classic_->format();
        Interface interface;
        interface.link = reader->classic_->link();
        interface.snap = reader->classic_->snap();
        interface.resolution = reader->classic_->resolution();
        file.interfaces.push_back(std::move(interface));
        return reader;
    }
    if (!Pcapng::is_magic(start)) {
        const auto what = fmt::format("not a capture file (starts with {})", start_of(start));
        if (!ended || start.size() >= shortest_magic)
            return Error{Errc::unsupported, 0, fmt::format("{}: {}", named(file), what)};
        return refused(Errc::unsupported, 0, what);
    }
    auto pcapng = Pcapng::open(reader->window_, file, annotations);
    if (!pcapng) return refused(pcapng.error().code, pcapng.error().offset, pcapng.error().what);
    reader->pcapng_ = std::move(*pcapng);
    file.format = "pcapng";
    return reader;
}

// The capture is over, or next() met damage that ends it.
bool Reader::finish() {
    if (finished_) return false;
    finished_ = true;
    report_flaws();
    const auto& error = classic_ ? classic_->error() : pcapng_->error();
    if (!error) return false;
    const bool in_frame = classic_ ? classic_->error_in_record() : pcapng_->error_in_packet();
    const std::string place = fmt::format(
        "{} frame {}, byte {}{}: {}", in_frame ? "in" : "after", file_->frames + in_frame,
        error->offset, file_->compression.empty() ? "" : " of the plain file", error->what);
    const std::uint64_t frame = file_->frames + in_frame;
    if (error->code == Errc::io) {
        failed_ = true;
        report("capture-unreadable", frame, error->offset, "reading failed " + place);
    } else if (error->code == Errc::truncated) {
        file_->damaged = true;
        report("capture-cut-short", frame, error->offset, "cut short " + place);
    } else {
        file_->damaged = true;
        report("capture-damaged", frame, error->offset, "damaged " + place);
    }
    return false;
}

void Reader::report_flaws() {
    if (!pcapng_) return;
    for (const Error& flaw : pcapng_->take_flaws()) {
        file_->damaged = true;
        report("capture-damaged", file_->frames, flaw.offset,
               fmt::format("damaged near frame {}, byte {}: {}", file_->frames, flaw.offset,
                           flaw.what));
    }
}

void Reader::report(std::string_view rule, std::uint64_t frame, std::uint64_t byte,
                    std::string_view text) {
    annotations_->findings.push_back(
        Finding{rule, Severity::error, frame, byte, fmt::format("{}: {}", file_->name, text), {}});
}

}  // namespace sipana::pcap
