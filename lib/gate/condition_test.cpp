#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "gate/threshold.hpp"

using namespace tranche;
using namespace tranche::gate;

namespace {
const double nan_value = std::numeric_limits<double>::quiet_NaN();
const double infinite = std::numeric_limits<double>::infinity();
}  // namespace

TEST_CASE("a condition is evaluated as Argo's expression language does") {
  struct Row {
    const char* text;
    std::vector<double> results;
    bool scalar;
    int want;  // 1, 0, or -1: an error measurement
  };
  const std::vector<Row> rows{
      {"result < 2.5", {2.4}, true, 1},
      {"result < 2.5", {2.5}, true, 0},
      {"result<=2.5", {2.5}, true, 1},
      {"result < 2.5", {2.4}, false, 1},  // a list of one is taken as its value
      {"result < 2.5", {2.4, 2.4}, false, -1},
      {"result < 2.5", {}, false, -1},
      {"result[0] < 2.5", {2.4}, false, 1},
      {"result[0] < 2.5", {2.4}, true, -1},
      {"result[1] < 2.5", {2.4}, false, -1},
      {"result[0] >= 0.99 && !isNaN(result[0])", {1}, false, 1},
      {"result[0] >= 0.99 && !isNaN(result[0])", {nan_value}, false, 0},
      {"isNaN(result[0]) || result[0] < 1", {nan_value}, false, 1},
      {"len(result) > 0 and all(result, # < 1)", {0.1, 0.9}, false, 1},
      {"len(result) > 0 and all(result, # < 1)", {0.1, 1}, false, 0},
      {"len(result) > 0 and all(result, # < 1)", {}, false, 0},
      {"all(result, {# < 1})", {0.5}, false, 1},
      {"all(result, # < 1)", {}, false, -1},
      {"any(result, # > 5)", {1, 9}, false, 1},
      {"any(result, # > 5)", {1, 2}, false, 0},
      {"none(result, # > 5)", {1, 2}, false, 1},
      {"none(result, # > 5)", {1, 9}, false, 0},
      {"all(result, # < 1)", {0.5}, true, -1},
      {"len(result) == 3", {1, 2, 3}, false, 1},
      {"len(result) == 1", {1}, true, -1},
      {"len(result) == 0 || result[0] > 1", {}, false, 1},  // short circuit: no index error
      {"len(result) != 0 && result[0] > 1", {}, false, 0},
      {"isInf(result)", {infinite}, true, 1},
      {"isInf(-result)", {infinite}, true, 1},
      {"isInf(result)", {1}, true, 0},
      {"asInt(result) == 2", {2.9}, true, 1},
      {"asInt(result) == -2", {-2.9}, true, 1},
      {"asInt(result) == 2", {nan_value}, true, -1},
      {"asFloat(result[0]) > 1", {2}, false, 1},
      {"default(result, 0) < 5", {}, false, 1},
      {"default(result, 0) < 5", {7}, true, 0},
      {"default(result[0], 9) < 5", {}, false, 0},
      {"result + 1 * 2 == 5", {3}, true, 1},
      {"(result + 1) * 2 == 8", {3}, true, 1},
      {"result - 1 - 1 == 1", {3}, true, 1},
      {"8 / 2 / 2 == result", {2}, true, 1},
      {"-result < 0", {3}, true, 1},
      {"- -result == +3", {3}, true, 1},
      {"result / 0 > 1e300", {3}, true, 1},
      {"not (result > 5)", {3}, true, 1},
      {"not result > 5", {3}, true, 1},
      {"!(result > 5) && true", {3}, true, 1},
      {"!true == false", {3}, true, 1},
      {"true || false && false", {3}, true, 1},
      {"(true || false) && false", {3}, true, 0},
      {"true == !false", {3}, true, 1},
      {"true", {3}, true, 1},
      {".5 < result and result < 1.5e0", {1}, true, 1},
      {"\n\tresult == 1 ", {1}, true, 1},
      {"result[0] < 2 && result[1] < 3 || result[0] == result[1]", {1, 2}, false, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto compiled = Condition::compile(row.text);
    REQUIRE(compiled.has_value());
    const auto got = compiled->evaluate(row.results, row.scalar);
    CHECK(got.has_value() == (row.want >= 0));
    if (got && row.want >= 0) CHECK(*got == (row.want == 1));
    if (!got) CHECK(got.error().message.find("column ") != std::string::npos);
  }
}

TEST_CASE("a condition that cannot mean anything is refused with its column and a hint") {
  struct Row {
    const char* text;
    int column;
    const char* says;
  };
  const std::vector<Row> rows{
      {"", 1, "empty"},
      {"   ", 1, "empty"},
      {"result", 1, "not a boolean"},
      {"1 + 1", 3, "not a boolean"},
      {"result <", 9, "too early"},
      {"result < 2 result", 12, "not expected"},
      {"result < (2", 12, "')' is missing"},
      {"result[x] < 2", 8, "whole number"},
      {"result[1.5] < 2", 8, "whole number"},
      {"result[-1] < 2", 8, "whole number"},
      {"result[99999999999] < 2", 8, "whole number"},
      {"result[0 < 2", 10, "']'"},
      {"reslt < 2", 1, "not known"},
      {"isNan(result)", 1, "not known"},
      {"1 < result < 3", 12, "do not chain"},
      {"result && true", 1, "needs a boolean"},
      {"true < 3", 1, "needs a number"},
      {"true == 3", 9, "needs a boolean"},
      {"(result < 3) + 1 > 0", 9, "needs a number"},
      {"!result", 2, "needs a boolean"},
      {"# < 1", 1, "inside all()"},
      {"all(result, any(result, # < 1))", 13, "inside all()"},
      {"all(1, # < 1)", 5, "takes result"},
      {"all(result, #)", 13, "needs a boolean"},
      {"all(result)", 11, "','"},
      {"len(3) > 1", 5, "takes result"},
      {"default(result) > 1", 15, "','"},
      {"result < 2.5.1", 10, "cannot be read"},
      {"result < 1e999", 10, "cannot be read"},
      {"result < 3x", 10, "cannot be read"},
      {"result = 3", 8, "does not belong"},
      {"result < \"3\"", 10, "does not belong"},
      {"result < 3 ? true : false", 12, "does not belong"},
      {"result < 3; true", 11, "does not belong"},
      {"result < 3 &", 12, "does not belong"},
      {"result \x1b[2J< 3", 8, "\\x1b"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto got = Condition::compile(row.text);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == ErrorKind::invalid);
    CAPTURE(got.error().message);
    CHECK(got.error().message.find(row.says) != std::string::npos);
    CHECK(got.error().message.starts_with("column " + std::to_string(row.column) + ":"));
    CHECK_FALSE(got.error().hint.empty());
  }
  CHECK(Condition::compile("isNan(result)").error().hint.find("isNaN") != std::string::npos);
}

TEST_CASE("size, depth and parts of a condition are bounded") {
  CHECK_FALSE(Condition::compile(std::string(5000, ' ') + "true").has_value());
  CHECK_FALSE(Condition::compile(std::string(100, '(') + "true" + std::string(100, ')')).has_value());
  CHECK(Condition::compile(std::string(30, '(') + "true" + std::string(30, ')')).has_value());
  CHECK_FALSE(Condition::compile(std::string(2000, '!') + "true").has_value());
  CHECK_FALSE(Condition::compile("result < " + std::string(2000, '-') + "1").has_value());
  std::string many = "1";
  for (int i = 0; i < 1000; ++i) many += "+1";
  CHECK_FALSE(Condition::compile(many + " > result").has_value());
  std::string some = "true";
  for (int i = 0; i < 200; ++i) some += "||true";
  CHECK(Condition::compile(some).has_value());
  CHECK_FALSE(Condition{}.evaluate({1}, true).has_value());
}

TEST_CASE("no text makes the compiler or the evaluation crash") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> words{"result", "result[0]", "len(",     "all(result,", "any(", "#",
                                       ")",      "(",         "<",        "==",          "&&",   "||",
                                       "!",      "not",       "1",        ".5",          "true", "+",
                                       "-",      "/",         "default(", ",",           "[",    "]",
                                       "{",      "}",         "isNaN(",   "asInt(",      "and",  "\xff"};
  int compiled = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t n = random() % 12; n > 0; --n)
      text += words[random() % words.size()] + (random() % 2 == 0 ? " " : "");
    const auto condition = Condition::compile(text);
    if (!condition) continue;
    ++compiled;
    for (const std::vector<double>& results : {std::vector<double>{}, {1}, {nan_value, 2, 3}})
      for (const bool scalar : {false, true}) (void)condition->evaluate(results, scalar).has_value();
  }
  CHECK(compiled > 0);
}
