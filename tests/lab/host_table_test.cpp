#include "libsipana/lab/host_table.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/exact.h"

using namespace sipana;
using lab::HostTable;
using lab::parse_host_table;

namespace {

std::string mistake(std::string_view text) {
    const auto table = parse_host_table(text);
    return table ? std::string("none") : table.error().what;
}

constexpr std::string_view good =
    "# two hosts\n"
    "192.168.1.153  lab1-a   # the exchange\n"
    "\n"
    "\t2001:db8::1 /run/netns/lab1-b\r\n"
    "bridge lab1-bridge br0";

}  // namespace

TEST_CASE("host table: addresses lead to namespaces, the bridge has an interface") {
    const auto table = parse_host_table(good);
    REQUIRE(table);
    CHECK(table->namespaces.size() == 2);
    CHECK(table->namespaces.at(*Address::parse("192.168.1.153")) == "lab1-a");
    CHECK(table->namespaces.at(*Address::parse("2001:db8::1")) == "/run/netns/lab1-b");
    CHECK(table->bridge_namespace == "lab1-bridge");
    CHECK(table->bridge_interface == "br0");
    CHECK_FALSE(table->empty());
    CHECK(parse_host_table("")->empty());
    CHECK(parse_host_table("# nothing\n")->empty());
}

TEST_CASE("host table: a mistake is named with its line and column") {
    CHECK(mistake("192.168.1.1\n") == "1:12: expected a network namespace");
    CHECK(mistake("\n  alice lab1-a\n") == "2:3: expected an address or 'bridge', found 'alice'");
    CHECK(mistake("10.0.0.1 a b\n") == "1:12: expected the end of the line, found 'b'");
    CHECK(mistake("10.0.0.1 a\n10.0.0.1 b\n") == "2:1: 10.0.0.1 stands here twice");
    CHECK(mistake("10.0.0.1 ../a\n") == "1:10: '../a' is no name of a network namespace");
    CHECK(mistake("10.0.0.1 ..\n") == "1:10: '..' is no name of a network namespace");
    CHECK(mistake("bridge\n") == "1:7: expected a network namespace");
    CHECK(mistake("bridge b\n") == "1:9: expected the bridge's interface");
    CHECK(mistake("bridge b # br0\n") == "1:10: expected the bridge's interface");
    CHECK(mistake("bridge b br0\nbridge c br0\n") == "2:1: there is a bridge already");
    CHECK(mistake("bridge b anamelongerthanfifteen\n") ==
          "1:10: 'anamelongerthanfifteen' is no name of an interface");
    CHECK(mistake("bridge b br\a\n") == "1:10: 'br\\x07' is no name of an interface");
    CHECK(mistake("10.0.0.1 a\r\r\n") == "1:10: 'a\\r' is no name of a network namespace");
}

TEST_CASE("host table: no more hosts than a lab may have") {
    std::string text;
    for (std::size_t i = 0; i < HostTable::most_hosts; ++i)
        text += "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + " h\n";
    CHECK(parse_host_table(text));
    CHECK(mistake(text + "10.1.0.0 h\n") == "4097:1: more than 4096 hosts");
}

TEST_CASE("host table: a text cut off anywhere is read or refused") {
    for (std::size_t size = 0; size <= good.size(); ++size) {
        const Exact copy(good.substr(0, size));
        const auto table = parse_host_table(copy.text());
        if (!table) CHECK(table.error().offset <= size);
    }
}
