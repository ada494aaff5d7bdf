#include "commands/commands.hpp"

namespace tranche {
extern const char* const version_text;  // cli/version.cmake
}

namespace tranche::commands {
namespace {

Result<Outcome> run_version(const Options&, Context&) {
  return Outcome{.json = doc::Value::object({{"schema", "tranche/version/v1"}, {"version", version_text}}),
                 .text = fmt::format("tranche {}\n", version_text)};
}

}  // namespace

Command version() {
  return {.name = "version",
          .summary = "print the version",
          .help_path = "commands/version.md",
          .run = run_version};
}

}  // namespace tranche::commands
