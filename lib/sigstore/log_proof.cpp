#include "sigstore/log_proof.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/merkle.hpp"
#include "sigstore/checkpoint.hpp"

namespace tranche::sigstore {
namespace {

crypto::Sha256Digest as_digest(std::string_view bytes) {
  crypto::Sha256Digest digest{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace

const TransparencyLog* find_log(const TrustedRoot& root, std::string_view id, std::optional<Instant> when) {
  const TransparencyLog* found = nullptr;
  for (const TransparencyLog& log : root.logs) {
    if (log.id != id) continue;
    if (when && log.validity.holds(*when)) return &log;
    if (found == nullptr) found = &log;
  }
  return found;
}

Checked<> check_promise(const LogEntry& entry, const TransparencyLog& log) {
  // Written out: the four members are in canonical order, and none holds a character that JSON escapes.
  const std::string payload = fmt::format(R"({{"body":"{}","integratedTime":{},"logID":"{}","logIndex":{}}})",
                                          to_base64(entry.canonicalized_body), entry.integrated_time,
                                          to_hex(entry.log_id), entry.log_index);
  if (log.key.verify(log.scheme, payload, entry.signed_entry_timestamp)) return {};
  return std::unexpected(Refusal{Reason::bad_inclusion_promise, fmt::format("the promise is not signed by {}",
                                                                            printable(log.base_url, 100))});
}

Checked<> check_proof(const LogEntry& entry) {
  const InclusionProof& proof = *entry.proof;
  std::vector<crypto::Sha256Digest> hashes;
  hashes.reserve(proof.hashes.size());
  for (const std::string& hash : proof.hashes) hashes.push_back(as_digest(hash));
  const auto included = crypto::verify_inclusion(
      crypto::merkle_leaf(entry.canonicalized_body), static_cast<std::uint64_t>(proof.log_index),
      static_cast<std::uint64_t>(proof.tree_size), hashes, as_digest(proof.root_hash));
  if (included) return {};
  return std::unexpected(Refusal{Reason::bad_inclusion_proof, included.error().message});
}

Checked<> check_proof_root(const InclusionProof& proof, const TransparencyLog& log) {
  if (proof.checkpoint.empty())
    return std::unexpected(Refusal{Reason::no_checkpoint, "the inclusion proof has no checkpoint"});
  const auto checkpoint = read_checkpoint(proof.checkpoint);
  if (!checkpoint) return std::unexpected(checkpoint.error());
  if (auto signed_by_log = check_checkpoint(*checkpoint, log); !signed_by_log)
    return std::unexpected(std::move(signed_by_log.error()));
  if (checkpoint->size != static_cast<std::uint64_t>(proof.tree_size) || checkpoint->root != proof.root_hash)
    return std::unexpected(Refusal{
        Reason::checkpoint_mismatch,
        fmt::format("the checkpoint is of {} entries, the proof of {}", checkpoint->size, proof.tree_size)});
  return {};
}

}  // namespace tranche::sigstore
