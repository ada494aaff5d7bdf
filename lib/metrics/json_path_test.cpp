#include "metrics/json_path.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using metrics::internal::JsonPath;

namespace {

const char* const document = R"({
  "a": {"b": [{"c": 1}, {"c": 2, "d": {"c": 9}}, {"c": 3}], "a.b": "dotted", "it's": "quoted"},
  "n": [10, 11, 12, 13, 14],
  "items": [{"name": "x", "n": 5, "ok": true}, {"name": "y", "n": 7, "ok": false}, {"name": "z", "m": [1]}],
  "empty": [], "zero": 0, "null": null
})";

std::string first(std::string_view path) {
  const auto tree = doc::parse_json(document);
  REQUIRE(tree.has_value());
  const auto compiled = JsonPath::compile(path);
  if (!compiled) return "bad: " + compiled.error().message;
  const auto found = compiled->first(*tree);
  if (!found) return "error: " + found.error().message;
  return *found == nullptr ? "nothing" : doc::to_json(**found);
}

}  // namespace

TEST_CASE("a path finds what kubectl and Argo find, the first match only") {
  struct Case {
    const char* path;
    const char* want;
  };
  for (const auto& [path, want] : std::vector<Case>{{"{$.a.b[0].c}", "1"},
                                                    {"{.a.b[0].c}", "1"},
                                                    {"$.a.b[0].c", "1"},
                                                    {".a.b[0].c", "1"},
                                                    {"{$['a']['b'][1]['c']}", "2"},
                                                    {"{ $.zero }", "0"},
                                                    {"{$[\"a\"].b[-1].c}", "3"},
                                                    {"{$.a['a.b']}", "\"dotted\""},
                                                    {"{$.a.a\\.b}", "\"dotted\""},
                                                    {"{$.a['it\\'s']}", "\"quoted\""},
                                                    {"{$.n[*]}", "10"},
                                                    {"{$.n.*}", "10"},
                                                    {"{$.n[1:3]}", "11"},
                                                    {"{$.n[-2:]}", "13"},
                                                    {"{$.n[:-4]}", "10"},
                                                    {"{$.n[4:1]}", "nothing"},
                                                    {"{$.n[1:5:2]}", "11"},
                                                    {"{$.n[9]}", "nothing"},
                                                    {"{$.n[-9]}", "nothing"},
                                                    {"{$.n[3,0]}", "13"},
                                                    {"{$['zero','n']}", "0"},
                                                    {"{$..c}", "1"},
                                                    {"{$..d.c}", "9"},
                                                    {"{$..[2]}", "{\"c\":3}"},
                                                    {"{$.items[?(@.n > 5)].name}", "\"y\""},
                                                    {"{$.items[?(@.n>=5)].name}", "\"x\""},
                                                    {"{$.items[?(@.name == 'z')].m[0]}", "1"},
                                                    {"{$.items[?(@.name!=\"x\")].n}", "7"},
                                                    {"{$.items[?(@.ok==true)].name}", "\"x\""},
                                                    {"{$.items[?(@.m)].name}", "\"z\""},
                                                    {"{$.items[?(@.m[0] < @.n)].name}", "nothing"},
                                                    {"{$.items[?(@.name < 3)]}", "nothing"},
                                                    {"{$.n[?(@ > 12)]}", "13"},
                                                    {"{$.null}", "null"},
                                                    {"{$.nobody}", "nothing"},
                                                    {"{$.zero.x}", "nothing"},
                                                    {"{$.empty[*]}", "nothing"}}) {
    CAPTURE(path);
    CHECK(first(path) == want);
  }
  CHECK(first("{$}").starts_with("{\"a\""));
  CHECK(first("{.}").starts_with("{\"a\""));
  CHECK(first("").starts_with("{\"a\""));
}

TEST_CASE("a bad path is told with its column") {
  for (const char* bad :
       {"{$.a", "{$.a}x", "{$.}{.b}", "$.a b", "{$[}", "{$['a}", "{$[?@.a]}", "{$[?(@.a == )]}",
        "{$[?(@.a > 1]}", "{$[1:2:0]}", "{$[1:2:-1]}", "{$[99999999999999999999]}", "{range .items[*]}{end}",
        "{$.a[0}", "{$..}", "text {.a}", "{$[0,]}", "{$.a[?(@.b == x y)]}"}) {
    CAPTURE(bad);
    const auto got = JsonPath::compile(bad);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == ErrorKind::invalid);
    CHECK(got.error().message.find("column") != std::string::npos);
    CHECK_FALSE(got.error().hint.empty());
  }
  CHECK_FALSE(JsonPath::compile(std::string(5'000, '.')).has_value());
  std::string deep = "{$";
  for (int i = 0; i < 80; ++i) deep += ".a";
  CHECK_FALSE(JsonPath::compile(deep + "}").has_value());
  CHECK_FALSE(JsonPath::compile("{$[?(@[?(@[?(@[?(@[?(@.a)])])])])]}").has_value());
}

TEST_CASE("a search over a large answer is bounded") {
  const auto tree = doc::parse_json(std::string(60, '[') + std::string(60, ']'));
  REQUIRE(tree.has_value());
  CHECK(JsonPath::compile("{$..*..*}")->first(*tree).has_value());
  const auto endless = JsonPath::compile("{$..*..*..*..*..*..*..*}")->first(*tree);
  REQUIRE_FALSE(endless.has_value());
  CHECK(endless.error().kind == ErrorKind::invalid);
}
