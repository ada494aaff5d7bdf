// What stands between a stage that is ready and the next one: windows, other rollouts, approvals, nobody
// watching, a store that does not answer, a clock that jumps.
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "rollout/step_testing.hpp"

using namespace tranche;
using namespace tranche::rollout;
using namespace std::chrono_literals;

namespace {

constexpr const char* yaml = R"(
version: 1
app: notes-agent
artifacts: ["dist/*"]
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
gates:
  latency: { kind: threshold, source: fleet, query: q, success-condition: "result < 3", interval: 1s }
rollouts:
  desktop:
    channel: stable
    WINDOW
    stages:
      - { percent: 5, bake: 10s..60s, gates: [] }
      - { percent: 50, bake: 10s..60s, gates: [latency] }
      - { percent: 100, bake: 10s, gates: [] }
    on-failure: rollback
playbooks:
  rollback: { steps: [ { uses: channel.withdraw }, { uses: channel.fallback } ] }
  tell: { steps: [ { uses: http.request, with: { method: POST, url: "http://127.0.0.1:2/" } } ] }
)";

Plan plan_with(const std::string& keys) { return plan_of(replace_all(yaml, "WINDOW", keys)); }

Tick with(std::string_view condition, Condition found) {
  Tick tick;
  tick.conditions[std::string(condition)] = std::move(found);
  return tick;
}
const std::string windowed = "window: \"Mon-Fri 09:00-16:00 UTC\"\n    on-hold: tell";

}  // namespace

TEST_CASE("a rollout with a window begins when it is open, and says until when it waits") {
  const Plan plan = plan_with(windowed);
  State state = begin(plan, "d", 7, t0);
  CHECK(state.phase == Phase::waiting);
  CHECK_FALSE(state.pending.has_value());
  CHECK(growth_is_due(plan, state, t0));
  Next next = must(step(plan, state, {t0, with("window", {false, "closed", {}, t0 + 9h})}));
  CHECK(next.state.phase == Phase::waiting);
  CHECK(next.state.because == "closed");
  REQUIRE(next.state.waits.size() == 1);
  CHECK(next.state.waits[0].until == t0 + 9h);
  CHECK(next.decisions == std::vector<std::string>{"waits: closed"});
  // Said once.
  next = must(step(plan, next.state, {t0 + 1h, with("window", {false, "closed", {}, t0 + 9h})}));
  CHECK(next.decisions.empty());
  next = must(step(plan, next.state, {t0 + 9h, with("window", {true, {}, {}, {}})}));
  REQUIRE(next.state.pending.has_value());
  CHECK(next.state.pending->stage == 0);
  CHECK(next.state.waits.empty());
}

TEST_CASE("a condition that nobody looked at is not met") {
  const Plan plan = plan_with(windowed);
  const State waiting = must(step(plan, begin(plan, "d", 7, t0), {t0, Tick{}})).state;
  CHECK(waiting.phase == Phase::waiting);
  CHECK(waiting.because.find("nobody has looked") != std::string::npos);
}

TEST_CASE("a window holds the next stage, by the machine and by hand, and never a stop") {
  const Plan plan = plan_with(windowed);
  State state = must(step(plan, begin(plan, "d", 7, t0), {t0, with("window", {true, {}, {}, {}})})).state;
  state = done(plan, state, t0);
  const Condition closed{false, "closed", {}, t0 + 1h};
  state = must(step(plan, state, {t0 + 10s, with("window", closed)})).state;
  CHECK(state.phase == Phase::baking);
  CHECK_FALSE(state.pending.has_value());
  CHECK(state.waits.size() == 1);
  CHECK_FALSE(state.notice.has_value());  // nobody need be told that it is night
  const auto promoted = step(plan, state, {t0 + 11s, Promote{"hurry", {{"window", closed}}}});
  CHECK(promoted.error().kind == ErrorKind::denied);
  CHECK(step(plan, state, {t0 + 11s, Promote{"hurry"}}).error().kind == ErrorKind::denied);
  CHECK(must(step(plan, state, {t0 + 11s, Promote{"hurry", {{"window", {true, {}, {}, {}}}}}}))
            .state.pending->stage == 1);
  CHECK(must(step(plan, state, {t0 + 11s, Stop{"bad"}})).state.phase == Phase::rolling_back);
  CHECK(must(step(plan, state, {t0 + 20s, with("window", {true, {}, {}, {}})})).state.pending->stage == 1);
}

TEST_CASE("a rollout that was paused before it began waits again when it is resumed") {
  const Plan plan = plan_with(windowed);
  State state = must(step(plan, begin(plan, "d", 7, t0), {t0, Pause{"p"}})).state;
  CHECK(state.phase == Phase::paused);
  state = must(step(plan, state, {t0 + 1s, with("window", {true, {}, {}, {}})})).state;
  CHECK_FALSE(state.pending.has_value());
  state = must(step(plan, state, {t0 + 2s, Resume{"r"}})).state;
  CHECK(state.phase == Phase::waiting);
  CHECK(must(step(plan, state, {t0 + 3s, with("window", {true, {}, {}, {}})})).state.pending->stage == 0);
}

