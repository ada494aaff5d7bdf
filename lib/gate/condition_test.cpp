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

doc::Value answer(const std::vector<double>& results, bool scalar) {
  return result_of({true, results, scalar, {}, {}});
}
Result<Truth> ask(const char* text, const char* json, bool strict = false) {
  const Condition condition = TRY(Condition::compile(text));
  return condition.evaluate(TRY(doc::parse_json(json)), strict);
}
}  // namespace

TEST_CASE("a condition is evaluated as Argo's expression language does") {
  struct Row {
    const char* text;
    std::vector<double> results;
    bool scalar;
    int want;  // 1, 0, -1: an error measurement, 2: unknown
  };
  const std::vector<Row> rows{
      {"result < 2.5", {2.4}, true, 1},
      {"result < 2.5", {2.5}, true, 0},
      {"result<=2.5", {2.5}, true, 1},
      {"result < 2.5", {2.4}, false, 1},  // a list of one is taken as its value
      {"result < 2.5", {2.4, 2.4}, false, -1},
      {"result < 2.5", {}, false, 2},
      {"result[0] < 2.5", {2.4}, false, 1},
      {"result[0] < 2.5", {2.4}, true, -1},
      {"result[1] < 2.5", {2.4}, false, -1},
      {"result[0] >= 0.99 && !isNaN(result[0])", {1}, false, 1},
      {"result[0] >= 0.99", {nan_value}, false, 2},
      {"result[0] < 5 || true", {nan_value}, false, 1},
      {"!(result[0] > 5)", {nan_value}, false, 2},
      {"all(result, # < 5)", {nan_value, 1}, false, 2},
      {"all(result, # < 5)", {nan_value, 9}, false, 0},
      {"none(result, # > 5)", {nan_value, 1}, false, 2},
      {"any(result, # > 5)", {nan_value, 9}, false, 1},
      {"one(result, # > 5)", {nan_value, 9}, false, 2},
      {"all(filter(result, !isNaN(#)), # < 5)", {nan_value, 1}, false, 1},
      {"all(filter(result, !isNaN(#)), # < 5)", {nan_value, nan_value}, false, 2},
      {"mean(result) < 5", {nan_value, 1}, false, 2},
      {"max(result) < 5", {1, nan_value}, false, 2},
      {"len(filter(result, # > 5)) < 3", {1, nan_value}, false, 2},
      {"result[0] > 1 ? true : false", {nan_value}, false, 2},
      {"isNaN(result[0]) || len(result) > 3", {}, false, 2},
      {"result[0] >= 0.99 && !isNaN(result[0])", {nan_value}, false, 0},
      {"isNaN(result[0]) || result[0] < 1", {nan_value}, false, 1},
      {"len(result) > 0 and all(result, # < 1)", {0.1, 0.9}, false, 1},
      {"len(result) > 0 and all(result, # < 1)", {0.1, 1}, false, 0},
      {"len(result) > 0 and all(result, # < 1)", {}, false, 0},
      {"all(result, {# < 1})", {0.5}, false, 1},
      {"all(result, # < 1)", {}, false, 2},
      {"none(result, # < 1)", {}, false, 2},
      {"any(result, # < 1)", {}, false, 2},
      {"result[0] < 1", {}, false, 2},
      {"sum(result) < 1", {}, false, 2},
      {"mean(result) < 1", {}, false, 2},
      {"first(result) < 1", {}, false, 2},
      {"isNil(result)", {}, false, 1},
      {"isNil(result)", {1}, false, 0},
      {"(result ?? 3) == 3", {}, false, 1},
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
      {"asInt(result) == 2", {nan_value}, true, 2},
      {"asInt(result) == 2", {infinite}, true, -1},
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
      {"1 < result < 4", {3}, true, 1},
      {"1 < result < 3", {3}, true, 0},
      {"1 < result <= 3 < 4 == true", {3}, true, 1},
      {"result in [1, 2, 3]", {3}, true, 1},
      {"result not in [1, 2, 3]", {3}, true, 0},
      {"3 in result && 4 not in result", {3, 5}, false, 1},
      {"result in 1..3", {3}, true, 1},
      {"result[-1] == 2", {1, 2}, false, 1},
      {"len(result[1:]) == 1 && result[:1] == [1]", {1, 2}, false, 1},
      {"result > 2 ? result < 5 : false", {3}, true, 1},
      {"true ? false : true ? true : true", {3}, true, 0},
      {"-2 ** 2 == -4 && 2 ** 3 ** 2 == 512 && 2 ^ -1 == 0.5", {3}, true, 1},
      {"7 % 4 == result && 10 / 4 == 2.5 && 1_000 == 0x3e8", {3}, true, 1},
      {"1 + 2 in [3] and 2 * 3 .. 7 == [6, 7]", {3}, true, 1},
      {"result ** 0.5 == 3", {9}, true, 1},
      {"result ** 0.3 < 3", {9}, true, -1},
      {"5 % 0 == result", {9}, true, -1},
      {"one(result, # == 2) && count(result, # > 1) == 2", {1, 2, 3}, false, 1},
      {"filter(result, {# > 1}) == [2, 3]", {1, 2, 3}, false, 1},
      {"map(result, # * 2) == [2, 4, 6] and sum(result, # + #index) == 9", {1, 2, 3}, false, 1},
      {"find(result, # > 1) == 2 && findIndex(result, # > 1) == 1", {1, 2, 3}, false, 1},
      {"find(result, # > 9) == nil", {1, 2, 3}, false, 1},
      {"all(result, any([1, 2, 3], {# == 3}) && # > 0)", {1, 2, 3}, false, 1},
      {"min(result) == 1 && max(result) == 3 && max(1, result[1]) == 2", {1, 2, 3}, false, 1},
      {"mean(result) == 2 && median(result) == 2 && sum(result) == 6", {1, 2, 3}, false, 1},
      {"median([1, 2]) == 1.5 && median([5, 1, 3]) == 3", {1}, false, 1},
      {"abs(-2) == 2 && ceil(1.2) == 2 && floor(-1.2) == -2 && round(2.5) == 3", {1}, true, 1},
      {"first(result) == 1 && last(result) == 3", {1, 2, 3}, false, 1},
      {"'b' > \"a\" && 'it' + \"s\" == `its` && len('\\u00e9') == 1", {1}, true, 1},
      {"result == 3 // the answer\n && /* so */ true", {3}, true, 1},
      {"9223372036854775807 + 1 > 0", {3}, true, 1},
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
    const auto got = compiled->evaluate(answer(row.results, row.scalar));
    CHECK(got.has_value() == (row.want >= 0));
    if (got && row.want >= 0)
      CHECK(*got == (row.want == 2 ? Truth::unknown : row.want == 1 ? Truth::yes : Truth::no));
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
      {"1 + 1", 3, "expected bool, but got a number"},
      {"'yes'", 1, "expected bool, but got a string"},
      {"[1]", 1, "expected bool, but got a list"},
      {"result <", 9, "too early"},
      {"result < 2 result", 12, "not expected"},
      {"result < (2", 12, "')' is missing"},
      {"result[] < 2", 8, "index is missing"},
      {"result[x] < 2", 8, "not known"},
      {"result[1.5] < 2", 8, "whole number"},
      {"result[true] < 2", 8, "whole number"},
      {"result[0 < 2", 13, "']'"},
      {"reslt < 2", 1, "not known"},
      {"isNan(result)", 1, "not known"},
      {"now() > 1", 1, "not known"},
      {"3 && true", 1, "needs a boolean"},
      {"true < 3", 1, "needs a number"},
      {"true == 3", 9, "needs a boolean"},
      {"'a' < 3", 7, "needs a string"},
      {"(result < 3) + 1 > 0", 9, "needs a number"},
      {"[1] < 3", 1, "needs a number"},
      {"!3", 2, "needs a boolean"},
      {"not result > 5", 1, "binds to the value"},
      {"!result[0] == 5", 1, "binds to the value"},
      {"# < 1", 1, "inside all()"},
      {".x < 1", 1, "inside all()"},
      {"all(result, #acc > 1)", 13, "not known"},
      {"all(1, # < 1)", 5, "needs a list"},
      {"all(result, 1)", 13, "needs a boolean"},
      {"all(result)", 11, "','"},
      {"all(result, # > 1, 2)", 20, "takes 2 arguments"},
      {"all(result, {# > 1)", 19, "'}'"},
      {"len(3) > 1", 5, "needs a list"},
      {"default(result) > 1", 15, "','"},
      {"result ?? 0 > 5", 13, "mixed"},
      {"result < 2.5.1", 10, "cannot be read"},
      {"result < 1e999", 10, "cannot be read"},
      {"result < 3x", 10, "cannot be read"},
      {"result < 99999999999999999999", 10, "cannot be read"},
      {"result = 3", 8, "does not belong"},
      {"result == 'a", 11, "does not end"},
      {"result == 'a\\q'", 13, "escape"},
      {"result == '\\ud800'", 12, "escape"},
      {"result > 1 /* x", 12, "does not end"},
      {"result == {a: 1}", 11, "maps cannot be written"},
      {"result matches 'a**'", 16, "bad pattern"},
      {"result matches result", 16, "written out"},
      {"result | len() > 1", 8, "pipe"},
      {"result.a() == 1", 9, "no methods"},
      {"result. == 1", 9, "a name is missing"},
      {"result not 3", 8, "'not' is not expected"},
      {"result < 3 ? true", 18, "':' is missing"},
      {"1 ? true : false", 1, "needs a boolean"},
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
  CHECK_FALSE(Condition{}.evaluate(1).has_value());
}

TEST_CASE("a condition looks into maps and strings") {
  struct Row {
    const char* text;
    const char* json;
    int want;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"result.ok", R"({"ok":true})", 1},
           {"result", "true", 1},
           {"result == true", "true", 1},
           {"result", "1", -1},
           {"result == 'healthy'", R"("healthy")", 1},
           {"result != 'healthy'", R"("healthy")", 0},
           {"result == 'healthy'", "1", -1},
           {"result startsWith 'heal' and result endsWith 'y' && result contains 'lth'", R"("healthy")", 1},
           {"result not contains 'x'", R"("healthy")", 1},
           {"result matches '^h.*y$' && result not matches 'x|z'", R"("healthy")", 1},
           {"result matches '1'", "1", -1},
           {"lower(trim(result)) == 'up' && upper(result) contains 'UP'", R"(" Up ")", 1},
           {"hasPrefix(result, 'a') || hasSuffix(result, 'b')", R"("cb")", 1},
           {"asFloat(result) >= 1.1 && asFloat(result) <= 1.1", R"("1.1")", 1},
           {"asInt(result) == 1", R"("1")", 1},
           {"asInt(result) == 1", R"("1.1")", -1},
           {"asInt(result) == 1", "1.123", 1},
           {"asFloat(result) == 1.1", R"("NotANum")", -1},
           {R"(asFloat(result) == "1.1")", R"("1.1")", -2},
           {"all(result.service_apdex.values.values, {# > 1})",
            R"({"service_apdex":{"label":null,"values":{"values":[2,2]}}})", 1},
           {R"(result["a b"].c[1] == 2)", R"({"a b":{"c":[1,2]}})", 1},
           {"result.a == nil and isNil(result.a)", R"({"b":1})", 1},
           {"result.a.b == 1", R"({"b":1})", -1},
           {"result.a?.b == nil", R"({"b":1})", 1},
           {"(result.a?.b ?? 7) == 7", R"({"b":1})", 1},
           {"default(result.a, 3) == 3", R"({"b":1})", 1},
           {"'b' in result && 'c' not in result", R"({"b":1})", 1},
           {"any(result, .n == 'x' && .v > 1)", R"([{"n":"x","v":2}])", 1},
           {"map(result, .v)[0] == 2", R"([{"n":"x","v":2}])", 1},
           {"keys(result) == ['a','b'] && sum(values(result)) == 3", R"({"a":1,"b":2})", 1},
           {"len(result) == 2", R"({"a":1,"b":2})", 1},
           {"result.Name() == 'hi'", "true", -2},
           {"result.a < 3", R"("text")", -1},
           {"result[0] == 'b'", R"("b")", -1},
           {"result[9] < 3", "[1]", -1},
           {"result < 3", "null", 2},
           {"result == 3", "null", 2},
           {"result == nil", "null", 1},
           {"result.a < 3", "null", 2},
           {"default(result, 0) < 0.05", "null", 1},
           {"default(result, 1) < 0.05", "null", 0},
           {"result in [1]", "null", 2},
           {"result contains 'a'", "null", 2}}) {
    CAPTURE(row.text);
    const auto compiled = Condition::compile(row.text);
    CHECK(compiled.has_value() == (row.want != -2));
    const auto got = ask(row.text, row.json);
    CHECK(got.has_value() == (row.want >= 0));
    if (got && row.want >= 0)
      CHECK(*got == (row.want == 2 ? Truth::unknown : row.want == 1 ? Truth::yes : Truth::no));
    if (!got) CAPTURE(got.error().message);
    if (!got) CHECK(got.error().message.starts_with("column "));
  }
  CHECK(ask("1", "true").error().message.find("expected bool, but got a number") != std::string::npos);
}

