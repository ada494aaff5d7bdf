#include "playbook/machine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <set>

using namespace tranche;
using namespace tranche::playbook;
using namespace std::chrono_literals;
using Kind = Move::Kind;
using OnFailure = spec::Step::OnFailure;

namespace {

const Instant t0 = *parse_instant("2026-01-01T00:00:00Z");

spec::Step step_of(const std::string& uses) {
  spec::Step step;
  step.uses = uses;
  step.with = doc::Value::object();
  return step;
}

spec::Playbook three_steps() {
  spec::Playbook playbook;
  playbook.name = "rollback";
  for (const char* uses : {"flag.set", "http.request", "run"}) playbook.steps.push_back(step_of(uses));
  playbook.steps[1].retry = {3, 2s};
  return playbook;
}

Run by_hand(const spec::Playbook& playbook) {
  Run run = begin(playbook, "k", t0);
  run.purpose = Purpose::hand;
  return run;
}

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? std::string() : result.error().message));
  return std::move(*result);
}

Run tried(Run run, const spec::Playbook& playbook, std::size_t step, Ended how, const char* detail = "",
          Instant now = t0) {
  run = must(mark_running(std::move(run), step, now));
  return must(mark_ended(std::move(run), playbook, step, {.how = how, .detail = detail}, now));
}

bool is(const Move& move, Kind kind, std::size_t step) { return move.kind == kind && move.step == step; }

}  // namespace

TEST_CASE("a step that keeps failing is tried again with doubling backoff, then the run goes on") {
  const spec::Playbook playbook = three_steps();
  Run run = tried(by_hand(playbook), playbook, 0, Ended::done);
  REQUIRE(is(next_move(run, playbook, t0), Kind::take, 1));
  run = tried(run, playbook, 1, Ended::failed, "503");
  CHECK(run.steps[1].not_before == t0 + 2s);
  CHECK(is(next_move(run, playbook, t0 + 1s), Kind::wait, 1));
  CHECK(next_move(run, playbook, t0 + 1s).until == t0 + 2s);
  run = tried(run, playbook, 1, Ended::failed, "503", t0 + 2s);
  CHECK(run.steps[1].not_before == t0 + 6s);
  run = tried(run, playbook, 1, Ended::failed, "503", t0 + 6s);
  CHECK(run.steps[1].status == Status::failed);
  CHECK(is(next_move(run, playbook, t0 + 6s), Kind::take, 2));
}

TEST_CASE("a pause that a wrong clock wrote down is over, and what an action asked for is kept") {
  const spec::Playbook playbook = three_steps();
  Run run = tried(by_hand(playbook), playbook, 0, Ended::done);
  const Run failed = tried(run, playbook, 1, Ended::failed, "503", t0 + 24h * 365);
  REQUIRE(failed.steps[1].not_before > t0 + 24h * 364);
  CHECK(is(next_move(failed, playbook, t0), Kind::take, 1));
  run = must(mark_running(run, 1, t0));
  const Run asked = must(mark_ended(run, playbook, 1, {.how = Ended::unheard}, t0 + 48h));
  CHECK(is(next_move(asked, playbook, t0), Kind::ask, 1));
  CHECK(is(next_move(asked, playbook, t0 + 48h), Kind::wait, 1));
  run = must(mark_ended(run, playbook, 1, {.how = Ended::postponed, .not_before = t0 + 48h}, t0));
  CHECK(is(next_move(run, playbook, t0), Kind::wait, 1));
}