TEST_CASE("a tick later than max-tick-gap holds the rollout and tells people; a person resumes") {
  const Plan plan = plan_with("max-tick-gap: 30s\n    on-hold: tell");
  State state = done(plan, begin(plan, "d", 7, t0), t0);
  CHECK(state.last_tick == t0);
  CHECK_FALSE(must(step(plan, state, {t0 + 5s, Tick{}})).state.pending.has_value());
  const Next late = must(step(plan, state, {t0 + 3h, Tick{}}));
  CHECK(late.state.phase == Phase::held);
  CHECK(late.state.because == "nobody watched for 3h, and max-tick-gap is 30s");
  REQUIRE(late.state.notice.has_value());
  CHECK(late.state.notice->playbook == "tell");
  CHECK(late.state.notice->key == "desktop/1.2.0/7/hold/1");
  // It is held once, and told once.
  const Next again = must(step(plan, late.state, {t0 + 6h, Tick{}}));
  CHECK(again.state.phase == Phase::held);
  CHECK(again.state.notices == 1);
  State told = must(step(plan, again.state, {t0 + 6h, NoticeDone{"desktop/1.2.0/7/hold/1"}})).state;
  CHECK_FALSE(told.notice.has_value());
  told = must(step(plan, told, {t0 + 7h, Resume{"looked"}})).state;
  CHECK(told.phase == Phase::baking);
  told = must(step(plan, told, {t0 + 7h + 5s, Tick{}})).state;
  CHECK(told.phase == Phase::baking);
  CHECK(must(step(plan, told, {t0 + 7h + 10s, Tick{}})).state.pending->stage == 1);
}

TEST_CASE("a clock that jumps ahead of the samples does not bake") {
  const Plan plan = plan_with("on-inconclusive: promote");
  State state = done(plan, begin(plan, "d", 7, t0), t0);
  state = must(step(plan, state, {t0 + 10s, Tick{}})).state;
  state = done(plan, state, t0 + 10s);
  const Instant since = t0 + 10s;
  const auto samples = [&](Duration until, double value) {
    Tick tick;
    for (Instant at = since; at <= since + until; at += 1s)
      tick.observations["latency"].samples.push_back({at, {true, {value}, {}}});
    return tick;
  };
  // Two seconds of samples, and the clock says two days.
  const State jumped = must(step(plan, state, {t0 + 48h, samples(2s, 1)})).state;
  CHECK_FALSE(jumped.pending.has_value());
  CHECK(baked(plan, jumped, t0 + 48h) == 7s);
  CHECK(jumped.phase == Phase::held);
  // At the same instants as the samples it goes on.
  const State good = must(step(plan, state, {since + 10s, samples(10s, 1)})).state;
  REQUIRE(good.pending.has_value());
  CHECK(good.pending->stage == 2);
  // Back in time nothing grows and nothing breaks.
  CHECK_FALSE(must(step(plan, state, {t0 - 48h, samples(2s, 1)})).state.pending.has_value());
}

TEST_CASE("a stage that a runner with a slow clock published bakes from what was decided before it") {
  const Plan plan = plan_with("on-hold: tell");
  State state = done(plan, begin(plan, "d", 7, t0), t0 - 24h * 30);
  CHECK(state.stage_since == t0);
  CHECK_FALSE(must(step(plan, state, {t0 + 9s, Tick{}})).state.pending.has_value());
  state = must(step(plan, state, {t0 + 10s, Tick{}})).state;
  REQUIRE(state.pending.has_value());
  state = done(plan, state, t0 - 48h);
  CHECK(state.stage_since == t0 + 10s);
  // A hold begins the bake anew, and no earlier than the hold.
  state = must(step(plan, state, {t0 + 2h, Tick{}})).state;
  REQUIRE(state.phase == Phase::held);
  CHECK(must(step(plan, state, {t0, Resume{"looked"}})).state.stage_since == t0 + 2h);
}

TEST_CASE("a next try that a clock far ahead wrote down is due, and a real backoff is waited for") {
  Trouble trouble;
  for (const Duration wait : {Duration(0), Duration(1s), Duration(10min)}) {
    trouble.not_before = t0 + wait;
    CHECK(due(trouble, t0) == t0 + wait);
  }
  trouble.not_before = t0 + 24h * 365;
  CHECK(due(trouble, t0) == t0);
}

