// What stands before exposure grows, looked at: the rollout's window, other rollouts, approvals. And the
// heartbeat. What cannot be read is not met.
#include "actions/approvals.hpp"
#include "base/text.hpp"
#include "base/window.hpp"
#include "engine/engine.hpp"
#include "journal/witness.hpp"
#include "signing/keys.hpp"

namespace tranche::engine {
namespace {

using rollout::Condition;

constexpr Duration heartbeat_timeout = std::chrono::seconds(5);

Condition not_met(const Error& error, std::string_view what) {
  return {
      false, fmt::format("its {} cannot be read: {}", what, printable(error.message, 200)), error.hint, {}};
}

// Hours and frozen days together; which of them is in the way is found by asking for the hours alone.
Result<Condition> look_at_window(ports::Zones& zones, const spec::Rollout& rollout, Instant now) {
  Window window;
  if (!rollout.window.empty()) window = TRY(parse_window(rollout.window));
  std::vector<Days> frozen;
  for (const std::string& days : rollout.freeze) frozen.push_back(TRY(parse_days(days)));
  const ZoneOffset offset = [&](std::string_view zone, Instant at) {
    return zones.offset(std::string(zone), at);
  };
  const Opening both = TRY(opening(window, frozen, now, offset));
  if (both.open) return Condition{true, {}, {}, both.until};
  const Opening hours = TRY(opening(window, {}, now, offset));
  return Condition{false,
                   hours.open ? std::string("the day is frozen")
                              : fmt::format("its window '{}' is closed", rollout.window),
                   {},
                   both.until};
}

Result<Condition> look_at_approval(actions::Deck& deck, const rollout::Plan& plan,
                                   const rollout::State& state, std::size_t stage, Instant now) {
  const actions::Request request = TRY(actions::stage_request(plan, state, stage));
  const actions::Standing standing = TRY(actions::standing(deck, plan.config, request, now));
  return Condition{standing.met, standing.why, {}, {}};  // which ends with the command that helps
}

}  // namespace

rollout::Conditions Engine::look(const Loaded& loaded, Instant now) {
  rollout::Conditions out;
  const std::size_t following = rollout::growth_to(loaded.state);
  for (const std::string& name : rollout::required_conditions(loaded.plan, following)) {
    if (name == rollout::window_condition) {
      auto window = look_at_window(deck_.world().zones, loaded.plan.spec(), now);
      out[name] = window ? std::move(*window) : not_met(window.error(), "window");
    } else if (name == rollout::approval_condition) {
      auto approval = look_at_approval(deck_, loaded.plan, loaded.state, following, now);
      out[name] = approval ? std::move(*approval) : not_met(approval.error(), "approval");
    } else if (name == rollout::after_condition) {
      auto after = look_after(loaded.plan);
      out[name] = after ? std::move(*after) : not_met(after.error(), "predecessor");
    } else if (name == rollout::requires_condition) {
      out[name] = look_required(loaded.plan);
    } else if (name == rollout::witnesses_condition) {
      auto witnessed = look_witnessed(loaded.plan);
      out[name] = witnessed ? std::move(*witnessed) : not_met(witnessed.error(), "witnesses");
    }
  }
  return out;
}

// Asked for the journal as it stands, which the decision to grow follows.
Result<Condition> Engine::look_witnessed(const rollout::Plan& plan) {
  const journal::WitnessPolicy policy = TRY(journal::witness_policy(plan.config));
  const journal::Witnessed witnessed =
      TRY(journal::ask_witnesses(deck_.world(), deck_.state_store(), deck_.journal(), policy));
  if (witnessed.enough()) return Condition{true, {}, {}, {}};
  return Condition{false, journal::shortage_text(witnessed), {}, {}};
}

void Engine::beat(const spec::Rollout& rollout) {
  if (rollout.heartbeat.empty()) return;
  const auto beaten = [&]() -> Result<> {
    ports::HttpRequest request;
    request.url = rollout.heartbeat;
    if (spec::is_secret_reference(request.url))
      request.url = std::string(
          trim(TRY(signing::read_secret(deck_.world(), deck_.repository(), rollout.heartbeat)).expose()));
    request.timeout = heartbeat_timeout;
    request.max_response_bytes = 64 << 10;
    request.max_redirects = 3;
    const ports::HttpResponse answer = TRY(deck_.world().http.send(request));
    if (answer.status < 200 || answer.status > 299)
      return fail(ErrorKind::failed, "it answered {}", answer.status);
    return {};
  }();
  // Its address may be a secret: an error of the door would print it.
  if (!beaten)
    decided({spec::is_secret_reference(rollout.heartbeat)
                 ? std::string("warning: the heartbeat was not heard")
                 : "warning: the heartbeat was not heard: " + printable(beaten.error().message, 200)});
}

}  // namespace tranche::engine
