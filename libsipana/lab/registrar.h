// Registrar: which contacts stand for an address of record (RFC 3261 10.3).
//
// Authentication is the element's matter; what comes here is allowed. No clock: time is an
// argument.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsipana/base/time.h"
#include "libsipana/sip/builder.h"
#include "libsipana/sip/hop.h"
#include "libsipana/sip/message.h"

namespace sipana::lab {

struct Binding {
    std::string uri;     // of the Contact
    std::string params;  // of the Contact, without expires: ";q=0.5"
    sip::Hop from;       // how the REGISTER came
    Time expires{};
    std::string call_id;
    std::uint32_t cseq = 0;
    double q = 1;
};

class Registrar {
public:
    struct Policy {
        std::uint32_t min_s = 60, max_s = 3600, default_s = 3600;
        bool raise = false;  // shorter ones become min_s, instead of 423
        std::size_t max_bindings = 10;
    };
    static constexpr std::size_t max_records = 100'000;

    explicit Registrar(Policy policy) : policy_(policy) {}

    // 200, or the status to refuse with: 400 a Contact that cannot be, 423 too short, 500 CSeq out
    // of order (10.3 step 7), 403 too many. Nothing is changed unless it is 200.
    int apply(std::string_view record, const sip::Message& request, const sip::Hop& from, Time now);
    // Those that are alive, the highest q first, else the newest.
    std::vector<Binding> bindings(std::string_view record, Time now) const;
    // Contact and Expires of the 200.
    void write(std::string_view record, sip::Builder& response, Time now) const;
    const Policy& policy() const { return policy_; }

private:
    struct Wish {
        std::string uri, params;
        std::uint32_t expires_s = 0;
        double q = 1;
    };
    int read(const sip::Message& request, std::vector<Wish>& wishes, bool& all) const;

    Policy policy_;
    std::map<std::string, std::vector<Binding>, std::less<>> records_;
};

}  // namespace sipana::lab
