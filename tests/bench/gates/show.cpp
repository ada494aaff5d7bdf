#include "bench/gates/show.hpp"

#include <cmath>

#include "base/text.hpp"
#include "doc/value.hpp"

namespace tranche::bench {

namespace {

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number), out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string percent(const Cell& cell, int count) {
  const double value = cell.percent(count);
  return value > 0 && value < 10 ? fmt::format("{:.1f}%", value) : fmt::format("{:.0f}%", value);
}

// Failed, canary requests, minutes.
std::string plain(const Cell& cell) {
  std::string out = fmt::format("{:5.1f}%", cell.percent(cell.failed));
  out += cell.failed > 0 ? fmt::format(" {:>7} {:>2.0f}m", grouped(cell.canary), cell.delay)
                         : std::string(12, ' ');
  return out;
}

std::string header(const std::string& first, const std::vector<std::string>& columns) {
  std::string out = "| " + first + " |", line = "|---|";
  for (const std::string& column : columns) {
    out += " " + column + " |";
    line += "---:|";
  }
  return out + "\n" + line + "\n";
}

}  // namespace

const Cell* Report::cell(std::string_view workload, std::string_view method, double ratio) const {
  for (const Cell& one : cells)
    if (one.workload == workload && one.method == method && one.ratio == ratio) return &one;
  return nullptr;
}

std::string as_text(const Report& report) {
  std::string out = fmt::format(
      "seed {}, {} hours a cell ({} for Kayenta); base rate {}%\n"
      "a cell: rolled back, median canary requests and minutes from the onset until then; 1x: good "
      "releases\n",
      report.seed, report.reps, std::min(report.reps, report.slow_reps), base_rate * 100);
  for (const std::string& name : report.workloads) {
    const Workload& workload = workload_named(name);
    out += fmt::format("\n## {}: {}\n{:32}", workload.name, workload.what, "");
    for (const double ratio : report.ratios) out += fmt::format("{:>20}", fmt::format("{}x", ratio));
    out += '\n';
    for (const Method& method : report.methods) {
      out += fmt::format("{:32}", method.title);
      for (const double ratio : report.ratios)
        if (const Cell* cell = report.cell(name, method.name, ratio)) out += fmt::format(" {}", plain(*cell));
      out += '\n';
    }
    for (const Method& method : report.methods) {
      if (method.rival != nullptr) continue;
      out += fmt::format("{:32}", "  certified, " + method.name);
      for (const double ratio : report.ratios)
        if (const Cell* cell = report.cell(name, method.name, ratio))
          out += fmt::format(" {:5.1f}% {:>8.0f}m  ", cell->percent(cell->passed), cell->pass_time);
      out += '\n';
    }
    for (const Method& method : report.methods)
      for (const double ratio : report.ratios)
        if (const Cell* cell = report.cell(name, method.name, ratio); cell != nullptr && cell->early > 0)
          out += fmt::format("  before the onset at {}x: {} {:.1f}%\n", ratio, method.name,
                             cell->percent(cell->early));
  }
  if (report.speed.updates > 0)
    out += fmt::format(
        "\npolls a second on one core: observe {} ({:.3f} of {} exp and log pairs), observe and judge {} "
        "({:.3f})\n",
        grouped(report.speed.observes), report.speed.observes / report.speed.exp_logs,
        grouped(report.speed.exp_logs), grouped(report.speed.updates),
        report.speed.updates / report.speed.exp_logs);
  return out;
}

