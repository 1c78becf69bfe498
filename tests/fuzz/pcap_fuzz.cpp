// Classic pcap: the same frames mapped and streamed, all within the input, and again after writing.
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
    std::vector<std::string> payloads;
};

void require(bool holds) {
    if (!holds) std::abort();
}

void read_all(Result<std::unique_ptr<Reader>> reader, Read& into) {
    if (!reader) return;
    Frame frame;
    while ((*reader)->next(frame)) {
        require(frame.wire_size >= frame.bytes.size());
        find_fragment(frame);
        into.frames.push_back(frame);
        into.payloads.emplace_back(as_text(frame.bytes));
    }
    require(into.file.frames == into.frames.size());
    require(into.file.damaged == !into.annotations.findings.empty());
}

void same(const Read& a, const Read& b) {
    require(a.payloads == b.payloads);
    for (std::size_t i = 0; i < a.frames.size(); ++i) {
        require(a.frames[i].time == b.frames[i].time);
        require(a.frames[i].wire_size == b.frames[i].wire_size);
        require(a.frames[i].link == b.frames[i].link);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes input{bytes, size};
    if (!Classic::is_magic(input)) return 0;
    Read mapped, streamed, again;
    read_all(Reader::open(input, mapped.file, mapped.annotations), mapped);
    auto stream = memory_stream(input);
    require(stream.has_value());
    read_all(Reader::open(std::move(*stream), streamed.file, streamed.annotations), streamed);
    same(mapped, streamed);
    require(mapped.annotations.findings.size() == streamed.annotations.findings.size());

    if (mapped.frames.empty()) return 0;
    ClassicShape shape;
    shape.nanoseconds = true;
    shape.big_endian = bytes[0] & 1;
    shape.link = mapped.frames[0].link;
    Buffer written;
    write_classic_header(shape, written);
    for (std::size_t i = 0; i < mapped.frames.size(); ++i) {
        Frame frame = mapped.frames[i];
        frame.bytes = as_bytes(mapped.payloads[i]);
        // Zeros are damage on purpose, and a fraction above a second may carry over the last one.
        if (frame.wire_size == 0 || frame.time.count() / 1'000'000'000 > UINT32_MAX) return 0;
        write_classic_record(shape, frame, written);
    }
    read_all(Reader::open(written, again.file, again.annotations), again);
    same(mapped, again);
    require(again.annotations.findings.empty());
    return 0;
}
