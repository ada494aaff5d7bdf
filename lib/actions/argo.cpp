#include "actions/argo.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

using doc::Value;

// The same as Argo's own client: losing five races in a row means that something fights over the object.
constexpr int most_tries = 5;
constexpr std::string_view promote_mark = "tranche-promote";
constexpr std::string_view undo_mark = "tranche-undo";
constexpr std::string_view image_mark = "tranche-set-image";
constexpr std::string_view revision_mark = "rollout.argoproj.io/revision";
constexpr std::string_view hash_label = "rollouts-pod-template-hash";

const Value* at(const Value* value, std::initializer_list<std::string_view> path) {
  for (const std::string_view key : path) value = value == nullptr ? nullptr : value->find(key);
  return value;
}
const Value* at(const Value& value, std::initializer_list<std::string_view> path) { return at(&value, path); }
Value* at_mutable(Value& value, std::initializer_list<std::string_view> path) {
  Value* here = &value;
  for (const std::string_view key : path) here = here == nullptr ? nullptr : here->find(key);
  return here;
}
std::string text_at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* found = at(value, path);
  return found != nullptr && found->is_string() ? found->as_string() : std::string();
}
bool true_at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* found = at(value, path);
  return found != nullptr && found->is_bool() && found->as_bool();
}
bool some_at(const Value& value, std::initializer_list<std::string_view> path) {
  const Value* found = at(value, path);
  return found != nullptr && found->is_array() && !found->as_array().empty();
}

const doc::Array& steps_of(const Value& object) {
  static const doc::Array none;
  const Value* steps = at(object, {"spec", "strategy", "canary", "steps"});
  return steps != nullptr && steps->is_array() ? steps->as_array() : none;
}

// Argo's rule: no steps, no index; with steps an absent index is 0.
std::optional<std::int64_t> step_index(const Value& object) {
  if (steps_of(object).empty()) return std::nullopt;
  const Value* index = at(object, {"status", "currentStepIndex"});
  return index != nullptr && index->is_int() ? index->as_int() : 0;
}

std::optional<std::int64_t> weight_of(const Value& step) {
  const Value* weight = step.find("setWeight");
  if (weight == nullptr || !weight->is_int()) return std::nullopt;
  return weight->as_int();
}

bool pauses_until_promoted(const Value& step) {
  const Value* pause = step.find("pause");
  if (pause == nullptr) return false;
  const Value* duration = pause->find("duration");
  return duration == nullptr || duration->is_null();
}

// The controller has seen the newest spec. Older controllers write a hash there, which says nothing.
bool is_observed(const Value& object) {
  const Value* generation = at(object, {"metadata", "generation"});
  const auto observed = parse_u64(text_at(object, {"status", "observedGeneration"}));
  if (generation == nullptr || !generation->is_int() || !observed) return true;
  return *observed >= static_cast<std::uint64_t>(std::max<std::int64_t>(0, generation->as_int()));
}

bool is_inconclusive(const Value& object) {
  return text_at(object, {"status", "canary", "currentStepAnalysisRunStatus", "status"}) == "Inconclusive";
}

Value status_patch(Value status) { return Value::object({{"status", std::move(status)}}); }

// What an annotation of ours says; null when there is none.
Value mark_of(const Value& object, std::string_view name) {
  const std::string text = text_at(object, {"metadata", "annotations", name});
  if (text.empty()) return {};
  const auto read = doc::parse_json(text, "an annotation");
  return read && read->is_object() ? *read : Value();
}
std::string key_of(const Value& mark) { return text_at(mark, {"key"}); }

void set_mark(Value& object, std::string_view name, const Value& mark) {
  Value* metadata = object.find("metadata");
  if (metadata == nullptr || !metadata->is_object()) return;
  if (const Value* annotations = metadata->find("annotations");
      annotations == nullptr || !annotations->is_object())
    metadata->set("annotations", Value::object());
  metadata->find("annotations")->set(std::string(name), doc::to_json(mark));
}

constexpr std::array<std::string_view, 3> container_lists{"containers", "initContainers",
                                                          "ephemeralContainers"};

