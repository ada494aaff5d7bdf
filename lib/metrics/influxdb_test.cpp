// InfluxQL: answers as the documentation gives them, and InfluxDB 1.6 itself.
#include <cmath>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "metrics/source_testing.hpp"
#include "os/world.hpp"
#include "support/free_port.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

spec::Source influx(const std::string& url) {
  spec::Source source;
  source.name = "influx";
  source.kind = spec::Source::Kind::influxdb;
  source.url = url;
  source.database = "telemetry";
  return source;
}
spec::Gate counting_gate() {
  const auto sum = [](const char* of) {
    return fmt::format(R"(SELECT sum("value") FROM "{}" WHERE "arm" = '$arm' AND $time
                          GROUP BY time($window), "stratum" fill(none))",
                       of);
  };
  spec::Gate made;
  made.name = "crashes";
  made.events = sum("crashes");
  made.exposure = sum("sessions");
  return made;
}
struct Fake : CannedHttp {
  Result<gate::Measurement> measure(const std::string& query) {
    spec::Gate threshold;
    threshold.query = query;
    return source_over(*this, influx("http://127.0.0.1:1"))->measure(threshold, variables(), start);
  }
};

}  // namespace

TEST_CASE("the time of the question stands where $time stands") {
  Fake fake;
  fake.body = R"({"results":[{"statement_id":0}]})";
  const auto got = fake.measure("SELECT mean(v) FROM m WHERE v = '$version' AND $time");
  REQUIRE(got.has_value());
  CHECK_FALSE(got->has_data);
  CHECK(fake.requests[0].url ==
        "http://127.0.0.1:1/query?db=telemetry&epoch=ms&q=" +
            percent_encode("SELECT mean(v) FROM m WHERE v = '1.2.0' AND time >= 1767225540000ms AND time < "
                           "1767225600000ms"));
}

TEST_CASE("a gate only reads") {
  Fake fake;
  fake.body = R"({"results":[{}]})";
  for (const char* bad : {"DROP DATABASE telemetry", "SELECT * INTO x FROM y", "SELECT 1; DROP DATABASE x",
                          "", "SHOW DATABASES", "SELECT mean(v) INTO\nx FROM y", "select v from m -- x",
                          "select v from m /* x */"}) {
    CAPTURE(bad);
    const auto got = fake.measure(bad);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().kind == ErrorKind::invalid);
  }
  CHECK(fake.requests.empty());
  CHECK(fake.measure("select v from m where a = '; into DROP'").has_value());
}

TEST_CASE("what InfluxDB refuses, cuts or garbles is an error") {
  Fake fake;
  struct Case {
    int status;
    const char* body;
    ErrorKind kind;
  };
  for (
      const auto& [status, body, kind] : std::vector<Case>{
          {400, R"({"error":"error parsing query: found FROM"})", ErrorKind::invalid},
          {401, R"({"error":"unable to parse authentication credentials"})", ErrorKind::failed},
          {404, R"({"error":"x"})", ErrorKind::failed},
          {200, R"({"results":[{"error":"database not found: telemetry"}]})", ErrorKind::invalid},
          {200, R"({"results":[]})", ErrorKind::failed},
          {200, R"([])", ErrorKind::failed},
          {200, R"({"results":[{"partial":true,"series":[]}]})", ErrorKind::failed},
          {200, R"({"results":[{"series":[{"columns":["time","v"],"values":[[1,1]],"partial":true}]}]})",
           ErrorKind::failed},
          {200, R"({"results":[{"series":{}}]})", ErrorKind::failed},
          {200, R"({"results":[{"series":[{}]}]})", ErrorKind::failed},
          {200, R"({"results":[{"series":[{"columns":["time","a","b"],"values":[]}]}]})", ErrorKind::invalid},
          {200, R"({"results":[{"series":[{"columns":["time","a"],"values":[[1]]}]}]})", ErrorKind::failed},
          {200, R"({"results":[{"series":[{"columns":["time","a"],"values":[[1,"x"]]}]}]})",
           ErrorKind::failed},
          {200, R"({"results":[{"series":[{"columns":["time","a"],"values":[["2026",1]]}]}]})",
           ErrorKind::failed},
          {200,
           R"({"results":[{"series":[{"columns":["time","a"],"values":[]},{"columns":["time","a"],"values":[]}]}]})",
           ErrorKind::invalid}}) {
    CAPTURE(body);
    fake.status = status;
    fake.body = body;
    const auto got = fake.measure("SELECT v FROM m WHERE $time");
    REQUIRE_FALSE(got.has_value());
    CAPTURE(got.error().message);
    CHECK(got.error().kind == kind);
    CHECK_FALSE(got.error().hint.empty());
    CHECK(holds(got.error().message, "influx"));
  }
}

