// Going on with exposure, and asking other rollouts: tables.
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "rollout/inherit.hpp"
#include "rollout/neighbours.hpp"

using namespace tranche;
using namespace tranche::rollout;
using namespace std::chrono_literals;

namespace {

const Instant t0 = *parse_instant("2026-01-01T00:00:00Z");

Plan plan_with(const std::string& stages, const std::string& keys = {}) {
  const auto spec = spec::parse(R"(
version: 1
app: notes-agent
artifacts: ["dist/*"]
channels: { stable: { store: "dir:public" } }
cohorts: { pilot: { match: { ring: pilot } }, eu: { match: { region: [de, fr] } } }
rollouts:
  desktop:
    channel: stable
    )" + keys + "\n    stages:\n" +
                                stages +
                                R"(    on-failure: rollback
playbooks: { rollback: { steps: [ { uses: channel.withdraw } ] } }
)");
  REQUIRE_MESSAGE(spec.has_value(), (spec ? "" : spec.error().message));
  PlanInput input{"desktop", "1.2.0", std::string(64, 'a'), {}, true};
  input.current.baseline = "1.1.0";
  auto plan = make_plan(spec->apps[0], input);
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().message));
  return *plan;
}
std::string stage(const std::string& what) { return "      - { " + what + ", bake: 1s, gates: [] }\n"; }

const std::string five = stage("percent: 5"), twenty = stage("percent: 20"), all = stage("percent: 100"),
                  pilot = stage("cohort: pilot"), some_eu = stage("cohort: eu, percent: 20"),
                  more_eu = stage("cohort: eu, percent: 50");

State at(std::size_t stage) {
  State state;
  state.stage = stage;
  state.stage_since = state.started = t0;
  return state;
}

}  // namespace

TEST_CASE("an exposure is found again at the first stage that reaches all of it") {
  struct Row {
    std::string old_stages;
    std::size_t reached;
    std::string new_stages;
    std::optional<std::size_t> covering, same;
  };
  for (const Row& row :
       std::vector<Row>{{five + twenty + all, 0, five + twenty + all, 0, 0},
                        {five + twenty + all, 1, five + twenty + all, 1, 1},
                        {five + all, 0, twenty + all, 0, {}},
                        {twenty + all, 0, five + all, 1, {}},
                        {pilot + five + all, 0, pilot + twenty + all, 0, 0},
                        {pilot + five + all, 1, five + all, 1, {}},  // the pilots are among nobody's 5%
                        {pilot + five + all, 1, five + pilot + all, 1, 1},
                        {some_eu + all, 0, twenty + all, 0, {}},
                        {some_eu + twenty + all, 1, twenty + all, 0, 0},
                        {five + twenty, 1, five, {}, {}}}) {
    CAPTURE(row.old_stages);
    CAPTURE(row.new_stages);
    const auto exposed = exposed_rules(plan_with(row.old_stages), at(row.reached));
    const Plan next = plan_with(row.new_stages);
    CHECK(stage_covering(next, exposed) == row.covering);
    CHECK(stage_of_reach(next, exposed) == row.same);
  }
}

TEST_CASE("a stage that is being published counts as reached") {
  const Plan plan = plan_with(five + twenty + all);
  State state = at(0);
  state.pending = Effect{EffectKind::expose, "k", 1, {}};
  CHECK(exposed_rules(plan, state) == rules_at(plan, 1));
  State waiting;
  CHECK(exposed_rules(plan, waiting).empty());
}

TEST_CASE("an amendment keeps the stage, forgets changed gates, and gives its effects other keys") {
  const Plan plan = plan_with(five + twenty + all);
  const Plan next = plan_with(pilot + five + all);
  State state = at(0);
  state.id = "desktop/1.2.0/7";
  state.plan_entry = 7;
  state.phase = Phase::baking;
  const auto amended = step(plan, state, {t0 + 1s, Amend{next, "digest", 12, 1, "why", {"a: 1 is now 2"}}});
  REQUIRE(amended.has_value());
  CHECK(amended->state.stage == 1);
  CHECK(amended->state.plan_digest == "digest");
  CHECK(amended->decisions == std::vector<std::string>{"amended: why", "a: 1 is now 2"});
  const auto grown = step(next, amended->state, {t0 + 5s, Tick{}});
  REQUIRE(grown.has_value());
  CHECK(grown->state.pending->key == "desktop/1.2.0/7/plan-12/expose/2");
  State publishing = state;
  publishing.pending = Effect{EffectKind::expose, "k", 1, {}};
  CHECK(step(plan, publishing, {t0, Amend{next, "d", 12, 1, "why", {}}}).error().kind == ErrorKind::denied);
}

