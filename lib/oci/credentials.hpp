// Who we are to a registry, and what it asks for: the challenge of RFC 9110, section 11.6.1, in the two
// schemes that registries use (distribution, docs/spec/auth/token.md: Bearer; Basic).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "ports/ports.hpp"

namespace tranche::oci {

struct Credentials {
  std::string user;
  Secret password;
};
// "Basic " and what follows.
Secret basic_authorization(const Credentials& credentials);

// Where credentials come from: the file (docker's or podman's config.json), else TRANCHE_REGISTRY_USER and
// TRANCHE_REGISTRY_PASSWORD, else none. `auth_file` may be empty; it is a secret like every other: outside of
// git, of mode 600. kind invalid: a helper would have to be run, one of the two variables alone.
Result<std::optional<Credentials>> find_credentials(ports::World& world, const std::string& auth_file,
                                                    const std::string& host);
// The entry of `host` under auths:; for docker.io also https://index.docker.io/v1/.
Result<std::optional<Credentials>> parse_auth_file(const Secret& json, const std::string& host);

struct Challenge {
  enum class Scheme { basic, bearer } scheme = Scheme::basic;
  std::string realm;    // bearer: the url of the token service
  std::string service;  // bearer; may be empty
};
// Of the WWW-Authenticate headers: Bearer before Basic. nullopt: neither, or not well formed.
std::optional<Challenge> read_challenge(std::span<const std::pair<std::string, std::string>> headers);

}  // namespace tranche::oci