TEST_CASE("InfluxDB itself: counts by stratum with gaps, values, a course, and who may ask") {
  const auto process = os::make_process();
  if (!support::have_program(*process, "influxd", "version")) return skip_without("influxdb", "influxdb");
  const support::TempDirectory directory;
  const std::uint16_t port = support::free_port(), rpc = support::free_port();
  REQUIRE(
      os::make_files()
          ->write(
              directory / "influx.conf",
              fmt::format(
                  "reporting-disabled = true\nbind-address = \"127.0.0.1:{}\"\n"
                  "[meta]\n  dir = \"{}/meta\"\n  logging-enabled = false\n"
                  "[data]\n  dir = \"{}/data\"\n  wal-dir = \"{}/wal\"\n  query-log-enabled = false\n"
                  "[http]\n  bind-address = \"127.0.0.1:{}\"\n  auth-enabled = true\n  log-enabled = false\n"
                  "[monitor]\n  store-enabled = false\n",
                  rpc, directory.path(), directory.path(), directory.path(), port))
          .has_value());
  support::RealServer server({"influxd", "-config", directory / "influx.conf"}, directory / "log");
  const auto http = os::make_http();
  const auto clock = os::make_clock();
  const std::string url = fmt::format("http://127.0.0.1:{}", port);
  REQUIRE(server.ready(*http, url + "/ping"));
  const std::string basic = "Basic " + to_base64("admin:pass word");
  const auto post = [&](const std::string& path, const std::string& body) {
    ports::HttpRequest request;
    request.method = "POST";
    request.url = url + path;
    request.headers = {{"authorization", basic}};
    request.body = body;
    const auto response = http->send(request);
    REQUIRE(response.has_value());
    CAPTURE(response->body);
    REQUIRE(response->status < 300);
  };
  post("/query?q=" + percent_encode("CREATE USER admin WITH PASSWORD 'pass word' WITH ALL PRIVILEGES"), "");
  post("/query?q=" + percent_encode("CREATE DATABASE telemetry"), "");
  std::string lines;
  for (int i = 0; i < 30; ++i)
    for (const char* arm : {"canary", "control"}) {
      if (i == 7 && arm[1] == 'o') continue;  // control was silent
      for (int second : {0, 20, 59})          // three reports a minute
        lines += fmt::format("sessions,arm={},stratum=50000 value={} {}\n", arm,
                             (arm[1] == 'a' ? 100 : 900) + i, start_seconds + i * 60 + second);
      if (i % 5 == 0)
        lines +=
            fmt::format("crashes,arm={},stratum=50000 value={} {}\n", arm, 1 + i, start_seconds + i * 60);
    }
  post("/write?db=telemetry&precision=s", lines);

  spec::Source source = influx(url);
  source.user = "admin";
  source.password = "env:TRANCHE_P";
  const Secrets secrets{{source.password, Secret("pass word")}};
  const auto made = source_over(*http, source, secrets, clock.get());
  const auto got = made->compare(counting_gate(), variables(), start, start + 30 * minute);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 30);
  for (int i = 0; i < 30; ++i) {
    const WindowCounts& window = got->at(static_cast<std::size_t>(i));
    CAPTURE(i);
    CAPTURE(window.gap);
    REQUIRE(window.has_data == (i != 7));
    if (i == 7) continue;
    const gate::StratumCounts& counts = window.counts.at("50000");
    CHECK(counts.canary.exposure == 3 * (100 + i));
    CHECK(counts.control.exposure == 3 * (900 + i));
    CHECK(counts.canary.events == (i % 5 == 0 ? 1 + i : 0));
  }
  CHECK(made->notes().empty());
  spec::Gate threshold;
  threshold.query = R"(SELECT max("value") FROM sessions WHERE "arm" = 'canary' AND $time)";
  threshold.interval = 10 * minute;
  const auto measured = made->measure(threshold, variables(), start + 10 * minute);
  REQUIRE(measured.has_value());
  CHECK(measured->values == std::vector<double>{109});
  CHECK_FALSE(made->measure(threshold, variables(), start)->has_data);
  const auto course = made->series(
      R"(SELECT mean("value") FROM sessions WHERE "arm" = '$arm' AND $time GROUP BY time($window))",
      variables(), Arm::control, start + 5 * minute, start + 9 * minute, minute);
  REQUIRE(course.has_value());
  CHECK((*course)[0] == 905);
  CHECK(std::isnan((*course)[2]));
  threshold.query = "SELECT nonsense FROM WHERE";
  const auto bad = made->measure(threshold, variables(), start);
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().kind == ErrorKind::invalid);

  const auto stranger = source_over(*http, influx(url), {}, clock.get());
  const auto refused = stranger->compare(counting_gate(), variables(), start, start + minute);
  REQUIRE_FALSE(refused.has_value());
  CHECK(holds(refused.error().message, "wants authorisation"));
}