// Every container of a pod template that `container` names.
template <class Function>
void each_container(Value& object, const std::string& container, Function function) {
  for (const std::string_view list : container_lists) {
    Value* all = at_mutable(object, {"spec", "template", "spec", list});
    if (all == nullptr || !all->is_array()) continue;
    for (Value& one : all->as_array())
      if (const std::string name = text_at(one, {"name"}); container == "*" || name == container)
        function(name, one);
  }
}

std::vector<std::string> container_names(Value& object) {
  std::vector<std::string> names;
  each_container(object, "*", [&](const std::string& name, Value&) { names.push_back(name); });
  return names;
}

Value without_hash(Value pod_template) {
  if (Value* labels = at_mutable(pod_template, {"metadata", "labels"});
      labels != nullptr && labels->is_object())
    labels->erase(hash_label);
  return pod_template;
}

std::string words_of(const Value& body) { return printable(text_at(body, {"message"}), 300); }

// matchLabels of the object; matchExpressions only narrow it further, and the owner is looked at anyway.
std::string selector_of(const Value& object) {
  const Value* labels = at(object, {"spec", "selector", "matchLabels"});
  std::string out;
  if (labels != nullptr && labels->is_object())
    for (const doc::Member& label : labels->as_object())
      if (label.value.is_string())
        out += (out.empty() ? "" : ",") + label.key + "=" + label.value.as_string();
  return out;
}

bool is_controlled_by(const Value& set, const std::string& uid) {
  const Value* owners = at(set, {"metadata", "ownerReferences"});
  return owners != nullptr && owners->is_array() &&
         std::ranges::any_of(owners->as_array(), [&](const Value& owner) {
           return true_at(owner, {"controller"}) && text_at(owner, {"uid"}) == uid;
         });
}

std::unexpected<Error> lost_races(std::string_view name) {
  return fail_hint(ErrorKind::failed, "see who else writes it: kubectl get --show-managed-fields -o yaml",
                   "'{}' was changed by others {} times in a row", printable(name, 64), most_tries);
}

}  // namespace

Promotion promotion_of(const Value& object, bool full) {
  Promotion out;
  const bool paused = true_at(object, {"spec", "paused"});
  const Value unpause = Value::object({{"paused", false}});
  if (full) {
    if (paused) out.spec = Value::object({{"spec", unpause}});
    if (text_at(object, {"status", "currentPodHash"}) != text_at(object, {"status", "stableRS"})) {
      out.status = status_patch(Value::object({{"promoteFull", true}}));
      out.whole = out.status;
      if (paused) out.whole.set("spec", unpause);
    }
    return out;
  }
  if (paused) out.spec = Value::object({{"spec", unpause}});
  Value status = Value::object({{"pauseConditions", nullptr}});
  const bool has_conditions = some_at(object, {"status", "pauseConditions"});
  const bool stuck =
      has_conditions && is_inconclusive(object) && true_at(object, {"status", "controllerPause"});
  const auto index = step_index(object);
  if (stuck) status.set("controllerPause", false);
  if ((stuck || !has_conditions) && index)
    status.set("currentStepIndex",
               std::min<std::int64_t>(*index + 1, static_cast<std::int64_t>(steps_of(object).size())));
  out.whole = Value::object({{"spec", unpause}, {"status", status}});
  if (has_conditions || index) out.status = status_patch(std::move(status));
  return out;
}

ArgoStatus status_of(const Value& object) {
  ArgoStatus out;
  const auto& steps = steps_of(object);
  if (is_observed(object)) out.phase = text_at(object, {"status", "phase"});
  out.message = text_at(object, {"status", "message"});
  out.step =
      std::clamp<std::int64_t>(step_index(object).value_or(0), 0, static_cast<std::int64_t>(steps.size()));
  out.steps = static_cast<std::int64_t>(steps.size());
  out.paused_by_user = true_at(object, {"spec", "paused"});
  out.aborted = true_at(object, {"status", "abort"});
  out.full = true_at(object, {"status", "promoteFull"});
  const std::string hash = text_at(object, {"status", "currentPodHash"});
  out.current_is_stable = !hash.empty() && hash == text_at(object, {"status", "stableRS"});
  out.at_pause = out.step < out.steps && steps[static_cast<std::size_t>(out.step)].find("pause") != nullptr &&
                 some_at(object, {"status", "pauseConditions"});
  for (std::int64_t i = 0; i < out.step; ++i)
    out.weight = weight_of(steps[static_cast<std::size_t>(i)]).value_or(out.weight);
  if (out.current_is_stable) out.weight = 100;
  if (out.aborted) out.weight = 0;
  return out;
}

