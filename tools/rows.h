// Sinks of the program: rows of ndjson or CSV, printed as they come and forgotten, and every SIP message kept.
#pragma once

#include <string_view>
#include <vector>

#include "libsipana/analysis/analyzer.h"
#include "libsipana/analysis/selection.h"
#include "libsipana/render/render.h"
#include "tools/process.h"

namespace sipana::tools {

// Prints rows as they come and forgets them.
class Rows : public analysis::Sink {
public:
    enum class What { calls, messages, streams };
    Rows(What what, bool csv, analysis::Selection& selection, Output& out)
        : what_(what), csv_(csv), selection_(selection), out_(out) {
        if (!csv_) return;
        out_.line(what == What::calls      ? render::calls_csv_header()
                  : what == What::messages ? render::messages_csv_header()
                                           : render::streams_csv_header());
    }
    void on_message(const analysis::SipMessage& m, std::string_view call_id) override {
        if (what_ != What::messages) return;
        if (csv_)
            out_.line(render::message_csv(m, call_id));
        else
            render::append_message_json(out_.buffer(), m, call_id), out_.end_line();
    }
    void on_call(analysis::Call&& call) override {
        ++calls_;
        if (!selection_.everything() && !selection_.matches(call)) return;
        if (what_ == What::calls) {
            if (csv_)
                out_.line(render::call_csv(call));
            else
                render::append_call_json(out_.buffer(), call), out_.end_line();
        } else if (what_ == What::streams) {
            for (const analysis::Stream& s : call.streams) row(s);
        }
    }
    void on_stream(analysis::Stream&& stream) override {
        if (what_ == What::streams && selection_.everything()) row(stream);
    }
    void on_finding(Finding&&) override {}
    std::uint64_t calls() const { return calls_; }

private:
    void row(const analysis::Stream& s) {
        if (csv_)
            out_.line(render::stream_csv(s));
        else
            render::append_stream_json(out_.buffer(), s), out_.end_line();
    }
    std::uint64_t calls_ = 0;
    What what_;
    bool csv_;
    analysis::Selection& selection_;
    Output& out_;
};

// Keeps every SIP message, also those that come when their call has been handed on.
class MessageCollector : public analysis::Collector {
public:
    struct Row {
        analysis::SipMessage message;
        std::string_view call_id;
    };
    explicit MessageCollector(analysis::Report& report) : Collector(report) {}
    void on_message(const analysis::SipMessage& m, std::string_view call_id) override {
        Collector::on_message(m, call_id);
        Row& row = rows.emplace_back(Row{m, texts_.keep(call_id)});
        row.message.text = texts_.keep(m.text);
        if (!m.method_name.empty())
            row.message.method_name = row.message.text.substr(
                static_cast<std::size_t>(m.method_name.data() - m.text.data()), m.method_name.size());
    }
    std::vector<Row> rows;

private:
    analysis::TextStore texts_;
};

}  // namespace sipana::tools
