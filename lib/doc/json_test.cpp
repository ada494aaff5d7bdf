#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "doc/json_plain.hpp"
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

bool same(const doc::Place& a, const doc::Place& b) {
  return a.source == b.source && a.line == b.line && a.column == b.column && a.length == b.length;
}
// With the place of every value and key.
bool same(const doc::Value& a, const doc::Value& b) {
  if (!same(a.place, b.place)) return false;
  if (a.is_array() && b.is_array()) {
    const doc::Array &x = a.as_array(), &y = b.as_array();
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [](const doc::Value& one, const doc::Value& other) { return same(one, other); });
  }
  if (a.is_object() && b.is_object()) {
    const doc::Object &x = a.as_object(), &y = b.as_object();
    return std::equal(
        x.begin(), x.end(), y.begin(), y.end(), [](const doc::Member& one, const doc::Member& other) {
          return one.key == other.key && same(one.key_place, other.key_place) && same(one.value, other.value);
        });
  }
  return a == b;
}

// Whether the plain reader took the text. If it did, the careful one must have read the same.
bool reads_plainly(std::string_view json, const doc::Limits& limits = {}) {
  const auto source = std::make_shared<const doc::Source>(doc::Source{"f", std::string(json)});
  const auto plain = doc::detail::read_plain_json(source, limits);
  if (!plain) return false;
  CAPTURE(json);
  REQUIRE(json.find('\0') == std::string_view::npos);
  const auto careful = doc::detail::read_careful_json(source, limits);
  REQUIRE(careful);
  CHECK(same(*plain, *careful));
  return true;
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

TEST_CASE("texts as machines write them are read plainly, all others carefully, and both read alike") {
  for (const char* json :
       {"null", " [ 1 , 2.5 , -3e2 ,true,false,null,\"x\" ] \r\n", "{\"b\":{\"c\":[]},\n \"a\":{}}\n",
        "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"", "\"\xC3\xA9\xF0\x9F\x98\x80\x7F\"", "9223372036854775807",
        "-9223372036854775808", "-0", "-0.0", "0e0", "1e20", "0.1", "5e-324", "2.2250738585072011e-308",
        "1.7976931348623157e308", "9007199254740993.0", "123456789012345678901234567890.5"}) {
    CAPTURE(json);
    CHECK(reads_plainly(json));
  }
  for (const char* json : {"",
                           "\"\\u0041\"",
                           "9223372036854775808",
                           "1e400",
                           "{\"a\":1,\"a\":2}",
                           "[1,]",
                           "{\"a\":1,}",
                           "[01]",
                           "1.",
                           ".5",
                           "+1",
                           "-",
                           "1e",
                           "nul",
                           "nulL",
                           "truex",
                           "{} {}",
                           "[1 2]",
                           "\"a\tb\"",
                           "\"a",
                           "\"a\\",
                           "{\"a\"}",
                           "{a:1}",
                           "[",
                           "\xEF\xBB\xBF{}",
                           "\v1",
                           "1,"}) {
    CAPTURE(json);
    CHECK_FALSE(reads_plainly(json));
  }
  doc::Limits limits;
  limits.max_depth = 2;
  limits.max_nodes = 3;
  CHECK(reads_plainly("[[1]]", limits));
  CHECK(reads_plainly("[[],[]]", limits));
  CHECK_FALSE(reads_plainly("[[[]]]", limits));
  CHECK_FALSE(reads_plainly("[1,2,3]", limits));
  limits = {};
  limits.max_depth = limits.max_nodes = 1'000'000;
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(reads_plainly(nested(1000), limits));
  CHECK_FALSE(reads_plainly(nested(1001), limits));
}

TEST_CASE("whatever the bytes, what is read plainly is what is read carefully") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  const std::vector<std::string> parts = {
      "{",    "}", "[",  "]",    ",",  ":",   "\"a\"", "\"b\"",   "1", "-2.5", "1e9", "0",        "true",
      "null", " ", "\n", "\r\n", "\"", "\\n", "\\\"",  "\\u0041", "e", ".",    "-",   "\xC3\xA9", "false"};
  const std::vector<std::string> whole = {
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.5,"3"]}]}})",
      "{\n  \"a\" : [ 10, {\"k\\\"\" : \"v,:\\\\\" } ] ,\n\t\"b\":true}\n",
      R"([[],{},[0,-1,2.25,1e-7,"x"],{"a":{"b":{"c":null}}},false])"};
  int plain = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string json;
    if (round % 2 == 0) {
      for (std::size_t left = 1 + below(12); left > 0; --left) json += parts[below(parts.size())];
    } else {
      json = whole[below(whole.size())];
      for (std::size_t left = below(3); left > 0; --left)
        json.replace(below(json.size()), below(3), parts[below(parts.size())]);
    }
    if (is_valid_utf8(json) && reads_plainly(json)) ++plain;
  }
  CHECK(plain > 1000);
}
