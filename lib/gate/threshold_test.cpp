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
  ThresholdConfig unlimited = letters();
  unlimited.failure_limit = unlimited.inconclusive_limit = unlimited.consecutive_error_limit = -1;
  const Counters c = count("SSFIEESE", unlimited);
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
           {"SSSE", 3, 0, 0, 4, Verdict::pass},     // complete: what comes later is not asked
           {"FEEEEE", 0, 0, 0, 4, Verdict::fail},   // a failure does not hide behind an outage
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

TEST_CASE("a metric's phase follows Argo's table of limits") {
  struct Row {
    std::int64_t successful, failed, inconclusive, consecutive_error, consecutive_success;
    std::int64_t count, failure, inconclusive_limit, error, success;
    Phase phase;
  };
  for (const Row& row : std::initializer_list<Row>{
           {0, 0, 0, 0, 0, 0, 0, 0, 4, 0, Phase::pending},
           {1, 0, 0, 0, 1, 0, 0, 0, 4, 0, Phase::running},  // no count: until it is ended
           {1, 0, 0, 0, 1, 1, 0, 0, 4, 0, Phase::successful},
           {1, 0, 0, 0, 1, 2, 0, 0, 4, 0, Phase::running},
           {3, 3, 0, 0, 0, 0, 3, 0, 4, 0, Phase::running},  // 3 > 3 is false
           {3, 4, 0, 0, 0, 0, 3, 0, 4, 0, Phase::failed},
           {3, 4, 0, 0, 0, 7, 3, 0, 4, 0, Phase::failed},  // before the count
           {0, 9, 0, 0, 0, 0, -1, 0, 4, 0, Phase::running},
           {0, 9, 0, 0, 0, 9, -1, 0, 4, 0, Phase::successful},
           {3, 0, 4, 0, 0, 0, 0, 3, 4, 0, Phase::inconclusive},
           {3, 0, 3, 0, 0, 6, 0, 3, 4, 0, Phase::successful},
           {0, 0, 0, 4, 0, 0, 0, 0, 4, 0, Phase::running},
           {0, 0, 0, 5, 0, 0, 0, 0, 4, 0, Phase::error},
           {0, 0, 0, 1, 0, 1, 0, 0, 0, 0, Phase::error},
           {0, 0, 0, 9, 0, 1, 0, 0, -1, 0, Phase::running},
           // several at once: the last of failed, inconclusive, error
           {0, 1, 1, 0, 0, 0, 0, 0, 4, 0, Phase::inconclusive},
           {0, 1, 1, 5, 0, 0, 0, 0, 4, 0, Phase::error},
           {0, 1, 0, 5, 0, 0, 0, 0, 4, 0, Phase::error},
           {3, 1, 0, 0, 3, 0, 0, 0, 4, 3, Phase::failed},  // a limit before the successes
           // consecutive successes end it at once
           {3, 1, 0, 0, 3, 0, 1, 0, 4, 3, Phase::successful},
           {3, 1, 0, 0, 2, 0, 1, 0, 4, 3, Phase::running},
           {5, 0, 0, 0, 2, 5, 2, 0, 4, 3, Phase::inconclusive},  // count: neither limit was reached
           {5, 0, 0, 0, 2, 5, -1, 0, 4, 3, Phase::failed},       // count: only successes were asked for
           {5, 0, 0, 0, 3, 5, -1, 0, 4, 3, Phase::successful}}) {
    CAPTURE(row.successful);
    CAPTURE(row.failed);
    CAPTURE(row.count);
    CAPTURE(row.success);
    Counters counters;
    counters.successful = row.successful;
    counters.failed = row.failed;
    counters.inconclusive = row.inconclusive;
    counters.error = counters.consecutive_error = row.consecutive_error;
    counters.consecutive_success = row.consecutive_success;
    ThresholdConfig config = letters();
    config.count = row.count;
    config.failure_limit = row.failure;
    config.inconclusive_limit = row.inconclusive_limit;
    config.consecutive_error_limit = row.error;
    config.consecutive_success_limit = row.success;
    config.strict = true;
    CHECK(to_text(assess(counters, config)) == to_text(row.phase));
    CHECK(is_complete(counters, config) == (row.phase != Phase::pending && row.phase != Phase::running));
    const Verdict verdict = judge(counters, config).verdict;
    if (row.phase == Phase::successful) CHECK(verdict == Verdict::pass);
    if (row.phase == Phase::failed || row.phase == Phase::error) CHECK(verdict == Verdict::fail);
    if (row.phase == Phase::inconclusive) CHECK(verdict == Verdict::inconclusive);
  }
}

