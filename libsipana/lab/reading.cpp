#include "libsipana/lab/reading.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "libsipana/media/g711.h"
#include "libsipana/media/sound.h"
#include "libsipana/net/decoder.h"
#include "libsipana/pcap/reader.h"
#include "libsipana/rtp/packet.h"

namespace sipana::lab {
namespace {

constexpr std::string_view doubled_comment = "doubled by the network";  // lab/recorder writes it

// Of IPv4 or IPv6 behind Ethernet, as the lab writes its frames.
bool is_later_fragment(Bytes frame) {
    constexpr std::size_t ip = 14, offset_v4 = ip + 6, next_v6 = ip + 6, fragment_v6 = ip + 40;
    if (frame.size() < fragment_v6 + 8) return false;
    const unsigned type = load_be16(frame.data() + 12);
    if (type == 0x0800) return (load_be16(frame.data() + offset_v4) & 0x1fff) != 0;
    return type == 0x86dd && frame[next_v6] == 44 &&
           (load_be16(frame.data() + fragment_v6 + 2) & 0xfff8) != 0;
}

// A capture being read: the reader refers to its two neighbours.
struct Source {
    pcap::FileSummary file;
    pcap::Annotations annotations;
    std::unique_ptr<pcap::Reader> reader;
};

// Keeps every message as it is read.
class Keeper : public analysis::Collector {
public:
    explicit Keeper(analysis::Report& report) : Collector(report) {}
    void on_message(const analysis::SipMessage& m, std::string_view call_id) override {
        Collector::on_message(m, call_id);
        lines.push_back({m, texts.keep(call_id)});
        analysis::SipMessage& kept = lines.back().message;
        kept.text = texts.keep(m.text);
        if (!m.method_name.empty())
            kept.method_name =
                kept.text.substr(static_cast<std::size_t>(m.method_name.data() - m.text.data()),
                                 m.method_name.size());
    }
    std::vector<Reading::Line> lines;
    analysis::TextStore texts;
};

}  // namespace

class Reading::State {
public:
    Status open(Source& into) const {
        auto opened = in_memory ? pcap::Reader::open(capture, into.file, into.annotations)
                                : pcap::Reader::open(into.file, into.annotations);
        if (!opened) return opened.error();
        into.reader = std::move(*opened);
        return Done{};
    }
    Status read();

