#include "playbook/machine.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace tranche::playbook {
namespace {

using Kind = Move::Kind;

constexpr int most_asks = 5;  // then a person is asked
constexpr Duration ask_again = std::chrono::seconds(5);

constexpr std::array<Turn, 16> table{{
    {Status::waiting, Status::running},    // its try is journalled
    {Status::waiting, Status::skipped},    // when, deadline of the playbook, jump, abort, cancel
    {Status::waiting, Status::failed},     // its deadline; its condition cannot be answered
    {Status::running, Status::done},       //
    {Status::running, Status::verifying},  // done, and there is a verify
    {Status::running, Status::waiting},    // to be tried again, or its action waits
    {Status::running, Status::failed},     //
    {Status::running, Status::unknown},    // cut short
    {Status::verifying, Status::done},     //
    {Status::verifying, Status::waiting},  // not verified: to be tried again
    {Status::verifying, Status::failed},   //
    {Status::unknown, Status::done},       // a person says so, here and below
    {Status::unknown, Status::failed},     //
    {Status::unknown, Status::waiting},    //
    {Status::failed, Status::done},        //
    {Status::failed, Status::waiting},     //
}};

Result<> turn(Status& status, Status to, const std::string& id) {
  const bool allowed =
      std::ranges::any_of(table, [&](const Turn& one) { return one.from == status && one.to == to; });
  if (!allowed)
    return fail(ErrorKind::bug, "step '{}' cannot become {}: it is {}", printable(id, 64), to_text(to),
                to_text(status));
  status = to;
  return {};
}

bool leads_elsewhere(const spec::Step& step) { return step.on_failure != spec::Step::OnFailure::go_on; }

bool is_open(const Compensation& compensation) {
  return compensation.status == Status::waiting || compensation.status == Status::running;
}

std::optional<Instant> deadline_of(const StepRecord& record, const spec::Step& step) {
  if (step.deadline <= Duration{} || !record.begun) return std::nullopt;
  return *record.begun + step.deadline;
}

bool playbook_is_late(const Run& run, const spec::Playbook& playbook, Instant now) {
  return playbook.deadline > Duration{} && now >= run.started + playbook.deadline;
}

// When a pause that we made ourselves is over. Longer than it can have been made, a wrong clock wrote it:
// then it is over now. What an action asked for (a wait, a server's Retry-After) is kept.
Instant pause_end(Instant not_before, Duration longest, Instant now) {
  return not_before - now > longest ? now : not_before;
}
Duration longest_backoff(const spec::Retry& retry) { return 2 * std::max(retry.most, retry.backoff); }

Instant due(const StepRecord& record, const spec::Step& step, Instant now) {
  if (record.postponed) return record.not_before;
  Duration longest = ask_again;
  if (record.status == Status::verifying) longest = step.verify.every;
  if (record.status == Status::waiting) longest = longest_backoff(step.retry);
  return pause_end(record.not_before, longest, now);
}

// What is to be done with a step whose turn it is; over: nothing any more.
Move move_of(const Run& run, const spec::Playbook& playbook, std::size_t i, Instant now,
             std::optional<std::size_t> unapproved = {}) {
  const StepRecord& record = run.steps[i];
  const spec::Step& step = playbook.steps[i];
  const auto late = deadline_of(record, step);
  const bool stopping = is_stopping(run, i);
  const Instant next = due(record, step, now);
  switch (record.status) {
    case Status::running:
      return next > now ? Move{Kind::wait, i, next} : Move{Kind::ask, i};
    case Status::verifying:
      if (late && now >= *late) return {Kind::expire, i};
      return next > now ? Move{Kind::wait, i, next} : Move{Kind::verify, i};
    case Status::waiting:
      if (late && now >= *late && !stopping) return {Kind::expire, i};
      if (!record.begun && !stopping && playbook_is_late(run, playbook, now)) return {Kind::expire, i};
      if (next > now) return {Kind::wait, i, late ? std::min(*late, next) : next};
      if (unapproved == i) return {Kind::wait, i, late.value_or(Instant::max())};
      if (!record.allowed && !(step.when.empty() && (stopping || step.approval.empty())))
        return {Kind::consider, i};
      return {Kind::take, i};
    case Status::unknown:
      return leads_elsewhere(step) ? Move{Kind::person, i} : Move{};
    case Status::done:
    case Status::failed:
    case Status::skipped:
      return {};
  }
  return {};
}

// The first step behind `from` that stops the release and need not wait.
std::optional<Move> stopping_ahead(const Run& run, const spec::Playbook& playbook, std::size_t from,
                                   Instant now) {
  for (std::size_t i = from; i < run.steps.size(); ++i) {
    if (run.steps[i].status != Status::waiting || !is_stopping(run, i)) continue;
    const Move move = move_of(run, playbook, i, now);
    if (move.kind == Kind::take || move.kind == Kind::consider || move.kind == Kind::expire) return move;
  }
  return std::nullopt;
}

// What stops the release does not wait for this one: it is tried again, asks people, or nobody knows what
// came of it. A `wait` that somebody wrote down is kept.
bool lets_pass(const Run& run, const Move& move) {
  return move.kind == Kind::person || (move.kind == Kind::wait && run.steps[move.step].uses != "wait");
}

Move forward(const Run& run, const spec::Playbook& playbook, Instant now,
             std::optional<std::size_t> unapproved) {
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const Move move = move_of(run, playbook, i, now, unapproved);
    if (move.kind == Kind::over) continue;
    if (lets_pass(run, move))
      if (const auto ahead = stopping_ahead(run, playbook, i + 1, now)) return *ahead;
    return move;
  }
  return {};
}

