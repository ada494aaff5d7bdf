// Squirrel.Windows' dice (ReleaseEntry.cs IsStagingMatch; Velopack's own copy is the same). The id is a GUID;
// ToByteArray() turns its first three groups round, and the last eight bytes stand as written. The share is a
// single: 10% is 0.100000001..., so six more of 2^32 ids are in than with doubles.
#include "cohort/clients.hpp"

namespace tranche::cohort {

bool squirrel_admits(std::string_view user_id, int staging_percentage) {
  const auto bytes = parse_uuid(user_id);
  if (!bytes) return false;  // a client without an id is in no share, not even 100%
  std::uint32_t value = 0;
  for (std::size_t i = 16; i > 12; --i) value = value << 8 | (*bytes)[i - 1];
  const float share = static_cast<float>(staging_percentage) / 100.0F;
  return static_cast<double>(value) / 4294967295.0 < static_cast<double>(share);
}

}  // namespace tranche::cohort
