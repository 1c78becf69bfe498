#include "libsipana/lab/namespaces.h"

#include <doctest/doctest.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "tests/made_hosts.h"

using namespace sipana;
using lab::HostTable;
using lab::Namespaces;

namespace {

ino_t where_we_are() {
    struct stat there {};
    REQUIRE(::stat("/proc/thread-self/ns/net", &there) == 0);
    return there.st_ino;
}

ino_t of(const std::string& path) {
    struct stat there {};
    REQUIRE(::stat(path.c_str(), &there) == 0);
    return there.st_ino;
}

HostTable table_of(const MadeHosts& hosts) {
    auto table = lab::parse_host_table(hosts.table());
    REQUIRE(table);
    return *table;
}

}  // namespace

TEST_CASE("namespaces: a thread is at a host until the guard goes, and back home then") {
    const auto hosts = MadeHosts::make(2);
    if (!hosts) return;
    const auto table = table_of(*hosts);
    auto namespaces = Namespaces::open(table);
    REQUIRE(namespaces);
    const ino_t home = where_we_are();
    for (unsigned i = 0; i < 2; ++i) {
        {
            const auto there = namespaces->enter(MadeHosts::address(i));
            REQUIRE(there);
            CHECK(where_we_are() == of(hosts->path(i)));
            CHECK(where_we_are() != home);
            CHECK(::if_nametoindex("eth0") != 0);
        }
        CHECK(where_we_are() == home);
    }
    {
        const auto bridge = namespaces->enter(table.bridge_namespace);
        REQUIRE(bridge);
        CHECK(::if_nametoindex("br0") != 0);
    }
    CHECK(where_we_are() == home);
}

TEST_CASE("namespaces: an address that is not in the table stays here") {
    const auto hosts = MadeHosts::make(1);
    if (!hosts) return;
    auto namespaces = Namespaces::open(table_of(*hosts));
    REQUIRE(namespaces);
    const ino_t home = where_we_are();
    const auto here = namespaces->enter(*Address::parse("127.0.0.1"));
    REQUIRE(here);
    CHECK(where_we_are() == home);
    CHECK_FALSE(namespaces->enter("another"));
}

TEST_CASE("namespaces: without a table there is nothing to open and nowhere to go") {
    auto namespaces = Namespaces::open({});
    REQUIRE(namespaces);
    CHECK(namespaces->enter(*Address::parse("127.0.0.1")));
}

TEST_CASE("namespaces: what is no namespace is refused by name") {
    if (!MadeHosts::make(0)) return;
    const auto refused = [](const std::string& name) {
        HostTable table;
        table.namespaces[*Address::parse("10.0.0.1")] = name;
        const auto namespaces = Namespaces::open(table);
        return namespaces ? std::string("none") : namespaces.error().what;
    };
    CHECK(refused("sipana-no-such") == "no network namespace 'sipana-no-such'");
    CHECK(refused("/dev/null") == "'/dev/null' is no network namespace");
    CHECK(refused("/proc/self/ns/uts") == "'/proc/self/ns/uts' is no network namespace");
}