// The compensation that is due: last step first. An unknown step that has one is for a person.
Move back(const Run& run, const spec::Playbook& playbook, Instant now) {
  for (std::size_t i = run.steps.size(); i-- > 0;) {
    const StepRecord& record = run.steps[i];
    if (record.status == Status::unknown && !playbook.steps[i].compensate.uses.empty())
      return {Kind::person, i};
    if (!record.compensation || !is_open(*record.compensation)) continue;
    if (record.compensation->not_before > now) return {Kind::wait, i, record.compensation->not_before};
    return {record.compensation->status == Status::running ? Kind::ask_undo : Kind::undo, i};
  }
  return {};
}

// Of an aborted run: what stops the release comes before what is taken back.
std::optional<Move> still_stopping(const Run& run, const spec::Playbook& playbook, Instant now) {
  std::optional<Move> waits;
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    const Status status = run.steps[i].status;
    const bool begun = status == Status::running || status == Status::verifying;
    if (!begun && !(status == Status::waiting && is_stopping(run, i))) continue;
    const Move move = move_of(run, playbook, i, now);
    if (move.kind == Kind::over || move.kind == Kind::person) continue;
    if (move.kind != Kind::wait) return move;
    if (!waits) waits = move;
  }
  return waits;
}

std::optional<std::size_t> failed_compensation(const Run& run) {
  for (std::size_t i = run.steps.size(); i-- > 0;) {
    const auto& compensation = run.steps[i].compensation;
    if (compensation && (compensation->status == Status::failed || compensation->status == Status::unknown))
      return i;
  }
  return std::nullopt;
}

Result<> skip(Run& run, std::size_t i, const std::string& why) {
  if (run.steps[i].status != Status::waiting || is_stopping(run, i)) return {};
  TRY(turn(run.steps[i].status, Status::skipped, run.steps[i].id));
  run.steps[i].detail = why;
  return {};
}

// Steps that are done, or did their part and were not verified, and have a compensation.
void make_due(Run& run, const spec::Playbook& playbook) {
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    StepRecord& record = run.steps[i];
    const bool there = record.status == Status::done || (record.status == Status::failed && record.acted);
    if (there && !playbook.steps[i].compensate.uses.empty() && !record.compensation)
      record.compensation = Compensation{};
  }
}

// Every attempt has failed: where the run goes on.
Result<Run> lead_on(Run run, const spec::Playbook& playbook, std::size_t step) {
  const spec::Step& spec = playbook.steps[step];
  const std::string why = fmt::format("step '{}' failed", run.steps[step].id);
  if (run.course != Course::forward) {
    make_due(run, playbook);
    return run;
  }
  switch (spec.on_failure) {
    case spec::Step::OnFailure::go_on:
      break;
    case spec::Step::OnFailure::jump:
      for (std::size_t i = step + 1; i < run.steps.size() && run.steps[i].id != spec.on_failure_step; ++i)
        TRY(skip(run, i, fmt::format("{}: it goes on at '{}'", why, spec.on_failure_step)));
      break;
    case spec::Step::OnFailure::abort:
      run.course = Course::back;
      for (std::size_t i = 0; i < run.steps.size(); ++i) TRY(skip(run, i, why + ": aborted"));
      make_due(run, playbook);
      break;
  }
  return run;
}

