#include "actions/attestations.hpp"
#include "actions/behaviour.hpp"
#include "artifact/collect.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "commands/commands.hpp"
#include "commands/release/make.hpp"
#include "commands/release/shared.hpp"
#include "commands/rollout/shared.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

Result<Outcome> run(const Options& options, Context& context) {
  const std::string version = options.text("version");
  if (!valid_version(version))
    return fail_hint(ErrorKind::usage, "write it as 1.2.0, without a v", "'{}' is not a version",
                     printable(version, 64));
  const Opened opened = TRY(open_deck(context, options));
  const spec::App& app = opened.loaded.app();

  artifact::Manifest manifest;
  manifest.app = app.name;
  manifest.version = version;
  // Made again after a crash, it is the same to the byte: the SBOM holds the time.
  const auto recorded = TRY(actions::find_release(*opened.deck, version));
  manifest.created = recorded ? recorded->manifest.created : build_time(context);
  manifest.same_as = options.text("same-as");
  manifest.fallback_for = options.text("fallback-for");
  manifest.artifacts = TRY(
      artifact::collect(context.world.files, opened.loaded.repository(), artifact_patterns(app), version));
  context.say("hashed {}", count_of(manifest.artifacts.size(), "artifact"));
  manifest.behaviour =
      TRY(actions::collect_behaviour(context.world.files, opened.loaded.repository(), app.behaviour));
  const actions::BoundAttestations attestations = TRY(
      actions::collect_attestations(context.world.files, manifest.artifacts, options.list("attestation")));
  manifest.attestations = attestations.documents;
  const MadeSboms sboms =
      TRY(make_sboms(context, opened.loaded, version, manifest.created, manifest.artifacts));
  for (const std::string& warning : sboms.warnings) context.say("warning: {}", printable(warning, 200));
  for (const MadeSbom& made : sboms.documents)
    manifest.sboms.push_back(
        {made.name, made.format, made.bytes.size(), crypto::to_hex(crypto::sha256(made.bytes))});
  context.say("SBOM of {}", count_of(sboms.components, "component"));

  const MadeFeeds feeds =
      TRY(make_feeds(context, opened.loaded, version, manifest.created, manifest.artifacts));
  for (const std::string& note : feeds.notes) context.say("note: {}", printable(note, 200));
  manifest.feeds = feeds.documents;

  if (context.dry_run)
    return Outcome{0, release_json(manifest, "", "tranche/release-create/v1"),
                   "would create:\n" + release_text(manifest, "(not signed)")};
  std::vector<actions::DocumentBytes> documents = feeds.bytes;
  for (const MadeSbom& made : sboms.documents) documents.emplace_back(made.name, made.bytes);
  documents.insert(documents.end(), attestations.bytes.begin(), attestations.bytes.end());
  const actions::Created created =
      TRY(actions::create_release(*opened.deck, manifest, documents, context.reason));
  if (created.existed) context.say("release {} was on record with the same digests", version);
  doc::Value json =
      release_json(created.release.manifest, created.release.sha256, "tranche/release-create/v1");
  json.set("existed", created.existed);
  return Outcome{0, json, release_text(created.release.manifest, created.release.sha256)};
}

}  // namespace

Command release_create() {
  return {
      .name = "release create",
      .summary = "bind artifacts and their SBOM under one signed manifest",
      .help_path = "commands/release/create.md",
      .changes = true,
      .arguments = {{.name = "version", .help = "the version; {version} in artifact paths stands for it"}},
      .flags = {{.name = "same-as",
                 .value = "VERSION",
                 .help = "this is that version's code under a higher number"},
                {.name = "fallback-for",
                 .value = "VERSION",
                 .help = "devices that cannot go down are brought here from that version"},
                {.name = "attestation",
                 .value = "PATH",
                 .help = "binds it too, besides those beside the artifacts",
                 .repeated = true},
                app_flag()},
      .run = run};
}

}  // namespace tranche::commands