TEST_CASE("the backoff ends at its most, and chance adds its jitter at most") {
  const spec::Retry retry{.attempts = 9, .backoff = 1s, .most = 5s, .jitter = 0.5};
  const std::vector<Duration> plain{1s, 2s, 4s, 5s, 5s};
  for (int i = 0; i < 5; ++i) {
    CHECK(backoff(retry, i + 1, 0) == plain[static_cast<std::size_t>(i)]);
    CHECK(backoff(retry, i + 1, 0.5) == plain[static_cast<std::size_t>(i)] * 5 / 4);
    CHECK(backoff(retry, i + 1, 7) <= plain[static_cast<std::size_t>(i)] * 3 / 2);
  }
  CHECK(backoff({.attempts = 20, .backoff = 1h, .most = 24h}, 1'000'000, 0) == 24h);
  CHECK(backoff({.attempts = 20, .backoff = 0s}, 1'000'000, 0) == 0s);
}

TEST_CASE("what no retry can change is not tried again") {
  const spec::Playbook playbook = three_steps();
  Run run = tried(by_hand(playbook), playbook, 0, Ended::done);
  run = tried(run, playbook, 1, Ended::refused, "no earlier release");
  CHECK(run.steps[1].status == Status::failed);
  CHECK(is(next_move(run, playbook, t0), Kind::take, 2));
}

TEST_CASE("abort skips what comes after the failed step and takes back what was done, last step first") {
  spec::Playbook playbook = three_steps();
  playbook.steps.push_back(step_of("slack.post"));
  for (std::size_t i : {0U, 1U, 2U}) playbook.steps[i].compensate.uses = "run";
  playbook.steps[2].on_failure = OnFailure::abort;
  Run run = tried(by_hand(playbook), playbook, 0, Ended::done);
  run = tried(run, playbook, 1, Ended::done);
  run = tried(run, playbook, 2, Ended::failed, "no");
  CHECK(run.steps[3].status == Status::skipped);
  CHECK_FALSE(run.steps[2].compensation.has_value());
  REQUIRE(is(next_move(run, playbook, t0), Kind::undo, 1));
  run = must(mark_undoing(run, 1));
  CHECK(is(next_move(run, playbook, t0), Kind::ask_undo, 1));
  run = must(mark_undone(run, playbook, 1, {.how = Ended::done}, t0));
  REQUIRE(is(next_move(run, playbook, t0), Kind::undo, 0));
  run = must(mark_undone(must(mark_undoing(run, 0)), playbook, 0, {.how = Ended::done}, t0));
  CHECK(is_over(run, playbook));
}

TEST_CASE("a compensation that fails stops the run until a person has settled it") {
  spec::Playbook playbook = three_steps();
  playbook.steps[0].compensate.uses = playbook.steps[1].compensate.uses = "run";
  playbook.steps[2].on_failure = OnFailure::abort;
  Run run = tried(by_hand(playbook), playbook, 0, Ended::done);
  run = tried(run, playbook, 1, Ended::done);
  run = tried(run, playbook, 2, Ended::failed, "no");
  run = must(
      mark_undone(must(mark_undoing(run, 1)), playbook, 1, {.how = Ended::refused, .detail = "gone"}, t0));
  CHECK(run.course == Course::stopped);
  const Move move = next_move(run, playbook, t0);
  REQUIRE(is(move, Kind::person, 1));
  CHECK_FALSE(is_over(run, playbook));
  const std::string why = explain(run, playbook, move, "desktop");
  CHECK(why.find("gone") != std::string::npos);
  CHECK(why.find("tranche playbook resume desktop --by-hand --settle 2-http.request=done|failed|again") !=
        std::string::npos);
  SUBCASE("done: the ones before it are taken back") {
    run = must(settle(run, playbook, 1, Settlement::done, "ana: by hand", t0));
    CHECK(is(next_move(run, playbook, t0), Kind::undo, 0));
  }
  SUBCASE("given up: likewise") {
    run = must(settle(run, playbook, 1, Settlement::failed, "ana: no way", t0));
    CHECK(is(next_move(run, playbook, t0), Kind::undo, 0));
  }
  SUBCASE("again") {
    run = must(settle(run, playbook, 1, Settlement::again, "ana: mended", t0));
    CHECK(is(next_move(run, playbook, t0), Kind::undo, 1));
    CHECK(run.steps[1].compensation->attempts == 0);
  }
}

