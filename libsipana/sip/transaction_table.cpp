#include "libsipana/sip/transaction_table.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "libsipana/base/endpoint.h"
#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/identifiers.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {
namespace {

void append(std::string& out, std::string_view part) {
    out += part;
    out += '\n';
}

void append(std::string& out, std::uint32_t number) {
    std::array<char, 12> digits;
    const auto r = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    append(out, std::string_view(digits.data(), static_cast<std::size_t>(r.ptr - digits.data())));
}

void append_origin(const Message& message, std::string& out) {
    append(out, message.call_id());
    append(out, message.from_tag());
    const auto cseq = message.cseq();
    append(out, cseq ? cseq->number : 0);
}

std::string_view topmost_via(const Message& message) {
    std::string_view field = message.header(Header::via).value_or("");
    if (field.find(',') == field.npos) return field;
    return next_element(field).value_or("");
}

// The sent-by of a Via as it is written: retransmissions and CANCEL repeat it to the letter.
std::string_view sent_by(std::string_view via) {
    via = via.substr(0, via.find(';'));
    while (!via.empty() && is_space(via.back())) via.remove_suffix(1);
    const auto at = via.find_last_of(" \t/");
    return at == via.npos ? via : via.substr(at + 1);
}

constexpr std::size_t most_kept = 2048;  // of a slot's memory, for the next one in it

}  // namespace

bool client_key(const Message& message, std::string& out) {
    out.clear();
    append(out, "c");
    const std::string_view branch = message.branch();
    const auto cseq = message.cseq();
    append(out, cseq ? cseq->method_name : message.method_name());
    append(out, branch);
    // Without the cookie the branch need not be unique (17.2.3).
    if (!branch.starts_with(magic_cookie)) append_origin(message, out);
    return message.header(Header::via).has_value();
}

bool server_key(const Message& request, std::string_view method, std::string& out) {
    out.clear();
    append(out, "s");
    append(out, method);
    const std::string_view via = topmost_via(request), branch = request.branch();
    if (branch.starts_with(magic_cookie)) {
        append(out, branch);
        append(out, sent_by(via));
        return true;
    }
    append(out, request.request_uri());
    append(out, via);
    append_origin(request, out);
    return !via.empty();
}

bool is_of_method(const Transaction& server, std::string_view method) {
    std::string_view key = server.key;
    constexpr std::string_view role = "s\n";
    if (server.role != Transaction::Role::server || !key.starts_with(role)) return false;
    key.remove_prefix(role.size());
    return key.size() > method.size() && key.starts_with(method) && key[method.size()] == '\n';
}

void origin_key(const Message& message, std::string& out) {
    out.clear();
    append_origin(message, out);
}

Transaction& TransactionTable::add() {
    std::uint32_t slot;
    if (free_.empty()) {
        slot = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
        slots_.back().slot = slot;
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    Transaction& t = slots_[slot];
    t.id = std::uint64_t{++t.generation} << 32 | slot;
    return t;
}

void TransactionTable::remove(Transaction& t) {
    for (const Way way : {by_key, by_origin}) {
        if (!t.linked[way]) continue;
        std::uint32_t* at = &heads_[way][t.hash[way] & (heads_[way].size() - 1)];
        while (*at != t.slot) at = &slots_[*at].next[way];
        *at = t.next[way];
        t.linked[way] = false;
        --linked_[way];
    }
    t.id = t.other = t.first_repeat = t.next_repeat = 0;
    t.again = t.end = 0;
    t.copies = 0;
    t.invite = t.cancelled = t.waiting = t.reliable_provisional = false;
    t.options = {};
    t.text.reset();
    t.ack.reset();
    for (std::string* text : {&t.request, &t.key, &t.origin}) {
        text->clear();
        if (text->capacity() > most_kept) text->shrink_to_fit();
    }
    free_.push_back(t.slot);
}

const Transaction* TransactionTable::find(std::uint64_t id) const {
    const auto slot = static_cast<std::uint32_t>(id);
    if (id == 0 || slot >= slots_.size() || slots_[slot].id != id) return nullptr;
    return &slots_[slot];
}

Transaction* TransactionTable::find(std::uint64_t id) {
    return const_cast<Transaction*>(std::as_const(*this).find(id));
}

void TransactionTable::link(Transaction& t, Way way) {
    if (linked_[way] >= heads_[way].size()) grow(way);
    t.hash[way] = hash_of(filed_as(t, way));
    std::uint32_t& head = heads_[way][t.hash[way] & (heads_[way].size() - 1)];
    t.next[way] = head;
    t.linked[way] = true;
    head = t.slot;
    ++linked_[way];
}

void TransactionTable::grow(Way way) {
    constexpr std::size_t fewest = 64;
    std::vector<std::uint32_t>& heads = heads_[way];
    const std::vector<std::uint32_t> old = std::move(heads);
    heads.assign(std::max(fewest, 2 * old.size()), none);
    // From the tail of each chain, so that the newest stays in front.
    std::vector<std::uint32_t> chain;
    for (std::uint32_t at : old) {
        for (chain.clear(); at != none; at = slots_[at].next[way]) chain.push_back(at);
        for (; !chain.empty(); chain.pop_back()) {
            Transaction& t = slots_[chain.back()];
            std::uint32_t& head = heads[t.hash[way] & (heads.size() - 1)];
            t.next[way] = head;
            head = t.slot;
        }
    }
}

std::uint64_t TransactionTable::hash_of(std::string_view text) const {
    std::uint64_t hash = mix(seed_, text.size());
    while (text.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data(), 8);
        hash = mix(hash, word);
        text.remove_prefix(8);
    }
    std::uint64_t last = 0;
    if (!text.empty()) std::memcpy(&last, text.data(), text.size());
    return mix(hash, last);
}

}  // namespace sipana::sip
