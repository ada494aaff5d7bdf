// That a transparency log holds an entry: its promise (Rekor v1's signed entry timestamp, SET), and the
// inclusion proof up to a checkpoint that it signed.
#pragma once

#include "sigstore/bundle.hpp"
#include "sigstore/trusted_root.hpp"

namespace tranche::sigstore {

// The logs of the root by the entry's id. The one that was valid at `when` when there is one, else any of
// them; nullptr: unknown.
const TransparencyLog* find_log(const TrustedRoot& root, std::string_view id, std::optional<Instant> when);

// RFC 8785 {"body", "integratedTime", "logID", "logIndex"} signed by the log. bad_inclusion_promise.
Checked<> check_promise(const LogEntry& entry, const TransparencyLog& log);
// The arithmetic of the proof only: from the body to rootHash. bad_inclusion_proof.
Checked<> check_proof(const LogEntry& entry);
// The proof's checkpoint: read, of the same tree, signed by the log. no_checkpoint and those of
// checkpoint.hpp; checkpoint_mismatch.
Checked<> check_proof_root(const InclusionProof& proof, const TransparencyLog& log);

}  // namespace tranche::sigstore
