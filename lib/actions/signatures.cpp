#include "actions/signatures.hpp"

#include "actions/attestations.hpp"
#include "base/encoding.hpp"
#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sigstore/bundle.hpp"

namespace tranche::actions {

std::string signature_name(std::string_view artifact) {
  return std::string(artifact) + std::string(bundle_suffix);
}

Result<Believed> load_believed(ports::Files& files, const std::string& repository,
                               const spec::Trust& declared, const signing::Trust& keys) {
  Believed believed;
  for (const crypto::PublicKey& key : keys.release)
    believed.policy.keys.push_back(TRY(crypto::AnyPublicKey::from_pem(crypto::to_pem(key))));
  for (const spec::Identity& one : declared.identities)
    believed.policy.identities.push_back({one.identity, one.issuer});
  if (declared.trusted_root.empty()) return believed;
  const auto bytes =
      TRY(files.read(join_path(repository, declared.trusted_root), sigstore::max_trusted_root_bytes));
  if (!bytes)
    return fail_hint(ErrorKind::invalid, "correct trust: trusted-root:", "there is no trusted root '{}'",
                     printable(declared.trusted_root));
  believed.root =
      TRY_WHILE("reading " + printable(declared.trusted_root), sigstore::parse_trusted_root(*bytes));
  return believed;
}

SignatureProblem find_problem(std::string_view bundle, const Believed& believed, std::string_view sha256) {
  const sigstore::Artifact artifact{.sha256 = from_hex(sha256).value_or("")};
  const sigstore::Verdict verdict =
      sigstore::verify(bundle, believed.root ? &*believed.root : nullptr, believed.policy, artifact);
  if (verdict.verified()) return {};
  for (const sigstore::Check& check : verdict.checks)
    if (!check.ok) return {std::string(sigstore::code_of(check.reason)), check.detail};
  return {"bad-bundle", "nothing in it could be checked"};
}

Result<bool> is_about(std::string_view bundle, std::string_view sha256) {
  const sigstore::Bundle parsed = TRY(sigstore::parse_bundle(bundle));
  if (parsed.envelope) return attest::names_sha256(TRY(statement_inside(bundle)), sha256);
  // Of a longer digest only the check itself can tell.
  const sigstore::MessageSignature& message = *parsed.message;
  return message.digest_algorithm != "SHA2_256" || to_hex(message.digest) == sha256;
}

Result<BoundSignatures> collect_signatures(ports::Files& files,
                                           const std::vector<artifact::Artifact>& artifacts) {
  BoundSignatures bound;
  for (const artifact::Artifact& artifact : artifacts) {
    const std::string path = signature_name(artifact.path);
    auto bytes = TRY(files.read(path, max_attestation_bytes));
    if (!bytes) continue;
    const auto about = is_about(*bytes, artifact.sha256);
    if (!about)
      return fail_hint(ErrorKind::invalid, "sign the file again: tranche sign, or remove it",
                       "{} is no signature: {}", printable(path), about.error().message);
    if (!*about)
      return fail_hint(ErrorKind::invalid,
                       "it is of another build: sign this one with tranche sign, or remove it",
                       "{} signs other bytes than '{}' has", printable(path), printable(artifact.name));
    const std::string name = signature_name(artifact.name);
    bound.documents.push_back({name, std::string(artifact::signature_format), bytes->size(),
                               crypto::to_hex(crypto::sha256(*bytes))});
    bound.bytes.emplace_back(name, std::move(*bytes));
  }
  return bound;
}

}  // namespace tranche::actions
