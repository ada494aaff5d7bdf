#include "rollout/conditions.hpp"

#include "rollout/codec.hpp"

namespace tranche::rollout {
namespace {

bool reaches_everyone(const PlannedStage& stage) {
  return stage.rule.all && stage.rule.labels.empty() && stage.rule.devices.empty();
}

}  // namespace

std::vector<std::string> required_conditions(const Plan& plan, std::size_t stage) {
  std::vector<std::string> names;
  const bool end = stage >= plan.stages.size();
  if (end && reaches_everyone(plan.stages.back())) return names;
  const spec::Rollout& rollout = plan.spec();
  const auto add = [&](bool asked, std::string_view name) {
    if (asked) names.emplace_back(name);
  };
  add(!rollout.window.empty() || !rollout.freeze.empty(), window_condition);
  add(!rollout.after_rollout.empty(), after_condition);
  add(!rollout.needs.empty(), requires_condition);
  add(!end && !rollout.stages[stage].approval.empty(), approval_condition);
  add(plan.config.witnesses_required > 0, witnesses_condition);
  return names;
}

Conditions conditions_met(const Plan& plan, std::size_t stage) {
  Conditions out;
  for (std::string& name : required_conditions(plan, stage)) out[std::move(name)].met = true;
  return out;
}

std::vector<Wait> unmet(const std::vector<std::string>& required, const Conditions& conditions) {
  std::vector<Wait> out;
  for (const std::string& name : required) {
    const auto found = conditions.find(name);
    if (found == conditions.end())
      out.push_back({name, "nobody has looked at its " + name + " yet", {}, {}});
    else if (!found->second.met)
      out.push_back({name, found->second.why, found->second.next, found->second.until});
  }
  return out;
}

std::string to_text(const std::vector<Wait>& waits) {
  std::string out;
  for (const Wait& wait : waits) out += (out.empty() ? "" : "; ") + wait.why;
  return out;
}

doc::Value to_value(const std::vector<Wait>& waits) {
  doc::Value out = doc::Value::array();
  for (const Wait& wait : waits)
    out.push(doc::Value::object({{"condition", wait.condition},
                                 {"why", wait.why},
                                 {"next", wait.next},
                                 {"until", instant_or_null(wait.until.value_or(Instant{}))}}));
  return out;
}

Result<std::vector<Wait>> waits_from_value(const doc::Value& value) {
  std::vector<Wait> out;
  if (!value.is_array()) return fail(ErrorKind::invalid, "the rollout's state holds waits that are no list");
  for (const doc::Value& item : value.as_array()) {
    Wait wait{TRY(item.text("condition")), {}, {}, {}};
    wait.why = TRY(item.text("why"));
    wait.next = TRY(item.text("next"));
    if (const Instant until = TRY(instant_at(item, "until")); until != Instant{}) wait.until = until;
    out.push_back(std::move(wait));
  }
  return out;
}

}  // namespace tranche::rollout
