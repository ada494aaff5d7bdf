#include "rollout/inherit.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::rollout {
namespace {

constexpr std::size_t most_changes = 50, most_shown = 80;

// Under one salt a share contains every smaller one, of everyone or of the same members.
bool covers(const cohort::Rule& wide, const cohort::Rule& narrow) {
  const bool everyone = wide.labels.empty() && wide.devices.empty();
  if (!everyone && (wide.labels != narrow.labels || wide.devices != narrow.devices)) return false;
  if (wide.all) return true;
  return !narrow.all && narrow.below && wide.below && *narrow.below <= *wide.below;
}

std::string shown(const doc::Value* value) {
  if (value == nullptr) return "nothing";
  return value->is_string() ? printable(value->as_string(), most_shown)
                            : printable(doc::to_json(*value), most_shown);
}

struct Changes {
  std::vector<std::string> lines;
  std::size_t more = 0;

  void add(const std::string& path, const doc::Value* before, const doc::Value* after) {
    if (lines.size() == most_changes) {
      ++more;
      return;
    }
    lines.push_back(fmt::format("{}: {} is now {}", path, shown(before), shown(after)));
  }

  void compare(const std::string& path, const doc::Value& before, const doc::Value& after) {
    if (before == after) return;
    const std::string prefix = path.empty() ? path : path + ".";
    if (before.is_object() && after.is_object()) {
      for (const doc::Member& member : before.as_object()) {
        const doc::Value* other = after.find(member.key);
        if (other == nullptr)
          add(prefix + member.key, &member.value, nullptr);
        else
          compare(prefix + member.key, member.value, *other);
      }
      for (const doc::Member& member : after.as_object())
        if (before.find(member.key) == nullptr) add(prefix + member.key, nullptr, &member.value);
      return;
    }
    if (before.is_array() && after.is_array()) {
      const auto& old_items = before.as_array();
      const auto& new_items = after.as_array();
      for (std::size_t i = 0; i < std::max(old_items.size(), new_items.size()); ++i) {
        const std::string item = fmt::format("{}[{}]", path, i);
        if (i >= old_items.size())
          add(item, nullptr, &new_items[i]);
        else if (i >= new_items.size())
          add(item, &old_items[i], nullptr);
        else
          compare(item, old_items[i], new_items[i]);
      }
      return;
    }
    add(path, &before, &after);
  }
};

}  // namespace

bool covers(const std::vector<cohort::Rule>& wide, const std::vector<cohort::Rule>& narrow) {
  return std::ranges::all_of(narrow, [&](const cohort::Rule& rule) {
    return std::ranges::any_of(wide, [&](const cohort::Rule& one) { return covers(one, rule); });
  });
}

std::vector<cohort::Rule> exposed_rules(const Plan& plan, const State& state) {
  std::optional<std::size_t> stage;
  if (has_begun(state)) stage = state.stage;
  if (state.pending && state.pending->kind == EffectKind::expose)
    stage = std::max(stage.value_or(0), state.pending->stage);
  if (state.pending && state.pending->kind == EffectKind::finish) stage = plan.stages.size() - 1;
  return stage ? rules_at(plan, *stage) : std::vector<cohort::Rule>{};
}

std::optional<std::size_t> stage_covering(const Plan& plan, const std::vector<cohort::Rule>& exposed) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i)
    if (covers(rules_at(plan, i), exposed)) return i;
  return std::nullopt;
}

std::optional<std::size_t> stage_of_reach(const Plan& plan, const std::vector<cohort::Rule>& exposed) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::vector<cohort::Rule> rules = rules_at(plan, i);
    if (covers(rules, exposed) && covers(exposed, rules)) return i;
  }
  return std::nullopt;
}

std::vector<std::string> describe_changes(const doc::Value& before, const doc::Value& after) {
  Changes changes;
  changes.compare({}, before, after);
  if (changes.more > 0) changes.lines.push_back(fmt::format("and {} more", changes.more));
  return std::move(changes.lines);
}

}  // namespace tranche::rollout
