#include "commands/commands.hpp"
#include "spec/spec.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run_schema(const Options&, Context&) {
  doc::Value schema = spec::json_schema();
  std::string text = doc::to_json_pretty(schema);
  return Outcome{
      .json = doc::Value::object({{"schema", "tranche/schema/v1"}, {"document", std::move(schema)}}),
      .text = std::move(text)};
}

}  // namespace

Command schema() {
  return {.name = "schema",
          .summary = "print the JSON Schema of tranche.yaml, for editors",
          .help_path = "commands/schema.md",
          .run = run_schema};
}

}  // namespace tranche::commands
