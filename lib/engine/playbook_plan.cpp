#include "engine/playbook_plan.hpp"

#include "base/paths.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "rollout/feeds.hpp"
#include "signing/keys.hpp"

namespace tranche::engine {
namespace {

constexpr std::uint32_t any_may_execute = 0111;
constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin";

actions::Call call_of(const PlaybookOrder& order, const spec::Step& step) {
  return {order.plan, step, order.rollout_id, order.key + "/" + step.id, order.cause, Instant{}, {}};
}

// The step with another action in its place.
spec::Step with_use(const spec::Step& step, const spec::Use& use) {
  spec::Step out = step;
  out.uses = use.uses;
  out.with = use.with.is_null() ? doc::Value::object() : use.with;
  return out;
}

doc::Value use_document(const PlaybookOrder& order, const spec::Step& step) {
  return doc::Value::object(
      {{"uses", step.uses}, {"with", actions::fill_variables(step.with, call_of(order, step))}});
}

doc::Value step_document(const PlaybookOrder& order, const spec::Step& step, const std::string& id) {
  doc::Value out = use_document(order, step);
  out.set("id", id);
  out.set("timeout", to_text(step.timeout));
  const spec::Retry usual;
  if (step.retry.attempts != usual.attempts) out.set("attempts", step.retry.attempts);
  if (step.retry.backoff != usual.backoff) out.set("backoff", to_text(step.retry.backoff));
  if (step.retry.most != usual.most) out.set("max-backoff", to_text(step.retry.most));
  if (step.retry.jitter > 0) out.set("jitter", step.retry.jitter);
  if (!step.when.empty()) out.set("when", step.when);
  if (!step.approval.empty()) out.set("approval", step.approval);
  if (step.deadline > Duration{}) out.set("deadline", to_text(step.deadline));
  if (step.on_failure == spec::Step::OnFailure::abort) out.set("on-failure", "abort");
  if (step.on_failure == spec::Step::OnFailure::jump) out.set("on-failure", step.on_failure_step);
  if (!step.verify.uses.empty()) {
    doc::Value verify = use_document(order, with_use(step, step.verify));
    verify.set("within", to_text(step.verify.within));
    verify.set("every", to_text(step.verify.every));
    out.set("verify", std::move(verify));
  }
  if (!step.compensate.uses.empty())
    out.set("compensate", use_document(order, with_use(step, step.compensate)));
  return out;
}

Result<> check_program(actions::Deck& deck, const std::string& name) {
  const auto can_run = [&](const std::string& path) -> Result<bool> {
    const auto real = deck.world().files.real_path(path);
    if (!real) return false;
    const auto info = TRY(deck.world().files.info(*real));
    return info && info->kind == ports::FileInfo::Kind::file && (info->mode & any_may_execute) != 0;
  };
  if (name.find('/') != std::string::npos) {
    if (TRY(can_run(join_path(deck.repository(), name)))) return {};
    return fail(ErrorKind::invalid, "there is no program {}", printable(name, 120));
  }
  const std::string path = deck.world().environ.get("PATH").value_or(std::string(usual_path));
  for (const std::string_view directory : split(path, ':'))
    if (!directory.empty() && TRY(can_run(join_path(std::string(directory), name)))) return {};
  return fail(ErrorKind::invalid, "there is no program '{}' in PATH", printable(name, 120));
}

Result<> check_need(actions::Deck& deck, const actions::Need& need) {
  switch (need.kind) {
    case actions::Need::Kind::secret:
      TRY(signing::read_secret(deck.world(), deck.repository(), need.what));
      return {};
    case actions::Need::Kind::program:
      return check_program(deck, need.what);
    case actions::Need::Kind::file: {
      const auto info = TRY(deck.world().files.info(join_path(deck.repository(), need.what)));
      if (info) return {};
      return fail(ErrorKind::invalid, "there is no file {}", printable(need.what, 120));
    }
    case actions::Need::Kind::url:
      return {};  // nothing is sent to find out
  }
  return {};
}

Result<> add_needs(actions::Deck& deck, const actions::Call& call, PlannedStep& step) {
  for (CheckedNeed& need : TRY(check_needs(deck, call))) step.needs.push_back(std::move(need));
  return {};
}

Result<> plan_step(actions::Deck& deck, const PlaybookOrder& order, const spec::Step& step,
                   PlannedStep& planned) {
  TRY(add_needs(deck, call_of(order, step), planned));
  planned.changes = TRY(actions::find_action(step.uses)->changes(deck, call_of(order, step)));
  if (!step.verify.uses.empty()) {
    const spec::Step verify = with_use(step, step.verify);
    TRY_WHILE("in its verify", add_needs(deck, call_of(order, verify), planned));
  }
  if (!step.compensate.uses.empty()) {
    const spec::Step compensate = with_use(step, step.compensate);
    TRY_WHILE("in its compensate", add_needs(deck, call_of(order, compensate), planned));
  }
  return {};
}

}  // namespace

Result<std::vector<CheckedNeed>> check_needs(actions::Deck& deck, const actions::Call& call) {
  const actions::Action* action = actions::find_action(call.step.uses);
  if (action == nullptr)
    return fail(ErrorKind::invalid, "there is no action '{}' in this build", printable(call.step.uses, 64));
  std::vector<CheckedNeed> out;
  for (actions::Need& need : TRY(action->needs(deck, call))) {
    const auto checked = check_need(deck, need);
    out.push_back({std::move(need), checked.has_value(), checked ? "" : checked.error().message});
  }
  return out;
}

PlaybookOrder order_for(actions::Deck&, const rollout::Plan& plan, const rollout::State& state,
                        const spec::Playbook& playbook) {
  PlaybookOrder order{.plan = plan,
                      .playbook = playbook,
                      .subject = {},
                      .rollout_id = state.id,
                      .key = {},
                      .purpose = playbook::Purpose::rollback,
                      .cause = {},
                      .digest = {},
                      .stranded = false,
                      .share = 0};
  if (state.stage < plan.stages.size()) {
    order.share = static_cast<double>(rollout::share_at(plan, state.stage).ppm) / 10'000.0;
    order.stranded = (plan.baseline.empty() && plan.fallback.empty()) ||
                     !rollout::stranding_feeds(plan, state.stage).empty();
  }
  return order;
}

Result<doc::Value> playbook_document(const PlaybookOrder& order) {
  const playbook::Run run = playbook::begin(order.playbook, order.key, Instant{});
  doc::Value steps = doc::Value::array();
  for (std::size_t i = 0; i < order.playbook.steps.size(); ++i)
    steps.push(step_document(order, order.playbook.steps[i], run.steps[i].id));
  doc::Value out = doc::Value::object({{"schema", "tranche/playbook-plan/v1"},
                                       {"playbook", order.playbook.name},
                                       {"for", playbook::to_text(order.purpose)},
                                       {"rollout", order.rollout_id},
                                       {"release", order.plan.release},
                                       {"steps", std::move(steps)}});
  if (order.playbook.deadline > Duration{}) out.set("deadline", to_text(order.playbook.deadline));
  return out;
}

Result<std::string> playbook_digest(const doc::Value& document) {
  return crypto::to_hex(crypto::sha256(TRY(doc::canonical_json(document))));
}

Result<PlaybookPlan> plan_playbook(actions::Deck& deck, const PlaybookOrder& order) {
  PlaybookPlan plan;
  plan.document = TRY(playbook_document(order));
  plan.digest = TRY(playbook_digest(plan.document));
  const playbook::Run run = playbook::begin(order.playbook, order.key, Instant{});
  for (std::size_t i = 0; i < order.playbook.steps.size(); ++i) {
    PlannedStep planned{run.steps[i].id, run.steps[i].uses, {}, {}, {}};
    if (const auto done = plan_step(deck, order, order.playbook.steps[i], planned); !done)
      planned.problem = done.error().message;
    plan.steps.push_back(std::move(planned));
  }
  return plan;
}

}  // namespace tranche::engine
