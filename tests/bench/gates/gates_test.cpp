// The simulator behind the README's table: its workloads mean what they say, and ours keeps its rate on them.
#include <doctest/doctest.h>

#include <cmath>

#include "bench/gates/show.hpp"
#include "doc/value.hpp"

using namespace tranche;
using namespace tranche::bench;

namespace {
constexpr std::uint64_t seed = 20261121;
}

TEST_CASE("poisson draws have the mean and the variance of their mean") {
  CAPTURE(seed);
  Sampler sampler(seed);
  for (const double mean : {0.15, 3.0, 9.9, 10.1, 54.0, 1200.0}) {
    CAPTURE(mean);
    constexpr int n = 20'000;
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
      const double k = sampler.poisson(mean);
      CHECK(k == std::floor(k));
      sum += k;
      squares += (k - mean) * (k - mean);
    }
    CHECK(std::abs(sum / n - mean) < 5 * std::sqrt(mean / n));
    CHECK(std::abs(squares / n / mean - 1) < 5 * std::sqrt((2 + 1 / mean) / n));
  }
}

TEST_CASE("each workload has the traffic and the rates it states") {
  CAPTURE(seed);
  struct Row {
    const char* name;
    double canary, control, control_rate;  // of the hour
  };
  // seasonal: the swings cancel, since the rate's is a quarter turn later.
  for (const Row& row : {Row{"quiet", 30, 570, 1},
                         {"busy", 1200, 10800, 1},
                         {"ramp", 2700, 9300, 1},
                         {"drift", 1200, 10800, 2.5},
                         {"ramp+drift", 2700, 9300, 1.835},
                         {"incident", 1200, 10800, 1 + 4.0 / 6},
                         {"bursty-0.3", 1200, 10800, std::exp(0.045)},
                         {"bursty-0.6", 1200, 10800, std::exp(0.18)},
                         {"seasonal", 1200, 10800, 1},
                         {"late-onset", 1200, 10800, 1}}) {
    CAPTURE(row.name);
    const Workload& workload = workload_named(row.name);
    gate::PooledCounts sum;
    Series series;
    constexpr int reps = 50;
    double before = 0, after = 0, exposure_before = 0, exposure_after = 0;
    for (int rep = 0; rep < reps; ++rep) {
      Sampler sampler(seed + static_cast<std::uint64_t>(rep));
      draw(workload, 2, sampler, series);
      for (int t = 1; t <= minutes; ++t) {
        const gate::PooledCounts& counts = series[static_cast<std::size_t>(t - 1)];
        sum.canary_exposure += counts.canary_exposure;
        sum.control_exposure += counts.control_exposure;
        sum.control_events += counts.control_events;
        (t < workload.onset ? before : after) += counts.canary_events;
        // What the canary would have had without a regression.
        const double expected = counts.canary_exposure * base_rate * workload.minute(t).drift *
                                std::exp(workload.noise * workload.noise / 2);
        (t < workload.onset ? exposure_before : exposure_after) += expected;
      }
    }
    const double slack = std::string_view(row.name) == "quiet" ? 0.1 : 0.03;
    CHECK(sum.canary_exposure / reps / minutes == doctest::Approx(row.canary).epsilon(0.01));
    CHECK(sum.control_exposure / reps / minutes == doctest::Approx(row.control).epsilon(0.01));
    CHECK(sum.control_events / sum.control_exposure / base_rate ==
          doctest::Approx(row.control_rate).epsilon(slack));
    CHECK(after / exposure_after == doctest::Approx(2).epsilon(slack));
    if (workload.onset > 1) CHECK(before / exposure_before == doctest::Approx(1).epsilon(slack));
  }
  CHECK(workloads().size() == 10);
}

TEST_CASE("results depend on the seed and not on the number of threads") {
  const auto methods = all_methods();
  const auto one = simulate(workload_named("quiet"), 2, methods, seed, 20, 4, 1);
  const auto two = simulate(workload_named("quiet"), 2, methods, seed, 20, 4, 2);
  REQUIRE(one.size() == methods.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(one[i].failed == two[i].failed);
    CHECK(one[i].canary == two[i].canary);
    CHECK(one[i].passed == two[i].passed);
  }
}

// 200 hours a workload: 5% is 10 of them, and 24 are five deviations away.
TEST_CASE("ours rolls back no more good releases than it says, on every workload") {
  CAPTURE(seed);
  std::vector<Method> ours = all_methods();
  ours.resize(2);
  for (const Workload& workload : workloads()) {
    // Overdispersed counts are tested on their own.
    if (workload.noise > 0) continue;
    CAPTURE(std::string(workload.name));
    const auto good = simulate(workload, 1, ours, seed, 200, 0, 2);
    CHECK(good[0].failed <= 24);
    CHECK(good[1].failed <= 10);
    const auto bad = simulate(workload, 10, ours, seed, 50, 0, 2);
    CHECK(bad[0].failed >= 48);
    // A release that is good for forty minutes may be certified until then.
    if (workload.onset == 1) CHECK(bad[0].passed <= 8);
  }
}

