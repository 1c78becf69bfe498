// The script again, from what is in it: one line a declaration, arrows in columns.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libsipana/base/text.h"
#include "libsipana/lab/script_declarations.h"
#include "libsipana/lab/script_steps.h"

namespace sipana::lab {
namespace {

constexpr std::string_view indent = "    ";
using Out = std::back_insert_iterator<std::string>;

std::string joined(const std::vector<std::string>& names) {
    return names.empty() ? std::string("none") : fmt::format("{}", fmt::join(names, ","));
}

std::string spelled(Transport t) { return lowered(to_string(t)); }

std::string called(const std::string& name, const std::string& call) {
    return call.empty() ? name : name + '/' + call;
}

// ---------------------------------------------------------------- declarations

std::string written(const PhoneLine& p) {
    std::string out = fmt::format("phone  {}", p.name);
    if (!p.domain.empty())
        out += ' ' + word_of(p.user + '@' + p.domain);
    else if (p.user != p.name || !p.settings.empty())
        out += ' ' + (begins_phone_setting(p.user) ? quoted(p.user) : word_of(p.user));
    const auto word = [&](std::string_view key, const std::string& value) {
        if (!value.empty()) out += fmt::format("  {} {}", key, word_of(value));
    };
    word("password", p.password);
    word("auth-user", p.auth_user);
    word("display", p.display);
    word("at", p.at);
    if (p.transport != Transport::udp) out += fmt::format("  transport {}", spelled(p.transport));
    const PhoneLine usual;
    if (p.audio != usual.audio) out += fmt::format("  audio {}", joined(p.audio));
    if (p.video != usual.video) out += fmt::format("  video {}", joined(p.video));
    for (const auto& [key, value] : p.settings) out += fmt::format("  {} {}", key, word_of(value));
    word("program", p.program);
    return out;
}

std::string written(const ServerLine& s) {
    std::string out = fmt::format("server {}", s.name);
    static constexpr std::array<std::string_view, 3> keywords{"transport", "exchange", "proxy"};
    const bool keyword = std::find(keywords.begin(), keywords.end(), s.at) != keywords.end();
    if (!s.at.empty()) out += ' ' + (keyword ? quoted(s.at) : word_of(s.at));
    if (s.transport != Transport::udp) out += fmt::format("  transport {}", spelled(s.transport));
    if (s.kind == ServerLine::Kind::exchange)
        out += fmt::format("  exchange {}", word_of(s.folder));
    if (s.kind == ServerLine::Kind::proxy) out += "  proxy";
    for (const auto& [key, value] : s.settings) {
        const bool flag = value.empty() && (key == "auth" || key == "record-route");
        out += flag ? fmt::format("  {}", key) : fmt::format("  {} {}", key, word_of(value));
    }
    return out;
}

std::string written(const NetworkLine& n) {
    std::string out = "network";
    if (!n.from.empty()) out += " from " + n.from;
    if (!n.to.empty()) out += " to " + n.to;
    if (n.media_only) out += " media";
    if (n.signalling_only) out += " signalling";
    const Impairment& i = n.impairment;
    out += fmt::format(" delay {}", to_words(i.delay));
    const Impairment none;
    if (i.jitter != none.jitter) out += fmt::format(" jitter {}", to_words(i.jitter));
    if (i.loss > 0) out += fmt::format(" loss {}", to_percent(i.loss));
    if (i.burst > 1) out += fmt::format(" burst {}", to_real(i.burst));
    if (i.duplicate > 0) out += fmt::format(" duplicate {}", to_percent(i.duplicate));
    if (i.reorder > 0) out += fmt::format(" reorder {}", to_percent(i.reorder));
    if (i.bits_per_second > 0) out += fmt::format(" bandwidth {}", to_bits(i.bits_per_second));
    return out;
}

// ---------------------------------------------------------------- what is sent

void write_sdp(std::string& out, const SdpWish& sdp) {
    if (sdp == SdpWish{}) return;
    out += "  sdp";
    if (sdp.kind == SdpKind::text) {
        out += ' ' + block_of(sdp.text, indent);
        return;
    }
    if (sdp.kind == SdpKind::offer) out += " offer";
    if (sdp.kind == SdpKind::answer) out += " answer";
    if (sdp.kind == SdpKind::none) out += " none";
    if (!sdp.direction.empty()) out += ' ' + sdp.direction;
    if (!sdp.codecs.empty()) out += " codecs " + joined(sdp.codecs);
    if (!sdp.media.empty()) out += " media " + joined(sdp.media);
}

void write_header(std::string& out, const HeaderChange& h) {
    using How = HeaderChange::How;
    if (h.how == How::strip) {
        out += "  strip " + word_of(h.name);
        return;
    }
    out += fmt::format("  {} {}", h.how == How::set ? "set" : "header",
                       quoted(h.value.empty() ? h.name + ":" : h.name + ": " + h.value));
}

void write_faults(std::string& out, const Faults& f) {
    if (f.drop > 0) out += fmt::format("  drop {}", f.drop);
    if (f.duplicate > 0) out += fmt::format("  duplicate {}", f.duplicate);
    if (f.delay != Duration{}) out += fmt::format("  delay {}", to_words(f.delay));
    if (f.no_ack) out += "  no ack";
    if (f.no_retransmission) out += "  no retransmission";
    if (f.stale_nonce) out += "  stale nonce";
    if (f.wrong_password) out += "  wrong password";
    if (f.no_credentials) out += "  no credentials";
    if (f.cut) out += fmt::format("  cut {}", *f.cut);
}

std::string what_is_sent(const Send& s) {
    if (const auto* r = std::get_if<Request>(&s.what))
        return r->target.empty() ? r->method : r->method + ' ' + word_of_target(r->target);
    if (const auto* r = std::get_if<Response>(&s.what))
        return r->reason.empty() ? fmt::format("{}", r->code)
                                 : fmt::format("{} {}", r->code, quoted(r->reason));
    const auto& raw = std::get<Raw>(s.what);
    return fmt::format("{} {}", raw.is_template ? "message" : "raw", block_of(raw.text, indent));
}

std::string written(const Send& s) {
    std::string out = what_is_sent(s);
    if (!s.to.empty()) out += " for " + s.to;
    if (s.reliable) out += "  reliable";
    if (s.outside) out += "  outside";
    write_sdp(out, s.sdp);
    for (const HeaderChange& h : s.headers) write_header(out, h);
    if (!s.body_type.empty() || !s.body.empty())
        out += fmt::format("  body {} {}", word_of(s.body_type), block_of(s.body, indent));
    if (!s.to_tag.empty()) out += "  to-tag " + word_of(s.to_tag);
    if (s.cseq) out += fmt::format("  cseq {}", *s.cseq);
    if (s.cseq_add) out += fmt::format("  cseq {:+}", *s.cseq_add);
    if (!s.refer_to.empty()) out += "  refer-to " + word_of(s.refer_to);
    if (!s.replaces.empty()) out += "  replaces " + word_of(s.replaces);
    if (s.after != Duration{}) out += "  after " + to_words(s.after);
    write_faults(out, s.faults);
    return out;
}

// ---------------------------------------------------------------- what is expected

std::string written(const Pattern& p) {
    if (!p.method.empty()) return p.method;
    if (p.first == 0 && p.last == 0) return "any";
    if (p.first == p.last) return fmt::format("{}", p.first);
    if (p.first % 100 == 0 && p.last == p.first + 99) return fmt::format("{}xx", p.first / 100);
    return fmt::format("{}..{}", p.first, p.last);
}

std::string subject_of(const std::string& header) {
    if (header.empty()) return "body";
    if (header == "request-uri" || header == "reason" || header == "message") return header;
    return "header " + word_of(header);
}

void write_where(std::string& out, const Where& w) {
    using Test = Where::Test;
    out += fmt::format("  where {}{}", w.test == Test::absent ? "no " : "", subject_of(w.header));
    if (w.test == Test::absent || w.test == Test::present) return;
    out += w.inverse ? " not" : "";
    out += w.test == Test::is ? " is " : w.test == Test::matches ? " matches " : " contains ";
    out += quoted(w.value);
}

// What may stand behind a message that is expected, on a line of its own or beside what is sent.
void write_conditions(std::string& out, const Expect& e) {
    if (e.within && !e.nothing) out += "  within " + to_words(*e.within);
    if (!e.otherwise.empty()) out += "  else " + e.otherwise;
    for (const Where& w : e.where) write_where(out, w);
    for (const Capture& c : e.captures) {
        out += fmt::format("  let {} = {}", c.name, subject_of(c.header));
        if (!c.pattern.empty()) out += ' ' + quoted(c.pattern);
    }
    if (e.copies != 1) out += fmt::format("  copies {}", e.copies);
    if (!e.jump.empty()) out += "  goto " + e.jump;
}

std::string written(const Expect& e) {
    std::string out;
    for (const Pattern& p : e.any_of)
        out += (out.empty() ? "" : " or ") + written(p) + (e.optional ? "?" : "");
    if (e.or_nothing) out += " or nothing";
    if (e.nothing) out = "nothing for " + to_words(e.within.value_or(Duration{}));
    if (!e.for_method.empty()) out += " for " + e.for_method;
    if (e.sdp == SdpKind::offer) out += "  sdp offer";
    if (e.sdp == SdpKind::answer) out += "  sdp answer";
    if (e.sdp == SdpKind::none) out += "  sdp none";
    if (e.no_ack) out += "  no ack";
    write_conditions(out, e);
    return out;
}

// ---------------------------------------------------------------- the other steps

std::string written(const MediaStep& m) {
    using Source = MediaStep::Source;
    std::string out = m.video ? "video" : "audio";
    switch (m.source) {
        case Source::tone:
            out += fmt::format(" tone {}Hz", to_real(m.hertz));
            break;
        case Source::silence:
            out += " silence";
            break;
        case Source::file:
            out += " file " + word_of(m.file);
            break;
        case Source::none:
            out += " none";
            break;
        case Source::digits: {
            using By = MediaStep::DigitsBy;
            const auto by = m.digits_by;
            out = fmt::format("digits {} by {}", word_of(m.digits),
                              by == By::rfc4733  ? "rfc4733"
                              : by == By::inband ? "inband"
                                                 : "info");
            break;
        }
    }
    out += ' ' + to_words(m.duration);
    return out + (m.go_on ? " in background" : "");
}

std::string written(const Pause& p) {
    std::string out = "pauses " + to_words(p.shortest);
    return p.longest == p.shortest ? out : out + ".." + to_words(p.longest);
}

std::string written(const Label& l) { return "label " + l.name; }

std::string written(const Jump& j) {
    std::string out = "goto " + j.label;
    if (!j.left.empty() || !j.right.empty())
        out +=
            fmt::format(" if {} is{} {}", quoted(j.left), j.unequal ? " not" : "", quoted(j.right));
    if (j.chance < 1) out += " chance " + to_percent(j.chance);
    return out;
}

std::string written(const Assign& a) {
    return fmt::format("lets {} = {}", a.name, quoted(a.value));
}

// ---------------------------------------------------------------- lines

struct Row {
    std::string left, arrow, right, rest;
};

// Is `next` what the other phone expects of `step`, and nothing that its own line must say?
bool is_pair(const Script& script, const Step& step, const Step* next) {
    const auto* send = std::get_if<Send>(&step.what);
    const auto* expect = next ? std::get_if<Expect>(&next->what) : nullptr;
    if (!send || !expect || !script.phone(step.peer)) return false;
    if (next->phone != step.peer || next->peer != step.phone || next->block != step.block)
        return false;
    if (expect->any_of != patterns_of(*send) || expect->any_of.empty()) return false;
    const bool response = std::holds_alternative<Response>(send->what);
    if (expect->for_method != (response ? send->to : std::string{})) return false;
    if (expect->nothing || expect->or_nothing || expect->optional) return false;
    return expect->sdp == SdpKind::by_itself && !(expect->no_ack && !response);
}

bool is_both_ways(const Script& script, const Step& step, const Step* next) {
    const auto* media = std::get_if<MediaStep>(&step.what);
    const auto* back = next ? std::get_if<MediaStep>(&next->what) : nullptr;
    return media && back && script.phone(step.peer) && next->phone == step.peer &&
           next->peer == step.phone && step.block != 0 && next->block == step.block &&
           *media == *back;
}

bool is_raw(const Step& step) {
    const auto* send = std::get_if<Send>(&step.what);
    return send && patterns_of(*send).empty();
}

// The row of a step and, where they make one line, of the next. Takes `used` steps.
Row row_of(const Script& script, const Step& step, const Step* next, std::size_t& used) {
    used = 1;
    Row row{called(step.phone, step.call), "->", step.peer, {}};
    if (const auto* send = std::get_if<Send>(&step.what)) {
        row.rest = written(*send);
        if (is_pair(script, step, next)) {
            const auto& expect = std::get<Expect>(next->what);
            used = 2;
            row.right = called(next->phone, next->call);
            if (expect.no_ack) row.rest += "  no ack";
            write_conditions(row.rest, expect);
        } else if (script.phone(step.peer) && !is_raw(step)) {
            row.arrow = "->|";
        }
        return row;
    }
    if (const auto* expect = std::get_if<Expect>(&step.what)) {
        std::swap(row.left, row.right);
        if (script.phone(step.peer)) row.arrow = "|->";
        row.rest = written(*expect);
        return row;
    }
    if (const auto* media = std::get_if<MediaStep>(&step.what)) {
        row.arrow = "=>";
        row.rest = written(*media);
        if (is_both_ways(script, step, next)) {
            used = 2;
            row.arrow = "<>";
            row.right = called(next->phone, next->call);
        }
        return row;
    }
    row.arrow.clear();
    row.right.clear();
    row.rest = std::visit(
        [](const auto& what) -> std::string {
            using What = std::decay_t<decltype(what)>;
            if constexpr (std::is_same_v<What, Pause> || std::is_same_v<What, Label> ||
                          std::is_same_v<What, Jump> || std::is_same_v<What, Assign>)
                return written(what);
            return {};
        },
        step.what);
    return row;
}

void write_steps(std::string& out, const Script& script) {
    std::size_t left = 0, right = 0;
    for (const Step& s : script.steps) {
        left = std::max(left, called(s.phone, s.call).size());
        left = right = std::max(left, s.peer.size());
    }
    std::uint32_t block = 0;
    for (std::size_t i = 0, used = 0; i < script.steps.size(); i += used) {
        const Step& s = script.steps[i];
        const Row row = row_of(script, s, i + 1 < script.steps.size() ? &s + 1 : nullptr, used);
        // Both ways at once needs no frame when these two are all of their block.
        const bool more = i + used < script.steps.size() && script.steps[i + used].block == s.block;
        const bool alone = row.arrow == "<>" && s.block != block && !more;
        const std::uint32_t wanted = alone ? 0 : s.block;
        if (wanted != block && block != 0) out += "end\n";
        if (wanted != block && wanted != 0) out += "any order\n";
        block = wanted;
        out += block != 0 ? indent : "";
        out += row.arrow.empty() ? fmt::format("{:{}} {}\n", row.left, left, row.rest)
                                 : fmt::format("{:{}} {:<3} {:{}}  {}\n", row.left, left, row.arrow,
                                               row.right, right, row.rest);
    }
    if (block != 0) out += "end\n";
}

}  // namespace

std::string write(const Script& script) {
    std::string out;
    if (!script.title.empty()) out += fmt::format("title  {}\n", quoted(script.title));
    for (const PhoneLine& p : script.phones) out += written(p) + '\n';
    for (const ServerLine& s : script.servers) out += written(s) + '\n';
    for (const NetworkLine& n : script.networks) out += written(n) + '\n';
    const Script usual;
    if (script.seed != usual.seed) out += fmt::format("seed   {}\n", script.seed);
    if (script.timeout != usual.timeout)
        out += fmt::format("timeout {}\n", to_words(script.timeout));
    if (script.independent) out += "order per phone\n";
    if (!script.rows.empty()) {
        std::string rows = "SEQUENTIAL\r\n";
        for (const auto& row : script.rows) {
            for (const std::string& field : row) rows += field + ';';
            rows += "\r\n";
        }
        out += "data   " + block_of(rows, indent) + '\n';
    }
    if (!out.empty()) out += '\n';
    write_steps(out, script);
    if (!script.checks.empty() && !script.steps.empty()) out += '\n';
    for (const CheckLine& c : script.checks) {
        out += "check";
        for (const std::string& w : c.words) out += ' ' + word_of(w);
        out += '\n';
    }
    return out;
}

std::string write(const Script& script, const Step& step) {
    std::size_t used = 0;
    Row row = row_of(script, step, nullptr, used);
    if (row.arrow == "->|") row.arrow = "->";
    return row.arrow.empty()
               ? fmt::format("{} {}", row.left, row.rest)
               : fmt::format("{} {} {}  {}", row.left, row.arrow, row.right, row.rest);
}

}  // namespace sipana::lab
