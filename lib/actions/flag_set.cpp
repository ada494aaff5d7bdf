// flag.set { flag, value }: the kill switch. Undo sets the flag's default again.
#include "actions/action.hpp"
#include "base/text.hpp"

namespace tranche::actions {
namespace {

struct Target {
  const spec::Flag* flag;
  doc::Value value;
};

Result<Target> target_of(Deck& deck, const Call& call) {
  const std::string name = TRY(call.step.with.text("flag"));
  const spec::Flag* flag = call.plan.config.flag(name);
  if (flag == nullptr) flag = deck.app().flag(name);
  if (flag == nullptr)
    return fail_hint(ErrorKind::invalid, "declare it under flags:", "there is no flag '{}'",
                     printable(name, 64));
  const doc::Value* value = call.step.with.find("value");
  if (value == nullptr) return fail(ErrorKind::invalid, "flag.set names no value for '{}'", name);
  return Target{flag, *value};
}

Result<std::string> changes(Deck& deck, const Call& call) {
  const Target target = TRY(target_of(deck, call));
  return fmt::format("sets flag '{}' to {}", target.flag->name, doc::to_json(target.value));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const Target target = TRY(target_of(deck, call));
  TRY(deck.set_flag(*target.flag, target.value, call.key, call.cause));
  return Outcome{fmt::format("flag '{}' is {}", target.flag->name, doc::to_json(target.value))};
}

Result<Outcome> undo(Deck& deck, const Call& call) {
  const Target target = TRY(target_of(deck, call));
  TRY(deck.set_flag(*target.flag, target.flag->fallback, call.key + "/undo", call.cause));
  return Outcome{
      fmt::format("flag '{}' is {} again", target.flag->name, doc::to_json(target.flag->fallback))};
}

// Setting is idempotent under its key: simply do it again.
Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action flag_set() { return {"flag.set", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
