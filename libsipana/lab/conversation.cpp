#include "libsipana/lab/conversation.h"

#include <algorithm>

namespace sipana::lab {

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
