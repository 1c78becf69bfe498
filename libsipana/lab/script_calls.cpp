#include "libsipana/lab/script_calls.h"

#include <algorithm>

namespace sipana::lab {

void Calls::observe(const Step& step) {
    if (const auto* send = std::get_if<Send>(&step.what)) {
        if (const auto* r = std::get_if<Request>(&send->what))
            on_request(step, r->method, true);
        else if (const auto* response = std::get_if<Response>(&send->what))
            if (send->to.empty() || send->to == "INVITE")
                on_response(step, response->code, response->code);
        return;
    }
    const auto* expect = std::get_if<Expect>(&step.what);
    if (!expect || expect->any_of.empty() || expect->optional) return;
    const Pattern& first = expect->any_of.front();
    if (!first.method.empty())
        on_request(step, first.method, false);
    else if (expect->for_method.empty() || expect->for_method == "INVITE")
        on_response(step, first.first, expect->any_of.back().last);
}

void Calls::on_request(const Step& step, const std::string& method, bool sent) {
    const ScriptCall* call = find(step.phone, step.call);
    if (method == "INVITE" && !call) begin(step, sent);
    if ((method == "BYE" || method == "CANCEL") && call) end(*call);
}

void Calls::begin(const Step& step, bool sent) {
    ScriptCall call;
    call.phone = step.phone;
    call.label = step.call;
    call.peer = step.peer;
    call.caller = sent;
    for (auto t = transfers_.begin(); sent && t != transfers_.end(); ++t) {
        if (t->phone != call.phone || t->label != call.label) continue;
        call.transferor = t->transferor;
        call.transferor_label = t->transferor_label;
        transfers_.erase(t);
        break;
    }
    if (!sent) {
        ScriptCall* other = unanswered_at_server();
        if (script_.phone(step.peer)) {
            const auto it = std::find_if(calls_.rbegin(), calls_.rend(), [&](const ScriptCall& c) {
                return c.phone == step.peer && c.peer == step.phone && c.far_phone.empty();
            });
            other = it == calls_.rend() ? nullptr : &*it;
        }
        if (other) {
            call.far_phone = other->phone;
            call.far_label = other->label;
            call.far_waits = !other->answered;
            call.transferor = other->transferor;
            call.transferor_label = other->transferor_label;
            other->far_phone = call.phone;
            other->far_label = call.label;
        }
    }
    calls_.push_back(std::move(call));
}

void Calls::on_response(const Step& step, int first, int last) {
    ScriptCall* call = find(step.phone, step.call);
    if (!call || call->answered || last < 200) return;
    if (first >= 200 && last < 300) call->answered = true;
    const bool challenge = first == 401 || first == 407;
    if (first >= 300 && !challenge) end(*call);
}

ScriptCall* Calls::find(std::string_view phone, std::string_view label) {
    const auto it = std::find_if(calls_.begin(), calls_.end(), [&](const ScriptCall& c) {
        return c.phone == phone && c.label == label;
    });
    return it == calls_.end() ? nullptr : &*it;
}

ScriptCall* Calls::with(std::string_view phone, std::string_view far_phone) {
    const auto it = std::find_if(calls_.begin(), calls_.end(), [&](const ScriptCall& c) {
        return c.phone == phone && c.far_phone == far_phone;
    });
    return it == calls_.end() ? nullptr : &*it;
}

ScriptCall* Calls::far_of(const ScriptCall& call) {
    ScriptCall* far = find(call.far_phone, call.far_label);
    return far && far->far_phone == call.phone && far->far_label == call.label ? far : nullptr;
}

ScriptCall* Calls::unanswered_at_server() {
    const auto it = std::find_if(calls_.rbegin(), calls_.rend(), [&](const ScriptCall& c) {
        return c.caller && c.far_phone.empty() && !c.answered && script_.server(c.peer);
    });
    return it == calls_.rend() ? nullptr : &*it;
}

void Calls::expect_transfer(std::string phone, std::string transferor, std::string label) {
    ScriptCall t;
    t.phone = std::move(phone);
    t.label = "transfer";
    t.transferor = std::move(transferor);
    t.transferor_label = std::move(label);
    transfers_.push_back(std::move(t));
}

void Calls::end(const ScriptCall& call) {
    const std::string phone = call.phone, label = call.label;
    calls_.erase(
        std::remove_if(calls_.begin(), calls_.end(),
                       [&](const ScriptCall& c) { return c.phone == phone && c.label == label; }),
        calls_.end());
}

}  // namespace sipana::lab