std::vector<std::int64_t> resting_weights(const Value& object) {
  std::vector<std::int64_t> out;
  std::int64_t weight = 0;
  for (const Value& step : steps_of(object)) {
    weight = weight_of(step).value_or(weight);
    if (pauses_until_promoted(step)) out.push_back(weight);
  }
  return out;
}

Result<ArgoRollout> ArgoRollout::open(ports::World& world, const std::string& repository,
                                      const ClusterOptions& options, const std::string& name,
                                      Duration timeout) {
  ClusterAccess access = TRY(find_cluster(world, repository, options));
  if (name.empty()) return fail_hint(ErrorKind::invalid, "write rollout: NAME", "no Rollout object is named");
  std::string path = TRY(object_path("argoproj.io/v1alpha1", access.space, "rollouts", name));
  return ArgoRollout(Cluster(world.http, std::move(access), timeout), std::move(path), name);
}

std::string ArgoRollout::describe() const { return fmt::format("rollout '{}/{}'", cluster_.space(), name_); }

Result<Value> ArgoRollout::read() {
  Cluster::Answer answer = TRY(cluster_.get(path_));
  if (answer.status == 404)
    return fail_hint(ErrorKind::invalid, "kubectl get rollouts -A lists them", "{} is not there: {}",
                     describe(), words_of(answer.body));
  if (!answer.good()) return fail(ErrorKind::failed, "reading {}: {}", describe(), words_of(answer.body));
  return std::move(answer.body);
}

Result<> ArgoRollout::patch_spec(const Value& changes) {
  const Cluster::Answer answer = TRY(cluster_.patch(path_, Cluster::Patch::merge, changes));
  if (!answer.good())
    return fail_hint(ErrorKind::failed, "kubectl describe it", "changing {}: {}", describe(),
                     words_of(answer.body));
  return {};
}

Result<> ArgoRollout::patch_status(const Value& status, const Value& whole) {
  const Cluster::Answer answer = TRY(cluster_.patch(path_ + "/status", Cluster::Patch::merge, status));
  if (answer.status == 404) return patch_spec(whole);
  if (!answer.good())
    return fail_hint(ErrorKind::failed, "kubectl describe it", "changing {}: {}", describe(),
                     words_of(answer.body));
  return {};
}

Result<> ArgoRollout::abort() {
  const Value patch = status_patch(Value::object({{"abort", true}}));
  return patch_status(patch, patch);
}
Result<> ArgoRollout::retry() {
  const Value patch = status_patch(Value::object({{"abort", false}}));
  return patch_status(patch, patch);
}
Result<> ArgoRollout::set_paused(bool paused) {
  return patch_spec(Value::object({{"spec", Value::object({{"paused", paused}})}}));
}

Result<Asked> ArgoRollout::was_promoted(bool full, const std::string& key) {
  const Value object = TRY(read());
  const ArgoStatus status = status_of(object);
  if (full)
    return !status.paused_by_user && (status.full || status.current_is_stable) ? Asked::done
                                                                               : Asked::not_done;
  const Value mark = mark_of(object, promote_mark);
  if (key_of(mark) != key) return Asked::not_done;
  // The mark is written before the promotion: nothing has moved since, or it was made.
  const bool waits = status.paused_by_user || some_at(object, {"status", "pauseConditions"});
  const bool same_template = text_at(mark, {"hash"}) == text_at(object, {"status", "currentPodHash"});
  const bool there = same_template && TRY(mark.integer_or("step", 0)) == status.step;
  return there && waits == true_at(mark, {"waits"}) ? Asked::not_done : Asked::done;
}

