// Events: a live run as lines of JSON, one object each (docs/live.md): what `sipana live` prints where nobody
// looks at a screen.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "libsipana/analysis/selection.h"
#include "libsipana/live/observer.h"
#include "libsipana/live/totals.h"

namespace sipana::live {

// The object of the run's totals, as an event and in the browser's strip: one line.
std::string totals_json(const Totals& totals);

class Events final : public Observer {
public:
    struct What {
        bool messages = true, going = true, calls = true, streams = true, findings = true, totals = true;
        // "messages,calls"; Errc::malformed names the word that is none.
        static Result<What> parse(std::string_view words);
    };
    static constexpr std::size_t most_remembered = 200'000;  // calls whose last state is known
    static constexpr Duration totals_interval = std::chrono::seconds{10};

    // `line` gets each line without its end; `flush` is called where a pause follows. `chosen` may be null.
    Events(What what, analysis::Selection* chosen, std::function<void(std::string_view)> line,
           std::function<void()> flush, std::function<Totals()> totals);

    void on_message(const analysis::SipMessage& message, std::string_view call_id) override;
    void on_going(const analysis::Call& call) override;
    void on_call(const analysis::Call& call) override;
    void on_stream(const analysis::Stream& stream) override;
    void on_finding(const Finding& finding) override;
    void on_tick(Time now) override;
    void end();  // the totals a last time

private:
    // An object of the row formats, with the event's name, and the Call-ID if there is one, in front.
    void put(std::string_view event, std::string_view object, std::string_view call_id = {});

    What what_;
    analysis::Selection* chosen_;
    std::function<void(std::string_view)> line_;
    std::function<void()> flush_;
    std::function<Totals()> totals_;
    std::unordered_map<std::uint64_t, std::pair<analysis::CallState, std::uint16_t>> told_;  // by call number
    std::string buffer_;
    Time next_totals_ = no_time;
};

}  // namespace sipana::live
