// Counts and measurements from Datadog (docs.datadoghq.com/api/latest/metrics): v1 "Query timeseries points",
// v2 "Query timeseries data" and "Query scalar data across multiple products".
//
// A point stands for the interval that begins at its time; the points of a window add up, so a count needs
// .as_count() and .rollup(sum, N) with an N that divides the window. A tag `stratum` is the stratum.
#include <cmath>

#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query_source.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

struct Point {
  Instant at;
  std::optional<double> value;
};
struct Row {
  std::string stratum;
  Duration interval{};  // zero: not said
  std::vector<Point> points;
};

std::optional<Instant> read_ms(const doc::Value& value) {
  if (!value.is_number() || !(value.as_double() >= 0 && value.as_double() < 1e14)) return std::nullopt;
  return Instant(Duration(std::llround(value.as_double())));
}

std::int64_t in_ms(Instant instant) { return instant.time_since_epoch().count(); }
std::int64_t in_seconds(Instant instant) { return in_ms(instant) / 1000; }

// Of ["arm:canary","stratum:50000"].
std::string stratum_of(const doc::Value* tags) {
  if (tags == nullptr || !tags->is_array()) return {};
  for (const doc::Value& tag : tags->as_array())
    if (tag.is_string() && tag.as_string().starts_with("stratum:")) return tag.as_string().substr(8);
  return {};
}

class Datadog final : public QuerySource {
 public:
  Datadog(Connection connection, const spec::Source& source)
      : connection_(std::move(connection)), api_(source.api), aggregator_(source.aggregator) {}

