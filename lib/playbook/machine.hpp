// What comes next in a playbook's run. PURE: time, chance and answers arrive as values.
//
// A step is marked `running` (journalled) before it is tried and gets its outcome after. Found `running` on a
// later look, it was cut short: its target is asked whether it is done; what cannot be asked becomes
// `unknown`, shown to a person and not repeated. A failing step is tried again as its retry says; then the
// run goes on, goes on at a later step, or is aborted: done steps are compensated, last step first.
//
// Stopping is never blocked: in a rollback the steps of channel.* are taken whatever became of the others
// (aborted, led past, out of time), and ahead of a step that waits for its next attempt or for a person.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "playbook/run.hpp"

namespace tranche::playbook {

// Every step waiting, its compensation not due.
Run begin(const spec::Playbook& playbook, std::string key, Instant now);

// A step that stops the release, in a run that is a rollback.
bool is_stopping(const Run& run, std::size_t step);

struct Move {
  enum class Kind {
    over,      // nothing is left
    person,    // an unknown outcome, or a compensation that failed: settle() it
    wait,      // nothing can be done before `until`
    consider,  // does its `when` hold, is it approved? mark_considered()
    take,      // mark_running(), then try it
    ask,       // a try was cut short: is it done?
    verify,    // ask its verify: mark_verified()
    expire,    // its time is over: mark_expired()
    undo,      // mark_undoing(), then compensate it
    ask_undo,  // a compensation was cut short
  } kind = Kind::over;
  std::size_t step = 0;
  Instant until{};  // wait
};
// `playbook` has the steps of the run. `unapproved`: the step that was considered just now, and whose
// approval is not there yet.
Move next_move(const Run& run, const spec::Playbook& playbook, Instant now,
               std::optional<std::size_t> unapproved = {});
// Nothing of it will change any more by itself.
bool is_over(const Run& run, const spec::Playbook& playbook);
// Why it does not go on, and what helps, in words: of Move::person and Move::wait. `rollout`: its name, for
// the command that settles it.
std::string explain(const Run& run, const spec::Playbook& playbook, const Move& move,
                    const std::string& rollout);

enum class Considered { yes, no, unanswered, not_yet };
// unanswered: nobody can say whether its `when` holds, or its approval was refused: it has failed.
Result<Run> mark_considered(Run run, const spec::Playbook& playbook, std::size_t step, Considered how,
                            std::string detail, Instant now);

Result<Run> mark_running(Run run, std::size_t step, Instant now);

enum class Ended {
  done,
  failed,
  refused,    // failed, and no retry changes that
  unknown,    // nobody can be asked
  postponed,  // its action waits for something: look again at `not_before`
  unheard,    // whoever was asked did not answer: ask again
};
struct Ending {
  Ended how = Ended::done;
  std::string detail{};
  doc::Value facts{};  // done, postponed
  Duration took{};
  Instant not_before{};  // postponed
  double chance = 0;     // [0, 1): how much of its jitter a retry waits
};
// How a try ended.
Result<Run> mark_ended(Run run, const spec::Playbook& playbook, std::size_t step, const Ending& ending,
                       Instant now);
// What its verify said.
Result<Run> mark_verified(Run run, const spec::Playbook& playbook, std::size_t step, const Ending& ending,
                          Instant now);
Result<Run> mark_expired(Run run, const spec::Playbook& playbook, std::size_t step, Instant now);

Result<Run> mark_undoing(Run run, std::size_t step);
Result<Run> mark_undone(Run run, const spec::Playbook& playbook, std::size_t step, const Ending& ending,
                        Instant now);

// What a person says came of a step (or of its compensation, where that is what is open). again: it is tried
// anew, with all its attempts. kind denied where nothing is open.
enum class Settlement { done, failed, again };
Result<Run> settle(Run run, const spec::Playbook& playbook, std::size_t step, Settlement how,
                   const std::string& who, Instant now);
// What has not begun is not begun any more; in a rollback what stops the release still is. A try that was cut
// short is of unknown outcome then, where `forget` says that nobody will be asked about it. kind denied when
// there is nothing to cancel.
Result<Run> cancel(Run run, const std::string& who, bool forget = false);

// The table of what a step may become: every mark above goes by it.
struct Turn {
  Status from, to;
};
std::span<const Turn> turns();

// The wait before attempt `attempts` + 1: the backoff, doubled for each attempt before, at most retry.most,
// and of its jitter the share that `chance` says.
Duration backoff(const spec::Retry& retry, int attempts, double chance);

}  // namespace tranche::playbook
