#include "doc/toml.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tranche;
using namespace tranche::doc;

TEST_CASE("a lockfile in TOML becomes a tree with places") {
  const auto value = parse_toml(
      "# made by hand\nversion = 4\n\n[[package]]\nname = \"a\"\nsize = 1.5\nwhen = 2026-01-02T03:04:05Z\n"
      "bad = nan\ndependencies = [\"b 1.0\", 'c']\n[package.extra]\n\"quoted.key\" = { x = true }\n",
      "Cargo.lock");
  REQUIRE(value);
  CHECK(to_json(*value) ==
        R"({"package":[{"bad":"nan","dependencies":["b 1.0","c"],"extra":{"quoted.key":{"x":true}},)"
        R"("name":"a","size":1.5,"when":"2026-01-02T03:04:05Z"}],"version":4})");
  CHECK(value->find("package")->as_array()[0].find("name")->place.line == 5);
}

TEST_CASE("what is no TOML, or was made to exhaust the reader, is refused with its line") {
  const auto refused = [](const std::string& text, const Limits& limits = {}) {
    const auto value = parse_toml(text, "x.toml", limits);
    REQUIRE_FALSE(value);
    CHECK(value.error().kind == ErrorKind::invalid);
    REQUIRE(value.error().mark);
    return value.error().mark->line;
  };
  std::string dots;
  for (int i = 0; i < 100'000; ++i) dots += "a.";
  CHECK(refused("x = 1\ny = \n") == 2);
  CHECK(refused("x = 1\nx = 2\n") == 2);
  CHECK(refused("x = 1\n" + dots + "a = 1\n") == 2);
  CHECK(refused("x = \"\"\"\n\"\"\"\n" + dots + "a = 1\n") == 3);
  CHECK(refused("x = '''''''''\n" + dots + "a = 1\n") >= 1);
  CHECK(refused("x = " + std::string(100'000, '[')) == 1);
  CHECK(refused("x = [1, 2, 3, 4]\n", {.max_nodes = 3}) == 1);
  CHECK(refused("[a.b.c.d]\nx = 1\n", {.max_depth = 3}) >= 1);
  CHECK(refused("x = \"\xff\"\n") == 1);
  CHECK(refused("x = 1\n[p\xcf\xbf") == 2);
}

TEST_CASE("dots in texts and comments are no dotted names") {
  const std::string dots(1000, '.');
  CHECK(parse_toml(
      "x = \"" + dots + "\\\"" + dots + "\" # " + dots + "\ny = '''\n" + dots + "'''\nz = '" + dots + "'\n",
      "x.toml"));
}
