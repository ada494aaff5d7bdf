// argo.set-image { container, image }: of the object, or of the Deployment that it refers to.
#include "actions/argo.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

struct Wanted {
  std::string container, image;
};

Result<Wanted> wanted_of(const Call& call) {
  Wanted wanted;
  wanted.container = fill_variables(TRY(call.step.with.text_or("container", "*")), call);
  wanted.image = fill_variables(TRY(call.step.with.text("image")), call);
  return wanted;
}

Result<std::string> changes(Deck&, const Call& call) {
  const Wanted wanted = TRY(wanted_of(call));
  return fmt::format("sets the image of {} of Argo Rollout '{}' to {}",
                     wanted.container == "*" ? "all containers" : "container '" + wanted.container + "'",
                     TRY(call.step.with.text("rollout")), printable(wanted.image));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const Wanted wanted = TRY(wanted_of(call));
  ArgoRollout rollout = TRY(open_argo(deck, call));
  doc::Value before = doc::Value::object();
  for (const auto& [name, image] : TRY(rollout.set_image(wanted.container, wanted.image, call.key)))
    before.set(name, image);
  return Outcome{fmt::format("{} gets {}", rollout.describe(), printable(wanted.image)),
                 doc::Value::object({{"before", std::move(before)}})};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  const Wanted wanted = TRY(wanted_of(call));
  ArgoRollout rollout = TRY(open_argo(deck, call));
  TRY(rollout.restore_images(wanted.image, call.key));
  return Outcome{rollout.describe() + " has its earlier images again"};
}

Result<Asked> ask(Deck& deck, const Call& call) {
  const Wanted wanted = TRY(wanted_of(call));
  ArgoRollout rollout = TRY(open_argo(deck, call));
  return rollout.has_image(wanted.container, wanted.image);
}

}  // namespace

Action argo_set_image() { return {"argo.set-image", argo_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
