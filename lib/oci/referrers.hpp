// Bundles attached to an image: "Pushing manifests with subject" and "Referrers Tag Schema" of the OCI
// distribution specification 1.1.
//
// The problem: a registry without the referrers API keeps the list of what refers to an image under a tag,
// which every client reads, extends and writes back, so that one of two who do it at once loses its entry.
// The idea: the bytes first, then the manifest, which hurt nobody when the run ends between them; the list
// last, with a condition where the registry knows one, and read again afterwards: who lost does it again.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "oci/manifest.hpp"
#include "oci/registry.hpp"

namespace tranche::oci {

struct Attachment {
  std::string manifest;  // digest of what was attached
  std::string tag;       // of the list it stands in; empty: the registry keeps the list itself
};
// kind conflict: others wrote the list as often as it was tried.
Result<Attachment> attach_bundle(Registry& registry, const Descriptor& subject, const std::string& bundle,
                                 const Annotations& annotations);

// What the list says may be a bundle; entries of another kind are passed over. kind verification when the
// list cannot be read, or is too long.
Result<std::vector<Descriptor>> list_bundles(Registry& registry, const std::string& digest);

// Why an attached thing is not looked at, as a code for programs.
struct Attached {
  std::string manifest;   // digest
  std::string bundle;     // JSON; empty after a problem
  std::string predicate;  // what its annotations say that it states; may be empty
  std::string code;       // "wrong-digest", "wrong-subject", "bad-referrer"; empty: none
  std::string detail;
};
// `wanted`: of bundles whose annotations say that they state something else nothing is fetched; they come
// without a bundle and without a code. Errors are the network's only.
Result<Attached> fetch_bundle(Registry& registry, const std::string& digest, const Descriptor& entry,
                              std::string_view wanted);

inline constexpr std::size_t max_fetched_bytes = 64 << 20;          // of one image's bundles
inline constexpr Duration longest_fetch = std::chrono::minutes(5);  // of one image
// All of them. kind verification: as list_bundles, or they are larger than max_fetched_bytes; kind failed
// also when they take longer than longest_fetch: a registry that drips must not hold a CI step for hours.
Result<std::vector<Attached>> fetch_bundles(Registry& registry, const std::string& digest,
                                            std::string_view wanted);

}  // namespace tranche::oci
