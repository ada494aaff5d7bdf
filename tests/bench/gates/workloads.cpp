#include "bench/gates/workloads.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>

namespace tranche::bench {

namespace {

constexpr double busy_canary = 1200, busy_control = 10800, busy_all = 12000;

double share(int t) {
  constexpr double steps[] = {0.05, 0.10, 0.25, 0.50};
  return steps[(t - 1) / 15];
}
double rising(int t, double to) { return 1 + (to - 1) * (t - 1) / (minutes - 1.0); }
double turn(int t) { return std::sin(2 * std::numbers::pi * t / minutes); }

Minute busy(int) { return {busy_canary, busy_control, 1}; }
Minute quiet(int) { return {30, 570, 1}; }
Minute ramp(int t) { return {busy_all * share(t), busy_all * (1 - share(t)), 1}; }
Minute drift(int t) { return {busy_canary, busy_control, rising(t, 4)}; }
Minute ramp_and_drift(int t) { return {busy_all * share(t), busy_all * (1 - share(t)), rising(t, 3)}; }
Minute incident(int t) { return {busy_canary, busy_control, t > 20 && t <= 30 ? 5.0 : 1.0}; }
// A day in an hour: traffic swings by 60%, and the rate by 50% a quarter of a day later.
Minute seasonal(int t) {
  const double traffic = 1 + 0.6 * turn(t);
  return {busy_canary * traffic, busy_control * traffic, 1 + 0.5 * turn(t + minutes / 4)};
}

constexpr std::array<Workload, 10> all{{
    {"quiet", "30 canary requests a minute, 570 control", quiet},
    {"busy", "1,200 canary requests a minute, 10,800 control", busy},
    {"ramp", "12,000 requests a minute, canary 5, 10, 25, 50% for 15 minutes each", ramp},
    {"drift", "busy; both arms' rate rises to four times within the hour", drift},
    {"ramp+drift", "ramp; both arms' rate rises to three times within the hour", ramp_and_drift},
    {"incident", "busy; both arms' rate jumps to five times for 10 minutes", incident},
    {"bursty-0.3", "busy; each minute and arm has a lognormal factor of log-sd 0.3", busy, 0.3},
    {"bursty-0.6", "busy; each minute and arm has a lognormal factor of log-sd 0.6", busy, 0.6},
    {"seasonal", "busy; a day's swing of traffic and rate within the hour", seasonal},
    {"late-onset", "busy; the regression begins after minute 40", busy, 0, 41},
}};

}  // namespace

std::span<const Workload> workloads() { return all; }

const Workload& workload_named(std::string_view name) {
  for (const Workload& workload : all)
    if (workload.name == name) return workload;
  std::fprintf(stderr, "no workload '%.*s'\n", static_cast<int>(name.size()), name.data());
  std::exit(2);
}

void draw(const Workload& workload, double ratio, Sampler& sampler, Series& out) {
  for (int t = 1; t <= minutes; ++t) {
    const Minute minute = workload.minute(t);
    const auto noise = [&] { return workload.noise > 0 ? std::exp(workload.noise * sampler.normal()) : 1; };
    const double rate = base_rate * minute.drift;
    const double bad = t >= workload.onset ? ratio : 1;
    gate::PooledCounts& counts = out[static_cast<std::size_t>(t - 1)];
    counts.canary_exposure = sampler.poisson(minute.canary);
    counts.control_exposure = sampler.poisson(minute.control);
    counts.canary_events = sampler.poisson(counts.canary_exposure * rate * bad * noise());
    counts.control_events = sampler.poisson(counts.control_exposure * rate * noise());
  }
}

}  // namespace tranche::bench
