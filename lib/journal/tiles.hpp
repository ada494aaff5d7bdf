// Tiles and entry bundles out of a store that is not believed: every tile is hashed up to the signed root
// before a hash of it is used.
//
// A partial file may be gone because the log has grown past it; then the full one holds its beginning
// (c2sp.org/tlog-tiles "Partial Tiles").
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "journal/checkpoint.hpp"
#include "journal/tree.hpp"
#include "store/store.hpp"

namespace tranche::journal {

inline constexpr auto changed_hint =
    "the journal's files were changed by something other than tranche: restore them from a copy or the git "
    "history";

class TileReader {
 public:
  // `store` outlives the reader.
  explicit TileReader(store::Store& store) : store_(store) {}

  // Reads the right edge of a checkpoint whose signature is checked. kind verification when the tiles do not
  // hash to its root.
  Result<> start(const Checkpoint& checkpoint);
  // Goes on with an edge that was just published.
  void advance(Edge edge) { edge_ = std::move(edge); }

  [[nodiscard]] const Edge& edge() const { return edge_; }
  // The hashes of a tile of the current tree, checked against its root. At most as many as the tree has.
  Result<std::vector<Hash>> hashes(unsigned level, std::uint64_t index);
  // The root that the log had at an earlier size, recomputed from the current tiles.
  Result<Hash> root_at(std::uint64_t size);
  // The root of the perfect subtree of leaves [index · 2^level, (index + 1) · 2^level) of the current tree.
  Result<Hash> node(unsigned level, std::uint64_t index);
  // Bytes of the bundle that holds entries [256·index, ...), not yet checked.
  Result<std::string> bundle(std::uint64_t index);

 private:
  store::Store& store_;
  Edge edge_;
  std::map<std::pair<unsigned, std::uint64_t>, std::vector<Hash>> full_;  // checked full tiles
};

// A journal file; one that is too large is kind verification, not the user's mistake.
Result<std::optional<store::Blob>> read_bounded(store::Store& store, const std::string& name,
                                                std::size_t max_bytes);
// The file at `path` of the given width, or the full one in its place, or what a wider partial one begins
// with. Absent: kind verification.
Result<std::string> read_wide(store::Store& store, const std::string& path, unsigned width,
                              std::size_t max_bytes);

}  // namespace tranche::journal
