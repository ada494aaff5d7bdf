// Releases on record: the signed manifest of each version, kept beside the journal in the state store.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actions/deck.hpp"
#include "artifact/manifest.hpp"
#include "base/error.hpp"
#include "channel/static_feeds.hpp"

namespace tranche::actions {

struct StoredRelease {
  artifact::Manifest manifest;
  std::string envelope;
  std::string sha256;  // hex, over the envelope
};

// A document that belongs to a release (an SBOM), stored beside its manifest.
using DocumentBytes = std::pair<std::string, std::string>;  // name, bytes

struct Created {
  StoredRelease release;
  bool existed = false;  // the same release was on record already
};

// Whether that version is on record, whole, with these artifacts, this behaviour and these ties to other
// versions; nullopt: it is not on record, or a document of it has to be stored again (create_release does).
// Its documents are not compared: a release on record is complete, and what made its SBOM or signatures does
// not change it. kind invalid: one version with two contents, with the file and both digests; a version names
// one thing for ever.
Result<std::optional<StoredRelease>> find_same_release(Deck& deck, const artifact::Manifest& manifest);
// Seals and records a release. One that is on record already stays as it is (as find_same_release has it);
// what a crash left undone is done: the journal's entry, and documents that are gone where `documents` holds
// the same bytes.
Result<Created> create_release(Deck& deck, artifact::Manifest manifest,
                               const std::vector<DocumentBytes>& documents, const std::string& reason);
// nullopt: no such release. The signature and the app are checked.
Result<std::optional<StoredRelease>> find_release(Deck& deck, const std::string& version);
// The release with what each feed must know of it; nullopt when it is not on record here. Digests of the
// documents are checked against the manifest.
Result<std::optional<channel::Recorded>> load_recorded(Deck& deck, const std::string& version);
// As find_release, but a missing one is an error with the nearest version as hint.
Result<StoredRelease> load_release(Deck& deck, const std::string& version);
Result<std::vector<std::string>> list_releases(Deck& deck);  // versions, lowest first
// The highest release above `version` that was made as a fallback for it; nullopt: none is prepared.
Result<std::optional<StoredRelease>> find_fallback(Deck& deck, const std::string& version);

}  // namespace tranche::actions
