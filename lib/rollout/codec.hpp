// Instants in the rollout's journalled documents. Private to this room.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "doc/value.hpp"

namespace tranche::rollout {

inline doc::Value instant_or_null(Instant instant) {
  return instant == Instant{} ? doc::Value() : doc::Value(tranche::to_text(instant));
}

// Absent and null are Instant{}.
inline Result<Instant> instant_at(const doc::Value& value, std::string_view key) {
  const doc::Value* found = value.find(key);
  if (found == nullptr || found->is_null()) return Instant{};
  return parse_instant(TRY(value.text(key)));
}

}  // namespace tranche::rollout
