#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"
#include "spec/action_grammar.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_playbook_list(const Options& options, Context& context) {
  const Loaded loaded = TRY(load_app(context, options));
  doc::Value list = doc::Value::array();
  Table table({"playbook", "step", "does"});
  for (const spec::Playbook& playbook : loaded.app().playbooks) {
    doc::Value steps = doc::Value::array();
    for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
      const spec::Step& step = playbook.steps[i];
      const spec::ActionGrammar* action = spec::find_action_grammar(step.uses);
      const std::string does = action == nullptr ? "no such action" : std::string(action->summary);
      steps.push(doc::Value::object({{"uses", step.uses}, {"does", does}}));
      table.row({i == 0 ? playbook.name : "", step.uses, does});
    }
    list.push(doc::Value::object({{"playbook", playbook.name}, {"steps", steps}}));
  }
  return Outcome{0, doc::Value::object({{"schema", "tranche/playbook-list/v1"}, {"playbooks", list}}),
                 table.text()};
}

}  // namespace

Command playbook_list() {
  return {.name = "playbook list",
          .summary = "the playbooks and their steps",
          .help_path = "commands/playbook/list.md",
          .flags = {app_flag()},
          .run = run_playbook_list};
}

}  // namespace tranche::commands
