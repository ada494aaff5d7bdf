#include "playbook/run.hpp"

#include <doctest/doctest.h>

using namespace tranche;
using namespace tranche::playbook;
using namespace std::chrono_literals;

namespace {

spec::Playbook three_steps() {
  spec::Playbook playbook;
  playbook.name = "rollback";
  for (const char* uses : {"flag.set", "http.request", "channel.withdraw"}) {
    spec::Step step;
    step.uses = uses;
    step.with = doc::Value::object();
    playbook.steps.push_back(step);
  }
  playbook.steps[1].retry = {3, 2s};
  return playbook;
}

}  // namespace

TEST_CASE("a step that keeps failing is retried with doubling backoff, then the run goes on") {
  const spec::Playbook playbook = three_steps();
  const Instant t0 = *parse_instant("2026-01-01T00:00:00Z");
  Run run = begin(playbook, "k", t0);
  run = mark_ended(mark_running(run, 0), playbook, 0, Ended::done, "", t0);
  REQUIRE(current(run) == 1);
  CHECK(step_key(run, 1) == "k/2-http.request");
  run = mark_ended(mark_running(run, 1), playbook, 1, Ended::failed, "503", t0);
  CHECK(run.steps[1].not_before == t0 + 2s);
  run = mark_ended(mark_running(run, 1), playbook, 1, Ended::failed, "503", t0);
  CHECK(run.steps[1].not_before == t0 + 4s);
  run = mark_ended(mark_running(run, 1), playbook, 1, Ended::failed, "503", t0);
  CHECK(run.steps[1].status == Status::failed);
  CHECK(current(run) == 2);
}

TEST_CASE("abort skips what comes after the failed step") {
  spec::Playbook playbook = three_steps();
  playbook.steps[0].on_failure = spec::Step::OnFailure::abort;
  Run run = begin(playbook, "k", Instant{});
  run = mark_ended(mark_running(run, 0), playbook, 0, Ended::failed, "no", Instant{});
  CHECK_FALSE(current(run).has_value());
  CHECK(run.steps[2].status == Status::skipped);
}

TEST_CASE("a step of unknown outcome is not taken again") {
  const spec::Playbook playbook = three_steps();
  Run run = mark_running(begin(playbook, "k", Instant{}), 0);
  CHECK(current(run) == 0);
  run = mark_ended(run, playbook, 0, Ended::unknown, "cut short", Instant{});
  CHECK(current(run) == 1);
}

TEST_CASE("a run reads back as it was written") {
  const Run run = mark_running(begin(three_steps(), "k", *parse_instant("2026-01-01T00:00:00Z")), 0);
  const auto again = run_from_value(to_value(run));
  REQUIRE(again.has_value());
  CHECK(to_value(*again) == to_value(run));
}

TEST_CASE("what no retry can change is not retried") {
  const spec::Playbook playbook = three_steps();
  Run run = begin(playbook, "k", Instant{});
  run = mark_ended(mark_running(run, 0), playbook, 0, Ended::done, "", Instant{});
  run = mark_ended(mark_running(run, 1), playbook, 1, Ended::refused, "no earlier release", Instant{});
  CHECK(run.steps[1].status == Status::failed);
  CHECK(current(run) == 2);
}
