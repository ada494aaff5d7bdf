// Playbooks that people run: by hand outside a rollback, resumed, settled, cancelled, shown.
//
// A run by hand acts on the rollout's frozen plan (its release, channel and people) with the playbook of
// tranche.yaml as it is now; what it will do is hashed, recorded with its first entry, and may not change
// under way. One run by hand a rollout at a time, beside that of the rollout itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/playbook_plan.hpp"
#include "engine/playbook_runner.hpp"

namespace tranche::engine {

struct HandRequest {
  std::string rollout, playbook, reason;
};
struct Settle {
  std::string step;  // its id, or its number from 1
  playbook::Settlement how = playbook::Settlement::done;
};
// "4=done", "tell=again"; kind usage otherwise.
Result<Settle> parse_settle(const std::string& text);
struct ResumeRequest {
  std::string rollout;
  bool by_hand = false;  // the run by hand, not the rollout's own
  std::vector<Settle> settle;
  bool cancel = false;
  std::string reason;
};
struct ShownRun {
  bool by_hand = false;
  playbook::Run run;
  bool over = false;
  std::string why;  // not over: what it waits for, and what helps
};

// A run that is on its way, with what it acts on.
struct OpenRun {
  rollout::Plan plan;  // its config has the playbook
  std::string rollout_id;
  playbook::Run run;
  std::string plan_digest;  // what approvals are bound to
};

class Playbooks {
 public:
  Playbooks(actions::Deck& deck, PlaybookRunner::Listener listener)
      : deck_(deck), listener_(std::move(listener)) {}

  // What run() would do: for --dry-run. Writes and sends nothing. Steps that take the release back are a
  // problem while its rollout is on its way, or done: stop and undo do that.
  Result<PlaybookPlan> plan(const HandRequest& request);
  // The same request again goes on with the run that is there. kind denied while another one is on its way.
  Result<PlaybookProgress> run(const HandRequest& request);
  // Records what people say, then goes on. kind denied: there is nothing to say that of.
  Result<PlaybookProgress> resume(const ResumeRequest& request);
  // As the journal says; the rollout's own first.
  Result<std::vector<ShownRun>> show(const std::string& rollout);
  // The run by hand that is on its way as it was begun; nullopt: there is none, or resume() would refuse it.
  Result<std::optional<OpenRun>> find_by_hand(const std::string& rollout);

 private:
  // What a run is of: its plan lives as long as this.
  struct Scene {
    Report report;
    rollout::Plan plan;
    const spec::Playbook* playbook = nullptr;  // null: it is in the plan no more
  };
  Result<Scene> scene_by_hand(const std::string& rollout, const std::string& playbook);
  Result<std::optional<playbook::Run>> read(const std::string& subject);
  [[nodiscard]] std::string hand_subject(const std::string& rollout) const;
  Result<PlaybookOrder> order_by_hand(const Scene& scene, const std::string& rollout, const std::string& key,
                                      const std::string& reason);
  Result<PlaybookProgress> go(PlaybookOrder order);

  actions::Deck& deck_;
  PlaybookRunner::Listener listener_;
};

}  // namespace tranche::engine