TEST_CASE("where Argo's answer is a trap, a gate holds; strict does as Argo") {
  struct Row {
    const char* success;
    const char* failure;
    std::vector<double> values;
    char safe, strict;
  };
  const double nan_value = std::numeric_limits<double>::quiet_NaN();
  for (const Row& row : std::initializer_list<Row>{
           {"all(result, # < 1)", "", {}, 'N', 'S'},  // all of nothing
           {"", "any(result, # > 1)", {}, 'N', 'S'},
           {"result[0] < 1", "", {}, 'N', 'E'},
           {"len(result) > 0 && all(result, # < 1)", "", {}, 'N', 'F'},
           {"len(result) == 0 || result[0] < 1", "", {}, 'S', 'S'},  // says itself what nothing means
           {"", "len(result) == 0", {}, 'F', 'F'},
           {"len(result) > 0", "len(result) > 5", {}, 'N', 'I'},
           {"true", "", {}, 'N', 'S'},
           {"", "result[0] > 5", {nan_value}, 'N', 'S'},  // NaN > 5 is false
           {"!(result[0] > 5)", "", {nan_value}, 'N', 'S'},
           {"result[0] < 5", "", {nan_value}, 'N', 'F'},
           {"result[0] < 5", "", {1}, 'S', 'S'},
           {"result < 5", "", {1}, 'S', 'E'}}) {  // a list of one number
    CAPTURE(row.success);
    CAPTURE(row.failure);
    for (const bool strict : {false, true}) {
      ThresholdConfig config;
      config.success_condition = row.success;
      config.failure_condition = row.failure;
      config.strict = strict;
      Counters counters;
      REQUIRE(observe(counters, config, {!row.values.empty(), row.values, false, {}}).has_value());
      CAPTURE(counters.last);
      const char want = strict ? row.strict : row.safe;
      CHECK(counters.successful == (want == 'S' ? 1 : 0));
      CHECK(counters.failed == (want == 'F' ? 1 : 0));
      CHECK(counters.inconclusive == (want == 'I' ? 1 : 0));
      CHECK(counters.error == (want == 'E' ? 1 : 0));
      CHECK(counters.no_data == (want == 'N' ? 1 : 0));
    }
  }
  ThresholdConfig bare;
  bare.strict = true;  // no condition: Argo says Successful
  Counters counters;
  REQUIRE(observe(counters, bare, scalar(1)).has_value());
  CHECK(counters.successful == 1);
}

TEST_CASE("what is no number is judged as well") {
  ThresholdConfig config;
  config.success_condition = "result.status == 'ok'";
  Counters counters;
  Measurement measurement;
  measurement.answer = *doc::parse_json(R"({"status":"ok"})");
  REQUIRE(observe(counters, config, measurement).has_value());
  CHECK(counters.successful == 1);
  CHECK(counters.last == R"(successful: {"status":"ok"})");
  measurement.answer = doc::Value(nullptr);
  REQUIRE(observe(counters, config, measurement).has_value());
  CHECK(counters.no_data == 1);
}

TEST_CASE("a complete metric takes no further measurement") {
  ThresholdConfig config = letters();
  config.consecutive_success_limit = 2;
  CHECK(count("SSFFF", config).failed == 0);
  CHECK(judge(count("SSFFF", config), config).verdict == Verdict::pass);
  CHECK(judge(count("SESE", config), config).verdict == Verdict::no_data);
  CHECK(judge(count("SES", config), config).verdict == Verdict::inconclusive);
  config.count = 3;
  config.failure_limit = 1;
  CHECK(judge(count("SFS", config), config).verdict == Verdict::inconclusive);
  config.failure_limit = -1;
  CHECK(judge(count("SFS", config), config).verdict == Verdict::fail);
  config = letters();
  CHECK_FALSE(is_complete(count("EEEEEEE", config), config));  // an outage is over when it is over
  config.strict = true;
  CHECK(count("EEEEEEE", config).error == 5);
  CHECK(judge(count("EEEEEEES", config), config).verdict == Verdict::fail);
  CHECK(count("IS", config).successful == 0);
}

TEST_CASE("an error is retried after ten seconds, whatever the interval") {
  CHECK(wait_after(count("S"), std::chrono::minutes(5)) == std::chrono::minutes(5));
  CHECK(wait_after(count("SE"), std::chrono::minutes(5)) == std::chrono::seconds(10));
  CHECK(wait_after(count("E"), std::chrono::seconds(1)) == std::chrono::seconds(10));
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
  REQUIRE(observe(counters, config, {true, {nan_value, 9}, false, {}}).has_value());
  CHECK(counters.failed == 1);
  REQUIRE(observe(counters = {}, config, {true, {nan_value, 1}, false, {}}).has_value());
  CHECK(counters.no_data == 1);
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