TEST_CASE("changes are told value by value, and not without end") {
  const auto document = [](const std::string& text) {
    return *doc::parse_json(text, "t", {1 << 20, 16, 10'000});
  };
  CHECK(describe_changes(document(R"({"a":[{"b":1},2],"c":"x"})"), document(R"({"a":[{"b":2}],"d":true})")) ==
        std::vector<std::string>{"a[0].b: 1 is now 2", "a[1]: 2 is now nothing", "c: x is now nothing",
                                 "d: nothing is now true"});
  std::string before = "[0", after = "[1";
  for (int i = 0; i < 99; ++i) {
    before += ",0";
    after += ",1";
  }
  const auto many = describe_changes(document(before + "]"), document(after + "]"));
  CHECK(many.size() == 51);
  CHECK(many.back() == "and 50 more");
}

TEST_CASE("`after` is met by how far the other rollout has come, and by nothing else") {
  Plan mine_end = plan_with(all);
  mine_end.config.rollouts[0].after_rollout = "backend";
  Plan mine_stage = mine_end, mine_cohort = mine_end;
  mine_stage.config.rollouts[0].after_stage = "20%";
  mine_cohort.config.rollouts[0].after_cohort = "eu";
  struct Row {
    Phase phase;
    std::size_t stage;
    bool begun, by_stage, by_cohort, by_end;
  };
  for (const Row& row : std::vector<Row>{{Phase::waiting, 0, false, false, false, false},
                                         {Phase::baking, 0, true, false, false, false},
                                         {Phase::baking, 1, true, true, false, false},
                                         {Phase::held, 2, true, true, true, false},
                                         {Phase::paused, 1, true, true, false, false},
                                         {Phase::done, 3, true, true, true, true},
                                         {Phase::rolling_back, 3, true, false, false, false},
                                         {Phase::rolled_back, 3, true, false, false, false},
                                         {Phase::stranded, 3, true, false, false, false},
                                         {Phase::superseded, 3, true, false, false, false}}) {
    CAPTURE(to_text(row.phase));
    CAPTURE(row.stage);
    Neighbour other{plan_with(five + twenty + more_eu + all), at(row.stage)};
    other.state.phase = row.phase;
    if (!row.begun) other.state.stage_since = Instant{};
    CHECK(after_condition_of(mine_stage.spec(), other).met == row.by_stage);
    CHECK(after_condition_of(mine_cohort.spec(), other).met == row.by_cohort);
    CHECK(after_condition_of(mine_end.spec(), other).met == row.by_end);
    for (const Plan* mine : {&mine_stage, &mine_cohort, &mine_end})
      if (const Condition one = after_condition_of(mine->spec(), other); !one.met)
        CHECK_FALSE(one.why.empty());
  }
  CHECK_FALSE(after_condition_of(mine_end.spec(), std::nullopt).met);
}

TEST_CASE("`requires` is met by versions that everyone has, and what cannot be read is not met") {
  CHECK(requires_condition_of({{"backend", ">=2.3", {"2.3", "2.10"}, {}}}).met);
  CHECK_FALSE(requires_condition_of({{"backend", ">=2.3", {"2.2", "2.10"}, {}}}).met);
  CHECK_FALSE(requires_condition_of({{"backend", ">=2.3", {}, {}}}).met);
  CHECK_FALSE(requires_condition_of({{"backend", ">=2.3", {""}, {}}}).met);
  CHECK_FALSE(requires_condition_of({{"backend", ">=2.3", {"2.4"}, "no such journal"}}).met);
  CHECK(requires_condition_of({{"backend", ">=2.3", {"2.2"}, {}}}).why ==
        "app 'backend' is at 2.2, and >=2.3 is required");
}

TEST_CASE("undo-order looks at devices that need what would be taken back") {
  const auto neighbour = [](Phase phase, Duration after, const std::string& keys) {
    Neighbour out{plan_with(all, keys), at(0)};
    out.state.phase = phase;
    out.state.started = t0 + after;
    return out;
  };
  Neighbour mine = neighbour(Phase::done, 0s, {});
  mine.plan.app = "backend";
  mine.plan.baseline = "2.2";
  CHECK(undo_obstacle(mine, neighbour(Phase::done, 1h, {})).has_value());
  CHECK(undo_obstacle(mine, neighbour(Phase::baking, 1h, {})).has_value());
  CHECK(undo_obstacle(mine, neighbour(Phase::stranded, 1h, {})).has_value());
  CHECK_FALSE(undo_obstacle(mine, neighbour(Phase::rolled_back, 1h, {})).has_value());
  CHECK_FALSE(undo_obstacle(mine, neighbour(Phase::done, -1h, {})).has_value());  // it did without before
  Neighbour needing = neighbour(Phase::done, -1h, {});
  needing.plan.config.rollouts[0].needs["backend"] = ">=2.3";
  CHECK(undo_obstacle(mine, needing).has_value());
  needing.plan.config.rollouts[0].needs["backend"] = ">=2.1";
  CHECK_FALSE(undo_obstacle(mine, needing).has_value());
}
