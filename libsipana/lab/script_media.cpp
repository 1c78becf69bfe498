// What stands behind <> and =>: the media that is sent.
#include "libsipana/base/text.h"
#include "libsipana/lab/script_steps.h"

namespace sipana::lab {
namespace {

bool read_digits(LineReader& in, MediaStep& m) {
    using By = MediaStep::DigitsBy;
    const Word* w = in.peek();
    m.source = MediaStep::Source::digits;
    if (!in.text(m.digits, "digits (0-9 * # A-D)")) return false;
    if (m.digits.empty() || m.digits.find_first_not_of("0123456789*#ABCD") != std::string::npos)
        return in.expected_at(*w, "digits (0-9 * # A-D)");
    if (!in.keyword("by")) return true;
    if (in.keyword("rfc4733"))
        m.digits_by = By::rfc4733;
    else if (in.keyword("inband"))
        m.digits_by = By::inband;
    else if (in.keyword("info"))
        m.digits_by = By::info;
    else
        return in.expected("'rfc4733', 'inband' or 'info'", {"rfc4733", "inband", "info"});
    return true;
}

bool read_source(LineReader& in, MediaStep& m) {
    using Source = MediaStep::Source;
    if (in.keyword("none")) return m.source = Source::none, true;
    if (in.keyword("file")) {
        m.source = Source::file;
        return in.text(m.file, "a file name");
    }
    if (!m.video && in.keyword("silence")) return m.source = Source::silence, true;
    if (m.video || !in.keyword("tone"))
        return in.expected(m.video ? "'file' or 'none'" : "'tone', 'silence', 'file' or 'none'");
    m.source = Source::tone;
    const Word* w = in.peek();
    if (!w || w->quoted || w->text.size() < 3 || !w->text.ends_with("Hz")) return true;
    const auto hertz = parse_real(std::string_view(w->text).substr(0, w->text.size() - 2));
    if (!hertz || *hertz < 1 || *hertz > 24000) return in.expected("a frequency (440Hz)");
    m.hertz = *hertz;
    return in.take() != nullptr;
}

}  // namespace

// audio tone 440Hz | audio silence | audio file F | video file F | digits D [by WAY], [DURATION]
// [in background]
bool read_media(LineReader& in, MediaStep& m) {
    if (in.keyword("digits")) {
        if (!read_digits(in, m)) return false;
    } else {
        m.video = in.keyword("video");
        if (!m.video && !in.keyword("audio"))
            return in.expected("'audio', 'video' or 'digits'", {"audio", "video", "digits"});
        if (!read_source(in, m)) return false;
    }
    if (in.peek() && !in.next_is("in") && !in.duration(m.duration)) return false;
    if (in.keywords("in", "background")) m.go_on = true;
    return in.end();
}

}  // namespace sipana::lab
