#include "bench/gates/simulate.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace tranche::bench {

namespace {

Run run_ours(const gate::CompareConfig& config, const Series& series) {
  gate::Evidence evidence;
  gate::Poll poll{{"", {}}};
  gate::StratumCounts& stratum = poll.begin()->second;
  Run out;
  for (std::size_t i = 0; i < series.size(); ++i) {
    stratum.canary.events = series[i].canary_events;
    stratum.canary.exposure = series[i].canary_exposure;
    stratum.control.events = series[i].control_events;
    stratum.control.exposure = series[i].control_exposure;
    if (const auto observed = gate::observe(evidence, config, poll); !observed) {
      std::fprintf(stderr, "observe: %s\n", observed.error().message.c_str());
      std::exit(1);
    }
    const gate::Verdict verdict = gate::judge(evidence, config, false).verdict;
    if (verdict == gate::Verdict::pass && out.passed_at == 0) out.passed_at = static_cast<int>(i) + 1;
    if (verdict == gate::Verdict::fail) {
      out.failed_at = static_cast<int>(i) + 1;
      break;
    }
  }
  return out;
}

Run run_rival(const gate::RivalKind& kind, const Series& series) {
  // Who writes a fixed rule knows the usual rate.
  gate::RivalConfig config;
  config.threshold = 2 * base_rate;
  const auto rival = kind.make(config);
  Run out;
  for (std::size_t i = 0; i < series.size(); ++i) {
    rival->observe(60 * static_cast<std::int64_t>(i + 1), series[i]);
    if (i + 1 == series.size()) rival->end();
    if (rival->verdict() != gate::Verdict::fail) continue;
    out.failed_at = static_cast<int>(i) + 1;
    break;
  }
  return out;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

std::uint64_t mix(std::uint64_t seed, std::string_view name, double ratio, int rep) {
  Sampler sampler(seed);
  std::uint64_t out = sampler.next();
  for (const char c : name) out = Sampler(out ^ static_cast<unsigned char>(c)).next();
  out = Sampler(out ^ std::bit_cast<std::uint64_t>(ratio)).next();
  return Sampler(out ^ static_cast<std::uint64_t>(rep)).next();
}

Cell sum_up(const Workload& workload, const Method& method, double ratio, int onset,
            const std::vector<Run>& runs) {
  Cell out{std::string(workload.name), method.name, ratio, static_cast<int>(runs.size())};
  std::vector<double> canary, delay, pass_time;
  for (const Run& run : runs) {
    if (run.passed_at > 0) {
      ++out.passed;
      pass_time.push_back(run.passed_at);
    }
    if (run.failed_at == 0) continue;
    if (run.failed_at < onset) {
      ++out.early;
      continue;
    }
    ++out.failed;
    canary.push_back(run.canary);
    delay.push_back(run.failed_at - onset + 1);
  }
  out.canary = median(std::move(canary));
  out.delay = median(std::move(delay));
  out.pass_time = median(std::move(pass_time));
  return out;
}

}  // namespace

std::vector<Method> all_methods() {
  std::vector<Method> out;
  for (const auto& [name, title, rate] : {std::tuple("tranche-5%", "tranche, false-rollback 5%", 0.05),
                                          std::tuple("tranche-1%", "tranche, false-rollback 1%", 0.01)}) {
    Method ours{name, title, {}, nullptr};
    ours.ours.worse_than = 1;
    ours.ours.margin = 1.5;
    ours.ours.false_rollback = rate;
    ours.ours.suspect_at = 0.05;
    ours.ours.false_promotion = 0.05;
    out.push_back(std::move(ours));
  }
  for (const gate::RivalKind& kind : gate::rival_kinds())
    out.push_back({std::string(kind.name), std::string(kind.title), {}, &kind});
  return out;
}

Run run(const Method& method, const Series& series, int from) {
  Run out = method.rival == nullptr ? run_ours(method.ours, series) : run_rival(*method.rival, series);
  for (int t = from; t <= out.failed_at; ++t)
    out.canary += series[static_cast<std::size_t>(t - 1)].canary_exposure;
  return out;
}

std::vector<Cell> simulate(const Workload& workload, double ratio, const std::vector<Method>& methods,
                           std::uint64_t seed, int reps, int slow_reps, int threads) {
  std::vector<std::vector<Run>> runs;
  for (const Method& method : methods)
    runs.emplace_back(static_cast<std::size_t>(method.slow() ? std::min(reps, slow_reps) : reps));
  const int onset = ratio == 1 ? 1 : workload.onset;
  const auto work = [&](int from) {
    Series series;
    for (int rep = from; rep < reps; rep += threads) {
      Sampler sampler(mix(seed, workload.name, ratio, rep));
      draw(workload, ratio, sampler, series);
      const auto i = static_cast<std::size_t>(rep);
      for (std::size_t m = 0; m < methods.size(); ++m)
        if (i < runs[m].size()) runs[m][i] = run(methods[m], series, onset);
    }
  };
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work, i);
  work(0);
  others.clear();
  std::vector<Cell> out;
  for (std::size_t m = 0; m < methods.size(); ++m)
    out.push_back(sum_up(workload, methods[m], ratio, onset, runs[m]));
  return out;
}

}  // namespace tranche::bench
