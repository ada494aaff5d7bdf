#include "gate/kayenta.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/text.hpp"
#include "gate/kayenta_math.hpp"

namespace tranche::gate {

namespace {

using Samples = std::vector<double>;
constexpr double not_tested = std::numeric_limits<double>::quiet_NaN();

Samples without_gaps(const Samples& given, KayentaMetric::Missing missing) {
  Samples out;
  for (const double sample : given) {
    if (std::isfinite(sample))
      out.push_back(sample);
    else if (missing == KayentaMetric::Missing::replace)
      out.push_back(0);
  }
  return out;
}

// Fences at `factor` interquartile ranges, never inside the middle 98%. `slack`: beyond a fence by rounding.
// Samples so large that a fence overflows are all kept. A small factor may leave none of two.
Samples without_outliers(const Samples& samples, double factor, double slack) {
  if (samples.empty()) return samples;
  const double q1 = percentile(samples, 25), q3 = percentile(samples, 75);
  const double low = std::min(percentile(samples, 1), q1 - factor * (q3 - q1)) - slack;
  const double high = std::max(percentile(samples, 99), q3 + factor * (q3 - q1)) + slack;
  if (!std::isfinite(low) || !std::isfinite(high)) return samples;
  Samples out;
  for (const double sample : samples)
    if (sample >= low && sample <= high) out.push_back(sample);
  return out;
}

bool all_equal(const Samples& samples) {
  return std::all_of(samples.begin(), samples.end(),
                     [&](double sample) { return sample == samples.front(); });
}

// Where both samples are constant Kayenta adds normal noise of a 1e-5th of the value, drawn anew each time,
// to break the ties. Here it is the normal quantiles in order, so that an answer can be given twice.
void add_noise(Samples& constant) {
  const double spread = std::abs(constant.front()) * 1e-5;
  const double n = static_cast<double>(constant.size());
  for (std::size_t i = 0; i < constant.size(); ++i)
    constant[i] += spread * normal_quantile((static_cast<double>(i) + 1) / (n + 1.5));
}

double largest(const Samples& samples) {
  double out = 0;
  for (const double sample : samples) out = std::max(out, std::abs(sample));
  return out;
}

double mean_ratio(const Samples& canary, const Samples& control, double zero) {
  const double x = mean(canary), y = mean(control);
  return std::abs(x) <= zero || std::abs(y) <= zero ? not_tested : x / y;
}

std::string_view describe(KayentaClass classification) {
  return classification == KayentaClass::high ? "above" : "below";
}

// One metric whose arms both have samples that differ.
struct Comparer {
  const KayentaMetric& metric;
  const KayentaTest& test;
  // unit-safe: what rounding may change when every sample is multiplied by a constant.
  double rounding = 0;

  [[nodiscard]] double neutral() const { return metric.effect == KayentaMetric::Effect::cles ? 0.5 : 1; }
  [[nodiscard]] double slack_of(double bound) const { return test.unit_safe ? 1e-9 * std::abs(bound) : 0; }
  [[nodiscard]] bool rises(double effect, const std::optional<double>& least) const {
    const double bound = least.value_or(neutral());
    return std::isnan(effect) || effect >= bound - slack_of(bound);
  }
  [[nodiscard]] bool drops(double effect, const std::optional<double>& most) const {
    const double bound = most.value_or(neutral());
    return std::isnan(effect) || effect <= bound + slack_of(bound);
  }

