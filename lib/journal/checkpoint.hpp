// The checkpoint: what the journal's key signs (c2sp.org/tlog-checkpoint). "origin\nsize\nbase64 root\n",
// then optional extension lines that nobody here writes and everybody skips.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "journal/tree.hpp"

namespace tranche::journal {

inline constexpr std::string_view checkpoint_name = "checkpoint";
inline constexpr std::size_t max_checkpoint_bytes = 16 * 1024;

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  bool operator==(const Checkpoint&) const = default;
};

std::string to_text(const Checkpoint& checkpoint);
// The text of a note, its signature checked by the caller. kind verification.
Result<Checkpoint> parse_checkpoint(std::string_view text);
// 1..256 bytes of printable ASCII without blanks and '+', as a note's name must be. kind invalid.
Result<> check_origin(std::string_view origin);

}  // namespace tranche::journal
