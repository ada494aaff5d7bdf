#include "gate/running_histogram.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>

using namespace tranche;
using namespace tranche::gate;

namespace {
const double inf = std::numeric_limits<double>::infinity();
double total(const std::vector<double>& counts) { return std::accumulate(counts.begin(), counts.end(), 0.0); }
}  // namespace

TEST_CASE("a quantile of buckets is interpolated as Prometheus does") {
  RunningHistogram histogram;
  CHECK(std::isnan(quantile_of(histogram, true, 0.5)));
  add_buckets(histogram, true, {1, 2, 4, inf}, {10, 20, 60, 10}, 1);
  CHECK(quantile_of(histogram, true, 0.05) == doctest::Approx(0.5));
  CHECK(quantile_of(histogram, true, 0.2) == doctest::Approx(1.5));
  CHECK(quantile_of(histogram, true, 0.6) == doctest::Approx(3.0));
  CHECK(std::isnan(quantile_of(histogram, true, 0.95)));  // above every bound
  CHECK(std::isnan(quantile_of(histogram, false, 0.5)));
}

TEST_CASE("raw values fall into bounds an eighth of an octave apart") {
  RunningHistogram histogram;
  add_values(histogram, false, {0, 0.3, 0.31, 1, 1.01, 300}, 0.5);
  CHECK(histogram.bounds == std::vector<double>{0, 0.3125, 1, 1.125, 320});
  CHECK(histogram.control == std::vector<double>{0.5, 1, 0.5, 0.5, 0.5, 0});
}

TEST_CASE("the state stays bounded and loses no value, whatever arrives") {
  RunningHistogram raw, buckets;
  for (int e = -300; e < 300; ++e) add_values(raw, true, {std::pow(2.0, e), std::pow(2.0, e) * 1.3}, 1);
  CHECK(raw.bounds.size() <= RunningHistogram::largest_size);
  CHECK(total(raw.canary) == 1200);
  CHECK(raw.bounds.back() > 1e89);  // the upper tail is what is asked for
  std::vector<double> many;
  for (int i = 0; i < 999; ++i) many.push_back(i + 1);
  many.push_back(inf);
  add_buckets(buckets, false, many, std::vector<double>(1000, 1), 1);
  CHECK(buckets.bounds.size() <= RunningHistogram::largest_size);
  CHECK(total(buckets.control) == 1000);
  CHECK(quantile_of(buckets, false, 0.5) == doctest::Approx(500).epsilon(0.02));
  // Other bounds in a later poll are taken up, or rounded up.
  add_buckets(buckets, true, {0.5, 499.5, inf}, {1, 1, 1}, 1);
  CHECK(total(buckets.canary) == 3);
}

TEST_CASE("old polls fade once there are enough values") {
  RunningHistogram histogram;
  for (int i = 0; i < 10; ++i) {
    fade(histogram, 0.9);
    add_buckets(histogram, true, {1, inf}, {100, 0}, 1);
  }
  CHECK(total(histogram.canary) == 1000);
  fade(histogram, 0.9);
  CHECK(total(histogram.canary) == 500);
  fade(histogram, 0.9);
  CHECK(total(histogram.canary) == 500);
}

TEST_CASE("a running histogram reads back, and a tampered one is refused") {
  RunningHistogram histogram;
  add_values(histogram, true, {0.1, 0.2, 7}, 1);
  add_values(histogram, false, {0.1, 0.2, 7, 9}, control_weight(3, 4));
  CHECK(running_histogram_from_value(*doc::parse_json(doc::to_json(to_value(histogram)))).value() ==
        histogram);
  CHECK(running_histogram_from_value(to_value(RunningHistogram{})).value() == RunningHistogram{});
  for (const char* text : {"{}", R"({"bounds":[2,1],"canary":[0,0,0],"control":[0,0,0],"polls":1})",
                           R"({"bounds":[1,2],"canary":[0,0],"control":[0,0,0],"polls":1})",
                           R"({"bounds":[1,2],"canary":[0,0,-1],"control":[0,0,0],"polls":1})",
                           R"({"bounds":[1,2],"canary":[],"control":[],"polls":1})",
                           R"({"bounds":[1],"canary":[1,0],"control":[0,0],"polls":-1})"}) {
    CAPTURE(text);
    CHECK_FALSE(running_histogram_from_value(*doc::parse_json(text)).has_value());
  }
}
