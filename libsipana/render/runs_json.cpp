// Runs of the lab as JSON. docs/report-format.md defines the fields.
#include "libsipana/render/json_writer.h"
#include "libsipana/render/runs.h"

namespace sipana::render {
namespace {

void write_step(JsonWriter& json, const lab::RunResult& run, const lab::StepResult& step) {
    json.begin_object().field("line", step.line).field("phone", step.phone);
    json.field("text", step.text).field("outcome", to_string(step.outcome)).key("at_s");
    step.at == no_time ? json.null() : json.seconds(step.at - run.started);
    json.text_or_null("detail", step.detail).end_object();
}

void write_check(JsonWriter& json, const lab::CheckResult& check) {
    json.begin_object().key("line");
    check.line == 0 ? json.null() : json.value(check.line);
    json.field("text", check.text).field("outcome", to_string(check.outcome));
    json.text_or_null("detail", check.detail).end_object();
}

void write_run(JsonWriter& json, const lab::RunResult& run) {
    json.begin_object().field("script", run.script).text_or_null("title", run.title);
    json.field("outcome", to_string(run.outcome)).text_or_null("error", run.error);
    json.field("seed", run.seed).key("started").time(run.started);
    json.key("ended").time(run.ended).key("duration_s").seconds(duration_of(run));
    json.text_or_null("capture", run.capture);
    json.field("sip_sent", run.sip_sent).field("sip_seen", run.sip_seen);
    json.field("rtp_sent", run.rtp_sent).field("rtp_seen", run.rtp_seen);
    json.key("steps").begin_array();
    for (const lab::StepResult& step : run.steps) write_step(json, run, step);
    json.end_array().key("checks").begin_array();
    for (const lab::CheckResult& check : run.checks) write_check(json, check);
    json.end_array().key("notes").begin_array();
    for (const std::string& note : run.notes) json.value(note);
    json.end_array().end_object();
}

}  // namespace

std::string runs_json(std::span<const lab::RunResult> runs) {
    std::string out;
    {
        JsonWriter json(out, 2);
        json.begin_object().field("schema", "sipana-lab/1");
        json.field("outcome", to_string(outcome_of(runs))).key("runs").begin_array();
        for (const lab::RunResult& run : runs) write_run(json, run);
        json.end_array().end_object();
    }
    return out + "\n";
}

}  // namespace sipana::render
