// A dot a workload, a row a method: left the good releases rolled back, right the bad ones found. The square
// root of the percentage is drawn, so that 1% and 5% can be told apart and 100% still fits.
#include <cmath>

#include "base/html.hpp"
#include "base/text.hpp"
#include "bench/gates/show.hpp"

namespace tranche::bench {

namespace {

constexpr double row_height = 34, top = 74, labels = 226, panel = 300, gap = 44, right = 24;
constexpr double regression = 2;

double across(double percent) { return panel * std::sqrt(percent / 100); }
double flat(double percent) { return panel * percent / 100; }

struct Panel {
  double left;
  double (*place)(double percent);
  const char* title;
  const char* note;
  std::vector<double> ticks;
};

std::string axis(const Panel& panel_of, double bottom) {
  std::string out = fmt::format(
      "<text class=\"head\" x=\"{}\" y=\"24\">{}</text>\n<text class=\"soft\" x=\"{}\" y=\"42\">{}</text>\n",
      panel_of.left, panel_of.title, panel_of.left, panel_of.note);
  for (const double tick : panel_of.ticks) {
    const double x = panel_of.left + panel_of.place(tick);
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{3}\">{4:.0f}%</text>\n",
        x, top - 12, bottom, bottom + 16, tick);
  }
  return out;
}

std::string dots(const Report& report, const Panel& panel_of, const Method& method, double y, double ratio) {
  std::string out;
  const double n = static_cast<double>(report.workloads.size());
  for (std::size_t i = 0; i < report.workloads.size(); ++i) {
    const Cell* cell = report.cell(report.workloads[i], method.name, ratio);
    if (cell == nullptr) continue;
    const double percent = cell->percent(cell->failed);
    // Spread over the row, in the workloads' order, so that dots at one place are all seen.
    const double lane = n > 1 ? (static_cast<double>(i) / (n - 1) - 0.5) * (row_height - 14) : 0;
    out += fmt::format(
        "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.4\"><title>{}, {}: "
        "{:.1f}%</title></circle>\n",
        method.rival == nullptr ? "ours" : "rival", panel_of.left + panel_of.place(percent), y + lane,
        escape_html(method.title), escape_html(report.workloads[i]), percent);
  }
  return out;
}

constexpr std::string_view style = R"(<style>
svg { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --grid: #d1d9e0; --rival: #8c959f; --ours: #0969da; --bad: #cf222e; }
@media (prefers-color-scheme: dark) { svg { --text: #f0f6fc; --soft: #9198a1; --grid: #3d444d; --rival: #818b98; --ours: #4493f8; --bad: #f85149; } }
text { font: 13px system-ui, sans-serif; fill: var(--text); }
.head { font-weight: 600; } .soft, .tick { fill: var(--soft); font-size: 11px; } .tick { text-anchor: middle; }
.name { text-anchor: end; } .us { font-weight: 600; }
.grid { stroke: var(--grid); } .limit { stroke: var(--bad); stroke-dasharray: 4 3; }
.ours { fill: var(--ours); fill-opacity: .8; } .rival { fill: var(--rival); fill-opacity: .7; }
</style>
)";

}  // namespace

std::string as_plot(const Report& report) {
  const double bottom = top + row_height * static_cast<double>(report.methods.size());
  const Panel good{labels,
                   across,
                   "Good releases rolled back",
                   "within an hour; the dashed line is 5%",
                   {0, 1, 5, 20, 50, 100}};
  const Panel bad{
      labels + panel + gap, flat, "Releases twice as bad found", "within an hour", {0, 25, 50, 75, 100}};
  const double width = labels + 2 * panel + gap + right, height = bottom + 56;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "role=\"img\" aria-label=\"False rollbacks and power of gates\">\n",
      width, height);
  out += style;
  out += axis(good, bottom) + axis(bad, bottom);
  const double limit = good.left + good.place(5);
  out += fmt::format("<line class=\"limit\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>\n", limit,
                     top - 12, bottom);
  double y = top + row_height / 2 - 6;
  for (const Method& method : report.methods) {
    out += fmt::format("<text class=\"name{}\" x=\"{}\" y=\"{:.1f}\">{}</text>\n",
                       method.rival == nullptr ? " us" : "", labels - 14, y + 4, escape_html(method.title));
    out += dots(report, good, method, y, 1) + dots(report, bad, method, y, regression);
    y += row_height;
  }
  out += fmt::format(
      "<text class=\"soft\" x=\"{}\" y=\"{:.1f}\">A dot is one of {} workloads, {} simulated hours each; "
      "seed "
      "{}.</text>\n</svg>\n",
      labels, bottom + 40, report.workloads.size(), report.reps, report.seed);
  return out;
}

}  // namespace tranche::bench
