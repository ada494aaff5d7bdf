#include "artifact/collect.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/commands.hpp"
#include "commands/minisign.hpp"
#include "commands/statement.hpp"
#include "commands/support.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run(const Options& options, Context& context) {
  if (options.text("format") != "tranche") return sign_with_minisign(options, context);
  for (const std::string_view name : {"key", "key-password", "release"})
    if (options.given(name))
      return fail_hint(ErrorKind::usage,
                       "add --format minisign, or leave it out: signing: release: names the key",
                       "--{} belongs to minisign's signatures", name);
  const Loaded loaded = TRY(load_app(context, options));
  const std::vector<std::string> paths = options.list("path");
  for (const std::string& path : paths)
    if (path.ends_with(signature_suffix))
      return fail_hint(ErrorKind::usage, "name the file itself", "'{}' is a signature", printable(path));
  const auto digests = TRY(artifact::digest_files(context.world.files, paths));
  const crypto::SecretKey key =
      TRY(load_signing_key(context, loaded.spec, loaded.app(), signing::Role::release));
  const signing::Trust trust = TRY(load_trust(context, loaded.spec, loaded.app()));
  const std::string key_id = crypto::key_id(key.public_key());
  if (trust.role_of(key_id) != signing::Role::release)
    return fail_hint(ErrorKind::denied,
                     "put its public half under trust: release:, or sign with one that stands there",
                     "key {} is no release key of app '{}': nobody would believe the signature",
                     short_id(key_id), printable(loaded.app().name));
  doc::Value files = doc::Value::array();
  Table table;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Statement statement{.app = loaded.app().name,
                              .name = base_name(paths[i]),
                              .size = digests[i].size,
                              .sha256 = digests[i].sha256};
    const std::string output = paths[i] + std::string(signature_suffix);
    if (!context.dry_run) TRY(context.world.files.write(output, TRY(sign_statement(statement, key))));
    table.row({(context.dry_run ? "would sign " : "signed ") + printable(paths[i]),
               format_bytes(statement.size), short_id(statement.sha256), printable(output)});
    files.push(doc::Value::object(
        {{"path", paths[i]}, {"size", statement.size}, {"sha256", statement.sha256}, {"signature", output}}));
  }
  return Outcome{.json = doc::Value::object({{"schema", "tranche/sign/v1"},
                                             {"app", loaded.app().name},
                                             {"key-id", key_id},
                                             {"files", std::move(files)}}),
                 .text = table.text()};
}

}  // namespace

Command sign() {
  return {.name = "sign",
          .summary = "sign files with the release key, or with a minisign key",
          .help_path = "commands/sign.md",
          .changes = true,
          .arguments = {{.name = "path", .help = "files to sign", .repeated = true}},
          .flags = {{.name = "format",
                     .value = "FORMAT",
                     .help = "what is written: FILE.tranche.sig, FILE.minisig, or Tauri's FILE.sig",
                     .default_text = "tranche",
                     .choices = {"tranche", "minisign", "tauri"}},
                    {.name = "key",
                     .value = "REF",
                     .help = "the minisign secret key: env:TRANCHE_NAME or file:PATH"},
                    {.name = "key-password", .value = "REF", .help = "opens it; without: an empty one"},
                    {.name = "release",
                     .value = "VERSION",
                     .help = "the version that the files are of, in the minisign comment"},
                    app_flag()},
          .run = run};
}

}  // namespace tranche::commands
