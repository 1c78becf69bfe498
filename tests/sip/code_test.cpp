#include "libsipana/sip/code.h"

#include <doctest/doctest.h>

#include <set>

using namespace sipana::sip;

TEST_CASE("IANA SIP parameters: 75 codes in order, each with a phrase and a clause") {
    CHECK(codes().size() == 75);
    int last = 99;
    for (const Code& code : codes()) {
        CAPTURE(code.number);
        CHECK(code.number > last);
        CHECK(code.number < 700);
        CHECK(!code.phrase.empty());
        CHECK(code.clause.starts_with("RFC "));
        CHECK(reason_phrase(code.number) == code.phrase);
        last = code.number;
    }
    CHECK(reason_phrase(486) == "Busy Here");
    for (const int unregistered : {-1, 0, 99, 101, 409, 411, 499, 599, 609, 699, 700})
        CHECK(reason_phrase(unregistered).empty());
}

TEST_CASE("IANA SIP parameters: fourteen methods, each by its name") {
    std::set<Method> different;
    for (const Method method : methods()) {
        CHECK(method_of(to_string(method)) == method);
        different.insert(method);
    }
    CHECK(different.size() == 14);
    CHECK(!different.contains(Method::other));
}