    bool in_memory = false;
    Bytes capture;
    Source source;  // the report views what it has mapped
    analysis::Report report;
    Keeper keeper{report};
    std::vector<const analysis::Stream*> streams;
    std::set<std::uint64_t> doubled;  // frames
};

Status Reading::State::read() {
    if (auto opened = open(source); !opened) return opened;
    analysis::Analyzer analyzer({}, keeper);
    pcap::Frame frame;
    while (source.reader->next(frame)) {
        // The comment stands at the first fragment, the datagram is whole with the last.
        const bool says_so = frame.comment.find(doubled_comment) != frame.comment.npos;
        if (says_so || (is_later_fragment(frame.bytes) && doubled.contains(frame.number - 1)))
            doubled.insert(frame.number);
        analyzer.on_frame(frame);
    }
    analyzer.finish();
    keeper.finish(analyzer);
    for (const Finding& f : source.annotations.findings) report.findings.push_back(f);
    for (const analysis::Call& c : report.calls)
        for (const analysis::Stream& s : c.streams) streams.push_back(&s);
    for (const analysis::Stream& s : report.streams) streams.push_back(&s);
    std::stable_sort(streams.begin(), streams.end(), [](const auto* a, const auto* b) {
        return std::pair(a->start, a->first_frame) < std::pair(b->start, b->first_frame);
    });
    return Done{};
}

Reading::Reading(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reading::Reading(Reading&&) noexcept = default;
Reading::~Reading() = default;

Result<Reading> Reading::of_file(const std::string& path) {
    auto state = std::make_unique<State>();
    state->source.file.path = path;
    if (auto read = state->read(); !read) return read.error();
    return Reading(std::move(state));
}

Result<Reading> Reading::of(Bytes capture) {
    auto state = std::make_unique<State>();
    state->in_memory = true;
    state->capture = capture;
    if (auto read = state->read(); !read) return read.error();
    return Reading(std::move(state));
}

const std::vector<Reading::Line>& Reading::messages() const { return state_->keeper.lines; }
const std::vector<analysis::Call>& Reading::calls() const { return state_->report.calls; }
const std::vector<const analysis::Stream*>& Reading::streams() const { return state_->streams; }
const std::vector<Finding>& Reading::findings() const { return state_->report.findings; }
const analysis::Counts& Reading::counts() const { return state_->report.counts; }
bool Reading::damaged() const { return state_->source.file.damaged; }
bool Reading::doubled(std::uint64_t frame) const { return state_->doubled.contains(frame); }

namespace {

class Pass : public net::Sink {
public:
    explicit Pass(Reading::Eye& eye) : eye_(eye) {}
    void on_datagram(const net::Datagram& d) override { eye_.on_datagram(d); }
    void on_chunk(const net::Chunk& c) override { eye_.on_chunk(c); }
    void on_finding(Finding) override {}

private:
    Reading::Eye& eye_;
};

// The samples of one stream by their place on its clock.
class Ear : public Reading::Eye {
public:
    Ear(const analysis::Stream& stream, media::Law law) : stream_(stream), law_(law) {}
    void on_datagram(const net::Datagram& d) override {
        rtp::Packet p;
        if (d.src != stream_.src || d.dst != stream_.dst || !rtp::read(d.payload, p) ||
            p.ssrc != stream_.ssrc || p.payload_type != (law_ == media::Law::mu ? 0 : 8))
            return;
        if (!started_) {
            last_ = p.timestamp;
            came_ = d.time;
            started_ = true;
        }
        // Counted on from the last one: forwards, or back for who comes late. Where the clock leaps
        // (a server that goes on with another source's timestamps), by the time of arrival.
        const std::int64_t ticks = static_cast<std::int32_t>(p.timestamp - last_);
        const double elapsed = (to_seconds(d.time) - to_seconds(came_)) * media::audio_clock_hz;
        const bool leapt = std::fabs(static_cast<double>(ticks) - elapsed) > leap;
        position_ += leapt ? static_cast<std::int64_t>(elapsed) : ticks;
        last_ = p.timestamp;
        came_ = d.time;
        if (position_ < 0 || position_ >= static_cast<std::int64_t>(Reading::max_listened)) return;
        const auto at = static_cast<std::size_t>(position_);
        const std::size_t count = std::min(p.payload.size(), Reading::max_listened - at);
        if (sound.size() < at + count) sound.resize(at + count);
        for (std::size_t i = 0; i < count; ++i) sound[at + i] = media::decode(law_, p.payload[i]);
    }
    media::Sound sound;

private:
    static constexpr double leap = 10.0 * media::audio_clock_hz;
    const analysis::Stream& stream_;
    media::Law law_;
    bool started_ = false;
    std::uint32_t last_ = 0;
    Time came_{};
    std::int64_t position_ = 0;
};

}  // namespace

std::uint64_t Reading::doubled_rtp(const Endpoint& src, const Endpoint& dst,
                                   std::uint32_t ssrc) const {
    class Counter : public Eye {
    public:
        void on_datagram(const net::Datagram& d) override {
            rtp::Packet p;
            n += d.src == *src && d.dst == *dst && reading->doubled(d.frame) &&
                 rtp::read(d.payload, p) && p.ssrc == ssrc;
        }
        const Reading* reading = nullptr;
        const Endpoint *src = nullptr, *dst = nullptr;
        std::uint32_t ssrc = 0;
        std::uint64_t n = 0;
    };
    if (state_->doubled.empty()) return 0;
    Counter counter;
    counter.reading = this;
    counter.src = &src;
    counter.dst = &dst;
    counter.ssrc = ssrc;
    again(counter);
    return counter.n;
}

media::Sound Reading::sound_of(const analysis::Stream& stream) const {
    const auto law = media::law_of(stream.codec);
    if (!law || stream.encrypted) return {};
    Ear ear(stream, *law);
    again(ear);
    return std::move(ear.sound);
}

void Reading::again(Eye& eye) const {
    Source source;
    source.file.path = state_->source.file.path;
    if (!state_->open(source)) return;
    Pass pass(eye);
    net::Decoder decoder(pass);
    pcap::Frame f;
    while (source.reader->next(f))
        decoder.decode(
            {f.number, f.time, static_cast<std::uint16_t>(f.link), f.bytes, f.wire_size, f.stable});
    decoder.finish();
}

}  // namespace sipana::lab
