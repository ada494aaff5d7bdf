// How points become counts and gaps, whatever server gave them.
#include "metrics/query_source.hpp"

#include <cmath>
#include <functional>

#include "metrics/source_testing.hpp"

using namespace tranche;
using namespace tranche::metrics;
using internal::Table;

namespace {

struct Fake final : internal::QuerySource {
  std::function<Result<>(const std::string&, const internal::Windows&, Table&)> answer;
  std::vector<std::pair<std::string, std::int64_t>> asked;
  std::string clocks;

  Result<gate::Measurement> measure(const spec::Gate&, const Variables&, Instant) override {
    return gate::Measurement{};
  }
  Result<> range(const std::string& query, const internal::Windows& windows, Table& into) override {
    asked.emplace_back(query, windows.count);
    return answer(query, windows, into);
  }
  [[nodiscard]] std::string clock_words(Duration) const override { return clocks; }
};

// One series with the same number in each window.
Result<> row(Table& into, const internal::Windows& windows, std::string_view stratum, std::string_view bound,
             double value) {
  TRY(into.begin(stratum, bound));
  for (std::int64_t i = 0; i < windows.count; ++i) into.put(windows.end(i), value);
  into.finish();
  return {};
}

spec::Gate latency_gate() {
  spec::Gate gate;
  gate.name = "latency";
  gate.statistic = spec::Gate::Statistic::quantile;
  gate.histogram = "buckets{arm=\"$arm\"}";
  return gate;
}

}  // namespace

TEST_CASE("cumulative buckets become increments at the bounds that both arms have") {
  Fake fake;
  fake.answer = [](const std::string& query, const internal::Windows& windows, Table& into) -> Result<> {
    const bool canary = holds(query, "canary");
    TRY(row(into, windows, "50000", "0.1", canary ? 5 : 50));
    if (canary) TRY(row(into, windows, "50000", "0.25", 6));  // the release has a bucket more
    TRY(row(into, windows, "50000", "0.5", canary ? 9 : 80));
    TRY(row(into, windows, "50000", "2.5", canary ? 8.5 : 80));  // extrapolated a little below
    return row(into, windows, "50000", "+Inf", canary ? 10 : 100);
  };
  const auto got = fake.compare(latency_gate(), variables(), start, start + 450 * minute);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 450);
  CHECK(fake.asked.size() == 6);  // pieces of 200 windows
  CHECK(fake.asked[0].second == 200);
  REQUIRE(got->at(0).has_data);
  const gate::StratumCounts& counts = got->at(449).counts.at("50000");
  REQUIRE(counts.bounds.size() == 4);
  CHECK(counts.bounds[1] == 0.5);
  CHECK(std::isinf(counts.bounds[3]));
  CHECK(counts.canary.buckets == std::vector<double>{5, 4, 0, 1});
  CHECK(counts.control.buckets == std::vector<double>{50, 30, 0, 20});
  CHECK(counts.canary.exposure == 10);
  CHECK(counts.control.exposure == 100);
}

TEST_CASE("a histogram without le, or without a last bucket, is told apart from no data") {
  Fake fake;
  fake.answer = [](const std::string&, const internal::Windows& windows, Table& into) {
    return row(into, windows, "50000", "", 5);
  };
  const auto none = fake.compare(latency_gate(), variables(), start, start + minute);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().kind == ErrorKind::invalid);
  CHECK(holds(none.error().hint, "sum by (le)"));
  CHECK(holds(none.error().message, "the query was: buckets{arm=\"canary\"}"));
  fake.answer = [](const std::string&, const internal::Windows& windows, Table& into) {
    return row(into, windows, "50000", "0.5", 5);
  };
  const auto open = fake.compare(latency_gate(), variables(), start, start + minute);
  REQUIRE(open.has_value());
  CHECK_FALSE(open->at(0).has_data);
  CHECK(holds(open->at(0).gap, "+Inf"));
  fake.answer = [](const std::string&, const internal::Windows&, Table&) { return Result<>{}; };
  CHECK(fake.compare(latency_gate(), variables(), start, start + minute)->at(0).gap ==
        "no exposure of either arm");
}

