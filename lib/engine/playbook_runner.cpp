#include "engine/playbook_runner.hpp"

#include <algorithm>

#include "actions/approval.hpp"
#include "base/text.hpp"
#include "gate/condition.hpp"

namespace tranche::engine {
namespace {

using actions::Asked;
using playbook::Considered;
using playbook::Ended;
using playbook::Ending;
using playbook::Move;
using playbook::Status;

// A pause of moments is taken in place; a tick does not sleep through more of them than this.
constexpr Duration moments = std::chrono::seconds(5);
constexpr Duration most_slept = std::chrono::seconds(30);
// Every move is journalled or sleeps; a hundred steps of twenty attempts stay below.
constexpr int most_moves = 20'000;

// Waiting mends a network, not a request that nobody can honour.
bool can_be_retried(ErrorKind kind) {
  return kind != ErrorKind::invalid && kind != ErrorKind::denied && kind != ErrorKind::stranded &&
         kind != ErrorKind::bug;
}

std::string words_of(const Error& error) {
  std::string out = error.message;
  if (!error.hint.empty()) out += " (" + error.hint + ")";
  return printable(out, 400);
}

bool only_waits(std::string_view uses) { return uses == "wait" || uses == "approval"; }

// [0, 1), of 53 bits.
double fraction_of(const std::string& bytes) {
  std::uint64_t bits = 0;
  for (const char byte : bytes) bits = bits << 8U | static_cast<unsigned char>(byte);
  return static_cast<double>(bits >> 11U) * 0x1p-53;
}

}  // namespace

Result<> check_when(const spec::Playbook& playbook) {
  for (const spec::Step& step : playbook.steps) {
    if (step.when.empty()) continue;
    auto compiled = gate::Condition::compile(step.when);
    if (compiled) continue;
    Error error = std::move(compiled.error());
    error.message = fmt::format("bad `when` of step '{}' in playbook '{}': {}", printable(step.id, 64),
                                playbook.name, error.message);
    if (step.place.source) error.mark = doc::to_mark(step.place);
    return fail(std::move(error));
  }
  return {};
}

doc::Value situation_of(const playbook::Run& run, bool stranded, double share) {
  doc::Value steps = doc::Value::object();
  bool failed = false;
  for (const playbook::StepRecord& step : run.steps) {
    steps.set(step.id, playbook::to_text(step.status));
    failed = failed || step.status == Status::failed;
  }
  return doc::Value::object(
      {{"failed", failed}, {"stranded", stranded}, {"share", share}, {"steps", std::move(steps)}});
}

PlaybookRunner::PlaybookRunner(actions::Deck& deck, PlaybookOrder order, Listener listener)
    : deck_(deck), order_(std::move(order)), listener_(std::move(listener)) {
  perform_ = [this](const actions::Action& action, const actions::Call& call) {
    return action.perform(deck_, call);
  };
}

Result<playbook::Run> PlaybookRunner::load() {
  playbook::Run run = playbook::begin(order_.playbook, order_.key, now());
  run.plan = order_.digest;
  run.purpose = order_.purpose;
  run.by = order_.cause.by;
  run.reason = order_.cause.reason;
  const auto entry = TRY(deck_.journal().latest(order_.subject));
  if (!entry) return run;
  playbook::Run earlier = TRY_WHILE("reading the run of playbook '" + order_.playbook.name + "'",
                                    playbook::run_from_value(entry->state));
  if (earlier.key != order_.key) return run;
  const bool same = std::ranges::equal(earlier.steps, run.steps, [](const auto& left, const auto& right) {
    return left.id == right.id && left.uses == right.uses;
  });
  // The plan of a rollout is frozen and was verified; what is run by hand comes from tranche.yaml.
  const bool other_plan = order_.purpose == playbook::Purpose::hand && earlier.plan != run.plan;
  if (!same || other_plan)
    return fail_hint(ErrorKind::verification,
                     "give tranche.yaml the playbook back that it had, or cancel the run: tranche playbook "
                     "resume --cancel",
                     "playbook '{}' is not what this run began with ({} in the journal, {} here)",
                     order_.playbook.name, earlier.plan.substr(0, 12), run.plan.substr(0, 12));
  begun_ = true;
  return earlier;
}

Result<PlaybookProgress> PlaybookRunner::go() {
  run_ = TRY(load());
  held_.reset();
  slept_ = {};
  for (int moves = 0; moves < most_moves; ++moves) {
    if (deck_.world().clock.interrupted()) {
      TRY(flush());
      return fail_hint(ErrorKind::interrupted, "run it again: it goes on where it stopped",
                       "interrupted while playbook '{}' runs", order_.playbook.name);
    }
    const Move move = playbook::next_move(run_, order_.playbook, now(), held_);
    switch (move.kind) {
      case Move::Kind::over:
      case Move::Kind::person:
        TRY(flush());
        return progress(move);
      case Move::Kind::wait:
        TRY(flush());
        if (!TRY(sleep(move.until))) return progress(move);
        break;
      case Move::Kind::consider:
        TRY(consider(move.step));
        break;
      case Move::Kind::take:
      case Move::Kind::ask:
        TRY(take(move.step, move.kind == Move::Kind::ask));
        break;
      case Move::Kind::verify:
        TRY(verify(move.step));
        break;
      case Move::Kind::expire:
        run_ = TRY(playbook::mark_expired(std::move(run_), order_.playbook, move.step, now()));
        note(move.step, "playbook.step-ended");
        say(move.step);
        break;
      case Move::Kind::undo:
      case Move::Kind::ask_undo:
        TRY(undo(move.step, move.kind == Move::Kind::ask_undo));
        break;
    }
  }
  return fail(ErrorKind::bug, "playbook '{}' never ends", order_.playbook.name);
}

PlaybookProgress PlaybookRunner::progress(const Move& move) {
  PlaybookProgress out{run_, move.kind == Move::Kind::over, {}, {}};
  out.why = playbook::explain(run_, order_.playbook, move, order_.plan.rollout);
  if (move.kind == Move::Kind::wait && move.until != Instant::max()) out.until = move.until;
  return out;
}

Result<bool> PlaybookRunner::sleep(Instant until) {
  ports::Clock& clock = deck_.world().clock;
  const Instant from = clock.now();
  if (until <= from) return true;
  // A clock that jumped must not make a pause of moments last for hours: it is told from the distance.
  if (until == Instant::max() || until - from > moments || slept_ + (until - from) > most_slept) return false;
  slept_ += until - from;
  if (!clock.sleep_until(until))
    return fail_hint(ErrorKind::interrupted, "run it again: it goes on where it stopped",
                     "interrupted while playbook '{}' runs", order_.playbook.name);
  return true;
}

// A part of a step (itself, its verify, its compensation) with the time that is left for it.
spec::Step PlaybookRunner::part(std::size_t step, const std::string& uses, const doc::Value& with) const {
  spec::Step out = order_.playbook.steps[step];
  out.uses = uses;
  out.with = with.is_null() ? doc::Value::object() : with;
  return out;
}

actions::Call PlaybookRunner::call_of(const spec::Step& part, std::size_t step, std::string_view suffix) {
  const playbook::StepRecord& record = run_.steps[step];
  return {
      order_.plan,
      part,
      order_.rollout_id,
      playbook::step_key(run_, step) + std::string(suffix),
      {run_.by.empty() ? order_.cause.by : run_.by, run_.reason.empty() ? order_.cause.reason : run_.reason},
      now() + part.timeout,
      suffix == "/verify" ? doc::Value() : record.facts,
      run_.key,
      run_.playbook,
      order_.plan_digest};
}

Result<Ending> PlaybookRunner::perform(std::size_t step, const spec::Step& part, std::string_view suffix) {
  const actions::Action* action = actions::find_action(part.uses);
  if (action == nullptr)
    return Ending{.how = Ended::refused,
                  .detail = fmt::format("there is no action '{}' in this build", printable(part.uses, 64))};
  ports::Clock& clock = deck_.world().clock;
  const std::uint64_t size = deck_.journal().size();
  const auto began = clock.elapsed();
  auto outcome = perform_(*action, call_of(part, step, suffix));
  Ending ending;
  ending.took = std::chrono::duration_cast<Duration>(clock.elapsed() - began);
  if (part.retry.jitter > 0)
    if (const auto bytes = deck_.world().random.bytes(8)) ending.chance = fraction_of(*bytes);
  if (outcome) {
    ending.how = outcome->not_before ? Ended::postponed : Ended::done;
    ending.not_before = outcome->not_before.value_or(Instant{});
    ending.detail = printable(outcome->text, 400);
    ending.facts = std::move(outcome->facts);
    return ending;
  }
  if (outcome.error().kind == ErrorKind::interrupted) return fail(std::move(outcome.error()));
  if (outcome.error().kind == ErrorKind::conflict) {
    // Somebody else moved the journal: the tick is taken again on what is there. A conflict of the action's
    // own is a failed try like others.
    const std::uint64_t ours = std::max(size, deck_.journal().size());
    TRY(deck_.reload());
    if (deck_.journal().size() > ours) return fail(std::move(outcome.error()));
  }
  ending.how = can_be_retried(outcome.error().kind) ? Ended::failed : Ended::refused;
  ending.detail = words_of(outcome.error());
  return ending;
}

Result<PlaybookRunner::Taken> PlaybookRunner::ask(std::size_t step, const spec::Step& part,
                                                  std::string_view suffix) {
  const actions::Action* action = actions::find_action(part.uses);
  if (action == nullptr) return Taken{{}, true};
  const auto asked = action->ask(deck_, call_of(part, step, suffix));
  if (asked && *asked == Asked::not_done) return Taken{{}, true};
  if (asked && *asked == Asked::done)
    return Taken{{.how = Ended::done, .detail = "found done after an interruption"}, false};
  if (asked)
    return Taken{{.how = Ended::unknown, .detail = "cut short, and nobody can be asked: check by hand"},
                 false};
  const Ended how = can_be_retried(asked.error().kind) ? Ended::unheard : Ended::unknown;
  return Taken{{.how = how, .detail = "cut short, and no answer came: " + words_of(asked.error())}, false};
}

Result<Ending> PlaybookRunner::take_or_ask(std::size_t step, const spec::Step& part, std::string_view suffix,
                                           bool cut_short) {
  if (cut_short) {
    TRY(flush());
    Taken taken = TRY(ask(step, part, suffix));
    if (!taken.again) return std::move(taken.ending);
  }
  return perform(step, part, suffix);
}

Result<> PlaybookRunner::take(std::size_t step, bool cut_short) {
  const spec::Step& given = order_.playbook.steps[step];
  spec::Step step_part = part(step, given.uses, given.with);
  const playbook::StepRecord before = run_.steps[step];
  if (!cut_short) {
    run_ = TRY(playbook::mark_running(std::move(run_), step, now()));
    // What only waits changes nothing: looking at it again leaves no line.
    if (!before.postponed || !only_waits(given.uses)) note(step, "playbook.step-intended");
    TRY(flush());
  }
  if (given.deadline > Duration{} && run_.steps[step].begun) {
    const Duration left = *run_.steps[step].begun + given.deadline - now();
    step_part.timeout = std::max(Duration(1), std::min(step_part.timeout, left));
  }
  const Ending ending = TRY(take_or_ask(step, step_part, "", cut_short));
  run_ = TRY(playbook::mark_ended(std::move(run_), order_.playbook, step, ending, now()));
  const playbook::StepRecord& after = run_.steps[step];
  if (ending.how == Ended::postponed && ending.not_before <= now()) held_ = step;
  const bool waits_on =
      before.postponed && after.postponed && after.detail == before.detail && after.facts == before.facts;
  if (waits_on) return {};
  note(step, "playbook.step-ended");
  say(step);
  return {};
}

Result<> PlaybookRunner::verify(std::size_t step) {
  const spec::Verify& question = order_.playbook.steps[step].verify;
  TRY(flush());
  const Ending ending = TRY(perform(step, part(step, question.uses, question.with), "/verify"));
  run_ = TRY(playbook::mark_verified(std::move(run_), order_.playbook, step, ending, now()));
  if (run_.steps[step].status == Status::verifying) return {};
  note(step, "playbook.step-ended");
  say(step);
  return {};
}

Result<> PlaybookRunner::undo(std::size_t step, bool cut_short) {
  const spec::Use& use = order_.playbook.steps[step].compensate;
  if (!cut_short) {
    run_ = TRY(playbook::mark_undoing(std::move(run_), step));
    note(step, "playbook.step-undoing");
    TRY(flush());
  }
  const Ending ending = TRY(take_or_ask(step, part(step, use.uses, use.with), "/compensate", cut_short));
  run_ = TRY(playbook::mark_undone(std::move(run_), order_.playbook, step, ending, now()));
  if (ending.how == Ended::postponed && ending.not_before <= now())
    run_.steps[step].compensation->not_before = now() + moments * 2;
  note(step, "playbook.step-undone");
  const playbook::Compensation& compensation = *run_.steps[step].compensation;
  said_.push_back(fmt::format("playbook '{}' step {}: taking it back: {}: {}", order_.playbook.name,
                              run_.steps[step].id, playbook::to_text(compensation.status),
                              compensation.detail));
  return {};
}

Result<Considered> PlaybookRunner::consider_approval(std::size_t step, std::string& detail) {
  const spec::Step& given = order_.playbook.steps[step];
  const spec::App& frozen = order_.plan.config;
  const auto request =
      actions::step_request(deck_, frozen, actions::question_of(call_of(given, step, ""), given.approval));
  const auto stands = request ? actions::standing(deck_, frozen, *request, now())
                              : Result<actions::Standing>(std::unexpected(Error(request.error())));
  if (!stands) {
    if (can_be_retried(stands.error().kind) && stands.error().kind != ErrorKind::verification)
      return fail(Error(stands.error()));
    detail = "its approval cannot be judged: " + words_of(stands.error());
    return Considered::unanswered;
  }
  detail = printable(stands->why, 400);
  if (stands->met) return Considered::yes;
  return stands->rejected ? Considered::unanswered : Considered::not_yet;
}

Result<> PlaybookRunner::consider(std::size_t step) {
  const spec::Step& given = order_.playbook.steps[step];
  const playbook::StepRecord before = run_.steps[step];
  Considered how = Considered::yes;
  std::string detail;
  if (!given.when.empty()) {
    const doc::Value situation = situation_of(run_, order_.stranded, order_.share);
    const auto compiled = gate::Condition::compile(given.when);
    const auto truth = compiled ? compiled->evaluate(situation)
                                : Result<gate::Truth>(std::unexpected(Error(compiled.error())));
    if (!truth) {
      how = Considered::unanswered;
      detail = "its condition cannot be answered: " + words_of(truth.error());
    } else if (*truth == gate::Truth::unknown) {
      how = Considered::unanswered;
      detail = "nobody knows whether its condition holds: " + printable(given.when, 120);
    } else if (*truth == gate::Truth::no) {
      how = Considered::no;
      detail = "its condition does not hold: " + printable(given.when, 120);
    }
  }
  if (how == Considered::yes && !given.approval.empty() && !playbook::is_stopping(run_, step))
    how = TRY(consider_approval(step, detail));
  if (how == Considered::not_yet) held_ = step;
  run_ = TRY(playbook::mark_considered(std::move(run_), order_.playbook, step, how, detail, now()));
  const playbook::StepRecord& after = run_.steps[step];
  if (how == Considered::yes) return {};  // its intent says so
  if (how == Considered::not_yet && before.begun && before.detail == after.detail) return {};
  note(step, how == Considered::not_yet ? "playbook.step-waits" : "playbook.step-ended");
  say(step);
  return {};
}

void PlaybookRunner::note(std::size_t step, std::string kind) {
  const playbook::StepRecord& record = run_.steps[step];
  journal::Draft draft;
  draft.kind = std::move(kind);
  draft.subject = order_.subject;
  const bool undoing = draft.kind.starts_with("playbook.step-und");
  draft.data = doc::Value::object({{"step", record.id},
                                   {"uses", record.uses},
                                   {"status", playbook::to_text(record.status)},
                                   {"attempt", record.attempts},
                                   {"detail", record.detail}});
  if (undoing) {
    const playbook::Compensation& compensation = *record.compensation;
    draft.data.set("uses", order_.playbook.steps[step].compensate.uses);
    draft.data.set("status", playbook::to_text(compensation.status));
    draft.data.set("attempt", compensation.attempts);
    draft.data.set("detail", compensation.detail);
  }
  if (!begun_) {
    draft.reason = run_.reason;
    draft.data.set("plan", run_.plan);
    draft.data.set("for", playbook::to_text(run_.purpose));
    begun_ = true;
  }
  draft.state = playbook::to_value(run_);
  drafts_.push_back(std::move(draft));
}

void PlaybookRunner::say(std::size_t step) {
  const playbook::StepRecord& record = run_.steps[step];
  said_.push_back(fmt::format("playbook '{}' step {}: {}: {}", order_.playbook.name, record.id,
                              playbook::to_text(record.status), record.detail));
}

Result<> PlaybookRunner::flush() {
  if (!drafts_.empty()) {
    TRY(deck_.append(drafts_));
    drafts_.clear();
  }
  for (const std::string& one : said_)
    if (listener_) listener_(one);
  said_.clear();
  return {};
}

}  // namespace tranche::engine
