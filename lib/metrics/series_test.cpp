#include "metrics/series.hpp"

#include <cmath>
#include <random>

#include <doctest/doctest.h>

#include "doc/value.hpp"
#include "metrics/line_scanner.hpp"

namespace tranche::metrics {
namespace {

struct Chunks final : ports::FileReader {
  std::string text;
  std::size_t at = 0, size;
  Chunks(std::string all, std::size_t piece) : text(std::move(all)), size(piece) {}
  Result<std::size_t> read(char* into, std::size_t capacity) override {
    const std::size_t count = std::min({size, capacity, text.size() - at});
    text.copy(into, count, at);
    at += count;
    return count;
  }
};

const SeriesLine& one(SeriesReader& reader) {
  auto line = reader.next();
  if (!line) FAIL(line.error().message);
  REQUIRE(*line != nullptr);
  return **line;
}
std::string problem(const std::string& text) {
  SeriesReader reader("f", text);
  auto line = reader.next();
  REQUIRE_FALSE(line);
  CHECK(line.error().kind == ErrorKind::invalid);
  CHECK_FALSE(line.error().hint.empty());
  REQUIRE(line.error().mark);
  return line.error().message;
}

TEST_CASE("lines of counts are read, whatever the pieces in which the file comes") {
  const std::string text =
      R"({"series":"a","t":60,"canary":{"events":3,"exposure":1200},"control":{"events":40,"exposure":10800}}

 { "t" : 0.5 , "series" : "\u00e9\"" , "stratum":"50000", "note": [1,{"x":null}],
)" + std::string(
          R"({"t":120,"series":"b","assigned":{"canary":5,"control":6},"control":{"exposure":1},"canary":{"exposure":2e3}})");
  for (const std::size_t piece : {1, 7, 1000}) {
    SeriesReader reader("f", std::make_unique<Chunks>(text, piece));
    const SeriesLine& first = one(reader);
    CHECK(first.series == "a");
    CHECK(first.stratum == "all");
    CHECK(first.t == std::chrono::seconds(60));
    CHECK(first.counts.canary.events == 3);
    CHECK(first.counts.control.exposure == 10800);
    auto broken = reader.next();
    REQUIRE_FALSE(broken);
    CHECK(broken.error().mark->line == 3);
    const SeriesLine& third = one(reader);
    CHECK(third.counts.canary.exposure == 2000);
    CHECK(third.has_assigned);
    CHECK(third.assigned.control.exposure == 6);
    auto end = reader.next();
    REQUIRE(end);
    CHECK(*end == nullptr);
    CHECK(reader.line_number() == 4);
  }
}

TEST_CASE("unknown keys are passed over and named") {
  SeriesReader reader("f", std::string(R"({"t":1,"value":2,"strata":"x","deep":{"a":[{}]}})"));
  CHECK(one(reader).measurement.values == std::vector<double>{2});
  CHECK(reader.unknown_keys() == std::vector<std::string>{"strata", "deep"});
}

TEST_CASE("histograms, raw values and measurements are read and written to the same bits") {
  for (
      const std::string text :
      {R"({"series":"s","t":60.25,"stratum":"50000","bounds":[0.1,2,"+Inf"],"canary":{"events":0,"exposure":6,"buckets":[1,2,3]},"control":{"events":0,"exposure":0,"buckets":[0,0,0]}})",
       R"({"t":60,"canary":{"events":0.1,"exposure":2,"values":[0.1,2]},"control":{"events":0,"exposure":1,"values":[3]}})",
       R"({"t":60,"value":0.30000000000000004})", R"({"t":60,"value":[1,"NaN","-Inf"]})",
       R"({"t":60,"value":null})", R"({"t":60,"answer":{"ok":true,"list":[1,2]}})",
       R"({"t":60,"value":null,"error":"down"})",
       R"({"t":60,"canary":{"events":1,"exposure":2},"control":{"events":1,"exposure":2},"assigned":{"canary":1,"control":2}})"}) {
    CAPTURE(text);
    SeriesReader reader("f", text);
    CHECK(to_series_line(one(reader)) == text);
  }
}

TEST_CASE("exposure is counted from buckets or values where it is not given") {
  SeriesReader reader(
      "f",
      std::string(R"({"t":1,"bounds":[1,"+Inf"],"canary":{"buckets":[3,4]},"control":{"values":[1,1,1]}})"));
  const SeriesLine& line = one(reader);
  CHECK(line.counts.canary.exposure == 7);
  CHECK(line.counts.control.exposure == 3);
}

TEST_CASE("what is no such line is refused, with what is wrong") {
  CHECK(problem("[]") == "a map is expected, near column 1");
  CHECK(problem(R"({"value":1})") == "it has no 't', near column 12");
  CHECK(problem(R"({"t":-1,"value":1})") == "'t' is seconds, 0 to 1e11, near column 8");
  CHECK(problem(R"({"t":1,"t":1,"value":1})") == "a key stands twice, near column 12");
  CHECK(problem(R"({"t":1})") == "it has neither canary and control nor a value, near column 8");
  CHECK(problem(R"({"t":1,"canary":{"events":1,"exposure":1}})").starts_with("it has one arm only"));
  CHECK(problem(R"({"t":1,"canary":{"events":1},"control":{"exposure":1}})")
            .starts_with("an arm has no exposure"));
  CHECK(problem(R"({"t":1,"canary":{"events":-1,"exposure":1}})").starts_with("a count is not 0 to 1e12"));
  CHECK(problem(R"({"t":1,"canary":{"events":1e13,"exposure":1}})").starts_with("a count is not 0 to 1e12"));
  CHECK(problem(R"({"t":01,"value":1})").starts_with("a number begins with 0"));
  CHECK(problem(R"({"t":1,"value":1e999})").starts_with("a number is out of range"));
  CHECK(problem(R"({"t":1,"value":true})").starts_with("'value' is a number"));
  CHECK(problem(R"({"t":1,"value":"x"})").starts_with("a number is expected"));
  CHECK(problem(R"({"t":1,"value":1} x)").starts_with("something follows the map"));
  CHECK(problem(R"({"t":1,"bounds":[2,1,"+Inf"],"value":1})").starts_with("'bounds' do not grow"));
  CHECK(problem(R"({"t":1,"bounds":[1],"value":1})").starts_with("'bounds' do not grow"));
  CHECK(problem(R"({"t":1,"bounds":["+Inf"],"canary":{"buckets":[1,2]},"control":{"buckets":[1]}})")
            .starts_with("an arm has not one bucket"));
  CHECK(problem("{\"t\":1,\"series\":\"\x80\",\"value\":1}").starts_with("text is not UTF-8"));
  CHECK(problem("{\"t\":1,\"series\":\"" + std::string(201, 'a') + "\"}").starts_with("'series' is longer"));
  CHECK(problem("{\"t\":1,\"x\":" + std::string(100, '[')).starts_with("it is nested too deep"));
  CHECK(problem(std::string(longest_series_line + 1, 'a')).starts_with("a line is longer"));
}

TEST_CASE("a value is what the house's JSON reader makes of it") {
  const unsigned seed = 20261121;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const auto number = [&] {
    const double mantissa = std::ldexp(static_cast<double>(random()), -11 - static_cast<int>(random() % 60));
    return doc::to_json(doc::Value(random() % 2 == 0 ? mantissa : -mantissa));
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string text = number();
    CAPTURE(text);
    LineScanner scanner(text);
    double value = 0;
    REQUIRE(scanner.number(value));
    CHECK(value == doc::parse_json(text)->as_double());
  }
  for (const std::string text : {R"("a\u0062\n\ud83d\ude00é")", R"("\\\"\/")", R"("")"}) {
    LineScanner scanner(text);
    std::string_view seen;
    std::string storage;
    REQUIRE(scanner.string(seen, storage));
    CHECK(seen == doc::parse_json(text)->as_string());
  }
}

}  // namespace
}  // namespace tranche::metrics
