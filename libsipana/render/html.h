// The report page in pieces: what they share while one page is written, and what each writes.
//
// Everything from the wire goes through escaped() on its way into markup, or as JSON text into a
// data block that the script turns into text nodes. The page has no other way for data to get in.
// Markup of single calls lies in data blocks too (<script type="text/html">), so that a page of a
// thousand calls opens at once: a browser skips over them, where <template> would have it build
// every node. Links within the page are fragments that page/report.js follows: #call-7,
// #message-7.3 (message 3 of call number 7; call 0 holds the messages without a call), #stream-7.0.
// No element but a stream has such an id: following a fragment to an element would take the focus
// away.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/analysis/model.h"
#include "libsipana/base/append.h"
#include "libsipana/render/explain.h"
#include "libsipana/render/render.h"

namespace sipana::render {

// Beyond these a page would not open in reasonable time; what is left out is said on the page.
inline constexpr std::size_t most_calls_listed = 20000;
inline constexpr std::size_t most_calls_shown = 2000;     // with ladder, messages and streams
inline constexpr std::size_t most_messages_shown = 1000;  // of one call, explained
inline constexpr std::size_t most_findings_shown = 1000;  // of one list
inline constexpr std::size_t most_streams_shown = 500;    // of one list
inline constexpr std::size_t most_rtcp_rows = 200;        // of one stream
inline constexpr std::size_t most_gaps_shown = 20;

// Whether a call without an end may still come to one.
enum class Seen : std::uint8_t { to_the_end, going_on };

class Page {
public:
    // The page's calls are `shown`: whole.calls, or others in their place.
    Page(const analysis::Report& whole, Calls shown);

    template <typename... Args>
    void put(fmt::format_string<Args...> format, Args&&... args) {
        append(out, format, std::forward<Args>(args)...);
    }
    // Index of the topic in the page's glossary; -1 for a topic without name.
    int gloss(const Topic& topic);
    const std::vector<Topic>& glossary() const { return glossary_; }
    // The fragment that leads to the message of that frame; empty where there is none on this page.
    std::string link_to_frame(std::uint64_t frame) const;
    // A name that the capture gives the address, else the address as text.
    std::string name_of(const Address& address) const;

    const analysis::Report& report;  // but for its calls
    const Calls calls;
    Seen seen = Seen::to_the_end;
    std::string out;

private:
    struct Place {
        std::uint64_t frame, call, message;
    };
    std::vector<Topic> glossary_;
    std::map<std::pair<std::string_view, std::string_view>, int> glossed_;
    std::vector<Place> places_;  // by frame
};

// ---- html_list: the calls as a table with filters
void put_call_list(Page& page);
// Its parts. The day, too, is shown where the calls are not of one day.
void open_call_list(Page& page, std::size_t count);
void open_call_rows(Page& page);
void put_call_row(Page& page, const analysis::Call& call, bool one_day);

// ---- html_call: one call, all about it
// Where the call's ladder is.
enum class Drawn : std::uint8_t {
    by_script,  // in the figure's block, from which the script takes it
    here,
    above  // with another call of the same figure
};
void put_call(Page& page, const analysis::Call& call, Drawn drawn,
              std::span<const analysis::Call* const> figure = {});
// The figures' ladders, each once: calls that share one refer to it by its number.
std::uint64_t figure_number(Calls calls, std::size_t index);
void put_figure(Page& page, std::span<const analysis::Call* const> calls);
void put_findings(Page& page, const std::vector<Finding>& findings);

// ---- html_offer: offers and answers
void put_ledgers(Page& page, const analysis::Call& call);

// ---- html_stream: a stream with charts and RTCP; `call` may be null
void put_stream(Page& page, const analysis::Stream& stream, const analysis::Call* call,
                std::uint64_t call_number, std::size_t index);

// ---- html_picture: of a video stream, what broke its picture and who asked for key frames
void put_picture(Page& page, const analysis::Stream& stream, Time start);
std::string broken_text(const analysis::Stream& stream);  // "1.2 s (12%)"
std::string lip_sync_text(double behind_sound_ms);        // "3.1 ms behind"

// ---- html_message: messages for the script to show, and the glossary
void put_messages(Page& page, std::uint64_t call_number,
                  const std::vector<analysis::SipMessage>& messages, Time start,
                  const std::vector<Finding>& findings);
void put_glossary(Page& page);
// The same as JSON alone, for who sends it to the script.
void put_messages_json(Page& page, const std::vector<analysis::SipMessage>& messages, Time start,
                       const std::vector<Finding>& findings);
void put_glossary_json(Page& page);
void put_json_string(std::string& out, std::string_view valid_utf8);

// ---- html_words
std::string caller_name(const analysis::Call& call);
std::string callee_name(const analysis::Call& call);
// What became of the call, in one or two sentences: "Busy: bob answered 486 Busy Here after 1.2 s."
std::string outcome_sentence(const analysis::Call& call, Seen seen = Seen::to_the_end);
// What kind of end that is, for colours: "good", "open", "bad".
std::string_view outcome_class(analysis::CallState state);
std::string message_title(const analysis::SipMessage& message);  // "INVITE", "486 Busy Here"
std::string_view message_tone(
    const analysis::SipMessage& message);     // as Tone: "request", "success", ...
std::string since(Time time, Time start);     // "4.817 s"
std::string bytes_text(std::uint64_t bytes);  // "12.4 MB"
std::string counted(std::uint64_t n, std::string_view one, std::string_view many);  // "1 call"

}  // namespace sipana::render
