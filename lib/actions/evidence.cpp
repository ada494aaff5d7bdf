#include "actions/evidence.hpp"

#include <algorithm>
#include <set>

#include "actions/attestations.hpp"
#include "actions/signatures.hpp"
#include "attest/predicates.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sbom/read.hpp"
#include "sbom/subject.hpp"
#include "signing/dsse.hpp"
#include "sigstore/verify.hpp"
#include "vuln/gate.hpp"

namespace tranche::actions {
namespace {

// A document of the release as the manifest names it; or why it is not there.
struct Stored {
  std::string bytes;
  std::string reason;  // empty: found
};

class Inspector {
 public:
  Inspector(Deck& deck, const StoredRelease& release) : deck_(deck), release_(release) {}

  Result<Evidence> inspect(const std::vector<std::string>& required) {
    for (const std::string& name : required) {
      if (name == "signature")
        TRY(inspect_signatures());
      else if (name == "sbom")
        TRY(inspect_sboms());
      else if (name == "provenance")
        TRY(inspect_provenance());
      else if (name == "vulnerabilities")
        TRY(inspect_vulnerabilities());
      else
        bad(name, "unknown-evidence", "this build cannot check it", "take it out of require:");
    }
    return std::move(evidence_);
  }

 private:
  void good(std::string_view name, std::string detail) {
    evidence_.checks.push_back({std::string(name), true, {}, std::move(detail), {}});
  }
  void bad(std::string_view name, std::string_view reason, std::string detail, std::string hint) {
    evidence_.checks.push_back(
        {std::string(name), false, std::string(reason), std::move(detail), std::move(hint)});
  }

  Result<Stored> fetch(const artifact::Document& document, std::size_t max_bytes) {
    const artifact::Manifest& manifest = release_.manifest;
    const std::string name = fmt::format("releases/{}/{}/{}", manifest.app, manifest.version, document.name);
    const auto there = TRY(deck_.state_store().stat(name, document.size, store::DigestFrom::content));
    if (!there) return Stored{{}, "missing-document"};
    if (there->sha256 != document.sha256) return Stored{{}, "changed-document"};
    if (document.size > max_bytes) return Stored{{}, "document-too-large"};
    const auto blob = TRY(deck_.state_store().get(name, max_bytes));
    if (!blob) return Stored{{}, "missing-document"};
    if (!crypto::equal_constant_time(crypto::to_hex(crypto::sha256(blob->bytes)), document.sha256))
      return Stored{{}, "changed-document"};
    return Stored{blob->bytes, {}};
  }

  Result<> inspect_sboms() {
    const artifact::Manifest& manifest = release_.manifest;
    if (manifest.sboms.empty()) {
      bad("sbom", "no-sbom", fmt::format("release {} has no SBOM", manifest.version),
          "make it: tranche sbom, then tranche release create");
      return {};
    }
    for (const artifact::Document& document : manifest.sboms) {
      const Stored stored = TRY(fetch(document, sbom::max_bom_bytes));
      const std::string name = printable(document.name);
      if (!stored.reason.empty()) {
        bad("sbom", stored.reason, fmt::format("'{}' is not in the state store as it was signed", name),
            "record the release again: tranche release create " + manifest.version);
        continue;
      }
      const auto bom = sbom::read_bom(stored.bytes, document.name);
      if (!bom)
        bad("sbom", "bad-sbom", fmt::format("'{}' cannot be read: {}", name, bom.error().message),
            "make it: tranche sbom, and release it under the next version");
      else if (const auto told = sbom::check_subject(bom->catalog, shipped_files()); !told)
        bad("sbom", "other-artifact", fmt::format("'{}': {}", name, told.error().message), told.error().hint);
      else
        good("sbom", fmt::format("{}, {} components", name, bom->catalog.components.size()));
    }
    return {};
  }

  [[nodiscard]] std::vector<sbom::ShippedFile> shipped_files() const {
    std::vector<sbom::ShippedFile> files;
    for (const artifact::Artifact& item : release_.manifest.artifacts)
      files.push_back({item.name, item.sha256});
    return files;
  }