TEST_CASE(
    "a stage that cannot be published is tried again later and later, watched meanwhile, and can be "
    "stopped") {
  const Plan plan = plan_with("on-hold: tell");
  State state = done(plan, begin(plan, "d", 7, t0), t0);
  state = must(step(plan, state, {t0 + 10s, Tick{}})).state;
  const std::string key = state.pending->key;
  Instant now = t0 + 10s;
  Duration last{};
  for (int attempt = 1; attempt <= 14; ++attempt) {
    state = must(step(plan, state, {now, EffectFailed{key, "no space", 500}})).state;
    REQUIRE(state.trouble.has_value());
    CHECK(state.trouble->attempts == attempt);
    CHECK(state.phase == Phase::baking);
    const Duration backoff = state.trouble->not_before - now;
    CHECK(backoff >= last);
    CHECK(backoff <= 450s);
    CHECK((attempt != 1 || backoff == 0s));
    CHECK((attempt != 2 || backoff == 3s));
    CHECK(state.notice.has_value() == (attempt >= 10));
    last = backoff;
    now = state.trouble->not_before;
    CHECK(state_from_value(to_value(state))->trouble == state.trouble);
  }
  CHECK(must(step(plan, state, {now, Stop{"bad"}})).state.pending->kind == EffectKind::playbook);
  CHECK_FALSE(must(step(plan, state, {now, Stop{"bad"}})).state.trouble.has_value());
  const State through = must(step(plan, state, {now, EffectDone{key}})).state;
  CHECK_FALSE(through.trouble.has_value());
  CHECK(through.stage == 1);
}

TEST_CASE("an effect of unknown outcome waits for a person") {
  const Plan plan = plan_with("on-hold: tell");
  const State begun = begin(plan, "d", 7, t0);
  const std::string key = begun.pending->key;
  const State unknown = must(step(plan, begun, {t0, EffectUnknown{key, "the connection broke"}})).state;
  CHECK(unknown.trouble->unknown);
  CHECK(unknown.notice.has_value());
  CHECK(step(plan, unknown, {t0, Settle{"other", true, "x"}}).error().kind == ErrorKind::denied);
  CHECK(step(plan, begun, {t0, Settle{key, true, "x"}}).error().kind == ErrorKind::denied);
  CHECK_FALSE(must(step(plan, unknown, {t0, Settle{key, true, "saw it"}})).state.pending.has_value());
  const State again = must(step(plan, unknown, {t0, Settle{key, false, "it did not"}})).state;
  CHECK(again.pending->key == key);
  CHECK_FALSE(again.trouble.has_value());
}

TEST_CASE(
    "an effect that takes its time is waited for without a failed attempt, and its deadline counts on") {
  const Plan plan = plan_with("on-hold: tell");
  State state = begin(plan, "d", 7, t0);
  const std::string key = state.pending->key;
  const Next first = must(step(plan, state, {t0, EffectWaits{key, "pods start", t0 + 5s}}));
  CHECK(first.decisions.size() == 1);
  const Next second = must(step(plan, first.state, {t0 + 6s, EffectWaits{key, "pods start", t0 + 11s}}));
  CHECK(second.decisions.empty());  // said once
  CHECK(second.state.trouble->attempts == 0);
  CHECK(second.state.trouble->since == t0);
  CHECK(second.state.trouble->not_before == t0 + 11s);
  state = must(step(plan, second.state, {t0 + 12s, EffectFailed{key, "no route", 0}})).state;
  CHECK(state.trouble->attempts == 1);
  CHECK(must(step(plan, state, {t0 + 13s, EffectWaits{key, "pods start", t0 + 20s}})).state.trouble->since ==
        t0 + 13s);
  CHECK(must(step(plan, state, {t0 + 13s, Stop{"bad"}})).state.pending->kind == EffectKind::playbook);
}

TEST_CASE("an attempt that begins is marked until its outcome is known, and failed ones stay counted") {
  const Plan plan = plan_with("on-hold: tell");
  State state = begin(plan, "d", 7, t0);
  const std::string key = state.pending->key;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    state = must(step(plan, state, {t0, EffectWaits{key, "it runs", t0 + 60s, true}})).state;
    CHECK(state.trouble->begun);
    CHECK(state_from_value(to_value(state))->trouble == state.trouble);
    state = must(step(plan, state, {t0, EffectFailed{key, "it ended with 1", 0}})).state;
    CHECK_FALSE(state.trouble->begun);
    CHECK(state.trouble->attempts == attempt);
  }
  CHECK_FALSE(must(step(plan, state, {t0, EffectDone{key}})).state.trouble.has_value());
}

TEST_CASE("a state that an older tranche wrote reads, and one with everything reads back") {
  const Plan plan = plan_with(windowed + "\n    max-tick-gap: 1h");
  State state = must(step(plan, begin(plan, "d", 7, t0), {t0, Tick{}})).state;
  state.notice = Effect{EffectKind::playbook, "k", 0, "tell"};
  state.notices = 2;
  state.supersedes = "desktop/1.1.9/3";
  state.superseded_by = "x";
  const auto again = state_from_value(to_value(state));
  REQUIRE(again.has_value());
  CHECK(to_value(*again) == to_value(state));
  CHECK(again->waits == state.waits);
}
