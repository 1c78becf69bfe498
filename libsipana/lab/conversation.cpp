#include "libsipana/lab/conversation.h"

#include <fmt/format.h>

#include <algorithm>

#include "libsipana/sip/uri.h"

namespace sipana::lab {

bool is_uri(std::string_view text) {
    const auto colon = text.find(':');
    return colon != text.npos && sip::parse_uri(text).has_value();
}

std::string uri_of(std::string_view user, std::string_view host) {
    return user.empty() ? fmt::format("sip:{}", host) : fmt::format("sip:{}@{}", user, host);
}

std::string target_uri(const Directory& directory, const Party& peer, const std::string& target) {
    if (target.empty()) return peer.aor.empty() ? uri_of("", peer.host) : peer.aor;
    if (is_uri(target)) return target;
    if (const Party* other = directory.by_name(target); other != nullptr && !other->user.empty())
        return peer.user.empty() ? uri_of(other->user, peer.host) : other->aor;
    if (target.find('@') != target.npos) return "sip:" + target;
    return uri_of(target, peer.user.empty() ? peer.host : peer.at.to_string());
}

const Party* Directory::by_name(std::string_view name) const {
    for (const Party& peer : peers_)
        if (peer.name == name) return &peer;
    return nullptr;
}

const Party* Directory::by_endpoint(const Endpoint& endpoint) const {
    for (const Party& peer : peers_)
        if (peer.at == endpoint) return &peer;
    // A server may send from another port; two phones of one address are told apart by theirs.
    const Party* found = nullptr;
    for (const Party& peer : peers_) {
        if (peer.at.address != endpoint.address) continue;
        if (found != nullptr) return nullptr;
        found = &peer;
    }
    return found;
}

sip::Dialog* Conversation::live_dialog() {
    for (auto dialog = dialogs.rbegin(); dialog != dialogs.rend(); ++dialog)
        if (dialog->state() == sip::Dialog::State::confirmed) return &*dialog;
    for (auto dialog = dialogs.rbegin(); dialog != dialogs.rend(); ++dialog)
        if (dialog->state() != sip::Dialog::State::terminated) return &*dialog;
    return nullptr;
}

sip::Dialog* Conversation::confirmed_dialog() {
    for (auto dialog = dialogs.rbegin(); dialog != dialogs.rend(); ++dialog)
        if (dialog->state() == sip::Dialog::State::confirmed) return &*dialog;
    return nullptr;
}

bool Conversation::has_invite() const {
    return std::any_of(asked.begin(), asked.end(),
                       [](const Asked& one) { return one.method == "INVITE"; }) ||
           std::any_of(owed.begin(), owed.end(), [](const auto& one) {
               return one->message.method() == sip::Method::invite;
           });
}

Asked* Conversation::pending_invite() {
    for (auto one = asked.rbegin(); one != asked.rend(); ++one)
        if (one->method == "INVITE" && !one->finished) return &*one;
    return nullptr;
}

bool Conversation::tries_again(std::string_view method) const {
    if (asked.empty()) return false;
    const Asked& last = asked.back();
    if (last.method != method || !last.finished) return false;
    switch (last.status) {
        case 401:
        case 407:
        case 412:
        case 413:
        case 415:
        case 416:
        case 420:
        case 421:
        case 422:
        case 423:
        case 494:
            return true;
        default:
            return false;
    }
}

Owed* Conversation::owed_for(std::string_view method) {
    for (const auto& one : owed)
        if (!one->answered && (method.empty() || one->message.method_name() == method))
            return one.get();
    return nullptr;
}

Owed* Conversation::accepted_invite() {
    for (auto one = owed.rbegin(); one != owed.rend(); ++one)
        if ((*one)->message.method() == sip::Method::invite && (*one)->answered &&
            (*one)->provisional / 100 == 2)
            return one->get();
    return nullptr;
}

bool Owed::wants_reliable() const {
    return message.method() == sip::Method::invite &&
           sip::lists(message, sip::Header::require, "100rel");
}

bool Owed::waits_for_prack(int code, bool reliably) const {
    if (!reliable || reliable->ready()) return false;
    return code < 200 ? reliably : code < 300 && reliably_described;
}

std::shared_ptr<const Letter> letter_of(const sip::Message& message) {
    auto made = std::make_shared<Letter>();
    made->text = message.text();
    made->message = message.over(made->text);
    return made;
}

Arrival::Arrival()
    : Arrival([] {
          static const auto nothing = std::make_shared<const Letter>();
          return nothing;
      }()) {}

Asked* Conversation::asked_as(sip::Transactions::Id id) {
    for (Asked& one : asked)
        if (one.id == id) return &one;
    return nullptr;
}

Owed* Conversation::owed_by(sip::Transactions::Id id) {
    for (const auto& one : owed)
        if (one->id == id) return one.get();
    return nullptr;
}

}  // namespace sipana::lab
