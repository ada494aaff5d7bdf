#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <fmt/format.h>

#include "doc/value.hpp"

using namespace tranche;

namespace {

std::string where(const Mark& mark) {
  return fmt::format("{}:{}:{}+{}", mark.file, mark.line, mark.column, mark.length);
}
std::string where(const doc::Place& place) { return where(doc::to_mark(place)); }

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// Compact JSON of the YAML, or "file:line:col+length: message".
std::string read(std::string_view yaml, const doc::Limits& limits = {}) {
  const auto value = doc::parse_yaml(yaml, "f", limits);
  if (value) return doc::to_json(*value);
  const Error& error = value.error();
  CHECK(error.kind == ErrorKind::invalid);
  CHECK_FALSE(error.hint.empty());
  REQUIRE(error.mark);
  return where(*error.mark) + ": " + error.message;
}

}  // namespace

TEST_CASE("plain scalars follow the YAML 1.2 core schema") {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"", "null"},
      {"~", "null"},
      {"null", "null"},
      {"Null", "null"},
      {"NULL", "null"},
      {"true", "true"},
      {"True", "true"},
      {"TRUE", "true"},
      {"false", "false"},
      {"False", "false"},
      {"FALSE", "false"},
      {"tRUE", "\"tRUE\""},
      {"yes", "\"yes\""},
      {"no", "\"no\""},
      {"on", "\"on\""},
      {"off", "\"off\""},
      {"y", "\"y\""},
      {"0", "0"},
      {"-0", "0"},
      {"12", "12"},
      {"+12", "12"},
      {"-12", "-12"},
      {"0x1F", "31"},
      {"0xfF", "255"},
      {"0o17", "15"},
      {"0b11", "\"0b11\""},
      {"0o8", "\"0o8\""},
      {"0x", "\"0x\""},
      {"-0x1F", "\"-0x1F\""},
      {"1_000", "\"1_000\""},
      {"12:30", "\"12:30\""},
      {"2026-01-02", "\"2026-01-02\""},
      {"1.2.3", "\"1.2.3\""},
      {"1.5", "1.5"},
      {"-1.5", "-1.5"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"5.", "5"},
      {"0.5", "0.5"},
      {"1e3", "1000"},
      {"1.5e-3", "0.0015"},
      {"+1E+2", "100"},
      {"1e", "\"1e\""},
      {".", "\".\""},
      {"-", "[null]"},
      {"+", "\"+\""},
      {"..5", "\"..5\""},
      {"1.5.", "\"1.5.\""},
      {"inf", "\"inf\""},
      {"nan", "\"nan\""},
      {"5%", "\"5%\""},
      {"6h..24h", "\"6h..24h\""},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"0x7fffffffffffffff", "9223372036854775807"},
      {"text with blanks", "\"text with blanks\""},
      {"'010'", "\"010\""},
      {"\"true\"", "\"true\""},
      {"''", "\"\""},
      {"'~'", "\"~\""},
      {"\"\\x41\\u00e9\\U0001F600\\n\"", "\"A\xC3\xA9\xF0\x9F\x98\x80\\n\""},
      {"\"a\\0b\"", "\"a\\u0000b\""},
  };
  for (const auto& [yaml, json] : table) {
    CAPTURE(yaml);
    CHECK(read(yaml) == json);
  }
}

TEST_CASE("integers and floats are different kinds, also when whole") {
  CHECK(doc::parse_yaml("1", "f")->is_int());
  CHECK_FALSE(doc::parse_yaml("1.0", "f")->is_int());
  CHECK(doc::parse_yaml("1.0", "f")->is_number());
}

TEST_CASE("numbers that readers disagree about are refused with what to write instead") {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"a: 010", "write 10, or quote it"},
      {"a: 0010", "write 10, or quote it"},
      {"a: 00", "write 0, or quote it"},
      {"a: -007", "write -7, or quote it"},
      {"a: 01.5", "write 1.5, or quote it"},
      {"a: 08", "write 8, or quote it"},
      {"a: .inf", "write a finite number, or quote it if it is a text"},
      {"a: -.INF", "write a finite number, or quote it if it is a text"},
      {"a: .nan", "write a finite number, or quote it if it is a text"},
      {"a: 9223372036854775808", "quote it if it is a text"},
      {"a: -9223372036854775809", "quote it if it is a text"},
      {"a: 0x8000000000000000", "quote it if it is a text"},
      {"a: 1e400", "quote it if it is a text"},
      {"a: 1e-400", "quote it if it is a text"},
  };
  for (const auto& [yaml, hint] : table) {
    CAPTURE(yaml);
    const auto value = doc::parse_yaml(yaml, "f");
    REQUIRE_FALSE(value);
    CHECK(value.error().hint == hint);
    REQUIRE(value.error().mark);
    CHECK(value.error().mark->column == 4);
    CHECK(value.error().mark->length == static_cast<int>(std::string_view(yaml).size()) - 3);
  }
}

