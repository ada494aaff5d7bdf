// The whole log read once from beginning to end, every byte that the checkpoint names hashed anew.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "journal/checkpoint.hpp"
#include "journal/journal.hpp"
#include "store/store.hpp"

namespace tranche::journal {

// Entries: canonical, index = position, times in order, heads as the states before say. Tiles: exactly the
// hashes of those entries. Root: the checkpoint's. Files that the checkpoint does not name (older partial
// tiles, leftovers of a crash) are no part of the log and not read. kind verification.
struct Audited {
  std::optional<Entry> keys;  // the newest entry with a state of the journal's keys
};
Result<Audited> audit(store::Store& store, const Checkpoint& checkpoint);

std::string root_text(const Checkpoint& checkpoint);  // base64

}  // namespace tranche::journal
