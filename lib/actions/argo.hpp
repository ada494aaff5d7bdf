// A Rollout object of Argo Rollouts (argoproj.io/v1alpha1), and what is done to it.
//
// The requests are those of Argo's own command line (status subresource first; a server without one gets the
// same on the object), so that a cluster's permissions and audit rules fit both. What a repetition would do
// twice (a step's promotion, an undo) leaves the effect's key in an annotation of the object, in the same
// request or before it: whoever comes after a crash reads there how far it got.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actions/action.hpp"
#include "actions/kube.hpp"

namespace tranche::actions {

// The patches of a promotion; null: none. `whole` is for a server without a status subresource.
struct Promotion {
  doc::Value status, spec, whole;
};
Promotion promotion_of(const doc::Value& object, bool full);

// What the controller says of an object.
struct ArgoStatus {
  std::string phase,
      message;             // Healthy Degraded Progressing Paused; empty: the controller has not looked yet
  std::int64_t step = 0;   // index of the step that it is at
  std::int64_t steps = 0;  // how many there are
  bool at_pause = false;   // rests at a pause step
  bool paused_by_user = false;  // spec.paused
  bool aborted = false;
  bool full = false;               // a full promotion is under way
  bool current_is_stable = false;  // everybody has the newest template
  std::int64_t weight = 0;         // percent that the steps before this one give; 100 when it is stable
};
ArgoStatus status_of(const doc::Value& object);
// Weights at which the steps rest until somebody promotes, in order: setWeight followed by `pause: {}`.
std::vector<std::int64_t> resting_weights(const doc::Value& object);

class ArgoRollout {
 public:
  static Result<ArgoRollout> open(ports::World& world, const std::string& repository,
                                  const ClusterOptions& options, const std::string& name, Duration timeout);

  Result<doc::Value> read();  // kind invalid: there is none of that name
  Result<> abort();
  Result<> retry();  // takes an abort back
  Result<> set_paused(bool paused);
  // One step on (or all). `key`: the same key promotes once, however often it is called.
  Result<> promote(bool full, const std::string& key);
  // Whether the promotion under `key` was made.
  Result<Asked> was_promoted(bool full, const std::string& key);
  // Back to the template of an earlier ReplicaSet; 0: the one before the newest. Words on what it did.
  Result<std::string> undo(std::int64_t revision, const std::string& key);
  Result<Asked> was_undone(const std::string& key);

  using Images = std::map<std::string, std::string>;  // container → image
  // Sets the image of a container (`*`: all of them, init and ephemeral ones too). What was there before,
  // also when the same key did it earlier.
  Result<Images> set_image(const std::string& container, const std::string& image, const std::string& key);
  // Whether set_image was called under `key`, and by nobody else since.
  Result<bool> was_image_set(const std::string& key);
  // Whether the pods of the newest template that the controller has seen run the image.
  Result<bool> runs(const doc::Value& object, const std::string& container, const std::string& image);
  Result<Asked> has_image(const std::string& container, const std::string& image);
  // Puts back what set_image replaced under `key`, where nobody changed it since. kind denied: somebody did,
  // or another image was set meanwhile.
  Result<> restore_images(const std::string& image, const std::string& key);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string describe() const;

 private:
  ArgoRollout(Cluster cluster, std::string path, std::string name)
      : cluster_(std::move(cluster)), path_(std::move(path)), name_(std::move(name)) {}
  Result<> patch_status(const doc::Value& status, const doc::Value& whole);
  Result<> patch_spec(const doc::Value& changes);
  struct Workload {  // what holds the pod template: the object itself, or the Deployment that it refers to
    std::string path;
    doc::Value object;
  };
  Result<Workload> workload();
  // Reads, changes, writes with the version that was read; again when somebody was faster.
  Result<doc::Value> read_replica_sets(const doc::Value& object);
  Result<> change_workload(const std::function<Result<bool>(doc::Value& object)>& change);

  Cluster cluster_;
  std::string path_;
  std::string name_;
};

// Of a step's `with`.
Result<ArgoRollout> open_argo(Deck& deck, const Call& call);
Result<std::vector<Need>> argo_needs(Deck& deck, const Call& call);

}  // namespace tranche::actions
