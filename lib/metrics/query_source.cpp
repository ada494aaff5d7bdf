// Points become counts: side by side by stratum, one poll a window. What is missing decides whether a window
// is a zero or a gap: exposure without events is no events, no exposure is no data, and a sample that is no
// count spoils its window, because nobody knows what it hides.
#include "metrics/query_source.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.hpp"

namespace tranche::metrics::internal {

namespace {

// Prometheus allows 11,000 points a series; fewer keep an answer of many strata within its bound.
constexpr std::int64_t windows_a_request = 2'000;
constexpr std::int64_t histogram_windows_a_request = 200;
constexpr std::size_t most_rows = 4'096;    // strata times buckets of one answer
constexpr std::size_t most_bounds = 1'000;  // of a stratum: what a gate takes

const double missing = std::numeric_limits<double>::quiet_NaN();
const double infinite = std::numeric_limits<double>::infinity();

// "0.25", "+Inf"; nullopt for NaN, -Inf and what is no number.
std::optional<double> read_bound(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size() || std::isnan(number) || number == -infinite)
    return std::nullopt;
  return number;
}

}  // namespace

std::string clock_words(std::optional<Duration> ahead, Duration window) {
  // Date has whole seconds, and an answer takes time.
  if (!ahead || std::chrono::abs(*ahead) <= window + std::chrono::seconds(2)) return {};
  return fmt::format(" (the server's clock is {} {} ours)", to_text(std::chrono::abs(*ahead)),
                     *ahead > Duration{} ? "ahead of" : "behind");
}

Table::Table(const Windows& windows, Reading reading)
    : windows_(windows), reading_(reading), spoilt_(static_cast<std::size_t>(windows.count)) {}

Result<> Table::begin(std::string_view stratum, std::string_view bound) {
  const std::string name(stratum.empty() ? "all" : stratum);
  double at = infinite;
  if (reading_ == Reading::histogram) {
    const auto read = read_bound(bound);
    if (!read)
      return fail_hint(ErrorKind::invalid,
                       "keep the buckets: sum by (le) (increase(NAME_bucket{arm=\"$arm\"}[$window]))",
                       "{} of the histogram {}", bound.empty() ? "a series" : "a bound",
                       bound.empty() ? "has no label le" : "is no number");
    at = *read;
  }
  if (reading_ == Reading::values && !rows_.empty())
    return fail_hint(ErrorKind::invalid, "make one series of it: sum(...), avg(...)",
                     "the query gives several series, and one was asked for");
  const auto [row, fresh] = rows_[name].try_emplace(at);
  if (fresh) row->second.assign(static_cast<std::size_t>(windows_.count), missing);
  if (fresh && (++row_count_ > most_rows || rows_[name].size() > most_bounds))
    return fail_hint(ErrorKind::invalid, "use fewer buckets, or sum by (le)",
                     "the query gives more than {} buckets, or {} with all strata", most_bounds, most_rows);
  if (rows_.size() > most_strata)
    return fail_hint(ErrorKind::invalid, "sum by (stratum) with the label that `tranche serve` gives",
                     "the query gives more than {} strata", most_strata);
  into_ = &row->second;
  series_.assign(static_cast<std::size_t>(windows_.count), missing);
  bad_.assign(static_cast<std::size_t>(windows_.count), false);
  return {};
}

void Table::set(std::int64_t index, double value, bool add) {
  const auto i = static_cast<std::size_t>(index);
  if (reading_ != Reading::values && !(value >= 0 && value <= largest_count)) {
    ++no_counts_;
    bad_[i] = true;
    return;
  }
  if (add && reading_ != Reading::values && !std::isnan(series_[i])) {
    series_[i] += value;
    return;
  }
  series_[i] = value;
  if (!add) bad_[i] = false;
}

void Table::put(Instant end, double value) {
  const Duration since = end - windows_.first;
  const std::int64_t index = since / windows_.every;
  if (since < Duration::zero() || since % windows_.every != Duration::zero() || index >= windows_.count)
    ++passed_over_;
  else
    set(index, value, false);
}

void Table::add_within(Instant from, double value) {
  const Duration since = from - (windows_.first - windows_.every);
  const std::int64_t index = since / windows_.every;
  if (since < Duration::zero() || index >= windows_.count)
    ++passed_over_;
  else
    set(index, value, true);
}

