// Proofs about the log, made from perfect subtrees (RFC 6962, sections 2.1.1 and 2.1.2). crypto/merkle.hpp
// checks them.
//
// Each hash of a proof is the root of a range of leaves; a range falls into perfect subtrees, and those are
// nodes of tiles. So a proof out of a log of a million entries reads two or three tiles.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "journal/tree.hpp"

namespace tranche::journal {

// The root of leaves [index · 2^level, (index + 1) · 2^level), all of them in the tree.
using Node = std::function<Result<Hash>(unsigned level, std::uint64_t index)>;

// From the leaf's sibling up. kind invalid when index >= size.
Result<std::vector<Hash>> prove_inclusion(std::uint64_t index, std::uint64_t size, const Node& node);
// That the tree of `size1` leaves is the beginning of the one of `size2`. Empty for equal sizes. kind invalid
// unless 1 <= size1 <= size2: of the empty tree there is nothing to prove.
Result<std::vector<Hash>> prove_consistency(std::uint64_t size1, std::uint64_t size2, const Node& node);

}  // namespace tranche::journal
