#include "journal/audit.hpp"

#include <map>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "journal/bundle.hpp"
#include "journal/entry.hpp"
#include "journal/keys.hpp"
#include "journal/tiles.hpp"
#include "journal/tree.hpp"

namespace tranche::journal {

namespace {

constexpr auto broken = ErrorKind::verification;

// What the entries so far say about the next one.
struct Story {
  std::uint64_t next = 0;
  Instant at = Instant::min();
  std::map<std::string, std::uint64_t> heads;
  std::optional<Entry> keys;

  Result<> follow(std::string_view bytes) {
    const doc::Value value = TRY(parse_entry_json(bytes));
    if (TRY(doc::canonical_json(value)) != bytes) return fail(broken, "it is not canonical JSON");
    const Entry entry = TRY(entry_from_value(value));
    if (entry.index != next) return fail(broken, "it calls itself {}", entry.index);
    if (entry.at < at)
      return fail(broken, "it is of {}, before {} of the entry before it", tranche::to_text(entry.at),
                  tranche::to_text(at));
    if (!entry.state.is_null()) heads[entry.subject] = next;
    if (entry.heads != heads) return fail(broken, "its heads are not the newest states of the subjects");
    at = entry.at;
    if (entry.subject == keys_subject && !entry.state.is_null()) keys = entry;
    ++next;
    return {};
  }
};

Result<> check_tile(store::Store& store, unsigned level, std::uint64_t index, std::span<const Hash> hashes) {
  const auto width = static_cast<unsigned>(hashes.size());
  const std::string path = tile_path(level, index);
  const std::string bytes = TRY(read_wide(store, path, width, tile_width * hash_bytes));
  const std::string expected = to_bytes(hashes);
  const bool grown = bytes.size() == tile_width * hash_bytes;  // the full tile in a partial one's place
  if (bytes != expected && !(grown && bytes.starts_with(expected)))
    return fail_hint(broken, changed_hint, "journal file {} does not hold the hashes of the entries",
                     with_width(path, width));
  return {};
}

}  // namespace

std::string root_text(const Checkpoint& checkpoint) { return to_base64(crypto::as_bytes(checkpoint.root)); }

Result<Audited> audit(store::Store& store, const Checkpoint& checkpoint) {
  Edge edge;
  Story story;
  for (std::uint64_t index = 0; index * tile_width < checkpoint.size; ++index) {
    const auto width =
        static_cast<unsigned>(std::min<std::uint64_t>(checkpoint.size - index * tile_width, tile_width));
    const std::string path = bundle_path(index);
    const std::string bytes = TRY(read_wide(store, path, width, max_bundle_bytes));
    const auto entries = TRY_WHILE("reading " + with_width(path, width), split_bundle(bytes));
    if (entries.size() != width && entries.size() != tile_width)
      return fail_hint(broken, changed_hint, "journal file {} holds {} entries", with_width(path, width),
                       entries.size());
    for (unsigned i = 0; i < width; ++i) {
      TRY_WHILE(fmt::format("checking entry {} of the journal", index * tile_width + i),
                story.follow(entries[i]));
      std::vector<Edge::Full> completed;
      edge.add(hash_leaf(entries[i]), completed);
      for (const auto& full : completed) TRY(check_tile(store, full.level, full.index, full.hashes));
    }
  }
  for (unsigned level = 0; level < edge.levels().size(); ++level)
    if (const auto& hashes = edge.levels()[level]; !hashes.empty())
      TRY(check_tile(store, level, level_count(edge.size(), level) / tile_width, hashes));
  if (edge.root() != checkpoint.root)
    return fail_hint(broken, changed_hint,
                     "the journal's {} entries do not hash to the root that its checkpoint signs",
                     checkpoint.size);
  return Audited{std::move(story.keys)};
}

}  // namespace tranche::journal
