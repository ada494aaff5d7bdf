#include "commands/commands.hpp"
#include "commands/playbook/shared.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_playbook_show(const Options& options, Context& context) {
  const Opened opened = TRY(open_deck(context, options));
  const std::string rollout = TRY(rollout_name(opened.loaded.app(), options));
  doc::Value list = doc::Value::array();
  std::string text;
  for (const engine::ShownRun& shown : TRY(engine::Playbooks(*opened.deck, {}).show(rollout))) {
    doc::Value one = run_json(shown.run, shown.over, shown.why);
    one.set("by-hand", shown.by_hand);
    list.push(std::move(one));
    text += run_text(shown.run, shown.over, shown.why, context.color);
  }
  if (text.empty()) text = "no playbook was run for rollout '" + rollout + "'\n";
  return Outcome{
      0,
      doc::Value::object(
          {{"schema", "tranche/playbook-show/v1"}, {"rollout", rollout}, {"runs", std::move(list)}}),
      text};
}

}  // namespace

Command playbook_show() {
  return {.name = "playbook show",
          .summary = "what came of each step of a rollout's playbooks",
          .help_path = "commands/playbook/show.md",
          .arguments = {rollout_argument()},
          .flags = {app_flag()},
          .run = run_playbook_show};
}

}  // namespace tranche::commands