Result<> ArgoRollout::promote(bool full, const std::string& key) {
  for (int attempt = 0; attempt < most_tries; ++attempt) {
    const Value object = TRY(read());
    if (!full && key_of(mark_of(object, promote_mark)) != key) {
      const ArgoStatus status = status_of(object);
      const Value mark =
          Value::object({{"key", key},
                         {"step", status.step},
                         {"hash", text_at(object, {"status", "currentPodHash"})},
                         {"waits", status.paused_by_user || some_at(object, {"status", "pauseConditions"})}});
      const Value metadata =
          Value::object({{"resourceVersion", text_at(object, {"metadata", "resourceVersion"})},
                         {"annotations", Value::object({{std::string(promote_mark), doc::to_json(mark)}})}});
      const Cluster::Answer answer =
          TRY(cluster_.patch(path_, Cluster::Patch::merge, Value::object({{"metadata", metadata}})));
      if (answer.status == 409) continue;
      if (!answer.good()) return fail(ErrorKind::failed, "marking {}: {}", describe(), words_of(answer.body));
    } else if (TRY(was_promoted(full, key)) == Asked::done) {
      return {};
    }
    const Promotion patches = promotion_of(object, full);
    Value spec = patches.spec;
    if (!patches.status.is_null()) {
      const Cluster::Answer answer =
          TRY(cluster_.patch(path_ + "/status", Cluster::Patch::merge, patches.status));
      if (answer.status == 404)
        spec = patches.whole;
      else if (!answer.good())
        return fail(ErrorKind::failed, "promoting {}: {}", describe(), words_of(answer.body));
    }
    if (!spec.is_null()) TRY(patch_spec(spec));
    return {};
  }
  return lost_races(name_);
}

Result<ArgoRollout::Workload> ArgoRollout::workload() {
  Value object = TRY(read());
  const Value* reference = at(object, {"spec", "workloadRef"});
  if (reference == nullptr || reference->is_null()) return Workload{path_, std::move(object)};
  const std::string kind = text_at(*reference, {"kind"});
  if (kind != "Deployment")
    return fail_hint(ErrorKind::invalid, "refer to a Deployment, or put the template into the Rollout",
                     "{} takes its template from a {}", describe(), printable(kind, 64));
  const std::string name = text_at(*reference, {"name"});
  std::string path = TRY(object_path("apps/v1", cluster_.space(), "deployments", name));
  Cluster::Answer answer = TRY(cluster_.get(path));
  if (!answer.good())
    return fail_hint(ErrorKind::invalid, "kubectl get deployments lists them",
                     "{} refers to deployment '{}': {}", describe(), printable(name, 64),
                     words_of(answer.body));
  return Workload{std::move(path), std::move(answer.body)};
}

Result<> ArgoRollout::change_workload(const std::function<Result<bool>(Value& object)>& change) {
  for (int attempt = 0; attempt < most_tries; ++attempt) {
    Workload here = TRY(workload());
    if (!TRY(change(here.object))) return {};
    const Cluster::Answer answer = TRY(cluster_.put(here.path, here.object));
    if (answer.good()) return {};
    if (answer.status != 409)
      return fail_hint(ErrorKind::failed, "kubectl describe it", "changing {}: {}", describe(),
                       words_of(answer.body));
  }
  return lost_races(name_);
}

Result<ArgoRollout::Images> ArgoRollout::set_image(const std::string& container, const std::string& image,
                                                   const std::string& key) {
  Images before;
  TRY(change_workload([&](Value& object) -> Result<bool> {
    before.clear();
    bool changes = false;
    bool known = false;
    each_container(object, container, [&](const std::string& name, Value& one) {
      known = true;
      const std::string current = text_at(one, {"image"});
      if (current == image) return;
      before[name] = current;
      one.set("image", image);
      changes = true;
    });
    if (!known) {
      const std::vector<std::string> names = container_names(object);
      return fail_hint(ErrorKind::invalid,
                       names.empty() ? "it has no containers" : "it has: " + printable(join(names, ", ")),
                       "{} has no container '{}'", describe(), printable(container, 64));
    }
    const Value mark = mark_of(object, image_mark);
    const Value* earlier = mark.find("before");
    const bool ours = key_of(mark) == key && earlier != nullptr && earlier->is_object();
    if (ours)  // what was there before we first came
      for (const doc::Member& one : earlier->as_object())
        if (one.value.is_string()) before[one.key] = one.value.as_string();
    if (!changes) return false;
    Value images = Value::object();
    for (const auto& [name, old] : before) images.set(name, old);
    set_mark(object, image_mark,
             Value::object({{"key", key}, {"image", image}, {"before", std::move(images)}}));
    return true;
  }));
  return before;
}

