#include "gate/process.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "gate/exact_math.hpp"
#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

constexpr std::array<std::string_view, 4> names{"rate", "proportion", "quantile", "mean"};

// The evidence is an average of these and of 1, so it is at most twice the largest.
bool may_reach(const std::vector<double>& logs, double error_rate) {
  double largest = 0;
  for (const double log : logs) largest = std::max(largest, log);
  return largest + ln2 >= log_exact(1 / error_rate);
}

}  // namespace

std::string_view to_text(Statistic statistic) { return names[static_cast<std::size_t>(statistic)]; }

Process begin(const ProcessConfig& config) {
  switch (config.statistic) {
    case Statistic::rate:
      break;
    case Statistic::proportion:
      return {ProportionEvidence{}, {}};
    case Statistic::quantile: {
      QuantileEvidence evidence;
      evidence.quantile = config.quantile;
      return {std::move(evidence), {}};
    }
    case Statistic::mean:
      return {MeanEvidence{}, {}};
  }
  return {};
}

doc::Value to_value(const Process& process) {
  doc::Value out = std::visit([](const auto& evidence) { return to_value(evidence); }, process.evidence);
  out.set("statistic", names[process.evidence.index()]);
  if (process.assigned != SampleRatioEvidence{}) out.set("assigned", to_value(process.assigned));
  return out;
}

Result<Process> process_from_value(const doc::Value& value) {
  const std::string name = TRY(value.text("statistic"));
  Process out;
  if (name == names[0])
    out.evidence = TRY(evidence_from_value(value));
  else if (name == names[1])
    out.evidence = TRY(proportion_from_value(value));
  else if (name == names[2])
    out.evidence = TRY(quantile_from_value(value));
  else if (name == names[3])
    out.evidence = TRY(mean_from_value(value));
  else
    return broken_evidence("its statistic is unknown");
  if (const doc::Value* assigned = value.find("assigned"))
    out.assigned = TRY(sample_ratio_from_value(*assigned));
  return out;
}

Result<> observe(Process& process, const ProcessConfig& config, const Poll& poll, Instant at) {
  if (process.evidence.index() != static_cast<std::size_t>(config.statistic))
    return fail(ErrorKind::bug, "the evidence is of '{}', the gate compares '{}'",
                names[process.evidence.index()], to_text(config.statistic));
  return std::visit(
      [&](auto& evidence) -> Result<> {
        if constexpr (std::is_same_v<std::decay_t<decltype(evidence)>, Evidence>)
          return observe(evidence, config.compare, poll, at);
        else
          return observe(evidence, config.compare, poll);
      },
      process.evidence);
}

Result<> observe_assigned(Process& process, const Poll& assigned, std::map<std::string, double> shares) {
  for (const auto& [stratum, counts] : assigned) {
    int millionths = 0;
    const auto [end, code] = std::from_chars(stratum.data(), stratum.data() + stratum.size(), millionths);
    if (code == std::errc{} && end == stratum.data() + stratum.size() && millionths > 0 &&
        millionths < 1'000'000)
      shares.try_emplace(stratum, millionths / 1e6);
  }
  return observe(process.assigned, assigned, shares);
}

Comparison judge(const Process& process, const ProcessConfig& config, bool in_words) {
  Comparison out = std::visit(
      [&](const auto& evidence) {
        if constexpr (std::is_same_v<std::decay_t<decltype(evidence)>, Evidence>)
          return judge(evidence, config.compare, in_words);
        else
          return judge(evidence, config.compare);
      },
      process.evidence);
  if (process.assigned.polls == 0 || out.verdict == Verdict::no_data) return out;
  const SampleRatio ratio = judge(process.assigned);
  if (!ratio.mismatch) return out;
  out.verdict = Verdict::inconclusive;
  out.explanation = ratio.explanation;
  return out;
}

bool may_decide(const Process& process, const ProcessConfig& config, bool pass) {
  const auto look = [&](const auto& evidence) {
    return may_reach(evidence.worse, config.compare.suspect_at) ||
           (pass && may_reach(evidence.not_worse, config.compare.false_promotion));
  };
  if (const auto* rate = std::get_if<Evidence>(&process.evidence)) return look(*rate);
  if (const auto* proportion = std::get_if<ProportionEvidence>(&process.evidence)) return look(*proportion);
  return true;
}

Totals totals(const Process& process) {
  Totals out;
  if (const auto* rate = std::get_if<Evidence>(&process.evidence)) {
    out.canary = rate->canary;
    out.control = rate->control;
    out.polls = rate->polls;
    out.since = rate->since;
  } else if (const auto* proportion = std::get_if<ProportionEvidence>(&process.evidence)) {
    out.canary.events = proportion->canary_events;
    out.canary.exposure = proportion->canary_trials;
    out.control.events = proportion->control_events;
    out.control.exposure = proportion->control_trials;
    out.polls = proportion->polls;
  } else if (const auto* quantile = std::get_if<QuantileEvidence>(&process.evidence)) {
    out.canary.events = quantile->canary_over;
    out.canary.exposure = quantile->canary_count;
    out.control.events = quantile->control_over;
    out.control.exposure = quantile->control_count;
    out.polls = quantile->polls;
  } else if (const auto* mean = std::get_if<MeanEvidence>(&process.evidence)) {
    out.canary.events = mean->canary;
    out.canary.exposure = mean->canary_count;
    out.control.events = mean->control;
    out.control.exposure = mean->control_count;
    out.polls = mean->polls;
  }
  return out;
}

}  // namespace tranche::gate
