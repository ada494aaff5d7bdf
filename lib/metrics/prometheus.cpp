// Counts and measurements from Prometheus' HTTP API (prometheus.io/docs/prometheus/latest/querying/api/),
// which VictoriaMetrics and others speak too.
//
// A compare gate asks four range queries: events and exposure of both arms, one point at the end of every
// aligned window (two for a histogram). A threshold gate asks one instant query.
#include <charconv>
#include <cmath>

#include "base/text.hpp"
#include "metrics/connection.hpp"
#include "metrics/query_source.hpp"

namespace tranche::metrics {

using namespace internal;

namespace {

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

class Prometheus final : public QuerySource {
 public:
  explicit Prometheus(Connection connection) : connection_(std::move(connection)) {}

  Result<gate::Measurement> measure(const spec::Gate& gate, const Variables& variables, Instant at) override {
    forget_notes();
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

 protected:
  Result<> range(const std::string& query, const Windows& windows, Table& into) override {
    const Data data = TRY(ask("/api/v1/query_range",
                              {{"query", query},
                               {"start", in_seconds(windows.first)},
                               {"end", in_seconds(windows.end(windows.count - 1))},
                               {"step", in_seconds(windows.every)}},
                              query));
    if (data.type != "matrix")
      return wrong_type(fmt::format("a {}", printable(data.type, 40)), "ask for counts", query);
    if (!data.result.is_array()) return unreadable("a matrix is no list", query);
    for (const doc::Value& series : data.result.as_array()) {
      const doc::Value* labels = series.find("metric");
      const doc::Value* values = series.find("values");
      if (labels == nullptr || !labels->is_object() || values == nullptr || !values->is_array())
        return unreadable("a series has no metric or no values (native histograms have none)", query);
      const auto label = [&](std::string_view name) -> std::string_view {
        const doc::Value* value = labels->find(name);
        return value != nullptr && value->is_string() ? std::string_view(value->as_string()) : "";
      };
      TRY(into.begin(label("stratum"), label("le")));
      for (const doc::Value& value : values->as_array()) {
        const auto point = read_point(value);
        if (!point) return unreadable("a sample is no [time, value]", query);
        into.put(point->at, point->value);
      }
      into.finish();
    }
    return {};
  }
  [[nodiscard]] std::string clock_words(Duration window) const override {
    return internal::clock_words(connection_.clock_ahead(), window);
  }

 private:
  std::unexpected<Error> unreadable(std::string_view what, std::string_view query) const {
    return connection_.unreadable(what, query, "see that the url leads to a Prometheus");
  }
  std::unexpected<Error> wrong_type(std::string_view type, std::string hint, std::string_view query) const {
    return fail_hint(ErrorKind::invalid, std::move(hint), "{} answered with {}; the query was: {}",
                     connection_.name(), type, printable(query, 500));
  }

  // POST, because queries are long; GET where a proxy allows nothing else.
  Result<Data> ask(std::string_view path, const Form& form, std::string_view query) {
    Answer answer = TRY(connection_.post(path, form));
    if (answer.status == 405) answer = TRY(connection_.get(path, form));
    const doc::Value* status = answer.body.find("status");
    if (answer.status != 200) {
      const std::string type = words_in(answer.body, "errorType"), why = words_in(answer.body, "error");
      const bool bad_query = type == "bad_data" || answer.status == 422;
      return connection_.refused(answer, type.empty() || why.empty() ? type + why : type + ": " + why, query,
                                 bad_query ? "try the query in Prometheus' own page" : "");
    }
    if (status == nullptr || !status->is_string() || status->as_string() != "success")
      return unreadable(fmt::format("its status is not success: {}", words_in(answer.body, "error")), query);
    // VictoriaMetrics' cluster and Thanos: some of their nodes did not answer, so counts would be too low.
    if (const doc::Value* partial = answer.body.find("isPartial");
        partial != nullptr && partial->is_bool() && partial->as_bool())
      return unreadable("it is partial: some of its storage did not answer", query);
    for (const std::string_view key : {"warnings", "infos"})
      if (const doc::Value* said = answer.body.find(key); said != nullptr && said->is_array())
        for (const doc::Value& one : said->as_array())
          if (one.is_string()) note("the server says: " + printable(one.as_string(), 300));
    doc::Value* data = answer.body.find("data");
    const doc::Value* type = data == nullptr ? nullptr : data->find("resultType");
    doc::Value* result = data == nullptr ? nullptr : data->find("result");
    if (type == nullptr || !type->is_string() || result == nullptr)
      return unreadable("it has no data.resultType or data.result", query);
    return Data{type->as_string(), std::move(*result)};
  }

  Connection connection_;
};

}  // namespace

Result<std::unique_ptr<Source>> make_prometheus(const Surroundings& around, const spec::Source& source) {
  Connection connection = TRY(Connection::make(around, source));
  return std::make_unique<Prometheus>(std::move(connection));
}

}  // namespace tranche::metrics
