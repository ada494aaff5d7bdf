// Carries out a playbook's run, one move after the other (playbook/machine.hpp): each try is journalled
// before and after; a try that was cut short is asked about; what waits for long, or for people, is left to
// the next tick.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actions/action.hpp"
#include "actions/deck.hpp"
#include "base/error.hpp"
#include "playbook/machine.hpp"
#include "playbook/run.hpp"
#include "rollout/plan.hpp"

namespace tranche::engine {

// What is to be carried out, and for whom. The plan and the playbook outlive the runner.
struct PlaybookOrder {
  const rollout::Plan& plan;
  const spec::Playbook& playbook;
  std::string subject;     // of the journal
  std::string rollout_id;  // "desktop/1.2.0/17"
  std::string key;         // idempotency key of the run
  playbook::Purpose purpose = playbook::Purpose::rollback;
  actions::Cause cause;
  std::string digest;       // of the playbook's plan (playbook_plan.hpp)
  std::string plan_digest;  // what approvals are bound to: of the rollout's plan, by hand of the playbook's
  // What `when` sees besides the steps: result.stranded, result.share (percent of all devices).
  bool stranded = false;
  double share = 0;
};

struct PlaybookProgress {
  playbook::Run run;
  bool over = false;
  std::string why;               // not over: what it waits for, and what helps
  std::optional<Instant> until;  // not over: when it has something to do by itself
};

class PlaybookRunner {
 public:
  using Listener = std::function<void(const std::string&)>;
  // How an action is performed: a drill takes its own way.
  using Perform = std::function<Result<actions::Outcome>(const actions::Action&, const actions::Call&)>;

  PlaybookRunner(actions::Deck& deck, PlaybookOrder order, Listener listener);
  void perform_by(Perform perform) { perform_ = std::move(perform); }

  // The run of this key as the journal has it, else a new one. kind verification: the journal's has other
  // steps, or was begun under another plan by hand.
  Result<playbook::Run> load();
  // Goes on until it is over, or has to wait for more than moments. kind interrupted after Ctrl-C, kind
  // conflict when somebody else moved the journal: run it again, it goes on where it stopped.
  Result<PlaybookProgress> go();

 private:
  struct Taken {
    playbook::Ending ending;
    bool again = false;  // nothing is known of it: perform
  };
  [[nodiscard]] Instant now() { return deck_.world().clock.now(); }
  [[nodiscard]] spec::Step part(std::size_t step, const std::string& uses, const doc::Value& with) const;
  [[nodiscard]] actions::Call call_of(const spec::Step& part, std::size_t step, std::string_view suffix);
  Result<playbook::Ending> perform(std::size_t step, const spec::Step& part, std::string_view suffix);
  Result<Taken> ask(std::size_t step, const spec::Step& part, std::string_view suffix);
  Result<playbook::Ending> take_or_ask(std::size_t step, const spec::Step& part, std::string_view suffix,
                                       bool cut_short);

  Result<> take(std::size_t step, bool cut_short);
  Result<> verify(std::size_t step);
  Result<> undo(std::size_t step, bool cut_short);
  Result<> consider(std::size_t step);
  Result<playbook::Considered> consider_approval(std::size_t step, std::string& detail);
  // False: wait no longer than this, the next tick goes on.
  Result<bool> sleep(Instant until);

  // Queued, and written with the next flush: what ended and what begins next are one append.
  void note(std::size_t step, std::string kind);
  void say(std::size_t step);
  Result<> flush();
  PlaybookProgress progress(const playbook::Move& move);

  actions::Deck& deck_;
  PlaybookOrder order_;
  Listener listener_;
  Perform perform_;
  playbook::Run run_;
  bool begun_ = false;  // its first entry is written
  std::vector<journal::Draft> drafts_;
  std::vector<std::string> said_;
  std::optional<std::size_t> held_;  // waits for people; looked at in this call
  Duration slept_{};
};

// Whether the condition of a step can be read: kind invalid at its place otherwise.
Result<> check_when(const spec::Playbook& playbook);
// What `when` conditions see.
doc::Value situation_of(const playbook::Run& run, bool stranded, double share);

}  // namespace tranche::engine
