// The names of methods and header fields. Names are looked up as two or three machine words, in any
// case, without a copy: each field of each message of a capture comes through here.
#include <array>
#include <cstring>

#include "libsipana/base/text.h"
#include "libsipana/sip/message.h"

namespace sipana::sip {
namespace {

struct Name {
    std::string_view text;
    Header id;
    bool list = false;
    char compact = 0;
};
constexpr bool is_a_list = true;

// In the order of enum Header. Compact forms: the IANA registry of SIP header fields.
constexpr std::array names{
    Name{"", Header::other},
    Name{"Accept", Header::accept, is_a_list},
    Name{"Alert-Info", Header::alert_info, is_a_list},
    Name{"Allow", Header::allow, is_a_list},
    Name{"Allow-Events", Header::allow_events, is_a_list, 'u'},
    Name{"Authentication-Info", Header::authentication_info},
    Name{"Authorization", Header::authorization},
    Name{"Call-ID", Header::call_id, false, 'i'},
    Name{"Call-Info", Header::call_info, is_a_list},
    Name{"Contact", Header::contact, is_a_list, 'm'},
    Name{"Content-Disposition", Header::content_disposition},
    Name{"Content-Encoding", Header::content_encoding, is_a_list, 'e'},
    Name{"Content-Language", Header::content_language, is_a_list},
    Name{"Content-Length", Header::content_length, false, 'l'},
    Name{"Content-Type", Header::content_type, false, 'c'},
    Name{"CSeq", Header::cseq},
    Name{"Date", Header::date},
    Name{"Diversion", Header::diversion, is_a_list},
    Name{"Error-Info", Header::error_info, is_a_list},
    Name{"Event", Header::event, false, 'o'},
    Name{"Expires", Header::expires},
    Name{"From", Header::from, false, 'f'},
    Name{"Geolocation", Header::geolocation, is_a_list},
    Name{"History-Info", Header::history_info, is_a_list},
    Name{"Identity", Header::identity, false, 'y'},
    Name{"Identity-Info", Header::identity_info, false, 'n'},
    Name{"In-Reply-To", Header::in_reply_to, is_a_list},
    Name{"Join", Header::join},
    Name{"Max-Forwards", Header::max_forwards},
    Name{"MIME-Version", Header::mime_version},
    Name{"Min-Expires", Header::min_expires},
    Name{"Min-SE", Header::min_se},
    Name{"Organization", Header::organization},
    Name{"P-Asserted-Identity", Header::p_asserted_identity, is_a_list},
    Name{"P-Called-Party-ID", Header::p_called_party_id},
    Name{"P-Preferred-Identity", Header::p_preferred_identity, is_a_list},
    Name{"Path", Header::path, is_a_list},
    Name{"Priority", Header::priority},
    Name{"Privacy", Header::privacy},
    Name{"Proxy-Authenticate", Header::proxy_authenticate},
    Name{"Proxy-Authorization", Header::proxy_authorization},
    Name{"Proxy-Require", Header::proxy_require, is_a_list},
    Name{"RAck", Header::rack},
    Name{"Reason", Header::reason, is_a_list},
    Name{"Record-Route", Header::record_route, is_a_list},
    Name{"Refer-Sub", Header::refer_sub},
    Name{"Refer-To", Header::refer_to, false, 'r'},
    Name{"Referred-By", Header::referred_by, false, 'b'},
    Name{"Replaces", Header::replaces},
    Name{"Reply-To", Header::reply_to},
    Name{"Request-Disposition", Header::request_disposition, is_a_list, 'd'},
    Name{"Require", Header::require, is_a_list},
    Name{"Retry-After", Header::retry_after},
    Name{"Route", Header::route, is_a_list},
    Name{"RSeq", Header::rseq},
    Name{"Server", Header::server},
    Name{"Service-Route", Header::service_route, is_a_list},
    Name{"Session-Expires", Header::session_expires, false, 'x'},
    Name{"SIP-ETag", Header::sip_etag},
    Name{"SIP-If-Match", Header::sip_if_match},
    Name{"Subject", Header::subject, false, 's'},
    Name{"Subscription-State", Header::subscription_state},
    Name{"Supported", Header::supported, is_a_list, 'k'},
    Name{"Timestamp", Header::timestamp},
    Name{"To", Header::to, false, 't'},
    Name{"Unsupported", Header::unsupported, is_a_list},
    Name{"User-Agent", Header::user_agent},
    Name{"Via", Header::via, is_a_list, 'v'},
    Name{"Warning", Header::warning, is_a_list},
    Name{"WWW-Authenticate", Header::www_authenticate},
};
constexpr bool in_order() {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (static_cast<std::size_t>(names[i].id) != i) return false;
    return names.size() == static_cast<std::size_t>(Header::www_authenticate) + 1;
}
static_assert(in_order(), "names follow enum Header");

// A name of up to 24 characters as three words. Words may overlap: together with the length they
// say all, and no load reaches outside the name.
struct Words {
    std::uint64_t a = 0, b = 0, c = 0;
};
constexpr std::size_t longest_name = 24;

constexpr std::uint64_t word(const char* p, std::size_t n) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < n; ++i)
        v |= static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])) << (8 * i);
    return v;
}

