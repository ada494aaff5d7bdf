// The keys of `judge: kayenta` gates.
#include <cmath>

#include "spec/grammar.hpp"
#include "spec/tables.hpp"

namespace tranche::spec {
namespace {

using namespace std::chrono_literals;
constexpr Duration a_day = std::chrono::hours(24);

bool read_number(const Value& value, double least, double most, double& out, Reader& reader) {
  const std::string range = fmt::format("{} to {}", least, most);
  if (!value.is_number()) {
    reader.wrong_type(value, "a number", range);
    return false;
  }
  const double given = value.as_double();
  if (!std::isfinite(given) || given < least || given > most) {
    reader.bad_value(value, fmt::format("{} is out of range", given), range);
    return false;
  }
  out = given;
  return true;
}
Value number_schema(double least, double most) {
  return Value::object({{"type", "number"}, {"minimum", least}, {"maximum", most}});
}

Codec<double> number(double least, double most) {
  return {[least, most](const Value& value, double& out, Reader& reader) {
            (void)read_number(value, least, most, out, reader);
          },
          [](const double& from) { return Value(from); },
          [least, most](SchemaBook&) { return number_schema(least, most); }};
}

Codec<std::optional<double>> optional_number(double least, double most) {
  return {[least, most](const Value& value, std::optional<double>& out, Reader& reader) {
            double given = 0;
            if (read_number(value, least, most, given, reader)) out = given;
          },
          [](const std::optional<double>& from) { return from ? Value(*from) : Value(); },
          [least, most](SchemaBook&) { return number_schema(least, most); }};
}

constexpr std::size_t most_groups = 100;

Codec<std::map<std::string, double>> weights_codec() {
  return {[](const Value& value, std::map<std::string, double>& out, Reader& reader) {
            if (!value.is_object())
              return reader.wrong_type(value, "a map of groups", "write { errors: 60, latency: 40 }");
            if (value.as_object().size() > most_groups)
              return reader.bad_value(value, fmt::format("{} groups", value.as_object().size()),
                                      fmt::format("at most {}", most_groups));
            for (const Member& member : value.as_object()) {
              double weight = 0;
              if (read_number(member.value, 0, 100, weight, reader)) out[member.key] = weight;
            }
          },
          [](const std::map<std::string, double>& from) {
            Object out;
            for (const auto& [group, weight] : from) out.push_back({group, weight, {}});
            return Value(std::move(out));
          },
          [](SchemaBook&) {
            Value out = Value::object({{"type", "object"}});
            out.set("additionalProperties", number_schema(0, 100));
            return out;
          }};
}

Result<> check_title(std::string_view title) {
  if (title.empty() || title.size() > 100)
    return fail_hint(ErrorKind::invalid, "1 to 100 bytes", "'{}' is not a name", printable(title, 64));
  return {};
}
Codec<std::string> title() { return text({"a name", check_title, ""}); }

const Table<KayentaMetric>& metric_table() {
  using Direction = KayentaMetric::Direction;
  using Nan = KayentaMetric::Nan;
  using Outliers = KayentaMetric::Outliers;
  using Measure = KayentaMetric::Measure;
  static const Table<KayentaMetric> table{
      "kayenta-metric",
      "A metric of Kayenta's judge.",
      {field("name", &KayentaMetric::name, title(), "unlike the other metrics' names").must(),
       field("query", &KayentaMetric::query, text({"a query", check_query, ""}),
             "query with $arm; one series comes back an arm")
           .must(),
       field("direction", &KayentaMetric::direction,
             choice<Direction>({{"either", Direction::either},
                                {"increase", Direction::increase},
                                {"decrease", Direction::decrease}}),
             "the change that is bad"),
       field("nan", &KayentaMetric::nan, choice<Nan>({{"remove", Nan::remove}, {"replace", Nan::replace}}),
             "gaps in the series: take them out, or replace them by zero"),
       field("critical", &KayentaMetric::critical, boolean(), "its failure makes the score 0"),
       field("muted", &KayentaMetric::muted, boolean(), "classified and shown, not scored"),
       field("must-have-data", &KayentaMetric::must_have_data, boolean(),
             "no samples count as a failure of the metric"),
       field("group", &KayentaMetric::groups,
             list(title(), {.least = 1, .most = most_groups, .one_or_many = true}),
             "the group, or groups, whose score it counts in"),
       field("outliers", &KayentaMetric::outliers,
             choice<Outliers>({{"keep", Outliers::keep}, {"remove", Outliers::remove}}),
             "remove: what lies beyond outlier-factor interquartile ranges"),
       field("outlier-factor", &KayentaMetric::outlier_factor, number(0.001, 1'000),
             "in interquartile ranges"),
       group<KayentaMetric>(
           "effect", "how large a change must be to count",
           {field(
                "measure", &KayentaMetric::measure,
                choice<Measure>({{"mean-ratio", Measure::mean_ratio}, {"cles", Measure::cles}}),
                "mean-ratio: canary's mean over control's; cles: chance that a canary sample is the larger"),
            field("allowed-increase", &KayentaMetric::allowed_increase, optional_number(0, 1e6),
                  "an increase counts from here; by default any"),
            field("allowed-decrease", &KayentaMetric::allowed_decrease, optional_number(0, 1e6),
                  "a decrease counts from here; by default any"),
            field("critical-increase", &KayentaMetric::critical_increase, optional_number(0, 1e6),
                  "of a critical metric: an increase makes the score 0 from here"),
            field("critical-decrease", &KayentaMetric::critical_decrease, optional_number(0, 1e6),
                  "of a critical metric: a decrease makes the score 0 from here")})},
      {}};
  return table;
}

}  // namespace

const Table<Kayenta>& kayenta_table() {
  static const Table<Kayenta> table{
      "kayenta",
      "Kayenta's canary judge.",
      {field("metrics", &Kayenta::metrics,
             list(record<KayentaMetric>(metric_table), {"metric", 1, 100, false, "metrics"}),
             "what Kayenta's judge compares"),
       field("weights", &Kayenta::weights, weights_codec(),
             "percent of the score a group; groups without share what is left to 100"),
       field("pass", &Kayenta::pass, number(0, 100), "least score to pass"),
       field("marginal", &Kayenta::marginal, number(0, 100), "least score that is not a failure"),
       field("step", &Kayenta::step, duration(1s, a_day), "between samples"),
       field("lookback", &Kayenta::lookback, duration(0s, 30 * a_day),
             "how far back samples are taken; 0: since the stage began"),
       field("unit-safe", &Kayenta::unit_safe, boolean(),
             "true: an interval without Kayenta's absolute tolerance, so that units do not matter"),
       field("points", &Kayenta::points, integer(1, 100'000),
             "least samples an arm and metric; with fewer the gate is inconclusive")},
      {}};
  return table;
}

}  // namespace tranche::spec
