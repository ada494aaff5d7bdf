// argo-rollouts: the image is set once, then each of our stages is a promotion to the step of the object that
// rests at our percent (`setWeight: 5`, `pause: {}`), the last one a full promotion. The object's steps and
// ours must agree: it is looked at before the image is touched.
//
// Nothing that the object says counts before the controller has seen our image: the ReplicaSet behind its
// newest hash must run it.
#include <algorithm>

#include "actions/argo.hpp"
#include "actions/target.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

constexpr Duration look_again = std::chrono::seconds(5);

class ArgoTarget final : public Target {
 public:
  ArgoTarget(Deck& deck, const spec::Target& target) : deck_(deck), target_(target) {
    options_.server = target.server;
    options_.token = target.token;
    options_.ca = target.ca;
    options_.kubeconfig = target.kubeconfig;
    options_.context = target.context;
    options_.space = target.space;
  }

  Result<std::vector<Need>> needs() override {
    const ClusterNeeds needs = needs_of_cluster(deck_.repository(), options_);
    std::vector<Need> out;
    for (const std::string& one : needs.secrets) out.push_back({Need::Kind::secret, one});
    for (const std::string& one : needs.files) out.push_back({Need::Kind::file, one});
    for (const std::string& one : needs.urls) out.push_back({Need::Kind::url, one});
    return out;
  }
  [[nodiscard]] std::string describe() const override {
    return "Argo Rollout '" + printable(target_.object, 64) + "'";
  }

  Result<> check(const Move& move) override {
    ArgoRollout rollout = TRY(open(move));
    return check_steps(TRY(rollout.read()), move);
  }

