// Pcapng: the same frames mapped and streamed, all within the input, and again after writing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "libsipana/pcap/filter.h"
#include "libsipana/pcap/reader.h"
#include "libsipana/pcap/writer.h"

using namespace sipana;
using namespace sipana::pcap;

namespace {

struct Read {
    FileSummary file;
    Annotations annotations;
    std::vector<Frame> frames;  // without their bytes
    std::vector<std::string> payloads, comments;
};

void require(bool holds) {
    if (!holds) std::abort();
}

void read_all(Result<std::unique_ptr<Reader>> reader, Read& into) {
    if (!reader) return;
    Frame frame;
    while ((*reader)->next(frame)) {
        require(frame.wire_size >= frame.bytes.size());
        require(frame.interface < into.file.interfaces.size());
        require(frame.link == into.file.interfaces[frame.interface].link);
        require(frame.has_time || frame.time.count() == 0);
        find_fragment(frame);
        into.frames.push_back(frame);
        into.payloads.emplace_back(as_text(frame.bytes));
        into.comments.emplace_back(frame.comment);
    }
    const auto& findings = into.annotations.findings;
    require(into.file.damaged ==
            std::any_of(findings.begin(), findings.end(),
                        [](const Finding& f) { return f.severity == Severity::error; }));
}

void same(const Read& a, const Read& b, bool untimed_too) {
    require(a.payloads == b.payloads);
    require(a.comments == b.comments);
    for (std::size_t i = 0; i < a.frames.size(); ++i) {
        require(a.frames[i].time == b.frames[i].time);
        require(a.frames[i].wire_size == b.frames[i].wire_size);
        require(a.frames[i].link == b.frames[i].link);
        require(a.frames[i].interface == b.frames[i].interface);
        require(!untimed_too || a.frames[i].has_time == b.frames[i].has_time);
    }
}

// Writes all that was read into one section.
Buffer rewritten(const Read& read) {
    Buffer out;
    auto writer = PcapngWriter::into(out);
    require(writer.section("fuzz", read.file.comments).has_value());
    for (const Interface& interface : read.file.interfaces)
        require(writer.interface(interface).has_value());
    if (!read.annotations.names.empty()) require(writer.names(read.annotations.names).has_value());
    for (const Secret& secret : read.annotations.secrets)
        require(writer.secret(secret).has_value());
    for (std::size_t i = 0; i < read.frames.size(); ++i) {
        Frame frame = read.frames[i];
        frame.bytes = as_bytes(read.payloads[i]);
        frame.comment = read.comments[i];
        if (frame.time.count() < 0) return {};  // which the writer refuses
        require(writer.packet(frame).has_value());
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes input{bytes, size};
    if (!Pcapng::is_magic(input)) return 0;
    Read mapped, streamed, again;
    read_all(Reader::open(input, mapped.file, mapped.annotations), mapped);
    auto stream = memory_stream(input);
    require(stream.has_value());
    read_all(Reader::open(std::move(*stream), streamed.file, streamed.annotations), streamed);
    same(mapped, streamed, true);
    require(mapped.annotations.names == streamed.annotations.names);
    require(mapped.file.comments == streamed.file.comments);

    const Buffer written = rewritten(mapped);
    if (written.empty()) return 0;
    read_all(Reader::open(written, again.file, again.annotations), again);
    same(mapped, again, false);
    require(!again.file.damaged);
    require(mapped.annotations.names == again.annotations.names);
    require(mapped.file.secrets >= again.file.secrets);
    return 0;
}
