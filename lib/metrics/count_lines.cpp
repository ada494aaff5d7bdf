#include "metrics/count_lines.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "metrics/series.hpp"

namespace tranche::metrics::internal {

namespace {

constexpr std::size_t most_samples = 1'000'000;  // of one arm in one window: what a gate takes

}  // namespace

Result<CountLine> read_count_line(std::string_view line, Instant start) {
  SeriesLineParser parser;
  SeriesLine read;
  TRY(parser.parse(line, read));
  CountLine out;
  out.series = read.series;
  out.stratum = read.stratum;
  out.at = start + read.t;
  if (read.has_counts) out.counts = std::move(read.counts);
  if (read.has_assigned) out.assigned = std::move(read.assigned);
  if (read.has_measurement) out.measurement = std::move(read.measurement);
  return out;
}

Result<std::vector<CountLine>> lines_of(std::vector<CountLine> lines, std::string_view series) {
  if (series.empty()) {
    for (const CountLine& line : lines)
      if (line.series != lines.front().series)
        return fail_hint(ErrorKind::invalid, "name one: series: NAME",
                         "there are several series, '{}' and '{}'", printable(lines.front().series, 64),
                         printable(line.series, 64));
    return lines;
  }
  std::erase_if(lines, [&](const CountLine& line) { return line.series != series; });
  return lines;
}

namespace {

void add(gate::ArmCounts& into, const gate::ArmCounts& from) {
  into.events += from.events;
  into.exposure += from.exposure;
  if (into.buckets.empty()) into.buckets.resize(from.buckets.size());
  for (std::size_t i = 0; i < from.buckets.size(); ++i) into.buckets[i] += from.buckets[i];
  into.values.insert(into.values.end(), from.values.begin(), from.values.end());
}

Result<> add(gate::StratumCounts& into, const gate::StratumCounts& from, bool first) {
  if (first) into.bounds = from.bounds;
  if (into.bounds != from.bounds)
    return fail_hint(ErrorKind::invalid, "keep the bounds within a window",
                     "two lines of one window have different bounds");
  add(into.canary, from.canary);
  add(into.control, from.control);
  for (const gate::ArmCounts* arm : {&into.canary, &into.control}) {
    double largest = std::max(arm->events, arm->exposure);
    for (const double count : arm->buckets) largest = std::max(largest, count);
    if (largest > largest_count || arm->values.size() > most_samples)
      return fail_hint(ErrorKind::invalid, "use shorter windows (every:)",
                       "the lines of one window are more than 1e12 counts or {} samples", most_samples);
  }
  return {};
}

}  // namespace

Result<Counted> count_lines(const std::vector<CountLine>& lines, const spec::Gate& gate,
                            const Windows& windows) {
  Counted out;
  std::map<std::pair<Instant, std::string>, const CountLine*> seen;
  for (const CountLine& line : lines) {
    if (!line.counts && !line.assigned) continue;
    if (!seen.try_emplace({line.at, line.stratum}, &line).second) ++out.duplicates;
  }
  for (std::int64_t i = 0; i < windows.count; ++i) out.windows.emplace_back().end = windows.end(i);
  for (const auto& [key, line] : seen) {
    const Instant end = aligned_end(line->at + windows.every - Duration(1), windows.every, Duration{});
    const std::int64_t index = (end - windows.first) / windows.every;
    if (end < windows.first || index >= windows.count || !is_randomised(line->stratum)) continue;
    WindowCounts& window = out.windows[static_cast<std::size_t>(index)];
    if (line->counts && line->counts->canary.exposure > 0 && line->counts->control.exposure > 0) {
      const auto [at, first] = window.counts.try_emplace(line->stratum);
      TRY(add(at->second, *line->counts, first));
    }
    if (line->assigned) {
      gate::StratumCounts& assigned = window.assigned[line->stratum];
      TRY(add(assigned, *line->assigned, false));
    }
    if (window.counts.size() > most_strata || window.assigned.size() > most_strata)
      return fail_hint(ErrorKind::invalid, "put devices of one exposure into one stratum",
                       "there are more than {} strata", most_strata);
  }
  const bool wants_buckets = gate.statistic == spec::Gate::Statistic::quantile;
  for (WindowCounts& window : out.windows) {
    window.has_data = !window.counts.empty();
    if (!window.has_data) window.gap = "no line counts exposure of both arms here";
    for (const auto& [stratum, counts] : window.counts)
      if (wants_buckets && counts.bounds.empty() && counts.canary.values.empty())
        return fail_hint(ErrorKind::invalid, "give bounds and buckets, or values, an arm",
                         "gate '{}' asks for a quantile, and the lines hold counts only", gate.name);
  }
  return out;
}

}  // namespace tranche::metrics::internal
