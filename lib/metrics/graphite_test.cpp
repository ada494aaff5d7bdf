// graphite: answers as its documentation gives them, and graphite-web itself on files of its own.
#include <cmath>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "metrics/source_testing.hpp"
#include "os/world.hpp"
#include "support/free_port.hpp"
#include "support/git_http_server.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

spec::Source graphite(const std::string& url) {
  spec::Source source;
  source.name = "g";
  source.kind = spec::Source::Kind::graphite;
  source.url = url;
  return source;
}
spec::Gate counting_gate() {
  spec::Gate made;
  made.name = "crashes";
  made.events = "sumSeries(app.$arm.crashes)";
  made.exposure = "summarize(\n  app.$arm.sessions,\n  '1min', \"sum\", true)";
  made.query = made.events;
  return made;
}
struct Fake : CannedHttp {
  Result<std::vector<WindowCounts>> compare(int windows = 2) {
    return source_over(*this, graphite("http://127.0.0.1:1/g"))
        ->compare(counting_gate(), variables(), start, start + windows * minute);
  }
};

}  // namespace

TEST_CASE("points of finer steps add up in their window, and nulls are no points") {
  Fake fake;
  fake.body = R"([{"target":"x","tags":{"name":"x","stratum":"50000"},"datapoints":[)";
  for (int i = 0; i < 12; ++i)
    fake.body += fmt::format("{}[{},{}]", i == 0 ? "" : ",", i == 3 ? "null" : "1.0", start_seconds + i * 10);
  fake.body += "]}]";
  const auto got = fake.compare();
  REQUIRE(got.has_value());
  CHECK(got->at(0).counts.at("50000").canary.exposure == 5);
  CHECK(got->at(1).counts.at("50000").canary.exposure == 6);
  REQUIRE(fake.requests.size() == 4);
  CHECK(holds(fake.requests[0].url,
              "http://127.0.0.1:1/g/render?target=summarize%28app.canary.sessions%2C%271min"));
  CHECK(holds(fake.requests[0].url, "&from=1767225539&until=1767225719&format=json"));
}

TEST_CASE("steps that do not fit the window are refused, and an empty answer is a gap") {
  Fake fake;
  fake.body =
      fmt::format(R"([{{"target":"x","datapoints":[[1,{}],[1,{}]]}}])", start_seconds, start_seconds + 300);
  const auto coarse = fake.compare();
  REQUIRE_FALSE(coarse.has_value());
  CHECK(holds(coarse.error().message, "gives 2 points for 3 windows of 1m"));
  fake.body = "[]";
  const auto empty = fake.compare();
  REQUIRE(empty.has_value());
  CHECK_FALSE(empty->at(0).has_data);
  CHECK(empty->at(0).gap == "no exposure of either arm");
}

TEST_CASE("an answer that is no answer is an error of the source") {
  Fake fake;
  for (const char* bad : {"", "{}", "[1]", "[{}]", R"([{"datapoints":1}])", R"([{"datapoints":[1]}])",
                          R"([{"datapoints":[[1]]}])", R"([{"datapoints":[["1",1767225600]]}])",
                          R"([{"datapoints":[[1,-1]]}])", R"([{"datapoints":[[1,1e99]]}])", "<html>"}) {
    CAPTURE(bad);
    fake.body = bad;
    const auto got = fake.compare();
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == ErrorKind::failed);
    CHECK_FALSE(got.error().hint.empty());
  }
  fake.status = 400;
  CHECK_FALSE(fake.compare().has_value());
  spec::Gate threshold;
  threshold.query = "x";
  fake.status = 200;
  fake.body = R"([{"datapoints":[[1,1]]},{"datapoints":[[1,1]]}])";
  const auto several =
      source_over(fake, graphite("http://127.0.0.1:1"))->measure(threshold, variables(), start);
  REQUIRE_FALSE(several.has_value());
  CHECK(several.error().kind == ErrorKind::invalid);
}

TEST_CASE("graphite-web itself: counts with gaps, a list without nulls, a course") {
  const auto process = os::make_process();
  const std::string script = support::support_file("graphite_server.py");
  ports::ProcessRequest probe;
  probe.argv = {"/usr/bin/python3", script, "-", "0", "--probe"};
  const auto probed = process->run(probe);
  if (!probed || probed->exit_code != 0) return skip_without("graphite-web", "graphite-web python3-whisper");
  const support::TempDirectory directory;
  std::string points;
  for (int i = 0; i < 30; ++i)
    for (const char* arm : {"canary", "control"}) {
      if (i == 7 && arm[1] == 'o') continue;  // control was silent
      const int share = arm[1] == 'a' ? 100 : 900;
      points += fmt::format("app.{}.sessions {} {}\n", arm, share + i, start_seconds + i * 60);
      if (i % 5 == 0) points += fmt::format("app.{}.crashes {} {}\n", arm, 1 + i, start_seconds + i * 60);
    }
  REQUIRE(os::make_files()->write(directory / "points", points).has_value());
  const std::uint16_t port = support::free_port();
  support::RealServer server(
      {"/usr/bin/python3", script, directory.path(), fmt::format("{}", port), directory / "points"},
      directory / "output");
  const auto http = os::make_http();
  const auto clock = os::make_clock();
  const std::string url = fmt::format("http://127.0.0.1:{}", port);
  REQUIRE(server.ready(*http, url + "/render?target=x&format=json"));

  const auto source = source_over(*http, graphite(url), {}, clock.get());
  const auto got = source->compare(counting_gate(), variables(), start, start + 30 * minute);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 30);
  for (int i = 0; i < 30; ++i) {
    const WindowCounts& window = got->at(static_cast<std::size_t>(i));
    CAPTURE(i);
    CAPTURE(window.gap);
    REQUIRE(window.has_data == (i != 7));
    if (i == 7) {
      CHECK(window.gap == "no exposure of control");
      continue;
    }
    const gate::StratumCounts& counts = window.counts.at("all");
    CHECK(counts.canary.exposure == 100 + i);
    CHECK(counts.control.exposure == 900 + i);
    CHECK(counts.canary.events == (i % 5 == 0 ? 1 + i : 0));
  }
  spec::Gate threshold;
  threshold.query = "app.canary.crashes";
  threshold.interval = 10 * minute;
  const auto measured = source->measure(threshold, variables(), start + 10 * minute);
  REQUIRE(measured.has_value());
  CHECK_FALSE(measured->scalar);
  CHECK(measured->values == std::vector<double>{1, 6});
  const auto course = source->series("app.$arm.sessions", variables(), Arm::control, start + 5 * minute,
                                     start + 9 * minute, minute);
  REQUIRE(course.has_value());
  CHECK((*course)[0] == 905);
  CHECK(std::isnan((*course)[2]));
  threshold.query = "no.such.metric";
  CHECK_FALSE(source->measure(threshold, variables(), start + 10 * minute)->has_data);
  spec::Gate fine = counting_gate();
  fine.every = std::chrono::seconds(30);
  fine.exposure = "app.$arm.sessions";
  CHECK_FALSE(source->compare(fine, variables(), start, start + minute).has_value());
}