  Result<> inspect_vulnerabilities() {
    const artifact::Manifest& manifest = release_.manifest;
    if (manifest.sboms.empty())
      bad("vulnerabilities", "no-sbom",
          fmt::format("release {} has no SBOM to hold against advisories", manifest.version),
          "make it: tranche sbom, then tranche release create");
    for (const artifact::Document& document : manifest.sboms) {
      const Stored stored = TRY(fetch(document, sbom::max_bom_bytes));
      const std::string name = printable(document.name);
      if (!stored.reason.empty()) {
        bad("vulnerabilities", stored.reason,
            fmt::format("'{}' is not in the state store as it was signed", name),
            "record the release again: tranche release create " + manifest.version);
        continue;
      }
      const auto gate = audit(stored.bytes, document.name);
      if (!gate)
        bad("vulnerabilities", "not-checked", fmt::format("'{}': {}", name, gate.error().message),
            gate.error().hint);
      else if (!gate->passed())
        bad("vulnerabilities", "vulnerable", fmt::format("'{}': {}", name, first_refused(*gate)),
            "update what is affected, or say why not: tranche sbom audit shows it");
      else
        good("vulnerabilities", fmt::format("'{}': {} components{}", name, gate->audit.components,
                                            gate->warnings.empty() ? "" : "; " + join(gate->warnings, "; ")));
    }
    return {};
  }

  Result<vuln::Gate> audit(const std::string& bytes, const std::string& name) {
    const vuln::Subject subject = TRY(vuln::read_subject(bytes, name));
    return vuln::run_gate(deck_.world().files, {.repository = deck_.repository(),
                                                .policy = deck_.app().vulnerabilities,
                                                .subject = subject,
                                                .now = deck_.world().clock.now()});
  }

  static std::string first_refused(const vuln::Gate& gate) {
    const std::size_t count = gate.audit.count(vuln::Finding::Status::refused);
    for (const vuln::Finding& one : gate.audit.findings)
      if (one.status == vuln::Finding::Status::refused)
        return fmt::format("{} in {} {}{}", printable(one.id, 60), printable(one.component, 80),
                           printable(one.version, 40),
                           count > 1 ? fmt::format(" and {} more", count - 1) : "");
    return {};
  }

  // Whom tranche.yaml believes, read once.
  Result<> load_policy() {
    if (!believed_)
      believed_ =
          TRY(load_believed(deck_.world().files, deck_.repository(), deck_.app().trust, deck_.trust()));
    return {};
  }

  // The manifest's own signature was checked when it was read. Those of the artifacts: all that are bound
  // must hold; with `signing: keyless:` each artifact must have one.
  Result<> inspect_signatures() {
    const artifact::Manifest& manifest = release_.manifest;
    const bool wanted = deck_.app().signing.keyless;
    if (manifest.signatures.empty()) {
      if (!wanted)
        good("signature", "the manifest is signed by a release key");
      else
        bad("signature", "no-signature",
            fmt::format("release {} binds no keyless signature of its artifacts", manifest.version),
            "make it with the same tranche.yaml, under the next version: tranche release create");
      return {};
    }
    TRY(load_policy());
    std::set<std::string> covered;
    for (const artifact::Document& document : manifest.signatures)
      if (!TRY(inspect_one_signature(document, covered))) return {};
    if (wanted)
      for (const artifact::Artifact& artifact : manifest.artifacts)
        if (!covered.contains(artifact.name)) {
          bad("signature", "artifact-not-signed", fmt::format("no signature of '{}' is bound", artifact.name),
              "sign every artifact, and release them under the next version");
          return {};
        }
    good("signature", fmt::format("the manifest, by a release key; {} of {} artifacts", covered.size(),
                                  manifest.artifacts.size()));
    return {};
  }

  Result<bool> inspect_one_signature(const artifact::Document& document, std::set<std::string>& covered) {
    const std::string name = printable(document.name);
    const Stored stored = TRY(fetch(document, max_attestation_bytes));
    if (!stored.reason.empty()) {
      bad("signature", stored.reason, fmt::format("'{}' is not in the state store as it was signed", name),
          "record the release again: tranche release create " + release_.manifest.version);
      return false;
    }
    const auto& artifacts = release_.manifest.artifacts;
    const auto signed_one = std::ranges::find_if(artifacts, [&](const artifact::Artifact& artifact) {
      return signature_name(artifact.name) == document.name;
    });
    if (signed_one == artifacts.end()) {
      bad("signature", "bad-bundle", fmt::format("'{}' is named after no artifact", name),
          "release it under the next version");
      return false;
    }
    const SignatureProblem problem = find_problem(stored.bytes, *believed_, signed_one->sha256);
    if (!problem.reason.empty()) {
      bad("signature", problem.reason, fmt::format("'{}': {}", name, problem.detail),
          "sign it with a key under trust: release:, or name who signed under trust: identities:");
      return false;
    }
    covered.insert(signed_one->name);
    return true;
  }

