#include "engine/playbooks.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tranche::engine {
namespace {

// The run and the playbook have the same steps.
bool is_of(const playbook::Run& run, const spec::Playbook* playbook) {
  return playbook != nullptr &&
         std::ranges::equal(run.steps, playbook->steps, {}, &playbook::StepRecord::uses, &spec::Step::uses);
}

bool still_open(const playbook::Run& run, const spec::Playbook* playbook) {
  return is_of(run, playbook) ? !playbook::is_over(run, *playbook) : playbook::current(run).has_value();
}

// What by hand would leave a rollout behind that offers, or counts as the baseline, what was taken back.
bool takes_back(std::string_view uses) {
  return uses == "channel.withdraw" || uses == "channel.fallback" || uses == "target.undo";
}
bool is_out(rollout::Phase phase) {
  return phase != rollout::Phase::rolled_back && phase != rollout::Phase::stranded &&
         phase != rollout::Phase::superseded;
}

}  // namespace

Result<Settle> parse_settle(const std::string& text) {
  const auto equals = text.rfind('=');
  const std::string how = equals == std::string::npos ? "" : text.substr(equals + 1);
  const std::string step = text.substr(0, equals);
  if (!step.empty() && how == "done") return Settle{step, playbook::Settlement::done};
  if (!step.empty() && how == "failed") return Settle{step, playbook::Settlement::failed};
  if (!step.empty() && how == "again") return Settle{step, playbook::Settlement::again};
  return fail_hint(ErrorKind::usage, "--settle STEP=done, STEP=failed or STEP=again",
                   "'{}' does not say what came of a step", printable(text, 80));
}

std::string Playbooks::hand_subject(const std::string& rollout) const {
  return deck_.playbook_subject(rollout) + "/hand";
}

Result<std::optional<playbook::Run>> Playbooks::read(const std::string& subject) {
  const auto entry = TRY(deck_.journal().latest(subject));
  if (!entry) return std::optional<playbook::Run>();
  return std::optional(TRY_WHILE("reading a run of a playbook", playbook::run_from_value(entry->state)));
}

Result<Playbooks::Scene> Playbooks::scene_by_hand(const std::string& rollout, const std::string& playbook) {
  Scene scene;
  scene.report = TRY(Engine(deck_).status(rollout));
  scene.plan = scene.report.plan;
  std::vector<spec::People> people = scene.plan.config.people;  // with the keys that were frozen
  scene.plan.config = deck_.app();
  scene.plan.config.people = std::move(people);
  scene.playbook = scene.plan.config.playbook(playbook);
  return scene;
}

Result<PlaybookOrder> Playbooks::order_by_hand(const Scene& scene, const std::string& rollout,
                                               const std::string& key, const std::string& reason) {
  TRY(check_when(*scene.playbook));
  PlaybookOrder order = order_for(deck_, scene.plan, scene.report.state, *scene.playbook);
  order.subject = hand_subject(rollout);
  order.key = key;
  order.purpose = playbook::Purpose::hand;
  order.cause = {deck_.by(), reason};
  order.digest = TRY(playbook_digest(TRY(playbook_document(order))));
  order.plan_digest = order.digest;
  return order;
}

Result<PlaybookProgress> Playbooks::go(PlaybookOrder order) {
  return PlaybookRunner(deck_, std::move(order), listener_).go();
}

Result<PlaybookPlan> Playbooks::plan(const HandRequest& request) {
  const Scene scene = TRY(scene_by_hand(request.rollout, request.playbook));
  if (scene.playbook == nullptr) {
    std::vector<std::string> names;
    for (const spec::Playbook& one : scene.plan.config.playbooks) names.push_back(one.name);
    const std::string near = nearest(request.playbook, names);
    return fail_hint(ErrorKind::invalid,
                     near.empty() ? "see tranche playbook list" : "did you mean '" + near + "'?",
                     "there is no playbook '{}'", printable(request.playbook, 64));
  }
  PlaybookPlan planned =
      TRY(plan_playbook(deck_, TRY(order_by_hand(scene, request.rollout, "", request.reason))));
  for (PlannedStep& step : planned.steps)
    if (step.problem.empty() && takes_back(step.uses) && is_out(scene.report.state.phase))
      step.problem = fmt::format(
          "rollout '{0}' would go on around it; `tranche {1} {0} --reason TEXT` takes release {2} back",
          request.rollout, scene.report.state.phase == rollout::Phase::done ? "rollout undo" : "stop",
          scene.report.state.release);
  return planned;
}

Result<PlaybookProgress> Playbooks::run(const HandRequest& request) {
  const PlaybookPlan planned = TRY(plan(request));
  for (const PlannedStep& step : planned.steps)
    if (!step.problem.empty())
      return fail_hint(ErrorKind::invalid, "see tranche playbook run --dry-run",
                       "step '{}' of playbook '{}' cannot be taken: {}", printable(step.id, 64),
                       request.playbook, step.problem);
  const Scene scene = TRY(scene_by_hand(request.rollout, request.playbook));
  std::string key =
      fmt::format("{}/hand/{}/{}", scene.report.state.id, deck_.journal().size(), request.playbook);
  std::string reason = request.reason;
  if (const auto there = TRY(read(hand_subject(request.rollout)))) {
    const Scene other = TRY(scene_by_hand(request.rollout, there->playbook));
    if (still_open(*there, other.playbook)) {
      if (there->playbook != request.playbook || !there->key.starts_with(scene.report.state.id + "/"))
        return fail_hint(
            ErrorKind::denied,
            fmt::format("tranche playbook resume {} --by-hand, with --cancel to give it up", request.rollout),
            "playbook '{}' that was begun by hand is still on its way", there->playbook);
      key = there->key;
      reason = there->reason;
    }
  }
  return go(TRY(order_by_hand(scene, request.rollout, key, reason)));
}

