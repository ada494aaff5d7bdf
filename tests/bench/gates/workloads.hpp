// The ten workloads on which gates are compared: an hour of one poll a minute each.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "bench/gates/sampler.hpp"
#include "gate/rivals.hpp"

namespace tranche::bench {

constexpr int minutes = 60;
constexpr double base_rate = 0.005;  // events a request
using Series = std::array<gate::PooledCounts, minutes>;

// What one minute expects. The regression multiplies the canary's rate from minute `onset` on.
struct Minute {
  double canary = 0, control = 0;  // requests
  double drift = 1;                // of both arms' rates
};
struct Workload {
  std::string_view name, what;
  Minute (*minute)(int t);  // t = 1..minutes
  double noise = 0;         // log-sd of a lognormal factor on the rate, drawn for each minute and arm
  int onset = 1;            // the regression is there from this minute on
};
std::span<const Workload> workloads();
const Workload& workload_named(std::string_view name);  // exits the program when there is none

// Requests are Poisson; events are Poisson given the requests.
void draw(const Workload& workload, double ratio, Sampler& sampler, Series& out);

}  // namespace tranche::bench
