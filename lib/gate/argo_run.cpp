// The run of a template: the counters of its metrics, and what they say together.
#include <algorithm>

#include "base/text.hpp"
#include "gate/argo.hpp"

namespace tranche::gate {
namespace {

constexpr std::string_view not_ours =
    "the journal entry was not written by this program; run 'tranche journal verify'";

const Counters& counters_of(const ArgoMemory& memory, const ArgoMetric& metric) {
  static const Counters none;
  const auto found = memory.metrics.find(metric.name);
  return found == memory.metrics.end() ? none : found->second;
}

// It ends the run: its siblings are not measured any more.
bool ends_all(const ArgoMetric& metric, const Counters& counters) {
  if (metric.dry_run || !metric.measured) return false;
  const Phase phase = assess(counters, metric.config);
  if (metric.config.strict) return phase > Phase::successful;
  return phase == Phase::failed || judge(counters, metric.config).verdict == Verdict::fail;
}

// Worst last.
int badness(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return 0;
    case Verdict::suspect:
      return 1;
    case Verdict::inconclusive:
      return 2;
    case Verdict::no_data:
      return 3;
    default:
      return 4;
  }
}

// Argo's order: Successful < Running < Pending < Inconclusive < Error < Failed.
int badness(Phase phase) {
  switch (phase) {
    case Phase::successful:
      return 0;
    case Phase::running:
      return 1;
    case Phase::pending:
      return 2;
    case Phase::inconclusive:
      return 3;
    case Phase::error:
      return 4;
    default:
      return 5;
  }
}

}  // namespace

doc::Value to_value(const ArgoMemory& memory) {
  doc::Value metrics = doc::Value::object();
  for (const auto& [name, counters] : memory.metrics) metrics.set(name, to_value(counters));
  doc::Value measured = doc::Value::object();
  for (const auto& [name, at] : memory.measured) measured.set(name, tranche::to_text(at));
  return doc::Value::object({{"metrics", std::move(metrics)}, {"measured", std::move(measured)}});
}

Result<ArgoMemory> argo_memory_from_value(const doc::Value& value) {
  ArgoMemory out;
  for (const doc::Member& member : TRY(value.object_at("metrics"))->as_object())
    out.metrics[member.key] = TRY(counters_from_value(member.value));
  for (const doc::Member& member : TRY(value.object_at("measured"))->as_object()) {
    if (!member.value.is_string())
      return fail_hint(ErrorKind::invalid, std::string(not_ours), "argo memory: a time is no string");
    out.measured[member.key] = TRY(parse_instant(member.value.as_string()));
  }
  return out;
}

Result<> observe(ArgoMemory& memory, const ArgoAnalysis& analysis, std::string_view metric, Instant at,
                 const Measurement& measurement) {
  const ArgoMetric* found = analysis.metric(metric);
  if (found == nullptr || !found->measured)
    return fail(ErrorKind::bug, "the analysis does not measure a metric '{}'", printable(metric, 64));
  if (is_complete(memory, analysis)) return {};
  Counters counters = counters_of(memory, *found);
  if (is_complete(counters, found->config)) return {};
  TRY(observe(counters, found->config, measurement));
  memory.metrics[found->name] = std::move(counters);
  memory.measured[found->name] = at;
  return {};
}

bool is_complete(const ArgoMemory& memory, const ArgoAnalysis& analysis) {
  bool all = true;
  for (const ArgoMetric& metric : analysis.metrics) {
    const Counters& counters = counters_of(memory, metric);
    if (ends_all(metric, counters)) return true;
    all = all && (!metric.measured || is_complete(counters, metric.config));
  }
  return all;
}

std::optional<Instant> next_measurement(const ArgoMemory& memory, const ArgoAnalysis& analysis,
                                        const ArgoMetric& metric, Instant started) {
  const Counters& counters = counters_of(memory, metric);
  if (!metric.measured || is_complete(memory, analysis) || is_complete(counters, metric.config))
    return std::nullopt;
  const auto last = memory.measured.find(metric.name);
  if (last == memory.measured.end()) return started + metric.initial_delay;
  // Without an interval only an error, or no data, is tried again.
  const Duration interval =
      metric.interval > Duration{0} ? metric.interval : Duration(std::chrono::seconds(10));
  return last->second + wait_after(counters, interval);
}

ArgoJudgement judge(const ArgoMemory& memory, const ArgoAnalysis& analysis) {
  const ArgoMetric* worst = nullptr;
  ThresholdJudgement worst_judgement;
  Phase phase = Phase::successful, ended = Phase::successful;
  std::string dry;
  bool over = false;
  for (const ArgoMetric& metric : analysis.metrics) {
    const Counters& counters = counters_of(memory, metric);
    if (!metric.measured) {
      dry += fmt::format("; dry run '{}': not measured, {} cannot run here", printable(metric.name, 64),
                         printable(metric.provider.kind, 64));
      continue;
    }
    const ThresholdJudgement one = judge(counters, metric.config);
    if (metric.dry_run) {
      dry += fmt::format("; dry run '{}': {}, {}", printable(metric.name, 64), to_text(one.verdict),
                         one.explanation);
      continue;
    }
    const Phase of_one = assess(counters, metric.config);
    if (ends_all(metric, counters)) {
      over = true;
      if (badness(of_one) > badness(ended)) ended = of_one;
    }
    if (badness(of_one) > badness(phase)) phase = of_one;
    if (worst != nullptr && badness(one.verdict) <= badness(worst_judgement.verdict)) continue;
    worst = &metric;
    worst_judgement = one;
  }
  if (worst == nullptr) return {Verdict::pass, Phase::successful, "only dry runs, which do not decide" + dry};
  ArgoJudgement out{worst_judgement.verdict, over ? ended : phase, {}};
  // Running and Pending siblings of a run that goes on make it Running.
  if (!over && (out.phase == Phase::pending || !is_complete(memory, analysis)) &&
      badness(out.phase) < badness(Phase::inconclusive))
    out.phase = memory.metrics.empty() ? Phase::pending : Phase::running;
  out.explanation =
      fmt::format("metric '{}': {}{}", printable(worst->name, 64), worst_judgement.explanation, dry);
  return out;
}

}  // namespace tranche::gate
