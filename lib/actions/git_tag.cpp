// git.tag { remote, branch, name, message }: marks the branch's newest commit. Tags do not move and are not
// taken back: others may have fetched them.
#include "actions/git_actions.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

Result<std::string> name_of(const Call& call) {
  const std::string name = fill_variables(TRY(call.step.with.text("name")), call);
  if (name.empty()) return fail_hint(ErrorKind::invalid, "write name: NAME", "git.tag names no tag");
  return name;
}

Result<std::string> message_of(const Call& call) {
  const std::string usual = fmt::format("{}: {} of {}", call.plan.app, call.plan.rollout, call.plan.release);
  return git_message(fill_variables(TRY(call.step.with.text_or("message", usual)), call), call.cause.reason,
                     call.rollout_id, call.key);
}

Result<std::string> changes(Deck&, const Call& call) {
  const GitPlace place = TRY(git_place_of(call));
  return fmt::format("tags the newest commit of {} in {} as {}", printable(place.branch, 64),
                     printable(place.remote), printable(TRY(name_of(call)), 64));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  const std::string name = TRY(name_of(call));
  const std::string commit = TRY(work->tag(name, TRY(message_of(call))));
  return Outcome{
      fmt::format("tag '{}' marks {} of {}", printable(name, 64), commit.substr(0, 12), work->describe()),
      doc::Value::object({{"commit", commit}})};
}

Result<Outcome> undo(Deck&, const Call&) {
  return fail_hint(ErrorKind::denied, "git push --delete it, if nobody has fetched it",
                   "a tag is not taken back");
}

Result<Asked> ask(Deck& deck, const Call& call) {
  const auto work = TRY(open_git_place(deck, TRY(git_place_of(call)), call.step.timeout));
  return TRY(work->tagged(TRY(name_of(call)), TRY(message_of(call)))) ? Asked::done : Asked::not_done;
}

}  // namespace

Action git_tag() { return {"git.tag", git_needs, changes, perform, undo, ask}; }

}  // namespace tranche::actions
