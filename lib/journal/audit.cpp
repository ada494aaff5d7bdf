// The order of work, so that a log of a million entries takes a second: the files of some bundles are read;
// two threads hash their entries, compare the tile and skim each entry; then one thread follows the story
// that the entries tell, in order. While the second thread hashes, the first reads the next files.
#include "journal/audit.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "journal/bundle.hpp"
#include "journal/entry.hpp"
#include "journal/keys.hpp"
#include "journal/skim.hpp"
#include "journal/tiles.hpp"
#include "journal/tree.hpp"

namespace tranche::journal {

namespace {

constexpr auto broken = ErrorKind::verification;
constexpr std::size_t batch_bytes = 4 << 20;  // of bundles in memory, twice; one bundle may be 16 MiB

// What the entries so far say about the next one.
class Story {
 public:
  Result<> follow(std::string_view bytes, const std::optional<Skimmed>& skimmed) {
    if (!skimmed) return follow_slowly(bytes);
    if (skimmed->index != next_) return wrong_index(skimmed->index);
    if (skimmed->at != at_text_) {
      const auto at = parse_instant(skimmed->at);
      if (!at) return follow_slowly(bytes);  // says what is wrong with it
      TRY(set_time(*at, skimmed->at));
    }
    if (skimmed->has_state) set_head(skimmed->subject);
    if (skimmed->heads != heads_text()) return wrong_heads();
    if (skimmed->has_state && skimmed->subject == keys_subject) keys_ = TRY(parse_entry(bytes));
    ++next_;
    return {};
  }
  [[nodiscard]] std::optional<Entry> take_keys() { return std::move(keys_); }

 private:
  Result<> follow_slowly(std::string_view bytes) {
    const doc::Value value = TRY(parse_entry_json(bytes));
    if (TRY(doc::canonical_json(value)) != bytes)
      return fail_hint(broken, changed_hint, "it is not canonical JSON");
    Entry entry = TRY(entry_from_value(value));
    if (entry.index != next_) return wrong_index(entry.index);
    TRY(set_time(entry.at, {}));
    if (!entry.state.is_null()) set_head(entry.subject);
    if (entry.heads != heads_) return wrong_heads();
    if (!entry.state.is_null() && entry.subject == keys_subject) keys_ = std::move(entry);
    ++next_;
    return {};
  }

  static std::unexpected<Error> wrong_index(std::uint64_t index) {
    return fail_hint(broken, changed_hint, "it calls itself {}", index);
  }
  static std::unexpected<Error> wrong_heads() {
    return fail_hint(broken, changed_hint, "its heads are not the newest states of the subjects");
  }
  Result<> set_time(Instant at, std::string_view text) {
    if (at < at_)
      return fail_hint(broken, changed_hint, "it is of {}, before {} of the entry before it",
                       tranche::to_text(at), tranche::to_text(at_));
    at_ = at;
    at_text_ = text;
    return {};
  }
  void set_head(std::string_view subject) {
    heads_[std::string(subject)] = next_;
    heads_text_.clear();
  }
  // As canonical JSON; subjects are ASCII, so their order in the map is the order of the keys.
  const std::string& heads_text() {
    if (!heads_text_.empty()) return heads_text_;
    heads_text_ = "{";
    for (const auto& [subject, index] : heads_) {
      if (heads_text_.size() > 1) heads_text_ += ',';
      heads_text_ += '"';
      for (const char c : subject) {
        if (c == '"' || c == '\\') heads_text_ += '\\';
        heads_text_ += c;
      }
      heads_text_ += "\":";
      const fmt::format_int digits(index);
      heads_text_.append(digits.data(), digits.size());
    }
    heads_text_ += '}';
    return heads_text_;
  }

