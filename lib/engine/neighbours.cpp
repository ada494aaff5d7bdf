// Other rollouts of the file: read each time they are asked about, from their own journal, verified with
// their own trust. What cannot be read is not met.
#include <algorithm>

#include "base/text.hpp"
#include "engine/engine.hpp"

namespace tranche::engine {
namespace {

// What everyone has in an app, by channel or service.
Result<std::vector<std::string>> versions_of(actions::Deck& deck) {
  std::vector<std::string> out;
  for (const spec::Channel& channel : deck.app().channels)
    if (const auto state = TRY(deck.channel_state(channel.name))) out.push_back(state->directions.baseline);
  for (const spec::Rollout& rollout : deck.app().rollouts) {
    if (!rollout.channel.empty()) continue;
    const auto other = TRY(load_rollout(deck, rollout.name));
    if (other)
      out.push_back(other->state.phase == rollout::Phase::done ? other->state.release : other->plan.baseline);
  }
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

}  // namespace

// The deck of another app of the file, as its journal stands now.
Result<std::unique_ptr<actions::Deck>> Engine::open_neighbour(const spec::App& app) {
  return actions::Deck::open(deck_.world(), deck_.repository(), app, deck_.by());
}

Result<std::optional<rollout::Neighbour>> Engine::neighbour(const std::string& rollout) {
  if (deck_.app().rollout(rollout) != nullptr) return load_rollout(deck_, rollout);
  for (const spec::App& app : neighbours_)
    if (app.name != deck_.app().name && app.rollout(rollout) != nullptr) {
      const auto deck = TRY_WHILE("reading the journal of app '" + app.name + "'", open_neighbour(app));
      return load_rollout(*deck, rollout);
    }
  return fail_hint(ErrorKind::invalid, "run it where tranche.yaml names all apps",
                   "no app here has a rollout '{}'", printable(rollout, 64));
}

Result<rollout::Condition> Engine::look_after(const rollout::Plan& plan) {
  return rollout::after_condition_of(plan.spec(), TRY(neighbour(plan.spec().after_rollout)));
}

rollout::Condition Engine::look_required(const rollout::Plan& plan) {
  std::vector<rollout::AppVersions> apps;
  for (const auto& [name, range] : plan.spec().needs) {
    rollout::AppVersions one{name, range, {}, {}};
    const auto app = std::ranges::find(neighbours_, name, &spec::App::name);
    const auto versions = [&]() -> Result<std::vector<std::string>> {
      if (app == neighbours_.end()) return fail(ErrorKind::invalid, "tranche.yaml here does not have it");
      return versions_of(*TRY(open_neighbour(*app)));
    }();
    if (versions)
      one.versions = *versions;
    else
      one.unreadable = printable(versions.error().message, 200);
    apps.push_back(std::move(one));
  }
  return rollout::requires_condition_of(apps);
}

Result<> Engine::check_undo_order(const std::string& rollout) {
  const std::vector<std::string>& order = deck_.app().undo_order;
  const auto mine = std::ranges::find(order, rollout);
  if (mine == order.end()) return {};
  const auto self = TRY(load_rollout(deck_, rollout));
  if (!self) return {};
  for (auto earlier = order.begin(); earlier != mine; ++earlier) {
    const auto other =
        TRY_WHILE("looking whether rollout '" + *earlier + "' was taken back first", neighbour(*earlier));
    if (!other) continue;
    if (const auto obstacle = rollout::undo_obstacle(*self, *other))
      return fail_hint(ErrorKind::denied,
                       other->state.phase == rollout::Phase::stranded
                           ? "bring those devices to a release that does without, or press the red button: "
                             "tranche stop " +
                                 rollout + " --reason TEXT"
                           : "take it back first: tranche rollout undo " + *earlier,
                       "undo-order: {}", *obstacle);
  }
  return {};
}

Result<Report> Engine::undo(const std::string& rollout, const std::string& reason) {
  TRY(check_undo_order(rollout));
  return apply(rollout, rollout::Stop{reason});
}

}  // namespace tranche::engine
