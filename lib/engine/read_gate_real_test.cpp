// Gates of tranche.yaml over Prometheus itself: two hours are backfilled with promtool, the clock of the test
// stands in them, and every verdict comes of the numbers that the server gave.
#include <doctest/doctest.h>

#include <array>

#include "engine/read_gate.hpp"
#include "metrics/source_testing.hpp"
#include "os/world.hpp"
#include "support/fake_world.hpp"
#include "support/free_port.hpp"
#include "support/real_server.hpp"
#include "support/temp_directory.hpp"

using namespace tranche;
using namespace std::chrono_literals;
using gate::Verdict;

namespace {

constexpr std::int64_t start_seconds = 1'767'225'600;  // 2026-01-01T00:00:00Z
const Instant start{std::chrono::seconds(start_seconds)};
constexpr int ticks = 2 * 60 * 4;  // a sample every 15 s

// How many of `trials` happen, each with `chance` a million.
int happened(support::SeededRandom& random, int trials, std::uint64_t chance) {
  int out = 0;
  for (int i = 0; i < trials; ++i) out += random.below(1'000'000) < chance ? 1 : 0;
  return out;
}

// The counters of one arm of one app. `bad`: three times the crashes, requests slower by half, twice the
// refused logins.
struct Counted {
  bool canary = false, bad = false;
  std::int64_t sessions = 0, crashes = 0, logins = 0, refused = 0, count = 0, milliseconds = 0;
  std::array<std::int64_t, 9> buckets{};
  static constexpr std::array<int, 9> bounds{100, 200, 300, 350, 400, 450, 500, 800, 1'600};  // ms

  void pass_15_seconds(support::SeededRandom& random) {
    const int users = canary ? 50 : 950;
    sessions += users;
    crashes += happened(random, users, bad ? 60'000 : 20'000);
    logins += users;
    refused += happened(random, users, bad ? 400'000 : 200'000);
    for (int i = 0; i < users; ++i) {
      std::uint64_t took = 40;  // a tail that halves every 60 ms
      while (random.below(2) == 0 && took < 1'500) took += bad ? 90 : 60;
      took += random.below(20);
      milliseconds += static_cast<std::int64_t>(took);
      ++count;
      for (std::size_t b = 0; b < bounds.size(); ++b)
        if (took <= static_cast<std::uint64_t>(bounds[b])) ++buckets[b];
    }
  }
};

std::string open_metrics() {
  std::map<std::string, std::string> families;
  support::SeededRandom random(20'260'101);
  for (const bool bad_release : {false, true})
    for (const bool canary : {true, false}) {
      Counted now{canary, bad_release && canary};
      const std::string labels = fmt::format("app=\"{}\",arm=\"{}\",stratum=\"50000\"",
                                             bad_release ? "bad" : "good", canary ? "canary" : "control");
      // Of the devices that "lossy" gave their arm, a third of the canaries is never heard from.
      const std::string lossy = labels + (bad_release ? ",fleet=\"lossy\"" : ",fleet=\"whole\"");
      std::int64_t devices = 0;
      for (int tick = 0; tick <= ticks; ++tick) {
        if (tick > 0) {
          now.pass_15_seconds(random);
          devices += happened(random, canary ? 20 : 380, canary && bad_release ? 700'000 : 1'000'000);
        }
        const std::int64_t at = start_seconds + tick * 15;
        const auto line = [&](const std::string& family, const std::string& suffix, const std::string& of,
                              std::int64_t value) {
          families[family] += fmt::format("{}{}{{{}}} {} {}\n", family, suffix, of, value, at);
        };
        line("sessions", "_total", labels, now.sessions);
        line("crashes", "_total", labels, now.crashes);
        line("logins", "_total", labels, now.logins);
        line("refused", "_total", labels, now.refused);
        line("assigned", "_total", lossy, devices);
        line("took_ms", "_total", labels, now.milliseconds);
        line("answers", "_total", labels, now.count);
        for (std::size_t b = 0; b < now.buckets.size(); ++b)
          line("answer_ms_bucket", "_total", fmt::format("{},le=\"{}\"", labels, Counted::bounds[b]),
               now.buckets[b]);
        line("answer_ms_bucket", "_total", labels + ",le=\"+Inf\"", now.count);
      }
    }
  std::string out;
  for (const auto& [family, lines] : families) out += fmt::format("# TYPE {} counter\n{}", family, lines);
  return out + "# EOF\n";
}

constexpr const char* gates_yaml = R"(
gates:
  rate:
    kind: compare
    events:   'sum by (stratum) (increase(crashes_total{app="$app",arm="$arm"}[$window]))'
    exposure: 'sum by (stratum) (increase(sessions_total{app="$app",arm="$arm"}[$window]))'
  proportion:
    kind: compare
    statistic: proportion
    events:   'sum by (stratum) (increase(refused_total{app="$app",arm="$arm"}[$window]))'
    exposure: 'sum by (stratum) (increase(logins_total{app="$app",arm="$arm"}[$window]))'
  mean:
    kind: compare
    statistic: mean
    events:   'sum by (stratum) (increase(took_ms_total{app="$app",arm="$arm"}[$window]))'
    exposure: 'sum by (stratum) (increase(answers_total{app="$app",arm="$arm"}[$window]))'
  p95:
    kind: compare
    statistic: p95
    histogram: 'sum by (stratum, le) (increase(answer_ms_bucket_total{app="$app",arm="$arm"}[$window]))'
  lossy:
    kind: compare
    events:   'sum by (stratum) (increase(crashes_total{app="$app",arm="$arm"}[$window]))'
    exposure: 'sum by (stratum) (increase(sessions_total{app="$app",arm="$arm"}[$window]))'
    assignments: 'sum by (stratum) (increase(assigned_total{fleet="lossy",arm="$arm"}[$window]))'
  whole:
    kind: compare
    events:   'sum by (stratum) (increase(crashes_total{app="$app",arm="$arm"}[$window]))'
    exposure: 'sum by (stratum) (increase(sessions_total{app="$app",arm="$arm"}[$window]))'
    assignments: 'sum by (stratum) (increase(assigned_total{fleet="whole",arm="$arm"}[$window]))'
  judged:
    judge: kayenta
    metrics:
      - name: crashes
        query: 'sum(rate(crashes_total{app="$app",arm="$arm"}[1m])) / sum(rate(sessions_total{app="$app",arm="$arm"}[1m]))'
        direction: increase
        effect: { allowed-increase: 1.2 }
      - name: duration
        query: 'sum(rate(took_ms_total{app="$app",arm="$arm"}[1m])) / sum(rate(answers_total{app="$app",arm="$arm"}[1m]))'
        direction: increase
        effect: { allowed-increase: 1.2 }
  argo:        { argo: success-rate.yaml, source: prom, args: { app: good } }
  argo-bad:    { argo: success-rate.yaml, source: prom, args: { app: bad } }
  argo-empty:  { argo: success-rate.yaml, source: prom, args: { app: nobody } }
  argo-strict: { argo: success-rate.yaml, source: prom, args: { app: nobody }, strict-argo: true }
  threshold:
    query: 'sum(rate(crashes_total{arm="canary",app="$app"}[2m])) / sum(rate(sessions_total{arm="canary",app="$app"}[2m]))'
    success-condition: result < 0.05
)";

// As its authors would have it in a cluster, with the address that it has there.
constexpr const char* success_rate = R"(apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: success-rate
spec:
  args:
  - name: app
  - name: least
    value: "0.97"
  dryRun:
  - metricName: answers.*
  measurementRetention:
  - metricName: success-rate
    limit: 20
  metrics:
  - name: success-rate
    initialDelay: 2m
    interval: 1m
    count: 5
    successCondition: result[0] >= {{args.least}}
    failureCondition: result[0] < {{args.least}}
    failureLimit: 1
    provider:
      prometheus:
        address: http://prometheus.monitoring.svc:9090
        query: |
          1 - sum(rate(crashes_total{arm="canary",app="{{args.app}}"}[2m]))
            / sum(rate(sessions_total{arm="canary",app="{{args.app}}"}[2m]))
  - name: answers-a-second
    interval: 1m
    count: 2
    successCondition: 'all(result, # > 1000000)'
    provider:
      prometheus:
        address: http://prometheus.monitoring.svc:9090
        query: sum(rate(answers_total{app="{{args.app}}"}[2m]))
)";
// A Prometheus with those two hours, and the gates that ask it.
class Bench {
 public:
  Bench()
      : files_(os::make_files()),
        http_(os::make_http()),
        process_(os::make_process()),
        world_{fake_.clock, *http_, *files_, *process_, fake_.random, fake_.environ, fake_.console} {
    write("in.txt", open_metrics());
    ports::ProcessRequest backfill;
    backfill.argv = {"promtool",         "tsdb", "create-blocks-from", "openmetrics", directory_ / "in.txt",
                     directory_ / "data"};
    const auto filled = process_->run(backfill);
    REQUIRE(filled.has_value());
    CAPTURE(filled->err);
    REQUIRE(filled->exit_code == 0);
    write("prometheus.yml", "global: {}\n");
    const std::uint16_t port = support::free_port();
    const std::string url = fmt::format("http://127.0.0.1:{}", port);
    server_ = std::make_unique<support::RealServer>(
        std::vector<std::string>{"prometheus", "--config.file=" + (directory_ / "prometheus.yml"),
                                 "--storage.tsdb.path=" + (directory_ / "data"),
                                 "--storage.tsdb.retention.time=100y", "--log.level=error",
                                 fmt::format("--web.listen-address=127.0.0.1:{}", port)},
        directory_ / "log");
    REQUIRE(server_->ready(*http_, url + "/-/ready"));
    write("success-rate.yaml", success_rate);
    write("tranche.yaml",
          fmt::format("version: 1\napp: notes\nchannels: {{ stable: {{ store: \"dir:public\" }} }}\n"
                      "sources: {{ prom: {{ prometheus: {{ url: \"{}\", timeout: 2s }} }} }}\n{}",
                      url, gates_yaml));
    auto loaded = spec::load(*files_, directory_ / "tranche.yaml");
    REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : loaded.error().message));
    app = loaded->apps.front();
    reader_ = std::make_unique<engine::GateReader>(world_, directory_.path());
  }

