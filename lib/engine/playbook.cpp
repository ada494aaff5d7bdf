// The engine's playbooks: what a rollback or a hold carries out, and what became of the devices.
#include <algorithm>

#include "actions/target.hpp"
#include "engine/engine.hpp"
#include "engine/playbook_plan.hpp"
#include "engine/playbook_runner.hpp"
#include "rollout/feeds.hpp"

namespace tranche::engine {

// nullopt: it waits, and a later tick goes on.
Result<std::optional<bool>> Engine::perform_playbook(Loaded& loaded, const rollout::Effect& effect) {
  const rollout::Plan& plan = loaded.plan;
  const rollout::State& state = loaded.state;
  const spec::Playbook* spec = plan.config.playbook(effect.playbook);
  if (spec == nullptr) return fail(ErrorKind::verification, "the plan has no playbook '{}'", effect.playbook);
  PlaybookOrder order = order_for(deck_, plan, state, *spec);
  order.subject = deck_.playbook_subject(state.rollout);
  order.key = effect.key;
  order.purpose =
      effect.key.find("/hold/") != std::string::npos ? playbook::Purpose::hold : playbook::Purpose::rollback;
  order.cause = {deck_.by(), state.because};
  order.digest = TRY(playbook_digest(TRY(playbook_document(order))));
  order.plan_digest = state.plan_digest;
  PlaybookRunner runner(deck_, order, [this](const std::string& said) { decided({said}); });
  const PlaybookProgress progress = TRY(runner.go());
  if (!progress.over) {
    decided({fmt::format("playbook '{}' waits: {}", spec->name, progress.why)});
    return std::optional<bool>();
  }
  if (order.purpose == playbook::Purpose::hold) return std::optional(false);
  if (has_target(plan)) {
    const bool back = took_back(progress.run) || TRY(actions::was_undone(deck_, plan, state.id));
    return std::optional(!back);
  }
  // A rollback is over when devices can read it: a feed that a step could not publish is tried again here,
  // and by every tick until it is out.
  const spec::Channel* stream = plan.config.channel(plan.channel);
  if (stream == nullptr) return fail(ErrorKind::verification, "the plan has no channel '{}'", plan.channel);
  TRY(deck_.publish(*stream));
  // Nobody is stranded when the channel says that the release is withdrawn and where its devices go.
  const auto channel = TRY(deck_.channel_state(plan.channel));
  if (!channel) return std::optional(true);
  const auto& withdrawn = channel->directions.withdrawn;
  const bool no_fallback = std::none_of(withdrawn.begin(), withdrawn.end(), [&](const cohort::Withdrawn& w) {
    return w.version == plan.release && !w.fallback.empty();
  });
  const std::vector<std::string> stranding = rollout::stranding_feeds(plan, state.stage);
  for (const std::string& feed : stranding)
    decided({fmt::format("feed '{}': devices that took {} keep it", feed, plan.release)});
  return std::optional(no_fallback || !stranding.empty());
}

}  // namespace tranche::engine
