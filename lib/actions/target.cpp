#include "actions/target.hpp"

#include "base/text.hpp"

namespace tranche::actions {

Result<std::unique_ptr<Target>> open_target(Deck& deck, const rollout::Plan& plan) {
  const spec::Target& target = plan.spec().target;
  switch (target.kind) {
    case spec::Target::Kind::argo_rollouts:
      return open_argo_target(deck, target);
    case spec::Target::Kind::gitops:
      return open_gitops_target(deck, target);
    case spec::Target::Kind::command:
      return open_command_target(deck, target);
    case spec::Target::Kind::flag:
      return open_flag_target(deck, target);
    case spec::Target::Kind::none:
      break;
  }
  return fail_hint(ErrorKind::invalid,
                   "channel.withdraw and channel.fallback take back what a channel carries",
                   "rollout '{}' has no target", plan.rollout);
}

Percent share_of(const rollout::Plan& plan, std::size_t stage) {
  const spec::Stage& one = plan.spec().stages[std::min(stage, plan.stages.size() - 1)];
  return one.whole() ? Percent{Percent::whole} : *one.percent;
}

std::string percent_text(const rollout::Plan& plan, std::size_t stage) {
  std::string text = tranche::to_text(share_of(plan, stage));
  if (text.ends_with('%')) text.pop_back();
  return text;
}

bool is_last(const rollout::Plan& plan, std::size_t stage) { return stage + 1 >= plan.stages.size(); }

std::string fill_move(const std::string& text, const Move& move, const std::string& percent) {
  const std::pair<std::string_view, std::string> names[] = {
      {"{version}", move.plan.release},
      {"{baseline}", move.plan.baseline},
      {"{percent}", percent},
      {"{stage}", move.plan.stages[std::min(move.stage, move.plan.stages.size() - 1)].name},
      {"{key}", move.key},
      {"{app}", move.plan.app}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    bool replaced = false;
    for (const auto& [name, value] : names) {
      if (std::string_view(text).substr(i).starts_with(name)) {  // values are never scanned again
        out += value;
        i += name.size();
        replaced = true;
        break;
      }
    }
    if (!replaced) out += text[i++];
  }
  return out;
}

}  // namespace tranche::actions