void Table::finish() {
  for (std::size_t i = 0; i < series_.size(); ++i) {
    if (bad_[i]) spoilt_[i] = true;
    if (std::isnan(series_[i])) continue;
    double& sum = (*into_)[i];
    sum = std::isnan(sum) ? series_[i] : sum + series_[i];
    if (reading_ != Reading::values && sum > largest_count) spoilt_[i] = true;
  }
}

namespace {

double at(const Table& table, const std::string& stratum, std::size_t i) {
  const auto row = table.rows().find(stratum);
  return row == table.rows().end() ? missing : row->second.begin()->second[i];
}

struct OfArm {
  std::optional<Table> events, exposure, histogram, assigned;
  // Exposure, or the count of a histogram.
  [[nodiscard]] const Table& base() const { return histogram ? *histogram : *exposure; }
};
using Arms = std::array<OfArm, 2>;

// Cumulative counts at the bounds that both arms have there; cumulative counts may not fall
// (as Prometheus' own histogram_quantile repairs them: extrapolation differs from bucket to bucket).
bool fill_buckets(gate::StratumCounts& into, const std::map<double, Table::Row>& canary,
                  const std::map<double, Table::Row>& control, std::size_t i) {
  double before_canary = 0, before_control = 0;
  for (const auto& [bound, row] : canary) {
    const auto other = control.find(bound);
    if (other == control.end() || std::isnan(row[i]) || std::isnan(other->second[i])) continue;
    const double now_canary = std::max(before_canary, row[i]);
    const double now_control = std::max(before_control, other->second[i]);
    into.bounds.push_back(bound);
    into.canary.buckets.push_back(now_canary - before_canary);
    into.control.buckets.push_back(now_control - before_control);
    before_canary = now_canary;
    before_control = now_control;
  }
  into.canary.exposure = before_canary;
  into.control.exposure = before_control;
  return !into.bounds.empty() && into.bounds.back() == infinite;
}

bool any_base(const Table& table, std::size_t i) {
  for (const auto& [stratum, buckets] : table.rows())
    for (const auto& [bound, row] : buckets)
      if (is_randomised(stratum) && !std::isnan(row[i])) return true;
  return false;
}

// A stratum counts where both arms were exposed; events without a series never happened.
void fill_window(WindowCounts& window, std::size_t i, const Arms& arms) {
  const OfArm &canary = arms[0], &control = arms[1];
  bool unrandomised = false, no_bounds = false;
  for (const auto& [stratum, buckets] : canary.base().rows()) {
    const auto other = control.base().rows().find(stratum);
    if (other == control.base().rows().end()) continue;
    gate::StratumCounts counts;
    if (canary.histogram) {
      const bool whole = fill_buckets(counts, buckets, other->second, i);
      if (!whole && any_base(*canary.histogram, i) && any_base(*control.histogram, i)) no_bounds = true;
      if (!whole) continue;
    } else {
      const double exposed = buckets.begin()->second[i], control_exposed = other->second.begin()->second[i];
      if (std::isnan(exposed) || std::isnan(control_exposed)) continue;
      const double bad = at(*canary.events, stratum, i), control_bad = at(*control.events, stratum, i);
      counts.canary.exposure = exposed;
      counts.canary.events = std::isnan(bad) ? 0 : bad;
      counts.control.exposure = control_exposed;
      counts.control.events = std::isnan(control_bad) ? 0 : control_bad;
    }
    if (!is_randomised(stratum)) {
      unrandomised = true;
      continue;
    }
    window.counts[stratum] = std::move(counts);
  }
  window.has_data = !window.counts.empty();
  if (window.has_data) return;
  const bool has_canary = any_base(canary.base(), i), has_control = any_base(control.base(), i);
  window.gap = no_bounds                   ? "the arms have no bucket le=\"+Inf\" in common"
               : has_canary && has_control ? "no stratum has exposure of both arms"
               : has_canary                ? "no exposure of control"
               : has_control               ? "no exposure of canary"
               : unrandomised              ? "only devices that chance has not placed"
                                           : "no exposure of either arm";
}

void fill_assigned(WindowCounts& window, std::size_t i, const Arms& arms) {
  for (const std::size_t a : {0U, 1U}) {
    if (!arms[a].assigned) continue;
    for (const auto& [stratum, buckets] : arms[a].assigned->rows()) {
      const double devices = buckets.begin()->second[i];
      if (std::isnan(devices) || !is_randomised(stratum)) continue;
      gate::StratumCounts& counts = window.assigned[stratum];
      (a == 0 ? counts.canary : counts.control).exposure = devices;
    }
  }
}

}  // namespace

