#include <doctest/doctest.h>

#include <string>

#include "doc/value.hpp"

using namespace tranche;
using doc::Value;

TEST_CASE("a value knows its kind and names it for messages") {
  CHECK(Value().kind_name() == "null");
  CHECK(Value(true).kind_name() == "a boolean");
  CHECK(Value(1).kind_name() == "a number");
  CHECK(Value(1.5).kind_name() == "a number");
  CHECK(Value("x").kind_name() == "a string");
  CHECK(Value::array().kind_name() == "a list");
  CHECK(Value::object().kind_name() == "a map");
  CHECK(Value(1).is_int());
  CHECK_FALSE(Value(1.0).is_int());
  CHECK(Value(std::uint64_t{7}).as_int() == 7);
  CHECK(Value(3).as_double() == 3.0);
}

TEST_CASE("set replaces in place, appends otherwise, and erase says whether it found the key") {
  Value map = Value::object({{"a", 1}, {"b", 2}, {"a", 3}});
  CHECK(doc::to_json(map) == R"({"a":3,"b":2})");
  map.set("c", nullptr);
  map.set("a", "x");
  CHECK(doc::to_json(map) == R"({"a":"x","b":2,"c":null})");
  CHECK(map.erase("b"));
  CHECK_FALSE(map.erase("b"));
  CHECK_FALSE(Value(1).erase("b"));
  CHECK(doc::to_json(map) == R"({"a":"x","c":null})");
  CHECK(map.find("nope") == nullptr);
  CHECK(Value::array().find("a") == nullptr);
  Value list = Value::array();
  list.push(1);
  list.push(Value::array());
  CHECK(doc::to_json(list) == "[1,[]]");
}

TEST_CASE("equality is of content, not of places; 1 and 1.0 differ") {
  CHECK(*doc::parse_yaml("\n\na: [1, x]", "f") == *doc::parse_json(R"({"a":[1,"x"]})"));
  CHECK_FALSE(Value(1) == Value(1.0));
  CHECK_FALSE(Value() == Value(false));
  CHECK_FALSE(Value::object({{"a", 1}, {"b", 2}}) == Value::object({{"b", 2}, {"a", 1}}));
}

TEST_CASE("checked access says which member is missing or of the wrong type, and where") {
  const auto map =
      doc::parse_json("{\"s\":\"x\",\n\"i\":7,\"d\":1.5,\"b\":true,\"o\":{},\"l\":[],\"n\":null}", "f");
  REQUIRE(map);
  CHECK(map->text("s").value() == "x");
  CHECK(map->integer("i").value() == 7);
  CHECK(map->number("i").value() == 7.0);
  CHECK(map->number("d").value() == 1.5);
  CHECK(map->boolean("b").value());
  CHECK(map->object_at("o").value()->is_object());
  CHECK(map->array_at("l").value()->is_array());

  const auto missing = map->text("nope", ErrorKind::verification);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::verification);
  CHECK(missing.error().message == "'nope' is missing");
  const auto wrong = map->text("i");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().kind == ErrorKind::invalid);
  CHECK(wrong.error().message == "'i' must be a string, not a number");
  REQUIRE(wrong.error().mark);
  CHECK(wrong.error().mark->line == 2);
  CHECK(wrong.error().mark->column == 5);
  CHECK(map->integer("d").error().message == "'d' must be an integer, not a fraction");
  CHECK(map->boolean("s").error().message == "'s' must be a boolean, not a string");
  CHECK(map->object_at("l").error().message == "'l' must be a map, not a list");
  CHECK(map->array_at("o").error().message == "'o' must be a list, not a map");
  CHECK(Value(1).text("a").error().message == "expected a map with 'a', found a number");
  CHECK_FALSE(Value::object().text("a").error().mark);
}

TEST_CASE("optional access falls back on absent and null, never on a wrong type") {
  const Value map = Value::object({{"n", nullptr}, {"s", "x"}, {"i", 3}});
  CHECK(map.text_or("nope", "d").value() == "d");
  CHECK(map.text_or("n", "d").value() == "d");
  CHECK(map.text_or("s", "d").value() == "x");
  CHECK_FALSE(map.text_or("i", "d"));
  CHECK(map.integer_or("nope", 9).value() == 9);
  CHECK(map.integer_or("i", 9).value() == 3);
  CHECK_FALSE(map.integer_or("s", 9));
  CHECK_FALSE(Value(1).text_or("a", "d"));
}

TEST_CASE("a place becomes a mark with the whole line, and without a source it stays bare") {
  const auto source = std::make_shared<const doc::Source>(doc::Source{"f", "one\r\ntwo"});
  CHECK(doc::to_mark({source, 1, 2, 1}).excerpt == "one");
  CHECK(doc::to_mark({source, 2, 1, 3}).excerpt == "two");
  CHECK(doc::to_mark({source, 9, 1, 1}).excerpt.empty());
  CHECK(doc::to_mark({source, 2, 1, 0}).length == 1);
  CHECK(doc::to_mark({}).file.empty());
}
