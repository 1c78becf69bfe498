#include "libsipana/live/saver.h"

#include <fmt/format.h>

#include <utility>

#include "libsipana/live/call_files.h"
#include "libsipana/render/render.h"

namespace sipana::live {

Result<std::string> Saver::save(const std::vector<std::uint64_t>& numbers, std::string_view format) {
    std::vector<CallPtr> held;
    std::vector<const analysis::Call*> calls;
    for (const std::uint64_t number : numbers)
        if (CallPtr call = board_.look(number)) held.push_back(std::move(call));
    for (const CallPtr& call : held) calls.push_back(call.get());
    if (calls.empty()) return Error{Errc::not_found, 0, "nothing is known of these calls any more"};
    std::string stem = file_name_of(*calls.front());
    if (calls.size() > 1) stem += fmt::format("-and-{}-more", calls.size() - 1);
    if (format == "pcapng") {
        auto packets = board_.packets(numbers);
        if (!packets) return packets.error();
        return write(stem, format, *packets);
    }
    analysis::Report rest;
    for (const analysis::Call* call : calls) {
        rest.first = rest.first == no_time ? call->start : std::min(rest.first, call->start);
        rest.last = rest.last == no_time ? call->end : std::max(rest.last, call->end);
    }
    std::string text;
    if (format == "json")
        text = render::report_json(rest, calls);
    else if (format == "html")
        text = render::report_html(rest, calls);
    else if (format == "txt")
        text = render::ladder_text(calls, render::Style{120, false, true, false});
    else
        return Error{Errc::unsupported, 0, fmt::format("'{}' is none of pcapng, html, json, txt", format)};
    return write(stem, format, as_bytes(text));
}

Result<std::string> Saver::write(const std::string& stem, std::string_view suffix, Bytes content) {
    constexpr int most_tries = 100;  // names that are taken
    for (int n = 1; n <= most_tries; ++n) {
        const std::string name = fmt::format("{}{}.{}", stem, n == 1 ? "" : fmt::format("-{}", n), suffix);
        auto file = BlockFile::create(folder_, name);
        if (!file && file.error().code == Errc::denied && n < most_tries) continue;
        if (!file) return file.error();
        if (!file->append(content)) {
            Status why = file->status();
            (void)file->remove();
            return why ? Error{Errc::io, 0, name + ": cannot be written"} : why.error();
        }
        if (Status closed = file->close(); !closed) return closed.error();
        return name;
    }
    return Error{Errc::denied, 0, stem + ": all names are taken"};
}

}  // namespace sipana::live
