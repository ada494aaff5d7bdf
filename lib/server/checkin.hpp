// A check-in as it arrives (FEED.md "Check-in"): parsed, bounded, believed in nothing but its own shape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "cohort/decide.hpp"
#include "doc/value.hpp"

namespace tranche::server {

inline constexpr std::size_t max_checkin_bytes = 16 * 1024;  // one object
inline constexpr std::size_t max_batch_bytes = 1 << 20;      // an array of them

struct CheckIn {
  cohort::Device device;
  std::string app, channel, version;
  std::string feed;                                            // optional: "electron"; empty: the native one
  std::string boot;                                            // random per start, 1..64 printable ASCII
  std::uint32_t seq = 0;                                       // from 1, grows with every report of a boot
  std::uint32_t sessions = 0, crashes = 0;                     // since the boot
  std::vector<std::pair<std::string, std::uint32_t>> signals;  // since the boot; at most 16
  std::string outcome;  // "updated", "failed", "kept"; other words count as "other"; may be empty
};

// Kind invalid, with the member that is wrong. Unknown members are passed over: the format grows.
Result<CheckIn> read_checkin(const doc::Value& value);

struct CheckIns {
  bool batch = false;
  std::vector<Result<CheckIn>> reports;  // a bad one in a batch spoils no other
};
// One object or an array of objects; kind invalid when the text is neither or too large.
Result<CheckIns> parse_checkins(std::string_view body);

}  // namespace tranche::server
