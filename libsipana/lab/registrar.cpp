#include "libsipana/lab/registrar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libsipana/base/text.h"
#include "libsipana/sip/fields.h"
#include "libsipana/sip/uri.h"

namespace sipana::lab {
namespace {

bool same_uri(std::string_view a, std::string_view b) {
    const auto x = sip::parse_uri(a), y = sip::parse_uri(b);
    return x && y ? equal(*x, *y) : a == b;
}

double q_of(const sip::NameAddr& contact) {
    const std::string_view text = contact.param("q").value_or("1");
    double q = 1;
    std::from_chars(text.data(), text.data() + text.size(), q);
    return q >= 0 && q <= 1 ? q : 1;
}

// The Contact's parameters as the 200 repeats them.
std::string kept_params(const sip::NameAddr& contact) {
    std::string kept;
    for (const sip::Param& p : contact.params) {
        if (iequals(p.name, "expires") || !sip::is_token(p.name)) continue;
        kept += fmt::format(";{}", p.name);
        if (p.quoted)
            kept += fmt::format("=\"{}\"", p.value);
        else if (p.has_value)
            kept += fmt::format("={}", p.value);
    }
    return kept;
}

}  // namespace

// The contacts of a REGISTER. 10.3 step 6: a star stands alone, with Expires: 0.
int Registrar::read(const sip::Message& request, std::vector<Wish>& wishes, bool& all) const {
    const auto expires = request.header(sip::Header::expires);
    std::optional<std::uint32_t> given;
    if (expires) given = sip::parse_number(*expires);
    const std::uint32_t otherwise = given ? *given : policy_.default_s;
    const auto contacts = request.values(sip::Header::contact);
    for (std::string_view value : contacts) {
        const auto contact = sip::parse_name_addr(value);
        if (!contact) return 400;
        if (contact->is_star()) {
            all = true;
            if (contacts.size() > 1 || !given || *given != 0) return 400;
            continue;
        }
        const auto uri = sip::parse_uri(contact->uri);
        if (!uri || uri->host.empty()) return 400;
        const auto own = contact->param("expires");
        std::uint32_t seconds = otherwise;
        if (own) seconds = sip::parse_number(*own).value_or(policy_.default_s);
        if (seconds != 0 && seconds < policy_.min_s) {
            if (!policy_.raise) return 423;
            seconds = policy_.min_s;
        }
        wishes.push_back({std::string(contact->uri), kept_params(*contact),
                          std::min(seconds, policy_.max_s), q_of(*contact)});
    }
    return 200;
}

int Registrar::apply(std::string_view record, const sip::Message& request, const sip::Hop& from,
                     Time now) {
    std::vector<Wish> wishes;
    bool all = false;
    if (const int status = read(request, wishes, all); status != 200) return status;
    if (!records_.contains(record) && records_.size() >= max_records) return 403;
    const std::uint32_t cseq = request.cseq() ? request.cseq()->number : 0;
    std::vector<Binding> changed = bindings(record, now);
    // Step 7: a request older than what made a binding must not change it.
    const auto stale = [&](const Binding& b) {
        return b.call_id == request.call_id() && b.cseq >= cseq;
    };
    if (all) {
        if (std::any_of(changed.begin(), changed.end(), stale)) return 500;
        changed.clear();
    }
    for (const Wish& wish : wishes) {
        const auto at = std::find_if(changed.begin(), changed.end(),
                                     [&](const Binding& b) { return same_uri(b.uri, wish.uri); });
        if (at != changed.end()) {
            // The same contact twice in one request is a change of the same age.
            if (at->call_id == request.call_id() && at->cseq > cseq) return 500;
            changed.erase(at);
        }
        if (wish.expires_s == 0) continue;
        if (changed.size() >= policy_.max_bindings) return 403;
        changed.insert(changed.begin(),
                       {wish.uri, wish.params, from, now + std::chrono::seconds{wish.expires_s},
                        std::string(request.call_id()), cseq, wish.q});
    }
    std::stable_sort(changed.begin(), changed.end(),
                     [](const Binding& a, const Binding& b) { return a.q > b.q; });
    records_[std::string(record)] = std::move(changed);
    return 200;
}

std::vector<Binding> Registrar::bindings(std::string_view record, Time now) const {
    std::vector<Binding> alive;
    const auto at = records_.find(record);
    if (at == records_.end()) return alive;
    for (const Binding& b : at->second)
        if (b.expires > now) alive.push_back(b);
    return alive;
}

void Registrar::write(std::string_view record, sip::Builder& response, Time now) const {
    std::int64_t longest = 0;
    for (const Binding& b : bindings(record, now)) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(b.expires - now).count();
        longest = std::max<std::int64_t>(longest, left);
        response.add(sip::Header::contact, fmt::format("<{}>{};expires={}", b.uri, b.params, left));
    }
    response.add(sip::Header::expires, std::to_string(longest));
}

}  // namespace sipana::lab
