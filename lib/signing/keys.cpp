// Roles and the public halves: what the repository says may be trusted.
#include "signing/keys.hpp"

#include <algorithm>
#include <array>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "signing/key_files.hpp"

namespace tranche::signing {

namespace {

constexpr std::array all_roles{Role::root, Role::release, Role::feed, Role::journal};
constexpr std::size_t max_keys_of_role = 64;

// The member of Trust or TrustPaths that belongs to a role.
auto& member_of(auto& table, Role role) {
  switch (role) {
    case Role::root:
      return table.root;
    case Role::release:
      return table.release;
    case Role::feed:
      return table.feed;
    case Role::journal:
      break;
  }
  return table.journal;
}

Result<crypto::PublicKey> read_public_key(ports::Files& files, const std::string& repository,
                                          const std::string& path) {
  const std::string text = TRY(read_public_file(files, repository, path));
  auto key = crypto::public_key_from_pem(text);
  if (!key)
    return fail_hint(ErrorKind::invalid, key.error().hint, "{}: {}", printable(path), key.error().message);
  return *key;
}

}  // namespace

Result<std::string> read_public_file(ports::Files& files, const std::string& repository,
                                     const std::string& path, std::size_t max_bytes) {
  const auto outside = [&] {
    return fail_hint(ErrorKind::invalid,
                     "public keys are kept in the repository, so that their changes are reviewed",
                     "the public key '{}' leaves the repository", printable(path));
  };
  if (path.starts_with('/') || !is_within(".", path)) return outside();
  const std::string full = join_path(repository, path);
  if (!TRY(files.info(full)))
    return fail_hint(ErrorKind::invalid,
                     "make the pair with `tranche key generate`, or correct the path in tranche.yaml",
                     "there is no public key '{}'", printable(path));
  const std::string real = TRY(files.real_path(full));
  if (!is_within(TRY(files.real_path(repository.empty() ? "." : repository)), real)) return outside();
  auto text = TRY(files.read(real, max_bytes));
  if (!text) return fail(ErrorKind::invalid, "there is no public key '{}'", printable(path));
  return std::move(*text);
}

std::string_view to_text(Role role) {
  switch (role) {
    case Role::root:
      return "root";
    case Role::release:
      return "release";
    case Role::feed:
      return "feed";
    case Role::journal:
      break;
  }
  return "journal";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : all_roles)
    if (text == to_text(role)) return role;
  return std::nullopt;
}

std::span<const crypto::PublicKey> Trust::of(Role role) const { return member_of(*this, role); }

std::optional<Role> Trust::role_of(std::string_view key_id) const {
  for (const Role role : all_roles)
    for (const crypto::PublicKey& key : of(role))
      if (crypto::key_id(key) == key_id) return role;
  return std::nullopt;
}

Result<Trust> load_trust(ports::Files& files, const std::string& repository, const TrustPaths& paths) {
  Trust trust;
  for (const Role role : all_roles) {
    const auto& list = member_of(paths, role);
    if (list.size() > max_keys_of_role)
      return fail(ErrorKind::invalid, "{} {} keys are more than {}", list.size(), to_text(role),
                  max_keys_of_role);
    for (const std::string& path : list) {
      const crypto::PublicKey key = TRY(read_public_key(files, repository, path));
      const auto other = trust.role_of(crypto::key_id(key));
      if (other && *other != role)
        return fail_hint(
            ErrorKind::invalid,
            "a key serves one role, so that a stolen one owns as little as possible: make another",
            "the key '{}' stands under {} and under {}", printable(path), to_text(*other), to_text(role));
      if (!other) member_of(trust, role).push_back(key);
    }
  }
  return trust;
}

}  // namespace tranche::signing
