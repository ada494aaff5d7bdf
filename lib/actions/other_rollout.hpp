// Another rollout of the same app, as rollout.pause and rollout.stop reach it: its event is journalled here,
// its effects are performed when the playbook is over (engine/targets.cpp), or by its own next tick.
#pragma once

#include <optional>
#include <string>

#include "actions/action.hpp"
#include "rollout/state.hpp"

namespace tranche::actions {

// The rollout that a step names. kind invalid: the playbook's own.
Result<std::string> other_rollout(const Call& call);
// As the journal has it; nullopt: never started.
Result<std::optional<rollout::State>> read_rollout(Deck& deck, const std::string& rollout);
// Steps it by an event and journals what comes of it. False: nothing changed. kind denied: not possible in
// its phase; conflict: somebody else moved the journal.
Result<bool> send_event(Deck& deck, const std::string& rollout, const std::string& kind,
                        const rollout::What& what, const Cause& cause);

}  // namespace tranche::actions
