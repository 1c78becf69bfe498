// The page of what real servers refuse with: which final codes (RFC 3261 21.3 to 21.6) each of them
// was seen to send, by which script it was provoked, with the ladder of each; and what could not be
// provoked, and why.
//
// Scripts, captures and reasons are read by the caller and must outlive the call. All of them are
// hostile here: every text is escaped, and the page runs no script.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsipana/analysis/coverage.h"
#include "libsipana/analysis/model.h"
#include "libsipana/base/result.h"
#include "libsipana/lab/script.h"

namespace sipana::render {

// One script with its capture. What a file name begins with ("404-extension", "error-404") is the
// code that it is about.
struct Provocation {
    std::string name;  // of the files, without suffix
    std::string text;  // of the script
    lab::Script script;
    analysis::Coverage seen;
    analysis::Report report;

    int code() const;  // 0: about no single code
    // Did a server send that message itself? Not what a phone of ours said, nor what was passed on
    // from one.
    bool is_servers(std::string_view sender) const;
    std::uint64_t count(int code, bool from_server) const;
};

// One server: a folder of scripts and captures.
struct Tried {
    std::string folder, name;  // "sip", "chan_sip"
    std::deque<Provocation> provocations;

    std::uint64_t count(int code, bool from_server) const;
    std::vector<int> codes() const;  // that the server sent, from 300 on
};

// A file of lines "FOLDER<TAB>CODE<TAB>REASON"; "FOLDER<TAB>*<TAB>NAME" names the server. Error:
// one line with the line's number.
struct Misses {
    static constexpr std::size_t most = 1000;  // lines

    std::map<std::string, std::string, std::less<>> names;  // by folder
    std::map<std::pair<int, std::string>, std::string> reasons;
};
Result<Misses> parse_misses(std::string_view text);

// What a phone of the script refuses with, and what the caller hears of it in the same call: (603,
// 403).
std::vector<std::pair<int, int>> translations(const lab::Script& script);

std::string refusals_html(std::span<const Tried> servers, const Misses& misses);

}  // namespace sipana::render
