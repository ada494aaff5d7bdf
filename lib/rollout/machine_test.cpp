// The machine as a whole: every state that a small plan can come to, and long random stories.
//
// What is held, at each transition: exposure grows by one stage, on a pass of every gate after the bake's
// minimum or by a person's promotion, never while suspect, and never without its window, the other rollout
// and the approval; what was withdrawn is offered no more; every state that is not final has a way out; a
// stop always ends in rolled-back or stranded.
#include <doctest/doctest.h>

#include <deque>
#include <iostream>
#include <random>
#include <set>

#include "base/text.hpp"
#include "rollout/state.hpp"
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
  latency: { kind: threshold, source: fleet, query: q, success-condition: "result < 3", interval: 1s, count: 1 }
  crashes: { kind: compare, source: fleet, events: crashes, exposure: sessions, margin: 2x, every: 1s }
people: { managers: { keys: [keys/ana.pub] } }
rollouts:
  desktop:
    channel: stable
    window: "Mon-Fri 09:00-16:00 UTC"
    max-tick-gap: 30s
    on-hold: tell
    on-inconclusive: ON
    stages:
      - { percent: 5, bake: 20s..40s, gates: [GATE] }
      - { percent: 50, bake: 20s..40s, gates: [], approval: managers }
      - { percent: 100, bake: 20s, gates: [] }
    on-failure: rollback
playbooks:
  rollback: { steps: [ { uses: channel.withdraw }, { uses: channel.fallback } ] }
  tell: { steps: [ { uses: http.request, with: { method: POST, url: "http://127.0.0.1:2/" } } ] }
)";

Plan plan_with(const std::string& on_inconclusive, const std::string& gate) {
  return plan_of(replace_all(replace_all(yaml, "ON\n", on_inconclusive + "\n"), "GATE", gate));
}

const Instant noon = *parse_instant("2026-01-01T12:00:00Z");

bool is_growth(const State& before, const State& after) {
  return after.pending && after.pending->kind != EffectKind::playbook &&
         !(before.pending && before.pending->key == after.pending->key);
}

// Empty: the transition holds all that is promised.
std::string broken_promise(const Plan& plan, const State& before, const Event& event, const State& after) {
  const bool back = after.phase == Phase::rolling_back || after.phase == Phase::rolled_back ||
                    after.phase == Phase::stranded || after.phase == Phase::superseded;
  if (back && after.pending && after.pending->kind != EffectKind::playbook)
    return "what is taken back is offered";
  if (after.stage != before.stage && !std::holds_alternative<EffectDone>(event.what) &&
      !std::holds_alternative<Settle>(event.what))
    return "the stage changed without an effect";
  if (!is_growth(before, after)) return {};
  const std::size_t to = growth_to(before);
  if (after.pending->kind == EffectKind::expose && after.pending->stage != to) return "a stage was skipped";
  if (after.pending->kind == EffectKind::finish && to != plan.stages.size()) return "it ended too early";
  if (after.suspect) return "it grew while suspect";
  const auto* tick = std::get_if<Tick>(&event.what);
  const auto* promote = std::get_if<Promote>(&event.what);
  if (tick == nullptr && promote == nullptr) return "it grew by something else";
  if (!unmet(required_conditions(plan, to), tick != nullptr ? tick->conditions : promote->conditions).empty())
    return "it grew past a condition";
  if (promote != nullptr || !has_begun(before)) return {};
  if (before.phase != Phase::baking) return "it grew out of " + std::string(to_text(before.phase));
  const PlannedStage& stage = plan.stages[before.stage];
  if (event.now - before.stage_since < stage.bake.min) return "it grew before the bake's minimum";
  bool pass = true;
  for (const std::string& gate : stage.gates)
    pass = pass && after.gates.contains(gate) && after.gates.at(gate).verdict == gate::Verdict::pass;
  const bool promoting = plan.spec().on_inconclusive == spec::Rollout::OnInconclusive::promote &&
                         event.now - before.stage_since >= stage.bake.max;
  if (!pass && !promoting) return "it grew without a pass";
  return {};
}

Conditions conditions(bool window, bool approval) {
  return {{"window", {window, "closed", {}, {}}}, {"approval", {approval, "not yet", {}, {}}}};
}

