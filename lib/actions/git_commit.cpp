// git.commit { remote, branch, edits, message }: values of files that a controller watches. Undo reverts that
// commit, and is refused where the files were changed since.
#include "actions/edit_file.hpp"
#include "actions/git_actions.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

Result<std::vector<FileEdit>> wanted_edits(const Call& call) {
  const doc::Value* edits = call.step.with.find("edits");
  if (edits == nullptr) return fail(ErrorKind::invalid, "git.commit names no edits");
  return edits_from(fill_variables(*edits, call));
}

Result<std::string> message_of(const Call& call) {
  const std::string usual =
      fmt::format("{}: {} goes back from {}", call.plan.app, call.plan.rollout, call.plan.release);
  const std::string subject = fill_variables(TRY(call.step.with.text_or("message", usual)), call);
  return git_message(subject, call.cause.reason, call.rollout_id, call.key);
}

Result<std::string> changes(Deck&, const Call& call) {
  const GitPlace place = TRY(git_place_of(call));
  std::vector<std::string> parts;
  for (const FileEdit& edit : TRY(wanted_edits(call)))
    parts.push_back(edit.key.empty() ? fmt::format("writes {}", edit.file)
                                     : fmt::format("sets {} of {} to {}", edit.key, edit.file, edit.value));
  return fmt::format("commits to {} of {}: {}", printable(place.branch, 64), printable(place.remote),
                     printable(join(parts, ", "), 600));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const std::vector<FileEdit> edits = TRY(wanted_edits(call));
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  if (const auto made = TRY(find_by_key(*work, call.key)))
    return Outcome{fmt::format("{} has commit {} already", work->describe(), made->id.substr(0, 12)),
                   doc::Value::object({{"commit", made->id}})};
  const std::string id = TRY(work->commit(
      TRY(message_of(call)), [&](const store::GitWork::Read& read) { return edit_files(edits, read); }));
  if (id.empty()) return Outcome{fmt::format("the files of {} are like that already", work->describe())};
  return Outcome{fmt::format("commit {} on {}", id.substr(0, 12), work->describe()),
                 doc::Value::object({{"commit", id}})};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  const std::string id =
      TRY(revert_by_key(*work, call.key, call.key + "/undo", call.rollout_id, call.cause.reason));
  if (id.empty()) return Outcome{"nothing was committed, so nothing is reverted"};
  return Outcome{fmt::format("commit {} on {} takes it back", id.substr(0, 12), work->describe()),
                 doc::Value::object({{"commit", id}})};
}

Result<Asked> ask(Deck& deck, const Call& call) {
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  return TRY(find_by_key(*work, call.key)) ? Asked::done : Asked::not_done;
}

}  // namespace

Action git_commit() { return {"git.commit", git_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
