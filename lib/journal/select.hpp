// Entries of a log that somebody asks for, read one bundle at a time however long the log is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "journal/journal.hpp"

namespace tranche::journal {

struct Selection {
  std::uint64_t from = 0;
  std::optional<std::uint64_t> to;  // one past the last; nullopt: the end
  std::optional<Instant> since;     // entries of this time and later
  std::optional<Instant> until;     // entries before this time
  std::string by;                   // part of the author's name
  std::string kind;                 // "gate.asked", or "gate" for all that begin with "gate."
  std::string subject;              // the whole of it
  std::string release;              // entries that name this version
  [[nodiscard]] bool narrows() const {
    return since || until || !by.empty() || !kind.empty() || !subject.empty() || !release.empty();
  }
};

// Whether an entry is one that `selection` asks for; its place in the log is not looked at.
bool matches(const Selection& selection, const Entry& entry);
// Whether the entry names a version: as a text, or as a part of one between '/', ':' or '@'
// ("desktop/1.2.0/17"), in its subject, data or state.
bool names_release(const Entry& entry, std::string_view version);

// Calls `found` with each entry asked for, oldest first; false from it ends the walk. kind invalid: places
// that the log does not have.
using Found = std::function<Result<bool>(const Entry& entry, std::string_view bytes)>;
Result<> select(Journal& journal, const Selection& selection, const Found& found);
// The newest `count` of them, oldest first.
Result<std::vector<Entry>> select_newest(Journal& journal, const Selection& selection, std::size_t count);

}  // namespace tranche::journal
