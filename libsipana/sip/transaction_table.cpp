#include "libsipana/sip/transaction_table.h"

#include <algorithm>
#include <utility>

#include "libsipana/base/text.h"
#include "libsipana/sip/identifiers.h"
#include "libsipana/sip/params.h"

namespace sipana::sip {
namespace {

void add_origin(Fingerprint& out, const Message& message) {
    const auto cseq = message.cseq();
    out.add(message.call_id()).add(message.from_tag()).add(cseq ? cseq->number : 0);
}

std::string_view topmost_via(const Message& message) {
    std::string_view field = message.header(Header::via).value_or("");
    if (field.find(',') == field.npos) return field;
    return next_element(field).value_or("");
}

// The sent-by of a Via as it is written: retransmissions and CANCEL repeat it to the letter.
std::string_view sent_by(std::string_view via) {
    via = trim(via.substr(0, via.find(';')));
    std::size_t at = via.size();
    while (at > 0 && !is_blank(via[at - 1]) && via[at - 1] != '/') --at;
    return via.substr(at);
}

}  // namespace

// ---------------------------------------------------------------- names

std::optional<Fingerprint> TransactionNames::client(const Message& message) const {
    if (!message.header(Header::via)) return std::nullopt;
    const std::string_view branch = message.branch();
    const auto cseq = message.cseq();
    Fingerprint out = begin(1);
    out.add(cseq ? cseq->method_name : message.method_name()).add(branch);
    // Without the cookie the branch need not be unique (17.2.3).
    if (!branch.starts_with(magic_cookie)) add_origin(out, message);
    return out;
}

Fingerprint TransactionNames::client(std::string_view method, std::string_view branch) const {
    return begin(1).add(method).add(branch);
}

std::optional<Fingerprint> TransactionNames::server(const Message& request,
                                                    std::string_view method) const {
    const std::string_view via = topmost_via(request), branch = request.branch();
    if (via.empty()) return std::nullopt;
    Fingerprint out = begin(2);
    out.add(method);
    if (branch.starts_with(magic_cookie)) return out.add(branch).add(sent_by(via));
    out.add(request.request_uri()).add(via);
    add_origin(out, request);
    return out;
}

Fingerprint TransactionNames::twins(const Message& request) const {
    Fingerprint out = begin(3);
    out.add(request.method_name());
    add_origin(out, request);
    return out;
}

Fingerprint TransactionNames::success(const Message& message) const {
    Fingerprint invite = begin(3);
    invite.add(to_string(Method::invite));
    add_origin(invite, message);
    return success(invite, message.to_tag());
}

Fingerprint TransactionNames::success(Fingerprint invite, std::string_view to_tag) const {
    return invite.add(to_tag);
}

// ---------------------------------------------------------------- slots

Transaction& TransactionTable::add() {
    std::uint32_t slot;
    if (free_.empty()) {
        slot = static_cast<std::uint32_t>(slots_++);
        if (slot / chunk == chunks_.size())
            chunks_.push_back(std::make_unique<Transaction[]>(chunk));
        for (auto& links : links_) links.emplace_back();
        at(slot).slot = slot;
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    Transaction& t = at(slot);
    t.id = std::uint64_t{++t.generation} << 32 | slot;
    return t;
}

void TransactionTable::remove(Transaction& t) {
    for (const Way way : {by_key, by_origin}) {
        if (!t.linked[way]) continue;
        std::uint32_t* here = &head(way, t.names[way]);
        while (*here != t.slot) here = &links_[way][*here].next;
        *here = links_[way][t.slot].next;
        t.linked[way] = false;
        --linked_[way];
    }
    t.id = t.other = t.first_repeat = t.next_repeat = 0;
    t.again = t.end = 0;
    t.copies = 0;
    t.invite = t.cancelled = t.waiting = t.reliable_provisional = false;
    t.options = {};
    t.text.reset();
    t.beside.reset();
    free_.push_back(t.slot);
}

const Transaction* TransactionTable::find(std::uint64_t id) const {
    const auto slot = static_cast<std::uint32_t>(id);
    if (id == 0 || slot >= slots_ || at(slot).id != id) return nullptr;
    return &at(slot);
}

Transaction* TransactionTable::find(std::uint64_t id) {
    return const_cast<Transaction*>(std::as_const(*this).find(id));
}

Transaction* TransactionTable::find(Way way, const Fingerprint& name) {
    if (heads_[way].empty()) return nullptr;
    const std::uint32_t mark = mark_of(name);
    for (std::uint32_t slot = head(way, name); slot != none; slot = links_[way][slot].next)
        if (links_[way][slot].mark == mark && at(slot).names[way] == name) return &at(slot);
    return nullptr;
}

void TransactionTable::link(Transaction& t, Way way, const Fingerprint& name) {
    if (linked_[way] >= heads_[way].size()) grow(way);
    t.names[way] = name;
    links_[way][t.slot] = {std::exchange(head(way, name), t.slot), mark_of(name)};
    t.linked[way] = true;
    ++linked_[way];
}

void TransactionTable::grow(Way way) {
    constexpr std::size_t fewest = 64;
    const std::vector<std::uint32_t> old = std::move(heads_[way]);
    heads_[way].assign(std::max(fewest, 2 * old.size()), none);
    // From the tail of each chain, so that the newest stays in front.
    std::vector<std::uint32_t> chain;
    for (std::uint32_t slot : old) {
        for (chain.clear(); slot != none; slot = links_[way][slot].next) chain.push_back(slot);
        for (; !chain.empty(); chain.pop_back())
            links_[way][chain.back()].next =
                std::exchange(head(way, at(chain.back()).names[way]), chain.back());
    }
}

}  // namespace sipana::sip