Result<PlaybookProgress> Playbooks::resume(const ResumeRequest& request) {
  const std::string subject =
      request.by_hand ? hand_subject(request.rollout) : deck_.playbook_subject(request.rollout);
  auto found = TRY(read(subject));
  if (!found) {
    const bool other =
        TRY(read(request.by_hand ? deck_.playbook_subject(request.rollout) : hand_subject(request.rollout)))
            .has_value();
    std::string hint = "by hand: tranche playbook run NAME --reason TEXT; a rollback runs its own";
    if (other)
      hint = request.by_hand ? "leave --by-hand out: its own was run" : "one was run by hand: --by-hand";
    return fail_hint(ErrorKind::invalid, hint, "no playbook was run {} rollout '{}'",
                     request.by_hand ? "by hand for" : "by", printable(request.rollout, 64));
  }
  playbook::Run run = std::move(*found);
  Scene scene = TRY(scene_by_hand(request.rollout, run.playbook));
  if (!request.by_hand) {
    scene.plan = scene.report.plan;
    scene.playbook = scene.plan.config.playbook(run.playbook);
  }
  const bool of_plan = is_of(run, scene.playbook);
  const std::string who = deck_.by() + (request.reason.empty() ? "" : ": " + request.reason);
  const Instant now = deck_.world().clock.now();
  doc::Value settled = doc::Value::array();
  for (const Settle& one : request.settle) {
    if (!of_plan)
      return fail_hint(ErrorKind::invalid, "give tranche.yaml the playbook back that it had, or --cancel",
                       "playbook '{}' is not what this run began with", run.playbook);
    const auto step = playbook::find_step(run, one.step);
    if (!step) {
      std::vector<std::string> ids;
      for (const playbook::StepRecord& record : run.steps) ids.push_back(record.id);
      return fail_hint(ErrorKind::invalid, "steps: " + join(ids, ", "), "playbook '{}' has no step '{}'",
                       run.playbook, printable(one.step, 64));
    }
    run = TRY(playbook::settle(std::move(run), *scene.playbook, *step, one.how, who, now));
    settled.push(doc::Value::object(
        {{"step", run.steps[*step].id}, {"status", playbook::to_text(run.steps[*step].status)}}));
  }
  if (request.cancel) run = TRY(playbook::cancel(std::move(run), who, !of_plan));
  if (request.cancel || !request.settle.empty()) {
    journal::Draft draft;
    draft.kind = request.cancel ? "playbook.cancelled" : "playbook.settled";
    draft.subject = subject;
    draft.reason = request.reason;
    draft.data = doc::Value::object({{"steps", std::move(settled)}});
    draft.state = playbook::to_value(run);
    TRY(deck_.append({draft}));
  }
  if (!of_plan) {
    if (request.cancel) return PlaybookProgress{run, true, {}, {}};
    return fail_hint(ErrorKind::verification,
                     "give tranche.yaml the playbook back that it had, or --cancel the run",
                     "playbook '{}' is not what this run began with", run.playbook);
  }
  if (request.by_hand && request.cancel && playbook::is_over(run, *scene.playbook))
    return PlaybookProgress{run, true, {}, {}};
  if (request.by_hand) return go(TRY(order_by_hand(scene, request.rollout, run.key, run.reason)));
  const rollout::State& state = scene.report.state;
  if (state.pending && state.pending->key == run.key) {
    Engine engine(deck_);
    engine.on_decision(listener_);
    static_cast<void>(TRY(engine.advance(request.rollout)));
    for (ShownRun& shown : TRY(show(request.rollout)))
      if (!shown.by_hand) return PlaybookProgress{std::move(shown.run), shown.over, std::move(shown.why), {}};
  }
  PlaybookOrder order = order_for(deck_, scene.plan, state, *scene.playbook);
  order.subject = subject;
  order.key = run.key;
  order.purpose = run.purpose;
  order.cause = {run.by.empty() ? deck_.by() : run.by, run.reason.empty() ? state.because : run.reason};
  order.digest = run.plan;
  order.plan_digest = state.plan_digest;
  return go(std::move(order));
}

Result<std::optional<OpenRun>> Playbooks::find_by_hand(const std::string& rollout) {
  auto run = TRY(read(hand_subject(rollout)));
  if (!run) return std::optional<OpenRun>();
  Scene scene = TRY(scene_by_hand(rollout, run->playbook));
  if (!is_of(*run, scene.playbook) || playbook::is_over(*run, *scene.playbook))
    return std::optional<OpenRun>();
  const PlaybookOrder order = TRY(order_by_hand(scene, rollout, run->key, run->reason));
  if (order.digest != run->plan) return std::optional<OpenRun>();
  return std::optional(OpenRun{std::move(scene.plan), order.rollout_id, std::move(*run), order.plan_digest});
}

Result<std::vector<ShownRun>> Playbooks::show(const std::string& rollout) {
  const Report report = TRY(Engine(deck_).status(rollout));
  std::vector<ShownRun> out;
  for (const bool by_hand : {false, true}) {
    auto run = TRY(read(by_hand ? hand_subject(rollout) : deck_.playbook_subject(rollout)));
    if (!run) continue;
    const spec::Playbook* playbook =
        by_hand ? deck_.app().playbook(run->playbook) : report.plan.config.playbook(run->playbook);
    ShownRun shown{by_hand, *run, !still_open(*run, playbook), {}};
    if (is_of(*run, playbook)) {
      const playbook::Move move = playbook::next_move(*run, *playbook, deck_.world().clock.now());
      shown.why = playbook::explain(*run, *playbook, move, rollout);
    }
    out.push_back(std::move(shown));
  }
  return out;
}

}  // namespace tranche::engine