Result<Run> fail_step(Run run, const spec::Playbook& playbook, std::size_t step, std::string detail) {
  StepRecord& record = run.steps[step];
  TRY(turn(record.status, Status::failed, record.id));
  record.detail = std::move(detail);
  record.postponed = false;
  return lead_on(std::move(run), playbook, step);
}

// A failed attempt: again after its backoff, or the step has failed.
Result<Run> fail_attempt(Run run, const spec::Playbook& playbook, std::size_t step, const Ending& ending,
                         Instant now) {
  StepRecord& record = run.steps[step];
  const spec::Step& spec = playbook.steps[step];
  if (ending.how == Ended::refused || record.attempts >= spec.retry.attempts)
    return fail_step(std::move(run), playbook, step, ending.detail);
  TRY(turn(record.status, Status::waiting, record.id));
  record.detail = ending.detail;
  record.postponed = false;
  record.not_before = now + backoff(spec.retry, record.attempts, ending.chance);
  return run;
}

Result<Run> finish(Run run, const spec::Playbook& playbook, std::size_t step) {
  StepRecord& record = run.steps[step];
  TRY(turn(record.status, Status::done, record.id));
  record.acted = true;
  record.postponed = false;
  if (run.course != Course::forward) make_due(run, playbook);
  return run;
}

std::string settle_command(const Run& run, const std::string& rollout, const StepRecord& record) {
  return fmt::format("tranche playbook resume {}{} --settle {}=done|failed|again --reason TEXT", rollout,
                     run.purpose == Purpose::hand ? " --by-hand" : "", record.id);
}

Result<Run> settle_compensation(Run run, std::size_t step, Settlement how, const std::string& who,
                                Instant now) {
  StepRecord& record = run.steps[step];
  Compensation& compensation = *record.compensation;
  record.settled = who;
  switch (how) {
    case Settlement::done:
      compensation.status = Status::done;
      break;
    case Settlement::failed:
      compensation.status = Status::skipped;
      break;
    case Settlement::again:
      compensation = Compensation{Status::waiting, 0, now, compensation.detail};
      break;
  }
  if (!failed_compensation(run)) run.course = Course::back;
  return run;
}

}  // namespace

std::span<const Turn> turns() { return table; }

Run begin(const spec::Playbook& playbook, std::string key, Instant now) {
  Run run;
  run.key = std::move(key);
  run.playbook = playbook.name;
  run.started = now;
  for (std::size_t i = 0; i < playbook.steps.size(); ++i) {
    const spec::Step& step = playbook.steps[i];
    StepRecord record;
    record.id = step.id.empty() ? fmt::format("{}-{}", i + 1, step.uses) : step.id;
    record.uses = step.uses;
    record.not_before = now;
    run.steps.push_back(std::move(record));
  }
  return run;
}

bool is_stopping(const Run& run, std::size_t step) {
  return (run.purpose == Purpose::rollback || run.purpose == Purpose::drill) &&
         run.steps[step].uses.starts_with("channel.");
}

Duration backoff(const spec::Retry& retry, int attempts, double chance) {
  const Duration most = std::max(retry.most, retry.backoff);
  Duration wait = retry.backoff;
  for (int i = 1; i < attempts && wait < most; ++i) wait *= 2;
  wait = std::min(wait, most);
  const double extra = static_cast<double>(wait.count()) * retry.jitter * std::clamp(chance, 0.0, 1.0);
  return wait + Duration(static_cast<Duration::rep>(extra));
}

Move next_move(const Run& run, const spec::Playbook& playbook, Instant now,
               std::optional<std::size_t> unapproved) {
  // What was begun is brought to its end first: nothing runs beside it.
  for (std::size_t i = 0; i < run.steps.size(); ++i)
    if (run.steps[i].status == Status::running) {
      const Move move = move_of(run, playbook, i, now);
      if (move.kind != Kind::wait) return move;
    }
  if (run.course == Course::forward) return forward(run, playbook, now, unapproved);
  if (const auto move = still_stopping(run, playbook, now)) return *move;
  if (run.course == Course::stopped) {
    if (const auto open = failed_compensation(run)) return {Kind::person, *open};
    return {};
  }
  return back(run, playbook, now);
}

bool is_over(const Run& run, const spec::Playbook& playbook) {
  return next_move(run, playbook, Instant::max()).kind == Kind::over;
}

