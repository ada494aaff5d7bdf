// A proof that stands alone (c2sp.org/tlog-proof, version 1): an entry's index, its inclusion proof and the
// checkpoint with all signatures, as text.
//   "c2sp.org/tlog-proof@v1\n" ["extra " base64 "\n"] "index " n "\n" base64 hashes, a line each, "\n" then
//   the checkpoint as it was signed
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/ed25519.hpp"
#include "journal/checkpoint.hpp"
#include "journal/tree.hpp"

namespace tranche::journal {

inline constexpr std::size_t max_tlog_proof_bytes = 128 * 1024;

struct TlogProof {
  std::string extra;  // what makes the entry; here its very bytes, believed once they hash; empty: none
  std::uint64_t index = 0;
  std::vector<Hash> hashes;  // at most 63
  std::string checkpoint;    // a signed note, word for word
  bool operator==(const TlogProof&) const = default;
};

std::string to_text(const TlogProof& proof);
// Form only. kind verification.
Result<TlogProof> parse_tlog_proof(std::string_view text);

// That a log grew: "old " n "\n" base64 hashes, a line each, "\n" then the newer checkpoint. What a witness
// is sent (c2sp.org/tlog-witness "add-checkpoint").
struct GrowthProof {
  std::uint64_t old_size = 0;
  std::vector<Hash> hashes;  // at most 63
  std::string checkpoint;    // a signed note, or only its text where nobody signed that size
  bool operator==(const GrowthProof&) const = default;
};
std::string to_text(const GrowthProof& proof);
Result<GrowthProof> parse_growth_proof(std::string_view text);

// That `entry` (its bytes in the log) stands at the index, in the tree of a checkpoint of `origin` that one
// of `keys` signed. kind verification otherwise.
Result<Checkpoint> check_tlog_proof(const TlogProof& proof, std::string_view entry, const std::string& origin,
                                    std::span<const crypto::PublicKey> keys);

}  // namespace tranche::journal
