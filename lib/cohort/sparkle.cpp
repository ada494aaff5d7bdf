// Sparkle's groups (SUPhasedUpdateGroupInfo.m): a host draws SUUpdateGroupIdentifier once, below 2^32, and
// its group is the rest of dividing it by seven. Group g is let in g intervals after the item's pubDate.
#include "cohort/clients.hpp"

namespace tranche::cohort {

unsigned sparkle_group(std::uint64_t group_identifier) {
  return static_cast<std::uint32_t>(group_identifier) % 7;  // unsignedIntValue cuts to 32 bits
}

}  // namespace tranche::cohort
