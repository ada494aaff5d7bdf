// The source against Prometheus itself: an hour is backfilled with promtool, so that every count is known and
// nothing waits for a scrape.
#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "base/text.hpp"
#include "metrics/source_testing.hpp"
#include "os/world.hpp"
#include "support/free_port.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

constexpr int minutes = 60, ticks = minutes * 4;  // a sample every 15 s
constexpr int born = 10, reset = 30, silent_from = 45, silent_to = 47;

bool is_silent(int tick) { return tick > silent_from * 4 && tick <= silent_to * 4; }

// What each 15 seconds add.
int sessions(bool canary, int tick) { return canary ? 5 + tick % 3 : 95 + tick % 7; }
int crashes(bool canary, int tick) {
  if (canary && tick <= born * 4) return 0;
  return canary ? tick % 4 / 3 : tick % 2;
}

// Every counter at every tick. The canary's crash counter is born at 0 in minute 10; in minute 30 its
// process restarts: both canary counters begin again. Control says nothing in minutes 45 to 47.
std::string open_metrics() {
  std::string out;
  for (const bool crash : {false, true}) {
    out += fmt::format("# TYPE {} counter\n", crash ? "crashes" : "sessions");
    for (const bool canary : {true, false}) {
      std::int64_t total = 0;
      for (int tick = 0; tick <= ticks; ++tick) {
        if (canary && tick == reset * 4 + 1) total = 0;
        if (tick > 0) total += crash ? crashes(canary, tick) : sessions(canary, tick);
        if (crash && canary && tick < born * 4) continue;
        if (!canary && is_silent(tick)) continue;
        out += fmt::format("{}_total{{app=\"agent\",arm=\"{}\",stratum=\"50000\"}} {} {}\n",
                           crash ? "crashes" : "sessions", canary ? "canary" : "control", total,
                           start_seconds + tick * 15);
      }
    }
  }
  return out + "# EOF\n";
}

double window_sum(bool crash, bool canary, int window) {
  double total = 0;
  for (int tick = window * 4 + 1; tick <= window * 4 + 4; ++tick)
    total += crash ? crashes(canary, tick) : sessions(canary, tick);
  return total;
}

std::vector<std::string> prometheus_argv(const std::string& directory, std::uint16_t port) {
  return {"prometheus",
          "--config.file=" + directory + "/prometheus.yml",
          "--storage.tsdb.path=" + directory + "/data",
          "--storage.tsdb.retention.time=100y",
          "--log.level=error",
          fmt::format("--web.listen-address=127.0.0.1:{}", port)};
}
std::string local(std::uint16_t port) { return fmt::format("http://127.0.0.1:{}", port); }

bool have_prometheus() {
  const auto process = os::make_process();
  return support::have_program(*process, "promtool") && support::have_program(*process, "prometheus");
}

spec::Gate crashes_gate() {
  spec::Gate gate;
  gate.name = "crashes";
  gate.events = R"(sum by (stratum) (increase(crashes_total{app="$app",arm="$arm"}[$window])))";
  gate.exposure = R"(sum by (stratum) (increase(sessions_total{app="$app",arm="$arm"}[$window])))";
  return gate;
}

}  // namespace

