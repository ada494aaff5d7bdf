#include "gate/kayenta.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace tranche;
using namespace tranche::gate;

namespace {

using Samples = std::vector<double>;
using Direction = KayentaMetric::Direction;
using Missing = KayentaMetric::Missing;
const double gap = std::nan("");

KayentaMetric metric_named(const std::string& name) {
  KayentaMetric metric;
  metric.name = name;
  return metric;
}

Samples constant(double value, std::size_t n) { return Samples(n, value); }

// Two arms that are alike, far apart, and far apart the other way.
const Samples around_ten{9.8, 10.6, 7.8, 9.3, 8.4, 8.9, 8.3, 9.7, 11.6, 9.3, 8.2, 10.6, 13.5, 11.1, 7.0};
const Samples also_ten{11.1, 10.0, 7.1, 7.3, 9.8, 9.6, 6.2, 12.3, 10.4, 8.6, 9.9, 10.4, 14.2, 10.9, 10.2};
const Samples around_twenty{20.9, 21.8, 19.7, 15.9, 19.5, 19.4, 22.9, 17.2,
                            18.7, 23.4, 24.1, 22.6, 22.0, 21.7, 20.1};

KayentaClass class_of(const Samples& canary, const Samples& control, KayentaMetric metric = {},
                      KayentaTest test = {}) {
  return classify(metric, {canary, control}, test).classification;
}

}  // namespace

