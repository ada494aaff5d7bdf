// Recorded lines (series.hpp) put into the windows of a gate that is asked live. Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/query.hpp"
#include "metrics/source.hpp"

namespace tranche::metrics::internal {

struct CountLine {
  std::string series;
  Instant at;
  std::string stratum;
  std::optional<gate::StratumCounts> counts;
  std::optional<gate::StratumCounts> assigned;
  std::optional<gate::Measurement> measurement;
};

// Errors are kind invalid: what of the line is wrong.
Result<CountLine> read_count_line(std::string_view line, Instant start);

// The lines of one series put into windows. Lines of one time and stratum: the first counts, as in a replay,
// and the others are counted. A stratum that differs in bounds from line to line within a window is an error.
struct Counted {
  std::vector<WindowCounts> windows;
  std::int64_t duplicates = 0;
};
Result<Counted> count_lines(const std::vector<CountLine>& lines, const spec::Gate& gate,
                            const Windows& windows);

// Lines of `series`; with none named, all of them when they are of one series. Kind invalid otherwise.
Result<std::vector<CountLine>> lines_of(std::vector<CountLine> lines, std::string_view series);

}  // namespace tranche::metrics::internal
