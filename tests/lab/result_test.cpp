#include "libsipana/lab/result.h"

#include <doctest/doctest.h>

using namespace sipana::lab;

TEST_CASE("A result: each outcome has a word of its own") {
    CHECK(to_string(Outcome::done) == "done");
    CHECK(to_string(Outcome::failed) == "failed");
    CHECK(to_string(Outcome::skipped) == "skipped");
    CHECK(to_string(Outcome::not_reached) == "not reached");
}
