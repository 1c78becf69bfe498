#include "libsipana/pcap/input.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "libsipana/pcap/arguments.h"
#include "libsipana/pcap/filter.h"

namespace sipana::pcap {

namespace {

// With more files than this, those that can be opened again are closed until their time comes: a
// thousand rotated files need neither a thousand descriptors nor a thousand decompressors.
constexpr std::size_t max_open = 32;
constexpr std::size_t max_skipped_named = 5;

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
constexpr Time earliest{std::numeric_limits<std::int64_t>::min()};

bool is_regular(const std::string& path) {
    struct stat what {};
    return path != "-" && stat(path.c_str(), &what) == 0 && S_ISREG(what.st_mode);
}

bool is_refusal_of_system(Errc code) {
    return code == Errc::not_found || code == Errc::denied || code == Errc::io;
}

std::string_view rule_of(Errc code) {
    if (is_refusal_of_system(code)) return "capture-unreadable";
    if (code == Errc::truncated) return "capture-cut-short";
    return code == Errc::unsupported ? "capture-unrecognised" : "capture-damaged";
}

}  // namespace

class Input::State {
public:
    Status open(std::span<const std::string> arguments, const InputOptions& options);
    Reader* single() {
        return sources_.size() == 1 && !sources_[0].parked && !filter_ ? sources_[0].reader.get()
                                                                       : nullptr;
    }
    void end_of_single() { ended(sources_[0]); }
    void let_go() {
        for (Source& source : sources_)
            if (source.reader) source.reader->let_go();
    }
    bool next(Frame& frame);

    std::vector<FileSummary> files;
    Annotations annotations;
    bool damaged = false;
    bool failed = false;
    std::uint64_t filtered_out = 0;

private:
    struct Source {
        std::size_t file = 0;  // index into files
        std::unique_ptr<Reader> reader;
        bool parked = false;  // not open; `key` is the time of its first frame
        Frame pending;
        Time key = earliest;  // of pending; of the frame before where that has no time
    };

    void add(const Candidate& candidate, bool park);
    bool load(Source& source);
    void ended(Source& source);
    bool unpark(Source& source);
    bool merged(Frame& frame);
    void to_findings(const Error& error);
    void note(std::string text);
    void describe_folders();
    bool later(std::size_t a, std::size_t b) const {
        const Source &x = sources_[a], &y = sources_[b];
        return x.key != y.key ? x.key > y.key : a > b;
    }
    auto order() const {
        return [this](std::size_t a, std::size_t b) { return later(a, b); };
    }

