#include "metrics/sent_queries.hpp"

#include <array>

#include "metrics/query.hpp"

namespace tranche::metrics {

namespace {

constexpr std::array<std::string_view, 1> kept{"time"};  // the source's own

}  // namespace

std::vector<SentQuery> sent_queries(const spec::Gate& gate, Variables variables) {
  std::vector<SentQuery> out;
  if (gate.kind == spec::Gate::Kind::threshold) {
    variables.window = gate.interval;
    if (!gate.query.empty())
      out.push_back(
          {"query", internal::fill_query(gate.query, variables, nullptr, kept).value_or(gate.query)});
    return out;
  }
  if (gate.kind != spec::Gate::Kind::compare) return out;
  variables.window = gate.every;
  const auto add = [&](const std::string& what, const std::string& query) {
    for (const Arm arm : {Arm::canary, Arm::control}) {
      auto text = internal::fill_arm_query(query, gate, variables, arm, kept);
      const bool alike = query.find('$') == std::string::npos;  // the name of a counter
      if (alike && arm == Arm::control) continue;
      out.push_back({alike ? what : what + (arm == Arm::canary ? " of the canary" : " of the control"),
                     text ? *text : query});
      if (!text && !alike) return;
    }
  };
  if (!gate.events.empty()) add("events", gate.events);
  if (!gate.exposure.empty()) add("exposure", gate.exposure);
  if (!gate.histogram.empty()) add("histogram", gate.histogram);
  return out;
}

}  // namespace tranche::metrics
