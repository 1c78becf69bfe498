#include "libsipana/base/append.h"

#include <doctest/doctest.h>

using namespace sipana;

TEST_CASE("append leaves what the string holds and writes behind it") {
    std::string out = "c=";
    append(out, "{} {:04x} {:.3g}", "IN", 255, 0.5);
    CHECK(out == "c=IN 00ff 0.5");
    append(out, "");
    CHECK(out == "c=IN 00ff 0.5");
    append(out, "{}{}", std::string(500, 'a'), 'b');  // past any buffer on the way
    CHECK(out == "c=IN 00ff 0.5" + std::string(500, 'a') + 'b');
}
