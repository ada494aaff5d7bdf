// Templates come from a pull request: no document may crash their reader, what is refused says what to do,
// and what is read can be run: no outage and no empty answer makes it pass, unless a condition accepts that.
// rooms: gate
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "doc/value.hpp"
#include "gate/argo.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto document = doc::parse_yaml(text, "template.yaml");
  if (!document) return 0;
  gate::ArgoInput input{{*document}, {{"service", "x"}, {"token", "env:TRANCHE_TOKEN"}}, {}, false, false};
  if (data[0] % 2 == 1) input.args.clear();
  if (data[0] % 4 >= 2) input.source_kind = "datadog";
  input.strict = data[0] % 8 >= 4;
  const auto analysis = gate::read_argo(input);
  if (!analysis) {
    if (analysis.error().kind != ErrorKind::invalid || analysis.error().hint.empty()) std::abort();
    return 0;
  }
  const Instant start{std::chrono::seconds(1'767'225'600)};
  for (const bool answers : {false, true}) {
    gate::ArgoMemory memory;
    bool accepts_nothing = input.strict;
    for (int round = 0; round < 6; ++round)
      for (const gate::ArgoMetric& metric : analysis->metrics) {
        const auto due = gate::next_measurement(memory, *analysis, metric, start);
        if (!due) continue;
        gate::Measurement measurement;
        if (!answers) measurement.error = "connection refused";
        if (!gate::observe(memory, *analysis, metric.name, *due, measurement)) std::abort();
        for (const std::string& condition :
             {metric.config.success_condition, metric.config.failure_condition})
          accepts_nothing = accepts_nothing ||
                            (!condition.empty() && gate::Condition::compile(condition)->accepts_nothing());
      }
    bool decides = false;  // strict: a template of dry runs alone passes, as in Argo
    for (const gate::ArgoMetric& metric : analysis->metrics) decides = decides || !metric.dry_run;
    const gate::ArgoJudgement judgement = gate::judge(memory, *analysis);
    if (judgement.verdict == gate::Verdict::pass && decides && !(answers && accepts_nothing)) std::abort();
    const auto back = gate::argo_memory_from_value(gate::to_value(memory));
    if (!back || !(*back == memory)) std::abort();
  }
  return 0;
}
