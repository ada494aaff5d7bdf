// An Argo Rollouts AnalysisTemplate, run unchanged. PURE: documents in, metrics out; measurements in, a
// verdict out. Semantics: argo-rollouts' utils/analysis (validation, flattening, dryRun), utils/template
// (args), analysis/analysis.go (run status).
//
// How it is driven: read_argo once; then, while not is_complete, for each metric whose next_measurement is
// due, ask its provider and observe(); judge() at any time. The memory is all there is to keep.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"
#include "gate/threshold.hpp"
#include "gate/verdict.hpp"

namespace tranche::gate {

// What is asked, for a metrics source to be made of it. Texts are filled in with the args, except secret
// ones: they stay as {{args.NAME}} in `fields`, see fill_secrets; address and query never hold one. Queries
// may hold our $variables.
struct ArgoProvider {
  std::string kind;          // prometheus, datadog, graphite, influxdb, web; another: not measured
  bool from_source = false;  // the gate's source answers: it has the address and the credentials
  std::string address;       // of prometheus, graphite: its url. web: the url to ask
  std::string query;         // datadog: empty with `queries`. influxdb: Flux. web: empty
  // prometheus: timeout-ms, headers [{key, value}], user, password,
  //             range {start-before-ms, end-before-ms, step-ms}: /query_range from now - start to now - end,
  //             result is the list of all values of all series.
  // datadog:    api "v1"|"v2", interval-ms, aggregator, queries {name: query}, formula
  // web:        method, headers [{key, value}], body, json-path, timeout-ms; the answer (null, boolean,
  //             number, string, list, map; a body that is no JSON: a string) is Measurement::answer
  doc::Value fields;
  std::vector<std::string> secrets;  // names of the args that `fields` mentions
};

struct ArgoMetric {
  std::string name;
  ThresholdConfig config;
  Duration interval{};  // 0: none, it is measured once
  Duration initial_delay{};
  bool dry_run = false;
  std::int64_t retention = 10;  // how many measurements a report lists (measurementRetention)
  ArgoProvider provider;
  bool measured = true;  // false: a dry-run metric of a provider that cannot be asked from here
};

struct ArgoAnalysis {
  std::vector<ArgoMetric> metrics;  // names differ
  [[nodiscard]] const ArgoMetric* metric(std::string_view name) const;
};

struct ArgoInput {
  // One AnalysisTemplate or ClusterAnalysisTemplate each. They are joined as Argo does when a rollout names
  // several; templates that one names under `templates` must be among them.
  std::vector<doc::Value> templates;
  std::map<std::string, std::string>
      args;                 // values of tranche.yaml; env:... and file:... are secret references
  std::string source_kind;  // of the source that the gate names; empty: none
  bool strict = false;
  bool no_data_fails = false;
};

// Errors: kind invalid; all that is wrong, the first with the rest in `others`, each at its place in the
// template. Refused beyond Argo's own validation: unknown keys (a limit with a typo is no limit), metrics
// without a condition and templates of dry-run metrics alone (not strict: they pass whatever is measured),
// providers that need a cluster or a vendor's kit, unless the metric is a dry run.
Result<ArgoAnalysis> read_argo(const ArgoInput& input);

// `fields` with {{args.NAME}} of `secrets` replaced. The result is for the request only: it is not journalled
// and not shown. Error kind invalid when a value is missing.
Result<doc::Value> fill_secrets(const doc::Value& fields, const std::map<std::string, std::string>& secrets);

// Go's time.ParseDuration, in whole milliseconds, not negative: "30s", "1h30m", "1.5h", "300ms"; no days.
Result<Duration> parse_go_duration(std::string_view text);

struct ArgoMemory {
  std::map<std::string, Counters> metrics;
  std::map<std::string, Instant> measured;  // when each was measured last
  bool operator==(const ArgoMemory&) const = default;
};
doc::Value to_value(const ArgoMemory& memory);
Result<ArgoMemory> argo_memory_from_value(const doc::Value& value);

// Adds one measurement; nothing changes once the metric or the whole is complete. Error kind bug: no such
// metric.
Result<> observe(ArgoMemory& memory, const ArgoAnalysis& analysis, std::string_view metric, Instant at,
                 const Measurement& measurement);
// One metric that is no dry run failed (strict: or ended in Error or Inconclusive), or all are complete.
bool is_complete(const ArgoMemory& memory, const ArgoAnalysis& analysis);
// When the metric is to be measured next; none: no more. The first time is `started` + initialDelay.
std::optional<Instant> next_measurement(const ArgoMemory& memory, const ArgoAnalysis& analysis,
                                        const ArgoMetric& metric, Instant started);

struct ArgoJudgement {
  Verdict verdict = Verdict::no_data;
  Phase phase = Phase::pending;  // Argo's, of the run
  std::string explanation;       // names the metric that decides; then what dry runs would have said
};
// The worst metric decides: fail, then no-data (Error, an outage), then inconclusive, then pass. Dry runs
// never decide. Strict: Error is fail, as Argo aborts.
ArgoJudgement judge(const ArgoMemory& memory, const ArgoAnalysis& analysis);

}  // namespace tranche::gate
