// Is there more noise in the arms' odds than chance alone makes, and what is left of the evidence then? PURE.
//
// two_by_two.hpp takes the trials of one arm and poll as independent. In the field they hang together: a slow
// minute of one backend, a batch job on some machines. Then the odds of the arms differ from poll to poll by
// more than binomial chance, and a test that trusts it takes a bad minute for a regression. Each poll's log
// odds ratio is therefore also an observation of a test that measures its own noise (restarted_sums.hpp), and
// that test must agree unless the noise is known to be chance's.
//
// Known from where: two neighbouring log odds ratios l, l' with variances v, v' give d = (l - l')^2 / (v +
// v'), about 1 on average under chance; what both arms share cancels in l. And two neighbouring polls of the
// control, of one stratum and bound, with b, b' events in y, y' trials, give d = (b' - n p)^2 / (n p (1-p)
// (N-n) / (N-1)), n = b + b', N = y + y', p = y'/N: exactly 1 on average (hypergeometric), however few the
// events; the control is the larger arm and sees noise sooner. d is capped, so that the one jump of a
// regression or an incident is one jump; old polls are forgotten by 1/64 a poll. Half an event in each cell
// keeps logarithms finite and nearly unbiased. Polls of little information are joined until the variance of
// the canary's events given the margins is at least 1. noise.hpp does the same for rare events.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "doc/value.hpp"
#include "gate/noise.hpp"
#include "gate/restarted_sums.hpp"
#include "gate/two_by_two.hpp"

namespace tranche::gate {

struct StratumTable {
  std::string stratum;
  double bound;  // that a value must exceed to be an event; 0 where there is none
  TwoByTwo table;
};

struct OddsNoise {
  RestartedSums ratios;                   // log odds ratios
  double last = 0, last_variance = 0;     // of the newest; no variance: none yet
  Scatter odds_scatter, control_scatter;  // of d
  struct Last {                           // the control's previous poll, by stratum; at most 64
    double bound = 0, events = 0, trials = 0;
    bool operator==(const Last& other) const = default;
  };
  std::map<std::string, Last> last_control;
  // Mantel and Haenszel's sums over strata and polls, cells with a half more: canary / control is the odds
  // ratio among like devices at like times; Robins, Breslow and Greenland's for the variance of its log.
  struct Sums {
    double canary = 0, control = 0, spread_canary = 0, spread_both = 0, spread_control = 0;
    bool operator==(const Sums& other) const = default;
    [[nodiscard]] double variance() const;
  };
  Sums batch, all;         // polls that wait to be joined; all polls
  double information = 0;  // of the batch
  bool operator==(const OddsNoise& other) const = default;
};
// Adds the strata of one poll.
void observe(OddsNoise& noise, const std::vector<StratumTable>& strata);

Dispersion judge_noise(const OddsNoise& noise);
// Evidence that counts: as given where noise is calm, otherwise the weaker of that and of the second test's
// for "odds ratio > null" (above) or "< null" (below).
double weigh_above(const OddsNoise& noise, double log_evidence, double null);
double weigh_below(const OddsNoise& noise, double log_evidence, double null);

// The odds ratio over all polls and its 95% interval, valid at every poll at once (asymptotic: a normal
// mixture with Robins, Breslow and Greenland's variance; where it is noisy, the second test's bounds). NaN, 0
// and infinity while unknown.
struct OddsRatio {
  double ratio, lower, upper;
};
OddsRatio odds_ratio(const OddsNoise& noise);

doc::Value to_value(const OddsNoise& noise);
Result<OddsNoise> odds_noise_from_value(const doc::Value& value);

}  // namespace tranche::gate
