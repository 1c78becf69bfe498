// SIP: parser, typed fields, checker, builder and splitter over any bytes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/bytes.h"
#include "libsipana/sip/body.h"
#include "libsipana/sip/builder.h"
#include "libsipana/sip/check.h"
#include "libsipana/sip/credentials.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/splitter.h"
#include "libsipana/sip/uri.h"
#include "tests/exact.h"

using namespace sipana;
using namespace sipana::sip;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// `part` lies within `whole`, or is nothing.
void inside(std::string_view part, std::string_view whole) {
    require(part.empty() || (part.data() >= whole.data() &&
                             part.data() + part.size() <= whole.data() + whole.size()));
}

void inside(const Params& params, std::string_view whole) {
    for (const Param& p : params) {
        inside(p.name, whole);
        inside(p.value, whole);
    }
}

void read_value(std::string_view value) {
    const Exact exact(value);
    const std::string_view v = exact.text();
    if (const auto via = parse_via(v)) {
        inside(via->host, v);
        inside(via->params, v);
        (void)via->ttl();
    }
    if (const auto address = parse_name_addr(v)) {
        inside(address->display, v);
        inside(address->uri, v);
        inside(address->params, v);
        (void)address->display_name();
    }
    if (const auto uri = parse_uri(v)) {
        inside(uri->user, v);
        inside(uri->host, v);
        inside(uri->headers, v);
        require(equal(*uri, *uri));
        (void)unescaped(uri->user);
        (void)masked(v);
        const std::string hidden = masked_within(v);
        require(masked_within(hidden) == hidden);
        (void)uri->header("to");
        const std::string written = write(*uri);
        if (!uri->bad_port) require(parse_uri(written).has_value());
    }
    if (const auto c = parse_credentials(v)) {
        inside(c->params, v);
        (void)digest_of(*c);
    }
    if (const auto i = parse_identity(v)) inside(i->info(), v);
    if (const auto w = parse_warning(v)) {
        inside(w->agent, v);
        inside(w->text, v);
    }
    if (const auto r = parse_retry_after(v)) inside(r->comment, v);
    (void)parse_cseq(v);
    (void)parse_rack(v);
    (void)parse_replaces(v);
    (void)parse_event(v);
    (void)parse_subscription_state(v);
    (void)parse_session_expires(v);
    (void)parse_reason(v);
    (void)parse_content_type(v);
    (void)parse_content_disposition(v);
    (void)parse_timestamp(v);
    (void)parse_date(v);
    std::string_view rest = v;
    while (const auto element = next_element(rest)) {
        require(!element->empty());
        inside(*element, v);
    }
}

void read_message(std::string_view text) {
    const auto m = Message::parse(text);
    if (!m) {
        require(m.error().offset <= text.size());
        return;
    }
    require(looks_like_sip(text));
    inside(m->body(), text);
    inside(m->call_id(), text);
    inside(m->from_tag(), text);
    inside(m->to_tag(), text);
    inside(m->branch(), text);
    inside(m->request_uri(), m->start_line());
    if (m->content_length() && !m->body_cut()) require(m->body().size() == *m->content_length());
    for (const Message::Field& f : m->fields()) {
        inside(m->name(f), text);
        inside(m->value(f), text);
        require(m->unfolded(f).size() <= m->value(f).size());
        require(m->name(f).empty() || m->header(m->name(f)).has_value());
        read_value(m->value(f));
    }
    for (auto i = static_cast<unsigned>(Header::accept);
         i <= static_cast<unsigned>(Header::www_authenticate); ++i)
        for (std::string_view value : m->values(static_cast<Header>(i))) inside(value, text);
    if (const auto sdp = sdp_of(*m)) inside(*sdp, m->body());
    for (const Part& part : parts_of(*m)) inside(part.body, m->body());
    std::vector<Finding> findings;
    check(*m, findings);
    require(findings.size() <= max_findings);
    for (const Finding& f : findings) require(f.byte <= text.size() && !f.clause.empty());

    const auto written = Builder::from(*m).write();
    if (!written) return;
    const auto again = Message::parse(*written);
    require(again.has_value());
    require(again->status() == m->status() && again->request_uri() == m->request_uri());
    require(again->call_id() == m->call_id() || m->text().find('\n') != text.npos);
    require(again->body() == m->body());
    require(*Builder::from(*again).write() == *written);
}

struct Given {
    std::string text;
    std::uint64_t skipped;
    bool incomplete;
    bool operator==(const Given&) const = default;
};

// The stream in chunks whose sizes the bytes themselves choose, or whole.
std::vector<Given> split(std::string_view stream, bool in_pieces, bool from_start) {
    std::vector<Given> out;
    Splitter splitter;
    std::uint64_t accounted = 0;
    const auto drain = [&] {
        while (const auto piece = splitter.poll()) {
            require(!piece->text.empty());
            accounted += piece->text.size();
            out.push_back({std::string(piece->text), piece->skipped_before, piece->incomplete});
        }
    };
    for (std::size_t at = 0; at < stream.size();) {
        std::size_t n = stream.size() - at;
        if (in_pieces)
            n = std::min<std::size_t>(n, 1 + static_cast<unsigned char>(stream[at]) % 61u);
        const Exact chunk(stream.substr(at, n));
        splitter.feed(chunk.bytes(), from_start);
        drain();
        at += n;
    }
    splitter.finish();
    drain();
    require(accounted + splitter.skipped() + splitter.keepalives() == stream.size());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text = as_text({bytes, size});
    read_message(text);
    read_value(text);
    require(split(text, false, true) == split(text, true, true));
    require(split(text, false, false) == split(text, true, false));
    // A gap in the middle: nothing is given twice, nothing outside.
    Splitter splitter;
    splitter.feed({bytes, size / 2}, true);
    while (splitter.poll()) {
    }
    splitter.lost(size);
    splitter.feed({bytes + size / 2, size - size / 2}, true);
    splitter.finish();
    while (const auto piece = splitter.poll()) require(piece->text.size() <= size);
    return 0;
}
