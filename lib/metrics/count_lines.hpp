// Counts as `gate replay` reads them, a JSON object a line:
//   {"series":"a","t":60,"stratum":"50000","canary":{"events":3,"exposure":1200},"control":{...}}
//   {"series":"a","t":60,"value":0.25}
// t is seconds, the end of what is counted. `stratum` is "all" when absent; "bounds" (the last is +Inf) with
// "buckets" an arm are a histogram's increments, "values" an arm raw samples, "assigned" beside the arms
// {"canary":n,"control":n} the devices that got their arm. Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doc/value.hpp"
#include "metrics/query.hpp"
#include "metrics/source.hpp"

namespace tranche::metrics::internal {

struct CountLine {
  std::string series;
  Instant at;
  std::string stratum;
  std::optional<gate::StratumCounts> counts;
  std::optional<gate::StratumCounts> assigned;
  std::optional<double> value;
};

// Errors are kind invalid: what of the line is wrong.
Result<CountLine> read_count_line(const doc::Value& line, Instant start);

// The lines of one series put into windows. Lines of one time and stratum: the later counts, and a note says
// so. A stratum that differs in bounds from line to line within a window is an error.
struct Counted {
  std::vector<WindowCounts> windows;
  std::int64_t replaced = 0;
};
Result<Counted> count_lines(const std::vector<CountLine>& lines, const spec::Gate& gate,
                            const Windows& windows);

// Lines of `series`; with none named, all of them when they are of one series. Kind invalid otherwise.
Result<std::vector<CountLine>> lines_of(std::vector<CountLine> lines, std::string_view series);

}  // namespace tranche::metrics::internal
