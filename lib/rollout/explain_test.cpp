#include "rollout/explain.hpp"

#include <doctest/doctest.h>

namespace tranche::rollout {
namespace {

GateMemory watched(const spec::Gate& gate, double canary_events, int polls) {
  GateMemory memory;
  const Instant start(std::chrono::seconds(1'767'225'600));
  begin_stage(memory, gate, start);
  Observation observation;
  for (int poll = 1; poll <= polls; ++poll) {
    Window window{start + poll * gate.every, true, {}, {}};
    gate::StratumCounts& counts = window.counts["50000"];
    counts.canary.events = canary_events;
    counts.canary.exposure = 1200;
    counts.control.events = 54;
    counts.control.exposure = 10800;
    observation.windows.push_back(std::move(window));
  }
  fold(memory, spec::App{}, gate, observation, start + polls * gate.every);
  return memory;
}

TEST_CASE("a failed gate says which arm, how much worse, and since when") {
  spec::Gate gate;
  gate.name = "crashes";
  const auto lines = explain("crashes", watched(gate, 24, 30), gate);
  REQUIRE(lines.size() >= 3);
  CHECK(lines[0].starts_with("crashes fail: the canary's rate is 4 times the control's, between "));
  CHECK(lines[0].ends_with(" (95%, at every look)"));
  CHECK(lines[1] == "what it sees began after 2026-01-01T00:00:00Z");
  CHECK(lines[2].starts_with("canary "));
}

TEST_CASE("a tick that comes late stops at the poll at which the gate failed") {
  spec::Gate gate;
  gate.name = "crashes";
  const GateMemory late = watched(gate, 24, 500);
  CHECK(late.verdict == gate::Verdict::fail);
  const gate::Totals totals = gate::totals(late.process);
  CHECK(totals.polls < 20);
  CHECK(late.polled_until == Instant(std::chrono::seconds(1'767'225'600)) + totals.polls * gate.every);
}

TEST_CASE("a gate without data, or one that compares nothing, says what it has to say") {
  spec::Gate gate;
  gate.name = "crashes";
  GateMemory memory;
  begin_stage(memory, gate, Instant(std::chrono::seconds(60)));
  memory.explanation = "nothing yet";
  memory.source_error = "no answer";
  const auto lines = explain("crashes", memory, gate);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "crashes no-data: nothing yet");
  CHECK(lines[1] == "source: no answer");
}

}  // namespace
}  // namespace tranche::rollout
