#include "base/render_error.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"
#include "engine/playbook_runner.hpp"
#include "rollout/plan.hpp"
#include "spec/warnings.hpp"

namespace tranche::commands {
namespace {

doc::Value names(const std::vector<std::string>& list) {
  doc::Value value = doc::Value::array();
  for (const auto& name : list) value.push(name);
  return value;
}

doc::Value stage_json(const spec::Stage& stage) {
  doc::Value value = doc::Value::object(
      {{"name", stage.name}, {"bake", to_text(stage.bake)}, {"gates", names(stage.gates)}});
  if (!stage.cohort.empty()) value.set("cohort", stage.cohort);
  if (stage.percent) value.set("percent", to_text(*stage.percent));
  if (!stage.approval.empty()) value.set("approval", stage.approval);
  return value;
}

doc::Value rollout_json(const spec::App& app, const spec::Rollout& rollout) {
  doc::Value stages = doc::Value::array();
  for (const auto& stage : rollout.stages) stages.push(stage_json(stage));
  doc::Value unsupported = doc::Value::array();
  for (const auto& item : spec::unsupported(app, rollout)) unsupported.push(item.what);
  return doc::Value::object({{"name", rollout.name},
                             {"channel", rollout.channel},
                             {"stages", std::move(stages)},
                             {"false-rollback", spec::false_rollback_sum(app, rollout)},
                             {"unbounded-gates", names(spec::unbounded_gates(app, rollout))},
                             {"unsupported", std::move(unsupported)}});
}

std::string gates_text(const std::vector<std::string>& gates) {
  return gates.empty() ? "no gate" : join(gates, ", ");
}

std::string rollout_text(const spec::App& app, const spec::Rollout& rollout) {
  std::string text = rollout.channel.empty()
                         ? fmt::format("  rollout {} {}\n", rollout.name, rollout::carrier_text(rollout))
                         : fmt::format("  rollout {} on channel {}\n", rollout.name, rollout.channel);
  Table table;
  for (const auto& stage : rollout.stages)
    table.row({stage.name, "bake " + to_text(stage.bake), gates_text(stage.gates),
               stage.approval.empty() ? "" : "approval by " + stage.approval});
  text += table.text(4);
  text += fmt::format("    false rollback of a good release: at most {}\n",
                      format_ratio(spec::false_rollback_sum(app, rollout)));
  if (const auto gates = spec::unbounded_gates(app, rollout); !gates.empty())
    text += fmt::format("    and nothing is promised by the threshold {} {}\n",
                        gates.size() == 1 ? "gate" : "gates", join(gates, ", "));
  for (const auto& item : spec::unsupported(app, rollout))
    text += fmt::format("    not supported yet, `rollout start` will refuse it: {}\n", printable(item.what));
  return text;
}

doc::Value warning_json(const Error& warning) {
  doc::Value value = doc::Value::object({{"message", warning.message}, {"hint", warning.hint}});
  if (warning.mark) {
    value.set("file", warning.mark->file);
    value.set("line", warning.mark->line);
    value.set("column", warning.mark->column);
  }
  return value;
}

// All that cannot be read, at once.
Result<> check_all_conditions(const spec::Spec& spec) {
  std::optional<Error> first;
  const auto look = [&](Result<> readable) {
    if (readable) return;
    if (first) {
      first->others.push_back(std::move(readable.error()));
    } else {
      first = std::move(readable.error());
    }
  };
  for (const auto& app : spec.apps) {
    for (const auto& gate : app.gates) look(rollout::check_conditions(app, gate));
    for (const auto& playbook : app.playbooks) look(engine::check_when(playbook));
  }
  if (first) return fail(std::move(*first));
  return {};
}

Result<Outcome> run_check(const Options& options, Context& context) {
  const spec::Spec spec = TRY(load_spec(context));
  TRY(check_all_conditions(spec));
  doc::Value apps = doc::Value::array();
  doc::Value warnings = doc::Value::array();
  std::string text;
  for (const auto& app : spec.apps) {
    text += fmt::format("app {}\n", app.name);
    for (const auto& channel : app.channels)
      text += fmt::format("  channel {} in {}, feeds {}\n", channel.name, spec::to_text(channel.store),
                          join(channel.feeds, ", "));
    doc::Value rollouts = doc::Value::array();
    for (const auto& rollout : app.rollouts) {
      text += rollout_text(app, rollout);
      rollouts.push(rollout_json(app, rollout));
    }
    apps.push(doc::Value::object({{"app", app.name}, {"rollouts", std::move(rollouts)}}));
    for (Error warning : spec::warnings(app, spec.apps.size() == 1)) {
      warnings.push(warning_json(warning));
      warning.message = "warning: " + warning.message;
      std::string shown = render_error(warning, context.talk.color());
      while (shown.ends_with('\n')) shown.pop_back();
      context.say("{}", shown);
    }
  }
  const std::size_t count = warnings.as_array().size();
  const bool refused = count > 0 && options.given("strict");
  text += fmt::format("{}: {}, {}\n", printable(spec.file), refused ? "refused" : "good",
                      count == 0 ? "no warnings" : count_of(count, "warning"));
  return Outcome{.exit_code = refused ? static_cast<int>(ErrorKind::invalid) : 0,
                 .json = doc::Value::object({{"schema", "tranche/check/v1"},
                                             {"file", spec.file},
                                             {"apps", std::move(apps)},
                                             {"warnings", std::move(warnings)}}),
                 .text = std::move(text)};
}

}  // namespace

Command check() {
  return {.name = "check",
          .summary = "read tranche.yaml and say everything that is wrong with it",
          .help_path = "commands/check.md",
          .flags = {{.name = "strict", .help = "warnings are errors (exit 3)"}},
          .run = run_check};
}

}  // namespace tranche::commands
