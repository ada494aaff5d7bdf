// Keys with roles. One key serves one role: a feed key can never introduce an artifact, a release key never
// widens an exposure, a journal key only writes the log, root signs rotations only (FEED.md, ARCHITECTURE.md
// "Security").
//
// Public halves stand in the repository under `trust:`. Secret halves are references: env:TRANCHE_* or
// file:PATH outside the repository, readable by nobody else, not tracked by git. Nothing else is ever read.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "crypto/ed25519.hpp"
#include "ports/ports.hpp"

namespace tranche::signing {

enum class Role { root, release, feed, journal };
std::string_view to_text(Role role);
std::optional<Role> parse_role(std::string_view text);

// Public keys by role, as `trust:` has them.
struct Trust {
  std::vector<crypto::PublicKey> root, release, feed, journal;
  [[nodiscard]] std::span<const crypto::PublicKey> of(Role role) const;
  // The role that holds this key id, if any: for "signed by a feed key, needs a release key".
  [[nodiscard]] std::optional<Role> role_of(std::string_view key_id) const;
};

// Reads the public key files (PEM, paths relative to `repository`; a path that leaves it is refused). kind
// invalid when a key stands under two roles, or is no Ed25519 key.
struct TrustPaths {
  std::vector<std::string> root, release, feed, journal;
};
Result<Trust> load_trust(ports::Files& files, const std::string& repository, const TrustPaths& paths);

// The value behind a secret reference ("env:TRANCHE_X", "file:/path"): tokens and the like. Rules above; kind
// denied with a hint otherwise ("env:HOME" names no TRANCHE_ variable). `repository` may be empty (no
// checkout).
Result<Secret> read_secret(ports::World& world, const std::string& repository, std::string_view reference);

// A new key pair: writes the secret as PKCS#8 PEM, mode 0600, to `secret_path` and the public half to
// `public_path`. Refuses (kind denied) a secret path inside the git work tree that is not ignored or is
// tracked, and existing files.
Result<crypto::PublicKey> generate_key(ports::World& world, const std::string& repository,
                                       const std::string& secret_path, const std::string& public_path);

}  // namespace tranche::signing
