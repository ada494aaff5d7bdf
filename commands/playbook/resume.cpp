#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/playbook/shared.hpp"
#include "commands/rollout/shared.hpp"
#include "commands/trusted_ref.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_playbook_resume(const Options& options, Context& context) {
  engine::ResumeRequest request;
  for (const std::string& one : options.list("settle"))
    request.settle.push_back(TRY(engine::parse_settle(one)));
  request.by_hand = options.given("by-hand");
  request.cancel = options.given("cancel");
  request.reason = context.reason;
  if ((request.cancel || !request.settle.empty()) && context.reason.empty() && !context.dry_run)
    return fail_hint(ErrorKind::usage, "add --reason \"what you saw\"",
                     "what a person says of a step wants a reason");
  // What is run by hand comes from tranche.yaml; the rollout's own playbook from its frozen plan.
  if (request.by_hand && !context.dry_run)
    TRY(demand_trusted(context, options, TRY(load_app(context, options)), {}, "playbook resume"));
  const Opened opened = TRY(open_deck(context, options));
  request.rollout = TRY(rollout_name(opened.loaded.app(), options));
  engine::Playbooks playbooks(*opened.deck,
                              [&](const std::string& said) { context.say("{}", printable(said, 400)); });
  const auto shown = [&](const playbook::Run& run, bool over, const std::string& why,
                         std::string text) -> Outcome {
    doc::Value json = run_json(run, over, why);
    json.set("schema", "tranche/playbook-resume/v1");
    return Outcome{run_exit_code(run, over, options.given("pending-ok")), std::move(json),
                   text + run_text(run, over, why, context.color)};
  };
  if (context.dry_run) {
    for (const engine::ShownRun& run : TRY(playbooks.show(request.rollout)))
      if (run.by_hand == request.by_hand) return shown(run.run, run.over, run.why, "would go on:\n");
    return fail_hint(ErrorKind::invalid, "see tranche playbook show " + request.rollout,
                     "there is no run to go on with");
  }
  const engine::PlaybookProgress done = TRY(playbooks.resume(request));
  return shown(done.run, done.over, done.why, "");
}

}  // namespace

Command playbook_resume() {
  return {.name = "playbook resume",
          .summary = "go on with a playbook, and say what came of its steps",
          .help_path = "commands/playbook/resume.md",
          .changes = true,
          .arguments = {rollout_argument()},
          .flags = {{.name = "settle",
                     .value = "STEP=HOW",
                     .help = "what came of a step: done, failed, or again to take it anew",
                     .repeated = true},
                    {.name = "cancel", .help = "begin nothing more; what stops the release still is taken"},
                    {.name = "by-hand", .help = "the run by hand, not the rollout's own"},
                    pending_ok_flag(),
                    trusted_ref_flag(),
                    app_flag()},
          .run = run_playbook_resume};
}

}  // namespace tranche::commands