TEST_CASE("a failure leads on to the step that on-failure names, and what lies between is skipped") {
  spec::Playbook playbook = three_steps();
  playbook.steps.push_back(step_of("slack.post"));
  playbook.steps[3].id = "tell";
  playbook.steps[0].on_failure = OnFailure::jump;
  playbook.steps[0].on_failure_step = "tell";
  const Run run = tried(by_hand(playbook), playbook, 0, Ended::failed, "no");
  CHECK(run.steps[1].status == Status::skipped);
  CHECK(run.steps[2].status == Status::skipped);
  CHECK(is(next_move(run, playbook, t0), Kind::take, 3));
}

TEST_CASE(
    "a step of unknown outcome is not taken again, and the run goes on where its failure would not matter") {
  const spec::Playbook playbook = three_steps();
  Run run = must(mark_running(by_hand(playbook), 0, t0));
  CHECK(is(next_move(run, playbook, t0), Kind::ask, 0));
  run = must(mark_ended(run, playbook, 0, {.how = Ended::unknown, .detail = "cut short"}, t0));
  CHECK(is(next_move(run, playbook, t0), Kind::take, 1));
  SUBCASE("a person says again") {
    run = must(settle(run, playbook, 0, Settlement::again, "ana", t0));
    CHECK(is(next_move(run, playbook, t0), Kind::take, 0));
    CHECK(run.steps[0].attempts == 0);
  }
  SUBCASE("a person says done") {
    run = must(settle(run, playbook, 0, Settlement::done, "ana", t0));
    CHECK(run.steps[0].status == Status::done);
    CHECK(run.steps[0].settled == "ana");
    CHECK_FALSE(settle(run, playbook, 0, Settlement::failed, "bo", t0).has_value());
  }
}

TEST_CASE("where its failure would lead elsewhere, an unknown outcome waits for a person") {
  spec::Playbook playbook = three_steps();
  playbook.steps[0].on_failure = OnFailure::abort;
  Run run = must(mark_running(by_hand(playbook), 0, t0));
  run = must(mark_ended(run, playbook, 0, {.how = Ended::unknown, .detail = "cut short"}, t0));
  CHECK(is(next_move(run, playbook, t0 + 1h), Kind::person, 0));
  CHECK_FALSE(is_over(run, playbook));
  run = must(settle(run, playbook, 0, Settlement::failed, "ana", t0));
  CHECK(run.steps[1].status == Status::skipped);
  CHECK(is_over(run, playbook));
}

TEST_CASE("a question that nobody answers is asked again, then it is for a person") {
  const spec::Playbook playbook = three_steps();
  Run run = must(mark_running(by_hand(playbook), 0, t0));
  Instant now = t0;
  for (int i = 0; i < 4; ++i) {
    run = must(mark_ended(run, playbook, 0, {.how = Ended::unheard, .detail = "no route"}, now));
    CHECK(run.steps[0].status == Status::running);
    CHECK(is(next_move(run, playbook, now), Kind::wait, 0));
    now = run.steps[0].not_before;
    CHECK(is(next_move(run, playbook, now), Kind::ask, 0));
  }
  run = must(mark_ended(run, playbook, 0, {.how = Ended::unheard, .detail = "no route"}, now));
  CHECK(run.steps[0].status == Status::unknown);
}

