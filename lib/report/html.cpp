#include "report/html.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/html.hpp"
#include "base/text.hpp"

namespace tranche::report {
namespace {

constexpr double width = 720;
constexpr double height = 240;
constexpr double left = 56;
constexpr double right = 12;
constexpr double top = 10;
constexpr double bottom = 28;

struct Range {
  double low = 0;
  double high = 1;
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] double share(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
};

std::string tick_text(double value, const std::string& format) {
  if (format == "percent") return fmt::format("{:.3g}%", value * 100);
  if (format == "odds" && value > 700) return fmt::format("1e{:.0f}", value / std::log(10.0));
  if (format == "odds") return fmt::format("{:.3g}", std::exp(value));
  return fmt::format("{:.4g}", value);
}

std::vector<double> ticks(const Range& range, const std::string& format) {
  std::vector<double> out;
  if (!(range.high > range.low)) return {range.low};
  double step = std::log(10.0);
  if (format != "odds") {
    const double rough = (range.high - range.low) / 4;
    const double power = std::pow(10, std::floor(std::log10(std::max(rough, 1e-12))));
    step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  }
  while ((range.high - range.low) / step > 8) step *= 2;
  // Counted, not added up: far from zero a small step would add nothing, for ever.
  const double first = std::ceil(range.low / step);
  for (int i = 0; i <= 9 && (first + i) * step <= range.high + step * 1e-9; ++i)
    out.push_back((first + i) * step);
  return out;
}

}  // namespace

std::string svg_plot(const Plot& plot) {
  Range x{0, 0};
  Range y{0, 0};
  bool first = true;
  for (const Series& series : plot.series)
    for (const auto& [px, py] : series.points) {
      if (!std::isfinite(px) || !std::isfinite(py)) continue;
      if (first) x = {px, px}, y = {py, py}, first = false;
      x.include(px);
      y.include(py);
    }
  if (first) return "<p class=\"quiet\">" + escape_html(plot.title) + ": no data</p>\n";
  for (const Level& level : plot.levels) y.include(level.y);
  if (plot.y_format != "odds") y.include(0);
  const double pad = (y.high - y.low) * 0.06 + 1e-9;
  y.high += pad;
  if (y.low < 0) y.low -= pad;
  const auto to_x = [&](double v) { return left + x.share(v) * (width - left - right); };
  const auto to_y = [&](double v) { return height - bottom - y.share(v) * (height - top - bottom); };

  std::string out = fmt::format(
      "<figure><figcaption>{}</figcaption>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
      escape_html(plot.title), width, height, escape_html(plot.title));
  for (double value : ticks(y, plot.y_format))
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text class=\"tick\" "
        "x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        left, width - right, to_y(value), left - 6, to_y(value) + 4, tick_text(value, plot.y_format));
  for (double value : ticks(x, "number"))
    out += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.4g}{}</text>\n",
                       to_x(value), height - 8, value, escape_html(plot.x_unit));
  for (const Mark& mark : plot.marks) {
    if (mark.x < x.low || mark.x > x.high) continue;
    out += fmt::format(
        "<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/><text class=\"tick\" "
        "x=\"{3:.1f}\" y=\"{4}\">{5}</text>\n",
        to_x(mark.x), top, height - bottom, to_x(mark.x) + 3, top + 10, escape_html(mark.label));
  }
  for (const Level& level : plot.levels)
    out += fmt::format(
        "<line class=\"level {0}\" x1=\"{1}\" x2=\"{2}\" y1=\"{3:.1f}\" y2=\"{3:.1f}\"/><text class=\"tick "
        "{0}\" x=\"{4}\" y=\"{5:.1f}\" text-anchor=\"end\">{6}</text>\n",
        level.css_class, left, width - right, to_y(level.y), width - right - 4, to_y(level.y) - 4,
        escape_html(level.label));
  std::string legend;
  for (const Series& series : plot.series) {
    std::string points;
    for (const auto& [px, py] : series.points)
      if (std::isfinite(px) && std::isfinite(py)) points += fmt::format("{:.1f},{:.1f} ", to_x(px), to_y(py));
    out += fmt::format("<polyline class=\"line {}\" points=\"{}\"/>\n", series.css_class, points);
    legend += fmt::format("<span class=\"key {}\">{}</span> ", series.css_class, escape_html(series.label));
  }
  return out + "</svg>\n<p class=\"legend\">" + legend + "</p></figure>\n";
}

}  // namespace tranche::report
