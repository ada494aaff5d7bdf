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

std::string read(std::string_view json, const doc::Limits& limits = {}) {
  const auto value = doc::parse_json(json, "f", limits);
  if (value) return doc::to_json(*value);
  const Error& error = value.error();
  CHECK(error.kind == ErrorKind::invalid);
  CHECK_FALSE(error.hint.empty());
  REQUIRE(error.mark);
  return where(*error.mark) + ": " + error.message;
}

}  // namespace

TEST_CASE("JSON texts become values and are written back alike") {
  const std::vector<std::pair<const char*, const char*>> table = {
      {"null", "null"},
      {" [ 1 , 2.5 , -3e2 ,true,false,null,\"x\" ] \n", R"([1,2.5,-300,true,false,null,"x"])"},
      {R"({"b":{"c":[]},"a":{}})", R"({"b":{"c":[]},"a":{}})"},
      {R"("\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\\u0000")",
       "\"\xC3\xA9\xF0\x9F\x98\x80/\\b\\f\\n\\r\\t\\\"\\\\\\u0000\""},
      {R"({"":1," ":2})", R"({"":1," ":2})"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"-0", "0"},
      {"-0.0", "0"},
      {"1e20", "1e+20"},
      {"1E-7", "1e-7"},
      {"0.1", "0.1"},
      {"5e-324", "5e-324"},
  };
  for (const auto& [json, written] : table) {
    CAPTURE(json);
    CHECK(read(json) == written);
  }
}

TEST_CASE("what RFC 8259 does not allow, and what readers disagree about, is refused where it stands") {
  const std::vector<std::pair<std::string, const char*>> table = {
      {"", "f:1:1+1: not JSON: the text ends too early"},
      {"  ", "f:1:3+1: not JSON: the text ends too early"},
      {"[1,2", "f:1:5+1: not JSON: the text ends too early"},
      {"{\"a\":\n\"b", "f:2:3+1: not JSON: the text ends too early"},
      {"nul", "f:1:4+1: not JSON: the text ends too early"},
      {"[1,,2]", "f:1:4+1: not JSON: unexpected ','; expected '[', '{', or a literal"},
      {"[1,]", "f:1:4+1: not JSON: unexpected ']'; expected '[', '{', or a literal"},
      {"{\"a\":1,}", "f:1:8+1: not JSON: unexpected '}'; expected string literal"},
      {"{\"a\" 12}", "f:1:6+2: not JSON: unexpected number literal; expected ':'"},
      {"[1 \"b\"]", "f:1:4+3: not JSON: unexpected string literal; expected ']'"},
      {"{12:1}", "f:1:2+2: not JSON: unexpected number literal; expected string literal"},
      {"[1] x", "f:1:5+1: not JSON: invalid literal; expected end of input"},
      {"{}\n{}", "f:2:1+1: not JSON: unexpected '{'; expected end of input"},
      {"{'a':1}", "f:1:2+1: not JSON: invalid literal; expected string literal"},
      {"// c\n1", "f:1:1+1: not JSON: invalid literal"},
      {"[01]", "f:1:3+1: not JSON: unexpected number literal; expected ']'"},
      {"[+1]", "f:1:2+1: not JSON: invalid literal"},
      {"[NaN]", "f:1:2+1: not JSON: invalid literal"},
      {"[1e400]", "f:1:2+5: number out of the range of a double"},
      {"[-1e400]", "f:1:2+6: number out of the range of a double"},
      {"{\"a\":9223372036854775808}", "f:1:6+19: integer beyond 64 bits"},
      {"[18446744073709551616]", "f:1:2+20: integer beyond 64 bits"},
      {"[-9223372036854775809]", "f:1:2+20: integer beyond 64 bits"},
      {"{\"a\":1,\n \"b\":2,\"a\":3}", "f:2:8+3: key 'a' is given twice"},
      {"{\"a\":1,\"\\u0061\":2}", "f:1:8+8: key 'a' is given twice"},
      {"\"x\ty\"",
       "f:1:3+1: not JSON: invalid string: control character U+0009 (HT) must be escaped to \\u0009 or \\t"},
      {"\"\\q\"", "f:1:3+1: not JSON: invalid string: forbidden character after backslash"},
      {"\"\\ud800x\"",
       "f:1:8+1: not JSON: invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF"},
      {"[\"\xC3\xA9\xFF\"]", "f:1:5+1: this byte is not UTF-8"},
      {"\"\xC0\xAF\"", "f:1:2+1: this byte is not UTF-8"},
      {"\xEF\xBB\xBF{}", "f:1:1+1: JSON may not begin with a byte order mark"},
      {std::string("1\0x", 3), "f:1:2+1: not JSON: a NUL byte"},
      {std::string("\"\0\"", 3), "f:1:2+1: not JSON: a NUL byte"},
  };
  for (const auto& [json, message] : table) {
    CAPTURE(json);
    CHECK(read(json) == message);
  }
}

TEST_CASE("JSON values and keys know their line, column and length") {
  const auto value =
      doc::parse_json("{\n  \"a\" : [ 10, {\"k\\\"\" : \"v,:\\\\\" } ] ,\n\t\"b\":true}\n", "f");
  REQUIRE(value);
  CHECK(where(value->place) == "f:1:1+1");
  CHECK(where(value->as_object()[0].key_place) == "f:2:3+3");
  const doc::Array& list = value->find("a")->as_array();
  CHECK(where(value->find("a")->place) == "f:2:9+1");
  CHECK(where(list[0].place) == "f:2:11+2");
  CHECK(where(list[1].place) == "f:2:15+1");
  CHECK(where(list[1].as_object()[0].key_place) == "f:2:16+5");
  CHECK(where(list[1].as_object()[0].value.place) == "f:2:24+7");
  CHECK(where(value->as_object()[1].key_place) == "f:3:2+3");
  CHECK(where(value->find("b")->place) == "f:3:6+4");
}

TEST_CASE("JSON is capped in bytes, depth and values") {
  doc::Limits limits;
  limits.max_bytes = 4;
  CHECK(read("[12]", limits) == "[12]");
  CHECK(read("[123]", limits) == "f:1:1+1: 5 bytes are more than the limit of 4");
  limits = {};
  limits.max_nodes = 3;
  CHECK(read("[1,2]", limits) == "[1,2]");
  CHECK(read("[1,2,3]", limits) == "f:1:6+1: more than 3 values");
  CHECK(read(std::string(64, '[') + std::string(64, ']')).starts_with("[["));
  CHECK(read(std::string(100'000, '[')) == "f:1:65+1: nested deeper than 64 levels");
  limits = {};
  limits.max_depth = 1'000'000;  // a caller cannot ask for more than the stack holds
  CHECK(read(std::string(100'000, '['), limits) == "f:1:1001+1: nested deeper than 1000 levels");
}

TEST_CASE("an object with many keys is checked for duplicates") {
  std::string json = "{";
  for (int i = 0; i < 20'000; ++i) json += fmt::format("\"k{}\":0,", i);
  CHECK(doc::parse_json(json + "\"z\":0}")->as_object().size() == 20'001);
  CHECK(read(json + "\n\"k19\":0}") == "f:2:1+5: key 'k19' is given twice");
}
