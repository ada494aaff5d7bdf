// Those who may approve, by their public keys: ours (PEM) or OpenSSH's .pub lines, files of the repository.
//
// A rollout freezes the keys themselves, not their paths: who can push to the repository later can replace a
// file, and is not believed by what runs. Frozen, each is an OpenSSH line; such a line may stand in
// tranche.yaml too.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "crypto/ssh_key.hpp"
#include "ports/ports.hpp"
#include "signing/keys.hpp"
#include "spec/spec.hpp"

namespace tranche::signing {

struct Approver {
  std::string name;  // the comment of the line, else the stem of the file: "ana@example.org", "ana"
  crypto::SshKey key;
};
// In the order of `keys:`. kind invalid: unreadable, of a kind that is not taken, twice.
Result<std::vector<Approver>> load_approvers(ports::Files& files, const std::string& repository,
                                             const spec::People& people);

// The same people with every key as a line, and the keys of a CI's provider as text. kind invalid also where
// a key stands under `trust:` too: a key serves one role, and what cron holds must not approve.
Result<std::vector<spec::People>> freeze_people(ports::Files& files, const std::string& repository,
                                                const std::vector<spec::People>& people, const Trust& trust);

// The key set of a provider, a file of the repository. kind invalid.
Result<std::string> read_jwks_file(ports::Files& files, const std::string& repository,
                                   const std::string& path);

}  // namespace tranche::signing
