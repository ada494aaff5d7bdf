#include "rollout/replay.hpp"

#include <random>

#include <doctest/doctest.h>

#include "rollout/gate_memory.hpp"

namespace tranche::rollout {
namespace {

using std::chrono::seconds;

gate::StratumCounts counts(double canary_events, double canary, double control_events, double control) {
  gate::StratumCounts out;
  out.canary.events = canary_events;
  out.canary.exposure = canary;
  out.control.events = control_events;
  out.control.exposure = control;
  return out;
}
spec::Gate compare_gate() {
  spec::Gate gate;
  gate.name = "crashes";
  return gate;
}
Replay made(const spec::Gate& gate) {
  auto replay = Replay::make(gate);
  REQUIRE(replay);
  return std::move(*replay);
}
gate::Measurement measured(double value) {
  gate::Measurement out;
  out.has_data = out.scalar = true;
  out.values = {value};
  return out;
}

TEST_CASE("a series ends at its first fail and others go on; answers come in order of appearance") {
  Replay replay = made(compare_gate());
  for (int poll = 1; poll <= 20; ++poll) {
    REQUIRE(replay.add("good", seconds(60 * poll), "all", counts(6, 1200, 54, 10800)));
    REQUIRE(replay.add("bad", seconds(60 * poll), "all", counts(24, 1200, 54, 10800)));
  }
  const auto answers = replay.finish();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].series == "good");
  CHECK(answers[0].verdict == gate::Verdict::pass);
  CHECK(answers[0].at == seconds(1200));
  CHECK(answers[0].canary_exposure == 24000);
  REQUIRE(answers[0].passed_at);
  CHECK(*answers[0].passed_at < seconds(1200));
  CHECK(answers[1].verdict == gate::Verdict::fail);
  CHECK(answers[1].at < seconds(600));
  CHECK(answers[1].canary_exposure == 20.0 * static_cast<double>(answers[1].at / seconds(1)));
  CHECK_FALSE(answers[1].passed_at);
  REQUIRE(answers[1].seen);
  CHECK(answers[1].seen->ratio_low > 1);
}

TEST_CASE("a replay decides as the gate's memory does, poll by poll, bit by bit") {
  std::mt19937_64 random(7);
  CAPTURE(7);
  std::poisson_distribution<int> canary(9), control(54), other(2);
  spec::Gate gate = compare_gate();
  Replay replay = made(gate);
  GateMemory memory;
  begin_stage(memory, gate, Instant(seconds(0)));
  std::optional<Duration> failed, passed;
  double worse = 0;
  for (int poll = 1; poll <= 200; ++poll) {
    const Instant end(seconds(60 * poll));
    Window window{end, true, {}};
    window.counts["50000"] = counts(canary(random), 1200, control(random), 10800);
    if (poll % 3 == 0) window.counts["200000"] = counts(other(random), 300, other(random), 900);
    for (const auto& [stratum, one] : window.counts)
      REQUIRE(replay.add("", end.time_since_epoch(), stratum, one));
    if (failed) continue;
    Observation observation;
    observation.windows.push_back(window);
    fold(memory, spec::App{}, gate, observation, end);
    worse = memory.log_evidence_worse;
    if (memory.verdict == gate::Verdict::pass && !passed) passed = end.time_since_epoch();
    if (memory.verdict == gate::Verdict::fail) failed = end.time_since_epoch();
  }
  const auto answers = replay.finish();
  REQUIRE(answers.size() == 1);
  REQUIRE(failed);
  CHECK(answers[0].at == *failed);
  CHECK(answers[0].passed_at == passed);
  CHECK(answers[0].seen->log_evidence_worse == worse);
  CHECK(answers[0].explanation == memory.explanation);
}

TEST_CASE("a repeated time and stratum is counted and ignored; time does not go back") {
  Replay replay = made(compare_gate());
  REQUIRE(replay.add("a", seconds(60), "x", counts(1, 10, 1, 10)));
  REQUIRE(replay.add("a", seconds(60), "y", counts(1, 10, 1, 10)));
  REQUIRE(replay.add("a", seconds(60), "x", counts(9, 90, 9, 90)));
  REQUIRE(replay.add("a", seconds(120), "x", counts(1, 10, 1, 10)));
  auto back = replay.add("a", seconds(60), "x", counts(1, 10, 1, 10));
  REQUIRE_FALSE(back);
  CHECK(back.error().message == "t goes back from 120 to 60 in series 'a'");
  REQUIRE(replay.add("b", seconds(60), "x", counts(1, 10, 1, 10)));  // each series has its own time
  const auto answers = replay.finish();
  CHECK(answers[0].duplicates == 1);
  CHECK(answers[0].polls == 2);
  CHECK(answers[0].canary_exposure == 30);
  CHECK(answers[0].verdict == gate::Verdict::inconclusive);
}

TEST_CASE("a series without exposure in both arms has no data") {
  Replay replay = made(compare_gate());
  REQUIRE(replay.add("a", seconds(60), "all", counts(0, 0, 1, 10)));
  CHECK(replay.finish()[0].verdict == gate::Verdict::no_data);
}

TEST_CASE("too many strata in a poll are refused") {
  Replay replay = made(compare_gate());
  for (int i = 0; i < 64; ++i) REQUIRE(replay.add("a", seconds(60), std::to_string(i), counts(1, 10, 1, 10)));
  CHECK_FALSE(replay.add("a", seconds(60), "more", counts(1, 10, 1, 10)));
}

TEST_CASE("values are judged by a threshold gate") {
  spec::Gate gate;
  gate.kind = spec::Gate::Kind::threshold;
  gate.success_condition = "result < 2";
  gate.failure_limit = 1;
  Replay replay = made(gate);
  CHECK_FALSE(replay.wants_counts());
  for (int i = 1; i <= 5; ++i) {
    REQUIRE(replay.add("good", seconds(60 * i), measured(1)));
    REQUIRE(replay.add("bad", seconds(60 * i), measured(i >= 3 ? 5 : 1)));
  }
  const auto answers = replay.finish();
  CHECK(answers[0].verdict == gate::Verdict::pass);
  CHECK(answers[0].passed_at == seconds(60));
  CHECK(answers[1].verdict == gate::Verdict::fail);
  CHECK(answers[1].at == seconds(240));
}

TEST_CASE("gates that ask more than numbers cannot be replayed") {
  spec::Gate gate;
  gate.kind = spec::Gate::Kind::model;
  CHECK_FALSE(Replay::make(gate));
}

}  // namespace
}  // namespace tranche::rollout