TEST_CASE("strict gives Argo's answers, traps included") {
  struct Row {
    const char* text;
    const char* json;
    int want;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"all(result, # < 1)", "[]", 1},
                                  {"none(result, # < 1)", "[]", 1},
                                  {"any(result, # < 1)", "[]", 0},
                                  {"result[0] < 1", "[]", -1},
                                  {"result < 1", "[0]", -1},
                                  {"result < 1", "null", -1},
                                  {"len(result) == 0", "[]", 1},
                                  {"mean(result) == 0", "[]", 1},
                                  // default and isNil look at result, whatever they are given
                                  {"default(1, 0) == 7", "7", 1},
                                  {"default(result[0], 9) < 5", "[]", -1},
                                  {"default(result, 0) < 5", "null", 1},
                                  {"isNil(5)", "null", 1},
                                  {"isNil(nil)", "1", 0},
                                  {"isNil(result)", "[]", 0},
                                  {"2 in result", "[2,2]", 1}}) {
    CAPTURE(row.text);
    const auto got = ask(row.text, row.json, true);
    CHECK(got.has_value() == (row.want >= 0));
    if (got && row.want >= 0) CHECK(*got == (row.want == 1 ? Truth::yes : Truth::no));
  }
  const Condition less = *Condition::compile("result < 5");
  CHECK(*less.evaluate(nan_value, true) == Truth::no);
  CHECK(*less.evaluate(nan_value) == Truth::unknown);
  const Condition most = *Condition::compile("max(result) < 5");
  CHECK(*most.evaluate(doc::Array{3.0, nan_value}, true) == Truth::yes);  // expr-lang keeps the 3
  CHECK(*most.evaluate(doc::Array{nan_value, 3.0}, true) == Truth::no);
}

