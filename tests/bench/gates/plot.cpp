// A dot a workload, a row a method: the good releases rolled back, the bad ones found, and what they cost. Of
// the first the square root is drawn, so that 1% and 5% can be told apart and 100% still fits; of the last
// the logarithm.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/html.hpp"
#include "base/text.hpp"
#include "bench/gates/show.hpp"

namespace tranche::bench {

namespace {

constexpr double row_height = 34, top = 74, labels = 226, panel_width = 240, gap = 44, right = 30;
constexpr double regression = 2;

struct Panel {
  const char* title;
  const char* note;
  double ratio;
  std::optional<double> (*value)(const Cell& cell);
  double (*place)(double value);  // 0..1
  std::vector<std::pair<double, const char*>> ticks;
  double left = 0;
  [[nodiscard]] double x(double number) const {
    return left + panel_width * std::clamp(place(number), 0.0, 1.0);
  }
};

std::optional<double> failed(const Cell& cell) { return cell.percent(cell.failed); }
std::optional<double> exposed(const Cell& cell) {
  if (2 * cell.failed < cell.reps) return std::nullopt;  // most were never stopped
  return cell.canary;
}

std::vector<Panel> panels() {
  std::vector<Panel> out{
      {"Good releases rolled back",
       "within an hour; the dashed line is 5%",
       1,
       failed,
       [](double percent) { return std::sqrt(percent / 100); },
       {{0, "0"}, {1, "1%"}, {5, "5%"}, {20, "20%"}, {50, "50%"}, {100, "100%"}}},
      {"Releases twice as bad found",
       "within an hour",
       regression,
       failed,
       [](double percent) { return percent / 100; },
       {{0, "0"}, {25, "25%"}, {50, "50%"}, {75, "75%"}, {100, "100%"}}},
      {"Requests they served until then",
       "median; where at least half were found",
       regression,
       exposed,
       [](double requests) { return std::log(requests / 10) / std::log(20'000.0); },
       {{10, "10"}, {100, "100"}, {1'000, "1,000"}, {10'000, "10,000"}, {100'000, "100,000"}}}};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].left = labels + static_cast<double>(i) * (panel_width + gap);
  return out;
}

std::string axis(const Panel& panel, double bottom) {
  std::string out = fmt::format(
      "<text class=\"head\" x=\"{0}\" y=\"24\">{1}</text>\n<text class=\"soft\" x=\"{0}\" "
      "y=\"42\">{2}</text>\n",
      panel.left, panel.title, panel.note);
  for (const auto& [tick, text] : panel.ticks)
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{3}\">{4}</text>\n",
        panel.x(tick), top - 12, bottom, bottom + 16, text);
  return out;
}

std::string dots(const Report& report, const Panel& panel, const Method& method, double y) {
  std::string out;
  const double n = static_cast<double>(report.workloads.size());
  for (std::size_t i = 0; i < report.workloads.size(); ++i) {
    const Cell* cell = report.cell(report.workloads[i], method.name, panel.ratio);
    const std::optional<double> value = cell != nullptr ? panel.value(*cell) : std::nullopt;
    if (!value) continue;
    // Spread over the row, in the workloads' order, so that dots at one place are all seen.
    const double lane = n > 1 ? (static_cast<double>(i) / (n - 1) - 0.5) * (row_height - 14) : 0;
    out += fmt::format(
        "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.4\"><title>{}, {}: {:.6g}</title></circle>\n",
        method.rival == nullptr ? "ours" : "rival", panel.x(*value), y + lane, escape_html(method.title),
        escape_html(report.workloads[i]), *value);
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
  const std::vector<Panel> all = panels();
  const double width = all.back().left + panel_width + right, height = bottom + 56;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "role=\"img\" aria-label=\"False rollbacks and power of gates\">\n",
      width, height);
  out += style;
  for (const Panel& panel : all) out += axis(panel, bottom);
  const double limit = all.front().x(5);
  out += fmt::format("<line class=\"limit\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>\n", limit,
                     top - 12, bottom);
  double y = top + row_height / 2 - 6;
  for (const Method& method : report.methods) {
    out += fmt::format("<text class=\"name{}\" x=\"{}\" y=\"{:.1f}\">{}</text>\n",
                       method.rival == nullptr ? " us" : "", labels - 14, y + 4, escape_html(method.title));
    for (const Panel& panel : all) out += dots(report, panel, method, y);
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