Result<Asked> ArgoRollout::has_image(const std::string& container, const std::string& image) {
  Workload here = TRY(workload());
  bool all = true;
  bool known = false;
  each_container(here.object, container, [&](const std::string&, Value& one) {
    known = true;
    all = all && text_at(one, {"image"}) == image;
  });
  return known && all ? Asked::done : Asked::not_done;
}

Result<bool> ArgoRollout::was_image_set(const std::string& key) {
  const Workload here = TRY(workload());
  return key_of(mark_of(here.object, image_mark)) == key;
}

Result<Value> ArgoRollout::read_replica_sets(const Value& object) {
  std::string path = TRY(object_path("apps/v1", cluster_.space(), "replicasets", ""));
  if (const std::string selector = selector_of(object); !selector.empty())
    path += "?labelSelector=" + percent_encode(selector);
  Cluster::Answer list = TRY(cluster_.get(path));
  if (!list.good())
    return fail(ErrorKind::failed, "reading the ReplicaSets of {}: {}", describe(), words_of(list.body));
  return std::move(list.body);
}

Result<bool> ArgoRollout::runs(const Value& object, const std::string& container, const std::string& image) {
  const std::string hash = text_at(object, {"status", "currentPodHash"});
  if (hash.empty() || !is_observed(object)) return false;
  const Value list = TRY(read_replica_sets(object));
  const Value* items = list.find("items");
  if (items == nullptr || !items->is_array()) return false;
  for (const Value& set : items->as_array()) {
    if (!is_controlled_by(set, text_at(object, {"metadata", "uid"})) ||
        text_at(set, {"metadata", "labels", hash_label}) != hash)
      continue;
    Value copy = set;
    bool all = true;
    bool known = false;
    each_container(copy, container, [&](const std::string&, Value& one) {
      known = true;
      all = all && text_at(one, {"image"}) == image;
    });
    return known && all;
  }
  return false;
}

Result<> ArgoRollout::restore_images(const std::string& image, const std::string& key) {
  return change_workload([&](Value& object) -> Result<bool> {
    const Value mark = mark_of(object, image_mark);
    const Value* earlier = mark.find("before");
    if (key_of(mark) != key || earlier == nullptr || !earlier->is_object()) {
      bool carries = false;
      each_container(object, "*", [&](const std::string&, Value& one) {
        carries = carries || text_at(one, {"image"}) == image;
      });
      if (!carries) return false;  // it is not there: nothing to take back
      return fail_hint(ErrorKind::denied, "put the image back by hand, or by argo.undo",
                       "{} does not say what it ran before {}", describe(), printable(image));
    }
    bool changes = false;
    std::string foreign;
    for (const doc::Member& old : earlier->as_object())
      each_container(object, old.key, [&](const std::string& name, Value& one) {
        const std::string current = text_at(one, {"image"});
        if (!old.value.is_string() || current == old.value.as_string()) return;
        if (current != image) {
          foreign = fmt::format("container '{}' runs {} now", name, current);
          return;
        }
        one.set("image", old.value);
        changes = true;
      });
    if (!foreign.empty())
      return fail_hint(ErrorKind::denied, "look who set it; put the right image there by hand",
                       "{} was changed since: {}", describe(), printable(foreign));
    return changes;
  });
}

Result<Asked> ArgoRollout::was_undone(const std::string& key) {
  const Workload here = TRY(workload());
  return key_of(mark_of(here.object, undo_mark)) == key ? Asked::done : Asked::not_done;
}

