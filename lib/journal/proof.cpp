#include "journal/proof.hpp"

#include <algorithm>
#include <bit>

namespace tranche::journal {

namespace {

// Leaves [begin, end); begin is a multiple of the smallest power of two that is not below end - begin, as all
// ranges of RFC 6962 are.
struct Range {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
  // Where the RFC cuts it: the largest power of two smaller than its size.
  [[nodiscard]] std::uint64_t middle() const { return begin + std::bit_ceil(size()) / 2; }
};

Result<Hash> root_of(Range range, const Node& node) {
  if (std::has_single_bit(range.size())) {
    const auto level = static_cast<unsigned>(std::countr_zero(range.size()));
    return node(level, range.begin >> level);
  }
  const std::uint64_t middle = range.middle();
  const Hash left = TRY(root_of({range.begin, middle}, node));
  return hash_node(left, TRY(root_of({middle, range.end}, node)));
}

}  // namespace

Result<std::vector<Hash>> prove_inclusion(std::uint64_t index, std::uint64_t size, const Node& node) {
  if (index >= size || size > max_size)
    return fail_hint(ErrorKind::invalid, "entries are counted from 0", "a log of {} entries has no entry {}",
                     size, index);
  std::vector<Hash> proof;
  for (Range range{0, size}; range.size() > 1;) {
    const std::uint64_t middle = range.middle();
    const Range left{range.begin, middle}, right{middle, range.end};
    proof.push_back(TRY(root_of(index < middle ? right : left, node)));
    range = index < middle ? left : right;
  }
  std::ranges::reverse(proof);
  return proof;
}

Result<std::vector<Hash>> prove_consistency(std::uint64_t size1, std::uint64_t size2, const Node& node) {
  if (size1 == 0 || size1 > size2 || size2 > max_size)
    return fail_hint(ErrorKind::invalid, "name a size of at least 1, then one that is not smaller",
                     "there is no proof that a log of {} entries grew to {}", size1, size2);
  std::vector<Hash> proof;
  Range range{0, size2};
  while (range.end != size1) {
    const std::uint64_t middle = range.middle();
    const Range left{range.begin, middle}, right{middle, range.end};
    proof.push_back(TRY(root_of(size1 <= middle ? right : left, node)));
    range = size1 <= middle ? left : right;
  }
  // What is left is the end of the first tree; whoever checks knows it only when it is the whole of it.
  if (range.begin > 0) proof.push_back(TRY(root_of(range, node)));
  std::ranges::reverse(proof);
  return proof;
}

}  // namespace tranche::journal
