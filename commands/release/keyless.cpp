#include "commands/release/keyless.hpp"

#include "actions/attestations.hpp"
#include "actions/signatures.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "commands/bundle_signer.hpp"
#include "sigstore/session.hpp"

namespace tranche::commands {
namespace {

std::string pending_path(const artifact::Artifact& artifact) {
  return artifact.path + std::string(sigstore::pending_suffix);
}

// Whether what lies there need not be made anew. Without a trusted root it is enough that it is about these
// bytes: what `rollout start` cannot check it refuses.
Result<bool> is_signed(ports::Files& files, const artifact::Artifact& artifact,
                       const actions::Believed& believed) {
  const auto bundle = TRY(files.read(actions::signature_name(artifact.path), actions::max_attestation_bytes));
  if (!bundle) return false;
  if (believed.root) return actions::find_problem(*bundle, believed, artifact.sha256).reason.empty();
  return actions::is_about(*bundle, artifact.sha256).value_or(false);
}

}  // namespace

Result<> sign_artifacts(Context& context, const Loaded& loaded, const signing::Trust& trust,
                        const std::vector<artifact::Artifact>& artifacts, const std::string& trusted_ref) {
  ports::Files& files = context.world.files;
  const actions::Believed believed =
      TRY(actions::load_believed(files, loaded.repository(), loaded.app().trust, trust));
  if (believed.policy.identities.empty() || !believed.root)
    context.say(
        "warning: without trust: identities: and trusted-root: nobody believes a keyless signature, and "
        "`rollout start` refuses it where it is required");
  std::vector<const artifact::Artifact*> unsigned_ones;
  for (const artifact::Artifact& artifact : artifacts) {
    if (!TRY(is_signed(files, artifact, believed)))
      unsigned_ones.push_back(&artifact);
    else if (!context.dry_run)  // of a run that ended before it could
      TRY(files.remove(pending_path(artifact)));
  }
  if (unsigned_ones.empty()) return {};
  if (context.dry_run) {
    context.say("would sign {} keyless", count_of(unsigned_ones.size(), "artifact"));
    return {};
  }
  sigstore::Session session = TRY(open_keyless_signer(loaded, context, trusted_ref));
  for (const artifact::Artifact* artifact : unsigned_ones) {
    const std::string pending = pending_path(*artifact);
    const sigstore::FileDigest file{.name = base_name(artifact->path),
                                    .sha256 = from_hex(artifact->sha256).value_or("")};
    const sigstore::Signed made =
        TRY_WHILE("signing " + printable(artifact->path), session.sign_file(file, pending));
    const std::string json = sigstore::to_json(made.bundle);
    if (believed.root)
      if (const auto problem = actions::find_problem(json, believed, artifact->sha256);
          !problem.reason.empty())
        return fail_hint(ErrorKind::verification,
                         "name who signs here under trust: identities:, or sign as one who stands there",
                         "the signature of {} by {} is not believed: {} ({})", printable(artifact->name),
                         printable(made.signer, 200), problem.reason, problem.detail);
    TRY(files.write(actions::signature_name(artifact->path), json));
    TRY(session.finish(pending));
    context.say("signed {} as {}{}", printable(artifact->name), printable(made.signer, 200),
                made.resumed ? ", carried on where an earlier run ended" : "");
  }
  return {};
}

}  // namespace tranche::commands
