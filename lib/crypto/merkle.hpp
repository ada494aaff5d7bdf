// RFC 6962 Merkle trees as arithmetic over hashes: leaf = SHA-256(00 ‖ bytes), node = SHA-256(01 ‖ left ‖
// right), the empty tree = SHA-256(""). Proofs as in RFC 9162, sections 2.1.3 and 2.1.4.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "crypto/digest.hpp"

namespace tranche::crypto {

Sha256Digest merkle_leaf(std::string_view bytes);
Sha256Digest merkle_node(const Sha256Digest& left, const Sha256Digest& right);

// kind verification: the index is not in the tree, the proof has too few or too many hashes, the root is
// another.
Result<> verify_inclusion(const Sha256Digest& leaf, std::uint64_t index, std::uint64_t size,
                          std::span<const Sha256Digest> proof, const Sha256Digest& root);
// The empty tree is the beginning of every tree: with size1 = 0 there is nothing to prove, and it is refused.
Result<> verify_consistency(std::uint64_t size1, std::uint64_t size2, std::span<const Sha256Digest> proof,
                            const Sha256Digest& root1, const Sha256Digest& root2);

}  // namespace tranche::crypto
