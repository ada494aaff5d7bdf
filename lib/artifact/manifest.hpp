// The release manifest: one signed document that closes a release. Whatever reaches a device is named here
// with its size and digest, and only a release key can sign it (FEED.md, ARCHITECTURE.md "Security").
//
// Payload: RFC 8785 JSON, at most 1 MiB, in a DSSE envelope of signing::manifest_type:
//   {"schema": "tranche/release-manifest/v1", "app", "version", "created" (RFC 3339),
//    "artifacts": [{"name", "platform", "size", "sha256"}],      // at least one, names unique, sorted by
//    name "sboms": [{"name", "format", "size", "sha256"}],            // absent when empty, as all below
//    "attestations": [{"name", "predicate-type", "size", "sha256"}],
//    "signatures": [{"name", "format", "size", "sha256"}],        // of artifacts, each by its own name
//    "feeds": [{"name", "feed", "size", "sha256"}],               // what an ecosystem's feed must know of
//    them "same-as": version, "fallback-for": version,
//    "behaviour": [{"name", "kind", "size", "sha256"}]}           // what an agent does: sorted by kind and
//    name
// The format changes by adding optional members: readers pass over what they do not know.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "crypto/ed25519.hpp"
#include "ports/ports.hpp"
#include "signing/keys.hpp"

namespace tranche::artifact {

inline constexpr std::string_view manifest_schema = "tranche/release-manifest/v1";
inline constexpr std::size_t max_manifest_bytes = 1 << 20;
inline constexpr std::size_t max_artifacts = 4096;
inline constexpr std::size_t max_behaviours = 4096;
inline constexpr std::string_view signature_format = "sigstore-bundle";

// A file to ship. `path` and what follows it are of this machine and no part of the manifest.
struct Artifact {
  std::string name;      // file name: no '/', not "." or "..", 1..255 bytes of [A-Za-z0-9._~+@=-]
  std::string platform;  // "linux/amd64", or "any"
  std::uint64_t size = 0;
  std::string sha256;  // 64 hex digits, lower case
  std::string path;
  std::string metadata;  // electron-builder's latest*.yml that names it; empty: none
  std::string sha512;    // hex; compared with what that document says; empty: not known
  bool operator==(const Artifact&) const = default;
};

// A document beside the artifacts: an SBOM (`type`: its format, "cyclonedx-1.6"), an attestation (`type`: its
// predicate type), a signature of one artifact ("ARTIFACT.sigstore.json"; `type`: signature_format) or what a
// feed must know of the artifacts (`type`: the feed, "electron").
struct Document {
  std::string name;
  std::string type;
  std::uint64_t size = 0;
  std::string sha256;
  bool operator==(const Document&) const = default;
};

// A file that makes what an agent does: a prompt, parameters, the schema of a tool, weights of a model. It
// ships inside the artifacts, or is read by a service; here it is pinned by digest.
struct Behaviour {
  std::string name;  // path in the repository, 1..1024 bytes of UTF-8
  std::string kind;  // "prompt", "parameter", "tool", "model"; readers keep words that they do not know
  std::uint64_t size = 0;
  // Of the bytes; of a directory of weights the digest of its model manifest (attest/model.hpp).
  std::string sha256;
  bool operator==(const Behaviour&) const = default;
};

struct Manifest {
  std::string app;
  std::string version;
  Instant created{};
  std::vector<Artifact> artifacts;
  std::vector<Document> sboms;
  std::vector<Document> attestations;
  std::vector<Document> signatures;  // at most one an artifact
  std::vector<Document> feeds;
  std::string same_as;       // this is the code of that version under a higher number; may be empty
  std::string fallback_for;  // devices that had that version are brought here; may be empty
  std::vector<Behaviour> behaviour;
  [[nodiscard]] const Artifact* find(std::string_view name) const;  // null when there is none
  bool operator==(const Manifest&) const = default;
};

// kind invalid when a name, version, digest or platform may not stand in a manifest, or a name stands twice.
Result<> check_manifest(const Manifest& manifest);
// The canonical payload, or the errors of check_manifest.
Result<std::string> to_payload(const Manifest& manifest);
// kind verification; strict in types and bounds.
Result<Manifest> parse_payload(std::string_view payload);

// The envelope over to_payload, signed.
Result<std::string> seal(const Manifest& manifest, const crypto::Ed25519Signer& release_key);
// The manifest, if a trusted release key signed it, for this app, and for this version when one is given.
// kind verification with a distinct message each.
Result<Manifest> open_manifest(std::string_view envelope, const signing::Trust& trust,
                               std::string_view expected_app,
                               std::optional<std::string_view> expected_version = std::nullopt);
// Hex SHA-256 of the envelope's bytes: what a feed names a manifest by.
std::string manifest_digest(std::string_view envelope);

// Every artifact of the manifest is there with its size and digest. `paths`: artifact name → local path. All
// that is wrong is reported at once (Error::others), kind verification: missing, other size, other bytes.
Result<> verify_files(const Manifest& manifest, ports::Files& files,
                      const std::map<std::string, std::string>& paths);
// The same for files that lie under their names in one directory.
Result<> verify_directory(const Manifest& manifest, ports::Files& files, const std::string& directory);

}  // namespace tranche::artifact
