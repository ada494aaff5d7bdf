// An APT repository read as its machines read it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/apt_repository.hpp"
#include "channel/ecosystem.hpp"
#include "signing/clearsign.hpp"

namespace tranche::channel::debian {

inline constexpr std::size_t max_index_bytes = 64 << 20;  // unpacked
inline constexpr std::size_t max_architectures = 16;

// Everything that a suite's files say.
struct ReadSuite {
  std::vector<Named> files;
  enum class Signature { none, detached, inside } signature = Signature::none;
  std::vector<signing::PgpSignature> signatures;
  std::optional<std::string> checked_by;  // fingerprint: gpg accepted the signature of this key
  bool has_release = false;               // false: a bare Packages file
  std::string name;                       // Suite, or Codename
  std::optional<Instant> date, valid_until;
  bool strong_digests = false;  // SHA256 or SHA512 of the indices
  bool by_hash = false;
  std::vector<std::string> architectures;  // that were read
  std::vector<Listed> packages;            // of all architectures that were read; release filled in
};
// nullopt: there is no suite. kind verification: machines would refuse it (an index whose digest is not
// what Release says, a Release that cannot be read).
Result<std::optional<ReadSuite>> read_suite(const ReadInput& input);

// The package that stands for the app, and its newest version as the machines see it.
struct Offer {
  const Listed* newest = nullptr;  // null: the suite lists nothing
  int percent = 100;
  std::vector<const Listed*> versions;  // of the same package and architecture, highest first
};
Offer find_offer(const ReadSuite& suite, const ReadInput& input);

std::vector<Remark> audit_suite(const ReadSuite& suite, const Offer& offer, bool allow_downgrade,
                                Instant now);

Result<std::unique_ptr<View>> read(const ReadInput& input);

}  // namespace tranche::channel::debian
