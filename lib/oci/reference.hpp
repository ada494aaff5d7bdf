// How an image is named: registry, repository, digest. Grammar: distribution/reference, and "Pulling
// manifests" of the OCI distribution specification 1.1.
//
// The problem: a tag names whatever was pushed last, and a name without a host names another image on
// another machine. The idea: what is signed and verified is always host/repository@sha256:digest. A tag may
// stand before the digest and says nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tranche::oci {

inline constexpr std::size_t max_reference_bytes = 1024;

struct Reference {
  std::string host;        // "images.example", "127.0.0.1:5000", "[::1]:5000"; lower case
  std::string repository;  // "team/notes", at most 255 bytes
  std::string tag;         // may be empty
  std::string digest;      // "sha256:" and 64 lower-case hex digits
  bool operator==(const Reference&) const = default;
};

// kind usage, with a hint for what is missing: the digest, the host. The first component is a host when it
// has a dot or a port, or is localhost: a bare "notes" is not looked up anywhere. As everywhere in the field
// docker.io/notes is docker.io/library/notes.
Result<Reference> parse_reference(std::string_view text);
// host/repository@sha256:digest
std::string to_text(const Reference& reference);
// It ends in @ALGORITHM:DIGEST, whatever else may be wrong with it: meant as an image.
bool looks_like_image(std::string_view text);

// "sha256:" and 64 lower-case hex digits.
bool is_digest(std::string_view text);
// Of these bytes.
std::string digest_of(std::string_view bytes);
// The tag that lists what refers to `digest` where the registry has no referrers API ("Referrers Tag
// Schema"): "sha256-" and the hex digits.
std::string referrers_tag(std::string_view digest);

// This machine: localhost, 127.0.0.1, [::1], with a port or without.
bool is_loopback(std::string_view host);
// "https://images.example"; http for this machine, and elsewhere where `plain_http` says so. docker.io is
// served by registry-1.docker.io.
std::string base_url(const Reference& reference, bool plain_http);
// The scheme and host of a url, "https://host:port"; empty when it is neither http nor https, or when what
// stands before the path is more than a host and a port.
std::string origin_of(std::string_view url);

}  // namespace tranche::oci
