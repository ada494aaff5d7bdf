#include "gate/process.hpp"

#include <array>

#include "gate/judging.hpp"

namespace tranche::gate {

namespace {

constexpr std::array<std::string_view, 2> names{"rate", "proportion"};

}  // namespace

std::string_view to_text(Statistic statistic) { return names[static_cast<std::size_t>(statistic)]; }

Process begin(const ProcessConfig& config) {
  switch (config.statistic) {
    case Statistic::rate:
      return {Evidence{}};
    case Statistic::proportion:
      return {ProportionEvidence{}};
  }
  return {};
}

doc::Value to_value(const Process& process) {
  doc::Value out = std::visit([](const auto& evidence) { return to_value(evidence); }, process.evidence);
  out.set("statistic", names[process.evidence.index()]);
  return out;
}

Result<Process> process_from_value(const doc::Value& value) {
  const std::string name = TRY(value.text("statistic"));
  if (name == names[0]) return Process{TRY(evidence_from_value(value))};
  if (name == names[1]) return Process{TRY(proportion_from_value(value))};
  return broken_evidence("its statistic is unknown");
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

Comparison judge(const Process& process, const ProcessConfig& config, bool in_words) {
  return std::visit(
      [&](const auto& evidence) {
        if constexpr (std::is_same_v<std::decay_t<decltype(evidence)>, Evidence>)
          return judge(evidence, config.compare, in_words);
        else
          return judge(evidence, config.compare);
      },
      process.evidence);
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
  }
  return out;
}

}  // namespace tranche::gate
