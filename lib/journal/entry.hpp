// Entries as bytes, and the rules for what may become one.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "journal/journal.hpp"

namespace tranche::journal {

// Every entry carries all heads: the longest names would not fit 512 times, usual ones (40 bytes) take 25
// KiB.
inline constexpr std::size_t max_subjects = 512;
inline constexpr std::size_t max_subject_bytes = 200;

inline constexpr std::string_view entry_schema = "tranche/entry/v1";

bool fits_kind(std::string_view kind);        // 1..64 of [a-z0-9.-]
bool fits_subject(std::string_view subject);  // at most 200 of printable ASCII without blanks; may be empty

// kind 1..64 of [a-z0-9.-], subject printable ASCII without blanks, texts UTF-8, data a map or null, state
// only with a subject. kind invalid.
Result<> check_draft(const Draft& draft);

// Canonical JSON; kind invalid when it is longer than max_entry_bytes.
Result<std::string> to_bytes(const Entry& entry);
// kind verification, both.
Result<doc::Value> parse_entry_json(std::string_view bytes);
Result<Entry> parse_entry(std::string_view bytes);

}  // namespace tranche::journal