  std::uint64_t next_ = 0;
  Instant at_ = Instant::min();
  std::string at_text_;
  std::map<std::string, std::uint64_t> heads_;
  std::string heads_text_;  // of heads_; empty: not made yet
  std::optional<Entry> keys_;
};

Result<> compare_tile(unsigned level, std::uint64_t index, std::span<const Hash> hashes,
                      std::string_view bytes) {
  const auto width = static_cast<unsigned>(hashes.size());
  const std::string expected = to_bytes(hashes);
  const bool grown = bytes.size() == tile_width * hash_bytes;  // the full tile in a partial one's place
  if (bytes != expected && !(grown && bytes.starts_with(expected)))
    return fail_hint(broken, changed_hint, "journal file {} does not hold the hashes of the entries",
                     with_width(tile_path(level, index), width));
  return {};
}

Result<> check_tile(store::Store& store, unsigned level, std::uint64_t index, std::span<const Hash> hashes) {
  const auto width = static_cast<unsigned>(hashes.size());
  return compare_tile(level, index, hashes,
                      TRY(read_wide(store, tile_path(level, index), width, tile_width * hash_bytes)));
}

// A bundle and its tile of level 0, and what was found in them.
struct Piece {
  std::uint64_t index = 0;
  unsigned width = 0;
  std::string bundle, tile;
  Result<> checked;
  std::vector<std::string_view> entries;
  std::vector<std::optional<Skimmed>> skimmed;
  std::vector<Hash> hashes;
  Hash root{};  // of a full one
};

Result<> check(Piece& piece) {
  const std::string path = bundle_path(piece.index);
  piece.entries = TRY_WHILE("reading " + with_width(path, piece.width), split_bundle(piece.bundle));
  if (piece.entries.size() != piece.width && piece.entries.size() != tile_width)
    return fail_hint(broken, changed_hint, "journal file {} holds {} entries", with_width(path, piece.width),
                     piece.entries.size());
  piece.entries.resize(piece.width);
  piece.hashes.reserve(piece.width);
  piece.skimmed.reserve(piece.width);
  for (const auto entry : piece.entries) {
    piece.hashes.push_back(hash_leaf(entry));
    piece.skimmed.push_back(skim_entry(entry));
  }
  TRY(compare_tile(0, piece.index, piece.hashes, piece.tile));
  if (piece.width == tile_width) piece.root = subtree_root(piece.hashes);
  return {};
}

class Batch {
 public:
  Result<> read(store::Store& store, std::uint64_t& next, std::uint64_t size) {
    for (std::size_t bytes = 0; next * tile_width < size && bytes < batch_bytes; ++next) {
      Piece piece;
      piece.index = next;
      piece.width = static_cast<unsigned>(std::min<std::uint64_t>(size - next * tile_width, tile_width));
      piece.bundle = TRY(read_wide(store, bundle_path(next), piece.width, max_bundle_bytes));
      piece.tile = TRY(read_wide(store, tile_path(0, next), piece.width, tile_width * hash_bytes));
      bytes += piece.bundle.size();
      pieces_.push_back(std::move(piece));
    }
    return {};
  }
  // Checks pieces until none is left; several threads at once.
  void work() {
    for (std::size_t i = taken_++; i < pieces_.size(); i = taken_++) pieces_[i].checked = check(pieces_[i]);
  }
  [[nodiscard]] std::vector<Piece>& pieces() { return pieces_; }

 private:
  std::vector<Piece> pieces_;
  std::atomic<std::size_t> taken_ = 0;
};

// A second pair of hands, where the system gives one.
std::future<void> help(Batch& batch) {
  try {
    return std::async(std::launch::async, [&batch] { batch.work(); });
  } catch (const std::system_error&) {
    return {};
  }
}

Result<> follow(Piece& piece, Story& story, Edge& edge, std::vector<Edge::Full>& completed) {
  for (unsigned i = 0; i < piece.width; ++i)
    TRY_WHILE(fmt::format("checking entry {} of the journal", piece.index * tile_width + i),
              story.follow(piece.entries[i], piece.skimmed[i]));
  if (piece.width == tile_width)
    edge.add_tile(piece.root, completed);
  else
    for (const Hash& hash : piece.hashes) edge.add(hash, completed);
  return {};
}

}  // namespace

std::string root_text(const Checkpoint& checkpoint) { return to_base64(crypto::as_bytes(checkpoint.root)); }

Result<Audited> audit(store::Store& store, const Checkpoint& checkpoint) {
  Edge edge;
  Story story;
  std::uint64_t next = 0;
  auto batch = std::make_unique<Batch>();
  TRY(batch->read(store, next, checkpoint.size));
  while (!batch->pieces().empty()) {
    auto after = std::make_unique<Batch>();
    auto helper = help(*batch);
    auto read = after->read(store, next, checkpoint.size);
    batch->work();
    if (helper.valid()) helper.get();
    for (Piece& piece : batch->pieces()) {
      std::vector<Edge::Full> completed;
      TRY(piece.checked);
      TRY(follow(piece, story, edge, completed));
      for (const auto& full : completed) TRY(check_tile(store, full.level, full.index, full.hashes));
    }
    TRY(read);
    batch = std::move(after);
  }
  for (unsigned level = 1; level < edge.levels().size(); ++level)
    if (const auto& hashes = edge.levels()[level]; !hashes.empty())
      TRY(check_tile(store, level, level_count(edge.size(), level) / tile_width, hashes));
  if (edge.root() != checkpoint.root)
    return fail_hint(broken, changed_hint,
                     "the journal's {} entries do not hash to the root that its checkpoint signs",
                     checkpoint.size);
  return Audited{story.take_keys()};
}

}  // namespace tranche::journal
