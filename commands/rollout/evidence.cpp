#include "commands/rollout/evidence.hpp"

#include <algorithm>

#include "actions/evidence.hpp"

namespace tranche::commands {

Result<std::optional<Outcome>> show_denial(Context& context, actions::Deck& deck,
                                           const engine::StartRequest& request, const Error& error,
                                           std::string_view schema) {
  const spec::Rollout* rollout = deck.app().rollout(request.rollout);
  if (!context.json || error.kind != ErrorKind::denied || rollout == nullptr || rollout->require.empty())
    return std::optional<Outcome>();
  const auto release = TRY(actions::find_release(deck, request.release));
  if (!release) return std::optional<Outcome>();
  const actions::Evidence evidence = TRY(actions::check_evidence(deck, *release, rollout->require));
  const auto first =
      std::ranges::find_if(evidence.checks, [](const actions::EvidenceCheck& check) { return !check.ok; });
  if (first == evidence.checks.end()) return std::optional<Outcome>();
  doc::Value checks = doc::Value::array();
  for (const actions::EvidenceCheck& check : evidence.checks) {
    doc::Value row = doc::Value::object({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
    if (!check.ok) {
      row.set("reason", check.reason);
      row.set("hint", check.hint);
    }
    checks.push(std::move(row));
  }
  return std::optional(Outcome{.exit_code = static_cast<int>(ErrorKind::denied),
                               .json = doc::Value::object({{"schema", schema},
                                                           {"rollout", request.rollout},
                                                           {"release", request.release},
                                                           {"started", false},
                                                           {"reason", first->reason},
                                                           {"checks", std::move(checks)}})});
}

}  // namespace tranche::commands