namespace {

struct Revision {
  std::int64_t number = -1;
  const Value* pod_template = nullptr;
};

// `wanted` 0: the second newest.
Result<Revision> find_revision(const Value& list, const std::string& uid, std::int64_t wanted) {
  std::vector<Revision> all;
  if (const Value* items = list.find("items"); items != nullptr && items->is_array())
    for (const Value& set : items->as_array()) {
      if (!is_controlled_by(set, uid)) continue;
      const auto number = parse_u64(text_at(set, {"metadata", "annotations", revision_mark}));
      const Value* pod_template = at(set, {"spec", "template"});
      if (number && *number <= INT64_MAX && pod_template != nullptr)
        all.push_back({static_cast<std::int64_t>(*number), pod_template});
    }
  std::ranges::sort(all, std::ranges::greater(), &Revision::number);
  if (wanted == 0 && all.size() >= 2) return all[1];
  for (const Revision& one : all)
    if (wanted != 0 && one.number == wanted) return one;
  std::vector<std::string> numbers;
  for (const Revision& one : all) numbers.push_back(std::to_string(one.number));
  return fail_hint(ErrorKind::invalid,
                   numbers.empty() ? "its ReplicaSets are gone: set the image instead"
                                   : "there are: " + join(numbers, ", "),
                   "there is no {} to go back to",
                   wanted == 0 ? "earlier revision" : fmt::format("revision {}", wanted));
}

}  // namespace

Result<std::string> ArgoRollout::undo(std::int64_t wanted, const std::string& key) {
  for (int attempt = 0; attempt < most_tries; ++attempt) {
    const Value object = TRY(read());
    const Workload here = TRY(workload());
    if (key_of(mark_of(here.object, undo_mark)) == key) return describe() + " went back already";
    const Value list = TRY(read_replica_sets(object));
    const Revision revision = TRY(find_revision(list, text_at(object, {"metadata", "uid"}), wanted));
    const Value* current = at(here.object, {"spec", "template"});
    const Value back = without_hash(*revision.pod_template);
    if (current != nullptr && without_hash(*current) == back)
      return fmt::format("{} runs revision {} already", describe(), revision.number);
    const Value mark = Value::object({{"key", key}, {"revision", revision.number}});
    Value operations = Value::array();
    // Only on what was read: else a template that somebody set meanwhile would be lost.
    operations.push(Value::object({{"op", "test"},
                                   {"path", "/metadata/resourceVersion"},
                                   {"value", text_at(here.object, {"metadata", "resourceVersion"})}}));
    operations.push(Value::object({{"op", "replace"}, {"path", "/spec/template"}, {"value", back}}));
    if (at(here.object, {"metadata", "annotations"}) == nullptr)
      operations.push(
          Value::object({{"op", "add"}, {"path", "/metadata/annotations"}, {"value", Value::object()}}));
    operations.push(Value::object({{"op", "add"},
                                   {"path", "/metadata/annotations/" + std::string(undo_mark)},
                                   {"value", doc::to_json(mark)}}));
    const Cluster::Answer answer = TRY(cluster_.patch(here.path, Cluster::Patch::json, operations));
    if (answer.good()) return fmt::format("{} goes back to revision {}", describe(), revision.number);
    if (answer.status != 409 && answer.status != 422)
      return fail(ErrorKind::failed, "taking {} back: {}", describe(), words_of(answer.body));
  }
  return lost_races(name_);
}

namespace {

Result<ClusterOptions> options_of(const Call& call) {
  ClusterOptions options;
  const Value with = fill_variables(call.step.with, call);
  options.server = TRY(with.text_or("server", ""));
  options.ca = TRY(with.text_or("ca", ""));
  options.kubeconfig = TRY(with.text_or("kubeconfig", ""));
  options.context = TRY(with.text_or("context", ""));
  options.space = TRY(with.text_or("namespace", ""));
  options.token = TRY(call.step.with.text_or("token", ""));
  return options;
}

}  // namespace

Result<ArgoRollout> open_argo(Deck& deck, const Call& call) {
  const ClusterOptions options = TRY(options_of(call));
  const std::string name = fill_variables(TRY(call.step.with.text("rollout")), call);
  return ArgoRollout::open(deck.world(), deck.repository(), options, name, call.step.timeout);
}

Result<std::vector<Need>> argo_needs(Deck& deck, const Call& call) {
  const ClusterNeeds needs = needs_of_cluster(deck.repository(), TRY(options_of(call)));
  std::vector<Need> out;
  for (const std::string& one : needs.secrets) out.push_back({Need::Kind::secret, one});
  for (const std::string& one : needs.files) out.push_back({Need::Kind::file, one});
  for (const std::string& one : needs.urls) out.push_back({Need::Kind::url, one});
  return out;
}

}  // namespace tranche::actions
