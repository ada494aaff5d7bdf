#include "metrics/count_lines.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/text.hpp"

namespace tranche::metrics::internal {

namespace {

constexpr std::size_t most_buckets = 512;
constexpr std::size_t most_values = 100'000;     // of one arm in one line
constexpr std::size_t most_samples = 1'000'000;  // of one arm in one window: what a gate takes

std::unexpected<Error> wrong(std::string_view what) {
  return fail_hint(ErrorKind::invalid,
                   "write {\"t\":60,\"canary\":{\"events\":3,\"exposure\":1200},\"control\":{...}}, or "
                   "{\"t\":60,\"value\":0.2}",
                   "{}", what);
}

Result<double> count_at(const doc::Value& object, std::string_view key) {
  const doc::Value* value = object.find(key);
  if (value == nullptr) return 0.0;
  if (!value->is_number() || !(value->as_double() >= 0 && value->as_double() <= largest_count))
    return wrong(fmt::format("'{}' is no count (0 to 1e12)", key));
  return value->as_double();
}

Result<std::vector<double>> numbers_at(const doc::Value& object, std::string_view key, std::size_t most) {
  std::vector<double> out;
  const doc::Value* list = object.find(key);
  if (list == nullptr) return out;
  if (!list->is_array() || list->as_array().size() > most)
    return wrong(fmt::format("'{}' is no list of at most {} numbers", key, most));
  for (const doc::Value& one : list->as_array()) {
    if (one.is_string() && (one.as_string() == "+Inf" || one.as_string() == "inf"))
      out.push_back(std::numeric_limits<double>::infinity());
    else if (one.is_number() && std::isfinite(one.as_double()))
      out.push_back(one.as_double());
    else
      return wrong(fmt::format("'{}' holds what is no number", key));
  }
  return out;
}

Result<gate::ArmCounts> read_arm(const doc::Value& arm, std::size_t bounds) {
  if (!arm.is_object()) return wrong("an arm is no map");
  gate::ArmCounts out;
  out.events = TRY(count_at(arm, "events"));
  out.buckets = TRY(numbers_at(arm, "buckets", most_buckets));
  out.values = TRY(numbers_at(arm, "values", most_values));
  for (const double value : out.values)
    if (!(value >= 0 && value <= largest_count)) return wrong("a value is not between 0 and 1e12");
  double sum = 0;
  for (const double count : out.buckets) {
    if (!(count >= 0 && count <= largest_count)) return wrong("a bucket is no count (0 to 1e12)");
    sum += count;
  }
  if (!out.buckets.empty() && out.buckets.size() != bounds)
    return wrong("an arm has not one bucket for each of bounds");
  out.exposure = TRY(count_at(arm, "exposure"));
  if (arm.find("exposure") == nullptr)
    out.exposure = !out.buckets.empty() ? sum : static_cast<double>(out.values.size());
  if (out.exposure > largest_count) return wrong("the buckets are more than 1e12");
  return out;
}

Result<std::vector<double>> read_bounds(const doc::Value& line) {
  std::vector<double> bounds = TRY(numbers_at(line, "bounds", most_buckets));
  if (bounds.empty()) return bounds;
  if (std::isfinite(bounds.back())) return wrong("the last of bounds is not \"+Inf\"");
  for (std::size_t i = 1; i < bounds.size(); ++i)
    if (!(bounds[i] > bounds[i - 1])) return wrong("bounds do not grow");
  return bounds;
}

}  // namespace

Result<CountLine> read_count_line(const doc::Value& line, Instant start) {
  if (!line.is_object()) return wrong("it is no map");
  CountLine out;
  out.series = TRY(line.text_or("series", ""));
  out.stratum = TRY(line.text_or("stratum", "all"));
  const doc::Value* t = line.find("t");
  if (t == nullptr || !t->is_number() || !(std::abs(t->as_double()) < 1e11))
    return wrong("it has no t, a number of seconds");
  out.at = start + Duration(std::llround(t->as_double() * 1000));
  if (const doc::Value* value = line.find("value")) {
    if (!value->is_number() || !std::isfinite(value->as_double())) return wrong("'value' is no number");
    out.value = value->as_double();
  }
  const doc::Value *canary = line.find("canary"), *control = line.find("control");
  if ((canary == nullptr) != (control == nullptr)) return wrong("one arm is missing");
  if (canary != nullptr) {
    gate::StratumCounts counts;
    counts.bounds = TRY(read_bounds(line));
    counts.canary = TRY(read_arm(*canary, counts.bounds.size()));
    counts.control = TRY(read_arm(*control, counts.bounds.size()));
    out.counts = std::move(counts);
  }
  if (const doc::Value* assigned = line.find("assigned")) {
    if (!assigned->is_object()) return wrong("'assigned' is no map");
    gate::StratumCounts counts;
    counts.canary.exposure = TRY(count_at(*assigned, "canary"));
    counts.control.exposure = TRY(count_at(*assigned, "control"));
    out.assigned = std::move(counts);
  }
  if (!out.counts && !out.value && !out.assigned) return wrong("it has neither arms nor a value");
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
  std::map<std::pair<Instant, std::string>, const CountLine*> newest;
  for (const CountLine& line : lines) {
    if (!line.counts && !line.assigned) continue;
    const auto [at, fresh] = newest.try_emplace({line.at, line.stratum}, &line);
    if (!fresh) ++out.replaced;
    at->second = &line;
  }
  for (std::int64_t i = 0; i < windows.count; ++i) out.windows.emplace_back().end = windows.end(i);
  for (const auto& [key, line] : newest) {
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