std::string as_json(const Report& report) {
  doc::Array cells;
  for (const Cell& cell : report.cells) {
    doc::Value one = doc::Value::object({{"workload", cell.workload},
                                         {"method", cell.method},
                                         {"ratio", cell.ratio},
                                         {"hours", static_cast<std::int64_t>(cell.reps)},
                                         {"failed", cell.percent(cell.failed)},
                                         {"early", cell.percent(cell.early)},
                                         {"passed", cell.percent(cell.passed)}});
    if (cell.failed > 0) {
      one.set("canary-exposure", cell.canary);
      one.set("delay-minutes", cell.delay);
    }
    if (cell.passed > 0) one.set("pass-minutes", cell.pass_time);
    cells.push_back(std::move(one));
  }
  doc::Value out = doc::Value::object({{"schema", "tranche/bench-gates/v1"},
                                       {"seed", static_cast<std::int64_t>(report.seed)},
                                       {"hours", static_cast<std::int64_t>(report.reps)}});
  out.set("cells", doc::Value(std::move(cells)));
  if (report.speed.updates > 0) {
    out.set("observes-per-second", report.speed.observes);
    out.set("updates-per-second", report.speed.updates);
    out.set("exp-log-pairs-per-second", report.speed.exp_logs);
  }
  return doc::to_json(out) + "\n";
}

std::string as_markdown(const Report& report) {
  std::string out =
      "# What gates decide\n\n![False rollbacks, power and exposure of each method](gates.svg)\n\n";
  out += fmt::format(
      "Each number is from {} simulated hours of one poll a minute (Kayenta: {}), base rate {}%, seed {}; "
      "`ninja -C build bench_gates && build/bench_gates --seed {} --reps {} --slow-reps {}` prints all of "
      "it.\n\n",
      grouped(report.reps), grouped(std::min(report.reps, report.slow_reps)), base_rate * 100, report.seed,
      report.seed, report.reps, report.slow_reps);
  out += "## Good releases rolled back within the hour\n\n" + header("", report.workloads);
  for (const Method& method : report.methods) {
    out += "| " + method.title + " |";
    for (const std::string& workload : report.workloads) {
      const Cell* cell = report.cell(workload, method.name, 1);
      out += cell != nullptr ? " " + percent(*cell, cell->failed) + " |" : " |";
    }
    out += '\n';
  }
  out +=
      "\nReleases with twice the rate: found within the hour, and the canary's requests until then (median). "
      "What a method finds is worth nothing where it rolls back good releases too:\n\n" +
      header("", report.workloads);
  for (const Method& method : report.methods) {
    out += "| " + method.title + " |";
    for (const std::string& workload : report.workloads) {
      const Cell* cell = report.cell(workload, method.name, 2);
      if (cell == nullptr) {
        out += " |";
        continue;
      }
      out += " " + percent(*cell, cell->failed);
      out += cell->failed > 0 ? " (" + grouped(cell->canary) + ") |" : " |";
    }
    out += '\n';
  }
  out +=
      "\nCertified \"not worse than 1.5x\" by `tranche` (median minutes), and how often a release that is "
      "exactly 1.5x worse was:\n\n" +
      header("", report.workloads);
  for (const auto& [title, ratio] : {std::pair("good release", 1.0), std::pair("1.5x worse", 1.5)}) {
    out += fmt::format("| {} |", title);
    for (const std::string& workload : report.workloads) {
      const Cell* cell = report.cell(workload, "tranche-5%", ratio);
      // A release that turns bad later may be certified before.
      if (cell == nullptr || (ratio != 1 && workload_named(workload).onset > 1)) {
        out += " |";
        continue;
      }
      out += " " + percent(*cell, cell->passed);
      out += ratio == 1 && cell->passed > 0 ? fmt::format(" ({:.0f}) |", cell->pass_time) : " |";
    }
    out += '\n';
  }
  out += "\n## Workloads and methods\n\n";
  for (const std::string& name : report.workloads)
    out += fmt::format("- **{}**: {}\n", name, workload_named(name).what);
  out += "\nEvents are Poisson given the requests. The fixed rules are given the true base rate.\n\n";
  for (const Method& method : report.methods)
    if (method.rival != nullptr) out += fmt::format("- **{}**: {}\n", method.title, method.rival->what);
  return out;
}

}  // namespace tranche::bench
