// StreamsView: the RTP streams of calls, or of none: what was lost, jitter, RTCP, video; each
// second.
#pragma once

#include "libsipana/live/screen_asked.h"
#include "libsipana/live/screen_text.h"

namespace sipana::live {

// All about one stream.
std::vector<Styled> stream_lines(const analysis::Stream& stream, std::size_t width,
                                 const render::Style& style);
// A value a second, joined so that at most `width` are left (the worst of those joined).
std::vector<double> thinned(std::vector<double> values, std::size_t width);

class StreamsView : public View {
public:
    // No numbers: the streams that belong to no call.
    StreamsView(Sight& sight, std::vector<std::uint64_t> numbers);
    void draw(Canvas& canvas) override;
    Turn on_key(const Key& key) override;
    std::vector<Hint> hints() const override;
    std::vector<std::string> help() const override;
    void refresh() override;

private:
    struct Row {
        std::shared_ptr<const void> holder;  // keeps the stream
        const analysis::Stream* stream = nullptr;
    };
    void draw_row(Canvas& canvas, std::size_t y, const analysis::Stream& stream,
                  bool selected) const;

    AskedCalls asked_;
    std::vector<Row> rows_;
    std::size_t selected_ = 0, top_ = 0, page_ = 1, details_top_ = 0, first_row_ = 2;
};

}  // namespace sipana::live
