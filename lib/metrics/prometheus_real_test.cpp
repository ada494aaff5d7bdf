// The source against Prometheus itself: an hour is backfilled with promtool, so that every count is known and
// nothing waits for a scrape.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "metrics/source.hpp"
#include "os/world.hpp"
#include "support/free_port.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace tranche::metrics;

namespace {

constexpr Duration minute = std::chrono::minutes(1);
constexpr std::int64_t start_seconds = 1'767'225'600;  // 2026-01-01T00:00:00Z
const Instant start{std::chrono::seconds(start_seconds)};
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

class RealPrometheus {
 public:
  explicit RealPrometheus(const std::string& directory) : port_(support::free_port()) {
    const std::string config = directory + "/prometheus.yml", log = directory + "/log";
    REQUIRE(os::make_files()->write(config, "global: {}\n").has_value());
    std::array<std::string, 6> text{"prometheus",
                                    "--config.file=" + config,
                                    "--storage.tsdb.path=" + directory + "/data",
                                    "--storage.tsdb.retention.time=100y",
                                    "--log.level=error",
                                    fmt::format("--web.listen-address=127.0.0.1:{}", port_)};
    std::array<char*, 7> argv{};
    for (std::size_t i = 0; i < text.size(); ++i) argv[i] = text[i].data();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    const int code = posix_spawnp(&pid_, "prometheus", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE(code == 0);
  }
  RealPrometheus(const RealPrometheus&) = delete;
  RealPrometheus& operator=(const RealPrometheus&) = delete;
  ~RealPrometheus() { stop(); }

  bool ready(ports::Http& http) {
    ports::HttpRequest request;
    request.url = url() + "/-/ready";
    for (int i = 0; i < 600; ++i) {
      if (const auto response = http.send(request); response && response->status == 200) return true;
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = 0;
        return false;
      }
      std::this_thread::sleep_for(
          std::chrono::milliseconds(100));  // until it listens: an event of another process
    }
    return false;
  }
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

 private:
  std::uint16_t port_;
  pid_t pid_ = 0;
};

bool have_prometheus() {
  ports::ProcessRequest request;
  request.argv = {"promtool", "--version"};
  const auto process = os::make_process();
  const auto promtool = process->run(request);
  request.argv = {"prometheus", "--version"};
  const auto server = process->run(request);
  return promtool && promtool->exit_code == 0 && server && server->exit_code == 0;
}

}  // namespace

TEST_CASE("counts from a real Prometheus are exact: births, restarts, gaps, emptiness, outage") {
  if (!have_prometheus()) {
    const char* required = std::getenv("TRANCHE_REQUIRE_PEERS");
    if (required != nullptr && std::string_view(required) == "1")
      FAIL("prometheus is missing (apt-get install prometheus)");
    fmt::print("skipped: prometheus is missing (apt-get install prometheus)\n");
    return;
  }
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
  RealPrometheus server(directory.path());
  REQUIRE(server.ready(*http));
  spec::Source source;
  source.name = "prom";
  source.url = server.url();
  spec::Gate gate;
  gate.name = "crashes";
  gate.events = R"(sum by (stratum) (increase(crashes_total{app="$app",arm="$arm"}[$window])))";
  gate.exposure = R"(sum by (stratum) (increase(sessions_total{app="$app",arm="$arm"}[$window])))";
  Variables variables{"agent", "stable", "1.2.0", "1.2.0", "1.1.0", minute};
  const auto prometheus = make_prometheus(*http, source, {});

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

  // As many windows as a call may ask for: Prometheus accepts the pieces.
  variables.app = "agent";
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