Tick sample(Instant at, double value) {
  Tick tick;
  tick.observations["latency"].samples.push_back({at, {true, {value}, {}}});
  return tick;
}

// Times count from now, and only as far as they make a difference: states that behave alike are one.
State rebased(State state, Instant now) {
  const auto clamp = [&](Instant& time) {
    if (time == Instant{}) return;
    time = noon + std::clamp<Duration>(time - now, -40s, 20s);
  };
  clamp(state.stage_since);
  // Only whether the gap is too long matters.
  if (state.last_tick != Instant{}) state.last_tick = noon - (now - state.last_tick > 0s ? 20s : 0s);
  state.started = state.changed = noon;
  if (state.finished) state.finished = noon;
  if (state.detected) state.detected = noon;
  state.because.clear();
  state.superseded_by.clear();
  if (state.notice) state.notice->key.clear();
  state.notices = 0;
  if (state.trouble) {
    state.trouble->attempts = std::min(state.trouble->attempts, 2);
    state.trouble->since = state.trouble->not_before = noon;
  }
  for (auto& [name, memory] : state.gates) {
    // Counted once, it asks nothing more; before that its times are the stage's.
    memory.since = state.stage_since;
    if (memory.last_data != Instant{})
      memory.last_data = memory.polled_until = noon;
    else
      memory.polled_until = state.stage_since - 1s;
    memory.explanation.clear();
  }
  return state;
}

// While it runs, its steps say these of themselves.
bool belongs_to_playbook(const What& what) {
  return std::holds_alternative<EffectUnknown>(what) || std::holds_alternative<EffectWaits>(what);
}

std::vector<What> whats(const Plan& plan, const State& state, Instant now) {
  std::vector<What> out;
  for (const bool window : {false, true})
    for (const bool approval : {false, true}) {
      for (Tick tick : {Tick{}, sample(now, 1), sample(now, 9)}) {
        tick.conditions = conditions(window, approval);
        out.emplace_back(std::move(tick));
      }
      out.emplace_back(Promote{"p", conditions(window, approval)});
    }
  if (state.pending) {
    const std::string& key = state.pending->key;
    out.insert(out.end(),
               {EffectDone{key, false}, EffectDone{key, true}, EffectFailed{key, "e", 0},
                EffectUnknown{key, "u"}, EffectWaits{key, "w", now, false}, EffectWaits{key, "w", now, true},
                Settle{key, true, "s"}, Settle{key, false, "s"}});
  }
  if (state.notice) out.emplace_back(NoticeDone{state.notice->key});
  out.insert(out.end(), {Pause{"p"}, Resume{"r"}, Stop{"s"}, Supersede{"other", "1.3.0", "fix"},
                         Amend{plan, state.plan_digest, state.plan_entry, state.stage, "a", {}}});
  return out;
}

}  // namespace