  void run(Samples canary, Samples control, KayentaMetricResult& out) const {
    if (!test.unit_safe && all_equal(canary) && all_equal(control)) {
      add_noise(canary);
      add_noise(control);
    }
    out.effect = metric.effect == KayentaMetric::Effect::cles ? common_language_effect(canary, control)
                                                              : mean_ratio(canary, control, rounding);
    const Shift shift(canary, control);
    const std::optional<ShiftInterval> interval =
        test.unit_safe ? exact_interval(shift, test.confidence) : published_interval(shift, test.confidence);
    if (!interval) {
      out.classification = KayentaClass::error;
      out.reason = "all observations are tied: no confidence interval";
      return;
    }
    out.estimate = interval->estimate;
    out.lower = interval->lower;
    out.upper = interval->upper;
    const double slack =
        test.unit_safe
            ? rounding + 1e-9 * std::max({std::abs(out.lower), std::abs(out.upper), std::abs(out.estimate)})
            : 0;
    const double bound = test.tolerance * std::abs(interval->estimate) + slack;
    using Direction = KayentaMetric::Direction;
    if (metric.direction != Direction::decrease && interval->lower > bound &&
        rises(out.effect, metric.allowed_increase)) {
      out.classification = KayentaClass::high;
      out.critical = metric.critical && rises(out.effect, metric.critical_increase);
    } else if (metric.direction != Direction::increase && interval->upper < -bound &&
               drops(out.effect, metric.allowed_decrease)) {
      out.classification = KayentaClass::low;
      out.critical = metric.critical && drops(out.effect, metric.critical_decrease);
    } else {
      out.classification = KayentaClass::pass;
      return;
    }
    out.reason = fmt::format("canary is {} control by {:.4g} ({:.4g} to {:.4g})",
                             describe(out.classification), out.estimate, out.lower, out.upper);
  }
};

bool counts_as_tested(KayentaClass classification) {
  return classification == KayentaClass::pass || classification == KayentaClass::high ||
         classification == KayentaClass::low || classification == KayentaClass::nodata_fail_metric;
}

// Kayenta rounds halves up at the second decimal.
double round_score(double score) { return std::floor(score * 100 + 0.5) / 100; }

std::vector<KayentaGroupScore> score_groups(const KayentaConfig& config,
                                            const std::vector<KayentaMetricResult>& results) {
  struct Count {
    double passed = 0, tested = 0;
  };
  std::map<std::string, Count> counts;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].muted) continue;
    for (const std::string& group : config.metrics[i].groups) {
      Count& count = counts[group];
      if (counts_as_tested(results[i].classification)) ++count.tested;
      if (results[i].classification == KayentaClass::pass) ++count.passed;
    }
  }
  double given = 0, without = 0;
  for (const auto& [group, weight] : config.weights) given += weight;
  for (const auto& [group, count] : counts)
    if (!config.weights.contains(group)) ++without;
  std::vector<KayentaGroupScore> out;
  for (const auto& [group, count] : counts) {
    const auto weight = config.weights.find(group);
    out.push_back({group, count.tested > 0 ? 100 * count.passed / count.tested : 0,
                   weight != config.weights.end() ? weight->second : (100 - given) / without,
                   count.tested == 0});
  }
  return out;
}

std::unexpected<Error> bad(std::string hint, std::string message) {
  return fail_hint(ErrorKind::invalid, std::move(hint), "{}", message);
}

