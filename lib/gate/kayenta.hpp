// Kayenta's canary judge, NetflixACAJudge-v1.0, over series of both arms. PURE.
//
// Each metric is classified pass, high or low by a Mann-Whitney confidence interval of the shift between the
// arms and by the size of the effect; groups of metrics make a score from 0 to 100. Scores and
// classifications are as published (reference "gates-and-playbooks" section 3), quirks included: it is valid
// for one look only and misses sporadic errors. What it does with missing data is not: a verdict of pass
// needs samples of both arms in every metric that counts, and a metric that could not be tested is no pass.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "gate/verdict.hpp"

namespace tranche::gate {

struct KayentaMetric {
  std::string name;
  enum class Direction { either, increase, decrease } direction = Direction::either;  // which shift is bad
  enum class Missing { remove, replace } missing = Missing::remove;  // NaN: taken out, or zero
  bool critical = false;                                             // its failure makes the score 0
  bool muted = false;                                                // classified and shown, not scored
  bool must_have_data = false;                                       // no samples count as a failure
  std::vector<std::string> groups{"metrics"};
  bool remove_outliers = false;
  double outlier_factor = 3;  // in interquartile ranges
  enum class Effect { mean_ratio, cles } effect = Effect::mean_ratio;
  // Effects that an increase reaches and a decrease falls to before it counts, and before it is critical.
  // Absent: 1 for mean_ratio, 0.5 for cles: any.
  std::optional<double> allowed_increase, allowed_decrease, critical_increase, critical_decrease;
};

struct KayentaConfig {
  std::vector<KayentaMetric> metrics;
  std::map<std::string, double> weights;  // percent a group; groups without share what is left to 100
  double pass = 95, marginal = 75;        // least scores
  bool unit_safe = false;  // compute the interval without the absolute tolerance, so that units do not matter
  std::size_t points = 11;  // least samples an arm and metric; with fewer the verdict is inconclusive
};
// Errors (invalid): no metrics, two of one name, weights above 100 or of a group that no metric is in,
// marginal above pass, numbers out of range.
Result<> check(const KayentaConfig& config);

struct KayentaSeries {
  std::vector<double> canary, control;  // in any order; NaN: a gap. Infinite values are gaps too.
};
constexpr std::size_t most_kayenta_samples = 100'000;  // an arm and metric

enum class KayentaClass { pass, high, low, nodata, nodata_fail_metric, error };
std::string_view to_text(
    KayentaClass classification);  // Kayenta's words: "Pass" "High" ... "NodataFailMetric"

struct KayentaMetricResult {
  std::string name;
  KayentaClass classification = KayentaClass::nodata;
  bool muted = false;
  bool critical = false;  // the failure makes the score 0
  std::string reason;     // empty for a plain pass
  // NaN where nothing was tested: canary's effect, and the shift canary - control with its 98% interval.
  double effect = 0, estimate = 0, lower = 0, upper = 0;
  std::size_t canary_points = 0, control_points = 0;  // after NaN and outliers
};
struct KayentaGroupScore {
  std::string name;
  double score = 0;      // 0..100
  double weight = 0;     // percent
  bool no_data = false;  // none of its metrics had data: counts as 100
};
struct KayentaResult {
  Verdict verdict = Verdict::no_data;
  double score = 0;  // 0..100, as published
  std::string explanation;
  std::vector<KayentaMetricResult> metrics;  // in the config's order
  std::vector<KayentaGroupScore> groups;     // by name
};
doc::Value to_value(const KayentaResult& result);  // numbers that are NaN are left out

// The test alone; the judge uses these two numbers.
struct KayentaTest {
  double tolerance = 0.25;  // of the estimate: a shift below it is not worth a word
  double confidence = 0.98;
  bool unit_safe = false;
};
KayentaMetricResult classify(const KayentaMetric& metric, const KayentaSeries& series,
                             const KayentaTest& test = {});

// `by_metric`: by name; a metric that is not there has no data. pass: score >= pass; inconclusive: score >=
// marginal, fewer than `points` samples, or a metric that could not be tested; no-data: nothing to judge, or
// a pass that would rest on metrics without data; fail: a score below marginal. Errors (invalid): a bad
// config, too many samples.
Result<KayentaResult> judge(const KayentaConfig& config,
                            const std::map<std::string, KayentaSeries>& by_metric);

}  // namespace tranche::gate
