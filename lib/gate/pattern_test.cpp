#include "gate/pattern.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace tranche;
using namespace tranche::gate;

TEST_CASE("a pattern matches as Go's regexp.MatchString does") {
  struct Row {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Row& row : std::initializer_list<Row>{{"a", "latency", true},  // unanchored
                                                   {"^a", "latency", false},
                                                   {"^latency$", "latency", true},
                                                   {"^latency$", "latency-p99", false},
                                                   {".*", "", true},
                                                   {"", "anything", true},
                                                   {"lat.*9$", "latency-p99", true},
                                                   {"err|lat", "latency", true},
                                                   {"^(err|lat)$", "latency", false},
                                                   {"^(?:err|lat)ency$", "latency", true},
                                                   {"p\\d+", "latency-p99", true},
                                                   {"p\\D", "latency-p99", false},
                                                   {"^[a-c]+$", "abcabc", true},
                                                   {"^[^a-c]+$", "xyz", true},
                                                   {"^[^a-c]+$", "xaz", false},
                                                   {"[]a]", "]", true},
                                                   {"[a-]", "-", true},
                                                   {"[\\w.]{3}$", "a.b", true},
                                                   {"^a{2,3}$", "aaaa", false},
                                                   {"^a{2,3}$", "aaa", true},
                                                   {"^a{2,}$", "aaaaa", true},
                                                   {"^a{2}?b$", "aab", true},
                                                   {"a{x", "a{x", true},
                                                   {"a.b", "a\nb", false},
                                                   {"a\\.b", "axb", false},
                                                   {"(a*)*b", "aaab", true},
                                                   {"x*$", "y", true},
                                                   {"é+", "café", true}}) {
    CAPTURE(row.pattern);
    CAPTURE(row.text);
    const auto pattern = Pattern::compile(row.pattern);
    REQUIRE(pattern.has_value());
    CHECK(pattern->matches(row.text) == row.matches);
  }
}

TEST_CASE("what is no pattern, or more than names need, is refused with a hint") {
  for (const char* text :
       {"*", "a**", "(", ")", "(a", "[a", "[z-a]", "[\\d-z]", "\\", "\\b", "\\1", "\\pL", "(?i)a", "(?P<x>a)",
        "a{2,1}", "a{1001}", "(a{1000}){1000}", "[[:alpha:]]", "[é]"}) {
    CAPTURE(text);
    const auto pattern = Pattern::compile(text);
    REQUIRE_FALSE(pattern.has_value());
    CHECK(pattern.error().kind == ErrorKind::invalid);
    CHECK_FALSE(pattern.error().hint.empty());
  }
  CHECK_FALSE(Pattern::compile(std::string(60, '(') + std::string(60, ')')).has_value());
  CHECK_FALSE(Pattern::compile(std::string(1001, 'a')).has_value());
}

TEST_CASE("patterns that make a backtracker explode take linear time") {
  const auto pattern = Pattern::compile("^(a|a)*(a*)*$");
  REQUIRE(pattern.has_value());
  CHECK_FALSE(pattern->matches(std::string(20'000, 'a') + "b"));
}

TEST_CASE("no text makes a pattern crash") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const std::string letters = "ab(){}[]*+?|^$\\.,-2d:";
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::uint64_t n = random() % 14; n > 0; --n) text += letters[random() % letters.size()];
    if (const auto pattern = Pattern::compile(text)) (void)pattern->matches("aab-2d");
  }
}
