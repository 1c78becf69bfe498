// Captures made for the tests, and what is read from them, copied.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "libsipana/pcap/input.h"
#include "libsipana/pcap/writer.h"

namespace sipana::pcap {

// A folder of its own for one test, gone afterwards.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "sipana-XXXXXX").string();
        if (!mkdtemp(name.data())) std::abort();
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string path(const std::string& name = {}) const {
        return name.empty() ? path_ : path_ + '/' + name;
    }
    std::string write(const std::string& name, Bytes bytes) const {
        std::ofstream out(path(name), std::ios::binary);
        out.write(reinterpret_cast<const char*>(bytes.data()),
                  static_cast<std::streamsize>(bytes.size()));
        return path(name);
    }

private:
    std::string path_;
};

// A Frame that owns what it views.
struct Copy {
    explicit Copy(const Frame& f) : frame(f), bytes(as_text(f.bytes)), comment(f.comment) {
        frame.bytes = {};
        frame.comment = {};
    }
    Frame frame;
    std::string bytes, comment;
};

inline std::vector<Copy> read_all(Input& input) {
    std::vector<Copy> frames;
    Frame frame;
    while (input.next(frame)) frames.emplace_back(frame);
    return frames;
}

inline Input open(std::vector<std::string> arguments, InputOptions options = {}) {
    auto input = Input::open(arguments, std::move(options));
    REQUIRE_MESSAGE(input, (input ? "" : input.error().what));
    return std::move(*input);
}

inline Error refusal(std::vector<std::string> arguments, InputOptions options = {}) {
    const auto input = Input::open(arguments, std::move(options));
    REQUIRE(!input);
    return input.error();
}

// All that a reader finds in `capture`: over the bytes themselves, so that a sanitizer sees an
// over-read, or as through a pipe.
struct Reading {
    explicit Reading(Bytes capture, bool piped = false) {
        file.name = file.path = "x.pcap";
        if (piped) {
            auto stream = memory_stream(capture);
            REQUIRE(stream);
            read(Reader::open(std::move(*stream), file, annotations));
        } else {
            read(Reader::open(capture, file, annotations));
        }
    }
    FileSummary file;
    Annotations annotations;
    std::vector<Copy> frames;
    std::optional<Error> error;

private:
    void read(Result<std::unique_ptr<Reader>> reader) {
        if (!reader) {
            error = reader.error();
            return;
        }
        Frame frame;
        while ((*reader)->next(frame)) frames.emplace_back(frame);
    }
};

inline Frame frame_of(std::string_view bytes, std::int64_t nanoseconds = 0,
                      std::uint32_t wire_size = 0) {
    Frame f;
    f.bytes = as_bytes(bytes);
    f.time = Time{nanoseconds};
    f.wire_size = wire_size == 0 ? static_cast<std::uint32_t>(bytes.size()) : wire_size;
    f.link = LinkType::ethernet;
    return f;
}

// Classic pcap with frames "frame 0", "frame 1", ... at the times given.
inline Buffer classic_capture(const std::vector<std::int64_t>& times, ClassicShape shape = {},
                              std::string_view text = "frame") {
    Buffer out;
    write_classic_header(shape, out);
    for (std::size_t i = 0; i < times.size(); ++i) {
        const std::string bytes = std::string(text) + ' ' + std::to_string(i);
        write_classic_record(shape, frame_of(bytes, times[i]), out);
    }
    return out;
}

inline constexpr std::int64_t second = 1'000'000'000;

}  // namespace sipana::pcap
