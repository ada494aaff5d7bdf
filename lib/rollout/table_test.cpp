// The table of transitions, and what of the machine hangs on it.
#include <doctest/doctest.h>

#include <set>

#include "rollout/table.hpp"

using namespace tranche;
using namespace tranche::rollout;

namespace {

std::set<Phase> reachable(Phase from) {
  std::set<Phase> seen{from};
  for (bool grew = true; grew;) {
    grew = false;
    for (const Transition& one : transitions())
      if (seen.contains(one.from)) grew = seen.insert(one.to).second || grew;
  }
  return seen;
}

}  // namespace

TEST_CASE("every phase that is not final has a way out, and a stop that leads to rolling back") {
  for (std::size_t i = 0; i < phase_count; ++i) {
    const auto phase = static_cast<Phase>(i);
    CAPTURE(to_text(phase));
    const std::set<Phase> seen = reachable(phase);
    if (is_final(phase)) continue;
    CHECK((seen.contains(Phase::rolled_back) && seen.contains(Phase::stranded)));
    bool stops = false;
    for (const Transition& one : transitions())
      stops = stops || (one.from == phase && one.event == EventKind::stop && one.to == Phase::rolling_back);
    CHECK(stops);
  }
  CHECK(reachable(Phase::rolled_back) == std::set{Phase::rolled_back});
  CHECK(reachable(Phase::superseded) == std::set{Phase::superseded});
}

TEST_CASE("only baking and waiting publish a stage, and only a stop or a failing gate begins a rollback") {
  for (const Transition& one : transitions()) {
    CAPTURE(to_text(one.from));
    CAPTURE(to_text(one.event));
    if ((one.effects & (bit(EffectKind::expose) | bit(EffectKind::finish))) != 0)
      CHECK((one.to == Phase::baking && (one.event == EventKind::tick || one.event == EventKind::promote)));
    if (one.to == Phase::rolling_back && one.from != Phase::rolling_back) {
      CHECK(one.effects == bit(EffectKind::playbook));
      CHECK((one.event == EventKind::tick || one.event == EventKind::stop));
    }
  }
}

TEST_CASE("a transition that the table lacks is a bug") {
  State before, after;
  before.phase = Phase::held;
  after.phase = Phase::baking;
  CHECK(check_transition(before, EventKind::resume, after).has_value());
  CHECK(check_transition(before, EventKind::tick, after).error().kind == ErrorKind::bug);
  after.pending = Effect{EffectKind::expose, "k", 1, {}};
  CHECK(check_transition(before, EventKind::resume, after).error().kind == ErrorKind::bug);
  CHECK(check_transition(before, EventKind::promote, after).has_value());
}

TEST_CASE("events and their names are in one order") {
  CHECK(kind_of(Tick{}) == EventKind::tick);
  CHECK(kind_of(EffectUnknown{}) == EventKind::effect_unknown);
  CHECK(kind_of(EffectWaits{}) == EventKind::effect_waits);
  CHECK(kind_of(NoticeDone{}) == EventKind::notice_done);
  CHECK(kind_of(Stop{}) == EventKind::stop);
  CHECK(kind_of(Amend{}) == EventKind::amend);
  CHECK(table_text().find("rolling-back: begins playbook") != std::string::npos);
}