  // Empty when a trusted key signed the envelope or bundle; otherwise the reason and the detail.
  std::pair<std::string, std::string> signer_problem(const std::string& bytes,
                                                     const attest::Statement& statement) const {
    const auto bundle = sigstore::parse_bundle(bytes);
    if (bundle) {
      const std::string* const any = statement.subjects.front().digest("sha256");
      if (any == nullptr) return {"bad-statement", "its first subject has no SHA-256"};
      SignatureProblem problem = find_problem(bytes, *believed_, *any);
      return {std::move(problem.reason), std::move(problem.detail)};
    }
    const auto envelope = signing::parse_envelope(bytes);
    if (!envelope) return {"bad-bundle", envelope.error().message};
    const std::string message =
        signing::pre_authentication_encoding(envelope->payload_type, envelope->payload);
    for (const signing::Signature& signature : envelope->signatures)
      for (const crypto::PublicKey& key : deck_.trust().release)
        if (crypto::verify(key, message, signature.bytes)) return {};
    return {"wrong-key", "no release key under trust: signed it"};
  }

  // Marks the artifacts that one attestation proves the provenance of. False when it proves nothing.
  Result<bool> inspect_one_provenance(const artifact::Document& document, std::set<std::string>& covered) {
    const Stored stored = TRY(fetch(document, max_attestation_bytes));
    const std::string name = printable(document.name);
    if (!stored.reason.empty()) {
      bad("provenance", stored.reason, fmt::format("'{}' is not in the state store as it was signed", name),
          "record the release again: tranche release create " + release_.manifest.version);
      return false;
    }
    const auto statement = statement_inside(stored.bytes);
    if (!statement) {
      bad("provenance", "bad-statement", fmt::format("'{}': {}", name, statement.error().message),
          "make it anew: tranche attest --type slsa-provenance");
      return false;
    }
    const auto shaped =
        attest::check_predicate(attest::provenance_type, statement->predicate, ErrorKind::verification);
    if (statement->predicate_type != attest::provenance_type || !shaped) {
      bad("provenance", "bad-provenance",
          fmt::format("'{}': {}", name, shaped ? "it claims something else" : shaped.error().message),
          "make it anew: tranche attest --type slsa-provenance");
      return false;
    }
    if (const auto [reason, detail] = signer_problem(stored.bytes, *statement); !reason.empty()) {
      bad("provenance", reason, fmt::format("'{}': {}", name, detail),
          "sign it with a key under trust: release:, or name who signed under trust: identities:");
      return false;
    }
    for (const artifact::Artifact& artifact : release_.manifest.artifacts)
      if (attest::names_sha256(*statement, artifact.sha256)) covered.insert(artifact.name);
    return true;
  }

  Result<> inspect_provenance() {
    TRY(load_policy());
    std::set<std::string> covered;
    std::size_t proofs = 0;
    bool any = false, all_good = true;
    for (const artifact::Document& document : release_.manifest.attestations) {
      if (document.type != attest::provenance_type) continue;
      any = true;
      if (TRY(inspect_one_provenance(document, covered)))
        ++proofs;
      else
        all_good = false;
    }
    if (!any) {
      bad("provenance", "no-provenance",
          fmt::format("release {} binds no provenance", release_.manifest.version),
          "tranche attest --type slsa-provenance FILE..., then tranche release create under the next "
          "version");
      return {};
    }
    if (!all_good) return {};
    for (const artifact::Artifact& artifact : release_.manifest.artifacts)
      if (!covered.contains(artifact.name)) {
        bad("provenance", "artifact-not-covered",
            fmt::format("no provenance names '{}' by its SHA-256", artifact.name),
            "name every artifact: tranche attest --type slsa-provenance FILE...");
        return {};
      }
    good("provenance", fmt::format("{} of {} artifacts, by {} attestations", covered.size(),
                                   release_.manifest.artifacts.size(), proofs));
    return {};
  }

  Deck& deck_;
  const StoredRelease& release_;
  Evidence evidence_;
  std::optional<Believed> believed_;
};

}  // namespace

bool Evidence::holds() const {
  return std::ranges::all_of(checks, [](const EvidenceCheck& check) { return check.ok; });
}

Result<Evidence> check_evidence(Deck& deck, const StoredRelease& release,
                                const std::vector<std::string>& required) {
  return Inspector(deck, release).inspect(required);
}

Result<> demand_evidence(Deck& deck, const StoredRelease& release, const std::vector<std::string>& required,
                         std::string_view rollout) {
  const Evidence evidence = TRY_WHILE(
      "checking what rollout '" + std::string(rollout) + "' requires of release " + release.manifest.version,
      check_evidence(deck, release, required));
  std::vector<Error> errors;
  for (const EvidenceCheck& check : evidence.checks)
    if (!check.ok)
      errors.emplace_back(ErrorKind::denied,
                          fmt::format("rollout '{}' requires {}, and {} ({})", rollout, check.name,
                                      check.detail, check.reason),
                          check.hint);
  if (errors.empty()) return {};
  Error first = std::move(errors.front());
  first.others.assign(std::make_move_iterator(errors.begin() + 1), std::make_move_iterator(errors.end()));
  return fail(std::move(first));
}

}  // namespace tranche::actions
