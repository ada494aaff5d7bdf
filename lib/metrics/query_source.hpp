// Sources that answer a query with points in time: prometheus, graphite, influxdb, datadog. What differs is
// how they are asked; how points become counts and gaps is here. Private to this room.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/query.hpp"
#include "metrics/source.hpp"

namespace tranche::metrics::internal {

// The points of one answer on the grid of windows, by stratum and bucket. Series of one stratum and bucket
// add up: a query without sum() gives one an instance.
class Table {
 public:
  enum class Reading {
    counts,     // samples are counts: not negative, finite
    histogram,  // counts by `le`
    values      // any number; one series at most
  };
  Table(const Windows& windows, Reading reading);

  // The series that follow belong here; no stratum is "all". `bound`: the label le, empty without one. Errors
  // (kind invalid): too many strata or buckets, no bound in a histogram, several series of values.
  Result<> begin(std::string_view stratum, std::string_view bound);
  // A point that stands for the window ending at `end`. One off the grid is passed over; of two at one time
  // in a series the later counts.
  void put(Instant end, double value);
  // A point that stands for [from, from + its step), which ends in a window: points of a window add up.
  void add_within(Instant from, double value);
  void finish();  // the series is whole

  using Row = std::vector<double>;  // one number a window, NaN where there was none
  [[nodiscard]] const std::map<std::string, std::map<double, Row>>& rows() const { return rows_; }
  [[nodiscard]] bool spoilt(std::size_t window) const { return spoilt_[window]; }
  [[nodiscard]] std::int64_t passed_over() const { return passed_over_; }
  [[nodiscard]] std::int64_t no_counts() const { return no_counts_; }

 private:
  void set(std::int64_t index, double value, bool add);

  Windows windows_;
  Reading reading_;
  std::map<std::string, std::map<double, Row>> rows_;
  std::size_t row_count_ = 0;
  Row* into_ = nullptr;
  Row series_;
  std::vector<bool> bad_;     // of the series
  std::vector<bool> spoilt_;  // windows with a sample that is no count
  std::int64_t passed_over_ = 0, no_counts_ = 0;
};

class QuerySource : public Source {
 public:
  Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables& variables, Instant after,
                                            Instant until) final;
  Result<std::vector<double>> series(const std::string& query, const Variables& variables, Arm arm,
                                     Instant after, Instant until, Duration step) final;

 protected:
  // Fills `into` with what the query gave for the windows: at most 2,000, 200 for a histogram.
  virtual Result<> range(const std::string& query, const Windows& windows, Table& into) = 0;
  // Variables of a query that the source fills itself.
  [[nodiscard]] virtual Names kept() const { return {}; }
  // " (the server's clock is 5m ahead of ours)", or empty: for gaps.
  [[nodiscard]] virtual std::string clock_words(Duration window) const = 0;

 private:
  Result<Table> read(const std::string& query, const Windows& windows, Table::Reading reading);
  Result<> compare_some(const spec::Gate& gate, const Variables& variables, const Windows& windows,
                        std::vector<WindowCounts>& out);
};

// " (the server's clock is 5m ahead of ours)" when it is apart by more than a window and two seconds.
std::string clock_words(std::optional<Duration> ahead, Duration window);

}  // namespace tranche::metrics::internal
