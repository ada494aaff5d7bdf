#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/playbook/shared.hpp"
#include "commands/rollout/shared.hpp"
#include "commands/trusted_ref.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_playbook_run(const Options& options, Context& context) {
  if (context.reason.empty() && !context.dry_run)
    return fail_hint(ErrorKind::usage,
                     "tranche playbook run " + options.text("playbook") + " --reason \"why\"",
                     "a playbook that is run by hand wants a reason");
  // A dry run sends nothing: a pull request may see what it would do.
  if (!context.dry_run)
    TRY(demand_trusted(context, options, TRY(load_app(context, options)), {}, "playbook run"));
  const Opened opened = TRY(open_deck(context, options));
  const engine::HandRequest request{TRY(rollout_name(opened.loaded.app(), options)), options.text("playbook"),
                                    context.reason};
  engine::Playbooks playbooks(*opened.deck,
                              [&](const std::string& said) { context.say("{}", printable(said, 400)); });
  if (context.dry_run) {
    const engine::PlaybookPlan plan = TRY(playbooks.plan(request));
    return Outcome{0, plan_json(plan), plan_text(plan, context.color)};
  }
  const engine::PlaybookProgress done = TRY(playbooks.run(request));
  doc::Value json = run_json(done.run, done.over, done.why);
  json.set("schema", "tranche/playbook-run/v1");
  return Outcome{run_exit_code(done.run, done.over, options.given("pending-ok")), std::move(json),
                 run_text(done.run, done.over, done.why, context.color)};
}

}  // namespace

Command playbook_run() {
  return {.name = "playbook run",
          .summary = "run a playbook by hand, outside a rollback",
          .help_path = "commands/playbook/run.md",
          .changes = true,
          .arguments = {playbook_argument()},
          .flags = {rollout_flag(), pending_ok_flag(), trusted_ref_flag(), app_flag()},
          .run = run_playbook_run};
}

}  // namespace tranche::commands