TEST_CASE("counts from a real Prometheus are exact: births, restarts, gaps, emptiness, outage") {
  if (!have_prometheus()) return skip_without("prometheus", "prometheus");
  const support::TempDirectory directory;
  REQUIRE(os::make_files()->write(directory / "in.txt", open_metrics()).has_value());
  ports::ProcessRequest backfill;
  backfill.argv = {"promtool",        "tsdb", "create-blocks-from", "openmetrics", directory / "in.txt",
                   directory / "data"};
  const auto filled = os::make_process()->run(backfill);
  REQUIRE(filled.has_value());
  CAPTURE(filled->err);
  REQUIRE(filled->exit_code == 0);

  const auto http = os::make_http();
  const std::uint16_t port = support::free_port();
  REQUIRE(os::make_files()->write(directory / "prometheus.yml", "global: {}\n").has_value());
  support::RealServer server(prometheus_argv(directory.path(), port), directory / "log");
  REQUIRE(server.ready(*http, local(port) + "/-/ready"));
  spec::Source source;
  source.name = "prom";
  source.url = local(port);
  const spec::Gate gate = crashes_gate();
  Variables variables{"agent", "stable", "1.2.0", "1.2.0", "1.1.0", minute};
  const auto clock = os::make_clock();
  const auto prometheus = source_over(*http, source, {}, clock.get());

  const auto windows = prometheus->compare(gate, variables, start, start + minutes * minute);
  REQUIRE(windows.has_value());
  REQUIRE(windows->size() == minutes);
  for (int i = 0; i < minutes; ++i) {
    const WindowCounts& window = (*windows)[static_cast<std::size_t>(i)];
    CAPTURE(i);
    CAPTURE(window.gap);
    REQUIRE(window.end == start + (i + 1) * minute);
    if (i >= silent_from && i < silent_to) {
      CHECK_FALSE(window.has_data);
      CHECK(window.gap == "no exposure of control");
      continue;
    }
    REQUIRE(window.has_data);
    const gate::StratumCounts& counts = window.counts.at("50000");
    CHECK(counts.canary.exposure == window_sum(false, true, i));
    CHECK(counts.canary.events == window_sum(true, true, i));
    if (i == silent_to) continue;  // its first sample is lost, so its increase is extrapolated
    CHECK(counts.control.exposure == window_sum(false, false, i));
    CHECK(counts.control.events == window_sum(true, false, i));
  }

  gate::Evidence evidence;
  for (const WindowCounts& window : *windows)
    if (window.has_data) REQUIRE(gate::observe(evidence, {}, window.counts).has_value());
  CHECK(evidence.polls == minutes - (silent_to - silent_from));

  // Instant queries.
  const Instant at = start + 20 * minute;
  spec::Gate threshold;
  threshold.query = R"(sum(increase(sessions_total{app="$app"}[1m])))";
  const auto vector = prometheus->measure(threshold, variables, at);
  REQUIRE(vector.has_value());
  CHECK_FALSE(vector->scalar);
  CHECK(vector->values == std::vector<double>{window_sum(false, true, 19) + window_sum(false, false, 19)});
  threshold.query = R"(scalar(sessions_total{app="nobody"}))";
  const auto scalar = prometheus->measure(threshold, variables, at);
  REQUIRE(scalar.has_value());
  CHECK(scalar->scalar);
  REQUIRE(scalar->values.size() == 1);
  CHECK(scalar->values[0] != scalar->values[0]);
  threshold.query = R"(sessions_total{app="nobody"})";
  CHECK_FALSE(prometheus->measure(threshold, variables, at)->has_data);
  threshold.query = R"(sessions_total{app="$app"}[1m])";
  CHECK(prometheus->measure(threshold, variables, at).error().kind == ErrorKind::invalid);
  threshold.query = R"(sum()";
  const auto bad = prometheus->measure(threshold, variables, at);
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().kind == ErrorKind::invalid);
  CHECK(bad.error().message.find("parse error") != std::string::npos);

  // A Prometheus that has nothing to say about this app.
  variables.app = "nobody";
  const auto empty = prometheus->compare(gate, variables, start, start + 5 * minute);
  REQUIRE(empty.has_value());
  REQUIRE(empty->size() == 5);
  for (const WindowCounts& window : *empty) CHECK_FALSE(window.has_data);

  // The course of one arm: what a judge looks at.
  variables.app = "agent";
  const auto course = prometheus->series(R"(sum(rate(sessions_total{app="$app",arm="$arm"}[1m])))", variables,
                                         Arm::control, start + 40 * minute, start + 50 * minute, minute);
  REQUIRE(course.has_value());
  REQUIRE(course->size() == 10);
  CHECK((*course)[0] == doctest::Approx(window_sum(false, false, 40) / 60));
  CHECK(std::isnan((*course)[5]));
  CHECK_FALSE(prometheus
                  ->series(R"({app="$app",arm="$arm"})", variables, Arm::canary, start + 20 * minute,
                           start + 21 * minute, minute)
                  .has_value());

  // As many windows as a call may ask for: Prometheus accepts the pieces.
  const auto many = prometheus->compare(gate, variables, start - 10'000 * minute, start + 10'000 * minute);
  REQUIRE(many.has_value());
  CHECK(many->size() == 11'000);

  server.stop();
  const auto down = prometheus->compare(gate, variables, start, start + minute);
  REQUIRE_FALSE(down.has_value());
  CHECK(down.error().kind == ErrorKind::failed);
  CHECK(down.error().message.find("source 'prom'") != std::string::npos);
  CHECK_FALSE(down.error().hint.empty());
}

