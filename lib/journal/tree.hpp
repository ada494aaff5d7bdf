// The Merkle tree of the journal, as arithmetic over hashes. PURE: no store, no signature.
//
// Hashes are RFC 6962's (section 2.1): leaf = SHA-256(00 ‖ bytes), node = SHA-256(01 ‖ left ‖ right), the
// empty tree = SHA-256(""). Tiles are c2sp.org/tlog-tiles': 8 levels a tile, so that tile <L>/<N> holds the
// hashes [256·N, 256·N + W) of tree level 8·L, W = 256 in a full one.
//
// The idea: a tree of n leaves is known by its right edge alone, the partial tile of each level (n >> 8L) &
// 255 hashes wide. The perfect subtrees that RFC 6962 folds into the root are runs of hashes in those tiles.
// To append, or to tell the root of any earlier size, takes at most eight tiles however long the log is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "crypto/digest.hpp"

namespace tranche::journal {

using Hash = crypto::Sha256Digest;

inline constexpr unsigned tile_bits = 8;
inline constexpr unsigned tile_width = 1U << tile_bits;
inline constexpr std::size_t hash_bytes = 32;
inline constexpr std::uint64_t max_size = std::uint64_t{1}
                                          << 48;  // of a log; keeps every shift below defined

Hash hash_leaf(std::string_view bytes);
Hash hash_node(const Hash& left, const Hash& right);
Hash empty_root();
// Root of a perfect subtree over `hashes`, a power of two of them, at least one.
Hash subtree_root(std::span<const Hash> hashes);

// A full tile has width 256, a partial one 1..255.
struct Tile {
  unsigned level = 0;
  std::uint64_t index = 0;
  unsigned width = tile_width;
  bool operator==(const Tile&) const = default;
};
// Without the ".p/W": tile_path({0, 1234067, w}) = "tile/0/x001/x234/067"; bundle_path:
// "tile/entries/x001/...".
std::string tile_path(unsigned level, std::uint64_t index);
std::string bundle_path(std::uint64_t index);
// With ".p/W" unless full.
std::string with_width(std::string path, unsigned width);

// How many hashes level `level` (of tiles) has in a tree of `size` leaves.
constexpr std::uint64_t level_count(std::uint64_t size, unsigned level) {
  return level * tile_bits >= 64 ? 0 : size >> (level * tile_bits);
}
// Tile levels in use: 0 for the empty tree, 1 up to 255 leaves, 2 from 256 on.
unsigned level_total(std::uint64_t size);
// All tiles of a tree, level by level.
std::vector<Tile> tiles_of(std::uint64_t size);

// The right edge: everything that the future of the tree depends on.
class Edge {
 public:
  Edge() = default;
  // `levels[L]` holds level_count(size, L) % 256 hashes.
  Edge(std::uint64_t size, std::vector<std::vector<Hash>> levels);

  struct Full {
    unsigned level = 0;
    std::uint64_t index = 0;
    std::vector<Hash> hashes;  // 256
  };
  // Adds a leaf; tiles that it fills are appended to `completed`, lowest level first.
  void add(const Hash& leaf, std::vector<Full>& completed);
  // Adds a whole tile of level 0 by its root; the size is a multiple of 256. Tiles of higher levels that it
  // fills are appended to `completed`.
  void add_tile(const Hash& root, std::vector<Full>& completed);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Hash root() const;
  [[nodiscard]] const std::vector<std::vector<Hash>>& levels() const { return levels_; }

 private:
  void carry(unsigned level, Hash hash, std::vector<Full>& completed);

  std::uint64_t size_ = 0;
  std::vector<std::vector<Hash>> levels_;
  std::vector<std::vector<Hash>> roots_;  // of the perfect subtrees in each level, the largest first
};

std::string to_bytes(std::span<const Hash> hashes);
// The first `count` hashes of `bytes`, which holds at least that many.
std::vector<Hash> hashes_from(std::string_view bytes, std::size_t count);

}  // namespace tranche::journal