std::string explain(const Run& run, const spec::Playbook&, const Move& move, const std::string& rollout) {
  if (move.step >= run.steps.size()) return {};
  const StepRecord& record = run.steps[move.step];
  if (move.kind == Kind::wait) {
    const bool asks_people =
        record.status == Status::waiting && record.begun && !record.allowed && !record.postponed;
    std::string when = " waits";
    if (move.until != Instant::max())
      when = (asks_people ? " waits until " : " is looked at again at ") + tranche::to_text(move.until);
    return fmt::format("step '{}'{}{}{}", record.id, when, record.detail.empty() ? "" : ": ", record.detail);
  }
  if (move.kind == Kind::consider && record.begun && !record.detail.empty())
    return fmt::format("step '{}': {}", record.id, record.detail);
  if (move.kind != Kind::person) return {};
  if (record.compensation && record.status != Status::unknown)
    return fmt::format(
        "the compensation of step '{}' {}: {}; nothing more is taken back until a person has looked: {}",
        record.id, record.compensation->status == Status::failed ? "failed" : "is of unknown outcome",
        record.compensation->detail, settle_command(run, rollout, record));
  return fmt::format("nobody knows what came of step '{}': {}; look, then say so: {}", record.id,
                     record.detail, settle_command(run, rollout, record));
}

Result<Run> mark_considered(Run run, const spec::Playbook& playbook, std::size_t step, Considered how,
                            std::string detail, Instant now) {
  StepRecord& record = run.steps[step];
  if (!record.begun) record.begun = now;
  switch (how) {
    case Considered::yes:
      record.allowed = true;
      return run;
    case Considered::no:
      TRY(turn(record.status, Status::skipped, record.id));
      record.detail = std::move(detail);
      return run;
    case Considered::unanswered:
      if (!is_stopping(run, step)) return fail_step(std::move(run), playbook, step, std::move(detail));
      record.allowed = true;
      return run;
    case Considered::not_yet:
      record.detail = std::move(detail);
      return run;
  }
  return run;
}

Result<Run> mark_running(Run run, std::size_t step, Instant now) {
  StepRecord& record = run.steps[step];
  TRY(turn(record.status, Status::running, record.id));
  if (!record.postponed) ++record.attempts;
  record.asks = 0;
  record.not_before = now;
  if (!record.begun) record.begun = now;
  return run;
}

Result<Run> mark_ended(Run run, const spec::Playbook& playbook, std::size_t step, const Ending& ending,
                       Instant now) {
  StepRecord& record = run.steps[step];
  const spec::Step& spec = playbook.steps[step];
  record.took = ending.took;
  if (!ending.facts.is_null()) record.facts = ending.facts;
  switch (ending.how) {
    case Ended::done:
      record.detail = ending.detail;
      if (spec.verify.uses.empty()) return finish(std::move(run), playbook, step);
      TRY(turn(record.status, Status::verifying, record.id));
      record.acted = true;
      record.postponed = false;
      record.not_before = now;
      record.verify_until = now + spec.verify.within;
      return run;
    case Ended::failed:
    case Ended::refused:
      return fail_attempt(std::move(run), playbook, step, ending, now);
    case Ended::postponed:
      TRY(turn(record.status, Status::waiting, record.id));
      record.postponed = true;
      record.detail = ending.detail;
      record.not_before = ending.not_before;
      return run;
    case Ended::unheard:
      if (++record.asks < most_asks) {
        record.not_before = now + ask_again;
        record.detail = ending.detail;
        return run;
      }
      [[fallthrough]];
    case Ended::unknown:
      TRY(turn(record.status, Status::unknown, record.id));
      record.detail = ending.detail;
      return run;
  }
  return run;
}

Result<Run> mark_verified(Run run, const spec::Playbook& playbook, std::size_t step, const Ending& ending,
                          Instant now) {
  StepRecord& record = run.steps[step];
  const spec::Verify& verify = playbook.steps[step].verify;
  if (ending.how == Ended::done) return finish(std::move(run), playbook, step);
  const bool wants_more =
      ending.how == Ended::failed || ending.how == Ended::postponed || ending.how == Ended::unheard;
  if (wants_more && record.verify_until && now + verify.every <= *record.verify_until) {
    record.not_before = now + verify.every;
    return run;
  }
  Ending failed = ending;
  failed.how = ending.how == Ended::refused ? Ended::refused : Ended::failed;
  failed.detail = "it was done, and its verify failed: " + ending.detail;
  return fail_attempt(std::move(run), playbook, step, failed, now);
}

