// Recorded series come from anywhere: no bytes may crash their reader, what it takes for counts must be
// counts that a gate accepts, a line that is read is JSON, and what is written reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "doc/value.hpp"
#include "metrics/series.hpp"
#include "rollout/replay.hpp"

using namespace tranche;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  spec::Gate gate;
  gate.name = "crashes";
  auto replay = rollout::Replay::make(gate);
  if (!replay) std::abort();
  metrics::SeriesReader reader("fuzz", text);
  for (;;) {
    const auto line = reader.next();
    if (!line) {
      if (line.error().hint.empty() || !line.error().mark) std::abort();
      break;
    }
    if (*line == nullptr) break;
    const metrics::SeriesLine& seen = **line;
    const std::string written = metrics::to_series_line(seen);
    if (!doc::parse_json(written, "line", {8 << 20, 32, 4'000'000})) std::abort();
    metrics::SeriesReader again("fuzz", written);
    const auto same = again.next();
    if (!same || *same == nullptr || metrics::to_series_line(**same) != written) std::abort();
    if (seen.has_counts) (void)replay->add(seen.series, seen.t, seen.stratum, seen.counts);
  }
  for (const rollout::Replayed& one : replay->finish())
    if (one.canary_exposure < 0) std::abort();
  return 0;
}
