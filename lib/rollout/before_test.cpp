#include <doctest/doctest.h>

#include "doc/value.hpp"
#include "rollout/gate_memory.hpp"

using namespace tranche;
using namespace tranche::rollout;
using namespace std::chrono_literals;

namespace {

const Instant t0 = *parse_instant("2026-11-21T10:00:00Z");

spec::Gate versions_gate() {
  spec::Gate gate;
  gate.name = "crashes";
  gate.arms = spec::Gate::Arms::version;
  gate.before_events = "crashes{ring=\"$arm\"}";
  gate.before_exposure = "sessions{ring=\"$arm\"}";
  return gate;
}

std::vector<Window> windows(Instant after, int count, double canary) {
  std::vector<Window> out;
  for (int i = 1; i <= count; ++i)
    out.push_back({after + i * 1min, true, {{"all", {{canary, 1200}, {54, 10800}}}}, {}});
  return out;
}

GateMemory watch(const spec::Gate& gate, double canary, std::optional<std::vector<Window>> before) {
  GateMemory memory;
  begin_stage(memory, gate, t0);
  Observation seen;
  seen.windows = windows(t0, 20, canary);
  seen.before = std::move(before);
  fold(memory, {}, gate, seen, t0 + 20min);
  return memory;
}

}  // namespace

TEST_CASE("arms that differed before the release neither fail nor pass") {
  const spec::Gate gate = versions_gate();
  const auto uneven = windows(t0 - 200min, 200, 12), even = windows(t0 - 200min, 200, 6);
  CHECK(watch(gate, 18, even).verdict == gate::Verdict::fail);
  CHECK(watch(gate, 6, even).verdict == gate::Verdict::pass);
  for (const double canary : {18.0, 6.0}) {
    const GateMemory memory = watch(gate, canary, uneven);
    CHECK(memory.verdict == gate::Verdict::inconclusive);
    CHECK(memory.explanation.find("differed before the release: ratio 2x") != std::string::npos);
  }
}

TEST_CASE("what was not seen of the time before the release holds a gate between versions") {
  const spec::Gate gate = versions_gate();
  CHECK(watch(gate, 6, std::nullopt).explanation.find("has not been read yet") != std::string::npos);
  const GateMemory silent = watch(gate, 6, std::vector<Window>{});
  CHECK(silent.verdict == gate::Verdict::inconclusive);
  CHECK(silent.explanation.find("no data of the time before") != std::string::npos);
  spec::Gate buckets = gate;  // made by chance: nothing to prove
  buckets.arms = spec::Gate::Arms::bucket;
  CHECK(watch(buckets, 6, std::vector<Window>{}).verdict == gate::Verdict::pass);
}

TEST_CASE("the time before the release is read once and journalled") {
  const spec::Gate gate = versions_gate();
  GateMemory memory = watch(gate, 6, windows(t0 - 200min, 200, 6));
  GateMemory back = *gate_memory_from_value(*doc::parse_json(doc::to_json(to_value(memory))));
  CHECK(back.before_read);
  CHECK((back.before == memory.before));
  Observation again;
  again.before = windows(t0 - 200min, 200, 60);
  fold(back, {}, gate, again, t0 + 20min);
  CHECK((back.before == memory.before));
}
