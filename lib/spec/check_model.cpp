// What a `judge: model` gate must say to be asked at all.
#include "spec/grammar.hpp"
#include "spec/meaning.hpp"

namespace tranche::spec {
namespace {

bool differs_by_arm(const LogSource& log) {
  const auto uses = [](const std::string& text) {
    return query_uses(text, "$arm") || query_uses(text, "$version");
  };
  return uses(log.file) || uses(log.url) || std::any_of(log.command.begin(), log.command.end(), uses);
}

}  // namespace

void check_model(const Gate& gate, const Value& document, Problems& problems) {
  const Model& model = gate.model;
  const auto at = [&](std::string_view key) {
    return find_at(document, {"gates", gate.name, key}) ? place_at(document, {"gates", gate.name, key})
                                                        : gate.place;
  };
  if (model.protocol == Model::Protocol::none)
    problems.add(
        gate.place, fmt::format("gate '{}' has no model to ask", gate.name),
        "add anthropic: { model: NAME, key: env:TRANCHE_NAME } or openai: { url: URL, model: NAME }");
  if (!model.canary.given() || !model.control.given()) {
    problems.add(at("logs"), fmt::format("gate '{}' has no logs of both arms", gate.name),
                 "add logs: { canary: { file: PATH }, control: { file: PATH } }, or commands, or urls");
    return;
  }
  const bool same = model.canary.file == model.control.file &&
                    model.canary.command == model.control.command && model.canary.url == model.control.url;
  if (same && !differs_by_arm(model.canary))
    problems.add(at("logs"), fmt::format("gate '{}' reads the same log for both arms", gate.name),
                 "give each arm its own, or select it with $arm or $version");
}

}  // namespace tranche::spec
