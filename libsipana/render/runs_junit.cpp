// Runs of the lab as JUnit XML: what CI systems read. There is no standard; this is the subset that
// Jenkins, GitLab and GitHub's reporters share.
#include <fmt/format.h>

#include "libsipana/base/text.h"
#include "libsipana/render/runs.h"

namespace sipana::render {
namespace {

using lab::Outcome;

// For attributes and content alike. Controls are shown as printable() shows them, for XML 1.0 has
// no way to write them; so are the two code points that are no characters.
std::string xml(std::string_view wire) {
    std::string out;
    const std::string text = printable(wire);
    for (std::size_t i = 0; i < text.size(); ++i) {
        switch (text[i]) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                if (const auto three = std::string_view(text).substr(i, 3);
                    three == "\xef\xbf\xbe" || three == "\xef\xbf\xbf") {
                    out += "\xef\xbf\xbd";
                    i += 2;
                } else {
                    out += text[i];
                }
        }
    }
    return out;
}

struct Tally {
    std::size_t cases = 0, failed = 0, errors = 0, skipped = 0;
    void count(Outcome outcome) {
        ++cases;
        failed += outcome == Outcome::failed;
        skipped += outcome == Outcome::skipped || outcome == Outcome::not_reached;
    }
    std::string attributes() const {
        return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"", cases,
                           failed, errors, skipped);
    }
};

// It was not played at all.
bool is_unplayed(const lab::RunResult& run) {
    return run.steps.empty() && run.checks.empty() && run.outcome == Outcome::failed;
}

// What none of its steps and checks tells has a case of its own.
bool is_case(const lab::RunResult& run) {
    if (run.steps.empty() && run.checks.empty()) return true;
    for (const auto& s : run.steps)
        if (s.outcome == Outcome::failed) return false;
    for (const auto& c : run.checks)
        if (c.outcome == Outcome::failed) return false;
    return run.outcome == Outcome::failed;
}

Tally tally_of(const lab::RunResult& run) {
    Tally t;
    if (is_case(run)) {
        if (is_unplayed(run)) {
            ++t.cases;
            ++t.errors;
        } else {
            t.count(run.outcome);
        }
    }
    for (const auto& s : run.steps) t.count(s.outcome);
    for (const auto& c : run.checks) t.count(c.outcome);
    return t;
}

std::string test_case(const lab::RunResult& run, std::string_view name, double seconds,
                      Outcome outcome, std::string_view detail, bool is_error = false) {
    std::string out = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"",
                                  xml(run.script), xml(name), seconds);
    if (is_error)
        out += fmt::format(">\n      <error message=\"{}\"/>\n    </testcase>\n", xml(detail));
    else if (outcome == Outcome::failed)
        out += fmt::format(">\n      <failure message=\"{}\"/>\n    </testcase>\n", xml(detail));
    else if (outcome == Outcome::done)
        out += "/>\n";
    else
        out += fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                           xml(detail.empty() ? to_string(outcome) : detail));
    return out;
}

std::string suite(const lab::RunResult& run) {
    std::string out =
        fmt::format("  <testsuite name=\"{}\" {} time=\"{:.3f}\" timestamp=\"{}\">\n",
                    xml(run.script), tally_of(run).attributes(), to_seconds(duration_of(run)),
                    run.started == no_time ? "" : to_rfc3339(run.started).substr(0, 19));
    out += fmt::format(
        "    <properties>\n      <property name=\"title\" value=\"{}\"/>\n"
        "      <property name=\"seed\" value=\"{}\"/>\n"
        "      <property name=\"capture\" value=\"{}\"/>\n    </properties>\n",
        xml(run.title), run.seed, xml(run.capture));
    if (is_case(run))
        out += test_case(run, "the script is played", 0, run.outcome, run.error, is_unplayed(run));
    Time last = run.started;
    for (const auto& s : run.steps) {
        double seconds = 0;
        if (s.at != no_time && last != no_time && s.at > last) {
            seconds = to_seconds(s.at - last);
            last = s.at;
        }
        out += test_case(run, fmt::format("line {}: {}: {}", s.line, s.phone, s.text), seconds,
                         s.outcome, s.detail);
    }
    for (const auto& c : run.checks)
        out += test_case(run, c.line == 0 ? c.text : fmt::format("line {}: {}", c.line, c.text), 0,
                         c.outcome, c.detail);
    if (!run.notes.empty()) {
        out += "    <system-out>";
        for (const std::string& note : run.notes) out += xml(note) + "\n";
        out += "</system-out>\n";
    }
    return out + "  </testsuite>\n";
}

}  // namespace

std::string runs_junit(std::span<const lab::RunResult> runs) {
    Tally all;
    double seconds = 0;
    std::string suites;
    for (const lab::RunResult& run : runs) {
        const Tally t = tally_of(run);
        all.cases += t.cases;
        all.failed += t.failed;
        all.errors += t.errors;
        all.skipped += t.skipped;
        seconds += to_seconds(duration_of(run));
        suites += suite(run);
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"sipana-lab\" {} time=\"{:.3f}\">\n{}</testsuites>\n",
        all.attributes(), seconds, suites);
}

}  // namespace sipana::render