// Kayenta's ClassifierSuite: tolerance 0.10 and confidence 0.95 there.
TEST_CASE("a metric is classified as Kayenta's classifier suite has it") {
  const KayentaTest suite{.tolerance = 0.10, .confidence = 0.95};
  const Samples five_high{20, 22, 21, 25, 30}, five_low{1, 2.2, 1.1, 2.5, 3};
  struct Row {
    const char* what;
    Samples canary, control;
    KayentaMetric metric;
    KayentaClass expected;
    bool critical = false;
  };
  const auto with = [](auto change) {
    KayentaMetric metric;
    change(metric);
    return metric;
  };
  const Row rows[] = {
      {"pass", around_ten, also_ten, {}, KayentaClass::pass},
      {"high", around_twenty, also_ten, {}, KayentaClass::high},
      {"low", around_ten, around_twenty, {}, KayentaClass::low},
      {"only an increase counts", around_ten, around_twenty,
       with([](auto& m) { m.direction = Direction::increase; }), KayentaClass::pass},
      {"only a decrease counts", around_twenty, also_ten,
       with([](auto& m) { m.direction = Direction::decrease; }), KayentaClass::pass},
      {"effect above the allowed increase", five_high, five_low,
       with([](auto& m) { m.allowed_increase = 1.2, m.allowed_decrease = 0.8; }), KayentaClass::high},
      {"effect within the allowed decrease",
       {10, 12.2, 10.1, 12.5, 23},
       five_high,
       with([](auto& m) { m.allowed_decrease = 0.5; }),
       KayentaClass::pass},
      {"critical increase", five_high, five_low,
       with([](auto& m) { m.critical = true, m.critical_increase = 1.2; }), KayentaClass::high, true},
      {"critical decrease",
       {2, 2, 2, 2, 3},
       {10, 20.2, 10.1, 20.5, 30},
       with([](auto& m) { m.critical = true, m.critical_decrease = 1.2; }),
       KayentaClass::low,
       true},
      {"high, not critically", five_high, five_low,
       with([](auto& m) { m.critical = true, m.allowed_increase = 5, m.critical_increase = 13; }),
       KayentaClass::high},
      {"below the allowed increase", five_high, five_low,
       with([](auto& m) { m.critical = true, m.allowed_increase = 13, m.critical_increase = 15; }),
       KayentaClass::pass},
      {"critical by default thresholds", five_high, five_low, with([](auto& m) { m.critical = true; }),
       KayentaClass::high, true},
      {"all observations tied", constant(1, 3), constant(1, 2), {}, KayentaClass::pass},
      {"the same population in another order", {1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {}, KayentaClass::pass},
      {"one zero among ones",
       {0, 1, 1, 1, 1},
       constant(1, 5),
       with([](auto& m) { m.direction = Direction::decrease; }),
       KayentaClass::pass},
      {"most observations tied", {1, 1, 1, 1, 10}, constant(1, 5), {}, KayentaClass::pass},
      {"two constants", constant(10, 5), constant(1, 5), {}, KayentaClass::high},
      {"a constant against zeros", constant(10, 5), constant(0, 5), {}, KayentaClass::high},
      {"zero mean has no effect size: high",
       {54.9, 54.5, 55.1, 55.6, 57.4},
       constant(0, 5),
       with([](auto& m) { m.allowed_increase = 1.2, m.allowed_decrease = 0.8; }),
       KayentaClass::high},
      {"zero mean has no effect size: low",
       constant(0, 5),
       {54.9, 54.5, 55.1, 55.6, 57.4},
       with([](auto& m) { m.allowed_increase = 1.2, m.allowed_decrease = 0.8; }),
       KayentaClass::low},
      {"zero mean and critical",
       {0.05, 0.05, 0.0166, 0.0166, 0.0166, 0.05, 0.0333, 0.05, 0.05, 0.1333},
       constant(0, 10),
       with([](auto& m) {
         m.critical = true, m.critical_increase = 1.2, m.critical_decrease = 0.8,
         m.missing = Missing::replace;
       }),
       KayentaClass::high,
       true},
      {"zeros", constant(0, 5), constant(0, 5), {}, KayentaClass::pass},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const KayentaMetricResult result = classify(row.metric, {row.canary, row.control}, suite);
    CHECK(to_text(result.classification) == to_text(row.expected));
    CHECK(result.critical == row.critical);
  }
  CHECK(std::isnan(classify({}, {{54.9, 54.5}, {0, 0}}, suite).effect));
  CHECK(classify({}, {constant(0, 5), constant(0, 5)}, suite).effect == 1);
}

TEST_CASE("missing data is classified as published: no data, a failed metric, or a pass") {
  struct Row {
    Missing missing;
    bool critical, must_have;
    KayentaClass expected;
    bool fails_critically;
  };
  for (const Row& row : {Row{Missing::remove, false, false, KayentaClass::nodata, false},
                         Row{Missing::remove, true, false, KayentaClass::nodata, true},
                         Row{Missing::remove, false, true, KayentaClass::nodata_fail_metric, false},
                         Row{Missing::remove, true, true, KayentaClass::nodata, true},
                         Row{Missing::replace, true, true, KayentaClass::pass, false}}) {
    KayentaMetric metric = metric_named("m");
    metric.missing = row.missing;
    metric.critical = row.critical;
    metric.must_have_data = row.must_have;
    const KayentaMetricResult result = classify(metric, {{}, {1, 2, 3}});
    CHECK(to_text(result.classification) == to_text(row.expected));
    CHECK(result.critical == row.fails_critically);
  }
  // Gaps are taken out, or are zeros; infinite values are gaps.
  KayentaMetric metric = metric_named("m");
  CHECK(classify(metric, {{gap, 1, INFINITY}, {1, 2}}).canary_points == 1);
  metric.missing = Missing::replace;
  CHECK(classify(metric, {{gap, 1, -INFINITY}, {1, 2}}).canary_points == 3);
}

// Reports of users of Kayenta: each of these passed. They are why the documentation says what the judge
// misses.
TEST_CASE("the published misses are missed here too") {
  KayentaMetric increase = metric_named("errors");
  increase.direction = Direction::increase;
  increase.missing = Missing::replace;
  KayentaMetric effect = metric_named("m");
  effect.allowed_increase = 1.05;
  effect.critical_increase = 1.1;
  const Samples seven_of_ten{100, 100, 100, 100, 100, 100, 100, 1, 1, 1};
  const KayentaMetricResult reported = classify(effect, {seven_of_ten, constant(1, 10)});
  CHECK(reported.classification == KayentaClass::pass);  // spinnaker issue 6278, with what it printed:
  CHECK(reported.lower == doctest::Approx(6.825022991538781e-5).epsilon(1e-6));
  CHECK(reported.upper == doctest::Approx(99.0).epsilon(1e-9));
  CHECK(reported.estimate == doctest::Approx(98.99992904170193).epsilon(1e-9));
  CHECK(reported.effect == doctest::Approx(70.3));
  CHECK(class_of({0, 1, 2, 1, 0, 0}, constant(0, 6)) == KayentaClass::pass);  // kayenta issue 426
  CHECK(class_of({gap, 0.048, gap, 0.18, 0.089, gap, 0.098, 0.035, gap, gap}, Samples(10, gap), increase) ==
        KayentaClass::pass);  // spinnaker issue 5622
  CHECK(class_of({10, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 17, 17.1, 17.2, 17.3, 17.4, 17.5, 17.6, 17.7},
                 {1, 100, 4, 101, 5, 102, 6, 103, 7, 104, 8, 105, 9, 106, 17}) ==
        KayentaClass::pass);  // kayenta issue 780
}

TEST_CASE("outliers are removed only when asked, by fences of interquartile ranges") {
  Samples canary = around_ten;
  canary.push_back(1e6);
  KayentaMetric metric = metric_named("m");
  CHECK(classify(metric, {canary, also_ten}).effect > 1'000);
  metric.remove_outliers = true;
  // Sixteen samples: the middle 98% reach almost to the outlier, as published, so the fence is there.
  CHECK(classify(metric, {canary, also_ten}).effect < 2);
  metric.outlier_factor = 1e3;
  CHECK(classify(metric, {canary, also_ten}).effect < 2);
  // Of two samples a small factor leaves none, and then there is no data.
  metric.outlier_factor = 0.4;
  CHECK(class_of({1, 2}, {3, 4}, metric) == KayentaClass::nodata);
}

TEST_CASE("units matter to the published judge and not to the unit-safe one") {
  // The same samples in other units: the absolute tolerance of 1e-4 swallows the interval of small ones.
  int changed = 0;
  for (const auto& [canary, control] :
       {std::pair(around_twenty, also_ten), std::pair(around_ten, around_twenty),
        std::pair(Samples{20, 22, 21, 25, 30}, Samples{1, 2.2, 1.1, 2.5, 3})})
    for (const double factor : {1e-2, 1e-5, 1e-6, 1e-9, 1e6}) {
      Samples canary_scaled = canary, control_scaled = control;
      for (double& x : canary_scaled) x *= factor;
      for (double& y : control_scaled) y *= factor;
      CAPTURE(factor);
      changed += class_of(canary_scaled, control_scaled) != class_of(canary, control);
      const KayentaTest safe{.unit_safe = true};
      CHECK(class_of(canary_scaled, control_scaled, {}, safe) == class_of(canary, control));
    }
  CHECK(changed > 0);
}

TEST_CASE("no positive constant changes what the unit-safe judge says") {
  constexpr unsigned seed = 4;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  int differ = 0, by_class[3] = {};
  for (int round = 0; round < 4'000; ++round) {
    CAPTURE(round);
    KayentaMetric metric = metric_named("m");
    metric.direction = static_cast<Direction>(round % 3);
    metric.effect = round % 2 ? KayentaMetric::Effect::cles : KayentaMetric::Effect::mean_ratio;
    metric.remove_outliers = round % 5 == 0;
    if (round % 7 == 0) metric.allowed_increase = 1.25;
    const int kind = round % 6;
    const double shift = uniform(0, 1) < 0.5 ? 0 : uniform(-3, 3);
    const auto draw = [&](double by) {
      switch (kind) {
        case 0:
          return uniform(1, 4) + by;
        case 1:  // small integers: ties everywhere, and bounds that are met exactly
          return std::floor(uniform(0, 5) + by);
        case 2:  // mostly zeros
          return uniform(0, 1) < 0.7 ? 0 : std::floor(uniform(1, 4) + std::abs(by));
        case 3:  // decimal fractions, whose differences round
          return std::floor(uniform(0, 10) + by) / 10;
        case 4:  // now and then far out
          return uniform(0, 1) < 0.1 ? uniform(0, 1e6) : uniform(1, 2) + by;
        default:
          return 3 + std::floor(by);  // constants
      }
    };
    Samples canary(static_cast<std::size_t>(uniform(1, 40))),
        control(static_cast<std::size_t>(uniform(1, 40)));
    for (double& x : canary) x = draw(shift);
    for (double& y : control) y = draw(0);
    const double factor = uniform(1, 10) * std::pow(10.0, std::floor(uniform(-12, 12)));
    CAPTURE(factor);
    Samples canary_scaled = canary, control_scaled = control;
    for (double& x : canary_scaled) x *= factor;
    for (double& y : control_scaled) y *= factor;
    const KayentaTest safe{.unit_safe = true};
    const auto before = class_of(canary, control, metric, safe);
    const auto after = class_of(canary_scaled, control_scaled, metric, safe);
    CHECK(to_text(before) == to_text(after));
    if (static_cast<int>(before) < 3) ++by_class[static_cast<int>(before)];
    differ += class_of(canary, control, metric) != class_of(canary_scaled, control_scaled, metric);
  }
  CHECK(differ > 0);  // the published one does change
  for (const int count : by_class) CHECK(count > 100);
}

TEST_CASE("hostile samples are judged in bounded time, and no samples of an arm never pass") {
  constexpr unsigned seed = 9;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const double odd[] = {gap,      INFINITY, -INFINITY, 0.0,  -0.0,      5e-324, 1e-308, 1.7e308,
                        -1.7e308, 1,        -1,        1e16, 1 + 1e-16, 0.1,    0.3,    1e-5};
  for (int round = 0; round < 2'000; ++round) {
    CAPTURE(round);
    KayentaConfig config;
    config.points = 1;
    config.unit_safe = round % 2;
    KayentaMetric metric = metric_named("m");
    metric.missing = round % 3 ? Missing::remove : Missing::replace;
    metric.remove_outliers = round % 5 == 0;
    if (round % 4 == 0) metric.outlier_factor = 0.4;
    metric.effect = round % 7 ? KayentaMetric::Effect::mean_ratio : KayentaMetric::Effect::cles;
    config.metrics = {metric};
    const auto draw = [&] {
      Samples out(random() % 12);
      for (double& sample : out) sample = odd[random() % std::size(odd)];
      return out;
    };
    const KayentaSeries series{draw(), draw()};
    const auto result = judge(config, {{"m", series}});
    REQUIRE(result.has_value());
    if (result->metrics[0].canary_points == 0 || result->metrics[0].control_points == 0)
      CHECK(result->verdict == Verdict::no_data);
    CHECK(judge(config, {{"m", series}})->explanation == result->explanation);
  }
  // As many samples as are let in, all different.
  KayentaSeries large;
  for (std::size_t i = 0; i < most_kayenta_samples; ++i) {
    large.canary.push_back(static_cast<double>(random() % 1'000'000) + 0.5);
    large.control.push_back(static_cast<double>(random() % 1'000'000));
  }
  for (const bool unit_safe : {false, true})
    CHECK(classify({}, large, {.unit_safe = unit_safe}).classification == KayentaClass::pass);
}

namespace {

struct Given {
  const char* name;
  KayentaClass wanted;
  std::vector<std::string> groups{"metrics"};
  bool critical = false, muted = false, must_have = false;
};

// A config and series that make each metric what is wanted.
std::pair<KayentaConfig, std::map<std::string, KayentaSeries>> arrange(const std::vector<Given>& given) {
  KayentaConfig config;
  std::map<std::string, KayentaSeries> series;
  for (const Given& one : given) {
    KayentaMetric metric = metric_named(one.name);
    metric.groups = one.groups;
    metric.critical = one.critical;
    metric.muted = one.muted;
    metric.must_have_data = one.must_have;
    config.metrics.push_back(metric);
    KayentaSeries& arms = series[one.name];
    switch (one.wanted) {
      case KayentaClass::high:
        arms = {around_twenty, also_ten};
        break;
      case KayentaClass::low:
        arms = {around_ten, around_twenty};
        break;
      case KayentaClass::pass:
        arms = {around_ten, also_ten};
        break;
      default:
        arms = {{}, also_ten};
    }
  }
  return {config, series};
}

}  // namespace

TEST_CASE("scores are those of Kayenta's scorer suite, and verdicts follow them") {
  const auto pass = KayentaClass::pass, high = KayentaClass::high, low = KayentaClass::low,
             nodata = KayentaClass::nodata;
  struct Row {
    const char* what;
    std::vector<Given> metrics;
    std::map<std::string, double> weights;
    double score;
    Verdict verdict;
  };
  const Row rows[] = {
      {"one passes", {{"a", pass}}, {}, 100, Verdict::pass},
      {"one fails", {{"a", high}}, {}, 0, Verdict::fail},
      {"half", {{"a", pass}, {"b", high}}, {}, 50, Verdict::fail},
      {"a third", {{"a", pass}, {"b", high}, {"c", low}}, {}, 33.33, Verdict::fail},
      {"weights",
       {{"a", pass, {"1"}}, {"b", pass, {"1"}}, {"c", high, {"2"}}},
       {{"1", 75}, {"2", 25}},
       75,
       Verdict::inconclusive},
      {"equal weights",
       {{"a", pass, {"1"}}, {"b", high, {"1"}}, {"c", high, {"2"}}},
       {{"1", 50}, {"2", 50}},
       25,
       Verdict::fail},
      {"the rest of the weights is shared",
       {{"a", high, {"1"}}, {"b", pass, {"2"}}, {"c", pass, {"3"}}},
       {{"1", 10}},
       90,
       Verdict::inconclusive},
      {"a metric in two groups",
       {{"a", pass, {"1", "2"}}, {"b", high, {"2"}}},
       {},
       75,
       Verdict::inconclusive},
      {"critical failure", {{"a", pass}, {"b", high, {"metrics"}, true}}, {}, 0, Verdict::fail},
      {"critical passes", {{"a", low}, {"b", pass, {"metrics"}, true}}, {}, 50, Verdict::fail},
      {"muted", {{"a", pass}, {"b", high, {"metrics"}, false, true}}, {}, 100, Verdict::pass},
      {"all muted", {{"b", high, {"metrics"}, false, true}}, {}, 0, Verdict::no_data},
      {"no data", {{"a", nodata}}, {}, 0, Verdict::no_data},
      {"half without data", {{"a", pass}, {"b", nodata}}, {}, 0, Verdict::no_data},
      {"a third without data", {{"a", pass}, {"b", pass}, {"c", nodata}}, {}, 100, Verdict::no_data},
      {"a third without data, another failed",
       {{"a", pass}, {"b", high}, {"c", nodata}},
       {},
       50,
       Verdict::fail},
      {"a group without data counts 100",
       {{"a", pass, {"1"}}, {"b", pass, {"1"}}, {"c", nodata, {"2"}}},
       {},
       100,
       Verdict::no_data},
      {"data must be there",
       {{"a", pass}, {"b", nodata, {"metrics"}, false, false, true}},
       {},
       50,
       Verdict::fail},
      {"a critical metric's outage blames nobody",
       {{"a", pass}, {"b", pass}, {"c", nodata, {"metrics"}, true}},
       {},
       0,
       Verdict::no_data},
      {"nor does it hide a critical failure",
       {{"a", nodata, {"metrics"}, true}, {"b", high, {"metrics"}, true}, {"c", pass}},
       {},
       0,
       Verdict::fail},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    auto [config, series] = arrange(row.metrics);
    config.weights = row.weights;
    const auto result = judge(config, series);
    REQUIRE(result.has_value());
    CAPTURE(result->explanation);
    CHECK(result->score == doctest::Approx(row.score).epsilon(1e-9));
    CHECK(to_text(result->verdict) == to_text(row.verdict));
    CHECK(result->metrics.size() == row.metrics.size());
  }
}

TEST_CASE("a pass is never given for what was not seen") {
  KayentaConfig config;
  config.metrics = {metric_named("a")};
  CHECK(judge(config, {})->verdict == Verdict::no_data);
  CHECK(judge(config, {{"other", {around_ten, also_ten}}})->verdict == Verdict::no_data);
  // Kayenta passes a metric of which one arm, or both, is empty when gaps are zeros.
  config.metrics[0].missing = Missing::replace;
  const auto empty = judge(config, {{"a", {around_ten, {}}}});
  CHECK(empty->score == 100);
  CHECK(empty->verdict == Verdict::no_data);
  CHECK(empty->explanation.find("no samples of control") != std::string::npos);
  CHECK(judge(config, {{"a", {{}, {}}}})->verdict == Verdict::no_data);
  // Fewer points than asked for.
  config.points = 16;
  CHECK(judge(config, {{"a", {around_twenty, also_ten}}})->verdict == Verdict::inconclusive);
  config.points = 15;
  CHECK(judge(config, {{"a", {around_twenty, also_ten}}})->verdict == Verdict::fail);
  // One against one cannot be tested; Kayenta leaves it out of the score, which then is full.
  config.points = 1;
  const auto one = judge(config, {{"a", {{2}, {1}}}});
  CHECK(one->metrics[0].classification == KayentaClass::error);
  CHECK(one->score == 100);
  CHECK(one->verdict == Verdict::inconclusive);
}

TEST_CASE("a failed judgement says which metric, which way and by how much") {
  auto [config, series] = arrange({{"latency", KayentaClass::high}, {"errors", KayentaClass::pass}});
  const auto result = judge(config, series);
  CHECK(result->explanation.starts_with(
      "score 50 (pass at 95, marginal at 75); latency High: canary is above control by "));
  const std::string text = doc::to_json(to_value(*result));
  CHECK(text.find("\"classification\":\"High\"") != std::string::npos);
  CHECK(text.find("\"verdict\":\"fail\"") != std::string::npos);
}

TEST_CASE("configs that cannot be meant are refused with what to write") {
  const auto refused = [](auto change) {
    KayentaConfig config;
    config.metrics = {metric_named("a"), metric_named("b")};
    config.metrics[1].groups = {"other"};
    change(config);
    const auto checked = check(config);
    REQUIRE_FALSE(checked.has_value());
    CHECK_FALSE(checked.error().hint.empty());
    return checked.error().message;
  };
  CHECK(refused([](auto& c) { c.metrics.clear(); }) == "the canary judge has no metrics");
  CHECK(refused([](auto& c) { c.metrics[1] = metric_named("a"); }) == "two metrics are named 'a'");
  CHECK(refused([](auto& c) { c.weights["none"] = 10; }) ==
        "a weight is given to group 'none', which no metric is in");
  CHECK(refused([](auto& c) { c.weights = {{"metrics", 60}, {"other", 60}}; }) ==
        "the weights of the groups add up to 120");
  CHECK(refused([](auto& c) { c.weights = {{"metrics", 40}, {"other", 40}}; }) ==
        "the weights of the groups add up to 80");
  CHECK(refused([](auto& c) { c.marginal = 99; }) == "pass is 95 and marginal 99");
  CHECK(refused([](auto& c) { c.metrics[0].outlier_factor = 0; }) == "outlier-factor of metric 'a' is 0");
  CHECK(refused([](auto& c) { c.metrics[0].allowed_increase = NAN; }) ==
        "an effect size of metric 'a' is nan");
  CHECK(refused([](auto& c) { c.points = 0; }) == "points is 0");
  KayentaConfig config;
  config.metrics = {metric_named("a")};
  CHECK_FALSE(judge(config, {{"a", {Samples(most_kayenta_samples + 1), {1}}}}).has_value());
}
