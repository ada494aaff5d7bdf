#include "rollout/gate_memory.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rollout/argo.hpp"
#include "rollout/codec.hpp"

namespace tranche::rollout {
namespace {

using gate::Verdict;
using Kind = spec::Gate::Kind;

// Windows without data at the newest edge are asked for again for this many intervals.
constexpr int patience = 5;

doc::Value finite_or_null(double value) { return std::isfinite(value) ? doc::Value(value) : doc::Value(); }
double number_or(const doc::Value& value, std::string_view key, double otherwise) {
  const doc::Value* found = value.find(key);
  return found != nullptr && found->is_number() ? found->as_double() : otherwise;
}

// Arms that differed by more than this before the release are not compared.
constexpr double alike = 1.1;

// `before` asks for events and exposure, whatever the gate compares.
gate::ProcessConfig before_config(const spec::Gate& gate) {
  gate::ProcessConfig out = process_config(gate);
  if (out.statistic == gate::Statistic::quantile) out.statistic = gate::Statistic::rate;
  return out;
}

void fold_before(GateMemory& memory, const spec::Gate& gate, const std::vector<Window>& windows) {
  const gate::ProcessConfig config = before_config(gate);
  memory.before = gate::begin(config);
  for (const Window& window : windows)
    if (window.has_data) (void)gate::observe(memory.before, config, window.counts, window.end);
  memory.before_read = true;
}

// Why the arms cannot be compared, by what was before the release; empty: they were alike, or nobody asked.
std::string differed_before(const GateMemory& memory, const spec::Gate& gate) {
  const bool versions = gate.arms == spec::Gate::Arms::version;
  if (gate.before_events.empty()) return {};
  if (!memory.before_read) return "the time before the release has not been read yet";
  const gate::Comparison before = gate::judge(memory.before, before_config(gate));
  if (before.verdict == Verdict::no_data)
    return versions ? "there is no data of the time before the release" : std::string();
  if (before.ratio_low <= alike && before.ratio_high >= 1 / alike) return {};
  return fmt::format("the arms differed before the release: ratio {:.3g}x ({:.3g}x to {:.3g}x)", before.ratio,
                     before.ratio_low, before.ratio_high);
}

void fold_windows(GateMemory& memory, const spec::Gate& gate, const std::vector<Window>& windows,
                  Instant now) {
  const gate::ProcessConfig config = process_config(gate);
  std::size_t count = windows.size();
  while (count > 0 && !windows[count - 1].has_data && windows[count - 1].end > now - patience * gate.every)
    --count;
  for (std::size_t i = 0; i < count; ++i) {
    const Window& window = windows[i];
    if (window.end <= memory.polled_until) continue;
    memory.polled_until = window.end;
    // Devices that could not be counted leave the comparison as it is.
    if (!window.assigned.empty()) (void)gate::observe_assigned(memory.process, window.assigned);
    if (!window.has_data || !gate::observe(memory.process, config, window.counts, window.end)) {
      ++memory.gaps;
      continue;
    }
    memory.last_data = window.end;
    // A fail at any poll is a fail, also when the tick comes late and later polls look better.
    if (gate::may_decide(memory.process, config, false) &&
        gate::judge(memory.process, config, false).verdict == Verdict::fail &&
        differed_before(memory, gate).empty())
      break;
  }
}

void fold_samples(GateMemory& memory, const spec::Gate& gate, const std::vector<Sample>& samples) {
  const gate::ThresholdConfig config = threshold_config(gate);
  for (const Sample& sample : samples) {
    if (sample.at <= memory.polled_until) continue;
    if (gate::is_complete(memory.counters, config)) break;
    memory.polled_until = sample.at;
    if (!gate::observe(memory.counters, config, sample.measurement)) continue;
    if (sample.measurement.has_data) memory.last_data = sample.at;
  }
}

void fold_judged(GateMemory& memory, const Observation& observation) {
  if (!observation.judged || observation.until <= memory.polled_until) return;
  memory.polled_until = observation.until;
  const gate::KayentaResult& result = *observation.judged;
  if (result.verdict != Verdict::no_data) memory.last_data = observation.until;
  memory.judged = gate::to_value(result);
  memory.verdict = result.verdict;
  memory.explanation = result.explanation;
}

void fold_opinion(GateMemory& memory, const Observation& observation) {
  if (!observation.opinion || observation.until <= memory.polled_until) return;
  memory.polled_until = observation.until;
  memory.opinion = *observation.opinion;
  if (memory.opinion.last.says != gate::Opinion::Says::nothing) memory.last_data = observation.until;
}

void fold_metrics(GateMemory& memory, const gate::ArgoAnalysis& analysis, const Observation& observation) {
  for (const auto& [metric, samples] : observation.metrics)
    for (const Sample& sample : samples) {
      if (!gate::observe(memory.argo, analysis, metric, sample.at, sample.measurement)) continue;
      memory.polled_until = std::max(memory.polled_until, sample.at);
      if (sample.measurement.has_data) memory.last_data = std::max(memory.last_data, sample.at);
    }
}

void judge_comparison(GateMemory& memory, const spec::Gate& gate) {
  const gate::Comparison comparison = gate::judge(memory.process, process_config(gate));
  memory.verdict = comparison.verdict;
  memory.explanation = comparison.explanation;
  // Those who update first differ from the others; nothing here has seen that they did not before.
  if (gate.arms == spec::Gate::Arms::version && gate.before_events.empty() &&
      comparison.verdict != Verdict::no_data)
    memory.explanation += "; the arms are versions: that they were alike before the release was not checked";
  memory.log_evidence_worse = comparison.log_evidence_worse;
  memory.log_evidence_not_worse = comparison.log_evidence_not_worse;
  memory.ratio = comparison.ratio;
  memory.ratio_low = comparison.ratio_low;
  memory.ratio_high = comparison.ratio_high;
  if (const std::string why = differed_before(memory, gate);
      !why.empty() && memory.verdict != Verdict::no_data) {
    memory.verdict = Verdict::inconclusive;
    memory.explanation = why + "; " + memory.explanation;
  }
}

}  // namespace

doc::Value to_value(const GateMemory& memory) {
  doc::Value out = doc::Value::object();
  if (memory.process != gate::Process{}) out.set("process", gate::to_value(memory.process));
  if (memory.before_read) out.set("before", gate::to_value(memory.before));
  if (memory.counters != gate::Counters{}) out.set("counters", gate::to_value(memory.counters));
  if (memory.opinion != gate::OpinionMemory{}) out.set("opinion", gate::to_value(memory.opinion));
  if (memory.argo != gate::ArgoMemory{}) out.set("argo", gate::to_value(memory.argo));
  if (!memory.judged.is_null()) out.set("judged", memory.judged);
  out.set("since", instant_or_null(memory.since));
  out.set("polled-until", instant_or_null(memory.polled_until));
  out.set("last-data", instant_or_null(memory.last_data));
  out.set("verdict", gate::to_text(memory.verdict));
  out.set("explanation", memory.explanation);
  out.set("log-evidence-worse", memory.log_evidence_worse);
  out.set("log-evidence-not-worse", memory.log_evidence_not_worse);
  out.set("ratio", finite_or_null(memory.ratio));
  out.set("ratio-low", finite_or_null(memory.ratio_low));
  out.set("ratio-high", finite_or_null(memory.ratio_high));
  out.set("source-error", memory.source_error);
  out.set("gaps", memory.gaps);
  return out;
}

Result<GateMemory> gate_memory_from_value(const doc::Value& value) {
  GateMemory memory;
  if (const doc::Value* process = value.find("process"))
    memory.process = TRY(gate::process_from_value(*process));
  if (const doc::Value* before = value.find("before")) {
    memory.before = TRY(gate::process_from_value(*before));
    memory.before_read = true;
  }
  if (const doc::Value* counters = value.find("counters"))
    memory.counters = TRY(gate::counters_from_value(*counters));
  if (const doc::Value* opinion = value.find("opinion"))
    memory.opinion = TRY(gate::opinion_memory_from_value(*opinion));
  if (const doc::Value* argo = value.find("argo")) memory.argo = TRY(gate::argo_memory_from_value(*argo));
  if (const doc::Value* judged = value.find("judged")) memory.judged = *judged;
  memory.since = TRY(instant_at(value, "since"));
  memory.polled_until = TRY(instant_at(value, "polled-until"));
  memory.last_data = TRY(instant_at(value, "last-data"));
  const auto verdict = gate::parse_verdict(TRY(value.text("verdict")));
  if (!verdict) return fail(ErrorKind::invalid, "the rollout's state holds an unknown verdict");
  memory.verdict = *verdict;
  memory.explanation = TRY(value.text("explanation"));
  memory.log_evidence_worse = TRY(value.number("log-evidence-worse"));
  memory.log_evidence_not_worse = TRY(value.number("log-evidence-not-worse"));
  memory.ratio = number_or(value, "ratio", std::nan(""));  // null where a rate was zero
  memory.ratio_low = number_or(value, "ratio-low", 0);
  memory.ratio_high = number_or(value, "ratio-high", std::numeric_limits<double>::infinity());
  memory.source_error = TRY(value.text("source-error"));
  memory.gaps = TRY(value.integer("gaps"));
  return memory;
}

gate::ProcessConfig process_config(const spec::Gate& gate) {
  gate::ProcessConfig out;
  out.compare = {gate.worse_than, gate.margin, gate.false_rollback, gate.suspect_at, gate.false_promotion};
  switch (gate.statistic) {
    case spec::Gate::Statistic::rate:
      out.statistic = gate::Statistic::rate;
      break;
    case spec::Gate::Statistic::proportion:
      out.statistic = gate::Statistic::proportion;
      break;
    case spec::Gate::Statistic::quantile:
      out.statistic = gate::Statistic::quantile;
      out.quantile = gate.quantile;
      break;
    case spec::Gate::Statistic::mean:
      out.statistic = gate::Statistic::mean;
      break;
  }
  return out;
}

gate::ThresholdConfig threshold_config(const spec::Gate& gate) {
  return {gate.success_condition,
          gate.failure_condition,
          gate.count,
          gate.failure_limit,
          gate.inconclusive_limit,
          gate.consecutive_error_limit,
          gate.no_data == spec::Gate::NoData::fail,
          gate.consecutive_success_limit,
          gate.strict_argo};
}

gate::OpinionConfig opinion_config(const spec::Gate& gate) {
  return {gate.model.confidence, gate.model.on_worse == spec::Model::OnWorse::fail};
}

Duration period(const spec::Gate& gate) {
  switch (gate.kind) {
    case Kind::compare:
      return gate.every;
    case Kind::kayenta:
      return gate.kayenta.step;
    case Kind::model:
      return gate.model.ask_every;
    case Kind::threshold:
    case Kind::argo:
      break;
  }
  return gate.interval;
}

void begin_stage(GateMemory& memory, const spec::Gate& gate, Instant now) {
  if (gate.kind == Kind::compare) {
    if (memory.polled_until == Instant{}) {
      memory.process = gate::begin(process_config(gate));
      memory.polled_until = memory.since = now;
    }
    return;
  }
  const gate::OpinionMemory asked = memory.opinion;
  memory = {};
  memory.opinion = asked;  // the same excerpts are not asked about again
  memory.since = now;
  memory.polled_until = gate.kind == Kind::threshold ? now + gate.initial_delay - gate.interval : now;
}

void fold(GateMemory& memory, const spec::App& app, const spec::Gate& gate, const Observation& observation,
          Instant now) {
  memory.source_error = observation.error;
  switch (gate.kind) {
    case Kind::compare:
      if (observation.before && !memory.before_read) fold_before(memory, gate, *observation.before);
      fold_windows(memory, gate, observation.windows, now);
      break;
    case Kind::threshold:
      fold_samples(memory, gate, observation.samples);
      break;
    case Kind::kayenta:
      fold_judged(memory, observation);
      break;
    case Kind::model:
      fold_opinion(memory, observation);
      break;
    case Kind::argo:
      if (const auto analysis = read_analysis(app, gate)) fold_metrics(memory, *analysis, observation);
      break;
  }
  judge(memory, app, gate, now);
}

std::optional<Instant> sampled_until(const GateMemory& memory, const spec::App& app, const spec::Gate& gate) {
  const bool asking =
      gate.kind == Kind::compare ||
      (gate.kind == Kind::threshold && !gate::is_complete(memory.counters, threshold_config(gate)));
  if (!asking) return std::nullopt;
  const spec::Source* source = app.source(gate.source);
  const Duration lag = source == nullptr ? Duration{} : source->lag;
  return std::max(memory.last_data, memory.since) + patience * period(gate) + lag;
}

void judge(GateMemory& memory, const spec::App& app, const spec::Gate& gate, Instant now) {
  const auto take = [&](const auto& judgement) {
    memory.verdict = judgement.verdict;
    memory.explanation = judgement.explanation;
  };
  bool may_be_stale = true;
  switch (gate.kind) {
    case Kind::compare:
      judge_comparison(memory, gate);
      break;
    case Kind::threshold:
      take(gate::judge(memory.counters, threshold_config(gate)));
      may_be_stale = false;  // counted: completed ones ask nothing more
      break;
    case Kind::kayenta:
      break;  // judged as its series came in
    case Kind::model:
      take(gate::judge(memory.opinion.last, opinion_config(gate)));
      break;
    case Kind::argo:
      if (const auto analysis = read_analysis(app, gate)) {
        take(gate::judge(memory.argo, *analysis));
      } else {
        memory.verdict = Verdict::no_data;
        memory.explanation = analysis.error().message;
      }
      may_be_stale = false;
      break;
  }
  if (memory.verdict != Verdict::pass) return;
  const spec::Source* source = app.source(gate.source);
  const Duration lag = source == nullptr ? Duration{} : source->lag;
  const bool stale = may_be_stale && now - memory.last_data > patience * period(gate) + lag;
  if (!stale && memory.source_error.empty()) return;
  memory.verdict = Verdict::no_data;
  memory.explanation = memory.source_error.empty() ? "no fresh data" : memory.source_error;
}

}  // namespace tranche::rollout