TEST_CASE("points off the grid are passed over, and of two at one time the later counts") {
  Fake fake;
  fake.answer = [](const std::string&, const internal::Windows& windows, Table& into) -> Result<> {
    TRY(into.begin("", ""));
    into.put(windows.end(0), 3);
    into.put(windows.end(0) + Duration(1), 100);
    into.put(windows.end(0) - minute, 100);
    into.put(windows.end(windows.count - 1) + minute, 100);
    into.put(windows.end(1), -1);
    into.put(windows.end(1), 4);
    into.put(windows.end(0), 5);
    into.put(windows.end(2), std::nan(""));
    into.finish();
    return {};
  };
  spec::Gate gate;
  gate.name = "crashes";
  gate.events = "e{arm=\"$arm\"}";
  gate.exposure = "x{arm=\"$arm\"}";
  fake.clocks = " (the server's clock is 2h ahead of ours)";
  const auto got = fake.compare(gate, variables(), start, start + 3 * minute);
  REQUIRE(got.has_value());
  CHECK(got->at(0).counts.at("all").canary.exposure == 5);
  CHECK(got->at(1).counts.at("all").control.events == 4);
  CHECK_FALSE(got->at(2).has_data);
  CHECK(holds(got->at(2).gap, "no count"));
  CHECK(holds(got->at(2).gap, "2h ahead"));
  REQUIRE(fake.notes().size() == 2);
  CHECK(fake.notes()[0] == "3 points at times that were not asked for were passed over");
  CHECK(holds(fake.notes()[1], "2 samples were no counts"));
}

TEST_CASE("devices that were given their arm are counted beside the rest") {
  Fake fake;
  fake.answer = [](const std::string& query, const internal::Windows& windows, Table& into) -> Result<> {
    const double base = holds(query, "canary") ? 1 : 19;
    TRY(row(into, windows, "50000", "", base * (holds(query, "assigned") ? 10 : 100)));
    return row(into, windows, "1000000", "", 7);
  };
  spec::Gate gate;
  gate.name = "crashes";
  gate.events = "e{arm=\"$arm\"}";
  gate.exposure = "x{arm=\"$arm\"}";
  gate.assignments = "assigned{arm=\"$arm\"}";
  const auto got = fake.compare(gate, variables(), start, start + minute);
  REQUIRE(got.has_value());
  REQUIRE(got->at(0).assigned.size() == 1);
  CHECK(got->at(0).assigned.at("50000").canary.exposure == 10);
  CHECK(got->at(0).assigned.at("50000").control.exposure == 190);
  CHECK(got->at(0).counts.at("50000").canary.exposure == 100);
}

TEST_CASE("the course of a metric is one number a step, and several series are refused") {
  Fake fake;
  fake.answer = [](const std::string& query, const internal::Windows& windows, Table& into) -> Result<> {
    TRY(into.begin("whatever", ""));
    into.put(windows.end(0), holds(query, "1.1.0") ? -2 : 2);
    into.put(windows.end(2), std::nan(""));
    into.finish();
    if (holds(query, "two")) return into.begin("", "");
    return {};
  };
  const auto canary = fake.series("m{v=\"$version\",arm=\"$arm\"}", variables(), Arm::canary, start,
                                  start + 3 * minute, minute);
  REQUIRE(canary.has_value());
  REQUIRE(canary->size() == 3);
  CHECK(fake.asked[0].first == "m{v=\"1.2.0\",arm=\"canary\"}");
  CHECK((*canary)[0] == 2);
  CHECK(std::isnan((*canary)[1]));
  CHECK(std::isnan((*canary)[2]));
  CHECK((*fake.series("m{v=\"$version\"}", variables(), Arm::control, start, start + minute, minute))[0] ==
        -2);
  const auto two = fake.series("two", variables(), Arm::canary, start, start + minute, minute);
  REQUIRE_FALSE(two.has_value());
  CHECK(two.error().kind == ErrorKind::invalid);
  CHECK(fake.series("m", variables(), Arm::canary, start, start + 4'500 * minute, minute)->size() == 4'500);
}

TEST_CASE("points within a window add up, and what cannot be bounded is refused") {
  const internal::Windows windows{start + minute, 2, minute};
  Table table(windows, Table::Reading::counts);
  REQUIRE(table.begin("s", "").has_value());
  for (int i = -1; i < 13; ++i) table.add_within(start + i * std::chrono::seconds(10), 1);
  table.finish();
  CHECK(table.rows().at("s").begin()->second == Table::Row{6, 6});
  CHECK(table.passed_over() == 2);
  Table many(windows, Table::Reading::counts);
  for (int i = 0; i < 64; ++i) REQUIRE(many.begin(fmt::format("{}", i), "").has_value());
  CHECK_FALSE(many.begin("64", "").has_value());
  Table buckets(windows, Table::Reading::histogram);
  int taken = 0;
  while (taken < 10'000 && buckets.begin("s", fmt::format("{}", taken)).has_value()) ++taken;
  CHECK(taken == 1'000);
  CHECK_FALSE(buckets.begin("s", "-Inf").has_value());
  const double most = internal::largest_count;
  Table sums(windows, Table::Reading::counts);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(sums.begin("s", "").has_value());
    sums.put(windows.end(0), most);
    sums.finish();
  }
  CHECK(sums.spoilt(0));  // each is a count, together they are none
  CHECK_FALSE(sums.spoilt(1));
  CHECK_FALSE(buckets.begin("s", "NaN").has_value());
  CHECK_FALSE(buckets.begin("s", "1x").has_value());
}
