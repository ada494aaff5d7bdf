// What decide() and explain() share. Not for other rooms.
#pragma once

#include <cstdint>
#include <string_view>

#include "cohort/decide.hpp"

namespace tranche::cohort::internal {

// A pin: the leading numbers of `version` are not above those of max_version ("1.1" allows 1.1.9, not 1.2.0).
// A version that cannot be read is not allowed.
bool allows(std::string_view max_version, std::string_view version);
bool held(const Directions& directions, const Device& device, std::string_view version);

// Null when `version` is not withdrawn.
const Withdrawn* find_withdrawn(const Directions& directions, std::string_view version);
// Where a device that runs a withdrawn version goes, through fallbacks that are withdrawn themselves; empty
// when the chain ends in nothing or turns in a circle.
std::string_view final_fallback(const Directions& directions, std::string_view running);

// `candidate` is no downgrade of `running`. A version that cannot be compared is kept.
bool may_follow(std::string_view candidate, std::string_view running);

// The chance of exposure that a rule gives to whom it matches, in parts per million, 0 .. 1'000'000.
std::uint32_t chance_ppm(const Rule& rule);

}  // namespace tranche::cohort::internal