Result<Run> mark_expired(Run run, const spec::Playbook& playbook, std::size_t step, Instant now) {
  StepRecord& record = run.steps[step];
  if (record.begun || record.status == Status::verifying) {
    std::string detail =
        fmt::format("its deadline of {} is over", tranche::to_text(playbook.steps[step].deadline));
    if (!record.detail.empty()) detail += ": " + record.detail;
    return fail_step(std::move(run), playbook, step, std::move(detail));
  }
  const std::string why =
      fmt::format("the playbook's deadline of {} is over", tranche::to_text(playbook.deadline));
  for (std::size_t i = 0; i < run.steps.size(); ++i)
    if (!run.steps[i].begun && playbook_is_late(run, playbook, now)) TRY(skip(run, i, why));
  return run;
}

Result<Run> mark_undoing(Run run, std::size_t step) {
  StepRecord& record = run.steps[step];
  if (!record.compensation || record.compensation->status != Status::waiting)
    return fail(ErrorKind::bug, "step '{}' has no compensation to take", printable(record.id, 64));
  record.compensation->status = Status::running;
  ++record.compensation->attempts;
  return run;
}

Result<Run> mark_undone(Run run, const spec::Playbook& playbook, std::size_t step, const Ending& ending,
                        Instant now) {
  StepRecord& record = run.steps[step];
  if (!record.compensation || record.compensation->status != Status::running)
    return fail(ErrorKind::bug, "the compensation of step '{}' does not run", printable(record.id, 64));
  Compensation& compensation = *record.compensation;
  const spec::Retry& retry = playbook.steps[step].retry;
  compensation.detail = ending.detail;
  switch (ending.how) {
    case Ended::done:
      compensation.status = Status::done;
      return run;
    case Ended::postponed:
      --compensation.attempts;
      compensation.status = Status::waiting;
      compensation.not_before = ending.not_before;
      return run;
    case Ended::failed:
      if (compensation.attempts >= retry.attempts) break;
      compensation.status = Status::waiting;
      compensation.not_before = now + backoff(retry, compensation.attempts, ending.chance);
      return run;
    case Ended::unheard:
      if (++record.asks < most_asks) {
        compensation.not_before = now + ask_again;
        return run;
      }
      [[fallthrough]];
    case Ended::unknown:
      compensation.status = Status::unknown;
      run.course = Course::stopped;
      return run;
    case Ended::refused:
      break;
  }
  compensation.status = Status::failed;
  run.course = Course::stopped;
  return run;
}

Result<Run> settle(Run run, const spec::Playbook& playbook, std::size_t step, Settlement how,
                   const std::string& who, Instant now) {
  StepRecord& record = run.steps[step];
  if (record.compensation &&
      (record.compensation->status == Status::failed || record.compensation->status == Status::unknown))
    return settle_compensation(std::move(run), step, how, who, now);
  const bool again_only = record.status == Status::failed && run.course == Course::forward &&
                          !leads_elsewhere(playbook.steps[step]);
  if (record.status != Status::unknown && !again_only)
    return fail_hint(ErrorKind::denied,
                     "only a step of unknown outcome, a failed one that the playbook went on after, and a "
                     "compensation that failed can be settled",
                     "step '{}' is {}", printable(record.id, 64), to_text(record.status));
  record.settled = who;
  switch (how) {
    case Settlement::done:
      record.acted = true;
      return finish(std::move(run), playbook, step);
    case Settlement::failed:
      if (record.status == Status::failed) return run;
      return fail_step(std::move(run), playbook, step, "a person found it failed");
    case Settlement::again:
      break;
  }
  if (run.course != Course::forward)
    return fail_hint(ErrorKind::denied, "say done or failed",
                     "step '{}' is not taken again: the playbook was aborted", printable(record.id, 64));
  TRY(turn(record.status, Status::waiting, record.id));
  record.attempts = 0;
  record.asks = 0;
  record.acted = record.postponed = false;
  record.not_before = now;
  record.begun.reset();
  record.verify_until.reset();
  return run;
}

Result<Run> cancel(Run run, const std::string& who, bool forget) {
  bool any = false;
  for (std::size_t i = 0; i < run.steps.size(); ++i) {
    StepRecord& record = run.steps[i];
    any = any || (record.status == Status::waiting && !is_stopping(run, i));
    TRY(skip(run, i, "cancelled: " + who));
    const bool open = record.status == Status::running || record.status == Status::verifying;
    if (!forget || !open) continue;
    any = true;
    if (record.status == Status::running) {
      TRY(turn(record.status, Status::unknown, record.id));
    } else {
      TRY(turn(record.status, Status::failed, record.id));
    }
    record.detail = "cut short, and cancelled: " + who;
  }
  if (!any)
    return fail_hint(ErrorKind::denied, "see tranche playbook show",
                     "nothing of playbook '{}' is still to begin", run.playbook);
  return run;
}

}  // namespace tranche::playbook