TEST_CASE("collections of every style become lists and maps in file order") {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"b: 1\na: 2\n", R"({"b":1,"a":2})"},
      {"- 1\n- [2, 3]\n- {x: y}\n", R"([1,[2,3],{"x":"y"}])"},
      {"a:\n- 1\n- 2\nb:\n  - 3\n", R"({"a":[1,2],"b":[3]})"},
      {"- - 1\n  - 2\n- a: b\n  c: d\n", R"([[1,2],{"a":"b","c":"d"}])"},
      {"? a\n: b\n? c\n", R"({"a":"b","c":null})"},
      {"{a, b: c, \"d\": {e: f}}\n", R"({"a":null,"b":"c","d":{"e":"f"}})"},
      {"[a: 1, b]\n", R"([{"a":1},"b"])"},
      {"[]\n", "[]"},
      {"{}\n", "{}"},
      {"a: |\n  x\n   y\n\nb: >-\n  x\n  y\n", R"({"a":"x\n y\n","b":"x y"})"},
      {"a: one\n  two\n", R"({"a":"one two"})"},
      {"# only a comment\n", "null"},
      {"---\na: 1\n...\n", R"({"a":1})"},
      {"1: a\nnull: b\n~: c\ntrue: d\n1.50: e\n", R"({"1":"a","null":"b","~":"c","true":"d","1.50":"e"})"},
      {"\"\": a\n", R"({"":"a"})"},
      {"'<<': a\n", R"({"<<":"a"})"},
      {"a: '!x'\n", R"({"a":"!x"})"},
      {"a:\tb\n", R"({"a":"b"})"},
      {"a: |\n  \tb\n", R"({"a":"\tb\n"})"},
      {"a: \"x\n\n  \ty\"\n", R"({"a":"x\ny"})"},
      {"a: [\n\tb\n]\n", R"({"a":["b"]})"},
      {"a: 1\r\nb: |\r\n  x\r\n", R"({"a":1,"b":"x\n"})"},
      {"\xEF\xBB\xBF"
       "a: 1\n",
       R"({"a":1})"},
  };
  for (const auto& [yaml, json] : table) {
    CAPTURE(yaml);
    CHECK(read(yaml) == json);
  }
}

TEST_CASE("what YAML readers accept silently or differently is refused where it stands") {
  const std::vector<std::pair<std::string, const char*>> table = {
      {"a: 1\nb: 2\na: 3\n", "f:3:1+1: key 'a' is given twice"},
      {"a: 1\n\"a\": 3\n", "f:2:1+3: key 'a' is given twice"},
      {"x: {k: 1, k: 2}\n", "f:1:11+1: key 'k' is given twice"},
      {"a:\n\tb: 1\n", "f:2:1+1: a tab is used as indentation"},
      {"a:\n  \tb: 1\n", "f:2:3+1: a tab is used as indentation"},
      {"a:\n\t- b\n", "f:2:1+1: a tab is used as indentation"},
      {"-\ta: 1\n", "f:1:2+1: a tab is used as indentation"},
      {"a: one\n\ttwo\n", "f:2:1+1: a tab is used as indentation"},
      {"a:\n\tone\n", "f:2:1+1: a tab is used as indentation"},
      {"b: &x {c: 1}\na:\n  <<: *x\n", "f:3:3+2: merge keys '<<' are not supported"},
      {"a: !!str 1\n", "f:1:4+1: tags (!...) are not supported"},
      {"a: !x [1]\n", "f:1:4+1: tags (!...) are not supported"},
      {"a: !<tag:yaml.org,2002:map> {}\n", "f:1:4+1: tags (!...) are not supported"},
      {"a: ! 12\n", "f:1:4+1: tags (!...) are not supported"},
      {"a: &x ! 12\n", "f:1:7+1: tags (!...) are not supported"},
      {"a: !\n", "f:1:4+1: tags (!...) are not supported"},
      {"!x a: b\n", "f:1:1+1: tags (!...) are not supported"},
      {"a: 1\n---\nb: 2\n", "f:2:1+1: a second document, or text after the end of the first"},
      {"[1] 2\n", "f:1:5+1: a second document, or text after the end of the first"},
      {"%YAML 1.1\n---\na: yes\n", "f:1:1+9: directives (%...) are not supported"},
      {"# c\n%TAG ! x\n---\na: yes\n", "f:2:1+8: directives (%...) are not supported"},
      {"? [a]\n: 1\n", "f:1:3+1: a key must be a text, not a list or a map"},
      {"{a: 1}: 1\n", "f:1:1+1: a key must be a text, not a list or a map"},
      {": 1\n", "f:1:1+1: a key is missing before ':'"},
      {"&k a: 1\n", "f:1:4+1: a key cannot have an anchor"},
      {"a: &x 1\n*x : 2\n", "f:2:1+2: an alias cannot be a key"},
      {"a: *nope\n", "f:1:4+1: not YAML: the referenced anchor is not defined"},
      {"a: b: c\n", "f:1:5+1: not YAML: illegal map value"},
      {"x: 1\na: [1\n", "f:2:4+1: not YAML: this bracket is not closed"},
      {"[,a]\n", "f:1:2+1: an entry of the list is missing"},
      {"[a,,b]\n", "f:1:4+1: an entry of the list is missing"},
      {"a: 1\nbc\n", "f:2:1+2: a ':' is missing after this key"},
      {"a:\n  'b c'\nnull", "f:3:1+4: a ':' is missing after this key"},
      {"a: \"", "f:1:4+1: a quote is opened and never closed"},
      {"a: 'b \n\n", "f:1:4+1: a quote is opened and never closed"},
      {"a: 'it''", "f:1:9+1: not YAML: illegal EOF in scalar"},
      {"a: @x\n", "f:1:4+1: not YAML: unknown token"},
      {"a: \"\\q\"\n", "f:1:7+1: not YAML: unknown escape character: q"},
      {"a: \"\\ud800\"\n", "f:1:11+1: not YAML: invalid unicode: 55296"},
      {std::string("a: \x04\nb: 1\n"), "f:1:4+1: control character 0x04"},
      {std::string("a: \0b\n", 6), "f:1:4+1: control character 0x00"},
      {"a: 1\rb: 2\n", "f:1:5+1: a carriage return without a line feed"},
      {"a: 1\nb: \xFFx\n", "f:2:4+1: this byte is not UTF-8"},
      {"a: \xC3\xA9\xED\xA0\x80\n", "f:1:6+1: this byte is not UTF-8"},
      {"a: \xC3", "f:1:4+1: this byte is not UTF-8"},
  };
  for (const auto& [yaml, message] : table) {
    CAPTURE(yaml);
    CHECK(read(yaml) == message);
  }
}