  Result<Outcome> expose(const Move& move) override {
    ArgoRollout rollout = TRY(open(move));
    doc::Value object = TRY(rollout.read());
    TRY(check_steps(object, move));
    if (TRY(rollout.has_image(target_.container, image_of(move))) != Asked::done) {
      if (move.stage > 0 || TRY(rollout.was_image_set(image_key(move))))
        return fail_hint(ErrorKind::gate_failed, "see who set it: kubectl get --show-managed-fields -o yaml",
                         "{} does not run {} any more: somebody set another image", rollout.describe(),
                         printable(image_of(move)));
      TRY(rollout.set_image(target_.container, image_of(move), image_key(move)));
      object = TRY(rollout.read());
    }
    const Percent share = share_of(move.plan, move.stage);
    if (share.everyone()) return promote_all(rollout, std::move(object), move);
    return promote_to(rollout, std::move(object), move, share.ppm / 10'000);
  }

  Result<Outcome> finish(const Move& move) override {
    ArgoRollout rollout = TRY(open(move));
    return promote_all(rollout, TRY(rollout.read()), move);
  }

  // An abort alone would leave the new template, which any later change of the object would begin again.
  Result<Outcome> undo(const Move& move) override {
    ArgoRollout rollout = TRY(open(move));
    const std::string image = image_of(move);
    const bool ours = TRY(rollout.was_image_set(image_key(move)));
    if (TRY(rollout.has_image(target_.container, image)) == Asked::done) {
      if (!status_of(TRY(rollout.read())).current_is_stable) TRY(rollout.abort());
      TRY(rollout.restore_images(image, image_key(move)));
    } else if (!ours) {
      return Outcome{rollout.describe() + " never got " + printable(image)};
    }
    const doc::Value object = TRY(rollout.read());
    const ArgoStatus status = status_of(object);
    if (TRY(rollout.runs(object, target_.container, image)))
      return wait(move, rollout, status, "to take the earlier image back");
    if (status.current_is_stable && status.phase == "Healthy")
      return Outcome{rollout.describe() + " runs what it ran before"};
    // It was everyone's already: the way back would go through all the steps again.
    if (!status.current_is_stable && !status.full && !status.aborted) TRY(rollout.promote(true, move.key));
    return wait(move, rollout, status, "to run what it ran before");
  }

 private:
  Result<ArgoRollout> open(const Move& move) {
    return ArgoRollout::open(deck_.world(), deck_.repository(), options_, target_.object, move.timeout);
  }
  [[nodiscard]] std::string image_of(const Move& move) const {
    return fill_move(target_.image, move, percent_text(move.plan, move.stage));
  }
  static std::string image_key(const Move& move) { return move.rollout_id + "/image"; }

  // The stages below 100% are a part of the weights at which the object rests.
  Result<> check_steps(const doc::Value& object, const Move& move) {
    const std::vector<std::int64_t> weights = resting_weights(object);
    std::vector<std::string> there;
    for (const std::int64_t weight : weights) there.push_back(std::to_string(weight));
    for (std::size_t i = 0; i < move.plan.stages.size(); ++i) {
      const Percent share = share_of(move.plan, i);
      if (share.everyone()) continue;
      const auto percent = static_cast<std::int64_t>(share.ppm / 10'000);
      if (share.ppm % 10'000 != 0 || std::ranges::find(weights, percent) == weights.end())
        return fail_hint(
            ErrorKind::invalid,
            fmt::format("its steps rest at: {}; add {{ setWeight: {} }} and {{ pause: {{}} }}, or leave the "
                        "stage out",
                        there.empty() ? "nothing" : join(there, ", "), percent_text(move.plan, i)),
            "{} has no step that rests at {}", describe(), tranche::to_text(share));
    }
    return {};
  }

  // Not there yet, or too late.
  Result<Outcome> wait(const Move& move, const ArgoRollout& rollout, const ArgoStatus& status,
                       const std::string& what) {
    const Instant now = deck_.world().clock.now();
    const std::string says = status.phase.empty() ? "its controller has not looked yet"
                                                  : printable(status.phase + ": " + status.message, 200);
    if (now - move.since > target_.progress)
      return fail_hint(
          ErrorKind::gate_failed, "kubectl argo rollouts get rollout " + printable(target_.object, 64),
          "{} took more than {} {} ({})", rollout.describe(), tranche::to_text(target_.progress), what, says);
    Outcome out{fmt::format("waits for {} {} ({})", rollout.describe(), what, says)};
    out.not_before = now + look_again;
    return out;
  }

  // An error when the controller itself says that the release is bad.
  static Result<> check_health(const ArgoRollout& rollout, const ArgoStatus& status) {
    if (!status.aborted && status.phase != "Degraded") return {};
    return fail_hint(ErrorKind::gate_failed, "kubectl argo rollouts get rollout shows why", "{} {}: {}",
                     rollout.describe(), status.aborted ? "was aborted" : "is degraded",
                     printable(status.message));
  }

  Result<Outcome> promote_to(ArgoRollout& rollout, doc::Value object, const Move& move,
                             std::int64_t percent) {
    const std::string what = fmt::format("to rest at {}%", percent);
    for (std::int64_t round = 0;; ++round) {
      const ArgoStatus status = status_of(object);
      if (!TRY(rollout.runs(object, target_.container, image_of(move))))
        return wait(move, rollout, status, what);
      TRY(check_health(rollout, status));
      if (status.weight > percent)
        return fail_hint(ErrorKind::gate_failed, "promote by tranche alone", "{} is at {}% already, past {}%",
                         rollout.describe(), status.weight, percent);
      if (status.weight == percent && status.at_pause)
        return Outcome{fmt::format("{} rests at {}%", rollout.describe(), percent)};
      // A person's pause is theirs to end, and a step that runs ends by itself.
      if (status.paused_by_user || !status.at_pause || round > status.steps)
        return wait(move, rollout, status, what);
      TRY(rollout.promote(false, fmt::format("{}/{}", move.key, status.step)));
      object = TRY(rollout.read());
    }
  }

  Result<Outcome> promote_all(ArgoRollout& rollout, doc::Value object, const Move& move) {
    const std::string what = "to run it for everyone";
    for (int round = 0;; ++round) {
      const ArgoStatus status = status_of(object);
      if (!TRY(rollout.runs(object, target_.container, image_of(move))))
        return wait(move, rollout, status, what);
      TRY(check_health(rollout, status));
      if (status.current_is_stable && status.phase == "Healthy")
        return Outcome{fmt::format("{} runs {} for everyone", rollout.describe(), printable(image_of(move)))};
      if (status.paused_by_user || status.current_is_stable || status.full || round > 0)
        return wait(move, rollout, status, what);
      TRY(rollout.promote(true, move.key));
      object = TRY(rollout.read());
    }
  }

  Deck& deck_;
  spec::Target target_;
  ClusterOptions options_;
};

}  // namespace

Result<std::unique_ptr<Target>> open_argo_target(Deck& deck, const spec::Target& target) {
  if (target.image.find("{digest}") != std::string::npos)
    return fail_hint(ErrorKind::invalid, "write {version}",
                     "releases know no image digest that {{digest}} could be");
  return std::unique_ptr<Target>(std::make_unique<ArgoTarget>(deck, target));
}

}  // namespace tranche::actions
