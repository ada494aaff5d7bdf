// Counts and measurements from Prometheus' HTTP API (prometheus.io/docs/prometheus/latest/querying/api/).
//
// A compare gate asks four range queries: events and exposure of both arms, one point at the end of every
// aligned window. The points are put side by side by stratum; what is missing decides whether a window is a
// zero or a gap. A threshold gate asks one instant query.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

// Prometheus allows 11,000 points a series; fewer keep an answer of many strata within its bound.
constexpr std::int64_t windows_a_request = 2'000;

const double missing = std::numeric_limits<double>::quiet_NaN();

std::string in_seconds(Duration duration) {
  const std::int64_t ms = duration.count();
  return ms % 1000 == 0 ? fmt::format("{}", ms / 1000) : fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}
std::string in_seconds(Instant instant) { return in_seconds(instant.time_since_epoch()); }

// "1.5", "NaN", "+Inf", "-Inf": strconv.ParseFloat's forms that Prometheus writes.
std::optional<double> read_sample(const doc::Value& value) {
  if (!value.is_string()) return std::nullopt;
  std::string_view text = value.as_string();
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// [timestamp, "value"]
struct Point {
  Instant at;
  double value = 0;
};
std::optional<Point> read_point(const doc::Value& value) {
  if (!value.is_array() || value.as_array().size() != 2) return std::nullopt;
  const doc::Value& time = value.as_array()[0];
  const std::optional<double> sample = read_sample(value.as_array()[1]);
  if (!time.is_number() || !sample || !(std::abs(time.as_double()) < 1e11)) return std::nullopt;
  return Point{Instant(Duration(std::llround(time.as_double() * 1000))), *sample};
}

struct Data {
  std::string type;
  doc::Value result;
};

class Prometheus final : public Source {
 public:
  Prometheus(ports::Http& http, const spec::Source& source, Secret token)
      : connection_(http, source, std::move(token)) {}

  Result<std::vector<WindowCounts>> compare(const spec::Gate& gate, const Variables& variables, Instant after,
                                            Instant until) override {
    const Windows all = TRY(aligned_windows(after, until, gate.every));
    std::vector<WindowCounts> out;
    for (std::int64_t from = 0; from < all.count; from += windows_a_request) {
      Windows some = all;
      some.first = all.end(from);
      some.count = std::min(windows_a_request, all.count - from);
      TRY(compare_some(gate, variables, some, out));
    }
    return out;
  }

  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    const std::string query = TRY(fill_query(gate.query, variables, nullptr));
    const Data data = TRY(ask("/api/v1/query", {{"query", query}, {"time", in_seconds(at)}}, query));
    gate::Measurement out;
    if (data.type == "scalar") {
      const auto point = read_point(data.result);
      if (!point) return unreadable("a scalar is no [time, value]", query);
      out.scalar = true;
      out.values.push_back(point->value);
    } else if (data.type == "vector") {
      if (!data.result.is_array()) return unreadable("a vector is no list", query);
      for (const doc::Value& series : data.result.as_array()) {
        const doc::Value* value = series.find("value");
        const auto point = value == nullptr ? std::nullopt : read_point(*value);
        if (!point) return unreadable("a series has no [time, value] (native histograms have none)", query);
        out.values.push_back(point->value);
      }
    } else if (data.type == "matrix") {
      return wrong_type("a range vector", "aggregate it over time, for example: avg_over_time(...[5m])",
                        query);
    } else {
      return wrong_type(fmt::format("a {}", printable(data.type, 40)), "ask for a number", query);
    }
    out.has_data = !out.values.empty();
    return out;
  }

 private:
  std::unexpected<Error> unreadable(std::string_view what, std::string_view query) {
    return fail_hint(ErrorKind::failed, "see that the url leads to a Prometheus",
                     "{} gave an answer that cannot be read: {}; the query was: {}", connection_.name(), what,
                     printable(query, 500));
  }
  std::unexpected<Error> wrong_type(std::string_view type, std::string hint, std::string_view query) {
    return fail_hint(ErrorKind::invalid, std::move(hint), "{} answered with {}; the query was: {}",
                     connection_.name(), type, printable(query, 500));
  }

  // POST, because queries are long; GET where a proxy allows nothing else.
  Result<Data> ask(std::string_view path, const Form& form, std::string_view query) {
    Answer answer = TRY(connection_.post(path, form));
    if (answer.status == 405) answer = TRY(connection_.get(path, form));
    const doc::Value* status = answer.body.find("status");
    if (answer.status != 200 || status == nullptr || !status->is_string() ||
        status->as_string() != "success") {
      const auto text = [&](std::string_view key) {
        const doc::Value* value = answer.body.find(key);
        return value != nullptr && value->is_string() ? printable(value->as_string(), 300) : std::string{};
      };
      const std::string type = text("errorType"), why = text("error");
      const bool bad_query = type == "bad_data" || answer.status == 422;
      return fail_hint(bad_query ? ErrorKind::invalid : ErrorKind::failed,
                       bad_query ? "try the query in Prometheus' own page"
                                 : "see that the server is well and that its url in sources: is right",
                       "{} refused (HTTP {}{}{}{}{}); the query was: {}", connection_.name(), answer.status,
                       type.empty() ? "" : ", ", type, why.empty() ? "" : ": ", why, printable(query, 500));
    }
    const doc::Value* data = answer.body.find("data");
    const doc::Value* type = data == nullptr ? nullptr : data->find("resultType");
    doc::Value* result = data == nullptr ? nullptr : answer.body.find("data")->find("result");
    if (type == nullptr || !type->is_string() || result == nullptr)
      return unreadable("no data.resultType or data.result", query);
    return Data{type->as_string(), std::move(*result)};
  }

  // What a range query gave, by stratum: one number a window, NaN where there was none.
  struct Table {
    std::map<std::string, std::vector<double>> rows;
    std::vector<bool> spoilt;  // windows with a sample that is no count
  };

  Result<Table> count(const std::string& query, const Windows& windows) {
    const Data data = TRY(ask("/api/v1/query_range",
                              {{"query", query},
                               {"start", in_seconds(windows.first)},
                               {"end", in_seconds(windows.end(windows.count - 1))},
                               {"step", in_seconds(windows.every)}},
                              query));
    if (data.type != "matrix")
      return wrong_type(fmt::format("a {}", printable(data.type, 40)), "ask for counts", query);
    if (!data.result.is_array()) return unreadable("a matrix is no list", query);
    Table table;
    const auto size = static_cast<std::size_t>(windows.count);
    table.spoilt.resize(size);
    for (const doc::Value& series : data.result.as_array()) {
      const doc::Value* labels = series.find("metric");
      const doc::Value* values = series.find("values");
      if (labels == nullptr || !labels->is_object() || values == nullptr || !values->is_array())
        return unreadable("a series has no metric or no values (native histograms have none)", query);
      const doc::Value* label = labels->find("stratum");
      const std::string stratum = label != nullptr && label->is_string() ? label->as_string() : "all";
      std::vector<double>& row = table.rows[stratum];
      if (table.rows.size() > most_strata)
        return fail_hint(ErrorKind::invalid, "sum by (stratum) with the label that `tranche serve` gives",
                         "{} answered with more than {} strata; the query was: {}", connection_.name(),
                         most_strata, printable(query, 500));
      row.resize(size, missing);
      for (const doc::Value& value : values->as_array()) {
        const auto point = read_point(value);
        if (!point) return unreadable("a sample is no [time, value]", query);
        const Duration since = point->at - windows.first;
        const std::int64_t index = since / windows.every;
        if (since < Duration::zero() || since % windows.every != Duration::zero() || index >= windows.count)
          return unreadable("a sample is at a time that was not asked for", query);
        const auto i = static_cast<std::size_t>(index);
        // Several series of a stratum add up: a query without sum() gives one an instance.
        if (!(point->value >= 0 && point->value <= largest_count))
          table.spoilt[i] = true;
        else
          row[i] = std::isnan(row[i]) ? point->value : row[i] + point->value;
      }
    }
    return table;
  }

  Result<> compare_some(const spec::Gate& gate, const Variables& variables, const Windows& windows,
                        std::vector<WindowCounts>& out) {
    struct OfArm {
      Table events, exposure;
    };
    std::array<OfArm, 2> arms;
    for (const Arm arm : {Arm::canary, Arm::control}) {
      OfArm& of_arm = arms[static_cast<std::size_t>(arm)];
      of_arm.exposure = TRY(count(TRY(fill_arm_query(gate.exposure, gate, variables, arm)), windows));
      of_arm.events = TRY(count(TRY(fill_arm_query(gate.events, gate, variables, arm)), windows));
    }
    const OfArm &canary = arms[0], &control = arms[1];
    for (std::size_t i = 0; i < static_cast<std::size_t>(windows.count); ++i) {
      WindowCounts& window = out.emplace_back();
      window.end = windows.end(static_cast<std::int64_t>(i));
      for (const auto& [arm, name] : {std::pair{&canary, "canary"}, {&control, "control"}})
        for (const auto& [table, what] : {std::pair{&arm->events, "events"}, {&arm->exposure, "exposure"}})
          if (table->spoilt[i])
            window.gap =
                fmt::format("{} of {} held a sample that is no count (NaN, infinite, negative)", what, name);
      if (!window.gap.empty()) continue;
      fill_window(window, i, canary.exposure, canary.events, control.exposure, control.events);
    }
    return {};
  }

  static double at(const Table& table, const std::string& stratum, std::size_t i) {
    const auto row = table.rows.find(stratum);
    return row == table.rows.end() ? missing : row->second[i];
  }

  // A stratum counts where both arms were exposed; events without a series never happened.
  static void fill_window(WindowCounts& window, std::size_t i, const Table& canary_exposure,
                          const Table& canary_events, const Table& control_exposure,
                          const Table& control_events) {
    bool unrandomised = false;
    for (const auto& [stratum, row] : canary_exposure.rows) {
      const double canary = row[i], control = at(control_exposure, stratum, i);
      if (std::isnan(canary) || std::isnan(control)) continue;
      if (!is_randomised(stratum)) {
        unrandomised = true;
        continue;
      }
      const double bad = at(canary_events, stratum, i), control_bad = at(control_events, stratum, i);
      window.counts[stratum] = {{std::isnan(bad) ? 0 : bad, canary},
                                {std::isnan(control_bad) ? 0 : control_bad, control}};
    }
    window.has_data = !window.counts.empty();
    if (window.has_data) return;
    const auto any = [&](const Table& table) {
      for (const auto& [stratum, row] : table.rows)
        if (is_randomised(stratum) && !std::isnan(row[i])) return true;
      return false;
    };
    const bool canary = any(canary_exposure), control = any(control_exposure);
    window.gap = canary && control ? "no stratum has exposure of both arms"
                 : canary          ? "no exposure of control"
                 : control         ? "no exposure of canary"
                 : unrandomised    ? "only devices that chance has not placed"
                                   : "no exposure of either arm";
  }

  Connection connection_;
};

}  // namespace

std::unique_ptr<Source> make_prometheus(ports::Http& http, const spec::Source& source, Secret token) {
  return std::make_unique<Prometheus>(http, source, std::move(token));
}

}  // namespace tranche::metrics