TEST_CASE("a verify is asked until it holds or its time is over; then the step has failed") {
  spec::Playbook playbook = three_steps();
  playbook.steps[0].verify.uses = "http.request";
  playbook.steps[0].verify.within = 10s;
  playbook.steps[0].verify.every = 4s;
  Run run = tried(by_hand(playbook), playbook, 0, Ended::done, "sent");
  CHECK(run.steps[0].status == Status::verifying);
  CHECK(is(next_move(run, playbook, t0), Kind::verify, 0));
  SUBCASE("it holds at last") {
    run = must(mark_verified(run, playbook, 0, {.how = Ended::failed, .detail = "404"}, t0));
    CHECK(is(next_move(run, playbook, t0), Kind::wait, 0));
    CHECK(is(next_move(run, playbook, t0 + 4s), Kind::verify, 0));
    run = must(mark_verified(run, playbook, 0, {.how = Ended::done}, t0 + 4s));
    CHECK(run.steps[0].status == Status::done);
    CHECK(run.steps[0].detail == "sent");
  }
  SUBCASE("it never holds") {
    for (int at : {0, 4}) {
      run = must(mark_verified(run, playbook, 0, {.how = Ended::failed, .detail = "404"}, t0 + at * 1s));
      CHECK(run.steps[0].status == Status::verifying);
    }
    run = must(mark_verified(run, playbook, 0, {.how = Ended::failed, .detail = "404"}, t0 + 8s));
    CHECK(run.steps[0].status == Status::failed);
    CHECK(run.steps[0].detail.find("404") != std::string::npos);
  }
}

TEST_CASE("a step that did its part and was not verified is taken back when the playbook is aborted") {
  spec::Playbook playbook = three_steps();
  playbook.steps[0].verify.uses = "http.request";
  playbook.steps[0].verify.within = 0s;
  playbook.steps[0].compensate.uses = "run";
  playbook.steps[0].on_failure = OnFailure::abort;
  Run run = tried(by_hand(playbook), playbook, 0, Ended::done);
  run = must(mark_verified(run, playbook, 0, {.how = Ended::failed, .detail = "404"}, t0));
  CHECK(run.steps[0].status == Status::failed);
  CHECK(is(next_move(run, playbook, t0), Kind::undo, 0));
}

TEST_CASE("a step whose condition does not hold is skipped, and one that cannot be answered has failed") {
  spec::Playbook playbook = three_steps();
  playbook.steps[0].when = "result.failed";
  const Run run = by_hand(playbook);
  REQUIRE(is(next_move(run, playbook, t0), Kind::consider, 0));
  CHECK(must(mark_considered(run, playbook, 0, Considered::no, "no", t0)).steps[0].status == Status::skipped);
  CHECK(must(mark_considered(run, playbook, 0, Considered::unanswered, "?", t0)).steps[0].status ==
        Status::failed);
  const Run allowed = must(mark_considered(run, playbook, 0, Considered::yes, "", t0));
  CHECK(is(next_move(allowed, playbook, t0), Kind::take, 0));
}

TEST_CASE("a step that waits for approval holds those after it, and its deadline counts from its turn") {
  spec::Playbook playbook = three_steps();
  playbook.steps[0].approval = "managers";
  playbook.steps[0].deadline = 1h;
  Run run = by_hand(playbook);
  REQUIRE(is(next_move(run, playbook, t0), Kind::consider, 0));
  run = must(mark_considered(run, playbook, 0, Considered::not_yet, "waits for managers", t0));
  CHECK(is(next_move(run, playbook, t0, 0U), Kind::wait, 0));
  CHECK(next_move(run, playbook, t0, 0U).until == t0 + 1h);
  CHECK(is(next_move(run, playbook, t0 + 1h), Kind::expire, 0));
  run = must(mark_expired(run, playbook, 0, t0 + 1h));
  CHECK(run.steps[0].status == Status::failed);
  CHECK(run.steps[0].detail == "its deadline of 1h is over: waits for managers");
}

TEST_CASE("an action that waits itself is looked at again, and that is no attempt") {
  const spec::Playbook playbook = three_steps();
  Run run = must(mark_running(by_hand(playbook), 0, t0));
  run = must(
      mark_ended(run, playbook, 0, {.how = Ended::postponed, .detail = "waits", .not_before = t0 + 48h}, t0));
  CHECK(is(next_move(run, playbook, t0 + 47h), Kind::wait, 0));
  run = tried(run, playbook, 0, Ended::done, "", t0 + 48h);
  CHECK(run.steps[0].attempts == 1);
  CHECK(run.steps[0].status == Status::done);
}

