#include "engine/read_gate.hpp"

#include <algorithm>
#include <cmath>

#include "metrics/kayenta.hpp"
#include "rollout/argo.hpp"
#include "signing/keys.hpp"

namespace tranche::engine {
namespace {

using Kind = spec::Gate::Kind;

// A tick after a long pause catches up in pieces, so that no answer grows without bound.
constexpr int most_samples = 500;
constexpr int most_windows = 11'000;

Duration lag_of(const spec::App& app, const spec::Gate& gate) {
  const spec::Source* source = app.source(gate.source);
  return source == nullptr ? Duration{} : source->lag;
}

// The course of an Argo range query as its one measurement.
Result<gate::Measurement> measure_range(metrics::Source& source, const rollout::ArgoQuestion& question,
                                        const metrics::Variables& variables, Instant at) {
  const std::vector<double> course = TRY(
      source.series(question.gate.query, variables, metrics::Arm::canary, at - question.range->start_before,
                    at - question.range->end_before, question.range->step));
  gate::Measurement out;
  for (const double value : course)
    if (!std::isnan(value)) out.values.push_back(value);
  out.has_data = !out.values.empty();
  return out;
}

}  // namespace

Result<Secret> GateReader::secret(const std::string& reference) {
  if (reference.empty()) return Secret{};
  return signing::read_secret(world_, repository_, reference);
}

Result<metrics::Source*> GateReader::keep(const std::string& key, const spec::Source& wanted) {
  std::unique_ptr<metrics::Source>& slot = sources_[key];
  if (slot == nullptr) {
    metrics::Secrets secrets;
    for (const spec::SecretReference& used : spec::secret_references(wanted))
      secrets[used.reference] = TRY(secret(used.reference));
    slot = TRY(metrics::make_source(world_, wanted, secrets, repository_));
  }
  return slot.get();
}

Result<metrics::Source*> GateReader::source(const spec::App& app, const spec::Gate& gate) {
  const spec::Source* wanted = app.source(gate.source);
  if (wanted == nullptr)
    return fail_hint(ErrorKind::invalid, "name one under sources:", "gate '{}' reads the unknown source '{}'",
                     gate.name, gate.source);
  return keep(wanted->name, *wanted);
}

Result<> GateReader::read_windows(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                                  const metrics::Variables& variables, const rollout::GateMemory& memory) {
  metrics::Source* from = TRY(source(app, gate));
  if (!gate.before_events.empty() && !memory.before_read) {
    spec::Gate asked = gate;
    asked.events = gate.before_events;
    asked.exposure = gate.before_exposure;
    asked.assignments.clear();
    if (asked.statistic == spec::Gate::Statistic::quantile) asked.statistic = spec::Gate::Statistic::rate;
    const Duration period = std::min(gate.before_period, most_windows * gate.every);
    std::vector<rollout::Window>
        before;  // handed over whole: half of it would be taken for all that there is
    for (metrics::WindowCounts& window :
         TRY(from->compare(asked, variables, memory.since - period, memory.since)))
      before.push_back({window.end, window.has_data, std::move(window.counts), {}});
    out.before = std::move(before);
  }
  const Instant after = memory.polled_until;
  const Instant until = std::min(metrics::aligned_end(world_.clock.now(), gate.every, lag_of(app, gate)),
                                 after + most_windows * gate.every);
  if (until <= after) return {};
  for (metrics::WindowCounts& window : TRY(from->compare(gate, variables, after, until)))
    out.windows.push_back(
        {window.end, window.has_data, std::move(window.counts), std::move(window.assigned)});
  return {};
}

Result<> GateReader::read_samples(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                                  const metrics::Variables& variables, const rollout::GateMemory& memory) {
  metrics::Source* from = TRY(source(app, gate));
  const Instant until = world_.clock.now() - lag_of(app, gate);
  const gate::ThresholdConfig config = rollout::threshold_config(gate);
  gate::Counters seen = memory.counters;  // after an error the next measurement comes sooner
  Instant at = memory.polled_until;
  for (int i = 0; i < most_samples && !gate::is_complete(seen, config); ++i) {
    at += gate::wait_after(seen, gate.interval);
    if (at > until) return {};
    auto measured = from->measure(gate, variables, at);
    rollout::Sample sample{at, {}};
    if (!measured) {  // down: one try a tick is enough
      sample.measurement.error = out.error = measured.error().message;
      out.samples.push_back(std::move(sample));
      return {};
    }
    sample.measurement = std::move(*measured);
    TRY(gate::observe(seen, config, sample.measurement));
    out.samples.push_back(std::move(sample));
  }
  return {};
}

Result<> GateReader::read_judged(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                                 const metrics::Variables& variables, const rollout::GateMemory& memory) {
  metrics::Source* from = TRY(source(app, gate));
  const Instant until = metrics::aligned_end(world_.clock.now(), gate.kayenta.step, lag_of(app, gate));
  if (until <= memory.polled_until) return {};
  const auto series = TRY(metrics::kayenta_series(*from, gate.kayenta, variables, memory.since, until));
  out.judged = TRY(gate::judge(metrics::kayenta_config(gate.kayenta), series));
  out.until = until;
  return {};
}

Result<> GateReader::read_opinion(rollout::Observation& out, const spec::Gate& gate,
                                  const metrics::Variables& variables, const rollout::GateMemory& memory) {
  metrics::ModelSecrets secrets;
  secrets.key = TRY(secret(gate.model.key));
  secrets.canary_token = TRY(secret(gate.model.canary.token));
  secrets.control_token = TRY(secret(gate.model.control.token));
  gate::OpinionMemory asked = memory.opinion;
  TRY(metrics::ask_model(world_, repository_, gate, variables, secrets, asked));
  out.opinion = std::move(asked);
  out.until = world_.clock.now();
  return {};
}

Result<> GateReader::read_analysis(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                                   const metrics::Variables& variables, const rollout::GateMemory& memory) {
  const gate::ArgoAnalysis analysis = TRY(rollout::read_analysis(app, gate));
  const Instant until = world_.clock.now() - lag_of(app, gate);
  gate::ArgoMemory seen = memory.argo;  // what the answers so far make of what comes next
  for (const gate::ArgoMetric& metric : analysis.metrics) {
    if (!metric.measured) continue;
    const rollout::ArgoQuestion question = TRY(rollout::question_of(app, gate, metric));
    metrics::Source* from = TRY(keep(gate.name + "/" + metric.name, question.source));
    for (int i = 0; i < most_samples; ++i) {
      const auto at = gate::next_measurement(seen, analysis, metric, memory.since);
      if (!at || *at > until) break;
      rollout::Sample sample{*at, {}};
      auto measured = question.range ? measure_range(*from, question, variables, *at)
                                     : from->measure(question.gate, variables, *at);
      if (measured)
        sample.measurement = std::move(*measured);
      else
        sample.measurement.error = out.error = measured.error().message;
      TRY(gate::observe(seen, analysis, metric.name, *at, sample.measurement));
      out.metrics[metric.name].push_back(std::move(sample));
      if (!measured) break;
    }
  }
  return {};
}

rollout::Observation GateReader::read(const spec::App& app, const spec::Gate& gate,
                                      metrics::Variables variables, const rollout::GateMemory& memory) {
  rollout::Observation out;
  variables.window = rollout::period(gate);
  const auto read = [&]() -> Result<> {
    switch (gate.kind) {
      case Kind::compare:
        return read_windows(out, app, gate, variables, memory);
      case Kind::threshold:
        return read_samples(out, app, gate, variables, memory);
      case Kind::kayenta:
        return read_judged(out, app, gate, variables, memory);
      case Kind::model:
        return read_opinion(out, gate, variables, memory);
      case Kind::argo:
        return read_analysis(out, app, gate, variables, memory);
    }
    return {};
  }();
  if (!read) out.error = read.error().message;
  return out;
}

}  // namespace tranche::engine
