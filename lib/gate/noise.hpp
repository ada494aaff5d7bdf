// Is there more noise in the counts than chance alone makes? PURE.
//
// The exposure-weighted test takes events as rare and independent. In the field they come in bursts: a flaky
// network, a batch of retries. Then counts scatter more than Poisson's law says, and a test that trusts it
// takes a burst for a regression: at a log-sd of 0.6 a minute it rolls back 41% of good releases (reference
// "gates-and-playbooks" section 4). So the arms' own scatter is watched, and where it is too large a second
// test, which measures the noise it sees, must agree (compare.cpp).
//
// Scatter: two neighbouring polls of one arm with counts a, b and exposures x, y. Under Poisson's law with
// one rate, b given a + b is binomial with p = y / (x + y), so d = (b - (a + b) p)^2 / ((a + b) p (1 - p))
// has mean exactly 1, however few the events. The average of d estimates the dispersion; trends and seasons,
// slow against a poll, hardly enter neighbouring differences. A jump (an incident that both arms share)
// enters once: d is capped. Old polls are forgotten by 1/64 a poll, so that bursts after a calm week are
// seen.
#pragma once

#include <map>
#include <string>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "gate/sequential_t.hpp"

namespace tranche::gate {

struct Scatter {
  double sum = 0;    // of d, old ones faded
  double count = 0;  // how many, faded alike: at most 64
  bool operator==(const Scatter&) const = default;
};

// What is carried from poll to poll to judge the noise.
struct Noise {
  struct Last {  // the previous poll of a stratum
    double canary_events = 0, canary_exposure = 0, control_events = 0, control_exposure = 0;
    bool operator==(const Last&) const = default;
  };
  std::map<std::string, Last> last;  // by stratum; at most 64
  Scatter canary, control;
  // Log rate ratios of polls, or of several small ones together, for the test that measures its noise.
  RunningSums ratios;
  struct Batch {                     // sums over strata and polls until there is enough for one ratio
    double canary = 0, control = 0;  // Mantel-Haenszel numerators
    double expected = 0;             // canary events, were the rates alike
    double canary_exposure = 0, control_exposure = 0;
    bool operator==(const Batch&) const = default;
  } batch;
  bool operator==(const Noise&) const = default;
};

// One stratum of one poll, both exposures above 0; `expected` is (all events) * (canary's share of exposure).
void observe_stratum(Noise& noise, const std::string& stratum, const Noise::Last& counts);
// After the strata of a poll.
void end_poll(Noise& noise);

enum class Dispersion {
  unknown,  // too few polls to tell
  calm,     // no more than Poisson's
  noisy,    // more: the second test must agree
};
// `false_alarm`: what the caller may get wrong; below 2% one difference more must be seen before counts are
// taken for calm.
Dispersion judge_noise(const Noise& noise, double false_alarm = 0.05);
// Variance over Poisson's, of the control arm; 1 is Poisson; 0 while nothing is known.
double dispersion(const Noise& noise);
// How many differences have been seen, in the arm that had more; old ones faded.
double differences(const Noise& noise);

doc::Value to_value(const Noise& noise);
Result<Noise> noise_from_value(const doc::Value& value);

}  // namespace tranche::gate
