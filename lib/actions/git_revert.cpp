// git.revert { remote, branch, commit }: a commit that takes another one back; by default the newest that
// this rollout made there and that is not reverted yet.
#include <set>

#include "actions/git_actions.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

// Empty: this rollout made none.
Result<std::string> wanted_commit(store::GitWork& work, const Call& call) {
  if (std::string given = fill_variables(TRY(call.step.with.text_or("commit", "")), call); !given.empty())
    return given;
  std::set<std::string> reverted;
  const auto found = TRY(work.find(
      [&](const store::WorkCommit& one) {
        if (one.trailer(rollout_trailer) != call.rollout_id) return false;
        const std::string reverts = one.trailer(reverts_trailer);
        if (!reverts.empty()) reverted.insert(reverts);
        return reverts.empty() && !reverted.contains(one.id);
      },
      most_commits_searched));
  if (found.commit) return found.commit->id;
  if (!found.whole)
    return fail_hint(ErrorKind::denied, "name it: commit: ID",
                     "none of the last {} commits of {} was made by this rollout", most_commits_searched,
                     work.describe());
  return std::string();
}

Result<std::string> changes(Deck&, const Call& call) {
  const GitPlace place = TRY(git_place_of(call));
  const std::string given = fill_variables(TRY(call.step.with.text_or("commit", "")), call);
  return fmt::format("reverts {} on {} of {}",
                     given.empty() ? "this rollout's last commit" : printable(given, 64),
                     printable(place.branch, 64), printable(place.remote));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  if (const auto made = TRY(find_by_key(*work, call.key)))
    return Outcome{fmt::format("{} has commit {} already", work->describe(), made->id.substr(0, 12)),
                   doc::Value::object({{"commit", made->id}})};
  const std::string wanted = TRY(wanted_commit(*work, call));
  if (wanted.empty()) return Outcome{fmt::format("this rollout made no commit on {}", work->describe())};
  const std::string message =
      git_message("revert " + wanted.substr(0, 12), call.cause.reason, call.rollout_id, call.key, wanted);
  const std::string id = TRY(work->revert({wanted}, message));
  if (id.empty())
    return Outcome{
        fmt::format("{} says what it said before {} already", work->describe(), wanted.substr(0, 12))};
  return Outcome{
      fmt::format("commit {} on {} reverts {}", id.substr(0, 12), work->describe(), wanted.substr(0, 12)),
      doc::Value::object({{"commit", id}})};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  const std::string id =
      TRY(revert_by_key(*work, call.key, call.key + "/undo", call.rollout_id, call.cause.reason));
  if (id.empty()) return Outcome{"nothing was reverted, so nothing comes back"};
  return Outcome{fmt::format("commit {} on {} brings it back", id.substr(0, 12), work->describe()),
                 doc::Value::object({{"commit", id}})};
}

Result<Asked> ask(Deck& deck, const Call& call) {
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  return TRY(find_by_key(*work, call.key)) ? Asked::done : Asked::not_done;
}

}  // namespace

Action git_revert() { return {"git.revert", git_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