Result<> check_metric(const KayentaMetric& metric) {
  const std::string name = printable(metric.name, 64);
  if (metric.name.empty()) return bad("give each metric a name", "a metric of the canary judge has no name");
  if (metric.groups.empty())
    return bad("remove the key: the group is then 'metrics'",
               fmt::format("metric '{}' is in no group", name));
  if (!(metric.outlier_factor > 0 && metric.outlier_factor <= 1'000))
    return bad("3 is usual", fmt::format("outlier-factor of metric '{}' is {}", name, metric.outlier_factor));
  for (const auto& effect :
       {metric.allowed_increase, metric.allowed_decrease, metric.critical_increase, metric.critical_decrease})
    if (effect && !(*effect >= 0 && *effect <= 1e6))
      return bad("a ratio such as 1.1, or for cles a chance from 0 to 1",
                 fmt::format("an effect size of metric '{}' is {}", name, *effect));
  return {};
}

}  // namespace

Result<> check(const KayentaConfig& config) {
  if (config.metrics.empty())
    return bad("list at least one under `metrics:`", "the canary judge has no metrics");
  std::set<std::string> names, groups;
  for (const KayentaMetric& metric : config.metrics) {
    TRY(check_metric(metric));
    if (!names.insert(metric.name).second)
      return bad("give each metric a name of its own",
                 fmt::format("two metrics are named '{}'", printable(metric.name, 64)));
    groups.insert(metric.groups.begin(), metric.groups.end());
  }
  double sum = 0;
  bool all = true;
  for (const std::string& group : groups) all = all && config.weights.contains(group);
  for (const auto& [group, weight] : config.weights) {
    if (!groups.contains(group))
      return bad("name a group that a metric is in",
                 fmt::format("a weight is given to group '{}', which no metric is in", printable(group, 64)));
    if (!(weight >= 0 && weight <= 100))
      return bad("0 to 100 percent",
                 fmt::format("the weight of group '{}' is {}", printable(group, 64), weight));
    sum += weight;
  }
  if (sum > 100 + 1e-9 || (all && std::abs(sum - 100) > 1e-9))
    return bad("make the weights add up to 100; groups without a weight share what is left",
               fmt::format("the weights of the groups add up to {:.6g}", sum));
  if (!(config.pass >= 0 && config.pass <= 100 && config.marginal >= 0 && config.marginal <= config.pass))
    return bad("0 <= marginal <= pass <= 100; 75 and 95 are usual",
               fmt::format("pass is {} and marginal {}", config.pass, config.marginal));
  if (config.points < 1 || config.points > most_kayenta_samples)
    return bad("11 is the default, 50 is what Kayenta's guide recommends",
               fmt::format("points is {}", config.points));
  return {};
}

std::string_view to_text(KayentaClass classification) {
  constexpr std::string_view words[] = {"Pass", "High", "Low", "Nodata", "NodataFailMetric", "Error"};
  return words[static_cast<std::size_t>(classification)];
}

KayentaMetricResult classify(const KayentaMetric& metric, const KayentaSeries& series,
                             const KayentaTest& test) {
  KayentaMetricResult out;
  out.name = metric.name;
  out.muted = metric.muted;
  out.effect = out.estimate = out.lower = out.upper = not_tested;
  Samples canary = without_gaps(series.canary, metric.missing);
  Samples control = without_gaps(series.control, metric.missing);
  const double rounding = test.unit_safe ? 1e-12 * std::max(largest(canary), largest(control)) : 0;
  if (metric.remove_outliers) {
    canary = without_outliers(canary, metric.outlier_factor, rounding);
    control = without_outliers(control, metric.outlier_factor, rounding);
  }
  out.canary_points = canary.size();
  out.control_points = control.size();
  if (canary.empty() || control.empty()) {
    if (metric.missing == KayentaMetric::Missing::replace) {
      out.classification = KayentaClass::pass;
      return out;
    }
    out.reason = "missing data";
    const bool fails = metric.must_have_data && !metric.critical;
    out.classification = fails ? KayentaClass::nodata_fail_metric : KayentaClass::nodata;
    out.critical = metric.critical;
    return out;
  }
  std::sort(canary.begin(), canary.end());
  std::sort(control.begin(), control.end());
  const bool one_value = canary.front() == control.front() && all_equal(canary) && all_equal(control);
  if (canary == control || one_value) {
    out.classification = KayentaClass::pass;
    out.effect = 1;
    return out;
  }
  Comparer{metric, test, rounding}.run(std::move(canary), std::move(control), out);
  return out;
}

namespace {

struct Judging {
  const KayentaConfig& config;
  KayentaResult& out;
  const KayentaMetricResult* critical = nullptr;
  const KayentaMetricResult* hollow = nullptr;  // no samples in an arm
  const KayentaMetricResult* untested = nullptr;
  const KayentaMetricResult* few = nullptr;
  std::size_t counted = 0, missing = 0, with_samples = 0;
  std::vector<std::string> failures;

  void look_at(const KayentaMetricResult& metric) {
    if (metric.muted) return;
    ++counted;
    const bool empty = metric.canary_points == 0 || metric.control_points == 0;
    if (metric.canary_points + metric.control_points > 0) ++with_samples;
    if (metric.classification == KayentaClass::nodata) ++missing;
    if (metric.classification == KayentaClass::error && !untested) untested = &metric;
    if (empty && !hollow) hollow = &metric;
    if (!empty && std::min(metric.canary_points, metric.control_points) < config.points && !few)
      few = &metric;
    // What failed by its samples goes before what has none.
    if (metric.critical && (!critical || critical->classification == KayentaClass::nodata))
      critical = &metric;
    if (metric.classification == KayentaClass::high || metric.classification == KayentaClass::low ||
        metric.classification == KayentaClass::nodata_fail_metric)
      failures.push_back(fmt::format("{} {}: {}", printable(metric.name, 64), to_text(metric.classification),
                                     metric.reason));
  }

  void score() {
    out.groups = score_groups(config, out.metrics);
    out.score = 0;
    if (critical != nullptr || 2 * missing >= counted) return;
    double sum = 0;
    for (const KayentaGroupScore& group : out.groups)
      sum += (group.no_data ? 100 : group.score) * (group.weight / 100);
    out.score = round_score(sum);
  }

  void decide(Verdict verdict, std::string why) {
    out.verdict = verdict;
    out.explanation = fmt::format("score {:.6g} (pass at {:.6g}, marginal at {:.6g}){}{}{}{}", out.score,
                                  config.pass, config.marginal, why.empty() ? "" : ": ", why,
                                  failures.empty() ? "" : "; ", join(failures, "; "));
  }

  // Least samples first: before there are enough nobody is blamed. Then a failure, which missing data of
  // another metric cannot excuse. A pass comes last, when nothing is missing.
  void verdict() {
    const auto arm = [](const KayentaMetricResult& metric) {
      return metric.canary_points == 0 ? "canary" : "control";
    };
    if (counted == 0) return decide(Verdict::no_data, "every metric is muted");
    if (with_samples == 0) return decide(Verdict::no_data, "no metric has samples");
    if (few)
      return decide(
          Verdict::inconclusive,
          fmt::format("metric '{}' has {} canary and {} control samples, and {} are needed",
                      printable(few->name, 64), few->canary_points, few->control_points, config.points));
    const bool blamed = critical != nullptr && critical->classification != KayentaClass::nodata;
    if (!blamed && (2 * missing >= counted || critical != nullptr))
      return decide(Verdict::no_data, fmt::format("{} of {} metrics have no data", missing, counted));
    if (blamed)
      return decide(Verdict::fail, fmt::format("critical metric '{}' failed", printable(critical->name, 64)));
    if (out.score < config.marginal) return decide(Verdict::fail, "");
    if (untested)
      return decide(Verdict::inconclusive, fmt::format("metric '{}' could not be tested: {}",
                                                       printable(untested->name, 64), untested->reason));
    if (out.score < config.pass) return decide(Verdict::inconclusive, "");
    if (hollow)
      return decide(Verdict::no_data, fmt::format("metric '{}' has no samples of {}",
                                                  printable(hollow->name, 64), arm(*hollow)));
    decide(Verdict::pass, "");
  }
};

}  // namespace

Result<KayentaResult> judge(const KayentaConfig& config,
                            const std::map<std::string, KayentaSeries>& by_metric) {
  TRY(check(config));
  static const KayentaSeries nothing;
  KayentaResult out;
  for (const KayentaMetric& metric : config.metrics) {
    const auto found = by_metric.find(metric.name);
    const KayentaSeries& series = found == by_metric.end() ? nothing : found->second;
    if (std::max(series.canary.size(), series.control.size()) > most_kayenta_samples)
      return fail_hint(ErrorKind::invalid, "make `step` longer or `lookback` shorter",
                       "metric '{}' has more than {} samples", printable(metric.name, 64),
                       most_kayenta_samples);
    out.metrics.push_back(classify(metric, series, {.unit_safe = config.unit_safe}));
  }
  Judging judging{config, out};
  for (const KayentaMetricResult& metric : out.metrics) judging.look_at(metric);
  judging.score();
  judging.verdict();
  return out;
}

doc::Value to_value(const KayentaResult& result) {
  doc::Array metrics, groups;
  for (const KayentaMetricResult& metric : result.metrics) {
    doc::Value one = doc::Value::object(
        {{"name", metric.name}, {"classification", std::string(to_text(metric.classification))}});
    if (metric.muted) one.set("muted", true);
    if (metric.critical) one.set("critical", true);
    if (!metric.reason.empty()) one.set("reason", metric.reason);
    for (const auto& [key, number] :
         {std::pair("effect", metric.effect), std::pair("estimate", metric.estimate),
          std::pair("lower", metric.lower), std::pair("upper", metric.upper)})
      if (std::isfinite(number)) one.set(key, number);
    one.set("canary-points", static_cast<std::int64_t>(metric.canary_points));
    one.set("control-points", static_cast<std::int64_t>(metric.control_points));
    metrics.push_back(std::move(one));
  }
  for (const KayentaGroupScore& group : result.groups)
    groups.push_back(doc::Value::object({{"name", group.name},
                                         {"score", group.score},
                                         {"weight", group.weight},
                                         {"no-data", group.no_data}}));
  doc::Value out = doc::Value::object({{"verdict", std::string(to_text(result.verdict))},
                                       {"score", result.score},
                                       {"explanation", result.explanation}});
  out.set("metrics", doc::Value(std::move(metrics)));
  out.set("groups", doc::Value(std::move(groups)));
  return out;
}

}  // namespace tranche::gate
