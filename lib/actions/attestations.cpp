#include "actions/attestations.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "signing/dsse.hpp"
#include "sigstore/bundle.hpp"

namespace tranche::actions {
namespace {

// Files beside an artifact that say something of it: "notes.deb.slsa-provenance.sigstore.json". The signature
// alone, "notes.deb.sigstore.json", is none.
Result<std::vector<std::string>> find_beside(ports::Files& files,
                                             const std::vector<artifact::Artifact>& artifacts) {
  std::map<std::string, std::vector<std::string>> listings;
  std::set<std::string> found;
  for (const artifact::Artifact& artifact : artifacts) {
    const std::string directory = directory_name(artifact.path);
    if (!listings.contains(directory)) listings[directory] = TRY(files.list(directory));
    const std::string prefix = base_name(artifact.path) + ".";
    for (const std::string& name : listings[directory])
      if (name.starts_with(prefix) && name.ends_with(bundle_suffix) &&
          name.size() > prefix.size() + bundle_suffix.size())
        found.insert(join_path(directory, name));
  }
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace

Result<attest::Statement> statement_inside(std::string_view json) {
  std::string type, payload;
  const auto bundle = sigstore::parse_bundle(json);
  if (bundle) {
    if (!bundle->envelope)
      return fail_hint(ErrorKind::verification, "make one: tranche attest",
                       "the bundle signs a file and states nothing");
    type = bundle->envelope->payload_type;
    payload = bundle->envelope->payload;
  } else if (auto envelope = signing::parse_envelope(json)) {
    type = std::move(envelope->payload_type);
    payload = std::move(envelope->payload);
  } else {
    return fail_hint(ErrorKind::verification, "make one: tranche attest",
                     "it is neither a Sigstore bundle ({}) nor a DSSE envelope", bundle.error().message);
  }
  if (type != attest::in_toto_type)
    return fail(ErrorKind::verification, "its payload is '{}', no in-toto statement", printable(type, 80));
  return attest::parse_statement(payload);
}

Result<BoundAttestations> collect_attestations(ports::Files& files,
                                               const std::vector<artifact::Artifact>& artifacts,
                                               const std::vector<std::string>& paths) {
  std::vector<std::string> all = paths;
  for (std::string& path : TRY(find_beside(files, artifacts))) all.push_back(std::move(path));
  std::map<std::string, std::pair<artifact::Document, std::string>> by_name;
  for (const std::string& path : all) {
    auto bytes = TRY(files.read(path, max_attestation_bytes));
    if (!bytes) return fail_hint(ErrorKind::failed, "check the path", "no such file: '{}'", printable(path));
    const auto statement = statement_inside(*bytes);
    if (!statement)
      return fail_hint(ErrorKind::invalid,
                       statement.error().hint.empty() ? "make it anew: tranche attest, or remove it"
                                                      : statement.error().hint,
                       "{} is no attestation: {}", printable(path), statement.error().message);
    const bool is_ours = std::ranges::any_of(artifacts, [&](const artifact::Artifact& artifact) {
      return attest::names_sha256(*statement, artifact.sha256);
    });
    if (!is_ours)
      return fail_hint(ErrorKind::invalid, "it is of another build: remove it, or attest these files",
                       "{} names none of the artifacts of this release", printable(path));
    artifact::Document document{base_name(path), statement->predicate_type, bytes->size(),
                                crypto::to_hex(crypto::sha256(*bytes))};
    const auto [earlier, fresh] = by_name.try_emplace(document.name, document, *bytes);
    if (!fresh && earlier->second.first != document)
      return fail_hint(ErrorKind::invalid, "rename one of them", "two attestations have the name '{}'",
                       printable(document.name));
  }
  BoundAttestations bound;
  for (auto& [name, entry] : by_name) {
    bound.documents.push_back(std::move(entry.first));
    bound.bytes.emplace_back(name, std::move(entry.second));
  }
  return bound;
}

}  // namespace tranche::actions