TEST_CASE("when the playbook's time is over, what has not begun is skipped, but what stops the release") {
  spec::Playbook playbook = three_steps();
  playbook.deadline = 1min;
  playbook.steps.push_back(step_of("channel.withdraw"));
  Run run = begin(playbook, "k", t0);
  run = tried(run, playbook, 0, Ended::done);
  const Instant late = t0 + 1min;
  REQUIRE(is(next_move(run, playbook, late), Kind::expire, 1));
  run = must(mark_expired(run, playbook, 1, late));
  CHECK(run.steps[1].status == Status::skipped);
  CHECK(run.steps[2].status == Status::skipped);
  CHECK(is(next_move(run, playbook, late), Kind::take, 3));
}

TEST_CASE("in a rollback nothing keeps the steps that stop the release from being taken") {
  spec::Playbook playbook = three_steps();
  playbook.steps.push_back(step_of("channel.withdraw"));
  playbook.steps[3].approval = "managers";
  Run run = begin(playbook, "k", t0);
  SUBCASE("aborted: taken, before anything is taken back") {
    playbook.steps[0].compensate.uses = "run";
    playbook.steps[1].on_failure = OnFailure::abort;
    run = tried(run, playbook, 0, Ended::done);
    run = tried(run, playbook, 1, Ended::refused, "no");
    CHECK(run.steps[2].status == Status::skipped);
    REQUIRE(is(next_move(run, playbook, t0), Kind::take, 3));
    run = tried(run, playbook, 3, Ended::done);
    CHECK(is(next_move(run, playbook, t0), Kind::undo, 0));
  }
  SUBCASE("another step waits for its next attempt: taken ahead") {
    run = tried(run, playbook, 0, Ended::done);
    run = tried(run, playbook, 1, Ended::failed, "503");
    REQUIRE(is(next_move(run, playbook, t0), Kind::take, 3));
    run = tried(run, playbook, 3, Ended::done);
    CHECK(is(next_move(run, playbook, t0), Kind::wait, 1));
    CHECK(is(next_move(run, playbook, t0 + 2s), Kind::take, 1));
  }
  SUBCASE("another step waits for approval: taken ahead") {
    playbook.steps[0].approval = "managers";
    run = must(mark_considered(run, playbook, 0, Considered::not_yet, "", t0));
    CHECK(is(next_move(run, playbook, t0, 0U), Kind::take, 3));
  }
  SUBCASE("another step's outcome is unknown, and its failure would lead elsewhere: taken ahead") {
    playbook.steps[0].on_failure = OnFailure::abort;
    run = must(mark_ended(must(mark_running(run, 0, t0)), playbook, 0, {.how = Ended::unknown}, t0));
    REQUIRE(is(next_move(run, playbook, t0), Kind::take, 3));
    run = tried(run, playbook, 3, Ended::done);
    CHECK(is(next_move(run, playbook, t0), Kind::person, 0));
  }
  SUBCASE("cancelled: it alone is taken") {
    run = must(cancel(run, "ana"));
    CHECK(is(next_move(run, playbook, t0), Kind::take, 3));
    CHECK_FALSE(cancel(run, "ana").has_value());
  }
  SUBCASE("an explicit wait before it is kept") {
    playbook.steps[0].uses = "wait";
    run.steps[0].uses = "wait";
    run = must(mark_ended(must(mark_running(run, 0, t0)), playbook, 0,
                          {.how = Ended::postponed, .not_before = t0 + 1min}, t0));
    CHECK(is(next_move(run, playbook, t0), Kind::wait, 0));
  }
}

