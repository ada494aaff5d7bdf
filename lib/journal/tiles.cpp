#include "journal/tiles.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "journal/bundle.hpp"

namespace tranche::journal {

namespace {

constexpr std::size_t cached_tiles = 2048;  // 16 MiB; then the cache starts anew
constexpr std::size_t full_tile_bytes = tile_width * hash_bytes;

Result<std::vector<Hash>> read_hashes(store::Store& store, unsigned level, std::uint64_t index,
                                      unsigned width) {
  const std::string path = tile_path(level, index);
  const std::string bytes = TRY(read_wide(store, path, width, full_tile_bytes));
  if (bytes.size() != width * hash_bytes && bytes.size() != full_tile_bytes)
    return fail_hint(ErrorKind::verification, changed_hint, "journal file {} has {} bytes, not {}",
                     with_width(path, width), bytes.size(), width * hash_bytes);
  return hashes_from(bytes, width);
}

// The first `width` entries of a bundle that has more.
std::string_view beginning_of(std::string_view bundle, unsigned width) {
  std::size_t end = 0;
  for (unsigned i = 0; i < width && end + 2 <= bundle.size(); ++i)
    end += 2 + (static_cast<std::size_t>(static_cast<std::uint8_t>(bundle[end])) << 8 |
                static_cast<std::uint8_t>(bundle[end + 1]));
  return bundle.substr(0, end);
}

// Not every width becomes a file (store/logged.hpp): a wider one begins with it.
Result<std::optional<store::Blob>> read_wider(store::Store& store, const std::string& path, unsigned width,
                                              std::size_t max_bytes) {
  std::uint64_t widest = 0;
  for (const std::string& name : TRY(store.list(path + ".p/")))
    widest = std::max(widest, parse_u64(std::string_view(name).substr(path.size() + 3)).value_or(0));
  if (widest <= width || widest >= tile_width) return std::optional<store::Blob>();
  auto blob = TRY(read_bounded(store, with_width(path, static_cast<unsigned>(widest)), max_bytes));
  if (!blob) return blob;
  const bool is_bundle = path.starts_with("tile/entries/");
  blob->bytes = is_bundle ? beginning_of(blob->bytes, width) : blob->bytes.substr(0, width * hash_bytes);
  return blob;
}

}  // namespace

Result<std::optional<store::Blob>> read_bounded(store::Store& store, const std::string& name,
                                                std::size_t max_bytes) {
  auto blob = store.get(name, max_bytes);
  if (!blob &&
      blob.error().kind == ErrorKind::invalid)  // larger than any such file of ours, or no file at all
    return fail_hint(ErrorKind::verification, changed_hint, "journal file {} in {}: {}", name,
                     store.describe(), blob.error().message);
  return blob;
}

Result<std::string> read_wide(store::Store& store, const std::string& path, unsigned width,
                              std::size_t max_bytes) {
  auto blob = TRY(read_bounded(store, with_width(path, width), max_bytes));
  if (!blob && width != tile_width) blob = TRY(read_bounded(store, path, max_bytes));
  if (!blob && width != tile_width) blob = TRY(read_wider(store, path, width, max_bytes));
  if (!blob)
    return fail_hint(ErrorKind::verification, changed_hint, "journal file {} is missing from {}",
                     with_width(path, width), store.describe());
  return std::move(blob->bytes);
}

Result<> TileReader::start(const Checkpoint& checkpoint) {
  std::vector<std::vector<Hash>> levels(level_total(checkpoint.size));
  for (unsigned level = 0; level < levels.size(); ++level) {
    const std::uint64_t count = level_count(checkpoint.size, level);
    const auto width = static_cast<unsigned>(count % tile_width);
    if (width > 0) levels[level] = TRY(read_hashes(store_, level, count / tile_width, width));
  }
  Edge edge(checkpoint.size, std::move(levels));
  if (edge.root() != checkpoint.root)
    return fail_hint(ErrorKind::verification, changed_hint,
                     "the journal's tiles do not hash to the root that its checkpoint signs (size {})",
                     checkpoint.size);
  edge_ = std::move(edge);
  full_.clear();
  return {};
}

Result<std::vector<Hash>> TileReader::hashes(unsigned level, std::uint64_t index) {
  const std::uint64_t count = level_count(edge_.size(), level);
  if (index == count / tile_width && count % tile_width > 0) return edge_.levels()[level];
  if (index >= count / tile_width) return fail(ErrorKind::bug, "tile {}/{} is beyond the log", level, index);
  if (const auto found = full_.find({level, index}); found != full_.end()) return found->second;
  auto hashes = TRY(read_hashes(store_, level, index, tile_width));
  const auto above = TRY(this->hashes(level + 1, index / tile_width));  // at most six levels
  if (subtree_root(hashes) != above[index % tile_width])
    return fail_hint(ErrorKind::verification, changed_hint,
                     "journal file {} was changed: it does not hash to the signed root",
                     tile_path(level, index));
  if (full_.size() >= cached_tiles) full_.clear();
  full_.emplace(std::pair(level, index), hashes);
  return hashes;
}

Result<Hash> TileReader::root_at(std::uint64_t size) {
  if (size > edge_.size()) return fail(ErrorKind::bug, "size {} is beyond the log", size);
  std::vector<std::vector<Hash>> levels(level_total(size));
  for (unsigned level = 0; level < levels.size(); ++level) {
    const std::uint64_t count = level_count(size, level);
    if (count % tile_width == 0) continue;
    levels[level] = TRY(hashes(level, count / tile_width));
    levels[level].resize(count % tile_width);
  }
  return Edge(size, std::move(levels)).root();
}

Result<Hash> TileReader::node(unsigned level, std::uint64_t index) {
  const std::uint64_t width = std::uint64_t{1} << (level % tile_bits);
  const std::uint64_t first = index * width;
  const auto hashes = TRY(this->hashes(level / tile_bits, first / tile_width));
  const std::uint64_t begin = first % tile_width;
  if (begin + width > hashes.size())
    return fail(ErrorKind::bug, "node {}/{} is beyond the log", level, index);
  return subtree_root(std::span(hashes).subspan(begin, width));
}

Result<std::string> TileReader::bundle(std::uint64_t index) {
  const auto width =
      static_cast<unsigned>(std::min<std::uint64_t>(edge_.size() - index * tile_width, tile_width));
  return read_wide(store_, bundle_path(index), width, max_bundle_bytes);
}

}  // namespace tranche::journal
