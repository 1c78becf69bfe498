#include "libsipana/base/time.h"

#include <doctest/doctest.h>

using namespace sipana;

TEST_CASE("RFC 3339 5.6: times are written with nine digits and read back") {
    const Time t{1'700'000'000'123'456'789};
    CHECK(to_rfc3339(t) == "2023-11-14T22:13:20.123456789Z");
    CHECK(parse_rfc3339("2023-11-14T22:13:20.123456789Z") == t);
    CHECK(parse_rfc3339("2023-11-14T23:13:20.123456789+01:00") == t);
    CHECK(to_rfc3339(Time{-1}) == "1969-12-31T23:59:59.999999999Z");
    CHECK(to_rfc3339(no_time) == "1677-09-21T00:12:43.145224192Z");
    CHECK(to_time_of_day(t) == "22:13:20.123456");
    for (const char* bad : {"", "2023-11-14", "2023-13-01T00:00:00Z", "2023-02-30T00:00:00Z", "2023-11-14T24:00:00Z",
                            "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20", "9999-01-01T00:00:00Z"})
        CHECK_FALSE(parse_rfc3339(bad));
}