TEST_CASE("VictoriaMetrics answers the same questions, and counts what a gap hid when it ends") {
  const auto process = os::make_process();
  if (!support::have_program(*process, "victoria-metrics", "-version"))
    return skip_without("victoria-metrics", "victoria-metrics");
  const support::TempDirectory directory;
  const auto http = os::make_http();
  const auto clock = os::make_clock();
  const std::uint16_t port = support::free_port();
  support::RealServer server({"victoria-metrics", "-storageDataPath=" + (directory / "data"),
                              fmt::format("-httpListenAddr=127.0.0.1:{}", port), "-search.latencyOffset=0s",
                              "-retentionPeriod=100y", "-loggerLevel=ERROR"},
                             directory / "log");
  REQUIRE(server.ready(*http, local(port) + "/health"));

  ports::HttpRequest import;
  import.method = "POST";
  import.url = local(port) + "/api/v1/import/prometheus";
  const std::string text = open_metrics();
  for (const std::string_view line : split(text, '\n'))
    if (!line.empty() && !line.starts_with('#')) import.body += fmt::format("{}000\n", line);  // ms
  const auto imported = http->send(import);
  REQUIRE(imported.has_value());
  REQUIRE(imported->status == 204);
  import.method = "GET";
  import.url = local(port) + "/internal/force_flush";  // what was imported is found at once
  import.body.clear();
  REQUIRE(http->send(import).has_value());

  spec::Source source;
  source.name = "vm";
  source.url = local(port);
  const Variables variables{"agent", "stable", "1.2.0", "1.2.0", "1.1.0", minute};
  const auto victoria = source_over(*http, source, {}, clock.get());
  const auto windows = victoria->compare(crashes_gate(), variables, start, start + minutes * minute);
  REQUIRE(windows.has_value());
  REQUIRE(windows->size() == minutes);
  for (int i = 1; i < minutes; ++i) {
    const WindowCounts& window = (*windows)[static_cast<std::size_t>(i)];
    CAPTURE(i);
    CAPTURE(window.gap);
    if (i == silent_from + 1) {
      CHECK(window.gap == "no exposure of control");
      continue;
    }
    REQUIRE(window.has_data);
    const gate::StratumCounts& counts = window.counts.at("50000");
    CHECK(counts.canary.exposure == window_sum(false, true, i));
    CHECK(counts.canary.events == window_sum(true, true, i));
    double sessions = window_sum(false, false, i), crashes = window_sum(true, false, i);
    if (i == silent_from) sessions = crashes = 0;  // silence is no change at first
    for (int hidden = silent_from; i == silent_to && hidden < silent_to; ++hidden) {
      sessions += window_sum(false, false, hidden);
      crashes += window_sum(true, false, hidden);
    }
    CHECK(counts.control.exposure == sessions);
    CHECK(counts.control.events == crashes);
  }
  spec::Gate threshold;
  threshold.query = R"(sum(increase(sessions_total{app="$app"}[1m])))";
  const auto measured = victoria->measure(threshold, variables, start + 20 * minute);
  REQUIRE(measured.has_value());
  CHECK(measured->values == std::vector<double>{window_sum(false, true, 19) + window_sum(false, false, 19)});
}

TEST_CASE("what a job pushed to a Pushgateway is measured once Prometheus has scraped it") {
  const auto process = os::make_process();
  if (!have_prometheus()) return skip_without("prometheus", "prometheus");
  if (!support::have_program(*process, "prometheus-pushgateway"))
    return skip_without("prometheus-pushgateway", "prometheus-pushgateway");
  const support::TempDirectory directory;
  const auto http = os::make_http();
  const auto clock = os::make_clock();
  const std::uint16_t push_port = support::free_port();
  support::RealServer gateway(
      {"prometheus-pushgateway", fmt::format("--web.listen-address=127.0.0.1:{}", push_port),
       "--log.level=error"},
      directory / "push.log");
  REQUIRE(gateway.ready(*http, local(push_port) + "/-/ready"));
  const auto push = [&](const std::string& arm, int sessions, int crashes) {
    ports::HttpRequest request;
    request.method = "PUT";
    request.url = fmt::format("{}/metrics/job/agent/arm/{}", local(push_port), arm);
    request.body = fmt::format(
        "# TYPE sessions_total counter\nsessions_total {}\n# TYPE crashes_total counter\ncrashes_total "
        "{}\n",
        sessions, crashes);
    const auto pushed = http->send(request);
    REQUIRE(pushed.has_value());
    REQUIRE(pushed->status == 200);
  };
  push("canary", 50, 2);
  push("control", 950, 3);

  const std::uint16_t port = support::free_port();
  REQUIRE(os::make_files()
              ->write(directory / "prometheus.yml",
                      fmt::format("scrape_configs:\n- job_name: push\n  honor_labels: true\n"
                                  "  scrape_interval: 100ms\n  scrape_timeout: 100ms\n"
                                  "  static_configs: [{{targets: ['127.0.0.1:{}']}}]\n",
                                  push_port))
              .has_value());
  support::RealServer server(prometheus_argv(directory.path(), port), directory / "log");
  REQUIRE(server.ready(*http, local(port) + "/-/ready"));
  spec::Source source;
  source.name = "prom";
  source.url = local(port);
  const auto prometheus = source_over(*http, source, {}, clock.get());
  spec::Gate gate;
  gate.query =
      R"(sum(crashes_total{job="$app",arm="canary"}) / sum(sessions_total{job="$app",arm="canary"}))";
  const Variables variables{"agent", "stable", "1.2.0", "1.2.0", "1.1.0", minute};
  const auto measured = [&](double want) {
    for (int i = 0; i < 200; ++i) {
      const auto got = prometheus->measure(gate, variables, clock->now());
      REQUIRE(got.has_value());
      if (got->has_data && got->values == std::vector<double>{want}) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a scrape is an event of another process
    }
    return false;
  };
  CHECK(measured(0.04));
  push("canary", 100, 10);
  CHECK(measured(0.1));
  CHECK(prometheus->notes().empty());
}
