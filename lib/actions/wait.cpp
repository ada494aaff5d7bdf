// wait { for }: nothing for a while. When it ends is decided once, at the first look, and kept.
#include "actions/action.hpp"

namespace tranche::actions {
namespace {

Result<Duration> length_of(const Call& call) {
  return TRY_WHILE("reading `for` of wait", parse_duration(TRY(call.step.with.text("for"))));
}

Result<std::string> changes(Deck&, const Call& call) {
  return fmt::format("waits {}", to_text(TRY(length_of(call))));
}

Result<Outcome> perform(Deck& deck, const Call& call) {
  const Duration length = TRY(length_of(call));
  const Instant now = deck.world().clock.now();
  Instant until = now + length;
  if (const doc::Value* kept = call.facts.find("until"); kept != nullptr && kept->is_string())
    until = TRY(parse_instant(kept->as_string()));
  if (now >= until) return Outcome{fmt::format("waited {}", to_text(length))};
  return Outcome{fmt::format("waits {}, until {}", to_text(length), to_text(until)),
                 doc::Value::object({{"until", to_text(until)}}), until};
}

Result<Outcome> undo(Deck&, const Call&) { return Outcome{"time that passed leaves nothing behind"}; }

Result<Asked> ask(Deck&, const Call&) { return Asked::not_done; }

}  // namespace

Action wait() { return {"wait", needs_nothing, changes, perform, undo, ask}; }

}  // namespace tranche::actions
