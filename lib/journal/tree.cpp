#include "journal/tree.hpp"

#include <cassert>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "crypto/merkle.hpp"

namespace tranche::journal {

Hash hash_leaf(std::string_view bytes) { return crypto::merkle_leaf(bytes); }
Hash hash_node(const Hash& left, const Hash& right) { return crypto::merkle_node(left, right); }
Hash empty_root() { return crypto::sha256(""); }

Hash subtree_root(std::span<const Hash> hashes) {
  assert(!hashes.empty() && (hashes.size() & (hashes.size() - 1)) == 0);
  if (hashes.size() == 1) return hashes[0];
  std::vector<Hash> row(hashes.size() / 2);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = hash_node(hashes[2 * i], hashes[2 * i + 1]);
  for (std::size_t width = row.size() / 2; width > 0; width /= 2)
    for (std::size_t i = 0; i < width; ++i) row[i] = hash_node(row[2 * i], row[2 * i + 1]);
  return row[0];
}

namespace {

// Three digits an element, all but the last led by an x: 1234067 -> "x001/x234/067".
std::string index_path(std::uint64_t index) {
  std::string path = fmt::format("{:03}", index % 1000);
  for (index /= 1000; index > 0; index /= 1000) path.insert(0, fmt::format("x{:03}/", index % 1000));
  return path;
}

}  // namespace

std::string tile_path(unsigned level, std::uint64_t index) {
  return fmt::format("tile/{}/{}", level, index_path(index));
}

std::string bundle_path(std::uint64_t index) { return "tile/entries/" + index_path(index); }

std::string with_width(std::string path, unsigned width) {
  if (width != tile_width) path += fmt::format(".p/{}", width);
  return path;
}

unsigned level_total(std::uint64_t size) {
  unsigned levels = 0;
  while (level_count(size, levels) > 0) ++levels;
  return levels;
}

std::vector<Tile> tiles_of(std::uint64_t size) {
  std::vector<Tile> tiles;
  for (unsigned level = 0; level < level_total(size); ++level) {
    const std::uint64_t count = level_count(size, level);
    for (std::uint64_t index = 0; index < count / tile_width; ++index)
      tiles.push_back({level, index, tile_width});
    if (const auto width = static_cast<unsigned>(count % tile_width); width > 0)
      tiles.push_back({level, count / tile_width, width});
  }
  return tiles;
}

namespace {

// Adds the hash at `index` to the roots of the perfect subtrees before it, the largest first.
void fold(std::vector<Hash>& roots, std::size_t index, const Hash& hash) {
  roots.push_back(hash);
  for (; (index & 1) != 0; index >>= 1) {
    const Hash right = roots.back();
    roots.pop_back();
    roots.back() = hash_node(roots.back(), right);
  }
}

}  // namespace

Edge::Edge(std::uint64_t size, std::vector<std::vector<Hash>> levels)
    : size_(size), levels_(std::move(levels)), roots_(levels_.size()) {
  for (std::size_t level = 0; level < levels_.size(); ++level)
    for (std::size_t i = 0; i < levels_[level].size(); ++i) fold(roots_[level], i, levels_[level][i]);
}

void Edge::carry(unsigned level, Hash hash, std::vector<Full>& completed) {
  for (;; ++level) {
    while (levels_.size() <= level) levels_.emplace_back();
    roots_.resize(levels_.size());
    auto& hashes = levels_[level];
    fold(roots_[level], hashes.size(), hash);
    hashes.push_back(hash);
    if (hashes.size() < tile_width) return;
    hash = roots_[level].front();
    roots_[level].clear();
    completed.push_back({level, level_count(size_, level) / tile_width, std::exchange(hashes, {})});
  }
}

void Edge::add(const Hash& leaf, std::vector<Full>& completed) {
  carry(0, leaf, completed);
  ++size_;
}

void Edge::add_tile(const Hash& root, std::vector<Full>& completed) {
  assert(size_ % tile_width == 0);
  size_ += tile_width - 1;  // carry() counts tiles by the leaf that completes them
  carry(1, root, completed);
  ++size_;
}

Hash Edge::root() const {
  // From the right: the smallest perfect subtree first, each larger one goes to the left of what is there.
  std::optional<Hash> root;
  for (const auto& roots : roots_)
    for (auto left = roots.rbegin(); left != roots.rend(); ++left)
      root = root ? hash_node(*left, *root) : *left;
  return root ? *root : empty_root();
}

std::string to_bytes(std::span<const Hash> hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * hash_bytes);
  for (const Hash& hash : hashes) bytes += crypto::as_bytes(hash);
  return bytes;
}

std::vector<Hash> hashes_from(std::string_view bytes, std::size_t count) {
  assert(bytes.size() >= count * hash_bytes);
  std::vector<Hash> hashes(count);
  if (count > 0) std::memcpy(hashes.data(), bytes.data(), count * hash_bytes);
  return hashes;
}

}  // namespace tranche::journal
