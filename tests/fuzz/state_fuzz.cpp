// Any bytes as the states that a journal entry may hold: a rollout, a playbook's run, a channel. The
// journal's signature stands before them, so this is the second door. What is accepted must come out as it
// went in, and one more step of it must end.
#include <cstdint>
#include <cstdlib>

#include "actions/deck.hpp"
#include "doc/value.hpp"
#include "playbook/machine.hpp"
#include "rollout/state.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const tranche::rollout::Plan& some_plan() {
  static const tranche::rollout::Plan plan = [] {
    const auto spec = tranche::spec::parse(R"(
version: 1
app: a
artifacts: ["dist/*"]
channels: { stable: { store: "dir:public" } }
sources: { fleet: { serve: "http://127.0.0.1:1" } }
gates:
  crashes: { kind: compare, source: fleet, events: crashes, exposure: sessions, every: 1s }
  rate: { source: fleet, query: crashes, success-condition: result < 1, interval: 1s }
rollouts:
  r:
    channel: stable
    accept-no-way-back: true
    stages: [ { percent: 5, bake: 1s..2s, gates: [crashes, rate] }, { percent: 100, bake: 1s } ]
    on-failure: rollback
playbooks: { rollback: { steps: [ { uses: channel.withdraw } ] } }
)");
    require(spec.has_value());
    auto made = tranche::rollout::make_plan(spec->apps[0], {"r", "1.0.0", std::string(64, 'a'), {}, true});
    require(made.has_value());
    return *made;
  }();
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tranche;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto value = doc::parse_json(bytes, "state");
  if (!value) return 0;
  if (const auto state = rollout::state_from_value(*value)) {
    const doc::Value written = rollout::to_value(*state);
    const auto again = rollout::state_from_value(written);
    require(again.has_value() && doc::to_json(rollout::to_value(*again)) == doc::to_json(written));
    (void)rollout::wanted(some_plan(), *state);
    (void)rollout::step(some_plan(), *state, {state->started, rollout::Tick{}});
    (void)rollout::step(some_plan(), *state, {state->started, rollout::Promote{"p"}});
    (void)rollout::step(some_plan(), *state, {state->started, rollout::Stop{"s"}});
    if (state->pending)
      (void)rollout::step(some_plan(), *state, {state->started, rollout::EffectDone{state->pending->key}});
  }
  if (const auto run = playbook::run_from_value(*value)) {
    const doc::Value written = playbook::to_value(*run);
    const auto again = playbook::run_from_value(written);
    require(again.has_value() && playbook::to_value(*again) == written);
    spec::Playbook playbook;
    for (const playbook::StepRecord& record : run->steps) {
      spec::Step step;
      step.uses = record.uses;
      step.deadline = std::chrono::hours(1);
      step.compensate.uses = "run";
      step.on_failure = spec::Step::OnFailure::abort;
      playbook.steps.push_back(step);
    }
    const playbook::Move move = playbook::next_move(*run, playbook, run->started);
    if (move.kind == playbook::Move::Kind::expire)
      (void)playbook::mark_expired(*run, playbook, move.step, run->started);
    for (std::size_t i = 0; i < run->steps.size(); ++i)
      (void)playbook::settle(*run, playbook, i, playbook::Settlement::failed, "ana", run->started);
  }
  journal::Entry entry;
  entry.state = *value;
  if (const auto channel = actions::channel_from_entry(entry)) {
    const doc::Value written = actions::to_value(*channel);
    entry.state = written;
    const auto again = actions::channel_from_entry(entry);
    require(again.has_value() && actions::to_value(*again) == written);
    (void)cohort::decide(channel->directions, {"device-1", {{"ring", "pilot"}}}, "1.0.0");
  }
  return 0;
}
