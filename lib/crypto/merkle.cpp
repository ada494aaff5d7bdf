#include "crypto/merkle.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace tranche::crypto {

namespace {

constexpr std::size_t hash_bytes = 32;
constexpr std::size_t max_proof_hashes = 64;

Result<> compare(const Sha256Digest& computed, const Sha256Digest& root, std::string_view of) {
  if (computed == root) return {};
  return fail(ErrorKind::verification, "the proof leads to another {} root than the log's", of);
}

std::unexpected<Error> wrong_length(std::size_t have, std::uint64_t want) {
  return fail(ErrorKind::verification, "the proof has {} hashes and needs {}", have, want);
}

// Hashes along the path from a leaf at `index` up to where the right edge of a tree of `size` leaves begins.
struct PathLength {
  unsigned inner = 0, border = 0;
};
PathLength path_length(std::uint64_t index, std::uint64_t size) {
  const auto inner = static_cast<unsigned>(std::bit_width(index ^ (size - 1)));
  const std::uint64_t above = inner >= 64 ? 0 : index >> inner;
  return {inner, static_cast<unsigned>(std::popcount(above))};
}

// Left and right siblings below the edge, then left ones only.
Sha256Digest climb(Sha256Digest hash, std::uint64_t index, unsigned inner,
                   std::span<const Sha256Digest> proof) {
  for (std::size_t i = 0; i < proof.size(); ++i) {
    const bool left_sibling = i >= inner || (index >> i & 1) != 0;
    hash = left_sibling ? merkle_node(proof[i], hash) : merkle_node(hash, proof[i]);
  }
  return hash;
}
// The same path in the earlier tree: it has no right siblings.
Sha256Digest climb_left_only(Sha256Digest hash, std::uint64_t index, unsigned inner,
                             std::span<const Sha256Digest> proof) {
  for (std::size_t i = 0; i < proof.size(); ++i)
    if (i >= inner || (index >> i & 1) != 0) hash = merkle_node(proof[i], hash);
  return hash;
}

}  // namespace

Sha256Digest merkle_leaf(std::string_view bytes) {
  static thread_local Sha256 context;
  return context.update(std::string_view("\0", 1)).update(bytes).finish();
}

Sha256Digest merkle_node(const Sha256Digest& left, const Sha256Digest& right) {
  std::array<char, 1 + 2 * hash_bytes> both{};
  both[0] = 1;
  std::memcpy(both.data() + 1, left.data(), hash_bytes);
  std::memcpy(both.data() + 1 + hash_bytes, right.data(), hash_bytes);
  return sha256({both.data(), both.size()});
}

Result<> verify_inclusion(const Sha256Digest& leaf, std::uint64_t index, std::uint64_t size,
                          std::span<const Sha256Digest> proof, const Sha256Digest& root) {
  if (index >= size)
    return fail(ErrorKind::verification, "index {} is not in a tree of {} leaves", index, size);
  const PathLength length = path_length(index, size);
  if (proof.size() > max_proof_hashes || proof.size() != length.inner + length.border)
    return wrong_length(proof.size(), length.inner + length.border);
  return compare(climb(leaf, index, length.inner, proof), root, "tree");
}

Result<> verify_consistency(std::uint64_t size1, std::uint64_t size2, std::span<const Sha256Digest> proof,
                            const Sha256Digest& root1, const Sha256Digest& root2) {
  if (size2 < size1)
    return fail(ErrorKind::verification, "the tree shrank from {} to {} leaves", size1, size2);
  // Anything is consistent with the empty tree: a proof about it proves nothing, and is refused.
  if (size1 == 0) return fail(ErrorKind::verification, "the empty tree is the beginning of every tree");
  if (size1 == size2) {
    if (!proof.empty()) return wrong_length(proof.size(), 0);
    return compare(root1, root2, "tree");
  }
  if (proof.empty()) return wrong_length(0, 1);
  PathLength length = path_length(size1 - 1, size2);
  const auto shift = static_cast<unsigned>(std::countr_zero(size1));
  length.inner -= shift;
  // The proof begins with the largest perfect subtree at the end of the first tree, unless that is the tree.
  const bool whole = size1 == std::uint64_t{1} << shift;
  const std::size_t start = whole ? 0 : 1;
  const std::size_t want = start + length.inner + length.border;
  if (proof.size() > max_proof_hashes + 1 || proof.size() != want) return wrong_length(proof.size(), want);
  const Sha256Digest seed = whole ? root1 : proof[0];
  const std::uint64_t index = (size1 - 1) >> shift;
  const auto rest = proof.subspan(start);
  TRY(compare(climb_left_only(seed, index, length.inner, rest), root1, "first"));
  return compare(climb(seed, index, length.inner, rest), root2, "second");
}

}  // namespace tranche::crypto
