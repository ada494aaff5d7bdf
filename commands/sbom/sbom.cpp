#include <algorithm>

#include "artifact/collect.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "commands/commands.hpp"
#include "commands/release/make.hpp"
#include "commands/support.hpp"
#include "crypto/digest.hpp"
#include "sbom/write.hpp"

namespace tranche {
extern const char* const version_text;  // made by cli/version.cmake
}

namespace tranche::commands {
namespace {

constexpr doc::Limits sbom_limits{.max_bytes = 256 << 20, .max_depth = 64, .max_nodes = 20'000'000};

Result<std::string> release_version(const Options& options, const spec::App& app) {
  if (!options.given("release")) {
    for (const spec::Artifact& item : app.artifacts)
      if (item.path.contains("{version}"))
        return fail_hint(ErrorKind::usage, "give it: tranche sbom --release 1.2.0",
                         "the artifacts of '{}' have {{version}} in their paths", printable(app.name));
    return std::string();
  }
  const std::string version = options.text("release");
  if (!valid_version(version))
    return fail_hint(ErrorKind::usage, "write it as 1.2.0, without a v", "'{}' is not a version",
                     printable(version, 64));
  return version;
}

// What tranche.yaml says: its artifacts, and its lockfiles below `sbom: scan:`.
Result<sbom::Request> request_of_file(Context& context, const Options& options) {
  const Loaded loaded = TRY(load_app(context, options));
  const std::string version = TRY(release_version(options, loaded.app()));
  const auto artifacts = TRY(
      artifact::collect(context.world.files, loaded.repository(), artifact_patterns(loaded.app()), version));
  context.say("{}", count_of(artifacts.size(), "artifact"));
  return sbom_request(loaded, version, artifacts);
}

// What the command line names; no tranche.yaml is read.
Result<sbom::Request> request_of_paths(Context& context, const Options& options) {
  if (options.given("release"))
    return fail_hint(ErrorKind::usage, "leave the paths out, or name the version with --version",
                     "--release is for the artifacts of tranche.yaml");
  sbom::Request request;
  request.scan.clear();
  request.paths = options.list("path");
  for (const std::string& path : request.paths) {
    if (TRY(context.world.files.info(path))) continue;
    return fail_hint(ErrorKind::failed,
                     valid_version(path) ? "for the artifacts of tranche.yaml: tranche sbom --release " + path
                                         : "name lockfiles, directories and artifacts",
                     "there is no file or directory '{}'", printable(path));
  }
  request.app = options.text("app");
  if (request.app.empty()) request.app = base_name(TRY(context.world.files.real_path(request.paths.front())));
  if (request.app.empty()) request.app = "root";  // of "/"
  return request;
}

Result<Outcome> run(const Options& options, Context& context) {
  const std::string format = options.text("format");
  sbom::Request request = options.list("path").empty() ? TRY(request_of_file(context, options))
                                                       : TRY(request_of_paths(context, options));
  if (options.given("version")) request.version = options.text("version");
  const sbom::Catalog catalog = TRY_WHILE("making the SBOM", sbom::make_catalog(context.world, request));
  std::string bytes = TRY(sbom::write_bom(catalog, format, build_time(context), version_text));

  doc::Value warnings = doc::Value::array();
  for (const auto& warning : catalog.warnings) {
    context.say("warning: {}", printable(warning));
    warnings.push(warning);
  }
  context.say("{}", count_of(catalog.components.size(), "component"));
  const int exit_code = options.given("strict") && !catalog.warnings.empty() ? 1 : 0;
  doc::Value json = doc::Value::object({{"schema", "tranche/sbom/v1"},
                                        {"app", catalog.main.name},
                                        {"version", catalog.main.version},
                                        {"format", format},
                                        {"components", static_cast<std::int64_t>(catalog.components.size())},
                                        {"sha256", crypto::to_hex(crypto::sha256(bytes))},
                                        {"warnings", std::move(warnings)}});
  const std::string output = options.text("output");
  if (output == "-") {
    if (context.json) json.set("document", TRY(doc::parse_json(bytes, "the SBOM", sbom_limits)));
    return Outcome{.exit_code = exit_code, .json = std::move(json), .text = std::move(bytes)};
  }
  json.set("path", output);
  if (context.dry_run)
    return Outcome{.exit_code = exit_code,
                   .json = std::move(json),
                   .text = fmt::format("would write {}\n", printable(output))};
  TRY(context.world.files.write(output, bytes));
  return Outcome{
      .exit_code = exit_code, .json = std::move(json), .text = fmt::format("wrote {}\n", printable(output))};
}

}  // namespace

Command sbom() {
  Flag app = app_flag();
  app.help = "the main component's name; without paths: which app of tranche.yaml";
  return {.name = "sbom",
          .summary = "list the software in files and directories, as CycloneDX or SPDX",
          .help_path = "commands/sbom/sbom.md",
          .changes = true,
          .arguments = {{.name = "path",
                         .help = "lockfiles, directories, artifacts, roots of installed systems",
                         .required = false,
                         .repeated = true}},
          .flags = {{.name = "format",
                     .value = "FORMAT",
                     .help = "what to write",
                     .default_text = "cyclonedx-1.6",
                     .choices = {"cyclonedx-1.6", "cyclonedx-1.5", "spdx-2.3"}},
                    {.name = "output", .value = "PATH", .help = "where to; - is stdout", .default_text = "-"},
                    {.name = "release",
                     .value = "VERSION",
                     .help = "without paths: what {version} in tranche.yaml's artifact paths stands for"},
                    app,
                    {.name = "version", .value = "VERSION", .help = "the main component's version"},
                    {.name = "strict", .help = "exit 1 when there is a warning"}},
          .run = run};
}

}  // namespace tranche::commands
