#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "doc/value.hpp"

using namespace tranche;

namespace {

// A random tree of bounded size; whole doubles are left out, since they read back as integers.
doc::Value random_value(std::mt19937_64& random, int depth) {
  const auto pick = [&](std::uint64_t below) { return random() % below; };
  const auto text = [&] {
    static const std::vector<std::string> pieces = {
        "a", "\"", "\\", "\n", "\x01", "\x7F", "/", "\xC3\xA9", "{", "\xEF\xBF\xBF", "\xF0\x9F\x98\x80",
        "0", ": ", "#"};
    std::string out;
    for (std::uint64_t n = pick(6); n > 0; --n) out += pieces[pick(pieces.size())];
    return out;
  };
  switch (pick(depth > 0 ? 7 : 5)) {
    case 0:
      return doc::Value();
    case 1:
      return doc::Value(pick(2) == 0);
    case 2:
      return doc::Value(static_cast<std::int64_t>(random()) >> pick(64));
    case 3: {
      const double value = std::bit_cast<double>(random());
      return std::isfinite(value) && value != std::floor(value) ? doc::Value(value) : doc::Value(0.5);
    }
    case 4:
      return doc::Value(text());
    case 5: {
      doc::Value list = doc::Value::array();
      for (std::uint64_t n = pick(5); n > 0; --n) list.push(random_value(random, depth - 1));
      return list;
    }
    default: {
      doc::Value map = doc::Value::object();
      for (std::uint64_t n = pick(5); n > 0; --n) map.set(text(), random_value(random, depth - 1));
      return map;
    }
  }
}

}  // namespace

TEST_CASE("doubles are written as RFC 8785 appendix B lists them") {
  const std::vector<std::pair<std::uint64_t, const char*>> table = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : table) {
    CAPTURE(text);
    CHECK(doc::canonical_json(doc::Value(std::bit_cast<double>(bits))).value() == text);
  }
}

TEST_CASE("members are sorted by UTF-16 code units, as in RFC 8785 section 3.2.3") {
  const auto value = doc::parse_json(R"({
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis"
  })");
  REQUIRE(value);
  const auto canonical = doc::canonical_json(*value);
  REQUIRE(canonical);
  const auto sorted = doc::parse_json(*canonical);
  REQUIRE(sorted);
  std::vector<std::string> names;
  for (const doc::Member& member : sorted->as_object()) names.push_back(member.value.as_string());
  CHECK(names == std::vector<std::string>{"Carriage Return", "One", "Control",
                                          "Latin Small Letter O With Diaeresis", "Euro Sign",
                                          "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh"});
}

TEST_CASE("keys that are prefixes of each other come shortest first") {
  CHECK(doc::canonical_json(doc::Value::object({{"ab", 1}, {"", 2}, {"a", 3}, {"b", 4}})).value() ==
        R"({"":2,"a":3,"ab":1,"b":4})");
}

TEST_CASE("the example of RFC 8785 section 3.2.2 comes out to the byte") {
  const auto value = doc::parse_json(R"({
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  })");
  REQUIRE(value);
  CHECK(doc::canonical_json(*value).value() ==
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST_CASE("integers are written exactly, those beyond 2^53 too") {
  CHECK(doc::canonical_json(doc::Value(std::numeric_limits<std::int64_t>::max())).value() ==
        "9223372036854775807");
  CHECK(doc::canonical_json(doc::Value(std::numeric_limits<std::int64_t>::min())).value() ==
        "-9223372036854775808");
  CHECK(doc::to_json(doc::Value(std::int64_t{9007199254740993})) == "9007199254740993");
}

TEST_CASE("a whole double is written so that our own reader takes it back") {
  for (const double value :
       {1.0, -0.0, 1e15, 1e18, 9223372036854775808.0, 1e19, -1e20, 1e21, 123456789012345680000.0}) {
    CAPTURE(value);
    const auto again = doc::parse_json(doc::to_json(doc::Value(value)));
    REQUIRE(again);
    CHECK(again->as_double() == value);
  }
  CHECK(doc::to_json(doc::Value(1.5e20)) == "1.5e+20");
  CHECK(doc::canonical_json(doc::Value(1.5e20)).value() == "150000000000000000000");
}

TEST_CASE("what JSON cannot hold is null on one line and a bug in canonical form") {
  for (const double value : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    CHECK(doc::to_json(doc::Value::object({{"a", value}})) == R"({"a":null})");
    const auto canonical = doc::canonical_json(doc::Value::object({{"a", value}}));
    REQUIRE_FALSE(canonical);
    CHECK(canonical.error().kind == ErrorKind::bug);
    CHECK_FALSE(canonical.error().hint.empty());
  }
  CHECK(doc::to_json(doc::Value("a\xFF\xC3")) == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK_FALSE(doc::canonical_json(doc::Value("a\xFF")));
}

TEST_CASE("pretty JSON indents by two and ends with a newline") {
  const auto value = doc::parse_json(R"({"a":[1,{"b":null}],"c":{},"d":[]})");
  REQUIRE(value);
  CHECK(doc::to_json_pretty(*value) ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}\n");
}

TEST_CASE("what is written reads back equal, and canonical form is a fixed point (random trees)") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2'000; ++round) {
    const doc::Value value = random_value(random, 4);
    const std::string json = doc::to_json(value);
    CAPTURE(json);
    const auto from_line = doc::parse_json(json);
    REQUIRE(from_line);
    REQUIRE(*from_line == value);
    const auto from_pretty = doc::parse_json(doc::to_json_pretty(value));
    REQUIRE(from_pretty);
    REQUIRE(*from_pretty == value);
    const auto canonical = doc::canonical_json(value);
    REQUIRE(canonical);
    const auto again = doc::parse_json(*canonical);
    REQUIRE(again);
    REQUIRE(doc::canonical_json(*again).value() == *canonical);
  }
}

TEST_CASE("JSON of printable text is YAML too and means the same (random trees)") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 1'000; ++round) {
    const doc::Value value = random_value(random, 3);
    const std::string json = doc::to_json_pretty(value);
    if (json.find('\x7F') != std::string::npos) continue;  // YAML allows DEL only as an escape
    CAPTURE(json);
    const auto yaml = doc::parse_yaml(json, "f");
    REQUIRE(yaml);
    REQUIRE(*yaml == value);
  }
}
