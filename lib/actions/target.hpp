// What carries a service's release where no channel of ours does: an Argo Rollout, files that a controller
// watches, programs, a flag.
//
// Every move is told its effect's key and may be made again under it until it is done: it looks what is there
// first. A move that takes its time (pods start, somebody merges) answers with `not_before`: nothing failed,
// look again then. Exposure follows the stages of our plan; the target's own steps must be able to rest at
// each of them, or it refuses before anything is touched.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/action.hpp"

namespace tranche::actions {

struct Move {
  const rollout::Plan& plan;
  std::string rollout_id;
  std::string key;  // of the effect
  Cause cause;
  std::size_t stage = 0;                        // of the plan; undo: the last that was exposed
  Instant since{};                              // of the first try under this key: deadlines count from here
  Duration timeout = std::chrono::seconds(60);  // of one conversation
};

class Target {
 public:
  virtual ~Target() = default;
  virtual Result<std::vector<Need>> needs() = 0;
  [[nodiscard]] virtual std::string describe() const = 0;  // "Argo Rollout 'shop/backend'"
  // How long one try may run while a second one would do harm; zero: two at once do none.
  [[nodiscard]] virtual Duration runs_alone() const { return {}; }
  // Whether a try that was cut short may be made again: it asks first. False: a person says how it ended.
  [[nodiscard]] virtual bool can_be_asked() const { return true; }
  // What the plan asks for and the target cannot do is kind invalid. Asks the target; changes nothing.
  virtual Result<> check(const Move& move) = 0;
  virtual Result<Outcome> expose(const Move& move) = 0;
  virtual Result<Outcome> finish(const Move& move) = 0;  // everyone has it
  // The baseline serves everyone again. Also where nothing was exposed yet.
  virtual Result<Outcome> undo(const Move& move) = 0;
};
// The key of taking a rollout back, by a stop or by target.undo: both are the same effect.
std::string undo_key(const std::string& rollout_id);
// What a stop notes when the target is back before the playbook begins; true: it is.
Result<> note_undone(Deck& deck, const rollout::Plan& plan, const std::string& rollout_id,
                     const Outcome& outcome);
Result<bool> was_undone(Deck& deck, const rollout::Plan& plan, const std::string& rollout_id);
// Until when a try of another runner may still be under way, as the journal's newest entries say; nullopt:
// none is. What is taken back before that is taken back once more after it.
Result<std::optional<Instant>> under_way_until(Deck& deck, const rollout::Plan& plan,
                                               const std::string& rollout_id);
// Of the plan's rollout; kind invalid when that has none. Reads secrets and files, asks nobody yet.
Result<std::unique_ptr<Target>> open_target(Deck& deck, const rollout::Plan& plan);

// One per file.
Result<std::unique_ptr<Target>> open_argo_target(Deck& deck, const spec::Target& target);
Result<std::unique_ptr<Target>> open_gitops_target(Deck& deck, const spec::Target& target);
Result<std::unique_ptr<Target>> open_command_target(Deck& deck, const spec::Target& target);
Result<std::unique_ptr<Target>> open_flag_target(Deck& deck, const spec::Target& target);

// Share of a stage as {percent} says it: "5", "0.5", "100".
std::string percent_text(const rollout::Plan& plan, std::size_t stage);
Percent share_of(const rollout::Plan& plan, std::size_t stage);
bool is_last(const rollout::Plan& plan, std::size_t stage);
// {version} {baseline} {percent} {stage} {key} {app} of a text; other braces stay.
std::string fill_move(const std::string& text, const Move& move, const std::string& percent);

}  // namespace tranche::actions
