#include "libsipana/lab/script_declarations.h"

#include <fmt/format.h>

#include <algorithm>

namespace sipana::lab {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

const std::vector<std::string_view> phone_words{
    "password", "auth-user", "display", "at",         "transport",       "audio",
    "video",    "supported", "allow",   "user-agent", "session-expires", "expires",
    "min-se",   "feedback",  "echo",    "program",    "sound",           "picture"};
const std::vector<std::string_view> programs{"baresip"};
const std::vector<std::string_view> server_words{"transport", "exchange", "proxy"};
// A proxy's settings; the flags have no value.
const std::vector<std::string_view> proxy_words{"domain", "next", "realm", "user", "algorithm"};
const std::vector<std::string_view> proxy_flags{"auth", "record-route"};
const std::vector<std::string_view> network_words{"from",      "to",      "media",    "signalling",
                                                  "delay",     "jitter",  "loss",     "burst",
                                                  "duplicate", "reorder", "bandwidth"};
const std::vector<std::string_view> transports{"udp", "tcp", "tls", "sctp", "ws", "wss"};

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool transport(LineReader& in, Transport& out) {
    const Word* w = in.peek();
    if (w && !w->quoted)
        if (const auto t = transport_of(w->text)) {
            out = *t;
            in.take();
            return true;
        }
    return in.expected(listed(transports), transports);
}

// A party's own name: no word that begins other lines, and none that is taken.
bool new_name(LineReader& in, const Script& script, std::string& out) {
    const Word* w = in.peek();
    if (!in.name(out, "a name (letters, digits and _ . -)")) return false;
    static const std::vector<std::string_view> reserved{"check", "repeat", "any", "end"};
    if (contains(reserved, out) || contains(declaration_words(), out))
        return in.fail_at(
            *w, fmt::format("expected a name, got \"{}\", which begins other lines", out));
    if (script.phone(out) || script.server(out))
        return in.fail_at(*w, fmt::format("expected a new name, \"{}\" is declared above", out));
    if (script.phones.size() + script.servers.size() >= max_parties)
        return in.fail_at(*w, "expected at most 1000 phones and servers", Errc::too_large);
    return true;
}

bool setting(LineReader& in, Settings& settings, const std::vector<std::string_view>& known) {
    const Word* w = in.peek();
    const std::string all = listed(known);
    if (!nearest(w->text, known).empty()) return in.expected(all, known);
    std::string key, value;
    if (!in.name(key, all) || !in.text(value, fmt::format("a value for '{}'", key))) return false;
    settings.emplace_back(std::move(key), std::move(value));
    return true;
}

bool phone_word(LineReader& in, PhoneLine& p) {
    if (in.keyword("password")) return in.text(p.password, "a password");
    if (in.keyword("auth-user")) return in.text(p.auth_user, "a user name");
    if (in.keyword("display")) return in.text(p.display, "a display name");
    if (in.keyword("at")) return in.text(p.at, "an address (192.0.2.1, [2001:db8::1]:5060, :5080)");
    if (in.keyword("transport")) return transport(in, p.transport);
    for (auto [word, codecs] : {std::pair{"audio", &p.audio}, std::pair{"video", &p.video}}) {
        if (!in.keyword(word)) continue;
        if (in.keyword("none")) return codecs->clear(), true;
        return in.list(*codecs, "codecs (pcmu,pcma) or none");
    }
    if (in.keyword("program")) {
        if (!in.keyword(programs.front())) return in.expected("'baresip'", programs);
        p.program = programs.front();
        return true;
    }
    return setting(in, p.settings, phone_words);
}

// phone NAME [USER[@DOMAIN]] WORDS...
bool declare_phone(LineReader& in, Script& script) {
    PhoneLine p;
    p.where = in.line().where;
    if (!new_name(in, script, p.name)) return false;
    p.user = p.name;
    const Word* w = in.peek();
    if (w && (w->quoted || !contains(phone_words, w->text))) {
        std::string_view rest = w->text;
        p.user = cut(rest, '@');
        p.domain = rest;
        if (p.user.empty()) return in.expected("a user (100@A, alice@example.com)");
        in.take();
    }
    while (!in.at_end())
        if (!phone_word(in, p)) return false;
    script.phones.push_back(std::move(p));
    return !in.failed();
}

bool server_word(LineReader& in, ServerLine& s) {
    using Kind = ServerLine::Kind;
    if (in.keyword("transport")) return transport(in, s.transport);
    if (s.kind == Kind::real && in.keyword("exchange")) {
        s.kind = Kind::exchange;
        return in.text(s.folder, "the folder of sip.conf and extensions.conf");
    }
    if (s.kind == Kind::real && in.keyword("proxy")) {
        s.kind = Kind::proxy;
        return true;
    }
    if (s.kind != Kind::proxy) return in.expected(listed(server_words), server_words);
    for (std::string_view flag : proxy_flags)
        if (in.keyword(flag)) return s.settings.emplace_back(flag, ""), true;
    std::vector<std::string_view> known = proxy_words;
    known.insert(known.end(), proxy_flags.begin(), proxy_flags.end());
    return setting(in, s.settings, known);
}

// server NAME [ADDRESS] [transport T] [exchange FOLDER | proxy SETTINGS...]
bool declare_server(LineReader& in, Script& script) {
    ServerLine s;
    s.where = in.line().where;
    if (!new_name(in, script, s.name)) return false;
    const Word* w = in.peek();
    if (!w || w->quoted || !contains(server_words, w->text))
        if (!in.text(s.at, "an address, a host, 'exchange' or 'proxy'")) return false;
    while (!in.at_end())
        if (!server_word(in, s)) return false;
    script.servers.push_back(std::move(s));
    return !in.failed();
}

bool impair(LineReader& in, Impairment& i) {
    if (in.keyword("delay")) return in.duration(i.delay);
    if (in.keyword("jitter")) return in.duration(i.jitter);
    if (in.keyword("loss")) return in.percent(i.loss);
    if (in.keyword("duplicate")) return in.percent(i.duplicate);
    if (in.keyword("reorder")) return in.percent(i.reorder);
    if (in.keyword("bandwidth")) return in.bits(i.bits_per_second);
    if (in.keyword("burst")) {
        const Word* w = in.peek();
        const auto n = w && !w->quoted ? parse_real(w->text) : std::nullopt;
        if (!n || *n < 1 || *n > 1e6) return in.expected("a mean number of packets (1 or more)");
        i.burst = *n;
        return in.take() != nullptr;
    }
    return in.expected(listed(network_words), network_words);
}

bool party(LineReader& in, const Script& script, std::string& out) {
    const Word* w = in.peek();
    if (!w || !(script.phone(w->text) || script.server(w->text)))
        return in.expected(parties_of(script), party_names(script));
    out = in.take()->text;
    return true;
}

// network [from NAME] [to NAME] [media | signalling] IMPAIRMENT...
bool declare_network(LineReader& in, Script& script) {
    NetworkLine n;
    n.where = in.line().where;
    if (in.at_end()) return in.expected(listed(network_words));
    while (!in.at_end()) {
        bool good = true;
        if (in.keyword("from"))
            good = party(in, script, n.from);
        else if (in.keyword("to"))
            good = party(in, script, n.to);
        else if (!n.signalling_only && in.keyword("media"))
            n.media_only = true;
        else if (!n.media_only && in.keyword("signalling"))
            n.signalling_only = true;
        else
            good = impair(in, n.impairment);
        if (!good) return false;
    }
    script.networks.push_back(std::move(n));
    return !in.failed();
}

// data FILE | data """rows"""
bool declare_data(LineReader& in, Script& script, const Loader& load) {
    const Word* w = in.peek();
    std::string text;
    if (!in.text(text, "a dataset's file name, or its rows between \"\"\"")) return false;
    const bool inlined = w->quoted && text.find('\n') != text.npos;
    if (!inlined && !load_file(in, load, text)) return false;
    auto rows = parse_rows(text);
    if (!rows) return in.fail_at(*w, rows.error().what, rows.error().code);
    script.rows = std::move(*rows);
    return in.end();
}

bool declare_title(LineReader& in, Script& script) {
    if (in.at_end()) return in.expected("a title");
    script.title.clear();
    while (const Word* w = in.take()) {
        if (!script.title.empty()) script.title += ' ';
        script.title += w->text;
    }
    return true;
}

}  // namespace

