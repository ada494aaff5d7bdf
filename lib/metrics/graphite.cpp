// Counts and measurements from graphite-web's render API
// (graphite.readthedocs.io/en/stable/render_api.html, format=json): a point stands for the step that begins
// at its time, and null is a step without a value.
//
// A counter of a metrics daemon arrives as one count a step, so the points of a window add up;
// summarize(..., "1min", "sum", true) gives one point a window and says the same. Steps that are longer than
// a window, or do not divide it, are refused: whisper keeps old data in longer steps.
#include <cmath>

#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query_source.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

// Queries span lines in YAML; graphite's grammar wants none. Quoted text stays.
std::string without_blanks(std::string_view query) {
  std::string out;
  char quote = '\0';
  for (const char c : query) {
    if (quote != 0) {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      continue;
    }
    out += c;
  }
  return out;
}

std::int64_t in_seconds(Instant instant) {
  return std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count();
}

// [value or null, time]
struct Point {
  std::optional<double> value;
  Instant at;
};
std::optional<Point> read_point(const doc::Value& pair) {
  if (!pair.is_array() || pair.as_array().size() != 2) return std::nullopt;
  const doc::Value &value = pair.as_array()[0], &time = pair.as_array()[1];
  if (!time.is_int() || time.as_int() < 0 || time.as_int() > 100'000'000'000) return std::nullopt;
  if (!value.is_null() && !value.is_number()) return std::nullopt;
  return Point{value.is_null() ? std::nullopt : std::optional(value.as_double()),
               Instant(std::chrono::seconds(time.as_int()))};
}

struct Row {
  std::string stratum;
  std::vector<Point> points;
};

class Graphite final : public QuerySource {
 public:
  explicit Graphite(Connection connection) : connection_(std::move(connection)) {}

  // The values of the last `interval`, oldest first, nulls left out: a list, as Argo gives it.
  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    forget_notes();
    const std::string query = without_blanks(TRY(fill_query(gate.query, variables, nullptr)));
    const std::vector<Row> rows = TRY(ask(query, at - gate.interval, at));
    if (rows.size() > 1)
      return fail_hint(ErrorKind::invalid, "make one series of it: sumSeries(...), averageSeries(...)",
                       "{} answered with {} series; the query was: {}", connection_.name(), rows.size(),
                       printable(query, 500));
    gate::Measurement out;
    if (!rows.empty())
      for (const Point& point : rows[0].points)
        if (point.value) out.values.push_back(*point.value);
    out.has_data = !out.values.empty();
    return out;
  }

 protected:
  Result<> range(const std::string& text, const Windows& windows, Table& into) override {
    const std::string query = without_blanks(text);
    // One window more, so that a step shows even where one window is asked for.
    const Instant from = windows.first - windows.every;
    const std::vector<Row> rows = TRY(ask(query, from - windows.every, windows.end(windows.count - 1)));
    for (const Row& row : rows) {
      if (row.points.empty()) continue;
      Duration step =
          static_cast<std::int64_t>(row.points.size()) > windows.count ? windows.every : Duration{};
      for (std::size_t i = 1; i < row.points.size(); ++i) {
        const Duration here = row.points[i].at - row.points[i - 1].at;
        if (here <= Duration::zero() || windows.every % here != Duration::zero()) step = Duration{};
      }
      if (step == Duration{})
        return fail_hint(
            ErrorKind::invalid, "poll in multiples of its step (every:), or summarize() to the window",
            "{} gives {} points for {} windows of {}: its steps do not fit them; the query was: {}",
            connection_.name(), row.points.size(), windows.count + 1, to_text(windows.every),
            printable(query, 500));
      TRY(into.begin(row.stratum, ""));
      for (const Point& point : row.points)
        if (point.value && point.at >= from) into.add_within(point.at, *point.value);
      into.finish();
    }
    return {};
  }
  [[nodiscard]] std::string clock_words(Duration window) const override {
    return internal::clock_words(connection_.clock_ahead(), window);
  }

 private:
  std::unexpected<Error> unreadable(std::string_view what, std::string_view query) const {
    return connection_.unreadable(what, query, "see that the url leads to a graphite-web");
  }

  // Points in [from, until).
  Result<std::vector<Row>> ask(const std::string& query, Instant from, Instant until) {
    // graphite takes `from` without the second itself.
    const Answer answer = TRY(connection_.get("/render", {{"target", query},
                                                          {"from", std::to_string(in_seconds(from) - 1)},
                                                          {"until", std::to_string(in_seconds(until) - 1)},
                                                          {"format", "json"},
                                                          {"noCache", "1"}}));
    if (answer.status != 200)
      return connection_.refused(answer, "", query, "try the target in graphite's own composer");
    if (!answer.body.is_array()) return unreadable("it is no list of series", query);
    std::vector<Row> rows;
    for (const doc::Value& series : answer.body.as_array()) {
      const doc::Value* points = series.find("datapoints");
      if (points == nullptr || !points->is_array()) return unreadable("a series has no datapoints", query);
      Row& row = rows.emplace_back();
      if (const doc::Value* tags = series.find("tags"); tags != nullptr)
        if (const doc::Value* stratum = tags->find("stratum"); stratum != nullptr && stratum->is_string())
          row.stratum = stratum->as_string();
      for (const doc::Value& pair : points->as_array()) {
        const auto point = read_point(pair);
        if (!point) return unreadable("a point is no [value, time]", query);
        row.points.push_back(*point);
      }
    }
    return rows;
  }

  Connection connection_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_graphite(const Surroundings& around, const spec::Source& source) {
  Connection connection = TRY(Connection::make(around, source));
  return std::make_unique<Graphite>(std::move(connection));
}

}  // namespace tranche::metrics
