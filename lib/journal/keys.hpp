// Who may sign the journal, after keys were changed.
//
// `trust: journal:` names the keys that are believed; it takes a reviewed commit to change it. A rotation
// never adds to them. It only takes one away from some entry on: entry N of kind "journal.key-rotated" says
// that the old key is retired, the checkpoint that ends with entry N is signed by both, and every later one
// needs another key than a retired one. Who still trusts only the old key follows up to entry N, and then
// learns why not further.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/error.hpp"
#include "crypto/ed25519.hpp"
#include "journal/journal.hpp"

namespace tranche::journal {

inline constexpr std::string_view rotated_kind = "journal.key-rotated";
inline constexpr std::string_view keys_subject = "journal/keys";
inline constexpr std::size_t max_retired = 100;

// Key id → index of the entry that retired it.
using Retired = std::map<std::string, std::uint64_t>;

// The state of keys_subject. kind verification.
Result<Retired> retired_from_entry(const Entry& entry);

// What the new key signs to say that it takes over; the log and the index bind it to one place.
// Ids are those of crypto::key_id.
std::string takeover_text(std::string_view origin, std::string_view old_id, std::string_view new_id,
                          std::uint64_t index);
// The entry that retires `old_key` at `index`.
Result<Draft> rotation_draft(std::string_view origin, const Retired& before,
                             const crypto::Ed25519Signer& old_key, const crypto::Ed25519Signer& new_key,
                             std::uint64_t index);
// Whether the new key took over as a rotation entry says, where `trusted` has it. kind verification.
Result<> check_takeover(const Entry& entry, std::string_view origin,
                        std::span<const crypto::PublicKey> trusted);

// A checkpoint of `size` entries signed by `signers` (each trusted): one of them must not have been retired
// before its last entry. kind verification.
Result<> check_signers(const Retired& retired, std::span<const crypto::PublicKey> signers,
                       std::uint64_t size);

}  // namespace tranche::journal