  // The gate from the first window on, asked every `each` for `how_long`, or until it fails. `release`: good
  // or bad.
  const rollout::GateMemory& run(const std::string& name, const std::string& release, Duration how_long,
                                 Duration each = 2min) {
    fake_.clock.set(start + 1min);
    memory = {};
    const spec::Gate* gate = app.gate(name);
    REQUIRE(gate != nullptr);
    rollout::begin_stage(memory, *gate, fake_.clock.now());
    for (const Instant end = fake_.clock.now() + how_long; fake_.clock.now() < end;) {
      ask(name, release, each);
      if (memory.verdict == Verdict::fail) break;
    }
    return memory;
  }
  void ask(const std::string& name, const std::string& release, Duration each = 2min) {
    fake_.clock.advance(each);
    const metrics::Variables variables{release, "stable", "1.2.0", "1.2.0", "1.1.0", {}};
    const spec::Gate& gate = *app.gate(name);
    const rollout::Observation seen = reader_->read(app, gate, variables, memory);
    rollout::fold(memory, app, gate, seen, fake_.clock.now());
  }
  void stop_server() { server_->stop(); }
  [[nodiscard]] Duration since_start() { return fake_.clock.now() - start; }

  spec::App app;
  rollout::GateMemory memory;

 private:
  void write(const std::string& name, std::string_view bytes) {
    REQUIRE(files_->write(directory_ / name, bytes).has_value());
  }
  support::TempDirectory directory_;
  support::FakeWorld fake_;
  std::unique_ptr<ports::Files> files_;
  std::unique_ptr<ports::Http> http_;
  std::unique_ptr<ports::Process> process_;
  ports::World world_;
  std::unique_ptr<support::RealServer> server_;
  std::unique_ptr<engine::GateReader> reader_;
};