  // v1: the last point of `interval`. v2: the aggregator's number, or one a group.
  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    forget_notes();
    const std::string query = TRY(fill_query(gate.query, variables, nullptr));
    if (api_ == spec::Source::Api::v2) return scalar(query, at - gate.interval, at);
    const std::vector<Row> rows = TRY(points_v1(query, at - gate.interval, at));
    if (rows.size() > 1)
      return fail_hint(ErrorKind::invalid, "aggregate over the tags: sum:NAME{...} without by {}",
                       "{} answered with {} series; the query was: {}", connection_.name(), rows.size(),
                       printable(query, 500));
    gate::Measurement out;
    out.scalar = true;
    if (rows.empty() || rows[0].points.empty() || !rows[0].points.back().value) return out;
    out.values.push_back(*rows[0].points.back().value);
    out.has_data = true;
    return out;
  }

 protected:
  Result<> range(const std::string& query, const Windows& windows, Table& into) override {
    const Instant from = windows.first - windows.every, until = windows.end(windows.count - 1);
    std::vector<Row> rows;
    if (api_ == spec::Source::Api::v2)
      rows = TRY(points_v2(query, from, until, windows.every));
    else
      rows = TRY(points_v1(query, from, until));
    for (const Row& row : rows) {
      for (std::size_t i = 0; i < row.points.size(); ++i) {
        const Duration step = i > 0 ? row.points[i].at - row.points[i - 1].at : row.interval;
        if (i == 0 && row.interval == Duration::zero()) continue;
        if (step > Duration::zero() && windows.every % step == Duration::zero()) continue;
        // Points without a value may be left out: then steps are multiples of the interval.
        if (i > 0 && row.interval > Duration::zero() && step > Duration::zero() &&
            step % row.interval == Duration::zero())
          continue;
        return fail_hint(ErrorKind::invalid,
                         fmt::format("append .rollup(sum, {}) to the query", windows.every.count() / 1000),
                         "{} gives a point each {}, and windows are {}; the query was: {}",
                         connection_.name(), to_text(std::max(step, Duration::zero())),
                         to_text(windows.every), printable(query, 500));
      }
      TRY(into.begin(row.stratum, ""));
      for (const Point& point : row.points)
        if (point.value) into.add_within(point.at, *point.value);
      into.finish();
    }
    return {};
  }
  [[nodiscard]] std::string clock_words(Duration window) const override {
    return internal::clock_words(connection_.clock_ahead(), window);
  }

 private:
  std::unexpected<Error> unreadable(std::string_view what, std::string_view query) const {
    return connection_.unreadable(what, query, "see that the url is the API of your region");
  }

  std::unexpected<Error> refused(const Answer& answer, std::string_view query) const {
    std::string why;
    const doc::Value* errors = answer.body.find("errors");
    if (errors != nullptr && errors->is_array())
      for (const doc::Value& one : errors->as_array()) {
        const std::string text = one.is_string() ? one.as_string() : words_in(one, "detail");
        if (!text.empty() && why.size() < 300) why += (why.empty() ? "" : "; ") + text;
      }
    return connection_.refused(answer, why, query, "try the query in Datadog's metrics explorer");
  }

  Result<std::vector<Row>> points_v1(const std::string& query, Instant from, Instant until) {
    const Answer answer = TRY(connection_.get("/api/v1/query", {{"query", query},
                                                                {"from", std::to_string(in_seconds(from))},
                                                                {"to", std::to_string(in_seconds(until))}}));
    if (answer.status != 200) return refused(answer, query);
    const std::string why = words_in(answer.body, "error"), status = words_in(answer.body, "status");
    if (!why.empty() || (!status.empty() && status != "ok"))
      return fail_hint(ErrorKind::invalid, "try the query in Datadog's metrics explorer",
                       "{} refused: {}; the query was: {}", connection_.name(), why.empty() ? status : why,
                       printable(query, 500));
    const doc::Value* all = answer.body.find("series");
    if (all == nullptr || !all->is_array()) return unreadable("it has no series", query);
    std::vector<Row> rows;
    for (const doc::Value& series : all->as_array()) {
      const doc::Value* points = series.find("pointlist");
      if (points == nullptr || !points->is_array()) return unreadable("a series has no pointlist", query);
      Row& row = rows.emplace_back();
      row.stratum = stratum_of(series.find("tag_set"));
      if (const doc::Value* interval = series.find("interval"); interval != nullptr && interval->is_int() &&
                                                                interval->as_int() > 0 &&
                                                                interval->as_int() <= 31'536'000)
        row.interval = std::chrono::seconds(interval->as_int());
      for (const doc::Value& pair : points->as_array()) {
        if (!pair.is_array() || pair.as_array().size() != 2) return unreadable("a point is no pair", query);
        const auto at = read_ms(pair.as_array()[0]);
        const doc::Value& value = pair.as_array()[1];
        if (!at || (!value.is_null() && !value.is_number()))
          return unreadable("a point is no [time, value]", query);
        row.points.push_back({*at, value.is_null() ? std::nullopt : std::optional(value.as_double())});
      }
    }
    return rows;
  }

  // {"data":{"type","attributes":{"from","to","queries":[...],"formulas":[{"formula":"a"}]}}}
  Result<doc::Value> ask_v2(std::string_view path, std::string_view type, doc::Value attributes,
                            doc::Value one_query, const std::string& query) {
    one_query.set("data_source", "metrics");
    one_query.set("name", "a");
    one_query.set("query", query);
    attributes.set("queries", doc::Value(doc::Array{std::move(one_query)}));
    attributes.set("formulas", doc::Value(doc::Array{doc::Value::object({{"formula", "a"}})}));
    doc::Value data = doc::Value::object({{"type", type}});
    data.set("attributes", std::move(attributes));
    doc::Value body = doc::Value::object();
    body.set("data", std::move(data));
    Question question;
    question.method = "POST";
    question.url = connection_.url(path);
    question.content_type = "application/json";
    question.body = doc::to_json(body);
    Answer answer = TRY(connection_.send(std::move(question)));
    if (answer.status != 200) return refused(answer, query);
    if (const std::string why = words_in(answer.body, "errors"); !why.empty()) return unreadable(why, query);
    doc::Value* given = answer.body.find("data");
    doc::Value* found = given == nullptr ? nullptr : given->find("attributes");
    if (found == nullptr || !found->is_object()) return unreadable("it has no data.attributes", query);
    return std::move(*found);
  }

  Result<std::vector<Row>> points_v2(const std::string& query, Instant from, Instant until, Duration step) {
    const doc::Value attributes = TRY(
        ask_v2("/api/v2/query/timeseries", "timeseries_request",
               doc::Value::object({{"from", in_ms(from)}, {"to", in_ms(until)}, {"interval", step.count()}}),
               doc::Value::object(), query));
    const doc::Value *times = attributes.find("times"), *values = attributes.find("values"),
                     *all = attributes.find("series");
    if (times == nullptr || !times->is_array() || values == nullptr || !values->is_array() ||
        all == nullptr || !all->is_array() || all->as_array().size() != values->as_array().size())
      return unreadable("it has no times, or not values for each series", query);
    std::vector<Row> rows;
    for (std::size_t s = 0; s < all->as_array().size(); ++s) {
      const doc::Value& column = values->as_array()[s];
      if (!column.is_array() || column.as_array().size() != times->as_array().size())
        return unreadable("a series has not one value for each time", query);
      Row& row = rows.emplace_back();
      row.stratum = stratum_of(all->as_array()[s].find("group_tags"));
      for (std::size_t i = 0; i < column.as_array().size(); ++i) {
        const auto at = read_ms(times->as_array()[i]);
        const doc::Value& value = column.as_array()[i];
        if (!at || (!value.is_null() && !value.is_number())) return unreadable("a value is no number", query);
        row.points.push_back({*at, value.is_null() ? std::nullopt : std::optional(value.as_double())});
      }
    }
    return rows;
  }

  Result<gate::Measurement> scalar(const std::string& query, Instant from, Instant until) {
    const doc::Value attributes =
        TRY(ask_v2("/api/v2/query/scalar", "scalar_request",
                   doc::Value::object({{"from", in_ms(from)}, {"to", in_ms(until)}}),
                   doc::Value::object({{"aggregator", doc::Value(aggregator_)}}), query));
    const doc::Value* columns = attributes.find("columns");
    if (columns == nullptr || !columns->is_array()) return unreadable("it has no columns", query);
    gate::Measurement out;
    out.scalar = true;
    for (const doc::Value& column : columns->as_array()) {
      const std::string type = words_in(column, "type");
      if (type == "group") out.scalar = false;
      if (type != "number") continue;
      const doc::Value* values = column.find("values");
      if (values == nullptr || !values->is_array()) return unreadable("a column has no values", query);
      for (const doc::Value& value : values->as_array()) {
        if (value.is_null()) continue;
        if (!value.is_number()) return unreadable("a value is no number", query);
        out.values.push_back(value.as_double());
      }
    }
    if (out.values.size() > 1) out.scalar = false;
    out.has_data = !out.values.empty();
    return out;
  }

  Connection connection_;
  spec::Source::Api api_;
  std::string aggregator_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_datadog(const Surroundings& around, const spec::Source& source) {
  Connection connection = TRY(Connection::make(around, source));
  return std::make_unique<Datadog>(std::move(connection), source);
}

}  // namespace tranche::metrics
