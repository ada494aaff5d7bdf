#include <doctest/doctest.h>

#include <random>

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
cohorts: { pilot: { match: { ring: pilot } } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
gates:
  crashes: { kind: compare, source: fleet, events: crashes, exposure: sessions, margin: 2x, every: 1s }
rollouts:
  desktop:
    channel: stable
    stages:
      - { cohort: pilot, bake: 10s..20s }
      - { percent: 5, bake: 10s..20s, gates: [crashes] }
      - { percent: 50, bake: 10s..20s, gates: [crashes] }
      - { percent: 100, bake: 10s }
    on-failure: rollback
playbooks: { rollback: { steps: [ { uses: channel.withdraw }, { uses: channel.fallback } ] } }
)";

Plan plan_for(const std::string& text = yaml) { return plan_of(text); }

State at_five_percent(const Plan& plan) {
  State state = done(plan, begin(plan, "d", 7, t0), t0);
  state = must(step(plan, state, {t0 + 10s, Tick{}})).state;
  return done(plan, state, t0 + 10s);
}

// One window a second with these events among 1,000 canary and 19,000 control sessions.
Tick windows(Instant after, int count, double canary, double control) {
  Observation observation;
  for (int i = 1; i <= count; ++i) {
    Window window{after + i * 1s, true, {}};
    window.counts["50000"] = {{canary, 1'000}, {control, 19'000}};
    observation.windows.push_back(window);
  }
  Tick tick;
  tick.observations["crashes"] = observation;
  return tick;
}

}  // namespace

TEST_CASE("a stage needs its bake's minimum even when nothing is asked") {
  const Plan plan = plan_for();
  const State state = done(plan, begin(plan, "d", 7, t0), t0);
  CHECK(state.phase == Phase::baking);
  CHECK_FALSE(must(step(plan, state, {t0 + 9s, Tick{}})).state.pending.has_value());
  CHECK_FALSE(
      must(step(plan, state, {t0 - 1h, Tick{}})).state.pending.has_value());  // a clock that jumped back
  const State next = must(step(plan, state, {t0 + 10s, Tick{}})).state;
  REQUIRE(next.pending.has_value());
  CHECK(next.pending->kind == EffectKind::expose);
  CHECK(next.pending->stage == 1);
}

TEST_CASE("no data never promotes: the rollout is held at the bake's maximum") {
  const Plan plan = plan_for();
  const State state = at_five_percent(plan);
  const State waiting = must(step(plan, state, {t0 + 25s, Tick{}})).state;
  CHECK(waiting.phase == Phase::baking);
  CHECK_FALSE(waiting.pending.has_value());
  const State held = must(step(plan, waiting, {t0 + 30s, Tick{}})).state;
  CHECK(held.phase == Phase::held);
  const State resumed = must(step(plan, held, {t0 + 40s, Resume{"looked"}})).state;
  CHECK(resumed.phase == Phase::baking);
  CHECK(resumed.stage_since == t0 + 40s);
}

TEST_CASE("a dry-run gate is asked and shown, and never decides") {
  std::string text = yaml;
  text.replace(text.find("every: 1s"), 9, "every: 1s, dry-run: true");
  const Plan plan = plan_for(text);
  const State state = at_five_percent(plan);
  const Instant since = t0 + 10s;
  const State next = must(step(plan, state, {since + 11s, windows(since, 11, 900, 380)})).state;
  CHECK(next.gates.at("crashes").verdict == gate::Verdict::fail);
  REQUIRE(next.pending.has_value());
  CHECK(next.pending->kind == EffectKind::expose);
}

TEST_CASE("a certificate after the minimum promotes, with fresh data only") {
  const Plan plan = plan_for();
  const State state = at_five_percent(plan);
  const Instant since = t0 + 10s;
  const State certain = must(step(plan, state, {since + 9s, windows(since, 9, 20, 380)})).state;
  CHECK(certain.gates.at("crashes").verdict == gate::Verdict::pass);
  CHECK_FALSE(certain.pending.has_value());
  CHECK(must(step(plan, certain, {since + 10s, Tick{}})).state.pending.has_value());
  // The source went silent: the same evidence is no longer fresh.
  const State silent = must(step(plan, certain, {since + 18s, Tick{}})).state;
  CHECK(silent.gates.at("crashes").verdict == gate::Verdict::no_data);
  CHECK_FALSE(silent.pending.has_value());
  Tick outage;
  outage.observations["crashes"].error = "connection refused";
  CHECK_FALSE(must(step(plan, certain, {since + 10s, outage})).state.pending.has_value());
}

