#include "gate/threshold.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace tranche;
using namespace tranche::gate;

namespace {

Measurement scalar(double value) { return {true, {value}, true, {}}; }
Measurement nothing() { return {}; }
Measurement outage() { return {false, {}, false, "connection refused"}; }

// One letter a measurement: S F I (by the condition pair of `letters`), E an outage, N no data.
ThresholdConfig letters() {
  ThresholdConfig config;
  config.success_condition = "result == 1";
  config.failure_condition = "result == 2";
  return config;
}
Counters count(const std::string& series, const ThresholdConfig& config = letters()) {
  Counters counters;
  for (const char c : series) {
    const Measurement measurement = c == 'S'   ? scalar(1)
                                    : c == 'F' ? scalar(2)
                                    : c == 'I' ? scalar(3)
                                    : c == 'E' ? outage()
                                               : nothing();
    REQUIRE(observe(counters, config, measurement).has_value());
  }
  return counters;
}

}  // namespace

TEST_CASE("a measurement's phase follows Argo's table of conditions") {
  struct Row {
    const char* success;
    const char* failure;
    double value;
    char phase;
  };
  for (const Row& row : std::initializer_list<Row>{{"result < 5", "", 4, 'S'},
                                                   {"result < 5", "", 5, 'F'},
                                                   {"", "result > 8", 9, 'F'},
                                                   {"", "result > 8", 8, 'S'},
                                                   {"result < 5", "result > 8", 4, 'S'},
                                                   {"result < 5", "result > 8", 6, 'I'},
                                                   {"result < 5", "result > 8", 9, 'F'},
                                                   {"result < 9", "result > 5", 7, 'F'},  // failure wins
                                                   {"result[3] < 5", "", 4, 'E'},
                                                   {"result < 5", "result[3] > 5", 4, 'E'}}) {
    CAPTURE(row.success);
    CAPTURE(row.failure);
    ThresholdConfig config;
    config.success_condition = row.success;
    config.failure_condition = row.failure;
    Counters counters;
    REQUIRE(observe(counters, config, scalar(row.value)).has_value());
    CHECK(counters.successful == (row.phase == 'S' ? 1 : 0));
    CHECK(counters.failed == (row.phase == 'F' ? 1 : 0));
    CHECK(counters.inconclusive == (row.phase == 'I' ? 1 : 0));
    CHECK(counters.error == (row.phase == 'E' ? 1 : 0));
    CHECK_FALSE(counters.last.empty());
  }
}

TEST_CASE("a gate without a condition is refused: it would always pass") {
  Counters counters;
  const auto got = observe(counters, {}, scalar(1));
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().kind == ErrorKind::invalid);
  ThresholdConfig config;
  config.success_condition = "result <";
  CHECK_FALSE(observe(counters, config, scalar(1)).has_value());
  config.success_condition = "result < 1";
  config.failure_limit = -2;
  CHECK_FALSE(observe(counters, config, scalar(1)).has_value());
  config.failure_limit = 0;
  config.count = -1;
  CHECK_FALSE(check(config).has_value());
  CHECK(counters == Counters{});
}

TEST_CASE("counters move as Argo's do") {
  const Counters c = count("SSFIEESE");
  CHECK(c.successful == 3);
  CHECK(c.failed == 1);
  CHECK(c.inconclusive == 1);
  CHECK(c.error == 3);
  CHECK(c.consecutive_error == 1);
  CHECK(c.consecutive_success == 0);  // an error breaks a run of successes
  CHECK(count("EES").consecutive_error == 0);
  CHECK(count("EEF").consecutive_error == 0);
  CHECK(count("EEI").consecutive_error == 0);
  CHECK(count("SSS").consecutive_success == 3);
  CHECK(count("SSI").consecutive_success == 0);
}

