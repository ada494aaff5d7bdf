// Counts and measurements from InfluxDB 1.x: InfluxQL over /query
// (docs.influxdata.com/influxdb/v1/tools/api, "/query HTTP endpoint").
//
// A query holds $time, which becomes the condition on time, and for counts GROUP BY time($window), of which
// each row is the window that begins at its time:
//   SELECT sum("value") FROM "crashes" WHERE "arm" = '$arm' AND $time GROUP BY time($window), "stratum"
// Tags named stratum and le mean what the labels of Prometheus mean. A gate only reads: nothing but one
// SELECT without INTO is sent.
#include <cmath>

#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query_source.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

// One SELECT: words outside quotes hold no ';' and no INTO.
Result<> check_reads(std::string_view query) {
  std::string words;
  char quote = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    words += c == '\n' || c == '\t' || c == '\r' || c == '(' || c == ')' ? ' ' : c;
  }
  words = lower(words);
  if (!trim(words).starts_with("select ") || words.find(';') != std::string::npos ||
      words.find(" into ") != std::string::npos || words.find("--") != std::string::npos ||
      words.find("/*") != std::string::npos)
    return fail_hint(ErrorKind::invalid, "write one SELECT, without INTO, ';' and comments",
                     "the query does more than read: {}", printable(query, 200));
  return {};
}

std::string fill_time(std::string query, Instant from, Instant until, Duration window) {
  query = replace_all(std::move(query), "$time",
                      fmt::format("time >= {}ms AND time < {}ms", from.time_since_epoch().count(),
                                  until.time_since_epoch().count()));
  return replace_all(std::move(query), "$window", fmt::format("{}ms", window.count()));
}

class InfluxDb final : public QuerySource {
 public:
  InfluxDb(Connection connection, const spec::Source& source)
      : connection_(std::move(connection)), database_(source.database), retention_(source.retention) {}

  // Every value of the one series over the last `interval`; nulls are left out.
  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    forget_notes();
    const std::string filled = TRY(fill_query(gate.query, variables, nullptr, kept()));
    const std::string query = fill_time(filled, at - gate.interval, at, gate.interval);
    gate::Measurement out;
    int series = 0;
    TRY(each_row(
        query, [&](const doc::Value&) -> Result<> { return ++series > 1 ? several(query) : Result<>{}; },
        [&](Instant, double value) { out.values.push_back(value); }));
    out.has_data = !out.values.empty();
    return out;
  }

 protected:
  Result<> range(const std::string& text, const Windows& windows, Table& into) override {
    const std::string query =
        fill_time(text, windows.first - windows.every, windows.end(windows.count - 1), windows.every);
    bool open = false;
    TRY(each_row(
        query,
        [&](const doc::Value& tags) -> Result<> {
          if (open) into.finish();
          open = true;
          const auto tag = [&](std::string_view name) -> std::string_view {
            const doc::Value* value = tags.find(name);
            return value != nullptr && value->is_string() ? std::string_view(value->as_string()) : "";
          };
          return into.begin(tag("stratum"), tag("le"));
        },
        [&](Instant at, double value) { into.put(at + windows.every, value); }));
    if (open) into.finish();
    return {};
  }
  [[nodiscard]] Names kept() const override {
    static constexpr std::string_view names[] = {"time", "window"};
    return names;
  }
  [[nodiscard]] std::string clock_words(Duration window) const override {
    return internal::clock_words(connection_.clock_ahead(), window);
  }

 private:
  std::unexpected<Error> unreadable(std::string_view what, std::string_view query) const {
    return connection_.unreadable(what, query, "see that the url leads to an InfluxDB 1.x");
  }
  Result<> several(const std::string& query) const {
    return fail_hint(ErrorKind::invalid, "leave GROUP BY out, or name the tag in WHERE",
                     "{} answered with several series; the query was: {}", connection_.name(),
                     printable(query, 500));
  }

  // `on_series` gets the tags (null without any), `on_value` each row that has a value.
  template <class OnSeries, class OnValue>
  Result<> each_row(const std::string& query, const OnSeries& on_series, const OnValue& on_value) {
    TRY(check_reads(query));
    Form form{{"db", database_}, {"epoch", "ms"}, {"q", query}};
    if (!retention_.empty()) form.emplace_back("rp", retention_);
    const Answer answer = TRY(connection_.get("/query", form));
    if (answer.status != 200)
      return connection_.refused(answer, words_in(answer.body, "error"), query,
                                 "try the query with the influx program");
    const doc::Value* results = answer.body.find("results");
    if (results == nullptr || !results->is_array() || results->as_array().size() != 1)
      return unreadable("it has not one result", query);
    const doc::Value& result = results->as_array()[0];
    if (const std::string why = words_in(result, "error"); !why.empty())
      return fail_hint(ErrorKind::invalid, "try the query with the influx program",
                       "{} refused: {}; the query was: {}", connection_.name(), why, printable(query, 500));
    if (const doc::Value* partial = result.find("partial"); partial != nullptr && partial->is_bool())
      return unreadable("it is partial", query);
    const doc::Value* all = result.find("series");
    if (all == nullptr) return {};  // nothing in that time
    if (!all->is_array()) return unreadable("its series are no list", query);
    for (const doc::Value& series : all->as_array()) {
      const doc::Value *columns = series.find("columns"), *values = series.find("values");
      if (columns == nullptr || !columns->is_array() || values == nullptr || !values->is_array() ||
          !series.is_object())
        return unreadable("a series has no columns or values", query);
      if (const doc::Value* partial = series.find("partial"); partial != nullptr)
        return unreadable("a series is partial", query);
      if (columns->as_array().size() != 2)
        return fail_hint(ErrorKind::invalid, "SELECT one value",
                         "{} answered with {} columns; the query was: {}", connection_.name(),
                         columns->as_array().size(), printable(query, 500));
      const doc::Value* tags = series.find("tags");
      TRY(on_series(tags == nullptr ? doc::Value() : *tags));
      for (const doc::Value& row : values->as_array()) {
        if (!row.is_array() || row.as_array().size() != 2 || !row.as_array()[0].is_int())
          return unreadable("a row is no [time, value]", query);
        const doc::Value& value = row.as_array()[1];
        if (value.is_null()) continue;
        const std::int64_t ms = row.as_array()[0].as_int();
        if (!value.is_number() || ms < 0 || ms > 100'000'000'000'000)
          return unreadable("a row holds no number", query);
        on_value(Instant(Duration(ms)), value.as_double());
      }
    }
    return {};
  }

  Connection connection_;
  std::string database_, retention_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_influxdb(const Surroundings& around, const spec::Source& source) {
  Connection connection = TRY(Connection::make(around, source));
  return std::make_unique<InfluxDb>(std::move(connection), source);
}

}  // namespace tranche::metrics