TEST_CASE("a failing gate rolls back from baking, held and paused") {
  const Plan plan = plan_for();
  State state = at_five_percent(plan);
  const Instant since = t0 + 10s;
  for (Phase phase : {Phase::baking, Phase::held, Phase::paused}) {
    state.phase = phase;
    const State failed = must(step(plan, state, {since + 4s, windows(since, 4, 100, 380)})).state;
    CHECK(failed.phase == Phase::rolling_back);
    REQUIRE(failed.pending.has_value());
    CHECK(failed.pending->kind == EffectKind::playbook);
    CHECK(failed.detected == since + 4s);
    const Next back = must(step(plan, failed, {since + 5s, EffectDone{failed.pending->key, false}}));
    CHECK(back.state.phase == Phase::rolled_back);
    const Next stranded = must(step(plan, failed, {since + 5s, EffectDone{failed.pending->key, true}}));
    CHECK(stranded.state.phase == Phase::stranded);
  }
}

TEST_CASE("a repeated answer of a source changes nothing") {
  const Plan plan = plan_for();
  const State state = at_five_percent(plan);
  const Instant since = t0 + 10s;
  const State once = must(step(plan, state, {since + 3s, windows(since, 3, 20, 380)})).state;
  const State twice = must(step(plan, once, {since + 3s, windows(since, 3, 20, 380)})).state;
  CHECK(to_value(once) == to_value(twice));
}

TEST_CASE("a late tick that backfills ends where timely ticks end") {
  const Plan plan = plan_for();
  State timely = at_five_percent(plan);
  const State late = timely;
  const Instant since = t0 + 10s;
  for (int i = 1; i <= 8; ++i)
    timely = must(step(plan, timely, {since + i * 1s, windows(since + (i - 1) * 1s, 1, 20, 380)})).state;
  const State caught_up = must(step(plan, late, {since + 8s, windows(since, 8, 20, 380)})).state;
  CHECK((timely.gates.at("crashes").process == caught_up.gates.at("crashes").process));
  CHECK(timely.gates.at("crashes").polled_until == caught_up.gates.at("crashes").polled_until);
}

TEST_CASE("stop works from every phase that has something to stop") {
  const Plan plan = plan_for();
  const State baking = at_five_percent(plan);
  for (int p = 0; p <= static_cast<int>(Phase::stranded); ++p) {
    State state = baking;
    state.phase = static_cast<Phase>(p);
    CAPTURE(to_text(state.phase));
    const auto next = step(plan, state, {t0 + 1h, Stop{"red button"}});
    if (state.phase == Phase::rolled_back || state.phase == Phase::stranded) {
      CHECK(next.error().kind == ErrorKind::denied);
    } else if (state.phase == Phase::rolling_back) {
      CHECK(must(next).decisions.empty());
    } else {
      CHECK(must(next).state.phase == Phase::rolling_back);
      CHECK(must(next).state.pending->kind == EffectKind::playbook);
    }
  }
  State publishing = begin(plan, "d", 7, t0);  // between intent and effect
  CHECK(must(step(plan, publishing, {t0, Stop{"x"}})).state.pending->kind == EffectKind::playbook);
}

TEST_CASE("a person cannot promote past a suspect gate") {
  const Plan plan = plan_for();
  State state = at_five_percent(plan);
  state.suspect = true;
  CHECK(step(plan, state, {t0 + 1h, Promote{"hurry"}}).error().kind == ErrorKind::denied);
  state.suspect = false;
  CHECK(must(step(plan, state, {t0 + 1h, Promote{"hurry"}})).state.pending->stage == 2);
}

