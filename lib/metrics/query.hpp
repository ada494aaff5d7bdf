// Queries with $variables, and arithmetic of windows. Private to this room.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "metrics/source.hpp"

namespace tranche::metrics::internal {

std::string_view name_of(Arm arm);

// A value that may stand in a query: [A-Za-z0-9._+-]{1,128}. Kind invalid otherwise.
Result<> check_variable(std::string_view name, std::string_view value);

// The query as it is sent. A '$' before no letter stays (the anchor of a regular expression). Errors (kind
// invalid): an unknown variable, a value that could leave its quotes, $arm where there is none.
// Names in `kept` stay as they are: the source fills them itself.
using Names = std::span<const std::string_view>;
Result<std::string> fill_query(std::string_view query, const Variables& variables, const Arm* arm,
                               Names kept = {});
// The same for an address: values are percent-encoded.
Result<std::string> fill_url(std::string_view url, const Variables& variables);
// The query of one arm of a compare gate. Kind invalid when both arms would be asked the same.
Result<std::string> fill_arm_query(std::string_view query, const spec::Gate& gate, const Variables& variables,
                                   Arm arm, Names kept = {});

// Ends of the aligned windows in (after, until], at most 11,000.
inline constexpr std::int64_t most_windows = 11'000;
struct Windows {
  Instant first;           // end of the first
  std::int64_t count = 0;  // 0: none
  Duration every{};
  [[nodiscard]] Instant end(std::int64_t index) const { return first + index * every; }
};
Result<Windows> aligned_windows(Instant after, Instant until, Duration every);

// A stratum made by chance: not "0" (nobody is exposed) and not "1000000" (everyone is).
bool is_randomised(std::string_view stratum);

inline constexpr std::size_t most_strata = 64;
inline constexpr double largest_count = 1e12;  // what gate::observe takes

}  // namespace tranche::metrics::internal