TEST_CASE("every status that is not an end has a way out, and none comes back from done") {
  std::map<Status, std::set<Status>> ways;
  for (const Turn& turn : turns()) ways[turn.from].insert(turn.to);
  for (const Status status : {Status::waiting, Status::running, Status::verifying, Status::unknown})
    CHECK(ways[status].size() >= 2);
  CHECK(ways[Status::done].empty());
  CHECK(ways[Status::skipped].empty());
}

namespace {

// Carries a playbook out with outcomes that chance draws, killed now and then between two marks.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool once_in(std::size_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 random_;
};

spec::Playbook any_playbook(Chance& chance) {
  spec::Playbook playbook;
  playbook.name = "p";
  const std::size_t count = 1 + chance.below(6);
  for (std::size_t i = 0; i < count; ++i) {
    spec::Step step = step_of(chance.once_in(4) ? "channel.withdraw" : "run");
    step.id = "s" + std::to_string(i);
    step.retry = {static_cast<int>(1 + chance.below(3)), 1s};
    if (chance.once_in(3)) step.verify.uses = "run";
    if (chance.once_in(2)) step.compensate.uses = "run";
    if (chance.once_in(4)) step.when = "result.failed";
    if (chance.once_in(5)) step.approval = "managers";
    if (chance.once_in(5)) step.deadline = 20s;
    if (chance.once_in(3)) step.on_failure = OnFailure::abort;
    if (i + 1 < count && chance.once_in(5)) {
      step.on_failure = OnFailure::jump;
      step.on_failure_step = "s" + std::to_string(i + 1 + chance.below(count - i - 1));
    }
    playbook.steps.push_back(step);
  }
  if (chance.once_in(5)) playbook.deadline = 30s;
  return playbook;
}

struct Story {
  std::vector<int> performed, undone;       // finished tries a step
  std::vector<std::size_t> order_of_undos;  // compensations that are done
  bool aborted = false;
  bool begun_after_abort = false;  // a step that stops nothing
  int persons = 0;
  std::size_t moves = 0;
};

Ended any_ending(Chance& chance) {
  const std::size_t drawn = chance.below(10);
  return drawn < 5 ? Ended::done : drawn < 8 ? Ended::failed : drawn < 9 ? Ended::refused : Ended::postponed;
}

Story carry_out(const spec::Playbook& playbook, Run& run, Chance& chance) {
  Story story;
  story.performed.assign(playbook.steps.size(), 0);
  story.undone.assign(playbook.steps.size(), 0);
  Instant now = t0;
  std::map<std::size_t, int> postponed;
  std::optional<std::size_t> unapproved;
  for (;; ++story.moves) {
    REQUIRE(story.moves < 5'000);
    run = must(run_from_value(to_value(run)));  // nothing is kept outside the journal
    const Move move = next_move(run, playbook, now, unapproved);
    story.aborted = story.aborted || run.course != Course::forward;
    const auto ending = [&] {
      Ending out{.how = any_ending(chance), .detail = "d"};
      if (out.how == Ended::postponed && ++postponed[move.step] > 3) out.how = Ended::done;
      out.not_before = now + 2s;
      return out;
    };
    const auto end_of_try = [&] {
      const Ending drawn = ending();
      if (drawn.how != Ended::postponed) ++story.performed[move.step];
      run = must(mark_ended(run, playbook, move.step, drawn, now));
    };
    switch (move.kind) {
      case Kind::over:
        CHECK(is_over(run, playbook));
        return story;
      case Kind::person: {
        ++story.persons;
        const bool undoing = run.steps[move.step].status != Status::unknown;
        Settlement how = static_cast<Settlement>(chance.below(3));
        if (!undoing && run.course != Course::forward && how == Settlement::again) how = Settlement::done;
        // Somebody mends it at last.
        if (story.persons > 10) how = Settlement::done;
        if (how == Settlement::again) (undoing ? story.undone : story.performed)[move.step] = 0;
        if (undoing && how != Settlement::again) story.order_of_undos.push_back(move.step);
        run = must(settle(run, playbook, move.step, how, "ana", now));
        break;
      }
      case Kind::wait:
        REQUIRE(move.until > now);
        now = unapproved ? now + 1s : move.until;
        unapproved.reset();
        break;
      case Kind::consider: {
        const bool not_yet = !playbook.steps[move.step].approval.empty() && chance.once_in(2);
        if (not_yet) unapproved = move.step;
        run = must(mark_considered(run, playbook, move.step,
                                   not_yet ? Considered::not_yet : static_cast<Considered>(chance.below(3)),
                                   "d", now));
        break;
      }
      case Kind::take:
        if (story.aborted && !is_stopping(run, move.step)) story.begun_after_abort = true;
        run = must(mark_running(run, move.step, now));
        if (!chance.once_in(5)) end_of_try();
        break;
      case Kind::ask:
        if (chance.once_in(3)) {
          run = must(mark_ended(run, playbook, move.step, {.how = Ended::unknown}, now));
        } else if (chance.once_in(3)) {
          run = must(mark_ended(run, playbook, move.step, {.how = Ended::unheard}, now));
        } else {
          end_of_try();
        }
        break;
      case Kind::verify:
        run = must(mark_verified(run, playbook, move.step, ending(), now));
        break;
      case Kind::expire:
        run = must(mark_expired(run, playbook, move.step, now));
        break;
      case Kind::undo:
        run = must(mark_undoing(run, move.step));
        [[fallthrough]];
      case Kind::ask_undo: {
        const Ending drawn = ending();
        if (drawn.how != Ended::postponed) ++story.undone[move.step];
        run = must(mark_undone(run, playbook, move.step, drawn, now));
        if (drawn.how == Ended::done) story.order_of_undos.push_back(move.step);
        break;
      }
    }
    if (chance.once_in(50)) now += 5s;
  }
}

}  // namespace