TEST_CASE("every state that a small plan can come to keeps its promises") {
  for (const std::string on_inconclusive : {"hold", "promote"}) {
    CAPTURE(on_inconclusive);
    const Plan plan = plan_with(on_inconclusive, "latency");
    std::deque<State> waiting{rebased(begin(plan, "d", 7, noon), noon)};
    std::set<std::string> seen{doc::to_json(to_value(waiting.front()))};
    std::size_t transitions = 0;
    std::set<Phase> phases;
    while (!waiting.empty()) {
      const State state = std::move(waiting.front());
      waiting.pop_front();
      phases.insert(state.phase);
      bool way_out = false;
      for (const Duration passed : std::vector<Duration>{0s, 20s, 40s, -20s})
        for (const What& what : whats(plan, state, noon + passed)) {
          const Event event{noon + passed, what};
          const auto next = step(plan, state, event);
          if (!next) {
            REQUIRE_MESSAGE((next.error().kind == ErrorKind::denied ||
                             (next.error().kind == ErrorKind::bug && belongs_to_playbook(what))),
                            next.error().message);
            continue;
          }
          ++transitions;
          REQUIRE(broken_promise(plan, state, event, next->state).empty());
          way_out = way_out || next->state.phase != state.phase;
          State after = rebased(next->state, event.now);
          if (seen.insert(doc::to_json(to_value(after))).second) waiting.push_back(std::move(after));
        }
      if (is_final(state.phase) && state.phase != Phase::done) continue;
      // Whatever happens: pressed now, it is over when the playbook is.
      const auto stopped = step(plan, state, {noon, Stop{"now"}});
      REQUIRE(stopped.has_value());
      REQUIRE(stopped->state.pending.has_value());
      const auto over = step(plan, stopped->state, {noon, EffectDone{stopped->state.pending->key, false}});
      REQUIRE(over.has_value());
      REQUIRE(over->state.phase == Phase::rolled_back);
      if (!is_final(state.phase)) REQUIRE(way_out);
      REQUIRE(seen.size() < 100'000);
    }
    CHECK(phases.size() == phase_count);
    std::cout << "machine, on-inconclusive " << on_inconclusive << ": " << seen.size() << " states, "
              << transitions << " transitions\n";
  }
}

TEST_CASE("over long random stories, with evidence that comes and goes, the promises are kept") {
  const Plan plan = plan_with("hold", "latency, crashes");
  const unsigned first = 20'260'101;
  std::size_t steps = 0, grown = 0;
  for (unsigned seed = first; steps < 120'000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    Instant now = noon;
    State state = begin(plan, "d", 7, now);
    for (int i = 0; i < 200 && !(is_final(state.phase) && state.phase != Phase::done); ++i, ++steps) {
      now += std::chrono::milliseconds(random() % 9'000);
      if (one_in(50)) now += 45s;
      if (one_in(50)) now -= 20s;
      What what;
      if (state.pending && !one_in(4)) {
        const std::string key = state.pending->key;
        what = one_in(5)   ? What(EffectFailed{key, "e", static_cast<int>(random() % 1'000)})
               : one_in(9) ? What(EffectUnknown{key, "u"})
               : one_in(9) ? What(EffectWaits{key, "w", now + 5s, one_in(2)})
                           : What(EffectDone{key, one_in(2)});
      } else if (state.trouble && state.trouble->unknown && state.pending) {
        what = Settle{state.pending->key, one_in(2), "s"};
      } else if (one_in(40)) {
        what = Stop{"s"};
      } else if (one_in(20)) {
        what = Pause{"p"};
      } else if (one_in(6)) {
        what = Resume{"r"};
      } else if (one_in(20)) {
        what = Promote{"p", conditions(!one_in(3), !one_in(3))};
      } else if (one_in(200)) {
        what = Supersede{"x", "1.3.0", "fix"};
      } else if (one_in(60)) {
        what = Amend{plan, state.plan_digest, state.plan_entry, state.stage, "a", {}};
      } else {
        Tick tick = one_in(3) ? sample(now, one_in(30) ? 9 : 1) : Tick{};
        tick.conditions = conditions(!one_in(3), !one_in(3));
        if (state.gates.contains("crashes")) {
          const Instant after = state.gates["crashes"].polled_until;
          const double crashes = one_in(10) ? 90 : 20;
          for (int window = 1; window <= static_cast<int>(random() % 8); ++window) {
            Window one{after + window * 1s, !one_in(10), {}, {}};
            one.counts["50000"] = {{crashes, 1'000}, {380, 19'000}};
            tick.observations["crashes"].windows.push_back(std::move(one));
          }
          if (one_in(30)) tick.observations["crashes"].error = "refused";
        }
        what = std::move(tick);
      }
      const Event event{now, std::move(what)};
      const auto next = step(plan, state, event);
      if (!next) {
        REQUIRE_MESSAGE((next.error().kind == ErrorKind::denied ||
                         (next.error().kind == ErrorKind::bug && belongs_to_playbook(event.what))),
                        next.error().message);
        continue;
      }
      REQUIRE(broken_promise(plan, state, event, next->state) == "");
      grown += is_growth(state, next->state) ? 1 : 0;
      state = next->state;
      if (i % 16 == 0) REQUIRE(to_value(*state_from_value(to_value(state))) == to_value(state));
    }
  }
  CHECK(grown > 1'000);
  std::cout << "machine: " << steps << " random steps from seed " << first << ", exposure grew " << grown
            << " times\n";
}