TEST_CASE("the simulator reproduces cells of the reference's simulation") {
  CAPTURE(seed);
  const auto methods = all_methods();
  struct Row {
    const char* workload;
    const char* method;
    double ratio, percent, canary;  // 2,000 repetitions there
  };
  constexpr int reps = 400;
  const auto near = [](double percent, double expected) {
    const double p = expected / 100;
    return std::abs(percent - expected) <= 100 * (4 * std::sqrt(p * (1 - p) / reps) + 0.006);
  };
  for (const auto& [workload, ratio] : {std::pair("busy", 1.0),
                                        {"busy", 1.5},
                                        {"busy", 2.0},
                                        {"quiet", 1.0},
                                        {"quiet", 2.0},
                                        {"drift", 1.2}}) {
    const auto cells = simulate(workload_named(workload), ratio, methods, seed, reps, 0, 2);
    for (const Row& row :
         {Row{"busy", "fixed-threshold", 1, 1.8, 0},   {"busy", "fixed-threshold", 1.5, 51.7, 0},
          {"busy", "fixed-threshold-3", 1.5, 10.4, 0}, {"busy", "flagger-counter", 1.5, 96.8, 34789},
          {"busy", "flagger-counter", 2, 100, 11934},  {"busy", "ratio-rule", 1, 9.0, 0},
          {"busy", "z-test-every-poll", 1, 28.4, 0},   {"busy", "one-look", 1, 4.7, 0},
          {"busy", "lindon-malek", 1, 1.9, 0},         {"busy", "lindon-malek", 2, 100, 3629},
          {"quiet", "fixed-threshold", 1, 97.0, 269},  {"quiet", "fixed-threshold-3", 1, 90.4, 553},
          {"quiet", "flagger-counter", 1, 94.0, 968},  {"quiet", "ratio-rule", 1, 99.6, 304},
          {"quiet", "z-test-every-poll", 1, 35.8, 0},  {"quiet", "one-look", 2, 81.9, 1800},
          {"quiet", "lindon-malek", 2, 30.3, 0},       {"drift", "fixed-threshold", 1.2, 100, 18107},
          {"drift", "one-look", 1.2, 100, 72001},      {"drift", "lindon-malek", 1.2, 99.0, 31139}}) {
      if (std::string_view(row.workload) != workload || row.ratio != ratio) continue;
      for (const Cell& cell : cells) {
        if (cell.method != row.method) continue;
        CAPTURE(std::string(row.workload));
        CAPTURE(std::string(row.method));
        CAPTURE(row.ratio);
        CAPTURE(cell.percent(cell.failed));
        CAPTURE(cell.canary);
        CHECK(near(cell.percent(cell.failed), row.percent));
        if (row.canary > 0) CHECK(cell.canary == doctest::Approx(row.canary).epsilon(0.15));
      }
    }
  }
}

TEST_CASE("a report is shown whole as text, JSON, markdown and a plot") {
  Report report;
  report.seed = seed;
  report.reps = 20;
  report.slow_reps = 2;
  report.methods = all_methods();
  report.workloads = {"quiet", "late-onset"};
  report.ratios = {1, 2};
  for (const std::string& workload : report.workloads)
    for (const double ratio : report.ratios)
      for (Cell& cell : simulate(workload_named(workload), ratio, report.methods, seed, 20, 2, 1))
        report.cells.push_back(std::move(cell));
  const std::string plot = as_plot(report), markdown = as_markdown(report), text = as_text(report);
  for (const Method& method : report.methods) {
    CAPTURE(method.name);
    CHECK(text.find(method.title) != std::string::npos);
    CHECK(markdown.find("| " + method.title + " |") != std::string::npos);
    CHECK(plot.find(method.title.substr(0, 7)) != std::string::npos);
    const Cell* cell = report.cell("quiet", method.name, 2);
    REQUIRE(cell != nullptr);
    CHECK(cell->reps == (method.slow() ? 2 : 20));
  }
  CHECK(report.cell("busy", "kayenta", 1) == nullptr);
  CHECK(plot.starts_with("<svg "));
  CHECK(plot.ends_with("</svg>\n"));
  CHECK(plot.find("prefers-color-scheme: dark") != std::string::npos);
  CHECK(plot.find("nan") == std::string::npos);
  CHECK(plot.find("http") ==
        plot.find("http://www.w3.org/2000/svg"));  // the namespace, and nothing is fetched
  const auto json = doc::parse_json(as_json(report), "bench");
  REQUIRE(json.has_value());
  CHECK(json->find("schema")->as_string() == "tranche/bench-gates/v1");
  CHECK(json->find("cells")->as_array().size() == report.cells.size());
}