TEST_CASE("a state reads back as it was written") {
  const Plan plan = plan_for();
  const State state =
      must(step(plan, at_five_percent(plan), {t0 + 13s, windows(t0 + 10s, 3, 100, 380)})).state;
  const auto again = state_from_value(to_value(state));
  REQUIRE(again.has_value());
  CHECK(to_value(*again) == to_value(state));
}

TEST_CASE("a state without any event yet can be journalled: the ratio of two zero rates is null") {
  const Plan plan = plan_for();
  const State state = must(step(plan, at_five_percent(plan), {t0 + 12s, windows(t0 + 10s, 1, 0, 0)})).state;
  CHECK(doc::canonical_json(to_value(state)).has_value());
  CHECK(state_from_value(to_value(state)).has_value());
}

TEST_CASE("a plan reads back as it was frozen, and a changed one is noticed") {
  const Plan plan = plan_for();
  doc::Value value = to_value(plan);
  const auto again = plan_from_value(value);
  REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().message));
  CHECK(*plan_digest(*again) == *plan_digest(plan));
  value.find("stages")->as_array()[1].find("rule")->set("below", "1");
  CHECK(plan_from_value(value).error().kind == ErrorKind::verification);
}

TEST_CASE("a plan with a playbook of another name than rollback reads back as it was frozen") {
  std::string text = replace_all(yaml, "on-failure: rollback", "on-failure: back");
  text = replace_all(text, "{ rollback: {", "{ back: {");
  const Plan plan = plan_for(text);
  const auto again = plan_from_value(to_value(plan));
  REQUIRE_MESSAGE(again.has_value(), (again ? "" : again.error().message));
  CHECK(again->config.playbooks.size() == 1);
  CHECK(*plan_digest(*again) == *plan_digest(plan));
}

TEST_CASE("what a plan cannot honour is refused") {
  auto spec = spec::parse(yaml);
  REQUIRE(spec.has_value());
  PlanInput input{"desktop", "1.2.0", std::string(64, 'a'), {}, false};
  CHECK(make_plan(spec->apps[0], input).error().message.find("no earlier release") != std::string::npos);
  input.accept_no_way_back = true;
  CHECK(make_plan(spec->apps[0], input).has_value());
  input.current.withdrawn.push_back({"1.2.0", "1.1.0"});
  CHECK(make_plan(spec->apps[0], input).error().message.find("was withdrawn") != std::string::npos);
  input.current.withdrawn.clear();
  input.current.offer = cohort::Offer{"1.3.0", "s", {}};
  CHECK(make_plan(spec->apps[0], input).error().kind == ErrorKind::conflict);
  input.rollout = "deskto";
  CHECK(make_plan(spec->apps[0], input).error().hint.find("desktop") != std::string::npos);
}