Result<Table> QuerySource::read(const std::string& query, const Windows& windows, Table::Reading reading) {
  Table table(windows, reading);
  const auto done = range(query, windows, table);
  if (!done) {
    Error error = done.error();
    if (error.message.find("query was") == std::string::npos)
      error.message += "; the query was: " + printable(query, 500);
    return fail(std::move(error));
  }
  if (table.passed_over() > 0)
    note(fmt::format("{} points at times that were not asked for were passed over", table.passed_over()));
  if (table.no_counts() > 0)
    note(fmt::format("{} samples were no counts (NaN, infinite, negative): their windows are gaps",
                     table.no_counts()));
  return table;
}

Result<> QuerySource::compare_some(const spec::Gate& gate, const Variables& variables, const Windows& windows,
                                   std::vector<WindowCounts>& out) {
  Arms arms;
  for (const Arm arm : {Arm::canary, Arm::control}) {
    OfArm& of_arm = arms[static_cast<std::size_t>(arm)];
    const auto ask = [&](const std::string& query, Table::Reading reading) -> Result<Table> {
      return read(TRY(fill_arm_query(query, gate, variables, arm, kept())), windows, reading);
    };
    if (gate.statistic == spec::Gate::Statistic::quantile) {
      of_arm.histogram = TRY(ask(gate.histogram, Table::Reading::histogram));
    } else {
      of_arm.exposure = TRY(ask(gate.exposure, Table::Reading::counts));
      of_arm.events = TRY(ask(gate.events, Table::Reading::counts));
    }
    if (!gate.assignments.empty()) of_arm.assigned = TRY(ask(gate.assignments, Table::Reading::counts));
  }
  const std::string clocks = clock_words(windows.every);
  for (std::size_t i = 0; i < static_cast<std::size_t>(windows.count); ++i) {
    WindowCounts& window = out.emplace_back();
    window.end = windows.end(static_cast<std::int64_t>(i));
    for (const Arm arm : {Arm::canary, Arm::control}) {
      const OfArm& of_arm = arms[static_cast<std::size_t>(arm)];
      for (const auto& [table, what] : {std::pair{&of_arm.events, "events"},
                                        {&of_arm.exposure, "exposure"},
                                        {&of_arm.histogram, "the histogram"},
                                        {&of_arm.assigned, "assignments"}})
        if (table->has_value() && (*table)->spoilt(i))
          window.gap = fmt::format("{} of {} held a sample that is no count (NaN, infinite, negative)", what,
                                   name_of(arm));
    }
    if (window.gap.empty()) {
      fill_window(window, i, arms);
      fill_assigned(window, i, arms);
    }
    if (!window.has_data) window.gap += clocks;
  }
  return {};
}

Result<std::vector<WindowCounts>> QuerySource::compare(const spec::Gate& gate, const Variables& variables,
                                                       Instant after, Instant until) {
  forget_notes();
  const Windows all = TRY(aligned_windows(after, until, gate.every));
  const std::int64_t most =
      gate.statistic == spec::Gate::Statistic::quantile ? histogram_windows_a_request : windows_a_request;
  std::vector<WindowCounts> out;
  for (std::int64_t from = 0; from < all.count; from += most) {
    Windows some = all;
    some.first = all.end(from);
    some.count = std::min(most, all.count - from);
    TRY(compare_some(gate, variables, some, out));
  }
  return out;
}

Result<std::vector<double>> QuerySource::series(const std::string& query, const Variables& variables, Arm arm,
                                                Instant after, Instant until, Duration step) {
  forget_notes();
  const Windows all = TRY(aligned_windows(after, until, step));
  Variables of_arm = variables;
  of_arm.version = arm == Arm::canary ? variables.release : variables.baseline;
  const std::string filled = TRY(fill_query(query, of_arm, &arm, kept()));
  std::vector<double> out;
  for (std::int64_t from = 0; from < all.count; from += windows_a_request) {
    Windows some = all;
    some.first = all.end(from);
    some.count = std::min(windows_a_request, all.count - from);
    const Table table = TRY(read(filled, some, Table::Reading::values));
    if (table.rows().empty()) {
      out.insert(out.end(), static_cast<std::size_t>(some.count), missing);
    } else {
      const Table::Row& row = table.rows().begin()->second.begin()->second;
      out.insert(out.end(), row.begin(), row.end());
    }
  }
  return out;
}

}  // namespace tranche::metrics::internal
