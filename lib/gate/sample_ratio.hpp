// Do the arms have the shares that the rollout gave them? A sequential sample-ratio test. PURE.
//
// Where 5% of the devices were exposed, 5% of those heard from should be canaries. If not, devices of one arm
// are missing (they crash before they report, or report twice), and no comparison of what is left means
// anything: the verdict of a compare gate is then inconclusive, with the reason.
//
// Each device heard from is a canary with the expected share rho. The evidence is the Dirichlet-multinomial
// mixture against it, with A canaries and B controls of n,
//     log E = lgG(k) - lgG(k+n) + lgG(k rho + A) - lgG(k rho) + lgG(k (1-rho) + B) - lgG(k (1-rho))
//             - A ln rho - B ln(1-rho),
// watched for ever, alarm at 1/alpha by Ville (Lindon and Malek, NeurIPS 2022; reference
// "gates-and-playbooks" 4(a), (f)). k says how near to rho the alternatives lie: about rho +- sqrt(rho
// (1-rho) / k). Measured at alpha 0.1%: 1000 finds a canary that lost 30% of its devices after 20 polls of
// 200 devices at 5%, where 10000 needs 37; one that lost 1% at 50% after 38 polls of 20000, where 10000
// needs 33. So 1000. The expected share changes with the ramp: each stretch of polls of a stratum with the
// same share is a segment with a mixture of its own; segments and strata multiply.
//
// Counts must be of what was randomised: devices, each once. Sessions of one device hang together, and would
// raise an alarm where nothing is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gate/compare.hpp"

namespace tranche::gate {

inline constexpr double default_concentration = 1'000;  // k
inline constexpr double default_mismatch_alpha = 0.001;

struct SampleRatioEvidence {
  struct Segment {
    double share = 0;  // expected of the canary, in (0, 1)
    double canary = 0, control = 0;
    bool operator==(const Segment& other) const = default;
  };
  std::map<std::string, Segment> segments;  // the running one of each stratum; at most 64 strata are watched
  double closed = 0;                        // ln E of segments that ended
  double largest = 0;                       // of ln E over all polls: a mismatch is not forgotten
  double canary = 0, control = 0, expected = 0;  // devices in all; canary devices expected among them
  std::int64_t polls = 0;                        // with devices
  bool operator==(const SampleRatioEvidence& other) const = default;
};
doc::Value to_value(const SampleRatioEvidence& evidence);
Result<SampleRatioEvidence> sample_ratio_from_value(const doc::Value& value);

// Adds one poll's devices: `exposure` of both arms. `shares`: the canary's expected share of each stratum
// during the poll; strata without one are left out. Refused (kind invalid), the evidence then unchanged: what
// check_poll refuses, shares outside (0, 1), k outside 1 to 1e9.
Result<> observe(SampleRatioEvidence& evidence, const Poll& poll, const std::map<std::string, double>& shares,
                 double k = default_concentration);

struct SampleRatio {
  bool mismatch = false;              // evidence has reached 1/alpha at some poll
  double log_evidence = 0, p = 1;     // p = 1 / largest evidence, at most 1: valid at every poll
  double observed = 0, expected = 0;  // canary shares; NaN without devices
  std::string explanation;  // one sentence; why the verdict is inconclusive where there is a mismatch
};
SampleRatio judge(const SampleRatioEvidence& evidence, double alpha = default_mismatch_alpha,
                  double k = default_concentration);

// ln E of one segment.
double log_mismatch(const SampleRatioEvidence::Segment& segment, double k = default_concentration);

}  // namespace tranche::gate
