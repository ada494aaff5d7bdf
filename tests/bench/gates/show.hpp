// The bench's answers as text, JSON, markdown and a plot.
#pragma once

#include <string>
#include <vector>

#include "bench/gates/simulate.hpp"

namespace tranche::bench {

// How fast a compare gate takes polls in, beside exp and log in the same loop.
struct Speed {
  double observes = 0;  // polls taken in, a second on one core
  double updates = 0;   // polls taken in and judged
  double exp_logs = 0;  // one exp and one log, a second
};
struct Report {
  std::uint64_t seed = 0;
  int reps = 0, slow_reps = 0;
  std::vector<Method> methods;
  std::vector<std::string> workloads;
  std::vector<double> ratios;  // 1 first
  std::vector<Cell> cells;
  Speed speed;
  // Null when it was not run.
  [[nodiscard]] const Cell* cell(std::string_view workload, std::string_view method, double ratio) const;
};

std::string as_text(const Report& report);
std::string as_json(const Report& report);
std::string as_markdown(const Report& report);
// A self-contained SVG, readable on light and dark: for each method its false rollbacks and what it found of
// a 2x regression, a dot a workload.
std::string as_plot(const Report& report);

}  // namespace tranche::bench