    std::optional<Filter> filter_;
    BeforeWait before_wait_;
    std::vector<Source> sources_;
    std::vector<std::size_t> heap_;  // of sources with a pending frame, the earliest first
    std::size_t current_ = none;     // the source whose frame was handed out last
    std::uint64_t number_ = 0;
    std::vector<Error> errors_;
    struct Folder {
        std::string name;
        std::size_t captures = 0;
        std::vector<std::string> skipped;
    };
    std::vector<Folder> folders_;
};

Status Input::State::open(std::span<const std::string> arguments, const InputOptions& options) {
    if (!options.filter.empty()) {
        auto filter = Filter::compile(options.filter);
        if (!filter) return filter.error();
        filter_ = std::move(*filter);
    }
    before_wait_ = options.before_wait;
    Candidates candidates = expand(arguments);
    for (std::string& text : candidates.notes) note(std::move(text));
    errors_ = std::move(candidates.errors);
    // Readers refer to their FileSummary: the vector must not move.
    files.reserve(candidates.files.size());
    const bool crowd = candidates.files.size() > max_open;
    for (const Candidate& c : candidates.files) add(c, crowd && is_regular(c.path));
    describe_folders();
    if (sources_.empty()) {
        if (errors_.empty()) return Error{Errc::not_found, 0, "no capture is named"};
        Error all = errors_.front();
        for (std::size_t i = 1; i < errors_.size(); ++i) all.what += "; " + errors_[i].what;
        return all;
    }
    for (const Error& error : errors_) to_findings(error);
    if (single()) return Done{};
    for (std::size_t i = 0; i < sources_.size(); ++i)
        if (sources_[i].parked || load(sources_[i])) heap_.push_back(i);
    std::make_heap(heap_.begin(), heap_.end(), order());
    return Done{};
}

void Input::State::add(const Candidate& candidate, bool park_it) {
    const bool from_folder = !candidate.folder.empty();
    if (from_folder && (folders_.empty() || folders_.back().name != candidate.folder))
        folders_.push_back({candidate.folder, 0, {}});
    files.emplace_back().path = candidate.path;
    Source source;
    source.file = files.size() - 1;
    std::optional<Error> error;
    if (park_it) {
        // Looked at only: what it leaves in the annotations comes when it is read.
        FileSummary looked_at = files.back();
        Annotations scratch;
        auto reader = Reader::open(looked_at, scratch);
        if (reader && (*reader)->next(source.pending) && source.pending.has_time)
            source.key = source.pending.time;
        source.parked = true;
        if (!reader) error = reader.error();
    } else if (auto reader = Reader::open(files.back(), annotations, before_wait_)) {
        source.reader = std::move(*reader);
    } else {
        error = reader.error();
    }
    if (!error) {
        if (from_folder) ++folders_.back().captures;
        sources_.push_back(std::move(source));
        return;
    }
    if (from_folder && error->code == Errc::unsupported)
        folders_.back().skipped.push_back(files.back().name);
    else
        errors_.push_back(std::move(*error));
    files.pop_back();
}

void Input::State::describe_folders() {
    for (const Folder& folder : folders_) {
        if (folder.captures == 0 && !folder.skipped.empty())
            errors_.push_back(no_captures(folder.name));
        if (folder.captures == 0 || folder.skipped.empty()) continue;
        const std::size_t told = std::min(folder.skipped.size(), max_skipped_named);
        std::string text = fmt::format(
            "{}: not captures, skipped: {}", folder.name,
            fmt::join(folder.skipped.begin(),
                      folder.skipped.begin() + static_cast<std::ptrdiff_t>(told), ", "));
        if (folder.skipped.size() > told)
            text += fmt::format(" and {} more", folder.skipped.size() - told);
        note(std::move(text));
    }
}

void Input::State::to_findings(const Error& error) {
    (is_refusal_of_system(error.code) ? failed : damaged) = true;
    annotations.findings.push_back(
        Finding{rule_of(error.code), Severity::error, 0, error.offset, error.what, {}});
}

void Input::State::note(std::string text) {
    annotations.findings.push_back(
        Finding{"input-note", Severity::note, 0, 0, std::move(text), {}});
}

bool Input::State::load(Source& source) {
    const std::size_t before = annotations.findings.size();
    const bool more = source.reader->next(source.pending);
    // A frame's number within its file means nothing among several files.
    for (std::size_t i = before; i < annotations.findings.size() && sources_.size() > 1; ++i)
        annotations.findings[i].frame = 0;
    if (!more) {
        ended(source);
        return false;
    }
    source.pending.file = static_cast<std::uint32_t>(source.file);
    if (source.pending.has_time) source.key = source.pending.time;
    return true;
}

void Input::State::ended(Source& source) {
    failed = failed || source.reader->failed();
    // A mapping stays: the frames that were handed out view it.
    if (!source.reader->stable()) source.reader.reset();
}

bool Input::State::unpark(Source& source) {
    source.parked = false;
    FileSummary& file = files[source.file];
    auto reader = Reader::open(file, annotations, before_wait_);
    if (!reader) {
        to_findings(reader.error());
        return false;
    }
    source.reader = std::move(*reader);
    return load(source);
}

bool Input::State::merged(Frame& frame) {
    if (current_ != none && load(sources_[current_])) {
        if (!heap_.empty() && later(current_, heap_.front())) {
            heap_.push_back(std::exchange(current_, none));
            std::push_heap(heap_.begin(), heap_.end(), order());
        }
    } else {
        current_ = none;
    }
    while (current_ == none) {
        if (heap_.empty()) return false;
        std::pop_heap(heap_.begin(), heap_.end(), order());
        const std::size_t first = heap_.back();
        heap_.pop_back();
        if (!sources_[first].parked || unpark(sources_[first])) current_ = first;
    }
    frame = sources_[current_].pending;
    frame.number = ++number_;
    return true;
}

bool Input::State::next(Frame& frame) {
    while (merged(frame)) {
        if (!filter_) return true;
        const bool passes = filter_->passes(frame);
        for (std::string& text : filter_->take_refusals())
            annotations.findings.push_back(
                Finding{"filter-link-type", Severity::warning, 0, 0, std::move(text), {}});
        if (passes) return true;
        ++filtered_out;
    }
    return false;
}

Input::Input(std::unique_ptr<State> state) : state_(std::move(state)) {
    single_ = state_->single();
}
Input::Input(Input&&) noexcept = default;
Input& Input::operator=(Input&&) noexcept = default;
Input::~Input() = default;

Result<Input> Input::open(std::span<const std::string> arguments, InputOptions options) {
    auto state = std::make_unique<State>();
    if (auto opened = state->open(arguments, options); !opened) return opened.error();
    return Input(std::move(state));
}

bool Input::next_of_many(Frame& frame) {
    if (!single_) return state_->next(frame);
    single_ = nullptr;
    state_->end_of_single();
    return false;
}

std::span<const FileSummary> Input::files() const { return state_->files; }
const std::vector<Finding>& Input::findings() const { return state_->annotations.findings; }
const std::vector<std::pair<Address, std::string>>& Input::names() const {
    return state_->annotations.names;
}
std::span<const Secret> Input::secrets() const { return state_->annotations.secrets; }
bool Input::damaged() const {
    return state_->damaged || std::any_of(state_->files.begin(), state_->files.end(),
                                          [](const FileSummary& f) { return f.damaged; });
}
bool Input::failed() const { return state_->failed; }
void Input::let_go() { state_->let_go(); }
std::uint64_t Input::filtered_out() const { return state_->filtered_out; }

}  // namespace sipana::pcap