TEST_CASE("only conditions that ask for it accept an empty answer") {
  for (const char* text : {"len(result) == 0 || result[0] < 1", "default(result, 0) < 1", "isNil(result)",
                           "(result ?? 0) < 1", "result == nil || result < 1", "count(result, # > 1) < 2"})
    CHECK_MESSAGE(Condition::compile(text)->accepts_nothing(), text);
  for (const char* text : {"result < 1", "true", "all(result, # < 1)", "isNaN(result) || result < 1"})
    CHECK_FALSE_MESSAGE(Condition::compile(text)->accepts_nothing(), text);
}

TEST_CASE("the steps of a condition are bounded, however its loops nest") {
  std::string nested = "result[0] > 0";
  for (int i = 0; i < 8; ++i) nested = "all(0..999, " + nested + ")";
  const auto slow = Condition::compile(nested);
  REQUIRE(slow.has_value());
  const auto got = slow->evaluate(doc::Array{1.0});
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().message.find("too many steps") != std::string::npos);
  const auto wide = ask("len(map(0..9999, map(0..9999, result))) > 0", "[1,2,3]");
  REQUIRE_FALSE(wide.has_value());
  CHECK_FALSE(ask("len(0..10000000) > 0", "[1]").has_value());
  CHECK(ask("len(5..1) == 0", "[1]").value() == Truth::yes);
  CHECK_FALSE(ask("-9223372036854775807 .. 9223372036854775807 == [1]", "[1]").has_value());
}

TEST_CASE("no text makes the compiler or the evaluation crash") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<std::string> words{
      "result",      "result[0]", "len(",   "all(result,", "any(",     "#",       ")", "(",
      "<",           "==",        "&&",     "||",          "!",        "not",     "1", ".5",
      "true",        "+",         "-",      "/",           "default(", ",",       "[", "]",
      "{",           "}",         "isNaN(", "asInt(",      "and",      "\xff",    "?", ":",
      "..",          "??",        "in",     "not in",      "'a'",      "**",      "%", "filter(result,",
      "map(result,", "nil",       ".a",     "[1,2]",       "sum(",     "contains"};
  int compiled = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t n = random() % 12; n > 0; --n)
      text += words[random() % words.size()] + (random() % 2 == 0 ? " " : "");
    const auto condition = Condition::compile(text);
    if (!condition) continue;
    ++compiled;
    for (const std::vector<double>& results : {std::vector<double>{}, {1}, {nan_value, 2, 3}})
      for (const bool strict : {false, true})
        (void)condition->evaluate(answer(results, results.size() == 1), strict).has_value();
  }
  CHECK(compiled > 0);
}
