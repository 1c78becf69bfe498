// Codes: the response codes (RFC 3261 21) and methods that are registered (IANA "SIP Parameters").
#pragma once

#include <span>
#include <string_view>

#include "libsipana/sip/message.h"

namespace sipana::sip {

struct Code {
    int number = 0;
    std::string_view phrase;  // "Busy Here"
    std::string_view clause;  // "RFC 3261 21.4.24"
};

std::span<const Code> codes();             // in order, from 100 to 608
std::string_view reason_phrase(int code);  // the registered one; empty if there is none
std::span<const Method> methods();         // all but Method::other

}  // namespace sipana::sip
