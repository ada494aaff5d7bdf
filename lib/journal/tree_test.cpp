#include "journal/tree.hpp"

#include <doctest/doctest.h>

#include <random>

namespace tranche::journal {
namespace {

// RFC 6962 section 2.1, word for word: split at the largest power of two below n.
Hash naive_root(std::span<const Hash> leaves) {
  if (leaves.empty()) return empty_root();
  if (leaves.size() == 1) return leaves[0];
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return hash_node(naive_root(leaves.first(split)), naive_root(leaves.subspan(split)));
}

std::vector<Hash> some_leaves(std::size_t count) {
  std::vector<Hash> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(hash_leaf("leaf " + std::to_string(i)));
  return leaves;
}

TEST_CASE("hashes are those of the vectors that certificate transparency tests with") {
  CHECK(crypto::to_hex(empty_root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(crypto::to_hex(hash_leaf("")) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  const std::vector<Hash> leaves = {hash_leaf(""), hash_leaf(std::string_view("\0", 1)), hash_leaf("\x10")};
  Edge edge;
  std::vector<Edge::Full> completed;
  edge.add(leaves[0], completed);
  edge.add(leaves[1], completed);
  CHECK(crypto::to_hex(edge.root()) == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
  edge.add(leaves[2], completed);
  CHECK(crypto::to_hex(edge.root()) == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
}

TEST_CASE("the root of the right edge is RFC 6962's at every size") {
  const auto leaves = some_leaves(700);
  Edge edge;
  std::vector<Edge::Full> completed;
  CHECK(edge.root() == empty_root());
  for (std::size_t size = 1; size <= leaves.size(); ++size) {
    edge.add(leaves[size - 1], completed);
    CAPTURE(size);
    REQUIRE(edge.root() == naive_root(std::span(leaves).first(size)));
  }
  CHECK(completed.size() == 2);
  CHECK(edge.size() == 700);
}

TEST_CASE("property: edges cut at random sizes continue to the same root") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 5; ++round) {
    const auto leaves =
        some_leaves(round == 0 ? 70'000 : std::uniform_int_distribution<std::size_t>(1, 3'000)(random));
    Edge edge;
    std::vector<Edge::Full> completed;
    for (std::size_t at = 0; at < leaves.size();) {
      edge = Edge(edge.size(), edge.levels());
      std::size_t batch = std::uniform_int_distribution<std::size_t>(1, 5'000)(random);
      for (; batch > 0 && at < leaves.size(); --batch) edge.add(leaves[at++], completed);
    }
    CAPTURE(leaves.size());
    CHECK(edge.root() == naive_root(leaves));
    std::size_t full = 0;
    for (const Tile& tile : tiles_of(leaves.size())) full += tile.width == tile_width ? 1 : 0;
    CHECK(completed.size() == full);
    for (const auto& tile : completed) {
      const std::size_t span = tile.level == 0 ? 1 : tile_width;
      REQUIRE(tile.level <= 1);
      CHECK(tile.hashes[7] ==
            naive_root(std::span(leaves).subspan((tile.index * tile_width + 7) * span, span)));
    }
  }
}

TEST_CASE("tiles are named as c2sp.org/tlog-tiles names them") {
  CHECK(tile_path(0, 0) == "tile/0/000");
  CHECK(tile_path(3, 999) == "tile/3/999");
  CHECK(tile_path(0, 1000) == "tile/0/x001/000");
  CHECK(tile_path(0, 1234067) == "tile/0/x001/x234/067");
  CHECK(bundle_path(1234067) == "tile/entries/x001/x234/067");
  CHECK(with_width(tile_path(0, 1), 256) == "tile/0/001");
  CHECK(with_width(tile_path(0, 1), 7) == "tile/0/001.p/7");
}

TEST_CASE("a tree of 70,000 has the tiles of the specification's example") {
  const auto tiles = tiles_of(70'000);
  CHECK(tiles.size() == 277);
  CHECK(tiles[273] == Tile{0, 273, 112});
  CHECK(tiles[274] == Tile{1, 0, 256});
  CHECK(tiles[275] == Tile{1, 1, 17});
  CHECK(tiles[276] == Tile{2, 0, 1});
  CHECK(tiles_of(256) == std::vector<Tile>{{0, 0, 256}, {1, 0, 1}});
  CHECK(tiles_of(0).empty());
}

}  // namespace
}  // namespace tranche::journal
