#include "engine/read_gate.hpp"

#include <algorithm>

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

std::string text_of(const doc::Value& fields, std::string_view key) {
  const doc::Value* found = fields.find(key);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}

// A provider of an AnalysisTemplate as a source of ours. `fields` with its secrets filled in.
Result<spec::Source> source_of(const gate::ArgoProvider& provider, const doc::Value& fields) {
  spec::Source out;
  out.name = provider.kind;
  out.url = provider.address;
  if (provider.kind == "prometheus") {
    out.kind = spec::Source::Kind::prometheus;
  } else if (provider.kind == "graphite") {
    out.kind = spec::Source::Kind::graphite;
  } else if (provider.kind == "web") {
    out.kind = spec::Source::Kind::web;
    if (const std::string method = text_of(fields, "method"); !method.empty()) out.method = method;
    out.body = text_of(fields, "body");
    out.json_path = text_of(fields, "json-path");
  } else {
    return fail_hint(ErrorKind::invalid, "name a source of this kind in the gate: source: NAME",
                     "a template's {} provider has no address of its own", provider.kind);
  }
  if (const doc::Value* timeout = fields.find("timeout-ms"); timeout != nullptr && timeout->is_int())
    out.timeout = Duration(timeout->as_int());
  if (const doc::Value* headers = fields.find("headers"); headers != nullptr && headers->is_array())
    for (const doc::Value& header : headers->as_array())
      out.headers[text_of(header, "key")] = text_of(header, "value");
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

Result<metrics::Source*> GateReader::argo_source(const spec::App& app, const spec::Gate& gate,
                                                 const gate::ArgoMetric& metric) {
  if (metric.provider.from_source) return source(app, gate);
  std::map<std::string, std::string> values;
  for (const std::string& name : metric.provider.secrets)
    if (const auto given = gate.argo.args.find(name); given != gate.argo.args.end()) {
      const Secret value = TRY(secret(given->second));
      values[name] = std::string(value.expose());
    }
  const doc::Value fields = TRY(gate::fill_secrets(metric.provider.fields, values));
  return keep(gate.name + "/" + metric.name, TRY(source_of(metric.provider, fields)));
}

Result<> GateReader::read_windows(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                                  const metrics::Variables& variables, Instant after) {
  metrics::Source* from = TRY(source(app, gate));
  const Instant until = std::min(metrics::aligned_end(world_.clock.now(), gate.every, lag_of(app, gate)),
                                 after + most_windows * gate.every);
  if (until <= after) return {};
  for (metrics::WindowCounts& window : TRY(from->compare(gate, variables, after, until)))
    out.windows.push_back(
        {window.end, window.has_data, std::move(window.counts), std::move(window.assigned)});
  return {};
}

Result<> GateReader::read_samples(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                                  const metrics::Variables& variables, Instant after) {
  metrics::Source* from = TRY(source(app, gate));
  const Instant until = world_.clock.now() - lag_of(app, gate);
  Instant at = after + gate.interval;
  for (int i = 0; i < most_samples && at <= until; ++i, at += gate.interval) {
    auto measured = from->measure(gate, variables, at);
    rollout::Sample sample{at, {}};
    if (!measured) {  // down: one try a tick is enough
      sample.measurement.error = out.error = measured.error().message;
      out.samples.push_back(std::move(sample));
      return {};
    }
    sample.measurement = std::move(*measured);
    out.samples.push_back(std::move(sample));
  }
  return {};
}

Result<> GateReader::read_series(rollout::Observation& out, const spec::App& app, const spec::Gate& gate,
                                 const metrics::Variables& variables, const rollout::GateMemory& memory) {
  metrics::Source* from = TRY(source(app, gate));
  const Instant until = metrics::aligned_end(world_.clock.now(), gate.kayenta.step, lag_of(app, gate));
  if (until <= memory.polled_until) return {};
  out.series = TRY(metrics::kayenta_series(*from, gate.kayenta, variables, memory.since, until));
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
    spec::Gate asked = gate;
    asked.kind = Kind::threshold;
    asked.query = metric.provider.query;
    asked.interval = metric.interval;
    for (int i = 0; i < most_samples; ++i) {
      const auto at = gate::next_measurement(seen, analysis, metric, memory.since);
      if (!at || *at > until) break;
      rollout::Sample sample{*at, {}};
      const auto from = argo_source(app, gate, metric);
      auto measured = from ? (*from)->measure(asked, variables, *at) : std::unexpected(from.error());
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
        return read_windows(out, app, gate, variables, memory.polled_until);
      case Kind::threshold:
        return read_samples(out, app, gate, variables, memory.polled_until);
      case Kind::kayenta:
        return read_series(out, app, gate, variables, memory);
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