TEST_CASE("the error shows the user's line without its line end") {
  const auto value = doc::parse_yaml("a: 1\r\n  b: 010  # x\r\n", "tranche.yaml");
  REQUIRE_FALSE(value);
  REQUIRE(value.error().mark);
  CHECK(value.error().mark->file == "tranche.yaml");
  const auto again = doc::parse_yaml("a: 1\r\nb: 010  # x\r\n", "tranche.yaml");
  REQUIRE_FALSE(again);
  CHECK(again.error().mark->excerpt == "b: 010  # x");
}

TEST_CASE("every value and key knows its line, column and length") {
  const auto value = doc::parse_yaml(
      "app: notes\n"
      "list:\n"
      "  - 'it''s'\n"
      "  - [a, 12]\n"
      "\xC3\xA9t\xC3\xA9: \"q\\\"q\"\n"
      "text: |\n"
      "  body\n"
      "anchored: &name   value\n"
      "below: &other\n"
      "  # comment\n"
      "  k: v\n",
      "f");
  REQUIRE(value);
  CHECK(where(value->place) == "f:1:1+1");
  CHECK(where(value->as_object()[0].key_place) == "f:1:1+3");
  CHECK(where(value->find("app")->place) == "f:1:6+5");
  const doc::Array& list = value->find("list")->as_array();
  CHECK(where(value->find("list")->place) == "f:3:3+1");
  CHECK(where(list[0].place) == "f:3:5+7");
  CHECK(where(list[1].place) == "f:4:5+1");
  CHECK(where(list[1].as_array()[1].place) == "f:4:9+2");
  CHECK(where(value->as_object()[2].key_place) == "f:5:1+5");
  CHECK(where(value->as_object()[2].value.place) == "f:5:8+6");
  CHECK(where(value->find("text")->place) == "f:6:7+1");
  CHECK(where(value->find("anchored")->place) == "f:8:19+5");
  CHECK(where(value->find("below")->place) == "f:11:3+1");
}

TEST_CASE("an alias is a copy that stands where it is used") {
  const auto value = doc::parse_yaml("a: &x {k: [1, &y deep]}\nb: [*x, *y]\nc: *x\n", "f");
  REQUIRE(value);
  CHECK(doc::to_json(*value) ==
        R"({"a":{"k":[1,"deep"]},"b":[{"k":[1,"deep"]},"deep"],"c":{"k":[1,"deep"]}})");
  CHECK(where(value->find("b")->as_array()[0].place) == "f:2:5+2");
  CHECK(where(value->find("b")->as_array()[1].place) == "f:2:9+2");
  CHECK(where(value->find("c")->place) == "f:3:4+2");
  CHECK(where(value->find("c")->find("k")->place) == "f:1:11+1");
}

