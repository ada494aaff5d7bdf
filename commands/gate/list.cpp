#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/support.hpp"

namespace tranche::commands {
namespace {

std::string what_of(const spec::Gate& gate) {
  switch (gate.kind) {
    case spec::Gate::Kind::compare:
      return fmt::format(
          "fails when worse than {:g}x (wrongly: {}), passes when not worse than {:g}x (wrongly: {})",
          gate.worse_than, format_ratio(gate.false_rollback), gate.margin,
          format_ratio(gate.false_promotion));
    case spec::Gate::Kind::threshold:
      return gate.success_condition.empty() ? "fails when " + gate.failure_condition
                                            : "passes when " + gate.success_condition;
    case spec::Gate::Kind::kayenta:
      return fmt::format("passes when Kayenta's score is {:g} or more, fails below {:g}", gate.kayenta.pass,
                         gate.kayenta.marginal);
    case spec::Gate::Kind::model:
      return fmt::format("a language model reads the logs of both arms: it holds{}, and never promotes alone",
                         gate.model.on_worse == spec::Model::OnWorse::fail ? " or fails" : "");
    case spec::Gate::Kind::argo: {
      std::vector<std::string> files;
      for (const spec::ArgoFile& file : gate.argo.files) files.push_back(file.path);
      return "as Argo's analysis in " + join(files, ", ");
    }
  }
  return {};
}

std::string_view kind_of(spec::Gate::Kind kind) {
  constexpr std::string_view names[] = {"compare", "threshold", "kayenta", "model", "argo"};
  return names[static_cast<std::size_t>(kind)];
}

Result<Outcome> run_gate_list(const Options& options, Context& context) {
  const Loaded loaded = TRY(load_app(context, options));
  doc::Value list = doc::Value::array();
  Table table({"gate", "kind", "source", "question"});
  for (const spec::Gate& gate : loaded.app().gates) {
    list.push(doc::Value::object({{"gate", gate.name},
                                  {"kind", kind_of(gate.kind)},
                                  {"source", gate.source},
                                  {"question", what_of(gate)}}));
    table.row({gate.name, std::string(kind_of(gate.kind)), gate.source, printable(what_of(gate), 140)});
  }
  return Outcome{0, doc::Value::object({{"schema", "tranche/gate-list/v1"}, {"gates", list}}), table.text()};
}

}  // namespace

Command gate_list() {
  return {.name = "gate list",
          .summary = "the gates and what each asks",
          .help_path = "commands/gate/list.md",
          .flags = {app_flag()},
          .run = run_gate_list};
}

}  // namespace tranche::commands
