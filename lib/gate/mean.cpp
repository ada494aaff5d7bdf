#include "gate/mean.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gate/exact_math.hpp"
#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

constexpr double least_sum = 1e-290;  // below, a logarithm is of rounding
constexpr double interval_alpha = 0.05;

void add_arm(double& sum, double& count, const ArmCounts& arm) {
  if (arm.values.empty()) {
    sum += arm.events;
    count += arm.exposure;
    return;
  }
  for (const double value : arm.values) sum += value;
  count += static_cast<double>(arm.values.size());
}

bool informative(const MeanEvidence::Pending& counts) {
  return counts.canary_count > 0 && counts.control_count > 0;
}
bool ready(const MeanEvidence::Pending& counts) {
  return counts.canary > least_sum && counts.control > least_sum && counts.canary_count > least_sum &&
         counts.control_count > least_sum;
}

}  // namespace

doc::Value to_value(const MeanEvidence& evidence) {
  doc::Value pending = doc::Value::object();
  for (const auto& [stratum, counts] : evidence.pending)
    pending.set(stratum, doc::Value::object({{"canary", counts.canary},
                                             {"canary-count", counts.canary_count},
                                             {"control", counts.control},
                                             {"control-count", counts.control_count}}));
  return doc::Value::object({{"pending", pending},
                             {"ratios", to_value(evidence.ratios)},
                             {"canary", evidence.canary},
                             {"canary-count", evidence.canary_count},
                             {"control", evidence.control},
                             {"control-count", evidence.control_count},
                             {"polls", evidence.polls},
                             {"empty-polls", evidence.empty_polls}});
}

Result<MeanEvidence> mean_from_value(const doc::Value& value) {
  MeanEvidence out;
  const doc::Value* pending = TRY(value.object_at("pending"));
  if (pending->as_object().size() > largest_strata) return broken_evidence("'pending' has too many strata");
  for (const doc::Member& member : pending->as_object()) {
    MeanEvidence::Pending counts;
    counts.canary = TRY(read_count(member.value, "canary"));
    counts.canary_count = TRY(read_count(member.value, "canary-count"));
    counts.control = TRY(read_count(member.value, "control"));
    counts.control_count = TRY(read_count(member.value, "control-count"));
    out.pending.emplace(member.key, counts);
  }
  const doc::Value* ratios = TRY(value.array_at("ratios"));
  out.ratios = TRY(restarted_sums_from_value(*ratios));
  out.canary = TRY(read_count(value, "canary"));
  out.canary_count = TRY(read_count(value, "canary-count"));
  out.control = TRY(read_count(value, "control"));
  out.control_count = TRY(read_count(value, "control-count"));
  out.polls = TRY(read_tally(value, "polls"));
  out.empty_polls = TRY(read_tally(value, "empty-polls"));
  return out;
}

Result<> observe(MeanEvidence& evidence, const CompareConfig& config, const Poll& poll) {
  TRY(check(config));
  TRY(check_poll(poll));
  bool any = false;
  double weight = 0, total = 0;
  for (const auto& [stratum, counts] : poll) {
    MeanEvidence::Pending now;
    add_arm(now.canary, now.canary_count, counts.canary);
    add_arm(now.control, now.control_count, counts.control);
    if (!informative(now)) continue;
    any = true;
    evidence.canary += now.canary;
    evidence.canary_count += now.canary_count;
    evidence.control += now.control;
    evidence.control_count += now.control_count;
    const auto waiting = evidence.pending.find(stratum);
    if (waiting != evidence.pending.end()) {
      now.canary += waiting->second.canary;
      now.canary_count += waiting->second.canary_count;
      now.control += waiting->second.control;
      now.control_count += waiting->second.control_count;
    }
    if (!ready(now)) {
      if (waiting != evidence.pending.end() || evidence.pending.size() < largest_strata)
        evidence.pending[stratum] = now;
      continue;
    }
    if (waiting != evidence.pending.end()) evidence.pending.erase(waiting);
    const double ratio = (log_exact(now.canary) - log_exact(now.canary_count)) -
                         (log_exact(now.control) - log_exact(now.control_count));
    const double share = now.canary_count * (now.control_count / (now.canary_count + now.control_count));
    weight += share;
    total += share * ratio;
  }
  ++(any ? evidence.polls : evidence.empty_polls);
  if (!(weight > 0)) return {};
  TRY(add(evidence.ratios, total / weight));
  return {};
}

Comparison judge(const MeanEvidence& evidence, const CompareConfig& config) {
  Comparison out;
  out.ratio = std::numeric_limits<double>::quiet_NaN();
  out.ratio_high = std::numeric_limits<double>::infinity();
  if (evidence.polls == 0) {
    out.verdict = Verdict::no_data;
    out.explanation = fmt::format("no poll of {} had values in both arms", evidence.empty_polls);
    return out;
  }
  const std::int64_t observations = evidence.ratios.count();
  out.verdict = Verdict::inconclusive;
  std::string known;
  if (observations > 0) {
    const RunningSums& sums = evidence.ratios.starts[0];
    out.ratio = exp_exact(sums.sum / sums.weight);
    const MeanBounds bounds = mean_bounds(sums, interval_alpha);
    if (std::isfinite(bounds.lower)) out.ratio_low = exp_exact(bounds.lower);
    if (std::isfinite(bounds.upper)) out.ratio_high = exp_exact(bounds.upper);
    known = fmt::format(", ratio {:.3g}x", out.ratio);
    if (out.ratio_low > 0 && std::isfinite(out.ratio_high))
      known += fmt::format(" ({:.3g}x to {:.3g}x)", out.ratio_low, out.ratio_high);
  }
  std::string said;
  if (observations < MeanEvidence::least_polls) {
    said = fmt::format("{} of at least {} polls with a ratio", observations, MeanEvidence::least_polls);
  } else {
    out.log_evidence_worse = log_evidence_above(evidence.ratios, log_exact(config.worse_than));
    out.log_evidence_not_worse = log_evidence_below(evidence.ratios.starts[0], log_exact(config.margin));
    out.verdict = decide(config, out.log_evidence_worse, out.log_evidence_not_worse);
    said = fmt::format("over {} polls, {}", observations,
                       evidence_text(config, out.log_evidence_worse, out.log_evidence_not_worse));
  }
  out.explanation =
      fmt::format("canary's mean is {:.4g} of {:.6g} values, control's {:.4g} of {:.6g}{}; {}",
                  evidence.canary / evidence.canary_count, evidence.canary_count,
                  evidence.control / evidence.control_count, evidence.control_count, known, said);
  return out;
}

}  // namespace tranche::gate