TEST_CASE("an alias finds its anchor wherever that stands") {
  CHECK(read("- &a 1\n- [*a, [*a]]\n- {k: *a}\n- *a\n") == "[1,[1,[1]],{\"k\":1},1]");
  CHECK(read("- [[&a x], *a]\n- *a\n") == R"([[["x"],"x"],"x"])");
  CHECK(read("k: {p: &a [1], q: *a}\nl: *a\n") == R"({"k":{"p":[1],"q":[1]},"l":[1]})");
  CHECK(read("- &a 1\n- &a 2\n- *a\n") == "[1,2,2]");
  CHECK(read("a: &x\nb: *x\n") == R"({"a":null,"b":null})");
}

TEST_CASE("an alias cycle is refused") {
  CHECK(read("a: &x [*x]\n") == "f:1:8+2: this alias stands for something that contains it");
  CHECK(read("&x a: *x\n").starts_with("f:1:"));
  CHECK(read("a: &x\n  b:\n    c: *x\n") == "f:3:8+2: this alias stands for something that contains it");
}

TEST_CASE("an alias bomb is refused before it grows") {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'l'; ++c) {
    const char before = static_cast<char>(c - 1);
    bomb += fmt::format("{0}: &{0} [*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1}]\n", c, before);
  }
  CHECK(read(bomb).ends_with("more than 200000 values"));

  const std::string fat = "a: &a " + std::string(500'000, 'x') + "\nb: [" + repeat("*a,", 90'000) + "]\n";
  CHECK(read(fat).ends_with("aliases repeat more than 1048576 bytes"));

  std::string deep = "a0: &a0 [1]\n";
  for (int i = 1; i < 70; ++i) deep += fmt::format("a{0}: &a{0} [*a{1}]\n", i, i - 1);
  CHECK(read(deep).ends_with("nested deeper than 64 levels"));
}

TEST_CASE("depth is counted in every style and never by the stack") {
  CHECK(read(std::string(64, '[') + std::string(64, ']')).starts_with("[[["));
  const std::vector<std::pair<std::string, const char*>> table = {
      {std::string(65, '[') + std::string(65, ']'), "f:1:65+1: nested deeper than 64 levels"},
      {std::string(100'000, '[') + std::string(100'000, ']'), "f:1:65+1: nested deeper than 64 levels"},
      {repeat("- ", 100'000), "f:1:129+1: nested deeper than 64 levels"},
      {repeat("{a: ", 100'000) + std::string(100'000, '}'), "f:1:257+1: nested deeper than 64 levels"},
      {std::string(100'000, '['), "f:1:1+1: a key must be a text, not a list or a map"},
      {repeat("? ", 100'000), "f:1:3+1: a key must be a text, not a list or a map"},
      {std::string(1 << 20, '['), "f:1:200001+1: more than 200000 values"},
      {repeat("[\n", 200'001), "f:200001:1+1: more than 200000 values"},
  };
  for (const auto& [yaml, message] : table) CHECK(read(yaml) == message);
  std::string ladder;
  for (std::size_t i = 0; i < 100; ++i) ladder += std::string(i, ' ') + "a:\n";
  CHECK(read(ladder) == "f:65:65+1: nested deeper than 64 levels");
}

TEST_CASE("bytes and values are capped by the limits given") {
  doc::Limits limits;
  limits.max_bytes = 8;
  CHECK(read("a: 12345", limits) == R"({"a":12345})");
  CHECK(read("a: 123456", limits) == "f:1:1+1: 9 bytes are more than the limit of 8");
  limits = {};
  limits.max_nodes = 4;
  CHECK(read("[1, 2, 3]", limits) == "[1,2,3]");
  CHECK(read("[1, 2, 3, 4]", limits) == "f:1:11+1: more than 4 values");
  CHECK(read("[&a [1], *a]", limits) == "f:1:10+2: more than 4 values");
  limits = {};
  limits.max_depth = 1'000'000;  // a caller cannot ask for more than the stack holds
  CHECK_FALSE(read(std::string(5'000, '[') + std::string(5'000, ']'), limits).starts_with("["));
}

TEST_CASE("many keys are checked for duplicates without comparing all pairs") {
  std::string yaml;
  for (int i = 0; i < 20'000; ++i) yaml += fmt::format("key{}: {}\n", i, i);
  CHECK(doc::parse_yaml(yaml, "f")->as_object().size() == 20'000);
  CHECK(read(yaml + "key77: 1\nkey5: 1\n") == "f:20001:1+5: key 'key77' is given twice");
}
