#include "artifact/collect.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "commands/commands.hpp"
#include "commands/release/make.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

constexpr doc::Limits sbom_limits{.max_bytes = 64 << 20, .max_depth = 64, .max_nodes = 5'000'000};

Result<Outcome> run(const Options& options, Context& context) {
  const std::string version = options.text("version");
  if (!valid_version(version))
    return fail_hint(ErrorKind::usage, "write it as 1.2.0, without a v", "'{}' is not a version",
                     printable(version, 64));
  const Loaded loaded = TRY(load_app(context, options));
  const auto artifacts = TRY(
      artifact::collect(context.world.files, loaded.repository(), artifact_patterns(loaded.app()), version));
  MadeSbom made = TRY(make_sbom(context, loaded, version, artifacts));
  doc::Value warnings = doc::Value::array();
  for (const auto& warning : made.warnings) {
    context.say("warning: {}", printable(warning));
    warnings.push(warning);
  }
  context.say("{} from {}", count_of(made.components, "component"), count_of(artifacts.size(), "artifact"));
  doc::Value json = doc::Value::object({{"schema", "tranche/sbom/v1"},
                                        {"app", loaded.app().name},
                                        {"version", version},
                                        {"format", "cyclonedx-1.6"},
                                        {"components", static_cast<std::int64_t>(made.components)},
                                        {"sha256", crypto::to_hex(crypto::sha256(made.bytes))},
                                        {"warnings", std::move(warnings)}});
  const std::string output = options.text("output");
  if (output == "-") {
    if (context.json) json.set("document", TRY(doc::parse_json(made.bytes, made.name, sbom_limits)));
    return Outcome{.json = std::move(json), .text = std::move(made.bytes)};
  }
  json.set("path", output);
  if (context.dry_run)
    return Outcome{.json = std::move(json), .text = fmt::format("would write {}\n", printable(output))};
  TRY(context.world.files.write(output, made.bytes));
  return Outcome{.json = std::move(json), .text = fmt::format("wrote {}\n", printable(output))};
}

}  // namespace

Command sbom() {
  return {
      .name = "sbom",
      .summary = "list the software in the artifacts, as CycloneDX",
      .help_path = "commands/sbom.md",
      .changes = true,
      .arguments = {{.name = "version", .help = "the version; {version} in artifact paths stands for it"}},
      .flags = {{.name = "output", .value = "PATH", .help = "where to; - is stdout", .default_text = "-"},
                app_flag()},
      .run = run};
}

}  // namespace tranche::commands