template <typename Load>
constexpr Words words_of(const char* p, std::size_t n, Load load) {
    if (n >= 16) return {load(p, 8), load(p + 8, 8), load(p + n - 8, 8)};
    if (n >= 8) return {load(p, 8), load(p + n - 8, 8), 0};
    if (n >= 4) return {load(p, 4) | load(p + n - 4, 4) << 32, 0, 0};
    return {load(p, 1) | load(p + n / 2, 1) << 8 | load(p + n - 1, 1) << 16, 0, 0};
}

// Names are kept by first letter and length; the few that share both are tried in turn.
constexpr std::size_t place_of(char first, std::size_t size) {
    return (static_cast<unsigned char>(first) & 31u) << 5 | size;
}

struct Entry {
    Words words;  // lower case
    Words fold;   // the case bit, where the name has a letter
    Header id = Header::other;
    std::uint8_t next = 0;  // in the table's entries
};

constexpr std::uint64_t fold_of(std::uint64_t w) {
    std::uint64_t fold = 0;
    for (unsigned i = 0; i < 8; ++i) {
        const auto c = static_cast<unsigned char>(w >> (8 * i));
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
            fold |= std::uint64_t{0x20} << (8 * i);
    }
    return fold;
}

struct Table {
    std::array<std::uint8_t, 32 * 32> places{};  // in entries; 0: none
    std::array<Entry, 128> entries{};
    std::uint8_t count = 1;

    constexpr void insert(std::string_view text, Header id) {
        const Words w = words_of(text.data(), text.size(), word);
        std::uint8_t& place = places[place_of(text.front(), text.size())];
        const Words fold{fold_of(w.a), fold_of(w.b), fold_of(w.c)};
        entries[count] = {{w.a | fold.a, w.b | fold.b, w.c | fold.c}, fold, id, place};
        place = count++;
    }
};

constexpr Table make_table() {
    Table made;
    for (const Name& name : names) {
        if (name.text.empty()) continue;
        made.insert(name.text, name.id);
        if (name.compact != 0) made.insert({&name.compact, 1}, name.id);
    }
    return made;
}
constexpr Table table = make_table();

// The same as word(), for the sizes that words_of() asks for, on a little-endian machine.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
std::uint64_t quick_word(const char* p, std::size_t n) {
    std::uint64_t v = 0;
    if (n == 8)
        std::memcpy(&v, p, 8);
    else if (n == 4)
        std::memcpy(&v, p, 4);
    else
        v = static_cast<unsigned char>(*p);
    return v;
}

}  // namespace

Header header_of(std::string_view name) {
    if (name.empty() || name.size() > longest_name) return Header::other;
    const Words w = words_of(name.data(), name.size(), quick_word);
    for (std::uint8_t at = table.places[place_of(name.front(), name.size())]; at != 0;) {
        const Entry& e = table.entries[at];
        const std::uint64_t differs = ((w.a ^ e.words.a) & ~e.fold.a) |
                                      ((w.b ^ e.words.b) & ~e.fold.b) |
                                      ((w.c ^ e.words.c) & ~e.fold.c);
        if (differs == 0) return e.id;
        at = e.next;
    }
    return Header::other;
}

std::string_view to_string(Header header) {
    const auto i = static_cast<std::size_t>(header);
    return i < names.size() ? names[i].text : std::string_view{};
}

bool is_list(Header header) {
    const auto i = static_cast<std::size_t>(header);
    return i < names.size() && names[i].list;
}

Method method_of(std::string_view name) {
    switch (name.size()) {
        case 3:
            if (name == "ACK") return Method::ack;
            if (name == "BYE") return Method::bye;
            break;
        case 4:
            if (name == "INFO") return Method::info;
            break;
        case 5:
            if (name == "PRACK") return Method::prack;
            if (name == "REFER") return Method::refer;
            break;
        case 6:
            if (name == "INVITE") return Method::invite;
            if (name == "CANCEL") return Method::cancel;
            if (name == "NOTIFY") return Method::notify;
            if (name == "UPDATE") return Method::update;
            break;
        case 7:
            if (name == "OPTIONS") return Method::options;
            if (name == "MESSAGE") return Method::message;
            if (name == "PUBLISH") return Method::publish;
            break;
        case 8:
            if (name == "REGISTER") return Method::register_;
            break;
        case 9:
            if (name == "SUBSCRIBE") return Method::subscribe;
            break;
        default:
            break;
    }
    return Method::other;
}

std::string_view to_string(Method method) {
    constexpr std::array<std::string_view, 15> methods{
        "",          "INVITE", "ACK",     "BYE",  "CANCEL", "REGISTER", "OPTIONS", "PRACK",
        "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER",  "MESSAGE",  "UPDATE"};
    const auto i = static_cast<std::size_t>(method);
    return i < methods.size() ? methods[i] : std::string_view{};
}

}  // namespace sipana::sip
