#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/rollout/shared.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_rollout_amend(const Options& options, Context& context) {
  if (context.reason.empty())
    return fail_hint(ErrorKind::usage, "tranche rollout amend --reason \"a longer bake\"",
                     "amend wants a reason: the plan that was frozen changes");
  const Opened opened = TRY(open_deck(context, options));
  const std::string name = TRY(rollout_name(opened.loaded.app(), options));
  engine::Engine engine = make_engine(opened);
  const engine::Amendment amendment = TRY(engine.plan_amendment(name));
  doc::Value changes = doc::Value::array();
  for (const std::string& change : amendment.changes) changes.push(change);
  if (context.dry_run || amendment.changes.empty()) {
    std::string text;
    for (const std::string& change : amendment.changes) text += "would: " + change + "\n";
    if (text.empty()) text = "nothing would change: the plan says what tranche.yaml says\n";
    return Outcome{0,
                   doc::Value::object({{"schema", "tranche/rollout-amend/v1"},
                                       {"rollout", name},
                                       {"amended", false},
                                       {"before", amendment.before},
                                       {"after", amendment.after},
                                       {"changes", std::move(changes)}}),
                   text};
  }
  engine.on_decision([&](const std::string& decision) { context.say("{}", printable(decision, 400)); });
  const engine::Report report = TRY(engine.amend(name, context.reason));
  doc::Value json = report_json(report, "tranche/rollout-amend/v1");
  json.set("amended", true);
  json.set("before", amendment.before);
  json.set("after", amendment.after);
  json.set("changes", std::move(changes));
  return Outcome{0, std::move(json), report_text(report, context.world.clock.now(), context.color)};
}

}  // namespace

Command rollout_amend() {
  return {.name = "rollout amend",
          .summary = "adopt the edited tranche.yaml into the running rollout",
          .help_path = "commands/rollout/amend.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {app_flag()},
          .run = run_rollout_amend};
}

}  // namespace tranche::commands
