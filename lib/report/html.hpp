// Small pieces of HTML and SVG: escaped, without scripts, without anything from the network.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tranche::report {

struct Series {
  std::string label;
  std::string css_class;                          // "worse", "good", "canary", "control"
  std::vector<std::pair<double, double>> points;  // in the order of x
};
struct Level {
  double y = 0;
  std::string label;
  std::string css_class;
};
struct Mark {
  double x = 0;
  std::string label;
};
struct Plot {
  std::string title;
  std::string x_unit;  // "s"
  std::vector<Series> series;
  std::vector<Level> levels;  // horizontal: thresholds
  std::vector<Mark> marks;    // vertical: stages
  std::string y_format =
      "number";  // or "percent", "odds" (y is a natural logarithm, ticks are powers of ten)
};
// A line plot, 720 x 240, that scales with its container; text alternatives included.
std::string svg_plot(const Plot& plot);

}  // namespace tranche::report
