// The documents of a registry that matter here: the manifest that attaches a bundle to an image, and the
// list of such manifests. OCI image specification 1.1 (manifest.md, image-index.md, descriptor.md).
//
// What is attached looks as cosign 3 writes it (sigstore/cosign, specs/BUNDLE_SPEC.md and
// pkg/oci/remote/write.go, WriteAttestationNewBundleFormat): artifactType and media type of the one layer are
// the bundle's, the config is the empty descriptor, the subject is the image, annotations say what the bundle
// holds. Bytes in, bytes out; reading believes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace tranche::oci {

inline constexpr std::string_view manifest_type = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view index_type = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view docker_manifest_type =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_list_type =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view empty_type = "application/vnd.oci.empty.v1+json";
inline constexpr std::string_view empty_config = "{}";
inline constexpr std::string_view bundle_type = "application/vnd.dev.sigstore.bundle.v0.3+json";
inline constexpr std::string_view bundle_type_prefix = "application/vnd.dev.sigstore.bundle";
inline constexpr std::string_view predicate_annotation = "dev.sigstore.bundle.predicateType";

inline constexpr std::size_t max_manifest_bytes = 4 << 20;  // what the distribution specification asks for
inline constexpr std::size_t max_referrers = 256;           // of one image: more is a flood

using Annotations = std::vector<std::pair<std::string, std::string>>;

struct Descriptor {
  std::string media_type;
  std::string digest;  // "sha256:..."
  std::uint64_t size = 0;
  std::string artifact_type;  // may be empty
  Annotations annotations;
  [[nodiscard]] std::string_view annotation(std::string_view key) const;  // empty without one
  bool operator==(const Descriptor&) const = default;
};
// Of bytes that are at hand.
Descriptor describe(std::string_view media_type, std::string_view bytes);

// The manifest that attaches `bundle` to `subject`. Deterministic.
std::string to_referrer(const Descriptor& subject, const Descriptor& bundle, const Annotations& annotations);
// What the list says of it.
Descriptor entry_of(std::string_view referrer, const Annotations& annotations);

struct Manifest {
  std::string media_type;     // may be empty
  std::string artifact_type;  // may be empty
  std::vector<Descriptor> layers;
  std::optional<Descriptor> subject;
};
// kind verification.
Result<Manifest> parse_manifest(std::string_view json);
// The manifests of an index. kind verification: none, or more than max_referrers.
Result<std::vector<Descriptor>> parse_index(std::string_view json);

// The list with one entry more, at its end; every other byte stays as it was. The same list when it has the
// digest already. An empty text is no list yet. kind verification: it is no index; kind invalid: it is full.
Result<std::string> add_to_index(std::string_view json, const Descriptor& entry);

}  // namespace tranche::oci
