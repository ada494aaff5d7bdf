#include "gate/proportion.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "gate/judging.hpp"
#include "gate/two_by_two.hpp"

namespace tranche::gate {

namespace {

constexpr std::array<double, 8> factors{1.1, 1.25, 1.5, 2, 3, 5, 10, 20};
constexpr std::array<double, 8> inverse_factors{1 / 1.1, 1 / 1.25, 1 / 1.5,  1.0 / 2,
                                                1.0 / 3, 1.0 / 5,  1.0 / 10, 1.0 / 20};

bool informative(const StratumCounts& counts) {
  return counts.canary.exposure > 0 && counts.control.exposure > 0;
}

TwoByTwo cut(const StratumCounts& counts) {
  return {std::min(counts.canary.events, counts.canary.exposure), counts.canary.exposure,
          std::min(counts.control.events, counts.control.exposure), counts.control.exposure};
}

void add(ProportionEvidence& evidence, const TwoByTwo& counts) {
  const auto [a, x, b, y] = counts;
  evidence.canary_events += a;
  evidence.canary_trials += x;
  evidence.control_events += b;
  evidence.control_trials += y;
}

}  // namespace

doc::Value to_value(const ProportionEvidence& evidence) {
  return doc::Value::object({{"worse", numbers_to_value(evidence.worse)},
                             {"not-worse", numbers_to_value(evidence.not_worse)},
                             {"canary-events", evidence.canary_events},
                             {"canary-trials", evidence.canary_trials},
                             {"control-events", evidence.control_events},
                             {"control-trials", evidence.control_trials},
                             {"noise", to_value(evidence.noise)},
                             {"polls", evidence.polls},
                             {"empty-polls", evidence.empty_polls}});
}

Result<ProportionEvidence> proportion_from_value(const doc::Value& value) {
  ProportionEvidence out;
  out.worse = TRY(read_numbers(value, "worse", factors.size()));
  out.not_worse = TRY(read_numbers(value, "not-worse", factors.size()));
  if (out.worse.size() != out.not_worse.size())
    return broken_evidence("'worse' and 'not-worse' differ in length");
  out.canary_events = TRY(read_count(value, "canary-events"));
  out.canary_trials = TRY(read_count(value, "canary-trials"));
  out.control_events = TRY(read_count(value, "control-events"));
  out.control_trials = TRY(read_count(value, "control-trials"));
  const doc::Value* noise = TRY(value.object_at("noise"));
  out.noise = TRY(odds_noise_from_value(*noise));
  out.polls = TRY(read_tally(value, "polls"));
  out.empty_polls = TRY(read_tally(value, "empty-polls"));
  if (out.worse.empty() != (out.polls == 0)) return broken_evidence("'polls' does not go with 'worse'");
  return out;
}

Result<> observe(ProportionEvidence& evidence, const CompareConfig& config, const Poll& poll) {
  TRY(check(config));
  TRY(check_poll(poll));
  bool any = false;
  for (const auto& [stratum, counts] : poll) {
    for (const ArmCounts* arm : {&counts.canary, &counts.control})
      if (arm->events > arm->exposure * 1.1 + 1)
        return fail_hint(
            ErrorKind::invalid, "a proportion counts each session at most once; compare rates instead",
            "stratum '{}' has {} events in {} sessions", printable(stratum, 40), arm->events, arm->exposure);
    any = any || informative(counts);
  }
  if (!any) {
    ++evidence.empty_polls;
    return {};
  }
  std::vector<double> worse(factors.size()), not_worse(factors.size());
  std::vector<StratumTable> tables;
  for (const auto& [stratum, counts] : poll) {
    if (!informative(counts)) continue;
    const TwoByTwo table = cut(counts);
    add_log_likelihood_ratios(table, config.worse_than, factors, worse);
    add_log_likelihood_ratios(table, config.margin, inverse_factors, not_worse);
    add(evidence, table);
    tables.push_back({stratum, 0, table});
  }
  observe(evidence.noise, tables);
  ++evidence.polls;
  add_started(evidence.worse, evidence.polls, worse);
  add_started(evidence.not_worse, evidence.polls, not_worse);
  return {};
}

Comparison judge(const ProportionEvidence& evidence, const CompareConfig& config) {
  Comparison out;
  const OddsRatio odds = odds_ratio(evidence.noise);
  out.ratio = odds.ratio;
  out.ratio_low = odds.lower;
  out.ratio_high = odds.upper;
  out.dispersion = judge_noise(evidence.noise);
  if (evidence.polls == 0) {
    out.verdict = Verdict::no_data;
    out.explanation = fmt::format("no poll of {} had exposure in both arms", evidence.empty_polls);
    return out;
  }
  out.log_evidence_worse =
      weigh_above(evidence.noise, log_started(evidence.worse, evidence.polls), config.worse_than);
  out.log_evidence_not_worse =
      weigh_below(evidence.noise, log_started(evidence.not_worse, evidence.polls), config.margin);
  out.verdict = decide(config, out.log_evidence_worse, out.log_evidence_not_worse);
  out.explanation = fmt::format(
      "canary {:.6g} of {:.6g} ({:.3g}%), control {:.6g} of {:.6g} ({:.3g}%){}; {}", evidence.canary_events,
      evidence.canary_trials, 100 * evidence.canary_events / evidence.canary_trials, evidence.control_events,
      evidence.control_trials, 100 * evidence.control_events / evidence.control_trials,
      std::isnan(out.ratio) ? ""
                            : fmt::format(", odds ratio {:.3g}x ({:.3g}x to {:.3g}x)", out.ratio,
                                          out.ratio_low, out.ratio_high),
      evidence_text(config, out.log_evidence_worse, out.log_evidence_not_worse));
  return out;
}

}  // namespace tranche::gate
