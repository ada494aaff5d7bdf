#include "signing/people.hpp"

#include <algorithm>

#include "base/paths.hpp"
#include "base/text.hpp"
#include "signing/jwt.hpp"
#include "signing/key_files.hpp"

namespace tranche::signing {

namespace {

constexpr std::size_t max_keys = 64;
constexpr std::size_t max_frozen_jwks_bytes = 12 * 1024;  // a text of tranche.yaml has 16 KiB at most

bool is_line(std::string_view text) { return text.find(' ') != std::string_view::npos; }

std::string stem_of(std::string_view path) {
  const std::string name = base_name(path);
  return name.substr(0, std::max<std::size_t>(1, name.rfind('.')));
}

Result<crypto::SshKey> key_from_text(std::string_view text) {
  if (text.find("-----BEGIN") == std::string_view::npos) return crypto::ssh_key_from_line(text);
  return crypto::SshKey{TRY(crypto::AnyPublicKey::from_pem(text)), {}, {}};
}

Result<Approver> load_approver(ports::Files& files, const std::string& repository, const std::string& key) {
  const bool line = is_line(key);
  const std::string text = line ? key : TRY(read_public_file(files, repository, key));
  auto read = key_from_text(text);
  if (!read)
    return fail_hint(ErrorKind::invalid, read.error().hint, "{}: {}", printable(key, 100),
                     read.error().message);
  Approver approver{read->comment, std::move(*read)};
  if (approver.name.empty())
    approver.name = line ? "key " + approver.key.key.id().substr(0, 12) : printable(stem_of(key), 100);
  return approver;
}

}  // namespace

Result<std::vector<Approver>> load_approvers(ports::Files& files, const std::string& repository,
                                             const spec::People& people) {
  if (people.keys.size() > max_keys)
    return fail(ErrorKind::invalid, "people '{}' have {} keys, more than {}", people.name, people.keys.size(),
                max_keys);
  std::vector<Approver> out;
  for (const std::string& key : people.keys) {
    Approver one =
        TRY_WHILE("reading the keys of people '" + people.name + "'", load_approver(files, repository, key));
    const std::string id = one.key.key.id();
    for (const Approver& earlier : out)
      if (earlier.key.key.id() == id)
        return fail_hint(ErrorKind::invalid, "one key is one person: name it once",
                         "the key of '{}' stands twice among people '{}'", one.name, people.name);
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::string> read_jwks_file(ports::Files& files, const std::string& repository,
                                   const std::string& path) {
  return read_public_file(files, repository, path, max_jwks_bytes);
}

Result<std::vector<spec::People>> freeze_people(ports::Files& files, const std::string& repository,
                                                const std::vector<spec::People>& people, const Trust& trust) {
  std::vector<spec::People> frozen = people;
  for (spec::People& one : frozen) {
    const auto approvers = TRY(load_approvers(files, repository, one));
    one.keys.clear();
    std::string& jwks = one.environment.jwks;
    if (!jwks.empty() && !jwks.starts_with('{')) {
      const auto keys = parse_jwks(TRY(read_jwks_file(files, repository, jwks)));
      if (!keys)
        return fail_hint(ErrorKind::invalid, keys.error().hint, "{}: {}", printable(jwks, 100),
                         keys.error().message);
      std::string text = to_jwks(*keys);
      if (text.size() > max_frozen_jwks_bytes)
        return fail_hint(ErrorKind::invalid, "leave the keys in it that sign today, or leave jwks: out",
                         "the {} keys in '{}' are too many for a plan", keys->size(), printable(jwks, 100));
      jwks = std::move(text);
    }
    for (const Approver& approver : approvers) {
      if (const auto role = trust.role_of(approver.key.key.id()))
        return fail_hint(ErrorKind::invalid,
                         "a key serves one role, and what a runner holds must not approve: give the person "
                         "a key of their own",
                         "the key of '{}' among people '{}' stands under trust: {} too", approver.name,
                         one.name, to_text(*role));
      crypto::SshKey named = approver.key;
      named.comment = approver.name;
      auto line = crypto::to_ssh_line(named);
      if (!line)
        return fail_hint(ErrorKind::invalid, line.error().hint, "{}: {}", approver.name,
                         line.error().message);
      one.keys.push_back(std::move(*line));
    }
  }
  return frozen;
}

}  // namespace tranche::signing
