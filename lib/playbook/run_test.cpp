#include "playbook/run.hpp"

#include <doctest/doctest.h>

#include "playbook/machine.hpp"

using namespace tranche;
using namespace tranche::playbook;
using namespace std::chrono_literals;

namespace {

const Instant t0 = *parse_instant("2026-01-01T00:00:00Z");

spec::Playbook playbook_of(std::size_t count) {
  spec::Playbook playbook;
  playbook.name = "rollback";
  for (std::size_t i = 0; i < count; ++i) {
    spec::Step step;
    step.uses = "http.request";
    step.with = doc::Value::object();
    playbook.steps.push_back(step);
  }
  return playbook;
}

}  // namespace

TEST_CASE("a run reads back as it was written, with all that a step may carry") {
  Run run = begin(playbook_of(2), "k", t0);
  run.plan = std::string(64, 'a');
  run.purpose = Purpose::hand;
  run.course = Course::stopped;
  run.by = "ana";
  run.reason = "because";
  StepRecord& step = run.steps[0];
  step.status = Status::verifying;
  step.attempts = 2;
  step.begun = t0;
  step.took = 30ms;
  step.facts = doc::Value::object({{"issue", 7}});
  step.allowed = step.postponed = step.acted = true;
  step.asks = 1;
  step.verify_until = t0 + 1min;
  step.settled = "bo: seen";
  step.compensation = Compensation{Status::failed, 3, t0, "no"};
  const auto again = run_from_value(to_value(run));
  REQUIRE(again.has_value());
  CHECK(to_value(*again) == to_value(run));
  CHECK(again->steps[0].compensation->detail == "no");
  CHECK(again->purpose == Purpose::hand);
}

TEST_CASE("a run that an older tranche wrote is a rollback on its way") {
  const auto run = run_from_value(*doc::parse_json(
      R"({"schema":"tranche/playbook-run/v1","key":"k","playbook":"rollback","started":"2026-01-01T00:00:00Z","steps":[{"id":"1-run","uses":"run","status":"running","attempts":1,"not-before":"2026-01-01T00:00:00Z","detail":""}]})"));
  REQUIRE(run.has_value());
  CHECK(run->purpose == Purpose::rollback);
  CHECK(run->course == Course::forward);
  CHECK(run->plan.empty());
  CHECK(next_move(*run, playbook_of(1), t0).kind == Move::Kind::ask);
}

TEST_CASE("texts of a hundred steps are cut until they fit an entry, once and for all") {
  Run run = begin(playbook_of(100), "k", t0);
  for (StepRecord& step : run.steps) step.detail = std::string(399, 'x') + "\xC3\xA4" + std::string(600, 'y');
  const doc::Value written = to_value(run);
  CHECK(doc::to_json(written).size() < 40'000);
  const auto again = run_from_value(written);
  REQUIRE(again.has_value());
  CHECK(to_value(*again) == written);
}

TEST_CASE("what is no run is refused") {
  for (
      const char* text :
      {R"({"schema":"tranche/playbook-run/v2"})", R"({"schema":"tranche/playbook-run/v1"})",
       R"({"schema":"tranche/playbook-run/v1","key":"k","playbook":"p","started":"2026-01-01T00:00:00Z","for":"fun","steps":[]})",
       R"({"schema":"tranche/playbook-run/v1","key":"k","playbook":"p","started":"2026-01-01T00:00:00Z","steps":[{"id":"1","uses":"u","status":"undone","attempts":1,"not-before":"2026-01-01T00:00:00Z","detail":""}]})",
       R"({"schema":"tranche/playbook-run/v1","key":"k","playbook":"p","started":"2026-01-01T00:00:00Z","steps":[{"id":"1","uses":"u","status":"done","attempts":-1,"not-before":"2026-01-01T00:00:00Z","detail":""}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(run_from_value(*doc::parse_json(text)).has_value());
  }
}

TEST_CASE("a step is found by its id, and by its number where no id says so") {
  Run run = begin(playbook_of(2), "k", t0);
  run.steps[1].id = "1";
  CHECK(find_step(run, "1") == 1U);
  CHECK(find_step(run, "2") == 1U);
  CHECK(find_step(run, "1-http.request") == 0U);
  CHECK_FALSE(find_step(run, "3").has_value());
  CHECK(step_key(run, 0) == "k/1-http.request");
}