TEST_CASE(
    "whatever happens: it ends, no step is tried too often, what is taken back is in reverse and once") {
  const std::uint64_t first = 20'260'101;
  std::size_t moves = 0, aborted = 0, persons = 0;
  for (std::uint64_t seed = first; seed < first + 4'000; ++seed) {
    CAPTURE(seed);
    Chance chance(seed);
    const spec::Playbook playbook = any_playbook(chance);
    Run run = begin(playbook, "k", t0);
    run.purpose = chance.once_in(2) ? Purpose::rollback : Purpose::hand;
    const Story story = carry_out(playbook, run, chance);
    moves += story.moves;
    aborted += story.aborted ? 1 : 0;
    persons += static_cast<std::size_t>(story.persons);
    for (std::size_t i = 0; i < run.steps.size(); ++i) {
      CAPTURE(i);
      const StepRecord& record = run.steps[i];
      CHECK(story.performed[i] <= playbook.steps[i].retry.attempts);
      CHECK(story.undone[i] <= playbook.steps[i].retry.attempts);
      CHECK((record.status == Status::done || record.status == Status::failed ||
             record.status == Status::skipped || record.status == Status::unknown));
      if (record.compensation) {
        CHECK(story.aborted);
        CHECK(
            (record.compensation->status == Status::done || record.compensation->status == Status::skipped));
      }
      if (story.aborted && record.status == Status::done)
        CHECK(record.compensation.has_value() == !playbook.steps[i].compensate.uses.empty());
      if (run.purpose == Purpose::rollback && record.uses == "channel.withdraw" &&
          playbook.steps[i].when.empty())
        CHECK(record.attempts > 0);
    }
    CHECK_FALSE(story.begun_after_abort);
    CHECK(std::set(story.order_of_undos.begin(), story.order_of_undos.end()).size() ==
          story.order_of_undos.size());
    CHECK(std::is_sorted(story.order_of_undos.rbegin(), story.order_of_undos.rend()));
  }
  std::cout << "playbooks carried out: 4000 from seed " << first << ", " << moves << " moves, " << aborted
            << " aborted, " << persons << " settled by a person\n";
}