TEST_CASE("over random events exposure never grows without bake and pass, and stop is always possible") {
  const Plan plan = plan_for();
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Instant now = t0;
    State state = begin(plan, "d", 7, now);
    std::size_t exposed = 0;
    for (int i = 0; i < 60; ++i) {
      now += std::chrono::milliseconds(static_cast<int>(random() % 8'000));
      const State before = state;
      Event event{now, Tick{}};
      const auto pick = static_cast<unsigned>(random() % 12);
      if (state.pending && pick < 9) {
        event.what = EffectDone{state.pending->key, random() % 2 == 0};
      } else if (pick < 7) {
        const Instant after = state.gates.contains("crashes") ? state.gates["crashes"].polled_until : now;
        event.what = windows(after, static_cast<int>(random() % 4), static_cast<double>(random() % 40), 380);
      } else if (pick == 7) {
        event.what = Pause{"p"};
      } else if (pick == 8) {
        event.what = Resume{"r"};
      } else if (pick == 9 && seed % 3 == 0) {
        event.what = Stop{"s"};
      }
      const auto next = step(plan, state, event);
      if (!next) continue;
      state = next->state;
      if (state.pending && state.pending->kind == EffectKind::expose &&
          !(before.pending && before.pending->key == state.pending->key)) {
        CHECK(state.pending->stage == before.stage + 1);
        CHECK(now - before.stage_since >= plan.stages[before.stage].bake.min);
        for (const std::string& gate : plan.stages[before.stage].gates)
          CHECK(state.gates.at(gate).verdict == gate::Verdict::pass);
      }
      if (state.phase == Phase::rolling_back || state.phase == Phase::rolled_back ||
          state.phase == Phase::stranded)
        CHECK_FALSE((state.pending && state.pending->kind != EffectKind::playbook));
      CHECK(state.stage >= exposed);
      exposed = state.stage;
      if (!is_final(state.phase) || state.phase == Phase::done)
        CHECK(step(plan, state, {now, Stop{"x"}}).has_value());
    }
  }
}

namespace {

// The usual gates and two of kind model; `stage_gates` are those of the stage at 5%.
std::string yaml_with_model(const std::string& stage_gates) {
  std::string text = yaml;
  const std::string model =
      "  reader: { judge: model, openai: { url: 'http://127.0.0.1:2/v1', model: m }, logs: { file: "
      "'logs/$arm.log' } }\n"
      "  second: { judge: model, openai: { url: 'http://127.0.0.1:3/v1', model: m }, logs: { file: "
      "'logs/$arm.log' } }\n";
  text.insert(text.find("rollouts:"), model);
  const std::string five = "{ percent: 5, bake: 10s..20s, gates: [crashes] }";
  text.replace(text.find(five), five.size(), "{ percent: 5, bake: 10s..20s, gates: [" + stage_gates + "] }");
  return text;
}

Observation no_objection(Instant at) {
  Observation out;
  out.opinion.emplace();
  out.opinion->last.says = gate::Opinion::Says::not_worse;
  out.opinion->last.control = gate::Opinion::Control::confirmed;
  out.opinion->last.confidence = 100;
  out.until = at;
  return out;
}

}  // namespace

TEST_CASE("models alone never promote, however sure they are; with another gate's pass they do not hold") {
  const Instant since = t0 + 10s;
  for (const std::string alone : {"reader", "reader, second"}) {
    CAPTURE(alone);
    const Plan plan = plan_for(yaml_with_model(alone));
    State state = at_five_percent(plan);
    for (int i = 1; i <= 40; ++i) {
      Tick tick;
      tick.observations["reader"] = no_objection(since + i * 1s);
      tick.observations["second"] = no_objection(since + i * 1s);
      state = must(step(plan, state, {since + i * 1s, tick})).state;
      CHECK(state.gates.at("reader").verdict == gate::Verdict::pass);
      REQUIRE_FALSE(state.pending.has_value());
    }
    CHECK(state.phase == Phase::held);
    CHECK(state.because.find("language model") != std::string::npos);
  }
  const Plan plan = plan_for(yaml_with_model("reader, crashes"));
  Tick tick = windows(since, 11, 20, 380);
  tick.observations["reader"] = no_objection(since + 11s);
  const State next = must(step(plan, at_five_percent(plan), {since + 11s, tick})).state;
  CHECK(next.gates.at("crashes").verdict == gate::Verdict::pass);
  REQUIRE(next.pending.has_value());
  CHECK(next.pending->kind == EffectKind::expose);
  CHECK(next.pending->stage == 2);
}

TEST_CASE("arms by version are compared, and the explanation says that nobody checked that they were alike") {
  std::string text = yaml;
  text.replace(text.find("every: 1s"), 9, "every: 1s, arms: version");
  const Plan plan = plan_for(text);
  const Instant since = t0 + 10s;
  const std::string unchecked = "alike before the release was not checked";
  const State good =
      must(step(plan, at_five_percent(plan), {since + 11s, windows(since, 11, 20, 380)})).state;
  CHECK(good.gates.at("crashes").verdict == gate::Verdict::pass);
  CHECK(good.gates.at("crashes").explanation.find(unchecked) != std::string::npos);
  const State bad = must(step(plan, at_five_percent(plan), {since + 4s, windows(since, 4, 100, 380)})).state;
  CHECK(bad.phase == Phase::rolling_back);
  CHECK(bad.because.find(unchecked) != std::string::npos);
  const Plan bucket = plan_for();
  const State usual =
      must(step(bucket, at_five_percent(bucket), {since + 11s, windows(since, 11, 20, 380)})).state;
  CHECK(usual.gates.at("crashes").explanation.find(unchecked) == std::string::npos);
}