const std::vector<std::string_view>& declaration_words() {
    static const std::vector<std::string_view> words{"title", "phone",   "server", "network",
                                                     "seed",  "timeout", "order",  "data"};
    return words;
}

bool begins_phone_setting(std::string_view word) { return contains(phone_words, word); }

bool is_party(const Line& line) {
    return line.words.front().is("phone") || line.words.front().is("server");
}

bool declare_party(LineReader& in, Script& script) {
    return in.keyword("phone") ? declare_phone(in, script)
                               : in.must("server") && declare_server(in, script);
}

bool declare(LineReader& in, Script& script, const Loader& load) {
    if (in.keyword("title")) return declare_title(in, script);
    if (in.keyword("network")) return declare_network(in, script);
    if (in.keyword("data")) return declare_data(in, script, load);
    if (in.keyword("seed"))
        return in.number(script.seed, std::uint64_t{0}, UINT64_MAX, "a whole number") && in.end();
    if (in.keyword("timeout")) return in.duration(script.timeout) && in.end();
    if (in.keyword("order")) {
        if (!in.keywords("per", "phone")) return in.expected("'per phone'");
        script.independent = true;
        return in.end();
    }
    return in.expected("a declaration");
}

Result<std::vector<std::vector<std::string>>> parse_rows(std::string_view text) {
    std::vector<std::vector<std::string>> rows;
    bool first = true;
    while (!text.empty()) {
        std::string_view line = trim(cut(text, '\n'));
        if (line.empty() || line.front() == '#') continue;
        if (first) {
            first = false;
            std::string_view rest = line;
            const std::string_view order = trim(cut(rest, ','));
            const bool printf = istarts_with(rest, "PRINTF");
            const bool known = order == "SEQUENTIAL" || order == "RANDOM" || order == "USER";
            if (!known || printf)
                return Error{Errc::malformed, 0,
                             "expected SEQUENTIAL, RANDOM or USER in a dataset's first line"};
            continue;
        }
        if (rows.size() == max_rows)
            return Error{Errc::too_large, 0, "expected at most 1000000 rows in a dataset"};
        std::vector<std::string> row;
        // A semicolon parts fields; one at the end is none of an empty field.
        while (!line.empty()) row.emplace_back(cut(line, ';'));
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<std::string_view> party_names(const Script& script) {
    std::vector<std::string_view> names;
    for (const PhoneLine& p : script.phones) names.push_back(p.name);
    for (const ServerLine& s : script.servers) names.push_back(s.name);
    return names;
}

std::string parties_of(const Script& script) {
    static constexpr std::size_t most = 8;
    std::vector<std::string_view> names = party_names(script);
    if (names.empty()) return "a phone or a server (none is declared)";
    const bool more = names.size() > most;
    names.resize(std::min(names.size(), most));
    return fmt::format("a phone or a server ({}{})", fmt::join(names, ", "), more ? ", ..." : "");
}

bool load_file(LineReader& in, const Loader& load, std::string& out) {
    in.back();
    const Word& w = *in.take();
    if (!load)
        return in.fail_at(w,
                          fmt::format("expected a text: files cannot be read here, not \"{}\"",
                                      printable(w.text)),
                          Errc::not_found);
    Result<std::string> read = load(w.text);
    if (!read) return in.fail_at(w, read.error().what, read.error().code);
    if (read->size() > max_script_size)
        return in.fail_at(w, "expected a file of at most 8 MiB", Errc::too_large);
    out = std::move(*read);
    return true;
}

Result<Transport> transport_of(std::string_view word) {
    for (std::size_t i = 0; i < transports.size(); ++i)
        if (iequals(word, transports[i])) return static_cast<Transport>(i);
    return Error{Errc::malformed, 0, fmt::format("expected {}", listed(transports))};
}

}  // namespace sipana::lab