TEST_CASE("limits are strict, minus one disables, and the count decides in the end") {
  struct Row {
    const char* series;
    std::int64_t count, failure, inconclusive, error;
    Verdict verdict;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", 0, 0, 0, 4, Verdict::no_data},
           {"S", 0, 0, 0, 4, Verdict::pass},
           {"F", 0, 0, 0, 4, Verdict::fail},           // 1 > 0
           {"SF", 0, 1, 0, 4, Verdict::inconclusive},  // 1 > 1 is false; the latest was no success
           {"FS", 0, 1, 0, 4, Verdict::pass},
           {"FSF", 0, 1, 0, 4, Verdict::fail},
           {"FSFS", 0, 1, 0, 4, Verdict::fail},  // stays failed
           {"FFFFS", 0, -1, 0, 4, Verdict::pass},
           {"FFFFF", 5, -1, 0, 4, Verdict::inconclusive},  // never a pass without one success
           {"I", 0, 0, 0, 4, Verdict::inconclusive},
           {"IS", 0, 0, 0, 4, Verdict::inconclusive},  // 1 > 0
           {"IS", 0, 0, 1, 4, Verdict::pass},
           {"IIIS", 0, 0, -1, 4, Verdict::pass},
           {"SS", 3, 0, 0, 4, Verdict::inconclusive},
           {"SSS", 3, 0, 0, 4, Verdict::pass},
           {"SSFS", 3, 1, 0, 4, Verdict::pass},
           {"SFS", 3, 1, 0, 4, Verdict::pass},          // failures count towards the count
           {"SES", 3, 0, 0, 4, Verdict::inconclusive},  // errors do not
           {"SESS", 3, 0, 0, 4, Verdict::pass},
           {"EEEE", 0, 0, 0, 4, Verdict::no_data},   // not yet beyond the limit, and nothing measured
           {"SEEEE", 0, 0, 0, 4, Verdict::no_data},  // never a pass on an error
           {"SEEEEE", 0, 0, 0, 4, Verdict::no_data},
           {"SEEEEES", 0, 0, 0, 4, Verdict::pass},  // an outage is over when it is over
           {"SSSE", 3, 0, 0, 4, Verdict::no_data},
           {"FEEEEE", 0, 0, 0, 4, Verdict::fail},  // a failure does not hide behind an outage
           {"IIF", 0, 0, 0, 4, Verdict::fail},
           {"N", 0, 0, 0, 4, Verdict::no_data},
           {"SN", 0, 0, 0, 4, Verdict::no_data},
           {"SNS", 0, 0, 0, 4, Verdict::pass},
           {"SSN", 3, 0, 0, 4, Verdict::no_data},
           {"SSNS", 3, 0, 0, 4, Verdict::pass},  // no data does not count towards the count
           {"NNNNNNNNNN", 3, 0, 0, 4, Verdict::no_data}}) {
    CAPTURE(row.series);
    ThresholdConfig config = letters();
    config.count = row.count;
    config.failure_limit = row.failure;
    config.inconclusive_limit = row.inconclusive;
    config.consecutive_error_limit = row.error;
    const ThresholdJudgement got = judge(count(row.series, config), config);
    CAPTURE(got.explanation);
    CHECK(to_text(got.verdict) == to_text(row.verdict));
    CHECK_FALSE(got.explanation.empty());
  }
}

TEST_CASE("no data holds, or fails where the gate says so, and never passes") {
  ThresholdConfig config = letters();
  CHECK(count("N", config).failed == 0);
  CHECK(count("SN", config).no_data == 1);
  config.no_data_fails = true;
  CHECK(count("N", config).failed == 1);
  CHECK(judge(count("N", config), config).verdict == Verdict::fail);
  config.failure_limit = 2;
  CHECK(judge(count("SNN", config), config).verdict == Verdict::no_data);
  CHECK(judge(count("SNNN", config), config).verdict == Verdict::fail);
  CHECK(judge(count("SNNS", config), config).verdict == Verdict::pass);
}

TEST_CASE("an answer that is NaN throughout is no data unless the condition asks for NaN") {
  const double nan_value = std::numeric_limits<double>::quiet_NaN();
  ThresholdConfig config;
  config.failure_condition = "result > 5";  // NaN > 5 is false: taken at its word it would pass
  Counters counters;
  REQUIRE(observe(counters, config, scalar(nan_value)).has_value());
  CHECK(judge(counters, config).verdict == Verdict::no_data);
  config.failure_condition.clear();
  config.success_condition = "isNaN(result) || result < 5";
  REQUIRE(observe(counters, config, scalar(nan_value)).has_value());
  CHECK(judge(counters, config).verdict == Verdict::pass);
  config.success_condition = "all(result, # < 5)";
  counters = {};
  REQUIRE(observe(counters, config, {true, {nan_value, 1}, false, {}}).has_value());
  CHECK(counters.failed == 1);
  counters = {};
  REQUIRE(observe(counters, config, {true, {}, false, {}}).has_value());
  CHECK(counters.no_data == 1);
}

TEST_CASE("counters are stored and read back") {
  ThresholdConfig config = letters();
  config.no_data_fails = true;
  const Counters c = count("SSFIEENS", config);
  CHECK(*counters_from_value(*doc::parse_json(doc::to_json(to_value(c)))) == c);
  for (
      const char* text :
      {"{}", "null", "[]",
       R"({"successful":-1,"failed":0,"inconclusive":0,"error":0,"no-data":0,"consecutive-error":0,"consecutive-success":0,"consecutive-no-data":0,"last":""})",
       R"({"successful":1.5,"failed":0,"inconclusive":0,"error":0,"no-data":0,"consecutive-error":0,"consecutive-success":0,"consecutive-no-data":0,"last":""})"})
    CHECK_FALSE_MESSAGE(counters_from_value(*doc::parse_json(text)).has_value(), text);
}

TEST_CASE("verdicts have names") {
  for (const Verdict verdict :
       {Verdict::pass, Verdict::fail, Verdict::suspect, Verdict::inconclusive, Verdict::no_data})
    CHECK(parse_verdict(to_text(verdict)) == verdict);
  CHECK_FALSE(parse_verdict("Pass").has_value());
  CHECK(to_text(Verdict::no_data) == "no-data");
}