bool says(const rollout::GateMemory& memory, std::string_view words) {
  return memory.explanation.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("gates over a real Prometheus: all statistics, assignments, kayenta, an Argo template, an outage") {
  const auto process = os::make_process();
  if (!support::have_program(*process, "promtool") || !support::have_program(*process, "prometheus"))
    return metrics::skip_without("prometheus", "prometheus");
  Bench bench;

  for (const char* statistic : {"rate", "proportion", "mean", "p95"}) {
    const std::string of = statistic;
    CAPTURE(of);
    const rollout::GateMemory good = bench.run(statistic, "good", 100min);
    CAPTURE(good.source_error);
    CAPTURE(good.explanation);
    CHECK(good.verdict == Verdict::pass);
    CHECK(good.gaps == 0);
    CHECK(good.ratio_low < 1);
    CHECK(good.ratio_high > 1);
    const rollout::GateMemory bad = bench.run(statistic, "bad", 100min);
    CAPTURE(bad.explanation);
    CHECK(bad.verdict == Verdict::fail);
    CHECK(bad.ratio_low >= 1);  // of a quantile: a bound of its buckets over another
    CHECK(bench.since_start() < 40min);
    MESSAGE(of, ": ", bad.explanation, " after ", to_text(bench.since_start()));
  }

  // Who was given an arm and is not heard from.
  CHECK(bench.run("whole", "good", 100min).verdict == Verdict::pass);
  const rollout::GateMemory lossy = bench.run("lossy", "good", 100min);
  CAPTURE(lossy.explanation);
  CHECK(lossy.verdict == Verdict::inconclusive);
  CHECK(says(lossy, "the arms cannot be compared"));

  // Kayenta's judge over two metrics.
  const rollout::GateMemory judged = bench.run("judged", "good", 60min);
  CAPTURE(judged.explanation);
  CAPTURE(judged.source_error);
  CHECK(judged.verdict == Verdict::pass);
  const rollout::GateMemory condemned = bench.run("judged", "bad", 90min);
  CAPTURE(condemned.explanation);
  CHECK(condemned.verdict == Verdict::fail);

  // Argo's template. Its dry run never holds, and would fail.
  const rollout::GateMemory argo = bench.run("argo", "good", 10min, 1min);
  CAPTURE(argo.explanation);
  CAPTURE(argo.source_error);
  CHECK(argo.verdict == Verdict::pass);
  CHECK(says(argo, "answers-a-second"));
  CHECK(argo.argo.metrics.at("success-rate").successful == 5);
  CHECK(argo.argo.measured.at("success-rate") == start + 1min + 6min);  // initialDelay, then every minute
  const rollout::GateMemory argo_bad = bench.run("argo-bad", "good", 10min, 1min);
  CAPTURE(argo_bad.explanation);
  CHECK(argo_bad.verdict == Verdict::fail);
  CHECK(argo_bad.argo.metrics.at("success-rate").failed == 2);  // with more than failureLimit
  CHECK(says(argo_bad, "success-rate"));

  // Nothing comes back: ours holds; Argo's own behaviour is an error, and with more than four in a row it
  // ends.
  const rollout::GateMemory empty = bench.run("argo-empty", "good", 20min, 1min);
  CAPTURE(empty.explanation);
  CHECK(empty.verdict == Verdict::no_data);
  CHECK(empty.argo.metrics.at("success-rate").failed == 0);
  const rollout::GateMemory strict = bench.run("argo-strict", "good", 20min, 1min);
  CAPTURE(strict.explanation);
  CHECK(strict.verdict == Verdict::fail);
  CHECK(strict.argo.metrics.at("success-rate").error == 5);

  // An outage after a pass takes the pass away, and never fails. Argo's template: it is measured no more, and
  // nobody knows.
  std::map<std::string, rollout::GateMemory> passed;
  for (const char* gate : {"rate", "p95", "judged", "threshold"}) {
    CAPTURE(gate);
    passed[gate] = bench.run(gate, "good", 60min);
    CAPTURE(passed[gate].explanation);
    REQUIRE(passed[gate].verdict == Verdict::pass);
  }
  REQUIRE(bench.run("argo", "good", 5min, 1min).argo.metrics.at("success-rate").successful == 4);
  bench.stop_server();
  for (int i = 0; i < 10; ++i) {
    bench.ask("argo", "good", 1min);
    CAPTURE(bench.memory.explanation);
    CHECK(bench.memory.verdict == Verdict::no_data);
    CHECK(bench.memory.argo.metrics.at("success-rate").failed == 0);
  }
  bench.ask("argo", "good", 60min);  // past what the others have read
  for (auto& [gate, memory] : passed) {
    CAPTURE(gate);
    bench.memory = memory;
    for (int i = 0; i < 3; ++i) {
      bench.ask(gate, "good", 30min);
      CAPTURE(bench.memory.explanation);
      CHECK(bench.memory.verdict == Verdict::no_data);
      CHECK(bench.memory.source_error.find("prom") != std::string::npos);
    }
  }
}
