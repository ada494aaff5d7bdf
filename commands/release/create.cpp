#include <algorithm>

#include "actions/attestations.hpp"
#include "actions/behaviour.hpp"
#include "actions/signatures.hpp"
#include "artifact/collect.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "commands/commands.hpp"
#include "commands/release/keyless.hpp"
#include "commands/release/make.hpp"
#include "commands/release/shared.hpp"
#include "commands/rollout/shared.hpp"
#include "commands/trusted_ref.hpp"
#include "crypto/digest.hpp"

namespace tranche::commands {
namespace {

constexpr std::string_view schema = "tranche/release-create/v1";

// Without a release key there is no manifest, and what devices check is a manifest.
Result<> demand_release_key(const spec::App& app) {
  if (!app.signing.release.empty() || !app.signing.keyless) return {};
  return fail_hint(
      ErrorKind::invalid,
      "name a release key beside it: signing: { release: env:TRANCHE_RELEASE_KEY, keyless: {} }; "
      "`tranche key generate release` makes one",
      "app '{}' signs keyless only, and a manifest needs a release key: devices check it offline "
      "against the keys under trust: release:",
      printable(app.name));
}

Outcome show(const actions::StoredRelease& release, bool existed) {
  doc::Value json = release_json(release.manifest, release.sha256, schema);
  json.set("existed", existed);
  return Outcome{0, std::move(json), release_text(release.manifest, release.sha256)};
}

// A release on record is complete: what came later is not part of it, and the user learns so.
void say_recorded(Context& context, const actions::StoredRelease& release,
                  const actions::BoundAttestations& offered) {
  context.say("release {} is on record already, same artifacts: nothing changes", release.manifest.version);
  for (const artifact::Document& one : offered.documents)
    if (std::ranges::find(release.manifest.attestations, one) == release.manifest.attestations.end())
      context.say("note: {} is not part of it: bind it under the next version", printable(one.name));
}

void bind(artifact::Manifest& manifest, const MadeSboms& sboms, std::vector<actions::DocumentBytes>& bytes) {
  for (const MadeSbom& made : sboms.documents) {
    manifest.sboms.push_back(
        {made.name, made.format, made.bytes.size(), crypto::to_hex(crypto::sha256(made.bytes))});
    bytes.emplace_back(made.name, made.bytes);
  }
}

template <class Bound>
void bind(std::vector<artifact::Document>& list, Bound bound, std::vector<actions::DocumentBytes>& bytes) {
  list = std::move(bound.documents);
  for (actions::DocumentBytes& one : bound.bytes) bytes.push_back(std::move(one));
}

Result<Outcome> run_release_create(const Options& options, Context& context) {
  const std::string version = options.text("version");
  if (!valid_version(version))
    return fail_hint(ErrorKind::usage, "write it as 1.2.0, without a v", "'{}' is not a version",
                     printable(version, 64));
  const Opened opened = TRY(open_deck(context, options));
  const Loaded& loaded = opened.loaded;
  const spec::App& app = loaded.app();
  ports::Files& files = context.world.files;
  TRY(demand_release_key(app));

  artifact::Manifest manifest;
  manifest.app = app.name;
  manifest.version = version;
  // Made again after a crash, it is the same to the byte: the SBOM holds the time.
  const auto recorded = TRY(actions::find_release(*opened.deck, version));
  manifest.created = recorded ? recorded->manifest.created : build_time(context);
  manifest.same_as = options.text("same-as");
  manifest.fallback_for = options.text("fallback-for");
  std::vector<std::string> passed_over;
  manifest.artifacts = TRY(artifact::collect(files, loaded.repository(), artifact_patterns(app), version,
                                             artifact::Digests::all, &passed_over));
  for (const std::string& path : passed_over)
    context.say("{} is passed over: it says something of other files, and ships nothing", printable(path));
  context.say("hashed {}", count_of(manifest.artifacts.size(), "artifact"));
  manifest.behaviour = TRY(actions::collect_behaviour(files, loaded.repository(), app.behaviour));
  actions::BoundAttestations attestations =
      TRY(actions::collect_attestations(files, manifest.artifacts, options.list("attestation")));
  if (const auto same = TRY(actions::find_same_release(*opened.deck, manifest))) {
    say_recorded(context, *same, attestations);
    return show(*same, true);
  }

  std::vector<actions::DocumentBytes> documents;
  bind(manifest.attestations, std::move(attestations), documents);
  const MadeSboms sboms = TRY(make_sboms(context, loaded, version, manifest.created, manifest.artifacts));
  for (const std::string& warning : sboms.warnings) context.say("warning: {}", printable(warning, 200));
  bind(manifest, sboms, documents);
  context.say("SBOM of {}", count_of(sboms.components, "component"));
  MadeFeeds feeds = TRY(make_feeds(context, loaded, version, manifest.created, manifest.artifacts));
  for (const std::string& note : feeds.notes) context.say("note: {}", printable(note, 200));
  bind(manifest.feeds, std::move(feeds), documents);
  // Last: a log entry cannot be taken back, so nothing else may be wrong.
  if (app.signing.keyless && !recorded)
    TRY(sign_artifacts(context, loaded, opened.deck->trust(), manifest.artifacts,
                       options.text("trusted-ref")));
  if (!context.dry_run || !app.signing.keyless)
    bind(manifest.signatures, TRY(actions::collect_signatures(files, manifest.artifacts)), documents);

  if (context.dry_run)
    return Outcome{0, release_json(manifest, "", schema),
                   "would create:\n" + release_text(manifest, "(not signed)")};
  const actions::Created created =
      TRY(actions::create_release(*opened.deck, manifest, documents, context.reason));
  if (created.existed) context.say("release {} was on record with the same digests", version);
  return show(created.release, created.existed);
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
                trusted_ref_flag(),
                app_flag()},
      .run = run_release_create};
}

}  // namespace tranche::commands
