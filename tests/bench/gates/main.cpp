// bench_gates: how gates decide on ten simulated workloads, ours beside what else a team would use.
//
//   bench_gates [--reps N] [--slow-reps N] [--seed N] [--threads N] [--workload NAME]... [--ratio R]...
//               [--json | --markdown | --plot | --speed] [--write DIR]
//
// --speed prints only how many polls a second are taken in and judged on one core.
// --write DIR leaves gates.md, gates.svg and gates.json there. Nothing here is a test; gates_test.cpp has
// those.
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "bench/gates/show.hpp"

using namespace tranche;
using namespace tranche::bench;

namespace {

struct Options {
  std::uint64_t seed = 20261121;
  int reps = 2000, slow_reps = 100, threads = 2;
  std::vector<std::string> workloads;
  std::vector<double> ratios;
  std::string form = "text", directory;
};

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "bench_gates: %s\n", what.c_str());
  std::exit(2);
}

Options read(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--json" || flag == "--markdown" || flag == "--plot" || flag == "--speed") {
      out.form = flag.substr(2);
      continue;
    }
    if (i + 1 >= argc) refuse("unknown flag or no value: " + flag);
    const char* value = argv[++i];
    if (flag == "--reps")
      out.reps = std::atoi(value);
    else if (flag == "--slow-reps")
      out.slow_reps = std::atoi(value);
    else if (flag == "--seed")
      out.seed = std::strtoull(value, nullptr, 10);
    else if (flag == "--threads")
      out.threads = std::atoi(value);
    else if (flag == "--workload")
      out.workloads.emplace_back(workload_named(value).name);
    else if (flag == "--ratio")
      out.ratios.push_back(std::atof(value));
    else if (flag == "--write")
      out.directory = value;
    else
      refuse("unknown flag: " + flag);
  }
  if (out.reps < 1 || out.threads < 1 || out.threads > 256) refuse("--reps and --threads are at least 1");
  if (out.workloads.empty())
    for (const Workload& workload : workloads()) out.workloads.emplace_back(workload.name);
  if (out.ratios.empty()) out.ratios = {1, 1.2, 1.5, 2, 3, 5, 10};
  for (const double ratio : out.ratios)
    if (!(ratio > 0 && ratio <= 100)) refuse("a ratio is above 0 and at most 100");
  return out;
}

// CPU time: other programs on the machine do not count.
double seconds_since(std::clock_t from) {
  return static_cast<double>(std::clock() - from) / static_cast<double>(CLOCKS_PER_SEC);
}

Speed measure() {
  const gate::CompareConfig config = all_methods().front().ours;
  Sampler sampler(1);
  Series series;
  draw(workload_named("busy"), 1, sampler, series);
  gate::Poll poll{{"", {}}};
  gate::StratumCounts& stratum = poll.begin()->second;
  constexpr int updates = 400'000, pairs = 20'000'000;
  Speed out;
  double kept = 0;  // so that nothing is optimised away
  for (int round = 0; round < 3; ++round) {
    for (const bool judging : {false, true}) {
      gate::Evidence evidence;
      const std::clock_t start = std::clock();
      for (int i = 0; i < updates; ++i) {
        const gate::PooledCounts& counts = series[static_cast<std::size_t>(i) % series.size()];
        stratum.canary.events = counts.canary_events;
        stratum.canary.exposure = counts.canary_exposure;
        stratum.control.events = counts.control_events;
        stratum.control.exposure = counts.control_exposure;
        if (!gate::observe(evidence, config, poll)) refuse("observe failed");
        if (judging) kept += gate::judge(evidence, config, false).log_evidence_worse;
      }
      double& best = judging ? out.updates : out.observes;
      best = std::max(best, updates / seconds_since(start));
      kept += evidence.canary.events;
    }
    const std::clock_t start = std::clock();
    double x = 0.5;
    for (int i = 0; i < pairs; ++i) x = std::log(1.5 + std::exp(-x));
    kept += x;
    out.exp_logs = std::max(out.exp_logs, pairs / seconds_since(start));
  }
  if (std::isnan(kept)) refuse("the evidence is no number");
  return out;
}

void write(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size() ||
      std::fclose(file) != 0)
    refuse("cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read(argc, argv);
  if (options.form == "speed") {
    std::printf("%.0f\n", measure().updates);
    return 0;
  }
  Report report{options.seed,   options.reps, options.slow_reps, all_methods(), options.workloads,
                options.ratios, {},           measure()};
  for (const std::string& workload : options.workloads)
    for (const double ratio : options.ratios) {
      std::fprintf(stderr, "%s %gx\n", workload.c_str(), ratio);
      for (Cell& cell : simulate(workload_named(workload), ratio, report.methods, options.seed, options.reps,
                                 options.slow_reps, options.threads))
        report.cells.push_back(std::move(cell));
    }
  const std::string text = options.form == "json"       ? as_json(report)
                           : options.form == "markdown" ? as_markdown(report)
                           : options.form == "plot"     ? as_plot(report)
                                                        : as_text(report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (options.directory.empty()) return 0;
  write(options.directory + "/gates.md", as_markdown(report));
  write(options.directory + "/gates.svg", as_plot(report));
  write(options.directory + "/gates.json", as_json(report));
  return 0;
}
